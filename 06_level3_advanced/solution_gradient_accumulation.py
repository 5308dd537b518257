"""Gradient accumulation: backward adds up, so scale each batch's loss by its share of the group.

Why it works: a gradient is linear in the loss, and the mean over a group's samples is the sum of
its batches' means, each times the batch's share of the samples. islice cuts any iterable into
groups, the last one as short as it is, so a share is known before the group's first backward.
Say in the interview: memory for activations is that of one batch, gradients are as large as ever,
time is that of all the small batches. With equal batches the share is 1 / accum_steps, except in a
shorter last group. BatchNorm still sees small batches, so take GroupNorm or LayerNorm if they are
tiny. Under DDP wrap all but the last backward of a group in no_sync(); clip after the last one.
Learning rate and scheduler count optimizer steps, not batches.
Common slips: dividing the last group by accum_steps; forgetting to step it; zero_grad for every
batch; the divided loss in the report; summing losses for one backward, which keeps every graph.
"""

from collections.abc import Callable, Iterable
from itertools import islice

import torch
from torch import Tensor, nn


def train_one_epoch_accum(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    accum_steps: int,
) -> float:
    """Mean loss per sample; ValueError if accum_steps <= 0 or the loader gives no batch."""
    if accum_steps <= 0:
        raise ValueError(f"accum_steps is {accum_steps}, want at least 1")
    model.train()
    total, seen = 0.0, 0
    batches = iter(loader)
    while group := list(islice(batches, accum_steps)):
        samples = sum(len(y) for _, y in group)
        optimizer.zero_grad()
        for x, y in group:
            x, y = x.to(device), y.to(device)
            loss = criterion(model(x), y)
            (loss * len(y) / samples).backward()
            total += loss.item() * len(y)
        optimizer.step()
        seen += samples
    if seen == 0:
        raise ValueError("the loader gave no batch")
    return total / seen


if __name__ == "__main__":
    from challenge_gradient_accumulation import check

    check(train_one_epoch_accum)
    print("PASS")
