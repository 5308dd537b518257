"""Muon: an optimizer of your own, whose step has singular values near 1.

    newton_schulz(G, steps=5)   a matrix -> one of its shape, in G's dtype
        X = G/sqrt(sum of G's squares); then `steps` times
        A = XX^T,  X = aX + (bA+cAA)X,  a=3.4445, b=-4.7750, c=2.0315
    Muon(params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_steps=5)
        M = momentum*M + g,  U = g + momentum*M with nesterov, else M,
        p -= lr*weight_decay*p + lr*sqrt(max(1, rows/columns))*newton_schulz(U, ns_steps)
    split_params(model) -> matrices, others (two lists)

Core, what an interview asks:

    orthogonal  The formula's values, for small and large G.
    step        p changes in place. With .grad None, p and its M stay as they are.
    decay       weight_decay is neither in M nor in newton_schulz's argument.
    groups      Each group has its own five options. Every step reads them anew.
    split       matrices: the 2-D parameters, but none of an Embedding, EmbeddingBag, LayerNorm,
                RMSNorm or the last Linear in model.modules(). others: the rest. Each once, frozen
                ones too, in model.parameters()' order.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    closure     step calls a given closure once, with gradients on, and returns its loss.
    state       M has p's dtype and device. After load_state_dict a new Muon goes on as the old.
    limits      A parameter not 2-D: ValueError. add_param_group raises it, too, and adds nothing.
                A zero G gives zeros.
    memory      newton_schulz makes no tensor larger than G. G and .grad are not changed.

Hard, 40 minutes. Try one alone: python FILE orthogonal
Article: https://kellerjordan.github.io/posts/muon/
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def newton_schulz(G: Tensor, steps: int = 5) -> Tensor:
    raise NotImplementedError("newton_schulz")


class Muon(Optimizer):
    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
    ) -> None:
        raise NotImplementedError("Muon.__init__")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        raise NotImplementedError("Muon.step")


def split_params(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    raise NotImplementedError("split_params")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    out = newton_schulz(torch.diag(torch.tensor([3.0, 4.0])), 1).diag().tolist()
    assert [round(value, 2) for value in out] == [1.19, 0.98], out  # from 0.6 and 0.8

    layers = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 3), nn.Linear(3, 5))
    sizes = [[tuple(p.shape) for p in part] for part in split_params(layers)]
    assert sizes == [[(3, 4)], [(5, 4), (3,), (5, 3), (5,)]], sizes


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
