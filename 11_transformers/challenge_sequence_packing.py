"""Sequence packing: documents share rows, so that little of a batch is padding.

No document may notice the others. L is max_len, the length of a row.

    pack_sequences(sequences, max_len, pad_id=0) -> ids, doc_ids, positions
        sequences                 list of (n,) ids, 1 <= n <= L
        ids, doc_ids, positions   (B, L) int64
    document_mask(doc_ids) -> (B, L, L) bool
        [b, q, k]: query q may attend to key k
    packed_labels(ids, doc_ids) -> (B, L) int64

Core, what an interview asks:

    rows       The longest sequence comes first. Each goes into the first row with enough room,
               behind those there; without one, into a new row.
    contents   ids: a row's sequences, then pad_id, which may be a token, too. doc_ids: the
               sequence's index; padding has -1.
    positions  Each sequence counts from 0. Padding has 0.
    mask       A token attends to its own document, up to itself. Padding counts as a document.
    labels     The next token of the same document, otherwise -100. Padding has -100.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    ties       Of equal lengths, the earlier goes first.
    refused    ValueError if a sequence has no token or more than max_len.
    tensors    Any integer dtypes and strides. Results are new and on the input's device; inputs
               do not change. All three take B = 0, no sequences.

Medium, 25 minutes. Try one alone: python FILE labels
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def pack_sequences(
    sequences: Sequence[Tensor], max_len: int, pad_id: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    raise NotImplementedError("pack_sequences")


def document_mask(doc_ids: Tensor) -> Tensor:
    """(B, L) -> (B, L, L), queries before keys."""
    raise NotImplementedError("document_mask")


def packed_labels(ids: Tensor, doc_ids: Tensor) -> Tensor:
    """Two of (B, L) -> (B, L)."""
    raise NotImplementedError("packed_labels")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    documents = [torch.tensor(tokens) for tokens in ([5, 6], [7, 8, 9], [4])]
    ids, doc_ids, positions = pack_sequences(documents, max_len=4)
    assert ids.tolist() == [[7, 8, 9, 4], [5, 6, 0, 0]], ids.tolist()
    assert doc_ids.tolist() == [[1, 1, 1, 2], [0, 0, -1, -1]], doc_ids.tolist()
    assert positions.tolist() == [[0, 1, 2, 0], [0, 1, 0, 0]], positions.tolist()

    mask = document_mask(torch.tensor([[1, 1, 2, -1]]))[0].int().tolist()
    assert mask == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], mask

    labels = packed_labels(torch.tensor([[7, 8, 9, 4]]), torch.tensor([[1, 1, 1, 2]]))
    assert labels.tolist() == [[8, 9, -100, -100]], labels.tolist()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
