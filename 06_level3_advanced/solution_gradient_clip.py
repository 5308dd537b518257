"""Gradient clipping: all gradients of one batch, one norm, one factor, between backward and step.

Why it works: after backward the gradients are complete, before step they are not used yet. One
factor for all of them makes the step shorter without turning it; a factor per parameter, or a
limit per value, would turn it.
Say in the interview: clip_grad_norm_ works in place, passes twice over the gradients, skips
parameters that have none and returns the norm before clipping: log it, its jumps show trouble
before the loss does. With GradScaler unscale first, or a scaled norm meets max_norm; with sharded
parameters the norm needs an all-reduce. If every step is clipped, max_norm is a learning rate in
disguise. Adam divides by a running size of the gradients: there a clipped batch counts for less.
Common slips: clipping before backward, after step or once an epoch; each parameter by itself;
clip_grad_value_; scaling short gradients up to max_norm; clipping the loss instead.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def train_one_epoch_with_clip(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    max_norm: float = 1.0,
) -> float:
    """Mean loss per sample; ValueError if max_norm <= 0 or the loader gives no batch."""
    if max_norm <= 0:  # torch would go up the gradient for a negative one
        raise ValueError(f"max_norm is {max_norm}, want a positive number")
    params = [p for group in optimizer.param_groups for p in group["params"]]
    model.train()
    total, seen = 0.0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(params, max_norm)
        optimizer.step()
        total += loss.item() * len(y)
        seen += len(y)
    if seen == 0:
        raise ValueError("the loader gave no batch")
    return total / seen


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
