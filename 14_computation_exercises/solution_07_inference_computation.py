"""Inference on paper: bytes decide, not FLOPs.

Why it works: a decode step reads every weight once and every sequence's own cache, and does little
with them, so its time is bytes / bandwidth. A model of 16 GB at 3.35 TB/s needs 4.8 ms per step, so
one user gets 209 tokens per second at most.
Say in the interview: weights are read once for the whole batch, a cache only for its own sequence.
So a batch makes weights cheap and caches dear. A weight of 2 bytes serves batch tokens with 2 FLOPs
each: the intensity is the batch, and at 295 FLOPs per byte (H100) it takes about 295 sequences to
fill the chip. GQA divides the cache by query heads / KV heads; MLA keeps 512 + 64 numbers per layer
and token where 128 heads of 128 would be 32,768. Speculative decoding buys tokens with spare FLOPs.
Asked next: Why is prefill different? It uses a weight for all tokens of the prompt, so arithmetic
limits it. Is the best draft_len large? No: token k is used with probability accept^k, and each
costs a pass of the draft model; 3 to 8 is usual. When does speculation lose? At large batches, when
no FLOPs are to spare.
Common slips: query heads; keys without values; MLA counted twice or per head; the cache of one
sequence for the batch; mult-adds for FLOPs; the large model's own token forgotten; 0 / 0 at 1.
May be left out if you say so: activations, a paged cache's last page, the draft model's weights.
"""


def kv_bytes_per_token(num_layers: int, num_kv_heads: int, d_head: int, bytes_per: int = 2) -> int:
    """A key and a value for each layer and KV head."""
    return 2 * num_layers * num_kv_heads * d_head * bytes_per


def mla_bytes_per_token(num_layers: int, kv_rank: int, d_rope: int, bytes_per: int = 2) -> int:
    """The vector that keys and values are made of, and the key that has positions."""
    return num_layers * (kv_rank + d_rope) * bytes_per


def max_sequences(memory: int, weight_bytes: int, kv_bytes_per_token: int, length: int) -> int:
    """Whole sequences of length tokens; 0 if the weights do not fit. No token: ValueError."""
    if length < 1:
        raise ValueError(f"length is {length}, want 1 or more")
    return max(memory - weight_bytes, 0) // (kv_bytes_per_token * length)


def decode_seconds(weight_bytes: int, kv_bytes: int, bandwidth: float) -> float:
    """A step reads all weights and all caches once."""
    return (weight_bytes + kv_bytes) / bandwidth


def decode_intensity(batch: int, bytes_per: int = 2) -> float:
    """A weight is read once and used for one token of each sequence."""
    return 2 * batch / bytes_per


def expected_tokens(accept: float, draft_len: int) -> float:
    """1 + accept + ... + accept^draft_len: token k comes if the k - 1 before it were accepted."""
    if not 0 <= accept <= 1:
        raise ValueError(f"accept is {accept}, want a probability")
    if draft_len < 0:
        raise ValueError(f"draft_len is {draft_len}, want 0 or more")
    if accept == 1:
        return draft_len + 1.0
    return (1 - accept ** (draft_len + 1)) / (1 - accept)


# Something to look at: Llama 3 8B on an H100 of 80 GB and 3.35 TB/s, texts of 8,192 tokens.
if __name__ == "__main__":
    weights, token = 2 * 8_030_261_248, kv_bytes_per_token(32, 8, 128)
    most = max_sequences(80 * 10**9, weights, token, 8192)
    print(f"{token:,} bytes per token, room for {most} sequences")
    for batch in (1, 8, most):
        seconds = decode_seconds(weights, batch * token * 8192, 3.35e12)
        per_user, intensity = 1 / seconds, decode_intensity(batch)
        print(
            f"batch {batch:2}: {1e3 * seconds:4.1f} ms per step, {per_user:3.0f} tokens per second "
            f"and user, {batch * per_user:5,.0f} in all, {intensity:2.0f} FLOPs per byte"
        )
    for accept in (0.6, 0.8, 0.9):
        tokens = (f"{expected_tokens(accept, k):.2f}" for k in (1, 2, 4, 8))
        print(f"accept {accept}: drafts of 1, 2, 4, 8 give", *tokens, "tokens per round")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
