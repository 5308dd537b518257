"""LoRA: the frozen layer's result plus a detour through r numbers.

Why it works: x goes through A to r features and through B to out, so the product BA, as large as
the weight, is never made. With in = out = 1000 and r = 8 these are 16,000 mult-adds a row beside
1,000,000. B = 0 makes the start exact. A must not be zero, too: the gradient of each factor is made
of the other one. In the first backward pass A's gradient is still zero and B's is not; from the
second step on both learn.
Say in the interview: r(in + out) parameters in place of in * out, and Adam's two moments and the
checkpoint of a task shrink alike. A frozen base needs no gradient of its weight, a third of the
layer's flops. Gradients still flow through it, and activations take the memory they took.
Two questions that may follow. Does LoRA cost time at inference? Not once BA is added to the weight,
but then tasks cannot share a batch. Why do papers write alpha / r for the scale? With alpha fixed,
r can change without a new learning rate.
Common slips: both factors zero, or neither; the base still trains; the merged weight built in each
forward pass; the scale applied to the base, too; factors in float32 beside a bfloat16 base.
May be left out if you say so: dtype and device of the factors, the mode, the error for r < 1.
"""

from torch import Tensor, nn
from torch.nn import functional as F


class LoRALinear(nn.Module):
    """(*, in) -> (*, out). ValueError for a rank below 1."""

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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
