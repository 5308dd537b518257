"""Inference on paper: how many texts fit, how fast they grow, what a draft model gains.

Decoding makes one token per sequence and step.

    kv_bytes_per_token(num_layers, num_kv_heads, d_head, bytes_per=2)         an int
    mla_bytes_per_token(num_layers, kv_rank, d_rope, bytes_per=2)             an int
    max_sequences(memory, weight_bytes, kv_bytes_per_token, length)           an int
    decode_seconds(weight_bytes, kv_bytes, bandwidth)                         a float
    decode_intensity(batch, bytes_per=2)                                      a float
    expected_tokens(accept, draft_len)                                        a float

One number takes bytes_per bytes. memory is in bytes, bandwidth in bytes per second.

Core, what an interview asks:

    cache        What grouped-query attention keeps of a token.
    latent       The same of multi-head latent attention: per layer a vector of kv_rank and a key of
                 d_rope numbers, shared by all heads.
    sequences    How many fit beside the weights, length tokens each.
    seconds      Of a step that memory bandwidth limits; kv_bytes are the caches of all sequences.
    intensity    FLOPs of a step's matrix products with the weights, per byte of weights. A
                 multiply-add counts 2.
    speculative  Mean tokens per round. A draft model proposes draft_len; each is accepted with
                 probability accept, up to the first rejection. Then the large model adds one.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    limits       Weights that do not fit: 0 sequences. accept may be 0 or 1, draft_len 0.
    values       accept outside of 0 to 1 or NaN, draft_len below 0, length below 1: ValueError that
                 names the value.
    exact        The ints are Python's own, exact even at 10**20.

Easy, 25 minutes. Try one alone: python FILE cache
Papers: https://arxiv.org/abs/2405.04434, https://arxiv.org/abs/2211.17192
"""


def kv_bytes_per_token(num_layers: int, num_kv_heads: int, d_head: int, bytes_per: int = 2) -> int:
    raise NotImplementedError("kv_bytes_per_token")


def mla_bytes_per_token(num_layers: int, kv_rank: int, d_rope: int, bytes_per: int = 2) -> int:
    raise NotImplementedError("mla_bytes_per_token")


def max_sequences(memory: int, weight_bytes: int, kv_bytes_per_token: int, length: int) -> int:
    raise NotImplementedError("max_sequences")


def decode_seconds(weight_bytes: int, kv_bytes: int, bandwidth: float) -> float:
    raise NotImplementedError("decode_seconds")


def decode_intensity(batch: int, bytes_per: int = 2) -> float:
    raise NotImplementedError("decode_intensity")


def expected_tokens(accept: float, draft_len: int) -> float:
    raise NotImplementedError("expected_tokens")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    size = kv_bytes_per_token(num_layers=1, num_kv_heads=1, d_head=5)
    assert size == 20, size

    fit = max_sequences(memory=100, weight_bytes=30, kv_bytes_per_token=20, length=1)
    assert fit == 3, fit

    tokens = expected_tokens(accept=0.5, draft_len=1)  # 1 or 2, equally often
    assert tokens == 1.5, tokens


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
