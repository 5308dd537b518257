"""FiLM: a condition that scales and shifts a layer's features.

Feature-wise linear modulation: result = gamma(cond) * linear(x) + beta(cond). A sum can only move
a feature, a factor can also turn it off.

    ConditionalLinear(in_dim, cond_dim, out_dim)
    forward(x, cond) -> result
        x         (N, *, in_dim)     N > 0 samples; * positions, or none
        cond      (N, cond_dim)      one condition per sample
        result    (N, *, out_dim)    x, cond, layer and result share dtype and device

Core, what an interview asks:

    parts       Three nn.Linear with bias hold all parameters: linear (in_dim -> out_dim), drawn as
                usual, scale and shift (cond_dim -> out_dim each).
    modulation  gamma = 1 + scale(cond), beta = shift(cond), of each sample its own.
    start       A new layer computes what its linear alone does, for every finite cond. Yet no
                parameter's first gradient is zero.
    gradients   They reach x, cond and all parameters, in train and eval mode.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    positions   All positions of a sample get its condition, however many sizes * has.
    shapes      RuntimeError or ValueError for a cond of any shape but (N, cond_dim).
    dtypes      float32, float64 and bfloat16, as exact as they allow.
    inputs      Any strides, any device, never changed. Both modes give the same.

Medium, 20 minutes. Try one alone: python FILE start
Guide: PyTorch_Mastery_Guide, "FiLM". Paper: FiLM, section 2, https://arxiv.org/abs/1709.07871
"""

import torch
from torch import Tensor, nn


class ConditionalLinear(nn.Module):
    def __init__(self, in_dim: int, cond_dim: int, out_dim: int) -> None:
        raise NotImplementedError("ConditionalLinear.__init__")

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        raise NotImplementedError("ConditionalLinear.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    layer = ConditionalLinear(in_dim=1, cond_dim=1, out_dim=1)
    x, cond = torch.tensor([[3.0], [3.0]]), torch.tensor([[2.0], [-2.0]])  # N 2
    nn.init.constant_(layer.linear.weight, 2.0)
    nn.init.constant_(layer.linear.bias, 4.0)  # the features are 10
    new = layer(x, cond).tolist()
    assert new == [[10], [10]], new

    nn.init.constant_(layer.scale.weight, 0.5)  # the factors are 1 + 1 and 1 - 1
    nn.init.constant_(layer.shift.weight, 1.0)
    got = layer(x, cond).tolist()
    assert got == [[22], [-2]], got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
