"""Text as tokens, the slow way: byte pair encoding that counts and joins everything anew."""

import functools
import random
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

Pair = tuple[Any, Any]  # of two str or two bytes


def drawn(seed: int, letters: str = "aabbc", n: int = 120, once: bool = False) -> str:
    """A text of n words of few letters, some of them often; or n / 2 words, each once."""
    draw = random.Random(seed)
    some = ["".join(draw.choices(letters, k=draw.randint(1, 8))) for _ in range(n // 2)]
    often = draw.choices(some, [1 / (i + 1) for i in range(len(some))], k=n)
    return " ".join(some if once else often)


@functools.cache
def merges_of(corpus: tuple[str, ...], num_merges: int, overlap: bool = False) -> list[Pair]:
    """The merges of words, all pairs counted anew for each; of equal counts the greater pair."""
    words, merges = [[*word, "</w>"] for word in corpus], list[Pair]()
    while len(merges) < num_merges:
        counts = Counter[Pair]()
        for word, times in Counter(map(tuple, words)).items():
            neighbors = [*zip(word, word[1:], strict=False)]
            for pair in set(neighbors):
                once = len(word) - len(spell(word, [pair]))
                counts[pair] += times * (neighbors.count(pair) if overlap else once)
        if not counts:
            break
        most = max(counts.values())
        merges.append(max(pair for pair in counts if counts[pair] == most))
        words = [spell(word, merges[-1:]) for word in words]
    return merges


def spell(tokens: Sequence[Any], merges: Iterable[Pair]) -> list[Any]:
    """The tokens after one merge after another, each from left to right."""
    for pair in merges:
        out = list[Any]()
        for token in tokens:
            if out and (out[-1], token) == pair:
                out[-1] += token  # longer than either of the pair: it joins no further
            else:
                out.append(token)
        tokens = out
    return [*tokens]


def table(pairs: str, order: int, *more: bytes) -> tuple[list[Pair], dict[int, bytes]]:
    """Merges of bytes from "ab;ab/c", and a vocab; with order -1 the last byte has id 0."""
    two = [p.split("/", 1) if len(p) > 2 else [*p] for p in pairs.split(";") if p]
    merges: list[Pair] = [(a.encode("latin-1"), b.encode("latin-1")) for a, b in two]
    vocab = {(i if order > 0 else 255 - i): bytes([i]) for i in range(256)}
    made = [a + b for a, b in merges] + [*more]
    return merges, vocab | {256 + i * (2 - order): m for i, m in enumerate(made)}


def ids_of(
    text: str, vocab: dict[int, bytes], merges: list[Pair], names: Collection[str] = ()
) -> list[int]:
    """Ids by a search from left to right; of the names that begin at a place, the longest."""
    number = {token: i for i, token in vocab.items()}
    found, before, i = list[int](), "", 0
    while i <= len(text):
        name = max((n for n in names if text.startswith(n, i)), key=len, default="")
        if name or i == len(text):
            for word in re.findall(r" ?\w+| ?[^\w\s]+|\s+", before):
                found += [number[t] for t in spell([bytes([b]) for b in word.encode()], merges)]
            found += [number[name.encode()]] if name else []
            before = ""
        else:
            before += text[i]
        i += len(name) or 1
    return found
