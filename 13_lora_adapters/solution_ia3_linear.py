"""IA3: the frozen layer's result, times a learned vector.

Why it works: the last dim of the result holds the features, and a vector (out,) lines up with the
last dim, whatever comes before it. Ones change nothing at the start, and unlike LoRA's B = 0 they
let every gradient through at once. A layer of 1000 -> 1000 learns 1000 numbers; LoRA with r = 8
learns 16,000, the layer itself holds 1,001,000.
Say in the interview: out parameters a layer. The gradient of scale is base's result times the
gradient of y, summed over all dims but the last. IA3 turns features up, down and off, but never
mixes them: for a task far from the base, LoRA reaches more.
Two questions that may follow. Can it be merged? Yes: row j of W and number j of the bias, times
scale[j]. Can one batch mix tasks? Yes: keep the factors apart and give each sample its row of them.
Common slips: zeros at the start, which switch the layer off; the bias left out; one factor for the
whole layer; factors of the inputs, which are as many only where in == out; 1 + scale with ones.
May be left out if you say so: dtype and device of the factors, and the mode.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
