"""Two-stage training: freezing takes three switches, and each validation flips one of them back.

Why it works: requires_grad_(False) stops gradients, eval() stops Dropout and the statistics of
BatchNorm, and an optimizer cannot decay or carry on what it does not hold. The modes are set at the
start of every epoch, since the validation before it has put everything in eval mode. With momentum
0.1, a running mean of 0 and batches of mean 5, three frozen epochs of one batch in train mode move
it to 0.5, 0.95, 1.355, though no gradient ever reached it.
Say in the interview:
- Without gradients the backbone keeps no activations and has no backward pass: stage 2 costs about
  a third per batch. If the data are not augmented, compute the features once.
- A new Adam starts with empty moments; the old one would go on with those of stage 1.
- A weight that both parts share counts as the backbone's: freeze by parameter, not by name.
Asked next: "Why not the head first?" With a pretrained backbone that is the usual order: a new
head's large gradients would wreck it. "And afterwards?" requires_grad is given back, or the next
call would train nothing but the head; what came frozen stays frozen.
Common slips: model.train() in stage 2 without backbone.eval(); modes set once, before the epochs;
frozen parameters in an optimizer with weight decay or momentum; everything unfrozen at the end,
also what came frozen; left frozen.
May be left out if you say so: the errors for empty loaders.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
