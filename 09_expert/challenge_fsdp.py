"""FSDP by hand: each rank keeps a slice of every large weight and borrows the rest layer by layer.

`dist` acts like torch.distributed, W is its world size. All ranks run the same float32 layers.

    FSDP(module, compute_dtype=None, dist=torch.distributed)    nn.Module
        finish_gradient_synchronization()     called after backward
    gather_full_params(fsdp) -> {name: Tensor}, called on all ranks

Core, what an interview asks:

    slices      Weights of nn.Linear and nn.Embedding are made flat, padded with zeros and cut into
                W equal slices. Rank r's parameters() has slice r. All else is whole. Parameters
                and buffers begin with rank 0's numbers.
    forward     Arguments and result are the module's, under no_grad, too.
    memory      A whole weight or its gradient is in memory only while its layer runs forward or
                backward, never with another layer's. The old weights are freed.
    gradients   After finish_gradient_synchronization, .grad is the ranks' mean. Slices have their
                part of it, padding 0.
    full        gather_full_params copies named_parameters(), with old names and shapes.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    tied        A weight used twice, by one layer or two, has one slice. Its gradient is the sum.
    frozen      Frozen parameters stay frozen. The memory rule holds. Unused ones keep .grad None.
    accumulate  Gradients of several backwards add up, however often synchronized.
    precision   Linear and Embedding gather and compute in compute_dtype: weight, bias, float input,
                result. Slices, .grad and sums over ranks stay float32.

Hard, 55 minutes. Try one alone: python FILE slices
Guide: PyTorch_Mastery_Guide, "Slices of a model".
"""

from typing import Any

import torch
from torch import Tensor, nn


class FSDP(nn.Module):
    def __init__(
        self,
        module: nn.Module,
        compute_dtype: torch.dtype | None = None,
        dist: Any = torch.distributed,
    ) -> None:
        super().__init__()
        raise NotImplementedError("FSDP.__init__")

    def forward(self, *inputs: Any, **named: Any) -> Any:
        raise NotImplementedError("FSDP.forward")

    def finish_gradient_synchronization(self) -> None:
        raise NotImplementedError("FSDP.finish_gradient_synchronization")


def gather_full_params(fsdp: FSDP) -> dict[str, Tensor]:
    raise NotImplementedError("gather_full_params")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    from checks.world import World  # ranks are threads here; under torchrun they are processes

    def train(x: float) -> tuple[list[float], list[float]]:
        layer = nn.Linear(3, 1, bias=False)  # 3 numbers are 2 slices of 2, the last number is 0
        nn.init.constant_(layer.weight, 5.0)
        fsdp = FSDP(layer, dist=world)
        fsdp(torch.tensor([[x, 2 * x, 3 * x]])).sum().backward()
        fsdp.finish_gradient_synchronization()
        (part,) = fsdp.parameters()
        assert part.grad is not None
        return part.tolist(), part.grad.tolist()

    world = World(2)
    got = world.run(train, each=[1.0, 3.0])  # a list, one result per rank
    assert got == [([5.0, 5.0], [2.0, 4.0]), ([5.0, 0.0], [6.0, 0.0])], got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
