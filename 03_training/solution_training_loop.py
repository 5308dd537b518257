"""One training epoch: clear, forward, backward, step, and count samples instead of batches.

Why it works: backward adds to p.grad, so each batch clears the optimizer's gradients before it,
which also drops what was there before the call. criterion gives a mean, so it is weighted with the
batch's size: a short last batch then counts by its samples.
Say in the interview: item() gives a number without its graph, so memory stays flat; on a GPU it
also waits for the batch to finish, and a sum kept on the device with detach() avoids that.
zero_grad sets gradients to None: less memory, and a parameter without a gradient is skipped.
optimizer.zero_grad clears what this optimizer steps, model.zero_grad what this model owns.
Common slips: zero_grad between backward and step; total += loss, which keeps every batch's graph;
a mean of batch means; train() forgotten after a validation; len(loader.dataset) with drop_last.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def train_one_epoch(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> float:
    """Mean loss per sample over one pass of the loader. No batch: ValueError."""
    model.train()
    total = 0.0
    seen = 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        seen += len(y)
    if seen == 0:
        raise ValueError("the loader gave no batch")
    return total / seen


if __name__ == "__main__":
    from challenge_training_loop import check

    check(train_one_epoch)
    print("PASS")
