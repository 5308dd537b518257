"""Regularization: dropout, weight decay for matrices alone, an average of the weights.

Nearly every training has these three, and each is easy to get nearly right.

    MyDropout(p=0.5)                  nn.Module, any shape -> the same shape
    param_groups(model, weight_decay) -> list of two dicts, as an optimizer takes them
    EMA(model, decay=0.999)           update(model), and: with ema.averaged(model): ...

Core, what an interview asks:

    dropout     Train mode: each number is 0 with probability p, independently, else x / (1 - p).
                Eval mode: x, and nothing is drawn. No dropout of torch is called.
    groups      First the parameters of two dims or more, with weight_decay, then all others, with
                0. Each is there once, also a tied or frozen one, in model.parameters()' order.
    average     It starts as a copy of the parameters; update makes it
                decay * average + (1 - decay) * parameters and keeps no graph. Within averaged the
                parameters have its values.
    given_back  After averaged the model and grad mode are as before. An error within goes on.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    limits      p = 1 gives zeros with zero gradients. Dtype and device stay. p outside 0 to 1:
                ValueError.
    norms       The weight of a LayerNorm or RMSNorm and parameters named bias never decay.
    state       Float buffers are averaged, others are the model's. Tied weights move once.
                bfloat16 is averaged in float32.
    inside      What is done to the model within averaged is undone and does not reach the average.

Medium, 30 minutes. Try one alone: python FILE dropout
Guide: PyTorch_Mastery_Guide, "Dropout, decay and averages".
"""

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn


class MyDropout(nn.Module):
    def __init__(self, p: float = 0.5) -> None:
        raise NotImplementedError("MyDropout")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("MyDropout.forward")


def param_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    raise NotImplementedError("param_groups")


class EMA:
    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        raise NotImplementedError("EMA")

    def update(self, model: nn.Module) -> None:
        raise NotImplementedError("EMA.update")

    def averaged(self, model: nn.Module) -> AbstractContextManager[None]:
        raise NotImplementedError("EMA.averaged")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    values = set(MyDropout(0.75)(torch.ones(1000)).tolist())
    assert values == {0.0, 4.0}, values

    groups = param_groups(nn.Linear(3, 2), 0.1)
    sizes = [[tuple(p.shape) for p in group["params"]] for group in groups]
    assert sizes == [[(2, 3)], [(2,)]], sizes

    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 8.0)
    ema = EMA(model, decay=0.75)
    nn.init.constant_(model.weight, 4.0)
    ema.update(model)
    with ema.averaged(model):
        assert model.weight.item() == 7, model.weight.item()
    assert model.weight.item() == 4, model.weight.item()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
