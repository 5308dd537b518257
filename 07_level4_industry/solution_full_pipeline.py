"""A full training pipeline: seed, split, train, validate, keep the best, all of it repeatable.

Why it works: the split is one permutation of indices, drawn before any row is read. Two datasets
over the same rows, one augmented and one not, share it; a Subset of one augmented dataset would
augment the validation as well. torch.save copies the weights to the disk at once, so later steps
cannot reach them: with accuracies 0.3, 0.8, 0.4 the file holds epoch 2, memory epoch 3. Split,
order, augmentation and initial weights all come from torch's generator. round, since
100 * 0.29 is 28.999..., of which int makes 28.
Say in the interview:
- The best of many validations is optimistic, so report on rows that chose nothing (test).
- To resume, save optimizer, epoch and generators too; to survive a crash while saving, write
  beside and rename.
Asked next: "And with workers?" They have generators of their own, seeded by torch from the
loader's; one that the dataset made itself has to be seeded in a worker_init_fn. "On a GPU?"
Bit-equal runs also need torch.use_deterministic_algorithms.
Common slips: saving after the loop, so the last instead of the best; random_split of an augmented
dataset; best = 0.0 and then no file if no epoch beats it; a reference to state_dict() kept in
memory, which goes on training; a loader's generator with a fixed seed, which no set_seed reaches.
May be left out if you say so: the errors for empty parts and epochs.
"""

import logging
import math
import random
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

log = logging.getLogger(__name__)


class SignalDataset(Dataset[tuple[Tensor, Tensor]]):
    """Noisy signals x (16,) float32 of one, two or three humps, y () int64: 0, 1, 2, sorted by it.

    The same rows each time, others for another rows_seed. augment: each time a row is read, it is
    mirrored or not, as torch's global generator draws.
    """

    def __init__(self, num_samples: int, augment: bool = False, rows_seed: int = 0) -> None:
        rng = torch.Generator().manual_seed(rows_seed)
        self.y = torch.arange(num_samples) * 3 // num_samples
        humps = torch.sin((self.y[:, None] + 1) * torch.linspace(0, math.pi, 16)).abs()
        self.x = humps + 0.4 * torch.randn(num_samples, 16, generator=rng)
        self.augment = augment

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        mirrored = self.augment and torch.rand(()) < 0.5
        return self.x[i].flip(0) if mirrored else self.x[i], self.y[i]


class SignalNet(nn.Sequential):
    """x (B, 16) -> logits (B, 3)."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(16, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 3))


def set_seed(seed: int = 42) -> None:
    """Seed the global generators of torch (every device), numpy and random."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def build_dataloaders(
    num_samples: int = 200, batch_size: int = 16, val_ratio: float = 0.2
) -> tuple[DataLoader, DataLoader]:
    """(train, val). A part without rows: ValueError."""
    n_val = round(num_samples * val_ratio)
    if not 0 < n_val < num_samples:
        raise ValueError(f"{n_val} of {num_samples} rows for validation, want some in each part")
    order = torch.randperm(num_samples).tolist()
    train = Subset(SignalDataset(num_samples, augment=True), order[n_val:])
    val = Subset(SignalDataset(num_samples), order[:n_val])
    return DataLoader(train, batch_size, shuffle=True), DataLoader(val, batch_size)


def train_one_epoch(
    model: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer
) -> float:
    """Mean loss per row, while it falls."""
    model.train()
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses += [loss.item()] * len(y)
    return fmean(losses)


@torch.no_grad()
def evaluate(model: nn.Module, loader: DataLoader) -> tuple[float, float]:
    """(mean loss per row, accuracy) in eval mode."""
    model.eval()
    pairs = [(model(x), y) for x, y in loader]
    logits, y = (torch.cat(part) for part in zip(*pairs, strict=True))  # (N, 3), (N,)
    hits = logits.argmax(dim=1) == y  # (N,)
    return nn.functional.cross_entropy(logits, y).item(), hits.double().mean().item()


def run_full_pipeline(epochs: int = 5, save_dir: str | Path = "checkpoints") -> float:
    """The best validation accuracy; its weights are in save_dir/best.pt. epochs < 1: ValueError."""
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}, want 1 or more")
    set_seed()
    train_loader, val_loader = build_dataloaders()
    model = SignalNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    path = Path(save_dir, "best.pt")
    path.parent.mkdir(parents=True, exist_ok=True)
    best = -math.inf
    for epoch in range(1, epochs + 1):
        train_loss = train_one_epoch(model, train_loader, optimizer)
        val_loss, val_acc = evaluate(model, val_loader)
        if val_acc > best:
            best = val_acc
            torch.save({"model": model.state_dict(), "val_acc": val_acc}, path)
        log.info(
            f"epoch {epoch}/{epochs}: train loss {train_loss:.3f}, val loss {val_loss:.3f}, "
            f"val accuracy {val_acc:.3f}, best {best:.3f}"
        )
    return best


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
