"""A small ResNet for small images, put together from residual blocks.

    SmallResNet(num_classes=10)    K classes; ResidualBlock is given
    forward(x) -> logits           x (N, 3, H, W) float, any H and W; logits (N, K)
    name      layers                                        channels, size (halves rounded up)
    conv1     3x3 convolution, zero padding 1, no bias      16, H x W
    bn1       nn.BatchNorm2d (BN), then ReLU                16, H x W
    layer1    nn.Sequential of 2 ResidualBlocks             16, H x W
    layer2    the same, first with stride 2                 32, H/2 x W/2
    layer3    the same, first with stride 2                 64, H/4 x W/4
              mean of each channel                          64
    fc        nn.Linear with bias                           K

Core, what an interview asks:

    names      These layers hold all parameters and buffers. BN has its defaults.
    sizes      As in the table.
    shapes     As above, for N = 1 and K = 1 too.
    logits     They are what fc gives.
    mean       fc reads the mean over all pixels of each channel.
    stem       conv1, bn1 and ReLU work in order.
    stages     layer1, layer2 and layer3 work in order, each once.
    input      x is not changed.
    training   Train and eval mode differ as BN does, for one image too. A call with its backward
               counts one batch. Modes stay.
    gradients  They reach x and all parameters in both modes.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    anywhere   Any strides, floating dtype and device; logits have both. Another dtype of x
               than the parameters' raises an error.

Medium, 25 minutes. Try one alone: python FILE names
Paper: Deep Residual Learning, section 4.2, https://arxiv.org/abs/1512.03385
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


class SmallResNet(nn.Module):
    def __init__(self, num_classes: int = 10) -> None:
        raise NotImplementedError("SmallResNet.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("SmallResNet.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    net = SmallResNet()
    shape = tuple(net(torch.randn(2, 3, 9, 14)).shape)  # N 2, 9x14 pixels
    assert shape == (2, 10), shape

    count = sum(p.numel() for p in net.fc.parameters())  # 64 numbers in, 10 out, 10 biases
    assert count == 650, count


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
