"""What challenge_4_film.py requires.

The core is tried on x (N, in_dim) alone. Only `modulation` computes the result by other means;
`positions` compares the layer with itself on one row per position.
"""

import torch
from torch import nn

from checks.modules import (
    drawn_as_linear,
    gradients_flow,
    has_parameters,
    keeps_dtypes,
    keeps_inputs,
    on,
    refuses_sizes,
)
from checks.tools import close, filled, names_are, result_of

IN, C, OUT = 3, 5, 4
NAME = "ConditionalLinear(3, 5, 4)"
PARTS = {"linear": IN, "scale": C, "shift": C}


def parts(ConditionalLinear):
    layer = ConditionalLinear(IN, C, OUT)
    for name, inputs in PARTS.items():
        found = getattr(layer, name, None)
        is_linear = isinstance(found, nn.Linear)
        assert is_linear, f"{NAME}.{name} is of type {type(found).__name__}, want an nn.Linear"
        has_parameters(f"{NAME}.{name}", found, {"weight": (OUT, inputs), "bias": (OUT,)})
    want = [f"{name}.{p}" for name in PARTS for p in ("weight", "bias")]
    names_are(dict(layer.named_parameters()), want, f"{NAME}, parameters")
    big = (100, 5, 200)
    drawn_as_linear(f"ConditionalLinear{big}", lambda: ConditionalLinear(*big), 100, "linear")


def modulation(ConditionalLinear):
    layer = ConditionalLinear(1, 1, 1).eval()
    for name, numbers in (("linear", (2.0, 4.0)), ("scale", (0.5, 1.0)), ("shift", (1.0, 3.0))):
        for p, number in zip(("weight", "bias"), numbers, strict=True):
            set_to(layer, name, p, number)
    what = "linear(x) 10, scale(cond) 2, shift(cond) 5: result for x [[3]], cond [[2]]"
    out = result_of(what, layer, torch.tensor([[3.0]]), torch.tensor([[2.0]]))
    close(out.detach(), torch.tensor([[35.0]]), what)
    for sizes, n, loud in (((3, 5, 4), 6, 1), ((3, 5, 4), 1, 10), ((4, 4, 4), 4, 1)):
        layer = filled(ConditionalLinear(*sizes)).double().eval()
        x, cond = (loud * torch.randn(n, size).double() for size in sizes[:2])
        what = on(f"ConditionalLinear{sizes}", x=x, cond=cond)
        close(result_of(what, layer, x, cond), by_sample(layer, x, cond), f"{what}: result")


def start(ConditionalLinear):
    layer = ConditionalLinear(IN, C, OUT)
    for loud in (1.0, 1e6):
        x, cond = torch.randn(6, IN), loud * torch.randn(6, C)
        what = on(f"new {NAME}", x=x, cond=cond) + f", numbers of cond up to {cond.abs().max():.2g}"
        close(result_of(what, layer, x, cond), layer.linear(x), f"{what}: against its linear alone")
    out = result_of(what, layer, torch.randn(6, IN), torch.randn(6, C))
    assert out.requires_grad, f"new {NAME}: the result has no gradient"
    out.backward(torch.randn(out.shape))
    for name, p in layer.named_parameters():
        if p.requires_grad:
            moved = p.grad is not None and p.grad.any()
            assert moved, f"new {NAME}, first backward pass: the gradient of {name} is zero"


def gradients(ConditionalLinear):
    inputs = {"x": torch.randn(6, IN), "cond": torch.randn(6, C)}
    gradients_flow(on(NAME, **inputs), filled(ConditionalLinear(IN, C, OUT)), inputs)


def positions(ConditionalLinear):
    layer = filled(ConditionalLinear(IN, C, OUT)).eval()
    for lead in ((2, 7), (6, 6), (4, 4), (6, 1), (1, 6), (3, 2, 3), (2, 2, 2, 2)):
        leaves = x, cond = torch.randn(*lead, IN), torch.randn(lead[0], C)
        x.requires_grad_(), cond.requires_grad_()
        what = on(NAME, x=x, cond=cond)
        rows = x.reshape(-1, IN)
        want = result_of(what, layer, rows, cond.repeat_interleave(len(rows) // len(x), 0))
        out = result_of(what, layer, x, cond)
        right = out.shape == (*lead, OUT)
        assert right, f"{what}: result of shape {tuple(out.shape)}, want {(*lead, OUT)}"
        close(out, want.reshape(out.shape), f"{what}: result, against each position as a sample")
        upstream = torch.randn(out.shape)
        got = pulled(out, leaves, upstream)
        for name, g, w in zip(("x", "cond"), got, pulled(want, leaves, upstream), strict=True):
            close(g, w, f"{what}: the gradient of {name}, against each position as a sample", 1e-4)


def shapes(ConditionalLinear):
    layer = filled(ConditionalLinear(IN, C, OUT))
    pairs = [((6, IN), cond) for cond in ((1, 5), (7, 5), (6, 4), (6, 1), (6, 1, 5), (1, 6, 5), ())]
    pairs += [
        ((6, IN), (5,)),
        ((5, IN), (5,)),
        ((1, IN), (5,)),
        ((1, IN), (6, 5)),
        ((2, IN), (1, 5)),
    ]
    pairs += [((6, 7, IN), cond) for cond in ((7, 5), (1, 5), (6, 7, 5), (6, 1, 5), (7, 6, 5))]
    refuses_sizes(NAME, layer, "x cond", [*pairs, ((6, 6, IN), (6, 6, 5)), ((6, 6, IN), (1, 6, 5))])


def dtypes(ConditionalLinear):
    inputs = {"x": torch.randn(6, IN), "cond": torch.randn(6, C)}
    keeps_dtypes(NAME, filled(ConditionalLinear(IN, C, OUT)), inputs)


def inputs(ConditionalLinear):
    inputs = {"x": torch.randn(6, IN), "cond": torch.randn(6, C)}
    keeps_inputs(NAME, filled(ConditionalLinear(IN, C, OUT)), inputs)


CORE = (parts, modulation, start, gradients)
EDGES = (positions, shapes, dtypes, inputs)


def set_to(layer, part, name, number):
    """Where there is such a parameter; `parts` minds where there is none."""
    p = getattr(getattr(layer, part, None), name, None)
    if isinstance(p, nn.Parameter):
        nn.init.constant_(p, number)


def pulled(out, leaves, upstream):
    """The gradients of leaves; zero where `gradients` minds that none comes."""
    if not out.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    grads = torch.autograd.grad(out, leaves, upstream.reshape(out.shape), allow_unused=True)
    return [torch.zeros_like(v) if g is None else g for g, v in zip(grads, leaves, strict=True)]


def by_sample(layer, x, cond):
    """Each sample through a plain layer of its own: its condition is in weight and bias."""
    p, rows = {name: p.detach() for name, p in layer.named_parameters()}, []
    for sample, c in zip(x, cond, strict=True):
        gamma = 1 + p["scale.weight"] @ c + p["scale.bias"]
        beta = p["shift.weight"] @ c + p["shift.bias"]
        bias = p.get("linear.bias", torch.zeros_like(gamma)) * gamma + beta
        rows.append((p["linear.weight"] * gamma[:, None]) @ sample + bias)
    return torch.stack(rows)
