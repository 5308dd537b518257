"""Bug hunt 1: a mean of means gave each micro-batch the same weight, however few labels it had.

Symptom  with answers of different length four micro-batches give another gradient than one batch.
Cause    the criterion's mean is over the labels of one micro-batch; divided by 4 it is the mean of
         four means. Of answers of 2, 2, 30 and 30 tokens, 64 in all, a token of the first weighs
         1 / (4 * 2) = 0.125 and one of the last 1 / (4 * 30) = 0.0083, where both should weigh
         1 / 64 = 0.0156. So short answers teach fifteen times as much per token.
Fix      count the labels of all micro-batches first, take sums, divide each by that count.
Spot it  put one batch in two pieces of different length: gradient and loss must be the same. Pieces
         of equal length hide the bug, which is why it stood in well-known trainers until 2024.

Asked next
    "And on four GPUs?" The count must be summed over the ranks, too; as DDP averages gradients, the
    sum of losses is multiplied by the number of ranks before it is divided.
    "Is a mean per answer wrong?" It is another goal, each answer alike. Then say so; it must not
    depend on the cut either.
    "Why not add up the losses and call backward once?" All graphs would be in memory at once, which
    accumulation is there to avoid.
Left out here, if you say so: batches that come as a stream. Then scale the gradients at the end.
"""

import torch
from torch import Tensor, nn


def accumulate(model: nn.Module, micro_batches: list[tuple[Tensor, Tensor]]) -> float:
    """Pairs of ids (B, L) and labels (B, L) -> their mean loss; its gradient is in .grad."""
    model.train()
    model.zero_grad()
    total = 0.0
    count = torch.cat([labels.flatten() for _, labels in micro_batches]).ne(-100).sum().item()
    for ids, labels in micro_batches:
        logits = model(ids).flatten(0, 1)
        loss = nn.functional.cross_entropy(logits, labels.flatten(), reduction="sum") / count
        loss.backward()
        total += loss.item()
    return total


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
