"""Checkpoints: write beside, then rename; look before you load.

Why it works: a rename within one file system happens at once, so path never holds half a file. A
killed process leaves the old file and perhaps one of a random name beside it: with a fixed name it
would overwrite or delete the half-written file of a second process that saves to the same path.
The dict is looked at before anything is loaded, so a refused file changes nothing; the model, which
notices another architecture, is loaded before the optimizer, which may not. An optimizer's momenta
and learning rates are training state too: SGD with momentum 0.9 and a constant gradient moves
1 + 0.9 = 1.9 times as far in its second step as in its first; without the buffer, 1 time again.
Say in the interview:
- weights_only, the default since torch 2.6, unpickles tensors and plain containers only. That stops
  the known tricks with pickle, but it is a strong filter and no proof: below torch 2.10 a crafted
  file could still corrupt memory and perhaps run code (CVE-2026-24747). Load only what you trust.
- map_location="cpu", because load_state_dict copies to wherever the parameters are.
- Only rank 0 saves; os.fsync before the rename if the power may fail as well.
Asked next: "What else for an exact resumption in the middle of an epoch?" The scheduler, the
scaler, the random state and the sampler's position. "Why not save the model itself?" Its pickle
names classes and modules, breaks when they move, and needs weights_only=False.
Common slips: torch.save straight to path; a temporary file in /tmp, from where a rename may fail or
copy; unlink before rename; strict=False; `except RuntimeError`, though torch.load raises a dozen
types on foreign bytes; load_state_dict(model) done, then KeyError for the optimizer.
May be left out if you say so: the random name, and all checks of the dict but the keys.
"""

from pathlib import Path
from uuid import uuid4

import torch
from torch import nn


def save_checkpoint(
    model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int, path: str | Path
) -> None:
    """Replace the file at path as a whole, or leave it as it is and raise."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid4().hex}")
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    try:
        torch.save(state, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)  # there only if it was not renamed


def load_checkpoint(
    path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None
) -> int:
    """The epoch saved at path. No checkpoint: ValueError, another architecture: RuntimeError."""
    with open(path, "rb") as file:
        try:
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ValueError(f"{path} is no checkpoint: {type(error).__name__}") from error
    if not isinstance(checkpoint, dict):
        raise ValueError(f"{path} is no checkpoint: it holds a {type(checkpoint).__name__}")
    kinds = {"model": dict, "optimizer": dict, "epoch": int}
    wrong = [key for key, kind in kinds.items() if not isinstance(checkpoint.get(key), kind)]
    if wrong:
        raise ValueError(f"{path} is no checkpoint: missing or wrong {', '.join(wrong)}")
    model.load_state_dict(checkpoint["model"])
    if optimizer is not None:
        optimizer.load_state_dict(checkpoint["optimizer"])
    return checkpoint["epoch"]


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
