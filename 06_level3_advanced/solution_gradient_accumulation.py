"""Gradient accumulation: backward adds up, so scale each batch's loss by its share of the group.

Why it works: a gradient is linear in the loss, and the mean over a group's samples is the sum of
its batches' means, each times the batch's share of the samples. Batches of 4 and 2 samples with
gradients 1 and 4 give (4 * 1 + 2 * 4) / 6 = 2; the mean of the two means is 2.5. islice cuts any
iterable into groups, the last as short as it is, so a share is known before the first backward.
Say in the interview:
- Memory for activations is that of one batch. Gradients are as large as ever, and time is that of
  all the small batches.
- With equal batches the share is 1 / accum_steps, except in a shorter last group.
- Learning rate and scheduler count optimizer steps, not batches. Clip after the last backward.
Asked next: "Is it the same as the big batch?" Not with BatchNorm, which still sees small batches;
take GroupNorm or LayerNorm. Dropout draws other numbers.
"What changes under DDP?" Wrap all but the last backward of a group in no_sync(), or every backward
sends all gradients.
Common slips: zero_grad for every batch; the last group not stepped, or divided by accum_steps; the
divided loss in the report; losses summed for one backward, which keeps every graph.
May be left out if you say so: uneven batches, and the share of the last group.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
