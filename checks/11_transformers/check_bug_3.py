"""What 11_transformers/buggy_code_3.py requires.

Each label looks at other places of the labels: `stops` at what a model writes that knows them by
heart, `text` before the last end of each row, `filling` behind it.
"""

import torch

from checks.tools import attempt, draws_nothing, equal, keeps_device, tensor, unchanged

PLAIN = (3, 2, 1), (4,), (7, 8, 2, 5, 1), (6, 6)  # texts, without their ends
CHATS = (5, 0, 4, 1), (2, 0, 3, 0, 8), (9, 9, 0, 1), (7, 0, 6, 0, 5, 0, 2)


def stops(make_labels):
    for length in (6, 7, 12):
        ids = filled(PLAIN, length)
        known = {}
        for row, said in zip(ids, labels_of(make_labels, ids), strict=True):
            known |= {tuple(row[:t]): said[t] for t in range(1, length) if said[t] != -100}
        ended = []
        for one in PLAIN:
            written = list(one[:1])
            while len(written) < 40 and written[-1] != 0:
                written.append(known.get(tuple(written), 1))
            ended.append(written[-1] == 0)
        told = f"{len(PLAIN)} texts in rows of {length}, a model that knows all labels by heart, "
        equal(f"{told}texts that it ends:", sum(ended), len(PLAIN))
        told = f"{told}what it writes after {list(PLAIN[0])}:"
        equal(told, known.get(PLAIN[0], "anything"), 0)


def text(make_labels):
    for texts, length, pad in (
        (PLAIN, 8, 0),
        (CHATS, 10, 0),
        (CHATS[:1], 7, 0),
        ((*CHATS[1:], (8, 0, 0)), 9, 50256),
    ):
        ids = filled(texts, length, pad)
        for row, said, one in zip(ids, labels_of(make_labels, ids, pad), texts, strict=True):
            told = f"row {row}, pad_id {pad}: the labels of its first {len(one)} ids are"
            equal(told, said[: len(one)], list(one))


def filling(make_labels):
    for texts, length, pad in (
        (PLAIN, 8, 0),
        (PLAIN, 16, 9),
        (PLAIN[:1], 5, 50256),
        (CHATS, 11, 0),
    ):
        ids = filled(texts, length, pad)
        for row, said, one in zip(ids, labels_of(make_labels, ids, pad), texts, strict=True):
            behind = said[len(one) + 1 :]
            equal(f"row {row}: the labels behind the text are", behind, [-100] * len(behind))


def rows(make_labels):
    full = [(3, 2, 1, 0), (5, 4, 3, 2), (2, 0, 1, 1), (9, 9, 0, 8), (1, 0, 7, 0)]
    for ids in (full, full[1:2], full[:1], [(5,)], [(5, 0), (4, 3)]):
        for row, said in zip(ids, labels_of(make_labels, ids), strict=True):
            told = f"row {list(row)}, full: its last labels are"
            equal(told, said[-2:], list(row[-2:]))


def turns(make_labels):
    for pad, length in ((0, 10), (7, 9), (50256, 12)):
        parts = ((5, pad, pad, 4), (3, pad, pad, pad, 2, pad, pad, 1), (pad, pad, 6), (pad, 8))
        ids = filled(parts, length, pad)
        for row, said, one in zip(ids, labels_of(make_labels, ids, pad), parts, strict=True):
            at = [t for t, i in enumerate(one) if i == pad and (not t or one[t - 1] == pad)]
            told = f"row {row}, pad_id {pad}: labels at places {at} are"
            equal(told, [said[t] for t in at], [pad] * len(at))


def new(make_labels):
    ids = torch.tensor(filled(CHATS, 10))
    with unchanged("make_labels", ids), draws_nothing("make_labels"):
        made = tensor(attempt("make_labels", make_labels, ids, 0), "make_labels")
        equal("make_labels: requires a gradient", made.requires_grad, False)
    own = torch.tensor(filled([(3, 2, 1, 4)], 4))
    for given in (ids, own):
        made = attempt("make_labels", make_labels, given, 0)
        made.fill_(5)
        equal("labels are set to 5: ids that are 5 then", int((given == 5).all()), 0)
    keeps_device("make_labels", lambda given: make_labels(given, 0), ids)


CORE = (stops, text, filling, rows)
EDGES = (turns, new)


def filled(texts, length, pad=0):
    """The rows: each text, its end, then the filling; what does not fit is cut off."""
    return [([*one] + [pad] * length)[:length] for one in texts]


def labels_of(make_labels, ids, pad=0):
    ids = torch.tensor([list(row) for row in ids])
    what = f"make_labels of ids {tuple(ids.shape)}, pad_id {pad}"
    out = tensor(attempt(what, make_labels, ids, pad), what)
    kind, want = (tuple(out.shape), out.dtype), (tuple(ids.shape), torch.int64)
    equal(f"{what}: shape and dtype", kind, want)
    return out.tolist()
