"""The bottleneck block: narrow, filter, widen, and a shortcut around all three.

Why it works: the costly 3x3 convolution sees mid_c channels only, usually out_c / 4; the cheap 1x1
convolutions mix channels on the way down and up. Shortcut and sum are those of the residual block,
and there is no ReLU between the last BN and the sum.
Say in the interview: with C = out_c and mid_c = C / 4 it has 17/16 * C^2 weights, two 3x3
convolutions on C channels have 18 * C^2. The paper put the stride into the first 1x1, which drops
three of four pixels unread; "v1.5" puts it into the 3x3: about half a point of ImageNet accuracy
for a little more compute. Memory is another matter: the wide activations before each sum are kept.
Common slips: stride in conv1; 4 * mid_c for out_c; ReLU after conv3; the shortcut without BN;
comparing mid_c with in_c to decide on the shortcut.
"""

from torch import Tensor, nn


class BottleneckBlock(nn.Module):
    """(N, in_c, H, W) -> (N, out_c, ceil(H / stride), ceil(W / stride))."""

    def __init__(self, in_c: int, out_c: int, mid_c: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_c, mid_c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(mid_c)
        self.conv2 = nn.Conv2d(mid_c, mid_c, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(mid_c)
        self.conv3 = nn.Conv2d(mid_c, out_c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_c)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_c != out_c:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_c, out_c, 1, stride, bias=False), nn.BatchNorm2d(out_c)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn1(self.conv1(x)).relu_()  # (N, mid_c, H, W)
        out = self.bn2(self.conv2(out)).relu_()  # (N, mid_c, H', W')
        out = self.bn3(self.conv3(out))  # (N, out_c, H', W')
        out += self.shortcut(x)
        return out.relu_()


if __name__ == "__main__":
    from challenge_bottleneck import check

    check(BottleneckBlock)
    print("PASS")
