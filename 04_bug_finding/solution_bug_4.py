"""Bug hunt 4: the batch never moved to the model's device.

Symptom  RuntimeError about two devices, but only where the model is not on the CPU.
Cause    .to(device) was applied to the model, never to x and y. A DataLoader collates on the CPU.
Fix      move both at the top of the step. The model itself says where; a module-wide constant such
         as "cuda if available" is wrong for the second GPU. What is already there is not copied
         again.
Spot it  for every tensor that meets a parameter, ask who put it on that device. In CI without a GPU
         the meta device asks for you: no data, but every op checks devices, shapes and dtypes. The
         first of 3 steps fails there, while the CPU takes all 3.

Asked next
    "Why not move the model to the batch?" The optimizer holds its parameters, and a move of
    megabytes for each batch of kilobytes is slow.
    "How to make the move cheap?" DataLoader(pin_memory=True) and .to(device, non_blocking=True):
    the copy then runs beside the computation.
Left out here, if you say so: a model that is spread over several devices.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
