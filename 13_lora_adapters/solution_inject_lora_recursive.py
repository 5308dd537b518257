"""LoRA into a model: find all the layers first, then exchange them.

Why it works: modules() meets every object once, so a shared layer gets one wrapper; the paths of
named_modules with remove_duplicate=False meet every place, so the wrapper goes to all of them. Both
walks are over before the first exchange: a walk that looks into what it has just made finds the
base, a linear layer, and wraps it again, without end.
Say in the interview: time and extra memory O(places) beside the adapters. The same walk with a
predicate on the name or type is how libraries choose targets ("all-linear"), and usually the output
head is left out. Two calls give the same as one, so a script can be run again on a loaded model.
nn.MultiheadAttention reads out_proj.weight without a call of out_proj: leave such a layer out.
Common slips: named_children, which hides the second name of a child; only the top level; the base
inside a wrapper adapted again; two wrappers for a shared layer; freezing after the parameters were
collected; an nn.Linear as the model itself, returned as if it were adapted.
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
        raise ValueError(f"no linear layer inside {model}")
    wrappers = {m: LoRALinear(m, rank, scale) for m in layers}
    for name, m in list(model.named_modules(remove_duplicate=False)):
        if m in wrappers:
            model.set_submodule(name, wrappers[m])

    model.requires_grad_(False)
    params = [p for m in (*adapted, *wrappers.values()) for p in (m.lora_A, m.lora_B)]
    for p in params:
        p.requires_grad_()
    return model, params


if __name__ == "__main__":
    from challenge_inject_lora_recursive import check

    check(inject_lora_recursive)
    print("PASS")
