"""Sequence packing: decide who shares a row, then write down where each document begins and ends.

Why it works: attention is the only place of a transformer where tokens meet. Hidden from each
other there, with positions from 0 and no label across a border, documents of one row get the
numbers that each gets alone. Lengths 6, 5, 3, 2 in rows of 8: first fit, longest first, makes rows
6 + 2 and 5 + 3, no padding; padded one by one they would be 4 rows with half of it padding.
Say in the interview:
- Longest first: what is short fits into the gaps later. At most 11/9 of the fewest rows, plus one.
- The last token of a document has no label: what follows belongs to somebody else.
- Padding is not told by pad_id, which may be a real token (often the end of text), but by doc_ids.
- Padding attends to itself. A softmax over nothing is NaN, and NaN in values spreads.
Asked next: "The mask has L^2 entries for each row?" Give the borders to the kernel instead:
cu_seqlens in flash attention, or flex_attention's block mask. "Concatenate all and cut every L
tokens?" No padding at all, but documents are cut and, without a mask, read each other; much
pretraining does it. "The loss?" A mean over labels weighs tokens alike, so it is the same packed
or not; a mean of means of rows is not.
Common slips: positions that run on; a causal mask alone; labels over the border; torch.roll, which
lets the last place predict the first.
May be left out if you say so: ties, dtypes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def pack_sequences(
    sequences: Sequence[Tensor], max_len: int, pad_id: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """First fit, longest first: ids, doc_ids and positions, (B, max_len) each."""
    for i, sequence in enumerate(sequences):
        if not 1 <= len(sequence) <= max_len:
            raise ValueError(f"sequence {i} has {len(sequence)} tokens, want 1 to {max_len}")
    rows: list[list[int]] = []
    room: list[int] = []
    for i in sorted(range(len(sequences)), key=lambda i: -len(sequences[i])):
        n = len(sequences[i])
        at = next((r for r, left in enumerate(room) if left >= n), len(rows))
        if at == len(rows):
            rows.append([])
            room.append(max_len)
        rows[at].append(i)
        room[at] -= n

    device = sequences[0].device if sequences else None
    ids = torch.full((len(rows), max_len), pad_id, dtype=torch.int64, device=device)
    doc_ids, positions = torch.full_like(ids, -1), torch.zeros_like(ids)
    for r, row in enumerate(rows):
        start = 0
        for i in row:
            end = start + len(sequences[i])
            ids[r, start:end] = sequences[i]
            doc_ids[r, start:end] = i
            positions[r, start:end] = torch.arange(end - start, device=device)
            start = end
    return ids, doc_ids, positions


def document_mask(doc_ids: Tensor) -> Tensor:
    """(B, L) -> (B, L, L), queries before keys: the same document, and not later."""
    return (doc_ids[:, :, None] == doc_ids[:, None, :]).tril()


def packed_labels(ids: Tensor, doc_ids: Tensor) -> Tensor:
    """Two of (B, L) -> (B, L): the next token of the same document, otherwise -100."""
    labels = torch.full_like(ids, -100, dtype=torch.int64)
    follows = (doc_ids[:, 1:] == doc_ids[:, :-1]) & (doc_ids[:, 1:] >= 0)
    labels[:, :-1] = torch.where(follows, ids[:, 1:].long(), -100)
    return labels


# Something to look at: how much of a batch is padding, and a mask as a heat map.
if __name__ == "__main__":
    torch.manual_seed(0)
    lengths = (torch.randn(200).mul(0.8).add(4).exp()).long().clamp(1, 512).tolist()
    documents = [torch.ones(n, dtype=torch.int64) for n in lengths]
    packed = pack_sequences(documents, max_len=512)[1]
    longest = max(lengths)
    print(f"{len(lengths)} documents of {min(lengths)} to {longest} tokens, in rows of 512")
    print(f"one per row, padded to the longest: {1 - sum(lengths) / len(lengths) / longest:.0%}")
    print(f"packed into {len(packed)} rows: {(packed < 0).float().mean():.1%} padding")
    for line in document_mask(torch.tensor([[0] * 5 + [1] * 3 + [2] * 4 + [-1] * 2]))[0].int():
        print("".join(" #"[seen] for seen in line.tolist()))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
