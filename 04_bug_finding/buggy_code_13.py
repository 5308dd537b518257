"""Bug hunt 13: the shapes are right, it trains, and the heat map is striped.

A colleague: "We feed the feature maps of a CNN to a transformer, one token for each pixel. All
shapes fit and the loss falls. But a heat map over the tokens shows stripes where the object is a
square, and moving the object by one pixel changes everything."

    to_tokens(features)   (N, C, H, W) -> (N, H * W, C)
        N images, C channels, H rows, W columns; float of any kind, or int64

Core, what an interview asks:

    tokens     Token a * W + b of an image holds the C channels of its pixel in row a, column b.
    gradients  The gradient of a token reaches the features of its pixel, exactly.
    kind       The result has the dtype of features and is on their device.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    strides    Features may lie in memory in any order: transposed, a part of a larger tensor,
               channels_last. They stay as they are.
    dims       Any number of dims but four raises ValueError or RuntimeError.
    empty      No images: (0, H * W, C).

Run the file, fix to_tokens, run it again.

Easy, 10 minutes. Try one alone: python FILE tokens
"""

import torch
from torch import Tensor


def to_tokens(features: Tensor) -> Tensor:
    if features.dim() != 4:
        raise ValueError(f"features {tuple(features.shape)}, want (N, C, H, W)")
    n, c, h, w = features.shape
    return features.flatten(start_dim=2).reshape(n, h * w, c)


def evidence() -> None:
    """What the colleague saw: a square of 3 x 3 pixels, four channels, as a map of its tokens."""
    features = torch.zeros(1, 4, 6, 8)
    features[:, :, 1:4, 2:5] = torch.tensor([1.0, 2.0, 3.0, 4.0])[:, None, None]
    heat = to_tokens(features)[0].sum(dim=1).view(6, 8)
    print("sum of each token's channels, by rows and columns:")
    for row in heat.tolist():
        print("   ", " ".join(f"{value:3.0f}" for value in row))
    print("A right to_tokens gives 10 in rows 1 to 3 of columns 2 to 4, and 0 elsewhere.")
    token = to_tokens(torch.arange(24.0).view(1, 2, 3, 4))[0, 5].tolist()
    print(f"Two channels, pixels 0 to 11 and 12 to 23: token 5 is {token}, want [5.0, 17.0]")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
