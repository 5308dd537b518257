"""Padded batches: pad in the collate function, keep the lengths, pack for a recurrent layer.

Why it works: x alone does not tell padding from real zeros, so the lengths travel with it. The
mask is one comparison: steps (L,) < lengths (N, 1). The forward direction meets padding after the
end only, so its output at length - 1 would do. The backward direction starts at step L - 1: for 2
real steps of 5 it reads three pads first. A packed sequence has no pads: torch stores the first
steps of all, then the second steps of those that go on. Lengths 2 and 4 give 6 rows, not 8.
Say in the interview: enforce_sorted=False sorts by length and restores the order in h. h has one
row per layer and direction, the last layer's at the end: h[-2] forward, h[-1] backward. The lengths
must be on the CPU, as they decide how many rows each step has.
They may ask: how do you waste less? Put rows of similar length into one batch (bucketing), and pad
to the longest of the batch, not of the data set.
They may ask: what would a transformer take? The same mask; it needs no packing, as attention hides
keys by the mask.
Common slips: out[:, -1], a state after padding; a mask from x != 0, which hides real zeros; h[0]
and h[1] of a GRU with two layers; lengths as floats; sorting without sorting back.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence


def pad_collate(
    batch: Sequence[tuple[Tensor, int]], pad_value: float = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """N pairs (L_i, *S), int -> x (N, L, *S), lengths (N,), y (N,)."""
    sequences, labels = zip(*batch, strict=True)
    x = pad_sequence(list(sequences), batch_first=True, padding_value=pad_value)
    return x, torch.tensor([len(s) for s in sequences]), torch.tensor(labels)


def lengths_to_mask(lengths: Tensor, max_len: int | None = None) -> Tensor:
    """(N,) -> (N, max_len) bool, True = a real step."""
    if max_len is None:
        max_len = int(lengths.max())
    return torch.arange(max_len, device=lengths.device) < lengths[:, None]


def last_states(gru: nn.GRU, x: Tensor, lengths: Tensor) -> Tensor:
    """(N, L, D), (N,) -> (N, 2H): forward at the end, backward at the start. No length may be 0."""
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    _, h = gru(packed)  # (2 * layers, N, H)
    return torch.cat([h[-2], h[-1]], dim=1)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
