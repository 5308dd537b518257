"""SimpleCNN: three stages that trade pixels for channels, then one linear layer.

Why it works: a 3x3 convolution with padding 1 keeps the sides, pooling halves them: 32, 16, 8, 4,
so that the linear layer sees 128 * 4 * 4 = 2048 numbers. Batch norm subtracts the mean of a channel
and adds its own bias, so a bias of the convolution before it would have no effect.
Say in the interview: receptive field 22 pixels after the third pooling; parameters 93,024 in the
convolutions (in * out * 9 each) and 20,490 in the head; most activations, and so most memory, are
in stage 1. An average over the pixels in place of flatten accepts any size and needs 16 times fewer
weights in the head. The guard is there since 16x64 or 33x35 would end as 2048 numbers too.
Common slips: softmax in the model, which cross_entropy applies again; view(-1, 2048), which mixes
images of another size; one batch norm shared by all stages; ReLU after the last layer; eval mode
forgotten, so that a prediction depends on its batch.
"""

from torch import Tensor, nn


def conv_stage(in_channels: int, out_channels: int) -> nn.Sequential:
    """(N, in_channels, H, W) -> (N, out_channels, H // 2, W // 2)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


class SimpleCNN(nn.Module):
    """Images (N, in_channels, 32, 32) -> logits (N, num_classes). Other sizes: ValueError."""

    def __init__(self, in_channels: int = 3, num_classes: int = 10) -> None:
        super().__init__()
        self.image = (in_channels, 32, 32)
        self.stages = nn.Sequential(
            conv_stage(in_channels, 32),  # (N, 32, 16, 16)
            conv_stage(32, 64),  # (N, 64, 8, 8)
            conv_stage(64, 128),  # (N, 128, 4, 4)
        )
        self.head = nn.Linear(128 * 4 * 4, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != self.image:
            raise ValueError(f"x has shape {tuple(x.shape)}, want (N, *{self.image})")
        return self.head(self.stages(x).flatten(start_dim=1))  # (N, num_classes)


if __name__ == "__main__":
    from challenge_simple_cnn import check

    check(SimpleCNN)
    print("PASS")
