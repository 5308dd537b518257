"""What challenge_07_inference_computation.py requires.

Bytes are those of tensors that a cache keeps, FLOPs those that torch counts, sequences are put
beside the weights one by one, and a round's tokens are told outcome by outcome.
"""

import torch

from checks.sums import asks, mult_adds

KINDS = {1: torch.int8, 2: torch.bfloat16, 4: torch.float32, 8: torch.float64}
# three sizes, and bytes_per as it may be given: pairwise different, then alike
SIZES = ((3, 4, 5), (2, 7, 3, 4), (6, 2, 8, 1), (1, 3, 2), (5, 1, 4, 8), (4, 4, 4, 2), (32, 8, 128))
# memory, bytes of weights and of a token, tokens; in the fourth the last sequence just fits
FITS = ((100, 30, 20, 1), (100, 40, 3, 5), (1000, 10, 7, 3), (1000, 500, 50, 10), (80, 3, 1, 25))
FITS += ((999, 500, 50, 10), (64, 32, 4, 9))
STEPS = ((60, 40, 10), (7, 93, 200.0), (30, 0, 4), (0, 5, 2), (5, 5, 3), (2, 1, 0.25))
ROUNDS = ((0.5, 1), (0.5, 2), (0.25, 3), (0.8, 4), (0.9, 1), (0.7, 7), (0.1, 5))


@asks("kv_bytes_per_token")
def cache(asked):
    for sizes in SIZES:
        (layers, heads, d_head), dtype = sizes[:3], KINDS[(*sizes, 2)[3]]
        kept = [kept_of(heads, d_head, dtype) for _ in range(layers) for _ in ("key", "value")]
        asked.gives(sum(t.nbytes for t in kept), *sizes)


@asks("mla_bytes_per_token")
def latent(asked):
    for sizes in SIZES:
        (layers, rank, d_rope), dtype = sizes[:3], KINDS[(*sizes, 2)[3]]
        kept = [kept_of(n, dtype) for _ in range(layers) for n in (rank, d_rope)]
        asked.gives(sum(t.nbytes for t in kept), *sizes)


@asks("max_sequences")
def sequences(asked):
    for memory, weights, token, length in FITS:
        free, count = memory - weights, 0
        while sum(token for _ in range(length * (count + 1))) <= free:
            count += 1
        asked.gives(count, memory, weights, token, length)


@asks("decode_seconds")
def seconds(asked):
    for weights, caches, bandwidth in STEPS:
        parts = [kept_of(n, torch.int8) for n in (weights, caches)]
        asked.gives_about(torch.cat(parts).nbytes / bandwidth, weights, caches, bandwidth)


@asks("decode_intensity")
def intensity(asked):
    for sizes in ((3,), (1, 2), (8, 4), (5, 1), (2, 8), (64,)):
        weight = torch.ones(6, 10, dtype=KINDS[(*sizes, 2)[1]])
        x = torch.ones(sizes[0], 10).double()  # a token of each sequence
        flops = 2 * mult_adds(lambda w, x: x @ w.T, weight.double(), x)[1]
        asked.gives_about(flops / weight.nbytes, *sizes)


@asks("expected_tokens")
def speculative(asked):
    for accept, draft_len in ROUNDS:
        asked.gives_about(mean_of_round(accept, draft_len), accept, draft_len)


@asks("max_sequences", "expected_tokens")
def limits(sequences, tokens):
    for memory, weights, token, length in ((100, 101, 2, 3), (100, 100, 2, 3), (10, 500, 1, 1)):
        sequences.gives(0, memory, weights, token, length)
    for accept, draft_len in ((1, 3), (1.0, 4), (0, 3), (0.0, 4), (0.6, 0), (1, 0), (0, 0)):
        tokens.gives_about(mean_of_round(accept, draft_len), accept, draft_len)


@asks("max_sequences", "expected_tokens")
def values(sequences, tokens):
    for length in (0, -3):
        sequences.refuses(f"length is {length}", [length], 100, 40, 2, length)
        sequences.refuses(f"length is {length}", [length], 40, 100, 2, length)
    for accept, draft_len in ((1.5, 2), (-0.25, 2), (2, 3), (-1, 0), (float("nan"), 2)):
        tokens.refuses(f"accept is {accept}", [accept], accept, draft_len)
    for accept, draft_len in ((0.5, -1), (1, -2), (0, -3)):
        tokens.refuses(f"draft_len is {draft_len}", [draft_len], accept, draft_len)


@asks("kv_bytes_per_token", "mla_bytes_per_token", "max_sequences")
def exact(cache, latent, sequences):
    n = 10**20 + 1  # not exact as a float
    for asked, grows in (
        *((cache, at) for at in ([0], [1], [2], [3], [0, 2])),
        *((latent, at) for at in ([0], [3], [1, 2], [0, 3])),  # 1 and 2 are added
    ):
        sizes = [[k if i in grows else 3 for i in range(4)] for k in (1, n)]
        power = 1 if grows == [1, 2] else len(grows)
        asked.gives_exactly(n**power * asked.gives_exactly(None, *sizes[0]), *sizes[1])
    for small, large in (
        ((2, 1, 1, 1), (2 * n, n, 1, 1)),
        ((5, 1, 2, 2), (5 * n, n, 2, 2)),
        ((2, 1, 1, 1), (n * n + n, n, n, 1)),
        ((2, 1, 1, 1), (n * n + n, n, 1, n)),
    ):
        sequences.gives_exactly(n * sequences.gives_exactly(None, *small), *large)


CORE = (cache, latent, sequences, seconds, intensity, speculative)
EDGES = (limits, values, exact)


def kept_of(*sizes_and_dtype):
    """A token's part of a cache."""
    *sizes, dtype = sizes_and_dtype
    return torch.ones(sizes, dtype=dtype)


def mean_of_round(accept, draft_len):
    """The mean over all outcomes: the first rejection at each place, or none."""
    mean, alive = 0.0, 1.0
    for tokens in range(1, draft_len + 1):  # tokens - 1 were accepted, the large model adds one
        mean += alive * (1 - accept) * tokens
        alive *= accept
    return mean + alive * (draft_len + 1)
