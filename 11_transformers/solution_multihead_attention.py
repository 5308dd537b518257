"""Multi-head self-attention: project once, view as heads, attend, put side by side, mix.

Why it works: a head's features lie side by side, so splitting D into (H, d) is a view; the
transpose makes H a batch axis, and one matmul serves all samples and heads. Hidden scores get the
smallest number of their dtype and hidden weights an exact zero: a query without any key then has a
zero result and finite gradients, as no NaN appears on the way. Dividing q instead of the scores
keeps float16 in range.
Say in the interview: per sample 4 L D^2 mult-adds in the projections and 2 L^2 D in the attention,
for any number of heads; H L^2 weights in memory, which a fused kernel does not store. While L is
below 2 D the projections dominate, and plain torch is about as fast as nn.MultiheadAttention. In
generation, keep k and v of the old tokens (the KV cache).
Common slips: sqrt(D) where d is meant; view(B, H, L, d) without a transpose, which mixes tokens;
heads merged without transposing back; dropout on the result instead of on the weights, or in place
on the softmax's result, which backward needs.
"""

import math

import torch
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """(B, L, D), bool mask broadcastable to (B, H, L, L) -> (B, L, D). True: may attend."""

    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.1) -> None:
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model {d_model} is not divisible by num_heads {num_heads}")
        self.num_heads = num_heads
        self.W_q = nn.Linear(d_model, d_model)
        self.W_k = nn.Linear(d_model, d_model)
        self.W_v = nn.Linear(d_model, d_model)
        self.W_out = nn.Linear(d_model, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        q, k, v = (self.heads(W(x)) for W in (self.W_q, self.W_k, self.W_v))  # (B, H, L, d)
        scores = q / math.sqrt(q.shape[-1]) @ k.mT  # (B, H, L, L)
        if mask is None:
            attn = scores.softmax(dim=-1)
        else:
            hidden = ~mask
            scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
            attn = scores.softmax(dim=-1).masked_fill(hidden, 0)
        mixed = self.dropout(attn) @ v  # (B, H, L, d)
        return self.W_out(mixed.transpose(-3, -2).flatten(-2))  # (B, L, D)

    def heads(self, x: Tensor) -> Tensor:
        """(B, L, D) -> (B, H, L, d), a view."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)


if __name__ == "__main__":
    from challenge_multihead_attention import check

    check(MultiHeadAttention)
    print("PASS")
