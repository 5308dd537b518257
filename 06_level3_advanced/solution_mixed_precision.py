"""Mixed precision: autocast picks the type of each operation, a scaler keeps fp16 gradients alive.

Why it works: autocast casts the inputs of matrix products to 16 bits and those of losses back to
float32. The casts are part of the graph, so float32 weights get float32 gradients, and backward
needs no autocast. In fp16 a gradient of 1e-8 is 0; 65536 times as large, 6.6e-4, it is not, and
unscale_ divides it again. Where the scale was too much, step finds an inf and does nothing, and
update halves the scale. A disabled scaler hands everything through: one loop for both devices.
Say in the interview:
- bf16 has the 8 exponent bits of float32: no scaler. It is the usual choice on new GPUs.
- Activations halve, weights and Adam's state do not.
- Clip between unscale_ and step: max_norm is in the unit of the unscaled loss.
Asked next: "Where does the scaler live in a long training?" Outside of the epoch, its state_dict in
the checkpoint: a new one every epoch may skip the first steps again.
"What about the scheduler?" A step that the scaler skipped should not advance it; a scale that fell
in update shows that.
Common slips: clipping scaled gradients; update forgotten; the loss outside autocast, or backward
inside; autocast around the whole epoch, whose cache holds the first weights; model.half().
May be left out if you say so: the error for an empty loader.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def train_one_epoch_amp(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    max_norm: float | None = None,
) -> float:
    """Mean unscaled loss per sample; ValueError if the loader gives no batch."""
    on_cuda = device.type == "cuda"
    dtype = torch.float16 if on_cuda else torch.bfloat16
    scaler = torch.amp.GradScaler(enabled=on_cuda)
    model.train()
    total = 0.0
    seen = 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        with torch.autocast(device.type, dtype=dtype):
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        if max_norm is not None:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.step(optimizer)
        scaler.update()
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
