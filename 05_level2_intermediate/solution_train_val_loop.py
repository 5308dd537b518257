"""Train, validate, repeat: one function changes the model, the other only looks at it.

Why it works: the criterion gives a mean, so it is weighed with the batch's size, and hits are
counted, not averaged. Of batches with 1 hit in 4 samples and 1 hit in 1 sample the accuracy is
2 / 5 = 0.4; the mean of the two shares is 0.625.
eval() and no_grad() are two things: the first changes what Dropout and BatchNorm do, the second
stops autograd. Validation needs both. Each module gets its own mode back, since a frozen BatchNorm
may be in eval mode on purpose; finally does it even if a batch cannot be read and the caller goes
on.
Say in the interview:
- Validation keeps no graph: it needs the memory of one layer's activations at a time.
- train_loss comes from a model that changes and drops units, so it may lie above val_loss.
- item() waits for the GPU; sums kept on the device, in float32 at least, save that.
Asked next: "Why not put the modes back with model.train()?" It sets all modules, also those that
were in eval mode on purpose. "What does inference_mode add?" It skips version counters, too, so it
is a little faster; its results can never be used in a graph.
Common slips: model.train() called once before all epochs; no_grad taken for eval; accuracy per
batch; mean of batch means; validate that ends in model.train(), whatever the mode was; gradients
switched on again after validation, though the caller had switched them off.
May be left out if you say so: the modes of single modules, the error for an empty loader.
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
    model: nn.Module, loader: Loader, criterion: LossFn, device: torch.device
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
    criterion: LossFn,
    optimizer: Optimizer,
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
