"""Metrics: everything is a count until the last line, where one division is made.

Why it works: a pair (true, predicted) is one number, true * K + predicted, so bincount counts all
cells at once. AUROC counts, for each 1, the zeros of lower levels and half of those of its own:
with 0 and 1 at level 0.2 and a 1 at 0.7 it is (0.5 + 1) / 2 = 0.75. In a bin, share times
|accuracy - confidence| is |sum of (hit - confidence)| / N: the size of the bin cancels.
Say in the interview:
- A short batch weighs less, so a mean needs its total and its count; with ranks or workers both are
  added before the division. F1 and AUROC of batches cannot be averaged at all.
- Macro counts each class alike, micro each sample: with one label per sample micro precision,
  recall and F1 are all the accuracy.
- AUROC looks at the order of the scores alone: it does not see calibration or the threshold. Where
  ones are rare, look at precision and recall, too.
Asked next: "Is F1 from mean precision and mean recall the macro F1?" No: classes with (1, 0) and
(0, 1) have F1 0 each, from the means 0.5 and 0.5 it would be 0.5.
"What is wrong with the calibration error?" It depends on the bins, few samples make it look worse
than it is, and predicting the base rate always makes it 0.
Common slips: matrix transposed; 0 / 0 left as NaN, which makes a mean over classes NaN; tied scores
ranked by where they stand in the file; confidence 1.0 outside the last bin; a mean of batch means.
May be left out if you say so: the errors; all pairs instead of levels for a small N.
"""

import torch
from torch import Tensor


def confusion_matrix(pred: Tensor, target: Tensor, num_classes: int) -> Tensor:
    """(N,), (N,) -> (K, K) int64, rows true. Labels or lengths that do not fit: ValueError."""
    if pred.shape != target.shape:
        raise ValueError(f"pred {tuple(pred.shape)}, target {tuple(target.shape)}, want the same")
    for name, labels in (("pred", pred), ("target", target)):
        if ((labels < 0) | (labels >= num_classes)).any():
            raise ValueError(f"{name} has labels outside 0 to {num_classes - 1}")
    cells = torch.bincount(target * num_classes + pred, minlength=num_classes**2)
    return cells.view(num_classes, num_classes)


def precision_recall_f1(cm: Tensor, average: str | None = "macro") -> tuple[Tensor, Tensor, Tensor]:
    """(K, K) -> precision, recall, F1: (K,) for None, () for "macro" and "micro"."""
    if average not in (None, "macro", "micro"):
        raise ValueError(f"average is {average!r}, want None, 'macro' or 'micro'")
    hits, predicted, true = cm.diagonal(), cm.sum(dim=0), cm.sum(dim=1)  # (K,)
    if average == "micro":
        hits, predicted, true = hits.sum(), predicted.sum(), true.sum()
    # where a count is 0, so are the hits; F1 = 2 P R / (P + R) = 2 hits / (predicted + true)
    ratios = [
        hits / predicted.clamp(min=1),
        hits / true.clamp(min=1),
        2 * hits / (predicted + true).clamp(min=1),
    ]
    precision, recall, f1 = (r.mean() for r in ratios) if average == "macro" else ratios
    return precision, recall, f1


def auroc(scores: Tensor, targets: Tensor) -> float:
    """(N,), (N,) of 0 and 1 -> P(score of a 1 > score of a 0) + P(equal) / 2."""
    levels, level = scores.unique(return_inverse=True)  # ascending
    ones = torch.bincount(level[targets == 1], minlength=len(levels))
    zeros = torch.bincount(level[targets == 0], minlength=len(levels))
    pairs = int(ones.sum() * zeros.sum())
    if not pairs:
        raise ValueError("all targets are of one class, want zeros and ones")
    below = zeros.cumsum(0) - zeros
    return (ones * (2 * below + zeros)).sum().item() / (2 * pairs)


def expected_calibration_error(probs: Tensor, targets: Tensor, num_bins: int = 15) -> float:
    """(N, K), (N,) -> the mean gap between confidence and accuracy, bin by bin."""
    confidence, predicted = probs.double().max(dim=1)  # (N,)
    bins = (confidence * num_bins).ceil().long() - 1
    bins = bins.clamp(0, num_bins - 1)  # softmax may round to a little more than 1
    gaps = confidence.new_zeros(num_bins)
    gaps = gaps.index_add(0, bins, (predicted == targets).double() - confidence)
    return gaps.abs().sum().item() / len(probs)


class MeanMetric:
    """A mean over samples that come in batches, or on several machines."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, values: Tensor | float, n: int) -> None:
        """values is the mean of n samples. Reading a tensor waits for the GPU."""
        mean = values.item() if isinstance(values, Tensor) else values
        self.total += mean * n
        self.count += n

    def compute(self) -> float:
        if not self.count:
            raise ValueError("no sample came, so there is no mean")
        return self.total / self.count

    def merge(self, other: "MeanMetric") -> None:
        """Add other's samples; other stays as it is."""
        self.total += other.total
        self.count += other.count


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
