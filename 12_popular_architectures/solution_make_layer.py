"""A ResNet stage: the first block changes the shape, the others keep it.

Why it works: only the first block gets in_c and the stride. After it, blocks go from out_c to out_c
with stride 1, so their shortcut is the input itself. Each block is made by a call of its own: a
list times n would repeat one block, with one set of weights. make_layer(64, 128, 2, 2) turns
(N, 64, 56, 56) into (N, 128, 28, 28); with the stride in both blocks it would be 14x14, and torch
would not complain.
Say in the interview: a stage halves the resolution once and doubles the channels, so that a 3x3
convolution costs the same in all stages. num_blocks per stage is what tells ResNet-18 (2, 2, 2, 2)
from ResNet-34 (3, 4, 6, 3).
They ask next: "Why has the first stage stride 1?" The stem has already shrunk the image. "How do
you make the drop rate grow with depth?" Number the blocks over all stages and give each its own.
Common slips: the stride in every block; in_c in every block; [block] * n; a plain list, whose
parameters nobody finds; a block too many.
You may leave out the test of num_blocks if you say so: for 0 a stage of one block would come back.
"""

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
    """num_blocks residual blocks in a row. None at all: ValueError."""
    if num_blocks < 1:
        raise ValueError(f"num_blocks is {num_blocks}, want 1 or more")
    first = ResidualBlock(in_c, out_c, stride)
    return nn.Sequential(first, *(ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1)))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
