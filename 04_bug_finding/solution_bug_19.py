"""Bug hunt 19: sigmoid was applied twice.

Symptom  the loss hangs at 0.69 = log 2, with no spam found; then it creeps down, with all found.
Cause    binary_cross_entropy_with_logits applies sigmoid itself. What it got lay between 0 and 1,
         so it saw probabilities between 0.5 and 0.73: for a 0 the loss is at least log 2 = 0.69,
         for a 1 at least log(1 + 1 / e) = 0.31. Of 9 zeros and a one the best mean is 0.66. On
         the way there the easiest is to call all of them 0, where the inner sigmoid is flat.
Fix      give it the logits.
Spot it  overfit one batch: the loss must go to 0. log 2 as a floor says "the model has no opinion":
         look at the numbers that the loss gets, and at their range.

Asked next
    "Why not binary_cross_entropy on probabilities?" In float32 the sigmoid of 20 rounds to 1, and
    1 minus it to 0. torch cuts the logarithm off at -100, and the gradient is gone where the model
    is most wrong. With logits both are exact: max(z, 0) - z y + log(1 + exp(-|z|)).
    "One sample in ten is spam: what of pos_weight?" It weighs the ones, and moves the threshold
    and the probabilities. It would have hidden this floor, not removed it.
    "Where is the sigmoid then?" Where a probability is shown. logit > 0 asks for more than 0.5.
Slips    squeeze() without a dim, which takes the batch of one, too; y (N,) against (N, 1): torch
         refuses it here, and mse_loss would have spread it to (N, N); that formula with
         relu(): of relu and |z| autograd takes slope 0 at 0, so a logit of exactly 0 gets -y, not
         0.5 - y.
Left out here, if you say so: label smoothing.
"""

import torch
from torch import Tensor, nn


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    """One step on x (N, F), y (N,) -> the mean binary cross entropy before it."""
    model.train()
    logits = model(x).squeeze(1)  # (N,)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, y.to(logits.dtype))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
