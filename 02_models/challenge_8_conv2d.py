"""Convolution by hand: every window becomes a column, and one matrix product does the rest.

    y[n,o,i,j] = bias[o] + sum over c,u,v of
                 weight[o,c,u,v] x[n, c, i*stride + u*dilation, j*stride + v*dilation]

    my_conv2d, depthwise_separable_conv  (N, C, H, W) -> (N, C_out, H', W')
    max_pool2d                           (N, C, H, W) -> (N, C, H', W')

Core, what an interview asks:

    by_hand    No conv or pool function of torch is called. unfold is allowed.
    no_loop    The number of calls to torch does not grow with the sizes of x and y or groups.
    conv       Zeros are padded on all four sides. A window that does not fit is left out.
    groups     Channels of x and y are cut into blocks of neighbors; a block of y sees its own
               block of x.
    max_pool   stride is kernel_size by default. What is padded never wins.
    separable  One kernel per channel, then a mix of the channels. No padding, stride 1.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    pairs      kernel_size, stride, padding and dilation may be pairs (rows, columns).
    refused    Channels of x, weight, bias and groups that do not fit: ValueError or RuntimeError.
    exact      Any strides. float64 is exact to 1e-8, and so are gradients. Inputs stay.

Medium, 30 minutes. Try one alone: python FILE conv
Paper of the separable one: MobileNets, section 3.1, https://arxiv.org/abs/1704.04861
"""

import torch
from torch import Tensor

Pair = int | tuple[int, int]


def my_conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Tensor:
    """x (N, C, H, W), weight (C_out, C / groups, kH, kW), bias (C_out,)."""
    raise NotImplementedError("my_conv2d")


def max_pool2d(
    x: Tensor, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0
) -> Tensor:
    """x (N, C, H, W)."""
    raise NotImplementedError("max_pool2d")


def depthwise_separable_conv(x: Tensor, dw_weight: Tensor, pw_weight: Tensor) -> Tensor:
    """x (N, C, H, W), dw_weight (C, 1, kH, kW), pw_weight (C_out, C, 1, 1)."""
    raise NotImplementedError("depthwise_separable_conv")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    image = torch.tensor([[0.0, 0.0, 1.0, 1.0]] * 3)[None, None]  # dark left, bright right
    kernel = torch.tensor([[-1.0, 1.0]] * 2)[None, None]
    got = my_conv2d(image, kernel)[0, 0].tolist()
    assert got == [[0, 2, 0], [0, 2, 0]], got
    got = max_pool2d(-1 - image, 2, padding=1)[0, 0].tolist()
    assert got == [[-1, -1, -2], [-1, -1, -2]], got
    two = torch.ones(1, 2, 1, 1), torch.tensor([2.0, 3.0]).view(2, 1, 1, 1)
    got = my_conv2d(*two, groups=2).flatten().tolist()
    assert got == [2, 3], got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
