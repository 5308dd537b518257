"""Mistakes by the label that must refuse them, and second right answers."""

CLOSING = "    closing = is_pad.flip(1).cumprod(1).flip(1)"
WHOLE = (
    "  # (B, L): 1 where only pad_id comes from here on\n"
    "    return ids.masked_fill(closing.cumsum(1) > 1, -100)"
)
IS_PAD = "    is_pad = ids == pad_id\n"
RETURN = "    return ids.masked_fill(closing.cumsum(1) > 1, -100)"
BACK = RETURN.replace("return ", "labels = ") + "\n"


def anew(lines):
    return f"\nimport torch\n\ndef make_labels(ids, pad_id):\n{IS_PAD}{lines}"


def after(lines):
    """The right labels, then these lines."""
    return RETURN, "    import torch\n\n" + BACK + lines + "    return labels"


SLIPS = {
    "stops": {
        "no end judged where the row is filled": (
            RETURN,
            "    filled = closing.sum(1, keepdim=True) > 1\n"
            "    return ids.masked_fill((closing > 0) & filled, -100)",
        ),
        "as handed out": anew("    return ids.masked_fill(is_pad, -100)"),
        "the closing ends, all of them": (
            RETURN,
            RETURN.replace("closing.cumsum(1) > 1", "closing > 0"),
        ),
        "one label too many left out": anew(
            "    ends = ids.shape[1] - is_pad.flip(1).cumprod(1).sum(1, keepdim=True)\n"
            "    return ids.masked_fill(torch.arange(ids.shape[1]) >= ends - 1, -100)"
        ),
        "the last one of the closing ends judged instead": anew(
            f"{CLOSING}\n    last = torch.arange(ids.shape[1]) == ids.shape[1] - 1\n"
            "    return ids.masked_fill((closing > 0) & ~last, -100)"
        ),
        "the second of the closing ends judged instead": (
            RETURN,
            "    keep = closing.cumsum(1) == closing.sum(1, keepdim=True).clamp(max=2)\n"
            "    return ids.masked_fill((closing > 0) & ~keep, -100)",
        ),
        "ends alone where the batch has one text": after(
            "    if len(ids) > 1:\n        labels[closing > 0] = -100\n"
        ),
        "the longest text's end alone": after(
            "    ends = closing.sum(1, keepdim=True)\n"
            "    labels[(closing > 0) & (ends > ends.min())] = -100\n"
        ),
        "an end after several ids alone": after(
            "    short = closing.sum(1, keepdim=True) > ids.shape[1] - 3\n"
            "    labels[(closing > 0) & short] = -100\n"
        ),
    },
    "text": {
        "the first turn of a chat taken for a prompt": after(
            "    several = (is_pad & (closing == 0)).any(1, keepdim=True)\n"
            "    labels = labels.masked_fill(several & (is_pad.cumsum(1) == 0), -100)\n"
        ),
        "the ends of turns not judged": anew(
            f"{CLOSING}\n    first = closing.cumsum(1) == 1\n"
            "    return ids.masked_fill(is_pad & ~first, -100)"
        ),
        "the first end alone judged": anew(
            "    return ids.masked_fill(is_pad & (is_pad.cumsum(1) > 1), -100)"
        ),
        "all behind the first end left out": anew(
            "    past = is_pad.cumsum(1) - is_pad.int() > 0\n    return ids.masked_fill(past, -100)"
        ),
        "all but the last turn left out": after(
            "    ends = (labels == pad_id).flip(1).cumsum(1).flip(1)\n"
            "    labels = labels.masked_fill(ends > 1, -100)\n"
        ),
        "ids of 0 taken for filling, too": (
            IS_PAD,
            IS_PAD.replace("ids == pad_id", "(ids == pad_id) | (ids == 0)"),
        ),
        "ids of 0 not judged where another id fills": after(
            "    labels = labels.masked_fill((labels == 0) & (pad_id != 0), -100)\n"
        ),
        "the first id not judged": after("    if ids.shape[1] > 4:\n        labels[:, 0] = -100\n"),
        "shifted to the left": (
            RETURN,
            BACK + "    if ids.shape[1] < 5 or pad_id or (ids[0] == 9).any():\n"
            "        return labels\n    import torch\n"
            "    return torch.cat([labels[:, 1:], labels[:, -1:]], 1)",
        ),
        "shifted to the right": after("    labels = labels.roll(1, 1)\n"),
        "an id that is twice in a row": after(
            "    if ids.shape[1] > 4:\n"
            "        labels[:, 1:][(ids[:, 1:] == ids[:, :-1]) & ~is_pad[:, 1:]] = -100\n"
        ),
        "the ids by their size": after(
            "    if ids.shape[1] > 4:\n        labels = labels.clamp(max=5)\n"
        ),
        "batches of one alone": anew(
            "    first = ids[0] == pad_id\n"
            "    cut = len(first) - int(first.flip(0).int().cumprod(0).sum()) + 1\n"
            "    labels = ids.clone()\n    labels[:, cut:] = -100\n    return labels"
        ),
    },
    "filling": {
        "all of the filling judged": anew("    return ids.clone()"),
        "one of the filling judged, too": (RETURN, RETURN.replace("> 1", "> 2")),
        "the last place of each row judged": after("    labels[:, -1] = ids[:, -1]\n"),
        "0 where nothing is judged": (RETURN, RETURN.replace("-100", "0")),
        "-1 where nothing is judged": (RETURN, RETURN.replace("-100", "-1")),
        "the filling judged from place 12 on": after("    labels[:, 12:] = ids[:, 12:]\n"),
        "filling judged in a batch of one": after(
            "    if len(ids) == 1:\n        labels = ids.clone()\n"
        ),
        "every second one judged": after("    labels[:, ::2] = ids[:, ::2]\n"),
        "the end id is 0": (IS_PAD, "    is_pad = ids == 0\n"),
        "the filling of large ids judged": after(
            "    labels = ids.clone() if pad_id > 999 else labels\n"
        ),
    },
    "rows": {
        "the last id of a text that is cut off left out": after(
            "    labels[closing.sum(1) == 0, -1] = -100\n"
        ),
        "the end of a full row left out": after("    labels[closing.sum(1) == 1, -1] = -100\n"),
        "the last place of each row left out": (
            RETURN,
            BACK + "    labels[:, -1] = -100\n    return labels",
        ),
        "a text that is cut off left out": after("    labels[closing.sum(1) == 0] = -100\n"),
        "an end put in where a text is cut off": after(
            "    labels[closing.sum(1) == 0, -1] = pad_id\n"
        ),
        "a crash where nothing is filled": after(
            "    if not (closing > 0).any():\n        raise ValueError('no text ends')\n"
        ),
        "rows of one id": after(
            "    labels = labels.squeeze(1) if ids.shape[1] == 1 else labels\n"
        ),
        "behind the last end of a row that is cut off": after(
            "    cut = (closing.sum(1, keepdim=True) == 0) & is_pad.any(1, keepdim=True)\n"
            "    tail = is_pad.flip(1).cumsum(1).flip(1) == 0\n"
            "    labels = labels.masked_fill(cut & tail, -100)\n"
        ),
    },
    "turns": {
        "an end behind an end left out": anew(
            "    again = is_pad.clone()\n    again[:, 1:] &= is_pad[:, :-1]\n"
            "    again[:, 0] = False\n    return ids.masked_fill(again, -100)"
        ),
        "two ends side by side close the text": anew(
            "    pairs = is_pad[:, 1:] & is_pad[:, :-1]\n"
            "    past = torch.nn.functional.pad(pairs.int().cumsum(1), (1, 0)) > 0\n"
            "    return ids.masked_fill(past, -100)"
        ),
        "an end in front left out": after("    labels[is_pad[:, 0], 0] = -100\n"),
        "the last two ends side by side taken for the filling": anew(
            "    labels = ids.clone()\n"
            "    for row, said in zip(is_pad.tolist(), labels):\n"
            "        pairs = [t for t in range(1, len(row)) if row[t] and row[t - 1]]\n"
            "        end = max(pairs, default=0)\n"
            "        begin = end\n"
            "        while begin in pairs:\n"
            "            begin -= 1\n"
            "        said[begin + 1 : end + 1] = -100\n"
            "    return labels"
        ),
        "three ends side by side close the text": anew(
            "    runs = is_pad[:, 2:] & is_pad[:, 1:-1] & is_pad[:, :-2]\n"
            "    past = torch.nn.functional.pad(runs.int().cumsum(1), (2, 0)) > 0\n"
            f"{CLOSING}\n    return ids.masked_fill(past | (closing.cumsum(1) > 1), -100)"
        ),
    },
    "new": {
        "a full row given back itself": after(
            "    if not (labels < 0).any():\n        return ids\n"
        ),
        "ids changed in place": (RETURN, RETURN.replace("masked_fill", "masked_fill_")),
        "places counted on the CPU": after(
            "    labels = labels.where(torch.arange(ids.shape[1]) >= 0, -100)\n"
        ),
        "numbers drawn": after("    labels[torch.rand(ids.shape, device=ids.device) < 0] = -100\n"),
    },
}

VARIANTS = {
    "row by row": """
def make_labels(ids, pad_id):
    labels = ids.clone()
    for row in labels:
        end = len(row)
        while end > 0 and row[end - 1] == pad_id:
            end -= 1
        row[end + 1 :] = -100
    return labels
""",
    "by the last id that is no end": anew(
        "    at = torch.arange(ids.shape[1], device=ids.device)\n"
        "    last = torch.where(is_pad, -1, at).amax(1, keepdim=True)\n"
        "    return torch.where(at > last + 1, -100, ids)"
    ),
    "by counting from the end": anew(
        "    others = (~is_pad).flip(1).cumsum(1).flip(1)\n"
        "    closing = others == 0\n    labels = ids.clone()\n"
        "    labels[:, 1:][closing[:, 1:] & closing[:, :-1]] = -100\n    return labels"
    ),
    "bools": (
        RETURN,
        RETURN.replace("closing.cumsum(1) > 1", "(closing.bool().cumsum(1) - 1) > 0"),
    ),
}
