"""What challenge_time_embedding.py requires.

The waves are held against Python's own sines in a loop; the block, its modulation set to shift 0,
scale 0 and gate 1, against nn.TransformerEncoderLayer, and with other numbers against a loop over
the samples whose attention is nn.MultiheadAttention.
"""

import copy
import math

import torch
from torch import nn
from torch.nn import functional as F

from checks.functions import is_exact
from checks.modules import gradients_flow
from checks.tools import (
    attempt,
    close,
    equal,
    filled,
    keeps_device,
    names_are,
    refuses,
    result_of,
    same,
    strided,
    unchanged,
)

LINEAR = "W_q", "W_k", "W_v", "W_o", "fc1", "fc2", "modulation"


def waves(timestep_embedding):
    for t in (torch.tensor([0, 1, 17]), torch.tensor([0.5, 2.25]), torch.tensor([1999, -3])):
        for dim, more in ((4, ()), (8, ()), (7, ()), (2, ()), (3, ()), (6, (100,)), (4, (50.5,))):
            call = f"timestep_embedding({t.tolist()}, {', '.join(map(str, (dim, *more)))})"
            half, period, rows = dim // 2, *(more or (10000,)), []
            for s in t.tolist():
                angles = [s * period ** (-i / half) for i in range(half)]
                sines = [f(a) for f in (math.cos, math.sin) for a in angles]
                rows.append([*sines, *[0.0] * (dim % 2)])
            got = result_of(call, timestep_embedding, t, dim, *more)
            equal(f"{call}: shape", tuple(got.shape), (len(t), dim))
            for s, row, want in zip(t.tolist(), got, rows, strict=True):
                close(row, torch.tensor(want), f"{call}, t {s:g}", 5e-4 if s > 99 else 1e-5)


def weights(DiTBlock):
    for D, heads, more, inner in ((8, 2, (), 32), (6, 3, (2.0,), 12), (10, 1, (1.26,), 12)):
        call = f"DiTBlock{(D, heads, *more)}"
        block = attempt(call, DiTBlock, D, heads, *more)
        sizes = dict.fromkeys(LINEAR, (D, D)) | {"fc1": (inner, D), "fc2": (D, inner)}
        sizes["modulation"] = 6 * D, D
        want = {f"{name}.weight": size for name, size in sizes.items()}
        want |= {f"{name}.bias": size[:1] for name, size in sizes.items()}
        found = {name: tuple(p.shape) for name, p in block.named_parameters()}
        names_are(found, want, f"{call}: parameters")
        for name, size in want.items():
            equal(f"{call}: {name} has shape", found[name], size)
        frozen = [name for name, p in block.named_parameters() if not p.requires_grad]
        equal(f"{call}: parameters without gradients:", frozen, [])
        for name in LINEAR:
            kind = type(getattr(block, name))
            assert issubclass(kind, nn.Linear), f"{call}: {name} is {kind.__name__}, want nn.Linear"


def identity(DiTBlock):
    block, x, c = DiTBlock(8, 2), strided(3, 5, 8), strided(3, 8)
    same(result_of("a new DiTBlock(8, 2)", block, x, c), x, "a new DiTBlock(8, 2): result")
    zero = [name for name, p in block.named_parameters() if not p.any()]
    want = ["modulation.weight", "modulation.bias"]
    equal("a new DiTBlock(8, 2): parameters of zeros:", sorted(zero), sorted(want))
    other = dict(DiTBlock(8, 2).named_parameters())
    alike = [n for n, p in block.named_parameters() if p.any() and torch.equal(p, other[n])]
    equal("DiTBlock(8, 2) made twice: parameters with the same random numbers:", alike, [])


def block(DiTBlock):
    for D, heads, ratio in ((8, 2, 4.0), (6, 3, 2.0), (6, 1, 1.5)):
        call, model = f"DiTBlock{(D, heads, ratio)}", filled(DiTBlock(D, heads, ratio)).eval()
        library = encoder(model, D, heads, int(D * ratio))
        with torch.no_grad():
            bias = [0.0] * 2 + [1.0] + [0.0] * 2 + [1.0]
            model.modulation.weight.zero_()
            model.modulation.bias.copy_(torch.tensor(bias).repeat_interleave(D))
        for shape, size in (((4, 5, D), 1), ((3, 4, D), 1e-3), ((1, 1, D), 1)):
            x, c = size * strided(*shape), strided(shape[0], D)
            told = f"{call}, x {shape} of size {size:g}, shift 0, scale 0, gate 1: result"
            close(result_of(told, model, x.clone(), c), library(x), told, 1e-4)
        filled(model.modulation)
        for n, length in ((4, 5), (1, 2)):
            x, c = strided(n, length, D), strided(n, D)
            told = f"{call}, any modulation, x {(n, length, D)}: result"
            close(
                result_of(told, model, x.clone(), c.clone()),
                by_hand(model, library, x, c),
                told,
                1e-4,
            )


def samples(DiTBlock):
    model = filled(DiTBlock(6, 2))
    for n, length in ((4, 5), (3, 3), (6, 6)):
        for mode in ("train", "eval"):
            model.train(mode == "train")
            x, c = strided(n, length, 6), strided(n, 6)
            out = result_of(f"x {(n, length, 6)}, {mode} mode", model, x.clone(), c.clone())
            for name, inputs in (("x", (other(x), c)), ("c", (x, other(c)))):
                moved = (model(*inputs) - out).abs().flatten(1).amax(dim=1) > 1e-5
                told = f"x {(n, length, 6)}, {mode} mode, {name}[1] changed: results that change"
                equal(told, moved.nonzero().flatten().tolist(), [1])


def dtypes(timestep_embedding, DiTBlock):
    for dtype in (torch.int64, torch.int32, torch.float64, torch.bfloat16, torch.float16):
        t, call = torch.tensor([992, 3]).to(dtype), f"timestep_embedding, t [992, 3] {dtype}"
        got, want = timestep_embedding(t, 8), timestep_embedding(t.float(), 8)
        equal(f"{call} gives", got.dtype, torch.float32)
        close(got, want, f"{call}, against float32", 1e-4)
    for dtype, tol in ((torch.float64, 1e-12), (torch.bfloat16, 0.1)):
        model, x, c = filled(DiTBlock(8, 2)).to(dtype), strided(3, 5, 8), strided(3, 8)
        x, c = x.to(dtype), c.to(dtype)
        out = result_of(f"DiTBlock, {dtype}", model, x, c)
        equal(f"DiTBlock, {dtype}: result", out.dtype, dtype)
        exact = model.double()
        library = encoder(exact, 8, 2, 32).double()
        want = by_hand(exact, library, x.double(), c.double())
        is_exact(f"DiTBlock, {dtype}: result", out.double(), want, tol)


def inputs(timestep_embedding, DiTBlock):
    model, x, c, t = filled(DiTBlock(8, 2)), strided(3, 5, 8), strided(3, 8), torch.tensor([1.5, 9])
    with unchanged("DiTBlock", x, c), unchanged("timestep_embedding", t):
        attempt("DiTBlock", model, x, c)
        attempt("timestep_embedding", timestep_embedding, t, 7)
    gradients_flow("DiTBlock(8, 2)", copy.deepcopy(model), {"x": x, "c": c}, named=True)
    keeps_device("timestep_embedding", timestep_embedding, t, 7)
    keeps_device("DiTBlock", lambda x, c: model.to("meta")(x, c), x, c)


def errors(DiTBlock):
    for D, heads in ((8, 3), (6, 4), (4, 8)):
        call, made = f"DiTBlock({D}, {heads})", lambda *sizes: type(DiTBlock(*sizes)).__name__
        refuses(made, D, heads, errors=(ValueError,), call=call)


CORE = (waves, weights, identity, block, samples)
EDGES = (dtypes, inputs, errors)


def other(t):
    return torch.stack([row + 1 * (i == 1) * torch.randn(row.shape) for i, row in enumerate(t)])


def encoder(model, D, heads, inner):
    """torch's own block with the model's weights."""
    layer = nn.TransformerEncoderLayer(
        D, heads, inner, 0.0, "gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    own = model.state_dict()
    with torch.no_grad():
        for kind, p in (
            ("weight", layer.self_attn.in_proj_weight),
            ("bias", layer.self_attn.in_proj_bias),
        ):
            p.copy_(torch.cat([own[f"W_{name}.{kind}"] for name in "qkv"]))
        for name, part in (
            ("W_o", layer.self_attn.out_proj),
            ("fc1", layer.linear1),
            ("fc2", layer.linear2),
        ):
            part.weight.copy_(own[f"{name}.weight"])
            part.bias.copy_(own[f"{name}.bias"])
    return layer.eval()


def by_hand(model, library, x, c):
    """Sample by sample, its branches those of torch's block."""
    results = []
    for one, of in zip(x, c, strict=True):
        six = (of * of.sigmoid()) @ model.modulation.weight.T + model.modulation.bias
        a, m = six.view(2, 3, -1)
        token = F.layer_norm(one, one.shape[-1:], eps=1e-6) * (1 + a[1]) + a[0]
        one = one + a[2] * library.self_attn(*[token[None]] * 3, need_weights=False)[0][0]
        token = F.layer_norm(one, one.shape[-1:], eps=1e-6) * (1 + m[1]) + m[0]
        results.append(one + m[2] * library.linear2(F.gelu(library.linear1(token))))
    return torch.stack(results)
