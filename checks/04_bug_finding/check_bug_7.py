"""What buggy_code_7.py requires.

values alone compares with layers of torch; gradients are those of the answer's own values.
"""

from functools import partial

import torch
from torch import nn

from checks import hunts
from checks.hunts import gradients_of_modes, mode
from checks.tools import close, filled, strided, unchanged

D, H = 4, 6
CALL = f"GatedResidual{D, H}"
SHAPES = ((5, 3, D), (5, D), (D,), (0, D), (2, 1, 3, D))
DTYPES = ((torch.float64, 1e-10), (torch.float32, 1e-5), (torch.bfloat16, 5e-2))


@torch.no_grad()
def values(GatedResidual):
    block = filled(GatedResidual(D, H))
    parts = {"norm": nn.LayerNorm(D), "value": nn.Linear(D, H), "gate": nn.Linear(D, H)}
    right = nn.ModuleDict(parts | {"out": nn.Linear(H, D)}).double()
    hunts.state_is(f"state_dict of {CALL}", block.state_dict(), right.state_dict())
    for dtype, tol in DTYPES:
        right.load_state_dict(block.to(dtype).state_dict())
        for shape in SHAPES:
            x = strided(*shape, dtype=dtype)
            want, what = reference(right, x), f"{CALL}, x {shape}, {dtype}"
            for training in (True, False):
                close(hunts.on(block, training, x), want, f"{what}, {mode(training)}: out", tol)
            with unchanged(what, x):
                block(x)
    hunts.gives_there(f"{CALL}, x {(2, D)}", block, torch.randn(2, D, dtype=dtype))


def gradients(GatedResidual):
    block, x = filled(GatedResidual(D, H)), strided(5, 3, D)
    gradients_of_modes(f"{CALL}, x (5, 3, {D})", block.double(), {"x": x.double()})
    gradients_of_modes(f"a stack of two, x (5, 3, {D})", two(GatedResidual), {"x": x.double()})
    x = x.bfloat16()  # from here on numbers that all dtypes hold
    exact = weighed(f"{CALL}, float64", block.bfloat16().double(), x.double())
    for dtype, tol in ((torch.float32, 1e-4), (torch.bfloat16, 0.2)):
        what = f"{CALL}, x (5, 3, {D}), {dtype}"
        for name, grad in weighed(what, block.to(dtype), x.to(dtype)).items():
            error = (grad.double() - exact[name]).abs().max() / exact[name].abs().max()
            off = f"{what}: gradient of {name} is off by {error:.1%} of its largest number"
            assert error < tol, f"{off}, want less than {tol:.2%}"
    for shape in SHAPES[1:]:
        weighed(f"{CALL}, x {shape}", block.float(), strided(*shape))
        weighed(f"{CALL}, x {shape} without gradient", block, strided(*shape), False)


def frozen(GatedResidual):
    for model, name, training in (
        (filled(GatedResidual(D, H)).double(), "one block", False),
        (two(GatedResidual), "two blocks", True),
    ):
        x = torch.randn(2, 3, D, dtype=torch.float64)
        leaves = {"x": x, **dict(model.train(training).named_parameters())}
        groups = [[key] for key in leaves]
        groups += [[key for key in leaves if part not in key] for part in ("x", "value")]
        for wanted in groups:
            for key, leaf in leaves.items():
                leaf.requires_grad_(key in wanted)
            said = wanted[0] if len(wanted) == 1 else f"{len(wanted)} of {len(leaves)}"
            what = f"{name}, {mode(training)}, a gradient wanted for {said} alone"
            hunts.true_gradients(what, partial(model, x), {key: leaves[key] for key in wanted})


CORE = (values, gradients)
EDGES = (frozen,)


def two(GatedResidual):
    return filled(nn.Sequential(GatedResidual(D, H), GatedResidual(D, H))).double()


def reference(layers, x):
    """In float64, by layers of torch; F.glu multiplies one half by the other's sigmoid."""
    y = layers["norm"](x.double())
    halves = [torch.tanh(layers["value"](y)), layers["gate"](y)]
    return (x + layers["out"](nn.functional.glu(torch.cat(halves, dim=-1)))).to(x.dtype)


def weighed(what, block, x, wanted=True):
    """Gradients of all parameters, and of x if wanted; each number of out weighs differently."""
    x = x.clone().requires_grad_(wanted)
    out = hunts.attempt(what, block, x)
    upstream = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).reshape(out.shape)
    leaves = {**({"x": x} if wanted else {}), **dict(block.named_parameters())}
    return hunts.gradients_of(what, out, leaves, upstream)
