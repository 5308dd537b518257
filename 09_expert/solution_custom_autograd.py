"""Leaky ReLU by hand: remember one bit per element, write backward in torch's own operations.

Why it works: the slope of an element is 1 or neg_slope, so all that backward needs is which of the
two: a bool mask, a quarter of the bytes of a float32 input. torch.where picks and computes nothing:
inf stays inf, every dtype stays itself. Backward consists of differentiable operations on grad_out,
so autograd can record it and differentiate it again.
Say in the interview: save_for_backward and not ctx.x, because it makes no reference cycle, notices
in-place changes and lets hooks offload; backward returns one result for each argument of forward,
None for a number. O(n) time, n bytes. Saving the input instead costs nothing only while somebody
else keeps it alive anyway.
Common slips: the output's sign as the mask, wrong for a negative slope; a float32 tensor of slopes
beside a float64 or bfloat16 input; grad_out changed in place; once_differentiable or detach in
backward; the slope stored on the class, where the next call overwrites it.
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


if __name__ == "__main__":
    from challenge_custom_autograd import check

    check(LeakyReLUFunction, leaky_relu_custom)
    print("PASS")
