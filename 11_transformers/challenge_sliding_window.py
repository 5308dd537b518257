"""Sliding window: a token attends to near ones alone, so old keys and values can be dropped.

    sliding_window_attention(Q, K, V, window_size, causal=False, num_sinks=0)
        Q, K, V        (..., L, D) float; comes back: (..., L, D)
    RollingKVCache(window_size, num_sinks=0)      for causal decoding
        update(k, v) -> (K, V, positions)
            k, v       (B, H, S, d), of S >= 1 new tokens
            K, V       (B, H, n, d), positions (n,) int64: their places in the text

Core, what an interview asks:

    window   Query i sees key j if |i - j| <= window_size, which may be 0, or above L.
    causal   With causal=True, no query sees a key after it.
    sinks    All queries see keys 0 to num_sinks - 1 as well; with causal=True, none after them.
    weights  softmax(Q K^T / sqrt(D)) over what is seen, times V: to 1e-12 in float64, with
             gradients.
    update   In order of position, each once: the sinks, the window_size tokens before the new ones,
             the new ones; as far as there are such.
    bounded  Between updates, the cache holds memory for num_sinks + window_size + 1 tokens at most,
             however many came.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    axes     Any axes before L, or none; V may have other features than Q and K.
    dtypes   Results have the dtype of their inputs; float16 and bfloat16 near float64.
    inputs   Any strides and device. Nothing given, and nothing update gave before, changes.

Medium, 30 minutes. Try one alone: python FILE window
Papers: windows https://arxiv.org/abs/2004.05150, sinks https://arxiv.org/abs/2309.17453
"""

import torch
from torch import Tensor


def sliding_window_attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    window_size: int,
    causal: bool = False,
    num_sinks: int = 0,
) -> Tensor:
    raise NotImplementedError("sliding_window_attention")


class RollingKVCache:
    def __init__(self, window_size: int, num_sinks: int = 0) -> None:
        raise NotImplementedError("RollingKVCache.__init__")

    def update(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Two of (B, H, S, d) -> two of (B, H, n, d), and (n,) positions."""
        raise NotImplementedError("RollingKVCache.update")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    Q = K = torch.zeros(1, 4, 1)  # equal scores: out is the mean of what is seen
    V = torch.tensor([[[0.0], [6.0], [12.0], [24.0]]])
    got = sliding_window_attention(Q, K, V, 1).flatten().tolist()
    assert got == [3, 6, 14, 18], got
    got = sliding_window_attention(Q, K, V, 1, causal=True).flatten().tolist()
    assert got == [0, 3, 9, 18], got

    cache = RollingKVCache(window_size=1, num_sinks=1)
    for new, want in ((5.0, [5]), (6.0, [5, 6]), (7.0, [5, 6, 7]), (8.0, [5, 7, 8])):
        k = torch.full((1, 1, 1, 1), new)
        kept, _, positions = cache.update(k, k)
        assert kept.flatten().tolist() == want, kept.flatten().tolist()
    assert positions.tolist() == [0, 2, 3], positions.tolist()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
