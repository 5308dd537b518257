"""Early stopping: train until the validation accuracy stops rising, leave with the best weights.

Why it works: state_dict() returns references to the tensors that the optimizer writes into, so the
best state is a deep copy, taken at each improvement. load_state_dict copies it back into the same
tensors: the optimizer and everyone else who holds the parameters sees them. The buffers come too;
weights with the running statistics of another epoch are a model that was never validated.
Say in the interview: one copy of the model in memory, or on disk if it is large; the optimizer's
state is that of the last epoch, so to train on, save both. Accuracy comes in steps of one sample
and has ties: the loss is finer, a min_delta ignores noise. The best of many validations is
optimistic: report on a test set. Patience has to outlast a plateau and a warm-up.
Common slips: best = model.state_dict(), with or without dict.copy(), which follows the training;
best_acc = 0.0 and then no weights to restore; patience that is not reset; restoring only if it was
stopped early; >= for >.
"""

import copy
import math
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
) -> None:
    model.train()
    batches = 0
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x.to(device)), y.to(device)).backward()
        optimizer.step()
        batches += 1
    if batches == 0:
        raise ValueError("the training loader gave no batch")


@torch.no_grad()
def accuracy(model: nn.Module, loader: Loader, device: torch.device) -> float:
    """Share of samples classified right, in eval mode."""
    model.eval()
    hits = [(model(x.to(device)).argmax(dim=1) == y.to(device)) for x, y in loader]  # of (B,)
    if not hits:
        raise ValueError("the validation loader gave no batch")
    return torch.cat(hits).double().mean().item()


def early_stopping_loop(
    model: nn.Module,
    train_loader: Loader,
    val_loader: Loader,
    criterion: Criterion,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    max_epochs: int,
    patience: int,
) -> tuple[float, int]:
    """(best validation accuracy, epochs run); ValueError for a limit below 1 or an empty loader."""
    if max_epochs < 1 or patience < 1:
        raise ValueError(f"max_epochs {max_epochs}, patience {patience}: want both at least 1")
    best_acc, best_epoch = -math.inf, 0
    for epoch in range(1, max_epochs + 1):
        train_one_epoch(model, train_loader, criterion, optimizer, device)
        acc = accuracy(model, val_loader, device)
        if acc > best_acc:
            best_acc, best_epoch = acc, epoch
            best_state = copy.deepcopy(model.state_dict())
        elif epoch - best_epoch == patience:
            break
    model.load_state_dict(best_state)
    return best_acc, epoch


if __name__ == "__main__":
    from challenge_early_stopping import check

    check(early_stopping_loop)

    torch.manual_seed(0)
    x = torch.randn(1060, 20)
    y = (x[:, 0] + x[:, 1] + torch.randn(1060) > 0).long()  # a third of what decides is noise
    train, val, cpu = [(x[:60], y[:60])], [(x[60:], y[60:])], torch.device("cpu")
    start = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 2))
    for patience in (10, 100):
        model = copy.deepcopy(start)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        criterion = nn.CrossEntropyLoss()
        best_acc, stopped = early_stopping_loop(
            model, train, val, criterion, optimizer, cpu, max_epochs=100, patience=patience
        )
        print(f"patience {patience}: {stopped} epochs, best validation accuracy {best_acc:.3f}")
    model = copy.deepcopy(start)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(100):
        train_one_epoch(model, train, criterion, optimizer, cpu)
    print(f"last weights after 100 epochs: {accuracy(model, val, cpu):.3f}")
    print("PASS")
