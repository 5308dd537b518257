"""Concatenation: cat on the last dim, then one linear layer over all features.

Why it works: a linear layer on joined inputs is the sum of one linear layer for each, so the joined
weight is the two weights side by side. cat insists on equal leading sizes by itself. It does not
know how many features came from whom: a and b swapped have the right sum, so one size is compared,
and the layer's own error covers the other.
Say in the interview: cat copies both inputs once, O(size of the result); two layers and a sum save
the copy but broadcast a batch of 1 without a word. Joined features interact only in later layers:
if the one input should rescale the other, use FiLM or a bilinear layer.
Common slips: dim=1, which is the last dim only of a batch without more dims; in_a and in_b swapped
by the caller; a Linear made in forward, which is new in each call and never trained.
"""

import torch
from torch import Tensor, nn


class ConcatBlock(nn.Module):
    """(*, in_a), (*, in_b) -> (*, out): one linear layer over both. Other sizes: an error."""

    def __init__(self, in_a: int, in_b: int, out: int) -> None:
        super().__init__()
        self.in_a = in_a
        self.linear = nn.Linear(in_a + in_b, out)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        if a.shape[-1] != self.in_a:
            raise ValueError(f"a has {a.shape[-1]} features, want {self.in_a}")
        return self.linear(torch.cat([a, b], dim=-1))  # (*, in_a + in_b) -> (*, out)


if __name__ == "__main__":
    from challenge_1_concatenation import check

    check(ConcatBlock)
    print("PASS")
