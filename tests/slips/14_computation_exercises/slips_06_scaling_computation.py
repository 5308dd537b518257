"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

FLOPS = "return 6 * num_params * tokens"
MFU = "return 6 * tokens_per_second * num_params / peak_flops"
RULE = "TOKENS_PER_PARAM = 20"
TOKENS = "return TOKENS_PER_PARAM * num_params"
PIECE = "piece = -(-numel // world_size)"
SENT = "return 2 * (world_size - 1) * piece"
BUBBLE = "return (num_stages - 1) / (num_microbatches + num_stages - 1)"
SEEN = "seen += dilation * (kernel_size - 1) * step"
STEP = "        step *= stride\n"
LOOP = "for kernel_size, stride, dilation in layers:"

SLIPS = {
    "flops": {
        "forward alone": (FLOPS, FLOPS.replace("6", "2")),
        "backward alone": (FLOPS, FLOPS.replace("6", "4")),
        "a multiply with its add counted as 1": (FLOPS, FLOPS.replace("6", "3")),
        "forward recomputed, too": (FLOPS, FLOPS.replace("6", "8")),
        "backward as cheap as forward": (FLOPS, FLOPS.replace("6 * num", "(2 + 2) * num")),
        "one token": (FLOPS, "return 6 * num_params"),
        "all pairs of tokens": (FLOPS, FLOPS + "**2"),
        "tokens for weights": (FLOPS, "return 6 * tokens * tokens"),
        "FLOPs as a float": (FLOPS, "return 6.0 * num_params * tokens"),
    },
    "mfu": {
        "the utilization of forward alone": (MFU, MFU.replace("6", "2")),
        "mult-adds against FLOPs": (MFU, MFU.replace("6", "3")),
        "percent": (MFU, MFU.replace("6", "100 * 6")),
        "peak over useful": (MFU, "return peak_flops / (6 * tokens_per_second * num_params)"),
        "weights forgotten": (MFU, MFU.replace(" * num_params", "")),
        "recomputation counted as useful": (MFU, MFU.replace("6", "8")),
        "rounded to two digits": (
            MFU,
            "return round(6 * tokens_per_second * num_params / peak_flops, 2)",
        ),
        "divided without a rest": (MFU, MFU.replace("/ p", "// p")),
        "whole tokens per second": (
            MFU,
            MFU.replace("tokens_per_second", "int(tokens_per_second)"),
        ),
        "at most the peak": (
            MFU,
            "return min(0.25, 6 * tokens_per_second * num_params / peak_flops)",
        ),
        "a string": (MFU, 'return f"{6 * tokens_per_second * num_params / peak_flops:.0%}"'),
    },
    "chinchilla": {
        "one token per parameter": (RULE, "TOKENS_PER_PARAM = 1"),
        "two tokens per parameter": (RULE, "TOKENS_PER_PARAM = 2"),
        "200 tokens per parameter": (RULE, "TOKENS_PER_PARAM = 200"),
        "parameters per token": (TOKENS, "return num_params // TOKENS_PER_PARAM"),
        "tokens as a float": (TOKENS, "return float(TOKENS_PER_PARAM * num_params)"),
        "the rule of Kaplan and others": (TOKENS, "return int(num_params**1.35)"),
        "FLOPs of that run": (TOKENS, "return training_flops(num_params, 20 * num_params)"),
    },
    "all_reduce": {
        "reduce-scatter alone": (SENT, SENT.replace("2 * (", "(")),
        "the whole tensor to all others": (SENT, "return (world_size - 1) * numel"),
        "the whole tensor twice": (SENT, "return 2 * numel"),
        "a step per rank": (SENT, SENT.replace("(world_size - 1)", "world_size")),
        "of all ranks": (SENT, SENT + " * world_size"),
        "one step of each": (SENT, SENT.replace("(world_size - 1)", "min(world_size - 1, 1)")),
        "the tensor round the ring": (PIECE, "piece = numel"),
        "sent and received": (SENT, SENT.replace("2", "4")),
        "a tree": (SENT, "return 2 * numel * (world_size - 1).bit_length()"),
        "pieces for the other ranks alone": (PIECE, "piece = -(-numel // max(world_size - 1, 1))"),
        "bytes in float32": (SENT, SENT.replace("2", "8")),
        "a share as a float": (PIECE, "piece = numel / world_size"),
    },
    "bubble": {
        "idle over work": (BUBBLE, "return (num_stages - 1) / num_microbatches"),
        "all stages wait": (BUBBLE, BUBBLE.replace("(num_stages - 1) /", "num_stages /")),
        "slots of one microbatch too many": (BUBBLE, BUBBLE[:-5] + ")"),
        "work over all": (BUBBLE, "return num_microbatches / (num_microbatches + num_stages - 1)"),
        "slots alone": (BUBBLE, "return 2 * (num_stages - 1)"),
        "counted for forward and backward": (BUBBLE, BUBBLE.replace("return ", "return 2 * ")),
        "microbatches for stages": (
            BUBBLE,
            "return (num_microbatches - 1) / (num_microbatches + num_stages - 1)",
        ),
        "no microbatches": (BUBBLE, "return (num_stages - 1) / num_stages"),
        "backward hides the bubble": (
            BUBBLE,
            "return (num_stages - 1) / (2 * num_microbatches + num_stages - 1)",
        ),
        "a bubble in percent": (BUBBLE, BUBBLE.replace("return ", "return 100 * ")),
        "a bubble divided without a rest": (BUBBLE, BUBBLE.replace("/", "//")),
        "a bubble rounded": (BUBBLE, BUBBLE.replace("return ", "return round(") + ", 3)"),
    },
    "field": {
        "a layer's own stride counted": (
            "        " + SEEN + "\n" + STEP,
            STEP + "        " + SEEN + "\n",
        ),
        "strides forgotten": (STEP, "        step *= 1\n"),
        "strides added": (STEP, "        step += stride - 1\n"),
        "dilation forgotten": (SEEN, SEEN.replace("dilation * ", "")),
        "dilation of the stride, too": (STEP, "        step *= stride * dilation\n"),
        "whole kernels": (SEEN, SEEN.replace("(kernel_size - 1)", "kernel_size")),
        "from the last layer on": (LOOP, LOOP.replace("layers", "reversed(layers)")),
        "starts at 0": ("seen = step = 1", "seen, step = 0, 1"),
        "half the field": (SEEN, SEEN.replace("(kernel_size - 1)", "(kernel_size // 2)")),
        "kernels multiplied": (SEEN, "seen *= dilation * (kernel_size - 1) + 1"),
        "stride and dilation the other way round": (
            LOOP,
            LOOP.replace("stride, dilation", "dilation, stride"),
        ),
        "dilated by one less": (SEEN, SEEN.replace("dilation *", "(dilation - 1 or 1) *")),
        "the last layer's stride alone": (STEP, "        step = stride\n"),
        "the first layer left out": (
            LOOP,
            LOOP.replace("layers", "layers[1:] if len(layers) > 1 else layers"),
        ),
    },
    "uneven": {
        "pieces rounded down": (PIECE, "piece = numel // world_size"),
        "rounded once at the end": (SENT, "return -(-2 * (world_size - 1) * numel // world_size)"),
        "cut off once at the end": (SENT, "return 2 * (world_size - 1) * numel // world_size"),
        "each way rounded": (SENT, "return 2 * -(-(world_size - 1) * numel // world_size)"),
        "one more in each piece": (PIECE, "piece = numel // world_size + numel % world_size"),
        "uneven tensors refused": (
            PIECE,
            "if numel % world_size:\n        raise ValueError(numel)\n    " + PIECE,
        ),
        "small tensors sent whole": (
            PIECE,
            "piece = -(-numel // world_size) if numel > world_size else numel",
        ),
    },
    "exact": {
        "pieces by a float": (
            PIECE,
            "piece = round(numel / world_size + 0.4999 * (numel % world_size > 0))",
        ),
        "FLOPs in a float": (FLOPS, "return int(6.0 * num_params * tokens)"),
        "6e0": (FLOPS, "return round(6e0 * tokens) * num_params"),
        "tokens in a float": (TOKENS, "return int(2e1 * num_params)"),
        "sent in a float": (SENT, "return int(2.0 * (world_size - 1) * piece)"),
        "numpy's ints": (FLOPS, "import numpy\n\n    return numpy.int64(6) * num_params * tokens"),
        "the field in a float": (SEEN, SEEN.replace("dilation * (", "int(1.0 * dilation) * (")),
        "kernels in a float": (SEEN, SEEN.replace("(kernel_size - 1)", "int(kernel_size - 1.0)")),
        "steps in a float": (STEP, "        step = int(float(step * stride))\n"),
        "steps in 64 bits": """
def receptive_field(layers):
    import numpy

    steps = numpy.cumprod([1] + [stride for _, stride, _ in layers])
    return 1 + sum(d * (k - 1) * int(step) for (k, _, d), step in zip(layers, steps))
""",
    },
}

VARIANTS = {
    "from its parts": """
def training_flops(num_params, tokens):
    forward = 2 * num_params * tokens
    return forward + 2 * forward

def mfu(tokens_per_second, num_params, peak_flops):
    return training_flops(num_params, 1) * (tokens_per_second / peak_flops)

def chinchilla_tokens(num_params):
    return num_params * 20

def pipeline_bubble(num_stages, num_microbatches):
    return 1 - num_microbatches / (num_microbatches + num_stages - 1)
""",
    "fractions": """
from fractions import Fraction

def pipeline_bubble(num_stages, num_microbatches):
    if num_stages == 1:
        return 0
    return Fraction(num_stages - 1, num_stages - 1 + num_microbatches)
""",
    "a step at a time": """
def all_reduce_elements_per_rank(numel, world_size):
    sent = 0
    for way in ("reduce-scatter", "all-gather"):
        for step in range(world_size - 1):
            sent += (numel + world_size - 1) // world_size
    return sent
""",
    "step by step": """
def all_reduce_elements_per_rank(numel, world_size):
    piece, rest = divmod(numel, world_size)
    piece += rest > 0
    scatter = gather = piece * (world_size - 1)
    return scatter + gather
""",
    "the field from the last layer back": """
def receptive_field(layers):
    size = 1
    for k, s, d in layers[::-1]:
        size = (size - 1) * s + d * (k - 1) + 1
    return size
""",
    "products of strides": """
import math

def receptive_field(layers):
    strides = [s for _, s, _ in layers]
    return 1 + sum(d * (k - 1) * math.prod(strides[:i]) for i, (k, _, d) in enumerate(layers))
""",
}
