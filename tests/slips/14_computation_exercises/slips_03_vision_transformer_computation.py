"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

COUNT = "prod(sizes) // prod(patch)"
TEST = "if any(size % p for size, p in zip(sizes, patch, strict=True)):"
REFUSAL = 'f"patch {patch} does not divide {sizes}"'
IN_2D = "return vit2d_num_patches(H, W, patch_size) + 1"
IN_3D = "return vit3d_num_patches(T, H, W, patch_size) + 1"
TOKENS_2D = "return B, vit2d_num_patches(H, W, patch_size), d_model"
TOKENS_3D = "return B, vit3d_num_patches(T, H, W, patch_size), d_model"
EMBED_3D = "return _embed_params(3, C, d_model, patch_size, bias)"
VALID = "if len(patch) != n or min(patch) < 1:"
ENCODER = "return patch_embed_params + num_layers * (attention + feed_forward + norms)"
HEADS = "if num_heads < 1 or d_model % num_heads:"
HEADS_REFUSAL = 'f"d_model {d_model} is not divisible by num_heads {num_heads}"'

SLIPS = {
    "patches": {
        "the class token counted as a patch": """
def vit2d_num_patches(H, W, patch_size):
    return _num_patches((H, W), patch_size) + 1

def vit2d_sequence_length(H, W, patch_size):
    return _num_patches((H, W), patch_size) + 1

def vit2d_patch_embed_output_shape(B, C, H, W, patch_size, d_model):
    return B, _num_patches((H, W), patch_size), d_model
""",
        "only one dim cut": (COUNT, "prod(sizes) // patch[0]"),
        "patches of one row": (COUNT, "sizes[-1] // patch[-1]"),
        "patches overlap": (COUNT, "prod(s - p + 1 for s, p in zip(sizes, patch))"),
        "a float": (COUNT, "prod(sizes) / prod(patch)"),
        "only a tuple in 3d": (
            "return _num_patches((T, H, W), patch_size)",
            "t, h, w = patch_size\n    return _num_patches((T, H, W), (t, h, w))",
        ),
        "patches of each frame": (
            "return _num_patches((T, H, W), patch_size)",
            "return T * _num_patches((T, H, W), patch_size) // (\n"
            "        T // (patch_size if isinstance(patch_size, int) else patch_size[0])\n    )",
        ),
        "pixels of a patch": (COUNT, "prod(patch)"),
        "the rows and columns apart": (COUNT, "tuple(s // p for s, p in zip(sizes, patch))"),
        "a sum of rows and columns": (COUNT, "sum(s // p for s, p in zip(sizes, patch))"),
    },
    "sequence": {
        "no class token": (IN_2D, "return vit2d_num_patches(H, W, patch_size)"),
        "no class token in 3d": (IN_3D, "return vit3d_num_patches(T, H, W, patch_size)"),
        "a class token a frame": (IN_3D, "return vit3d_num_patches(T, H, W, patch_size) + T"),
        "a token for the distillation, too": (IN_2D, f"{IN_2D} + 1"),
        "the class token taken off": (IN_2D, IN_2D.replace("+ 1", "- 1")),
    },
    "tokens": {
        "channels for features": (TOKENS_2D, TOKENS_2D.replace("d_model", "C")),
        "class token in the embedding": (
            TOKENS_2D,
            "return B, vit2d_sequence_length(H, W, patch_size), d_model",
        ),
        "features before patches": (
            TOKENS_2D,
            "return B, d_model, vit2d_num_patches(H, W, patch_size)",
        ),
        "the convolution's own output": """
def vit2d_patch_embed_output_shape(B, C, H, W, patch_size, d_model):
    h, w = _per_dim(patch_size, 2)
    vit2d_num_patches(H, W, patch_size)
    return B, d_model, H // h, W // w
""",
        "a list": (TOKENS_3D, TOKENS_3D.replace("return ", "return [") + "]"),
        "frames keep their axis": (
            TOKENS_3D,
            "return B, T, vit3d_num_patches(T, H, W, patch_size) // T, d_model",
        ),
        "patches that are not embedded": (
            TOKENS_2D,
            "h, w = _per_dim(patch_size, 2)\n"
            "    return B, vit2d_num_patches(H, W, patch_size), C * h * w",
        ),
        "class token in the embedding of a video": (
            TOKENS_3D,
            "return B, vit3d_sequence_length(T, H, W, patch_size), d_model",
        ),
        "one input embedded": (TOKENS_3D, TOKENS_3D.replace("B, ", "", 1)),
        "patches before inputs": (
            TOKENS_3D,
            "return vit3d_num_patches(T, H, W, patch_size), B, d_model",
        ),
    },
    "embedding": {
        "biases never": ("+ (1 if bias else 0)) * d_model", ") * d_model"),
        "channels forgotten": ("return (C * prod(", "return (prod("),
        "one bias": ("+ (1 if bias else 0)) * d_model", ") * d_model + (1 if bias else 0)"),
        "biases always": ("+ (1 if bias else 0)) * d_model", "+ 1) * d_model"),
        "p * p in 3d": (EMBED_3D, EMBED_3D.replace("3, C", "2, C")),
        "no bias by default": """
def vit2d_patch_embed_num_params(C, d_model, patch_size, bias=False):
    return _embed_params(2, C, d_model, patch_size, bias)
""",
        "a bias for each channel": (EMBED_3D, f"{EMBED_3D} + bool(bias) * (C - d_model)"),
        "a patch's side for its area": (
            "(C * prod(_per_dim(patch_size, n))",
            "(C * _per_dim(patch_size, n)[0]",
        ),
    },
    "encoder": {
        "embedding in each layer": (
            ENCODER,
            "return num_layers * (patch_embed_params + attention + feed_forward + norms)",
        ),
        "embedding forgotten": ("return patch_embed_params + num_l", "return num_l"),
        "one layer": ("+ num_layers * (attention", "+ (attention"),
        "norms forgotten": ("(attention + feed_forward + norms)", "(attention + feed_forward)"),
        "one norm": ("norms = 4 * d_model", "norms = 2 * d_model"),
        "last norm counted": ("return patch_embed", "return 2 * d_model + patch_embed"),
        "class token counted": ("return patch_embed", "return d_model + patch_embed"),
        "no biases": ("4 * (d_model + 1) * d_model", "4 * d_model * d_model"),
        "12 d^2": ("(attention + feed_forward + norms)", "(12 * d_model**2)"),
        "heads multiply": ("attention = 4 *", "attention = num_heads * 4 *"),
        "d_ff is 4 d_model": ("    attention = 4 *", "    d_ff = 4 * d_model\n    attention = 4 *"),
        "no output projection": ("attention = 4 *", "attention = 3 *"),
        "way back forgotten": (" + (d_ff + 1) * d_model\n", "\n"),
    },
    "tuples": {
        "any length is valid": (VALID, "if min(patch) < 1:"),
        "square patches only": (COUNT, "prod(sizes) // patch[0] ** len(patch)"),
        "patch reversed": (
            "patch = patch_size if isinstance(patch_size, tuple) else",
            "patch = patch_size[::-1] if isinstance(patch_size, tuple) else",
        ),
        "ints alone": (
            "patch = patch_size if isinstance(patch_size, tuple) else (patch_size,) * n",
            "patch = (patch_size,) * n",
        ),
        "a tuple of one int holds for all dims": (
            VALID,
            "patch = patch * n if len(patch) == 1 else patch\n    " + VALID,
        ),
        "the first side for the last, too": (
            EMBED_3D,
            "if isinstance(patch_size, tuple):\n"
            "        patch_size = (*patch_size[:-1], patch_size[0])\n    " + EMBED_3D,
        ),
    },
    "divides": {
        "rest of the image dropped": ("if any(size % p for", "if False and any(size % p for"),
        "only the area has to divide": (TEST, "if prod(sizes) % prod(patch):"),
        "only the first size has to divide": (TEST, "if sizes[0] % patch[0]:"),
        "no sizes in the message": (REFUSAL, '"the image is not divisible by the patch"'),
        "an assert": (f"raise ValueError({REFUSAL})", "raise AssertionError(patch, sizes)"),
        "a patch larger than its input refused alone": (
            TEST,
            TEST.replace("size % p", "size < p"),
        ),
        "the patch alone in the message": (REFUSAL, 'f"patch {patch} does not divide the input"'),
        "frames need not divide": (
            TEST,
            TEST.replace("zip(sizes, patch", "zip(sizes[-2:], patch[-2:]"),
        ),
    },
    "values": {
        "any number is valid": (VALID, "if len(patch) != n:"),
        "zero is valid": ("min(patch) < 1", "min(patch) < 0"),
        "a dim alone validated": ("min(patch) < 1", "patch[0] < 1"),
        "the largest int validated": ("min(patch) < 1", "max(patch) < 1"),
        "negative is valid": ("min(patch) < 1", "0 in patch"),
        "values without the number": (
            'f"patch_size is {patch_size}, want an int >= 1 or a tuple of {n} of them"',
            '"patch_size is not valid"',
        ),
    },
    "heads": {
        "heads that do not divide": (HEADS, "if num_heads < 1:"),
        "no heads": (HEADS, "if d_model % num_heads:"),
        "only heads in the message": (HEADS_REFUSAL, 'f"num_heads is {num_heads}"'),
        "heads asserted": (
            f"{HEADS}\n        raise ValueError({HEADS_REFUSAL})",
            "assert num_heads >= 1 and d_model % num_heads == 0, (d_model, num_heads)",
        ),
    },
    "exact": {
        "digits lost in a float": (COUNT, "int(prod(sizes) / prod(patch))"),
        "np.prod in 64 bits": """
import numpy as np

def prod(numbers):
    return int(np.prod(list(numbers)))
""",
        "features in a float": (
            "(1 if bias else 0)) * d_model",
            "(1 if bias else 0)) * int(1.0 * d_model)",
        ),
        "the feed-forward net in a float": (
            "(d_model + 1) * d_ff +",
            "(d_model + 1) * int(float(d_ff)) +",
        ),
        "np.prod": """
import numpy as np

def prod(numbers):
    return np.prod(list(numbers))
""",
        "a shape of torch.Size": (
            TOKENS_2D,
            TOKENS_2D.replace("return ", "return __import__('torch').Size((") + "))",
        ),
        "the embedding's parameters in a float": (
            ENCODER,
            ENCODER.replace("return patch_embed_params", "return int(float(patch_embed_params))"),
        ),
        "a block in a float": ("norms = 4 * d_model", "norms = int(4.0 * d_model)"),
        "layers in a float": (ENCODER, ENCODER.replace("num_layers *", "int(1.0 * num_layers) *")),
    },
}

VARIANTS = {
    "dim by dim": """
def _num_patches(sizes, patch_size):
    patch, out = _per_dim(patch_size, len(sizes)), 1
    for size, p in zip(sizes, patch):
        times, rest = divmod(size, p)
        if rest:
            raise ValueError(f"{size} pixels or frames, patches of {p}")
        out *= times
    return out
""",
    "from its parts": """
def vit2d_encoder_params(num_layers, d_model, num_heads, d_ff, patch_embed_params):
    if num_heads <= 0 or d_model % num_heads != 0:
        raise ValueError(f"{d_model=} {num_heads=}")
    weights = 4 * d_model**2 + 2 * d_model * d_ff
    return patch_embed_params + num_layers * (weights + 9 * d_model + d_ff)

def vit3d_sequence_length(T, H, W, patch_size):
    return 1 + vit3d_patch_embed_output_shape(1, 3, T, H, W, patch_size, 8)[1]
""",
    "a box as frames of patches": """
def vit3d_num_patches(T, H, W, patch_size):
    if isinstance(patch_size, int):
        patch_size = (patch_size,) * 3
    if len(patch_size) != 3:
        raise ValueError("patch_size needs t, h, w")
    t, *rest = patch_size
    if t < 1:
        raise ValueError(f"t={t}")
    per_frame = vit2d_num_patches(H, W, tuple(rest))
    if T % t != 0:
        raise ValueError(f"T ({T}) must be divisible by t ({t})")
    return per_frame * (T // t)

def vit3d_patch_embed_num_params(C, d_model, patch_size, bias=True):
    t, *rest = _per_dim(patch_size, 3)
    return vit2d_patch_embed_num_params(C * t, d_model, tuple(rest), bias)
""",
}
