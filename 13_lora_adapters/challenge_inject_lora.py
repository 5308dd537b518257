"""LoRA into a model: adapt the named layers, in place.

Exchange some layers of a pretrained model. LoRALinear is given; it freezes nothing.

    inject_lora(model, linear_names, rank, scale=1.0) -> (model, params)
        model           any nn.Module that calls its nn.Linear and LoRALinear
        linear_names    such as ["fc1", "blocks.0.fc"]

Core, what an interview asks:

    exchanged  LoRALinear(layer, rank, scale) takes the place of each named nn.Linear. All else
               stays the object that it is.
    returned   A tuple: the model that came, and a list of each LoRALinear's lora_A and lora_B,
               once each. linear_names is unchanged.
    frozen     Only these parameters require gradients and move in training.
    start      The model computes what it did. No value or mode changes.
    unknown    KeyError for other names. It lists all linear layers by name.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    again      A name may come twice, in one call or two. Earlier LoRALinears stay; their
               parameters train and are returned, too. Their bases are no linear layers.
    shared     One LoRALinear takes all places of its layer.
    kinds      Subclasses of nn.Linear count. Parts may be called base or lora_A. Children may be
               None. Any dtype and device.
    errors     ValueError for no names, KeyError for "". After any error, rank < 1 too, model and
               requires_grad are as before.

Medium, 25 minutes. Try one alone: python FILE frozen
Paper: LoRA, section 4.2, https://arxiv.org/abs/2106.09685
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class LoRALinear(nn.Module):
    """base, its weight changed by scale * lora_B lora_A. Given. It freezes nothing."""

    def __init__(self, base: nn.Linear, rank: int, scale: float) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank is {rank}, want 1 or more")
        self.base = base
        self.scale = scale
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A)
        self.train(base.training)

    def forward(self, x: Tensor) -> Tensor:
        low = self.scale * functional.linear(x, self.lora_A)  # (*, rank)
        return self.base(x) + functional.linear(low, self.lora_B)  # (*, out)


def inject_lora(
    model: nn.Module, linear_names: list[str], rank: int, scale: float = 1.0
) -> tuple[nn.Module, list[nn.Parameter]]:
    raise NotImplementedError("inject_lora")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    first, x = model[0], torch.ones(1, 3)
    before = model(x).tolist()
    returned, params = inject_lora(model, ["0"], rank=1)
    assert returned is model, type(returned)
    assert getattr(model[0], "base", None) is first, model[0]

    shapes = sorted(tuple(p.shape) for p in params)
    assert shapes == [(1, 3), (4, 1)], shapes

    learners = [name for name, p in model.named_parameters() if p.requires_grad]
    assert learners == ["0.lora_A", "0.lora_B"], learners
    after = model(x).tolist()
    assert after == before, (after, before)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
