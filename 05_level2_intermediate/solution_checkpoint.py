"""Checkpoints: write beside, then rename; look before you load.

Why it works: a rename within one file system happens at once, so path never holds half a file: a
killed process leaves the old one and perhaps a .partial, which the next save overwrites. The dict
is looked at before anything is loaded, so a refused file changes nothing; the model, which notices
another architecture, is loaded before the optimizer, which may not. An optimizer's momenta
and learning rates are training state too: without them the run goes on, but not the same run.
Say in the interview: only rank 0 saves, and os.fsync before the rename if the power may fail as
well; weights_only unpickles tensors and plain containers only; map_location="cpu" because
load_state_dict copies to wherever the parameters are. For exact resumption in the middle of an
epoch also save the scheduler, the scaler, the random state and the sampler's position.
Common slips: torch.save straight to path; a temporary file in /tmp, from where a rename may fail or
copy; unlink before rename; strict=False; `except RuntimeError`, though torch.load raises a dozen
types on foreign bytes; load_state_dict(model) done, then KeyError for the optimizer.
"""

from pathlib import Path

import torch
from torch import nn


def save_checkpoint(
    model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int, path: str | Path
) -> None:
    """Replace the file at path as a whole, or leave it as it is and raise."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
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


if __name__ == "__main__":
    from challenge_checkpoint import check

    check(save_checkpoint, load_checkpoint)
    print("PASS")
