"""Bug hunt 8: labels of shape (N, 1) were compared with predictions of shape (N,).

Symptom  the loss falls, the accuracy stays near one over the number of classes.
Cause    (N,) == (N, 1) broadcasts to (N, N): every prediction is compared with every label. With
         N = 32 that makes 1024 answers for 32 samples, and their mean is about chance. gather wants
         its index as (N, 1), so the loss was right. A batch of one is right too.
Fix      give both sides one shape, here by keeping the dim in argmax; y.squeeze(1) does as well.
Spot it  print the shapes on both sides of every ==, - and * that meets a label. With a sum in place
         of the mean the accuracy exceeds 100%: count hits, and assert hits <= N. squeeze() without
         a dim is no cure: it drops the batch dim of a batch of one.

Asked next
    "Where else does this bite?" In mse_loss of (N,) and (N, 1): the model learns to predict the
    mean. torch warns there, == does not.
    "Is training accuracy what you report?" No: it is from dropped-out passes, each with other
    weights. It serves to see that something is learned.
Left out here, if you say so: an empty loader divides by zero.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def train_epoch(
    model: nn.Module, loader: Iterable[tuple[Tensor, Tensor]], optimizer: torch.optim.Optimizer
) -> tuple[float, float]:
    """One epoch over x (N, F), y (N, 1) -> mean loss and accuracy over its samples."""
    model.train()
    loss_sum, hits, seen = 0.0, 0.0, 0
    for x, y in loader:
        log_probs = model(x).log_softmax(dim=1)
        loss = -log_probs.gather(1, y).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(y)
        hits += (log_probs.argmax(dim=1, keepdim=True) == y).sum().item()
        seen += len(y)
    return loss_sum / seen, hits / seen


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
