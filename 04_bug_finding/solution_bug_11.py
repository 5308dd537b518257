"""Bug hunt 11: the gradients were cleared once, not for every batch.

Symptom  the loss falls for twenty steps, then it shoots up. A smaller rate delays that, no more.
Cause    zero_grad() stood above the loop, and backward() adds to .grad. Step t went along the sum
         of t gradients: the old ones still push when the way is already down the other side. With
         momentum the swings grow at every rate. Of gradients 3, 3, 3 the steps saw 3, 6, 9.
Fix      zero_grad() inside the loop, at any place before backward().
Spot it  print the norm of the gradient beside the loss: it grows while the loss still falls. Or
         take one batch twice at rate 0: the gradient must be the same both times.

Asked next
    "Is zero_grad() after step() right, too?" Nearly: the first step then still has what was in
    .grad before the call, of a sanity check for example. Before backward() nothing can be left.
    "Why does PyTorch add at all?" One parameter is used at several places, whose parts add up;
    and gradients of micro-batches can be accumulated on purpose.
    "set_to_none?" The default since 2.0: saves memory, and a parameter that got no gradient is
    left alone, where a zero would still be moved by momentum and weight decay.
Left out here, if you say so: clipping. It would have hidden this bug, not mended it.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def fit(
    model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable[tuple[Tensor, Tensor]]
) -> list[float]:
    """Train on batches of x (N, F), y (N,) -> the mean loss of each before its step."""
    losses = []
    model.train()
    for x, y in batches:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
