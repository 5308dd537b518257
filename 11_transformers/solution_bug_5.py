"""Bug hunt 5: with a cache, the new tokens' positions start where the cache ends.

Symptom  a prompt in one call is right, and so is the first new token, which that call gives; all
         later ones are wrong, and their logits far from those without the cache.
Cause    each call numbered its own tokens from 0. Keys in the cache keep the rotation of their true
         places. The model reads the token 5 places back: at place 7 that is place 2. Numbered 0, it
         looks at place -5, where there is nothing, and every key seems to lie ahead of it.
Fix      count on: positions S to S + N - 1, for the queries and for the new keys.
Spot it  compare one call with two, for every cut of a short text. Equal shapes, a loss that is fine
         and a right first token say nothing: training never uses the cache.

Asked next
    "Could one rotate all keys anew in each step?" Yes, with keys kept as they were before it. Then
    positions may be chosen late, as a window that slides needs; each step costs S rotations more.
    "And prompts of different length in a batch?" Padded on the left, each row has its own first
    position: (B, N) positions, and a mask for the padding.
    "Which other bug looks alike?" A triangle at the wrong corner: fine token by token, wrong where
    a prompt comes in two pieces. And learned positions have the same bug.
Left out here, if you say so: a cache of fixed size that is written in place.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KV = tuple[Tensor, Tensor]


class Attention(nn.Module):
    def __init__(self, d_model: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        linears = (nn.Linear(d_model, d_model, bias=False) for _ in range(4))
        self.W_q, self.W_k, self.W_v, self.W_o = linears

    def heads(self, x: Tensor) -> Tensor:  # (B, N, D) -> (B, H, N, d)
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:  # (B, H, N, d) and (N,)
        rates = 10000.0 ** (-torch.arange(0, x.shape[-1], 2, device=x.device) / x.shape[-1])
        angles = positions[:, None].to(x.dtype) * rates.to(x.dtype)
        even, odd = x[..., 0::2], x[..., 1::2]
        pairs = even * angles.cos() - odd * angles.sin(), even * angles.sin() + odd * angles.cos()
        return torch.stack(pairs, dim=-1).flatten(-2)


def decode_step(attention: Attention, x: Tensor, cache: KV | None = None) -> tuple[Tensor, KV]:
    """x (B, N, D), K and V (B, H, S, d) -> out (B, N, D), K and V (B, H, S + N, d)."""
    q, k, v = (attention.heads(W(x)) for W in (attention.W_q, attention.W_k, attention.W_v))
    old = 0 if cache is None else cache[0].shape[2]
    positions = torch.arange(old, old + x.shape[1], device=x.device)
    q, k = attention.rotate(q, positions), attention.rotate(k, positions)
    if cache is not None:
        k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)
    new, total = q.shape[2], k.shape[2]
    may = torch.ones(new, total, dtype=torch.bool, device=x.device).tril(total - new)
    mixed = F.scaled_dot_product_attention(q, k, v, may)  # (B, H, N, d)
    return attention.W_o(mixed.transpose(1, 2).flatten(2)), (k, v)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
