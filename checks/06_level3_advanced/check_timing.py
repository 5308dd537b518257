"""What challenge_timing.py requires. Clock and GPUs are stand-ins, so every time is exact."""

import inspect

import torch

from checks.functions import number_is
from checks.gpu import Machine
from checks.tools import attempt, equal, refuses

SLOW = [60.0, 30.0, 40.0]  # the first calls


def counts(benchmark):
    names = inspect.signature(benchmark).parameters
    got = {name: p.default for name, p in names.items() if name in ("warmup", "repeats")}
    equal("benchmark, what is not given:", got, {"warmup": 3, "repeats": 10})
    for warmup, repeats in ((2, 3), (0, 1), (5, 2), (1, 200)):
        parts = ("calls", "max") if repeats < 9 else ("calls",)
        timed(benchmark, "cpu", [60.0] * warmup, [4.0] * repeats, parts)


def cpu(benchmark):
    for device in ("cpu", torch.device("cpu")):
        timed(benchmark, device, SLOW, [3.0, 8.0, 5.0], ("torch", "min", "max"))
        timed(benchmark, device, [], [0.0001234567], ("min", "max"))
        timed(benchmark, device, [], [2.0, 2.5, 1.0, 40.0], ("min", "max"))


def median(benchmark):
    for seconds in (
        [1.0, 9.0],
        [2.0, 3.0, 70.0],
        [7.0, 1.0, 2.0, 100.0],
        [4.0, 6.0, 7.0, 2.0, 9.0, 5.0],
    ):
        timed(benchmark, "cpu", [], seconds, ("median",))


def cuda(benchmark):
    for device in ("cuda", torch.device("cuda"), "cuda:0", torch.device("cuda", 0)):
        timed(benchmark, device, SLOW, [3.0, 8.0, 5.0], ("min", "median", "max", "calls"))
        timed(benchmark, device, [], [0.0001234567], ("min", "max", "calls"))
        timed(benchmark, device, SLOW[:1], [2.0, 2.5, 1.0, 40.0], ("min", "max"))


def memory(peak_memory):
    for device in ("cuda", torch.device("cuda"), "cuda:0"):
        call = f"peak_memory(fn, {str(device)!r}), a peak of 5000 bytes before, 100 are left"
        call += ", fn takes 600, gives 600 back and takes 200"
        number_is(call, peak(peak_memory, device, 0), 700)


def device(benchmark, peak_memory):
    places = ("cuda:1", 1, 0), (torch.device("cuda:1"), 1, 0), ("cuda", 1, 1), ("cuda:0", 0, 1)
    for where, i, now in places:
        seconds = [
            timed(benchmark, place, SLOW, [3.0, 8.0, 5.0], ("current",), current)
            for place, current in (("cuda", 0), (where, now))
        ]
        said = f"for cuda while cuda:0 is current, and for {where} while cuda:{now} is"
        call = f"benchmark(fn, device) of fn that takes [3, 8, 5] s, {said}:"
        equal(call, seconds, seconds[:1] * 2)
        sizes = [peak(peak_memory, "cuda", 0), peak(peak_memory, where, i, now)]
        equal(f"peak_memory(fn, device) of the same fn, {said}:", sizes, sizes[:1] * 2)


def errors(benchmark, peak_memory):
    one, calls = (ValueError,), []
    with Machine().standing_in(benchmark, peak_memory):
        for warmup, repeats in ((3, 0), (3, -2), (-1, 10), (-1, 0)):
            for place in ("cpu", "cuda"):
                given = lambda: calls.append(1), place, warmup, repeats
                call = f"benchmark(fn, {place!r}, warmup={warmup}, repeats={repeats})"
                refuses(benchmark, *given, errors=one, call=call)
                equal(f"{call}: calls of fn:", len(calls), 0)
        for place in ("cpu", torch.device("cpu"), "meta"):
            call = f"peak_memory(fn, {str(place)!r})"
            refuses(peak_memory, lambda: calls.append(1), place, errors=one, call=call)
            equal(f"{call}: calls of fn:", len(calls), 0)


CORE = (counts, cpu, median, cuda, memory)
EDGES = (device, errors)


def timed(benchmark, device, first, then, parts, current=0):
    """These parts are right for an fn that takes so long in its first calls, and then so long."""
    machine, calls = Machine(current), []

    def fn():
        calls.append(torch.is_grad_enabled())
        machine.work([*first, *then, *[0.0] * len(calls)][len(calls) - 1], device)

    what = f"benchmark(fn, {str(device)!r}, warmup={len(first)}, repeats={len(then)})"
    with machine.standing_in(benchmark):
        got = attempt(what, benchmark, fn, device, len(first), len(then))
    if "calls" in parts:
        equal(f"{what}: calls of fn:", len(calls), len(first) + len(then))
        equal(f"{what}: in fn, torch.is_grad_enabled() is", all(calls), True)
    if "current" in parts:
        call = f"{what}, cuda:{current} is current: afterwards it is cuda:"
        equal(call, machine.current, current)
    if "torch" in parts:
        equal(f"{what}: calls of torch.cuda:", machine.called, [])
    what += f", fn takes {[*map(int, first)]}, then {then} s"
    assert isinstance(got, dict), f"{what}: {type(got).__name__}, want a dict"
    equal(f"{what}: keys", sorted(got), ["max", "median", "min"])
    ordered, n = sorted(then), len(then)
    middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    for key, value in {"min": ordered[0], "median": middle, "max": ordered[-1]}.items():
        if key in parts:
            number_is(f"{what}: {key}", got[key], value, 1e-7)
    return got


def peak(peak_memory, device, i, current=0):
    """fn takes 600 bytes, gives them back, and then takes 200 that stay; 100 were there before."""
    machine, calls = Machine(current), []
    machine.use(5000, i), machine.use(-4900, i), machine.use(9000, 1 - i)

    def fn():
        calls.append(torch.is_grad_enabled())
        machine.use(600, device), machine.use(-600, device), machine.use(200, device)

    what = f"peak_memory(fn, {str(device)!r})"
    with machine.standing_in(peak_memory):
        got = attempt(what, peak_memory, fn, device)
    equal(f"{what}: torch.is_grad_enabled() in each call of fn:", calls, [True])
    call = f"{what}, cuda:{current} is current: afterwards it is cuda:"
    equal(call, machine.current, current)
    return got
