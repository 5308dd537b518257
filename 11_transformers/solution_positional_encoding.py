"""Positional encodings: sines of a position, sines of a row and a column, a bias by distance.

Why it works: each pair (sin, cos) is the hand of a clock. The first hand turns by 1 per position,
the last by nearly 1/10000, so near and far positions both differ. k positions further each hand has
turned by k w_i, wherever it stood: PE(p + k) is one rotation of PE(p), which a linear layer can
learn. For D = 4 the rates are 1 and 0.01, and position 1 is [0.84, 0.54, 0.01, 1.00]. An image has
two positions, so each gets half of the features. ALiBi adds nothing to the tokens: a score loses
m_h per token of distance. With 8 heads the slopes are 1/2, 1/4, ... 1/256: the first head sees
a few neighbors, the last hundreds.
Say in the interview:
- Angles are computed in float64: in float32 position 10,000 times a rate is off by up to 0.0005.
- With a KV cache there is one query and many keys, and it is the last position, not position 0.
- ALiBi and sines work beyond the trained length; ALiBi is made for it, sines are not to be trusted.
Asked next: "Why sine and cosine?" With the sine alone two positions may look alike, and no linear
map turns it. "Learned positions?" A table: as good, but it ends. "RoPE?" The same hands turn q and
k instead of being added to x, so scores depend on distances only. "Heads that are no power of two?"
The paper's text has this formula; its code takes the slopes of the next smaller power of two, then
every other one of the next larger.
Common slips: i/D for 2i/D; an own rate for each feature, so that sine and cosine are no pair; sines
and cosines as two halves; rows and columns swapped, which a square image hides; queries from 0;
no absolute value, which rewards the future where no mask hides it.
"""

import torch
from torch import Tensor


def sinusoidal_pe(seq_len: int, d_model: int) -> Tensor:
    """L, D -> (L, D)."""
    if d_model % 2:
        raise ValueError(f"d_model {d_model} is odd")
    rates = 10000.0 ** (-torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)  # (D/2,)
    angles = torch.arange(seq_len)[:, None] * rates  # (L, D/2)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1).float()  # (L, D)


def sinusoidal_pe_2d(height: int, width: int, d_model: int) -> Tensor:
    """H, W, D -> (H, W, D)."""
    if d_model % 4:
        raise ValueError(f"d_model {d_model} is no multiple of 4")
    rows = sinusoidal_pe(height, d_model // 2)[:, None].expand(-1, width, -1)  # (H, W, D/2)
    columns = sinusoidal_pe(width, d_model // 2).expand(height, -1, -1)  # (H, W, D/2)
    return torch.cat((rows, columns), dim=-1)


def alibi_bias(num_heads: int, q_len: int, k_len: int) -> Tensor:
    """-> (num_heads, q_len, k_len)."""
    if q_len > k_len:
        raise ValueError(f"{q_len} queries are the last positions of {k_len} keys")
    slopes = 2.0 ** (-8 * torch.arange(1, num_heads + 1) / num_heads)  # (heads,)
    queries, keys = torch.arange(k_len - q_len, k_len), torch.arange(k_len)
    distances = (queries[:, None] - keys).abs()  # (L_q, L_k)
    return -slopes[:, None, None] * distances


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
