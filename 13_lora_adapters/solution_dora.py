"""DoRA: the frozen layer's result and LoRA's, each output divided by a length and times another.

Why it works: each output feature reads one row of W', so m / ||v|| is one factor per feature, and
it can be applied to the result: y = (m / ||v||) (x W^T + s (x A^T) B^T) + bias. At the start V = W
and m = ||w||, so the factor is 1. For w = (3, 4) and m = 5, m = 10 doubles the row; LoRA would need
a change of w's own size for that. The bias is no part of the row and is not scaled.
Say in the interview: with ||v|| a constant, the gradient of V is m / ||v|| times the plain one, and
nothing of the norm is kept for backward; the paper saw hardly a difference. The true gradient would
have no part along v at all, as a longer v changes nothing. m alone moves lengths.
Two questions that may follow. What does it cost? out numbers more, and V, as large as W, in each
forward pass, for its norm; the norms alone need no V: ||w + s b A||^2 = ||w||^2 + 2 s w A^T b +
s^2 b A A^T b, but in short dtypes that loses digits. Can it be merged? Yes: W' is a weight.
Common slips: lengths of columns (the paper's W is torch's transposed); m = 1 at the start; the bias
scaled; the norm's gradient left in; the norm of W, or that of the start, in place of V's now.
May be left out if you say so: rows of zeros, dtype and device, the mode, the error for r < 1.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DoRALinear(nn.Module):
    """(*, in) -> (*, out). ValueError for a rank below 1."""

    def __init__(self, base: nn.Linear, rank: int, scale: float = 1.0) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank is {rank}, want 1 or more")
        self.base = base.requires_grad_(False)
        self.scale = scale
        self.magnitude = nn.Parameter(base.weight.norm(dim=1))  # (out,)
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.normal_(self.lora_A, std=base.in_features**-0.5)
        self.train(base.training)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():  # a constant for the gradient
            V = self.base.weight + self.scale * self.lora_B @ self.lora_A  # (out, in)
            lengths = V.norm(dim=1)  # (out,)
            lengths = lengths.where(lengths > 0, 1)  # a row of zeros stays one
        low = self.scale * F.linear(x, self.lora_A)  # (*, r)
        y = F.linear(x, self.base.weight) + F.linear(low, self.lora_B)  # (*, out)
        y = self.magnitude / lengths * y
        return y if self.base.bias is None else y + self.base.bias


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
