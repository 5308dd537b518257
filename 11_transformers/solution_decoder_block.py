"""Pre-LN decoder block: causal self-attention, cross-attention to a memory, a feed-forward net.

Why it works: the three branches are added to a path that nothing else stands on. Self-attention is
cross-attention of a sequence with itself and a lower triangle, so one class serves both. In
cross-attention the queries come from the text that is written, keys and values from the text that
is read: scores are L_q x L_k, and no triangle belongs there, as the memory is known as a whole. The
memory is not normed here: the encoder's last norm did that, once for all blocks. With D = 512 and
d_ff = 2048 there are 8 D^2 + 2 D d_ff weights, 4.2 million, a third more than an encoder block has.
Say in the interview:
- The memory's keys and values do not change during generation: they are computed once per block.
- memory_mask is a padding mask, (B, 1, 1, L_k).
- A query without any key: its weights are set to 0 after the softmax, so there is no NaN to hide.
Asked next: "And GPT?" It has no memory: the block without its middle branch. "Where does the first
token come from?" From a start token: the decoder reads the target, shifted right by one.
Common slips: keys or values from x_q; the triangle used on the memory, which for L_q < L_k hides
its end; the memory normed by norm2; one norm for two branches; a residual from the norm; True read
as hidden; sqrt(D) where a head has D/H features.
May be left out if you say so: queries that may attend to nothing.
"""

import math

import torch
from torch import Tensor, nn


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """(*, L_q, D), (*, L_k, D), (*, L_k, D_v), mask to (*, L_q, L_k) -> (*, L_q, D_v)."""
    scores = q / math.sqrt(q.shape[-1]) @ k.mT  # (*, L_q, L_k)
    if mask is None:
        return scores.softmax(-1) @ v
    hidden = ~mask
    scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
    return scores.softmax(-1).masked_fill(hidden, 0) @ v


def lower_triangle(x: Tensor) -> Tensor:
    """(*, L, D) -> (L, L): token i may attend to tokens 0 to i."""
    L = x.shape[-2]
    return torch.ones(L, L, dtype=torch.bool, device=x.device).tril()


def causal_attention(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    """(B, L, D), (B, L, D), (B, L, D_v) -> (B, L, D_v)."""
    return attend(Q, K, V, lower_triangle(Q))


class MultiHeadCrossAttention(nn.Module):
    """(B, L_q, D), (B, L_k, D), mask to (B, H, L_q, L_k) -> (B, L_q, D). True: may attend."""

    def __init__(self, d_model: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.W_q = nn.Linear(d_model, d_model)
        self.W_k = nn.Linear(d_model, d_model)
        self.W_v = nn.Linear(d_model, d_model)
        self.W_o = nn.Linear(d_model, d_model)

    def forward(self, x_q: Tensor, x_kv: Tensor, mask: Tensor | None = None) -> Tensor:
        q, k, v = self.heads(self.W_q(x_q)), self.heads(self.W_k(x_kv)), self.heads(self.W_v(x_kv))
        mixed = attend(q, k, v, mask)  # (B, H, L_q, d)
        return self.W_o(mixed.transpose(-3, -2).flatten(-2))  # (B, L_q, D)

    def heads(self, x: Tensor) -> Tensor:
        """(B, L, D) -> (B, H, L, d), a view."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)


class TransformerDecoderBlock(nn.Module):
    """(B, L_q, D), (B, L_k, D), mask to (B, H, L_q, L_k) -> (B, L_q, D)."""

    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(d_model)
        self.self_attn = MultiHeadCrossAttention(d_model, num_heads)
        self.norm2 = nn.LayerNorm(d_model)
        self.cross_attn = MultiHeadCrossAttention(d_model, num_heads)
        self.norm3 = nn.LayerNorm(d_model)
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, memory: Tensor, memory_mask: Tensor | None = None) -> Tensor:
        h = self.norm1(x)
        x = x + self.dropout(self.self_attn(h, h, lower_triangle(h)))
        x = x + self.dropout(self.cross_attn(self.norm2(x), memory, memory_mask))
        inner = self.linear1(self.norm3(x)).relu()  # (B, L_q, d_ff)
        return x + self.dropout(self.linear2(self.dropout(inner)))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
