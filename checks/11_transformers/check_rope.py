"""What challenge_rope.py requires.

`turn` and `precision` multiply complex numbers, by angles that Python's floats give; the others
compare the answer with itself: positions with the rows of a longer text, linear scaling with
turning several times. Positions are small but in `precision`.
"""

import torch

from checks.tools import (
    attempt,
    close,
    equal,
    gradients,
    keeps_device,
    numbers,
    refuses,
    result_of,
    same,
    strided,
    unchanged,
)


def turn(apply_rope):
    for (*lead, length, d), theta in (
        ((2, 5, 6), 1e4),
        ((5, 6), 1e4),
        ((2, 3, 5, 6), 1e4),
        ((5, 5, 5, 6), 1e4),
        ((2, 1, 3, 4, 2), 1e4),
        ((3, 1, 4), 1e4),
        ((1, 3, 64), 1e4),
        ((1, 6, 6), 500_000.0),
        ((3, 4, 6), 10),
        ((3, 4, 4), 2.5),
    ):
        q, k = torch.randn(2, *lead, length, d)
        what, got = turned(apply_rope, q, k, **({} if theta == 1e4 else {"theta": theta}))
        for name, x, one in zip("qk", (q, k), got, strict=True):
            want = by_hand(x, torch.arange(length), theta).float()
            for t in range(length if not lead else 0):
                row = numbers(x[t], 3)
                close(one[t], want[t], f"{what}: {name}[{t}], from {row}", 1e-4)
            close(one, want, f"{what}: {name}", 1e-4)


def positions(apply_rope):
    at = [torch.tensor(some) for some in ([7, 2, 3], [0, 0], [5], [40, 3, 1, 0])]
    cases = [(lead, one) for one in at for lead in ((), (3, len(one)))] + [((3,), at[0])]
    for b, h, length in ((2, 3, 4), (3, 3, 3), (1, 2, 5), (4, 2, 4), (3, 1, 1)):
        rows = torch.randint(20, (b, length))
        cases += [(lead, rows) for lead in ((b,), (b, h), (b, h, 2))[: 2 + (b == 2)]]
    for lead, at in cases:
        q, k = torch.randn(2, *lead, at.shape[-1], 4)
        more = {"theta": 50.0} if len(lead) == 2 else {}
        what, got = turned(apply_rope, q, k, at, **more)
        for name, x, one, i in zip("qk", (q, k), got, (0, 1), strict=True):
            # each token as a text of its own, which stands at every position
            texts = x.unsqueeze(-2).expand(*x.shape[:-1], int(at.max()) + 1, 4).flatten(0, -3)
            every = turned(apply_rope, *[texts.contiguous()] * 2, **more)[1][i]
            rows = at.view(*at.shape[:-1], *[1] * (len(lead) - at.dim() + 1), -1).expand(
                x.shape[:-1]
            )
            want = every[torch.arange(len(every)), rows.flatten()].view(x.shape)
            for t in range(len(x) if not lead else 0):
                place = f"row {int(at[t])} of a text that repeats this token, without positions"
                close(one[t], want[t], f"{what}: {name}[{t}], against {place}", 1e-4)
            close(one, want, f"{what}: {name}, against the rows of a text without positions", 1e-4)


def scaling(apply_rope):
    for d, more in (
        (4, {}),
        (8, {"at": torch.tensor([[0, 5, 2], [3, 9, 1]])}),
        (6, {"at": torch.tensor([9, 4, 30])}),
    ):
        more = more | ({"theta": 500.0} if d == 6 else {})
        pair = torch.randn(2, 2, 3, 3, d)
        for s, times, plain in ((2.0, 2, 1), (0.5, 1, 2), (1.5, 3, 2)):
            scaled, want = pair, pair
            for _ in range(times):
                what, scaled = turned(apply_rope, *scaled, scaling=("linear", s), **more)
            for _ in range(plain):
                want = turned(apply_rope, *want, **more)[1]
            for name, one, right in zip("qk", scaled, want, strict=True):
                told_of = f"{what}, {times} times: {name}, against {plain} times without scaling"
                close(one, right, told_of, 1e-4)
        for s in (4, 1.5):
            what, got = turned(apply_rope, *pair, scaling=("ntk", s), **more)
            theta = more.get("theta", 1e4) * s ** (d / (d - 2))
            want = turned(apply_rope, *pair, **more | {"theta": theta})[1]
            for name, one, right in zip("qk", got, want, strict=True):
                close(one, right, f"{what}: {name}, against theta={theta:.6g}", 1e-4)


def layout(to_half_layout):
    for heads, d, more in ((1, 4, ()), (2, 4, (3,)), (3, 6, (18,)), (4, 4, (16,)), (2, 2, (1,))):
        weight = torch.arange(heads * d).view(-1, *[1] * len(more)).expand(-1, *more).clone()
        what = f"to_half_layout(weight {tuple(weight.shape)}, {heads}), its old rows in new order"
        with unchanged(what, weight):
            got = result_of(what, to_half_layout, weight, heads)
        equal(f"{what}: shape", tuple(got.shape), tuple(weight.shape))
        order = [h * d + 2 * (i % (d // 2)) + i // (d // 2) for h in range(heads) for i in range(d)]
        equal(f"{what}:", got.view(len(got), -1)[:, 0].tolist(), order)
        for dtype in (torch.float32, torch.float64):
            other = strided(*weight.shape, dtype=dtype)
            told_of = f"to_half_layout(weight {tuple(weight.shape)} of {dtype}, {heads})"
            same(result_of(told_of, to_half_layout, other, heads), other[order], told_of)


def apart(apply_rope):
    for shape, other, at in (
        ((2, 4, 3, 4), (2, 1, 3, 4), None),
        ((2, 4, 3, 4), (2, 2, 3, 4), torch.tensor([[4, 5, 6], [1, 2, 3]])),
        ((2, 6, 3, 4), (2, 3, 3, 4), torch.tensor([8, 1, 2])),
        ((3, 2, 4), (3, 6, 4), None),
        ((2, 2, 5, 4), (2, 2, 3, 4), None),
    ):
        q, k = torch.randn(shape), torch.randn(other)
        what, got = turned(apply_rope, q, k, at)
        for i, (name, x) in enumerate((("q", q), ("k", k))):
            want = turned(apply_rope, x, x, at)[1][i]
            close(got[i], want, f"{what}: {name}, against {name} as both", 1e-5)


def precision(apply_rope):
    at = torch.tensor([1, 255, 257, 4_097, 65_537, 99_999, 100_000])
    right = {torch.float32: 1e-5, torch.float64: 1e-9, torch.bfloat16: 0.03}
    for dtype in right:
        for other, rows in ((dtype, at), (torch.float32, at.expand(2, -1)), (dtype, None)):
            places = torch.arange(258) if rows is None else at
            pair = 1 - 2 * torch.rand(2, 2, len(places), 16, dtype=torch.float64)
            pair = [x.to(kind) for x, kind in zip(pair, (dtype, other), strict=True)]
            what = f"q in {dtype}, k in {other}, features up to 1"
            got = turned(apply_rope, *pair, rows)[1]
            equal(f"{what}: results in", [x.dtype for x in got], [dtype, other])
            for name, x, one in zip("qk", pair, got, strict=True):
                far = (one.double() - by_hand(x, places)).abs().amax((0, 2)).tolist()
                most, seen = right[x.dtype], dict(zip(places.tolist(), far, strict=True))
                for p, off in seen.items() if seen[1] < 0.05 else ():
                    told_of = f"{what}: {name} at position {p:,} is off by {off:.2g}"
                    assert off <= most, f"{told_of}, want {most:.2g} at most"


def inputs(apply_rope):
    for at, kind in (
        (None, torch.float32),
        (torch.tensor([3, 1, 4, 1, 5]), torch.float64),
        (torch.randint(9, (5, 2)).T, torch.float32),
    ):
        q, k = strided(2, 3, 5, 4, dtype=kind), strided(2, 3, 5, 4, dtype=kind)
        what = f"q and k (2, 3, 5, 4) in {kind}, not contiguous, {told(at)}"
        rest, leaves = () if at is None else (at,), [t.clone().requires_grad_() for t in (q, k)]
        with unchanged(what, q, k, *rest), torch.no_grad():
            got = attempt(what, apply_rope, q, k, *rest)
        want = attempt(what, apply_rope, q.contiguous(), k.contiguous(), *rest)
        for name, one, right in zip("qk", got, want, strict=True):
            close(one, right, f"{what}: {name}, against contiguous inputs", 1e-5)
        with unchanged(what, *leaves, *rest):
            outs = attempt(what, apply_rope, *leaves, *rest)
        ups, grads = torch.randn(2, 2, 3, 5, 4).to(kind), []
        for name, leaf, out, up in zip("qk", leaves, outs, ups, strict=True):
            grads += gradients(what, out, [leaf], up, [name])
        for name, one, up in zip("qk", turned(apply_rope, *grads, at)[1], ups, strict=True):
            close(one, up, f"{what}: {name}'s gradient, turned, against the result's", 1e-4)
        if at is None or at.dim() == 2:
            call = f"apply_rope, {told(at)}"
            keeps_device(call, lambda *t: torch.cat(apply_rope(*t)), q, k, *rest)


def refused(apply_rope, to_half_layout):
    cases = [(5, scaling) for scaling in (None, ("linear", 2.0), ("ntk", 2.0))]
    cases += [(4, (kind, 2.0)) for kind in ("yarn", "NTK", "", "dynamic ntk")]
    for d, scaling in cases:
        x, call = torch.randn(2, 3, d), f"apply_rope, q and k (2, 3, {d}), scaling={scaling}"

        def shapes(x=x, scaling=scaling):
            return [tuple(t.shape) for t in apply_rope(x, x, scaling=scaling)]

        refuses(shapes, errors=(ValueError,), call=call)
    for rows, heads in ((6, 4), (6, 2), (7, 1), (3, 3), (10, 4)):
        refuses(to_half_layout, torch.randn(rows, 2), heads, errors=(ValueError,))


CORE = (turn, positions, scaling, layout)
EDGES = (apart, precision, inputs, refused)


def told(at):
    return "no positions" if at is None else f"positions {tuple(at.shape)}"


def turned(apply_rope, q, k, at=None, **more):
    """How a message names the call, and the two that it gives."""
    given = {} if at is None else {"positions": at}
    shown = "".join(
        f", {n}={getattr(v, 'tolist', lambda v=v: v)()}" for n, v in (given | more).items()
    )
    what = f"apply_rope, q {tuple(q.shape)}, k {tuple(k.shape)}{shown}"
    got = attempt(what, apply_rope, q, k, **given, **more)
    right = isinstance(got, tuple | list) and len(got) == 2
    assert right, f"{what} gave {type(got).__name__}, want q and k"
    for name, x, one in zip("qk", (q, k), got, strict=True):
        equal(f"{what}: {name} has shape", tuple(one.shape), tuple(x.shape))
    return what, got


def by_hand(x, at, theta=1e4):
    """In float64, by complex numbers."""
    d = x.shape[-1]
    angles = [[p * theta ** (-2 * i / d) for i in range(d // 2)] for p in at.tolist()]
    angles = torch.tensor(angles, dtype=torch.float64)
    pairs = torch.view_as_complex(x.double().contiguous().view(*x.shape[:-1], d // 2, 2))
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2)
