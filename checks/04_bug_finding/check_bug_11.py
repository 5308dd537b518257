"""What buggy_code_11.py requires.

steps looks at a model that does the same in both modes; later compares the answer with itself.
"""

import copy

import torch
from torch import nn

from checks import hunts
from checks.hunts import learns_each
from checks.tools import attempt, equal
from checks.training import states_are

F, K = 6, 3
EACH = nn.CrossEntropyLoss(reduction="none")


def steps(fit):
    for factors, used, said in (
        ((1, 1, 1, 1), False, ""),
        ((1, 1, 300, 1), False, ", x of the third 300 times as large"),
        ((1, 1, 1, 1), True, ", a used model"),
        ((1, float("nan"), 1, 1), False, ", the loss of the second is NaN"),
    ):
        model, batches = plain().double(), cut((7, 4, 1, 4))
        batches = [(x.double() * f, y) for (x, y), f in zip(batches, factors, strict=True)]
        what = f"4 batches{said}"
        learns_each(
            what, model, sgd, batches, lambda o, m=model, b=batches: fit(m, o, b), EACH, used
        )


def later(fit):
    start, batches = plain(), cut((5, 3, 5, 3, 5))
    for cuts in ((2, 3), (1, 1, 3)):
        ends, what = [], f"{' + '.join(map(str, cuts))} batches"
        for parts in ((5,), cuts):
            model, rest = copy.deepcopy(start), iter(batches)
            optimizer = sgd(model)
            for n in parts:
                attempt(what, fit, model, optimizer, [next(rest) for _ in range(n)])
            ends.append(model.state_dict())
        states_are(ends[1], ends[0], f"{what}, against 5 at once", 1e-4)


def losses(fit):
    for sizes, dtype in (((7, 4, 1), torch.float32), ((3, 9), torch.float64)):
        model = deep().to(dtype)
        batches = [(x.to(dtype), y) for x, y in cut(sizes)]
        what = f"batches of {', '.join(map(str, sizes))} samples: fit"
        optimizer = sgd(model)
        hunts.measures_each(
            what, model, batches, lambda m=model, o=optimizer, b=batches: fit(m, o, b)
        )


def modes(fit):
    for training in (True, False):
        model, batches = deep().train(training), cut((4, 3))
        model[3].train(not training)
        what = f"2 batches, begun in {hunts.mode(training)} but for one part"
        optimizer = sgd(model)
        hunts.passes_in_train_mode(
            what, model, 2, lambda m=model, o=optimizer, b=batches: fit(m, o, b)
        )


def stream(fit):
    model, batches, taken = plain(), cut((4, 3, 5)), []
    optimizer, steps = sgd(model), []
    optimizer.register_step_post_hook(lambda *_: steps.append(1))

    def coming():
        for batch in copy.deepcopy(batches):
            taken.append(len(steps))
            yield batch

    attempt("a generator of 3 batches: fit", fit, model, optimizer, coming())
    equal("a generator of 3 batches: steps before each was taken:", taken, [0, 1, 2])


CORE = (steps, later, losses, modes)
EDGES = (stream,)


def plain():
    return nn.Sequential(nn.Linear(F, 8), nn.ReLU(), nn.Linear(8, K))


def deep():
    parts = nn.LayerNorm(8), nn.ReLU(), nn.Dropout(0.3)
    return nn.Sequential(nn.Linear(F, 8), *parts, nn.Linear(8, K))


def sgd(model):
    """Two groups, the second one at half the rate."""
    groups = [{"params": model[:2].parameters()}, {"params": model[2:].parameters(), "lr": 0.05}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def cut(sizes):
    return [(torch.randn(n, F), torch.randint(K, (n,))) for n in sizes]
