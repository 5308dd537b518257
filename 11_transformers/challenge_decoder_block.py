"""A decoder block, pre-LN: tokens look back, then at a memory, then work alone.

    x = x + self_attn(norm1(x))             causal: token i sees tokens 0 to i
    x = x + cross_attn(norm2(x), memory)    memory: an encoder's result
    out = x + feed_forward(norm3(x))

    causal_attention(Q, K, V)        (B, L, D), (B, L, D), (B, L, D_v) -> (B, L, D_v)
    MultiHeadCrossAttention(d_model, num_heads)
        forward(x_q, x_kv, mask=None)
    TransformerDecoderBlock(d_model, num_heads, d_ff, dropout=0.1)
        forward(x, memory, memory_mask=None)
    Both: (B, L_q, D), (B, L_k, D) -> (B, L_q, D); masks are bool, True = may attend,
    broadcastable to (B, num_heads, L_q, L_k)

Core, what an interview asks:

    by_hand   Torch's own attention is not called.
    causal    Scores are divided by sqrt(D).
    cross     W_q, W_k, W_v, W_o, each nn.Linear(D, D) with bias, are all it has. x_q asks. Each
              head has D/H neighboring features, in order.
    wiring    self_attn, cross_attn are MultiHeadCrossAttention, norm1 to norm3 nn.LayerNorm,
              linear1, linear2 nn.Linear, ReLU between them. They hold all parameters.
    masks     What a query may not attend to has no influence on its result.
    dropout   As by nn.Dropout: on the ReLU's result, on each branch before its sum.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    empty     A head gives 0 where a query may attend to nothing; gradients are finite.
    dtypes    float64, bfloat16, bfloat16 autocast: as exact as these, out in the dtype of x.
    inputs    Any strides, any device; no input is changed.

Medium, 35 minutes. Try one alone: python FILE cross
Paper: https://arxiv.org/abs/1706.03762
"""

import torch
from torch import Tensor, nn


def causal_attention(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    """(B, L, D), (B, L, D), (B, L, D_v) -> (B, L, D_v)."""
    raise NotImplementedError("causal_attention")


class MultiHeadCrossAttention(nn.Module):
    def __init__(self, d_model: int, num_heads: int) -> None:
        raise NotImplementedError("MultiHeadCrossAttention.__init__")

    def forward(self, x_q: Tensor, x_kv: Tensor, mask: Tensor | None = None) -> Tensor:
        raise NotImplementedError("MultiHeadCrossAttention.forward")


class TransformerDecoderBlock(nn.Module):
    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.1) -> None:
        raise NotImplementedError("TransformerDecoderBlock.__init__")

    def forward(self, x: Tensor, memory: Tensor, memory_mask: Tensor | None = None) -> Tensor:
        raise NotImplementedError("TransformerDecoderBlock.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    V = torch.tensor([[[2.0], [4.0], [9.0]]])  # three tokens, all scores 0: plain means
    means = causal_attention(torch.zeros(1, 3, 4), torch.ones(1, 3, 4), V)[0, :, 0].tolist()
    assert means == [2, 3, 5], means

    attention = MultiHeadCrossAttention(d_model=2, num_heads=1)
    for part in (attention.W_q, attention.W_k, attention.W_v, attention.W_o):
        nn.init.eye_(part.weight)
        nn.init.zeros_(part.bias)
    one = attention(torch.ones(1, 3, 2), torch.tensor([[[7.0, 8.0]]]))[0].tolist()
    assert one == [[7, 8], [7, 8], [7, 8]], one  # three queries, one token to attend to


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
