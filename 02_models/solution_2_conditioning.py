"""Conditioning: the condition joins after the nonlinearity, in front of the last layer.

Why it works: the last layer's columns for c turn the condition into one more bias for each sample.
Joined after ReLU, c keeps its sign, and the first layer stays a function of x alone that can be
computed once and reused for many conditions. cat refuses leading sizes that differ, the layers
refuse wrong numbers of features, so no guard is needed.
Say in the interview: a condition that joins so late shifts logits but cannot change which hidden
features x gives; join it earlier, or use FiLM or cross-attention, where the two must interact. An
integer condition goes through nn.Embedding first. The cost over a plain MLP is c_dim * num_classes
weights and one copy of the hidden features.
Common slips: ReLU after cat, which cuts negative conditions off; softmax before a loss that applies
it itself; c joined to x; the parts joined in another order than the weight's columns assume.
"""

import torch
from torch import Tensor, nn


class ConditionalMLP(nn.Module):
    """(*, in_dim), (*, c_dim) -> logits (*, num_classes). Other sizes: RuntimeError."""

    def __init__(self, in_dim: int, c_dim: int, h: int, num_classes: int) -> None:
        super().__init__()
        self.embed = nn.Linear(in_dim, h)
        self.classify = nn.Linear(h + c_dim, num_classes)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        hidden = self.embed(x).relu()  # (*, h)
        return self.classify(torch.cat([hidden, c], dim=-1))  # (*, h + c_dim) -> (*, num_classes)


if __name__ == "__main__":
    from challenge_2_conditioning import check

    check(ConditionalMLP)
    print("PASS")
