"""The parallel adapter block: an adapter beside a frozen layer instead of behind it.

The adapter reads what the sublayer reads, and what it makes of that, its delta, is added to the
sublayer's result: sublayer(x) + delta(x). Layer and adapter need not wait for each other.

    ParallelAdapterBlock(sublayer, adapter)    a module (*, D) -> (*, D) and a
                                               BottleneckAdapter, given below
    forward(x) -> out                          x and out (*, D)

Core, what an interview asks:

    parts      .sublayer and .adapter are the very modules that were given, with their values. The
               block has no other parameters or buffers.
    frozen     Making the block freezes the sublayer: no parameter in it, however deep, requires a
               gradient; the adapter's do. 20 steps of an optimizer move the adapter alone.
    forward    The sublayer's result plus the adapter's delta, both for the same x.
    gradients  They reach the adapter and x, on both ways: through the frozen sublayer, too.
    modes      Frozen is not eval: train() and eval() reach both modules as usual. In train mode
               the sublayer's dropout drops and its BatchNorm updates its statistics.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    shapes     RuntimeError or ValueError if the sublayer's result has another shape than x; no
               broadcasting.
    kept       Making the block changes the mode of no module, and no requires_grad in the adapter.
    hooks      A call of the block calls the sublayer once, as a module: hooks run.
    inputs     It takes any sizes, dtype and device that its two modules take, and never changes x.

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
