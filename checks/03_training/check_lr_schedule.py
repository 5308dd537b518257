"""What challenge_lr_schedule.py requires: rates that can be done by hand, step by step."""

import copy
import io
import math

import torch
from torch.optim.lr_scheduler import LRScheduler

from checks.functions import number_is
from checks.tools import attempt, equal, numbers, refuses

HALF = math.sqrt(0.5)
RANGES = (8.0, 0.0), (8.0, 2.0), (8e-5, 2e-5)  # max_lr, min_lr


def warmup(cosine_lr_schedule, wsd_lr_schedule):
    table = (10, 4, (0, 1, 2, 3, 4)), (9, 1, (0, 1)), (11, 7, (3, 6)), (7, 0, (0,))
    for total, warm, steps in table:
        for step in steps:
            for high, low in RANGES:
                want = high * step / warm if warm else high
                rate_is(cosine_lr_schedule, want, step, total, warm, high, low)
                rate_is(wsd_lr_schedule, want, step, total, warm, 3, high, low)


def cosine(cosine_lr_schedule):
    for high, low in RANGES:
        mid, half = (high + low) / 2, (high - low) / 2
        for total, warm, quarter in ((12, 4, 2), (8, 0, 2), (20, 12, 2), (5, 1, 1)):
            for i, wave in enumerate((1, HALF, 0, -HALF)):
                step, want = warm + i * quarter, mid + half * wave
                rate_is(cosine_lr_schedule, want, step, total, warm, high, low)
    for step in (1, 39):
        rate_is(cosine_lr_schedule, 8 * math.sin(math.pi * (40 - step) / 80) ** 2, step, 40, 0, 8.0)
    rate_is(cosine_lr_schedule, 8.0 * 0.75, 6, 10, 4, 8.0)  # a third of the way: cos 60 degrees


def wsd(wsd_lr_schedule):
    for high, low in RANGES:
        for total, warm, decay, table in (
            (12, 2, 4, {3: 1, 5: 1, 8: 1, 9: 0.75, 10: 0.5, 11: 0.25}),
            (9, 0, 8, {0: 1, 1: 1, 2: 7 / 8, 8: 1 / 8}),
            (7, 3, 4, {3: 1, 4: 0.75}),
            (6, 2, 1, {2: 1, 5: 1}),
        ):
            for step, part in table.items():
                want = low + (high - low) * part
                rate_is(wsd_lr_schedule, want, step, total, warm, decay, high, low)
    rate_is(wsd_lr_schedule, 4.0, 8, 10, 2, 4, 8.0)


def end(cosine_lr_schedule, wsd_lr_schedule):
    for total, warm in ((10, 4), (3, 0)):
        for step in (total, total + 1, total + 3, 2 * total, 10 * total + 7):
            rate_is(cosine_lr_schedule, 2.0, step, total, warm, 8.0, 2.0)
            rate_is(wsd_lr_schedule, 2.0, step, total, warm, 2, 8.0, 2.0)
            rate_is(cosine_lr_schedule, 0.0, step, total, warm, 8.0)
            rate_is(wsd_lr_schedule, 0.0, step, total, warm, 2, 8.0)


def scheduler(WarmupCosine, cosine_lr_schedule):
    for firsts in ((8.0,), (8.0, 0.5)):
        for warm, total, *low in ((2, 6), (0, 2, 0.5), (3, 4, 0.1)):
            optimizer = sgd(*firsts)
            before = options_of(optimizer)
            given = warm, total, *low
            call = f"WarmupCosine(optimizer of rates {[*firsts]}, {', '.join(map(str, given))})"
            one = attempt(call, WarmupCosine, optimizer, *given)
            assert isinstance(one, LRScheduler), f"{call} is a {type(one).__name__}, no LRScheduler"
            for s in range(8):
                factor = cosine_lr_schedule(s, total, warm, 1.0, *low)
                what = f"{call}, {f'after step() number {s}' if s else 'before any step()'}"
                rates_are(what, optimizer, [first * factor for first in firsts])
                rates_are(f"{what}: get_last_lr()", one.get_last_lr(), rates_of(optimizer))
                optimizer.step()
                attempt(f"{what}, one more", one.step)
            equal(f"{call}: momenta and weight decays are then", options_of(optimizer), before)


def resume(WarmupCosine):
    for made in (0, 1, 3, 5):
        optimizer = sgd(8.0, 0.5)
        one = WarmupCosine(optimizer, 2, 6, 0.25)
        run(one, optimizer, made)
        what = f"warm-up 2, total 6, rates [8, 0.5], saved after {made} steps"
        saved = through_file(what, one.state_dict()), through_file(what, optimizer.state_dict())
        other = sgd(3.0, 3.0)
        again = WarmupCosine(other, 2, 6, 0.25)
        other.load_state_dict(saved[1])
        attempt("load_state_dict", again.load_state_dict, saved[0])
        for s in range(made, 8):
            rates_are(
                f"{what}, loaded into others of rates [3, 3], step {s}", other, rates_of(optimizer)
            )
            run(one, optimizer, 1)
            run(again, other, 1)


def restart(WarmupCosine, cosine_lr_schedule):
    for last in (1, 3, 0, 9):
        optimizer = sgd(0.1, 0.1)
        for group, first in zip(optimizer.param_groups, (8.0, 2.0), strict=True):
            group["initial_lr"] = first
        call = f"WarmupCosine(optimizer of initial_lr [8, 2], 2, 6, 0.25, last_epoch={last})"
        one = attempt(call, WarmupCosine, optimizer, 2, 6, 0.25, last_epoch=last)
        for s in (last + 1, last + 2):
            factor = cosine_lr_schedule(s, 6, 2, 1.0, 0.25)
            rates_are(f"{call}, step {s}", optimizer, [8 * factor, 2 * factor])
            run(one, optimizer, 1)


def limits(cosine_lr_schedule, wsd_lr_schedule, WarmupCosine):
    rate_is(cosine_lr_schedule, 2.0, 4, 4, 4, 8.0, 2.0)
    rate_is(wsd_lr_schedule, 2.0, 4, 4, 4, 0, 8.0, 2.0)
    for step, want in ((4, 8.0), (5, 8.0), (6, 2.0)):
        rate_is(wsd_lr_schedule, want, step, 6, 2, 0, 8.0, 2.0)
    for given in ((0, 4, 5), (9, 4, 5), (-1, 4, 2), (1, 4, -1), (0, -1, 0)):
        refuses(cosine_lr_schedule, *given, 8.0, errors=(ValueError,))
    for given in ((1, 6, 4, 3), (9, 6, 4, 3), (-1, 6, 2, 2), (5, 6, 2, -1), (5, 6, -1, 2)):
        refuses(wsd_lr_schedule, *given, 8.0, errors=(ValueError,))
    for warm, total in ((5, 4), (-1, 4), (0, -2)):
        optimizer = sgd(8.0, 0.5)
        before = copy.deepcopy(optimizer.param_groups)
        call = f"WarmupCosine(optimizer, {warm}, {total})"
        refuses(WarmupCosine, optimizer, warm, total, errors=(ValueError,), call=call)
        for i, groups in enumerate(zip(optimizer.param_groups, before, strict=True)):
            for key in sorted({*groups[0], *groups[1]} - {"params"}):
                got, want = (group.get(key, "none") for group in groups)
                equal(f"{call}, refused: {key} of group {i} is", got, want)


CORE = (warmup, cosine, wsd, end, scheduler, resume)
EDGES = (restart, limits)


def rate_is(function, want, *given):
    call = f"{function.__name__}({', '.join(map(str, given))})"
    max_lr = next(number for number in given if isinstance(number, float))
    number_is(call, attempt(call, function, *given), want, 1e-6 * max_lr)


def rates_are(what, got, want):
    got = rates_of(got) if isinstance(got, torch.optim.Optimizer) else got
    right = len(got) == len(want) and all(map(near, got, want))
    got, want = (numbers(torch.tensor(rates)) for rates in (got, want))
    assert right, f"{what}: rates {got}, want {want}"


def near(a, b):
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6)


def rates_of(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def options_of(optimizer):
    kept = "momentum", "weight_decay"
    return [{key: group[key] for key in kept} for group in optimizer.param_groups]


def sgd(*firsts):
    groups = [
        {"params": [torch.zeros(1, requires_grad=True)], "lr": first, "momentum": 0.1 * i}
        for i, first in enumerate(firsts)
    ]
    return torch.optim.SGD(groups, lr=1.0)


def run(scheduler, optimizer, steps):
    for _ in range(steps):
        optimizer.step()
        scheduler.step()


def through_file(what, state):
    """Each of its values, saved and read."""
    read = {}
    for key, value in state.items():
        file = io.BytesIO()
        try:
            torch.save(value, file)
            file.seek(0)
            read[key] = torch.load(file, weights_only=True)
        except Exception as error:
            told = f"{what}: torch.load(weights_only=True) refuses state_dict()[{key!r}]"
            raise AssertionError(f"{told}, a {type(value).__name__}") from error
    return read
