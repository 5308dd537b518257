"""What challenge_low_precision.py requires: numbers that can be done by hand, numbers that each
format holds, shares of draws, sums in float64.
"""

import torch
from torch import nn

from checks.tools import attempt, close, draws_from, equal, numbers, refuses, result_of, share_is
from checks.tools import unchanged as intact

FP8, LOW, EXACT = torch.float8_e4m3fn, torch.bfloat16, torch.float64
TABLE = torch.arange(127, dtype=torch.uint8).view(FP8).float()  # all that FP8 has, from 0 to 448
GRID = [448.0, 18.0, -240.0, 0.40625, -1.0, 3.25, -0.001953125, 60.0]
# a bfloat16 number, the way to its next one, and how far between the two
BETWEEN = ((1.0, 2**-7, 0.15), (-1.0, -(2**-7), 0.15), (-3.0, -(2**-6), 0.9), (255.0, 1.0, 0.5))
BETWEEN += ((1 - 2**-8, 2**-8, 0.25), (2.0**100, 2.0**93, 0.5), (-0.75, 0.0, 0.0))
BETWEEN += ((2**-110, 2**-117, 0.25),)
# x, block_size (None: not given), dtype
BLOCKS = (((4, 4), 4, torch.float32), ((3, 12), 4, LOW), ((2, 3, 10), 5, torch.float16))
BLOCKS += (((2, 256), None, torch.float32), ((2, 6), 1, EXACT), ((40,), 8, LOW))
# x without its last axis, rows of weight, blocks, block_size, dtype
LAYERS = (((3,), 2, 2, 8, torch.float32), ((), 1, 1, 8, torch.float32), ((8,), 8, 1, 8, LOW))
LAYERS += (((2, 3), 4, 3, 8, torch.float32), ((4,), 3, 8, None, torch.float32))
# what FP8 with a scale has row by row, block_size
ROWS = [(torch.tensor([[2.0], [0.3]]).repeat(1, n), size) for n, size in ((3, 8), (127, None))]
ROWS += [(torch.zeros(2, 4), 4), (torch.tensor([GRID[:4], [0.0] * 4]), 4)]
# p, a bfloat16 update, how many of them
UPDATES = ((1.0, 2**-10, 100), (1.0, -(2**-10), 100), (-3.0, 0.002197265625, 50), (0.0, 2**-9, 3))
UPDATES += ((100.0, -0.0712890625, 60), (0.01171875, 2e-5, 100), (-2.0, -0.25, 8))


def quantized(quantize_fp8):
    for factor, first, want in (
        (1.0, [448.0, -17.5, 0.3, 1.0], [448.0, -18.0, 0.3125, 1.0]),
        (2.0, [-448.0, 1.9, 0.0013, -21.3], [-448.0, 1.875, 0.001953125, -22.0]),
        (2.0**-60, [33.0, 448.0, -0.07, 0.0], [32.0, 448.0, -0.0703125, 0.0]),
    ):
        x = factor * torch.tensor([first, [1000 * n for n in first]])
        what = f"quantize_fp8, x {numbers(x)}, block_size=4"
        with intact(what, x):
            q, scale = parts_of(what, quantize_fp8, x, 4)
        ratio_is(scale, torch.tensor([[factor], [1000 * factor]]), f"{what}: scale")
        close(q.float(), torch.tensor([want, want]), f"{what}: q", 1e-6)
    for shape, size, dtype in BLOCKS:
        x = (torch.randn(shape).mul(2).exp() * torch.randn(shape).sign()).to(dtype)
        what = f"quantize_fp8, x {shape} of {dtype}, block_size {size or 'not given'}"
        q, scale = parts_of(what, quantize_fp8, x, *([size] if size else []))
        blocks = x.to(EXACT).unflatten(-1, (-1, size or 128))
        ratio_is(scale, blocks.abs().amax(-1) / 448, f"{what}: scale")
        y = blocks / scale.to(EXACT)[..., None]
        step = 2.0 ** (y.abs().log2().floor() - 3).clamp(min=-9)
        worst = ((q.to(EXACT).view_as(y) - y).abs() / step).max().item()
        assert worst < 0.501, f"{what}: q is off by {worst:.3f} steps of FP8, want at most a half"


def restored(dequantize_fp8):
    q, many = torch.tensor([GRID, [-n for n in GRID]]), torch.tensor([0.5, 3.0, 0.01, 1e5])
    for n in (1, 2, 4, 8):
        scale = torch.stack([many.repeat(2)[:n], 7 * many.repeat(2)[:n]])
        want, given = q * scale.repeat_interleave(8 // n, dim=1), q.to(FP8)
        for at in (..., 0, None):  # an axis less, an axis more
            what = f"dequantize_fp8, q {tuple(given[at].shape)}, scale {tuple(scale[at].shape)}, "
            what += f"row 0: {numbers(q[0])} and {numbers(scale[0])}"
            with intact(what, scale):
                close(result_of(what, dequantize_fp8, given[at], scale[at]), want[at], what, 1e-6)


def linear(fp8_linear):
    for lead, out, blocks, size, dtype in LAYERS:
        x, x_fp8 = off_grid((*lead, blocks), size or 128)
        weight, weight_fp8 = off_grid((out, blocks), size or 128)
        x, weight = x.to(dtype), weight.to(dtype)
        what = f"fp8_linear, x {tuple(x.shape)} of {dtype}, weight {tuple(weight.shape)}, "
        what += f"block_size {size or 'not given'}"
        with intact(what, x, weight):
            got = result_of(what, fp8_linear, x, weight, *([size] if size else []))
        want, most = x_fp8 @ weight_fp8.T, x_fp8.abs() @ weight_fp8.abs().T
        equal(f"{what}: result of", kind_of(got), kind_of(want.float()))
        worst = ((got - want).abs() / most).max().item()
        assert worst < 1e-6, f"{what}: off by {worst:.1e} of the sum of magnitudes, want 1e-06"


def rounding(stochastic_round_bf16):
    low, step, part = torch.tensor(BETWEEN).T
    x = (low + part * step).expand(4096, -1)
    low, high = low.to(LOW), (low + step).to(LOW)
    what = f"stochastic_round_bf16, x {numbers(x[0])}, 4096 times"
    with intact(what, x):
        out = result_of(what, stochastic_round_bf16, x)
    equal(f"{what}: result of", kind_of(out), (tuple(x.shape), LOW))
    for i, share in enumerate(part.tolist()):
        told, found = f"{what}: number {i}", out[:, i].unique()
        known = sorted({low[i].item(), high[i].item()})
        far = [n for n in found.tolist() if n not in known]
        assert not far, f"{told} became {far[0]}, want one of {known}"
        if share:
            share_is(out[:, i] == high[i], share, f"{told}, the share that is {high[i]:g}")
    for i, j in ((0, 1), (3, 5)):  # both a draw of their own
        moved = (out[:, i] == high[i]) ^ (out[:, j] == high[j])
        share = part[i] + part[j] - 2 * part[i] * part[j]
        told = f"{what}, the share where just one of number {i} and {j} is the farther one"
        share_is(moved, share.item(), told)
    x = torch.full((64,), 1 + 2**-8)
    draws_from("stochastic_round_bf16", lambda generator: stochastic_round_bf16(x, generator))


def kahan(kahan_add_):
    p = torch.tensor([p for p, _, _ in UPDATES]).to(LOW)
    rest, exact = torch.zeros_like(p), p.to(EXACT)
    for done in range(1, 101):
        update = torch.tensor([u if done <= n else 0.0 for _, u, n in UPDATES]).to(LOW)
        exact += update.to(EXACT)
        what = f"kahan_add_, p {UPDATES[0][0]} and others, step {done}"
        attempt(what, kahan_add_, p, update, rest)
        equal(f"{what}: dtypes of p and compensation", (p.dtype, rest.dtype), (LOW, LOW))
        size = exact.abs() + 1e-3
        for told, got, most in (("p", p, 2**-8), ("p + compensation", p.to(EXACT) + rest, 2**-12)):
            off = (got - exact).abs() / size
            i = int(off.argmax())
            told = f"kahan_add_, {UPDATES[i][0]} plus {done} times {UPDATES[i][1]:.4g}: {told} is"
            want = f"{exact[i]:.8g} ± {most * size[i]:.1e}"
            assert off[i] < 1.02 * most, f"{told} {got[i]:.8g}, want {want}"


def blocks(quantize_fp8, dequantize_fp8, fp8_linear):
    for x, size in ROWS:
        given, shape = [size] if size else [], tuple(x.shape)
        what = f"quantize_fp8, x {numbers(x) if x.numel() < 9 else shape}, "
        what += f"block_size {size or 'not given'}"
        back = result_of(what, dequantize_fp8, *parts_of(what, quantize_fp8, x, *given))
        close(back, x, f"{what}, restored", 0.01)
        what = f"fp8_linear, x {shape}, weight the first row of x, block_size {size or 'not given'}"
        close(result_of(what, fp8_linear, x, x[:1], *given), x @ x[:1].T, what, 0.01)
    for n, size in ((10, 4), (130, 128), (9, 8), (12, 5)):
        x, errors = torch.ones(2, n), (ValueError,)
        for function, inputs in ((quantize_fp8, (x,)), (fp8_linear, (x, x))):
            call = f"{function.__name__}, x (2, {n}), block_size={size}"
            refuses(lambda *i, f=function: len(f(*i)), *inputs, size, errors=errors, call=call)


def specials(stochastic_round_bf16):
    bits = [0x7F800000, -0x800000, 0x7FFFFFFF, -1, 0x7F800001]
    x = torch.tensor(bits, dtype=torch.int32).view(torch.float32).expand(64, -1)
    what = f"stochastic_round_bf16, x {numbers(x[0])}"
    out = result_of(what, stochastic_round_bf16, x)
    for i, name in enumerate(["inf", "-inf", "nan", "nan", "nan"]):
        other = [str(n) for n in out[:, i].tolist() if str(n) != name]
        assert not other, f"{what}: number {i} became {other[0]}, want {name}"


def in_place(kahan_add_):
    for kind, dtype in ((nn.Parameter, torch.float32), (torch.Tensor.clone, LOW)):
        p, rest = kind(torch.ones(3, 2).to(LOW)), torch.zeros(2, 3).to(LOW).T
        update = torch.full((3, 2), 1.3e-3).to(dtype)
        what = f"kahan_add_, p a {type(p).__name__}, update of {dtype}"
        with intact(what, update):
            for grad in (True, False, True):
                with torch.set_grad_enabled(grad):
                    out = attempt(what, kahan_add_, p, update, rest)
                    equal(f"{what}: gradients are on after it:", torch.is_grad_enabled(), grad)
        assert out is p, f"{what} gave another {type(out).__name__}, want p itself"
        needs = [t.requires_grad for t in (p, rest)]
        equal(f"{what}: p, compensation require grad", needs, [kind is nn.Parameter, False])
        total = p.detach().double() + rest.double()
        close(total, 1 + 3 * update.double(), f"{what}, 3 times: p + compensation", 4e-5)


CORE = (quantized, restored, linear, rounding, kahan)
EDGES = (blocks, specials, in_place)


def parts_of(what, quantize_fp8, x, *size):
    """q and scale, with the right dtypes and sizes."""
    q, scale = attempt(what, quantize_fp8, x, *size)
    blocks = max(x.shape[-1] // (size[0] if size else 128), 1)
    equal(f"{what}: q of", kind_of(q), (tuple(x.shape), FP8))
    equal(f"{what}: scale of", kind_of(scale), ((*x.shape[:-1], blocks), torch.float32))
    return q, scale


def kind_of(tensor):
    return tuple(tensor.shape), tensor.dtype


def ratio_is(got, want, what):
    off = (got / want - 1).abs().max().item()
    assert off < 1e-6, f"{what} is {numbers(got)}, want {numbers(want)}"


def off_grid(shape, size):
    """Numbers a third of an FP8 step away from 0, and the FP8 numbers times the block's scale."""
    at = torch.randint(1, 126, (*shape, size))
    at[..., 0] = 126
    step = TABLE[(at + 1).clamp(max=126)] - TABLE[at]
    sign = torch.randint(2, at.shape) * 2 - 1
    scale = sign * 2.0 ** torch.randint(-12, 4, (*shape, 1))
    rounded = TABLE[at] * scale
    return (rounded + 0.3 * step * scale).flatten(-2), rounded.flatten(-2).to(EXACT)
