"""Bug hunt 16: the figure was summed up as a tensor with a graph.

Symptom  the numbers held grow by the same amount with each batch, until memory is full.
Cause    total was made of logits, and it knew how: its graph holds the graph of each batch.
         backward() frees what the loss has saved, but nobody calls it for total: what softmax
         and gather have saved stayed, 1050 numbers of 50 samples and 10 classes, with all nodes.
Fix      item(): a plain number has no graph. detach() does it too and does not wait for a GPU.
Spot it  whatever outlives a batch must not require gradients: print total.requires_grad. Or watch
         torch.cuda.memory_allocated() at the same line of each batch.

Asked next
    "Does total += loss leak as well, after backward()?" Less: saved tensors are freed, the nodes of
    the graph stay. On a thousand batches of a deep model it is seen, too.
    "Would empty_cache() help, or gc.collect()?" No: all of it is referred to, so it is no garbage.
    "Is item() not slow?" It waits for the GPU. Sum up detached tensors, and call item() once.
Left out here, if you say so: lists of logits, which grow without any graph.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def run_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable[tuple[Tensor, Tensor]]
) -> float:
    """Train on batches of x (N, F), y (N,) -> the mean probability of the right class."""
    model.train()
    total, samples = 0.0, 0
    for x, y in batches:
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += logits.softmax(dim=1).gather(1, y[:, None]).sum().item()
        samples += len(y)
    return total / samples


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
