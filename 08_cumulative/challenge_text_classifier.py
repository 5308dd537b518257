"""Text classifier: texts of any length, and a report by length.

N or B texts, L words, D = d_model, K classes.

Core, what an interview asks:

    vocab      The words that occur min_count times or more in texts, with ids 2, 3, ...
    encode     Row i: the ids of text i, 1 for an unknown word, then 0 up to the largest length L.
               vocab stays as it is.
    attention  The sum of weight * x. The weights are the softmax of score(x) over the words.
    pools      head(pooled outputs of gru(embedding(ids))). "mean" is their mean over the words,
               "last" the output at the last word.
    padding    What stands at padding reaches neither logits nor gradients.
    lengths    Shares of rows with the largest logit at y: of lengths up to bounds[0], of longer
               ones up to bounds[1], ..., of all longer ones. None for no rows.
    training   Each epoch the model, in train mode, gets each train text once, in new order. A batch
               is a step of all parameters on its mean cross-entropy.
    report     After training the model gets each test text once, in eval mode, without gradients.
               Words that no train text has are unknown. See Report and run.
    learns     96 texts of 5 words or less, 4 epochs: accuracy on others is at least baseline + 0.2.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    empty      A text without words is pooled to zeros, gradients stay finite. L is 1 or more.
    garbage    x of AttentionPooling may hold NaN at padding.
    seeded     Equal seeds give equal reports, other seeds other orders, whatever was drawn before.

Medium, 40 minutes. Try one alone: python FILE attention
Guide: PyTorch_Mastery_Guide, "Texts of any length".
"""

import random
from typing import TypedDict

import torch
from torch import Tensor, nn

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
    raise NotImplementedError("build_vocab")


def encode(texts: list[Text], vocab: dict[str, int]) -> tuple[Tensor, Tensor]:
    """ids (B, L) int64, mask (B, L) bool, True = a word."""
    raise NotImplementedError("encode")


class AttentionPooling(nn.Module):
    """x (B, L, D), mask (B, L) -> (B, D). score: nn.Linear(D, 1)."""

    def __init__(self, d_model: int) -> None:
        raise NotImplementedError("AttentionPooling.__init__")

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        raise NotImplementedError("AttentionPooling.forward")


class TextClassifier(nn.Module):
    """ids (B, L), mask (B, L) -> logits (B, K). pool: "attention", "mean" or "last".
    embedding: nn.Embedding(vocab_size, D), gru: nn.GRU(D, D, batch_first=True), head: nn.Linear;
    for "attention" also attention: AttentionPooling."""

    def __init__(
        self, vocab_size: int, d_model: int, num_classes: int, pool: str = "attention"
    ) -> None:
        raise NotImplementedError("TextClassifier.__init__")

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        raise NotImplementedError("TextClassifier.forward")


def accuracy_by_length(logits: Tensor, y: Tensor, lengths: Tensor, bounds: list[int]) -> Shares:
    """logits (N, K); y and lengths (N,)."""
    raise NotImplementedError("accuracy_by_length")


def run(train: Data, test: Data, pool: str = "attention", epochs: int = 6, seed: int = 0) -> Report:
    """Adam, rate 0.02, D = 24 and batches of 32 do it. At the end it prints a line that begins
    "test", its first numbers accuracy and baseline, with 3 decimals or more."""
    raise NotImplementedError("run")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    ids, mask = encode([["b"], ["b", "a", "b"]], {"b": 2})
    assert ids.tolist() == [[2, 0, 0], [2, 1, 2]], ids.tolist()

    pooling = AttentionPooling(1)
    nn.init.zeros_(pooling.score.weight)  # equal scores
    pooled = pooling(torch.tensor([[[4.0], [9.0], [9.0]], [[1.0], [2.0], [6.0]]]), mask)
    assert pooled.tolist() == [[4], [3]], pooled.tolist()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
