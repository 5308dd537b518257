"""One training epoch: the loop that every interview asks for.

A wrong loop runs too. So yours is judged by what it does to parameters and modes, and by the number
that it reports.

    train_one_epoch(model, loader, criterion, optimizer, device) -> float
        model      nn.Module on device; it or parts of it may be in eval mode
        loader     gives pairs x (B, ...), y (B, ...): a DataLoader, a list, any iterable
        criterion  criterion(output, y) is the mean loss of the B samples, a tensor of one number
        optimizer  torch.optim.Optimizer over the model's parameters

Core, what an interview asks:

    order      Per batch, in the loader's order: one forward pass, backward pass and step of the
               given optimizer.
    gradients  A step uses its own batch's gradient alone, whatever was in .grad before the call.
    mode       The whole model is in train mode at each forward pass and after the epoch.
    loss       The result is the mean loss per sample, of the losses before each step.
    device     The model gets x, and the criterion y, on device. They and the model's output are
               otherwise passed on as they come.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    iterables  The loader may be a generator. B may be 1; all sizes may change between batches.
    empty      A loader that gives no batch raises ValueError.
    groups     The optimizer may hold a part of the model, several groups, and parameters of others,
               such as the criterion's.
    losses     A loss of 0, inf or NaN counts like any other. bfloat16 losses are not summed in
               bfloat16.
    memory     At a forward pass at most one earlier batch's autograd graph is in memory.

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
