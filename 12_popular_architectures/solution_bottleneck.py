"""The bottleneck block: narrow, filter, widen, and a shortcut around all three.

Why it works: the costly 3x3 convolution sees mid_c channels only, usually out_c / 4. The cheap 1x1
convolutions mix channels on the way down and up. With C = out_c and mid_c = C / 4 the block has
17/16 C^2 weights; two 3x3 convolutions on C channels have 18 C^2. Shortcut and sum are those of the
residual block, and there is no ReLU between the last BN and the sum.
Say in the interview: the wide activations before each sum are kept for backward, so it saves
compute and weights more than memory. With bn3.weight = 0 a new block is the identity.
They ask next: "Where does the stride go?" The paper had it in the first 1x1, which drops three of
four pixels unread. "v1.5" has it in the 3x3: about half a point of ImageNet accuracy for a little
more compute. "When is the shortcut x itself?" Only if stride is 1 and in_c equals out_c; mid_c has
no say.
Common slips: stride in conv1; 4 * mid_c for out_c; ReLU after bn3; the shortcut without BN;
comparing mid_c with in_c to decide on the shortcut.
You may leave out the in-place calls if you say that they only save memory.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
