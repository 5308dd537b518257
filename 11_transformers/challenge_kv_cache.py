"""KV cache: keys and values of earlier tokens never change, so keep them and read only the new.

    KVCacheAttention(d_model, num_heads)      W_q, W_k, W_v, W_o: nn.Linear(D, D)
        (x, cache=None) -> (out, (K, V))
            x, out  (B, S, D), S >= 1 new tokens
            cache   (K, V) of P tokens before, or None
            K, V    (B, H, P + S, d), d = D / H
    StaticKVCache(B, H, max_len, d, dtype=None, device=None)
        update(k, v) -> (K, V)
            k, v    (B, H, S, d), new
            K, V    (B, H, filled, d), all so far

Core, what an interview asks:

    whole    Without a cache: causal attention in H heads, then W_o; to 1e-12 in float64,
             with gradients.
    splits   However a text is cut, its pieces give what the whole gives, with gradients.
    cache    (K, V), a tuple: the old tokens, then the new. No input changes: several
             continuations may start from one cache.
    work     Matrix products for new tokens only; no mask of (P + S)^2 elements if P > 0.
    slots    update copies k and v behind what is filled. K and V are views: old tokens are
             never copied.
    full     ValueError without room for all new tokens; then nothing changes.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    kinds    Results have dtype and device of x; those of update have what StaticKVCache was given,
             and no gradient, whatever k and v have.
    refused  ValueError if H does not divide D, or k or v has other sizes.

Medium, 35 minutes. Try one alone: python FILE splits
"""

import torch
from torch import Tensor, nn


class KVCacheAttention(nn.Module):
    def __init__(self, d_model: int, num_heads: int) -> None:
        super().__init__()
        raise NotImplementedError("KVCacheAttention.__init__")

    def forward(
        self, x: Tensor, cache: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, S, D), two of (B, H, P, d) -> (B, S, D), two of (B, H, P + S, d)."""
        raise NotImplementedError("KVCacheAttention.forward")


class StaticKVCache:
    def __init__(
        self,
        batch: int,
        num_heads: int,
        max_len: int,
        d_head: int,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        raise NotImplementedError("StaticKVCache.__init__")

    def update(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Two of (B, H, S, d) -> two of (B, H, filled, d)."""
        raise NotImplementedError("StaticKVCache.update")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    attention = KVCacheAttention(2, 1)
    for p in attention.parameters():
        nn.init.zeros_(p)  # equal scores: a token gives the mean of all tokens up to it
    nn.init.eye_(attention.W_v.weight)
    nn.init.eye_(attention.W_o.weight)
    x = torch.tensor([[[1.0, 0], [3, 0], [8, 6]]])
    first, cache = attention(x[:, :1])
    assert first.tolist() == [[[1, 0]]], first.tolist()
    rest, (_, V) = attention(x[:, 1:], cache)
    assert V.tolist() == [[[[1, 0], [3, 0], [8, 6]]]], V.tolist()
    assert [round(n, 4) for n in rest.flatten().tolist()] == [2, 0, 4, 2], rest.tolist()

    slots = StaticKVCache(1, 1, max_len=3, d_head=1)
    for new, want in ((5.0, [5]), (7.0, [5, 7])):
        K, _ = slots.update(torch.full((1, 1, 1, 1), new), torch.zeros(1, 1, 1, 1))
        assert K.flatten().tolist() == want, K.flatten().tolist()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
