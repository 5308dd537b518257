"""One training epoch: the loop that every interview asks for.

A wrong loop runs too, and its loss often falls all the same. So yours is judged by what it does to
parameters and modes, and by the number that it reports.

    train_one_epoch(model, loader, criterion, optimizer, device) -> float
        model      nn.Module, already on device; it or parts of it may be in eval mode
        loader     gives pairs x (B, ...), y (B, ...): a DataLoader, a list, any iterable
        criterion  criterion(output, y) is a tensor of one number: the mean loss of the B samples
        optimizer  torch.optim.Optimizer over the model's parameters
        device     torch.device

Core, what an interview asks:

    order      Per batch, in the loader's order: one forward pass, one backward pass and one step of
               the given optimizer.
    gradients  Each step uses the gradient of its own batch's mean loss. Gradients of other batches,
               or from before the call, have no part in it.
    mode       The whole model is in train mode at each forward pass and after the epoch.
    loss       The result is a float: the mean loss per sample. Each sample counts once, with the
               loss that its batch had before its step.
    device     The model gets x, and the criterion y, on device. x, y and the model's output are
               otherwise passed on as they come, dtype and shape included.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    iterables  The loader may have no length and can be read once only. B may be 1; B and all other
               sizes may change from batch to batch.
    empty      A loader that gives no batch raises ValueError.
    groups     The optimizer may hold only a part of the model, several groups, and parameters of
               others, such as the criterion's. Buffers and parameters are as after plain training.
    losses     A loss of 0, inf or NaN counts like any other. Losses in bfloat16 are summed without
               rounding to bfloat16.
    memory     At a forward pass no more than one earlier batch's autograd graph is in memory.

Medium, 15 minutes. Try one alone: python FILE gradients
Guide: PyTorch_Mastery_Guide, "One step" and "One epoch".
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
