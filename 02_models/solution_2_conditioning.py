"""Conditioning: the condition joins after the nonlinearity, in front of the last layer.

Why it works: the last layer's columns for c turn the condition into one more bias of each sample.
Joined after ReLU, c = -5 arrives as -5; before it, -5 and -9 would both be 0. The first layer stays
a function of x alone, which can be computed once and reused for many conditions. cat refuses
leading sizes that differ and the layers refuse wrong numbers of features, so no guard is needed.
Say in the interview: the cost over a plain MLP is c_dim * num_classes weights and one copy of the
hidden features. An integer condition goes through nn.Embedding first. Logits stay raw: the loss
applies its own log-softmax.
They may ask: what can a condition that joins so late not do? It shifts logits, the same for each
x; it cannot change which hidden features x gives. Join it earlier, or use FiLM or cross-attention.
They may ask: what if c is sometimes unknown? Train with c replaced by zeros, or by a learned
vector, in some samples; classifier-free guidance does so.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
