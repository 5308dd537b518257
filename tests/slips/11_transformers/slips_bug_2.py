"""Mistakes by the label that must refuse them, and second right answers."""

LOSS = "    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)"
SHIFT = "    logits, labels = logits[:, :-1], labels[:, 1:]\n"
SIZES = (
    "    ids = torch.zeros(len(texts), longest - 1, dtype=torch.int64)\n"
    "    labels = torch.full_like(ids, -100)\n"
)
IDS = "        ids[row, : len(text) - 1] = torch.tensor(text[:-1])\n"
LABELS = "        labels[row, : len(text) - 1] = torch.tensor(text[1:])\n"
RETURN = "    return ids, labels\n"
WHOLE = SIZES.replace("longest - 1", "longest")
ALL_IDS = "        ids[row, : len(text)] = torch.tensor(text)\n"
ALL_LABELS = "        labels[row, : len(text)] = torch.tensor(text)\n"


def shifted(in_collate, in_loss):
    """Both functions anew: ids are whole, the shift is where it is given."""
    return f"""
def collate(texts):
    longest = max(len(text) for text in texts)
{WHOLE}    for row, text in enumerate(texts):
{ALL_IDS}{in_collate}    return ids, labels

def lm_loss(logits, labels):
{in_loss}{LOSS}
"""


def each(how):
    return (
        '    each = F.cross_entropy(logits.mT, labels, ignore_index=-100, reduction="none")\n'
        f"    return {how}"
    )


SLIPS = {
    "loss": {
        "as handed out": (LOSS, SHIFT + LOSS),
        "not shifted at all": shifted(ALL_LABELS, ""),
        "the shift in the loss turned round": (
            LOSS,
            "    logits, labels = logits[:, 1:], labels[:, :-1]\n" + LOSS,
        ),
        "whole ids, shifted in the collate and in the loss": shifted(LABELS, SHIFT),
        "shifted back in the loss": (LOSS, "    labels = labels.roll(1, 1)\n" + LOSS),
        "labels shifted in the loss, logits not": (
            LOSS,
            "    labels = F.pad(labels[:, 1:], (0, 1), value=-100)\n" + LOSS,
        ),
        "shifted twice, but for texts of two ids": (
            LOSS,
            "    if labels.shape[1] > 1:\n    " + SHIFT + LOSS,
        ),
        "the batch shifted": (LOSS, "    labels = labels.roll(1, 0)\n" + LOSS),
        "a sum": (LOSS, LOSS[:-1] + ', reduction="sum")'),
        "ids that the model is sure of left out": (
            LOSS,
            each("each.sum() / each.detach().ne(0).sum()"),
        ),
        "smoothed": (LOSS, LOSS[:-1] + ", label_smoothing=0.1)"),
        "no gradient": (LOSS, LOSS + ".detach().requires_grad_()"),
        "a number": (LOSS, LOSS + ".item()"),
        "of probabilities": (LOSS, LOSS.replace("logits.flatten", "logits.softmax(-1).flatten")),
        "the last id alone": (
            LOSS,
            "    labels = labels.clone()\n    labels[:, :-1] = -100\n" + LOSS,
        ),
        "the second id never judged": (
            LOSS,
            "    labels = labels.clone()\n"
            "    labels[:, :1] = -100 if labels.shape[1] > 1 else labels[:, :1]\n" + LOSS,
        ),
        "logits cut at 1": (LOSS, LOSS.replace("logits.flatten", "logits.clamp(-1, 1).flatten")),
        "texts cut at 32 ids": (
            "    longest = max(",
            "    texts = [text[:32] for text in texts]\n    longest = max(",
        ),
        "a copy of the cut ids as labels, shifted in the loss": f"""
def collate(texts):
    longest = max(len(text) for text in texts)
{SIZES}    for row, text in enumerate(texts):
{IDS}{LABELS.replace("1:", ":-1")}{RETURN}

def lm_loss(logits, labels):
{SHIFT}{LOSS}
""",
        "axes mixed up": (
            LOSS,
            LOSS.replace("logits.flatten(0, 1)", "logits.mT.reshape(-1, logits.shape[-1])"),
        ),
    },
    "rows": {
        "a fixed length of 64": (SIZES, SIZES.replace("longest - 1", "64")),
        "one place too many": (SIZES, SIZES.replace("longest - 1", "longest + 1")),
        "longest text first": (
            "    longest = max(",
            "    texts = sorted(texts, key=len, reverse=True)\n    longest = max(",
        ),
        "ids padded with -100": (
            RETURN,
            "    return ids.masked_fill(labels == -100, -100), labels\n",
        ),
        "ids padded with 1": (RETURN, "    return ids.masked_fill(labels == -100, 1), labels\n"),
        "ids in int32": (RETURN, "    return ids.int(), labels\n"),
        "labels padded with -1": (
            RETURN + "\n\ndef lm_loss(logits: Tensor, labels: Tensor) -> Tensor:\n",
            "    return ids, labels.clamp(min=-1)\n\n\n"
            "def lm_loss(logits: Tensor, labels: Tensor) -> Tensor:\n"
            "    labels = labels.masked_fill(labels < 0, -100)\n",
        ),
        "padded on the left": f"""
def collate(texts):
    longest = max(len(text) for text in texts)
{SIZES}    for row, text in enumerate(texts):
        ids[row, longest - len(text) :] = torch.tensor(text[:-1])
        labels[row, longest - len(text) :] = torch.tensor(text[1:])
{RETURN}""",
        "one long row of all texts": (
            RETURN,
            "    return ids.flatten()[None], labels.flatten()[None]\n",
        ),
        "the shortest text decides": """
def collate(texts):
    short = min(len(text) for text in texts)
    texts = torch.tensor([list(text[:short]) for text in texts])
    return texts[:, :-1], texts[:, 1:]
""",
    },
    "lengths": {
        "zeros after a text judged": (SIZES, SIZES.replace("-100", "0")),
        "letter 0 taken for padding": (
            LOSS,
            "    labels = labels.where(labels != 0, -100)\n" + LOSS,
        ),
        "zeros that end a text taken for padding": (
            LOSS,
            "    closing = (labels <= 0).flip(1).cumprod(1).flip(1) > 0\n"
            "    labels = labels.masked_fill(closing, -100)\n" + LOSS,
        ),
        "a mean per place, then of these": (
            LOSS,
            each("(each.sum(0) / (labels != -100).sum(0)).mean()"),
        ),
        "a mean per text, then of these": (
            LOSS,
            each("(each.sum(1) / (labels != -100).sum(1)).mean()"),
        ),
        "the padding counted in the mean": (LOSS, each("each.mean()")),
        "divided by the texts' longest": (LOSS, each("each.sum() / labels.numel()")),
        "a text is judged once more behind its end": (
            IDS + LABELS,
            IDS + LABELS + "        labels[row, len(text) - 1 : len(text)] = text[-1]\n",
        ),
        "the end of short texts not judged": (
            IDS + LABELS,
            IDS + LABELS + "        labels[row, len(text) - 1 - (len(text) < longest) :] = -100\n",
        ),
        "letters 0 dropped from the inputs' judgment": (
            IDS + LABELS,
            IDS + LABELS + "        labels[row][ids[row] == 0] = -100\n",
        ),
        "each text weighs by its length": (
            LOSS,
            each(
                "(each * (n := (labels != -100).sum(1, keepdim=True))).sum()"
                " / (n * (labels != -100)).sum()"
            ),
        ),
    },
    "inputs": {
        "the last id taken off the text": (
            IDS + LABELS,
            LABELS + "        if isinstance(text, list):\n            text.pop()\n"
            "            ids[row, : len(text)] = torch.tensor(text)\n"
            "        else:\n    " + IDS,
        ),
        "lists alone": (IDS, IDS.replace("text[:-1]", "text[:-1] + []")),
        "the texts' list sorted in place": (
            "    longest = max(",
            "    if isinstance(texts, list):\n        texts.reverse()\n    longest = max(",
        ),
        "texts padded in place": (
            IDS + LABELS,
            IDS + LABELS + "        if isinstance(text, list):\n"
            "            text += [0] * (longest - len(text))\n",
        ),
        "labels changed in place": (
            LOSS,
            LOSS.replace("return ", "loss = ") + "\n    labels.clamp_(min=0)\n    return loss",
        ),
        "logits centered in place": (
            LOSS,
            "    with torch.no_grad():\n        logits -= logits.mean(-1, keepdim=True)\n" + LOSS,
        ),
    },
    "device": {
        "weights on the CPU": (
            LOSS,
            each("(each * (labels.cpu() != -100)).sum() / (labels != -100).sum()").replace(
                "labels.cpu() != -100", "torch.ones(labels.shape)"
            ),
        ),
        "a column made on the CPU": (
            LOSS,
            "    end = torch.full((len(labels), 1), -100)\n"
            "    labels = torch.cat([labels, end], 1)[:, :-1]\n" + LOSS,
        ),
        "labels looked up on the CPU": (
            LOSS,
            LOSS.replace("labels.flatten()", "labels.flatten().cpu()"),
        ),
    },
}

VARIANTS = {
    "shifted in the loss alone": shifted(ALL_LABELS, SHIFT),
    "shifted in the loss alone, whole texts as labels, ids cut": (
        RETURN,
        RETURN.replace("labels", "F.pad(labels, (0, 1), value=-100)[:, :-1]"),
    ),
    "whole ids, shifted in the collate alone": shifted(LABELS, ""),
    "no first label, both laid flat, then shifted": f"""
def collate(texts):
    longest = max(len(text) for text in texts)
{WHOLE}    for row, text in enumerate(texts):
{ALL_IDS}        labels[row, 1 : len(text)] = torch.tensor(text)[1:]
    return ids, labels

def lm_loss(logits, labels):
    logits, labels = logits.flatten(0, 1)[:-1], labels.flatten()[1:]
    return F.cross_entropy(logits, labels, ignore_index=-100)
""",
    "logarithms by hand": (
        LOSS,
        "    kept = labels != -100\n"
        "    picked = logits[kept].log_softmax(-1).gather(1, labels[kept][:, None])\n"
        "    return -picked.mean()",
    ),
    "pad_sequence": """
import torch.nn.utils.rnn

def collate(texts):
    pad = torch.nn.utils.rnn.pad_sequence
    rows = [torch.tensor(text) for text in texts]
    ids = pad([row[:-1] for row in rows], batch_first=True)
    return ids, pad([row[1:] for row in rows], batch_first=True, padding_value=-100)
""",
    "sum by count": (LOSS, each("each.sum() / (labels != -100).sum()")),
}
