"""What 06_level3_advanced/buggy_code_1.py requires.

gradient and loss have micro-batches of unequal numbers of labels; elsewhere these are all equal.
"""

import math

import torch
from torch import nn

from checks import hunts
from checks.tools import attempt, close, same, unchanged

V = 5
COUNTS = (  # for each micro-batch the numbers of labels of its rows
    ([1], [3]),
    ([2], [2], [30], [30]),
    ([3, 1], [8]),
    ([4, 0], [1, 1, 9]),
    ([7, 2, 3],),
    ([6], [6], [6]),
)


def gradient(accumulate):
    for counts in COUNTS:
        sums = [sum(rows) for rows in counts]
        what = f"micro-batches of {' and '.join(map(str, sums))} labels"
        batches = [(ids, torch.where(y < 0, y, i)) for i, (ids, y) in enumerate(cut(counts))]
        model = nn.Sequential(nn.Embedding(V, 2), nn.Linear(2, V))
        nn.init.zeros_(model[1].weight)
        nn.init.zeros_(model[1].bias)
        attempt(what, accumulate, model, batches)
        shares = torch.tensor([*sums, *[0] * (V - len(sums))]) / sum(sums)
        told = f"{what}, label i in micro-batch i, all {V} logits 0"
        has_grad(f"{told}: of these logits", model[1].bias, 1 / V - shares)
        model, batches = plain(), cut(counts)
        inputs, parts = [t for batch in batches for t in batch], dict(model.named_parameters())
        want = torch.autograd.grad(mean_of(model, batches), list(parts.values()))
        for old in (None, 1.0, math.nan):
            for p in parts.values():
                p.grad = None if old is None else torch.full_like(p, old)
            said = f"{what}, {old} in .grad before"
            with unchanged(f"{said}, parameters", *parts.values()), unchanged(said, *inputs):
                attempt(said, accumulate, model, given := list(batches))
            kept = list(map(id, given)) == list(map(id, batches))
            assert kept, f"{said}: the list of micro-batches was changed, want it as it was"
            for (name, p), right in zip(parts.items(), want, strict=True):
                has_grad(f"{said}: of {name}", p, right)


def loss(accumulate):
    for counts in COUNTS:
        what = f"micro-batches of {' and '.join(str(sum(rows)) for rows in counts)} labels"
        model, batches = plain(), cut(counts)
        got = attempt(what, accumulate, model, batches)
        assert isinstance(got, float), f"{what} gave a {type(got).__name__}, want a float"
        close(float(got), mean_of(model, batches).item(), f"{what}: the loss")


def memory(accumulate):
    model, batches = plain(), cut([[5]] * 4)
    hunts.lets_go("4 micro-batches of 5 labels", model, lambda: accumulate(model, batches))


def modes(accumulate):
    for training in (True, False):
        parts = nn.Embedding(V, 4), nn.Dropout(0.3), nn.LayerNorm(4), nn.Linear(4, V)
        model, batches = nn.Sequential(*parts).train(training), cut([[4, 0], [1, 3], [2, 2]])
        model[1].train(not training)
        what, given = f"3 micro-batches, begun in {hunts.mode(training)} but for one part", []
        model.register_forward_pre_hook(lambda _, inputs, given=given: given.append(*inputs))
        hunts.passes_in_train_mode(what, model, 3, lambda m=model, b=batches: accumulate(m, b))
        for i, (ids, (want, _)) in enumerate(zip(given, batches, strict=True), 1):
            same(ids, want, f"{what}: what passes at pass {i}")


def empty(accumulate):
    for at in (0, 1, 2):
        counts = [[4], [4]]
        some, ends = cut(counts), []
        none = some[0][0], torch.full_like(some[0][1], -100)
        for batches in (some, [*some[:at], none, *some[at:]]):
            torch.manual_seed(1)
            model, what = plain(), f"3 micro-batches of 4 labels, none for number {at + 1}"
            ends.append((attempt(what, accumulate, model, batches), model))
        (want, twin), (got, model) = ends
        close(float(got), float(want), f"{what}: the loss, against the two others alone")
        for (name, p), q in zip(model.named_parameters(), twin.parameters(), strict=True):
            has_grad(f"{what}, against the two others alone: of {name}", p, q.grad)


CORE = (gradient, loss, memory, modes)
EDGES = (empty,)


def plain():
    """The same in both modes."""
    return nn.Sequential(nn.Embedding(V, 4), nn.Tanh(), nn.Linear(4, V)).double()


def cut(counts):
    """Micro-batches of rows with so many labels, at random positions; L differs."""
    batches = []
    for i, rows in enumerate(counts):
        ids = torch.randint(V, (len(rows), max(rows) + 2 + i % 3))
        labels = torch.full_like(ids, -100)
        for row, n in zip(labels, rows, strict=True):
            row[torch.randperm(len(row))[:n]] = torch.randint(V, (n,))
        batches.append((ids, labels))
    return batches


def mean_of(model, batches):
    """The mean over all labels, by logarithms and exponentials."""
    each = []
    for ids, labels in batches:
        rows, right = model(ids)[labels >= 0], labels[labels >= 0]
        each.append(rows.logsumexp(1) - rows[range(len(right)), right])
    return torch.cat(each).mean()


def has_grad(what, p, want):
    assert p.grad is not None, f"{what} .grad is None, want a gradient"
    close(p.grad, want, f"{what}, .grad")
