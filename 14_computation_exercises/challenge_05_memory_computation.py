"""Memory on paper: what training, its activations, a cache and sharding hold.

Sizes alone tell whether it fits. The check counts tensors.

    training_memory_bytes(num_params, optimizer="adamw", mixed=True)     a dict of ints
    activation_elements(B, L, d_model, num_heads, d_ff, num_layers, checkpoint=False)
    kv_cache_bytes(B, L, num_layers, num_kv_heads, d_head, bytes_per=2)
    zero_memory_bytes(num_params, world_size, stage)                     bytes of one rank

A block is x + W_o(attention(norm(x))), then x + down(gelu(up(norm(x)))).

Core, what an interview asks:

    training     Bytes of "weights", "gradients", "master", "states", "total"; for "sgd",
                 "momentum", "adamw". mixed=False: all is float32 and "master" is 0. mixed=True:
                 weights and gradients are bfloat16, "master" is a float32 copy.
    activations  Numbers kept for backward, each tensor once. Matrix products keep both factors,
                 norms and GELU their input, softmax its result. Parameters and what a norm keeps
                 besides do not count.
    checkpoint   checkpoint=True, at the worst moment: a block keeps its input alone, and backward
                 recomputes one block at a time.
    cache        bytes_per is that of one number.
    zero         "adamw", mixed, no activations. Stage 0 shards nothing, 1 master and states, 2
                 also gradients, 3 also weights.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    uneven       A sharded tensor is filled up until world_size divides it.
    values       Another optimizer or stage, world_size below 1: ValueError with it.
    exact        Python's own ints, exact even at 10**20.

Medium, 25 minutes. Try one alone: python FILE cache
Papers: https://arxiv.org/abs/1910.02054 (ZeRO), https://arxiv.org/abs/2205.05198
"""


def training_memory_bytes(
    num_params: int, optimizer: str = "adamw", mixed: bool = True
) -> dict[str, int]:
    raise NotImplementedError("training_memory_bytes")


def activation_elements(
    B: int,
    L: int,
    d_model: int,
    num_heads: int,
    d_ff: int,
    num_layers: int,
    checkpoint: bool = False,
) -> int:
    raise NotImplementedError("activation_elements")


def kv_cache_bytes(
    B: int, L: int, num_layers: int, num_kv_heads: int, d_head: int, bytes_per: int = 2
) -> int:
    raise NotImplementedError("kv_cache_bytes")


def zero_memory_bytes(num_params: int, world_size: int, stage: int) -> int:
    raise NotImplementedError("zero_memory_bytes")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    plain = training_memory_bytes(10, "sgd", mixed=False)
    want = {"weights": 40, "gradients": 40, "master": 0, "states": 0, "total": 80}
    assert plain == want, plain

    cache = kv_cache_bytes(B=1, L=3, num_layers=1, num_kv_heads=1, d_head=5)
    assert cache == 60, cache

    whole = zero_memory_bytes(10, world_size=2, stage=0)
    assert whole == 160, whole


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
