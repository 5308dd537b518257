"""One training epoch: the loop that every interview asks for.

A wrong loop runs, too, and reports a loss.

    train_one_epoch(model, loader, criterion, optimizer, device) -> float
        model      nn.Module on device, its parts in any mode
        loader     any iterable of pairs x (B, ...), y (B, ...)
        criterion  criterion(output, y) is the mean loss of the B samples

Core, what an interview asks:

    order      Per batch, in the loader's order: one forward pass, backward pass and step of
               the given optimizer.
    gradients  A step uses its own batch's gradient alone, whatever was in .grad before.
    mode       The whole model is in train mode at each forward pass and after the epoch.
    loss       The result is the mean loss per sample, taken before each step.
    device     x and y are used on device. They and the output are otherwise passed on as they come.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    iterables  The loader may be a generator. Sizes may change between batches; B may be 1.
    empty      No batch: ValueError.
    groups     The optimizer may hold several groups, parts of the model, the criterion's
               parameters.
    losses     Losses of 0, inf and NaN count. bfloat16 losses are not summed in bfloat16.
    memory     At a forward pass at most one earlier batch's graph is in memory.

Medium, 15 minutes. Try one alone: python FILE gradients
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def train_one_epoch(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> float:
    raise NotImplementedError("train_one_epoch")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = nn.Linear(1, 1, bias=False)  # one weight: output = weight * x
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    loader = [(torch.full((3, 1), 2.0), torch.zeros(3, 1)), (torch.ones(1, 1), torch.zeros(1, 1))]

    def criterion(output: Tensor, y: Tensor) -> Tensor:
        return (output - y).mean()  # its gradient for the weight is the mean of x

    mean = train_one_epoch(model, loader, criterion, optimizer, torch.device("cpu"))
    # batch 1: loss 0, gradient 2, the weight is -2 after it; batch 2: loss -2, gradient 1
    assert model.weight.item() == -3, model.weight.item()
    assert mean == (3 * 0 + 1 * -2) / 4, mean


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
