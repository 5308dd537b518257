"""Text classifier: whatever the length, a text is a weighted mean of its own states.

Why it works: the GRU reads from left to right and padding comes last, so no state of a word has
seen padding; the mask then keeps padding out of the mean. Two words with equal scores in a row of
five places weigh 1/2 each; a softmax over all five places would give them 1/5 each.
Say in the interview:
- Attention pooling learns which words count. A mean dilutes one telling word among thirty, the last
  state has to carry it to the end: so look at the accuracy by length, not only at one number.
- "last" turns a causal language model into a classifier: only the last word has seen all others.
- The vocabulary is fitted, like a scaler: on train texts alone. What is rare there becomes the
  unknown word, so that its embedding is trained, too.
- The baseline is the most frequent class. An accuracy without it says nothing.
Asked next: "Padding on the left?" Then the GRU reads padding first: pack the sequences, or let
attention with positions and a mask do it. "Less waste?" Sort by length into buckets, and pad each
batch to its own longest text, as here.
Common slips: mean over L instead of over the words; out[:, -1], which is padding; NaN in a row
without words, which one backward pass spreads over all weights; the mask inverted; a vocabulary
from all texts, which hides how the model meets new words.
May be left out if you say so: texts without words.
"""

import random
from collections import Counter
from typing import TypedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

Text = list[str]
Data = list[tuple[Text, int]]
Shares = list[float | None]
BOUNDS = [8, 12, 24]  # of the report


def make_texts(seed: int, count: int = 600) -> Data:
    """Texts and their classes, 0, 1 or 2. "very" stands before a word of the text's class, "not"
    before one of another class. The rest is filler, much of it rare; some texts are long."""
    draw, found = random.Random(seed), Data()
    for _ in range(count):
        y = draw.choices(range(3), (5, 3, 2))[0]
        size = min(int(4 * draw.paretovariate(1)), 40) - 4
        words = [f"w{int(draw.paretovariate(0.8))}" for _ in range(size)]
        for before, of in (("very", y), ("not", (y + draw.randint(1, 2)) % 3)):
            words.insert(draw.randint(0, len(words)), f"{before} {'abc'[of]}{draw.randrange(2)}")
        found.append((" ".join(words).split(), y))
    return found


class Report(TypedDict):
    accuracy: float  # of the test texts
    baseline: float  # the same if all were of train's most frequent class
    by_length: Shares  # accuracy_by_length of the test texts, for BOUNDS


def build_vocab(texts: list[Text], min_count: int = 2) -> dict[str, int]:
    """Ids from 2 on: 0 is padding, 1 an unknown word."""
    counts = Counter(word for text in texts for word in text)
    known = [word for word, count in counts.items() if count >= min_count]
    return {word: i for i, word in enumerate(known, 2)}


def encode(texts: list[Text], vocab: dict[str, int]) -> tuple[Tensor, Tensor]:
    """(ids (B, L), mask (B, L)), padded to the longest text."""
    longest = max(1, *map(len, texts), 1)
    ids = torch.zeros(len(texts), longest, dtype=torch.int64)
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = torch.tensor([vocab.get(word, 1) for word in text], dtype=torch.int64)
    return ids, ids != 0


class AttentionPooling(nn.Module):
    """A mean of x with learned weights; padding has weight 0."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.score = nn.Linear(d_model, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x.masked_fill(~mask[..., None], 0)  # 0 * NaN would be NaN
        scores = self.score(x).squeeze(-1)  # (B, L)
        scores = scores.masked_fill(~mask, torch.finfo(x.dtype).min)  # -inf alone would be NaN
        return (scores.softmax(dim=1)[..., None] * x).sum(dim=1)


class TextClassifier(nn.Module):
    """ids (B, L), mask (B, L) -> logits (B, K)."""

    def __init__(
        self, vocab_size: int, d_model: int, num_classes: int, pool: str = "attention"
    ) -> None:
        super().__init__()
        self.pool = pool
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.gru = nn.GRU(d_model, d_model, batch_first=True)
        if pool == "attention":
            self.attention = AttentionPooling(d_model)
        self.head = nn.Linear(d_model, num_classes)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        states, _ = self.gru(self.embedding(ids))  # (B, L, D)
        states = states * mask[..., None]
        lengths = mask.sum(dim=1)  # (B,)
        if self.pool == "attention":
            pooled = self.attention(states, mask)
        elif self.pool == "mean":
            pooled = states.sum(dim=1) / lengths.clamp(min=1)[:, None]
        else:
            last = (lengths - 1).clamp(min=0)
            pooled = states[torch.arange(len(ids), device=ids.device), last]
        return self.head(pooled)


def accuracy_by_length(logits: Tensor, y: Tensor, lengths: Tensor, bounds: list[int]) -> Shares:
    """len(bounds) + 1 shares, the last of texts longer than all bounds."""
    hits = (logits.argmax(dim=1) == y).double()
    edges, found = [-1, *bounds, torch.iinfo(torch.int64).max], Shares()
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        some = hits[(lengths > low) & (lengths <= high)]
        found.append(some.mean().item() if len(some) else None)
    return found


def run(train: Data, test: Data, pool: str = "attention", epochs: int = 6, seed: int = 0) -> Report:
    """Train on train, report on test."""
    torch.manual_seed(seed)
    texts, labels = [text for text, _ in train], torch.tensor([label for _, label in train])
    vocab, num_classes = build_vocab(texts), int(labels.max()) + 1
    model = TextClassifier(len(vocab) + 2, 24, num_classes, pool)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(texts)).split(32):
            ids, mask = encode([texts[i] for i in rows.tolist()], vocab)
            loss = cross_entropy(model(ids, mask), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model.eval()
    ids, mask = encode([text for text, _ in test], vocab)
    y = torch.tensor([label for _, label in test])
    with torch.no_grad():
        logits = model(ids, mask)
    by_length = accuracy_by_length(logits, y, mask.sum(dim=1), BOUNDS)
    accuracy = (logits.argmax(dim=1) == y).double().mean().item()
    baseline = (y == labels.bincount().argmax()).double().mean().item()
    print(f"test {accuracy:.3f}  baseline {baseline:.3f}  {pool:<9}  by length:", end="")
    for name, share in zip([*(f"up to {n}" for n in BOUNDS), "longer"], by_length, strict=True):
        print("" if share is None else f"  {name} {share:.3f}", end="")
    print()
    return {"accuracy": accuracy, "baseline": baseline, "by_length": by_length}


# The whole scenario, for each pool; tests/test_08_cumulative.py has three seeds.
if __name__ == "__main__":
    texts = make_texts(seed=0)
    for pool in ("attention", "mean", "last"):
        run(texts[:400], texts[400:], pool)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
