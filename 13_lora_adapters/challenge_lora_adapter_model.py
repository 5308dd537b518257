"""LoRA and an adapter in one model.

LoRA changes the projections, an adapter corrects what the block gives. Put the given parts
together.

    build_lora_adapter_model(d_model, d_ff, lora_rank, adapter_bottleneck, use_adapter_block=True)
        -> (model, trainable)    the model maps x (B, L, D) to (B, L, D)

Core, what an interview asks:

    block      Of a new BaseTransformerBlock(d_model, d_ff), proj_in and proj_out become LoRALinears
               around the nn.Linear that were there, with lora_rank; ff1 and ff2 stay.
    adapter    With use_adapter_block the model is an AdapterBlock: .sublayer is that block,
               .adapter a BottleneckAdapter. Without, the model is the block itself.
    trains     Only lora_A, lora_B and the adapter's parameters require gradients. 20 steps of an
               optimizer move these alone.
    trainable  A list of exactly the parameters that train, each once, in any order.
    start      In train mode, float32 and on the CPU, a new model computes what its block would
               without LoRA and adapter.
    computes   Trained, it computes what the block with weights W + lora_B lora_A would, and then
               the adapter.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    fresh      Two calls make two models that share nothing and start with different numbers.
    errors     ValueError if lora_rank is below 1, or adapter_bottleneck where there is an adapter;
               without one it may be any int.

Medium, 15 minutes. Try one alone: python FILE trains
Papers: https://arxiv.org/abs/2106.09685 section 4.2, https://arxiv.org/abs/1902.00751 section 2.1
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
    raise NotImplementedError("build_lora_adapter_model")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model, trainable = build_lora_adapter_model(4, 8, lora_rank=1, adapter_bottleneck=2)
    n = sum(p.numel() for p in trainable)  # 2 LoRALinears of 4 + 4, and 2 * 4 * 2 + 2 + 4
    assert n == 16 + 22, n
    assert isinstance(model.sublayer, BaseTransformerBlock), model


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
