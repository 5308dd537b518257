"""FlashAttention: a softmax over keys that come in tiles, and a backward that computes them again.

Why it works: a softmax needs a row's largest score m and its sum, and both can be kept up to date.
When a larger m' comes, all that was summed is multiplied by exp(m - m'). Scores 0 and then 2: after
the first, m = 0 and the sum is 1; after the second, m = 2 and it is exp(-2) + 1 = 1.135. At first
m = -inf and exp(-inf - m') = 0, which is right for an empty sum, as long as m' is a number: the
first tile holds key 0, which every query sees. m + log(sum) is lse, 2.127 here.
Backward: P = exp(score - lse) is the softmax at once, with no second search for m. From dP = dO V^T
it is dS = P * (dP - sum_j P dP); the sum over all keys of a row is dO . out, one number per query,
as out is sum_j P v. So each tile needs only its own rows and columns.
Say in the interview:
- The mult-adds are those of plain attention, and in backward more: scores are computed twice. It
  is faster as less moves between slow and fast memory: a GPU waits for memory, not for products.
- Saved per query are D numbers of out and one of lse, not L_k weights.
- lse also joins parts: two devices with half of the keys each need only (out, lse) of the other.
Asked next: "Autograd through the loop?" Right, but every tile is kept: L_q * L_k numbers in all.
"Which loop is outside?" Queries: a tile of them keeps its state in fast memory and is written once;
FlashAttention-1 had the keys outside. "Causal?" About half of the tiles is skipped, and only those
on the diagonal need a mask.
Common slips: sums rescaled and weighted values not, or neither; the mean of the tiles' softmaxes;
lse without m; the last short tile; dS without dO . out; the scale forgotten in dQ and dK.
May be left out if you say so: half precision, whose sums need float32.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

BLOCK = 32


def flash_attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    block_size: int = 32,
    causal: bool = False,
    return_lse: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """(*, L_q, D), twice (*, L_k, D) -> (*, L_q, D), with return_lse also (*, L_q)."""
    dtype = torch.promote_types(Q.dtype, torch.float32)
    outs, lses = [], []
    for rows in blocks(Q.shape[-2], block_size):
        mixed = torch.zeros_like(Q[..., rows, :], dtype=dtype)
        total = torch.zeros_like(mixed[..., :1])
        largest = torch.full_like(total, -torch.inf)
        for columns in blocks(seen(rows, K, causal), block_size):
            scores = tile(Q, K, rows, columns, causal)
            new = torch.maximum(largest, scores.detach().amax(-1, keepdim=True))
            old, weights = torch.exp(largest - new), torch.exp(scores - new)
            total = old * total + weights.sum(-1, keepdim=True)
            mixed = old * mixed + weights @ V[..., columns, :].to(dtype)
            largest = new
        outs.append((mixed / total).to(Q.dtype))
        lses.append((largest + total.log()).squeeze(-1))
    out = torch.cat(outs, dim=-2)
    return (out, torch.cat(lses, dim=-1)) if return_lse else out


class FlashAttentionFunction(torch.autograd.Function):
    """The same in tiles of 32, with a backward that keeps no tile."""

    @staticmethod
    def forward(ctx: Any, Q: Tensor, K: Tensor, V: Tensor, is_causal: bool = False) -> Tensor:
        out, lse = flash_attention(Q, K, V, BLOCK, is_causal, return_lse=True)
        ctx.save_for_backward(Q, K, V, out, lse)
        ctx.is_causal = is_causal
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        Q, K, V, out, lse = ctx.saved_tensors
        dtype, scale = lse.dtype, 1 / math.sqrt(Q.shape[-1])
        dQ, dK, dV = (torch.zeros_like(t, dtype=dtype) for t in (Q, K, V))
        for rows in blocks(Q.shape[-2], BLOCK):
            dO = grad_out[..., rows, :].to(dtype)
            mean = (dO * out[..., rows, :]).sum(-1, keepdim=True)  # of dP under P: dO . out
            for columns in blocks(seen(rows, K, ctx.is_causal), BLOCK):
                scores = tile(Q, K, rows, columns, ctx.is_causal)
                P = torch.exp(scores - lse[..., rows, None])
                dS = P * (dO @ V[..., columns, :].to(dtype).mT - mean) * scale
                dV[..., columns, :] += P.mT @ dO
                dQ[..., rows, :] += dS @ K[..., columns, :].to(dtype)
                dK[..., columns, :] += dS.mT @ Q[..., rows, :].to(dtype)
        return dQ.to(Q.dtype), dK.to(K.dtype), dV.to(V.dtype), None


def blocks(length: int, size: int) -> Iterator[slice]:
    """0 to length in slices of size; the last may be shorter."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def seen(rows: slice, K: Tensor, causal: bool) -> int:
    """How many keys, from the first on, these queries need."""
    return min(rows.stop, K.shape[-2]) if causal else K.shape[-2]


def tile(Q: Tensor, K: Tensor, rows: slice, columns: slice, causal: bool) -> Tensor:
    """The scores of these queries and keys, at least in float32; hidden ones are -inf."""
    dtype = torch.promote_types(Q.dtype, torch.float32)
    q, k = Q[..., rows, :].to(dtype), K[..., columns, :].to(dtype)
    scores = q @ k.mT / math.sqrt(Q.shape[-1])
    if causal:
        i = torch.arange(rows.start, rows.stop, device=Q.device)[:, None]
        j = torch.arange(columns.start, columns.stop, device=Q.device)
        scores = scores.masked_fill(j > i, -torch.inf)
    return scores


# Something to look at: what is kept for backward.
if __name__ == "__main__":
    kept: dict[int, int] = {}

    def plain(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
        return (Q @ K.mT / math.sqrt(Q.shape[-1])).softmax(-1) @ V

    def note(t: Tensor) -> Tensor:
        kept[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes() // t.itemsize
        return t

    print("numbers kept for backward, D = 64")
    for length in (256, 512, 1024):
        Q, K, V = (torch.randn(length, 64, requires_grad=True) for _ in range(3))
        for call in (plain, flash_attention, FlashAttentionFunction.apply):
            kept.clear()
            with torch.autograd.graph.saved_tensors_hooks(note, lambda t: t):
                result = call(Q, K, V)
            name = getattr(call, "__name__", "").replace("apply", "FlashAttentionFunction")
            print(f"L = {length:5}, {name:23} {sum(kept.values()):10,}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
