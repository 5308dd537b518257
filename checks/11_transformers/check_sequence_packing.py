"""What challenge_sequence_packing.py requires.

`rows` looks at lengths alone, read from ids that are all alike within a sequence; `contents` and
`positions` at lists that any order of packing puts into the same rows, if the longest come first.
"""

import itertools

import torch

from checks.tools import attempt, equal, keeps_device, refuses, tensor, unchanged

ROWS = [([2, 3, 1], 4), ([6, 5, 3, 2], 8), ([4, 3, 2, 1], 6), ([5, 4, 1], 6), ([7, 6, 2, 1], 9)]
ROWS += [([1], 1), ([9] + [1] * 11, 20), ([1, 2, 3, 4], 4), ([3, 1, 6, 2, 5, 4, 7], 10)]
ROWS.append(([6, 1, 3, 4], 8))
PLAIN = ((3,), 3), ((2,), 5), ((1, 2, 3), 8), ((3, 2, 1), 6), ((3, 4, 5), 5), ((1, 5, 4), 6)
PLAIN += (((9, 20), 31),)
DOC_IDS = [[0]], [[-1, -1]], [[4, 4, 4]], [[2, 2, 0], [1, 1, 1], [3, -1, -1]]
DOC_IDS += [[0, 0, 1, 1, 1], [2, 2, 2, 2, -1]], [[2**24 + 1, 2**24, 2**24, 2**24 + 2, -1, -1]]
DOC_IDS += [[7, 3, 3, 5, 5, 5, 1, -1, -1], [0, 0, 0, 0, 2, 2, 2, 2, 4]], [[4, 5, 6, -1]]
DOC_IDS += ([[0, 0, 0, 1], [1, 1, 2, 2], [3, 3, 3, 3], [4, 5, 6, -1]],)


def rows(pack_sequences):
    drawn = [(torch.randint(1, m + 1, (n,)).tolist(), m) for n in (8, 15, 30) for m in (9, 20)]
    for lengths, max_len in ROWS + drawn:
        (ids, _, _), what = packed(pack_sequences, lengths, max_len)
        got = [[n for _, n in lots(row)] for row in ids]
        want = [[lengths[i] for i in row] for row in first_fit(lengths, max_len)]
        equal(f"{what}: lengths in the rows", got, want)


def contents(pack_sequences):
    for lengths, max_len in PLAIN:
        for pad_id, more in ((0, {}), (7, {"pad_id": 7}), (-3, {"pad_id": -3})):
            sequences = made(lengths)
            sequences[0][0] = sequences[-1][-1] = pad_id if pad_id >= 0 else 2**24 + 1
            (ids, doc_ids, _), what = packed(pack_sequences, lengths, max_len, sequences, **more)
            want = laid(lengths, max_len, [s.tolist() for s in sequences], pad_id)
            equal(f"{what}, tokens {[s.tolist() for s in sequences]}: ids", ids, want)
            want = laid(lengths, max_len, [[i] * n for i, n in enumerate(lengths)], -1)
            equal(f"{what}: doc_ids", doc_ids, want)
    (_, doc_ids, _), what = packed(pack_sequences, [2] * 3, 5, made([2]) * 3)
    what += ", three times the same tokens: doc_ids of all rows, sorted"
    equal(what, sorted(sum(doc_ids, [])), [-1] * 4 + [0, 0, 1, 1, 2, 2])


def positions(pack_sequences):
    for lengths, max_len in PLAIN:
        (_, _, got), what = packed(pack_sequences, lengths, max_len)
        want = laid(lengths, max_len, [[*range(n)] for n in lengths], 0)
        equal(f"{what}: positions", got, want)


def mask(document_mask):
    for doc_ids in DOC_IDS:
        what, length = f"document_mask({doc_ids})", len(doc_ids[0])
        got = tensor(attempt(what, document_mask, torch.tensor(doc_ids)), what)
        want = (len(doc_ids), length, length), torch.bool
        equal(f"{what}: shape and dtype", (tuple(got.shape), got.dtype), want)
        for b, (row, seen) in enumerate(zip(doc_ids, got.tolist(), strict=True)):
            for q in range(length):
                keys = [k for k in range(length) if seen[q][k]]
                want = [k for k in range(q + 1) if row[k] == row[q]]
                equal(f"{what}: row {b}, query {q} attends to", keys, want)


def labels(packed_labels):
    for doc_ids in DOC_IDS:
        drawn = torch.randint(1, 99, (len(doc_ids), len(doc_ids[0])))
        drawn[0, -1] = 2**24 + 1
        for ids in (drawn, torch.zeros_like(drawn)):
            what = f"packed_labels({ids.tolist()}, {doc_ids})"
            got = tensor(attempt(what, packed_labels, ids.clone(), torch.tensor(doc_ids)), what)
            want = torch.full_like(ids, -100)
            for b, row in enumerate(doc_ids):
                for i in range(1, len(row)):
                    want[b, i - 1] = ids[b, i] if row[i - 1] == row[i] >= 0 else -100
            equal(f"{what} gave", got.tolist(), want.tolist())


def ties(pack_sequences):
    for lengths, max_len in (([2] * 3, 4), ([3, 1, 3, 1, 3], 4), ([1] * 40, 7), ([2, 3] * 20, 5)):
        (ids, _, _), what = packed(pack_sequences, lengths, max_len)
        got = [[i for i, _ in lots(row)] for row in ids]
        equal(f"{what}: sequences in the rows", got, first_fit(lengths, max_len))


def refused(pack_sequences):
    def shapes(sequences, max_len):
        return [tuple(t.shape) for t in pack_sequences(sequences, max_len)]

    for lengths, max_len in (([3], 2), ([2, 9, 1], 8), ([1, 1, 4], 3), ([0], 3), ([2, 0, 1], 3)):
        call = f"pack_sequences, lengths {lengths}, max_len={max_len}"
        refuses(shapes, made(lengths), max_len, errors=(ValueError,), call=call)


def tensors(pack_sequences, document_mask, packed_labels):
    ids, doc_ids = torch.tensor([[[5, 6], [7, 0], [8, 9]], [[0, 0], [1, -1], [2, 3]]])
    for dtype in (torch.int32, torch.uint8, torch.int64):
        for lengths, max_len in (((5,), 5), ((2, 3), 9), ((3, 2), 3)):
            given = [s.to(dtype).repeat_interleave(2)[::2] for s in made(lengths)]
            given[1:] = [300 + s.long() for s in given[1:]]
            what = f"{' and '.join(str(s.dtype) for s in given)}, strides {given[0].stride(0)}"
            what += f", lengths {lengths}, max_len={max_len}, pad_id=300"
            with unchanged(what, *given):
                out = attempt(what, pack_sequences, given, max_len, pad_id=300)
                equal(f"{what}: dtypes", {t.dtype for t in out}, {torch.int64})
                want = laid(lengths, max_len, [s.tolist() for s in given], 300)
                equal(f"{what}: ids", out[0].tolist(), want)
                [t.fill_(1) for t in out]
        own = torch.int64 if dtype == torch.uint8 else dtype  # one that has -1
        pair = [t.T.contiguous().T for t in (ids.to(dtype), doc_ids.to(own))]
        what = f"ids {dtype}, doc_ids {own}, not contiguous"
        with unchanged(what, *pair):
            out = tensor(attempt(what, packed_labels, *pair), what)
            seen = attempt(what, document_mask, pair[1]).int().tolist()
            want = torch.int64, [6, -100, -100]
            equal(f"packed_labels, {what}", (out.dtype, out[:, 0].tolist()), want)
            out.fill_(1)
        equal(f"document_mask, {what}", seen, [[[1, 0], [1, 1]]] + [[[1, 0], [0, 1]]] * 2)
    for i, name in enumerate(("ids", "doc_ids", "positions")):
        keeps_device(name, lambda *s, i=i: pack_sequences([*s], 9)[i], *made((2, 3)))
    keeps_device("packed_labels", packed_labels, ids, doc_ids)
    keeps_device("document_mask", document_mask, doc_ids)
    equal("no sequences, max_len=4: gave", packed(pack_sequences, [], 4)[0], [[], [], []])
    no = torch.zeros(0, 4, dtype=torch.int64)
    got = attempt("document_mask, B=0, L=4", document_mask, no)
    equal("document_mask, B=0, L=4: shape", tuple(got.shape), (0, 4, 4))
    got = attempt("packed_labels, B=0, L=4", packed_labels, no, no)
    equal("packed_labels, B=0, L=4: shape", tuple(got.shape), (0, 4))


CORE = (rows, contents, positions, mask, labels)
EDGES = (ties, refused, tensors)


def made(lengths):
    """Sequences of these lengths: tokens 30, 31 ..., then 60, 61 ..., and so on."""
    return [torch.arange(30 * i + 30, 30 * i + 30 + n) for i, n in enumerate(lengths)]


def lots(row):
    """(sequence, number of tokens) of what lies side by side."""
    lots = itertools.groupby(row, lambda token: token // 30 - 1)
    return [(i, len([*tokens])) for i, tokens in lots if i >= 0]


def packed(pack_sequences, lengths, max_len, sequences=None, **more):
    """ids, doc_ids and positions as lists, and the call in words."""
    what = f"lengths {[*lengths]}, max_len={max_len}" + "".join(f", {k}={more[k]}" for k in more)
    gave = attempt(what, pack_sequences, sequences or made(lengths), max_len, **more)
    kinds = [type(t).__name__ for t in gave] if isinstance(gave, tuple | list) else type(gave)
    equal(f"{what} gave", kinds, ["Tensor"] * 3)
    shapes = [tuple(t.shape) for t in gave]
    equal(f"{what}: shapes", shapes, [(*shapes[0][:1], max_len)] * 3)
    return [t.tolist() for t in gave], what


def first_fit(lengths, max_len):
    """By brute force: the sequences in each row."""
    found = []
    for n, i in sorted((-n, i) for i, n in enumerate(lengths)):
        fits = [row for row in found if sum(lengths[j] for j in row) - n <= max_len]
        (fits or [found.append([]) or found[-1]])[0].append(i)
    return found


def laid(lengths, max_len, parts, pad):
    """What the rows hold of these parts, one for each sequence."""
    full = [sum((parts[i] for i in row), []) for row in first_fit(lengths, max_len)]
    return [row + [pad] * (max_len - len(row)) for row in full]
