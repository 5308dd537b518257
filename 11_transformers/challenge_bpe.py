"""Byte pair encoding: the most frequent neighbors become one token, again and again.

    SimpleBPE()
        train(corpus, num_merges)   corpus: list of words
        merges                      [(left, right), ...] as learned
        encode(text)                list of str
    Tokenizer(vocab, merges, special_tokens=None)
        vocab                       {id: bytes}, all single bytes and all that merges make
        merges                      [(bytes, bytes), ...]
        encode(text)                list of int
        decode(ids)                 str
        encode_iterable(pieces)     iterator over ids

Core, what an interview asks:

    train    A word is its characters, then "</w>". Each merge joins the pair most frequent in the
             corpus, of equal counts the greater, as Python compares. No pair spans words. No pair
             left: it stops. Trained again, it starts anew.
    words    SimpleBPE.encode: each word of text.split(), with "</w>", gets the merges in the order
             learned, from left to right.
    ids      Tokenizer.encode: WORDS cuts the text; each word's UTF-8 bytes get the merges in order.
    decode   decode(encode(s)) == s for any Unicode text. Invalid bytes become U+FFFD.
    special  A special token is one id, outside all merges; the longest wins. Those not in vocab get
             the ids after the largest, in order. The given vocab never changes.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    repeats  A pair counts as often as a merge joins it: (a, a) once in "aaa".
    stream   encode_iterable gives the ids of all pieces joined, wherever cut. It holds back only
             what may change.

Hard, 45 minutes. Try one alone: python FILE train
Paper: https://arxiv.org/abs/1508.07909
"""

from collections.abc import Iterable, Iterator

WORDS = r" ?\w+| ?[^\w\s]+|\s+"  # for re: every character is in exactly one match


class SimpleBPE:
    def __init__(self) -> None:
        self.merges: list[tuple[str, str]] = []

    def train(self, corpus: list[str], num_merges: int) -> None:
        raise NotImplementedError("SimpleBPE.train")

    def encode(self, text: str) -> list[str]:
        raise NotImplementedError("SimpleBPE.encode")


class Tokenizer:
    def __init__(
        self,
        vocab: dict[int, bytes],
        merges: list[tuple[bytes, bytes]],
        special_tokens: list[str] | None = None,
    ) -> None:
        raise NotImplementedError("Tokenizer.__init__")

    def encode(self, text: str) -> list[int]:
        raise NotImplementedError("Tokenizer.encode")

    def encode_iterable(self, iterable: Iterable[str]) -> Iterator[int]:
        raise NotImplementedError("Tokenizer.encode_iterable")

    def decode(self, ids: list[int]) -> str:
        raise NotImplementedError("Tokenizer.decode")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    bpe = SimpleBPE()
    bpe.train(["hat", "hat", "at"], 2)  # (a, t) and (t, </w>) 3 times each, t is greater than a
    assert bpe.merges == [("t", "</w>"), ("a", "t</w>")], bpe.merges
    assert bpe.encode("that at") == ["t", "h", "at</w>", "at</w>"], bpe.encode("that at")

    vocab = {i: bytes([i]) for i in range(256)} | {256: b"at"}
    tokenizer = Tokenizer(vocab, [(b"a", b"t")], ["<|end|>"])
    ids = tokenizer.encode("at\u00e9<|end|>")
    assert ids == [256, 195, 169, 257], ids
    assert tokenizer.decode(ids) == "at\u00e9<|end|>", tokenizer.decode(ids)
    pieces = list(tokenizer.encode_iterable(["a", "t\u00e9<|", "end|>"]))
    assert pieces == ids, pieces


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
