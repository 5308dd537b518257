"""What challenge_learnable_prefix.py requires; only `forward` looks at the order of vectors."""

from itertools import product

import torch

from checks import adapters, modules, tools
from checks.tools import close, equal, filled, numbers, refuses, result_of, same, strided, unchanged

DTYPES = (torch.float32, torch.float64, torch.bfloat16)
SIZES = ((2, 5), (1, 4), (3, 3), (4, 1))  # P and D


def parts(LearnablePrefix):
    for P, D in SIZES:
        layer, what = LearnablePrefix(P, D), f"LearnablePrefix({P}, {D})"
        for when in (f"a new {what}", f"{what} after a call"):
            adapters.holds_only(when, layer, {"prefix": (P, D)})
            adapters.trains_only(when, layer, ["prefix"])
            result_of(f"{what}, x (4, 3, {D})", layer, torch.randn(4, 3, D))


def start(LearnablePrefix):
    what, values = "LearnablePrefix(60, 80): prefix", LearnablePrefix(60, 80).prefix.detach()
    mean, std = values.mean().item(), values.std().item()
    right = abs(std - 0.02) < 0.0015 and abs(mean) < 0.002
    told = f"{what} has mean {mean:.4f} and standard deviation {std:.4f}"
    assert right, f"{told}, want 0 and 0.02"
    tools.is_normal(values / 0.02, f"{what} / 0.02")
    adapters.drawn_anew(what, lambda: LearnablePrefix(60, 80).prefix)


def forward(LearnablePrefix):
    layer = modules.put(LearnablePrefix(1, 1), {"prefix": [[7]]})
    x, want = torch.tensor([[[1.0], [2.0]], [[3.0], [4.0]]]), [[[7], [1], [2]], [[7], [3], [4]]]
    what = "prefix [[7]], x [[[1], [2]], [[3], [4]]]: out"
    equal(f"{what} is", numbers(result_of(what, layer, x.clone())), f"{want}")
    for P, D in SIZES:
        layer = LearnablePrefix(P, D)
        for (B, L), mode in product(((4, 3), (1, 6), (3, 1), (P, P)), adapters.MODES):
            filled(layer)  # trained further since the last call
            what = f"LearnablePrefix({P}, {D}), x ({B}, {L}, {D}), {adapters.MODES[mode]}: out"
            x = torch.randn(B, L, D)
            close(result_of(what, layer.train(mode), x.clone()), by_hand(layer.prefix, x), what)


def gradients(LearnablePrefix):
    for B in (4, 1, 3):
        layer = filled(LearnablePrefix(2, 5)).train(B > 1)
        x = torch.randn(B, 3, 5, requires_grad=True)
        what = f"LearnablePrefix(2, 5), x ({B}, 3, 5), out.sum().backward()"
        out = result_of(what, layer, x.clone())
        leaves, names = (layer.prefix, x), ("prefix", "x")
        grads = tools.gradients(what, out, leaves, torch.ones_like(out), names)
        for name, got, want in zip(names, grads, (B, 1), strict=True):
            told = f"{what}: the numbers in {name}'s gradient are {numbers(got.unique())}"
            assert bool((got == want).all()), f"{told}, want {want} alone"


def dtypes(LearnablePrefix):
    for own, dtype in product(DTYPES, DTYPES):
        layer, what = LearnablePrefix(2, 5).to(own), f"prefix {own}, x {dtype}"
        for when in ("first", "second"):
            before = filled(layer).prefix.detach().clone()
            x = torch.randn(4, 3, 5).to(dtype)
            out = result_of(what, layer, x.clone())
            equal(f"{what}: out is", out.dtype, dtype)
            same(layer.prefix.detach(), before, f"{what}: prefix after the call")
            # in order of size: its place in out is another label's affair
            got, want = out.flatten().sort().values, by_hand(before.to(dtype), x)
            same(got, want.flatten().sort().values, f"{what}, {when} call, its numbers in order")
            (grad,) = tools.gradients(what, out, [layer.prefix], torch.ones_like(out), ["prefix"])
            equal(f"{what}: prefix's gradient is", grad.dtype, own)
    layer, what = LearnablePrefix(2, 5), "LearnablePrefix(2, 5), x (4, 3, 5)"
    modules.on_other_device(what, layer, torch.randn(4, 3, 5))


def inputs(LearnablePrefix):
    layer = filled(LearnablePrefix(2, 5))
    for (B, L), grad in product(((4, 3), (0, 2), (2, 0), (0, 0)), (True, False)):
        x = strided(B, L, 5)
        what = f"x ({B}, {L}, 5), not contiguous{'' if grad else ', under no_grad'}"
        with unchanged(what, x, layer.prefix), torch.set_grad_enabled(grad):
            out = result_of(what, layer, x)
        equal(f"{what}: out has shape", tuple(out.shape), (B, 2 + L, 5))
        if B:
            close(out, layer(x.contiguous()), f"{what}: out, against contiguous x")


def memory(LearnablePrefix):
    P, B, D = 6, 5, 4
    for dtype, L in product((torch.float32, torch.bfloat16), (2, 9)):
        x, layer = strided(B, L, D).to(dtype), LearnablePrefix(P, D)
        what = f"LearnablePrefix({P}, {D}), x ({B}, {L}, {D}) {dtype}"
        with tools.BigTensors(B * P * D) as big:
            out = result_of(what, layer, x)
        assert big.seen, f"{what}: forward called no op of torch"
        kept = out.untyped_storage().data_ptr(), x.untyped_storage().data_ptr()
        more = [tuple(t.shape) for t in big.made if t.untyped_storage().data_ptr() not in kept]
        told = f"want none of {B * P * D} elements or more"
        assert not more, f"{what}: besides its result it made a tensor {more[0]}, {told}"


def errors(LearnablePrefix):
    for P in (0, -1):
        refuses(LearnablePrefix, P, 5, errors=(ValueError,))
    for D in (5, 1):
        sizes = (4, 3, D + 1), (4, 3, 6 - D), (3, D), (D,), (0,), (2, 4, 3, D)
        layer = LearnablePrefix(2, D)
        modules.refuses_sizes(f"LearnablePrefix(2, {D})", layer, "x", [[size] for size in sizes])


CORE = (parts, start, forward, gradients)
EDGES = (dtypes, inputs, memory, errors)


def by_hand(prefix, x):
    """One sequence after the other, one vector after the other."""
    return torch.stack([torch.stack([*prefix, *sequence]) for sequence in x])
