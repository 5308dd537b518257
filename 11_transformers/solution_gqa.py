"""Grouped-query attention: the G = H/KV query heads of a group are put in one row of queries.

Why it works: query heads that read the same keys are just more queries. So the heads of a group,
with their L tokens each, become G L queries of one KV head: (B, KV, G L, d) times (B, KV, d, L).
Nothing is copied. With H = 8, KV = 2 and L = 3 there are 2 products of 12 queries with 3 keys, not
8 of 3 with 3. As head h is the h % G-th of group h // G, the scores are (B, H, L, L) by a view.
Say in the interview:
- The cache holds 2 KV d numbers per token and layer; H is not in it.
- The arithmetic of the scores stays that of H heads; only bytes are saved, which decide in decode.
- repeat_interleave is the short form, and what a core needs. k[:, :, None] with a broadcast matmul
  looks free, and copies as well, since the batched product wants plain strides.
- From a trained MHA: mean the heads of each group, then train on for about 5 % of the steps.
Asked next: "Why not KV = 1?" Quality falls a little, training is less stable, and 8 GPUs that share
the heads among them would each hold a copy of the only one. "Which heads form a group?" Neighbors,
by convention; weights trained for another order give nonsense.
Common slips: repeat for repeat_interleave, so that head h reads KV head h % KV; the scale of D; a
mask of (B, H, L, L) on scores that are (B, KV, G L, L).
May be left out if you say so: the copies, the errors.
"""

import math

import torch
from torch import Tensor, nn


class GroupQueryAttention(nn.Module):
    """(B, L, D), bool mask broadcastable to (B, H, L, L) -> (B, L, D). True: may attend."""

    def __init__(self, d_model: int, num_heads: int, num_kv_heads: int) -> None:
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model {d_model} is not divisible by num_heads {num_heads}")
        if num_heads % num_kv_heads:
            raise ValueError(f"{num_heads} heads cannot share {num_kv_heads} KV heads evenly")
        self.d = d_model // num_heads
        self.W_q = nn.Linear(d_model, d_model, bias=False)
        self.W_k = nn.Linear(d_model, num_kv_heads * self.d, bias=False)
        self.W_v = nn.Linear(d_model, num_kv_heads * self.d, bias=False)
        self.W_o = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        q, k, v = (self.heads(W(x)) for W in (self.W_q, self.W_k, self.W_v))  # (B, H or KV, L, d)
        (b, h, length, d), kv = q.shape, k.shape[1]
        rows = q.reshape(b, kv, h // kv * length, d)  # the queries of a whole group
        scores = (rows / math.sqrt(d) @ k.mT).view(b, h, length, length)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)  # (B, H, L, L)
        mixed = (weights.view(b, kv, -1, length) @ v).view(b, h, length, d)
        return self.W_o(mixed.transpose(1, 2).flatten(2))  # (B, L, D)

    def heads(self, x: Tensor) -> Tensor:
        """(B, L, n d) -> (B, n, L, d), a view."""
        return x.unflatten(-1, (-1, self.d)).transpose(1, 2)


def pool_kv_heads(weight: Tensor, num_heads: int, num_kv_heads: int) -> Tensor:
    """(H d, M) -> (KV d, M): the mean of the heads of each group. ValueError: uneven numbers."""
    if num_heads % num_kv_heads or len(weight) % num_heads:
        raise ValueError(f"{len(weight)} rows, {num_heads} heads, {num_kv_heads} KV heads: uneven")
    d = len(weight) // num_heads
    return weight.unflatten(0, (num_kv_heads, -1, d)).mean(dim=1).flatten(0, 1)


# Something to look at: what a smaller cache costs, before any training after the pooling.
if __name__ == "__main__":
    torch.manual_seed(0)
    whole, x = GroupQueryAttention(64, 8, 8), torch.randn(4, 32, 64)
    print("KV heads   parameters   cached numbers per token   output off by, pooled from 8")
    for kv in (8, 4, 2, 1):
        small = GroupQueryAttention(64, 8, kv)
        state = whole.state_dict()
        for name in ("W_k.weight", "W_v.weight"):
            state[name] = pool_kv_heads(state[name], 8, kv)
        small.load_state_dict(state)
        with torch.no_grad():
            off = ((small(x) - whole(x)).norm() / whole(x).norm()).item()
        count = sum(p.numel() for p in small.parameters())
        print(f"{kv:8} {count:12,} {2 * kv * small.d:26} {off:30.0%}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
