"""Concatenation: two descriptions of one thing, joined feature by feature, and one layer over both.

It is the plainest way to let a second input into a model: result = [a, b] W^T + bias.

    ConcatBlock(in_a, in_b, out)
    forward(a, b) -> result
        a         (*, in_a)    * any leading sizes, the same of a and of b
        b         (*, in_b)
        result    (*, out)     a, b, block and result share dtype and device

Core, what an interview asks:

    parameters  Two, under any names: a weight (out, in_a + in_b) and a bias (out,). Both are
                trainable and drawn as by nn.Linear.
    values      The first in_a columns of the weight belong to a, the others to b. No activation.
    leading     Any leading sizes work, none and 0 included.
    gradients   They reach both inputs and both parameters, in train and in eval mode.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    sizes       RuntimeError or ValueError for different leading sizes, 1 beside N included.
    features    RuntimeError or ValueError unless a has in_a and b has in_b features. A right sum is
                not enough.
    dtypes      float32, float64 and bfloat16, as exact as they allow.
    inputs      Any strides, any device. a and b are never changed. Both modes give the same.

Easy, 10 minutes. Try one alone: python FILE leading
Guide: PyTorch_Mastery_Guide, "Concatenation".
"""

import torch
from torch import Tensor, nn


class ConcatBlock(nn.Module):
    def __init__(self, in_a: int, in_b: int, out: int) -> None:
        raise NotImplementedError("ConcatBlock.__init__")

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        raise NotImplementedError("ConcatBlock.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    block = ConcatBlock(in_a=1, in_b=2, out=1)
    weight, bias = sorted(block.parameters(), key=Tensor.dim, reverse=True)  # whatever their names
    with torch.no_grad():
        weight.copy_(torch.tensor([[1.0, 10.0, 100.0]]))
        bias.fill_(1000)

    got = block(torch.tensor([[1.0]]), torch.tensor([[2.0, 3.0]])).tolist()
    assert got == [[1321]], got

    images = torch.zeros(4, 5, 6, 1), torch.zeros(4, 5, 6, 2)  # three leading sizes
    shape = tuple(block(*images).shape)
    assert shape == (4, 5, 6, 1), shape


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
