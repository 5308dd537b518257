"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

MASTER = '"master": 4 * num_params if mixed else 0,'
GRADIENTS = '"gradients": each * num_params,'
WEIGHTS = '"weights": each * num_params,'
STATES = '"states": 4 * STATES[optimizer] * num_params,'
TOTAL = '"total": sum(parts.values())'
ATTENTION = "attention = 5 * x + B * num_heads * L * L"
FORWARD = "feed_forward = 2 * x + 2 * B * L * d_ff"
KEPT = "return num_layers * x + (inside if checkpoint else num_layers * inside)"
CACHE = "return 2 * B * L * num_layers * num_kv_heads * d_head * bytes_per"
SHARDED = '(["master", "states"], ["gradients"], ["weights"])'
PART = "part = -(-num_params // world_size)"
BAD_OPTIMIZER = "if optimizer not in STATES:"
BAD_STAGE = "if stage not in STAGES:"
BAD_SIZE = "if world_size < 1:"
SUM = "    return total\n\n\n# Nothing"
ALL = "return {**parts, " + TOTAL + "}"
AGAIN = "(inside if checkpoint"

SLIPS = {
    "training": {
        "a master without mixed, too": (MASTER, '"master": 4 * num_params,'),
        "the master forgotten": (MASTER, '"master": 0,'),
        "a master in bfloat16": (MASTER, MASTER.replace("4 *", "2 *")),
        "float32 gradients in mixed training": (GRADIENTS, GRADIENTS.replace("each", "4")),
        "float32 weights in mixed training": (WEIGHTS, WEIGHTS.replace("each", "4")),
        "states in the dtype of the weights": (STATES, STATES.replace("4 *", "each *")),
        "one moment for AdamW": ('"adamw": 2', '"adamw": 1'),
        "no velocity for momentum": ('"momentum": 1', '"momentum": 0'),
        "a velocity for plain SGD": ('"sgd": 0', '"sgd": 1'),
        "master counted with the states": (
            STATES,
            STATES.replace("STATES[o", "(mixed + STATES[o").replace("r] *", "r]) *"),
        ),
        "total without the master": (TOTAL, '"total": sum(parts.values()) - parts["master"]'),
        "total without the states": (TOTAL, '"total": sum(parts.values()) - parts["states"]'),
        "no total": (ALL, "return parts"),
        "a total alone": (ALL, "return sum(parts.values())"),
        "numbers for bytes": (ALL, "parts = {k: v // 4 for k, v in parts.items()}\n    " + ALL),
        "SGD by default": (
            'optimizer: str = "adamw", mixed: bool = True\n',
            'optimizer: str = "sgd", mixed: bool = True\n',
        ),
    },
    "activations": {
        "the norms' inputs forgotten": (
            KEPT,
            KEPT.replace("num_layers * inside", "num_layers * (inside - 2 * x)"),
        ),
        "scores forgotten": (ATTENTION, "attention = 5 * x"),
        "scores without heads": (ATTENTION, ATTENTION.replace("num_heads * ", "")),
        "scores counted for softmax and for the product": (
            ATTENTION,
            ATTENTION.replace("+ B", "+ 2 * B"),
        ),
        "scores of one query": (ATTENTION, ATTENTION.replace("L * L", "L")),
        "the input of Q, K and V counted three times": (ATTENTION, ATTENTION.replace("5", "7")),
        "the input of the output layer forgotten": (ATTENTION, ATTENTION.replace("5", "4")),
        "the output layer's result kept": (ATTENTION, ATTENTION.replace("5", "6")),
        "GELU's input forgotten": (FORWARD, FORWARD.replace("2 * B", "B")),
        "d_ff is 4 d_model": (FORWARD, FORWARD.replace("d_ff", "4 * d_model")),
        "a ReLU's mask for GELU's input": (FORWARD, "feed_forward = 2 * x + 3 * B * L * d_ff"),
        "the second norm forgotten": (FORWARD, FORWARD.replace("2 * x", "x")),
        "one block": (KEPT, "return num_layers * x + inside if checkpoint else x + inside"),
        "bytes for numbers": (
            KEPT,
            KEPT.replace("else num_layers", "else num_layers * x + 2 * num_layers"),
        ),
        "the last block's result kept": (
            KEPT,
            KEPT.replace("num_layers * x", "(num_layers + (not checkpoint)) * x"),
        ),
    },
    "checkpoint": {
        "checkpoint ignored": (KEPT, "return num_layers * (x + inside)"),
        "the recomputed block forgotten": (AGAIN, "(0 if checkpoint"),
        "the recomputed block's input counted twice": (AGAIN, "(x + inside if checkpoint"),
        "one input for all blocks": (
            KEPT,
            KEPT.replace("return num_layers", "return (1 if checkpoint else num_layers)"),
        ),
        "a segment of sqrt(num_layers) blocks": (
            KEPT,
            KEPT.replace("(inside", "(int(num_layers**0.5) * inside"),
        ),
        "the recomputed block takes its input's place": (AGAIN, "(inside - x if checkpoint"),
        "the scores alone recomputed": (
            AGAIN,
            AGAIN.replace("inside", "num_layers * (inside - B * num_heads * L * L)"),
        ),
        "a result beside each input": (AGAIN, "(num_layers * x + inside if checkpoint"),
    },
    "cache": {
        "keys without values": (CACHE, CACHE.replace("2 * B", "B")),
        "one layer": (CACHE, CACHE.replace("num_layers * ", "")),
        "one sequence": (CACHE, CACHE.replace("B * ", "")),
        "one token": (CACHE, CACHE.replace("L * ", "", 1)),
        "heads forgotten": (CACHE, CACHE.replace("num_kv_heads * ", "")),
        "the size of a head forgotten": (CACHE, CACHE.replace("d_head * ", "")),
        "numbers of the cache for bytes": (CACHE, CACHE.replace(" * bytes_per", "")),
        "float16 whatever is asked": (CACHE, CACHE.replace("bytes_per", "2")),
        "float32 by default": ("bytes_per: int = 2", "bytes_per: int = 4"),
        "queries kept, too": (CACHE, CACHE.replace("2 * B", "3 * B")),
        "pairs of tokens": (CACHE, CACHE.replace("L * ", "L * L * ", 1)),
        "bits for bytes": (CACHE, CACHE + " * 8"),
    },
    "zero": {
        "stage 1 shards gradients": (
            SHARDED,
            '(["master", "states", "gradients"], [], ["weights"])',
        ),
        "stage 2 shards weights": (SHARDED, '(["master", "states"], ["gradients", "weights"], [])'),
        "the master stays whole": (SHARDED, '(["states"], ["gradients"], ["weights", "master"])'),
        "stage 3 keeps the weights": ("stage >= since", "min(stage, 2) >= since"),
        "one stage late": ("stage >= since", "stage > since"),
        "each stage shards its own part alone": ("stage >= since", "stage == since"),
        "bytes of all ranks": (SUM, SUM.replace("total", "total * world_size")),
        "without a master": (SHARDED, '(["states"], ["gradients"], ["weights"])'),
        "everything in float32": (
            "held = training_memory_bytes(num_params)",
            "held = training_memory_bytes(num_params, mixed=False)",
        ),
    },
    "uneven": {
        "rounded down": (PART, "part = num_params // world_size"),
        "a share of a number": (PART, "part = num_params / world_size"),
        "rounded to the nearest": (PART, "part = round(num_params / world_size)"),
        "one more on each rank": (
            PART,
            "part = num_params // world_size + num_params % world_size",
        ),
        "bytes divided, not tensors": (
            "        total += sum((shard if stage >= since else held)[name] for name in names)",
            "        for name in names:\n"
            "            total += -(-held[name] // world_size) if stage >= since else held[name]",
        ),
        "uneven sizes refused": (
            PART,
            "if num_params % world_size:\n        raise ValueError(num_params)\n    " + PART,
        ),
    },
    "values": {
        "any optimizer is AdamW": (
            BAD_OPTIMIZER,
            "optimizer = optimizer if optimizer in STATES else 'adamw'\n    " + BAD_OPTIMIZER,
        ),
        "upper case is the same optimizer": (
            BAD_OPTIMIZER,
            "optimizer = optimizer.lower()\n    " + BAD_OPTIMIZER,
        ),
        "adam is AdamW": (
            BAD_OPTIMIZER,
            "optimizer = 'adamw' if optimizer.startswith('adam') else optimizer\n    "
            + BAD_OPTIMIZER,
        ),
        "all that begins with sgd": (
            BAD_OPTIMIZER,
            "optimizer = 'sgd' if optimizer.startswith('sgd') else optimizer\n    " + BAD_OPTIMIZER,
        ),
        "all with momentum in it": (
            BAD_OPTIMIZER,
            "optimizer = 'momentum' if 'momentum' in optimizer else optimizer\n    "
            + BAD_OPTIMIZER,
        ),
        "a KeyError": (BAD_OPTIMIZER, "if False:"),
        "the optimizer not in the message": ("is {optimizer!r}, want", "is not known, want"),
        "stages above 3 are 3": (BAD_STAGE, "if stage < 0:"),
        "stages below 0 are 0": (BAD_STAGE, "if stage > 3:"),
        "the stage not in the message": (
            'f"stage is {stage}, want one of {STAGES}"',
            '"no such stage"',
        ),
        "any stage for one rank": (BAD_STAGE, "if world_size != 1 and stage not in STAGES:"),
        "no ranks": (BAD_SIZE, "if world_size < 0:"),
        "negative ranks": (BAD_SIZE, "if world_size == 0:"),
        "ranks asserted": (
            'raise ValueError(f"world_size is {world_size}, want 1 or more")',
            "raise AssertionError(world_size)",
        ),
        "ranks judged from stage 1 on": (
            BAD_SIZE,
            "if stage == 0:\n        return 16 * num_params\n    " + BAD_SIZE,
        ),
    },
    "exact": {
        "shares by a float": (PART, "part = __import__('math').ceil(num_params / world_size)"),
        "bytes as floats": (SUM, SUM.replace("total", "float(total)")),
        "tokens in a float": ("x = B * L * d_model", "x = int(1.0 * B * L * d_model)"),
        "scores in a float": (ATTENTION, "attention = 5 * x + int(1.0 * B * num_heads * L**2)"),
        "scores in 64 bits": (
            ATTENTION,
            "import numpy\n\n    attention = 5 * x + int(numpy.prod([B, num_heads, L, L]))",
        ),
        "the feed-forward net in a float": (
            FORWARD,
            "feed_forward = 2 * x + int(2.0 * B * L * d_ff)",
        ),
        "the cache in a float": (
            CACHE,
            CACHE.replace("return 2", "return int(2.0").replace("_per", "_per)"),
        ),
        "numpy's ints": (
            CACHE,
            "import numpy\n\n    " + CACHE.replace("2 * B", "numpy.int64(2) * B"),
        ),
        "states in a float": (
            STATES,
            STATES.replace(
                "4 * STATES[optimizer] * num_params", "int(4e0 * STATES[optimizer] * num_params)"
            ),
        ),
        "the total in a float": (TOTAL, '"total": int(float(sum(parts.values())))'),
        "inputs in a float": (KEPT, KEPT.replace("num_layers * x", "int(1.0 * num_layers * x)")),
        "tokens in 64 bits": (
            "x = B * L * d_model",
            "import numpy\n\n    x = int(numpy.prod([B, L, d_model]))",
        ),
        "the cache in 64 bits": (
            CACHE,
            "sizes = [2, B, L, num_layers, num_kv_heads, d_head, bytes_per]\n"
            "    return int(__import__('numpy').prod(sizes))",
        ),
    },
}

VARIANTS = {
    "per parameter": """
def training_memory_bytes(num_params, optimizer="adamw", mixed=True):
    known = ("sgd", "momentum", "adamw")
    if optimizer not in known:
        raise ValueError(f"unknown {optimizer}")
    per = (2, 2, 4) if mixed else (4, 4, 0)
    per = (*per, 4 * known.index(optimizer))
    names = ("weights", "gradients", "master", "states", "total")
    return {name: num_params * n for name, n in zip(names, (*per, sum(per)))}

def zero_memory_bytes(num_params, world_size, stage):
    if stage not in range(4) or world_size <= 0:
        raise ValueError(f"{stage=} {world_size=}")
    part = (num_params + world_size - 1) // world_size
    whole_per = (16, 4, 2, 0)[stage]
    return num_params * whole_per + part * (16 - whole_per)
""",
    "tensor by tensor": """
import math

def activation_elements(B, L, d_model, num_heads, d_ff, num_layers, checkpoint=False):
    d_head = d_model // num_heads
    stream = (B, L, d_model)
    heads = (B, num_heads, L, d_head)
    shapes = [stream, stream, heads, heads, heads, (B, num_heads, L, L), stream]
    shapes += [stream, stream, (B, L, d_ff), (B, L, d_ff)]
    block = sum(math.prod(shape) for shape in shapes)
    if not checkpoint:
        return block * num_layers
    return block + (num_layers - 1) * math.prod(stream)

def kv_cache_bytes(B, L, num_layers, num_kv_heads, d_head, bytes_per=2):
    key = value = B * num_kv_heads * L * d_head
    return sum((key + value) * bytes_per for _ in [0]) * num_layers
""",
    "layer by layer": """
def activation_elements(B, L, d_model, num_heads, d_ff, num_layers, checkpoint=False):
    x = B * L * d_model
    inside = 7 * x + 2 * B * L * d_ff + B * num_heads * L * L
    kept = sum(x if checkpoint else x + inside for _ in range(num_layers))
    return kept + inside if checkpoint else kept

def kv_cache_bytes(B, L, num_layers, num_kv_heads, d_head, bytes_per=2):
    return sum(2 * B * num_kv_heads * L * d_head * bytes_per for _ in range(num_layers))
""",
    "the padded length": (PART, "part = (num_params + -num_params % world_size) // world_size"),
    "stage by stage": """
def zero_memory_bytes(num_params, world_size, stage):
    if world_size < 1:
        raise ValueError(f"world_size {world_size} < 1")
    if stage not in (0, 1, 2, 3):
        raise ValueError(f"stage {stage}")
    part = num_params // world_size + bool(num_params % world_size)
    states = 12 * (part if stage else num_params)
    gradients = 2 * (part if stage > 1 else num_params)
    return states + gradients + 2 * (part if stage > 2 else num_params)
""",
}
