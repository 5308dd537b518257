"""Bug hunt 14: (N, 1) minus (N,) is an (N, N) table.

Symptom  every network predicts one number, the mean of y. The loss is the variance of y, R² is 0.
Cause    predictions (N, 1) and labels (N,) broadcast: each prediction is compared with each label.
         With predictions 1, 3 and labels 1, 3 the errors are 0, -2, 2, 0: the loss is 2, not 0. The
         mean over all pairs is least where each prediction is the mean of all labels.
Fix      one shape for both, here view_as: it takes (N,) and (N, 1), and it raises where the numbers
         of rows differ.
Spot it  R² of exactly 0 says "constant". Print the shape of the errors: N numbers are due, N² came.
         A batch of one shows nothing; the larger the batch, the closer to the mean.

Asked next
    "Does F.mse_loss warn?" Yes, once, in a log that nobody reads. A plain minus does not.
    "Why not squeeze()?" On (N, 1) it is right. On a model with one row and two outputs, or on y of
    shape (1, 1), it drops axes that were meant. squeeze(1) or view_as say what is meant.
    "A habit against it?" assert prediction.shape == y.shape before every loss.
Left out here, if you say so: y as a column, and another number of labels.
"""

import torch
from torch import Tensor, nn


def mse_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    """One step on x (N, F), y (N,) or (N, 1) -> the mean squared error before it."""
    model.train()
    predictions = model(x)  # (N, 1)
    errors = predictions - y.view_as(predictions)
    loss = errors.square().mean()
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
