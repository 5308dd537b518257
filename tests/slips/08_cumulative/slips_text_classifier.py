"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

LOOP = "            ids, mask = encode([texts[i] for i in rows.tolist()], vocab)\n"
TEST = "    with torch.no_grad():\n        logits = model(ids, mask)\n"
STEP = "            loss.backward()\n            optimizer.step()\n"
ORDER = "    for _ in range(epochs):\n        for rows in torch.randperm(len(texts)).split(32):"
MASKED = (
    "        scores = scores.masked_fill(~mask, torch.finfo(x.dtype).min)"
    "  # -inf alone would be NaN\n"
)

SLIPS = {
    "vocab": {
        "ids from 1, the unknown word's": ("enumerate(known, 2)", "enumerate(known, 1)"),
        "ids from 0, where padding is": ("enumerate(known, 2)", "enumerate(known)"),
        "more than min_count times": ("count >= min_count", "count > min_count"),
        "texts counted, not words": ("for word in text)", "for word in set(text))"),
        "min_count not used": ("if count >= min_count", "if count >= 2"),
        "ids with gaps": (
            "    return {word: i for i, word in enumerate(known, 2)}",
            "    return {w: i for i, w in enumerate(counts, 2) if w in known}",
        ),
        "words in lower case": ("Counter(word for", "Counter(word.lower() for"),
        "padding and unknown among the words": (
            "    return {word: i for i, word in enumerate(known, 2)}",
            '    return {word: i for i, word in enumerate(["<pad>", "<unk>", *known])}',
        ),
    },
    "encode": {
        "unknown words put into vocab": ("vocab.get(word, 1)", "vocab.setdefault(word, 1)"),
        "padded on the left": ("row[: len(text)]", "row[longest - len(text) :]"),
        "unknown words as padding": ("vocab.get(word, 1)", "vocab.get(word, 0)"),
        "unknown words left out": (
            "[vocab.get(word, 1) for word in text]",
            "[vocab.get(word, 1) for word in text if word in vocab] + "
            "[0] * sum(word not in vocab for word in text)",
        ),
        "mask inverted": ("return ids, ids != 0", "return ids, ids == 0"),
        "unknown words hidden": ("return ids, ids != 0", "return ids, ids > 1"),
        "texts cut at 128 words": (
            "    ids = torch.zeros(",
            "    texts, longest = [text[:128] for text in texts], min(longest, 128)\n"
            "    ids = torch.zeros(",
        ),
        "words in lower case": ("vocab.get(word, 1)", "vocab.get(word.lower(), 1)"),
        "one column too many": ("max(1, *map(len, texts), 1)", "max(1, *map(len, texts), 1) + 1"),
        "a float mask": ("return ids, ids != 0", "return ids, (ids != 0).float()"),
        "int32 ids": ("return ids, ids != 0", "return ids.int(), ids != 0"),
    },
    "attention": {
        "masked by a small number": ("torch.finfo(x.dtype).min)  #", "-100)  #"),
        "softmax over all places": (
            MASKED,
            "",
        ),
        "softmax over the texts": ("scores.softmax(dim=1)", "scores.softmax(dim=0)"),
        "scores as weights, no softmax": (
            "scores.softmax(dim=1)[..., None] * x",
            "scores.masked_fill(~mask, 0)[..., None] * x",
        ),
        "exp without the maximum": (
            "(scores.softmax(dim=1)[..., None] * x).sum(dim=1)",
            "(scores.exp()[..., None] * x).sum(dim=1) / scores.exp().sum(dim=1, keepdim=True)",
        ),
        "scores scaled": (
            "self.score(x).squeeze(-1)",
            "self.score(x).squeeze(-1) / x.shape[-1] ** 0.5",
        ),
        "a score without bias": ("nn.Linear(d_model, 1)", "nn.Linear(d_model, 1, bias=False)"),
        "mean in place of the sum": ("[..., None] * x).sum(dim=1)", "[..., None] * x).mean(dim=1)"),
        "tanh of the scores": ("self.score(x).squeeze(-1)", "self.score(x).squeeze(-1).tanh()"),
    },
    "pools": {
        "the first word's output": (
            "last = (lengths - 1).clamp(min=0)",
            "last = (lengths - 1).clamp(min=0) * 0",
        ),
        "sum in place of the mean": (" / lengths.clamp(min=1)[:, None]", ""),
        "pooled without the GRU": (
            "states, _ = self.gru(self.embedding(ids))",
            "states = self.embedding(ids)",
        ),
        "a bidirectional GRU": (
            "nn.GRU(d_model, d_model, batch_first=True)",
            "nn.GRU(d_model, d_model // 2, batch_first=True, bidirectional=True)",
        ),
        "an attention that no other pool uses": (
            '        if pool == "attention":\n            self.attention = ',
            "        self.attention = ",
        ),
        "another default": (
            'num_classes: int, pool: str = "attention"\n',
            'num_classes: int, pool: str = "mean"\n',
        ),
        "softmax in the model": (
            "return self.head(pooled)",
            "return self.head(pooled).softmax(-1)",
        ),
        "tanh before the head": ("return self.head(pooled)", "return self.head(pooled.tanh())"),
    },
    "padding": {
        "padding in the mean of eval mode": (
            "lengths.clamp(min=1)[:, None]",
            "(lengths.clamp(min=1)[:, None] if self.training else mask.shape[1])",
        ),
        "padding in the sum": ("        states = states * mask[..., None]\n", ""),
        "last place for last word": (
            "            pooled = states[torch.arange(len(ids), device=ids.device), last]\n",
            "            pooled = self.gru(self.embedding(ids))[0][:, -1]\n",
        ),
        "mask from ids, not from mask": (
            "        lengths = mask.sum(dim=1)  # (B,)\n",
            "        mask = ids != 0\n        lengths = mask.sum(dim=1)  # (B,)\n",
        ),
        "the longest text's length for all": (
            "lengths = mask.sum(dim=1)  # (B,)",
            "lengths = mask.sum(dim=1).max().repeat(len(ids))  # (B,)",
        ),
        "attention over padding": (
            "pooled = self.attention(states, mask)",
            "pooled = self.attention(states, torch.ones_like(mask))",
        ),
    },
    "lengths": {
        "length 0 left out": ("edges, found = [-1,", "edges, found = [0,"),
        "a bound in the group above": (
            "(lengths > low) & (lengths <= high)",
            "(lengths >= low) & (lengths < high)",
        ),
        "groups that overlap": ("(lengths > low) & (lengths <= high)", "lengths <= high"),
        "the longest left out": ("*bounds, torch.iinfo(torch.int64).max]", "*bounds]"),
        "0 for no rows": ("if len(some) else None", "if len(some) else 0.0"),
        "NaN for no rows": (" if len(some) else None", ""),
        "groups without rows left out": (
            "        found.append(some.mean().item() if len(some) else None)",
            "        found += [some.mean().item()] if len(some) else []",
        ),
        "logits in bfloat16": (
            "logits.argmax(dim=1) == y).double()\n    edges",
            "logits.bfloat16().argmax(dim=1) == y).double()\n    edges",
        ),
        "tensors in the list": ("some.mean().item() if", "some.mean() if"),
        "share of all rows": ("some.mean().item() if", "some.sum().item() / len(y) if"),
    },
    "training": {
        "shuffled once": (
            ORDER,
            "    order = torch.randperm(len(texts))\n"
            "    for _ in range(epochs):\n        for rows in order.split(32):",
        ),
        "the last short batch dropped": (
            LOOP,
            "            if len(rows) < 32:\n                continue\n" + LOOP,
        ),
        "no zero_grad": ("            optimizer.zero_grad()\n", ""),
        "sum of the losses": ("labels[rows])\n", 'labels[rows], reduction="sum")\n'),
        "the embedding not trained": (
            "Adam(model.parameters()",
            "Adam(list(model.parameters())[1:]",
        ),
        "trained in eval mode": ("    model.train()\n", "    model.eval()\n"),
        "pool not used": ("num_classes, pool)\n", "num_classes)\n"),
        "trained on test, too": (
            "    torch.manual_seed(seed)\n",
            "    torch.manual_seed(seed)\n    train = train + test\n",
        ),
    },
    "report": {
        "unknown words of the test texts left out": (
            "encode([text for text, _ in test], vocab)",
            "encode([[w for w in text if w in vocab] for text, _ in test], vocab)",
        ),
        "a vocabulary from all texts": (
            "build_vocab(texts), int(",
            "build_vocab(texts + [text for text, _ in test]), int(",
        ),
        "tested in train mode": ("    model.eval()\n", ""),
        "tested each epoch": (
            "    for _ in range(epochs):\n",
            "    for _ in range(epochs):\n"
            "        with torch.no_grad():\n"
            "            model.eval()(*encode([text for text, _ in test], vocab))\n"
            "        model.train()\n",
        ),
        "the baseline of the test texts": (
            "(y == labels.bincount().argmax())",
            "(y == y.bincount().argmax())",
        ),
        "accuracy of the last train batch": (
            "accuracy = (logits.argmax(dim=1) == y)",
            "accuracy = (model(*encode(texts[:32], vocab)).argmax(dim=1) == labels[:32])",
        ),
        "accuracy as the mean over batches of 32": (
            "    baseline = (y ==",
            "    parts = (logits.argmax(dim=1) == y).double().split(32)\n"
            "    accuracy = sum(part.mean().item() for part in parts) / len(parts)\n"
            "    baseline = (y ==",
        ),
        "by_length of characters": (
            "mask.sum(dim=1), BOUNDS)",
            'torch.tensor([len(" ".join(text)) for text, _ in test]), BOUNDS)',
        ),
        "numbers in the other order": (
            'print(f"test {accuracy:.3f}  baseline {baseline:.3f}',
            'print(f"test baseline {baseline:.3f}  accuracy {accuracy:.3f}',
        ),
    },
    "learns": {
        "a rate of 0.00001": ("lr=0.02", "lr=0.00001"),
        "batches of 300": (".split(32)", ".split(300)"),
    },
    "empty": {
        "-inf in all places of a row": (
            "scores = scores.masked_fill(~mask, torch.finfo(x.dtype).min)",
            'scores = scores.masked_fill(~mask, float("-inf"))',
        ),
        "divided by 0 words": ("lengths.clamp(min=1)[:, None]", "lengths[:, None]"),
        "last word of no words": (
            "        states = states * mask[..., None]\n",
            '        if self.pool != "last":\n            states = states * mask[..., None]\n',
        ),
        "length 0": ("max(1, *map(len, texts), 1)", "max(map(len, texts))"),
    },
    "garbage": {
        "0 times NaN": (
            "        x = x.masked_fill(~mask[..., None], 0)  # 0 * NaN would be NaN\n",
            "",
        ),
        "NaN replaced, inf not": (
            "x = x.masked_fill(~mask[..., None], 0)",
            "x = torch.where(x.isnan(), 0, x)",
        ),
    },
    "seeded": {
        "no seed": ("    torch.manual_seed(seed)\n", ""),
        "seed 0 always": ("torch.manual_seed(seed)", "torch.manual_seed(0)"),
        "shuffled by the random module": (
            "for rows in torch.randperm(len(texts)).split(32):",
            "for rows in torch.tensor(random.sample(range(len(texts)), len(texts))).split(32):",
        ),
    },
}
VARIANTS = {
    "softmax by hand, rows without words apart": (
        MASKED + "        return (scores.softmax(dim=1)[..., None] * x).sum(dim=1)",
        "        top = scores.masked_fill(~mask, -1e30).amax(1, keepdim=True)\n"
        "        e = (scores - top).masked_fill(~mask, -1e30).exp() * mask\n"
        '        return torch.einsum("bl,bld->bd", e / e.sum(1, keepdim=True).clamp(min=1e-30), x)',
    ),
    "pad_sequence, a DataLoader's sampler": (
        "for rows in torch.randperm(len(texts)).split(32):\n",
        "for some in torch.utils.data.DataLoader(range(len(texts)), 16, shuffle=True):\n"
        "            rows = torch.as_tensor(some)\n",
    ),
    "packed sequences, bucketize, NaN replaced after the softmax": """
class AttentionPooling(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.score = nn.Linear(d_model, 1)

    def forward(self, x, mask):
        x = torch.where(mask.unsqueeze(2), x, torch.zeros_like(x))
        scores = self.score(x).masked_fill(~mask.unsqueeze(2), float("-inf"))
        return (torch.softmax(scores, 1).nan_to_num().mT @ x).squeeze(1)

class TextClassifier(nn.Module):
    def __init__(self, vocab_size, d_model, num_classes, pool="attention"):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model, padding_idx=0)
        self.gru = nn.GRU(d_model, d_model, batch_first=True)
        self.head = nn.Linear(d_model, num_classes)
        self.pool = pool
        self.attention = AttentionPooling(d_model) if pool == "attention" else None

    def forward(self, ids, mask):
        n = mask.sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(ids), n.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, last = self.gru(packed)
        states = nn.utils.rnn.pad_packed_sequence(states, True, 0.0, ids.shape[1])[0]
        if self.pool == "last":
            return self.head(last[0] * (n > 0)[:, None])
        if self.pool == "mean":
            return self.head((states * mask[..., None]).sum(1) / n.clamp(min=1)[:, None])
        return self.head(self.attention(states, mask))

def accuracy_by_length(logits, y, lengths, bounds):
    group = torch.bucketize(lengths, torch.tensor(bounds))
    pairs = [((logits.argmax(1) == y) & (group == g), group == g) for g in range(len(bounds) + 1)]
    return [float(hit.sum() / all_.sum()) if all_.any() else None for hit, all_ in pairs]
""",
}
