"""Two-stage training: freezing takes three switches, and each validation flips one of them back.

Why it works: requires_grad_(False) stops gradients, eval() stops Dropout and the statistics of
BatchNorm, and an optimizer cannot decay or carry on what it does not hold. The modes are set at the
start of every epoch, since the validation before it has put everything in eval mode.
Say in the interview: without gradients the backbone keeps no activations and has no backward pass:
stage 2 costs about a third per batch. The usual order is the other way round, head first: a new
head's large gradients would wreck a pretrained backbone. If the data are not augmented, compute the
features once. A new Adam starts with empty moments; the old one would go on with those of stage 1.
Common slips: model.train() in stage 2 without backbone.eval(); modes set once, before the epochs;
frozen parameters in an optimizer with weight decay or momentum; everything unfrozen at the end,
also what came frozen; left frozen, so that the next call trains nothing but the head.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

Loader = Iterable[tuple[Tensor, Tensor]]
Criterion = Callable[[Tensor, Tensor], Tensor]


class Backbone(nn.Module):
    def __init__(self, in_dim: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_dim, hidden)
        self.norm = nn.BatchNorm1d(hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.linear(x)).relu()  # (B, in_dim) -> (B, hidden)


class Head(nn.Module):
    def __init__(self, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features)  # (B, hidden) -> (B, num_classes)


class BackboneHead(nn.Module):
    def __init__(self, in_dim: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.backbone = Backbone(in_dim, hidden)
        self.head = Head(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))  # (B, in_dim) -> (B, num_classes)


def train_one_epoch(
    model: nn.Module,
    loader: Loader,
    criterion: Criterion,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> float:
    """Mean loss per sample; the modes are the caller's business."""
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
        raise ValueError("train_loader gave no batch")
    return total / seen


@torch.no_grad()
def accuracy_of(model: nn.Module, loader: Loader, device: torch.device) -> float:
    """Share of samples classified right; leaves the model in eval mode."""
    model.eval()
    hits, seen = 0, 0
    for x, y in loader:
        logits = model(x.to(device))  # (B, num_classes)
        hits += (logits.argmax(dim=1) == y.to(device)).sum().item()
        seen += len(y)
    if seen == 0:
        raise ValueError("val_loader gave no batch")
    return hits / seen


def two_stage_train(
    model: nn.Module,
    train_loader: Loader,
    val_loader: Loader,
    criterion: Criterion,
    device: torch.device,
    stage1_epochs: int = 2,
    stage2_epochs: int = 2,
    lr: float = 1e-3,
) -> float:
    """Accuracy on val_loader after both stages. requires_grad is given back."""
    backbone, head = model.get_submodule("backbone"), model.get_submodule("head")
    flags = [(p, p.requires_grad) for p in model.parameters()]
    accuracy = accuracy_of(model, val_loader, device)  # the answer if there is no epoch
    for stage, trained, epochs in ((1, model, stage1_epochs), (2, head, stage2_epochs)):
        if stage == 2:
            backbone.requires_grad_(False)
        optimizer = torch.optim.Adam(trained.parameters(), lr=lr)
        for epoch in range(1, epochs + 1):
            model.train()
            backbone.train(stage == 1)
            loss = train_one_epoch(model, train_loader, criterion, optimizer, device)
            accuracy = accuracy_of(model, val_loader, device)
            print(f"stage {stage} epoch {epoch}: loss {loss:.4f}, val accuracy {accuracy:.3f}")
    for p, flag in flags:
        p.requires_grad_(flag)
    return accuracy


if __name__ == "__main__":
    from challenge_two_stage import check

    check(Backbone, Head, BackboneHead, two_stage_train)

    torch.manual_seed(0)
    y = torch.arange(600) % 4
    x = torch.randn(600, 8) + 1.5 * torch.randn(4, 8)[y]
    train, val, test = (
        list(zip(x[i::3].split(32), y[i::3].split(32), strict=True)) for i in range(3)
    )
    model, criterion, cpu = BackboneHead(8, 32, 4), nn.CrossEntropyLoss(), torch.device("cpu")
    two_stage_train(model, train, val, criterion, cpu, 3, 0, lr=0.01)
    old = {key: value.clone() for key, value in model.backbone.state_dict().items()}
    two_stage_train(model, train, val, criterion, cpu, 0, 3, lr=0.01)
    moved = [key for key, value in model.backbone.state_dict().items() if (value != old[key]).any()]
    print(f"stage 2 moved {len(moved)} of the backbone's {len(old)} parameters and buffers")
    print(f"test report: {accuracy_of(model, test, cpu):.1%} of 200 samples right")
    print("PASS")
