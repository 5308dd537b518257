"""Bug hunt 4: the batch never moved to the model's device.

Symptom  RuntimeError about two devices, but only where the model is not on the CPU.
Cause    .to(device) was applied to the model, never to x and y. A DataLoader collates on the CPU.
Fix      move both at the top of the step. The model itself says where; a module-wide constant such
         as "cuda if available" is wrong for the second GPU. What is already there is not copied
         again.
Spot it  for every tensor that meets a parameter, ask who put it on that device. In CI without a GPU
         the meta device asks for you: no data, but every op checks devices, shapes and dtypes.
"""

import torch
from torch import Tensor, nn


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """One step on x (N, F), y (N,) -> the mean cross entropy before it, ()."""
    device = next(model.parameters()).device
    x, y = x.to(device), y.to(device)
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


if __name__ == "__main__":
    from buggy_code_4 import check

    check(train_step)
    print("PASS")
