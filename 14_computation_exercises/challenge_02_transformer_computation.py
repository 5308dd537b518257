"""A transformer block on paper: its shapes, its parameters, and what attention costs.

Every number is that of torch's own layer with the same arguments.

    B, L, d_model            sequences, tokens in each, features of a token, all at least 1
    H or num_heads           heads of softmax(Q K^T / sqrt(d_model / H)) V
    d_ff                     features inside the feed-forward net
    ..._shape                a tuple
    ..._num_params, _flops   an int

Core, what an interview asks:

    embedding  Token ids (B, L) after nn.Embedding.
    qkv        A tuple of three shapes: Q, K, V before heads are split off.
    scores     One for each sequence, head, query and key, axes in this order.
    output     After the output projection.
    mha        nn.MultiheadAttention(d_model, num_heads, bias=bias).
    ffn        nn.Linear from d_model to d_ff and back, both with bias=bias.
    block      nn.TransformerEncoderLayer(d_model, num_heads, d_ff): attention, feed-forward net and
               two nn.LayerNorm.
    flops      Mult-adds of attention's two matrix products, for all sequences and heads. A multiply
               with its add is 1; torch.utils.flop_counter says 2.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    no_bias    The block with bias=False; its norms then have none either.
    heads      num_heads below 1 or no divisor of d_model: mha_num_params and
               encoder_block_num_params raise ValueError with both.
    exact      Python's own ints and tuples, exact even at 10**20.

Medium, 20 minutes. Try one alone: python FILE mha
Paper: Attention Is All You Need, section 3, https://arxiv.org/abs/1706.03762
"""

Shape = tuple[int, ...]


def embedding_shape(B: int, L: int, d_model: int) -> Shape:
    raise NotImplementedError("embedding_shape")


def mha_qkv_shapes_after_projection(B: int, L: int, d_model: int) -> tuple[Shape, Shape, Shape]:
    raise NotImplementedError("mha_qkv_shapes_after_projection")


def mha_attention_scores_shape(B: int, H: int, L: int) -> Shape:
    raise NotImplementedError("mha_attention_scores_shape")


def mha_output_shape(B: int, L: int, d_model: int) -> Shape:
    raise NotImplementedError("mha_output_shape")


def mha_num_params(d_model: int, num_heads: int, bias: bool = True) -> int:
    raise NotImplementedError("mha_num_params")


def ffn_num_params(d_model: int, d_ff: int, bias: bool = True) -> int:
    raise NotImplementedError("ffn_num_params")


def encoder_block_num_params(d_model: int, num_heads: int, d_ff: int, bias: bool = True) -> int:
    raise NotImplementedError("encoder_block_num_params")


def attention_flops(B: int, L: int, d_model: int) -> int:
    raise NotImplementedError("attention_flops")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    scores = mha_attention_scores_shape(B=5, H=2, L=3)
    assert scores == (5, 2, 3, 3), scores

    params = ffn_num_params(2, 3)  # d_model 2, d_ff 3
    assert params == 17, params

    flops = attention_flops(B=1, L=3, d_model=2)
    assert flops == 36, flops


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
