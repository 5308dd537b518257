"""Fewer bits per weight: a scale per row for 8 bits, a scale per group for 4, a mask that stays.

Why it works: a step of the grid is the largest magnitude over 127 (or 7), so rounding is off by
half a step at most. One scale for the whole tensor would let one outlier decide for all: beside a
weight of 12.7 the int8 step is 0.1, and weights of 0.04 become 0. A row, or a group of 32 in it,
pays for its own outliers only. 4 bits with a 16-bit scale per 32 numbers are 4.5 bits per weight.
Say in the interview:
- It is weight-only: the product is still in floats. It saves bytes, and decoding one token at a
  time is limited by bytes, as each weight is read once per token.
- Symmetric: no zero point, 0 stays 0, and -128 (or -8) is not used. In bfloat16 a quotient may be
  rounded to 128, which as int8 is -128: hence the clamp.
- Buffers, not parameters: saved and moved, never trained.
- Pruning by a mask at each use: whatever momentum and decay do to the numbers below, the weight
  that the layer uses is 0. Zeros alone make nothing faster: a kernel has to skip them (2:4).
Asked next: "What about activations?" They are quantized per token, at run time; outliers in a few
channels make it hard, and can be moved into the weights (SmoothQuant). "Better than rounding to the
nearest?" GPTQ and AWQ choose by the error of the layer's output, on a few hundred texts.
Common slips: a zero row divided by zero; nibbles swapped; .view over groups that cross rows; a mask
on the gradient alone, which momentum and decay pass by; a threshold where equal numbers are lost.
May be left out if you say so: rows that are no multiple of the group.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize


class Int8Linear(nn.Module):
    weight_int8: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        weight = weight.detach()
        scale = step_of(weight, 127)  # (out, 1)
        codes = (weight / scale).round().clamp(-127, 127).to(torch.int8)
        self.register_buffer("weight_int8", codes)
        self.register_buffer("scale", scale)
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight_int8.to(x.dtype) * self.scale.to(x.dtype)
        return F.linear(x, weight, None if self.bias is None else self.bias.to(x.dtype))


def quantize_groupwise(weight: Tensor, group_size: int = 32) -> tuple[Tensor, Tensor]:
    """(out, in) -> uint8 (out, groups * group_size / 2) and scale (out, groups)."""
    if group_size % 2:
        raise ValueError(f"group_size {group_size}, want an even number: two fill a byte")
    out, columns = weight.shape
    rows = F.pad(weight.detach(), (0, -columns % group_size))  # whole groups in each row
    groups = rows.view(out, -1, group_size)
    scale = step_of(groups, 7)  # (out, groups, 1)
    q = ((groups / scale).round() + 8).to(torch.uint8).view(out, -1, 2)  # 1 to 15
    return q[..., 0] | q[..., 1] << 4, scale[..., 0]


def dequantize_groupwise(packed: Tensor, scale: Tensor, shape: tuple[int, int]) -> Tensor:
    """The size of a group follows from the two shapes."""
    q = torch.stack([packed & 15, packed >> 4], dim=-1)  # (out, bytes, 2): low bits first
    groups = (q.to(scale.dtype) - 8).view(*scale.shape, -1)
    return (groups * scale[..., None]).view(len(scale), -1)[:, : shape[1]]


def prune_magnitude(module: nn.Module, amount: float) -> Tensor:
    """The mask, True = kept. From now on module.weight is computed at each use."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    smallest = weight.detach().abs().flatten().argsort()[: round(amount * weight.numel())]
    mask = torch.ones(weight.shape, dtype=torch.bool, device=weight.device)
    mask.view(-1)[smallest] = False
    parametrize.register_parametrization(module, "weight", Masked(mask))
    return mask


class Masked(nn.Module):
    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        return torch.where(self.mask, weight, 0)


def step_of(numbers: Tensor, levels: int) -> Tensor:
    """The largest magnitude along the last dim is `levels` steps; all zeros: any step will do."""
    largest = numbers.abs().amax(dim=-1, keepdim=True)
    return torch.where(largest > 0, largest / levels, 1)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
