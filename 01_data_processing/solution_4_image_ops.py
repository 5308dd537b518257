"""Image operations: permute the axes, cast before you divide, and draw once for image and mask.

Why it works: files hold uint8 with the channels last, layers want float32 with the channels first.
permute moves axes, a reshape would mix pixels. Shrinking 4 numbers to 2 with antialias weighs all
of them; without it, bilinear looks at two neighbors only, and fine stripes become false patterns. A
mask holds names, not amounts: between label 3 and label 7 there is no label 5, so it takes the
nearest pixel. The window has size // 8 + 1 places per axis: for 224, 252 - 224 = 28, so 29.
Say in the interview: draw the numbers once, then apply them to both. The last place counts:
randint excludes its upper end. In evaluation nothing is random, or the score changes by itself.
Mean and std are those of the training set, and the same at serving.
They may ask: why is a constant image special? max - min is 0, and 0 / 0 is NaN. A small eps in the
denominator avoids NaN, but changes faint images; a where does not.
They may ask: where does it run? Decode and crop per sample in the workers, on uint8 to move a
quarter of the bytes; cast and standardize per batch on the GPU.
Common slips: images / 255 in place on uint8; one mean for all channels; minmax over the batch; two
draws, one for the image and one for the mask; a bilinear mask.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


def to_float_chw(images: Tensor) -> Tensor:
    """(..., H, W, C) uint8 -> (..., C, H, W) float32 from 0 to 1."""
    return images.movedim(-1, -3).float() / 255


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(C, H, W) or (N, C, H, W) -> the same with (h, w); bilinear, antialiased."""
    batch = images if images.ndim == 4 else images[None]
    out = F.interpolate(batch, size, mode="bilinear", align_corners=False, antialias=True)
    return out if images.ndim == 4 else out[0]


def standardize(
    images: Tensor, mean: Sequence[float] | Tensor, std: Sequence[float] | Tensor
) -> Tensor:
    """(..., C, H, W), C numbers each -> (image - mean) / std per channel."""
    middle, spread = (
        torch.as_tensor(t).to(images)[:, None, None] for t in (mean, std)
    )  # (C, 1, 1)
    return (images - middle) / spread


def minmax(images: Tensor) -> Tensor:
    """(..., C, H, W) -> each image from 0 to 1; a constant one is 0."""
    low = images.amin(dim=(-3, -2, -1), keepdim=True)  # (..., 1, 1, 1)
    span = images.amax(dim=(-3, -2, -1), keepdim=True) - low
    return (images - low) / torch.where(span > 0, span, 1)


class PairedTransform:
    """Resize, crop and flip an image and its mask alike; for train=False the middle, as it is."""

    def __init__(self, size: int, train: bool = True) -> None:
        self.size, self.train = size, train

    def __call__(
        self, image: Tensor, mask: Tensor, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """(C, H, W) float, (H, W) int64 -> (C, size, size), (size, size)."""
        side = self.size + self.size // 8
        image = resize(image, (side, side))
        named = mask[None, None].float()  # exact below 2**24
        mask = F.interpolate(named, (side, side), mode="nearest-exact")[0, 0].to(mask.dtype)
        top = left = (side - self.size) // 2
        flip = False
        if self.train:
            top, left = torch.randint(side - self.size + 1, (2,), generator=generator).tolist()
            flip = bool(torch.rand((), generator=generator) < 0.5)
        rows, columns = slice(top, top + self.size), slice(left, left + self.size)
        image, mask = image[:, rows, columns], mask[rows, columns]
        return (image.flip(-1), mask.flip(-1)) if flip else (image, mask)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
