"""Class imbalance: weights N / (K n_k), or a sampler whose draws make up for n_k.

Why it works: with 3 samples of class 0 and 1 of class 1 the weights are 4 / 6 and 4 / 2. Their sum
over the samples is 3 * 4 / 6 + 2 = 4, so the loss keeps its size and the learning rate its meaning.
A sampler draws a sample with probability w_i / sum(w): with w_i = 1 / n_k each class has 1 in all,
with w_i = 1 / sqrt(n_k) class k has sqrt(n_k): for 100 to 1 that is 10 to 1 instead of 1 to 1.
Say in the interview: weights change the loss of each sample, a sampler changes how often it comes.
A sampler repeats the few rare samples, so the model may learn them by heart: augment them, or draw
by the square root. Both change the prior: calibrated probabilities need a correction afterwards.
They may ask: does the scale of the weights matter in F.cross_entropy? For reduction="mean" it
does not, as the sum is divided by the sum of the batch's weights; for "sum" it does.
They may ask: how do you measure then? On data as they come, per class: recall, F1, a curve of
precision over recall. Accuracy hides the rare class.
Common slips: the sampler gets a weight per class instead of per sample; replacement=False, which
gives every sample once, balanced or not; 1 / 0 for an absent class; balancing the validation set.
"""

import torch
from torch import Generator, Tensor
from torch.utils.data import WeightedRandomSampler


def class_weights(labels: Tensor, num_classes: int) -> Tensor:
    """(N,) -> (K,) float32: N / (K n_k), and 0 for an absent class."""
    count = torch.bincount(labels, minlength=num_classes)  # (K,)
    return torch.where(count > 0, len(labels) / (num_classes * count.clamp(min=1)), 0)


def power_sampler(
    labels: Tensor, power: float, generator: Generator | None
) -> WeightedRandomSampler:
    """N draws, class k with a probability in proportion to n_k ** power."""
    labels = labels.long()  # uint8 would be read as a mask
    size = torch.bincount(labels)[labels].double()  # (N,), of each sample's class
    weights = size ** (power - 1)
    return WeightedRandomSampler(weights.tolist(), len(labels), generator=generator)


def balanced_sampler(labels: Tensor, generator: Generator | None = None) -> WeightedRandomSampler:
    """All classes that occur are equally likely."""
    return power_sampler(labels, 0, generator)


def sqrt_sampler(labels: Tensor, generator: Generator | None = None) -> WeightedRandomSampler:
    """Between the data's own shares and equal ones."""
    return power_sampler(labels, 0.5, generator)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
