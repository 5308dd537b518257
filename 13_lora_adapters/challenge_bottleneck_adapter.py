"""The bottleneck adapter: a small network that learns what to add to a model's features.

In a frozen model an adapter changes nothing at first, then it alone learns.

    BottleneckAdapter(d_model, bottleneck_dim)    D and m; m may be larger than D
    forward_delta(x) -> delta                     x and delta (*, D)
    forward(x, residual=True) -> out              (*, D)

Core, what an interview asks:

    parts      .down and .up are linear layers with bias, D -> m and m -> D. They hold all the
               parameters, which all train. Two adapters share none.
    start      up starts as zeros, weight and bias, down.weight as random numbers. A new adapter
               gives x as it came.
    delta      forward_delta gives up(ReLU(down(x))).
    residual   forward gives x plus the delta; with residual=False the delta alone.
    training   Gradients reach x and all parameters; 20 steps of an optimizer move these. Train and
               eval mode compute the same.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    draws      down.weight is independent draws of torch's global generator.
    inputs     x has any sizes, strides and device, and is never changed.
    dtypes     Module and x are float32, float64 or bfloat16, and so is the result.
    errors     ValueError if m is below 1. RuntimeError or ValueError if x's last size is not D.

Easy, 15 minutes. Try one alone: python FILE start
Paper: Parameter-Efficient Transfer Learning for NLP, section 2.1, https://arxiv.org/abs/1902.00751
"""

import torch
from torch import Tensor, nn


class BottleneckAdapter(nn.Module):
    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        raise NotImplementedError("BottleneckAdapter.__init__")

    def forward_delta(self, x: Tensor) -> Tensor:
        raise NotImplementedError("BottleneckAdapter.forward_delta")

    def forward(self, x: Tensor, residual: bool = True) -> Tensor:
        raise NotImplementedError("BottleneckAdapter.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    adapter, x = BottleneckAdapter(d_model=2, bottleneck_dim=2), torch.tensor([3.0, -4.0])
    new = adapter(x).tolist()
    assert new == [3, -4], new

    for layer in (adapter.down, adapter.up):
        nn.init.eye_(layer.weight)
        nn.init.zeros_(layer.bias)
    delta = adapter.forward_delta(x).tolist()  # [3, -4] after down, [3, 0] after ReLU
    assert delta == [3, 0], delta

    out = adapter(x).tolist()
    assert out == [6, -4], out


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
