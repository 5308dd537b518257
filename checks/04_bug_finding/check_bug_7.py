"""What buggy_code_7.py requires.

values alone compares with layers of torch, without gradients. The other labels compare gradients
with the slope of the answer's own values, all of them wanted at once, then one at a time.
"""

import torch
from torch import nn

from checks.hunts import attempt, gives_there, gradients_of_modes, on, true_gradients
from checks.tools import close, filled, names_are, strided, unchanged

D, H = 4, 6
CALL = f"GatedResidual{D, H}"
SHAPES = ((5, 3, D), (5, D), (D,), (1, D), (0, D), (2, 1, 3, D))
DTYPES = ((torch.float64, 1e-10), (torch.float32, 1e-5), (torch.bfloat16, 5e-2))


def values(GatedResidual):
    parts = {"norm": nn.LayerNorm(D), "value": nn.Linear(D, H), "gate": nn.Linear(D, H)}
    right = nn.ModuleDict(parts | {"out": nn.Linear(H, D)}).double()
    block = filled(GatedResidual(D, H))
    state, want = block.state_dict(), right.state_dict()
    names_are(state, want, f"state_dict of {CALL}")
    for name, value in want.items():
        shapes = tuple(state[name].shape), tuple(value.shape)
        assert shapes[0] == shapes[1], f"{CALL}: {name} has shape {shapes[0]}, want {shapes[1]}"
    with torch.no_grad():
        for dtype, tol in DTYPES:
            right.load_state_dict(block.to(dtype).state_dict())
            for shape in SHAPES:
                x = strided(*shape, dtype=dtype)
                want = reference(right, x)
                for training in (True, False):
                    mode = f"{'train' if training else 'eval'} mode"
                    what = f"{CALL}, x {shape}, {dtype}, {mode}: out"
                    got = on(block, training, x)
                    assert got.dtype == dtype, f"{what} is {got.dtype}, want {dtype}"
                    close(got.double(), want, what, tol)
                    with unchanged(what, x):
                        block(x)
    gives_there(f"{CALL}, x {(2, D)}", block, torch.randn(2, D, dtype=dtype))


def gradients(GatedResidual):
    block, stack, x = filled(GatedResidual(D, H)), two(GatedResidual), strided(5, 3, D)
    gradients_of_modes(f"{CALL}, x (5, 3, {D})", block.double(), {"x": x.double()})
    gradients_of_modes(f"a stack of two, x (5, 3, {D})", stack, {"x": x.double()})
    x = x.bfloat16()  # from here on numbers that all dtypes hold
    exact = leaf_gradients(f"{CALL}, float64", block.bfloat16().double(), x.double())
    for dtype, tol in ((torch.float32, 1e-4), (torch.bfloat16, 0.2)):
        what = f"{CALL}, x (5, 3, {D}), {dtype}"
        for name, g in leaf_gradients(what, block.to(dtype), x.to(dtype)).items():
            assert g.dtype == dtype, f"{what}: gradient of {name} is {g.dtype}, want {dtype}"
            error = (g.double() - exact[name]).abs().max() / exact[name].abs().max()
            assert error < tol, (
                f"{what}: gradient of {name} is off by {error:.1%} of its largest number, "
                f"want less than {tol:.2%}"
            )
    block.float()
    for shape in SHAPES[1:]:
        leaf_gradients(f"{CALL}, x {shape}", block, strided(*shape))
        leaf_gradients(f"{CALL}, x {shape} without gradient", block, strided(*shape), False)


def frozen(GatedResidual):
    for model, name, training in (
        (filled(GatedResidual(D, H)).double(), "one block", False),
        (two(GatedResidual), "two blocks", True),
    ):
        x = torch.randn(2, 3, D, dtype=torch.float64)
        leaves = {"x": x, **dict(model.train(training).named_parameters())}
        groups = [[wanted] for wanted in leaves]
        groups += [
            [key for key in leaves if key != "x"],
            [key for key in leaves if "value" not in key],
        ]
        for wanted in groups:
            for key, leaf in leaves.items():
                leaf.requires_grad_(key in wanted)
            said = wanted[0] if len(wanted) == 1 else f"{len(wanted)} of {len(leaves)}"
            mode = "train" if training else "eval"
            what = f"{name}, {mode} mode, a gradient wanted for {said} alone"
            true_gradients(what, lambda m=model, x=x: m(x), {key: leaves[key] for key in wanted})


CORE = (values, gradients)
EDGES = (frozen,)


def two(GatedResidual):
    return filled(nn.Sequential(GatedResidual(D, H), GatedResidual(D, H))).double()


def reference(layers, x):
    """In float64, by layers of torch; F.glu multiplies one half by the other's sigmoid."""
    y = layers["norm"](x.double())
    halves = [torch.tanh(layers["value"](y)), layers["gate"](y)]
    return x + layers["out"](nn.functional.glu(torch.cat(halves, dim=-1)))


def leaf_gradients(what, block, x, wanted=True):
    """Of all parameters, and of x if wanted; each number of out weighs differently in the loss."""
    x = x.clone().requires_grad_(wanted)
    leaves = {**({"x": x} if wanted else {}), **dict(block.named_parameters())}
    out = attempt(what, block, x)
    assert out.requires_grad, f"{what}: no gradient flows back from the result"
    upstream = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).reshape(out.shape)
    call = f"{what}, backward()"
    grads = attempt(
        call, torch.autograd.grad, out, list(leaves.values()), upstream, allow_unused=True
    )
    missing = [name for name, g in zip(leaves, grads, strict=True) if g is None]
    assert not missing, f"{what}: no gradient reaches {', '.join(missing)}"
    return dict(zip(leaves, grads, strict=True))
