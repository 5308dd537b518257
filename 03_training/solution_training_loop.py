"""One training epoch: clear, forward, backward, step, and count samples instead of batches.

Why it works: backward adds to p.grad, so each batch clears the optimizer's gradients before it;
that also drops what was there before the call. The criterion gives a mean, so it is weighed with
the batch's size: losses 1.0 of 4 samples and 6.0 of 1 sample are (4 * 1 + 1 * 6) / 5 = 2.0 per
sample, while the mean of the two means is 3.5.
Say in the interview:
- zero_grad before backward, so that it does not matter what the caller left in p.grad.
- item() gives a number without its graph, so memory stays flat. On a GPU it waits for the batch;
  a sum that stays on the device, detached and in float32 at least, avoids that.
- zero_grad sets gradients to None: less memory, and a parameter without a gradient is skipped.
Asked next: "zero_grad of the model or of the optimizer?" optimizer.zero_grad clears what this
optimizer steps, model.zero_grad what this model owns; a learned loss is in the first only.
"Why weigh by len(y)?" The last batch is usually smaller, and drop_last changes the sum, too.
Common slips: zero_grad between backward and step; total += loss, which keeps every batch's graph;
a mean of batch means; train() forgotten after a validation; len(loader.dataset) with drop_last.
May be left out if you say so: the error for an empty loader.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
