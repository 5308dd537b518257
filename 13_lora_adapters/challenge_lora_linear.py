"""LoRA: a linear layer with a learned low-rank change.

W is frozen. Two thin matrices learn its change:

    y = x (W + scale lora_B lora_A)^T + bias

    LoRALinear(base, rank, scale=1.0)    nn.Linear, in -> out; int r; float
    forward(x) -> y                      (*, in) -> (*, out)

Core, what an interview asks:

    parts      .base is the layer that came. .lora_A (r, in), .lora_B (out, r) are nn.Parameters.
               state_dict() holds nothing else.
    start      At first y is base(x): lora_B is zeros, lora_A random.
    value      y follows the formula at each call. base may have no bias.
    frozen     Only lora_A and lora_B require gradients and move in training.
    training   The gradients of x, lora_A and lora_B are the formula's.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    draws      lora_A: independent draws of torch's global generator, mean 0, standard deviation
               0.5/sqrt(in) to 2/sqrt(in).
    ranks      ValueError if r < 1. r may exceed in and out.
    dtypes     The factors take base.weight's dtype and device. y is as exact as the dtype.
    inputs     * may be () or hold 0. x may have any strides and never changes.
    modes      A new LoRALinear takes base's mode. Train and eval compute alike.
    memory     One row and small r make no tensor of in*out elements, backward included.

Medium, 20 minutes. Try one alone: python FILE frozen
Paper: LoRA, section 4.1, https://arxiv.org/abs/2106.09685
"""

import torch
from torch import Tensor, nn


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, scale: float = 1.0) -> None:
        raise NotImplementedError("LoRALinear.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("LoRALinear.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    base = nn.Linear(2, 2)
    nn.init.eye_(base.weight)
    nn.init.constant_(base.bias, 10.0)
    layer, x = LoRALinear(base, rank=1, scale=0.5), torch.tensor([[1.0, 2.0]])
    new = layer(x)[0].tolist()
    assert new == [11, 12], new

    nn.init.constant_(layer.lora_A, 2.0)  # A x is [6]
    nn.init.constant_(layer.lora_B, 1.0)  # B A x is [6, 6]
    changed = layer(x)[0].tolist()
    assert changed == [14, 15], changed

    learners = [name for name, p in layer.named_parameters() if p.requires_grad]
    assert sorted(learners) == ["lora_A", "lora_B"], learners


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
