"""LoRA: the frozen layer's result plus a detour through r numbers.

Why it works: x goes through A to r features and through B to out, so the product BA, as large as
the weight, is never made: 2r(in + out) flops a row beside 2 in * out. B = 0 makes the start exact;
A must not be zero too, for each factor's gradient is made of the other one. In the first backward
pass A's gradient is still zero and B's is not; from the second step on both learn.
Say in the interview: r(in + out) parameters instead of in * out; Adam's two moments shrink alike,
and so does what a checkpoint of the task has to hold. A frozen base needs no gradient of its
weight, a third of the layer's flops, but gradients still flow through it, and activations take the
memory they took. Merged into the weight LoRA costs nothing at inference, but then tasks cannot
share a batch. Papers and libraries write the scale as alpha / r: with alpha fixed, r can change
without a new learning rate.
Common slips: both factors zero, or neither; the base still trains; factors in float32 beside a
bfloat16 base; the merged weight built in every forward pass; the scale applied to the base too.
"""

from torch import Tensor, nn
from torch.nn import functional as F


class LoRALinear(nn.Module):
    """(*, in) -> (*, out)."""

    def __init__(self, base: nn.Linear, rank: int, scale: float = 1.0) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank is {rank}, want 1 or more")
        self.base = base.requires_grad_(False)
        self.scale = scale
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.normal_(self.lora_A, std=base.in_features**-0.5)
        self.train(base.training)

    def forward(self, x: Tensor) -> Tensor:
        low = self.scale * F.linear(x, self.lora_A)  # (*, r), the cheap place for the scale
        return self.base(x) + F.linear(low, self.lora_B)  # (*, out)


if __name__ == "__main__":
    from challenge_lora_linear import check

    check(LoRALinear)
    print("PASS")
