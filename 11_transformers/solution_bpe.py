"""Byte pair encoding: count pairs once per different word, then only where a merge changed them.

Why it works: 100 kB of text had 12,700 words, but 2,960 different ones; a pair counts as often as
its words occur. A merge changes only the words that hold its pair, and the others keep their
counts: 200 merges read about 15,000 words again, not 200 * 2,960 = 592,000.
A new word gets the merges in the order learned. Taking the earliest learned pair that is present,
until there is none, gives the same (unless two merges make equal tokens, which is rare).
Say in the interview:
- Bytes: 256 tokens spell every text, so nothing is unknown and nothing is lost.
- Ties need a rule; with the order of a dict, two programs make two tokenizers.
- Words are cut first: "dog." and "dog!" share "dog", and counts can be kept per different word.
- Join bytes before decoding: a token may end inside a character.
Asked next: "Faster?" A heap of counts with stale entries skipped on the way out; words counted by
several processes, each up to a special token; ids of frequent words cached. "Is a user's text safe
to encode?" Only without special tokens: otherwise a user can write <|end|>. "A streamed answer?"
Hold back bytes that do not make a character yet.
Common slips: counts of a merged word not taken off; joining through str.replace, which also finds
a pair in the middle of longer tokens; special tokens not escaped in a pattern, or the shorter one
found first; pieces encoded one by one, though a space at the end belongs to the next word.
May be left out if you say so: repeats (most public code counts twice in "aaa"), stream.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

WORDS = r" ?\w+| ?[^\w\s]+|\s+"  # for re: every character is in exactly one match
Token = TypeVar("Token", str, bytes)


def joined(tokens: Sequence[Token], pair: tuple[Token, Token]) -> list[Token]:
    """The tokens with the pair as one, from left to right."""
    out, i = list[Token](), 0
    while i < len(tokens):
        both = tuple(tokens[i : i + 2]) == pair
        out.append(pair[0] + pair[1] if both else tokens[i])
        i += 2 if both else 1
    return out


def pairs(tokens: list[str]) -> Counter[tuple[str, str]]:
    """How often joining each pair would join it."""
    counts, last = Counter[tuple[str, str]](), None
    for pair in zip(tokens, tokens[1:], strict=False):
        if pair == last:  # the second of a, a, a: its first a is taken
            last = None
        else:
            counts[pair] += 1
            last = pair
    return counts


def ranks_of(merges: list[tuple[Token, Token]]) -> dict[tuple[Token, Token], int]:
    """When each was learned, the first time."""
    ranks = dict[tuple[Token, Token], int]()
    for i, pair in enumerate(merges):
        ranks.setdefault(pair, i)
    return ranks


def merged(tokens: list[Token], ranks: dict[tuple[Token, Token], int]) -> list[Token]:
    """The tokens after all merges, the earliest learned first."""
    while len(tokens) > 1:
        neighbors = zip(tokens, tokens[1:], strict=False)
        first = min(neighbors, key=lambda pair: ranks.get(pair, math.inf))
        if first not in ranks:
            break
        tokens = joined(tokens, first)
    return tokens


class SimpleBPE:
    """Learns merges from words. Source: Sennrich and others, 2016, section 3.2."""

    def __init__(self) -> None:
        self.merges: list[tuple[str, str]] = []

    def train(self, corpus: list[str], num_merges: int) -> None:
        self.merges = []
        times = Counter(corpus)
        words = {word: [*word, "</w>"] for word in times}
        counts, where = Counter[tuple[str, str]](), defaultdict[tuple[str, str], set[str]](set)

        def count(word: str, sign: int) -> None:
            for pair, n in pairs(words[word]).items():
                counts[pair] += sign * n * times[word]
                where[pair].add(word)
                if not counts[pair]:
                    del counts[pair]

        for word in words:
            count(word, 1)
        while counts and len(self.merges) < num_merges:
            best = max(counts, key=lambda pair: (counts[pair], pair))
            self.merges.append(best)
            for word in where.pop(best):
                count(word, -1)
                words[word] = joined(words[word], best)
                count(word, 1)

    def encode(self, text: str) -> list[str]:
        ranks = ranks_of(self.merges)
        return [token for word in text.split() for token in merged([*word, "</w>"], ranks)]


class Tokenizer:
    """Text to ids and back, on bytes: every text, and nothing is lost."""

    def __init__(
        self,
        vocab: dict[int, bytes],
        merges: list[tuple[bytes, bytes]],
        special_tokens: list[str] | None = None,
    ) -> None:
        self.vocab = dict(vocab)
        self.ids = {token: i for i, token in self.vocab.items()}
        for name in special_tokens or []:
            if name.encode() not in self.ids:
                self.ids[name.encode()] = new = max(self.vocab) + 1
                self.vocab[new] = name.encode()
        self.ranks = ranks_of(merges)
        longest_first = sorted(special_tokens or [], key=len, reverse=True)
        names = "|".join(map(re.escape, longest_first)) or "(?!)"  # nothing matches (?!)
        begun = {re.escape(name[:n]) for name in longest_first for n in range(1, len(name))}
        self.special = re.compile(f"({names})")
        self.open = re.compile(f"(?:{'|'.join(begun) or '(?!)'})\\Z|({names})")

    def encode(self, text: str) -> list[int]:
        ids = []
        for i, part in enumerate(self.special.split(text)):
            if i % 2:
                ids.append(self.ids[part.encode()])
                continue
            for word in re.findall(WORDS, part):
                tokens = merged([bytes([b]) for b in word.encode()], self.ranks)
                ids += [self.ids[token] for token in tokens]
        return ids

    def encode_iterable(self, iterable: Iterable[str]) -> Iterator[int]:
        text = ""
        for piece in iterable:
            text += piece
            end = self.settled(text)
            yield from self.encode(text[:end])
            text = text[end:]
        yield from self.encode(text)

    def settled(self, text: str) -> int:
        """How many characters have their ids, whatever comes next."""
        start, end = 0, len(text)
        for found in self.open.finditer(text):
            if found[1] is None:  # what may become a special token
                end = found.start()
            else:
                start = found.end()
        words = [*re.finditer(WORDS, text[start:end])]
        return start + words[-1].start() if words else end  # the last one may grow

    def decode(self, ids: list[int]) -> str:
        return b"".join(self.vocab[i] for i in ids).decode(errors="replace")


# Something to look at: what merges save, and what training costs.
if __name__ == "__main__":
    import time

    import torch

    prose = " ".join(str(getattr(torch, name).__doc__) for name in dir(torch))[:100_000]
    words = prose.split()
    bpe, start = SimpleBPE(), time.perf_counter()
    bpe.train(words, 200)
    seconds = time.perf_counter() - start
    print(f"{len(words):,} words of torch's help, {len(set(words)):,} different")
    print(f"200 merges in {seconds:.2f} s; the last 5: {bpe.merges[-5:]}")
    learned = bpe.merges
    for count in (0, 50, 100, 200):
        bpe.merges = learned[:count]
        tokens = len(bpe.encode(prose[:20_000]))
        print(f"{count:3} merges: {20_000 / tokens:.2f} characters per token")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
