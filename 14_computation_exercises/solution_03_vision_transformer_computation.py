"""Vision transformers on paper: the patch decides the sequence, and so the cost of attention.

Why it works: a convolution whose stride is its kernel sees each pixel once, so it is one linear
layer applied to every patch. It has patch * C weights a feature, and the image's size does not
appear in them: 16 * 16 * 3 = 768 a feature, and with 768 features and biases 590,592. A video only
adds a dim to the patch.
Say in the interview: ViT-B/16 at 224 x 224 is 196 patches, 197 tokens, 86 million parameters, 85 of
them in the blocks. Half the patch's side: 4 times the tokens (8 times for a tubelet), 16 (64) times
the scores.
Asked next: What does a larger image change? No weight, but more tokens; only the position embedding
has to be resized. Why are sizes refused that the patch does not divide? The convolution would drop
the border without a word; pad or resize the image instead.
Common slips: the class token forgotten or counted as a patch; H * W // p for both dims; rounding
where torch would drop the border; p * p in 3d; norms or biases of the blocks forgotten; the patch
embedding multiplied by the layers.
May be left out if you say so: the checks of arguments; biases and norms, about 13 d of a block.
"""

from math import prod

Size = int | tuple[int, ...]


def vit2d_num_patches(H: int, W: int, patch_size: Size) -> int:
    """Patches of one image. A patch that does not divide it: ValueError."""
    return _num_patches((H, W), patch_size)


def vit2d_sequence_length(H: int, W: int, patch_size: Size) -> int:
    """Patches and the class token."""
    return vit2d_num_patches(H, W, patch_size) + 1


def vit2d_patch_embed_output_shape(
    B: int, C: int, H: int, W: int, patch_size: Size, d_model: int
) -> tuple[int, int, int]:
    """(B, patches, d_model): C is gone."""
    return B, vit2d_num_patches(H, W, patch_size), d_model


def vit2d_patch_embed_num_params(C: int, d_model: int, patch_size: Size, bias: bool = True) -> int:
    """One linear layer from a patch's pixels to d_model features."""
    return _embed_params(2, C, d_model, patch_size, bias)


def vit3d_num_patches(T: int, H: int, W: int, patch_size: Size) -> int:
    """Tubelets of one video. A patch that does not divide it: ValueError."""
    return _num_patches((T, H, W), patch_size)


def vit3d_sequence_length(T: int, H: int, W: int, patch_size: Size) -> int:
    """Tubelets and the class token."""
    return vit3d_num_patches(T, H, W, patch_size) + 1


def vit3d_patch_embed_output_shape(
    B: int, C: int, T: int, H: int, W: int, patch_size: Size, d_model: int
) -> tuple[int, int, int]:
    """(B, tubelets, d_model): C is gone, and T has no axis of its own."""
    return B, vit3d_num_patches(T, H, W, patch_size), d_model


def vit3d_patch_embed_num_params(C: int, d_model: int, patch_size: Size, bias: bool = True) -> int:
    """One linear layer from a tubelet's pixels to d_model features."""
    return _embed_params(3, C, d_model, patch_size, bias)


def vit2d_encoder_params(
    num_layers: int, d_model: int, num_heads: int, d_ff: int, patch_embed_params: int
) -> int:
    """Patch embedding and blocks. Heads that do not divide d_model: ValueError."""
    if num_heads < 1 or d_model % num_heads:
        raise ValueError(f"d_model {d_model} is not divisible by num_heads {num_heads}")
    attention = 4 * (d_model + 1) * d_model
    feed_forward = (d_model + 1) * d_ff + (d_ff + 1) * d_model
    norms = 4 * d_model  # two, each with scale and shift
    return patch_embed_params + num_layers * (attention + feed_forward + norms)


def _num_patches(sizes: tuple[int, ...], patch_size: Size) -> int:
    patch = _per_dim(patch_size, len(sizes))
    if any(size % p for size, p in zip(sizes, patch, strict=True)):
        raise ValueError(f"patch {patch} does not divide {sizes}")
    return prod(sizes) // prod(patch)


def _embed_params(n: int, C: int, d_model: int, patch_size: Size, bias: bool) -> int:
    return (C * prod(_per_dim(patch_size, n)) + (1 if bias else 0)) * d_model


def _per_dim(patch_size: Size, n: int) -> tuple[int, ...]:
    """One int for each of the n dims. Below 1, or not n of them: ValueError."""
    patch = patch_size if isinstance(patch_size, tuple) else (patch_size,) * n
    if len(patch) != n or min(patch) < 1:
        raise ValueError(f"patch_size is {patch_size}, want an int >= 1 or a tuple of {n} of them")
    return patch


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
