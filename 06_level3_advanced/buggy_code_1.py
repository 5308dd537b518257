"""Bug hunt 1: four micro-batches are not the batch of four.

A colleague: "Four micro-batches should give the gradient of the whole batch. They do while all
answers are equally long. On real answers the loss in the log is off, and the model learns
something else."

    accumulate(model, micro_batches) -> float
        model          maps ids (B, L) to logits (B, L, V)
        micro_batches  a list of pairs: ids (B, L) int64; labels (B, L) int64, the label for each
                       position, or -100 where the position belongs to no answer. B and L differ.

Core, what an interview asks:

    gradient  Afterwards .grad holds the gradient of the mean cross entropy over all labels of all
              micro-batches that are not -100. What was in .grad before has no part.
              Parameters and inputs stay as they are.
    loss      This mean is returned.
    memory    What one micro-batch keeps for its gradient is let go before the next begins.
    modes     Each micro-batch goes through the model once, whole, in train mode.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    empty     A micro-batch without any label but -100 adds nothing. One micro-batch at least has
              others.

Run the file, fix accumulate, run it again.

Medium, 15 minutes. Try one alone: python FILE gradient
"""

import torch
from torch import Tensor, nn


def accumulate(model: nn.Module, micro_batches: list[tuple[Tensor, Tensor]]) -> float:
    model.train()
    model.zero_grad()
    total = 0.0
    for ids, labels in micro_batches:
        logits = model(ids).flatten(0, 1)
        loss = nn.functional.cross_entropy(logits, labels.flatten()) / len(micro_batches)
        loss.backward()
        total += loss.item()
    return total


def evidence() -> None:
    """What the colleague saw: four answers, accumulated one by one and as one batch."""
    for lengths in ((16, 16, 16, 16), (2, 2, 30, 30), (1, 3, 4, 56)):
        torch.manual_seed(0)
        parts = nn.Embedding(12, 16), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 12)
        model, ids = nn.Sequential(*parts), torch.randint(12, (4, 64))
        labels = torch.full((4, 64), -100)
        for i, n in enumerate(lengths):
            labels[i, :n] = (3 * ids[i, :n] + n) % 12
        found = []
        for size in (1, 4):
            batches = list(zip(ids.split(size), labels.split(size), strict=True))
            loss = accumulate(model, batches)
            found.append((loss, torch.cat([p.grad.flatten() for p in model.parameters()])))
        (loss, few), (want, whole) = found
        cosine = torch.cosine_similarity(few, whole, dim=0).item()
        print(
            f"answers of {', '.join(f'{n:2}' for n in lengths)} tokens: loss {loss:.3f} (as one "
            f"batch {want:.3f}), norm of the gradient {few.norm():.3f} ({whole.norm():.3f}), "
            f"cosine between both {cosine:.2f} (want 1.00)"
        )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
