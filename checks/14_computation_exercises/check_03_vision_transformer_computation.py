"""What challenge_03_vision_transformer_computation.py requires.

The core is compared with real layers, of ints that divide. A tuple is compared with what the answer
itself gives for its grid of patches, as an image of patches of 1, so that it fails by itself.
"""

import random
from functools import cache
from math import prod

import torch
from torch import nn

from checks.sums import Asked, asks, count, heads_refused, one_other

PATCHES = ("vit2d_num_patches", "vit3d_num_patches")
SEQUENCE = ("vit2d_sequence_length", "vit3d_sequence_length")
TOKENS = ("vit2d_patch_embed_output_shape", "vit3d_patch_embed_output_shape")
EMBEDDING = ("vit2d_patch_embed_num_params", "vit3d_patch_embed_num_params")
ENCODER = "vit2d_encoder_params"
SIZES = (20, 28, 36)


def patches(vit2d_num_patches, vit3d_num_patches):
    for n, asked in both(PATCHES, vit2d_num_patches, vit3d_num_patches):
        for _, _, sizes, side, (_, many, _) in images(n):
            asked.gives(many, *sizes, side)


def sequence(vit2d_sequence_length, vit3d_sequence_length):
    for n, asked in both(SEQUENCE, vit2d_sequence_length, vit3d_sequence_length):
        for _, _, sizes, side, (_, many, _) in images(n):
            asked.gives(many + 1, *sizes, side)


def tokens(vit2d_patch_embed_output_shape, vit3d_patch_embed_output_shape):
    pair = vit2d_patch_embed_output_shape, vit3d_patch_embed_output_shape
    for n, asked in both(TOKENS, *pair):
        for B, layer, sizes, side, shape in images(n):
            asked.gives(shape, B, layer.in_channels, *sizes, side, layer.out_channels)


def embedding(vit2d_patch_embed_num_params, vit3d_patch_embed_num_params):
    pair = vit2d_patch_embed_num_params, vit3d_patch_embed_num_params
    for n, asked in both(EMBEDDING, *pair):
        for _, layer, _, side, _ in images(n):
            sizes = layer.in_channels, layer.out_channels, side
            asked.gives(count(layer), *sizes)
            asked.gives(layer.weight.numel(), *sizes, False)


def encoder(vit2d_encoder_params):
    asked, rng = Asked(ENCODER, vit2d_encoder_params), random.Random(0)
    asked.gives(2 * 49 + 100, 2, 2, 1, 3, 100)
    for _ in range(4):
        layers, heads = rng.sample(range(1, 6), 2)
        per_head, d_ff = rng.sample(range(1, 40), 2)
        d_model, embed = heads * per_head, rng.randint(100, 1000)
        layer = nn.TransformerEncoderLayer(d_model, heads, d_ff, device="meta")
        stack = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        asked.gives(embed + count(stack), layers, d_model, heads, d_ff, embed)


@asks(*PATCHES, *SEQUENCE, *TOKENS, *EMBEDDING)
def tuples(*asked):
    for n, patches, sequence, tokens, embedding in by_dims(asked):
        grid = (2, 3, 7)[:n]
        for patch in ((5, 2, 4)[:n], (1, 6, 3)[:n], (2,) * n):
            sizes = [p * times for p, times in zip(patch, grid, strict=True)]
            patches.gives(patches.own(*grid, 1), *sizes, patch)
            sequence.gives(sequence.own(*grid, 1), *sizes, patch)
            tokens.gives(tokens.own(2, 3, *grid, 1, 8), 2, 3, *sizes, patch, 8)
            embedding.gives(embedding.own(3, 8, 1, False) * prod(patch), 3, 8, patch, False)
        for many in (n + 1, n - 1):
            why, patch = f"patch_size of {many} ints in {n}d", (4,) * many
            all_refuse((patches, sequence, tokens), why, [], SIZES[:n], patch)
            embedding.refuses(why, [], 3, 8, patch)


@asks(*PATCHES, *SEQUENCE, *TOKENS)
def divides(*asked):
    for n, *functions in by_dims(asked):
        for i, size in enumerate(SIZES[:n]):
            for bad in (2, 10):  # 2 times 8 is a multiple of 4 times 4
                sizes = [bad if j == i else 8 for j in range(n)]
                all_refuse(functions, f"4 does not divide {bad}", [bad, 4], sizes, 4)
            for bad in (8, size + 1, 2 * size):
                patch, why = one_other(bad, n, 4)[i], f"{bad} does not divide {size}"
                all_refuse(functions, why, [size, bad], SIZES[:n], patch)


@asks(*PATCHES, *SEQUENCE, *TOKENS, *EMBEDDING)
def values(*asked):
    for n, *functions, embedding in by_dims(asked):
        for bad in (0, -4):
            for patch in (bad, *one_other(bad, n, 4)):
                all_refuse(functions, "patch_size is below 1", [bad], SIZES[:n], patch)
                embedding.refuses("patch_size is below 1", [bad], 3, 8, patch)


def heads(vit2d_encoder_params):
    heads_refused(Asked(ENCODER, vit2d_encoder_params), (2,), (7, 100))


@asks(*PATCHES, *SEQUENCE, *TOKENS, *EMBEDDING, ENCODER)
def exact(*asked):
    *asked, encoder = asked
    big, third, side = 3 * 10**20 + 3, 10**20 + 1, 10**10 + 1  # no float holds them
    for n, patches, sequence, tokens, embedding in by_dims(asked):
        ones = (1,) * (n - 1)
        more, class_token = patches.own(*ones, 1, 1) - 1, sequence.own(*ones, 1, 1) - 1
        patches.gives_exactly(2**n + more, *[8] * n, (4,) * n)
        patches.gives_exactly(side**n + more, *[side] * n, 1)
        sequence.gives_exactly(third + class_token, *ones, big, (*ones, 3))
        tokens.gives_exactly(tokens.own(2, 3, *[2] * n, 1, 5), 2, 3, *[8] * n, 4, 5)
        tokens.gives_exactly((1, third, 1), 1, 1, *ones, big, (*ones, 3), 1)
        embedding.gives_exactly(2 * 3 * 4**n, 2, 3, (4,) * n, False)
        embedding.gives_exactly(side**n, 1, 1, side, False)
        embedding.gives_exactly(embedding.own(1, 1, 1) * big, 1, big, 1)
    one, two, three = (encoder.own(1, d_model, 1, 1, 1) for d_model in (1, 2, 3))
    square = (three - 2 * two + one) * ((big - 1) * (big - 2) // 2)
    encoder.gives_exactly(one + (two - one) * (big - 1) + square, 1, big, 1, 1, 1)
    for i in (0, 3, 4):  # it grows as a line
        step = encoder.own(*one_other(2, 5, 1)[i]) - one
        encoder.gives_exactly(one + step * (big - 1), *one_other(big, 5, 1)[i])


CORE = (patches, sequence, tokens, embedding, encoder)
EDGES = (tuples, divides, values, heads, exact)


def by_dims(asked):
    """The functions for 2 and for 3 dims, one of each kind."""
    return zip((2, 3), *zip(asked[::2], asked[1::2], strict=True), strict=True)


def all_refuse(functions, why, named, sizes, patch):
    """The number of patches, the sequence's length and the tokens' shape."""
    patches, sequence, tokens = functions
    patches.refuses(why, named, *sizes, patch)
    sequence.refuses(why, named, *sizes, patch)
    tokens.refuses(why, named, 2, 3, *sizes, patch, 8)


@cache
def images(n):
    """Batches: B, the patch embedding, the input's sizes, the patch's side, the tokens' shape."""
    rng, found = random.Random(n), []
    for i in range(10):
        B, C, d_model = rng.sample(range(1, 12), 3) if i else (2, 3, 5)
        side = rng.randint(1, 8) if i else 4
        sizes = [side * times for times in (rng.sample(range(1, 8), n) if i else (2, 3, 5)[:n])]
        conv = (nn.Conv2d, nn.Conv3d)[n - 2]
        layer = conv(C, d_model, side, stride=side, device="meta")
        out = layer(torch.empty(B, C, *sizes, device="meta")).flatten(2)
        found.append((B, layer, sizes, side, tuple(out.mT.shape)))
    return found


def both(names, *functions):
    """The functions for 2 and for 3 dims, under their names."""
    return enumerate(map(Asked, names, functions), 2)
