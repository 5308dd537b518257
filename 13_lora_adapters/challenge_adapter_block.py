"""The adapter block: a frozen layer with an adapter behind it.

So adapters get into a pretrained model: each chosen sublayer stays as it is, and an
adapter corrects its output, adapter(sublayer(x)).

    AdapterBlock(sublayer, adapter)    modules (*, D_in) -> (*, D) and (*, D) -> (*, D)
    forward(x) -> out                  x (*, D_in), out (*, D)

Core, what an interview asks:

    parts      .sublayer and .adapter are the very modules given, with their values. The block has
               no other parameters or buffers.
    frozen     In a new block no parameter of the sublayer, however deep, requires a gradient. The
               adapter still trains: 20 optimizer steps move it alone.
    forward    x goes through the sublayer, and its result through the adapter.
    gradients  They reach the adapter, and x through the frozen sublayer, in both modes.
    modes      Frozen is not eval: train() and eval() reach both modules. In train mode dropout
               drops, and BatchNorm updates its statistics.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    kept       Making the block changes no mode, and no requires_grad in the adapter.
    hooks      A call of the block calls both modules once: hooks run.
    inputs     It takes any sizes, dtype and device that its modules take, and never changes x.

Easy, 10 minutes. Try one alone: python FILE frozen
Paper: Parameter-Efficient Transfer Learning for NLP, section 2.1, https://arxiv.org/abs/1902.00751
"""

import torch
from torch import Tensor, nn


class BottleneckAdapter(nn.Module):
    """Given: (*, D) -> (*, D). A new one gives x as it came."""

    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        super().__init__()
        self.down = nn.Linear(d_model, bottleneck_dim)
        self.up = nn.Linear(bottleneck_dim, d_model)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(self.down(x).relu())


class AdapterBlock(nn.Module):
    def __init__(self, sublayer: nn.Module, adapter: nn.Module) -> None:
        raise NotImplementedError("AdapterBlock.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("AdapterBlock.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    sublayer, adapter = nn.Linear(2, 1), BottleneckAdapter(d_model=1, bottleneck_dim=1)
    block = AdapterBlock(sublayer, adapter)
    frozen = [not p.requires_grad for p in block.parameters()]
    assert sorted(frozen) == [False] * 4 + [True] * 2, frozen

    for layer in (sublayer, adapter.down, adapter.up):
        nn.init.ones_(layer.weight)
        nn.init.zeros_(layer.bias)
    out = block(torch.tensor([2.0, 3.0])).tolist()  # 2 + 3 = 5, then 5 + relu(5)
    assert out == [10], out


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
