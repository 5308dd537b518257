"""VGGBlock: depth from 3x3 convolutions, each with its own ReLU, then one pooling.

Why it works: padding 1 keeps the sides, so blocks of any length fit together and only the pooling
changes the size. Two 3x3 convolutions see 5x5 pixels, three see 7x7, with a ReLU more each time.
For C channels three 3x3 convolutions have 27 C^2 weights, one 7x7 has 49 C^2.
Say in the interview: each costs 9 C^2 H W multiply-adds. The activations of the first block fill
most of the memory. The linear layers after the last block hold most of VGG-16's 138 million
parameters. The convolutions keep their biases, as no batch norm follows.
They ask next: "Why a ReLU after each?" Without it the row is one linear map, a larger kernel with
fewer free weights. "Why did depth end near 19 layers?" Plain networks got harder to train; batch
norm (then without biases) and shortcuts took over.
Common slips: one ReLU for the whole block; pooling after every convolution; [layer] * n, which is
one layer used n times; a plain list of layers, which registers none; in_channels for every
convolution, which works as long as it equals out_channels.
You may leave out the test of num_convs if you say so: for 0 the block would be a bare pooling.
"""

from itertools import pairwise

from torch import Tensor, nn


class VGGBlock(nn.Module):
    """(N, in_channels, H, W) -> (N, out_channels, H // 2, W // 2), or H, W without the pooling."""

    def __init__(
        self, in_channels: int, out_channels: int, num_convs: int = 2, use_pool: bool = True
    ) -> None:
        super().__init__()
        if num_convs < 1:
            raise ValueError(f"num_convs is {num_convs}, want at least 1")
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise([in_channels] + [out_channels] * num_convs):
            layers += [nn.Conv2d(c_in, c_out, kernel_size=3, padding=1), nn.ReLU()]
        if use_pool:
            layers.append(nn.MaxPool2d(2))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
