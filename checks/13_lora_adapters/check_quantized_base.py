"""What challenge_quantized_base.py requires. The levels are the paper's, of its appendix E.

Only `levels`, `quantized` and `restored` know what is right; the others compare the answer with
itself: QLoRALinear with its own functions, short blocks with filled ones, 16 bits with 32.
"""

import copy
import math
import weakref
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._pytree import tree_leaves

from checks import adapters
from checks.adapters import MODES, Wrapper, has_parameters, state_is
from checks.functions import as_exact
from checks.modules import ramp
from checks.tools import (
    Held,
    attempt,
    close,
    equal,
    filled,
    keeps_device,
    names_are,
    numbers,
    result_of,
    same,
    strided,
)

NF4 = torch.tensor(
    [-1.0, -0.6961928, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0.0]
    + [0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]
)


def pack(codes):
    pairs = zip(codes[::2].tolist(), codes[1::2].tolist(), strict=True)
    return torch.tensor([16 * first + second for first, second in pairs]).byte()


def qlora(make, rank=2, scale=0.5, size=16):
    """QLoRALinear; where scale and size are None, none are given: 1 and 64."""
    options = tuple(option for option in (rank, scale, size) if option is not None)
    factor = 1.0 if scale is None else scale
    return Wrapper(
        f"QLoRALinear({{}}, {', '.join(map(str, options))})",
        lambda base: make(base, *options),
        lambda into, out: {"lora_A": (rank, into), "lora_B": (out, rank)},
        lambda own, W, b: (W + factor * own["lora_B"] @ own["lora_A"], b),
    )


def levels(nf4_levels):
    got = result_of("nf4_levels()", nf4_levels)
    equal("nf4_levels():", f"{got.dtype} {tuple(got.shape)}", "torch.float32 (16,)")
    for i, (one, want) in enumerate(zip(got.tolist(), NF4.tolist(), strict=True)):
        assert abs(one - want) < 1e-6, f"nf4_levels(): level {i} is {one:.7f}, want {want:.7f}"


def quantized(quantize_nf4):
    """By brute force; whichever half of a byte is the first."""
    cases = ((3, 8), 8), ((4, 6), 4), ((6, 2, 8), 16), ((16, 24), None), ((1000,), 1000)
    for shape, size in cases:
        more, weight = () if size is None else (size,), strided(*shape)
        weight = ramp(1000) if size == 1000 else weight * (1 + torch.arange(shape[-1]))
        given, call = weight + 0, f"quantize_nf4({', '.join(map(str, (shape, *more)))})"
        packed, absmax = attempt(call, quantize_nf4, given, *more)
        same(given, weight, f"{call}: weight afterwards")
        blocks = weight.double().reshape(-1, size or 64)
        largest = blocks.abs().amax(1)
        same(absmax, largest.float(), f"{call}: absmax")
        units = (blocks / largest[:, None]).reshape(-1, 2)
        want = (units[:, :, None] - NF4.double()).abs().argmin(2)
        equal(f"{call}: codes in packed:", 2 * len(packed), units.numel())
        got = torch.stack([packed // 16, packed % 16], 1).long()
        wrong = (got.sort(1)[0] != want.sort(1)[0]).any(1).nonzero().view(-1).tolist()
        for i in wrong[:1]:
            told = f"{call}: numbers {2 * i} and {2 * i + 1}, {numbers(units[i])} of absmax"
            told += f", have codes {got[i].tolist()}, want {want[i].tolist()}"
            raise AssertionError(f"{told} ({len(wrong)} of {len(got)} pairs differ)")


def packed(quantize_nf4):
    codes = torch.tensor([15, 0, 15, 15, 0, 15, 0, 0])
    call = "quantize_nf4 of [1, -1, 1, 1, -1, 1, -1, -1], whose codes are 15 and 0: packed"
    same(attempt(call, quantize_nf4, NF4[codes].view(2, 4), 8)[0], pack(codes), call)


def restored(dequantize_nf4):
    for shape, more in (((3, 8), (8,)), ((8, 3), (6,)), ((16, 24), ()), ((2, 2, 8), (16,))):
        n, (size,) = math.prod(shape), more or [64]
        for dtype in (torch.float32, torch.float64):
            codes, absmax = torch.randint(0, 16, (n,)), 1 + torch.rand(n // size, dtype=dtype)
            call = f"dequantize_nf4, shape {shape}, {size} in a block, absmax in {dtype}"
            want = NF4[codes].to(dtype) * absmax.repeat_interleave(size)
            got = result_of(call, dequantize_nf4, pack(codes), absmax, shape, *more)
            close(got, want.view(shape), call, 1e-6)


def stored(QLoRALinear):
    for bias in (True, False):
        base, wrapper = nn.Linear(48, 40, bias), qlora(QLoRALinear)
        (layer, what), weight = wrapper.around(base), weakref.ref(base.weight)
        has_parameters(what, layer, wrapper.shapes(48, 40))
        state, want = layer.state_dict(), ["packed", "absmax", "lora_A", "lora_B", *["bias"] * bias]
        names_are(state, want, f"{what}: state_dict()")
        for name, n in (("packed", 960), ("absmax", 120)):
            equal(f"{what}: numbers in {name}:", state[name].numel(), n)
        new, _ = wrapper.around(nn.Linear(48, 40, bias), fill=True)
        what += f", {MODES[bias]}"
        x, told = torch.randn(3, 48), f"{what}, its state loaded into another, which was used: y"
        new.train(bias)(x)
        attempt(told, new.load_state_dict, state)
        same(new(x).detach(), layer.train(bias)(x).detach(), told)
        kept = (leaf for m in layer.modules() for leaf in tree_leaves(dict(vars(m))))
        big = [t.dtype for t in kept if isinstance(t, Tensor) and t.numel() >= 40 * 48]
        assert not big, f"{what}: it keeps a tensor of 40 * 48 numbers, {big[0]}"
        del base
        assert weight() is None, f"{what}: it keeps base.weight"


def value(QLoRALinear, quantize_nf4, dequantize_nf4):
    adapters.wrapper_draws(qlora(QLoRALinear, 50), 60)
    layer, what = qlora(QLoRALinear).around(nn.Linear(16, 8))
    adapters.zeros_are(f"a new {what}: lora_B", layer.lora_B)
    for rank, scale, size in ((2, 0.5, 16), (1, -2.0, 4), (3, 0.0, 128), (2, None, None)):
        base, wrapper = filled(nn.Linear(16, 8, rank > 1)), qlora(QLoRALinear, rank, scale, size)
        layer, what = wrapper.around(base, ", filled", fill=True)
        how = (8, 16), size or 64
        base.weight.data = dequantize_nf4(*quantize_nf4(base.weight, how[1]), *how)
        for i, shape in enumerate(((4, 16), (16,), (2, 0, 16), (5, 3, 16))):
            x, told = torch.randn(shape), f"{what}, x {shape}: y"
            want = wrapper.linear(wrapper.own(layer, what), base, x).float().detach()
            close(result_of(told, layer.train(i % 2 == 0), x).detach(), want, told)


def merged(W, A, B, bias, x):
    return functional.linear(x, W + 0.5 * B @ A, bias)


def training(QLoRALinear, quantize_nf4, dequantize_nf4):
    for out, bias, lead in ((6, True, (2, 3)), (8, False, ())):
        base, wrapper = nn.Linear(8, out, bias, dtype=torch.float64), qlora(QLoRALinear, 1)
        W = dequantize_nf4(*quantize_nf4(base.weight, 16), (out, 8), 16)
        layer, what = wrapper.around(base, fill=True)
        adapters.trains_only(what, layer, wrapper.shapes(8, out))
        before, x = copy.deepcopy(dict(layer.named_buffers())), torch.randn(*lead, 8).double()
        adapters.moves_only(what, layer, wrapper.shapes(8, out), partial(layer, x))
        state_is(f"{what}, trained", layer, before)
        A, B = (p.detach().clone().requires_grad_() for p in (layer.lora_A, layer.lora_B))
        library = partial(merged, W, A, B, base.bias)
        own = {"lora_A": (layer.lora_A, A), "lora_B": (layer.lora_B, B)}
        for mode, how in MODES.items():
            as_exact(f"{what}, {how}", layer.train(mode), library, {"x": x}, own=own)


def blocks(quantize_nf4, dequantize_nf4):
    for shape, size in (((3, 7), 8), ((5, 5), 64), ((1, 1), 64), ((9,), 4), ((3, 3), 9)):
        n, call = math.prod(shape), f"quantize_nf4({shape}, {size})"
        full, weight = torch.zeros(2 * size * math.ceil(n / size)), torch.randn(shape)
        full[:n] = weight.view(-1)
        (got, absmax), (want, largest) = (
            attempt(call, quantize_nf4, w, size) for w in (weight, full)
        )
        same(absmax, largest[: math.ceil(n / size)], f"{call}: absmax")
        equal(f"{call}: bytes in packed:", len(got), math.ceil(n / 2))
        call += ", dequantized, against blocks filled with 0"
        back = result_of(call, dequantize_nf4, got, absmax, shape, size)
        filled_back = dequantize_nf4(want, largest, (len(full),), size)
        same(back, filled_back[:n].view(shape), call)


def zeros(quantize_nf4):
    for dtype, tiny in ((torch.float32, 1e-20), (torch.float16, 1e-7)):
        weight = torch.zeros(3, 8, dtype=dtype)
        weight[0], weight[2] = torch.randn(8), tiny
        call = f"quantize_nf4((3, 8), 8) in {dtype}, row 1 all 0, row 2 all {tiny}: row"
        got, absmax = attempt(call, quantize_nf4, weight, 8)
        equal(f"{call} 1: packed", got[4:8].tolist(), [0x77] * 4)
        equal(f"{call} 2: packed", got[8:].tolist(), [0xFF] * 4)
        equal(f"{call} 1: absmax", absmax[1].item(), 0)


def dtypes(quantize_nf4, dequantize_nf4, QLoRALinear):
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        weight, call = torch.randn(20, 64).to(dtype), f"quantize_nf4 in {dtype}"
        got, absmax = attempt(call, quantize_nf4, weight, 64)
        equal(f"{call}: absmax is", absmax.dtype, dtype)
        if dtype.itemsize == 2:
            same(got, quantize_nf4(weight.float(), 64)[0], f"{call}: packed, against float32's")
        back = result_of(f"{call}, dequantized", dequantize_nf4, got, absmax, (20, 64), 64)
        equal(f"{call}, dequantized:", back.dtype, dtype)
        x, wrapper = torch.randn(4, 8).to(dtype), qlora(QLoRALinear)
        layer, what = wrapper.around(nn.Linear(8, 6, dtype=dtype), f", all in {dtype}")
        has_parameters(what, layer, wrapper.shapes(8, 6), x)
        equal(f"{what}: y is", result_of(what, layer, x).dtype, dtype)

    def made_there(x):
        layer = QLoRALinear(nn.Linear(8, 6, device=x.device), 2)
        return torch.cat([t.flatten() for t in (layer.lora_A, layer.lora_B, layer(x))])

    keeps_device("quantize_nf4", lambda w: torch.cat(quantize_nf4(w, 8)), torch.randn(8))
    inputs = torch.arange(12).byte(), torch.ones(1)
    keeps_device("dequantize_nf4", lambda p, a: dequantize_nf4(p, a, (3, 8), 24), *inputs)
    keeps_device("QLoRALinear, base on a GPU", made_there, torch.randn(4, 8))


def memory(QLoRALinear):
    for mode, how in MODES.items():
        layer, what = qlora(QLoRALinear).around(nn.Linear(64, 48), f", {how}, x (1, 64)", True)
        with Held(64 * 48) as held:
            y = result_of(what, layer.train(mode), torch.randn(1, 64, requires_grad=True))
        assert held.seen, f"{what}: no op of torch is called"
        kept = held.alive()
        assert not kept, f"{what}: after forward a tensor {kept[0]} is kept until backward"
        y.sum().backward()


CORE = (levels, quantized, packed, restored, stored, value, training)
EDGES = (blocks, zeros, dtypes, memory)
