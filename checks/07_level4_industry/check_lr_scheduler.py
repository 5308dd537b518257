"""What challenge_lr_scheduler.py requires.

A model of two numbers whose gradients do not depend on them: `schedule` compares how far it moves
with a run of gamma 1, `optimizer` and `gradients` with numbers done by hand. Only `layers` compares
with a twin that is trained in plain code.
"""

import copy
import math
from functools import lru_cache

import torch
from torch import nn

from checks.pipelines import Readings
from checks.tools import attempt, equal
from checks.training import (
    CPU,
    META,
    Difference,
    arrives_on_device,
    batches_of,
    epoch_by_hand,
    line,
    loader_of,
    passes,
    refused_untouched,
    sgd,
    shown,
    states_are,
    watching,
    whole_model_in_train_mode,
)

TWICE = (1, 1), (2, 2)  # means and sizes of the batches
TABLE = (  # lr, step_size, gamma, the rates of the epochs, the rate of one more
    (0.08, 2, 0.5, [0.08, 0.08, 0.04, 0.04, 0.02], 0.02),
    (0.2, 3, 0.1, [0.2, 0.2, 0.2], 0.02),
    (0.01, 1, 0.1, [0.01, 1e-3, 1e-4], 1e-5),
    (0.1, 4, 0.5, [0.1, 0.1, 0.1], 0.1),
    (0.04, 2, 1.5, [0.04, 0.04, 0.06], 0.06),
    (1e-4, 1, 1e-3, [1e-4, 1e-7], 1e-10),
)


def order(train_with_scheduler):
    for y, said in ((0.0, ""), (math.nan, ", losses NaN")):
        try:
            log = run(train_with_scheduler, (1, 2, 3), (3, 1, 2), 2, y=y)
        except AssertionError:
            if not said:
                raise
            return  # an error for such a loss is as right
        what, want = f"2 epochs, batches of 3, 1, 2 samples{said}", [*range(1, 7)]
        equal(f"{what}: forward passes of the batches", log.passed, [1, 2, 3] * 2)
        kind, after = "steps", [step.forwards for step in log.steps]
        if not after:  # the loop may step by itself
            kind = "no step of an optimizer; moves"
            after = [i for i in want if log.path[i] != log.path[i - 1]]
        assert after == want, f"{what}: {kind} after {after} forward passes, want after {want}"


def gradients(train_with_scheduler):
    log = run(train_with_scheduler, (1, 2, 4), (3, 3, 3), 2, olds=(10.0, 20.0))
    for i, name, old, want in ((0, "weight", 10, [1, 2, 4] * 2), (1, "bias", 20, [1, 1, 1] * 2)):
        got, steps = log.grads(i), moves(log, i)
        if not log.steps:  # a loop that steps by itself
            got = [(a - 0.9 * b) / 0.1 for a, b in zip(steps, [0.0, *steps], strict=False)]
        got = [round(g, 4) for g in got][: len(want)]
        assert got == want[: len(got)], (
            f"2 epochs, 3 batches, gradients for the {name} {want}, {old} in .grad "
            f"before the call: the steps used {shown(got)}"
        )


def schedule(train_with_scheduler):
    for lr, step_size, gamma, rates, _ in TABLE:
        epochs = len(rates)
        far, near = (
            moves(run(train_with_scheduler, *TWICE, epochs, lr, step_size, g), 1)
            for g in (1.0, gamma)
        )
        got = [lr * a / b if b else 0.0 for a, b in zip(near, far, strict=True)]
        what = f"lr {lr}, step_size {step_size}, gamma {gamma}, {epochs} epochs of 2 batches"
        assert_near(
            f"{what}: the rates of the steps", got, [rate for rate in rates for _ in range(2)]
        )


def optimizer(train_with_scheduler):
    log = run(train_with_scheduler, (0.5, 0.5), (2, 2), 3, 0.1, 1)
    speeds = [1.0, 1.9, 2.71, 3.439, 4.0951, 4.68559]  # 0.9 times the one before, plus 1
    for i, name, gradient in ((1, "bias", 1.0), (0, "weight", 0.5)):
        what = f"3 epochs of 2 batches, lr 0.1, gamma 1, {name} of gradient {gradient}: it moved by"
        got = moves(log, i)
        assert_near(what, got, [0.1 * gradient * speed for speed in speeds][: len(got)])


def mode(train_with_scheduler):
    def train(model, loader, criterion, optimizer, device):
        train_with_scheduler(model, loader, criterion, device, 2, 0.1, 1, 0.5)

    whole_model_in_train_mode(train)


def result(train_with_scheduler):
    for lr, step_size, gamma, rates, want in TABLE:
        what = f"lr {lr}, step_size {step_size}, gamma {gamma}, {len(rates)} epochs"
        got = run(train_with_scheduler, *TWICE, len(rates), lr, step_size, gamma).got
        assert type(got) is float, f"{what}: returned {got!r}, want a float"
        assert abs(got - want) < 1e-6 * want, f"{what}: returned {got:.6g}, want {want:g}"


def device(train_with_scheduler):
    def train(model, batches):
        train_with_scheduler(model, batches, model.criterion, META, 2, 0.1, 1, 0.5)

    arrives_on_device("train_with_scheduler", train)


def iterables(train_with_scheduler):
    sizes, model = [4, 1, 1], line()
    loader = Readings(lambda i: batches_of([10 * i, 10 * i + 1, 10 * i + 2], sizes))
    what = f"3 epochs, a loader without a length, other batches of {sizes} samples in each pass"
    with watching(model) as seen:
        attempt(what, train_with_scheduler, model, loader, Difference(), CPU, 3, 0.1, 1, 0.5)
    got = [one.x.mean().item() for one in seen.forwards]
    want = [10.0 * i + j for i in (1, 2, 3) for j in (0, 1, 2)]
    equal(f"{what}: means of x in the forward passes", got, want)


def layers(train_with_scheduler):
    net = nn.Linear(5, 6), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 3)
    model = nn.Sequential(*net).double()
    model.register_parameter("unused", nn.Parameter(torch.ones(2)))
    twin = copy.deepcopy(model)
    batches = [(torch.randn(n, 4, 5).double(), torch.randn(n, 4, 3).double()) for n in (6, 5, 1)]
    group = {"params": list(twin.parameters()), "lr": 0.1}
    torch.manual_seed(1)
    for _ in range(2):
        epoch_by_hand(twin, nn.MSELoss(reduction="none"), batches, [group], 0.9)
    torch.manual_seed(1)  # the same units drop out
    what = "a float64 model with BatchNorm, Dropout and an unused parameter, 2 epochs"
    attempt(what, train_with_scheduler, model, batches, nn.MSELoss(), CPU, 2, 0.1, 9, 0.5)
    states_are(model.state_dict(), twin.state_dict(), f"after {what}", 1e-7)


def none(train_with_scheduler):
    model, loader = line(1.0), iter(batches_of([1, 2], [3, 3]))
    given = model, loader, Difference(), CPU, 0, 0.3, 2, 0.5
    got = attempt("0 epochs", train_with_scheduler, *given)
    equal("0 epochs: batches left in the loader:", len(list(loader)), 2)
    equal("0 epochs: the weight, 1 before, is", model.weight.item(), 1)
    equal("0 epochs, lr 0.3: returned", got, 0.3)


def errors(train_with_scheduler):
    for step_size in (0, -1):

        def train(model, loader, criterion, optimizer, device, step_size=step_size):
            return train_with_scheduler(model, loader, criterion, device, 1, 0.1, step_size, 0.5)

        refused_untouched(f"step_size {step_size}", train)


CORE = (order, gradients, schedule, optimizer, mode, result, device)
EDGES = (iterables, layers, none, errors)


@lru_cache(16)  # labels share it
def run(train_with_scheduler, means, sizes, epochs, lr=0.1, step_size=9, gamma=1.0, olds=(), y=0.0):
    """What was seen in float64: .path, (weight, bias) before each forward pass and in the end;
    .passed, the number of the batch in each; .got, what came back.
    """
    model, path = line().double(), []
    given = sgd(model)  # its parameters are the model's
    for p, old in zip(model.parameters(), olds, strict=False):
        p.grad = torch.full_like(p, old)  # left from before the call

    def note(*_):
        path.append([p.item() for p in model.parameters()])

    model.register_forward_pre_hook(note)
    batches = [(x.double(), y.double()) for x, y in batches_of(means, sizes, y)]
    what = f"lr {lr}, step_size {step_size}, gamma {gamma}, {epochs} epochs"
    with watching(model, given) as seen:
        inputs = model, loader_of(batches), Difference(), CPU, epochs, lr, step_size, gamma
        seen.got = attempt(what, train_with_scheduler, *inputs)
    note()
    seen.steps = [step._replace(is_given=True) for step in seen.steps]  # the answer makes its own
    seen.path, seen.passed = path, passes(seen, batches)
    return seen


def moves(log, i):
    return [a[i] - b[i] for a, b in zip(log.path, log.path[1:], strict=False)]


def assert_near(what, got, want):
    near = len(got) == len(want) and all(
        abs(a - b) <= 1e-4 * b for a, b in zip(got, want, strict=True)
    )
    assert near, f"{what} {shown(got)}, want {shown(want)}"
