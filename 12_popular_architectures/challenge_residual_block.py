"""The residual block: convolutions that only have to learn what to add.

It gives relu(main(x) + shortcut(x)): signal and gradient always find a way around convolutions.

    ResidualBlock(in_c, out_c, stride=1)
    forward(x) -> result    x (N, in_c, H, W) float, any H and W
                            result (N, out_c, H / stride, W / stride), rounded up
    part        layers                                          names
    main        3x3 convolution, BN, ReLU, 3x3 convolution, BN  conv1 bn1, conv2 bn2
    shortcut    x itself, if stride is 1 and in_c equals out_c
                otherwise 1x1 convolution, BN                   shortcut.0 shortcut.1

Core, what an interview asks:

    names      These layers hold all parameters and buffers: nn.Conv2d without bias and
               nn.BatchNorm2d with its defaults.
    stride     conv1 and shortcut.0 have the stride, conv2 has stride 1.
    shapes     As above, for N = 1 too.
    shortcut   As above. It has no ReLU.
    sum        A ReLU comes after the sum, none between bn2 and it.
    main       The layers work in order. A 3x3 pads with one zero on each side.
    input      x is not changed.
    training   Train and eval mode differ as BN does, for one image too. A call with its backward
               counts one batch. Modes stay.
    gradients  They reach x and all parameters in both modes.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    anywhere   Any strides, floating dtype and device; result has both. Another dtype of x
               than the parameters' raises an error.

Medium, 20 minutes. Try one alone: python FILE names
Paper: Deep Residual Learning, section 3, https://arxiv.org/abs/1512.03385
"""

import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    def __init__(self, in_c: int, out_c: int, stride: int = 1) -> None:
        raise NotImplementedError("ResidualBlock.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("ResidualBlock.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    block = ResidualBlock(3, 8, stride=2)
    shape = tuple(block(torch.randn(2, 3, 7, 6)).shape)  # N 2, H 7, W 6
    assert shape == (2, 8, 4, 3), shape

    count = sum(p.numel() for p in block.parameters())  # conv1, conv2, shortcut.0, three BNs
    assert count == 216 + 576 + 24 + 48, count

    block = ResidualBlock(1, 1)
    nn.init.zeros_(block.bn2.weight)
    nn.init.constant_(block.bn2.bias, -3.0)  # all that the convolutions add is -3
    row = block(torch.tensor([[[[5.0, 2.0]]]])).flatten().tolist()  # x is 5 and 2
    assert row == [2, 0], row


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
