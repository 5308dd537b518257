"""The parallel adapter block: an adapter beside a frozen layer instead of behind it.

Both read the same x, and the adapter's delta is added: sublayer(x) + delta(x). Neither waits for
the other.

    ParallelAdapterBlock(sublayer, adapter)    a module (*, D) -> (*, D), a BottleneckAdapter
    forward(x) -> out                          x and out (*, D)

Core, what an interview asks:

    parts      .sublayer and .adapter are the very modules given, with their values. The block has
               no other parameters or buffers.
    frozen     In a new block no parameter of the sublayer, however deep, requires a gradient. The
               adapter still trains: 20 steps of an optimizer move it alone.
    forward    sublayer(x) + delta(x).
    gradients  They reach the adapter, and x on both ways, in both modes.
    modes      Frozen is not eval: train() and eval() reach both modules. In train mode dropout
               drops, and BatchNorm updates its statistics.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    shapes     RuntimeError or ValueError if the sublayer's result has another shape than x.
    kept       Making the block changes no mode, and no requires_grad in the adapter.
    hooks      A call of the block calls the sublayer once: hooks run.
    inputs     It takes any sizes, dtype and device that its modules take, and never changes x.

Medium, 15 minutes. Try one alone: python FILE frozen
Paper: Towards a Unified View, section 3.3, https://arxiv.org/abs/2110.04366
"""

import torch
from torch import Tensor, nn


class BottleneckAdapter(nn.Module):
    """Given: (*, D) -> (*, D). The delta of a new one is zero."""

    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        super().__init__()
        self.down = nn.Linear(d_model, bottleneck_dim)
        self.up = nn.Linear(bottleneck_dim, d_model)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward_delta(self, x: Tensor) -> Tensor:
        return self.up(self.down(x).relu())

    def forward(self, x: Tensor, residual: bool = True) -> Tensor:
        delta = self.forward_delta(x)
        return x + delta if residual else delta


class ParallelAdapterBlock(nn.Module):
    def __init__(self, sublayer: nn.Module, adapter: nn.Module) -> None:
        raise NotImplementedError("ParallelAdapterBlock.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("ParallelAdapterBlock.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    sublayer, adapter = nn.Linear(1, 1), BottleneckAdapter(d_model=1, bottleneck_dim=1)
    block = ParallelAdapterBlock(sublayer, adapter)
    frozen = [not p.requires_grad for p in block.parameters()]
    assert sorted(frozen) == [False] * 4 + [True] * 2, frozen

    for layer, weight in ((sublayer, 10.0), (adapter.down, 1.0), (adapter.up, 1.0)):
        nn.init.constant_(layer.weight, weight)
        nn.init.zeros_(layer.bias)
    out = block(torch.tensor([2.0])).tolist()  # 10 * 2 from the sublayer, relu(2) from the adapter
    assert out == [22], out


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
