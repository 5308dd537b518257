"""Train, validate, repeat: the loop that tells whether a model learns or memorizes.

A loss that falls in training alone says little. Validation measures on other data, and leaves no
trace in the model.

    train_one_epoch   float: mean loss
    validate          (mean loss, accuracy), floats
    train_for_epochs  dict of lists: train_loss, val_loss, val_acc

    model      x (B, ...) -> logits (B, K)
    loader     x, int64 classes y (B,); B may change
    criterion  the batch's mean loss

Core, what an interview asks:

    steps      Training makes one forward, backward and step per batch, with its gradient alone.
    loss       The mean per sample; in training, before the step.
    accuracy   The share of samples whose label has the largest logit.
    untouched  validate makes one forward pass per batch, with no graph. Parameters, .grad,
               requires_grad and buffers stay.
    history    Each epoch trains, validates, then adds a float to each list.
    mode       All modules train in train mode, validate in eval mode.
    device     x and y go to device, otherwise as they come.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    restored   validate restores all modes and torch.is_grad_enabled(), also when an error or Ctrl-C
               passes. Training ends in train mode.
    iterables  Loaders may lack a length. Each is read once an epoch.
    empty      No batches: ValueError.
    groups     The optimizer may hold part of a model, in groups.
    losses     inf and NaN count. bfloat16 losses are summed without rounding.

Medium, 25 minutes. Try one alone: python FILE accuracy
Guide: https://docs.pytorch.org/tutorials/beginner/introyt/trainingyt.html
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

Loader = Iterable[tuple[Tensor, Tensor]]
LossFn = Callable[[Tensor, Tensor], Tensor]
Optimizer = torch.optim.Optimizer


def train_one_epoch(
    model: nn.Module, loader: Loader, criterion: LossFn, optimizer: Optimizer, device: torch.device
) -> float:
    raise NotImplementedError("train_one_epoch")


def validate(
    model: nn.Module, loader: Loader, criterion: LossFn, device: torch.device
) -> tuple[float, float]:
    raise NotImplementedError("validate")


def train_for_epochs(
    model: nn.Module,
    train_loader: Loader,
    val_loader: Loader,
    criterion: LossFn,
    optimizer: Optimizer,
    device: torch.device,
    epochs: int,
) -> dict[str, list[float]]:
    raise NotImplementedError("train_for_epochs")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""

    def criterion(logits: Tensor, y: Tensor) -> Tensor:
        return logits[:, 0].mean()  # the loss; of a linear layer its gradient is the mean of x

    logits = torch.tensor([[2.0, 0.0], [4.0, 9.0], [0.0, 3.0]])  # a model that gives x back
    loader = [(logits[:2], torch.tensor([0, 1])), (logits[2:], torch.tensor([0]))]
    got = validate(nn.Identity(), loader, criterion, torch.device("cpu"))
    assert got == ((2 * 3 + 1 * 0) / 3, 2 / 3), got

    nn.init.zeros_((model := nn.Linear(1, 1, bias=False)).weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    loader = [(torch.ones(3, 1), torch.zeros(3, dtype=torch.int64))]  # a step takes 1 off weight
    got = train_for_epochs(model, loader, loader, criterion, optimizer, torch.device("cpu"), 2)
    assert got == {"train_loss": [0, -1], "val_loss": [-1, -2], "val_acc": [1, 1]}, got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
