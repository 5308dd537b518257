"""InceptionModule: several receptive fields in one layer, joined along the channels.

Why it works: every branch keeps height and width (padding k // 2 for an odd kernel k), so their
channels can stand side by side, and the next 1x1 convolutions weigh them. max_pool2d pads with
minus infinity: the border never wins, even where all features are negative.
Say in the interview: weights in * r + r * c * k * k with a reduction to r channels, in * c * k * k
without. For the 5x5 branch of GoogLeNet's first module (192, 16, 32) that is 15,872 against
153,600. The price is many small kernels, a poor fit for a GPU, and more activations kept.
They ask next: "What is slow here?" Three 1x1 convolutions read the same x: they can run as one.
"What changed later?" Batch norm took the place of the biases, two 3x3 that of the 5x5; torchvision
has one 3x3 there, a known mistake that is kept for its weights.
Common slips: branches added instead of joined; no ReLU after the reductions, which makes each pair
of convolutions one linear map; pooling with torch's default stride, the kernel size; padding 1 for
the 5x5; nn.ReLU(inplace=True) on x itself, which the other branches still read.
You may leave out nothing but the helper: six convolutions written out are as good.
"""

import torch
from torch import Tensor, nn


def conv_relu(in_c: int, out_c: int, kernel_size: int) -> nn.Sequential:
    """(N, in_c, H, W) -> (N, out_c, H, W), for an odd kernel size."""
    padding = kernel_size // 2
    return nn.Sequential(nn.Conv2d(in_c, out_c, kernel_size, padding=padding), nn.ReLU())


class InceptionModule(nn.Module):
    """(N, in_c, H, W) -> (N, c1x1 + c3x3 + c5x5 + pool_proj, H, W)."""

    def __init__(
        self,
        in_c: int,
        c1x1: int,
        c3x3_reduce: int,
        c3x3: int,
        c5x5_reduce: int,
        c5x5: int,
        pool_proj: int,
    ) -> None:
        super().__init__()
        pool = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)
        self.branches = nn.ModuleList(
            [
                conv_relu(in_c, c1x1, 1),
                nn.Sequential(conv_relu(in_c, c3x3_reduce, 1), conv_relu(c3x3_reduce, c3x3, 3)),
                nn.Sequential(conv_relu(in_c, c5x5_reduce, 1), conv_relu(c5x5_reduce, c5x5, 5)),
                nn.Sequential(pool, conv_relu(in_c, pool_proj, 1)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
