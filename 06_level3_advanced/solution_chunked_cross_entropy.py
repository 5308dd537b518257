"""Chunked cross entropy: make a few rows of logits, use them up, forget them.

Why it works: the loss is a sum over tokens, and so is the gradient. With p = softmax(logits) a kept
token's gradient of the logits is (p - onehot(target)) / n, n the number of kept tokens. A chunk
gives rows of hidden's gradient and a part of weight's, and its logits are not needed again. Two
equal logits, target 0, n = 3: (0.5 - 1, 0.5) / 3.
Say in the interview: divide by n once, at the end or from the start, never per chunk: chunks differ
in their number of kept tokens. The gradients are made in forward, as the loss is a scalar: backward
only multiplies them by the upstream number. So there is no second product for the logits, and what
lives on is as large as hidden and weight, not as N V.
Asked next: What if forward is checkpointed per chunk instead? Five lines, the same memory, and one
matrix product more (4 instead of 3). Which chunk size? Large enough that the product keeps the
chip busy, some thousand tokens; D is the width that hidden already needs, so chunks of N D / V
tokens cost no more than hidden itself.
Common slips: a plain loop, whose graph keeps all logits; the mean of the chunks' means; the last
chunk's gradient of weight alone; upstream taken for 1; -100 read as a row from the end.
May be left out if you say so: the sums in float32, the errors. torch 2.14 has it as
F.linear_cross_entropy; Liger Kernel fuses it on GPUs.
"""

from typing import Any

import torch
from torch import Tensor


class ChunkedCrossEntropy(torch.autograd.Function):
    """Gradients are made in forward, chunk by chunk; backward scales them."""

    @staticmethod
    def forward(
        ctx: Any,
        targets: Tensor,
        hidden: Tensor,
        weight: Tensor,
        chunk_size: int,
        ignore_index: int,
    ) -> Tensor:
        exact = torch.promote_types(hidden.dtype, torch.float32)
        kept = targets != ignore_index  # (N,)
        count = kept.sum().clamp(min=1)
        loss = torch.zeros((), dtype=exact, device=hidden.device)
        grad_hidden = torch.zeros_like(hidden)
        grad_weight = torch.zeros_like(weight, dtype=exact)
        wide = weight.to(exact)
        for start in range(0, len(targets), chunk_size):
            rows = slice(start, start + chunk_size)
            h, keep = hidden[rows].to(exact), kept[rows, None]  # (c, D), (c, 1)
            target = targets[rows, None].where(keep, 0)  # any row of weight will do
            log_p = (h @ wide.T).log_softmax(dim=-1)  # (c, V)
            loss -= log_p.gather(1, target).where(keep, 0).sum()
            slope = log_p.exp_().scatter_add_(1, target, -torch.ones_like(h[:, :1]))
            slope.mul_(keep).div_(count)  # of the logits: p - onehot, or 0
            grad_hidden[rows] = slope @ wide
            grad_weight += slope.T @ h
        ctx.save_for_backward(grad_hidden, grad_weight)
        return loss / count

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        grads = [upstream[0] * grad for grad in ctx.saved_tensors]
        return None, *grads, None, None  # autograd casts to the inputs' dtypes


def chunked_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    chunk_size: int = 1024,
    ignore_index: int = -100,
) -> Tensor:
    """hidden (N, D), weight (V, D), targets (N,) -> the mean over kept tokens, a scalar; at least
    float32. An impossible target: torch's own error.
    """
    if chunk_size < 1:
        raise ValueError(f"chunk_size is {chunk_size}, want 1 or more")
    if len(hidden) != len(targets):
        raise ValueError(f"{len(targets)} targets, want {len(hidden)}, one per row of hidden")
    loss = ChunkedCrossEntropy.apply(targets, hidden, weight, chunk_size, ignore_index)
    assert isinstance(loss, Tensor)
    return loss


# Something to look at: how many numbers the largest tensor has, and when.
if __name__ == "__main__":
    from torch.nn import functional as F
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        numbers = 0

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            out = func(*args, **(kwargs or {}))
            if isinstance(out, Tensor):
                self.numbers = max(self.numbers, out.untyped_storage().nbytes() // out.itemsize)
            return out

    hidden, weight = torch.randn(512, 32), torch.randn(4000, 32)
    hidden.requires_grad_(), weight.requires_grad_()
    targets = torch.randint(4000, (512,))
    with Largest() as largest:
        F.cross_entropy(hidden @ weight.T, targets).backward()
    print(f"all logits:    the largest tensor has {largest.numbers:9,} numbers")
    for chunk_size in (128, 32, 8):
        with Largest() as largest:
            chunked_cross_entropy(hidden, weight, targets, chunk_size).backward()
        print(f"chunks of {chunk_size:3}: the largest tensor has {largest.numbers:9,} numbers")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
