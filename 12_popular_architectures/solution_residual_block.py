"""The residual block: two convolutions beside a shortcut that changes as little as possible.

Why it works: the sum passes its gradient on to both branches unchanged, so the shortcut carries it
past the convolutions; a block that has nothing to add only has to bring bn2 to zero. The shortcut
becomes a 1x1 convolution where channels or resolution change, and gets a BN so that both summands
have one scale. ReLU comes after the sum: before it, a block could only ever add.
Say in the interview: 18 * C^2 weights at C channels; a bias before BN is dead weight, as BN takes
the mean off again; bn2.weight = 0 at the start makes every block the identity, which helps large
batches; pre-activation ResNets (He 2016) move BN and ReLU in front and keep the sum clean. Working
in place is safe on what the block made itself (BN and sum need no old value back), never on x.
Common slips: ReLU before the sum; the shortcut without BN or without the stride; a shortcut only
where channels change; stride in both convolutions; `x += out`, which changes the caller's tensor.
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


if __name__ == "__main__":
    from challenge_residual_block import check

    check(ResidualBlock)
    print("PASS")
