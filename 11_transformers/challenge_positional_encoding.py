"""Positional encodings: attention sees a set, so the order of tokens has to be put in.

    sinusoidal_pe(seq_len, d_model)           -> (L, D), added to the tokens
        [p, 2i] = sin(p w_i), [p, 2i + 1] = cos(p w_i), w_i = 10000^(-2i / D)
    sinusoidal_pe_2d(height, width, d_model)  -> (H, W, D), for the patches of an image
    alibi_bias(num_heads, q_len, k_len)       -> (heads, L_q, L_k), added to the scores
        [h, i, j] = -m_h |distance of query i and key j|

Results are float32 and need no gradient. Positions count from 0.

Core, what an interview asks:

    sines      sinusoidal_pe is the formula above.
    grid       At [y, x], the first D/2 features are those of sinusoidal_pe(height, D/2) at y,
               the others those of sinusoidal_pe(width, D/2) at x.
    slopes     m_h = 2^(-8 h / num_heads) with h from 1, for any number of heads.
    distances  Keys have positions 0 to L_k - 1, queries the last L_q of these. No key is hidden,
               not even a later one.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    precision  At positions up to 10,000, sines and cosines are right to 1e-6.
    sizes      Each length may be 1, or 0: an empty result.
    refused    ValueError if d_model is odd, in 2-D if it is no multiple of 4; if L_q > L_k.

Easy, 25 minutes. Try one alone: python FILE grid
Papers: https://arxiv.org/abs/1706.03762, section 3.5; ALiBi, https://arxiv.org/abs/2108.12409
"""

from torch import Tensor


def sinusoidal_pe(seq_len: int, d_model: int) -> Tensor:
    """L, D -> (L, D)."""
    raise NotImplementedError("sinusoidal_pe")


def sinusoidal_pe_2d(height: int, width: int, d_model: int) -> Tensor:
    """H, W, D -> (H, W, D)."""
    raise NotImplementedError("sinusoidal_pe_2d")


def alibi_bias(num_heads: int, q_len: int, k_len: int) -> Tensor:
    """-> (num_heads, q_len, k_len)."""
    raise NotImplementedError("alibi_bias")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    first = sinusoidal_pe(3, 4)[0].tolist()  # sin 0, cos 0, twice
    assert first == [0, 1, 0, 1], first
    second = [round(n, 2) for n in sinusoidal_pe(3, 4)[1].tolist()]  # angles 1 and 0.01
    assert second == [0.84, 0.54, 0.01, 1.0], second

    corner = sinusoidal_pe_2d(2, 3, 4)[1, 0].tolist()  # row 1, column 0
    assert [round(n, 2) for n in corner] == [0.84, 0.54, 0, 1], corner

    bias = alibi_bias(2, 1, 3).tolist()  # slopes 1/16 and 1/256; the query is at position 2
    assert bias == [[[-2 / 16, -1 / 16, 0]], [[-2 / 256, -1 / 256, 0]]], bias


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
