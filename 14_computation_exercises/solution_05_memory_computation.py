"""Memory on paper: 16 bytes per parameter, and activations that grow with the batch.

Why it works: each tensor has as many numbers as its shape says, so memory is a sum over tensors.
Mixed training with AdamW holds 2 bytes of weight, 2 of gradient, 4 of master and 4 + 4 of moments:
16 per parameter, as many as in float32. 7 billion parameters need 112 GB before the first token.
Say in the interview: mixed precision saves activations, not states. Per token a block keeps
8 d_model + 2 d_ff numbers, and L per head for the scores, unless a fused kernel is used.
Checkpointing leaves one input per block and one whole block. The cache has key and value of the KV
heads, so 8 instead of 32 of them make it a quarter. ZeRO divides what it shards by world_size.
Asked next: Why is there a master? bfloat16 has 8 bits of precision, so a small update would be
rounded away. What does stage 3 cost? The weights are gathered in forward and again in backward, 1.5
times the traffic of plain data parallel training.
Common slips: the master forgotten; float32 gradients in mixed training; scores without heads; the
softmax's result counted twice; the recomputed block forgotten, or its input counted twice; keys
without values; gradients sharded in stage 1.
May be left out if you say so: the mean and 1/std of the norms, buffers, what the allocator wastes.
"""

STATES = {"sgd": 0, "momentum": 1, "adamw": 2}  # float32 numbers per parameter
STAGES = (0, 1, 2, 3)


def training_memory_bytes(
    num_params: int, optimizer: str = "adamw", mixed: bool = True
) -> dict[str, int]:
    """Bytes by kind, and their total. An optimizer that is not in STATES: ValueError."""
    if optimizer not in STATES:
        raise ValueError(f"optimizer is {optimizer!r}, want one of {', '.join(STATES)}")
    each = 2 if mixed else 4  # bfloat16 or float32
    parts = {
        "weights": each * num_params,
        "gradients": each * num_params,
        "master": 4 * num_params if mixed else 0,
        "states": 4 * STATES[optimizer] * num_params,
    }
    return {**parts, "total": sum(parts.values())}


def activation_elements(
    B: int,
    L: int,
    d_model: int,
    num_heads: int,
    d_ff: int,
    num_layers: int,
    checkpoint: bool = False,
) -> int:
    """Numbers kept for backward, with checkpoint=True while a block is recomputed."""
    x = B * L * d_model  # the input of a block, and of its first norm
    attention = 5 * x + B * num_heads * L * L  # first norm's result; Q, K, V; mixed values; scores
    feed_forward = 2 * x + 2 * B * L * d_ff  # second norm's input and result; around GELU
    inside = attention + feed_forward
    return num_layers * x + (inside if checkpoint else num_layers * inside)


def kv_cache_bytes(
    B: int, L: int, num_layers: int, num_kv_heads: int, d_head: int, bytes_per: int = 2
) -> int:
    """One key and one value per sequence, token, layer and KV head."""
    return 2 * B * L * num_layers * num_kv_heads * d_head * bytes_per


def zero_memory_bytes(num_params: int, world_size: int, stage: int) -> int:
    """Bytes of one rank. A stage that is not in STAGES, no rank: ValueError."""
    if stage not in STAGES:
        raise ValueError(f"stage is {stage}, want one of {STAGES}")
    if world_size < 1:
        raise ValueError(f"world_size is {world_size}, want 1 or more")
    part = -(-num_params // world_size)  # rounded up
    held = training_memory_bytes(num_params)
    shard = training_memory_bytes(part)
    total = 0
    for since, names in enumerate((["master", "states"], ["gradients"], ["weights"]), 1):
        total += sum((shard if stage >= since else held)[name] for name in names)
    return total


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
