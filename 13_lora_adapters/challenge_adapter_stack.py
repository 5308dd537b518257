"""A stack of adapters, one for each task.

One frozen model serves many tasks if each has its own adapter.

    AdapterStack(d_model, bottleneck_dim, num_adapters)    D, m, and how many
    forward(x, adapter_id) -> out                          x and out (*, D), an int

Core, what an interview asks:

    parts      .adapters is an nn.ModuleList of num_adapters BottleneckAdapters. They share
               nothing, hold all parameters, and train.
    start      A new stack gives x as it came. No two adapters, even of two stacks, begin with the
               same down.weight or down.bias.
    choice     out is what adapter adapter_id makes of x, whatever came before.
    gradients  They reach x and the chosen adapter. All other .grad stay None.
    tasks      20 steps of one optimizer with weight decay do not move a task that never comes.
               The others learn what they would alone.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    draws      Each starts like a new BottleneckAdapter, by torch's generator.
    kept       A call changes no mode, requires_grad or key of state_dict().
    inputs     x has any sizes, strides and device, and is never changed.
    dtypes     Stack, x and result are all float32, float64 or bfloat16.
    errors     IndexError if adapter_id is negative or too large. ValueError if num_adapters < 1.
               RuntimeError or ValueError if x's last size is not D.

Easy, 15 minutes. Try one alone: python FILE tasks
Paper: section 2 of https://arxiv.org/abs/1902.00751
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


class AdapterStack(nn.Module):
    def __init__(self, d_model: int, bottleneck_dim: int, num_adapters: int) -> None:
        raise NotImplementedError("AdapterStack.__init__")

    def forward(self, x: Tensor, adapter_id: int) -> Tensor:
        raise NotImplementedError("AdapterStack.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    stack, x = AdapterStack(d_model=2, bottleneck_dim=1, num_adapters=3), torch.tensor([3.0, -4.0])
    assert len(list(stack.parameters())) == 3 * 4, len(list(stack.parameters()))

    for i, adapter in enumerate(stack.adapters):
        nn.init.constant_(adapter.up.bias, 10.0 * i)  # adapter i now adds 10 i to each number
    out = [stack(x, i).tolist() for i in range(3)]
    assert out == [[3, -4], [13, 6], [23, 16]], out

    stack(x, 1).sum().backward()
    reached = [adapter.up.bias.grad is not None for adapter in stack.adapters]
    assert reached == [False, True, False], reached


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
