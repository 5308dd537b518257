"""Complexity, said aloud: attention pays for pairs of tokens, a convolution for its window.

Why it works: each matrix product of attention takes one mult-add for each pair of tokens and each
feature, and the scores are one number for each pair and head. A convolution uses each of its
weights once at each output position, so its cost is linear in the length.
Say in the interview: the formula, then the number at his sizes, then what the formula leaves out.
Heads split d_model, so they cost memory and no time. The projections' 4 L d_model^2 are larger than
the two products' 2 L^2 d_model until L = 2 d_model. A fused kernel (FlashAttention) never stores
the scores: memory O(L d_model), the same mult-adds in forward.
Common slips: d_model forgotten; L d_model^2, which is the projections; H L for H L^2; K for K^2;
the output's size forgotten; one product counted for two; the ratio upside down.
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
        f"Every token is compared with every token: {L**2:,} scores for {L:,} tokens. "
        "That is quadratic in L, so doubling L takes four times the time and memory."
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


if __name__ == "__main__":
    from challenge_04_complexity_and_interview_questions import check

    check(
        attention_time_complexity,
        attention_space_complexity,
        conv2d_time_complexity_per_layer,
        why_attention_is_expensive,
        conv_vs_attention_compute,
    )
    print("PASS")
