"""Concatenation: cat on the last dim, then one linear layer over all features.

Why it works: a linear layer on joined inputs is the sum of one linear layer for each, so the joined
weight is the two weights side by side: with W = [1, 10, 100] and bias 1000, a = [1] and b = [2, 3]
give 1 + (20 + 300) + 1000 = 1321. cat insists on equal leading sizes by itself. It does not know
how many features came from whom: a and b swapped have the right sum, so one size is compared, and
the layer's own error covers the other.
Say in the interview: cat copies both inputs once, O(size of the result). Two layers and a sum save
the copy, but they broadcast a batch of 1 without a word. Joined features meet by addition alone;
they interact in later layers.
They may ask: what if one input should rescale the other? Then FiLM, a gate or a bilinear layer.
They may ask: one b for a whole batch of a? Expand b before the call, or apply its half of the
weight once and add; the block itself cannot know that it was meant.
Common slips: dim=1, which is the last dim only of a batch without more dims; in_a and in_b swapped
by the caller; a Linear made in forward, which is new in each call and never trained.
You may leave out the guard if you say that swapped inputs of a right sum go through.
"""

import torch
from torch import Tensor, nn


class ConcatBlock(nn.Module):
    """(*, in_a), (*, in_b) -> (*, out): one linear layer over both.

    Leading sizes that differ: RuntimeError; numbers of features: ValueError or RuntimeError.
    """

    def __init__(self, in_a: int, in_b: int, out: int) -> None:
        super().__init__()
        self.in_a = in_a
        self.linear = nn.Linear(in_a + in_b, out)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        if a.shape[-1] != self.in_a:
            raise ValueError(f"a has {a.shape[-1]} features, want {self.in_a}")
        return self.linear(torch.cat([a, b], dim=-1))  # (*, in_a + in_b) -> (*, out)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
