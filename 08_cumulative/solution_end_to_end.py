"""End to end: every split has one job, every number one origin, every run one seed.

Why it works: the seed comes before the first draw, so that split, weights, batches and Dropout all
follow from it. Train rows move weights, val rows choose the epoch, test rows do neither: so their
accuracy is that of new data. What is reported is the file, for the file is what will be shipped:
with val accuracies 0.72, 0.74, 0.33 memory holds epoch 3, the file epoch 2.
Say in the interview:
- The best val accuracy is chosen as a maximum and so is too good, the one on the test rows is not,
  as long as nobody chooses by it.
- The file holds the splits: who trains on can avoid the test rows.
- Loss and accuracy are per row, so the last, shorter batch counts for less.
Asked next: "Same seed, other numbers?" Equal seeds give equal bits on one machine and version only;
on a GPU add torch.use_deterministic_algorithms. "Several processes?" Write beside and rename, rank
0 alone.
Common slips: the last epoch's weights reported; best starts at 0, so that an accuracy of 0 saves
nothing; model made before the seed; a test pass every epoch, "only to look"; state_dict() kept in
memory without a copy, so that the best weights train on.
May be left out if you say so: the error for epochs below 1.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset


def make_data() -> tuple[Tensor, Tensor]:
    """x (305, 6) float32 and y (305,) int64 in 0, 1, 2: always the same, sorted by class."""
    generator = torch.Generator().manual_seed(8)
    y = torch.repeat_interleave(torch.tensor([140, 100, 65]))
    centers = 1.2 * torch.randn(3, 6, generator=generator)
    return centers[y] + 0.8 * torch.randn(305, 6, generator=generator), y


class Classifier(nn.Module):
    """x (B, 6) float32 -> logits (B, 3)."""

    def __init__(self) -> None:
        super().__init__()
        hidden = nn.Linear(6, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2)
        self.layers = nn.Sequential(*hidden, nn.Linear(64, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def train_one_epoch(
    model: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer, device: str
) -> float:
    """Mean loss per sample."""
    model.train()
    total, seen = 0.0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        seen += len(y)
    return total / seen


@torch.no_grad()
def measure(
    model: nn.Module, x: Tensor, y: Tensor, device: str
) -> tuple[float, float, list[float]]:
    """(mean loss, accuracy, recall of each class) over all rows."""
    model.eval()
    logits = torch.cat([model(part.to(device)).cpu() for part in x.split(256)])  # (N, K)
    hits = (logits.argmax(dim=1) == y).double()  # (N,)
    recall = [hits[y == k].mean().item() for k in range(logits.shape[1])]
    return cross_entropy(logits, y).item(), hits.mean().item(), recall


def main(
    epochs: int = 12, seed: int = 0, save_dir: str | Path = "runs", device: str = "cpu"
) -> dict[str, Any]:
    """Train, keep the best epoch on disk, report on what is there."""
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}, want at least 1")
    path = Path(save_dir) / "best.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    x, y = make_data()
    train, val, test = torch.randperm(len(y)).split((183, 61, 61))
    splits = {"train": train.tolist(), "val": val.tolist(), "test": test.tolist()}
    loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=32, shuffle=True)
    model = Classifier().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)

    history: dict[str, list[float]] = {"train_loss": [], "val_loss": [], "val_acc": []}
    for epoch in range(1, epochs + 1):
        train_loss = train_one_epoch(model, loader, optimizer, device)
        val_loss, val_acc, _ = measure(model, x[val], y[val], device)
        print(f"epoch {epoch:2}  loss {train_loss:.4f}  val {val_loss:.4f}  accuracy {val_acc:.3f}")
        if not history["val_acc"] or val_acc > max(history["val_acc"]):
            state = {"model": model.state_dict(), "epoch": epoch, "val_acc": val_acc}
            torch.save({**state, "splits": splits}, path)
        history["train_loss"].append(train_loss)
        history["val_loss"].append(val_loss)
        history["val_acc"].append(val_acc)

    best = torch.load(path, map_location=device, weights_only=True)
    model.load_state_dict(best["model"])
    loss, acc, recall = measure(model, x[test], y[test], device)
    shares = " ".join(f"{share:.3f}" for share in recall)
    print(f"test loss {loss:.4f}, accuracy {acc:.3f}, recall {shares}, best epoch {best['epoch']}")
    report = {"test_loss": loss, "test_acc": acc, "test_recall": recall}
    return {**history, "best_epoch": best["epoch"], **report}


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
