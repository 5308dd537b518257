"""The bottleneck block: a residual block whose 3x3 convolution works on few channels.

It gives relu(main(x) + shortcut(x)): wide layers at a bearable price, as in ResNet-50.

    BottleneckBlock(in_c, out_c, mid_c, stride=1)
    forward(x) -> result    x (N, in_c, H, W) float, any H and W
                            result (N, out_c, H / stride, W / stride), rounded up
    part        layers                                       names
    main        1x1 convolution to mid_c, BN, ReLU           conv1 bn1
                3x3 convolution, BN, ReLU                    conv2 bn2
                1x1 convolution to out_c, BN                 conv3 bn3
    shortcut    x itself, if stride is 1 and in_c equals out_c
                otherwise 1x1 convolution, BN                shortcut.0 shortcut.1

Core, what an interview asks:

    names      These layers hold all parameters and buffers: nn.Conv2d without bias and
               nn.BatchNorm2d with its defaults.
    stride     conv2 and shortcut.0 have the stride ("v1.5").
    shapes     As above, for N = 1 too.
    shortcut   As above. It has no ReLU.
    sum        A ReLU comes after the sum, none between bn3 and it.
    main       The layers work in order. The 3x3 pads with one zero on each side.
    input      x is not changed.
    training   Train and eval mode differ as BN does, for one image too. A call with its backward
               counts one batch. Modes stay.
    gradients  They reach x and all parameters in both modes.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    anywhere   Any strides, floating dtype and device; result has both. Another dtype of x
               than the parameters' raises an error.

Medium, 20 minutes. Try one alone: python FILE names
Paper: Deep Residual Learning, section 4.1, https://arxiv.org/abs/1512.03385
"""

import torch
from torch import Tensor, nn


class BottleneckBlock(nn.Module):
    def __init__(self, in_c: int, out_c: int, mid_c: int, stride: int = 1) -> None:
        raise NotImplementedError("BottleneckBlock.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("BottleneckBlock.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    block = BottleneckBlock(8, 12, 2, stride=2)
    shape = tuple(block(torch.randn(2, 8, 7, 6)).shape)  # N 2, H 7, W 6
    assert shape == (2, 12, 4, 3), shape

    kernels = sum(p.numel() for p in block.parameters() if p.ndim == 4)
    assert kernels == 16 + 36 + 24 + 96, kernels  # conv1, conv2, conv3, shortcut.0

    block = BottleneckBlock(1, 1, 1)
    nn.init.zeros_(block.bn3.weight)
    nn.init.constant_(block.bn3.bias, -3.0)  # all that the convolutions add is -3
    row = block(torch.tensor([[[[5.0, 2.0]]]])).flatten().tolist()  # x is 5 and 2
    assert row == [2, 0], row


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
