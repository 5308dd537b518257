"""Bug hunt 3: the condition was joined along the width.

Symptom  the model runs and learns a little, but instructions make almost no difference.
Cause    cond became D more columns at the right edge of the picture instead of D more channels. A
         3x3 kernel meets both only in the last column: with W = 5 and D = 3 in one of five. A
         convolution takes any width and the mean over pixels gives any width back, so no shape
         was ever wrong; conv had been declared with in_c channels, which made it fit.
Fix      repeat cond over H and W, join along dim 1, declare in_c + cond_dim input channels.
Spot it  print the shape after each join: the dim that grew must be the one that was meant. Layers
         that take any size (conv, pooling, RNN, attention) hide a wrong dim. Feed wrong conditions:
         a score that does not fall says that they are not used.

Asked next
    "Why not join after the pooling?" Then the head adds cond's part to the picture's. A linear head
    cannot choose one camera by it: that takes a product or a nonlinearity after the join.
    "Does expand cost memory?" It is a view. cat copies, but only once, into the input of conv.
Left out here, if you say so: a check of the two batch sizes. cat along dim 1 makes it.
"""

import torch
from torch import Tensor, nn


class ConditionalCNN(nn.Module):  # x (N, C, H, W), cond (N, D) -> logits (N, K)
    def __init__(self, in_c: int, cond_dim: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_c + cond_dim, hidden, kernel_size=3, padding=1)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        N, C, H, W = x.shape
        planes = cond[:, :, None, None].expand(-1, -1, H, W)  # (N, D, H, W), a view
        maps = self.conv(torch.cat([x, planes], dim=1)).relu()
        return self.head(maps.mean(dim=(2, 3)))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
