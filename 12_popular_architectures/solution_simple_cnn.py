"""SimpleCNN: three stages that trade pixels for channels, then one linear layer.

Why it works: a 3x3 convolution with padding 1 keeps the sides, pooling halves them: 32, 16, 8, 4.
So the linear layer sees 128 * 4 * 4 = 2048 numbers. Batch norm subtracts the mean of a channel and
adds its own shift. A bias of the convolution before it would have no effect.
Say in the interview: a number of stage 3 sees 22 x 22 pixels. The convolutions have
9 * (3 * 32 + 32 * 64 + 64 * 128) = 93,024 weights, the head has 20,490. Most activations, and so
most of the memory, are in stage 1.
They ask next: "Why no softmax at the end?" cross_entropy applies log_softmax itself; a second
softmax keeps the loss high and the gradients small. "And images of any size?" An average over the
pixels in place of flatten: 128 numbers, and a head 16 times smaller.
Common slips: softmax in the model; view(-1, 2048), which mixes images of another size; one batch
norm shared by all stages; ReLU after the last layer; eval mode forgotten, so that a prediction
depends on its batch; view after the stages, which fails on channels-last images.
You may leave out the test of the sizes if you say so: 16x64 and 33x35 end as 2048 numbers, too.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
