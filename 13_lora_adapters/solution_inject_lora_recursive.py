"""LoRA into a model: find all the layers first, then exchange them.

Why it works: modules() meets every object once, so a shared layer gets one wrapper. The paths of
named_modules with remove_duplicate=False meet every place, so the wrapper goes to all of them. Both
walks are over before the first exchange: a walk that looks into what it has just made finds the
base, a linear layer, and wraps it again, without end. A model of 3 layers, one with two places: 3
wrappers, 4 exchanges, 6 parameters that train.
Say in the interview: time and extra memory O(places) beside the adapters. Two calls give the same
as one, so a script can be run again on a loaded model.
Two questions that may follow. How do libraries choose their targets? By the same walk with a
predicate on name or type ("all-linear"); usually the output head is left out. What about
nn.MultiheadAttention? It reads out_proj.weight without a call of out_proj: leave that layer out.
Common slips: named_children, which hides the second name of a child; only the top level; the base
inside a wrapper adapted again; two wrappers for a shared layer; freezing after the parameters were
collected; an nn.Linear as the model itself, returned as if it were adapted.
May be left out if you say so: shared layers, second calls, what happens after an error.
"""

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


def inject_lora_recursive(
    model: nn.Module, rank: int, scale: float = 1.0
) -> tuple[nn.Module, list[nn.Parameter]]:
    """Adapt every linear layer inside, in place; (model, all that trains now)."""
    adapted = [m for m in model.modules() if isinstance(m, LoRALinear)]
    kept = {model, *(m.base for m in adapted)}
    layers = [m for m in model.modules() if isinstance(m, nn.Linear) and m not in kept]
    if not adapted + layers:
        raise ValueError(f"no linear layer inside a {type(model).__name__}")
    wrappers = {m: LoRALinear(m, rank, scale) for m in layers}
    for name, m in list(model.named_modules(remove_duplicate=False)):
        if m in wrappers:
            model.set_submodule(name, wrappers[m])

    model.requires_grad_(False)
    params = [p for m in (*adapted, *wrappers.values()) for p in (m.lora_A, m.lora_B)]
    for p in params:
        p.requires_grad_()
    return model, params


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
