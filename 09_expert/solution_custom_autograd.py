"""Leaky ReLU by hand: remember one bit per element, write backward in torch's own operations.

Why it works: the slope of an element is 1 or neg_slope, so all that backward needs is which of the
two: a bool mask, a quarter of the bytes of a float32 input. torch.where picks and computes nothing:
inf stays inf, every dtype stays itself. Backward consists of differentiable operations on grad_out,
so autograd can record it and differentiate it again.
For an input of 1,000,000 float32 numbers that is 1 MB instead of 4.
Say in the interview:
- save_for_backward and not ctx.x: it makes no reference cycle, notices in-place changes and lets
  hooks offload.
- backward returns one result per argument of forward, None for a number.
- O(n) time, n bytes. Saving the input costs nothing only while somebody else keeps it alive anyway.
Asked next: "Why does gradgradcheck hold?" Autograd records what backward does to grad_out, as the
mask is a constant. "What would once_differentiable do?" Raise at the second derivative.
Common slips: the output's sign as the mask, wrong for a negative slope; a float32 tensor of slopes
beside a float64 or bfloat16 input; grad_out changed in place; detach in backward; the slope stored
on the class, where the next call overwrites it.
May be left out if you say so: half precision and the bytes that are kept.
"""

from typing import Any

import torch
from torch import Tensor


class LeakyReLUFunction(torch.autograd.Function):
    """apply(input, neg_slope) -> input where positive, neg_slope * input elsewhere."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, neg_slope: float) -> Tensor:
        positive = input > 0
        ctx.save_for_backward(positive)
        ctx.neg_slope = neg_slope
        return torch.where(positive, input, neg_slope * input)

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor, None]:
        (positive,) = ctx.saved_tensors
        return torch.where(positive, grad_out, ctx.neg_slope * grad_out), None


def leaky_relu_custom(input: Tensor, neg_slope: float = 0.01) -> Tensor:
    """Leaky ReLU of a tensor of any shape; the slope at exactly 0 is neg_slope."""
    return LeakyReLUFunction.apply(input, neg_slope)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
