"""Bug hunt 2: most updates were smaller than half the gap between two bfloat16 numbers.

Symptom  the loss lags behind float32, and most weights never change although their gradients do.
Cause    bfloat16 has 8 significant bits. Below 1.0 the next number is 0.99609375, so 1 - 0.0006
         rounds back to 1.0, and a hundred such steps are still 1.0. Small weights have small gaps
         and move; large ones stand still.
Fix      stochastic rounding: compute in float32, then round up or down at random, so that the mean
         is right: 1 - 0.0006 becomes 0.99609375 in 15 of 100 cases, else 1.0. As bfloat16 is the
         upper half of float32, that is to add 16 random bits to the lower half and cut it off.
Spot it  count the weights that a step changes: the optimizer ran, the gradient was there, and p is
         the same in every bit. Or compare the loss with a run in float32.

Asked next
    "What else would mend it?" Weights in float32 and bfloat16 for the products only (autocast), or
    a float32 master copy: 4 more bytes for each weight. Kahan summation, which keeps the lost part
    in a second bfloat16 tensor: 2 more bytes. Here neither fits the promise.
    "Does float32 arithmetic with a cast at the end help?" No, the cast rounds to the nearest.
    "Do AdamW's moments need it, too?" Yes: beta2 = 0.999 changes the second moment by 0.1 % of the
    difference, which is lost in the same way.
Left out here, if you say so: a generator for the random bits.
"""

import torch
from torch import Tensor


def step(params: list[Tensor], grads: list[Tensor], lr: float) -> None:
    """One step of SGD on bfloat16 params, in place, rounded up or down at random."""
    with torch.no_grad():
        for p, grad in zip(params, grads, strict=True):
            exact = p.float() - lr * grad.float()
            noise = torch.randint(1 << 16, p.shape, dtype=torch.int32, device=p.device)
            p.copy_(((exact.view(torch.int32) + noise) & -(1 << 16)).view(torch.float32))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
