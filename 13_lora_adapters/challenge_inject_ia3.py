"""IA3 into a model: adapt the named layers, in place.

The wrappers learn one vector each: a task's whole adapter fits into an email. IA3Linear is given;
it freezes nothing.

    inject_ia3(model, linear_names) -> (model, params)
        model           any nn.Module that calls its nn.Linear and IA3Linear
        linear_names    such as ["ff1", "blocks.0.ff1"]

Core, what an interview asks:

    exchanged  IA3Linear(layer) takes the place of each named nn.Linear. All else stays the object
               that it is.
    returned   A tuple: the model that came, and a list of each IA3Linear's scale, once each.
               linear_names is unchanged.
    frozen     Only these parameters require gradients and move in training.
    start      The model computes what it did. No value or mode changes.
    unknown    KeyError for other names. It lists all linear layers by name.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    again      A name may come twice, in one call or two. Earlier IA3Linears stay; their
               parameters train and are returned, too. Their bases are no linear layers.
    shared     One IA3Linear takes all places of its layer.
    kinds      Subclasses of nn.Linear count. Parts may be called base or scale. Children may be
               None. Any dtype and device.
    errors     ValueError for no names, KeyError for "". After any error, model and requires_grad
               are as before.

Medium, 20 minutes. Try one alone: python FILE frozen
Paper: (IA)^3, section 3.3, https://arxiv.org/abs/2205.05638
"""

import torch
from torch import Tensor, nn


class IA3Linear(nn.Module):
    """What base gives, each feature times its factor. Given. It freezes nothing."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.scale = nn.Parameter(base.weight.new_ones(base.out_features))
        self.train(base.training)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) * self.scale  # (*, out)


def inject_ia3(model: nn.Module, linear_names: list[str]) -> tuple[nn.Module, list[nn.Parameter]]:
    raise NotImplementedError("inject_ia3")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    first, x = model[0], torch.ones(1, 3)
    before = model(x).tolist()
    returned, params = inject_ia3(model, ["0"])
    assert returned is model, type(returned)
    assert getattr(model[0], "base", None) is first, model[0]

    values = [p.tolist() for p in params]
    assert values == [[1, 1, 1, 1]], values

    learners = [name for name, p in model.named_parameters() if p.requires_grad]
    assert learners == ["0.scale"], learners
    after = model(x).tolist()
    assert after == before, (after, before)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
