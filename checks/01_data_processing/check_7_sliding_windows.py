"""What challenge_7_sliding_windows.py requires."""

import torch

from checks.tools import attempt, close, equal, result_of, same, strided, tensor, unchanged

SIZES = ((9, 2, 3, 1, 1), (9, 2, 3, 1, 2), (12, 3, 4, 2, 3), (6, 4, 3, 3, 1), (4, 4, 2, 1, 4))


def pairs(make_windows):
    series = column(range(5))
    x, y = windows("series [0, 1, 2, 3, 4], make_windows(3)", make_windows, series, 3)
    got = x.flatten(1).tolist(), y.flatten(1).tolist()
    equal("series [0, 1, 2, 3, 4], make_windows(3):", got, ([[0, 1, 2], [1, 2, 3]], [[3], [4]]))
    for t, f, window, horizon, stride in SIZES:
        series = strided(t + 2, f)[2:]
        call = f"({t}, {f}) rows of a series, make_windows({window}, {horizon}, {stride})"
        x, y = windows(call, make_windows, series, window, horizon, stride)
        for i in range(min(len(x), len(y))):
            at = i * stride + window
            same(x[i], series[at - window : at], f"{call}: x[{i}]")
            same(y[i], series[at : at + horizon], f"{call}: y[{i}]")


def count(make_windows):
    some = (5, 3, 1, 1), (6, 3, 1, 2), (7, 3, 1, 2), (8, 2, 3, 3), (8, 2, 3, 4), (6, 4, 2, 1)
    more = (6, 4, 2, 5), (5, 4, 2, 1), (1, 2, 1, 1), (0, 1, 1, 1)
    for t, window, horizon, stride in some + more:
        want = len([s for s in range(0, t, stride) if s + window + horizon <= t])
        call = f"{t} steps, make_windows({window}, {horizon}, stride={stride})"
        x, y = windows(call, make_windows, strided(t, 3).double(), window, horizon, stride=stride)
        equal(f"{call}: pairs", (len(x), len(y)), (want, want))


def split(chronological_split):
    some = (10, 2, 1, 0.3, 0.3), (100, 8, 4, 0.2, 0.1), (100, 1, 1, 0.29, 0.57)
    more = (41, 2, 1, 0.35, 0.18), (50, 5, 2, 0.0, 0.25), (50, 2, 6, 0.25, 0.0)
    most = (37, 3, 3, 0.22, 0.15), (20, 4, 3, 0.3, 0.35)
    for t, window, horizon, *shares in some + more + most:
        call = f"chronological_split({t}, {window}, {horizon}, {shares[0]}, {shares[1]})"
        parts = attempt(call, chronological_split, t, window, horizon, *shares)
        equal(f"{call}: kinds", [type(part).__name__ for part in parts], ["range"] * 3)
        test = t - round(t * shares[1])
        steps, val, span = [*range(t)], test - round(t * shares[0]), window + horizon
        owned = steps[:val], steps[val:test], steps[test:]
        for name, part, own in zip(("train", "val", "test"), parts, owned, strict=True):
            shown = f"steps {own[0]} to {own[-1]}" if own else "no steps"
            got, want = [*part], [s for s in own if {*range(s, s + span)} <= {*own}]
            what = f"{call}: {name} owns {shown}; its starts:"
            equal(f"{what} first, last, how many:", ends(got), ends(want))
            equal(what, got, want)


def scale(Standardizer):
    call, fit = "fit on [[1, 10], [3, 30]]", torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    scaler, _ = (fitted(call, Standardizer(), given) for given in (fit, fit * 3))
    for x, want in (([[1, 30]], [[-1, 1]]), ([[5, 20], [2, 0]], [[3, 0], [0, -2]])):
        got = result_of(call, scaler.transform, torch.tensor(x).float())
        close(got, torch.tensor(want).float(), f"{call}: transform({x})")
    for shape in ((30, 4), (5, 6, 3), (4, 4), (2, 3, 4, 5)):
        call, features = f"fit on {shape}, after a fit on another", shape[-1]
        x, new = (strided(*shape) * 3 + torch.arange(features) for _ in range(2))
        scaler = fitted(call, fitted(call, Standardizer(), strided(9, features)), x)
        columns = [x.double()[..., f].flatten() for f in range(features)]
        mean = torch.stack([sum(values) / len(values) for values in columns])
        power = torch.stack([sum(values**2) / len(values) for values in columns])
        row = x.flatten(0, -2)[0]
        for what, given in (("others", new.double()), ("it", x), ("a row of it", row)):
            got = result_of(f"{call}: transform of {what}", scaler.transform, given)
            want = ((given - mean) / (power - mean**2).sqrt()).to(given.dtype)
            close(got, want, f"{call}: transform of {what}", 1e-4)
        got = result_of(call, scaler.transform, x.half())
        equal(f"{call}: transform of float16 is", got.dtype, torch.float16)


def constant(Standardizer):
    one, tiny = (2, [[2, 0.5], [2, 1.5]]), (2, [[2, 1e-8], [2, 3e-8]])
    for n, rows in (one, tiny, (1, [[3, 4]]), (1000, [[0.1, 7]]), (77, [[-1e-6, 0.3]])):
        for dtype in (torch.float32, torch.float64):
            x = torch.tensor(rows * (n // len(rows)), dtype=dtype)
            call = f"fit on {n} {dtype} rows {rows[0]}, ..., {rows[-1]}"
            scaler = fitted(call, Standardizer(), x)
            got = result_of(call, scaler.transform, x)[0]
            want = torch.tensor([0.0, -(n == 2)]).double()
            close(got.double(), want, f"{call}: row 0 of transform")
            got = scaler.transform(x[:1] + torch.tensor([2, 0]).to(dtype))[0, 0].item()
            close(got, 2.0, f"{call}: transform of the first number + 2")


def inverse(Standardizer):
    for shape in ((30, 4), (5, 6, 3), (1, 3)):
        call, x, new = f"fit on {shape}", strided(*shape) * 3 + 5, strided(7, shape[-1])
        x[..., 0] = 2.5
        with unchanged(call, x, new):
            scaler = fitted(call, Standardizer(), x)
            for what, given in (("it", x), ("others", new), ("float64", new.double())):
                scaled = result_of(f"{call}: transform", scaler.transform, given)
                back = result_of(f"{call}: inverse", scaler.inverse, scaled.clone())
                close(back, given, f"{call}: inverse(transform({what}))", 1e-4)
                again = scaler.transform(result_of(f"{call}: inverse", scaler.inverse, given))
                close(again, given, f"{call}: transform(inverse({what}))", 1e-4)


def views(make_windows):
    for t, f, window, horizon, stride in SIZES:
        series = (strided(t, f) * 9).to(torch.int64 if stride > 1 else torch.float32)
        call = f"{series.dtype} series ({t}, {f}), make_windows({window}, {horizon}, {stride})"
        pair = windows(call, make_windows, series, window, horizon, stride)
        for name, part in zip("xy", pair, strict=True):
            shared = part.untyped_storage().data_ptr() == series.untyped_storage().data_ptr()
            assert shared or not len(part), f"{call}: {name} is a copy, want a view of series"


def far(Standardizer):
    x, call = 1e6 + torch.randn(3000, 2), "3000 float32 rows near 1e6, std 1"
    wide = x.double()
    want = ((wide - wide.mean(dim=0)) / wide.std(dim=0, correction=0)).float()
    close(fitted(call, Standardizer(), x).transform(x), want, f"{call}: transform", 1e-3)


CORE = (pairs, count, split, scale, constant, inverse)
EDGES = (views, far)


def column(values):
    return torch.tensor([*values]).float()[:, None]


def windows(call, make_windows, series, window, *more, **named):
    """x and y, tensors of the right shapes."""
    out = attempt(call, make_windows, series, window, *more, **named)
    right = isinstance(out, tuple) and len(out) == 2
    assert right, f"{call} gave {type(out).__name__}, want a pair (x, y)"
    horizon = more[0] if more else 1
    for name, part, steps in zip("xy", out, (window, horizon), strict=True):
        shape = tuple(tensor(part, call).shape[1:])
        equal(f"{call}: shape of {name} without M", shape, (steps, series.shape[1]))
        equal(f"{call}: {name} is", part.dtype, series.dtype)
    return out


def fitted(call, scaler, x):
    got = attempt(call, scaler.fit, x)
    assert got is scaler, f"{call}: it gave {type(got).__name__}, want the Standardizer itself"
    return scaler


def ends(starts):
    return (starts[0], starts[-1], len(starts)) if starts else "none"
