"""What challenge_05_memory_computation.py requires.

Counts are those of tensors that real optimizers, blocks and caches keep; what no machine can hold
is compared with what the answer gives for small sizes.
"""

import math
from functools import cache as once
from functools import partial

import torch

from checks.sums import Asked, asks, kept_by_blocks, one_other

NAMES = ("training_memory_bytes", "activation_elements", "kv_cache_bytes", "zero_memory_bytes")
PARTS = ("weights", "gradients", "master", "states", "total")
SGD = torch.optim.SGD
OPTIMIZERS = {"sgd": SGD, "momentum": partial(SGD, momentum=0.9), "adamw": torch.optim.AdamW}
# B, L, d_model, heads, d_ff, layers: pairwise different, then alike where axes may be confused
BLOCKS = ((2, 5, 12, 3, 7, 4), (5, 3, 8, 4, 20, 1), (1, 11, 6, 2, 9, 3), (4, 4, 8, 4, 8, 3))
# B, L, layers, KV heads, d_head, and bytes_per as it may be given
CACHES = ((2, 7, 3, 4, 5), (1, 3, 6, 2, 8, 2), (5, 2, 1, 3, 4, 4), (3, 4, 2, 1, 6, 1))
KINDS = {1: torch.int8, 2: torch.bfloat16, 4: torch.float32}


@asks(NAMES[0])
def training(asked):
    for n, optimizer in ((12, "sgd"), (12, "momentum"), (12, "adamw"), (7, "momentum")):
        for mixed in (False, True):
            asked.gives_parts(trained(n, optimizer, mixed), n, optimizer, mixed)
    asked.gives_parts(trained(9, "adamw", True), 9)


def activations(activation_elements):
    for sizes in BLOCKS:
        Asked(NAMES[1], activation_elements).gives(kept_by_blocks(*sizes), *sizes)


def checkpoint(activation_elements):
    for sizes in BLOCKS:
        asked = Asked(NAMES[1], activation_elements)
        asked.gives(kept_by_blocks(*sizes, checkpoint=True), *sizes, checkpoint=True)


def cache(kv_cache_bytes):
    for sizes in CACHES:
        (B, L, layers, heads, d_head), dtype = sizes[:5], KINDS[(*sizes, 2)[5]]
        held = [torch.ones(B, heads, 1, d_head, dtype=dtype) for _ in range(2 * layers)]
        for _ in range(L - 1):  # keys and values grow by a token
            held = [torch.cat([t, t[:, :, :1]], 2) for t in held]
        Asked(NAMES[2], kv_cache_bytes).gives(sum(t.nbytes for t in held), *sizes)


def zero(zero_memory_bytes):
    for world_size in (1, 2, 3, 12):
        held, part = trained(12, "adamw", True).copy(), trained(12 // world_size, "adamw", True)
        for stage, names in enumerate(([], ["master", "states"], ["gradients"], ["weights"])):
            held |= {name: part[name] for name in names}
            want = sum(held[name] for name in PARTS[:4])
            Asked(NAMES[3], zero_memory_bytes).gives(want, 12, world_size, stage)


def uneven(zero_memory_bytes):
    asked = Asked(NAMES[3], zero_memory_bytes)
    for n, world_size in ((13, 2), (11, 4), (3, 5)):
        filled = n + -n % world_size
        for stage in range(4):  # what is not sharded has n numbers, as with n ranks
            whole = int(asked.own(filled, filled, stage)) - int(asked.own(n, n, stage))
            want = int(asked.own(filled, world_size, stage)) - whole
            asked.gives(want, n, world_size, stage)


@asks(NAMES[0], NAMES[3])
def values(training, zero):
    for bad, mixed in (("sgd_momentum", True), ("AdamW", False), ("adam", True)):
        training.refuses(f"optimizer {bad!r}", [bad], 12, bad, mixed)
    for world_size, stage in ((2, -1), (1, 4), *((n, at) for n in (0, -2) for at in range(4))):
        bad = ("stage", stage) if world_size > 0 else ("world_size", world_size)
        zero.refuses(f"{bad[0]} is {bad[1]}", bad[1:], 12, world_size, stage)


@asks(*NAMES)
def exact(training, activations, cache, zero):
    n = 10**20 + 1  # not exact as a float
    for how in ((name, mixed) for name in OPTIMIZERS for mixed in (True, False)):
        one = training.gives_parts(dict.fromkeys(PARTS), 1, *how, exactly=True)
        want = {name: n * part for name, part in one.items()}
        training.gives_parts(want, n, *how, exactly=True)
    m = 10**12 + 1  # fits 64 bits, its square does not; layers stay few, they may be a loop
    lines, parabolas = ((n, [0]), (n, [2, 3]), (n, [4])), ((m, [1]), (m, [0, 2]), (m, [0, 4]))
    for large, grows in lines + parabolas:
        sizes = [[k if i in grows else 1 for i in range(6)] for k in (1, 2, 3, large)]
        for again in (True, False):
            a, b, c = (activations.gives_exactly(None, *small, again) for small in sizes[:3])
            want = a + (b - a) * (large - 1) + (c - 2 * b + a) * ((large - 1) * (large - 2) // 2)
            activations.gives_exactly(want, *sizes[3], again)
    for at, sizes in enumerate([*one_other(n, 6, 1), (m, m, 1, 1, 1, 1)]):
        if at != 2:  # layers
            one = cache.gives_exactly(None, 1, 1, 1, 1, 1, 1)
            cache.gives_exactly(one * math.prod(sizes), *sizes)
    for stage in range(4):
        zero.gives_exactly(n * zero.gives_exactly(None, 3, 3, stage), 3 * n, 3, stage)


CORE = (training, activations, checkpoint, cache, zero)
EDGES = (uneven, values, exact)


@once
def trained(n, optimizer, mixed):
    """What one step of a real optimizer leaves in memory, in bytes."""
    weights = torch.ones(n, dtype=torch.bfloat16 if mixed else torch.float32)
    gradients, stepped = torch.ones_like(weights), weights.float()  # a copy if it is mixed
    stepped.grad = gradients.float()
    used = OPTIMIZERS[optimizer]([stepped])
    used.step()
    states = [t for t in used.state[stepped].values() if t is not None and t.dim()]  # no counter
    held = [weights.nbytes, gradients.nbytes, stepped.nbytes * mixed, sum(t.nbytes for t in states)]
    return dict(zip(PARTS, [*held, sum(held)], strict=True))
