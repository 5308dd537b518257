"""Sliding window: a mask by distance, and a cache that forgets what no later query sees.

Why it works: a new token at position P sees P - W to P. So of the past the cache needs W tokens,
whatever P is. With W = 4,095 a text of 100,000 tokens needs 4 % of the memory. Layers carry
information further: after n of them a token knows of n W tokens back.
Say in the interview:
- Mistral's window counts the token itself: its W is window_size + 1 here, and causal.
- For S new tokens at once the oldest of them looks back W, so W + S keys come back, and the caller
  masks by positions: i - j <= W. For S = 1 all that comes back is seen, no mask is needed.
- Sinks: a softmax has to give its weight to something, and heads learn to put it on the first
  tokens. Drop these and a model that was trained with them writes nonsense; 4 are enough.
- This masks an L x L matrix; the gain in time needs a kernel that skips blocks: flex_attention.
- K[:, :, -W:] is a view, and holds all of a long prompt; indexing by a mask copies.
Asked next: "Which positions for RoPE?" Those of the text, as here, keys stored turned; StreamingLLM
numbers the cache's slots instead, so that distances stay as short as in training. "A ring buffer?"
Slot = position % W saves the copying; the order in it is then not that of the text, which only
matters to masks and positions. "All layers?" Gemma 3 has five with windows per full one.
Common slips: < for <=; a window of W on both sides in causal mode; sinks that are after the query;
sinks listed twice while they are in the window, too; positions that restart at 0.
May be left out if you say so: axes, what update gave before.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def sliding_window_attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    window_size: int,
    causal: bool = False,
    num_sinks: int = 0,
) -> Tensor:
    """(..., L, D), (..., L, D), (..., L, Dv) -> (..., L, Dv)."""
    j = torch.arange(Q.shape[-2], device=Q.device)  # keys
    i = j[:, None]  # queries
    may = ((i - j).abs() <= window_size) | (j < num_sinks)  # (L, L)
    if causal:
        may &= j <= i
    return F.scaled_dot_product_attention(Q, K, V, attn_mask=may)


class RollingKVCache:
    """The sinks and the last window_size tokens, by their positions in the text."""

    def __init__(self, window_size: int, num_sinks: int = 0) -> None:
        self.window_size, self.num_sinks = window_size, num_sinks
        self.seen = 0
        self.kept: tuple[Tensor, Tensor, Tensor] | None = None

    def update(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Two of (B, H, S, d) -> two of (B, H, n, d), and (n,) positions."""
        end = self.seen + k.shape[2]
        positions = torch.arange(self.seen, end, device=k.device)
        if self.kept is not None:
            old_k, old_v, old = self.kept
            k, v = torch.cat([old_k, k], dim=2), torch.cat([old_v, v], dim=2)
            positions = torch.cat([old, positions])
        stays = (positions < self.num_sinks) | (positions >= end - self.window_size)
        self.kept = k[:, :, stays], v[:, :, stays], positions[stays]
        self.seen = end
        return k, v, positions


# Something to look at: who sees whom, and how much a cache keeps.
if __name__ == "__main__":
    rows = torch.zeros(1, 12, 1)
    for causal, sinks in ((False, 0), (True, 0), (True, 2)):
        seen = sliding_window_attention(rows, rows, torch.eye(12)[None], 3, causal, sinks)[0] > 0
        print(f"window_size 3, causal {causal}, {sinks} sinks: query by row, key by column")
        print("\n".join("  " + "".join(".#"[int(key)] for key in row) for row in seen))
    cache, sizes = RollingKVCache(3, 2), []
    for _ in range(8):
        sizes.append(cache.update(rows[None, :, :1], rows[None, :, :1])[2].tolist())
    print("positions that the cache gives, token by token:", *sizes, sep="\n  ")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
