"""A backward of your own: leaky ReLU as an autograd.Function, differentiable twice.

You tell autograd what your own operation does, per element:

    out = input if input > 0 else neg_slope * input

    LeakyReLUFunction   a torch.autograd.Function of input and neg_slope
    leaky_relu_custom(input, neg_slope=0.01) -> out
        neg_slope  int or float
        out        shape, dtype and device of input

Core, what an interview asks:

    by_hand   leaky_relu_custom returns LeakyReLUFunction.apply's result. Neither pass calls
              torch's own leaky_relu, prelu or rrelu.
    forward   The values of the formula, for any neg_slope: 0, negative, above 1.
    backward  The gradient is the upstream gradient where input > 0, otherwise neg_slope times it.
              neg_slope gets none.
    calls     A call does not disturb the backward of an earlier one.
    twice     The gradient can be differentiated again: torch.autograd.gradcheck and gradgradcheck
              hold in float64.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    special   0, -0.0 and nan are not > 0. inf stays inf where input > 0, in both passes.
    dtypes    As exact as float16, bfloat16, float32 or float64 is, for any neg_slope from 1e-8
              to 1e5, also where the dtype cannot hold neg_slope itself.
    memory    Backward gets one tensor, of no more bytes than input, and by
              ctx.save_for_backward alone.
    inputs    Any shape, strides and device. Input and upstream gradient are not changed.

Medium, 20 minutes. Try one alone: python FILE twice
Docs: https://docs.pytorch.org/docs/stable/notes/extending.html#extending-torch-autograd
"""

from typing import Any

import torch
from torch import Tensor


class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, neg_slope: float) -> Tensor:
        raise NotImplementedError("LeakyReLUFunction.forward")

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor, None]:
        raise NotImplementedError("LeakyReLUFunction.backward")


def leaky_relu_custom(input: Tensor, neg_slope: float = 0.01) -> Tensor:
    raise NotImplementedError("leaky_relu_custom")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    x = torch.tensor([3.0, -4.0], requires_grad=True)
    out = leaky_relu_custom(x, 0.5)
    assert out.tolist() == [3, -2], out.tolist()

    out.backward(torch.tensor([10.0, 20.0]))
    assert x.grad is not None and x.grad.tolist() == [10, 10], x.grad


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
