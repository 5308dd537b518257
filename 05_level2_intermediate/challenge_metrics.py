"""Metrics: count first, divide once.

    confusion_matrix(pred (N,), target (N,), num_classes) -> (K, K) int64
    precision_recall_f1(cm (K, K), average="macro") -> three float tensors
    auroc(scores (N,), targets (N,)) -> float
    expected_calibration_error(probs (N, K), targets (N,), num_bins=15) -> float
    MeanMetric: update(values, n), compute() -> float, merge(other)

Labels are int64; the targets of auroc are 0 or 1.

Core, what an interview asks:

    confusion    Row t, column p: how many samples of class t were predicted as p.
    ratios       0 / 0 is 0. average=None: per class, (K,); "macro": the means over all K;
                 "micro": from the counts of all classes added up.
    auroc        The share of pairs (a 1, a 0) whose 1 has the higher score; ties count half.
    calibration  Sum over bins of share * |accuracy - mean confidence|. A row's largest number c is
                 its confidence; bin b = 0, 1, ... has b / num_bins < c <= (b + 1) / num_bins.
    mean         values is the mean of n >= 1 samples, float or tensor (); compute() gives that of
                 all, NaN included. merge adds other's samples; other does not change.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    scale        More samples need no more calls of torch. No tolist(), no NumPy.
                 auroc makes no tensor of all pairs.
    types        bfloat16 is put into bins and added in float32 or wider. update keeps no graph, and
                 values may change later. Ratios stay on cm's device.
    errors       ValueError: a label outside 0 to K - 1 or lengths that differ (confusion_matrix),
                 another average, auroc of one class, compute() of no sample.

Medium, 30 minutes. Try one alone: python FILE auroc
Guide: PyTorch_Mastery_Guide, "Metrics by hand".
"""

import torch
from torch import Tensor


def confusion_matrix(pred: Tensor, target: Tensor, num_classes: int) -> Tensor:
    raise NotImplementedError("confusion_matrix")


def precision_recall_f1(cm: Tensor, average: str | None = "macro") -> tuple[Tensor, Tensor, Tensor]:
    raise NotImplementedError("precision_recall_f1")


def auroc(scores: Tensor, targets: Tensor) -> float:
    raise NotImplementedError("auroc")


def expected_calibration_error(probs: Tensor, targets: Tensor, num_bins: int = 15) -> float:
    raise NotImplementedError("expected_calibration_error")


class MeanMetric:
    def __init__(self) -> None:
        raise NotImplementedError("MeanMetric")

    def update(self, values: Tensor | float, n: int) -> None:
        raise NotImplementedError("MeanMetric.update")

    def compute(self) -> float:
        raise NotImplementedError("MeanMetric.compute")

    def merge(self, other: "MeanMetric") -> None:
        raise NotImplementedError("MeanMetric.merge")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    matrix = confusion_matrix(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), 2).tolist()
    assert matrix == [[1, 1], [0, 1]], matrix

    precision, recall, _ = precision_recall_f1(torch.tensor([[1, 1], [0, 1]]), average=None)
    assert (precision.tolist(), recall.tolist()) == ([1, 0.5], [0.5, 1]), (precision, recall)

    area = auroc(torch.tensor([0.2, 0.2, 0.7]), torch.tensor([0, 1, 1]))  # a tie and a win
    assert area == 0.75, area


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
