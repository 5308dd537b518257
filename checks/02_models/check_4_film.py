"""What challenge_4_film.py requires.

The core is tried on x (N, in_dim) alone. Only `modulation` computes the result by hand;
`positions` compares the layer with itself on one row per position.
"""

import torch
from torch import nn

from checks import modules
from checks.tools import close, filled, names_are, result_of

IN, C, OUT = SIZES = (3, 5, 4)
NAME = f"ConditionalLinear{SIZES}"
PARTS = {"linear": IN, "scale": C, "shift": C}


def parts(ConditionalLinear):
    layer = ConditionalLinear(*SIZES)
    for name, inputs in PARTS.items():
        found = getattr(layer, name, None)
        is_linear, kind = isinstance(found, nn.Linear), type(found).__name__
        assert is_linear, f"{NAME}.{name} is of type {kind}, want an nn.Linear"
        modules.has_parameters(f"{NAME}.{name}", found, (OUT, inputs), (OUT,))
    want = [f"{name}.{p}" for name in PARTS for p in ("weight", "bias")]
    names_are(dict(layer.named_parameters()), want, f"{NAME}, parameters")
    modules.drawn_as_linear(ConditionalLinear, (100, 5, 200), 100, "linear")


def modulation(ConditionalLinear):
    linear = {"linear.weight": [[2.0, 0.0], [0.0, 1.0]], "linear.bias": [4.0, 0.0]}
    scale = {"scale.weight": [[0.5, 0.0], [0.0, -1.0]], "scale.bias": [1.0, -1.0]}
    shift = {"shift.weight": [[1.0, 0.0], [0.0, 1.0]], "shift.bias": [3.0, 7.0]}
    layer = modules.put(ConditionalLinear(2, 2, 2), {**linear, **scale, **shift}).eval()
    x, cond = torch.tensor([[3.0, 3.0], [1.0, -2.0]]), torch.tensor([[2.0, 1.0], [20.0, -5.0]])
    what = "linear(x) [[10, 3], [6, -2]], scale(cond) [[2, -2], [11, 4]], shift(cond) "
    what += "[[5, 8], [23, 2]]: result"
    out = result_of(what, layer, x, cond)
    close(out.detach(), torch.tensor([[35.0, 5.0], [95.0, -8.0]]), what)


def start(ConditionalLinear):
    layer, x = ConditionalLinear(*SIZES), modules.ramp(6, IN)
    for p in layer.linear.parameters():
        p.data = modules.ramp(*p.shape, top=3)
    for loud in (1.0, 1e6):
        cond = loud * modules.ramp(6, C)
        what = modules.on(f"new {NAME}", x=x, cond=cond)
        what += f", numbers of cond from {-loud:g} to {loud:g}"
        for name in ("scale", "shift"):
            n = getattr(layer, name)(cond).count_nonzero()
            assert not n, f"{what}: {n} of 24 numbers of {name}(cond) are not 0, want 0"
        out = result_of(what, layer, x, cond)
        close(out, layer.linear(x), f"{what}: result, against its linear alone")
    out = result_of(what, layer, x, torch.randn(6, C))
    assert out.requires_grad, f"new {NAME}: the result has no gradient"
    out.backward(torch.randn(out.shape))
    for name, p in layer.named_parameters():
        moved = not p.requires_grad or (p.grad is not None and p.grad.any())
        assert moved, f"new {NAME}, first backward pass: the gradient of {name} is zero"


def gradients(ConditionalLinear):
    modules.gradients_flow(*case(ConditionalLinear), named=True)


def positions(ConditionalLinear):
    layer = filled(ConditionalLinear(*SIZES)).eval()
    for lead in ((2, 7), (6, 6), (4, 4), (6, 1), (1, 6), (3, 2, 3), (2, 2, 2, 2)):
        leaves = x, cond = torch.randn(*lead, IN), torch.randn(lead[0], C)
        x.requires_grad_(), cond.requires_grad_()
        what, rows = modules.on(NAME, x=x, cond=cond), x.reshape(-1, IN)
        want = result_of(what, layer, rows, cond.repeat_interleave(len(rows) // len(x), 0))
        out = result_of(what, layer, x, cond)
        right = out.shape == (*lead, OUT)
        assert right, f"{what}: result of shape {tuple(out.shape)}, want {(*lead, OUT)}"
        against = "against each position as a sample"
        close(out, want.reshape(out.shape), f"{what}: result, {against}")
        upstream = torch.randn(out.shape)
        got, want = (
            torch.autograd.grad(
                (r.reshape(out.shape) * upstream).sum() + 0 * (x.sum() + cond.sum()), leaves
            )
            for r in (out, want)
        )
        for name, g, w in zip(("x", "cond"), got, want, strict=True):
            close(g, w, f"{what}: the gradient of {name}, {against}", 1e-4)


def shapes(ConditionalLinear):
    conds = {
        (6, IN): [(1, 5), (7, 5), (6, 4), (6, 1), (6, 1, 5), (1, 6, 5), (), (5,)],
        (5, IN): [(5,)],
        (1, IN): [(5,), (6, 5)],
        (2, IN): [(1, 5)],
        (6, 7, IN): [(7, 5), (1, 5), (6, 7, 5), (6, 1, 5), (7, 6, 5)],
        (6, 6, IN): [(6, 6, 5), (1, 6, 5)],
    }
    pairs = ((x, cond) for x, all_conds in conds.items() for cond in all_conds)
    modules.refuses_sizes(NAME, case(ConditionalLinear)[1], "x cond", pairs)


def dtypes(ConditionalLinear):
    modules.keeps_dtypes(*case(ConditionalLinear))


def inputs(ConditionalLinear):
    what, layer, given = case(ConditionalLinear)
    modules.keeps_inputs(what, layer, {**given, "x": torch.randn(6, 2, 4, IN)})


CORE = (parts, modulation, start, gradients)
EDGES = (positions, shapes, dtypes, inputs)


def case(ConditionalLinear):
    name, layer, inputs = modules.case(ConditionalLinear, SIZES, x=IN, cond=C)
    return name, filled(layer), inputs
