"""What challenge_sampling.py requires.

Sets are far from every boundary and told as places that stay; draws are judged where a single wrong
one tells, or by their shares, up to 6 standard errors. No equal logits but in `ties`.
"""

import math

import torch

from checks.tools import (
    attempt,
    close,
    draws_from,
    equal,
    keeps_device,
    result_of,
    same,
    share_is,
    strided,
    unchanged,
)

FOUR = [0.2, 0.4, 0.1, 0.3]  # probabilities
MANY = torch.tensor([3.0, 9.0, 1.0, 7.0, 5.0]) * torch.tensor([[1.0], [0.3], [-1.0], [-0.1]])


def top_k(filter_logits):
    for k, want in ((1, [1]), (2, [1, 3]), (3, [0, 1, 3]), (4, [0, 1, 2, 3]), (9, [0, 1, 2, 3])):
        stay(filter_logits, FOUR, want, top_k=k)
    stay(filter_logits, FOUR, [0, 1, 2, 3])
    rows(filter_logits, lambda p: p.argsort(descending=True)[:2], top_k=2)
    stay(filter_logits, [0.0, 0.6, 0.0, 0.4], [1, 3], top_k=3)  # two have a logit of -inf


def top_p(filter_logits):
    for p, want in ((0.2, [1]), (0.35, [1]), (0.45, [1, 3]), (0.65, [1, 3]), (0.75, [0, 1, 3])):
        stay(filter_logits, FOUR, want, top_p=p)
    stay(filter_logits, FOUR, [0, 1, 2, 3], top_p=0.95)
    stay(filter_logits, [0.02, 0.9, 0.08], [1], top_p=0.5)  # the best alone has more
    stay(filter_logits, [0.004, 0.99, 0.006], [1, 2], top_p=0.992)
    stay(filter_logits, [0.6, 1e-9, 1e-10, 0.4], [0, 1, 2, 3], top_p=1.0)
    stay(filter_logits, FOUR, [1, 3], add=300.0, top_p=0.65)

    def first(probs):
        best = probs.argsort(descending=True).tolist()
        return next(best[:n] for n in range(1, 6) if probs[best[:n]].sum() >= 0.7)

    rows(filter_logits, first, top_p=0.7)


def min_p(filter_logits):
    for p, want in ((0.2, [0, 1, 2, 3]), (0.3, [0, 1, 3]), (0.6, [1, 3]), (0.7, [1, 3])):
        stay(filter_logits, FOUR, want, min_p=p)
    stay(filter_logits, FOUR, [1], min_p=0.8)
    stay(filter_logits, FOUR, [1], min_p=1.0)
    stay(filter_logits, [0.6, 1e-9, 0.4], [0, 2], min_p=1e-6)
    stay(filter_logits, FOUR, [1, 3], add=300.0, min_p=0.6)
    rows(filter_logits, lambda p: (p > 0.1 * p.max()).nonzero().flatten(), min_p=0.1)


def order(filter_logits):
    stay(filter_logits, FOUR, [1], top_k=2, top_p=0.5)  # 4/7
    stay(filter_logits, FOUR, [1, 3], top_k=3, top_p=0.7)  # 4/9 + 3/9
    stay(filter_logits, [0.5, 0.2, 0.15, 0.145, 0.005], [0, 1], top_p=0.6, min_p=0.35)
    stay(filter_logits, FOUR, [1, 3], top_k=3, top_p=0.95, min_p=0.6)
    stay(filter_logits, FOUR, [1], top_k=2, top_p=0.5, min_p=0.1)
    stay(filter_logits, FOUR, [1], top_k=1, min_p=0.2)
    stay(filter_logits, FOUR, [1], top_p=0.3, min_p=0.2)
    stay(filter_logits, FOUR, [1], top_p=0.0)
    for probs in ([1 / 9] * 8 + [1.1 / 9], [0.01, 0.99]):
        stay(filter_logits, probs, [len(probs) - 1], top_k=1, top_p=0.0, min_p=1.0)
    rows(filter_logits, lambda p: p.argmax()[None], top_p=0.0)

    def few(probs):
        best = probs.argsort(descending=True)[:3]
        sums = (probs[best] / probs[best].sum()).cumsum(0).tolist()
        return best[: 1 if sums[0] >= 0.6 else 2 if sums[1] >= 0.6 else 3]

    rows(filter_logits, few, top_k=3, top_p=0.6)


def draw(sample_top_k_top_p):
    what, below = "logits [-9, -1], temperature 0", torch.tensor([-9.0, -1.0])
    equal(f"{what}: token", attempt(what, sample_top_k_top_p, below, temperature=0), 1)
    for want, temperature, more in (
        ({1}, 0.0, {}),
        ({1}, 0.0, {"top_k": 3, "top_p": 0.9, "min_p": 0.1}),
        ({1}, 0.01, {}),
        ({1}, 1.0, {"top_k": 1}),
        ({1}, 1.0, {"top_p": 0.3}),
        ({1}, 1.0, {"min_p": 0.8}),
        ({1}, 0.5, {"top_p": 0.5}),
        ({1}, 0.5, {"min_p": 0.6}),
        ({1, 3}, 0.5, {"top_k": 2}),
        ({0, 1, 3}, 4.0, {"top_p": 0.62}),
        ({0, 1, 2, 3}, 4.0, {"min_p": 0.6}),
    ):
        n = 3 if temperature < 0.1 else 14 if len(want) == 1 else 10 * len(want)
        found = draws(sample_top_k_top_p, FOUR, n, temperature=temperature, **more)
        told = f"probabilities {FOUR}, temperature {temperature}, {more}: tokens in {n} draws"
        equal(told, sorted(set(found)), sorted(want))
    for probs, temperature in (([0.5, 0.0, 0.5], 1.0), ([0.5002, 0.0, 0.4998], 0.003)):
        got = draws(sample_top_k_top_p, probs, 20, temperature=temperature)  # a logit of -inf
        told = f"probabilities {probs}, temperature {temperature}: tokens in 20 draws"
        equal(told, sorted(set(got)), [0, 2])
    more = {"temperature": 2.0, "top_k": 51, "top_p": 0.999, "min_p": 0.01}  # all 51 are kept
    found = draws(sample_top_k_top_p, [50 / 51] + [1 / 2550] * 50, 120, **more)
    what = f"probabilities 50/51 and 50 of 1/2550, {more}, 120 draws: the share of token 0"
    share_is(torch.tensor(found) == 0, 0.5, what)


def ties(filter_logits, sample_top_k_top_p):
    for n in (4, 40):
        even = [1 / n] * n
        for k in (1, 3):
            stay(filter_logits, even, [*range(k)], top_k=k)
        stay(filter_logits, even, [*range(n // 2 + 1)], top_p=0.5 + 0.5 / n)
    stay(filter_logits, [0.25] * 4, [0, 1], top_p=0.5)  # exact in every dtype
    stay(filter_logits, [0.25] * 4, [0, 1, 2, 3], min_p=1.0)
    two = torch.tensor([[1.0, 3.0, 2.0, 3.0, 2.0, 0.0]])
    out = attempt("equal logits", filter_logits, two, top_k=3)
    stays = out[0].isfinite().nonzero().flatten().tolist()
    equal("logits [1, 3, 2, 3, 2, 0], top_k=3: tokens that stay", stays, [1, 2, 3])
    got = attempt("equal logits", sample_top_k_top_p, two[0], temperature=0.0)
    equal("logits [1, 3, 2, 3, 2, 0], temperature 0: token", got, 1)


def precision(filter_logits, sample_top_k_top_p):
    logits = torch.linspace(4, 0, 3000)
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        low = logits.to(dtype)
        probs = low.double().softmax(0)  # the best come first
        for name, p in (("top_p", 0.5), ("top_p", 0.98), ("min_p", 0.4), ("min_p", 0.7)):
            stays = probs.cumsum(0) - probs < p if name == "top_p" else probs >= p * probs[0]
            want, what = int(stays.sum()), f"{dtype}, 3000 logits, {name}={p}: tokens left"
            got = int(attempt(what, filter_logits, low, **{name: p}).isfinite().sum())
            assert abs(got - want) < 10, f"{what} {got}, want {want}"
        for temperature in (1e-4, 1e-30):
            low = torch.tensor([59.0, 60.0, 1.0], dtype=dtype)
            what = f"{dtype}, logits [59, 60, 1], temperature {temperature}"
            got = attempt(what, sample_top_k_top_p, low, temperature=temperature)
            equal(f"{what}: token", got, 1)
    for dtype, gap in ((torch.float32, 1.0), (torch.float64, 1e-12), (torch.float32, 0.0)):
        near = torch.tensor([50.1, 50.1 + gap, 0.0], dtype=dtype)
        for temperature in (0.0, 1e-16, 1e-38) if gap else (1e-7,):
            n = 1 if temperature == 0 else 8 if gap else 20
            what = f"{dtype}, logits [50.1, 50.1 + {gap}, 0], temperature {temperature}"
            options = {"temperature": temperature}
            got = {attempt(what, sample_top_k_top_p, near, **options) for _ in range(n)}
            equal(f"{what}: tokens in {n} draws", sorted(got), [1] if gap else [0, 1])
    near = torch.tensor([50.1, 50.1 + 1e-12, 0.0], dtype=torch.float64)
    what = "float64, logits [50.1, 50.1 + 1e-12, 0], top_k=1"
    out = result_of(what, filter_logits, near, top_k=1)
    equal(f"{what}: tokens that stay", out.isfinite().nonzero().flatten().tolist(), [1])
    same(out[1], near[1], f"{what}: the logit that stays")


def inputs(filter_logits, sample_top_k_top_p):
    for options in ({}, {"top_k": 2}, {"top_p": 0.6}, {"min_p": 0.3}, {"top_k": 5}):
        for dtype, temperatures in ((torch.float32, (0.0, 1.0)), (torch.bfloat16, (0.7,))):
            logits, what = strided(3, 5, dtype=dtype), f"{dtype}, not contiguous, {options}"
            with unchanged(f"filter_logits, {what}", logits):
                out = result_of(what, filter_logits, logits, **options)
            equal(f"filter_logits, {what}: dtype", out.dtype, dtype)
            new = out.untyped_storage().data_ptr() != logits.untyped_storage().data_ptr()
            assert new, f"filter_logits, {what}: gave the memory of logits, want a new tensor"
            want = result_of(what, filter_logits, logits.contiguous(), **options)
            same(out, want, f"filter_logits, {what}, against contiguous logits")
            row = logits[0]
            for temperature in temperatures:
                with unchanged(f"sample_top_k_top_p, {what}, {temperature}", row):
                    attempt(what, sample_top_k_top_p, row, temperature=temperature, **options)
    for options in ({}, {"top_k": 2, "top_p": 0.6, "min_p": 0.3}):
        call = f"filter_logits(logits, {options})"
        keeps_device(call, lambda x, o=options: filter_logits(x, **o), torch.randn(3, 5))
    even = torch.linspace(0, 1, 50)
    for more in ({}, {"top_k": 40, "top_p": 0.9, "temperature": 0.7, "min_p": 0.1}):
        draws_from(
            f"sample_top_k_top_p, 3 draws, {more}",
            lambda generator, more=more: torch.tensor(
                [sample_top_k_top_p(even, generator=generator, **more) for _ in range(3)]
            ),
        )


CORE = (top_k, top_p, min_p, order, draw)
EDGES = (ties, precision, inputs)


def stay(filter_logits, probs, want, add=1.5, **options):
    """These places keep their logits, the others get -inf; `add` leaves probabilities the same."""
    logits = torch.tensor(probs).log() + add
    given = ", ".join(f"{name}={value}" for name, value in options.items()) or "no filter"
    what = f"probabilities {probs if len(probs) < 9 else f'1/{len(probs)} each'}, {given}"
    what += f", logits up to {logits.max():.0f}" if add > 2 else ""
    out = result_of(what, filter_logits, logits.clone(), **options)
    equal(f"{what}: shape and dtype", (tuple(out.shape), out.dtype), (logits.shape, logits.dtype))
    equal(f"{what}: tokens that stay", out.isfinite().nonzero().flatten().tolist(), want)
    assert (out[~out.isfinite()] < 0).all(), f"{what}: {out.tolist()}, want -inf for the rest"
    same(out[want], logits[want], f"{what}: the logits that stay")


def rows(filter_logits, best, **options):
    """Each row by itself, whatever axes there are before it."""
    for shape in ((4, 5), (1, 5), (2, 2, 5), (2, 1, 2, 5)):
        logits = MANY[: math.prod(shape) // 5].reshape(shape)
        what = f"logits {shape}, {options}"
        out = result_of(what, filter_logits, logits.clone(), **options)
        equal(f"{what}: shape", tuple(out.shape), shape)
        for i, (got, row) in enumerate(zip(out.view(-1, 5), logits.view(-1, 5), strict=True)):
            want = torch.full((5,), -math.inf)
            want[best(row.softmax(0))] = row[best(row.softmax(0))]
            close(got, want, f"{what}: row {i}", 0)


def draws(sample, probs, n, **options):
    """n tokens, each an int."""
    logits = torch.tensor(probs).log()
    what = f"probabilities {probs}, {options}"
    found = [attempt(what, sample, logits.clone(), **options) for _ in range(n)]
    kinds = {type(token).__name__ for token in found}
    equal(f"{what}: kinds of results", kinds, {"int"})
    return found
