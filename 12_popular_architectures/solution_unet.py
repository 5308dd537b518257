"""U-Net: each level hands its map across, so that what is coarse and what is fine meet again.

Why it works: the bottom sees far but stands on a coarse grid: with depth 3 one of its pixels is 8
of the image. It says what is there. The maps of the way down still know where edges are; they are
joined along the channels, so that a convolution chooses from both. A side of 31 becomes 15, and 15
comes back as 30: a row of zeros makes it 31 again, and the skip tells what belongs there.
Say in the interview:
- Twice the channels per level for a quarter of the pixels: a convolution costs the same per channel
  pair, and full resolution takes most of the memory, because all skips wait for the way up.
- Joined, not added: the two maps have different meanings, and the channels stay apart.
- One logit per pixel and class; the loss has its own softmax or sigmoid. Few pixels of a class:
  weigh them, or use the Dice loss.
Asked next: "Transposed convolution or interpolation?" Kernel 2 with stride 2 covers every pixel
once; interpolation and then a convolution cannot show a checkerboard at all.
"And for diffusion?" The same net with group norm, the step as a further input to each level, and
attention where the map is small.
Common slips: skips used in the order in which they were made; the skip taken after pooling; the sum
for the join; a result of 24 x 40 for an image of 31 x 45; softmax in the model; layers in a plain
list; `//` of sides by hand instead of the sizes that are there.
May be left out if you say so: odd sides, if you say that the image is padded; the errors.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DoubleConv(nn.Module):
    """Given: (N, in_c, H, W) -> (N, out_c, H, W)."""

    def __init__(self, in_c: int, out_c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_c, out_c, 3, padding=1)
        self.conv2 = nn.Conv2d(out_c, out_c, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x).relu()).relu()


class UNet(nn.Module):
    """(N, in_channels, H, W) -> logits (N, out_channels, H, W). ValueError: sides too small."""

    def __init__(self, in_channels: int, out_channels: int, base: int = 32, depth: int = 3) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"depth is {depth}, want 1 or more")
        widths = [base * 2**i for i in range(depth + 1)]
        pairs = list(zip(widths, widths[1:], strict=False))  # of a level and the one below
        before = [in_channels, *widths]
        self.down = nn.ModuleList(DoubleConv(before[i], widths[i]) for i in range(depth))
        self.bottom = DoubleConv(widths[-2], widths[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(low, c, 2, stride=2) for c, low in pairs)
        self.merge = nn.ModuleList(DoubleConv(2 * c, c) for c, _ in pairs)
        self.head = nn.Conv2d(base, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        least = 2 ** len(self.down)
        if min(x.shape[-2:]) < least:
            raise ValueError(f"x is {tuple(x.shape)}, want sides of {least} or more")
        skips = []
        for level in self.down:
            x = level(x)  # (N, base * 2**i, H / 2**i, W / 2**i), rounded down
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for i in reversed(range(len(skips))):
            x, skip = self.up[i](x), skips[i]
            rows, columns = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]  # 0 or 1
            x = F.pad(x, (0, columns, 0, rows))
            x = self.merge[i](torch.cat([skip, x], dim=1))
        return self.head(x)  # (N, K, H, W)


# Something to look at: bright discs in noise, the masks, and what is learned of them in 60 steps.
if __name__ == "__main__":
    from pathlib import Path

    from torchvision.utils import save_image

    torch.manual_seed(0)
    net = UNet(1, 1, base=8, depth=2)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    y, x = torch.arange(31.0)[:, None], torch.arange(45.0)

    def discs(n: int) -> tuple[Tensor, Tensor]:
        """Images and masks, (n, 1, 31, 45): an image is 0.7 brighter in the disc."""
        row, column, radius = (torch.rand(3, n, 1, 1, 1) * 20 + 6).unbind()
        masks = ((y - row) ** 2 + (x - column) ** 2 < (radius / 3 + 2) ** 2).float()
        return 0.7 * masks + torch.randn(n, 1, 31, 45) / 2, masks

    for _ in range(60):
        images, masks = discs(16)
        loss = F.binary_cross_entropy_with_logits(net(images), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    images, masks = discs(8)
    with torch.no_grad():
        found = net(images).sigmoid()
    right = ((found > 0.5) == (masks > 0.5)).float().mean().item()
    strip = torch.cat([images / 2 + 0.5, masks, found]).repeat_interleave(3, dim=2)
    file = Path(__file__).resolve().parents[1] / "runs" / "unet.png"
    file.parent.mkdir(exist_ok=True)
    save_image(strip.repeat_interleave(3, dim=3).clamp(0, 1), file, nrow=8)
    print(f"{right:.0%} of the pixels right; images, masks, what was found: runs/{file.name}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
