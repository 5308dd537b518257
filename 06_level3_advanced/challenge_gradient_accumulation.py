"""Gradient accumulation: the step of a big batch in the memory of a small one.

Every accum_steps batches in a row are a group; the last may be shorter.

    train_one_epoch_accum(model, ..., accum_steps) -> float
        loader     gives x, y (B, ...)
        criterion  (output, y) -> mean loss

Core, what an interview asks:

    order      Each batch, in order, gets one forward pass, each group one step after its last.
    gradients  A full group of equal batches uses the gradient of its mean loss alone.
    mode       The whole model is in train mode at each forward pass and afterwards.
    loss       The mean loss per sample.
    device     x and y reach model and criterion on device, otherwise unchanged.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    last       A shorter last group uses its own mean loss.
    uneven     If B varies, all samples of a group weigh the same.
    iterables  The loader may be an iterator. B may be 1.
    groups     There may be several parameter groups. Parameters may lack a gradient.
    losses     Losses 0, inf and NaN count. Sums aren't rounded to bfloat16.
    memory     In memory are at most two groups and, at a forward pass, one earlier graph.
    errors     No batch, accum_steps <= 0: ValueError; the latter before anything is read or
               changed.

Medium, 20 minutes. Try one alone: python FILE order
Guide: https://docs.pytorch.org/docs/stable/notes/amp_examples.html#gradient-accumulation
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def train_one_epoch_accum(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    accum_steps: int,
) -> float:
    raise NotImplementedError("train_one_epoch_accum")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = nn.Linear(1, 1, bias=False)  # one weight: output = weight * x
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    loader = [(torch.full((2, 1), x), torch.zeros(2, 1)) for x in (2.0, 4.0, 5.0)]

    def criterion(output: Tensor, y: Tensor) -> Tensor:
        return (output - y).mean()  # its gradient for the weight is the mean of x

    mean = train_one_epoch_accum(model, loader, criterion, optimizer, torch.device("cpu"), 2)
    # batches 1 and 2: losses 0, the mean of x is 3, the weight is -3 after their step
    # batch 3: loss -3 * 5, the mean of x is 5, the weight is -8 after its step
    assert model.weight.item() == -8, model.weight.item()
    assert mean == (0 + 0 - 15) / 3, mean


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
