"""A learnable prefix: P vectors in front of every sequence, and nothing else that trains.

Tokens before the text steer a frozen language model. Their vectors can be learned.

    LearnablePrefix(prefix_len, d_model)    P and D
    forward(x) -> out                       x (B, L, D), out (B, P + L, D)

Core, what an interview asks:

    parts      .prefix, an nn.Parameter (P, D), is the only parameter and all that state_dict()
               holds, before and after a call.
    start      Its numbers are independent draws of torch's global generator, normal with mean 0 and
               standard deviation 0.02.
    forward    Each sequence gets the same P vectors, then its own L, in train and eval mode.
    gradients  The gradient of prefix is the sum over the batch. x gets a gradient as well.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    dtypes     out has x's dtype (float32, float64 or bfloat16), even where prefix has another, and
               keeps it. Any device works.
    inputs     B and L may be 0. x has any strides and is never changed.
    memory     Besides its result, forward makes no tensor of B * P * D elements or more (B > 1).
    errors     ValueError if P is below 1. RuntimeError or ValueError if x is not (B, L, D).

Easy, 15 minutes. Try one alone: python FILE forward
Paper: Prefix-Tuning, section 4, https://arxiv.org/abs/2101.00190 (there at every layer)
"""

import torch
from torch import Tensor, nn


class LearnablePrefix(nn.Module):
    def __init__(self, prefix_len: int, d_model: int) -> None:
        raise NotImplementedError("LearnablePrefix.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("LearnablePrefix.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    layer = LearnablePrefix(prefix_len=1, d_model=2)
    nn.init.constant_(layer.prefix, 7.0)
    x = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]])  # B 3, L 1, D 2
    out = layer(x).tolist()
    assert out == [[[7, 7], [1, 2]], [[7, 7], [3, 4]], [[7, 7], [5, 6]]], out

    layer(x).sum().backward()
    grad = layer.prefix.grad.tolist()  # the prefix stands in three sequences
    assert grad == [[3, 3]], grad


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
