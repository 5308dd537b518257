"""Merging: the product BA is formed once, and whoever wants the base back has kept it.

Why it works: x W^T + s (x A^T) B^T = x (W + s B A)^T, so the sum is an ordinary layer. With in =
out = 1000 and r = 8 the detour's 16,000 mult-adds a row are gone; forming BA took 8,000,000, once.
What subtracts s B A again gets another W: (0.1 + 0.3) - 0.3 is not 0.1, in float32 about one weight
in ten differs. So the merged layer keeps the old one, out of nn.Module's sight: an attribute in
__dict__ is no child and stands in no state_dict.
Say in the interview: merge for one task in production, keep apart for many tasks in a batch. The
file of a task is what training moved: the factors and the buffers, for BatchNorm's statistics move
though nothing of the base trains. Compare names and shapes first and copy afterwards.
Two questions that may follow. Why not load_state_dict(state, strict=False)? It would not mind a
misspelled name: the adapter stays at zero and nobody is told. What of a base in bfloat16? Changes
below its rounding (1/256 of a weight) are lost in the merge; the detour keeps them.
Common slips: a merge into the base itself, twice; A B, which fits where in = out = r; a file with
the base's numbers, or without buffers; `"lora_" in name`; copy_, which broadcasts.
May be left out if you say so: shared layers, rounding once, copies that share no memory.
"""

import copy

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


@torch.no_grad()
def merge(layer: LoRALinear) -> nn.Linear:
    """One layer that computes the same; it remembers what it was made of, for unmerge."""
    merged = copy.deepcopy(layer.base)
    wide = torch.promote_types(merged.weight.dtype, torch.float32)
    change = layer.scale * (layer.lora_B.to(wide) @ layer.lora_A.to(wide))  # (out, in)
    merged.weight.copy_(layer.base.weight.to(wide) + change)
    vars(merged)["unmerged"] = layer  # no child: not saved, not moved, not trained
    return merged


def unmerge(layer: nn.Linear) -> LoRALinear:
    if "unmerged" not in vars(layer):
        raise ValueError(f"{layer} was not made by merge")
    return vars(layer)["unmerged"]


def merge_model(model: nn.Module) -> nn.Module:
    merged = {m: merge(m) for m in model.modules() if isinstance(m, LoRALinear)}
    for name, module in [*model.named_modules(remove_duplicate=False)]:
        if isinstance(module, LoRALinear):
            model.set_submodule(name, merged[module])
    return model


def moved_by_training(model: nn.Module) -> dict[str, Tensor]:
    """The model's own tensors: the factors of all LoRALinears, and every buffer that is saved."""
    layers = [m for m in model.modules() if isinstance(m, LoRALinear)]
    factors = {id(p) for m in layers for p in (m.lora_A, m.lora_B)}
    state = model.state_dict(keep_vars=True)
    mine = [n for n, t in state.items() if id(t) in factors or not isinstance(t, nn.Parameter)]
    return {name: state[name] for name in mine}


def lora_state_dict(model: nn.Module) -> dict[str, Tensor]:
    return {name: t.detach().clone() for name, t in moved_by_training(model).items()}


@torch.no_grad()
def load_lora(model: nn.Module, state: dict[str, Tensor]) -> None:
    """All of state or, after an error, nothing."""
    own = moved_by_training(model)
    missing, unknown = own.keys() - state.keys(), state.keys() - own.keys()
    if missing or unknown:
        raise KeyError(f"missing: {sorted(missing)}, unknown: {sorted(unknown)}")
    other = {name: (*t.shape,) for name, t in state.items() if t.shape != own[name].shape}
    if other:
        raise ValueError(f"other shapes than the model's: {other}")
    for name, t in own.items():
        t.copy_(state[name])


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
