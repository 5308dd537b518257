"""What challenge_flow_matching.py requires.

Samplers are followed call by call, then held against what has a closed form: a field whose paths
are known (between Gaussians the midpoint rule's error is even of order 3), the law that Euler's
steps make of a Gaussian, and a mixture. Euler's steps in the midpoint rule's place, these tell.
"""

import math

import torch

from checks.functions import is_exact
from checks.samplers import TWO, Mixture, follow, guessed, keeps_grad_mode
from checks.tools import (
    attempt,
    close,
    draws_nothing,
    equal,
    gradients,
    keeps_device,
    numbers,
    refuses,
    result_of,
    strided,
    unchanged,
)

SHAPES = (1,), (6,), (5, 5), (4, 4, 4, 4), (3, 2, 4, 6)
ONE = Mixture([1.0], [[2.0, -1.0]], [0.5])


def path(interpolate):
    for shape in SHAPES:
        x0, x1, t = strided(*shape), strided(*shape), torch.rand(shape[0])
        t[0] = 0.25
        call = f"interpolate, {shape}, t {numbers(t, 2)}: result"
        rows = [(1 - s) * a + s * b for a, b, s in zip(x0, x1, t.tolist(), strict=True)]
        close(result_of(call, interpolate, x0, x1, t), torch.stack(rows), call)
        for s, want in ((0.0, x0), (1.0, x1)):
            call = f"interpolate, {shape}, t {s:g}: result"
            close(result_of(call, interpolate, x0, x1, torch.full(shape[:1], s)), want, call)


def loss(flow_matching_loss):
    for shape in SHAPES:
        x0, x1, t = strided(*shape), 2 + strided(*shape), torch.rand(shape[0])
        output = (30 * strided(*shape)).requires_grad_()
        call = f"flow_matching_loss, {shape}"
        got = result_of(call, flow_matching_loss, output, x0, x1, t)
        error = output.detach() - (x1 - x0)
        close(got.detach(), error.square().mean(), f"{call}: loss")
        (grad,) = gradients(call, got, [output], torch.ones(()), ["model_output"])
        close(grad, 2 * error / error.numel(), f"{call}: gradient of model_output")


def euler(euler_sample):
    steps_lead(euler_sample, 1)
    order(euler_sample, 1)
    mean, wide, steps = torch.zeros(2), torch.tensor(1.0), 10
    for i in range(steps):  # what Euler's steps make of the mean and the standard deviation
        t = torch.tensor(i / steps)
        low, high = ONE.velocity(torch.stack([mean, mean + 1]), t)
        mean, wide = mean + low / steps, wide * (1 + (high - low)[0] / steps)
    law = Mixture([1.0], [mean.tolist()], [wide.item()])
    judged(law, euler_sample, ONE, "data N([2, -1], 0.25), 1000 draws, 10 Euler steps")


def midpoint(midpoint_sample):
    steps_lead(midpoint_sample, 2)
    order(midpoint_sample, 2)
    judged(TWO, midpoint_sample, TWO, "a mixture, 1000 draws, 10 midpoint steps")


def shapes(interpolate, flow_matching_loss):
    base = (5, 3, 4, 6)
    others = (5, 1, 4, 6), (1, 3, 4, 6), (5, 3, 6, 4), (1,), (4, 6), (5, 3, 4, 6, 1)
    for one, two in (*((base, other) for other in others), ((4, 4), (4, 4, 1))):
        for pair in ((one, two), (two, one)):
            call = f"interpolate, x0 {pair[0]}, x1 {pair[1]}"
            refuses(interpolate, *map(torch.randn, pair), torch.rand(pair[0][0]), call=call)
        for at in range(3):
            three = [one] * 3
            three[at] = two
            call = f"flow_matching_loss, model_output, x0, x1 {three}"
            refuses(flow_matching_loss, *map(torch.randn, three), torch.rand(one[0]), call=call)
    for shape, t in ((base, (1,)), (base, ()), (base, (5, 1)), (base, (6,)), ((4, 4), (4, 4))):
        pair = strided(*shape), strided(*shape)
        refuses(interpolate, *pair, torch.rand(t), call=f"interpolate, x0 {shape}, t {t}")


def dtypes(interpolate, flow_matching_loss, euler_sample, midpoint_sample):
    for dtype, tol in ((torch.float64, 1e-13), (torch.float32, 1e-5), (torch.bfloat16, 3e-2)):
        x0, x1, output = (strided(3, 4).to(dtype) for _ in range(3))
        for of_t in (torch.float32, torch.float64, torch.bfloat16):
            t, call = torch.tensor([0.25, 0.5, 0.75], dtype=of_t), f"x0 {dtype}, t {of_t}"
            a, b, s = x0.double(), x1.double(), t.double()[:, None]
            error = (output.double() - (b - a)).square().mean()
            for name, got, want in (
                ("interpolate", interpolate(x0, x1, t), (1 - s) * a + s * b),
                ("flow_matching_loss", flow_matching_loss(output, x0, x1, t), error),
            ):
                equal(f"{call}: {name} gives", got.dtype, dtype)
                is_exact(f"{call}: {name}", got.double(), want, tol)
        for sampler in (euler_sample, midpoint_sample):
            call = f"x0 {dtype}: {sampler.__name__}"
            out, seen = follow(call, sampler, (3, 4), x0, 3)
            kinds = {i.dtype for pair in seen for i in pair} | {out.dtype}
            equal(f"{call}: dtypes of x, t and the result", kinds, {dtype})
            want = walk(x0.double(), 3, 1 + (sampler is midpoint_sample))[-1]
            is_exact(f"{call}: result", out.double(), want, tol)
    x0, x1, t = strided(3, 4), strided(3, 4), torch.rand(3)
    keeps_device("interpolate", interpolate, x0, x1, t)
    for sampler in (euler_sample, midpoint_sample):
        keeps_device(sampler.__name__, lambda x, s=sampler: s(guessed, x, 2), x0)


def limits(interpolate, flow_matching_loss, euler_sample, midpoint_sample):
    x0, x1, output, t = strided(3, 4), strided(3, 4), strided(3, 4), torch.rand(3)
    weight, kept = torch.ones(4, requires_grad=True), list[bool]()

    def learns(x, t):
        kept.append(x.requires_grad)
        return weight * x

    with unchanged("path and loss", x0, x1, output, t), draws_nothing("path and loss"):
        attempt("interpolate", interpolate, x0, x1, t)
        attempt("flow_matching_loss", flow_matching_loss, output, x0, x1, t)
    for sampler in (euler_sample, midpoint_sample):
        call = sampler.__name__
        for grad in (True, False):
            with torch.set_grad_enabled(grad), unchanged(call, x0), draws_nothing(call):
                kept.append(attempt(call, sampler, learns, x0, 2).requires_grad)
                equal(f"{call}: the grad mode after it is", torch.is_grad_enabled(), grad)
        equal(f"a model with a weight, {call}: x or the result has a graph:", any(kept), False)
        out = attempt(call, sampler, lambda x, t: x, x0.clone().requires_grad_(), 2)
        equal(f"{call}, x0 requires gradients: so does the result:", out.requires_grad, False)
        keeps_grad_mode(call, lambda model, s=sampler: s(model, x0, 2))


CORE = (path, loss, euler, midpoint)
EDGES = (shapes, dtypes, limits)


def walk(x, steps, calls):
    """Where the model `guessed` is called, so many times a step, and at last the result."""
    states = []
    for i in range(steps):
        states.append(x)
        velocity = guessed(x, x.new_full(x.shape[:1], i / steps))
        if calls == 2:
            states.append(x + velocity / (2 * steps))
            velocity = guessed(states[-1], x.new_full(x.shape[:1], (i + 0.5) / steps))
        x = x + velocity / steps
    return [*states, x]


def steps_lead(sampler, calls):
    for steps in (1, 2, 5):
        for shape in ((1,), (1, 3), (4, 4), (3, 2, 4)):
            x0, call = strided(*shape), f"{sampler.__name__}, {shape}, steps {steps}"
            out, seen = follow(call, sampler, shape, x0.clone(), steps)
            equal(f"{call}: shapes of t are", {tuple(t.shape) for _, t in seen}, {shape[:1]})
            at = [round(s, 4) for _, t in seen for s in {*t.tolist()}]
            want = [round(i / (calls * steps), 4) for i in range(calls * steps)]
            equal(f"{call}: calls at t =", at, want)
            got, want = [*(x for x, _ in seen), out], walk(x0, steps, calls)
            for i, (one, other) in enumerate(zip(got, want, strict=True)):
                name = f"x at t = {i / (calls * steps):.2f}" if i < len(seen) else "result"
                close(one, other, f"{call}: {name}")


def order(sampler, calls):
    """How much smaller the error is with 206 steps than with 103."""
    x0, errors, want = torch.linspace(-2, 2, 10).double().view(5, 2), [], 2**calls
    for steps in (103, 206):  # 103 times 1 / 103 is below 1, 1 / (1 / 103) above 103
        seen = []
        out = sampler(lambda x, t, s=seen: s.append(t) or 2 * t[:, None] * x, x0, steps)
        equal(f"{sampler.__name__}, steps {steps}: calls of the model", len(seen), calls * steps)
        errors.append((out - math.e * x0).abs().mean().item())
    ratio = errors[0] / max(errors[1], 1e-12)
    told = f"field 2 t x: errors with 103 and 206 steps {errors[0]:.2g} and {errors[1]:.2g}"
    right = abs(ratio - want) < 0.1 * want
    assert right, f"{sampler.__name__}, {told}, a ratio of {ratio:.2f}, want {want} or so"


def judged(law, sampler, data, what):
    start = torch.randn(1000, 2)
    law.judges(what, result_of(what, sampler, lambda x, t: data.velocity(x, t[0]), start, 10))
