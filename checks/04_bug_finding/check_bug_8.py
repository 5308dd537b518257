"""What buggy_code_8.py requires.

accuracy and loss are judged by the logits that the model gave in each batch's first pass, so no
mistake of training shows there. Batches of one and a loader without length are tried in `batches`.
"""

import copy

import torch
from torch import nn

from checks.hunts import attempt, first_passes, losses_of, noting
from checks.training import epoch_by_hand, states_are, watching

F, K = 6, 3


def accuracy(train_epoch):
    for model, sizes in (
        (nn.Linear(F, K), (32, 32, 5)),
        (nn.Linear(F, K).double(), (7, 2, 4)),
        (deep(nn.Dropout(0.5)), (9, 9, 4)),
    ):
        _, got, noted, ys = figures(train_epoch, model, sizes)
        hits = [
            bool(logits[label] == logits.max())
            for n, y in zip(noted, ys, strict=True)
            for logits, label in zip(n.logits, y[:, 0], strict=True)
        ]
        want = sum(hits) / len(hits)
        assert abs(got - want) < 1e-5, (
            f"batches of {', '.join(map(str, sizes))} samples, the model ranked {sum(hits)} of "
            f"{len(hits)} right: accuracy {got:.4g}, want {want:.4g}"
        )


def loss(train_epoch):
    for model, sizes in (
        (nn.Linear(F, K), (32, 32, 5)),
        (nn.Linear(F, 5), (7, 2, 4)),
        (nn.Linear(F, K).double(), (3, 4)),
        (deep(nn.Dropout(0.5)), (9, 9, 4)),
    ):
        got, _, noted, ys = figures(train_epoch, model, sizes)
        each = [v for n, y in zip(noted, ys, strict=True) for v in losses_of(n.logits, y)]
        want = sum(each) / len(each)
        assert abs(got - want) < 1e-5 * (1 + want), (
            f"batches of {', '.join(map(str, sizes))} samples: loss {got:.4f}, want {want:.4f}, "
            "by the logits that the model gave"
        )


def training(train_epoch):
    model, criterion = deep(), nn.CrossEntropyLoss(reduction="none")
    optimizer, (twin,) = sgd(model), copy.deepcopy(nn.ModuleList([model]))
    groups = [{"params": list(twin.parameters()), "lr": 0.1}]
    for p in model.parameters():
        p.grad = torch.ones_like(p)  # left over from earlier
    for epoch, mode in ((1, "train"), (2, "eval")):
        batches, what = cut((9, 9, 4)), f"epoch {epoch} of 3 batches, begun in {mode} mode"
        model.train(mode == "train")
        with noting(model) as noted, watching(model, optimizer) as seen:
            attempt(what, train_epoch, model, copy.deepcopy(batches), optimizer)
        steps = len(seen.steps_after())
        assert steps == 3, f"{what}: {steps} steps of the given optimizer, want 3"
        modes = [one.in_train for one in first_passes(noted, [x for x, _ in batches], what)]
        assert all(modes), f"{what}: {sum(modes)} of 3 forward passes in train mode, want 3"
        off = [name or "the model" for name, m in model.named_modules() if not m.training]
        assert not off, f"{what}: afterwards in eval mode: {', '.join(off)}, want all in train mode"
        epoch_by_hand(twin, lambda out, y: criterion(out, y[:, 0]), batches, groups, 0.9)
        params = {name: p.detach() for name, p in model.named_parameters()}
        want = {name: p.detach() for name, p in twin.named_parameters()}
        states_are(params, want, f"after {what}, all gradients 1 before the first", 1e-4)


def batches(train_epoch):
    for sizes in ((7, 4, 1), (1,)):
        model, given = nn.Linear(F, K), cut(sizes)
        before, n = copy.deepcopy(given), len(sizes)
        what = f"an iterator of batches of {', '.join(map(str, sizes))} samples"
        with noting(model) as noted:
            attempt(what, train_epoch, model, iter(given), sgd(model))
        assert len(noted) == n, f"{what}: {len(noted)} passes through the model, want {n}"
        for pair, old in zip(given, before, strict=True):
            for name, t, kept in zip("xy", pair, old, strict=True):
                shapes = tuple(t.shape), tuple(kept.shape)
                assert shapes[0] == shapes[1], f"{what}: {name} became {shapes[0]}, was {shapes[1]}"
                assert torch.equal(t, kept), f"{what}: numbers of {name} were changed"


CORE = (accuracy, loss, training, batches)
EDGES = ()


def deep(*more):
    return nn.Sequential(nn.Linear(F, 8), nn.BatchNorm1d(8), nn.ReLU(), *more, nn.Linear(8, K))


def cut(sizes, classes=K, dtype=torch.float32):
    centers = 2 * torch.randn(classes, F)
    labels = [torch.randint(classes, (n, 1)) for n in sizes]
    return [((centers[y[:, 0]] + torch.randn(len(y), F)).to(dtype), y) for y in labels]


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def figures(train_epoch, model, sizes):
    """What train_epoch returned, the first pass of each batch, and the labels."""
    *_, bias = model.parameters()  # as long as there are classes
    given = cut(sizes, len(bias), bias.dtype)
    what = f"batches of {', '.join(map(str, sizes))} samples"
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)  # a step that changes the ranks
    with noting(model) as noted:
        result = attempt(what, train_epoch, model, copy.deepcopy(given), optimizer)
    kinds = [type(v).__name__ for v in result] if isinstance(result, tuple) else type(result)
    assert kinds == ["float", "float"], f"{what}: train_epoch gave {result!r}, want two floats"
    return *result, first_passes(noted, [x for x, _ in given], what), [y for _, y in given]
