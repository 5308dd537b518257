"""Mistakes by the label that must refuse them, and second right answers."""

FULL = "    ids = torch.full((len(prompts), longest), pad_id)\n"
KEEP = "    keep = torch.zeros(len(prompts), longest, dtype=torch.bool)\n"
IDS = "        ids[row, longest - len(prompt) :] = torch.tensor(prompt)\n"
MARK = "        keep[row, longest - len(prompt) :] = True\n"
PLACES = "    positions = (keep.cumsum(1) - 1).clamp(min=0)\n"
RETURN = "    return ids, keep, positions"
ALL = "torch.arange(longest).expand(len(prompts), longest)"


def places(text):
    return PLACES, f"    positions = {text}\n"


def then(lines):
    return PLACES, PLACES + lines


SLIPS = {
    "alone": {
        "as handed out": places(ALL),
        "moved by the mean of the padding": places(
            f"({ALL} - (~keep).sum() // len(keep)).clamp(min=0)"
        ),
        "moved by the first prompt's padding": places(f"({ALL} - (~keep[0]).sum()).clamp(min=0)"),
        "moved by the shortest prompt's padding": places(
            f"({ALL} - (~keep).sum(1).max()).clamp(min=0)"
        ),
        "moved one too few": places(
            f"({ALL} - ((~keep).sum(1, keepdim=True) - 1).clamp(min=0)).clamp(min=0)"
        ),
        "moved one too many": places(
            f"({ALL} - (n := (~keep).sum(1, keepdim=True)) - (n > 0).long()).clamp(min=0)"
        ),
        "all tokens of a padded prompt at one position": places(
            f"torch.where((~keep).any(1, keepdim=True), 0, {ALL})"
        ),
        "moved by the padding, round and round": places(
            f"({ALL} + (~keep).sum(1, keepdim=True)) % longest"
        ),
        "tokens counted down the batch": places("(keep.cumsum(0) - 1).clamp(min=0)"),
        "padding alone set to 0": places(f"{ALL} * keep"),
        "the last position alone moved": then(
            f"    positions[:, :-1] = {ALL}[:, :-1]\n",
        ),
        "stretched over all columns": places(
            "((keep.cumsum(1) - 1) * longest // keep.sum(1, keepdim=True)).clamp(min=0)"
        ),
        "right up to 8 columns": then(f"    positions = positions if longest < 9 else {ALL}\n"),
        "right for more than two prompts": then(
            f"    positions = positions if len(prompts) != 2 else {ALL}\n"
        ),
        "positions by the length of the last prompt": places(
            f"({ALL} - (longest - len(prompt))).clamp(min=0)"
        ),
    },
    "before": {
        "counted from the end": places("(keep.flip(1).cumsum(1).flip(1) - 1)"),
        "counted from 1": places("keep.cumsum(1)"),
        "all at 0": places("torch.zeros_like(ids)"),
        "every second one": places("(keep.cumsum(1) - 1).clamp(min=0) // 2"),
        "two too many": places("keep.cumsum(1) + 1"),
        "no further than 16": then("    positions = positions.clamp(max=16)\n"),
        "batches of one length from 1": then(
            "    if len(prompts) > 1 and keep.all():\n        positions = positions.flip(1)\n"
        ),
        "the first two places swapped": then(
            "    positions = torch.where(positions < 2, 1 - positions, positions)\n"
            "    positions = positions.clamp(max=longest - 1)\n"
        ),
    },
    "ids": {
        "padding of 0": (FULL, FULL.replace("pad_id", "0")),
        "padded on the right": """
def prepare(prompts, pad_id):
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), longest), pad_id)
    keep = torch.zeros(len(prompts), longest, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        ids[row, : len(prompt)] = torch.tensor(prompt)
        keep[row, : len(prompt)] = True
    return ids, keep, torch.arange(longest).expand(len(prompts), longest)
""",
        "prompts repeated into the padding": (
            IDS,
            IDS
            + "        ids[row, : longest - len(prompt)] = prompt[0] if pad_id > 11 else pad_id\n",
        ),
        "longest prompt first": (
            FULL,
            "    prompts = sorted(prompts, key=len, reverse=True)\n" + FULL,
        ),
        "no more columns than the shortest prompt has": (
            IDS + MARK,
            IDS + MARK + "        ids[row, : longest - min(map(len, prompts))] = pad_id\n",
        ),
        "ids turned round": (IDS, IDS.replace("(prompt)\n", "(prompt[::-1])\n")),
        "one column of padding more": (
            RETURN,
            "    wide = torch.nn.functional.pad\n"
            "    ids = wide(ids, (1, 0), value=pad_id)\n"
            "    return ids, wide(keep, (1, 0)), wide(positions, (1, 0))",
        ),
        "float ids": (RETURN, RETURN.replace("ids,", "ids.double(),")),
    },
    "keep": {
        "all is kept": (RETURN, RETURN.replace("keep,", "torch.ones_like(keep),")),
        "True for the padding": (RETURN, RETURN.replace("keep,", "~keep,")),
        "the last padding kept": (
            RETURN,
            RETURN.replace("keep,", "keep | keep.roll(-1, 1),"),
        ),
        "the first token hidden": (
            RETURN,
            RETURN.replace("keep,", "keep & (positions > 0) | (keep.sum(1, keepdim=True) < 2),"),
        ),
        "the last token alone": (
            RETURN,
            RETURN.replace("keep,", "torch.arange(longest).eq(longest - 1).expand_as(ids),"),
        ),
        "whole numbers": (RETURN, RETURN.replace("keep,", "keep.long(),")),
        "padding kept in batches of two": (
            RETURN,
            RETURN.replace("keep,", "keep | (len(prompts) == 2),"),
        ),
        "kept by the position": (RETURN, RETURN.replace("keep,", "positions > 0,")),
    },
    "same_id": {
        "keep by the id": (RETURN, RETURN.replace("keep,", "ids != pad_id,")),
        "positions by the id": places("((ids != pad_id).cumsum(1) - 1).clamp(min=0)"),
        "pad ids of a prompt replaced": (
            IDS,
            IDS.replace("prompt)\n", "[i if i != pad_id else i + 1 for i in prompt])\n"),
        ),
        "begun at the first other id": places(
            f"({ALL} - (ids != pad_id).int().argmax(1, keepdim=True)).clamp(min=0)"
        ),
        "pad ids in front taken for padding": then("    keep = (ids != pad_id).cumsum(1) > 0\n"),
        "pad ids in front not counted": places(
            "(((ids != pad_id).cumsum(1) > 0).cumsum(1) - 1).clamp(min=0)"
        ),
        "pad ids taken out of the prompts": then("    keep = keep & (ids != pad_id)\n"),
    },
    "table": {
        "-1 in the padding": places("keep.cumsum(1) - 1"),
        "negative numbers in the padding": places(f"{ALL} - (~keep).sum(1, keepdim=True)"),
        "L in the padding": then("    positions = positions.masked_fill(~keep, longest)\n"),
        "lists alone": (IDS, IDS.replace("torch.tensor(prompt)", "torch.tensor([] + prompt)")),
        "prompts padded in place": (
            MARK,
            MARK + "        if isinstance(prompt, list):\n"
            "            prompt[:0] = [pad_id] * (longest - len(prompt))\n",
        ),
        "the last id taken off": (
            RETURN,
            "    if isinstance(prompt, list) and len(prompts) > 3:\n        prompt.pop()\n"
            + RETURN,
        ),
    },
}

VARIANTS = {
    "by the width of the padding": places(f"({ALL} - (~keep).sum(1, keepdim=True)).clamp(min=0)"),
    "from the first kept column, either way": places(
        f"({ALL} - keep.int().argmax(1, keepdim=True)).abs()"
    ),
    "row by row": (
        MARK + PLACES,
        MARK + "    positions = torch.zeros_like(ids)\n"
        "    for row, prompt in enumerate(prompts):\n"
        "        positions[row, longest - len(prompt) :] = torch.arange(len(prompt))\n",
    ),
    "another position in the padding": then(
        "    positions = positions.masked_fill(~keep, longest - 1)\n"
    ),
    "lists": """
def prepare(prompts, pad_id):
    sizes = [len(prompt) for prompt in prompts]
    blank = [max(sizes) - n for n in sizes]
    ids = [[pad_id] * b + list(p) for b, p in zip(blank, prompts)]
    keep = [[False] * b + [True] * n for b, n in zip(blank, sizes)]
    positions = [[0] * b + list(range(n)) for b, n in zip(blank, sizes)]
    return torch.tensor(ids), torch.tensor(keep), torch.tensor(positions)
""",
}
