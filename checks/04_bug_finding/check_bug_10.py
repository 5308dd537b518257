"""What buggy_code_10.py requires.

training runs at one rate all the time; losses are judged by the logits that the model gave.
"""

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, StepLR

from checks import hunts
from checks.hunts import first_passes, losses_of, noting
from checks.tools import attempt, close, equal
from checks.training import shown

DECAY, ZIGZAG = [1, 1, 0.1, 0.1, 0.01], [1, 0.5, 2, 0.8, 1]  # factors of five epochs


def rates(fit):
    for schedule, n, size, factors in ((decay, 32, 8, DECAY), (zigzag, 59, 12, ZIGZAG)):
        found, what = rates_of(fit, schedule, cut(n, size), [5])
        n = max(1, len(found) // 5)  # steps of an epoch
        for i, got in enumerate(found[: 5 * n]):
            want = [0.1 * factors[i // n], 0.05 * factors[i // n]]
            said = f"{what}: epoch {i // n}, step {i % n}, rates of the two groups"
            close(torch.tensor(got), torch.tensor(want), said, 1e-6)


def later(fit):
    batches = cut(59, 16)
    for calls, schedule in (([2, 3], decay), ([1, 1, 3], zigzag)):
        once, _ = rates_of(fit, schedule, batches, [5])
        split, what = rates_of(fit, schedule, batches, calls)
        equal(f"{what}: steps, and in one call:", len(split), len(once))
        starts, want = (shown(r for r, _ in rates[::4]) for rates in (split, once))
        same = torch.allclose(torch.tensor(split), torch.tensor(once))
        what = f"{what}: rates at the start of each epoch {starts}"
        assert same, f"{what}, in one call {want}, want the same"


def training(fit):
    batches = cut(59, 16)
    for training in (True, False):
        model = deep().train(training)
        what = f"3 epochs of 4 batches at a constant rate, begun in {hunts.mode(training)}"
        noted = hunts.trains_plainly(
            what, model, sgd, batches * 3, lambda o, m=model: fit(m, o, constant(o), batches, 3)
        )
        equal(f"{what}: forward passes:", len(noted), 12)


def losses(fit):
    for n, size in ((59, 16), (59, 12)):
        model, batches = deep(nn.Dropout(0.2)), cut(n, size)
        optimizer, what = sgd(model), f"3 epochs of {len(batches)} batches: fit"
        with noting(model) as noted:
            got = attempt(what, fit, model, optimizer, constant(optimizer), batches, 3)
        got = hunts.floats(what, got, 3)
        passes, want = iter(first_passes(noted, [x for x, _ in batches * 3], what)), []
        for _ in range(3):
            each = [v for _, y in batches for v in losses_of(next(passes).logits, y)]
            want.append(sum(each) / len(each))
        close(got, want, f"{what}'s losses, by the logits of the model")


CORE = (rates, later, training, losses)
EDGES = ()


def decay(optimizer):
    """StepLR(step_size=2, gamma=0.1)"""
    return StepLR(optimizer, step_size=2, gamma=0.1)


def zigzag(optimizer):
    """LambdaLR with factors 1, 0.5, 2, 0.8 and again"""
    return LambdaLR(optimizer, lambda epoch: ZIGZAG[epoch % 4])


def constant(optimizer):
    return LambdaLR(optimizer, lambda epoch: 1.0)


def deep(*more):
    layers = [nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), *more, nn.Linear(16, 3)]
    return nn.Sequential(*layers)


def sgd(model):
    """Two groups, the second one at half the rate."""
    groups = [{"params": model[:2].parameters()}, {"params": model[-1].parameters(), "lr": 0.05}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def cut(n, size):
    x = torch.randn(n, 6)
    y = (x[:, :3] + 0.3 * torch.randn(n, 3)).argmax(dim=1)
    return list(zip(x.split(size), y.split(size), strict=True))


def rates_of(fit, schedule, batches, calls):
    """The rates of both groups at each step of the optimizer; how a message calls it."""
    model, found = deep(), []
    optimizer = sgd(model)
    scheduler = schedule(optimizer)
    optimizer.register_step_pre_hook(lambda o, *_: found.append([g["lr"] for g in o.param_groups]))
    what = f"{' + '.join(map(str, calls))} epochs of {len(batches)} batches, {schedule.__doc__}"
    for epochs in calls:
        attempt(what, fit, model, optimizer, scheduler, batches, epochs)
    assert found, f"{what}: no step of the given optimizer"
    return found, what
