"""Concatenation: two inputs, one layer.

Two descriptions of the same things are joined feature by feature.

    a         (*, in_a)
    b         (*, in_b)    the same leading sizes * as a: any number of them, none too; one may be 0
    result    (*, out)     linear in all in_a + in_b features, with a bias, without activation

A new block has exactly two parameters, under any names, trainable and drawn as nn.Linear draws its
own: a weight (out, in_a + in_b), whose first in_a columns belong to a and the rest to b, and a bias
(out,). It works in float32, float64 and bfloat16, on any device it is moved to, alike in train and
eval mode; the result has a's dtype and device. Inputs are not changed. Gradients reach a, b and
both parameters.

Inputs have at least one dim; all other sizes raise RuntimeError or ValueError. Leading sizes must
be equal: none is repeated, filled in or reshaped to fit. Each input must have its own number of
features: a right sum is not enough (a and b swapped).

Ask yourself: which dim grows, and how do you name it when you do not know how many come before it?
Docs: https://docs.pytorch.org/docs/stable/generated/torch.cat.html
"""

import itertools

import torch
from torch import Tensor, nn


class ConcatBlock(nn.Module):
    def __init__(self, in_a: int, in_b: int, out: int) -> None:
        raise NotImplementedError("ConcatBlock.__init__")

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        raise NotImplementedError("ConcatBlock.forward")


def check(ConcatBlock):
    torch.manual_seed(0)
    in_a, in_b, out = 3, 5, 4
    name, shapes = "ConcatBlock(3, 5, 4)", ((out, in_a + in_b), (out,))
    for dtype, tolerance, mode, loud in (
        (torch.float32, 1e-5, "train", 1),
        (torch.float64, 1e-10, "eval", 100),
        (torch.bfloat16, 5e-2, "train", 1),
    ):
        block = ConcatBlock(in_a, in_b, out).to(dtype).train(mode == "train")
        state = [p.double() for p in parameters(name, block, *shapes)]
        for lead in ((6,), (1,), (0,), (), (2, 6), (6, 1, 2)):
            a, b = (loud * numbers(lead, size).to(dtype) for size in (in_a, in_b))
            what = f"{name} on a {tuple(a.shape)}, b {tuple(b.shape)}, {dtype}, {mode} mode"
            before, result = (a.clone(), b.clone()), run(what, block, a, b)
            assert result.shape == (*lead, out), (
                f"{what}: result of shape {tuple(result.shape)}, want {(*lead, out)}"
            )
            assert result.dtype == dtype, f"{what}: result {result.dtype}, want {dtype}"
            assert result.requires_grad, f"{what}: the result has no gradient, want one"
            want = by_hand(a.double(), b.double(), *state)
            close(result.double(), want, tolerance, f"{what}: wrong values")
            close(a, before[0], 0, f"{what}: a was changed")
            close(b, before[1], 0, f"{what}: b was changed")
    what = f"{name}, a and b on the meta device"
    result = run(what, block.to("meta"), a.to("meta"), b.to("meta"))
    assert result.is_meta, f"{what}: the result is on {result.device}, want meta"

    what = "ConcatBlock(30, 70, 200)"
    new = [parameters(what, ConcatBlock(30, 70, 200), (200, 100), (200,)) for _ in range(2)]
    for p, other in zip(*new, strict=True):
        far, std = p.abs().max().item(), p.std().item()  # nn.Linear: uniform from -0.1 to 0.1
        assert 0.09 < far < 0.1001 and 0.048 < std < 0.068, (
            f"{what}, new {tuple(p.shape)}: values up to {far:.3f}, std {std:.4f}, "
            "want nn.Linear's 0.1 and 0.0577"
        )
        assert not torch.equal(p, other), f"{what}: equal {tuple(p.shape)} in two, want new values"

    block = ConcatBlock(in_a, in_b, out)
    leads = ((), (1,), (5,), (6,), (12,), (1, 6), (2, 1), (2, 6), (6, 7))
    for lead_a, lead_b in itertools.permutations(leads, 2):
        must_raise(block, (*lead_a, in_a), (*lead_b, in_b))
    for size_a, size_b in ((in_b, in_a), (in_a + 1, in_b - 1), (in_a, in_b + 1)):
        must_raise(block, (6, size_a), (6, size_b))

    weight, bias = parameters(name, block.double(), *shapes)
    a, b = (numbers((2, 6), size).double().requires_grad_() for size in (in_a, in_b))
    leaves = {"a": a, "b": b, "the weight": weight, "the bias": bias}
    what = f"{name} on a {tuple(a.shape)}, b {tuple(b.shape)}, {a.dtype}"
    result = run(what, block, a, b)
    upstream = torch.randn_like(result)
    got = torch.autograd.grad(result, leaves.values(), upstream, allow_unused=True)
    want = torch.autograd.grad(by_hand(*leaves.values()), leaves.values(), upstream)
    for key, g, w in zip(leaves, got, want, strict=True):
        assert g is not None, f"{what}: no gradient reaches {key}, want one"
        close(g, w, 1e-10, f"{what}: wrong gradient of {key}")


def by_hand(a, b, weight, bias):
    """One product for each input: nothing is joined."""
    return a @ weight[:, : a.shape[-1]].T + b @ weight[:, a.shape[-1] :].T + bias


def numbers(lead, features):
    """Random (*lead, features), not contiguous."""
    return torch.randn(features, *lead).movedim(0, -1)


def parameters(what, module, *shapes):
    """The new module's parameters in the order of `shapes`, whatever their names."""
    found = [*module.parameters()]
    lazy = any(nn.parameter.is_lazy(p) for p in found)
    assert not lazy, f"{what}: a parameter waits for the first call, want all at the start"
    got = sorted(tuple(p.shape) for p in found)
    assert got == sorted(shapes), f"{what}: new, it has parameters {got}, want {sorted(shapes)}"
    frozen = [tuple(p.shape) for p in found if not p.requires_grad]
    assert not frozen, f"{what}: parameters {frozen} have requires_grad=False, want True for all"
    return [next(p for p in found if p.shape == shape) for shape in shapes]


def run(what, module, *inputs):
    """The module's result; where it crashes, a verdict that says on what."""
    try:
        result = module(*inputs)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        if isinstance(error, NotImplementedError) and not inputs[0].is_meta:
            raise  # an open hole; on the meta device it is torch's own
        kind = type(error).__name__
        raise AssertionError(f"{what}: want a result, got {kind}: {error}") from error
    assert isinstance(result, Tensor), f"{what}: {type(result).__name__}, want a Tensor"
    return result


def close(got, want, tolerance, what):
    torch.testing.assert_close(
        got, want, rtol=tolerance, atol=tolerance, msg=lambda m: f"{what}\n{m}"
    )


def must_raise(block, size_a, size_b):
    what = f"ConcatBlock(3, 5, 4) on a {size_a} and b {size_b}"
    try:
        got = block(torch.randn(size_a), torch.randn(size_b))
    except (RuntimeError, ValueError):
        return
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}, want RuntimeError or ValueError") from error
    raise AssertionError(f"{what} gave {tuple(got.shape)}, want RuntimeError or ValueError")


if __name__ == "__main__":
    try:
        check(ConcatBlock)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_1_concatenation.py")
