"""What challenge_guidance.py requires.

The guess is held against two calls, and against samples whose law has a closed form: of a scale
that counts as the paper's w, or of halves exchanged, their mean tells.
"""

import torch

from checks.functions import is_exact
from checks.samplers import Mixture
from checks.tools import (
    attempt,
    close,
    draws_from,
    draws_nothing,
    equal,
    keeps_device,
    refuses,
    result_of,
    same,
    share_is,
    strided,
    unchanged,
)

FEATURES = (), (4,), (5,), (2, 3)
SCALES = 0.0, 1.0, 3.5, 0.5, -1.0, 30.0
KINDS = (  # of cond, x, t
    (torch.int64, torch.float32, torch.int64),
    (torch.float64, torch.float64, torch.float32),
    (torch.bfloat16, torch.bfloat16, torch.float32),
    (torch.bfloat16, torch.float32, torch.int64),
)


def drop(drop_condition):
    for features in FEATURES:
        for n in (5, 1):
            cond, null = conditions(n, features)
            call = f"drop_condition, cond {tuple(cond.shape)}, p"
            for p, want in ((0.0, cond), (1.0, null.expand_as(cond)), (0.5, None)):
                for _ in range(5):
                    got, _ = dropped(f"{call} {p}", drop_condition, cond, p, null)
                    if want is not None:
                        same(got, want, f"{call} {p}")
        cond, null = conditions(2000, features)
        for p in (0.04, 0.6):
            call = f"drop_condition, cond {tuple(cond.shape)}, p {p}"
            _, lost = dropped(call, drop_condition, cond, p, null)
            share_is(lost, p, f"{call}: the share of null_cond")
            share_is(
                lost[1:] & lost[:-1], p * p, f"{call}: the share of neighbors that lose theirs"
            )
    cond, null = conditions(4, ())
    calls = [dropped("drop_condition", drop_condition, cond, 0.5, null)[1] for _ in range(150)]
    counts = torch.stack(calls).sum(dim=1)
    for count, share in ((2, 0.375), (4, 0.0625)):
        share_is(counts == count, share, f"4 samples, p 0.5: the share of calls that drop {count}")


def guess(guided_prediction):
    for features in FEATURES:
        for shape, size in (((5, 5), 1), ((3, 4, 2), 0.13)):
            (cond, null), x = conditions(shape[0], features), strided(*shape)
            t = times(shape[0]) * size
            given, empty = answer(x, t, cond), answer(x, t, null.expand_as(cond))
            for scale in SCALES:
                call = f"guided_prediction, x {shape}, cond {tuple(cond.shape)}, scale {scale:g}"
                got, _ = asked(call, guided_prediction, x, t, cond, null, scale)
                close(got, scale * given + (1 - scale) * empty, call, 1e-4)
    bars = [*torch.linspace(1.56, 0.04, 15).cos().square(), torch.tensor(1.0)]
    means, none = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor(1)

    def exact(x, t, cond):
        kept, mean = bars[t[0]], means[cond]
        return (1 - kept).sqrt() * (x - kept.sqrt() * mean) / (0.25 * kept + 1 - kept)

    def walk(x, scale):
        zeros = torch.zeros(len(x), dtype=torch.int64)
        for i, (now, then) in enumerate(zip(bars, bars[1:], strict=False)):
            noise = guided_prediction(exact, x, zeros + i, zeros.clone(), none.clone(), scale)
            clean = (x - (1 - now).sqrt() * noise) / now.sqrt()
            x = then.sqrt() * clean + (1 - then).sqrt() * noise
        return x

    wide = (walk(torch.ones(1, 2), 1.0) - walk(torch.zeros(1, 2), 1.0))[0, 0].item()
    equal("data N([1, 0], 0.25): of 15 DDIM steps, the standard deviation", round(wide, 1), 0.5)
    for scale in (0.0, 1.0, 3.0):
        what = f"data N([1, 0], 0.25) with, N([-1, 0], 0.25) without, 500 draws, scale {scale:g}"
        Mixture([1.0], [[2 * scale - 1, 0.0]], [wide]).judges(
            what, walk(torch.randn(500, 2), scale)
        )


def one_call(guided_prediction):
    for features in FEATURES:
        for shape in ((1, 3), (4,)):
            (cond, null), x, t = conditions(shape[0], features), strided(*shape), times(shape[0])
            empty, n = null.expand_as(cond), len(x)
            for scale in SCALES:
                call = f"x {shape}, cond {tuple(cond.shape)}, scale {scale:g}, calls of the model"
                _, calls = asked(call, guided_prediction, x, t, cond, null, scale)
                equal(f"{call}:", len(calls), 1)
                equal(f"{call}: samples of x, t, cond", [len(i) for i in calls[0]], [2 * n] * 3)
                got, want = (
                    calls[0][2].flatten().tolist(),
                    torch.cat([cond, empty]).flatten().tolist(),
                )
                equal(f"{call}: all conditions, sorted,", sorted(got), sorted(want))
                right = sorted(rows(*calls[0])) == sorted(rows(x, t, cond) + rows(x, t, empty))
                assert right, f"{call}: a condition stands beside another x or t, want its own"


def draws(drop_condition, guided_prediction):
    for features in ((), (3,)):
        (cond, null), x = conditions(64, features), strided(64, 2)
        what = f"drop_condition, cond {tuple(cond.shape)}, p 0.5"
        draws_from(what, lambda given, c=cond, n=null: drop_condition(c.clone(), 0.5, n, given))
        with draws_nothing("guided_prediction"):
            asked("guided_prediction", guided_prediction, x, times(64), cond, null, 3.0)


def kinds(drop_condition, guided_prediction):
    for dtype, of_x, of_t in KINDS:
        labels = dtype == torch.int64
        cond, null = (c.to(dtype) for c in conditions(6, () if labels else (4,)))
        cond = cond if labels else cond / 3
        for p in (0.0, 0.5, 1.0):
            call = f"drop_condition, cond {dtype}, p {p}"
            got = result_of(call, drop_condition, cond, p, null)
            equal(f"{call} gives", got.dtype, dtype)
            own = ((got == cond) | (got == null)).all()
            assert own, f"{call}: numbers are rounded, want those of cond or null_cond"
        keeps_device("drop_condition", drop_condition, cond, 0.5, null)
        x, t, call = strided(6, 3).to(of_x), times(6).to(of_t), f"guided_prediction, cond {dtype}"
        out, calls = asked(call, guided_prediction, x, t, cond, null, 3.0)
        got = [i.dtype for i in calls[0]]
        equal(f"{call}: dtypes of x, t, cond in the call", got, [of_x, of_t, dtype])
        equal(f"{call}, x {of_x} gives", out.dtype, of_x)
        given, empty = answer(x, t, cond), answer(x, t, null.expand_as(cond))
        is_exact(call, out, empty + 3 * (given - empty), 1e-13 if dtype == torch.float64 else 0.1)
    inputs = x.float(), t, cond.float(), null.float()
    keeps_device("guided_prediction", lambda *i: guided_prediction(answer, *i, 3.0), *inputs)


def learned(drop_condition, guided_prediction):
    for n in (5, 1):
        cond, null = (c.requires_grad_() for c in conditions(n, (4,)))
        for p, want in ((0.0, (1, 0)), (1.0, (0, n))):
            call = f"drop_condition, cond {tuple(cond.shape)}, p {p}"
            out = result_of(call, drop_condition, cond, p, null)
            assert out.requires_grad, f"{call}: no gradient flows through it"
            grads = torch.autograd.grad(out.sum(), (cond, null), allow_unused=True)
            got = tuple(0 if grad is None else round(grad.mean().item()) for grad in grads)
            equal(f"{call}, its sum: gradients of each number of cond, null_cond", got, want)
        x, t = strided(n, 3).requires_grad_(), times(n)
        for scale in SCALES:
            call, leaves = f"guided_prediction, scale {scale:g}", [x, cond, null]
            out = result_of(call, guided_prediction, answer, x, t, cond, null, scale)
            assert out.requires_grad, f"{call}: no gradient flows through it"
            empty = answer(x, t, null.expand_as(cond))
            want = empty + scale * (answer(x, t, cond) - empty)
            grads = torch.autograd.grad(out.sum(), leaves, allow_unused=True)
            wants = torch.autograd.grad(want.sum(), leaves)
            for name, got, right in zip(("x", "cond", "null_cond"), grads, wants, strict=True):
                got = torch.zeros_like(right) if got is None else got
                close(got, right, f"{call}: gradient of {name}", 1e-3)


def shapes(drop_condition, guided_prediction):
    vectors = (((5, 4), other) for other in ((1,), (), (5, 4), (1, 4)))
    for sizes in (*vectors, ((5,), (1,)), ((5,), (5,)), ((5, 2, 4), (4,)), ((5, 2, 4), (1, 4))):
        given, told = [*map(torch.randn, sizes)], f"cond {sizes[0]}, null_cond {sizes[1]}"
        for p in (0.0, 0.5, 1.0):
            call = f"drop_condition, {told}, p {p}"
            refuses(drop_condition, given[0], p, given[1], call=call)
        inputs, call = (strided(5, 3), times(5), *given, 3.0), f"guided_prediction, {told}"
        refuses(guided_prediction, lambda x, t, c: x, *inputs, call=call)


def limits(drop_condition, guided_prediction):
    for features in ((), (4,)):
        (cond, null), x, t = conditions(5, features), strided(5, 3), times(5)
        for number in (0.0, 0.5, 1.0):
            call = f"cond {tuple(cond.shape)}, p or scale {number:g}"
            with unchanged(f"drop_condition, {call}", cond, null):
                attempt(call, drop_condition, cond, number, null)
            with unchanged(f"guided_prediction, {call}", x, t, cond, null):
                attempt(call, guided_prediction, answer, x, t, cond, null, number)


CORE = (drop, guess, one_call)
EDGES = (draws, kinds, learned, shapes, limits)


def conditions(n, features):
    """Labels, or vectors if there are features, all different; and an empty condition."""
    if not features:
        return torch.randperm(n), torch.tensor(n + 3)
    return strided(n, *features), 5 + torch.rand(features)


def times(n):
    return torch.arange(n) + 7


def dropped(call, drop_condition, cond, p, null):
    """What it gives, and for which samples that is null_cond; for the others it is their own."""
    got = result_of(call, drop_condition, cond.clone(), p, null.clone())
    equal(f"{call}: shape", tuple(got.shape), tuple(cond.shape))
    lost, own = ((got == c).reshape(len(cond), -1).all(dim=1) for c in (null, cond))
    assert (lost | own).all(), f"{call}: a sample is neither null_cond nor its own as a whole"
    return got, lost


def answer(x, t, cond):
    """A model whose guess depends on all that it gets."""
    of_cond = (0.3 * cond.to(x.dtype)).sin().reshape(len(cond), -1).sum(dim=1)
    by = (of_cond + 0.1 * t.to(x.dtype)).view(-1, *[1] * (x.ndim - 1))
    return x * by + of_cond.view_as(by)


def asked(call, guided_prediction, *inputs):
    """The guess with `answer` as the model, and what that is called with."""
    calls = []

    def model(*given):
        calls.append([i.clone() for i in given])
        return answer(*given)

    inputs = [i.clone() if isinstance(i, torch.Tensor) else i for i in inputs]
    return result_of(call, guided_prediction, model, *inputs), calls


def rows(x, t, cond):
    return torch.cat([i.reshape(len(i), -1).double() for i in (x, t, cond)], dim=1).tolist()
