"""A transformer block on paper: 12 d^2 parameters, and attention that grows with L^2.

Why it works: attention is four d x d projections, and the heads only divide their features, so
num_heads costs no parameter. With d = 512 a projection has 512 * 512 + 512 = 262,656 numbers, and
attention 1,050,624. Scores cost one mult-add for each pair of tokens and each feature, whatever the
heads, and so does the weighted sum of the values.
Say in the interview: with d_ff = 4 d a block has about 12 d^2 weights, a third in attention. Per
token, the weights cost 12 d^2 mult-adds and attention 2 L d: equal at L = 6 d, so for short
sequences the feed-forward net dominates. Scores are B H L^2 numbers: heads do cost memory.
Asked next: What does a causal mask save? Nothing here, as masked scores are computed too; a kernel
that skips them saves almost half. What changes with 2 instead of 8 heads for keys and values? Both
projections shrink to a quarter, and so does the KV cache; the score products cost the same.
Common slips: num_heads as a factor; three projections; biases or norms forgotten; the two norms
counted as one; the score product only; L for L^2; B forgotten; FLOPs at 2 a mult-add.
May be left out if you say so: biases and norms, about 13 d beside 12 d^2.
"""

Shape = tuple[int, ...]


def embedding_shape(B: int, L: int, d_model: int) -> Shape:
    """One vector a token."""
    return B, L, d_model


def mha_qkv_shapes_after_projection(B: int, L: int, d_model: int) -> tuple[Shape, Shape, Shape]:
    """Q, K and V, all heads still side by side."""
    shape = B, L, d_model
    return shape, shape, shape


def mha_attention_scores_shape(B: int, H: int, L: int) -> Shape:
    """Queries in the last axis but one, keys in the last."""
    return B, H, L, L


def mha_output_shape(B: int, L: int, d_model: int) -> Shape:
    """The shape that came in: the residual path needs it."""
    return B, L, d_model


def mha_num_params(d_model: int, num_heads: int, bias: bool = True) -> int:
    """Q, K, V and output projection. Heads that do not divide d_model: ValueError."""
    if num_heads < 1 or d_model % num_heads:
        raise ValueError(f"d_model {d_model} is not divisible by num_heads {num_heads}")
    return 4 * _linear(d_model, d_model, bias)


def ffn_num_params(d_model: int, d_ff: int, bias: bool = True) -> int:
    """Two linear layers, up and down."""
    return _linear(d_model, d_ff, bias) + _linear(d_ff, d_model, bias)


def encoder_block_num_params(d_model: int, num_heads: int, d_ff: int, bias: bool = True) -> int:
    """Attention, feed-forward net and two norms. Heads that do not divide d_model: ValueError."""
    norm = d_model + (d_model if bias else 0)  # scale and shift
    return mha_num_params(d_model, num_heads, bias) + ffn_num_params(d_model, d_ff, bias) + 2 * norm


def attention_flops(B: int, L: int, d_model: int) -> int:
    """Mult-adds of queries by keys and of weights by values, all heads together."""
    scores = B * L * L * d_model
    return scores + scores  # the second product has as many


def _linear(n_in: int, n_out: int, bias: bool) -> int:
    return n_in * n_out + (n_out if bias else 0)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
