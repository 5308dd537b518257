"""Bug hunt 9: validation in train mode moved BatchNorm's running statistics.

Symptom  the shipped model gets worse with every validation pass, most of all on data unlike the
         training data, and one sample's validation loss depends on the others in its batch.
Cause    in train mode BatchNorm normalizes by the batch and folds its mean and variance into the
         running statistics, which eval mode uses. They are buffers: no_grad() does not protect
         them.
Fix      eval() before validating, train() at the top of each epoch. train() only once, before the
         loop, would train every epoch but the first with frozen statistics and without Dropout.
Spot it  compare state_dict() before and after a validation pass: nothing may differ. A loss of
         batches of one that differs from that of the same samples together says the same.
"""

import torch
from torch import Tensor, nn


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    train_batches: list[tuple[Tensor, Tensor]],
    val_batches: list[tuple[Tensor, Tensor]],
    epochs: int,
) -> list[float]:
    """Train for some epochs -> the mean validation loss per sample after each."""
    history = []
    for _ in range(epochs):
        model.train()
        for x, y in train_batches:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        model.eval()
        total, samples = 0.0, 0
        with torch.no_grad():
            for x, y in val_batches:
                total += nn.functional.cross_entropy(model(x), y, reduction="sum").item()
                samples += len(y)
        history.append(total / samples)
    return history


if __name__ == "__main__":
    from buggy_code_9 import check

    check(fit)
    print("PASS")
