"""DoRA: LoRA turns the rows of a weight, and a vector learns their lengths.

W is base's weight, frozen:

    V = W + scale lora_B lora_A
    row i of W' = magnitude[i] * row i of V / its norm
    y = x W'^T + bias

    DoRALinear(base, rank, scale=1.0)    nn.Linear, in -> out; int r; float
    forward(x) -> y                      (*, in) -> (*, out)

Core, what an interview asks:

    parts      .base is the layer that came. .magnitude (out,), .lora_A (r, in), .lora_B (out, r)
               are nn.Parameters. state_dict() holds nothing else.
    start      At first y is base(x): lora_B is zeros, lora_A random. W is unchanged.
    value      y follows the formula at each call. base may have no bias.
    frozen     Only the three new Parameters require gradients and move in training.
    training   Their gradients and x's are the formula's, the norms taken as constants.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    zeros      A row of zeros in V gives bias alone, and finite gradients.
    draws      lora_A: independent draws of torch's global generator, mean 0, standard deviation
               0.5/sqrt(in) to 2/sqrt(in).
    ranks      ValueError if r < 1. Every other r works.
    dtypes     The three take base.weight's dtype and device. y is as exact as the dtype.
    inputs     * may be () or hold 0. x may have any strides and never changes.
    modes      A new DoRALinear takes base's mode. Both modes compute alike.

Medium, 25 minutes. Try one alone: python FILE training
Paper: DoRA, sections 4.1 and 4.3, https://arxiv.org/abs/2402.09353
"""

import torch
from torch import Tensor, nn


class DoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, scale: float = 1.0) -> None:
        raise NotImplementedError("DoRALinear.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("DoRALinear.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    base = nn.Linear(2, 2)
    base.weight.data = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    nn.init.constant_(base.bias, 10.0)
    layer, x = DoRALinear(base, rank=1), torch.tensor([[1.0, 1.0]])
    lengths = layer.magnitude.tolist()
    assert lengths == [5, 2], lengths
    new = layer(x)[0].tolist()
    assert new == [17, 12], new

    layer.magnitude.data = torch.tensor([10.0, 2.0])  # row 0 of W' is [6, 8] now
    longer = layer(x)[0].tolist()
    assert longer == [24, 12], longer

    layer.lora_A.data = torch.tensor([[3.0, 0.0]])
    layer.lora_B.data = torch.tensor([[0.0], [1.0]])  # row 1 of V is [3, 2], its length 3.6
    turned = layer(x)[0, 1].item()
    assert abs(turned - (10 + 2 * 5 / 13**0.5)) < 1e-5, turned


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
