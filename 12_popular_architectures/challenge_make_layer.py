"""A ResNet stage: residual blocks in a row, of which one changes the shape.

A ResNet is a stem, a few such stages and a head. Each stage may lower the resolution and change the
number of channels, both only once.

    make_layer(in_c, out_c, num_blocks, stride) -> nn.Sequential
        in_c, out_c    channels of the stage's input and of its output
        num_blocks     from 1 up
        stride         of the stage as a whole
    ResidualBlock is given: leave it as it is. Its stride divides H and W, rounded up.

Core, what an interview asks:

    blocks      An nn.Sequential of num_blocks ResidualBlocks and nothing else.
    channels    The first block goes from in_c to out_c, the others from out_c to out_c.
    strides     The first block has the stride, the others have stride 1.
    own         Each block has weights of its own, and so has each stage.
    result      x goes through the blocks in their order, in train and eval mode.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    errors      num_blocks below 1 raises ValueError.

Easy, 10 minutes. Try one alone: python FILE blocks
Paper: Deep Residual Learning, table 1, https://arxiv.org/abs/1512.03385
"""

import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Given: (N, in_c, H, W) -> (N, out_c, ceil(H / stride), ceil(W / stride))."""

    def __init__(self, in_c: int, out_c: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_c, out_c, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_c)
        self.conv2 = nn.Conv2d(out_c, out_c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_c)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_c != out_c:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_c, out_c, 1, stride, bias=False), nn.BatchNorm2d(out_c)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn1(self.conv1(x)).relu_()  # (N, out_c, H', W')
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return out.relu_()


def make_layer(in_c: int, out_c: int, num_blocks: int, stride: int) -> nn.Sequential:
    raise NotImplementedError("make_layer")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    layer = make_layer(4, 6, num_blocks=3, stride=2)
    shape = tuple(layer(torch.randn(2, 4, 8, 8)).shape)  # N 2, 8x8 pixels
    assert shape == (2, 6, 4, 4), shape

    kernels = [sum(p.numel() for p in block.parameters() if p.ndim == 4) for block in layer]
    assert kernels == [216 + 324 + 24, 2 * 324, 2 * 324], kernels  # 24: a 1x1 convolution 4 -> 6


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
