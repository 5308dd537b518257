"""Mistakes by the label that must refuse them, and second right answers."""

COUNT = (
    "    count = torch.cat([labels.flatten() for _, labels in micro_batches])"
    ".ne(-100).sum().item()\n"
)
MEAN = "        loss = nn.functional.cross_entropy(logits, labels.flatten())"
LOSS = MEAN[:-1] + ', reduction="sum") / count\n'
BACK = "        loss.backward()\n"
ADD = "        total += loss.item()\n"
MINE = "(labels != -100).sum()"


def weighed(by):
    return LOSS, f"{MEAN} * ({by})\n"


SLIPS = {
    "gradient": {
        "each gradient made as long as the first": (
            BACK,
            BACK + "        nn.utils.clip_grad_norm_(model.parameters(), 0.1)\n",
        ),
        "as handed out": weighed("1 / len(micro_batches)"),
        "means, not divided": weighed("1"),
        "sums divided by the mean number of labels": (
            LOSS,
            LOSS.replace("/ count", "/ (count / len(micro_batches))"),
        ),
        "means divided by the mean number of labels": weighed("len(micro_batches) / count"),
        "sums, not divided": (LOSS, LOSS.replace(" / count", "")),
        "sums divided by the number of micro-batches": (
            LOSS,
            LOSS.replace("/ count", "/ len(micro_batches)"),
        ),
        "sums divided by their own labels and by the number of micro-batches": (
            LOSS,
            LOSS.replace("/ count", f"/ {MINE} / len(micro_batches)"),
        ),
        "weighed by rows": weighed("len(ids) / sum(len(x) for x, _ in micro_batches)"),
        "weighed by positions, -100 too": weighed(
            "labels.numel() / sum(y.numel() for _, y in micro_batches)"
        ),
        "weighed by the length of rows": weighed(
            "ids.shape[1] / sum(x.shape[1] for x, _ in micro_batches)"
        ),
        "divided by all positions": (
            COUNT,
            "    count = sum(labels.numel() for _, labels in micro_batches)\n",
        ),
        "divided by the labels of the first": (
            COUNT,
            "    count = (micro_batches[0][1] != -100).sum().item() * len(micro_batches)\n",
        ),
        "divided by the longest": (
            COUNT,
            "    count = len(micro_batches) * max("
            "(y != -100).sum().item() for _, y in micro_batches)\n",
        ),
        "the label 0 is not counted": (".ne(-100)", ".gt(0)"),
        "positions of id 0 not counted": (
            COUNT,
            "    count = sum(((y != -100) & (x > 0)).sum().item() for x, y in micro_batches)\n",
        ),
        "a mean per row, then over rows": (
            LOSS,
            "        each = nn.functional.cross_entropy("
            "logits, labels.flatten(), reduction='none')\n"
            "        each = each.view_as(labels).sum(1) / (labels != -100).sum(1).clamp(min=1)\n"
            "        loss = each.sum() / sum(len(x) for x, _ in micro_batches)\n",
        ),
        "weighed the wrong way round": weighed(f"(1 - {MINE} / count) / len(micro_batches)"),
        "weighed by the root of the labels": weighed(f"({MINE} / count).sqrt()"),
        "normalized to the norm of the whole": (
            "    return total",
            "    for p in model.parameters():\n        p.grad /= len(micro_batches)\n"
            "    return total",
        ),
        "old gradients stay": ("    model.zero_grad()\n", ""),
        "cleared in each micro-batch": (BACK, "        model.zero_grad()\n" + BACK),
        "cleared afterwards": ("    return total", "    model.zero_grad()\n    return total"),
        "old gradients times 0: NaN stays": (
            "    model.zero_grad()\n",
            "    for p in model.parameters():\n"
            "        p.grad = None if p.grad is None else p.grad * 0\n",
        ),
        "the last micro-batch left out": (
            "in micro_batches:\n",
            "in micro_batches[:-1] or micro_batches:\n",
        ),
        "a step in addition": (
            "    return total",
            "    with torch.no_grad():\n        for p in model.parameters():\n"
            "            p -= 0.1 * p.grad\n    return total",
        ),
        "the list sorted in place": (
            "    model.train()\n",
            "    model.train()\n    micro_batches.sort(key=lambda batch: batch[0].numel())\n",
        ),
        "clipped": (
            "    return total",
            "    nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n    return total",
        ),
        "a running count": (
            LOSS,
            "        seen = locals().get('seen', 0) + (labels != -100).sum()\n"
            + LOSS.replace("/ count", "/ seen"),
        ),
    },
    "loss": {
        "the sum": (ADD, "        total += loss.item() * count\n"),
        "the gradient is right, the loss a mean of means": (
            ADD,
            "        total += nn.functional.cross_entropy("
            "logits, labels.flatten()).item() / len(micro_batches)\n",
        ),
        "the loss of the last": (ADD, f"        total = loss.item() * count / {MINE}.item()\n"),
        "divided twice": ("    return total", "    return total / len(micro_batches)"),
        "a tensor": ("    return total", "    return torch.tensor(total)"),
        "rounded": ("    return total", "    return round(total, 3)"),
        "the largest": (ADD, "        total = max(total, loss.item())\n"),
        "perplexity": ("    return total", "    return 2.718281828 ** total"),
    },
    "memory": {
        "losses added up, one backward": (
            BACK + ADD + "    return total",
            "        total = total + loss\n    total.backward()\n    return total.item()",
        ),
        "the graphs retained": (
            BACK,
            "        loss.backward(retain_graph=True)\n"
            "        kept = [*(locals().get('kept') or []), loss]\n",
        ),
        "one backward for a list": (
            BACK + ADD + "    return total",
            "        losses = [*(locals().get('losses') or []), loss]\n"
            "    torch.autograd.backward(losses)\n    return sum(losses).item()",
        ),
        "backward for two at a time": (
            BACK + ADD,
            "        total += loss.item()\n"
            "        waits = loss + (locals().get('waits') or 0)\n"
            "        if ids is micro_batches[-1][0] or total > 1e9:\n"
            "            waits.backward()\n",
        ),
    },
    "modes": {
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("    model.train()\n", "    model.eval()\n"),
        "the model alone": ("    model.train()\n", "    model.training = True\n"),
        "train mode only if it came in eval mode": (
            "    model.train()\n",
            "    if not model.training:\n        model.train()\n",
        ),
        "a pass before, to count": (
            COUNT,
            COUNT + "    with torch.no_grad():\n        model(micro_batches[0][0])\n",
        ),
        "eval mode after the first": (ADD, ADD + "        model.eval()\n"),
        "row by row": """
def accumulate(model, micro_batches):
    model.train()
    model.zero_grad()
    count = sum((labels != -100).sum().item() for _, labels in micro_batches)
    total = 0.0
    for ids, labels in micro_batches:
        for row, right in zip(ids, labels, strict=True):
            logits = model(row[None])[0]
            loss = nn.functional.cross_entropy(logits, right, reduction="sum") / count
            loss.backward()
            total += loss.item()
    return total
""",
        "columns after the last label cut off": (
            "        logits = model(ids)",
            "        last = int((labels != -100).any(0).cumsum(0).argmax() + 1)\n"
            "        ids, labels = ids[:, :last], labels[:, :last]\n        logits = model(ids)",
        ),
        "rows without labels left out": (
            "        logits = model(ids)",
            "        has = (labels != -100).any(1)\n        if not has.any():\n"
            "            continue\n        ids, labels = ids[has], labels[has]\n"
            "        logits = model(ids)",
        ),
        "ids without a label become 0": (
            "model(ids)",
            "model(ids * (labels != -100))",
        ),
        "one row in addition": (
            "        logits = model(ids).flatten(0, 1)\n",
            "        model(ids[:1])\n        logits = model(ids).flatten(0, 1)\n",
        ),
    },
    "empty": {
        "means, weighed by labels: NaN times 0": weighed(f"{MINE} / count"),
        "counts at least one label in each": (
            COUNT,
            "    count = sum(max(1, (y != -100).sum().item()) for _, y in micro_batches)\n",
        ),
        "stopped at a micro-batch without labels": (
            LOSS,
            f"        if not {MINE}:\n            break\n" + LOSS,
        ),
        "ValueError": (
            LOSS,
            f"        if not {MINE}:\n            raise ValueError('no label')\n" + LOSS,
        ),
    },
}

VARIANTS = {
    "means, weighed by labels, none left out": (
        LOSS,
        "        mine = int((labels != -100).sum())\n"
        '        each = nn.CrossEntropyLoss(reduction="sum")(logits, labels.flatten())\n'
        "        loss = each / max(mine, 1) * (mine / count)\n",
    ),
    "micro-batches without labels left out": """
def accumulate(model, micro_batches):
    model.train()
    for p in model.parameters():
        p.grad = None
    tokens = [int((y >= 0).sum()) for _, y in micro_batches]
    mean = 0.0
    for n, (x, y) in zip(tokens, micro_batches, strict=True):
        if n == 0:
            continue
        loss = nn.functional.cross_entropy(model(x).transpose(1, 2), y)
        (loss * n / sum(tokens)).backward()
        mean += loss.item() * n / sum(tokens)
    return mean
""",
    "gradients scaled at the end": """
def accumulate(model, micro_batches):
    model.train().zero_grad(set_to_none=False)
    for p in model.parameters():
        p.grad = None
    count, total = 0, 0.0
    for ids, labels in micro_batches:
        logp = model(ids).log_softmax(-1)
        keep = labels != -100
        loss = -logp[keep].gather(1, labels[keep][:, None]).sum()
        loss.backward()
        total, count = total + loss.item(), count + keep.sum().item()
    for p in model.parameters():
        p.grad.div_(count)
    return total / count
""",
    "the mean length times their number": (
        LOSS,
        LOSS.replace("/ count", "/ (count / len(micro_batches)) / len(micro_batches)"),
    ),
}
