"""Mixed precision: autocast picks the type of each operation, a scaler keeps fp16 gradients alive.

Why it works: autocast casts the inputs of matrix products to 16 bits and those of losses back to
float32; the casts are part of the graph, so float32 weights get float32 gradients, and backward
needs no autocast. A gradient below 6e-8 is zero in fp16: a loss scaled up lifts it, and unscale_
divides it again. If the scale was too much, step finds inf, does nothing, and update halves the
scale. A disabled scaler hands everything through: one loop serves both devices.
Say in the interview: activations halve, weights and Adam's state do not; bf16 keeps the 8 exponent
bits of float32, needs no scaler and is the usual choice on new GPUs. Keep one scaler for a whole
training and its state_dict in the checkpoint: a new one every epoch may skip the first steps again.
A skipped step must not advance the scheduler. On the CPU it pays only where bf16 is in hardware.
Common slips: clipping scaled gradients; update forgotten; the loss outside autocast, or backward
inside; autocast around the whole epoch, whose cache holds the first weights; model.half().
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


if __name__ == "__main__":
    from challenge_mixed_precision import check

    check(train_one_epoch_amp)
    print("PASS")
