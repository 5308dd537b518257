"""Normalization by hand: one formula, and four choices of the numbers that share a mean.

    y = (x - mean) / sqrt(var + eps) * gamma + beta        var: the biased variance
    y = x / sqrt(mean of x^2 + eps) * weight               rms_norm

    my_layer_norm, rms_norm    x (*, D), weights (D,)
    my_batch_norm, group_norm  x (N, C) or (N, C, H, W), weights and running statistics (C,)

Core, what an interview asks:

    by_hand    No layer_norm, batch_norm or other such function of torch is called.
    layer      Each row of D numbers by itself.
    rms        Each row by itself.
    batch      In training, each channel over all samples and positions.
    running    In training, running = (1 - momentum) running + momentum new, in place; new is the
               batch's mean and its unbiased variance. With training=False the running ones
               are used, and stay.
    groups     Each sample's channels in num_groups blocks of neighbors, with all positions.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    precision  x and weights in float16 or bfloat16 give the same dtype back, with statistics in
               float32.
    refused    One number per channel in training, or C not divisible by num_groups: ValueError.
               No running statistic moves then.
    inputs     Any strides. Gradients also flow through the batch's statistics. float64 is exact
               to 1e-8. The running statistics keep no graph. All else stays, also the grad mode.

Medium, 35 minutes. Try one alone: python FILE batch
Paper: Group Normalization, figure 2 shows all, https://arxiv.org/abs/1803.08494
"""

import torch
from torch import Tensor


def my_layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5) -> Tensor:
    """(*, D), (D,), (D,) -> (*, D)."""
    raise NotImplementedError("my_layer_norm")


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-6) -> Tensor:
    """(*, D), (D,) -> (*, D)."""
    raise NotImplementedError("rms_norm")


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
    """(N, C) or (N, C, H, W), (C,) each -> like x."""
    raise NotImplementedError("my_batch_norm")


def group_norm(
    x: Tensor, num_groups: int, gamma: Tensor, beta: Tensor, eps: float = 1e-5
) -> Tensor:
    """(N, C) or (N, C, H, W), (C,) each -> like x."""
    raise NotImplementedError("group_norm")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    one, zero = torch.ones(2), torch.zeros(2)
    x = torch.tensor([[1.0, 3.0], [5.0, 9.0]])
    got = my_layer_norm(x, one, zero, eps=3.0).tolist()
    assert got[0] == [-0.5, 0.5], got  # mean 2, variance 1, sqrt(1 + 3) = 2
    mean, var = torch.zeros(2), torch.ones(2)
    my_batch_norm(x, one, zero, mean, var, momentum=0.5)
    assert mean.tolist() == [1.5, 3.0], mean.tolist()  # half of the batch's 3 and 6
    assert var.tolist() == [4.5, 9.5], var.tolist()  # (1 + 8) / 2 and (1 + 18) / 2


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
