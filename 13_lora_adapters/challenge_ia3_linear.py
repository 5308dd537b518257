"""IA3: a linear layer that learns one factor for each of its outputs.

LoRA learns a change of the weight. IA3 learns only how loud each output feature is:

    y = scale * (x W^T + bias)           elementwise; W and bias are those of base

    IA3Linear(base)                      an nn.Linear, in -> out
    forward(x) -> y                      (*, in) -> (*, out); * stands for any sizes

Core, what an interview asks:

    parts      .base is the layer that came. .scale (out,) is an nn.Parameter. state_dict() holds
               nothing else.
    start      scale starts as ones. At first y is what base gives.
    value      y follows the formula, with the numbers of the moment. base may have no bias.
    frozen     Only scale requires a gradient and moves in training.
    training   The gradients of x and scale are the formula's.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    dtypes     scale takes base.weight's dtype and device. y is as exact as the dtype allows.
    inputs     * may be () or hold 0. x may have any strides and never changes.
    modes      A new IA3Linear takes base's mode. Train and eval compute alike.
    memory     One row makes no tensor of in*out elements, backward included.

Easy, 15 minutes. Try one alone: python FILE frozen
Paper: (IA)^3, section 3.3, https://arxiv.org/abs/2205.05638
"""

import torch
from torch import Tensor, nn


class IA3Linear(nn.Module):
    def __init__(self, base: nn.Linear) -> None:
        raise NotImplementedError("IA3Linear.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("IA3Linear.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    base = nn.Linear(2, 2)
    nn.init.eye_(base.weight)
    nn.init.constant_(base.bias, 10.0)
    layer, x = IA3Linear(base), torch.tensor([[1.0, 2.0]])
    new = layer(x)[0].tolist()
    assert new == [11, 12], new

    with torch.no_grad():
        layer.scale.copy_(torch.tensor([3.0, 0.5]))
    changed = layer(x)[0].tolist()
    assert changed == [33, 6], changed

    learners = [name for name, p in layer.named_parameters() if p.requires_grad]
    assert learners == ["scale"], learners


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
