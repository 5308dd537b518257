"""Gradient monitor: a model seen from outside.

    clip_grad_norm(parameters, max_norm) -> float
    with capture(model, names) as outputs:       {module name: output}
    with GradientMonitor(model) as monitor:      a training step
        grad_norms, update_ratios                {parameter name: float}
        global_norm, first_nonfinite             a float; a module's name or None

Names are as in named_modules and named_parameters, norms are 2-norms.

Core, what an interview asks:

    clip       Gives the norm of all gradients. Above max_norm, one factor brings it there, in
               place. Some .grad may be None.
    capture    The outputs of these modules, at once, without a graph.
    norms      At the block's end: of each .grad that is there, and of all.
    updates    At its end: norm of the change in the block / norm before. A parameter that was all
               zero is left out.
    nonfinite  The first module to return an output with inf or NaN.
    hooks      After the block, however it ends, the hooks are as before. Errors go on. The model's
               results, gradients and modes are as without.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    outputs    Tuples, lists and dicts of tensors, too. What was captured does not change later.
    again      Of a module's calls, capture has the last. A monitor entered again starts anew.
    names      Unknown: KeyError that lists all known, and no hook. A shared module has several.

Medium, 35 minutes. Try one alone: python FILE hooks
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn


def clip_grad_norm(parameters: Iterable[Tensor], max_norm: float) -> float:
    raise NotImplementedError("clip_grad_norm")


def capture(model: nn.Module, names: Sequence[str]) -> AbstractContextManager[dict[str, Any]]:
    raise NotImplementedError("capture")


class GradientMonitor:
    def __init__(self, model: nn.Module) -> None:
        raise NotImplementedError("GradientMonitor.__init__")

    def __enter__(self) -> "GradientMonitor":
        raise NotImplementedError("GradientMonitor.__enter__")

    def __exit__(self, *error: object) -> None:
        raise NotImplementedError("GradientMonitor.__exit__")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU())
    nn.init.constant_(model[0].weight, 2.0)
    x = torch.tensor([[3.0]])
    with capture(model, ["0"]) as outputs:
        model(x)
    assert {name: out.item() for name, out in outputs.items()} == {"0": 6}, outputs
    with GradientMonitor(model) as monitor:
        model(x).sum().backward()  # the slope is x
    assert monitor.grad_norms == {"0.weight": 3}, monitor.grad_norms
    norm = clip_grad_norm(model.parameters(), 1.5)
    assert norm == 3, norm
    assert model[0].weight.grad.item() == 1.5, model[0].weight.grad


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
