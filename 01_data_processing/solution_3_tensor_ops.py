"""Tensor operations: an index for each row, a comparison, a where, a product and a scatter.

Why it works: gather reads one column per row if the labels get a second axis, (N, 1). |a - b|² is
|a|² + |b|² - 2 ab, so one matrix product does all pairs: for N = M = 1000 and D = 100 the result
holds a million numbers, the differences would be a hundred million. The three terms are rounded
before they cancel: near 1e4 each is about 1e8, where float32 has steps of 8, so equal rows may come
out at -8 and are clamped. index_add sums rows that share a group; plain assignment would keep one.
Say in the interview: mask with where, not by a product, as 0 * NaN is NaN, in the backward too.
clamp(min=1) on the count makes an empty mean 0 / 1. Add in float32: index_add keeps the dtype, so a
sum of uint8 wraps at 256, and ones added in bfloat16 end at 256, as the next number there is 258.
They may ask: what if distances must be exact for close points? Subtract a common mean first, which
no distance sees, or compute in float64; torch.cdist subtracts pair by pair for small inputs.
They may ask: is index_add repeatable? Not on a GPU, where adds come in any order. Sort by group, or
ask for torch.use_deterministic_algorithms(True).
Common slips: logits[:, labels], an (N, N) table; a sum divided by the length instead of the count;
x[index] += y, which counts each group once.
"""

import torch
from torch import Tensor


def pick_by_label(logits: Tensor, labels: Tensor) -> Tensor:
    """(N, K), (N,) int64 -> (N,). A label outside 0 to K - 1: RuntimeError."""
    return logits.gather(1, labels[:, None]).squeeze(1)


def one_hot(labels: Tensor, num_classes: int) -> Tensor:
    """(...) int64 -> (..., K) float32."""
    classes = torch.arange(num_classes, device=labels.device)  # (K,)
    return (labels[..., None] == classes).float()


def masked_mean(tensor: Tensor, mask: Tensor, dim: int | None = None) -> Tensor:
    """The mean over dim, or over all, of where mask is True; 0 where it is nowhere True."""
    total = torch.where(mask, tensor, 0).sum(dim)
    return total / mask.sum(dim).clamp(min=1)


def pairwise_sq_dist(a: Tensor, b: Tensor) -> Tensor:
    """(N, D), (M, D) -> (N, M), not negative."""
    squares = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)  # (N, M)
    return (squares - 2 * a @ b.T).clamp(min=0)


def segment_mean(x: Tensor, index: Tensor, num_groups: int) -> Tensor:
    """(N, D), (N,) int64 -> (G, D): the mean of each group's rows; 0 for an empty group."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # sums of uint8 would wrap
    total = wide.new_zeros(num_groups, x.shape[1]).index_add(0, index, wide)  # (G, D)
    count = torch.bincount(index, minlength=num_groups).clamp(min=1)  # (G,)
    mean = total / count[:, None]
    return mean.to(x.dtype) if x.is_floating_point() else mean


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
