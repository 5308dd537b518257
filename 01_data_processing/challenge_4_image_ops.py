"""Image operations: from a file's bytes to a training batch, with masks.

    to_float_chw(images (..., H, W, C) uint8) -> (..., C, H, W) float32
    resize(images (..., C, H, W), size=(h, w)) -> (..., C, h, w)
    standardize(images, mean, std): C numbers each, in a list or tensor
    minmax(images)
    PairedTransform(size, train=True)(image (C, H, W), mask (H, W) int64, generator=None)
        -> a pair (C, size, size), (size, size)

... stands for nothing or for N. Other images are float32, labels below 2**24. PairedTransform
resizes both to a square of side size + size // 8 and cuts a window.

Core, what an interview asks:

    floats       The same pixels and channels, 255 becomes 1.
    resize       Bilinear, antialias=True, align_corners=False.
    standardize  (image - mean) / std, per channel.
    minmax       Per image, all channels together: its least number becomes 0, its largest 1. A
                 constant one becomes 0.
    pairs        train=True: all windows equally likely, one in two flipped left to right.
                 Image and mask get the same window and flip.
    labels       The new mask is int64, its labels those of old pixels near that place.
    center       train=False: the middle window, not flipped; of two, either.
    draws        They come from generator; None: the global one. train=False draws nothing.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    faint        minmax reaches 1 also where numbers differ by 1e-8.
    inputs       The functions change no input and keep its device.

Medium, 30 minutes. Try one alone: python FILE pairs
Guide: PyTorch_Mastery_Guide, "Images".
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor


def to_float_chw(images: Tensor) -> Tensor:
    raise NotImplementedError("to_float_chw")


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    raise NotImplementedError("resize")


def standardize(
    images: Tensor, mean: Sequence[float] | Tensor, std: Sequence[float] | Tensor
) -> Tensor:
    raise NotImplementedError("standardize")


def minmax(images: Tensor) -> Tensor:
    raise NotImplementedError("minmax")


class PairedTransform:
    def __init__(self, size: int, train: bool = True) -> None:
        raise NotImplementedError("PairedTransform.__init__")

    def __call__(
        self, image: Tensor, mask: Tensor, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("PairedTransform.__call__")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    pixels = torch.tensor([[[255, 0, 51], [0, 255, 102]]], dtype=torch.uint8)  # H 1, W 2, C 3
    image = to_float_chw(pixels)
    blue = [round(value, 4) for value in image[2, 0].tolist()]
    assert blue == [0.2, 0.4], blue

    small = resize(torch.tensor([[[0.0, 0.0, 1.0, 1.0]]]), (1, 2)).shape
    assert tuple(small) == (1, 1, 2), small

    scaled = minmax(torch.tensor([[[2.0, 4.0, 6.0]]])).tolist()
    assert scaled == [[[0, 0.5, 1]]], scaled

    mask = torch.arange(9).repeat(9, 1)  # each pixel holds its column
    image, cut = PairedTransform(8)(mask[None].float(), mask)
    assert image[0].tolist() == cut.tolist(), (image[0, 0].tolist(), cut[0].tolist())


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
