"""What buggy_code_13.py requires.

tokens is tried on numbers that say where they stand, gradients against the answer's own values.
"""

import torch

from checks.hunts import true_gradients
from checks.tools import call_of, close, equal, keeps_device, refuses, result_of, same, unchanged

# Sizes that all differ, that are equal, and that hide a mistake.
SHAPES = ((2, 3, 4, 5), (2, 3, 5, 4), (1, 4, 4, 4), (3, 3, 3, 3), (2, 3, 1, 5), (2, 3, 5, 1))
SHAPES += ((2, 1, 3, 4), (4, 2, 2, 1))


def tokens(to_tokens):
    for shape in SHAPES:
        n, c, h, w = shape
        x, what = told(shape) * (1 if n == 2 else -1), f"to_tokens({shape})"
        if n == 1:
            x[0, -1, 0, 0] = torch.inf
        if n == 3:
            x, what = x.long() + 2**60, f"{what} of int64"
        out = result_of(what, to_tokens, x.clone())
        equal(f"{what}: shape", tuple(out.shape), (n, h * w, c))
        for i in range(n):
            for a in range(h):
                for b in range(w):
                    want = [x[i, channel, a, b].item() for channel in range(c)]
                    got = out[i, a * w + b].tolist()
                    equal(
                        f"{what}: image {i}, row {a}, column {b}: token {a * w + b} is", got, want
                    )


def gradients(to_tokens):
    for shape in ((2, 3, 4, 5), (1, 2, 3, 3)):
        x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
        true_gradients(call_of("to_tokens", x), lambda x=x: to_tokens(x), {"features": x})


def kind(to_tokens):
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64):
        x = told((2, 3, 4, 5)).remainder(100).to(dtype)
        got = result_of(f"to_tokens of {dtype}", to_tokens, x).dtype
        equal(f"to_tokens of {dtype} gave", got, dtype)
    keeps_device("to_tokens((2, 3, 4, 5))", to_tokens, torch.randn(2, 3, 4, 5))


def strides(to_tokens):
    x = told((2, 3, 4, 5))
    larger = told((2, 6, 9, 10))
    for name, given in (
        ("one number after the other", x),
        ("channels_last", x.to(memory_format=torch.channels_last)),
        ("transposed", x.transpose(2, 3)),
        ("a part of a larger tensor", larger[:, ::2, 1:5, ::2]),
        ("the same image, expanded", x[:1].expand(3, -1, -1, -1)),
    ):
        what = f"{call_of('to_tokens', given)}, {name}"
        with unchanged(what, given):
            out = result_of(what, to_tokens, given)
        alone = result_of(what, to_tokens, given.contiguous().clone())
        same(out, alone, f"{what}, against the same numbers one after the other")


def dims(to_tokens):
    for shape in ((3, 4, 5), (4, 5), (2, 3, 4, 5, 6), (2, 3, 4, 5, 1)):
        refuses(to_tokens, torch.randn(shape))


def empty(to_tokens):
    out = result_of("to_tokens((0, 3, 4, 5))", to_tokens, torch.randn(0, 3, 4, 5))
    close(out, torch.zeros(0, 20, 3), "to_tokens((0, 3, 4, 5))")


CORE = (tokens, gradients, kind)
EDGES = (strides, dims, empty)


def told(shape):
    """1234.0 is image 1, channel 2, row 3, column 4."""
    places = torch.meshgrid(*map(torch.arange, shape), indexing="ij")
    return sum(10 ** (3 - i) * place for i, place in enumerate(places)).float()
