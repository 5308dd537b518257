"""Convolution by hand: unfold, one batched product, reshape.

Why it works: unfold writes each window as a column of C kH kW numbers, in the order of a row of
weight.flatten(1), so all sums are one product (C_out, C kH kW) @ (C kH kW, H' W'). An image of 4
columns and a kernel of 2 have (4 - 2) // 1 + 1 = 3 windows per row. With groups, both factors get
an axis of groups in front, and the batched product keeps the blocks apart.
Say in the interview:
- H' = (H + 2 padding - dilation (kH - 1) - 1) // stride + 1; the floor drops the last columns.
- It costs N C_out H' W' C kH kW / groups mult-adds; the columns cost kH kW times the memory of x.
  Real kernels build them tile by tile (implicit GEMM), or use Winograd or FFT.
- It is cross-correlation: the kernel is not flipped.
- Separable: k^2 C + C C_out weights instead of k^2 C C_out: about 8 times fewer for k = 3.
Asked next: "Why -inf in the pooling?" A zero would win against negative numbers. "And the backward
of unfold?" fold: it adds up what the windows share.
Common slips: weight laid out as (kH, kW, C); groups ignored, or interleaved; a bias that broadcasts
along the width; zero padding in the pooling; einsum alone, which broadcasts a channel axis of 1: a
view to the expected sizes raises instead.
May be left out if you say so: pairs.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

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
    """(N, C, H, W), (C_out, C/groups, kH, kW), (C_out,) -> (N, C_out, H', W')."""
    N, _, *size = x.shape
    C_out, c, kH, kW = weight.shape
    s, p, d = pair(stride), pair(padding), pair(dilation)
    H, W = ((size[i] + 2 * p[i] - d[i] * (k - 1) - 1) // s[i] + 1 for i, k in enumerate((kH, kW)))
    columns = F.unfold(x, (kH, kW), d, p, s)  # (N, C kH kW, H' W')
    columns = columns.view(N, groups, c * kH * kW, H * W)
    rows = weight.reshape(groups, C_out // groups, c * kH * kW)
    y = (rows @ columns).reshape(N, C_out, H, W)  # from (N, groups, C_out/groups, H' W')
    return y if bias is None else y + bias.view(C_out, 1, 1)


def max_pool2d(
    x: Tensor, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0
) -> Tensor:
    """(N, C, H, W) -> (N, C, H', W')."""
    k, p = pair(kernel_size), pair(padding)
    s = k if stride is None else pair(stride)
    x = F.pad(x, (p[1], p[1], p[0], p[0]), value=-math.inf)
    windows = x.unfold(2, k[0], s[0]).unfold(3, k[1], s[1])  # (N, C, H', W', kH, kW)
    return torch.amax(windows, (-2, -1))


def depthwise_separable_conv(x: Tensor, dw_weight: Tensor, pw_weight: Tensor) -> Tensor:
    """(N, C, H, W), (C, 1, kH, kW), (C_out, C, 1, 1) -> (N, C_out, H', W')."""
    return my_conv2d(my_conv2d(x, dw_weight, groups=x.shape[1]), pw_weight)


def pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
