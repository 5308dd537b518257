"""Medical imaging: split by what will be new, decide on val, report on test, class by class.

Why it works: a new patient is what the net will meet, so patients are drawn, not images; otherwise
it recognizes the background of a patient whom it has trained on. With 9 images of 10 in class 0 a
net that always says 0 has accuracy 0.9, recalls 1.0 and 0.0, their mean 0.5 and AUROC 0.5: the last
two say what it is worth.
Say in the interview:
- Mean and std, like all that is fitted, come from train images. The threshold is fitted on val: the
  best one of test would be a maximum over noise.
- Val has few images of class 1, so the threshold is uncertain: say how many they are, and use
  several splits before you believe a recall.
- Balanced draws repeat the rare images, so they are augmented; val and test are not.
- Balanced draws teach the net a world with half of class 1. AUROC does not see that, calibration
  does: its probabilities are too high.
Asked next: "How do you mend the calibration?" The odds are too high by the factor (n_0 / n_1) of
train: multiply them by n_1 / n_0, or fit a temperature and a bias on val. "Focal loss instead?" It
weighs hard images more and draws none twice; its probabilities are off in another way.
Common slips: images split, not patients; threshold or epoch chosen on test; augmented test images;
accuracy reported alone; one flip drawn for the whole batch; images without a class 1 in val.
May be left out if you say so: the errors for a missing class.
"""

from typing import TypedDict

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits


def make_images(seed: int, count: int = 150, contrast: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """images (N, 1, 12, 12), y (N,) 0 or 1, patients (N,): 2 to 5 images of each of count patients.
    Images of class 1 have a cross, half of the others a bar, and each patient a background."""
    draw = torch.Generator().manual_seed(seed)
    patients = torch.arange(count).repeat_interleave(torch.randint(2, 6, (count,), generator=draw))
    n = len(patients)
    sick = torch.rand(count, generator=draw) < 0.15
    y = (sick[patients] & (torch.rand(n, generator=draw) < 0.7)).long()
    coarse = torch.randn(count, 1, 3, 3, generator=draw).repeat_interleave(4, 2)
    images = 5 + 2 * coarse.repeat_interleave(4, 3)[patients]
    images += torch.randn(n, 1, 12, 12, generator=draw)
    for i, (row, col) in enumerate(torch.randint(1, 9, (n, 2), generator=draw).tolist()):
        label = int(y[i])
        images[i, 0, row - 1 : row + 4, col + 1] += contrast * label
        images[i, 0, row + 1, col - 1 : col + 4] += contrast * max(label, i % 2)
    return images, y, patients


class Net(nn.Module):
    """x (B, 1, H, W) -> logits (B,), high for class 1."""

    def __init__(self) -> None:
        super().__init__()
        first = nn.Conv2d(1, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU()
        last = nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, 1), nn.Flatten(0)
        self.layers = nn.Sequential(*first, *last)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Numbers(TypedDict):  # what is predicted is 1 where the probability is threshold or more
    accuracy: float
    recall: list[float]  # of class 0, of class 1
    auroc: float  # share of pairs (a 1, a 0) whose 1 has the larger probability, ties half
    calibration: float  # expected calibration error of [1 - p, p], 15 bins: see challenge_metrics


class Report(Numbers):
    threshold: float
    splits: dict[str, list[int]]  # "train", "val", "test": indices of images


def patient_split(
    patients: Tensor, y: Tensor, generator: Generator | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers of the images for train, val and test. Patients are drawn, not images."""
    sick = patients[y == 1].unique()
    well = patients[~torch.isin(patients, sick)].unique()
    parts: list[list[Tensor]] = [[], [], []]
    for some in (sick, well):
        fifth = len(some) // 5
        order = some[torch.randperm(len(some), generator=generator)]
        drawn = order.split([len(some) - 2 * fifth, fifth, fifth])
        for part, ids in zip(parts, drawn, strict=True):
            part.append(ids)
    train, val, test = (torch.isin(patients, torch.cat(part)).nonzero()[:, 0] for part in parts)
    return train, val, test


def draw_balanced(y: Tensor, count: int, generator: Generator | None = None) -> Tensor:
    """(count,) image numbers, with replacement, both classes equally likely."""
    weights = 1 / y.bincount()[y].double()  # (N,)
    return torch.multinomial(weights, count, replacement=True, generator=generator)


def augment(images: Tensor, generator: Generator | None = None) -> Tensor:
    """(B, 1, H, W) -> the same; each image is flipped for itself."""
    for dim in (2, 3):
        flip = torch.rand(len(images), generator=generator) < 0.5  # (B,)
        images = torch.where(flip[:, None, None, None], images.flip(dim), images)
    return images


def recalls(predicted: Tensor, y: Tensor) -> list[float]:
    """The share of each class's images that are predicted as such."""
    return [(predicted[y == k] == k).double().mean().item() for k in (0, 1)]


def need_both(y: Tensor) -> None:
    if len(y.unique()) < 2:
        raise ValueError(f"labels {y.unique().tolist()}, want images of both classes")


def choose_threshold(probs: Tensor, y: Tensor) -> float:
    """The probability with the largest mean recall, of several the largest."""
    need_both(y)
    values = probs.unique().tolist()  # ascending
    return max(values, key=lambda value: (round(sum(recalls(probs >= value, y)), 9), value))


def evaluate(probs: Tensor, y: Tensor, threshold: float) -> Numbers:
    """All numbers from probabilities (N,) and labels (N,)."""
    need_both(y)
    probs = probs.double()
    predicted = (probs >= threshold).long()
    ones, zeros = probs[y == 1], probs[y == 0]
    wins = (ones[:, None] > zeros).double() + 0.5 * (ones[:, None] == zeros)  # all pairs
    confidence = torch.maximum(probs, 1 - probs)
    hits = ((probs > 0.5) == y).double()
    bins = ((confidence * 15).ceil().long() - 1).clamp(0, 14)
    gaps = torch.zeros(15, dtype=torch.float64).index_add(0, bins, hits - confidence)
    return {
        "accuracy": (predicted == y).double().mean().item(),
        "recall": recalls(predicted, y),
        "auroc": wins.mean().item(),
        "calibration": gaps.abs().sum().item() / len(y),
    }


def run(images: Tensor, y: Tensor, patients: Tensor, epochs: int = 8, seed: int = 0) -> Report:
    """Split, train on balanced batches, choose the threshold on val, report on test."""
    torch.manual_seed(seed)
    train, val, test = patient_split(patients, y)
    std, mean = torch.std_mean(images[train])
    scaled = (images - mean) / std
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    model.train()
    for _ in range(epochs):
        for rows in train[draw_balanced(y[train], len(train))].split(32):
            loss = binary_cross_entropy_with_logits(model(augment(scaled[rows])), y[rows].float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model.eval()
    with torch.no_grad():
        val_probs, test_probs = (model(scaled[rows]).sigmoid() for rows in (val, test))
    threshold = choose_threshold(val_probs, y[val])
    numbers = evaluate(test_probs, y[test], threshold)
    splits = {"train": train.tolist(), "val": val.tolist(), "test": test.tolist()}
    return {**numbers, "threshold": threshold, "splits": splits}


# The whole scenario; tests/test_08_cumulative.py has three seeds.
if __name__ == "__main__":
    images, y, patients = make_images(seed=0)
    report = run(images, y, patients)
    test = y[report["splits"]["test"]]
    always = (test == 0).double().mean().item()
    print(f"test: {len(test)} images, {int(test.sum())} of class 1")
    print(f"  accuracy {report['accuracy']:.3f}, of always 0: {always:.3f}")
    print(f"  recall of 0 {report['recall'][0]:.3f}, of 1 {report['recall'][1]:.3f}", end="")
    print(f", at the threshold {report['threshold']:.2f} of val")
    print(f"  AUROC {report['auroc']:.3f}, calibration error {report['calibration']:.3f}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
