"""Backbone and head: one part finds features, the other one decides.

Either part can be frozen, swapped or saved alone.

    Backbone                x (N, c_in, h, w) -> features (N, hidden)
    Head                    features -> logits (N, num_classes)
    BackboneHeadClassifier  x -> logits

N >= 1. Modules, inputs and results share dtype and device.

Core, what an interview asks:

    parameters  Each part has a weight with a row for each output and a bias, under any names,
                trainable from the start. It has no other parameter and no buffer.
    backbone    A linear layer on an image's numbers, channel by channel and row by row, then ReLU.
    head        A linear layer alone.
    parts       The attribute backbone is a Backbone, head a Head. There is no other submodule. The
                classifier's state_dict has each parameter once.
    connection  The logits are head(backbone(x)).
    gradients   They reach x and each parameter, also where the other part is frozen.
    swap        Either attribute may be set to another module, then used and saved.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    images      Another shape of x: ValueError or RuntimeError.
    calls       The classifier calls each part once, hooks included.
    dtypes      float32, float64 and bfloat16, as exact as they allow.
    inputs      Any strides, any device; never changed. Train and eval mode give the same.

Easy, 15 minutes. Try one alone: python FILE swap
Guide: https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html
"""

import torch
from torch import Tensor, nn


class Backbone(nn.Module):
    def __init__(self, c_in: int, h: int, w: int, hidden: int) -> None:
        raise NotImplementedError("Backbone.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Backbone.forward")


class Head(nn.Module):
    def __init__(self, hidden: int, num_classes: int) -> None:
        raise NotImplementedError("Head.__init__")

    def forward(self, features: Tensor) -> Tensor:
        raise NotImplementedError("Head.forward")


class BackboneHeadClassifier(nn.Module):
    def __init__(self, c_in: int, h: int, w: int, hidden: int, num_classes: int) -> None:
        raise NotImplementedError("BackboneHeadClassifier.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("BackboneHeadClassifier.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = BackboneHeadClassifier(c_in=1, h=1, w=2, hidden=3, num_classes=4)
    x = torch.tensor([[[[1.0, -2.0]]], [[[5.0, 0.0]]]])  # N 2, an image has two pixels
    for p in model.parameters():
        nn.init.constant_(p, 1.0)
    features = model.backbone(x).tolist()  # 1 - 2 + 1 and 5 + 0 + 1
    assert features == [[0, 0, 0], [6, 6, 6]], features
    logits = model(x).tolist()  # 3 * 0 + 1 and 3 * 6 + 1
    assert logits == [[1] * 4, [19] * 4], logits

    model.head = nn.Identity()  # it gives the features back
    got = model(x).tolist()
    assert got == features, got
    assert all(name.startswith("backbone.") for name in model.state_dict()), model.state_dict()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
