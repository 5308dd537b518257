"""Bug hunt 5: the same model scores differently on the same data.

A colleague: "I validate twice in a row, nothing changed in between, and the accuracy moves by
points. How am I to tell which of two checkpoints is better?"

    validate(model, batches) -> float
        model    maps x (N, F) to logits (N, K); when it arrives, all its modules are in train
                 mode, or all in eval mode
        batches  iterable of x (N, F) float and y (N,) int64 class indices

Core, what an interview asks:

    score    The share of all samples whose class the model ranks first, as users will meet the
             model in production.
    batches  They can be read once only and differ in size, one sample is enough. Each sample
             counts alike.
    modes    Training goes on afterwards: each module is in the mode in which it came, and torch
             records gradients if it did before. validate itself records none.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    traces   It leaves none: parameters (grad and requires_grad too), buffers, attributes of the
             modules and torch's random number generator are afterwards what they were.

Run the file, fix validate, run it again.

Medium, 15 minutes. Try one alone: python FILE score
Guide: https://docs.pytorch.org/docs/stable/notes/autograd.html
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def validate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    correct = total = 0
    for x, y in batches:
        predicted = model(x).argmax(dim=1)
        correct += (predicted == y).sum().item()
        total += len(y)
    return correct / total


def evidence() -> None:
    """What the colleague saw: one model, one set of data, five runs."""
    torch.manual_seed(0)
    x = torch.randn(192, 10)
    y = (x[:, :3] + 0.5 * torch.randn(192, 3)).argmax(dim=1)
    batches = list(zip(x.split(64), y.split(64), strict=True))
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(15):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    scores = " ".join(f"{validate(model, batches):.3f}" for _ in range(5))
    print(f"five runs: {scores}")
    print("A right validate gives one and the same number, a higher one, five times.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
