"""What buggy_code_8.py requires.

accuracy and loss are judged by the logits that the model gave: no mistake of training shows there.
"""

import copy

import torch
from torch import nn

from checks import hunts
from checks.hunts import first_passes, losses_of, noting, sgd
from checks.tools import attempt, close, equal, same
from checks.training import modes_of

F, K = 6, 3


def accuracy(train_epoch):
    for _, got, passes, what in figures(train_epoch):
        hits = []
        for one, y in passes:
            hits += (one.logits.gather(1, y)[:, 0] == one.logits.amax(dim=1)).tolist()
        said = f"{what}: accuracy, where the model ranked {sum(hits)} of {len(hits)} right"
        close(got, sum(hits) / len(hits), said)


def loss(train_epoch):
    for got, _, passes, what in figures(train_epoch):
        each = [v for one, y in passes for v in losses_of(one.logits, y)]
        close(got, sum(each) / len(each), f"{what}: loss by the logits that the model gave")


def training(train_epoch):
    for training in (True, False):
        model, batches = deep().train(training), cut((9, 9, 4))
        what, copied = f"3 batches, begun in {hunts.mode(training)}", copy.deepcopy(batches)
        hunts.trains_plainly(
            what, model, sgd, batches, lambda o, m=model, b=copied: train_epoch(m, b, o)
        )
        off = [name for name, in_train in modes_of(model).items() if not in_train]
        assert not off, f"{what}: afterwards in eval mode: {', '.join(off)}, want all in train mode"


def batches(train_epoch):
    for sizes in ((7, 4, 1), (1,)):
        model, given = nn.Linear(F, K), cut(sizes)
        what, before = f"an iterator of batches of {told(sizes)}", copy.deepcopy(given)
        with noting(model) as noted:
            attempt(what, train_epoch, model, iter(given), sgd(model))
        equal(f"{what}: passes through the model:", len(noted), len(sizes))
        for i, (now, old) in enumerate(zip(given, before, strict=True), 1):
            for name, *pair in zip("xy", now, old, strict=True):
                same(*pair, f"{what}: {name} of batch {i} was changed")


CORE = (accuracy, loss, training, batches)
EDGES = ()


def deep(*more):
    return nn.Sequential(nn.Linear(F, 8), nn.BatchNorm1d(8), nn.ReLU(), *more, nn.Linear(8, K))


def cut(sizes, classes=K, dtype=torch.float32):
    centers = 2 * torch.randn(classes, F)
    labels = [torch.randint(classes, (n, 1)) for n in sizes]
    return [((centers[y[:, 0]] + torch.randn(len(y), F)).to(dtype), y) for y in labels]


def told(sizes):
    return f"{', '.join(map(str, sizes))} samples"


def figures(train_epoch):
    """(loss and accuracy that came back, each batch's first pass with its y, a name)."""
    for model, sizes in (
        (nn.Linear(F, K), (32, 32, 5)),
        (nn.Linear(F, 5), (7, 2, 4)),
        (nn.Linear(F, K).double(), (3, 4, 2)),
        (deep(nn.Dropout(0.5)), (9, 9, 4)),
    ):
        *_, bias = model.parameters()  # as long as there are classes
        given = cut(sizes, len(bias), bias.dtype)
        what = f"batches of {told(sizes)}"
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)  # a step that changes the ranks
        with noting(model) as noted:
            result = attempt(what, train_epoch, model, copy.deepcopy(given), optimizer)
        right = isinstance(result, tuple) and [isinstance(v, float) for v in result] == [True] * 2
        assert right, f"{what}: train_epoch gave {result!r}, want two floats"
        passes = first_passes(noted, [x for x, _ in given], what)
        pairs = [(one, y) for one, (_, y) in zip(passes, given, strict=True)]
        yield *map(float, result), pairs, what
