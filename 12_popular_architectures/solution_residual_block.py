"""The residual block: two convolutions beside a shortcut that changes as little as possible.

Why it works: the sum passes its gradient on to both branches unchanged, so the shortcut carries it
past the convolutions. A block that has nothing to add only has to bring bn2 to zero. The shortcut
becomes a 1x1 convolution where channels or resolution change. It gets a BN, so that both summands
have one scale. ReLU comes after the sum: with -3 from bn2 and 5 from x the result is 2. Before the
sum the -3 would be lost, and a block could only ever add.
Say in the interview: 18 C^2 weights at C channels. A bias before BN is dead weight, as BN takes the
mean off again. Working in place is safe on what the block made itself, never on x.
They ask next: "How would you start the weights?" With bn2.weight = 0 every block starts as the
identity, which helps large batches. "What is pre-activation?" BN and ReLU move in front of the
convolutions and the sum stays clean (He 2016).
Common slips: ReLU before the sum; the shortcut without BN or without the stride; a shortcut only
where channels change; stride in both convolutions; `x += out`, which changes the caller's tensor.
You may leave out the in-place calls if you say that they only save memory.
"""

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """(N, in_c, H, W) -> (N, out_c, ceil(H / stride), ceil(W / stride))."""

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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
