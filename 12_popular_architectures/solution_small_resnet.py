"""A small ResNet for small images: stem, three stages, one average, one linear layer.

Why it works: the image is halved where the channels double, so each stage costs about the same. The
average over all pixels leaves 64 numbers for any H and W: no size is built in, and the head has
only 64 * 10 + 10 = 650 parameters. Logits go out as they are: cross entropy applies log-softmax
itself.
Say in the interview: this is section 4.2 of the paper with n = 2, so 6n + 2 = 14 layers with
weights (shortcuts not counted), 175k parameters and 27 million multiply-adds for a 32x32 image.
n = 3 is its ResNet-20. The paper pads the shortcut with zero channels; here it is a convolution.
They ask next: "What if you took the ImageNet stem?" 7x7 with stride 2 and max pooling would leave
8x8 of 32x32 before the first block. "And one image in train mode?" BN then uses the pixels of that
image alone; with one pixel it raises an error.
Common slips: softmax in the model; squeeze(), which loses a batch of one; max for average; a head
made for one image size; stride 2 in the first stage; no ReLU behind the stem.
You may leave out the first values of the weights if you say that torch's defaults serve here.
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


def stage(in_c: int, out_c: int, stride: int) -> nn.Sequential:
    return nn.Sequential(ResidualBlock(in_c, out_c, stride), ResidualBlock(out_c, out_c))


class SmallResNet(nn.Module):
    """(N, 3, H, W) -> logits (N, num_classes)."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = stage(16, 16, stride=1)
        self.layer2 = stage(16, 32, stride=2)
        self.layer3 = stage(32, 64, stride=2)
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x)).relu_()  # (N, 16, H, W)
        x = self.layer2(self.layer1(x))  # (N, 32, H / 2, W / 2), rounded up
        x = self.layer3(x)  # (N, 64, H / 4, W / 4), rounded up
        return self.fc(x.mean(dim=(2, 3)))  # (N, 64) -> (N, num_classes)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
