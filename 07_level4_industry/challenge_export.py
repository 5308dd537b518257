"""Export: a model as a file that runs without the code of its class.

torch.export records forward as one graph, with the weights. It cannot record a Python `if` on the
values of a tensor.

    PixelNet(num_features, num_classes)          x (N, F) -> logits (N, K)
    export_model(model, example, path) -> None   model: (N, ...) -> a tensor,
                                                 example: an input
    load_exported(path) -> a function            of x (N, ...)

Core, what an interview asks:

    forward    PixelNet.forward gives what with_if gives, in both modes, with the same gradients. It
               does not change x.
    branch     One file of a PixelNet serves both kinds of batches.
    batch      The loaded function gives the model's results for every N from 1 up, whichever N of
               2 or more the example has.
    eval       They are those of eval mode, whatever mode each part of the model was in.
    file       path is a str or a Path. torch.export.load can read the file. No other file is left.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    restored   Afterwards each part's mode, the parameters and the buffers are as before.
    single     N is as free after an example with N = 1. Example and x may hold integers.
    refused    A model that torch.export cannot record is an error. All modes and an older file are
               then as before.

Medium, 25 minutes. Try one alone: python FILE branch
Guide: https://docs.pytorch.org/docs/stable/export.html
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn


class PixelNet(nn.Module):
    """x (N, F): a batch of pixels from 0 to 255, or one of pixels from 0 to 1."""

    def __init__(self, num_features: int, num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(num_features, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, num_classes)
        )

    def with_if(self, x: Tensor) -> Tensor:
        """What forward was until now; torch.export refuses it."""
        if x.max() > 1:  # one bright pixel says it for the whole batch
            x = x / 255
        return self.layers(x)

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("PixelNet.forward")


def export_model(model: nn.Module, example: Tensor, path: str | Path) -> None:
    raise NotImplementedError("export_model")


def load_exported(path: str | Path) -> Callable[[Tensor], Tensor]:
    raise NotImplementedError("load_exported")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    net = PixelNet(2, 2).eval()
    net.layers = nn.Sequential(nn.Identity())  # logits = the pixels, from 0 to 1
    got = net(torch.tensor([[255.0, 0.0], [51.0, 1.0]])).tolist()
    assert got == [[1.0, 0.0], torch.tensor([51.0, 1.0]).div(255).tolist()], got
    got = net(torch.tensor([[1.0, 0.25]])).tolist()
    assert got == [[1.0, 0.25]], got

    with TemporaryDirectory() as folder:
        export_model(nn.Hardtanh(), torch.zeros(2, 3), Path(folder, "clip.pt2"))
        clip = load_exported(Path(folder, "clip.pt2"))
        got = clip(torch.tensor([[-5.0, 0.5, 7.0]])).tolist()
    assert got == [[-1.0, 0.5, 1.0]], got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
