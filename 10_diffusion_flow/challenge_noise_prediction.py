"""Noise prediction: one network, told how noisy its input is.

The architecture is yours; its parameters get random numbers before it is tried.

    NoisePredictionNet(in_channels, t_dim=32, hidden=64)
        t_dim        numbers that describe a step: even, from 4
        hidden       channels inside: a multiple of 8, from 16
    forward(x_t, t) -> the predicted noise (N, C, H, W)
        x_t          (N, C, H, W), each size from 1
        t            (N,) int64, 0 to 999, a step per sample

Core, what an interview asks:

    shapes      The result has the shape of x_t.
    parameters  A larger t_dim or hidden gives more parameters. A gradient reaches each.
    samples     Result i depends on x_t[i] and t[i] alone, in both modes.
    time        No two steps give the same result; at each pixel t counts.
    mixing      The result is not a part from x_t plus a part from t.
    space       Each pixel of the result depends on all channels of x_t there and at its eight
                neighbors. It changes when two neighbors are exchanged.
    size        Predictions may have any sign and size.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    dtypes      float64 and bfloat16 work; t and t + 1 differ there.
    inputs      Any strides and device. x_t and t are not changed.
    errors      Another shape of t: RuntimeError or ValueError.

Medium, 25 minutes. Try one alone: python FILE time
Paper: DDPM, https://arxiv.org/abs/2006.11239
"""

import torch
from torch import Tensor, nn


class NoisePredictionNet(nn.Module):
    def __init__(self, in_channels: int, t_dim: int = 32, hidden: int = 64) -> None:
        super().__init__()
        raise NotImplementedError("NoisePredictionNet.__init__")

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        raise NotImplementedError("NoisePredictionNet.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = NoisePredictionNet(in_channels=3, t_dim=8, hidden=16)
    for p in model.parameters():
        nn.init.normal_(p)
    image = torch.randn(1, 3, 5, 7).expand(2, -1, -1, -1)  # the same image twice
    early, late = model(image, torch.tensor([0, 999]))
    assert early.shape == (3, 5, 7), early.shape
    assert not torch.equal(early, late), "the same for t = 0 and t = 999"


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
