"""Bug hunt 3: no gradient is longer than 1.0, and it learns too slowly.

A colleague: "Eight micro-batches for each step, clipped at 1.0, as in the paper. It needs a third
more steps than the paper, and more still if somebody sorts the rows of each batch."

    accumulate_and_clip(model, optimizer, micro_batches, max_norm) -> float
        model          maps x to logits (B, K)
        optimizer      holds all of the model's parameters, in one group or more
        micro_batches  a list of pairs: x (B, F) float and y (B,) int64, B being the same in all
        max_norm       a float

Core, what an interview asks:

    gradient  The step uses the gradient of the mean cross entropy over all samples; where the norm
              of all parameters' gradients together is above max_norm, this vector is shortened to
              max_norm. What was in .grad before has no part. Inputs stay as they are.
    norm      That norm before it is shortened is returned.
    steps     Each micro-batch goes through the model once, in train mode, then the optimizer makes
              one step, with its own rates and momenta.
    memory    What one micro-batch keeps for its gradient is let go before the next begins.

Run the file, fix accumulate_and_clip, run it again.

Medium, 10 minutes. Try one alone: python FILE gradient
"""

import torch
from torch import Tensor, nn


def accumulate_and_clip(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    micro_batches: list[tuple[Tensor, Tensor]],
    max_norm: float,
) -> float:
    model.train()
    optimizer.zero_grad()
    for x, y in micro_batches:
        loss = nn.functional.cross_entropy(model(x), y) / len(micro_batches)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    return norm.item()


def evidence() -> None:
    """What the colleague saw: 26 steps on 32 samples each, their rows in two orders."""
    for said in ("as they come", "sorted by class"):
        torch.manual_seed(0)
        w, x = torch.randn(8, 3), 10 * torch.randn(1900, 8)
        y = (x @ w / 10 + 0.3 * torch.randn(1900, 3)).argmax(dim=1)
        model, losses = nn.Linear(8, 3), []
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for rows in torch.arange(832).split(32):
            if said == "sorted by class":
                rows = rows[y[rows].sort(stable=True).indices]
            batches = [(x[part], y[part]) for part in rows.split(4)]
            accumulate_and_clip(model, optimizer, batches, 1.0)
            with torch.no_grad():
                losses.append(nn.functional.cross_entropy(model(x[1700:]), y[1700:]).item())
        shown = ", ".join(f"{losses[i]:.2f}" for i in range(0, 26, 5))
        print(f"rows {said:15}: loss on others after steps 1, 6, ..., 26: {shown}")
    print(f"{'a right one, in any order':62}: 4.33, 2.91, 1.77, 0.93, 0.51, 0.27")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
