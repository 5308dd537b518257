"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

OUTPUTS = """
def last_states(gru, x, lengths):
    out, h = gru(x)
    H = gru.hidden_size
    rows = torch.arange(len(x))
    return RETURN
"""
PACKED = """
from torch.nn.utils.rnn import pad_packed_sequence

def last_states(gru, x, lengths):
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    out, n = pad_packed_sequence(gru(packed)[0], batch_first=True)
    H, rows = gru.hidden_size, torch.arange(len(x))
    return torch.cat([FORWARD, BACKWARD], dim=1)
"""
SORTED = """
def last_states(gru, x, lengths):
    lengths, places = lengths.cpu().sort(descending=True)
    packed = pack_padded_sequence(x[places.to(x.device)], lengths, batch_first=True)
    h = gru(packed)[1]
    h = torch.cat([h[-2], h[-1]], dim=1)
    RETURN
"""

SLIPS = {
    "padding": {
        "pad value ignored": (", padding_value=pad_value", ""),
        "padded in front": (
            "padding_value=pad_value)",
            'padding_value=pad_value, padding_side="left")',
        ),
        "time before batch": ("batch_first=True, padding", "padding"),
        "cut to the shortest": (
            "list(sequences), batch",
            "[s[: min(map(len, sequences))] for s in sequences], batch",
        ),
        "one step too long": (
            "    return x, torch.tensor([len",
            "    x = torch.cat([x, torch.full_like(x[:, :1], pad_value)], dim=1)\n"
            "    return x, torch.tensor([len",
        ),
        "floats whatever came": ("    return x, torch", "    return x.float(), torch"),
        "token numbers, always": ("    return x, torch", "    return x.long(), torch"),
        "padded to a fixed length": (
            "    return x, torch",
            "    pads = torch.full_like(x[:, :1], pad_value)\n"
            "    x = torch.cat([x, pads], dim=1) if x.shape[1] < 4 else x\n"
            "    return x, torch",
        ),
        "last step repeated": """
def pad_collate(batch, pad_value=0):
    n = max(len(s) for s, _ in batch)
    x = torch.stack([s[torch.arange(n).clamp(max=len(s) - 1)] for s, _ in batch])
    return x, torch.tensor([len(s) for s, _ in batch]), torch.tensor([y for _, y in batch])
""",
        "0 times minus infinity": (
            "    return x, torch",
            "    inside = pad_sequence([torch.ones_like(s) for s in sequences], batch_first=True)\n"
            "    x = x.where(inside > 0, 0) + ((1 - inside) * pad_value).to(x)\n"
            "    return x, torch",
        ),
        "numbers through float32": (
            "    return x, torch",
            "    x = x if x.is_floating_point() else x.float().to(x.dtype)\n    return x, torch",
        ),
        "sequences sorted by length": (
            "    sequences, labels = zip(*batch, strict=True)",
            "    batch = sorted(batch, key=lambda pair: -len(pair[0]))\n"
            "    sequences, labels = zip(*batch, strict=True)",
        ),
        "another default": ("pad_value: float = 0", "pad_value: float = -1"),
        "empty sequences left out": (
            "pad_sequence(list(sequences), batch",
            "pad_sequence([s for s in sequences if len(s)], batch",
        ),
        "features padded, too": (
            "    return x, torch",
            "    x = nn.functional.pad(x, (0, 1)) if x.ndim > 2 else x\n    return x, torch",
        ),
        "a list of tensors": ("    return x, torch", "    return list(x), torch"),
    },
    "lengths": {
        "lengths as floats": (
            "torch.tensor([len(s) for s in sequences])",
            "torch.tensor([float(len(s)) for s in sequences])",
        ),
        "real numbers equal to the pad value not counted": (
            "torch.tensor([len(s) for s in sequences])",
            "(x != pad_value).reshape(*x.shape[:2], -1).any(dim=2).sum(dim=1)",
        ),
        "counted up to the first pad value": (
            "torch.tensor([len(s) for s in sequences])",
            "(x != pad_value).reshape(*x.shape[:2], -1).any(dim=2).cumprod(dim=1).sum(dim=1)",
        ),
        "lengths in the dtype of the sequences": (
            "torch.tensor([len(s) for s in sequences])",
            "sequences[0].new_tensor([len(s) for s in sequences])",
        ),
        "labels in the dtype of the sequences": (
            "torch.tensor(labels)",
            "sequences[0].new_tensor(labels)",
        ),
        "numbers counted, not steps": ("[len(s) for s in", "[s.numel() for s in"),
        "the size of the last axis": ("[len(s) for s in", "[s.shape[-1] for s in"),
        "the padded length": ("[len(s) for s in sequences]", "[x.shape[1] for s in sequences]"),
        "an empty sequence has length 1": (
            "[len(s) for s in sequences]",
            "[max(1, len(s)) for s in sequences]",
        ),
        "place of the last step": (
            "[len(s) for s in sequences]",
            "[len(s) - 1 for s in sequences]",
        ),
        "lengths as int32": (
            "[len(s) for s in sequences])",
            "[len(s) for s in sequences], dtype=torch.int32)",
        ),
        "labels as floats": ("torch.tensor(labels)", "torch.tensor(labels).float()"),
        "labels as a column": ("torch.tensor(labels)", "torch.tensor(labels)[:, None]"),
        "labels sorted": ("torch.tensor(labels)", "torch.tensor(sorted(labels))"),
        "lengths sorted, rows not": (
            "[len(s) for s in sequences]",
            "sorted([len(s) for s in sequences], reverse=True)",
        ),
        "lengths and labels swapped": (
            "torch.tensor([len(s) for s in sequences]), torch.tensor(labels)",
            "torch.tensor(labels), torch.tensor([len(s) for s in sequences])",
        ),
        "a list of lengths": (
            "torch.tensor([len(s) for s in sequences])",
            "[len(s) for s in sequences]",
        ),
    },
    "mask": {
        "True = padding": ("< lengths[:, None]", ">= lengths[:, None]"),
        "one step too many": ("< lengths[:, None]", "<= lengths[:, None]"),
        "axes swapped": (
            "torch.arange(max_len, device=lengths.device) < lengths[:, None]",
            "torch.arange(max_len, device=lengths.device)[:, None] < lengths",
        ),
        "floats for bools": (
            "torch.arange(max_len, device=lengths.device) < lengths[:, None]",
            "(torch.arange(max_len, device=lengths.device) < lengths[:, None]).float()",
        ),
        "max_len ignored": ("    if max_len is None:\n", "    if True:\n"),
        "number of rows for the length": ("int(lengths.max())", "len(lengths)"),
        "never shorter than the longest": (
            "    if max_len is None:\n        max_len = int(lengths.max())",
            "    max_len = max(max_len or 0, int(lengths.max()))",
        ),
        "never longer than the longest": (
            "    if max_len is None:\n        max_len = int(lengths.max())",
            "    longest = int(lengths.max())\n    max_len = min(max_len or longest, longest)",
        ),
        "0 taken for None": ("max_len is None", "not max_len"),
        "steps counted from 1": ("torch.arange(max_len,", "torch.arange(1, max_len + 1,"),
        "padding in front": (
            "torch.arange(max_len, device=lengths.device) < lengths[:, None]",
            "torch.arange(max_len - 1, -1, -1, device=lengths.device) < lengths[:, None]",
        ),
        "only the last real step": (
            "torch.arange(max_len, device=lengths.device) < lengths[:, None]",
            "torch.arange(max_len, device=lengths.device) == lengths[:, None] - 1",
        ),
        "steps in int8": (
            "torch.arange(max_len, device=lengths.device)",
            "torch.ones(max_len, dtype=torch.int8).cumsum(0, dtype=torch.int8).to(lengths) - 1",
        ),
        "an empty sequence has one step": ("< lengths[:, None]", "< lengths.clamp(min=1)[:, None]"),
    },
    "forward": {
        "the state at step 0": PACKED.replace("FORWARD", "out[:, 0, :H]").replace(
            "BACKWARD", "out[:, 0, H:]"
        ),
        "out[:, -1]: a state after the padding": (
            "    return torch.cat([h[-2], h[-1]], dim=1)",
            "    return torch.cat([gru(x)[1][-2], h[-1]], dim=1)",
        ),
        "one step early": PACKED.replace("FORWARD", "out[rows, (n - 2).clamp(min=0), :H]").replace(
            "BACKWARD", "out[:, 0, H:]"
        ),
        "out[:, -1] of a packed run: zeros": PACKED.replace("FORWARD", "out[:, -1, :H]").replace(
            "BACKWARD", "out[:, 0, H:]"
        ),
        "a mean over the steps": PACKED.replace("FORWARD", "out.mean(dim=1)[:, :H]").replace(
            "BACKWARD", "out[:, 0, H:]"
        ),
        "halves swapped": ("[h[-2], h[-1]]", "[h[-1], h[-2]]"),
        "lengths ignored": OUTPUTS.replace("RETURN", "torch.cat([h[-2], h[-1]], dim=1)"),
        "the forward half alone": ("torch.cat([h[-2], h[-1]], dim=1)", "h[-2]"),
        "directions stacked": (
            "torch.cat([h[-2], h[-1]], dim=1)",
            "torch.stack([h[-2], h[-1]], dim=1)",
        ),
        "states viewed, directions mixed": (
            "torch.cat([h[-2], h[-1]], dim=1)",
            "h[-2:].reshape(len(x), -1)",
        ),
        "directions added": ("torch.cat([h[-2], h[-1]], dim=1)", "(h[-2] + h[-1]).repeat(1, 2)"),
    },
    "backward": {
        "both halves at the last real step": PACKED.replace(
            "FORWARD", "out[rows, n - 1, :H]"
        ).replace("BACKWARD", "out[rows, n - 1, H:]"),
        "backward direction begins in the padding": OUTPUTS.replace(
            "RETURN", "torch.cat([out[rows, lengths - 1, :H], out[:, 0, H:]], dim=1)"
        ),
        "not packed where all lengths are equal": (
            "    packed =",
            "    if (lengths == lengths[0]).all():\n"
            "        h = gru(x)[1]\n"
            "        return torch.cat([h[-2], h[-1]], dim=1)\n"
            "    packed =",
        ),
        "not packed where one length alone comes": (
            "    packed =",
            "    if len(x) == 1:\n"
            "        h = gru(x)[1]\n"
            "        return torch.cat([h[-2], h[-1]], dim=1)\n"
            "    packed =",
        ),
        "backward half one step late": PACKED.replace("FORWARD", "out[rows, n - 1, :H]").replace(
            "BACKWARD", "out[rows, (n - 1).clamp(max=1), H:]"
        ),
        "the largest of the steps": PACKED.replace("FORWARD", "out[rows, n - 1, :H]").replace(
            "BACKWARD", "out.amax(dim=1)[:, H:]"
        ),
        "backward direction of the flipped padding": (
            "    return torch.cat([h[-2], h[-1]], dim=1)",
            "    back = gru(x)[1][-1]\n    return torch.cat([h[-2], back], dim=1)",
        ),
        "the forward direction twice": ("[h[-2], h[-1]]", "[h[-2], h[-2]]"),
        "the backward half left out": (
            "h[-1]], dim=1)",
            "h[-1] * 0], dim=1)",
        ),
    },
    "order": {
        "sorted lengths expected": (", enforce_sorted=False", ""),
        "order not restored": SORTED.replace("RETURN", "return h"),
        "order restored by the wrong permutation": SORTED.replace("RETURN", "return h[places]"),
        "lengths sorted, rows not": (
            "lengths.cpu(), batch_first=True, enforce_sorted=False",
            "lengths.cpu().sort(descending=True).values, batch_first=True",
        ),
        "rows sorted by length, then flipped": SORTED.replace("RETURN", "return h.flip(0)"),
    },
    "layers": {
        "states of the first layer": ("[h[-2], h[-1]]", "[h[0], h[1]]"),
        "first and last layer mixed": ("[h[-2], h[-1]]", "[h[0], h[-1]]"),
        "all layers together": (
            "torch.cat([h[-2], h[-1]], dim=1)",
            "h.transpose(0, 1).flatten(1)",
        ),
        "directions before layers": (
            "    return torch.cat([h[-2], h[-1]], dim=1)",
            "    h = h.view(2, -1, *h.shape[1:])[:, -1]\n    return torch.cat([h[0], h[1]], dim=1)",
        ),
        "forward half of the padded run: right for one layer alone": (
            "    return torch.cat([h[-2], h[-1]], dim=1)",
            "    real = lengths_to_mask(lengths.to(x.device), x.shape[1])[..., None]\n"
            "    out, _ = gru(torch.where(real, x, 0))\n"
            "    end = out[torch.arange(len(x)), lengths - 1, : gru.hidden_size]\n"
            "    return torch.cat([end, h[-1]], dim=1)",
        ),
        "mean of the layers": (
            "torch.cat([h[-2], h[-1]], dim=1)",
            "torch.cat([h[0::2].mean(dim=0), h[1::2].mean(dim=0)], dim=1)",
        ),
    },
    "garbage": {
        "padding multiplied by 0": (
            "    return torch.cat([h[-2], h[-1]], dim=1)",
            "    rest = (gru(x)[0].sum(dim=(1, 2)) * 0)[:, None]\n"
            "    return torch.cat([h[-2], h[-1]], dim=1) + rest",
        ),
        "padding subtracted": (
            "    packed =",
            "    x = x - 0 * x.mean(dim=1, keepdim=True)\n    packed =",
        ),
        "the flip by hand, forward half of the padded run": """
def last_states(gru, x, lengths):
    H, rows = gru.hidden_size, torch.arange(len(x), device=x.device)
    out = gru(x)[0][rows, lengths.to(x.device) - 1]
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    return torch.cat([out[:, :H], gru(packed)[1][-1]], dim=1)
""",
    },
    "device": {
        "steps of the mask on the CPU": (
            "torch.arange(max_len, device=lengths.device)",
            "torch.arange(max_len)",
        ),
        "first states on the CPU": (
            "gru(packed)",
            "gru(packed, torch.zeros(2 * gru.num_layers, len(x), gru.hidden_size))",
        ),
        "lengths left on the GPU": ("lengths.cpu(), batch", "lengths, batch"),
        "the mask moved to the CPU": (
            "< lengths[:, None]",
            "< lengths.cpu()[:, None]",
        ),
    },
}

VARIANTS = {
    "each sequence alone": """
def last_states(gru, x, lengths):
    rows = []
    for sequence, n in zip(x, lengths.tolist()):
        _, h = gru(sequence[None, :n])
        rows.append(h[-2:].transpose(0, 1).flatten(1))
    return torch.cat(rows)
""",
    "outputs of the packed run": """
from torch.nn.utils.rnn import pad_packed_sequence

def pad_collate(batch, pad_value=0):
    lengths = torch.as_tensor([sequence.shape[0] for sequence, _ in batch], dtype=torch.long)
    first = batch[0][0]
    x = first.new_full((len(batch), int(lengths.max()), *first.shape[1:]), pad_value)
    for row, (sequence, _) in zip(x, batch):
        row[: len(sequence)].copy_(sequence)
    return x, lengths, torch.LongTensor([label for _, label in batch])

def lengths_to_mask(lengths, max_len=None):
    longest = lengths.max().item() if max_len is None else max_len
    steps = torch.arange(longest, device=lengths.device)
    return steps.unsqueeze(0).expand(len(lengths), -1).lt(lengths.unsqueeze(1))

def last_states(gru, x, lengths):
    H = gru.hidden_size
    packed = pack_padded_sequence(x, lengths.tolist(), batch_first=True, enforce_sorted=False)
    out, n = pad_packed_sequence(gru(packed)[0], batch_first=True)
    at = (n - 1).to(x.device)[:, None, None].expand(-1, 1, out.shape[2])
    end = out.gather(1, at).squeeze(1)
    return torch.cat((end[:, :H], out[:, 0, H:]), dim=-1)
""",
    "sorted and back": SORTED.replace("RETURN", "return h[places.argsort().to(h.device)]"),
    "one number after another": """
def pad_collate(batch, pad_value=0):
    sequences = [s for s, _ in batch]
    n = max(s.size(0) for s in sequences)
    rows = []
    for s in sequences:
        pads = torch.full((n - s.size(0), *s.shape[1:]), pad_value, dtype=s.dtype)
        rows.append(torch.cat([s, pads]))
    labels = torch.stack([torch.tensor(int(y)) for _, y in batch])
    return torch.stack(rows), torch.tensor(list(map(len, sequences))), labels

def lengths_to_mask(lengths, max_len=None):
    n = max(lengths.tolist()) if max_len is None else max_len
    ones = torch.ones(len(lengths), n, dtype=torch.long, device=lengths.device)
    return ones.cumsum(dim=1) <= lengths.view(-1, 1)

def last_states(gru, x, lengths):
    pieces = [row[:n] for row, n in zip(x, lengths.tolist())]
    _, h = gru(nn.utils.rnn.pack_sequence(pieces, enforce_sorted=False))
    h = h.view(gru.num_layers, 2, len(x), gru.hidden_size)[-1]
    return torch.hstack([h[0], h[1]])
""",
}
