"""VGGBlock: depth from 3x3 convolutions, each with its own ReLU, then one pooling.

Why it works: padding 1 keeps the sides, so blocks of any length fit together and only the pooling
changes the size. Two 3x3 convolutions see 5x5 pixels, three see 7x7, with a ReLU more each time.
Say in the interview: for C channels three 3x3 convolutions have 27 C^2 weights, one 7x7 49 C^2.
Time O(H W C^2 9) for each; the activations of the first block fill most of the memory, the linear
layers behind the last one hold most of VGG-16's 138 million parameters. Without normalization or
shortcuts the depth ends near 19 layers: add batch norm (and drop the biases), or take a ResNet.
Common slips: one ReLU for the whole block, which makes the convolutions one linear map; pooling
after every convolution; [layer] * n, which is one layer used n times; a plain list of layers, which
registers none; in_channels for every convolution, which works as long as it equals out_channels.
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


if __name__ == "__main__":
    from challenge_vgg_block import check

    check(VGGBlock)
    print("PASS")
