"""Class imbalance: weigh rare classes in the loss, or draw their samples more often.

With 99 samples of class 0 and one of class 1, a model that always says 0 is right 99 times in 100.

    class_weights(labels (N,), num_classes) -> (K,) float32
    balanced_sampler(labels (N,), generator=None) -> torch.utils.data.WeightedRandomSampler
    sqrt_sampler(labels (N,), generator=None) -> torch.utils.data.WeightedRandomSampler

labels are int64. n_k is the number of samples of class k.

Core, what an interview asks:

    weights   N / (K n_k) for class k. If all classes occur, the samples weigh 1 on average.
    absent    A class without samples has weight 0.
    balanced  Each draw: all classes that occur are equally likely, and so are the samples of a
              class.
    sqrt      Each draw: class k has a probability in proportion to the square root of n_k;
              its samples are equally likely.
    epoch     An epoch has N draws. A sample may come many times.
    draws     They come from generator, None: the global one. Making a sampler draws nothing.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    gaps      The samplers take labels such as 3 and 7, where other classes do not occur, and
              leave them as they are.
    types     labels may be uint8 or int32, too.

Easy, 20 minutes. Try one alone: python FILE weights
Guide: PyTorch_Mastery_Guide, "Rare classes".
"""

import torch
from torch import Generator, Tensor
from torch.utils.data import WeightedRandomSampler


def class_weights(labels: Tensor, num_classes: int) -> Tensor:
    raise NotImplementedError("class_weights")


def balanced_sampler(labels: Tensor, generator: Generator | None = None) -> WeightedRandomSampler:
    raise NotImplementedError("balanced_sampler")


def sqrt_sampler(labels: Tensor, generator: Generator | None = None) -> WeightedRandomSampler:
    raise NotImplementedError("sqrt_sampler")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    labels = torch.tensor([0, 0, 0, 1])
    weights = [round(w, 4) for w in class_weights(labels, 2).tolist()]  # 4 / (2 * 3), 4 / (2 * 1)
    assert weights == [0.6667, 2], weights

    chances = torch.tensor(list(balanced_sampler(labels).weights))
    chances = [round(c, 4) for c in (chances / chances.sum()).tolist()]  # of each sample
    assert chances == [0.1667, 0.1667, 0.1667, 0.5], chances

    rare = torch.tensor([0] * 99 + [1])
    drawn = sum(index == 99 for index in balanced_sampler(rare))
    assert 20 < drawn < 80, drawn  # of 100 draws


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
