"""What challenge_metrics.py requires: counts by plain loops, numbers that can be done by hand."""

import math
import weakref

import torch

from checks.functions import number_is
from checks.tools import (
    BigTensors,
    Forbidden,
    attempt,
    close,
    equal,
    keeps_device,
    refuses,
    result_of,
    unchanged,
)

CM = [[2, 1, 0], [0, 3, 1], [0, 0, 0]]


def confusion(confusion_matrix):
    drawn = [[2, 0, 1, 1, 0, 2, 2, 0, 1], [0, 0, 1, 2, 0, 2, 1, 2, 0]]
    for *given, k in (
        ([0, 1, 1], [0, 0, 1], 2),
        ([0, 2, 2, 2], [0, 1, 1, 2], 4),
        ([1], [2], 3),
        (*drawn, 3),
    ):
        call = "confusion_matrix(pred {}, target {}, {})".format(*given, k)
        pairs, inputs = list(zip(*given, strict=True)), list(map(torch.tensor, given))
        with unchanged(call, *inputs):
            got = result_of(call, confusion_matrix, *inputs, k)
        want = [[pairs.count((p, t)) for p in range(k)] for t in range(k)]
        equal(f"{call}: gave", got.tolist(), want)
        equal(f"{call}: its dtype is", got.dtype, torch.int64)


def ratios(precision_recall_f1):
    others = [[0, 3], [2, 0]], [[1, 2], [0, 0]], [[1, 0], [0, 0]], [[0, 0], [0, 0]], [[7]]
    for cm in (CM, *others, [[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8], [9, 7, 9, 3]]):
        counts = [
            (row[i], sum(other[i] for other in cm), sum(row)) for i, row in enumerate(cm)
        ]  # of each class: hits, predicted, true
        per_class = list(zip(*(ratios_of(*one) for one in counts), strict=True))
        macro = [sum(one) / len(cm) for one in per_class]
        micro = ratios_of(*map(sum, zip(*counts, strict=True)))
        for want, *average in ((per_class, None), (macro, "macro"), (macro,), (micro, "micro")):
            call = f"precision_recall_f1({', '.join(map(repr, (cm, *average)))})"
            got = attempt(call, precision_recall_f1, torch.tensor(cm), *average)
            equal(f"{call}, numbers of tensors:", len(got), 3)
            for name, one, right in zip(("precision", "recall", "F1"), got, want, strict=True):
                assert one.is_floating_point(), f"{call}, {name}: {one.dtype}, want floats"
                close(one.double(), torch.tensor(right).double(), f"{call}, {name}")


def auroc(auroc):
    for scores, targets, *exact in (
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]),
        ([3.0, 2.0, 1.0], [0, 1, 1]),
        ([0.5, 0.5, 0.5, 0.5], [1, 0, 1, 0]),
        ([0.5, 0.5, 0.5], [0, 1, 1]),
        ([2.0, 1.0, 1.0, 1.0, -5.0], [1, 0, 1, 0, 0]),
        ([30.0, 30.0, 20.0], [0, 1, 0]),
        ([3.0, 1.0, 4.0, 1.0, 5.0, 4.0, 2.0, 3.0], [0, 1, 1, 0, 1, 0, 0, 1]),
        ([0.5, 0.5 + 1e-12], [0, 1], torch.float64),
    ):
        call = f"auroc(scores {', '.join(map(str, (scores, *exact)))}, targets {targets})"
        given = torch.tensor(scores, dtype=(*exact, None)[0]), torch.tensor(targets)
        with unchanged(call, *given):
            number_is(call, attempt(call, auroc, *given), pairs_won(scores, targets))


def calibration(expected_calibration_error):
    for confidences, hits, *bins in (
        ([0.9], [1], 10),
        ([0.8, 0.8, 0.8, 0.8], [1, 1, 1, 0], 10),
        ([0.95, 0.85, 0.65, 0.62], [1, 0, 1, 0], 5),
        ([1.0, 1.0, 0.55], [1, 0, 1], 4),
        ([1.0, 0.6], [0, 1], 1),
        ([0.75, 0.7, 0.8], [1, 0, 1], 4),
        ([0.75, 0.85, 0.85], [0, 1, 0], 4),
        ([0.4, 0.45, 0.9], [1, 0, 0], 2),
        ([0.62, 0.63, 0.57, 0.58, 0.68], [1, 0, 0, 1, 1]),
    ):
        rests = [(1 - c) / 2 for c in confidences]
        both = enumerate(zip(confidences, rests, strict=True))
        rows = [[r, c, r] if i % 2 else [c, r, r] for i, (c, r) in both]
        targets = [i % 2 if hit else 2 for i, hit in enumerate(hits)]
        call = (
            f"confidences {confidences}, right {hits}, num_bins {bins[0] if bins else 'not given'}"
        )
        given = torch.tensor(rows), torch.tensor(targets)
        with unchanged(call, *given):
            got = attempt(call, expected_calibration_error, *given, *bins)
        number_is(call, got, gaps_of(confidences, hits, *bins))


def mean(MeanMetric):
    def of(*updates):
        one = MeanMetric()
        for values, n in updates:
            attempt(f"update({values:g}, {n})", one.update, values, n)
        return one

    def gives(what, one, want):
        number_is(what, attempt(what, one.compute), want)

    for updates, want in (
        ([(1.0, 6), (8.0, 1)], 2.0),
        ([(torch.tensor(2.0), 1), (6.0, 3)], 5.0),
        ([(5.0, 3)], 5.0),
        ([(-1.5, 2), (0.0, 4)], -0.5),
        ([(0.1, 1), (0.0, 2)], 1 / 30),
        ([(1.0, 3), (math.nan, 1), (1.0, 2)], math.nan),
        ([(math.inf, 1), (1.0, 2)], math.inf),
    ):
        told, one = ", ".join(f"update({v:g}, {n})" for v, n in updates), of(*updates)
        gives(f"{told}, compute()", one, want)
        gives(f"{told}, compute() again", one, want)
        left, right = of(*updates[:1]), of(*updates[1:])
        attempt("merge", left.merge, right)
        gives(f"{told}, the first in a, the rest in b, a.merge(b): a.compute()", left, want)
    left, right, what = (
        of((1.0, 1)),
        of((3.0, 1)),
        "a of update(1, 1), b of update(3, 1), a.merge(b)",
    )
    attempt("merge", left.merge, right)
    gives(f"{what}: b.compute()", right, 3.0)
    right.update(9.0, 5)
    gives(f"{what}, b.update(9, 5): a.compute()", left, 2.0)
    left.update(8.0, 1)
    gives(f"{what}, a.update(8, 1): a.compute()", left, 4.0)
    left = of()
    left.merge(of((3.0, 2)))
    gives("a of no update, b of update(3, 2), a.merge(b): a.compute()", left, 3.0)


def scale(confusion_matrix, auroc, expected_calibration_error):
    rows = torch.arange(48).sin().view(16, 3).softmax(1)
    for function, given in (
        (confusion_matrix, lambda n: (*labels(n), 3)),
        (auroc, lambda n: (torch.arange(n).sin(), torch.arange(n) % 2)),
        (expected_calibration_error, lambda n: (rows.repeat(n // 16, 1), labels(n)[0], 4)),
    ):
        counts = []
        for n in (32, 128):
            inputs, call = given(n), f"{function.__name__} of {n} samples"
            with Forbidden("") as watch, BigTensors(n * n // 4) as big:
                attempt(call, function, *inputs)
            banned = [name for name in ("tolist", "numpy", "__array__") if name in watch.called]
            assert watch.seen, f"{call} called nothing of torch"
            assert not banned, f"{call} called {banned[0]}(), want torch alone"
            made = [tuple(t.shape) for t in big.made if function is auroc]
            assert not made, f"{call}: a tensor {made[0]}, want none of all pairs"
            counts.append(watch.seen)
        what = f"{function.__name__}, calls of torch for 32 and for 128 samples:"
        assert counts[1] <= counts[0], f"{what} {counts}, want no more for 128"


def types(precision_recall_f1, auroc, expected_calibration_error, MeanMetric):
    def updates(value):
        one = MeanMetric()
        for _ in range(n):
            one.update(value, 1)
        return one.compute()

    n, value = 1000, torch.tensor(0.3).bfloat16()
    targets = (torch.arange(n) % 3 == 0).long()
    rows = torch.tensor([[0.6015625, 0.0], [0.59765625, 0.0]])  # around 9 / 15
    for what, function, given, *more in (
        (f"{n} times update(0.3008, 1), compute()", updates, value),
        (f"auroc of {n} scores", auroc, torch.arange(n).bfloat16() % 7, targets),
        (f"expected_calibration_error of {n} rows", expected_calibration_error)
        + (rows.bfloat16().repeat(n // 2, 1), torch.arange(n) % 2),
    ):
        got, want = (float(function(x, *more)) for x in (given, given.float()))
        number_is(f"{what}: {want:.6g} in float32; in bfloat16 it", got, want, 1e-4)
    loss, token, one = torch.ones(2, requires_grad=True).sum(), torch.nn.Module(), MeanMetric()
    loss.grad_fn.metadata["token"], graph = token, weakref.ref(token)  # lives as long as the graph
    one.update(loss, 2)
    del loss, token
    assert graph() is None, "update(loss, 2): the loss's graph is kept, want it let go"
    one, values = MeanMetric(), torch.tensor(3.0)
    one.update(values, 1)
    values.fill_(9.0)
    number_is("update(values, 1), values, 3 before, are filled with 9: compute()", one.compute(), 3)
    for average in (None, "macro", "micro"):
        for i in range(3):

            def part(cm, average=average, i=i):
                return precision_recall_f1(cm, average)[i]

            keeps_device(f"precision_recall_f1, average={average!r}", part, torch.tensor(CM))


def errors(confusion_matrix, precision_recall_f1, auroc, MeanMetric):
    for pred, target in (
        ([0, 1, 3], [0, 1, 2]),
        ([0, 1, 2], [0, 3, 1]),
        ([0, -1, 2], [0, 1, 1]),
        ([0, 1, 2], [0, -1, 1]),
        ([0, 1, 2], [1]),
        ([1], [0, 1, 2]),
    ):
        call, given = f"confusion_matrix(pred {pred}, target {target}, 3)", (pred, target)
        inputs = *map(torch.tensor, given), 3
        refuses(confusion_matrix, *inputs, errors=(ValueError,), call=call)
    for average in ("Macro", "mean", ""):
        call = f"precision_recall_f1(cm, average={average!r})"

        def precision(average):
            return precision_recall_f1(torch.tensor(CM), average)[0].tolist()

        refuses(precision, average, errors=(ValueError,), call=call)
    for targets in ([0, 0, 0], [1, 1, 1], [1]):
        inputs, call = (
            (torch.rand(len(targets)), torch.tensor(targets)),
            f"auroc, targets {targets}",
        )
        refuses(auroc, *inputs, errors=(ValueError,), call=call)
    refuses(MeanMetric().compute, errors=(ValueError,), call="MeanMetric().compute()")


CORE = (confusion, ratios, auroc, calibration, mean)
EDGES = (scale, types, errors)


def labels(n):
    return torch.arange(n) % 3, torch.arange(n) * 7 % 5 % 3


def ratios_of(hits, predicted, true):
    precision, recall = hits / max(1, predicted), hits / max(1, true)
    return precision, recall, 2 * precision * recall / (precision + recall or 1)


def pairs_won(scores, targets):
    pairs = list(zip(scores, targets, strict=True))
    ones, zeros = ([s for s, t in pairs if t == kind] for kind in (1, 0))
    return sum((a > b) + (a == b) / 2 for a in ones for b in zeros) / (len(ones) * len(zeros))


def gaps_of(confidences, hits, num_bins=15):
    gaps = [0.0] * num_bins
    for c, hit in zip(confidences, hits, strict=True):
        gaps[next(b for b in range(num_bins) if c <= (b + 1) / num_bins)] += hit - c
    return sum(map(abs, gaps)) / len(hits)
