"""What challenge_02_transformer_computation.py requires.

Each function is held against the layer it speaks of; where none can be that large, a literal.
"""

from functools import cache

import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention

from checks.sums import Asked, asks, count, heads_refused, mult_adds

NAMES = (
    "embedding_shape",
    "mha_qkv_shapes_after_projection",
    "mha_attention_scores_shape",
    "mha_output_shape",
    "mha_num_params",
    "ffn_num_params",
    "encoder_block_num_params",
    "attention_flops",
)
SIZES = (  # B, L, d_model, heads, d_ff: pairwise different
    *((4, 5, 12, 2, 7), (8, 1, 57, 3, 7), (6, 2, 87, 3, 1), (4, 6, 16, 2, 32)),
    *((1, 3, 210, 6, 39), (3, 5, 48, 8, 40), (8, 2, 40, 4, 42), (3, 7, 2, 1, 37)),
)


def embedding(embedding_shape):
    asked = Asked(NAMES[0], embedding_shape)
    for B, L, d_model, _, _ in SIZES:
        ids = torch.empty(B, L, dtype=torch.int64, device="meta")
        x = nn.Embedding(100, d_model, device="meta")(ids)
        asked.gives(tuple(x.shape), B, L, d_model)


def qkv(mha_qkv_shapes_after_projection):
    asked = Asked(NAMES[1], mha_qkv_shapes_after_projection)
    for B, L, d_model, heads, _ in SIZES:
        mha = nn.MultiheadAttention(d_model, heads, device="meta")
        x = torch.empty(B, L, d_model, device="meta")
        parts = linear(x, mha.in_proj_weight, mha.in_proj_bias).chunk(3, dim=-1)
        asked.gives(tuple(tuple(part.shape) for part in parts), B, L, d_model)


def scores(mha_attention_scores_shape):
    asked = Asked(NAMES[2], mha_attention_scores_shape)
    for (B, L, _, heads, _), (_, weights) in zip(SIZES, attended(), strict=True):
        asked.gives(tuple(weights.shape), B, heads, L)


def output(mha_output_shape):
    asked = Asked(NAMES[3], mha_output_shape)
    for (B, L, d_model, _, _), (out, _) in zip(SIZES, attended(), strict=True):
        asked.gives(tuple(out.shape), B, L, d_model)


def mha(mha_num_params):
    asked = Asked(NAMES[4], mha_num_params)
    for _, _, d_model, heads, _ in SIZES:
        for kwargs in ({}, {"bias": True}, {"bias": False}):
            layer = nn.MultiheadAttention(d_model, heads, **kwargs, device="meta")
            asked.gives(count(layer), d_model, heads, **kwargs)
    asked.gives(16, 2, 1, False)  # bias by its place


def ffn(ffn_num_params):
    asked = Asked(NAMES[5], ffn_num_params)
    for _, _, d_model, _, d_ff in SIZES:
        for kwargs in ({}, {"bias": True}, {"bias": False}):
            up = nn.Linear(d_model, d_ff, **kwargs, device="meta")
            down = nn.Linear(d_ff, d_model, **kwargs, device="meta")
            asked.gives(count(up, down), d_model, d_ff, **kwargs)
    asked.gives(12, 2, 3, False)


def block(encoder_block_num_params):
    asked = Asked(NAMES[6], encoder_block_num_params)
    for _, _, d_model, heads, d_ff in SIZES:
        for kwargs in ({}, {"bias": True}):
            layer = nn.TransformerEncoderLayer(d_model, heads, d_ff, **kwargs, device="meta")
            asked.gives(count(layer), d_model, heads, d_ff, **kwargs)


def flops(attention_flops):
    asked = Asked(NAMES[7], attention_flops)
    for B, L, d_model, heads, _ in SIZES:
        q, k, v = torch.empty(3, B, heads, L, d_model // heads, device="meta")
        asked.gives(mult_adds(scaled_dot_product_attention, q, k, v)[1], B, L, d_model)


def no_bias(encoder_block_num_params):
    asked = Asked(NAMES[6], encoder_block_num_params)
    for _, _, d_model, heads, d_ff in SIZES:
        layer = nn.TransformerEncoderLayer(d_model, heads, d_ff, bias=False, device="meta")
        asked.gives(count(layer), d_model, heads, d_ff, bias=False)
    asked.gives(32, 2, 1, 3, False)


@asks("mha_num_params", "encoder_block_num_params")
def heads(mha, block):
    heads_refused(mha)
    heads_refused(block, (), (7,))
    heads_refused(mha, (), (False,))
    heads_refused(block, (), (7, False))


@asks(*NAMES)
def exact(embedding, qkv, scores, output, mha, ffn, block, flops):
    for n in (5, 10**20 + 1):  # the latter is not exact as a float
        embedding.gives_exactly((n, n, n), n, n, n)
        qkv.gives_exactly(((n, n, n),) * 3, n, n, n)
        scores.gives_exactly((n, n, n, n), n, n, n)
        output.gives_exactly((n, n, n), n, n, n)
    one = flops.own(1, 1, 1)
    for sizes, want in (((1, 1, n), n), ((1, n, 1), n * n), ((n, 1, 1), n)):
        flops.gives_exactly(one * want, *sizes)
    ffn.gives_exactly(3 * n + 1, 1, n, True)
    n = 10**20 + 10
    mha.gives_exactly(4 * n * n + 4 * n, n, 10, True)
    block.gives_exactly(4 * n * n + 11 * n + 1, n, 10, 1, True)


CORE = (embedding, qkv, scores, output, mha, ffn, block, flops)
EDGES = (no_bias, heads, exact)


@cache
def attended():
    """What attention gives for each of SIZES, and its weights for each head."""
    found = []
    for B, L, d_model, heads, _ in SIZES:
        mha = nn.MultiheadAttention(d_model, heads, batch_first=True, device="meta")
        x = torch.empty(B, L, d_model, device="meta")
        found.append(mha(x, x, x, average_attn_weights=False))
    return found
