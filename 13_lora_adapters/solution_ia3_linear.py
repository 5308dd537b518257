"""IA3: the frozen layer's result, times a learned vector.

Why it works: the last dim of the result is the features' dim, and a vector (out,) lines up with the
last dim, whatever comes before it. Ones change nothing at the start, and unlike LoRA's B = 0 they
give a gradient that is not made of zeros either.
Say in the interview: out parameters a layer, against r(in + out) of LoRA. The factors of the rows
can be merged into weight and bias, or kept apart, so that one batch mixes tasks: one row of factors
a sample. The paper puts them on keys, values and the inner features of the feed-forward part. It
can turn features up, down and off, never mix them: for a task far from the base LoRA reaches more.
Common slips: zeros as the start, which switch the layer off; the bias left out; one factor for the
whole layer; factors of the inputs, which are as many only where in == out; 1 + scale with ones.
"""

from torch import Tensor, nn


class IA3Linear(nn.Module):
    """(*, in) -> (*, out)."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = nn.Parameter(base.weight.new_ones(base.out_features))
        self.train(base.training)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) * self.scale  # (*, out)


if __name__ == "__main__":
    from challenge_ia3_linear import check

    check(IA3Linear)
    print("PASS")
