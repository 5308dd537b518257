"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

SLIPS = {
    "confusion": {
        "matrix transposed": ("target * num_classes + pred", "pred * num_classes + target"),
        "cells that appear only": (
            "target * num_classes + pred, minlength=num_classes**2",
            "target * num_classes + pred, minlength=num_classes * (int(target.max()) + 1)",
        ),
        "each pair counted once": (
            "cells = torch.bincount(target * num_classes + pred, minlength=num_classes**2)",
            "cells = torch.zeros(num_classes**2).long()\n"
            "    cells[target * num_classes + pred] += 1",
        ),
        "rows as shares": (
            "return cells.view(num_classes, num_classes)",
            "return cells.view(num_classes, num_classes) / len(target)",
        ),
        "hits on the diagonal only": (
            "return cells.view(num_classes, num_classes)",
            "return cells.view(num_classes, num_classes).diagonal().diag()",
        ),
        "float32 counts": (
            "return cells.view(num_classes, num_classes)",
            "return cells.view(num_classes, num_classes).float()",
        ),
        "target changed in place": (
            "cells = torch.bincount(target * num_classes + pred,",
            "cells = torch.bincount(target.mul_(num_classes) + pred,",
        ),
    },
    "ratios": {
        "0 / 0 left as NaN": ("predicted.clamp(min=1)", "predicted"),
        "recall of an absent class NaN": ("true.clamp(min=1)", "true"),
        "F1 of an absent class NaN": ("(predicted + true).clamp(min=1)", "(predicted + true)"),
        "precision and recall swapped": (
            "predicted, true = cm.diagonal(), cm.sum(dim=0), cm.sum(dim=1)",
            "predicted, true = cm.diagonal(), cm.sum(dim=1), cm.sum(dim=0)",
        ),
        "F1 as the plain mean": (
            "2 * hits / (predicted + true).clamp(min=1)",
            "(hits / predicted.clamp(min=1) + hits / true.clamp(min=1)) / 2",
        ),
        "factor 2 of F1 forgotten": ("2 * hits /", "hits /"),
        "macro F1 from the mean precision and recall": (
            "    return precision, recall, f1",
            "    f1 = 2 * precision * recall / (precision + recall).clamp(min=1e-12)\n"
            "    return precision, recall, f1",
        ),
        "macro over the classes that appear": (
            "(r.mean() for r in ratios)",
            "(r[predicted + true > 0].sum() / (predicted + true > 0).sum().clamp(min=1) "
            "for r in ratios)",
        ),
        "macro over the classes with samples": (
            "(r.mean() for r in ratios)",
            "(r[true > 0].sum() / (true > 0).sum().clamp(min=1) for r in ratios)",
        ),
        "macro weighted by samples": (
            "(r.mean() for r in ratios)",
            "((r * true).sum() / true.sum().clamp(min=1) for r in ratios)",
        ),
        "micro is macro": (
            'if average == "micro":',
            'if average == "micro":\n        return precision_recall_f1(cm)\n    if False:',
        ),
        "micro not added up": ('if average == "micro":', "if False:"),
        "macro not averaged": ('if average == "macro" else ratios', "if 0 else ratios"),
        "micro by default": ('average: str | None = "macro"', 'average: str | None = "micro"'),
        "a small number added below": ("predicted.clamp(min=1)", "(predicted + 1e-3)"),
        "one added below": ("true.clamp(min=1)", "(true + 1)"),
        "1 for an absent class": (
            "hits / true.clamp(min=1),",
            "torch.where(true > 0, hits / true.clamp(min=1), 1.0),",
        ),
        "whole numbers divided": (
            "hits / predicted.clamp(min=1)",
            "hits // predicted.clamp(min=1)",
        ),
    },
    "auroc": {
        "ties by sort order": """
def auroc(scores, targets):
    n1, n0 = int((targets == 1).sum()), int((targets == 0).sum())
    if not n1 * n0:
        raise ValueError("one class")
    ranks = torch.empty(len(scores), dtype=torch.float64, device=scores.device)
    order = scores.argsort(stable=True)
    ranks[order] = torch.arange(1, len(scores) + 1, device=scores.device).double()
    return ((ranks[targets == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)).item()
""",
        "ties count nothing": ("(2 * below + zeros)", "(2 * below)"),
        "ties count whole": ("(2 * below + zeros)", "(2 * below + 2 * zeros)"),
        "zeros above counted": (
            "below = zeros.cumsum(0) - zeros",
            "below = zeros.sum() - zeros.cumsum(0)",
        ),
        "classes swapped": (
            "ones = torch.bincount(level[targets == 1], minlength=len(levels))\n"
            "    zeros = torch.bincount(level[targets == 0], minlength=len(levels))",
            "ones = torch.bincount(level[targets == 0], minlength=len(levels))\n"
            "    zeros = torch.bincount(level[targets == 1], minlength=len(levels))",
        ),
        "its own level counted as below": (
            "below = zeros.cumsum(0) - zeros",
            "below = zeros.cumsum(0)",
        ),
        "of all pairs of samples": (
            "pairs = int(ones.sum() * zeros.sum())",
            """if not ones.sum() * zeros.sum():
        raise ValueError("one class")
    pairs = len(scores) * (len(scores) - 1) // 2""",
        ),
        "never below one half": (
            "return (ones * (2 * below + zeros)).sum().item() / (2 * pairs)",
            "area = (ones * (2 * below + zeros)).sum().item() / (2 * pairs)\n"
            "    return max(area, 1 - area)",
        ),
        "a tensor": (
            "(ones * (2 * below + zeros)).sum().item() /",
            "(ones * (2 * below + zeros)).sum() /",
        ),
        "accuracy at 0.5": """
def auroc(scores, targets):
    if targets.sum() in (0, len(targets)):
        raise ValueError("one class")
    return ((scores > 0.5) == (targets == 1)).double().mean().item()
""",
        "steps of the curve in place of trapezes": """
def auroc(scores, targets):
    levels = scores.unique()
    n1, n0 = (targets == 1).sum(), (targets == 0).sum()
    if not n1 * n0:
        raise ValueError("one class")
    order = scores.argsort(descending=True, stable=True)
    hits = (targets[order] == 1).cumsum(0)
    return (hits[targets[order] == 0].sum() / (n1 * n0)).item()
""",
        "scores rounded to float32": (
            "scores.unique(return_inverse=True)",
            "scores.float().unique(return_inverse=True)",
        ),
    },
    "calibration": {
        "confidence 1.0 in no bin": (
            "gaps = gaps.index_add(0, bins, (predicted == targets).double() - confidence)",
            "gaps = gaps.index_add(0, bins, "
            "((predicted == targets).double() - confidence) * (confidence < 1))",
        ),
        "a border belongs to the bin above": (
            "(confidence * num_bins).ceil().long() - 1",
            "(confidence * num_bins).floor().long()",
        ),
        "bins rounded": (
            "(confidence * num_bins).ceil().long() - 1",
            "(confidence * num_bins).round().long()",
        ),
        "bins between the lowest and the highest confidence": (
            "(confidence * num_bins).ceil().long() - 1",
            "((confidence - confidence.min()) / (confidence.max() - confidence.min() + 1e-9) "
            "* num_bins).ceil().long() - 1",
        ),
        "mean over the bins": (
            "gaps.abs().sum().item() / len(probs)",
            "(gaps / torch.bincount(bins, minlength=num_bins).clamp(min=1)).abs().mean().item()",
        ),
        "sum over the bins without shares": (
            "gaps.abs().sum().item() / len(probs)",
            "(gaps / torch.bincount(bins, minlength=num_bins).clamp(min=1)).abs().sum().item()",
        ),
        "the largest gap": (
            "gaps.abs().sum().item() / len(probs)",
            "(gaps / torch.bincount(bins, minlength=num_bins).clamp(min=1)).abs().max().item()",
        ),
        "gaps with their sign": ("gaps.abs().sum()", "gaps.sum()"),
        "a gap for each sample": (
            "gaps.abs().sum().item() / len(probs)",
            "((predicted == targets).double() - confidence).abs().mean().item()",
        ),
        "squared gaps": (
            "gaps.abs().sum().item() / len(probs)",
            "(gaps.square() / torch.bincount(bins, minlength=num_bins).clamp(min=1)).sum().item() "
            "/ len(probs)",
        ),
        "10 bins by default": ("num_bins: int = 15", "num_bins: int = 10"),
        "probability of the target": (
            "probs.double().max(dim=1)",
            "probs.double().gather(1, targets[:, None]).squeeze(1), probs.argmax(1)",
        ),
        "probability of class 1": (
            "probs.double().max(dim=1)",
            "probs[:, 1].double(), probs.argmax(1)",
        ),
        "middle of the bin for its mean confidence": (
            "(predicted == targets).double() - confidence)",
            "(predicted == targets).double() - (bins + 0.5) / num_bins)",
        ),
        "softmax of probabilities": ("probs.double().max", "probs.double().softmax(1).max"),
        "empty bins NaN": (
            "gaps.abs().sum().item() / len(probs)",
            "(gaps / torch.bincount(bins, minlength=num_bins) * "
            "torch.bincount(bins, minlength=num_bins)).abs().sum().item() / len(probs)",
        ),
    },
    "mean": {
        "mean of batch means": (
            "self.total += mean * n\n        self.count += n",
            "self.total += mean\n        self.count += n > 0",
        ),
        "values not multiplied by n": ("self.total += mean * n", "self.total += mean"),
        "NaN left out": (
            "        self.total += mean * n",
            "        if mean != mean:\n            return\n        self.total += mean * n",
        ),
        "what is not finite left out": (
            "        self.total += mean * n",
            "        if abs(mean) == float('inf'):\n            return\n"
            "        self.total += mean * n",
        ),
        "merge as the mean of two means": (
            "        self.total += other.total\n        self.count += other.count",
            "        mean = (self.compute() + other.compute()) / 2 if self.count and other.count "
            "else (self if self.count else other).compute()\n"
            "        self.count += other.count\n        self.total = mean * self.count",
        ),
        "merge forgets the counts": ("\n        self.count += other.count", ""),
        "merge takes the other's place": (
            "self.total += other.total\n        self.count += other.count",
            "self.total, self.count = other.total, other.count",
        ),
        "merge empties the other": (
            "self.count += other.count",
            "self.count += other.count\n        other.total, other.count = 0.0, 0",
        ),
        "the other shares the state": (
            "self.count += other.count",
            "self.count += other.count\n        other.__dict__ = self.__dict__",
        ),
        "compute starts anew": (
            "return self.total / self.count",
            "total, count = self.total, self.count\n"
            "        self.total, self.count = 0.0, 0\n        return total / count",
        ),
        "a tensor comes back": (
            "return self.total / self.count",
            "return torch.tensor(self.total / self.count)",
        ),
        "running mean with a fixed weight": (
            "self.total += mean * n\n        self.count += n",
            "self.total = mean if not self.count else 0.9 * self.total + 0.1 * mean\n"
            "        self.count = 1",
        ),
        "state shared by all metrics": (
            "        self.total, self.count = 0.0, 0\n\n",
            "        pass\n\n    total, count, sums = 0.0, 0, [0.0, 0]\n\n"
            "    def __getattribute__(self, name):\n"
            "        at = {'total': 0, 'count': 1}.get(name)\n"
            "        return object.__getattribute__(self, name) if at is None else "
            "MeanMetric.sums[at]\n\n"
            "    def __setattr__(self, name, value):\n"
            "        MeanMetric.sums[name == 'count'] = value\n\n",
        ),
    },
    "scale": {
        "all pairs at once": """
def auroc(scores, targets):
    ones, zeros = scores[targets == 1].double(), scores[targets == 0].double()
    if not len(ones) * len(zeros):
        raise ValueError("one class")
    wins = (scores[:, None] > scores).double() + (scores[:, None] == scores).double() / 2
    return wins[targets == 1][:, targets == 0].mean().item()
""",
        "a table of ones by zeros": """
def auroc(scores, targets):
    ones, zeros = scores[targets == 1].double(), scores[targets == 0].double()
    if not len(ones) * len(zeros):
        raise ValueError("one class")
    ones = ones[:, None]
    return ((ones > zeros).double() + (ones == zeros).double() / 2).mean().item()
""",
        "through numpy.asarray": """
import numpy as np
_confusion_matrix = confusion_matrix

def confusion_matrix(pred, target, num_classes):
    _confusion_matrix(pred[:0], target[:0], num_classes)
    p, t = np.asarray(pred), np.asarray(target)
    if p.shape != t.shape or min(p.min(), t.min()) < 0 or max(p.max(), t.max()) >= num_classes:
        raise ValueError("labels or lengths")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(cm, (t, p), 1)
    return torch.from_numpy(cm)
""",
        "a loop over samples": """
def confusion_matrix(pred, target, num_classes):
    if pred.shape != target.shape:
        raise ValueError("lengths")
    both = torch.stack([pred, target])
    if (both < 0).any() or (both >= num_classes).any():
        raise ValueError("labels")
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64, device=pred.device)
    for p, t in zip(pred, target):
        matrix[t, p] += 1
    return matrix
""",
        "a list of samples": (
            "gaps = confidence.new_zeros(num_bins)",
            "sizes = confidence.tolist()\n    gaps = confidence.new_zeros(num_bins)",
        ),
        "through numpy": (
            "levels, level = scores.unique(return_inverse=True)",
            "scores = torch.from_numpy(scores.float().numpy())\n"
            "    levels, level = scores.unique(return_inverse=True)",
        ),
        "a loop over the ones": """
def auroc(scores, targets):
    ones, zeros = scores[targets == 1], scores[targets == 0]
    if not len(ones) * len(zeros):
        raise ValueError("one class")
    wins = sum(((s > zeros).sum() + (s == zeros).sum() / 2).item() for s in ones)
    return wins / (len(ones) * len(zeros))
""",
    },
    "types": {
        "sum in the values' own dtype": """
class MeanMetric:
    def __init__(self):
        self.total, self.count = 0.0, 0

    def update(self, values, n):
        if isinstance(values, Tensor):
            values = values.detach()
        self.total, self.count = self.total + values * n, self.count + n

    def compute(self):
        if not self.count:
            raise ValueError("nothing")
        return float(self.total) / self.count

    def merge(self, other):
        self.total, self.count = self.total + other.total, self.count + other.count
""",
        "sum of tensors with their graphs": """
class MeanMetric:
    def __init__(self):
        self.total, self.count = torch.zeros(()), 0

    def update(self, values, n):
        self.total, self.count = self.total + values * n, self.count + n

    def compute(self):
        if not self.count:
            raise ValueError("nothing")
        return (self.total / self.count).item()

    def merge(self, other):
        self.total, self.count = self.total + other.total, self.count + other.count
""",
        "graph kept": (
            "mean = values.item() if isinstance(values, Tensor) else values",
            "self.seen = [*getattr(self, 'seen', []), values]\n"
            "        mean = values.item() if isinstance(values, Tensor) else values",
        ),
        "calibration in bfloat16": """
def expected_calibration_error(probs, targets, num_bins=15):
    confidence, predicted = probs.max(dim=1)
    bins = ((confidence * num_bins).ceil().long() - 1).clamp(0, num_bins - 1)
    gaps = confidence.new_zeros(num_bins)
    gaps = gaps.index_add(0, bins, (predicted == targets).to(probs.dtype) - confidence)
    return (gaps.abs().sum() / len(probs)).item()
""",
        "ranks in the scores' dtype": """
def auroc(scores, targets):
    n1, n0 = int((targets == 1).sum()), int((targets == 0).sum())
    if not n1 * n0:
        raise ValueError("one class")
    levels, level, counts = scores.unique(return_inverse=True, return_counts=True)
    ranks = (counts.cumsum(0) - (counts - 1) / 2).to(scores.dtype)[level]
    return ((ranks[targets == 1].double().sum() - n1 * (n1 + 1) / 2) / (n1 * n0)).item()
""",
        "bins in bfloat16": (
            "bins = (confidence * num_bins)",
            "bins = (probs.max(dim=1).values * num_bins)",
        ),
        "values kept, not copied": """
class MeanMetric:
    def __init__(self):
        self.parts = []

    def update(self, values, n):
        self.parts.append((values.detach() if isinstance(values, Tensor) else values, n))

    def compute(self):
        if not self.parts:
            raise ValueError("nothing")
        return sum(float(v) * n for v, n in self.parts) / sum(n for _, n in self.parts)

    def merge(self, other):
        self.parts = self.parts + other.parts
""",
        "ratios on the CPU": (
            "hits, predicted, true = cm.diagonal()",
            "cm = cm.cpu()\n    hits, predicted, true = cm.diagonal()",
        ),
    },
    "errors": {
        "labels from K on counted elsewhere": (
            "((labels < 0) | (labels >= num_classes)).any()",
            "(labels < 0).any()",
        ),
        "labels below 0 counted elsewhere": (
            "((labels < 0) | (labels >= num_classes)).any()",
            "(labels >= num_classes).any()",
        ),
        "pred not looked at": (
            '(("pred", pred), ("target", target))',
            '(("target", target),)',
        ),
        "target not looked at": (
            '(("pred", pred), ("target", target))',
            '(("pred", pred),)',
        ),
        "labels outside left out": (
            'raise ValueError(f"{name} has labels outside 0 to {num_classes - 1}")',
            "keep = (pred >= 0) & (pred < num_classes) & (target >= 0) & (target < num_classes)\n"
            "            pred, target = pred[keep], target[keep]",
        ),
        "one label for all samples": ("if pred.shape != target.shape:", "if False:"),
        "a shorter pred cut": (
            "if pred.shape != target.shape:",
            "pred, target = pred[: len(target)], target[: len(pred)]\n"
            "    if pred.shape != target.shape:",
        ),
        "another average is None": (
            'if average not in (None, "macro", "micro"):',
            "if False:",
        ),
        "empty average is None": ("if average not in (None,", 'if average not in ("", None,'),
        "one half for one class": (
            'raise ValueError("all targets are of one class, want zeros and ones")',
            "return 0.5",
        ),
        "NaN for one class": (
            'raise ValueError("all targets are of one class, want zeros and ones")',
            "return float('nan')",
        ),
        "division by zero for no sample": (
            "        if not self.count:\n"
            '            raise ValueError("no sample came, so there is no mean")\n',
            "",
        ),
        "0 for no sample": (
            'raise ValueError("no sample came, so there is no mean")',
            "return 0.0",
        ),
    },
}

VARIANTS = {
    "loops over classes, levels by sort, bins by masks": """
def confusion_matrix(pred, target, num_classes):
    if len(pred) != len(target):
        raise ValueError("lengths")
    both = torch.stack([target, pred])
    if both.numel() and (both.min() < 0 or both.max() >= num_classes):
        raise ValueError("labels")
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.long, device=pred.device)
    matrix.index_put_((target, pred), torch.ones_like(pred), accumulate=True)
    return matrix

def precision_recall_f1(cm, average="macro"):
    cm = cm.double()
    tp = cm.diag()
    fp, fn = cm.sum(0) - tp, cm.sum(1) - tp
    if average == "micro":
        tp, fp, fn = (t.sum() for t in (tp, fp, fn))
    elif average is not None and average != "macro":
        raise ValueError(average)
    p = torch.nan_to_num(tp / (tp + fp))
    r = torch.nan_to_num(tp / (tp + fn))
    f = torch.nan_to_num(2 * p * r / (p + r))
    if average == "macro":
        return p.mean(), r.mean(), f.mean()
    return p, r, f

def auroc(scores, targets):
    positive = targets.bool()
    n1 = int(positive.sum())
    n0 = len(targets) - n1
    if n1 == 0 or n0 == 0:
        raise ValueError("one class")
    values, inverse, counts = torch.unique(scores, return_inverse=True, return_counts=True)
    last = torch.cumsum(counts, 0).double()
    mean_rank = last - (counts - 1) / 2
    return float((mean_rank[inverse][positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))

def expected_calibration_error(probs, targets, num_bins=15):
    confidence, guess = probs.float().max(-1)
    right = guess.eq(targets).float()
    borders = torch.linspace(0, 1, num_bins + 1, device=probs.device)
    error = torch.zeros((), device=probs.device)
    for low, high in zip(borders[:-1], borders[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gap = (right[inside].mean() - confidence[inside].mean()).abs()
            error = error + inside.float().mean() * gap
    return error.item()

class MeanMetric:
    def __init__(self):
        self.sums = torch.zeros(2, dtype=torch.float64)

    def update(self, values, n):
        values = torch.as_tensor(values).detach().to("cpu", torch.float64)
        self.sums += torch.stack([values * n, torch.tensor(float(n), dtype=torch.float64)])

    def compute(self):
        if self.sums[1] == 0:
            raise ValueError("nothing")
        return (self.sums[0] / self.sums[1]).item()

    def merge(self, other):
        self.sums = self.sums + other.sums
""",
    "area by trapezes": """
def auroc(scores, targets):
    order = torch.argsort(scores, descending=True)
    s, t = scores[order], targets[order].double()
    ends = torch.cat([s[1:] != s[:-1], torch.ones(1, dtype=torch.bool)])
    hits, falses = t.cumsum(0)[ends], (1 - t).cumsum(0)[ends]
    if hits[-1] == 0 or falses[-1] == 0:
        raise ValueError("one class only")
    zero = torch.zeros(1, dtype=torch.float64)
    return torch.trapezoid(torch.cat([zero, hits / hits[-1]]),
                           torch.cat([zero, falses / falses[-1]])).item()
""",
    "searchsorted, bucketize, one-hot product": """
def confusion_matrix(pred, target, num_classes):
    if pred.numel() != target.numel():
        raise ValueError("lengths differ")
    for t in (pred, target):
        if not bool(((t >= 0) & (t < num_classes)).all()):
            raise ValueError("label out of range")
    classes = torch.arange(num_classes, device=pred.device)
    rows = (target[:, None] == classes).double()
    columns = (pred[:, None] == classes).double()
    return (rows.T @ columns).long()

def auroc(scores, targets):
    ones, zeros = scores[targets > 0].double(), scores[targets < 1].double().sort().values
    if min(len(ones), len(zeros)) == 0:
        raise ValueError("one class")
    below, upto = (torch.searchsorted(zeros, ones, right=r) for r in (False, True))
    return ((below + upto).sum() / (2 * len(ones) * len(zeros))).item()

def expected_calibration_error(probs, targets, num_bins=15):
    conf, predicted = probs.float().max(dim=1)
    acc = (predicted == targets).float()
    edges = torch.linspace(0, 1, num_bins + 1)[1:-1]
    index = torch.bucketize(conf, edges)
    count, right, sure = (
        torch.zeros(num_bins).scatter_add(0, index, t) for t in (torch.ones_like(conf), acc, conf)
    )
    kept = count > 0
    gap = (right[kept] / count[kept] - sure[kept] / count[kept]).abs()
    return float((gap * count[kept] / count.sum()).sum())
""",
    "a list of sums, added with fsum": """
import math

class MeanMetric:
    def __init__(self):
        self.parts = []

    def update(self, values, n):
        self.parts.append((float(torch.as_tensor(values).detach()), int(n)))

    def compute(self):
        count = sum(n for _, n in self.parts)
        if count == 0:
            raise ValueError("compute() before update()")
        return sum(v * n for v, n in self.parts) / count

    def merge(self, other):
        self.parts = self.parts + list(other.parts)
""",
}
