"""What challenge_ddpm_sampling.py requires.

A step is held against Bayes' rule in its form with precisions, the samplers against distributions:
data of one point, for which DDPM steps of any size are exact, and a mixture for DDIM. Of a sampler
with beta as the variance, or with the level before t as the end of a jump, these tell.
"""

import math

import torch

from checks.functions import is_exact
from checks.samplers import TWO, follow, guessed, keeps_grad_mode, near
from checks.tools import (
    attempt,
    close,
    draws_from,
    equal,
    is_normal,
    keeps_device,
    numbers,
    result_of,
    strided,
    unchanged,
)

BARS = torch.tensor([0.96, 0.64, 0.36, 0.0784, 5e-6], dtype=torch.float64)
SHAPES = (1,), (6,), (5, 5), (3, 2, 4, 6)


def x0(predict_x0):
    for bar in (0.64, 0.36, 0.0001):
        for shape in SHAPES:
            clean, noise = 20 * strided(*shape), strided(*shape)
            x_t = bar**0.5 * clean + (1 - bar) ** 0.5 * noise
            for level in (bar, torch.tensor(bar)):
                call = f"predict_x0, {shape}, x0 of size 20, alpha_bar {level}: result"
                close(result_of(call, predict_x0, x_t, noise, level), clean, call, 1e-3)


def ddpm(ddpm_step):
    for t in range(5):
        call, after = f"alpha_bars {numbers(BARS)}, ddpm_step at t = {t}", bayes(t)
        for x_t, guess, noise in ((1, 0, 0), (0, 1, 0), (0, 0, 1 if t else 1e9)):
            told = f"{call}, x_t {x_t}, noise_pred {guess}, noise {noise}: result"
            given = [torch.tensor([float(i)]) for i in (x_t, guess, noise)]
            got = result_of(told, ddpm_step, *given[:2], t, BARS.float(), given[2])
            close(got, torch.tensor([after(x_t, guess, noise)]).float(), told)
        for shape in SHAPES:
            x_t, guess, noise = (k * strided(*shape) for k in (20, 1, 5))
            got = result_of(call, ddpm_step, x_t, guess, t, BARS.float(), noise)
            close(got, after(x_t, guess, noise), f"{call}, {shape}: result", 1e-4)
    x = 2 * BARS[4] ** 0.5 + (1 - BARS[4]) ** 0.5 * torch.randn(4000).double()
    for t in (4, 3, 2):
        guess, std = (x - 2 * BARS[t] ** 0.5) / (1 - BARS[t]) ** 0.5, (1 - BARS[t - 1]).sqrt()
        x = ddpm_step(x, guess, t, BARS.clone(), torch.randn(4000).double())
        what = f"data of 2 only, exact guesses, 4000 draws from x_4 to x_{t - 1}"
        near(f"{what}: mean", x.mean(), 2 * BARS[t - 1].sqrt(), std / 4000**0.5)
        near(f"{what}: standard deviation", x.std(), std, std / 8000**0.5)


def ddim(ddim_step):
    for bar, prev in ((0.64, 0.96), (0.36, 0.64), (0.0784, 1.0), (0.04, 0.64)):
        for shape in SHAPES:
            clean, noise = 20 * strided(*shape), strided(*shape)
            x_t = bar**0.5 * clean + (1 - bar) ** 0.5 * noise
            want = prev**0.5 * clean + (1 - prev) ** 0.5 * noise
            for levels in ((bar, prev), (torch.tensor(bar), torch.tensor(prev))):
                call = f"ddim_step, {shape}, alpha_bar from {bar} to {prev}: result"
                close(result_of(call, ddim_step, x_t, noise, *levels), want, call, 1e-4)


def times(sample):
    for T, steps, want in (
        (7, None, [6, 5, 4, 3, 2, 1, 0]),
        (7, 3, [6, 3, 0]),
        (8, 4, [7, 5, 2, 0]),
        (7, 1, [6]),
        (1, None, [0]),
        (1000, 5, [999, 749, 500, 250, 0]),
        (5, 5, [4, 3, 2, 1, 0]),
    ):
        for shape in ((3, 2, 4), (1,)):
            bars, given = table(T), {"steps": steps} if steps else {}
            call = f"{T} alpha_bars, shape {shape}, {given or 'no steps'}"
            out, seen = follow(call, sample, shape, shape, bars, **given)
            kinds = {(tuple(t.shape), t.dtype) for _, t in seen}
            equal(f"{call}: t is", kinds, {(shape[:1], torch.int64)})
            equal(f"{call}: calls at t =", [t[0].item() for _, t in seen], want)
            same_t = all((t == t[0]).all() for _, t in seen)
            assert same_t, f"{call}: t differs between samples, want one time for all"
            states, levels = [*(x for x, _ in seen[1:]), out], [*bars[want[1:]], torch.tensor(1.0)]
            for (x, t), after, then in zip(seen, states, levels, strict=True):
                now, guess = bars[t[0]], guessed(x, t)
                clean = (x - (1 - now).sqrt() * guess) / now.sqrt()
                told = f"{call}: x after the step from t = {t[0]}"
                close(after, then.sqrt() * clean + (1 - then).sqrt() * guess, told, 1e-4)


def samples(sample):
    bars, what = table(81), "1000 samples of a mixture, exact guesses, 41 of 81 steps"
    given = (1000, 2), bars, 41
    TWO.judges(what, result_of(what, sample, lambda x, t: TWO.noise(x, bars[t[0]]), *given))
    what, bar = "1000 samples of 4 numbers, alpha_bars [1e-8], guesses 0: the start", 1e-8
    start = sample(lambda x, t: 0 * x, (1000, 2, 2), torch.tensor([bar])) * bar**0.5
    is_normal(start, what)
    mixed = (start[:, 0, 0] * start[:, 1, 1]).mean()
    near(f"{what}, covariance of the first and the last", mixed, 0 * mixed, 1000**-0.5)


def draws(sample):
    draws_from("sample", lambda given: sample(guessed, (3, 2), BARS.float(), 3, given))
    after = []
    for steps in (1, 5):
        given = torch.Generator().manual_seed(0)
        sample(guessed, (3, 2), BARS.float(), steps, given)
        after.append(round(torch.rand(1, generator=given).item(), 4))
    what = "sample, 1 step and 5 from one seed: the generator's next numbers after it are"
    equal(what, after, after[:1] * 2)


def dtypes(predict_x0, ddpm_step, ddim_step, sample):
    for dtype, of_bars, tol in (
        (torch.float64, torch.float64, 1e-13),
        (torch.bfloat16, torch.float32, 5e-2),
        (torch.float32, torch.float64, 1e-5),
    ):
        given, bars = [strided(3, 4).to(dtype) for _ in range(3)], BARS.to(of_bars, copy=True)
        x, guess, noise = (t.double() for t in given)
        clean = (x - 0.8 * guess) / 0.6
        for name, got, want in (
            ("predict_x0", predict_x0(*given[:2], bars[2]), clean),
            ("predict_x0", predict_x0(*given[:2], 0.36), clean),
            ("ddpm_step", ddpm_step(*given[:2], 2, bars, given[2]), bayes(2)(x, guess, noise)),
            ("ddim_step", ddim_step(*given[:2], bars[2], bars[1]), 0.8 * clean + 0.6 * guess),
            ("ddim_step", ddim_step(*given[:2], 0.36, 0.64), 0.8 * clean + 0.6 * guess),
        ):
            call = f"x_t {dtype}, alpha_bars {of_bars}: {name}"
            equal(f"{call} gives", got.dtype, dtype)
            is_exact(call, got.double(), want, tol)
    for dtype, tol in ((torch.float64, 1e-13), (torch.float32, 1e-4)):
        call = f"alpha_bars {dtype}, sample"
        out, seen = follow(call, sample, (3, 2), (3, 2), BARS[1:4].to(dtype, copy=True))
        equal(f"{call}: dtypes of x and of the result", {seen[0][0].dtype, out.dtype}, {dtype})
        x = seen[0][0].double()
        for now, then, t in zip(BARS[[3, 2, 1]], (*BARS[[2, 1]], 1), (2, 1, 0), strict=True):
            guess = guessed(x, torch.full((3,), t))
            clean = (x - (1 - now).sqrt() * guess) / now.sqrt()
            x = then**0.5 * clean + (1 - then) ** 0.5 * guess
        is_exact(f"{call}, 3 steps: result", out.double(), x, tol)
    keeps_device("sample", lambda bars: sample(guessed, (3, 2), bars), BARS.float())


def limits(predict_x0, ddpm_step, ddim_step, sample):
    x, guess, noise, bars = strided(3, 4), strided(3, 4), strided(3, 4), BARS.float()
    with unchanged("the steps", x, guess, noise, bars):
        for t in (0, 2):
            attempt("ddpm_step", ddpm_step, x, guess, t, bars, noise)
        attempt("predict_x0", predict_x0, x, guess, bars[2])
        attempt("ddim_step", ddim_step, x, guess, bars[2], bars[1])
    weight, kept = torch.ones(2, requires_grad=True), list[bool]()

    def learns(x, t):
        kept.append(x.requires_grad)
        return weight * x

    for grad in (True, False):
        with torch.set_grad_enabled(grad), unchanged("sample", bars):
            out = attempt("sample", sample, learns, (3, 2), bars)
            equal("sample: the grad mode after it is", torch.is_grad_enabled(), grad)
        kept.append(out.requires_grad)
    equal("a model with a weight: x or the result of sample has a graph:", any(kept), False)
    keeps_grad_mode("sample", lambda model: sample(model, (3, 2), bars))


CORE = (x0, ddpm, ddim, times, samples)
EDGES = (draws, dtypes, limits)


def bayes(t):
    """x_{t-1} by Bayes: x_t tells of it with precision alpha / beta, x0 with 1 / (1 - before)."""
    kept, before = BARS[t].item(), BARS[t - 1].item() if t else 1
    alpha = kept / before

    def draw(x_t, guess, noise):
        x0 = (x_t - math.sqrt(1 - kept) * guess) / math.sqrt(kept)
        if t == 0:
            return x0
        variance = 1 / (alpha / (1 - alpha) + 1 / (1 - before))
        mean = math.sqrt(alpha) / (1 - alpha) * x_t + math.sqrt(before) / (1 - before) * x0
        return variance * mean + math.sqrt(variance) * noise

    return draw


def table(T):
    """alpha_bars whose angles are even: DDIM needs few of these."""
    return torch.linspace(0.01, 1.56, T + 2)[1:-1].cos().square()
