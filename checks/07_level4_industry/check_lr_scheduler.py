"""What challenge_lr_scheduler.py requires.

A model of two numbers whose gradients do not depend on them: `schedule` compares how far it moves
with a run of gamma 1, `optimizer` and `gradients` with numbers done by hand. Only `layers` compares
with a twin that is trained in plain code.
"""

import copy

import torch
from torch import nn

from checks.hunts import attempt
from checks.pipelines import Readings
from checks.training import (
    CPU,
    META,
    Difference,
    all_in_train_mode,
    arrives_on_device,
    batches_of,
    epoch_by_hand,
    line,
    loader_of,
    modes_of,
    passes,
    refused_untouched,
    sgd,
    shown,
    states_are,
    watching,
)

TABLE = (  # lr, step_size, gamma, the rates of the epochs, the rate of one more
    (0.08, 2, 0.5, [0.08, 0.08, 0.04, 0.04, 0.02], 0.02),
    (0.2, 3, 0.1, [0.2, 0.2, 0.2], 0.02),
    (0.01, 1, 0.1, [0.01, 1e-3, 1e-4], 1e-5),
    (0.1, 4, 0.5, [0.1, 0.1, 0.1], 0.1),
    (0.04, 2, 1.5, [0.04, 0.04, 0.06], 0.06),
    (1e-4, 1, 1e-3, [1e-4, 1e-7], 1e-10),
)


def order(train_with_scheduler):
    for epochs in (1, 2):
        batches = batches_of([1, 2, 3], [3, 1, 2])
        path, seen = run(train_with_scheduler, batches, epochs)
        what, n = f"epochs {epochs}, batches of 3, 1, 2 samples", 3 * epochs
        got, want = passes(seen, batches), [1, 2, 3] * epochs
        assert got == want, f"{what}: forward passes of the batches {got}, want {want}"
        want = list(range(1, n + 1))
        after = [step.forwards for step in seen.steps]
        if seen.steps:  # `gradients` and `optimizer` mind what they do
            assert after == want, f"{what}: steps after {after} forward passes, want after {want}"
            continue
        moved = [i for i in want if path[i] != path[i - 1]]
        assert moved == want, (
            f"{what}: no step of an optimizer, and parameters moved after the forward passes "
            f"{moved}, want after {want}"
        )


def gradients(train_with_scheduler):
    batches = batches_of([1, 2, 4], [3, 3, 3])
    for epochs in (1, 2):
        path, seen = run(train_with_scheduler, batches, epochs, olds=(10.0, 20.0))
        for i, name, old, want in (
            (0, "weight", 10, [1, 2, 4] * epochs),
            (1, "bias", 20, [1, 1, 1] * epochs),
        ):
            steps = moves(path, i)  # of a loop that steps by itself
            got = [(a - 0.9 * b) / 0.1 for a, b in zip(steps, [0.0, *steps], strict=False)]
            if seen.steps:
                got = [0.0 if s.grads[i] is None else s.grads[i].item() for s in seen.steps]
            got = [round(g, 4) for g in got][: len(want)]
            assert got == want[: len(got)], (
                f"epochs {epochs}, 3 batches, gradients for the {name} {want}, {old} in .grad "
                f"before the call: the steps used {shown(got)}"
            )


def schedule(train_with_scheduler):
    batches = batches_of([1, 1], [2, 2])
    for lr, step_size, gamma, rates, _ in TABLE:
        far, near = (
            moves(run(train_with_scheduler, batches, len(rates), lr, step_size, g)[0], 1)
            for g in (1.0, gamma)
        )
        got = [lr * a / b if b else 0.0 for a, b in zip(near, far, strict=True)]
        want = [rate for rate in rates for _ in batches]
        right = len(got) == len(want) and all(
            abs(a - b) <= 1e-4 * b for a, b in zip(got, want, strict=True)
        )
        assert right, (
            f"lr {lr}, step_size {step_size}, gamma {gamma}, {len(rates)} epochs of 2 batches: the "
            f"rates of the steps {shown(got)}, want {shown(want)}"
        )


def optimizer(train_with_scheduler):
    path, _ = run(train_with_scheduler, batches_of([0.5, 0.5], [2, 2]), 3, 0.1, 1, 1.0)
    speeds = [1.0, 1.9, 2.71, 3.439, 4.0951, 4.6856]  # 0.9 times the one before, plus 1
    for i, name, gradient in ((1, "bias", 1.0), (0, "weight", 0.5)):
        got, want = moves(path, i), [0.1 * gradient * speed for speed in speeds]
        near = all(abs(a - b) < 1e-4 for a, b in zip(got, want, strict=False))
        assert near, (
            f"3 epochs of 2 batches, lr 0.1, gamma 1, {name} of gradient {gradient}: the steps "
            f"moved it by {shown(got)}, want {shown(want)}"
        )


def mode(train_with_scheduler):
    for which in ("all of it in eval mode", "parts of it in eval mode"):
        inner = nn.Sequential(nn.Linear(1, 2), nn.Sequential(nn.Dropout(0.0), nn.Identity()))
        model = nn.Sequential(inner, nn.Linear(2, 1)).eval()
        model.training = which.startswith("parts")
        batches = loader_of(batches_of([1, 2], [3, 2]))
        with watching(model) as seen:
            train_with_scheduler(model, batches, Difference(), CPU, 2, 0.1, 1, 0.5)
        what = f"a model that came with {which}"
        all_in_train_mode(what, seen)
        modes = modes_of(model)
        now = sum(modes.values())
        assert now == len(modes), (
            f"{what}: after training {now} of {len(modes)} modules are in train mode, want all"
        )


def result(train_with_scheduler):
    batches = batches_of([1, 1], [2, 2])
    for lr, step_size, gamma, rates, want in TABLE:
        got = train_with_scheduler(
            line(), batches, Difference(), CPU, len(rates), lr, step_size, gamma
        )
        what = f"lr {lr}, step_size {step_size}, gamma {gamma}, {len(rates)} epochs"
        assert type(got) is float, f"{what}: returned {got!r}, want a float"
        assert abs(got - want) < 1e-6 * want, f"{what}: returned {got:.6g}, want {want:g}"


def device(train_with_scheduler):
    def train(model, batches):
        train_with_scheduler(model, batches, model.criterion, META, 2, 0.1, 1, 0.5)

    arrives_on_device("train_with_scheduler", train)
    arrives_on_device("train_with_scheduler", train, torch.zeros(2, dtype=torch.float64))


def iterables(train_with_scheduler):
    sizes, model = [4, 1, 1], line()
    loader = Readings(lambda i: batches_of([10 * i, 10 * i + 1, 10 * i + 2], sizes))
    with watching(model) as seen:
        what = "3 epochs, a loader without a length"
        attempt(what, train_with_scheduler, model, loader, Difference(), CPU, 3, 0.1, 1, 0.5)
    got = [one.x.mean().item() for one in seen.forwards]
    want = [10.0 * i + j for i in (1, 2, 3) for j in (0, 1, 2)]
    assert got == want, (
        f"{what} that brings other batches of {sizes} samples in each pass: means of x in the "
        f"forward passes {shown(got)}, want {shown(want)}"
    )


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
    run = model, batches, nn.MSELoss(), CPU, 2, 0.1, 9, 0.5
    attempt(what, train_with_scheduler, *run)
    states_are(model.state_dict(), twin.state_dict(), f"after {what}", 1e-7)


def none(train_with_scheduler):
    model, loader = line(1.0), iter(batches_of([1, 2], [3, 3]))
    got = attempt(
        "0 epochs", train_with_scheduler, model, loader, Difference(), CPU, 0, 0.3, 2, 0.5
    )
    left = len(list(loader))
    assert left == 2, f"0 epochs: the loader was read: {left} of 2 batches left, want 2"
    weight = model.weight.item()
    assert weight == 1, f"0 epochs: the weight went from 1 to {weight:.4g}, want 1"
    assert got == 0.3, f"0 epochs, lr 0.3: returned {got!r}, want 0.3"


def errors(train_with_scheduler):
    for step_size in (0, -1):

        def train(model, loader, criterion, optimizer, device, step_size=step_size):
            return train_with_scheduler(model, loader, criterion, device, 1, 0.1, step_size, 0.5)

        refused_untouched(f"step_size {step_size}", train)


CORE = (order, gradients, schedule, optimizer, mode, result, device)
EDGES = (iterables, layers, none, errors)


def run(train_with_scheduler, batches, epochs, lr=0.1, step_size=9, gamma=0.5, olds=()):
    """((weight, bias) before each forward pass and in the end, what was seen) in float64."""
    model, path = line().double(), []
    for p, old in zip(model.parameters(), olds, strict=False):
        p.grad = torch.full_like(p, old)  # left from before the call

    def note(*_):
        path.append([p.item() for p in model.parameters()])

    model.register_forward_pre_hook(note)
    loader = loader_of([(x.double(), y.double()) for x, y in batches])
    with watching(model, sgd(model)) as seen:  # whose parameters are the model's
        what = f"a float64 model, epochs {epochs}"
        inputs = model, loader, Difference(), CPU, epochs, lr, step_size, gamma
        attempt(what, train_with_scheduler, *inputs)
    note()
    return path, seen


def moves(path, i):
    return [a[i] - b[i] for a, b in zip(path, path[1:], strict=False)]
