"""Bug hunt 3: a sum was clipped before it was complete, once for each micro-batch.

Symptom  no step is too long, the loss falls slowly, and the order of the rows changes the step.
Cause    clip_grad_norm_ stood inside the loop. backward() adds to .grad, so each call cut down all
         that was there so far, the first micro-batch eight times, the last one once. Two gradients
         (3, 0) and (0, 4), limit 1: cut after each, (1, 0), then (1, 4) to (0.24, 0.97); cut once,
         (3, 4) becomes (0.6, 0.8). As long, and another direction: that of the last ones. So eight
         micro-batches give a step that is nearly as noisy as that of one or two.
Fix      clip once, after the last backward and before the step.
Spot it  reverse the micro-batches: the gradient must be the same. Or compare its direction with
         that of the whole batch. The norm alone says nothing: it is 1.0 both times.

Asked next
    "What belongs to the step, what to the micro-batch?" To the step: unscaling, clipping, logging
    the norm, step, scheduler and zero_grad. To the micro-batch: forward, the division, backward.
    "When is clipping each part right?" In differentially private training, sample by sample, and
    each alone, not the sum so far.
    "Why return the norm before it is cut?" Afterwards it is max_norm most of the time; before, it
    shows a spike before the loss does.
Left out here, if you say so: micro-batches of different size, which need weights (bug hunt 1).
"""

import torch
from torch import Tensor, nn


def accumulate_and_clip(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    micro_batches: list[tuple[Tensor, Tensor]],
    max_norm: float,
) -> float:
    """One step from pairs of x (B, F), y (B,) -> the gradient's norm before it is clipped."""
    model.train()
    optimizer.zero_grad()
    for x, y in micro_batches:
        loss = nn.functional.cross_entropy(model(x), y) / len(micro_batches)
        loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    return norm.item()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
