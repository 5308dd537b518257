"""What challenge_02_transformer_computation.py requires.

Counts are held against the layers; shapes, and what no layer can be large enough for, are literals.
"""

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

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
# B, L, d_model, heads, d_ff: pairwise different
SIZES = ((4, 5, 12, 2, 7), (6, 2, 87, 3, 1), (8, 1, 40, 4, 42), (3, 7, 2, 1, 37))


def embedding(embedding_shape):
    for B, L, d_model, _, _ in SIZES:
        Asked(NAMES[0], embedding_shape).gives((B, L, d_model), B, L, d_model)


def qkv(mha_qkv_shapes_after_projection):
    for B, L, d_model, _, _ in SIZES:
        asked = Asked(NAMES[1], mha_qkv_shapes_after_projection)
        asked.gives(((B, L, d_model),) * 3, B, L, d_model)


def scores(mha_attention_scores_shape):
    for B, L, _, heads, _ in SIZES:
        Asked(NAMES[2], mha_attention_scores_shape).gives((B, heads, L, L), B, heads, L)


def output(mha_output_shape):
    for B, L, d_model, _, _ in SIZES:
        Asked(NAMES[3], mha_output_shape).gives((B, L, d_model), B, L, d_model)


def mha(mha_num_params):
    asked = Asked(NAMES[4], mha_num_params)
    for _, _, d_model, heads, _ in SIZES:
        for bias in ((), (True,), (False,)):
            layer = nn.MultiheadAttention(d_model, heads, 0.0, *bias, device="meta")
            asked.gives(count(layer), d_model, heads, *bias)


def ffn(ffn_num_params):
    asked = Asked(NAMES[5], ffn_num_params)
    for _, _, d_model, _, d_ff in SIZES:
        for bias in ((), (True,), (False,)):
            up = nn.Linear(d_model, d_ff, *bias, device="meta")
            down = nn.Linear(d_ff, d_model, *bias, device="meta")
            asked.gives(count(up, down), d_model, d_ff, *bias)


def block(encoder_block_num_params):
    for kwargs in ({}, {"bias": True}):
        blocks_give(encoder_block_num_params, **kwargs)


def flops(attention_flops):
    asked = Asked(NAMES[7], attention_flops)
    for B, L, d_model, heads, _ in SIZES:
        q, k, v = torch.empty(3, B, heads, L, d_model // heads, device="meta")
        asked.gives(mult_adds(scaled_dot_product_attention, q, k, v)[1], B, L, d_model)


def no_bias(encoder_block_num_params):
    blocks_give(encoder_block_num_params, bias=False)


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


def blocks_give(function, **kwargs):
    for _, _, d_model, heads, d_ff in SIZES:
        layer = nn.TransformerEncoderLayer(d_model, heads, d_ff, **kwargs, device="meta")
        Asked(NAMES[6], function).gives(count(layer), d_model, heads, d_ff, **kwargs)
