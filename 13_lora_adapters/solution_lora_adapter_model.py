"""LoRA and an adapter in one model: freeze first, then add what trains.

Why it works: a new nn.Parameter requires a gradient, so whatever is added after the freezing trains
and nothing has to be opened again. AdapterBlock freezes all that is in its sublayer when it is
made; so the block goes in first and LoRA into the block afterwards. B and up are zero: both changes
start as no change, and the two do not disturb each other.
Say in the interview: 4Dr + 2Dm + m + D numbers train, beside 2D(D + F) and the biases. LoRA can be
merged before serving, the adapter cannot: its ReLU keeps it a layer of its own. Print the names of
all that requires a gradient, once, before any long run: a wrong set gives no error, only a worse
model or a full fine-tuning.
Common slips: LoRA first, frozen by the block around it; freezing last; the adapter's own layers
adapted by LoRA; a forgotten LayerNorm or bias that trains along; trainable collected too early.
"""

from base_model import BaseTransformerBlock
from torch import Tensor, nn
from torch.nn import functional


class LoRALinear(nn.Module):
    """base, its weight changed by scale * lora_B lora_A. Given. It freezes nothing."""

    def __init__(self, base: nn.Linear, rank: int, scale: float = 1.0) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank is {rank}, want 1 or more")
        self.base = base
        self.scale = scale
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A)

    def forward(self, x: Tensor) -> Tensor:
        low = self.scale * functional.linear(x, self.lora_A)  # (*, rank)
        return self.base(x) + functional.linear(low, self.lora_B)  # (*, out)


class BottleneckAdapter(nn.Module):
    """(*, D) -> (*, D). Given. A new one gives x as it came."""

    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        super().__init__()
        if bottleneck_dim < 1:
            raise ValueError(f"bottleneck_dim is {bottleneck_dim}, want 1 or more")
        self.down = nn.Linear(d_model, bottleneck_dim)
        self.up = nn.Linear(bottleneck_dim, d_model)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(self.down(x).relu())


class AdapterBlock(nn.Module):
    """The sublayer, frozen as it is when the block is made, then the adapter. Given."""

    def __init__(self, sublayer: nn.Module, adapter: nn.Module) -> None:
        super().__init__()
        self.sublayer = sublayer.requires_grad_(False)
        self.adapter = adapter

    def forward(self, x: Tensor) -> Tensor:
        return self.adapter(self.sublayer(x))


def build_lora_adapter_model(
    d_model: int,
    d_ff: int,
    lora_rank: int,
    adapter_bottleneck: int,
    use_adapter_block: bool = True,
) -> tuple[nn.Module, list[nn.Parameter]]:
    """A block with LoRA in its projections, and an adapter behind it; (model, all that trains)."""
    block: nn.Module = BaseTransformerBlock(d_model, d_ff).requires_grad_(False)
    model = block
    if use_adapter_block:
        model = AdapterBlock(block, BottleneckAdapter(d_model, adapter_bottleneck))
    for name in ("proj_in", "proj_out"):
        block.set_submodule(name, LoRALinear(getattr(block, name), lora_rank))
    return model, [p for p in model.parameters() if p.requires_grad]


if __name__ == "__main__":
    from challenge_lora_adapter_model import check

    check(build_lora_adapter_model)
    print("PASS")
