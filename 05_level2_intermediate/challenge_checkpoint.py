"""Checkpoints: a training may die at any moment and has to go on as if nothing had happened.

It may die while it saves, too, and a file from elsewhere may hold code.

    save_checkpoint  writes a file at path: a dict of "model" and "optimizer", their state dicts,
                     and "epoch", an int
    load_checkpoint  puts such a file into model and, if given, optimizer; returns the epoch
    path             a str or a Path, absolute or relative

Core, what an interview asks:

    file     torch.load(path, weights_only=True) reads it: these three keys.
    resume   Training on after loading equals, bit for bit, never having stopped. Without an
             optimizer the model alone is loaded.
    epoch    load_checkpoint returns the saved int, 0 too.
    modes    No call changes modes or requires_grad; saving changes no state.
    safe     Nothing in the file is executed, in any environment.
    missing  No file: FileNotFoundError.
    strict   State of another architecture: RuntimeError or ValueError.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    folders  Missing parent folders are made.
    atomic   At any moment path holds what it held before or the whole new file.
    beside   Temporary files lie in path's folder and are gone afterwards. No other file there is
             changed, whatever its name.
    stopped  What stops save_checkpoint (Ctrl-C; path is a folder) reaches the caller as it is. The
             folder is then as before.
    device   The device it was saved on may be missing. Model and optimizer stay on theirs.
    damaged  A file that is no such dict (cut, foreign, a key missing, a value of another type) is a
             ValueError: one line that names path and each missing key. Nothing is loaded.
    order    State of another architecture leaves the optimizer as it was.

Hard, 30 minutes. Try one alone: python FILE resume
Guide: https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
"""

from pathlib import Path

import torch
from torch import nn


def save_checkpoint(
    model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int, path: str | Path
) -> None:
    raise NotImplementedError("save_checkpoint")


def load_checkpoint(
    path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None
) -> int:
    raise NotImplementedError("load_checkpoint")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "last.pt")
        model = nn.Linear(1, 1)
        nn.init.constant_(model.weight, 3.0)
        save_checkpoint(model, torch.optim.SGD(model.parameters(), lr=0.5), 7, path)
        names = [file.name for file in Path(folder).iterdir()]
        assert names == ["last.pt"], names
        keys = sorted(torch.load(path, weights_only=True))
        assert keys == ["epoch", "model", "optimizer"], keys

        other = nn.Linear(1, 1)
        optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
        epoch = load_checkpoint(path, other, optimizer)
        got = epoch, other.weight.item(), optimizer.param_groups[0]["lr"]
        assert got == (7, 3.0, 0.5), got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
