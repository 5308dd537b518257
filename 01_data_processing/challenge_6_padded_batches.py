"""Padded batches: sequences of different length in one tensor.

    pad_collate(batch, pad_value=0) -> (x, lengths, y)
        batch: N pairs of a sequence (L_i, *S), L_i >= 0, and its label, an int
        x (N, L, *S), L the largest L_i; lengths (N,) and y (N,), both int64
    lengths_to_mask(lengths, max_len=None) -> (N, max_len) bool, True = a real step
    last_states(gru, x, lengths) -> (N, 2H)
        gru: bidirectional, batch_first=True; x (N, L, D), lengths from 1 to L

Core, what an interview asks:

    padding    x holds each sequence from step 0 on, then pad_value, in their dtype.
    lengths    The steps of each sequence, whatever numbers it holds, and labels in the same order.
    mask       True at [i, t] for t < lengths[i]. max_len=None: the largest length.
    forward    The first H numbers: the forward direction, after the sequence's last real step.
    backward   The last H numbers: the backward direction, from the last real step to step 0.
    order      Row i belongs to sequence i, whatever the order of lengths.
    layers     Of several layers, the states of the last one.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    garbage    NaN in the padding of x reaches neither states nor gradients.
    device     The mask is where lengths is. last_states runs on a GPU, too.

Medium, 30 minutes. Try one alone: python FILE mask
Guide: PyTorch_Mastery_Guide, "Rows of different length".
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def pad_collate(
    batch: Sequence[tuple[Tensor, int]], pad_value: float = 0
) -> tuple[Tensor, Tensor, Tensor]:
    raise NotImplementedError("pad_collate")


def lengths_to_mask(lengths: Tensor, max_len: int | None = None) -> Tensor:
    raise NotImplementedError("lengths_to_mask")


def last_states(gru: nn.GRU, x: Tensor, lengths: Tensor) -> Tensor:
    raise NotImplementedError("last_states")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    batch = [(torch.tensor([5, 6]), 1), (torch.tensor([7, 0, 8]), 0)]
    x, lengths, y = pad_collate(batch)
    assert x.tolist() == [[5, 6, 0], [7, 0, 8]], x.tolist()
    assert (lengths.tolist(), y.tolist()) == ([2, 3], [1, 0]), (lengths.tolist(), y.tolist())

    mask = lengths_to_mask(torch.tensor([2, 3])).int().tolist()
    assert mask == [[1, 1, 0], [1, 1, 1]], mask

    gru = nn.GRU(1, 4, batch_first=True, bidirectional=True)
    long = torch.tensor([[[1.0], [2.0], [0.0], [0.0]]])  # two real steps
    states = last_states(gru, torch.cat([long, long + 1]), torch.tensor([2, 4]))
    alone = last_states(gru, long[:, :2], torch.tensor([2]))
    assert torch.allclose(states[:1], alone, atol=1e-6), (states[0].tolist(), alone.tolist())


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
