"""Bug hunt 10: the scheduler was stepped for every batch, not for every epoch.

Symptom  the learning rate is a thousandth of what it should be before the second epoch begins, and
         the loss stands still. No error: a scheduler counts calls and cannot know what they stand
         for.
Cause    scheduler.step() was indented with optimizer.step(), while its step_size counts epochs.
Fix      call it once an epoch, after the last optimizer step: one indentation less.
Spot it  log the learning rate beside the loss. Ask of each scheduler in which unit its numbers are:
         StepLR here in epochs, OneCycleLR or a warm-up of 500 steps in batches. With gradient
         accumulation a batch is not a step of the optimizer either.
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


if __name__ == "__main__":
    from buggy_code_10 import check

    check(fit)
    print("PASS")
