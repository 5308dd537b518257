"""Normalization by hand: choose the axes, take mean and biased variance, scale and shift.

Why it works: (x - mean) / sqrt(var + eps) has mean 0 and variance 1 whatever the layer before does,
and gamma and beta give back what the network needs. x = 1, 3: mean 2, variance 1, so -1, 1 without
eps. Layer norm averages over D, batch norm over N, H, W, group norm over C/G, H, W; with C groups
it is an instance norm.
Say in the interview:
- eps stands under the root: with var = 0 the result is beta, and no gradient is infinite.
- Two variances: the biased one normalizes the batch, the unbiased one, larger by n / (n - 1), goes
  to running_var, as torch does. Some public solutions keep the biased one in both places.
- momentum is the weight of the new value: 0.1 means 90 % old.
- The graph goes through mean and variance; the running statistics are updated outside of it.
Asked next: "Why layer norm in transformers?" No dependence on the batch, the same in training and
eval, any length. "Why RMS?" Without the mean it is as good in practice and cheaper; no beta either.
"Batch norm with a batch of 2?" Noisy statistics: group norm, or statistics over all processes.
Common slips: eps added to the standard deviation; momentum reversed; running statistics as new
tensors, or updated in eval; unbiased variance for the batch; gamma (C,) along the last axis of
(N, C, H, W): view it as (C, 1, 1); groups interleaved; squares of float16, infinite above 255.
May be left out if you say so: 16 bits and the errors.
"""

import torch
from torch import Tensor


def my_layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5) -> Tensor:
    """(*, D), (D,), (D,) -> (*, D)."""
    return (normalized(wide(x), [-1], eps) * gamma + beta).to(x.dtype)


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-6) -> Tensor:
    """(*, D), (D,) -> (*, D)."""
    w = wide(x)
    return (w * torch.rsqrt(w.square().mean(-1, keepdim=True) + eps) * weight).to(x.dtype)


def my_batch_norm(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    eps: float = 1e-5,
    momentum: float = 0.1,
    training: bool = True,
) -> Tensor:
    """(N, C, *), (C,) each -> (N, C, *). In training it moves the running statistics in place."""
    axes, n = [0, *range(2, x.ndim)], x.numel() // x.shape[1]
    if training and n < 2:
        raise ValueError(f"{n} numbers per channel, want 2 or more in training")
    w = wide(x)
    if training:
        y = normalized(w, axes, eps)
        with torch.no_grad():
            var, mean = torch.var_mean(w, axes)
            running_mean.mul_(1 - momentum).add_(momentum * mean)
            running_var.mul_(1 - momentum).add_(momentum * var)
    else:
        y = (w - per_channel(running_mean, x)) * torch.rsqrt(per_channel(running_var, x) + eps)
    return (y * per_channel(gamma, x) + per_channel(beta, x)).to(x.dtype)


def group_norm(
    x: Tensor, num_groups: int, gamma: Tensor, beta: Tensor, eps: float = 1e-5
) -> Tensor:
    """(N, C, *), (C,), (C,) -> (N, C, *)."""
    if x.shape[1] % num_groups:
        raise ValueError(f"{x.shape[1]} channels do not divide into {num_groups} groups")
    blocks = wide(x).reshape(x.shape[0], num_groups, x.shape[1] // num_groups, -1)
    y = normalized(blocks, [2, 3], eps).reshape(x.shape)
    return (y * per_channel(gamma, x) + per_channel(beta, x)).to(x.dtype)


def normalized(x: Tensor, axes: list[int], eps: float) -> Tensor:
    """Mean 0 and variance 1 over these axes."""
    var, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(var + eps)


def wide(x: Tensor) -> Tensor:
    """x in float32, or in float64 if it is so already."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def per_channel(t: Tensor, x: Tensor) -> Tensor:
    """(C,) -> (C, 1, ...), to fit x (N, C, ...)."""
    return t.view(-1, *[1] * (x.ndim - 2))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
