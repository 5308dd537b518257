"""What buggy_code_19.py requires.

loss is judged by the logits that the model gave; step looks at a model that does the same in both
modes.
"""

import copy
import math

import torch
from torch import nn

from checks import hunts
from checks.hunts import learns_each, noting, sgd
from checks.tools import attempt, close, equal, unchanged
from checks.training import watching


def loss(train_step):
    for labels in ([0, 0, 1, 1, 0], [0], [1], [0, 0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 0]):
        model, x, what = deep(), torch.randn(len(labels), 6), f"labels {labels}: train_step"
        with noting(model) as noted:
            got = number(what, train_step, model, x, torch.tensor(labels))
        assert noted, f"{what}: the model was never called"
        pairs = zip(noted[0].logits.flatten().tolist(), labels, strict=True)
        losses = [math.log1p(math.exp(-z if label else z)) for z, label in pairs]
        want = sum(losses) / len(labels)
        close(got, want, f"{what}, by the logits that the model gave")


def step(train_step):
    model, batches = plain().double(), []
    for p in model[2].parameters():
        nn.init.zeros_(p)  # the first logits are exactly 0
    for n, size in ((7, 1.0), (4, 100.0), (1, 1.0)):
        batches.append((size * torch.randn(n, 6).double(), torch.arange(n) % 2))

    def run(optimizer):
        for x, y in batches:
            train_step(model, optimizer, x.clone(), y.clone())

    what = "batches of 7, 4 and 1 samples, a used model"
    learns_each(what, model, two_groups, batches, run, each, used=True)


def mode(train_step):
    for n, training in ((5, True), (5, False), (1, False)):
        model, x, y = deep().train(training), torch.randn(n, 6), torch.arange(n) % 2
        model[3].train(not training)
        what = f"{n} samples, begun in {hunts.mode(training)} but for one part"
        with unchanged(what, x, y):
            hunts.passes_in_train_mode(
                what, model, 1, lambda m=model, x=x, y=y: train_step(m, sgd(m), x, y)
            )
        equal(f"{what}: x asks for gradients:", x.requires_grad, False)


def far(train_step):
    for logit, label, want, slope in FAR:
        model, x, y = nn.Linear(1, 1), torch.zeros(1, 1), torch.tensor([label])
        nn.init.constant_(model.bias, logit)
        what, optimizer = f"logit {logit:g}, label {label}", sgd(model)
        with watching(model, optimizer) as seen:
            got = attempt(what, train_step, model, optimizer, x, y)
        close(float(got), want, f"{what}: loss")
        equal(f"{what}: steps of the given optimizer:", len(seen.steps_after()), 1)
        grad = seen.steps[0].grads[1]
        assert grad is not None, f"{what}: no gradient for the logit, want {slope:g}"
        close(grad, torch.tensor([slope]), f"{what}: gradient with regard to the logit")


def kind(train_step):
    y, f64 = torch.arange(6) % 3 // 2, torch.float64
    others = torch.bool, torch.uint8, torch.int32, torch.float32, torch.bfloat16
    for of_model in (torch.float32, f64):
        start, x = plain().to(of_model), torch.randn(6, 6, dtype=of_model)
        what = f"a model of {of_model}, y of"
        want = number(f"{what} int64", train_step, copy.deepcopy(start), x, y)
        for dtype in (*others, f64):
            got = number(f"{what} {dtype}", train_step, copy.deepcopy(start), x, y.to(dtype))
            close(got, want, f"{what} {dtype}, against int64: loss", 1e-6)
            single = of_model == f64 and float(torch.tensor(got)) == got
            assert not single, f"{what} {dtype}: loss {got!r}, want more digits than float32 has"


CORE = (loss, step, mode)
EDGES = (far, kind)
FAR = (
    (1000.0, 1, 0.0, 0.0),
    (1000.0, 0, 1000.0, 1.0),
    (-1000.0, 0, 0.0, 0.0),
    (-1000.0, 1, 1000.0, -1.0),
    (30.0, 0, 30.0, 1.0),
    (math.nan, 1, math.nan, math.nan),
)


def number(what, train_step, model, x, y):
    got = attempt(what, train_step, model, sgd(model), x.clone(), y.clone())
    return hunts.floats(what, [got], 1)[0]


def each(logits, y):
    z = logits.flatten()
    return torch.where(y > 0, torch.logaddexp(-z, z * 0), torch.logaddexp(z, z * 0))


def two_groups(model):
    groups = [{"params": model[:2].parameters()}, {"params": model[2:].parameters(), "lr": 0.05}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def plain():
    return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 1))


def deep():
    parts = nn.LayerNorm(8), nn.ReLU(), nn.Dropout(0.3)
    return nn.Sequential(nn.Linear(6, 8), *parts, nn.Linear(8, 1))
