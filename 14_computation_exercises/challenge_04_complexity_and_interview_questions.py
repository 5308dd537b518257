"""Complexity, said aloud: how attention and convolutions grow, and what they come to.

Each function returns a text that says how a cost grows, what it comes to and why.

    attention_time_complexity(L, d_model)
    attention_space_complexity(B, H, L)
    conv2d_time_complexity_per_layer(C_in, C_out, K, H_out, W_out)
    why_attention_is_expensive(L)
    conv_vs_attention_compute(L_conv, C, K, L_seq, d)

Formulas and numbers are judged, the words are yours. A text has exactly one O(...), the last text
two, one per cost. O(...) grows as the cost does when one size, or all, double. In it are the
function's parameter names (L, not n), numbers, + * ^ ( ). Outside it are the numbers below, exact
or rounded to two digits or more: 12345, 12,345 or 1.2e4. A multiply with its add counts 1.

Core, what an interview asks:

    attention   Mult-adds of one sequence's two matrix products, queries by keys and weights by
                values, over all heads; no projections.
    scores      How many scores B sequences with H heads have.
    conv2d      Mult-adds of nn.Conv2d for one sample, K x K taps, no bias.
    doubling    How many scores L tokens have in one head, and how many 2 L tokens have.
    comparison  Mult-adds of nn.Conv1d from C to C channels, K taps, L_conv positions, no bias;
                those of attention for L_seq and d; the larger over the smaller, unless equal.

Medium, 20 minutes. Try one alone: python FILE scores
Paper: table 1 of https://arxiv.org/abs/1706.03762
"""


def attention_time_complexity(L: int, d_model: int) -> str:
    raise NotImplementedError("attention_time_complexity")


def attention_space_complexity(B: int, H: int, L: int) -> str:
    raise NotImplementedError("attention_space_complexity")


def conv2d_time_complexity_per_layer(C_in: int, C_out: int, K: int, H_out: int, W_out: int) -> str:
    raise NotImplementedError("conv2d_time_complexity_per_layer")


def why_attention_is_expensive(L: int) -> str:
    raise NotImplementedError("why_attention_is_expensive")


def conv_vs_attention_compute(L_conv: int, C: int, K: int, L_seq: int, d: int) -> str:
    raise NotImplementedError("conv_vs_attention_compute")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    text = attention_time_complexity(10, 3)  # each product: 10 x 10 pairs of 3 features
    assert "O(" in text and "600" in text, text

    text = attention_space_complexity(2, 4, 10)
    assert "800" in text, text

    text = conv_vs_attention_compute(5, 4, 3, 10, 3)  # 240 and 600
    assert "2.5" in text, text


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
