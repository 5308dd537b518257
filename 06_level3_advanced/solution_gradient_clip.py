"""Gradient clipping: all gradients of one batch, one norm, one factor, between backward and step.

Why it works: after backward the gradients are complete, before step they are not used yet. One
factor makes the step shorter without turning it: gradients 3 and 4 have norm 5, and max_norm 1
makes them 0.6 and 0.8. A limit for each value gives 1 and 1, another direction.
Say in the interview:
- clip_grad_norm_ works in place and returns the norm before clipping. Log it: its jumps show
  trouble before the loss does.
- I clip what the optimizer steps, in all its groups. model.parameters() is the same list as long as
  no frozen parameter has an old .grad, which zero_grad of the optimizer does not clear.
- With a GradScaler unscale first, or a scaled norm meets max_norm.
Asked next: "How do you choose max_norm?" Log the norm for some hundred steps and take a value that
only the outliers reach. If every step is clipped, max_norm is a learning rate in disguise.
"What does clipping do under Adam?" Adam divides by a running size of the gradients, so a constant
factor would change nothing; clipping still keeps one wild batch out of these averages.
Common slips: clipping before backward, after the step or once an epoch; each parameter or each
group by itself; clip_grad_value_; short gradients scaled up to max_norm; the loss clipped instead.
May be left out if you say so: both errors, and the frozen parameters.
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
