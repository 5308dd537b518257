"""What buggy_code_14.py requires.

loss is judged by the predictions that the model gave; step looks at a model that does the same in
both modes.
"""

import torch
from torch import nn

from checks import hunts
from checks.hunts import learns_each, noting, sgd
from checks.tools import attempt, close, equal, refuses, unchanged
from checks.training import states_are, watching


def loss(mse_step):
    for n, dtype in ((5, torch.float32), (1, torch.float32), (9, torch.float64)):
        model, x, y = deep().to(dtype), torch.randn(n, 6, dtype=dtype), torch.randn(n, dtype=dtype)
        what = f"{n} samples: mse_step"
        with noting(model) as noted:
            got = number(what, mse_step, model, x.clone(), y.clone())
        assert noted, f"{what}: the model was never called"
        each = [(a[0] - b) ** 2 for a, b in zip(noted[0].logits.tolist(), y.tolist(), strict=True)]
        close(got, sum(each) / n, f"{what}, by the predictions that the model gave")


def step(mse_step):
    for used in (False, True):
        model = plain().double()
        sizes = (7, 1), (4, 30), (1, 1)
        batches = [
            (size * torch.randn(n, 6).double(), size * torch.randn(n).double()) for n, size in sizes
        ]

        def run(optimizer, model=model, batches=batches):
            for x, y in batches:
                mse_step(model, optimizer, x.clone(), y.clone())

        told = ", a used model" if used else ""
        what = f"7, 4 and 1 samples, x and y of the second 30 times as large{told}"
        learns_each(what, model, sgd, batches, run, each_of, used)


def mode(mse_step):
    for training in (True, False):
        model, x, y = deep().train(training), torch.randn(5, 6), torch.randn(5)
        model[3].train(not training)
        what = f"5 samples, begun in {hunts.mode(training)} but for one part"
        with unchanged(what, x, y):
            hunts.passes_in_train_mode(
                what, model, 1, lambda m=model, x=x, y=y: mse_step(m, sgd(m), x, y)
            )
        equal(f"{what}: x asks for gradients:", x.requires_grad, False)
        equal(f"{what}: y has shape", tuple(y.shape), (5,))


def columns(mse_step):
    for n in (5, 1):
        x, y, found = torch.randn(n, 6), torch.randn(n), []
        start = plain().state_dict()
        for given in (y, y[:, None]):
            model = plain()
            model.load_state_dict(start)
            what = f"mse_step with y {tuple(given.shape)}"
            found.append((number(what, mse_step, model, x, given), model.state_dict()))
        close(found[1][0], found[0][0], f"{what}, against y ({n},): loss")
        states_are(found[1][1], found[0][1], f"{what}, against y ({n},): after the step", 1e-5)


def lengths(mse_step):
    for n, m in ((5, 4), (5, 1), (1, 5), (4, 16)):
        for shape in ((m,), (m, 1)):
            model, x, y = plain(), torch.randn(n, 6), torch.randn(shape)
            optimizer, call = sgd(model), f"mse_step with x ({n}, 6) and y {shape}"
            with watching(model, optimizer) as seen:
                refuses(mse_step, model, optimizer, x, y, call=call)
            equal(f"{call}: steps of the given optimizer:", len(seen.steps), 0)


CORE = (loss, step, mode)
EDGES = (columns, lengths)


def each_of(predictions, y):
    """Each squared error, sample by sample."""
    return torch.stack([(p[0] - t) ** 2 for p, t in zip(predictions, y, strict=True)])


def plain():
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))


def deep():
    parts = nn.LayerNorm(8), nn.ReLU(), nn.Dropout(0.3)
    return nn.Sequential(nn.Linear(6, 8), *parts, nn.Linear(8, 1))


def number(what, mse_step, model, x, y):
    return hunts.floats(what, [attempt(what, mse_step, model, sgd(model), x, y)], 1)[0]
