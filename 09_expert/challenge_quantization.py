"""Fewer bits per weight: int8 by rows, 4 bits by groups, and zeros that stay.

    Int8Linear(weight, bias=None)    weight (out, in) becomes buffers:
        scale (out, 1) = a row's largest magnitude/127,  weight_int8 = round(weight/scale)
        forward(x)                   (*, in) -> (*, out)
    quantize_groupwise(weight, group_size=32) -> (packed, scale)
        scale (out, in/group_size) = the largest magnitude/7 of group_size neighbors in a row
        packed (out, in/2) uint8: round(number/scale)+8
    dequantize_groupwise(packed, scale, shape) -> (out, in)
    prune_magnitude(module, amount) -> mask like module.weight, True = kept

Core, what an interview asks:

    int8      weight_int8 is int8, scale has weight's dtype. Only a bias is a Parameter. No other
              tensor of weight's size is kept.
    forward   x @ (weight_int8*scale)^T + bias. x and bias get gradients.
    packed    A byte holds two neighbors, the first in its low 4 bits.
    restored  Off by scale/2 at most. The result has scale's dtype.
    prune     Of n numbers, the round(amount*n) of least magnitude become 0. The others stay.
    survive   These zeros stay 0 in training, whatever the optimizer does and whenever it was made.
              The others train as before.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    zeros     Rows or groups of zeros give zeros. No NaN is cast to an integer.
    uneven    Rows are filled to whole groups. shape cuts them. Odd group_size: ValueError.
    dtypes    Int8Linear takes weights of any float dtype and gives x's dtype. It and a pruned
              module can be moved, cast, copied. The copy is pruned, too.

Medium, 40 minutes. Try one alone: python FILE packed
Paper, section 2: https://arxiv.org/abs/2208.07339
"""

import torch
from torch import Tensor, nn


class Int8Linear(nn.Module):
    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        raise NotImplementedError("Int8Linear.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Int8Linear.forward")


def quantize_groupwise(weight: Tensor, group_size: int = 32) -> tuple[Tensor, Tensor]:
    raise NotImplementedError("quantize_groupwise")


def dequantize_groupwise(packed: Tensor, scale: Tensor, shape: tuple[int, int]) -> Tensor:
    raise NotImplementedError("dequantize_groupwise")


def prune_magnitude(module: nn.Module, amount: float) -> Tensor:
    raise NotImplementedError("prune_magnitude")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    layer = Int8Linear(torch.tensor([[1.27, -0.5], [254.0, 2.0]]))
    assert layer.weight_int8.tolist() == [[127, -50], [127, 1]], layer.weight_int8.tolist()

    packed, scale = quantize_groupwise(torch.tensor([[7.0, -7.0, 3.0, 0.0]]), group_size=4)
    assert (packed.tolist(), scale.tolist()) == ([[0x1F, 0x8B]], [[1.0]]), packed.tolist()

    linear = nn.Linear(4, 1)
    nn.init.constant_(linear.weight, 2.0)
    mask = prune_magnitude(linear, 0.5)
    assert (mask.sum().item(), linear.weight.sum().item()) == (2, 4), linear.weight.tolist()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
