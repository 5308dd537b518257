"""Medical imaging: a rare class, many images of each patient, and an honest report.

9 images of 10 are of class 0. Probabilities are those of class 1.

Core, what an interview asks:

    split      All images of a patient are in one part. Of the n patients with an image of class 1,
               val and test get n // 5 each, of the m others m // 5 each, drawn at random.
    balanced   In each draw both classes are equally likely, and so are the images of a class.
    augment    Each image by itself is flipped left to right with probability 1/2, and top to bottom
               with 1/2.
    threshold  The value in probs with the largest mean of both recalls; of several, the largest.
    numbers    evaluate returns Numbers.
    training   Each epoch has new balanced draws, as many as train images, each augmented anew. A
               batch is a step of all parameters of a Net in train mode on its mean binary
               cross-entropy.
    scaled     Net gets images standardized by mean and std of all pixels of the train images.
    measured   After training Net gets each val and test image once, as it is, in eval mode, without
               gradients.
    report     The threshold is chosen on val, Numbers are those of test.
    learns     make_images(2, 80, contrast=12), 2 epochs: auroc is at least 0.9.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    drawn      All draws come from generator; None is the global one.
    seeded     Equal seeds give equal reports, other seeds other splits, whatever was drawn before.
    one_class  choose_threshold and evaluate raise ValueError where a class has no image.

Hard, 50 minutes. Try one alone: python FILE split
Guide: PyTorch_Mastery_Guide, "Rare and grouped: a medical report".
"""

from typing import TypedDict

import torch
from torch import Generator, Tensor, nn


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
    """patients (N,), y (N,) -> indices of the images of train, val and test."""
    raise NotImplementedError("patient_split")


def draw_balanced(y: Tensor, count: int, generator: Generator | None = None) -> Tensor:
    """y (N,) -> (count,) indices from 0 to N - 1; one may come often."""
    raise NotImplementedError("draw_balanced")


def augment(images: Tensor, generator: Generator | None = None) -> Tensor:
    """(B, C, H, W) -> a new tensor of that shape."""
    raise NotImplementedError("augment")


def choose_threshold(probs: Tensor, y: Tensor) -> float:
    raise NotImplementedError("choose_threshold")


def evaluate(probs: Tensor, y: Tensor, threshold: float) -> Numbers:
    raise NotImplementedError("evaluate")


def run(images: Tensor, y: Tensor, patients: Tensor, epochs: int = 8, seed: int = 0) -> Report:
    """Adam with rate 0.01 and batches of 32 do it."""
    raise NotImplementedError("run")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    probs, y = torch.tensor([0.25, 0.5, 0.75, 0.75]), torch.tensor([0, 0, 0, 1])
    assert choose_threshold(probs, y) == 0.75, choose_threshold(probs, y)
    numbers = evaluate(probs, y, 0.5)  # predicted: 0, 1, 1, 1
    assert (numbers["accuracy"], numbers["recall"][1]) == (0.5, 1), numbers


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
