"""What challenge_cpp_extension.py requires: the formula in torch's operations, and gradcheck."""

import shutil
from functools import partial
from unittest import mock

import torch
from torch.nn import functional as F

from checks.tools import attempt, close, equal, gradients, refuses, result_of, unchanged

SKIPPED = "" if shutil.which("cc") else "it needs a C compiler, and no program cc is found"
DTYPES = {torch.float32: 1e-6, torch.float64: 1e-14}


def forward(fused_silu_mul, c_loop):
    a, b, what = torch.tensor([0.0, 1.0, -1.0]), torch.tensor([2.0, 3.0, 4.0]), "a [0, 1, -1]"
    want = torch.tensor([0.0, 2.1931758, -1.0757657])
    close(result_of(f"{what}, b [2, 3, 4]", fused_silu_mul, a, b), want, f"{what}, b [2, 3, 4]")
    for dtype, tol in DTYPES.items():
        for shape in ((7,), (3, 4), (4, 3), (2, 3, 5), (1, 1)):
            a, b = (torch.randn(shape, dtype=dtype) for _ in range(2))
            what = f"fused_silu_mul, a and b {shape} {dtype}"
            calls = is_right(what, fused_silu_mul, c_loop, a, b, tol)
            equal(f"{what}: the C loop is called for so many numbers:", calls, [a.numel()])


def strided(fused_silu_mul, c_loop):
    for dtype, tol in DTYPES.items():
        line, table = torch.randn(60, dtype=dtype), torch.randn(8, 6, dtype=dtype)
        last = line[:48].view(2, 3, 4, 2).to(memory_format=torch.channels_last)
        for told, a, b in (
            ("0-dim", line[3], line[4]),
            ("empty", table[:0], table[:0]),
            ("a transposed", table.T, line[:48].view(6, 8)),
            ("b transposed", line[:48].view(6, 8), table.T),
            ("both transposed", table.T, line[:48].view(8, 6).T),
            ("permuted", line[:24].view(2, 3, 4).permute(2, 0, 1), line[24:48].view(4, 2, 3)),
            ("both channels last", last, 2 * last),
            ("every second number", line[::2], line[1::2]),
            ("the end of a longer tensor", line[40:], line[30:50]),
            ("columns of a table", table[:, 1:4], table[:, 3:]),
            ("b one row expanded", table, line[:6].expand(8, 6)),
            ("a one number expanded", line[5].expand(8, 6), table),
        ):
            what = f"fused_silu_mul, {told}, {tuple(a.shape)} {dtype}"
            calls = is_right(what, fused_silu_mul, c_loop, a, b, tol)
            equal(
                f"{what}: the C loop is called, if there are numbers:", bool(calls), a.numel() > 0
            )


def backward(fused_silu_mul):
    for asked in ("ab", "a", "b"):
        for dtype, tol in DTYPES.items():
            pair = [torch.randn(4, 3, dtype=dtype, requires_grad=name in asked) for name in "ab"]
            pair[1].data[0, 0] = 0
            what = f"fused_silu_mul, {dtype}, requires_grad of {' and '.join(asked)}"
            leaves, upstream = [t for t in pair if t.requires_grad], torch.randn(3, dtype=dtype)
            upstream = upstream.expand(4, 3)  # no four rows lie in memory
            want = torch.autograd.grad(F.silu(pair[0]) * pair[1], leaves, upstream)
            got = gradients(what, result_of(what, fused_silu_mul, *pair), leaves, upstream, asked)
            for name, mine, right in zip(asked, got, want, strict=True):
                close(mine, right, f"{what}: the gradient of {name}", 10 * tol)
    a, b = (torch.randn(3, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    attempt("gradcheck", torch.autograd.gradcheck, fused_silu_mul, (a, b))
    attempt("gradcheck, transposed", torch.autograd.gradcheck, fused_silu_mul, (a.T, b.T))


def fake(fused_silu_mul, fake):
    for dtype in DTYPES:
        for shape in ((3, 4), (), (0, 5), (2, 3, 5)):
            what = f"fused_silu_mul on the meta device, {shape} {dtype}"
            a, b = (torch.empty(shape, dtype=dtype, device="meta") for _ in range(2))
            out = result_of(what, fused_silu_mul, a, b)
            told = tuple(out.shape), out.dtype, out.device.type
            equal(f"{what} gave", told, (shape, dtype, "meta"))
            what = f"fake on the CPU, {shape} {dtype}"
            out = result_of(what, fake, *(torch.ones(shape, dtype=dtype) for _ in range(2)))
            told = tuple(out.shape), out.dtype, out.device.type
            equal(f"{what} gave", told, (shape, dtype, "cpu"))


def layout(fused_silu_mul):
    for device in ("cpu", "meta"):
        table, deep = torch.ones(4, 3, device=device), torch.ones(2, 3, 4, 5, device=device)
        last = deep.to(memory_format=torch.channels_last)
        for told, a, b in (
            ("contiguous", table, table),
            ("transposed", table.T, table.T),
            ("a transposed", table.T, torch.ones(3, 4, device=device)),
            ("expanded", table[:1].expand(4, 3), table),
            ("channels last", last, last),
            ("permuted", deep.permute(3, 0, 2, 1), deep.permute(3, 0, 2, 1)),
        ):
            what = f"fused_silu_mul on {device}, {told}, {tuple(a.shape)}: strides of out"
            got = result_of(what, fused_silu_mul, a, b).stride()
            equal(what, got, torch.empty(a.shape).stride())


def far(fused_silu_mul):
    values = [-1000.0, -100.0, -20.0, 0.0, 20.0, 100.0, 1000.0]
    for dtype in DTYPES:
        a = torch.tensor(values, dtype=dtype, requires_grad=True)
        b = torch.full((7,), 2000.0, dtype=dtype, requires_grad=True)
        what = f"fused_silu_mul, a {values}, b 2000, {dtype}"
        got = gradients(what, fused_silu_mul(a, b), [a, b], torch.ones_like(a), "ab", finite=False)
        want = torch.autograd.grad((F.silu(a) * b).sum(), [a, b])
        for name, mine, right in zip("ab", got, want, strict=True):
            close(mine, right, f"{what}: the gradient of {name}", 1e-5)


def inputs(fused_silu_mul):
    for dtype in DTYPES:
        a, b = (torch.randn(3, 4, dtype=dtype) for _ in range(2))
        for told, one, two in (("a and b", a, b), ("transposed", a.T, b.T)):
            with unchanged(f"fused_silu_mul, {told}, {dtype}", a, b):
                fused_silu_mul(one, two)
        for one, two in ((a, b.clone().requires_grad_()), (a.clone().requires_grad_(), b)):
            grad, out = torch.randn(3, 4, dtype=dtype), fused_silu_mul(one, two)
            with unchanged(f"fused_silu_mul, {dtype}, backward: a, b, grad", one, two, grad):
                out.backward(grad)
    a, bad = torch.ones(3, 4), {"errors": (ValueError,)}
    for shape in ((4,), (4, 3), (12,), (3, 4, 1), (3, 5)):
        b = torch.ones(shape)
        for pair in ((a, b), (b, a)):
            shapes = " and ".join(str(tuple(t.shape)) for t in pair)
            refuses(fused_silu_mul, *pair, call=f"fused_silu_mul, shapes {shapes}", **bad)
    kinds = torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.bool, torch.complex64
    for pair in (*((kind, kind) for kind in kinds), (*DTYPES,), (*DTYPES,)[::-1]):
        call = f"fused_silu_mul, dtypes {pair[0]} and {pair[1]}"
        refuses(fused_silu_mul, a.to(pair[0]), a.to(pair[1]), call=call, **bad)


CORE = (forward, strided, backward, fake)
EDGES = (layout, far, inputs)


def is_right(what, fused_silu_mul, c_loop, a, b, tol):
    """For how many numbers the C loop was called, each time."""
    calls = []
    noting = {c_loop.__name__: partial(noted, c_loop, calls)}
    with mock.patch.dict(c_loop.__globals__, noting):
        out = result_of(what, fused_silu_mul, a, b)
    close(out, F.silu(a) * b, what, tol)
    return [n for n in calls if n]


def noted(c_loop, calls, name):
    """c_loop(name), whose calls are noted by how many numbers they are for."""
    function = c_loop(name)

    def call(*given):
        calls.append(given[-1])
        function(*given)

    return call
