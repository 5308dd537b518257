"""LoRA and an adapter in one model: freeze first, then add what trains.

Why it works: a new nn.Parameter requires a gradient, so whatever is added after the freezing trains
and nothing has to be opened again. AdapterBlock freezes all that is in its sublayer when it is
made; so the block goes in first and LoRA into the block afterwards. B and up are zero: both changes
start as no change, and the two do not disturb each other.
One number: 4Dr + 2Dm + m + D numbers train; D 768, r 8 and m 64 make 123,712 beside the 5.9 million
of a block with F 3072.
Say in the interview: LoRA can be merged before serving, the adapter cannot: its ReLU keeps it a
layer of its own. Print the names of all that requires a gradient, once, before any long run: a
wrong set gives no error, only a worse model or a full fine-tuning.
Follow-up: what does AdapterBlock do to LoRA that is in its sublayer already? It freezes it: nobody
told it that these parameters are new. The loss still falls a little, by the adapter alone.
Follow-up: what goes to the optimizer? trainable, not model.parameters(): frozen parameters would
only be skipped, but a list of names that train is what you want to save, count and log.
Common slips: LoRA first, frozen by the block around it; freezing last; the adapter's own layers
adapted by LoRA; a forgotten LayerNorm or bias that trains along; trainable collected too early.
May be left out if you say so: nothing but the errors, which the given parts raise.
"""

import torch
from base_model import BaseTransformerBlock
from torch import Tensor, nn


class LoRALinear(nn.Module):
    """Given: base, its weight changed by scale * lora_B lora_A. It freezes nothing."""

    def __init__(self, base: nn.Linear, rank: int, scale: float = 1.0) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank is {rank}, want 1 or more")
        self.base, self.scale = base, scale
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features) / rank)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.scale * (x @ self.lora_A.T @ self.lora_B.T)


class BottleneckAdapter(nn.Module):
    """Given: (*, D) -> (*, D). A new one gives x as it came."""

    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        super().__init__()
        if bottleneck_dim < 1:
            raise ValueError(f"bottleneck_dim is {bottleneck_dim}, want 1 or more")
        self.down, self.up = nn.Linear(d_model, bottleneck_dim), nn.Linear(bottleneck_dim, d_model)
        nn.init.zeros_(self.up.weight), nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(self.down(x).relu())


class AdapterBlock(nn.Module):
    """Given: the sublayer, frozen as it is when the block is made, then the adapter."""

    def __init__(self, sublayer: nn.Module, adapter: nn.Module) -> None:
        super().__init__()
        self.sublayer, self.adapter = sublayer.requires_grad_(False), adapter

    def forward(self, x: Tensor) -> Tensor:
        return self.adapter(self.sublayer(x))


def build_lora_adapter_model(
    d_model: int, d_ff: int, lora_rank: int, adapter_bottleneck: int, use_adapter_block: bool = True
) -> tuple[nn.Module, list[nn.Parameter]]:
    """A block with LoRA in its projections, and an adapter behind it; (model, all that trains)."""
    block: nn.Module = BaseTransformerBlock(d_model, d_ff).requires_grad_(False)
    model = block
    if use_adapter_block:
        model = AdapterBlock(block, BottleneckAdapter(d_model, adapter_bottleneck))
    for name in ("proj_in", "proj_out"):
        block.set_submodule(name, LoRALinear(getattr(block, name), lora_rank))
    return model, [p for p in model.parameters() if p.requires_grad]


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
