"""Scaled dot-product attention: scores, mask, softmax, mean of the values.

Why it works: with D independent entries of variance 1, a dot product has variance D; divided by
sqrt(D) it has variance 1 (D = 64: a standard deviation of 8 becomes 1), and the softmax starts
neither flat nor saturated. Q is divided, not the scores: that touches fewer numbers where L_k > D,
and in float16 no dot product overflows that the scores themselves do not. Hidden scores become the
smallest number of their dtype, not -inf: a row without any key then has a finite softmax, which the
second fill turns into zeros. No NaN ever exists, in backward either: 0 * NaN is NaN.
Say in the interview:
- Time O(L_q L_k (D + D_v)), memory O(L_q L_k) for the weights.
- Fused kernels (FlashAttention) work in tiles and never store the weights. Take them when you do
  not need attn.
Asked next: "Why not -1e9?" float16 cannot hold it, and the row without keys would be a plain mean.
"Where does causal come from?" A lower triangle as the mask; nothing else changes.
Common slips: softmax over the queries; the mask inverted, or applied after the softmax, so that the
weights no longer sum to 1; the finfo of Q where autocast has made the scores bfloat16; -inf added
instead of filled in: NaN where a hidden score is inf.
May be left out if you say so: rows without any key, and float16.
"""

import math

import torch
from torch import Tensor


def scaled_dot_product_attention(
    Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(*, L_q, D), (*, L_k, D), (*, L_k, D_v) -> (*, L_q, D_v), weights (*, L_q, L_k)."""
    scores = Q / math.sqrt(Q.shape[-1]) @ K.mT  # (*, L_q, L_k)
    if mask is None:
        attn = scores.softmax(dim=-1)
    else:
        hidden = ~mask
        scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
        attn = scores.softmax(dim=-1).masked_fill(hidden, 0)
    return attn @ V, attn  # (*, L_q, D_v), (*, L_q, L_k)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
