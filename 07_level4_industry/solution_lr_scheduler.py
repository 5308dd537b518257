"""Learning rate schedule: StepLR counts its own calls, so it is called once at the end of an epoch.

Why it works: the optimizer owns the rate, in its parameter groups, and the scheduler only writes
there. Its step ends an epoch: the steps of that epoch have used the old rate, and after the last
epoch the groups hold the rate that the next one would have. With lr 0.08, step_size 2 and gamma 0.5
five epochs have the rates 0.08, 0.08, 0.04, 0.04, 0.02. One optimizer lives through all epochs, so
its momentum, made of gradients alone, survives each cut.
Say in the interview:
- Per epoch or per batch is a property of the schedule. Step decay and plateau count epochs,
  warm-up, cosine and one-cycle mostly batches. T_max and total_steps are in the same unit.
- scheduler.step() comes after optimizer.step(); before it, the first rate is skipped.
- To resume, save the scheduler's state with the optimizer's.
Asked next: "Why a warm-up for transformers?" Adam's first estimates are noisy, and large steps on
them do damage that training does not undo.
"And with a GradScaler?" A skipped optimizer step should skip a per-batch scheduler's step, too.
Common slips: scheduler.step() in the batch loop; a new optimizer for each rate, without momentum; a
second StepLR on the same optimizer, which squares gamma; returning the lr that was passed in.
May be left out if you say so: the error for step_size 0, where StepLR divides by zero.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def train_with_scheduler(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    device: torch.device,
    epochs: int,
    lr: float,
    step_size: int,
    gamma: float,
) -> float:
    """The rate that one more epoch would have. step_size < 1: ValueError."""
    if step_size < 1:  # StepLR divides by zero, or decays in every epoch
        raise ValueError(f"step_size is {step_size}, want 1 or more")
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=step_size, gamma=gamma)
    model.train()
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            criterion(model(x.to(device)), y.to(device)).backward()
            optimizer.step()
        scheduler.step()
    return optimizer.param_groups[0]["lr"]


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
