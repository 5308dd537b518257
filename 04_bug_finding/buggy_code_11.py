"""Bug hunt 11: fine for twenty steps, then the loss explodes.

A colleague: "The loss falls as it should, and then it shoots up. A smaller rate only delays it.
One batch at a time, in a notebook cell, I have never seen it."

    fit(model, optimizer, batches) -> list of floats, one for each batch
        model      maps x to logits (N, K); in train or in eval mode when it arrives
        optimizer  holds the model's parameters, in one group or more
        batches    x (N, F) float and y (N,) int64 class indices; sizes differ, one sample is enough

Core, what an interview asks:

    steps   Each batch, in their order, is one step of the optimizer on its mean cross entropy
            alone, in every call. None is left out, whatever its loss is.
    later   A later call goes on where this one stopped: 2 batches, then 3, are like 5 at once.
    losses  The mean cross entropy of each batch, measured before its step.
    modes   Each batch goes through the model once, in train mode.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    stream  batches may be an iterator without a length: it is read once, and the next batch is
            taken after the step on the one before.

Run the file, fix fit, run it again.

Medium, 10 minutes. Try one alone: python FILE steps
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def fit(
    model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable[tuple[Tensor, Tensor]]
) -> list[float]:
    losses = []
    model.train()
    optimizer.zero_grad()
    for x, y in batches:
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def evidence() -> None:
    """What the colleague saw: 160 batches of 32 samples, three classes, three learning rates."""
    for lr in (0.03, 0.01, 0.003):
        torch.manual_seed(0)
        x = torch.randn(160 * 32, 6)
        y = (x[:, :3] + 0.3 * torch.randn(len(x), 3)).argmax(dim=1)
        model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        losses = fit(model, optimizer, zip(x.split(32), y.split(32), strict=True))
        shown = ", ".join(f"{losses[i]:.2f}" for i in (0, 10, 20, 40, 80, 120))
        print(f"rate {lr:5}: loss at steps 0, 10, 20, 40, 80 and 120: {shown}")
    print(
        "a right fit, rate 0.03, gives:                          1.06, 0.94, 0.75, 0.42, 0.20, 0.15"
    )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
