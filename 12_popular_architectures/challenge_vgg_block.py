"""VGGBlock: small convolutions in a row, then half the size.

VGG uses 3x3 convolutions only. Two in a row see 5x5 pixels, three see 7x7.

    VGGBlock(in_channels, out_channels, num_convs=2, use_pool=True)
    forward(x) -> out
        x      (N, in_channels, H, W) float, any H and W (2 or more with use_pool)
        out    (N, out_channels, H // 2, W // 2) with use_pool
               (N, out_channels, H, W) without

num_convs times a 3x3 convolution and a ReLU, then 2x2 max pooling if use_pool.

Core, what an interview asks:

    layers        num_convs nn.Conv2d, under any names, hold all parameters and buffers. The first
                  goes from in_channels to out_channels, the others keep out_channels.
    biases        Every convolution has a bias.
    shapes        As above, for N = 1 and odd H and W too.
    relu          Each convolution has a ReLU after it.
    convolutions  They keep H and W, padding with zeros.
    pool          Windows lie side by side. A row or column left over is dropped.
    modes         Train and eval mode give the same. Modes and x stay.
    gradients     They reach x and all parameters in both modes.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    errors        num_convs below 1 raises ValueError.
    anywhere      Any strides, floating dtype and device; out has both. Another dtype of x
                  than the parameters' raises an error.

Easy, 15 minutes. Try one alone: python FILE layers
Paper: Very Deep Convolutional Networks, section 2.1, https://arxiv.org/abs/1409.1556
"""

import torch
from torch import Tensor, nn


class VGGBlock(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, num_convs: int = 2, use_pool: bool = True
    ) -> None:
        raise NotImplementedError("VGGBlock.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("VGGBlock.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    block = VGGBlock(3, 8, num_convs=3)
    shape = tuple(block(torch.randn(2, 3, 6, 7)).shape)  # N 2, H 6, W 7
    assert shape == (2, 8, 3, 3), shape

    count = sum(p.numel() for p in block.parameters())  # kernels 3 -> 8, 8 -> 8, 8 -> 8, biases
    assert count == 216 + 576 + 576 + 24, count

    block = VGGBlock(1, 1, num_convs=2)
    for p in block.parameters():
        nn.init.ones_(p)
    pixel = block(torch.ones(1, 1, 2, 2)).tolist()  # 4 + 1 = 5 everywhere, then 4 * 5 + 1
    assert pixel == [[[[21]]]], pixel


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
