"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

SORTED = "sorted(range(len(sequences)), key=lambda i: -len(sequences[i]))"
FIRST = "next((r for r, left in enumerate(room) if left >= n), len(rows))"
RAISE = "        if not 1 <= len(sequence) <= max_len:\n"
IDS = "            ids[r, start:end] = sequences[i]\n"
DOC = "            doc_ids[r, start:end] = i\n"
POSITIONS = "            positions[r, start:end] = torch.arange(end - start, device=device)\n"
MASK = "(doc_ids[:, :, None] == doc_ids[:, None, :]).tril()"
FOLLOWS = "(doc_ids[:, 1:] == doc_ids[:, :-1]) & (doc_ids[:, 1:] >= 0)"
LABELS = "torch.where(follows, ids[:, 1:].long(), -100)"
NEW = "    labels = torch.full_like(ids, -100, dtype=torch.int64)\n"
FULL = "torch.full((len(rows), max_len), pad_id, dtype=torch.int64, device=device)"
DOC_IDS = "torch.full_like(ids, -1)"

SLIPS = {
    "rows": {
        "best fit: the fullest row with room": (
            FIRST,
            "min((r for r, left in enumerate(room) if left >= n), key=lambda r: room[r],"
            " default=len(rows))",
        ),
        "the order of the list": (SORTED, "range(len(sequences))"),
        "shortest first": (SORTED, SORTED.replace("-len", "len")),
        "next fit: the last row alone is tried": (
            FIRST,
            "len(rows) - 1 if room and room[-1] >= n else len(rows)",
        ),
        "the emptiest row with room": (
            FIRST,
            "max((r for r, left in enumerate(room) if left >= n), key=lambda r: room[r],"
            " default=len(rows))",
        ),
        "the last row with room": (
            FIRST,
            "max((r for r, left in enumerate(room) if left >= n), default=len(rows))",
        ),
        "a row may not become full": (FIRST, FIRST.replace(">= n", "> n")),
        "one place is kept for a separator": (
            "        room[at] -= n\n",
            "        room[at] -= n + 1\n",
        ),
        "a row for each sequence": (FIRST, "len(rows)"),
        "eight sequences at most": (
            "        room[at] -= n\n",
            "        room[at] = room[at] - n if len(rows[at]) < 8 else 0\n",
        ),
        "two sequences at most": (
            "        room[at] -= n\n",
            "        room[at] = room[at] - n if len(rows[at]) < 2 else 0\n",
        ),
        "an empty row at the end": (
            "    device = sequences[0]",
            "    rows.append([])\n    device = sequences[0]",
        ),
        "the last row is left out": (
            "    device = sequences[0]",
            "    rows = rows[:-1] or rows\n    device = sequences[0]",
        ),
        "in front of those there": (
            "        rows[at].append(i)\n",
            "        rows[at].insert(0, i)\n",
        ),
    },
    "contents": {
        "documents counted in each row": (
            "        for i in row:\n" + "            end = start + len(sequences[i])\n" + IDS + DOC,
            "        for d, i in enumerate(row):\n"
            + "            end = start + len(sequences[i])\n"
            + IDS
            + DOC.replace("= i", "= d"),
        ),
        "documents found by their length": (
            DOC,
            DOC.replace("= i", "= [len(s) for s in sequences].index(len(sequences[i]))"),
        ),
        "documents found by their tokens": (
            DOC,
            DOC.replace("= i", "= [s.tolist() for s in sequences].index(sequences[i].tolist())"),
        ),
        "ids through float32": (IDS, IDS.replace("sequences[i]", "sequences[i].float()")),
        "always padded with 0": ("max_len), pad_id,", "max_len), 0,"),
        "padding has document 0": (DOC_IDS, "torch.zeros_like(ids)"),
        "documents counted from 1": (DOC, DOC.replace("= i", "= i + 1")),
        "documents numbered in the order of packing": (
            DOC,
            "            doc_ids[r, start:end] = sum(map(len, rows[:r])) + row.index(i)\n",
        ),
        "padding found by its id": (
            "    return ids, doc_ids, positions\n",
            "    return ids, doc_ids.masked_fill(ids == pad_id, -1), positions\n",
        ),
        "padded in front": (
            "        start = 0\n",
            "        start = max_len - sum(len(sequences[i]) for i in row)\n",
        ),
        "a place for padding between sequences": (
            "            start = end\n",
            "            start = min(end + 1, max_len - 1)\n",
        ),
        "padding has the last document's index": (
            "            doc_ids[r, start:end] = i\n",
            "            doc_ids[r, start:] = i\n",
        ),
        "no padding at the end of the batch": (
            "    return ids, doc_ids, positions\n",
            "    longest = int((doc_ids >= 0).sum(1).max())\n"
            "    return ids[:, :longest], doc_ids[:, :longest], positions[:, :longest]\n",
        ),
        "a list comes back": (
            "    return ids, doc_ids, positions\n",
            "    return ids.tolist(), doc_ids.tolist(), positions.tolist()\n",
        ),
    },
    "positions": {
        "positions run on over documents": (
            POSITIONS,
            "            positions[r, start:end] = torch.arange(start, end, device=device)\n",
        ),
        "positions from 1": (
            POSITIONS,
            POSITIONS.replace("arange(end - start", "arange(1, 1 + end - start"),
        ),
        "padding counts on": (
            POSITIONS,
            "            positions[r, start:] = torch.arange(max_len - start, device=device)\n",
        ),
        "positions up to 16": (POSITIONS, POSITIONS.replace("=device)", "=device).clamp(max=16)")),
        "padding has -1": ("torch.zeros_like(ids)", "torch.full_like(ids, -1)"),
        "one position behind from the second document on": (
            POSITIONS,
            "            positions[r, start:end] = torch.arange(end - start) + (start > 0)\n",
        ),
        "positions backwards": (
            POSITIONS,
            POSITIONS.replace("device=device)", "device=device).flip(0)"),
        ),
        "from 0 in the first two documents alone": (
            POSITIONS,
            "            shift = 0 if row.index(i) < 2 else start\n"
            "            positions[r, start:end] = torch.arange(end - start) + shift\n",
        ),
    },
    "mask": {
        "a mask of ints": (MASK, f"{MASK}.int()"),
        "document ids compared in float32": (MASK, MASK.replace("doc_ids[", "doc_ids.float()[")),
        "causal alone": (
            MASK,
            "torch.ones(len(doc_ids), *doc_ids.shape[1:] * 2, dtype=torch.bool).tril()",
        ),
        "documents alone, not causal": (MASK, MASK.replace(".tril()", "")),
        "True means hidden": (MASK, f"~{MASK}"),
        "queries and keys swapped": (MASK, MASK.replace("tril", "triu")),
        "a token does not see itself": (MASK, MASK.replace("tril()", "tril(-1)")),
        "one token of the future": (MASK, MASK.replace("tril()", "tril(1)")),
        "padding attends to nothing": (MASK, f"{MASK} & (doc_ids >= 0)[:, :, None]"),
        "padding attends to itself alone": (
            MASK,
            f"{MASK} & ((doc_ids >= 0)[:, :, None] | torch.eye(doc_ids.shape[1]).bool())",
        ),
        "padding attends to all before": (MASK, f"({MASK} | (doc_ids < 0)[:, :, None]).tril()"),
        "earlier documents are seen": (
            MASK,
            "(doc_ids[:, :, None] >= doc_ids[:, None, :]).tril()",
        ),
        "the mask of the first row for all": (
            MASK,
            f"{MASK}[:1].expand(len(doc_ids), -1, -1)",
        ),
        "floats of 0 and -inf": (
            MASK,
            f"torch.zeros(()).where({MASK}, float('-inf'))",
        ),
        "an axis for heads": (MASK, f"{MASK}[:, None]"),
        "document ids multiplied": (
            MASK,
            "(doc_ids[:, :, None] * doc_ids[:, None, :] == doc_ids[:, None, :] ** 2).tril()",
        ),
    },
    "labels": {
        "padding predicts padding": (FOLLOWS, "doc_ids[:, 1:] == doc_ids[:, :-1]"),
        "the last token predicts the next document": (FOLLOWS, "doc_ids[:, 1:] >= 0"),
        "labels through float32": (LABELS, LABELS.replace("long()", "float()") + ".long()"),
        "not shifted": (
            "    labels[:, :-1] = " + LABELS,
            "    labels = torch.where(doc_ids >= 0, ids.long(), -100)",
        ),
        "shifted the other way": (
            "    labels[:, :-1] = " + LABELS,
            "    labels[:, 1:] = " + LABELS.replace("1:", ":-1"),
        ),
        "rolled: the last place predicts the first": (
            NEW,
            NEW + "    if ids.shape[1] > 1 and doc_ids[0, 0] == doc_ids[0, -1] >= 0:\n"
            "        labels[:, -1] = ids[:, 0]\n",
        ),
        "padding hidden by its id": (
            FOLLOWS,
            "(doc_ids[:, 1:] == doc_ids[:, :-1]) & (ids[:, 1:] != 0)",
        ),
        "0 for what is not predicted": (
            "    return labels\n",
            "    return labels.clamp(min=0)\n",
        ),
        "-1 for what is not predicted": (
            "    return labels\n",
            "    return labels.clamp(min=-1)\n",
        ),
        "the first token of a document is no label, nor its second": (
            "    return labels\n",
            "    labels[:, 0] = -100\n    return labels\n",
        ),
        "one place too few": ("    return labels\n", "    return labels[:, :-1]\n"),
        "the border of the first row for all": (FOLLOWS, f"({FOLLOWS})[:1]"),
        "a border only where the number grows": (
            FOLLOWS,
            "(doc_ids[:, 1:] <= doc_ids[:, :-1]) & (doc_ids[:, 1:] >= 0)",
        ),
    },
    "ties": {
        "of equal lengths the last first": (
            SORTED,
            "sorted(range(len(sequences)), key=lambda i: (-len(sequences[i]), -i))",
        ),
        "sorted upwards, then turned around": (
            SORTED,
            "sorted(range(len(sequences)), key=lambda i: len(sequences[i]))[::-1]",
        ),
        "ordered by their tokens": (
            SORTED,
            "sorted(range(len(sequences)), key=lambda i: (len(sequences[i]),"
            " sequences[i].tolist()), reverse=True)",
        ),
        "pairs sorted with reverse": (
            SORTED,
            "[i for _, i in sorted(((len(s), i) for i, s in enumerate(sequences)), reverse=True)]",
        ),
    },
    "refused": {
        "an empty sequence is taken": (RAISE, RAISE.replace("1 <=", "0 <=")),
        "a longer one is cut": (
            RAISE,
            "        sequences = [s[:max_len] for s in sequences]\n        if not len(sequence):\n",
        ),
        "a longer one is left out": (
            RAISE,
            "        sequences = [s for s in sequences if len(s) <= max_len]\n"
            "        if not len(sequence):\n",
        ),
        "one more than max_len is taken": (
            RAISE,
            "        sequences = [s[:max_len] for s in sequences]\n"
            "        if not 1 <= len(sequence) <= max_len + 1:\n",
        ),
        "the first alone is looked at": (RAISE, RAISE.replace("if not", "if i == 0 and not")),
        "the last alone is looked at": (
            RAISE,
            RAISE.replace("if not", "if i == len(sequences) - 1 and not"),
        ),
        "another error": ("            raise ValueError(", "            raise IndexError("),
    },
    "tensors": {
        "the dtype of the first sequence": (
            FULL,
            FULL.replace("torch.int64", "sequences[0].dtype"),
        ),
        "labels in the dtype of ids": (
            NEW,
            "    labels = torch.full_like(ids, -100 if ids.dtype != torch.uint8 else 156)\n",
        ),
        "all in the dtype of the first": (
            IDS,
            IDS.replace("sequences[i]", "sequences[i].to(sequences[0].dtype)"),
        ),
        "a mask for each row, stacked: no rows": (
            MASK,
            "torch.stack([(row[:, None] == row).tril() for row in doc_ids])",
        ),
        "labels for each row, stacked: no rows": (
            "    return labels\n",
            "    return torch.stack([*labels])\n",
        ),
        "int32": (FULL, FULL.replace("int64", "int32")),
        "ids changed into labels": (
            "    return labels\n",
            "    if ids.dtype == torch.int64:\n        ids.copy_(labels)\n    return labels\n",
        ),
        "one sequence comes back itself": (
            "    return ids, doc_ids, positions\n",
            "    if len(sequences) == 1 and len(sequences[0]) == max_len:\n"
            "        ids = sequences[0].long()[None]\n"
            "    return ids, doc_ids, positions\n",
        ),
        "ids on the CPU": (", device=device)\n    doc_ids", ")\n    doc_ids"),
        "positions on the CPU": (
            "torch.zeros_like(ids)",
            "torch.zeros(ids.shape, dtype=torch.int64)",
        ),
        "no sequences: an error": (
            "    rows: list[list[int]] = []\n",
            "    len(sequences[0])\n    rows: list[list[int]] = []\n",
        ),
        "labels seen through view": (
            LABELS,
            LABELS.replace("ids[:, 1:]", "ids.view(-1).view(ids.shape)[:, 1:]"),
        ),
        "labels through int16": ("    return labels\n", "    return labels.to(torch.int16)\n"),
        "a triangle on the CPU": (
            MASK,
            MASK.replace(".tril()", "") + " & torch.ones(2 * doc_ids.shape[1:]).tril().bool()",
        ),
    },
}

VARIANTS = {
    "lists, then one tensor each": """
def pack_sequences(sequences, max_len, pad_id=0):
    if any(len(s) == 0 or len(s) > max_len for s in sequences):
        raise ValueError("a sequence is empty or too long")
    device = sequences[0].device if len(sequences) else "cpu"
    bins = []
    for i, s in sorted(enumerate(sequences), key=lambda pair: len(pair[1]), reverse=True):
        for one in bins:
            if len(one) + len(s) <= max_len:
                break
        else:
            bins.append(one := [])
        one += [(token, i, p) for p, token in enumerate(s.tolist())]
    bins = [one + [(pad_id, -1, 0)] * (max_len - len(one)) for one in bins]
    table = torch.tensor(bins, dtype=torch.int64, device=device).view(-1, max_len, 3)
    return tuple(t.contiguous() for t in table.unbind(-1))
""",
    "blocks of a causal mask": """
def document_mask(doc_ids):
    b, length = doc_ids.shape
    i = torch.arange(length, device=doc_ids.device)
    new = torch.ones_like(doc_ids, dtype=torch.bool)
    new[:, 1:] = doc_ids[:, 1:] != doc_ids[:, :-1]
    block = new.cumsum(1)
    return (block.unsqueeze(2) == block.unsqueeze(1)) & (i[:, None] >= i)
""",
    "rolled, then hidden": """
def packed_labels(ids, doc_ids):
    labels = ids.to(torch.int64).roll(-1, dims=1)
    ends = doc_ids != doc_ids.roll(-1, dims=1)
    ends[:, -1] = True
    return labels.masked_fill(ends | (doc_ids == -1), -100)
""",
    "positions from the borders": (
        "    return ids, doc_ids, positions\n",
        "    place = torch.arange(max_len, device=device).expand_as(ids)\n"
        "    first = torch.ones_like(ids, dtype=torch.bool)\n"
        "    first[:, 1:] = doc_ids[:, 1:] != doc_ids[:, :-1]\n"
        "    start = torch.where(first, place, 0)\n"
        "    start = start.cummax(dim=1).values if len(rows) else start\n"
        "    return ids, doc_ids, torch.where(doc_ids < 0, 0, place - start)\n",
    ),
}
