"""Train, validate, repeat: one function changes the model, the other only looks at it.

Why it works: criterion gives a mean, so it is weighted with the batch's size, and hits are counted,
not averaged: a short last batch counts by its samples. eval() and no_grad() are two things: the
first changes what Dropout and BatchNorm do, the second stops autograd. Validation needs both, and
each module gets its own mode back, since a frozen BatchNorm may be in eval mode on purpose; finally
does it even if a batch cannot be read and the caller goes on.
Say in the interview: validation costs one forward pass and the memory of one layer's activations
at a time, as no graph is kept; inference_mode is a little faster still. train_loss comes from a
model that changes and drops units, so it may lie above val_loss. item() waits for the GPU: sums
kept on the device save that.
Common slips: model.train() called once before all epochs; no_grad taken for eval; accuracy per
batch; mean of batch means; validate that ends in model.train(), whatever the mode was; gradients
switched on again after validation, though the caller had switched them off.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

Loader = Iterable[tuple[Tensor, Tensor]]
Criterion = Callable[[Tensor, Tensor], Tensor]


def train_one_epoch(
    model: nn.Module,
    loader: Loader,
    criterion: Criterion,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> float:
    """Mean loss per sample over one pass of the loader. No batch: ValueError."""
    model.train()
    total, seen = 0.0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        seen += len(y)
    if seen == 0:
        raise ValueError("the training loader gave no batch")
    return total / seen


@torch.no_grad()
def validate(
    model: nn.Module, loader: Loader, criterion: Criterion, device: torch.device
) -> tuple[float, float]:
    """(mean loss per sample, share of samples classified right). No batch: ValueError."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    total, hits, seen = 0.0, 0, 0
    try:
        for x, y in loader:
            x, y = x.to(device), y.to(device)
            logits = model(x)  # (B, K)
            total += criterion(logits, y).item() * len(y)
            hits += (logits.argmax(dim=1) == y).sum().item()
            seen += len(y)
    finally:
        for module, training in modes:
            module.training = training
    if seen == 0:
        raise ValueError("the validation loader gave no batch")
    return total / seen, hits / seen


def train_for_epochs(
    model: nn.Module,
    train_loader: Loader,
    val_loader: Loader,
    criterion: Criterion,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    epochs: int,
) -> dict[str, list[float]]:
    """{"train_loss", "val_loss", "val_acc"}: one float per epoch each."""
    history: dict[str, list[float]] = {"train_loss": [], "val_loss": [], "val_acc": []}
    for _ in range(epochs):
        train_loss = train_one_epoch(model, train_loader, criterion, optimizer, device)
        val_loss, val_acc = validate(model, val_loader, criterion, device)
        history["train_loss"].append(train_loss)
        history["val_loss"].append(val_loss)
        history["val_acc"].append(val_acc)
    return history


if __name__ == "__main__":
    from challenge_train_val_loop import check

    check(train_one_epoch, validate, train_for_epochs)
    print("PASS")
