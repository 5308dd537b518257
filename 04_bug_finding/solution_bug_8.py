"""Bug hunt 8: labels of shape (N, 1) were compared with predictions of shape (N,).

Symptom  the loss falls, the accuracy stays near one over the number of classes.
Cause    (N,) == (N, 1) broadcasts to (N, N): every prediction is compared with every label, and
         the mean of that table is about chance. gather wants its index as (N, 1), so the loss was
         right. A batch of one is right too.
Fix      give both sides one shape, here by keeping the dim in argmax; y.squeeze(1) does as well.
Spot it  print the shapes on both sides of every ==, - and * that meets a label. With a sum in place
         of the mean the accuracy exceeds 100%: count hits, and assert hits <= N. squeeze() without
         a dim is no cure: it drops the batch dim of a batch of one.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def train_epoch(
    model: nn.Module, loader: Iterable[tuple[Tensor, Tensor]], optimizer: torch.optim.Optimizer
) -> tuple[float, float]:
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


if __name__ == "__main__":
    from buggy_code_8 import check

    check(train_epoch)
    print("PASS")
