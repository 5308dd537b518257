"""What challenge_1_concatenation.py requires.

Only `values` computes the result by other means; the other labels compare the answer with itself.
"""

import itertools

import torch

from checks.modules import (
    by_shape,
    drawn_as_linear,
    gradients_flow,
    has_parameters,
    keeps_dtypes,
    keeps_inputs,
    leading_sizes,
    on,
    refuses_sizes,
)
from checks.tools import close, result_of

IN_A, IN_B, OUT = 3, 5, 4
NAME = "ConcatBlock(3, 5, 4)"
LEADS = ((), (0,), (1,), (5,), (6,), (12,), (1, 6), (2, 1), (2, 6), (6, 7))


def parameters(ConcatBlock):
    shapes = {"weight": (OUT, IN_A + IN_B), "bias": (OUT,)}
    has_parameters(NAME, ConcatBlock(IN_A, IN_B, OUT), shapes)
    drawn_as_linear("ConcatBlock(30, 70, 200)", lambda: ConcatBlock(30, 70, 200), 100)


def values(ConcatBlock):
    block = ConcatBlock(1, 2, 1).eval()
    weight, bias = by_shape(block, (1, 3), (1,))
    with torch.no_grad():
        weight.copy_(torch.tensor([[1.0, 10.0, 100.0]]))
        bias.zero_()
    what = "weight [[1, 10, 100]], bias [0], a [[1]], b [[2, 3]]: result"
    out = result_of(what, block, torch.tensor([[1.0]]), torch.tensor([[2.0, 3.0]]))
    close(out.detach(), torch.tensor([[321.0]]), what)
    for in_a, in_b, out, loud in ((3, 5, 4, 1), (3, 5, 4, 100), (4, 4, 4, 1)):
        block = ConcatBlock(in_a, in_b, out).double().eval()
        weight, bias = (p.double() for p in by_shape(block, (out, in_a + in_b), (out,)))
        a, b = (loud * torch.randn(4, size).double() for size in (in_a, in_b))
        what = on(f"ConcatBlock({in_a}, {in_b}, {out})", a=a, b=b)
        want = a @ weight[:, :in_a].T + b @ weight[:, in_a:].T + bias  # nothing is joined
        close(result_of(what, block, a, b).double(), want, f"{what}: result")


def leading(ConcatBlock):
    leading_sizes(NAME, ConcatBlock(IN_A, IN_B, OUT), OUT, {"a": IN_A, "b": IN_B})
    leading_sizes("ConcatBlock(1, 1, 1)", ConcatBlock(1, 1, 1), 1, {"a": 1, "b": 1})


def gradients(ConcatBlock):
    inputs = {"a": torch.randn(6, IN_A), "b": torch.randn(6, IN_B)}
    gradients_flow(on(NAME, **inputs), ConcatBlock(IN_A, IN_B, OUT), inputs)


def sizes(ConcatBlock):
    pairs = itertools.permutations(LEADS, 2)
    sizes = (((*of_a, IN_A), (*of_b, IN_B)) for of_a, of_b in pairs)
    refuses_sizes(NAME, ConcatBlock(IN_A, IN_B, OUT), "a b", sizes)


def features(ConcatBlock):
    wrong = ((IN_B, IN_A), (IN_A + 1, IN_B - 1), (IN_A - 1, IN_B + 1), (IN_A, IN_B + 1), (IN_A, 1))
    sizes = (((6, of_a), (6, of_b)) for of_a, of_b in (*wrong, (1, IN_B), (IN_A + 1, IN_B)))
    refuses_sizes(NAME, ConcatBlock(IN_A, IN_B, OUT), "a b", sizes)


def dtypes(ConcatBlock):
    inputs = {"a": torch.randn(6, IN_A), "b": torch.randn(6, IN_B)}
    keeps_dtypes(NAME, ConcatBlock(IN_A, IN_B, OUT), inputs)


def inputs(ConcatBlock):
    inputs = {"a": torch.randn(6, IN_A), "b": torch.randn(6, IN_B)}
    keeps_inputs(NAME, ConcatBlock(IN_A, IN_B, OUT), inputs)


CORE = (parameters, values, leading, gradients)
EDGES = (sizes, features, dtypes, inputs)
