"""What buggy_code_12.py requires.

loss is judged by the logits that the model gave; step looks at a model that does the same in both
modes.
"""

import torch
from torch import nn

from checks import hunts
from checks.hunts import learns_each, losses_of, noting, sgd
from checks.tools import attempt, close, equal, unchanged
from checks.training import watching

EACH = nn.CrossEntropyLoss(reduction="none")


def loss(train_step):
    for n, k, dtype in ((5, 3, torch.float32), (1, 4, torch.float32), (4, 10, torch.float64)):
        model, x, y = deep(k).to(dtype), torch.randn(n, 6, dtype=dtype), torch.randint(k, (n,))
        what = f"{n} samples, {k} classes: train_step"
        with noting(model) as noted:
            got = number(what, train_step, model, x.clone(), y.clone())
        assert noted, f"{what}: the model was never called"
        each = losses_of(noted[0].logits, y)
        close(got, sum(each) / n, f"{what}, by the logits that the model gave")


def step(train_step):
    for k, used in ((3, False), (5, True)):
        model = plain(k).double()
        batches = [
            (size * torch.randn(n, 6).double(), torch.randint(k, (n,)))
            for n, size in ((7, 1), (4, 30), (1, 1))
        ]

        def run(optimizer, model=model, batches=batches):
            for x, y in batches:
                train_step(model, optimizer, x.clone(), y.clone())

        told = ", a used model" if used else ""
        what = f"7, 4 and 1 samples, x of the second 30 times as large, {k} classes{told}"
        learns_each(what, model, sgd, batches, run, EACH, used)


def mode(train_step):
    for training in (True, False):
        model, x, y = deep(3).train(training), torch.randn(5, 6), torch.randint(3, (5,))
        model[3].train(not training)
        what = f"5 samples, begun in {hunts.mode(training)} but for one part"
        with unchanged(what, x, y):
            hunts.passes_in_train_mode(
                what, model, 1, lambda m=model, x=x, y=y: train_step(m, sgd(m), x, y)
            )
        equal(f"{what}: x asks for gradients:", x.requires_grad, False)


def far(train_step):
    for logits, label, want, slopes in FAR:
        model, x, y = nn.Linear(1, 3), torch.zeros(1, 1), torch.tensor([label])
        with torch.no_grad():
            model.bias.copy_(torch.tensor(logits))
        what, optimizer = f"logits {logits}, right is class {label}", sgd(model)
        with watching(model, optimizer) as seen:
            got = attempt(what, train_step, model, optimizer, x, y)
        close(float(got), want, f"{what}: loss")
        equal(f"{what}: steps of the given optimizer:", len(seen.steps_after()), 1)
        grad = seen.steps[0].grads[1]
        assert grad is not None, f"{what}: no gradient for the logits, want {slopes}"
        close(grad, torch.tensor(slopes), f"{what}: gradient with regard to the logits")


CORE = (loss, step, mode)
EDGES = (far,)
FAR = (
    ([1000.0, 0.0, 0.0], 0, 0.0, [0.0, 0.0, 0.0]),
    ([1000.0, 0.0, 0.0], 1, 1000.0, [1.0, -1.0, 0.0]),
    ([0.0, 0.0, -1000.0], 2, 1000.693147, [0.5, 0.5, -1.0]),
)


def plain(classes):
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, classes))


def deep(classes):
    parts = nn.LayerNorm(8), nn.ReLU(), nn.Dropout(0.3)
    return nn.Sequential(nn.Linear(6, 8), *parts, nn.Linear(8, classes))


def number(what, train_step, model, x, y):
    got = attempt(what, train_step, model, sgd(model), x, y)
    return hunts.floats(what, [got], 1)[0]
