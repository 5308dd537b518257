"""LoRA into a model: look everything up, make all wrappers, then exchange and freeze.

Why it works: a module sees its children through attributes, so setting the attribute on whoever
holds the layer is all it takes; the model's forward then calls the wrapper. named_modules with
remove_duplicate=False gives every path, also the second one to a shared layer. A dict from layer to
wrapper makes one wrapper for all its places. What can fail comes before what changes the model.
In BaseMLP(1000, 1000, 1000) fc2 has 1,001,000 numbers; with r = 8 its adapter has 16,000.
Say in the interview: freeze all, then open what trains: a list of what to freeze is incomplete one
day. Pass params to the optimizer, not model.parameters(). Time O(modules) beside the adapters.
Two questions that may follow. Which layers? The paper adapts the attention projections; adapting
all linear layers at a lower rank often does better for the same number of parameters. Where does
it not work? In a module that reads its layer's weight instead of calling it, as
nn.MultiheadAttention does with out_proj.
Common slips: getattr with a dotted name; a KeyError after half of the layers are exchanged; norms
and embeddings left trainable; a second call that freezes the adapters of the first or wraps them
again; two wrappers for a shared layer; the order of a set for draws that a seed should repeat.
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


def inject_lora(
    model: nn.Module, linear_names: list[str], rank: int, scale: float = 1.0
) -> tuple[nn.Module, list[nn.Parameter]]:
    """Adapt the named layers in place; (model, all that trains now). KeyError for other names."""
    if not linear_names:
        raise ValueError("no names: nothing would train")
    inside = {m.base for m in model.modules() if isinstance(m, LoRALinear)}
    layers = {
        name: m
        for name, m in model.named_modules(remove_duplicate=False)
        if name and isinstance(m, nn.Linear | LoRALinear) and m not in inside
    }
    unknown = [name for name in linear_names if name not in layers]
    if unknown:
        raise KeyError(f"no linear layers {unknown}, there are {list(layers)}")
    chosen = [layers[name] for name in linear_names]
    wrappers = {m: LoRALinear(m, rank, scale) for m in chosen if isinstance(m, nn.Linear)}
    for name, m in layers.items():
        if m in wrappers:
            model.set_submodule(name, wrappers[m])

    model.requires_grad_(False)
    adapters = [m for m in model.modules() if isinstance(m, LoRALinear)]
    params = [p for m in adapters for p in (m.lora_A, m.lora_B)]
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
