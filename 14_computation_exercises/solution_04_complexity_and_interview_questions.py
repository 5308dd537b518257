"""Complexity, said aloud: attention pays for pairs of tokens, a convolution for its window.

Why it works: each matrix product of attention takes one mult-add per pair of tokens and feature: 10
tokens of 3 features are 2 * 10 * 10 * 3 = 600. The scores are one number per pair and head. A
convolution uses each of its weights once per output position: it is linear in the length.
Say in the interview: the formula, then the number at the given sizes, then what the formula leaves
out. Heads split d_model, so they cost memory and no time. The projections' 4 L d_model^2 are larger
than the two products' 2 L^2 d_model until L = 2 d_model.
Does FlashAttention change this? The memory: it never stores the scores, O(L d_model) is left. The
mult-adds of forward stay the same.
When is the convolution dearer? When L_conv C^2 K is more than 2 L_seq^2 d: with C = d and the same
length L, when C K is more than 2 L.
Common slips: d_model forgotten; L d_model^2, which is the projections; H L for H L^2; K for K^2;
the output's size forgotten; one product counted for two; the ratio upside down.
You may leave out, if you say so: the softmax and the scaling, which are O(H L^2).
"""


def attention_time_complexity(L: int, d_model: int) -> str:
    """Both products, without projections."""
    return f"O(L^2 * d_model): two products, {2 * L**2 * d_model:,} mult-adds"


def attention_space_complexity(B: int, H: int, L: int) -> str:
    """Numbers in the scores, not bytes."""
    return f"O(B * H * L^2): one L x L matrix a head, {B * H * L**2:,} numbers"


def conv2d_time_complexity_per_layer(C_in: int, C_out: int, K: int, H_out: int, W_out: int) -> str:
    """The weights times the output positions."""
    cost = C_in * C_out * K**2 * H_out * W_out
    return f"O(C_in * C_out * K^2 * H_out * W_out): {cost:,} mult-adds a sample"


def why_attention_is_expensive(L: int) -> str:
    """How it grows, why, and what that means."""
    return (
        f"O(L^2): every token is compared with every token, {L**2:,} scores for {L:,} tokens. "
        f"Twice as many tokens have four times as many scores, {(2 * L) ** 2:,}."
    )


def conv_vs_attention_compute(L_conv: int, C: int, K: int, L_seq: int, d: int) -> str:
    """Both costs and the larger one."""
    conv, attention = L_conv * C**2 * K, 2 * L_seq**2 * d
    (less, cheap), (more, dear) = sorted([(conv, "conv"), (attention, "attention")])
    verdict = f"{dear} costs more than {cheap}, {more / less:.3g} times as much"
    if less == more:
        verdict = "they cost the same"
    return (
        f"A convolution is O(L_conv * C^2 * K), here {conv:,} mult-adds; attention is "
        f"O(L_seq^2 * d), here {attention:,}: {verdict}."
    )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
