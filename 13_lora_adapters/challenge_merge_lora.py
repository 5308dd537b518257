"""LoRA after training: merge it, undo that, save it, load it.

A merged layer costs what the base costs. A task's file holds no base.

    merge(layer) -> nn.Linear         of a LoRALinear, which is given
    unmerge(layer) -> LoRALinear      of what merge gave
    merge_model(model) -> model       in place
    lora_state_dict(model) -> dict    names to tensors
    load_lora(model, state)           in place; model has its LoRALinears already

Core, what an interview asks:

    merged     An nn.Linear that computes what layer computes. layer does not change.
    undone     unmerge gives the very LoRALinear that merge got, every bit as it was.
    model      merge's result replaces each LoRALinear. All else stays: objects, modes,
               requires_grad. A second call changes nothing.
    state      Only what training moves: the LoRALinears' lora_A and lora_B, and all buffers, named
               as in model.state_dict().
    loaded     Another model with this base then computes the same. All else stays, state too.
    foreign    KeyError for names that either side lacks, ValueError for other shapes. Each
               names them all.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    places     One merged layer takes all places of a LoRALinear. Modules may be called lora_A.
    precision  merge keeps base's dtype and device. 16-bit weights are rounded once, from float32.
    apart      merged and layer share no memory, nor do state and a model. state needs no gradients.
    errors     After an error model is as before. unmerge of other layers: ValueError.

Medium, 30 minutes. Try one alone: python FILE undone
Paper: LoRA, section 4.1, https://arxiv.org/abs/2106.09685
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class LoRALinear(nn.Module):
    """base, its weight changed by scale * lora_B lora_A. Given. It freezes nothing."""

    def __init__(self, base: nn.Linear, rank: int, scale: float) -> None:
        super().__init__()
        self.base = base
        self.scale = scale
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A)

    def forward(self, x: Tensor) -> Tensor:
        low = self.scale * functional.linear(x, self.lora_A)  # (*, rank)
        return self.base(x) + functional.linear(low, self.lora_B)  # (*, out)


def merge(layer: LoRALinear) -> nn.Linear:
    raise NotImplementedError("merge")


def unmerge(layer: nn.Linear) -> LoRALinear:
    raise NotImplementedError("unmerge")


def merge_model(model: nn.Module) -> nn.Module:
    raise NotImplementedError("merge_model")


def lora_state_dict(model: nn.Module) -> dict[str, Tensor]:
    raise NotImplementedError("lora_state_dict")


def load_lora(model: nn.Module, state: dict[str, Tensor]) -> None:
    raise NotImplementedError("load_lora")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    layer = LoRALinear(nn.Linear(2, 2, bias=False), rank=1, scale=0.5)
    nn.init.eye_(layer.base.weight)
    layer.lora_A.data, layer.lora_B.data = torch.tensor([[2.0, 4]]), torch.tensor([[1.0], [3]])
    merged = merge(layer)
    weight = merged.weight.tolist()
    assert weight == [[2, 2], [3, 7]], weight
    assert unmerge(merged) is layer, unmerge(merged)
    names = list(lora_state_dict(nn.Sequential(layer)))
    assert names == ["0.lora_A", "0.lora_B"], names


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
