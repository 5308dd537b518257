"""Bug hunt 5: validation ran with Dropout still switched on.

Symptom  the accuracy moves between identical runs, and is lower than it should be.
Cause    the model arrives in train mode, where Dropout draws a new mask in each forward pass: with
         p = 0.5 half of the hidden units are missing, other ones each time. no_grad() stops the
         recording of gradients, not that: the two switches know nothing of each other.
Fix      eval mode for the loop, then the mode in which the model came, for all of its modules. With
         parts frozen in eval mode, note down the mode of each module instead.
Spot it  a metric that moves by itself means something random in the forward pass. A fixed seed
         would hide the noise and still score a model with half of its units missing.

Asked next
    "no_grad or inference_mode?" Both record nothing; inference_mode also saves version counters,
    but its tensors cannot be used in a later loss.
    "And if a batch raises?" Then the mode is not given back: try/finally, or a context manager.
Left out here, if you say so: that finally, modes that are mixed, and an empty set of batches.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def validate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Accuracy over batches of x (N, F), y (N,)."""
    was_training = model.training
    model.eval()
    correct = total = 0
    for x, y in batches:
        predicted = model(x).argmax(dim=1)  # (N,)
        correct += (predicted == y).sum().item()
        total += len(y)
    model.train(was_training)
    return correct / total


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
