"""Losses by hand: subtract the largest logit before exp, and stay in logarithms.

Why it works: softmax does not change if all logits are shifted, and after the largest is subtracted
no exponent is above 0. log p = shifted - log(sum(exp(shifted))): the sum is at least 1, so its log
is finite. Logits 1000 and 0, target 1: log p is -1000, while softmax gives 0 and log(0) is -inf.
The entropy keeps three numbers: the largest logit m, S = sum e^(x - m), T = sum (x - m) e^(x - m);
then H = log S - T / S. When m grows by d, S becomes S e^(-d) and T becomes (T - d S) e^(-d). Logits
0, 0 and then log 2: S = 2, T = 0 become 1 and -0.693; with the new logit 2 and -0.693: H = 1.040.
Say in the interview:
- A loss takes logits. Whoever takes the log of a softmax or a sigmoid has lost the digits already.
- The ignored rows leave the numerator and the denominator. max(n, 1) gives 0 where none is kept;
  torch gives NaN there, which one batch of padding puts into all weights.
- Smoothing spreads s over all K classes, the target included, as in torch and in the paper.
Asked next: "Focal or weighted cross entropy?" Weights know the class alone; focal also lowers what
is easy already: at p_t = 0.9 and gamma 2 to 1 %. "The gradient of cross entropy?" p - onehot.
Common slips: log(softmax); smoothing over K - 1; dividing by N; gather at index -100; 0 * -inf is
NaN, so no smoothing term where s is 0; (N,) against (N, 1), which broadcasts to (N, N); the old
sums not scaled; clamp, whose gradient at 0 is not 1/2: logaddexp has the right one.
May be left out if you say so: the empty batch, -inf, and the error for shapes.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor


def my_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Any shape -> the same, sums of 1 along dim."""
    exp = (x - x.detach().amax(dim, keepdim=True)).exp()
    return exp / exp.sum(dim, keepdim=True)


def log_probs(logits: Tensor) -> Tensor:
    """(N, K) -> the logarithm of its softmax over K."""
    shifted = logits - logits.detach().amax(1, keepdim=True)
    return shifted - shifted.exp().sum(1, keepdim=True).log()


def cross_entropy_loss(
    logits: Tensor, targets: Tensor, ignore_index: int = -100, label_smoothing: float = 0.0
) -> Tensor:
    """(N, K), (N,) -> () mean over the rows kept; 0 if there is none."""
    kept = targets != ignore_index
    log_p = log_probs(logits[kept])  # (M, K)
    losses = -log_p.gather(1, targets[kept, None])[:, 0]  # (M,)
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(1)
    return losses.sum() / max(len(losses), 1)


def focal_loss(logits: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """(N, K), (N,) -> () mean of the rows."""
    log_p = log_probs(logits).gather(1, targets[:, None])
    return (-alpha * (1 - log_p.exp()) ** gamma * log_p).mean()


def bce_with_logits(logits: Tensor, targets: Tensor, pos_weight: Tensor | None = None) -> Tensor:
    """(*, K), (*, K), (K,) -> () mean of all numbers. Shapes that differ: ValueError."""
    need_same(logits, targets)
    zero = logits.new_zeros(())
    no, yes = torch.logaddexp(zero, logits), torch.logaddexp(zero, -logits)  # -log(1 - s), -log s
    if pos_weight is not None:
        yes = pos_weight * yes
    return (targets * yes + (1 - targets) * no).mean()


def huber_loss(pred: Tensor, target: Tensor, delta: float = 1.0) -> Tensor:
    """Any shape, the same -> () mean of all numbers. Shapes that differ: ValueError."""
    need_same(pred, target)
    d = (pred - target).abs()
    return torch.where(d <= delta, d**2 / 2, delta * (d - delta / 2)).mean()


def need_same(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ValueError(f"shapes {tuple(a.shape)} and {tuple(b.shape)}, want the same")


def streaming_entropy(chunks: Iterable[Tensor]) -> Tensor:
    """Logits (n,), (m,), ... -> () entropy of the softmax over all of them."""
    highest = None
    for chunk in chunks:
        chunk = chunk[chunk != -math.inf]
        if not len(chunk):
            continue
        if highest is None:
            highest, total, weighted = chunk.max(), chunk.new_zeros(()), chunk.new_zeros(())
        new = torch.maximum(highest, chunk.max())
        d, shifted = new - highest, chunk - new
        weighted = (weighted - d * total) * (-d).exp() + (shifted * shifted.exp()).sum()
        total = total * (-d).exp() + shifted.exp().sum()
        highest = new
    return total.log() - weighted / total


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
