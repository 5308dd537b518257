"""What challenge_quantization.py requires: literals, half a step at most, a twin."""

import copy
from functools import partial

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from checks.functions import gives
from checks.tools import (
    attempt,
    close,
    equal,
    gradients,
    names_are,
    numbers,
    refuses,
    result_of,
    same,
    strided,
    unchanged,
)

ROWS = [[1.27, -0.5, 0.1], [254.0, 2.0, -254.0]]
CODES = [[7.0, -7, 3, 0], [1, 7, 0, -7]]
BYTES = [[0x1F, 0x8B], [0xF9, 0x18]]
NEAR = [[7.0, -6.6, 3.4, 0.2], [1.4, 7, -0.3, -6.8]]


def int8(Int8Linear):
    for bias in (None, torch.zeros(4), nn.Parameter(torch.ones(4))):
        weight, bias_names = nn.Parameter(strided(4, 6).double()), [] if bias is None else ["bias"]
        weight.data[1] *= 1000
        weight.data[2] *= 1e-8
        what = f"Int8Linear, {'no bias' if bias is None else 'bias a ' + type(bias).__name__}"
        with unchanged(what, weight):
            layer = attempt(what, Int8Linear, weight, bias)
        names_are(layer.state_dict(), ["weight_int8", "scale", *bias_names], f"{what}, saved")
        trained = [name for name, _ in layer.named_parameters()]
        equal(f"{what}: its parameters", trained, bias_names)
        for name, want in (
            ("weight_int8", ((4, 6), "torch.int8", False)),
            ("scale", ((4, 1), "torch.float64", False)),
        ):
            t = getattr(layer, name)
            told = tuple(t.shape), str(t.dtype), t.requires_grad
            equal(f"{what}: (shape, dtype, requires_grad) of {name}", told, want)
        attempt(f"{what}: a call", layer.eval(), torch.ones(2, 6, dtype=torch.float64))
        kept = tree_leaves([vars(m) for m in layer.modules()])
        kept = [t.dtype for t in kept if isinstance(t, torch.Tensor) and t.numel() == 24]
        others = [str(dtype) for dtype in kept if dtype != torch.int8]
        equal(f"{what}: other tensors of weight's size that it keeps:", others, [])
        step = weight.detach().abs().amax(1, keepdim=True) / 127
        close(layer.scale, step, f"{what}: scale", 1e-9)
        close(layer.weight_int8.double(), (weight.detach() / step).round(), f"{what}: weight_int8")
    layer = Int8Linear(torch.tensor(ROWS))
    want = torch.tensor([[127, -50, 10], [127, 1, -127]], dtype=torch.int8)
    same(layer.weight_int8, want, f"Int8Linear, weight {ROWS}: weight_int8")


def forward(Int8Linear):
    for bias in (torch.tensor([10.0, 20.0, 30.0]), torch.zeros(3), None):
        layer = Int8Linear(100 * torch.randn(3, 5), bias)
        told = None if bias is None else numbers(bias)
        table = layer.weight_int8.tolist(), layer.scale.flatten().tolist()
        weight = torch.tensor([[q * step for q in row] for row, step in zip(*table, strict=True)])
        for i, lead in enumerate(((4,), (2, 3), (0,), (), (1,))):
            layer.train(i % 2 == 0)
            x = (50 * torch.randn(*lead, 5)).requires_grad_()
            what = f"Int8Linear of 5 to 3, bias {told}, x {(*lead, 5)}"
            what = f"{what}, {'eval' if i % 2 else 'train'} mode"
            out, want = result_of(what, layer, x), x @ weight.T + (0 if bias is None else bias)
            close(out.detach(), want.detach(), what, 1e-3)
            leaves = [x, *layer.parameters()]
            upstream = torch.randn(want.shape)
            grads = gradients(what, out, leaves, upstream, ["x", "bias"])
            close(grads[0], upstream @ weight, f"{what}: the gradient of x", 1e-3)
            for grad in grads[1:]:
                close(grad, upstream.reshape(-1, 3).sum(0), f"{what}: the gradient of bias", 1e-4)


def packed(quantize_groupwise):
    for factor in (1.0, 1e-9):
        what = f"quantize_groupwise, group_size=4, weight {factor} * {NEAR}"
        weight = factor * torch.tensor(NEAR)
        with unchanged(what, weight):
            got = attempt(what, quantize_groupwise, weight, group_size=4)
        same(got[0], torch.tensor(BYTES, dtype=torch.uint8), f"{what}: packed")
        close(got[1], factor * torch.ones(2, 1), f"{what}: scale")
    for rows, columns, size in ((3, 12, 4), (4, 4, 2), (2, 64, None)):
        weight = strided(rows, columns, dtype=torch.float64).exp()
        given, n = {} if size is None else {"group_size": size}, size or 32
        what = f"quantize_groupwise, weight ({rows}, {columns}), group_size {n}"
        bytes, scale = attempt(what, quantize_groupwise, weight, **given)
        told = tuple(bytes.shape), str(bytes.dtype)
        equal(f"{what}: packed is", told, ((rows, columns // 2), "torch.uint8"))
        steps = torch.stack([part.abs().amax(1) for part in weight.split(n, dim=1)], dim=1) / 7
        close(scale, steps, f"{what}: scale", 1e-9)


def restored(quantize_groupwise, dequantize_groupwise):
    bytes, scale = torch.tensor(BYTES, dtype=torch.uint8), torch.tensor([[10.0], [0.5]])
    want = torch.tensor(CODES) * scale
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        what = f"dequantize_groupwise, packed {BYTES}, scale {scale.tolist()} {dtype}"
        with unchanged(what, bytes, scale):
            inputs = bytes, scale.to(dtype), (2, 4)
            gives(what, dequantize_groupwise, inputs, want.to(dtype))
    for shape, size in (((6, 8), 4), ((3, 96), 32), ((5, 4), 2), ((1, 6), 6)):
        comes_back(quantize_groupwise, dequantize_groupwise, shape, size)


def prune(prune_magnitude):
    for module, amount, zeros in (
        (nn.Linear(5, 7), 0.3, 10),
        (nn.Conv2d(2, 3, 2), 0.77, 18),
        (nn.Linear(4, 3), 0.0, 0),
        (nn.Linear(4, 3), 1.0, 12),
    ):
        module.weight.data[0] = 0  # zeros count, too
        before, what = module.weight.detach().clone(), f"prune_magnitude({module}, {amount})"
        mask = attempt(what, prune_magnitude, module, amount)
        equal(f"{what} gave a mask of", (tuple(mask.shape), mask.dtype), (before.shape, torch.bool))
        equal(f"{what}: numbers pruned", (~mask).sum().item(), zeros)
        order = before.abs().flatten().sort()[0].tolist()
        limit = order[zeros - 1] if zeros else -1.0
        same(mask, before.abs() > limit, f"{what}: mask")
        same(module.weight.detach(), before * mask, f"{what}: module.weight")
    module = nn.Linear(4, 3)
    nn.init.constant_(module.weight, -2.0)
    mask, what = attempt("prune", prune_magnitude, module, 0.4), "prune_magnitude, 12 equal numbers"
    left = (mask.sum().item(), (module.weight == -2).sum().item())
    equal(f"{what}, amount 0.4: (True in mask, not 0)", left, (7, 7))


def survive(prune_magnitude):
    sgd, adamw = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}, {"lr": 0.1, "weight_decay": 0.1}
    for kind, options, made in (
        (torch.optim.SGD, sgd, "before"),
        (torch.optim.SGD, sgd, "after"),
        (torch.optim.AdamW, adamw, "before"),
    ):
        what, x = f"{kind.__name__} with momentum and decay, made {made} pruning", torch.eye(4)
        module, mask = nn.Linear(4, 3), None
        twin = copy.deepcopy(module)
        pair = [kind(m.parameters(), **options) for m in (module, twin)]
        for step in range(1, 6):
            if step == 3:
                mask = attempt("prune_magnitude", prune_magnitude, module, 0.5)
                if made == "after":
                    pair = [kind(m.parameters(), **options) for m in (module, twin)]
            for model, optimizer in zip((module, twin), pair, strict=True):
                optimizer.zero_grad()
                (model(x) * torch.arange(12.0).view(4, 3).cos()).sum().backward()
                attempt(f"{what}: a step", optimizer.step)
            if mask is not None:
                told, weight = f"{what}, step {step - 2} after it", module.weight.detach()
                with torch.no_grad():
                    seen = weight, module.weight, module.eval().weight
                module.train()
                alive = [w[~mask].count_nonzero().item() for w in seen]
                unlike = "pruned numbers not 0, with gradients, without, in eval mode:"
                equal(f"{told}: {unlike}", alive, [0, 0, 0])
                close(weight[mask], twin.weight.detach()[mask], f"{told}: those kept")
                close(module.bias.detach(), twin.bias.detach(), f"{told}: bias")
                used = module(x).detach() - module.bias.detach()
                close(used, weight.T, f"{told}: the weight that a call uses, transposed")


def zeros(Int8Linear, quantize_groupwise, dequantize_groupwise):
    weight = torch.tensor([[0.0, 0, 0, 0], [0, 0, 3, -7]])
    what = "Int8Linear, weight [[0, 0, 0, 0], ...]: row 0 of"
    with Casts() as casts:
        layer, parts = Int8Linear(weight), quantize_groupwise(weight, 2)
    assert casts.seen, "no number was cast to an integer"
    assert not casts.of_nan, f"weight {weight.tolist()}: a NaN is cast to {casts.of_nan[0]}"
    same(layer.weight_int8[0], torch.zeros(4, dtype=torch.int8), f"{what} weight_int8")
    finite = layer.scale.isfinite().all().item()
    assert finite, f"{what} scale is {layer.scale[0].item()}, want a number"
    same(layer(torch.ones(4))[0].detach(), torch.tensor(0.0), f"{what} the result")
    what = f"quantized with group_size 2 and restored, weight {weight.tolist()}"
    gives(what, dequantize_groupwise, (*parts, (2, 4)), weight)


def uneven(quantize_groupwise, dequantize_groupwise):
    for shape, size, groups in (((3, 5), 4, 2), ((2, 7), 2, 4), ((4, 3), 8, 1), ((1, 40), 32, 2)):
        what = f"quantize_groupwise, weight {shape}, group_size {size}"
        parts = attempt(what, quantize_groupwise, torch.randn(shape), size)
        sizes = [tuple(part.shape) for part in parts]
        equal(f"{what}: sizes", sizes, [(shape[0], groups * size // 2), (shape[0], groups)])
        comes_back(quantize_groupwise, dequantize_groupwise, shape, size)
    for size in (1, 3):
        call, given = f"quantize_groupwise, group_size={size}", torch.ones(3, 6)
        made = partial(lambda weight, size: len(quantize_groupwise(weight, size)), given, size)
        refuses(made, errors=(ValueError,), call=call)


def dtypes(Int8Linear, prune_magnitude):
    weight = torch.randn(100, 5)
    for dtype in (torch.float16, torch.bfloat16):
        low, what = weight.to(dtype), f"Int8Linear, weight (100, 5) of {dtype}"
        layer = attempt(what, Int8Linear, low)
        off = (layer.weight_int8.float() * layer.scale.float() - low.float()).abs()
        worst = (off / layer.scale.float()).max().item()
        assert worst < 1.1, f"{what}: weight_int8 is off by {worst:.3g} steps, want at most one"
    layer = Int8Linear(torch.randn(3, 5), torch.randn(3))
    x = torch.randn(4, 5)
    weight, bias = layer.weight_int8.double() * layer.scale.double(), layer.bias.detach().double()
    want = x.double() @ weight.T + bias
    for dtype, tol in ((torch.float64, 1e-9), (torch.float16, 0.02), (torch.bfloat16, 0.1)):
        for told, used in (("", layer), (f".to({dtype})", copy.deepcopy(layer).to(dtype))):
            what = f"Int8Linear{told}, x of {dtype}"
            out = result_of(what, used, x.to(dtype))
            equal(f"{what}: result", out.dtype, dtype)
            close(out.detach().double(), want, what, tol)
    module = nn.Linear(5, 3)
    mask = prune_magnitude(module, 0.6)
    for name, model in (("Int8Linear", layer), ("a pruned module", module)):
        moved = copy.deepcopy(model).to("meta")
        out = result_of(f"{name}, all on the meta device", moved, x.to("meta"))
        assert out.is_meta, f"{name} on the meta device: the result is on {out.device}"
    other = copy.deepcopy(module).bfloat16()
    what, optimizer = (
        "a copy of a pruned module, bfloat16",
        torch.optim.SGD(other.parameters(), lr=0.1),
    )
    attempt(what, other, x.bfloat16()).sum().backward()
    optimizer.step()
    alive = other.weight[~mask].count_nonzero().item()
    equal(f"{what}, trained: pruned numbers that are not 0:", alive, 0)
    moved = not torch.equal(other.weight[mask].float(), module.weight[mask])
    equal(f"{what}, trained: the others moved:", moved, True)


CORE = (int8, forward, packed, restored, prune, survive)
EDGES = (zeros, uneven, dtypes)


class Casts(TorchDispatchMode):
    """Counts casts from floats to integers, and notes those of NaN."""

    def __init__(self):
        super().__init__()
        self.seen, self.of_nan = 0, []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        given = [t for t in args if isinstance(t, torch.Tensor) and t.is_floating_point()]
        if given and isinstance(out, torch.Tensor) and not out.is_floating_point():
            self.seen += out.dtype != torch.bool
            if out.dtype != torch.bool and any(t.isnan().any() for t in given):
                self.of_nan.append(out.dtype)
        return out


def comes_back(quantize_groupwise, dequantize_groupwise, shape, size):
    """Its numbers are of very different sizes."""
    weight = torch.randn(shape).mul(3).exp() * torch.randn(shape).sign()
    what = f"quantized with group_size {size} and restored, weight {shape}"
    parts = attempt(what, quantize_groupwise, weight, size)
    out = result_of(what, dequantize_groupwise, *parts, weight.shape)
    equal(f"{what}: shape", tuple(out.shape), shape)
    half = parts[1].repeat_interleave(size, dim=1)[:, : shape[1]] / 2
    worst = ((out - weight).abs() / half).max().item()
    assert worst < 1.001, f"{what}: off by {worst:.3g} times half a step, want at most 1"
