"""U-Net: down to see what is there, up to say where, a skip on every level.

    UNet(in_channels, out_channels, base=32, depth=3)
        (N, C, H, W) -> logits (N, K, H, W), C = in_channels, K = out_channels
    down      nn.ModuleList: down[i], a DoubleConv, gives base * 2**i channels
    bottom    DoubleConv, gives base * 2**depth
    up        nn.ModuleList: up[i], nn.ConvTranspose2d, kernel and stride 2, gives base * 2**i
    merge     nn.ModuleList: merge[i], a DoubleConv, gives base * 2**i
    head      nn.Conv2d, kernel 1

Level 0 has the image's size; the last is depth - 1. DoubleConv is given.

Core, what an interview asks:

    parts     They hold all parameters; up and head have biases. Each is called once.
    down      down[0] reads x. Each later level, then bottom, reads the result of the one before,
              max pooled 2 x 2.
    up        The last level's up reads bottom's result, up[i] that of merge[i + 1].
    skips     merge[i] reads down[i]'s result, then up[i]'s, joined along the channels.
    logits    What head makes of merge[0]'s result.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    sizes     Odd sides: pooling drops the last row or column; up[i]'s result gets zeros there.
    errors    ValueError: H or W less than 2**depth, depth less than 1.
    anywhere  Any strides, float64, bfloat16, device. x is not changed; train and eval mode agree.
              Gradients reach x and all parameters.

Medium, 40 minutes. Try one alone: python FILE parts
Paper: U-Net, section 2, https://arxiv.org/abs/1505.04597 (there without padding)
"""

import torch
from torch import Tensor, nn


class DoubleConv(nn.Module):
    """Given: (N, in_c, H, W) -> (N, out_c, H, W)."""

    def __init__(self, in_c: int, out_c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_c, out_c, 3, padding=1)
        self.conv2 = nn.Conv2d(out_c, out_c, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x).relu()).relu()


class UNet(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, base: int = 32, depth: int = 3) -> None:
        raise NotImplementedError("UNet.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("UNet.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    net = UNet(3, 2, base=4, depth=2)
    shape = tuple(net(torch.randn(1, 3, 8, 12)).shape)
    assert shape == (1, 2, 8, 12), shape

    channels = [net.down[1].conv2.out_channels, net.bottom.conv2.out_channels]
    assert channels == [8, 16], channels  # 4, 8, then 16 at the bottom
    assert net.merge[0].conv1.in_channels == 8, net.merge[0]  # 4 of the skip, 4 from below


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
