"""Backbone and head: two modules with a contract, and a third one that only connects them.

Why it works: features (N, hidden) are all that the two parts agree on, so either can be replaced as
long as it keeps that shape. The classifier looks its parts up by attribute at each call; any other
reference to them, such as a Sequential of both, would go on using the old ones. flatten keeps the
batch dim. The guard stays: an image (3, 32, 64) has 6144 numbers, so has one of (3, 64, 32), and
the linear layer takes it without a word.
Say in the interview:
- Freeze with backbone.requires_grad_(False) and backbone.eval(), which also stops BatchNorm's
  statistics; or give the optimizer two groups, the backbone's with a smaller rate.
- Save backbone.state_dict() alone to start another task.
- Parameters: (c_in * h * w + 1) * hidden + (hidden + 1) * num_classes; a convolutional backbone
  shares its weights over positions instead.
Asked next: "Why no softmax in the head?" The cross entropy takes logits and applies log-softmax in
a stable way. "Does freezing save time?" The backward pass ends at the head then, so the backbone's
activations are not kept; the forward pass costs the same.
Common slips: softmax in the head, which the loss applies again; view(-1, features), which mixes
images that have another size; self.backbone.forward(x), which skips hooks; detach or no_grad
around the backbone "because it is pretrained".
May be left out if you say so: the guard on the image's shape.
"""

from torch import Tensor, nn


class Backbone(nn.Module):
    """Images (N, c_in, h, w) -> features (N, hidden). Other sizes: ValueError."""

    def __init__(self, c_in: int, h: int, w: int, hidden: int) -> None:
        super().__init__()
        self.image = (c_in, h, w)
        self.linear = nn.Linear(c_in * h * w, hidden)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != self.image:
            raise ValueError(f"x has shape {tuple(x.shape)}, want (N, *{self.image})")
        return self.linear(x.flatten(start_dim=1)).relu()  # (N, hidden)


class Head(nn.Module):
    """Features (N, hidden) -> logits (N, num_classes)."""

    def __init__(self, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features)  # (N, num_classes)


class BackboneHeadClassifier(nn.Module):
    """Images (N, c_in, h, w) -> logits (N, num_classes)."""

    def __init__(self, c_in: int, h: int, w: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.backbone = Backbone(c_in, h, w, hidden)
        self.head = Head(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
