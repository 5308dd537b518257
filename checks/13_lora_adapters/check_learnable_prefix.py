"""What challenge_learnable_prefix.py requires.

Only `forward` looks at places. `gradients` uses sums in which the order of the vectors is the same
to all.
"""

from itertools import product

import torch
from torch import nn

from checks.adapters import STEPS, drawn_anew, holds_only, trains_only
from checks.modules import gradients_flow, on_other_device, refuses_sizes
from checks.tools import (
    BigTensors,
    close,
    filled,
    numbers,
    refuses,
    result_of,
    same,
    strided,
    unchanged,
)

DTYPES = (torch.float32, torch.float64, torch.bfloat16)


def parts(LearnablePrefix):
    for P, D in ((2, 5), (1, 4), (3, 3), (4, 1)):
        layer = LearnablePrefix(P, D)
        for when in (f"a new LearnablePrefix({P}, {D})", f"LearnablePrefix({P}, {D}) after a call"):
            holds_only(when, layer, {"prefix": (P, D)})
            trains_only(when, layer, ["prefix"])
            result_of(f"LearnablePrefix({P}, {D}), x (4, 3, {D})", layer, torch.randn(4, 3, D))


def start(LearnablePrefix):
    what = "LearnablePrefix(60, 80): prefix"
    values = LearnablePrefix(60, 80).prefix.detach().clone()
    mean, std = values.mean().item(), values.std().item()
    assert abs(std - 0.02) < 0.0015, f"{what} has standard deviation {std:.4f}, want 0.02"
    assert abs(mean) < 0.002, f"{what} has mean {mean:.4f}, want 0 within 0.002"
    far = (values.abs() > 0.04).double().mean().item()
    assert 0.025 < far < 0.065, f"{what}: {far:.1%} lie beyond 0.04 from 0, want about 4.6 %"
    drawn_anew(what, lambda: LearnablePrefix(60, 80).prefix)


def forward(LearnablePrefix):
    layer = LearnablePrefix(1, 2)
    nn.init.constant_(layer.prefix, 7.0)
    x = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])  # B 2, L 1
    what = "prefix [[7, 7]], x [[[1, 2]], [[3, 4]]]: out"
    out = result_of(what, layer, x.clone())
    want = torch.tensor([[[7.0, 7.0], [1.0, 2.0]], [[7.0, 7.0], [3.0, 4.0]]])
    right = out.shape == want.shape and torch.equal(out, want)
    assert right, f"{what} is {numbers(out)}, want {numbers(want)}"
    for P, D in ((2, 5), (1, 4), (3, 3), (4, 1)):
        layer = LearnablePrefix(P, D)
        for (B, L), mode in product(((4, 3), (1, 6), (3, 1), (P, P), (5, 5)), (True, False)):
            filled(layer)  # trained further since the last call
            what = (
                f"LearnablePrefix({P}, {D}), x ({B}, {L}, {D}), {'train' if mode else 'eval'} mode"
            )
            x = torch.randn(B, L, D)
            out = result_of(what, layer.train(mode), x.clone())
            same(out, by_hand(layer.prefix, x), f"{what}: out")


def gradients(LearnablePrefix):
    for B in (4, 1, 3):
        layer, x = filled(LearnablePrefix(2, 5)), torch.randn(B, 3, 5, requires_grad=True)
        what = f"LearnablePrefix(2, 5), x ({B}, 3, 5), out.sum().backward()"
        out = result_of(what, layer, x.clone())
        assert out.requires_grad, f"{what}: no gradient flows through out"
        out.sum().backward()
        for name, leaf, want in (("prefix", layer.prefix, float(B)), ("x", x, 1.0)):
            assert leaf.grad is not None, f"{what}: no gradient reaches {name}"
            got = leaf.grad.unique()
            told = f"{what}: the numbers in {name}'s gradient are {numbers(got)}"
            assert got.tolist() == [want], f"{told}, want {want:g} alone"
    gradients_flow("LearnablePrefix(2, 5), x (4, 3, 5)", filled(LearnablePrefix(2, 5)), {"x": x})
    learns_like_a_tensor(LearnablePrefix)


def dtypes(LearnablePrefix):
    for own, dtype in product(DTYPES, DTYPES):
        layer = LearnablePrefix(2, 5).to(own)
        what = f"prefix {own}, x {dtype}"
        for when in ("first", "second"):
            filled(layer)
            before, x = layer.prefix.detach().clone(), torch.randn(4, 3, 5).to(dtype)
            out = result_of(what, layer, x.clone())
            assert out.dtype == dtype, f"{what}: out is {out.dtype}, want {dtype}"
            now = layer.prefix.dtype
            assert now == own, f"{what}: prefix is {now} after the call, want {own} as before"
            same(layer.prefix.detach(), before, f"{what}: prefix after the call")
            # in order of size: its place in out is another label's affair
            got, want = out.flatten().sort().values, by_hand(before.to(dtype), x)
            same(got, want.flatten().sort().values, f"{what}, {when} call, its numbers in order")
            layer.zero_grad()
            out.sum().backward()
            grad = layer.prefix.grad
            assert grad is not None, f"{what}: no gradient reaches prefix"
            assert grad.dtype == own, f"{what}: prefix's gradient is {grad.dtype}, want {own}"
    on_other_device(
        "LearnablePrefix(2, 5), x (4, 3, 5)", LearnablePrefix(2, 5), torch.randn(4, 3, 5)
    )


def inputs(LearnablePrefix):
    layer = filled(LearnablePrefix(2, 5))
    for B, L in ((4, 3), (0, 2), (2, 0), (0, 0), (1, 1)):
        for grad in (True, False):
            x = strided(B, L, 5)
            what = f"x ({B}, {L}, 5), not contiguous{'' if grad else ', under no_grad'}"
            with unchanged(what, x, layer.prefix), torch.set_grad_enabled(grad):
                out = result_of(what, layer, x)
            want = (B, 2 + L, 5)
            assert out.shape == want, f"{what}: out has shape {tuple(out.shape)}, want {want}"
            if B and L:
                want = layer(x.contiguous().clone())
                close(out, want, f"{what}: out, against contiguous x")


def memory(LearnablePrefix):
    P, B, D = 6, 5, 4
    layer = LearnablePrefix(P, D)
    for dtype, L in product((torch.float32, torch.bfloat16), (2, 9)):
        x = strided(B, L, D).to(dtype)
        what = f"LearnablePrefix({P}, {D}), x ({B}, {L}, {D}) {dtype}"
        with BigTensors(B * P * D) as big:
            out = result_of(what, layer, x)
        assert big.seen, f"{what}: forward called no op of torch"
        kept = out.untyped_storage().data_ptr(), x.untyped_storage().data_ptr()
        more = [tuple(t.shape) for t in big.made if t.untyped_storage().data_ptr() not in kept]
        assert not more, (
            f"{what}: besides its result it made a tensor {more[0]}, want none of "
            f"{B * P * D} elements or more"
        )


def errors(LearnablePrefix):
    for P in (0, -1):
        refuses(LearnablePrefix, P, 5, errors=(ValueError,))
    for D in (5, 1):
        shapes = ((4, 3, D + 1), (4, 3, 1 if D > 1 else 5), (3, D), (D,), (0,), (2, 4, 3, D))
        what, layer = f"LearnablePrefix(2, {D})", LearnablePrefix(2, D)
        refuses_sizes(what, layer, "x", [[shape] for shape in shapes])


CORE = (parts, start, forward, gradients)
EDGES = (dtypes, inputs, memory, errors)


def by_hand(prefix, x):
    """One sequence after the other, one vector after the other."""
    rows = [[*prefix.unbind(0), *sequence.unbind(0)] for sequence in x.unbind(0)]
    return torch.stack([torch.stack(vectors) for vectors in rows])


def learns_like_a_tensor(LearnablePrefix):
    """Before a frozen network that treats each vector alike, beside a plain tensor."""
    layer, network = filled(LearnablePrefix(3, 6)).double(), torch.randn(6, 4).double()
    twin = layer.prefix.detach().clone().requires_grad_()
    mine, right = (
        torch.optim.SGD(p, lr=0.5, momentum=0.9) for p in (list(layer.parameters()), [twin])
    )
    for step in range(1, STEPS + 1):
        x = torch.randn((5, 1, 3)[step % 3], 4, 6).double()
        what = f"LearnablePrefix(3, 6) before a frozen network, step {step} of SGD, x {(*x.shape,)}"
        out, want = result_of(what, layer, x.clone()).double(), by_hand(twin, x)
        for vectors, optimizer in ((out, mine), (want, right)):
            optimizer.zero_grad()
            ((vectors @ network).tanh().mean(1) - 0.5).square().sum().backward()
            optimizer.step()
        told = f"{what}: prefix, against a plain tensor"
        close(layer.prefix.detach(), twin.detach(), told)
