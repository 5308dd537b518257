"""Bug hunt 10: the scheduler was stepped for every batch, not for every epoch.

Symptom  the learning rate is a sliver of what it should be before the second epoch begins, and the
         loss stands still. No error: a scheduler counts calls and cannot know what they stand for.
Cause    scheduler.step() was indented with optimizer.step(), while its step_size counts epochs.
         With 8 batches, step_size 2 and gamma 0.5 one epoch halves the rate four times: 0.1 became
         0.006.
Fix      call it once an epoch, after the last optimizer step: one indentation less.
Spot it  log the learning rate beside the loss. Ask of each scheduler in which unit its numbers are:
         StepLR here in epochs, OneCycleLR or a warm-up of 500 steps in batches. With gradient
         accumulation a batch is not a step of the optimizer either.

Asked next
    "Before or after optimizer.step()?" After. Before it, the schedule's first value is skipped.
    "What has to be in a checkpoint?" scheduler.state_dict() too, else the schedule starts anew.
Left out here, if you say so: ReduceLROnPlateau, whose step() wants the validation loss.
"""

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: LRScheduler,
    batches: list[tuple[Tensor, Tensor]],
    epochs: int,
) -> list[float]:
    """Train for some epochs -> the mean training loss per sample of each."""
    history = []
    model.train()
    for _ in range(epochs):
        total, samples = 0.0, 0
        for x, y in batches:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            samples += len(y)
        scheduler.step()
        history.append(total / samples)
    return history


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
