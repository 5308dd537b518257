"""A transformer block on paper: its shapes, its parameters, and what attention costs.

Shapes catch most bugs before the first run, and "how large is this model?" is asked in every
interview. Every number is that of torch's own layer with the same arguments.

    B, L, d_model      sequences, tokens in each, features of a token
    H or num_heads     heads; d_ff: features between the two layers of the feed-forward net

    embedding_shape                   token ids (B, L) after nn.Embedding
    mha_qkv_shapes_after_projection   a tuple of three shapes: Q, K, V before heads are split off
    mha_attention_scores_shape        one score for each head, query and key, axes in this order
    mha_output_shape                  after the output projection
    mha_num_params                    nn.MultiheadAttention(d_model, num_heads, bias=bias)
    ffn_num_params                    nn.Linear d_model -> d_ff and back, both with that bias
    encoder_block_num_params          nn.TransformerEncoderLayer(d_model, num_heads, d_ff,
                                      bias=bias): attention, feed-forward net, two nn.LayerNorm;
                                      without bias its norms have none either
    attention_flops                   mult-adds of self-attention's two matrix products, queries by
                                      keys and weights by values, for all B sequences, all heads
                                      together; no projections. A multiply with its add is 1
                                      (torch.utils.flop_counter says 2)

Shapes are plain tuples. All numbers are of Python's int, exact at any size, 10**20 too. All sizes
are at least 1; a num_heads below 1 or no divisor of d_model: ValueError with both in its message.
Ask yourself: what does a larger num_heads change? Paper: section 3, https://arxiv.org/abs/1706.03762
"""

import re

import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

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


def check(
    embedding_shape,
    mha_qkv_shapes_after_projection,
    mha_attention_scores_shape,
    mha_output_shape,
    mha_num_params,
    ffn_num_params,
    encoder_block_num_params,
    attention_flops,
):
    check_shapes(
        embedding_shape,
        mha_qkv_shapes_after_projection,
        mha_attention_scores_shape,
        mha_output_shape,
    )
    check_params(mha_num_params, ffn_num_params, encoder_block_num_params)
    check_flops(attention_flops)


def check_shapes(embedding_shape, qkv_shapes, scores_shape, output_shape):
    for B, L, d_model, H, _ in configurations():
        ids = torch.empty(B, L, dtype=torch.int64, device="meta")
        x = nn.Embedding(100, d_model, device="meta")(ids)
        gives(tuple(x.shape), "embedding_shape", embedding_shape, B, L, d_model)
        mha = nn.MultiheadAttention(d_model, H, batch_first=True, device="meta")
        qkv = linear(x, mha.in_proj_weight, mha.in_proj_bias).chunk(3, dim=-1)
        want = tuple(tuple(part.shape) for part in qkv)
        gives(want, "mha_qkv_shapes_after_projection", qkv_shapes, B, L, d_model)
        out, weights = mha(x, x, x, average_attn_weights=False)
        gives(tuple(weights.shape), "mha_attention_scores_shape", scores_shape, B, H, L)
        gives(tuple(out.shape), "mha_output_shape", output_shape, B, L, d_model)
    n = 10**20 + 1
    gives((n, n, n), "embedding_shape", embedding_shape, n, n, n)
    gives(((n, n, n),) * 3, "mha_qkv_shapes_after_projection", qkv_shapes, n, n, n)
    gives((n, n, n, n), "mha_attention_scores_shape", scores_shape, n, n, n)
    gives((n, n, n), "mha_output_shape", output_shape, n, n, n)


def check_params(mha_num_params, ffn_num_params, encoder_block_num_params):
    mha, ffn = ("mha_num_params", mha_num_params), ("ffn_num_params", ffn_num_params)
    block = ("encoder_block_num_params", encoder_block_num_params)
    for kwargs in ({}, {"bias": True}, {"bias": False}):
        for _, _, d_model, H, d_ff in configurations():
            real = nn.MultiheadAttention(d_model, H, **kwargs, device="meta")
            gives(count(real), *mha, d_model, H, **kwargs)
            real = nn.TransformerEncoderLayer(d_model, H, d_ff, **kwargs, device="meta")
            gives(count(real.linear1) + count(real.linear2), *ffn, d_model, d_ff, **kwargs)
            gives(count(real), *block, d_model, H, d_ff, **kwargs)
    gives(16, *mha, 2, 1, False)  # bias by its place
    gives(12, *ffn, 2, 3, False)
    gives(32, *block, 2, 1, 3, False)
    n = 10**20 + 10  # not exact as a float
    gives(4 * n * n + 4 * n, *mha, n, 10)
    gives(3 * n + 1, *ffn, 1, n)
    gives(4 * n * n + 11 * n + 1, *block, n, 10, 1)

    for d_model, H in ((12, 5), (5, 12), (12, 0), (12, -3)):
        for kwargs in ({}, {"bias": False}):
            refuses(*mha, d_model, H, **kwargs)
            refuses(*block, d_model, H, 7, **kwargs)


def check_flops(attention_flops):
    for B, L, d_model, H, _ in configurations():
        q, k, v = torch.empty(3, B, H, L, d_model // H, device="meta")
        with FlopCounterMode(display=False) as counter:
            scaled_dot_product_attention(q, k, v)
        want = counter.get_total_flops() // 2
        gives(want, "attention_flops", attention_flops, B, L, d_model)
    n = 10**20 + 1
    for sizes, want in (((1, 1, n), 2 * n), ((1, n, 1), 2 * n * n), ((n, 1, 1), 2 * n)):
        gives(want, "attention_flops", attention_flops, *sizes)


def configurations():
    """Sizes, no two of a block's alike: B, L, d_model, heads, d_ff."""
    yield from ((4, 5, 11, 1, 21), (8, 1, 57, 3, 7), (6, 2, 87, 3, 1), (4, 6, 16, 2, 32))
    yield from ((1, 3, 210, 6, 39), (3, 5, 48, 8, 40), (8, 2, 40, 4, 42), (3, 7, 2, 1, 37))


def count(layer):
    return sum(p.numel() for p in layer.parameters())


def written(name, args, kwargs):
    return f"{name}({', '.join([*map(repr, args), *(f'{k}={v!r}' for k, v in kwargs.items())])})"


def gives(want, name, function, *args, **kwargs):
    call = written(name, args, kwargs)
    try:
        got = function(*args, **kwargs)
    except (ValueError, TypeError) as error:  # TypeError: torch, beyond 64 bits
        kind = type(error).__name__
        raise AssertionError(f"{call}: {kind}: {error}; want {want}") from error
    kind = type(got).__name__
    assert typed(got) == typed(want), f"{call} is {got!r}, {kind}; want {want}, of Python ints"


def typed(value):
    """The value with its types, so that 5 is neither 5.0 nor np.int64(5)."""
    return [typed(v) for v in value] if type(value) is tuple else (type(value), value)


def refuses(name, function, d_model, num_heads, *args, **kwargs):
    call = written(name, (d_model, num_heads, *args), kwargs)
    why = f"ValueError: {d_model} features for {num_heads} heads"
    try:
        got = function(d_model, num_heads, *args, **kwargs)
    except ValueError as error:
        there = re.findall(r"(?<!\d)-?\d+", str(error))
        missing = [n for n in (d_model, num_heads) if str(n) not in there]
        assert not missing, f"{call}: the message is {str(error)!r}, want {missing} in it"
        return
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(f"{call}: {error!r}; want {why}") from error
    raise AssertionError(f"{call} is {got!r}; want {why}")


if __name__ == "__main__":
    try:
        check(
            embedding_shape,
            mha_qkv_shapes_after_projection,
            mha_attention_scores_shape,
            mha_output_shape,
            mha_num_params,
            ffn_num_params,
            encoder_block_num_params,
            attention_flops,
        )
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_02_transformer_computation.py")
