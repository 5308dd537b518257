"""Concatenation: two inputs, one layer.

Two descriptions of the same things, such as images' features and their metadata, are joined feature
by feature, and one linear layer then weighs them together.

    a         (*, in_a)
    b         (*, in_b)    the same leading sizes * as a: any number of them, none too
    result    (*, out)     linear in all in_a + in_b features, with a bias, without activation

A block has exactly two parameters, from the start and under names of your choice: a weight
(out, in_a + in_b), whose first in_a columns belong to a and the rest to b, and a bias (out,), both
trainable and drawn as nn.Linear draws its own. It works in float32, float64 and bfloat16 and on any
device once .to(...) has moved it there; the result has the dtype and device of a and b. Train and
eval mode give the same values. a and b are left as they were, and gradients reach both of them and
both parameters.

All other sizes raise RuntimeError or ValueError. Leading sizes must be equal: 1 beside N is not
repeated and a missing one is not filled in. Each input must have its own number of features: a sum
that happens to be right, as when a and b are swapped, is not enough.

Ask yourself: which dim grows, and how do you name it when you do not know how many come before it?
Docs: https://docs.pytorch.org/docs/stable/generated/torch.cat.html
"""

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
    for dtype, tolerance, mode in (
        (torch.float32, 1e-5, "train"),
        (torch.float64, 1e-10, "eval"),
        (torch.bfloat16, 5e-2, "train"),
    ):
        block = ConcatBlock(in_a, in_b, out).to(dtype).train(mode == "train")
        for lead in ((6,), (1,), (0,), (), (2, 6), (6, 1, 2)):
            a, b = numbers(lead, in_a).to(dtype), numbers(lead, in_b).to(dtype)
            what = f"a {tuple(a.shape)}, b {tuple(b.shape)}, {dtype}, {mode} mode"
            before, result = (a.clone(), b.clone()), run(what, block, a, b)
            assert result.shape == (*lead, out), (
                f"{what}: result of shape {tuple(result.shape)}, want {(*lead, out)}"
            )
            assert result.dtype == dtype, f"{what}: result {result.dtype}, want {dtype}"
            weight, bias = parameters(block, (out, in_a + in_b), (out,))
            want = by_hand(a.double(), b.double(), weight.double(), bias.double())
            close(result.double(), want, tolerance, f"{what}: wrong values")
            close(a, before[0], 0, f"{what}: a was changed")
            close(b, before[1], 0, f"{what}: b was changed")
    result = block.to("meta")(a.to("meta"), b.to("meta"))
    assert result.is_meta, f"all on the meta device: the result is on {result.device}"

    for p in parameters(ConcatBlock(30, 70, 200), (200, 100), (200,)):
        far, std = p.abs().max().item(), p.std().item()  # nn.Linear: uniform from -0.1 to 0.1
        assert 0.09 < far < 0.1001 and 0.048 < std < 0.068, (
            f"ConcatBlock(30, 70, 200), new {tuple(p.shape)}: values up to {far:.3f}, "
            f"std {std:.4f}, want nn.Linear's 0.1 and 0.0577"
        )

    block = ConcatBlock(in_a, in_b, out)
    for lead_a, lead_b in (((6,), (1,)), ((1,), (6,)), ((6,), (5,)), ((), (6,)), ((2, 6), (2, 1))):
        must_raise(block, (*lead_a, in_a), (*lead_b, in_b))
    for size_a, size_b in ((in_b, in_a), (in_a + 1, in_b - 1), (in_a, in_b + 1)):
        must_raise(block, (6, size_a), (6, size_b))

    weight, bias = parameters(block.double(), (out, in_a + in_b), (out,))
    a, b = (numbers((2, 6), size).double().requires_grad_() for size in (in_a, in_b))
    leaves = {"a": a, "b": b, "the weight": weight, "the bias": bias}
    result = block(a, b)
    assert result.requires_grad, "the result has no gradient: nothing flows back"
    upstream = torch.randn_like(result)
    got = torch.autograd.grad(result, leaves.values(), upstream, allow_unused=True)
    want = torch.autograd.grad(by_hand(*leaves.values()), leaves.values(), upstream)
    for name, g, w in zip(leaves, got, want, strict=True):
        assert g is not None, f"no gradient reaches {name}"
        close(g, w, 1e-10, f"wrong gradient of {name}")


def by_hand(a, b, weight, bias):
    """One product for each input: nothing is joined."""
    return a @ weight[:, : a.shape[-1]].T + b @ weight[:, a.shape[-1] :].T + bias


def numbers(lead, features):
    """Random (*lead, features), not contiguous."""
    return torch.randn(features, *lead).movedim(0, -1)


def parameters(module, *shapes):
    """The module's parameters in the order of `shapes`, whatever their names."""
    found = {tuple(p.shape): p for p in module.parameters() if p.requires_grad}
    got = sorted(tuple(p.shape) for p in module.parameters())
    assert got == sorted(shapes), f"parameters of shapes {got}, want {sorted(shapes)}"
    assert len(found) == len(shapes), f"trainable parameters of shapes {[*found]}, want {shapes}"
    return [found[shape] for shape in shapes]


def run(what, module, *inputs):
    """The module's result; where it crashes, a verdict that says on what."""
    try:
        return module(*inputs)
    except NotImplementedError:
        raise
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error


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
        kind = type(error).__name__
        raise AssertionError(f"{what}: {kind}, want RuntimeError or ValueError") from error
    raise AssertionError(f"{what} gave {tuple(got.shape)}, want RuntimeError or ValueError")


if __name__ == "__main__":
    try:
        check(ConcatBlock)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_1_concatenation.py")
