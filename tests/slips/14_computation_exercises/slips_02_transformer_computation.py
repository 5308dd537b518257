"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

EMBEDDED = '    """One vector a token."""\n    return B, L, d_model'
OUTPUT = 'needs it."""\n    return B, L, d_model'
FOUR = "return 4 * _linear(d_model, d_model, bias)"
WAYS = "return _linear(d_model, d_ff, bias) + _linear(d_ff, d_model, bias)"
REFUSAL = 'f"d_model {d_model} is not divisible by num_heads {num_heads}"'
COST = "scores = B * L * L * d_model"

SLIPS = {
    "embedding": {
        "features before tokens": (EMBEDDED, EMBEDDED.replace("L, d_model", "d_model, L")),
        "tokens before sequences": (EMBEDDED, EMBEDDED.replace("B, L", "L, B")),
        "ids without features": (EMBEDDED, EMBEDDED.replace("B, L, d_model", "B, L")),
        "one sequence embedded": (EMBEDDED, EMBEDDED.replace("B, L, d_model", "L, d_model")),
    },
    "qkv": {
        "keys transposed already": (
            "return shape, shape, shape",
            "return shape, (B, d_model, L), shape",
        ),
        "features of all three in each": ("shape = B, L, d_model", "shape = B, L, 3 * d_model"),
        "one shape for three": ("return shape, shape, shape", "return shape"),
        "a dict of shapes": (
            "return shape, shape, shape",
            'return {"Q": shape, "K": shape, "V": shape}',
        ),
        "lists": ("shape = B, L, d_model", "shape = [B, L, d_model]"),
        "a list of three shapes": ("return shape, shape, shape", "return [shape, shape, shape]"),
        "all three side by side": ("return shape, shape, shape", "return B, L, 3 * d_model"),
        "Q, K and V with features before tokens": (
            "shape = B, L, d_model",
            "shape = B, d_model, L",
        ),
    },
    "scores": {
        "heads after tokens": ("return B, H, L, L", "return B, L, H, L"),
        "scores without heads": ("return B, H, L, L", "return B, L, L"),
        "one score a token": ("return B, H, L, L", "return B, H, L"),
        "heads before sequences": ("return B, H, L, L", "return H, B, L, L"),
        "heads in the last axis": ("return B, H, L, L", "return B, L, L, H"),
        "sequences and heads joined": ("return B, H, L, L", "return B * H, L, L"),
    },
    "output": {
        "tokens first": (OUTPUT, OUTPUT.replace("B, L", "L, B")),
        "output with features before tokens": (OUTPUT, OUTPUT.replace("L, d_model", "d_model, L")),
        "one result a sequence": (OUTPUT, OUTPUT.replace("B, L, d_model", "B, d_model")),
    },
    "mha": {
        "attention without bias by default": (
            "def mha_num_params(d_model: int, num_heads: int, bias: bool = True)",
            "def mha_num_params(d_model: int, num_heads: int, bias: bool = False)",
        ),
        "no output projection": ("return 4 * _linear(d_m", "return 3 * _linear(d_m"),
        "heads multiply": ("return 4 * _linear(", "return 4 * num_heads * _linear("),
        "heads divide": (FOUR, FOUR.replace("d_model, bias", "d_model // num_heads, bias")),
        "biases never": ("n_in * n_out + (n_out if bias else 0)", "n_in * n_out"),
        "biases always": ("n_in * n_out + (n_out if bias else 0)", "n_in * n_out + n_out"),
        "one bias a layer": ("(n_out if bias else 0)", "(1 if bias else 0)"),
        "output projection without bias": (
            FOUR,
            "return 3 * _linear(d_model, d_model, bias) + d_model * d_model",
        ),
        "bias in the output projection alone": (
            FOUR,
            "return 3 * d_model**2 + _linear(d_model, d_model, bias)",
        ),
        "a bias for each head": (FOUR, f"{FOUR} + 4 * (num_heads - 1) * d_model * bias"),
    },
    "ffn": {
        "feed-forward net without bias by default": (
            "def ffn_num_params(d_model: int, d_ff: int, bias: bool = True)",
            "def ffn_num_params(d_model: int, d_ff: int, bias: bool = False)",
        ),
        "way back forgotten": (" + _linear(d_ff, d_model, bias)\n", "\n"),
        "biases of the wrong sizes": (WAYS, "return 2 * _linear(d_model, d_ff, bias)"),
        "the first layer's bias alone": (
            WAYS,
            "return _linear(d_model, d_ff, bias) + _linear(d_ff, d_model, False)",
        ),
        "d_ff is 4 d_model": (WAYS, f"d_ff = 4 * d_model\n    {WAYS}"),
    },
    "block": {
        "a block without bias by default": (
            'd_ff: int, bias: bool = True) -> int:\n    """Attention, feed',
            'd_ff: int, bias: bool = False) -> int:\n    """Attention, feed',
        ),
        "one norm": ("+ 2 * norm", "+ norm"),
        "norms forgotten": (" + 2 * norm", ""),
        "norms never have a bias": ("d_model + (d_model if bias else 0)  # scale", "d_model  #"),
        "a third norm": ("+ 2 * norm", "+ 3 * norm"),
        "attention forgotten": (
            "return mha_num_params(d_model, num_heads, bias) +",
            "mha_num_params(d_model, num_heads, bias)\n    return",
        ),
        "norms of d_ff": ("norm = d_model + (d_model if bias", "norm = d_ff + (d_ff if bias"),
        "a scale and a shift a norm": (
            "norm = d_model + (d_model if bias",
            "norm = 1 + (1 if bias",
        ),
    },
    "flops": {
        "scores alone": ("return scores + scores", "return scores"),
        "a mult-add counts two": ("return scores + scores", "return 4 * scores"),
        "linear in L": (COST, "scores = B * L * d_model"),
        "d_model squared": (COST, "scores = B * L * d_model * d_model"),
        "one sequence": (COST, "scores = L * L * d_model"),
        "with the projections": (
            "return scores + scores",
            "return scores + scores + 4 * B * L * d_model**2",
        ),
        "with the softmax": ("return scores + scores", "return scores + scores + B * L * L"),
        "pairs of different tokens alone": (COST, "scores = B * L * (L - 1) * d_model"),
        "features forgotten": (COST, "scores = B * L * L"),
    },
    "no_bias": {
        "norms keep their bias": ("(d_model if bias else 0)  # scale", "d_model  # scale"),
        "attention always with bias": (
            "mha_num_params(d_model, num_heads, bias) +",
            "mha_num_params(d_model, num_heads) +",
        ),
        "the feed-forward net always with bias": (
            "+ ffn_num_params(d_model, d_ff, bias) +",
            "+ ffn_num_params(d_model, d_ff) +",
        ),
        "no norms without bias": (
            "norm = d_model + (d_model if bias else 0)",
            "norm = 2 * d_model if bias else 0",
        ),
        "a block always with bias": (
            "    norm = d_model +",
            "    bias = True\n    norm = d_model +",
        ),
    },
    "heads": {
        "heads that do not divide": ("if num_heads < 1 or d_model % num_heads", "if num_heads < 1"),
        "no heads": ("if num_heads < 1 or d_model % num_heads", "if d_model % num_heads"),
        "only heads in the message": (REFUSAL, 'f"num_heads is {num_heads}"'),
        "an assert": (
            f"raise ValueError({REFUSAL})",
            "assert d_model % num_heads == 0, (d_model, num_heads)",
        ),
        "a block of any number of heads": (
            "return mha_num_params(d_model, num_heads, bias) +",
            "return mha_num_params(d_model, 1, bias) +",
        ),
        "no error without bias": ("if num_heads < 1 or", "if bias and num_heads < 1 or bias and"),
    },
    "exact": {
        "digits lost in a float": (
            "return scores + scores",
            "return int(2.0 * B * L * L * d_model)",
        ),
        "a batch in a float": (COST, "scores = int(float(B)) * L * L * d_model"),
        "heads divided in a float": (
            FOUR,
            FOUR.replace("d_model, bias", "num_heads * int(d_model / num_heads), bias"),
        ),
        "weights in a float": ("n_in * n_out + (n", "int(1.0 * n_in * n_out) + (n"),
        "a shape by torch": """
import torch

def mha_attention_scores_shape(B, H, L):
    return tuple(torch.empty(B, H, L, L, device="meta").shape)
""",
        "a shape of floats": ("return B, H, L, L", "return int(float(B)), H, L, L"),
        "an output of torch.Size": (
            OUTPUT,
            OUTPUT.replace(
                "return B, L, d_model",
                "import torch\n\n    return torch.Size((B, L, d_model))",
            ),
        ),
        "parameters counted by torch": """
def ffn_num_params(d_model, d_ff, bias=True):
    from torch import nn
    layers = [nn.Linear(*sizes, bias=bias, device="meta")
              for sizes in ((d_model, d_ff), (d_ff, d_model))]
    return sum(p.numel() for layer in layers for p in layer.parameters())

def encoder_block_num_params(d_model, num_heads, d_ff, bias=True):
    ffn = 2 * d_model * d_ff + (d_model + d_ff) * bool(bias)
    return mha_num_params(d_model, num_heads, bias) + ffn + 2 * d_model * (1 + bool(bias))
""",
    },
}

VARIANTS = {
    "all at once": """
def mha_num_params(d_model, num_heads, bias=True):
    if num_heads <= 0 or d_model // num_heads * num_heads != d_model:
        raise ValueError(f"{num_heads=}, {d_model=}")
    in_proj = 3 * d_model * d_model + 3 * d_model * bool(bias)
    return in_proj + d_model**2 + d_model * bool(bias)

def encoder_block_num_params(d_model, num_heads, d_ff, bias=True):
    mha_num_params(d_model, num_heads)
    weights = 4 * d_model**2 + 2 * d_model * d_ff + 2 * d_model
    return weights + 7 * d_model + d_ff if bias else weights
""",
    "head by head": """
def mha_qkv_shapes_after_projection(B, L, d_model):
    return ((B, L, d_model),) * 3

def mha_attention_scores_shape(B, H, L):
    return (B, H) + (L,) * 2

def attention_flops(B, L, d_model):
    return sum(B * L**2 * d_model for product in ("Q K^T", "weights V"))
""",
    "terms one after the other": """
def encoder_block_num_params(d_model, num_heads, d_ff, bias=True):
    if num_heads < 1 or d_model % num_heads != 0:
        raise ValueError(f"embed_dim={d_model} must be divisible by num_heads={num_heads}.")
    total = 0
    for n_in, n_out in [(d_model, d_model)] * 4 + [(d_model, d_ff), (d_ff, d_model)]:
        total += n_in * n_out
        if bias:
            total += n_out
    for norm in range(2):
        total += d_model
        if bias:
            total += d_model
    return total
""",
}
