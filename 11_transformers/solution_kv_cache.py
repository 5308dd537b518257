"""KV cache: a new token brings its query, key and value; all that is older is read, not computed.

Why it works: a causal token never sees a later one, so its key and value stay what they are. To
write 1,000 tokens without a cache, 1 + 2 + ... + 1000 = 500,500 tokens pass through W_k; with it,
1,000. Queries are not kept: each is used once, by its own token. With P tokens in the cache, new
token i stands at position P + i and may see keys 0 to P + i: the mask is (S, P + S), the last S
rows of the causal triangle. For S = 1 that row is all True.
Say in the interview:
- The prompt is one piece (prefill), each further token another (decode); the same code does both.
- torch.cat copies the whole cache at each step; n steps move n^2 / 2 tokens. A buffer of max_len is
  taken once, and a step writes one slot; its fixed address also suits CUDA graphs and compile.
- Size: 2 * layers * KV heads * d_head numbers per token and sample. Its reading bounds decoding.
- torch.cat leaves the old cache as it is, so two continuations may share a prompt. A buffer has one
  owner: its views stay valid, but a second continuation would write into the same slots.
Asked next: "Why not is_causal=True?" For S != L it aligns the triangle at the upper left corner, so
a single new token would see key 0 only. "Positions?" They start at P; with RoPE the keys are stored
turned. "Prompts of different length in a batch?" Pad on the left and hide the pads in the mask.
Common slips: no mask inside a piece, which only shows for S > 1 with a cache; a triangle of S x S
or from the upper left; the whole buffer returned, so that empty slots, whose scores are 0, take
a share of the softmax; keys computed anew from all tokens, which is right and no faster.
May be left out if you say so: the sizes that update refuses.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class KVCacheAttention(nn.Module):
    """Causal attention that goes on from a cache. ValueError: d_model no multiple of num_heads."""

    def __init__(self, d_model: int, num_heads: int) -> None:
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"{num_heads} heads do not divide d_model {d_model}")
        self.num_heads = num_heads
        self.W_q = nn.Linear(d_model, d_model)
        self.W_k = nn.Linear(d_model, d_model)
        self.W_v = nn.Linear(d_model, d_model)
        self.W_o = nn.Linear(d_model, d_model)

    def forward(
        self, x: Tensor, cache: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, S, D), two of (B, H, P, d) -> (B, S, D), two of (B, H, P + S, d)."""
        q, k, v = (self.heads(W(x)) for W in (self.W_q, self.W_k, self.W_v))  # (B, H, S, d)
        if cache is not None:
            k = torch.cat([cache[0], k], dim=2)  # (B, H, P + S, d)
            v = torch.cat([cache[1], v], dim=2)
        positions = torch.arange(k.shape[2], device=x.device)
        may = positions <= positions[-q.shape[2] :, None]  # (S, P + S)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=may)  # (B, H, S, d)
        return self.W_o(out.transpose(1, 2).flatten(2)), (k, v)

    def heads(self, x: Tensor) -> Tensor:
        """(B, S, D) -> (B, H, S, d)."""
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)


class StaticKVCache:
    """Keys and values in memory that is taken once. ValueError: full, or sizes that do not fit."""

    def __init__(
        self,
        batch: int,
        num_heads: int,
        max_len: int,
        d_head: int,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        sizes = batch, num_heads, max_len, d_head
        self.k = torch.zeros(sizes, dtype=dtype, device=device)
        self.v = torch.zeros(sizes, dtype=dtype, device=device)
        self.filled = 0

    @torch.no_grad()
    def update(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Two of (B, H, S, d) -> two of (B, H, filled, d)."""
        batch, num_heads, max_len, d_head = self.k.shape
        new = k.shape[-2]
        want = batch, num_heads, new, d_head
        if k.shape != want or v.shape != want:
            raise ValueError(f"k {tuple(k.shape)}, v {tuple(v.shape)}, want {want}")
        end = self.filled + new
        if end > max_len:
            raise ValueError(f"{new} more than {self.filled} tokens, room for {max_len}")
        self.k[:, :, self.filled : end] = k
        self.v[:, :, self.filled : end] = v
        self.filled = end
        return self.k[:, :, :end], self.v[:, :, :end]


# Something to look at: what a cache saves.
if __name__ == "__main__":
    import time

    attention, text = KVCacheAttention(64, 4), torch.randn(1, 256, 64)
    with torch.no_grad():
        start = time.perf_counter()
        for n in range(1, 257):
            attention(text[:, :n])
        middle = time.perf_counter()
        cache = None
        for n in range(256):
            _, cache = attention(text[:, n : n + 1], cache)
        end = time.perf_counter()
    print(f"256 tokens, all read again for each: {256 / (middle - start):,.0f} tokens per second")
    print(f"256 tokens, one by one with a cache: {256 / (end - middle):,.0f} tokens per second")
    print(f"through W_k without a cache {256 * 257 // 2:,} tokens, with a cache 256")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
