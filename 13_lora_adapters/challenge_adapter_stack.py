"""A stack of adapters: one for each task, chosen at the call.

One frozen model serves many tasks if every task brings its own small adapter. Learning a new task
must not move what the others have learned.

    AdapterStack(d_model, bottleneck_dim, num_adapters)    D, m, and how many
    forward(x, adapter_id) -> out                          x and out (*, D), an int from 0 up

Core, what an interview asks:

    parts      .adapters is an nn.ModuleList of num_adapters BottleneckAdapters (given below). They
               hold all the parameters, each its own; all train.
    start      A new stack gives x as it came. No two adapters, even of two stacks, begin with the
               same down.weight or down.bias.
    choice     out is what adapter number adapter_id alone makes of x, whatever ids came before.
    gradients  backward reaches x and the chosen adapter; the .grad of all others stays None.
    tasks      In 20 steps of one optimizer for the whole stack, with weight decay, a task that
               never comes does not move. Each other learns what it would alone.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    draws      Each adapter starts like a new BottleneckAdapter, by torch's global generator.
    kept       A call changes no mode, no requires_grad and no key of state_dict().
    inputs     * is any sizes, none and 0 included. x has any strides and is never changed.
    dtypes     float32, float64 or bfloat16, on any device; the result is like x in both.
    errors     IndexError for an id below 0 or above num_adapters - 1. ValueError if num_adapters
               is below 1. RuntimeError or ValueError if x's last size is not D.

Easy, 15 minutes. Try one alone: python FILE tasks
Paper: Parameter-Efficient Transfer Learning for NLP, section 2, https://arxiv.org/abs/1902.00751
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
