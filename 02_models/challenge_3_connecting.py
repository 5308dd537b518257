"""Connecting: an encoder and a decoder, each replaceable.

They share only the size of the features.

    Encoder(in_dim, hidden)               x (*, in_dim) -> features (*, hidden)
    Decoder(hidden, out_dim)              features (*, hidden) -> result (*, out_dim)
    FullModel(in_dim, hidden, out_dim)    x (*, in_dim) -> result (*, out_dim)

* stands for any leading sizes.

Core, what an interview asks:

    encoder     A linear layer, then ReLU.
    decoder     A linear layer, no activation.
    parameters  Each part has a weight (outputs, inputs) and a bias (outputs,), under any names.
                They are trainable and drawn as by nn.Linear.
    parts       model.encoder is an Encoder, model.decoder a Decoder. state_dict holds nothing
                else.
    connection  The result is decoder(encoder(x)).
    leading     Any sizes work, none and 0 included.
    gradients   They reach x, through frozen parts too, and all trainable parameters.
    swap        Either part may be replaced at any time. The model then uses, moves, saves and
                trains the new one.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    as_it_came  Parts get x and features themselves, of any shape and dtype.
    calls       A call runs each part once, hooks included.
    modes       train() and eval() switch both parts. A call switches nothing.
    dtypes      float32, float64 and bfloat16, as exact as they allow.
    inputs      Any strides, any device, never changed. Both modes give the same.

Medium, 15 minutes. Try one alone: python FILE swap
Guide: PyTorch_Mastery_Guide, "Connecting modules".
"""

import torch
from torch import Tensor, nn


class Encoder(nn.Module):
    def __init__(self, in_dim: int, hidden: int) -> None:
        raise NotImplementedError("Encoder.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Encoder.forward")


class Decoder(nn.Module):
    def __init__(self, hidden: int, out_dim: int) -> None:
        raise NotImplementedError("Decoder.__init__")

    def forward(self, features: Tensor) -> Tensor:
        raise NotImplementedError("Decoder.forward")


class FullModel(nn.Module):
    def __init__(self, in_dim: int, hidden: int, out_dim: int) -> None:
        raise NotImplementedError("FullModel.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("FullModel.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model, x = FullModel(in_dim=2, hidden=3, out_dim=1), torch.tensor([[1.0, -2.0]])
    for p in model.parameters():
        nn.init.constant_(p, 1.0)  # each feature is 1 - 2 + 1 = 0
    got = model(x).tolist()
    assert got == [[1]], got

    model.encoder = nn.Identity()  # features are now x
    model.decoder = nn.Flatten(start_dim=0)
    got = model(x).tolist()
    assert got == [1, -2], got

    names = list(model.state_dict())  # neither new part has a parameter
    assert names == [], names


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
