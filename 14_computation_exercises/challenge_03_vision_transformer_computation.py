"""Vision transformers on paper: images and videos as tokens, and what the encoder holds.

A ViT cuts its input into patches that do not overlap and treats each one as a token. How many there
are decides everything else, as attention grows with the square of the sequence.

    C, T, H, W     channels, frames, height, width of each of B inputs: 2d (B, C, H, W), an image;
                   3d (B, C, T, H, W), a video, cut into boxes of frames ("tubelets")
    patch_size     an int for all dims, or a tuple with one int a dim: (h, w); 3d (t, h, w)

    ..._num_patches                an int; of one input
    ..._sequence_length            an int; the patches and one class token
    ..._patch_embed_output_shape   a tuple, with three axes in 3d too: inputs, patches, features,
                                   before the class token is added
    ..._patch_embed_num_params     an int; nn.Conv2d or nn.Conv3d from C to d_model features, whose
                                   kernel and stride are the patch
    vit2d_encoder_params           an int; num_layers of nn.TransformerEncoderLayer(d_model,
                                   num_heads, d_ff), with biases, and the patch_embed_params given.
                                   No class token, position embedding, last norm or classifier

Results are of Python's int, exact at any size, 10**20 too. Sizes and num_layers are at least 1.
Each function raises ValueError, with the numbers named here in its message, for: a patch_size below
1 (the number); one with too few or too many ints (any message); a size that its patch does not
divide (both); num_heads below 1 or not a divisor of d_model (both).
Ask yourself: what happens to the attention's cost when the patch's side is halved?
Papers: ViT, section 3.1, https://arxiv.org/abs/2010.11929; ViViT, https://arxiv.org/abs/2103.15691
"""

import random
import re

import torch
from torch import nn

Size = int | tuple[int, ...]


def vit2d_num_patches(H: int, W: int, patch_size: Size) -> int:
    raise NotImplementedError("vit2d_num_patches")


def vit2d_sequence_length(H: int, W: int, patch_size: Size) -> int:
    raise NotImplementedError("vit2d_sequence_length")


def vit2d_patch_embed_output_shape(
    B: int, C: int, H: int, W: int, patch_size: Size, d_model: int
) -> tuple[int, int, int]:
    raise NotImplementedError("vit2d_patch_embed_output_shape")


def vit2d_patch_embed_num_params(C: int, d_model: int, patch_size: Size, bias: bool = True) -> int:
    raise NotImplementedError("vit2d_patch_embed_num_params")


def vit3d_num_patches(T: int, H: int, W: int, patch_size: Size) -> int:
    raise NotImplementedError("vit3d_num_patches")


def vit3d_sequence_length(T: int, H: int, W: int, patch_size: Size) -> int:
    raise NotImplementedError("vit3d_sequence_length")


def vit3d_patch_embed_output_shape(
    B: int, C: int, T: int, H: int, W: int, patch_size: Size, d_model: int
) -> tuple[int, int, int]:
    raise NotImplementedError("vit3d_patch_embed_output_shape")


def vit3d_patch_embed_num_params(C: int, d_model: int, patch_size: Size, bias: bool = True) -> int:
    raise NotImplementedError("vit3d_patch_embed_num_params")


def vit2d_encoder_params(
    num_layers: int, d_model: int, num_heads: int, d_ff: int, patch_embed_params: int
) -> int:
    raise NotImplementedError("vit2d_encoder_params")


def check(
    vit2d_num_patches,
    vit2d_sequence_length,
    vit2d_patch_embed_output_shape,
    vit2d_patch_embed_num_params,
    vit3d_num_patches,
    vit3d_sequence_length,
    vit3d_patch_embed_output_shape,
    vit3d_patch_embed_num_params,
    vit2d_encoder_params,
):
    two = (vit2d_num_patches, vit2d_sequence_length)
    two += (vit2d_patch_embed_output_shape, vit2d_patch_embed_num_params)
    three = (vit3d_num_patches, vit3d_sequence_length)
    three += (vit3d_patch_embed_output_shape, vit3d_patch_embed_num_params)
    check_patches(2, nn.Conv2d, *two)
    check_patches(3, nn.Conv3d, *three)
    check_encoder(Asked("vit2d_encoder_params", vit2d_encoder_params))


def check_patches(n, conv, num_patches, sequence_length, output_shape, num_params):
    """The four functions of one kind of input, which has n dims."""
    num_patches = Asked(f"vit{n}d_num_patches", num_patches)
    sequence_length = Asked(f"vit{n}d_sequence_length", sequence_length)
    output_shape = Asked(f"vit{n}d_patch_embed_output_shape", output_shape)
    num_params = Asked(f"vit{n}d_patch_embed_num_params", num_params)
    for B, C, d_model, sizes, patch in inputs(n):
        layer = conv(C, d_model, patch, stride=patch, device="meta")
        with torch.device("meta"):  # which knows shapes and holds no numbers
            tokens = layer(torch.empty(B, C, *sizes)).flatten(2).transpose(1, 2)
            sequence = torch.cat([torch.empty(B, 1, d_model), tokens], dim=1)
        num_patches.gives(tokens.shape[1], *sizes, patch)
        sequence_length.gives(sequence.shape[1], *sizes, patch)
        output_shape.gives(tuple(tokens.shape), B, C, *sizes, patch, d_model)
        for kwargs in ({}, {"bias": True}, {"bias": False}):
            layer = conv(C, d_model, patch, stride=patch, **kwargs, device="meta")
            num_params.gives(count(layer), C, d_model, patch, **kwargs)
    num_params.gives(6 * 4**n, 2, 3, 4, False)  # bias by its place

    ones = (1,) * (n - 1)
    big, third = 3 * 10**20 + 3, 10**20 + 1
    num_patches.gives(third, *ones, big, (*ones, 3))
    sequence_length.gives(third + 1, *ones, big, (*ones, 3))
    output_shape.gives((1, third, 1), 1, 1, *ones, big, (*ones, 3), 1)
    num_params.gives(big + 1, big, 1, 1)
    num_params.gives(2 * big, 1, big, 1)
    side = 10**10 + 1
    num_patches.gives(side**n, *[side] * n, 1)
    num_params.gives(side**n, 1, 1, side, False)

    sizes = (20, 28, 36)[:n]
    by_size = [(num_patches, (), ()), (sequence_length, (), ()), (output_shape, (2, 3), (8,))]
    for asked, before, after in by_size:
        for i, size in enumerate(sizes):
            for bad in (8, size + 1, 2 * size):
                patch, why = one_bad(bad, n)[i], f"{bad} does not divide {size}"
                asked.refuses(why, [size, bad], *before, *sizes, patch, *after)
        asked.refuses("7 does not divide 20", [20, 7], *before, *sizes, 7, *after)
        asked.refuses("4 does not divide 2", [2, 4], *before, *(2, 8, 4)[:n], 4, *after)
    by_patch = [(asked, (*before, *sizes), after) for asked, before, after in by_size]
    for asked, before, after in (*by_patch, (num_params, (3, 8), ())):
        for bad in (0, -4):
            for patch in (bad, *one_bad(bad, n)):
                asked.refuses("patch_size is below 1", [bad], *before, patch, *after)
        for patch in ((4,) * (n - 1), (4,) * (n + 1)):
            asked.refuses(f"patch_size does not have {n} ints", (), *before, patch, *after)


def check_encoder(encoder_params):
    rng = random.Random(0)
    for _ in range(20):
        layers, H = rng.sample(range(1, 6), 2)
        per_head, d_ff = rng.sample(range(1, 40), 2)
        d_model, C, patch = H * per_head, rng.randint(1, 4), rng.randint(1, 16)
        embed = nn.Conv2d(C, d_model, patch, stride=patch, device="meta")
        layer = nn.TransformerEncoderLayer(d_model, H, d_ff, device="meta")
        encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        want = count(embed) + count(encoder)
        encoder_params.gives(want, layers, d_model, H, d_ff, count(embed))
    n = 10**20 + 10  # not exact as a float
    encoder_params.gives(4 * n * n + 11 * n + 1 + 3, 1, n, 10, 1, 3)
    encoder_params.gives(16 * n + 1, n, 1, 1, 1, 1)
    encoder_params.gives(3 * n + 13, 1, 1, 1, n, 0)
    encoder_params.gives(n + 17, 1, 1, 1, 1, n + 1)
    for d_model, H in ((12, 5), (5, 12), (12, 0), (12, -3)):
        why = f"{d_model} features for {H} heads"
        encoder_params.refuses(why, [d_model, H], 2, d_model, H, 7, 100)


def inputs(n):
    """Random inputs and patches that fit: B, C, d_model, sizes, patch_size."""
    rng = random.Random(n)
    for i in range(30):
        B, C, d_model = rng.sample(range(1, 12), 3)
        patch = rng.sample(range(1, 9), n)
        if i % 3 == 0:
            patch = patch[:1] * n
        sizes = [p * times for p, times in zip(patch, rng.sample(range(1, 8), n), strict=True)]
        yield B, C, d_model, sizes, patch[0] if i % 3 == 0 else tuple(patch)


def one_bad(bad, n):
    """n-tuples with the bad number at each place in turn."""
    return [tuple(bad if j == i else 4 for j in range(n)) for i in range(n)]


def count(layer):
    return sum(p.numel() for p in layer.parameters())


class Asked:
    """A function under its name, for messages that tell what was called."""

    def __init__(self, name, function):
        self.name, self.function = name, function

    def call(self, args, kwargs):
        given = [*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())]
        return f"{self.name}({', '.join(given)})"

    def gives(self, want, *args, **kwargs):
        call = self.call(args, kwargs)
        try:
            got = self.function(*args, **kwargs)
        except ValueError as error:
            raise AssertionError(f"{call}: ValueError: {error}; want {want}") from error
        kind = type(got).__name__
        assert typed(got) == typed(want), f"{call} is {got!r}, {kind}; want {want}, of Python ints"

    def refuses(self, why, numbers, *args):
        call = self.call(args, {})
        try:
            got = self.function(*args)
        except ValueError as error:
            there = re.findall(r"(?<!\d)-?\d+", str(error))
            missing = [n for n in numbers if str(n) not in there]
            assert not missing, f"{call}: the message is {str(error)!r}, want {missing} in it"
            return
        except NotImplementedError:
            raise
        except Exception as error:
            raise AssertionError(f"{call}: {error!r}; want ValueError: {why}") from error
        raise AssertionError(f"{call} is {got!r}; want ValueError: {why}")


def typed(value):
    """The value with its types, so that 5 is neither 5.0 nor np.int64(5)."""
    return [typed(v) for v in value] if type(value) is tuple else (type(value), value)


if __name__ == "__main__":
    try:
        check(
            vit2d_num_patches,
            vit2d_sequence_length,
            vit2d_patch_embed_output_shape,
            vit2d_patch_embed_num_params,
            vit3d_num_patches,
            vit3d_sequence_length,
            vit3d_patch_embed_output_shape,
            vit3d_patch_embed_num_params,
            vit2d_encoder_params,
        )
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_03_vision_transformer_computation.py")
