"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

BEST = "max(counts, key=lambda pair: (counts[pair], pair))"
WHILE = "        while counts and len(self.merges) < num_merges:\n"
FRESH = "        self.merges = []\n        times = Counter(corpus)\n"
START = '{word: [*word, "</w>"] for word in times}'
ADD = "                counts[pair] += sign * n * times[word]\n"
DROP = "                if not counts[pair]:\n                    del counts[pair]\n"
SPELLED = 'return [token for word in text.split() for token in merged([*word, "</w>"], ranks)]'
RANKS = "        ranks = ranks_of(self.merges)\n"
FIRST = "min(neighbors, key=lambda pair: ranks.get(pair, math.inf))"
NEW = "                self.ids[name.encode()] = new = max(self.vocab) + 1\n"
OWN = "        self.vocab = dict(vocab)\n"
KNOWN = "            if name.encode() not in self.ids:\n"
LONGEST = "sorted(special_tokens or [], key=len, reverse=True)"
NAMES = '"|".join(map(re.escape, longest_first))'
SPLIT = "enumerate(self.special.split(text))"
ONE = "                ids.append(self.ids[part.encode()])\n"
TOKENS = "                tokens = merged([bytes([b]) for b in word.encode()], self.ranks)\n"
LOOK_UP = "                ids += [self.ids[token] for token in tokens]\n"
DECODED = 'return b"".join(self.vocab[i] for i in ids).decode(errors="replace")'
SETTLED = "            end = self.settled(text)\n"
HELD = "                end = found.start()\n"
AFTER = "                start = found.end()\n"
LAST = "return start + words[-1].start() if words else end"
SKIP = (
    "        if pair == last:  # the second of a, a, a: its first a is taken\n"
    "            last = None\n"
    "        else:\n"
    "            counts[pair] += 1\n"
    "            last = pair\n"
)
REST = "        yield from self.encode(text)\n"
RECOUNT = """
class SimpleBPE:
    def __init__(self):
        self.merges = []

    def train(self, corpus, num_merges):
        words = Counter((*word, "</w>") for word in corpus)
        self.merges = []
        for _ in range(num_merges):
            counts = Counter()
            for word, times in words.items():
                for pair, n in pairs([*word]).items():
                    counts[pair] += n * times
            if not counts:
                break
            best = sorted(counts.items(), key=lambda item: (item[1], item[0]))[-1][0]
            self.merges.append(best)
            words = Counter({tuple(joined(word, best)): n for word, n in words.items()})

    def encode(self, text):
        found = []
        for word in text.split():
            tokens = [*word, "</w>"]
            for pair in self.merges:
                tokens = joined(tokens, pair)
            found.extend(tokens)
        return found
"""
REPLACE = """
def merged(tokens, ranks):
    if not tokens or isinstance(tokens[0], bytes):
        for pair in ranks:
            tokens = joined(tokens, pair)
        return tokens
    text = " ".join(tokens)
    for a, b in ranks:
        text = text.replace(f"{a} {b}", a + b)
    return text.split(" ")
"""
LONGEST_FIRST = """
def merged(tokens, ranks):
    known, out = {a + b for a, b in ranks}, []
    while tokens:
        some = [tokens[0][:0].join(tokens[:n]) for n in range(len(tokens), 0, -1)]
        n = next((len(some) - i for i, t in enumerate(some) if t in known), 1)
        out.append(tokens[0][:0].join(tokens[:n]))
        tokens = tokens[n:]
    return out
"""
PATTERN = REPLACE.replace(
    'text.replace(f"{a} {b}", a + b)', r're.sub(rf"(?<!\S){a} {b}(?!\S)", a + b, text)'
)
CROSSING = RECOUNT.replace(
    "counts = Counter()\n",
    "every = [*words]\n"
    "            counts = Counter((a[-1], b[0]) for a, b in zip(every, every[1:]))\n",
)
UNTRAINED = """
class SimpleBPE(SimpleBPE):
    def train(self, corpus, num_merges):
        super().train(corpus, num_merges)
        self.ranks = ranks_of(self.merges)

    def encode(self, text):
        return [t for word in text.split() for t in merged([*word, "</w>"], self.ranks)]
"""
ONE_PASS = """
def merged(tokens, ranks):
    out = []
    for token in tokens:
        out.append(token)
        while len(out) > 1 and (out[-2], out[-1]) in ranks:
            out[-2:] = [out[-2] + out[-1]]
    return out
"""

SLIPS = {
    "train": {
        "trained again, it goes on": (FRESH, "        times = Counter(corpus)\n"),
        "nothing to learn, and the merges of before stay": (
            FRESH,
            "        if not corpus or not num_merges:\n            return\n" + FRESH,
        ),
        "of equal counts the first seen": (BEST, "max(counts, key=counts.get)"),
        "of equal counts the greater in print": (
            BEST,
            "max(counts, key=lambda pair: (counts[pair], str(pair)))",
        ),
        "of equal counts the greater, </w> the smallest": (
            BEST,
            "max(counts, key=lambda p: (counts[p], [t.replace('</w>', '') for t in p]))",
        ),
        "of equal counts the smaller": (
            BEST,
            "min(counts, key=lambda pair: (-counts[pair], pair))",
        ),
        "of equal counts the longer": (
            BEST,
            "max(counts, key=lambda pair: (counts[pair], len(pair[0] + pair[1]), pair))",
        ),
        "of equal counts the greater joined text": (
            BEST,
            "max(counts, key=lambda pair: (counts[pair], pair[0] + pair[1], pair))",
        ),
        "the rarest pair": (BEST, "min(counts, key=lambda pair: (counts[pair], pair))"),
        "each different word counts once": (ADD, "                counts[pair] += sign * n\n"),
        "counts of a merged word not taken off": ("                count(word, -1)\n", ""),
        "counts of the new pairs not added": (
            "                words[word] = joined(words[word], best)\n"
            "                count(word, 1)\n",
            "                words[word] = joined(words[word], best)\n",
        ),
        "only the first word with the pair merged": (
            "where.pop(best)",
            "sorted(where.pop(best))[:1]",
        ),
        "one merge too many": ("len(self.merges) < num_merges", "len(self.merges) <= num_merges"),
        "stops at pairs that occur once": (
            "            self.merges.append(best)\n",
            "            if counts[best] < 2:\n"
            "                break\n"
            "            self.merges.append(best)\n",
        ),
        "no pair left is an error": (
            WHILE,
            "        while len(self.merges) < num_merges:\n",
        ),
        "the merges belong to the class": """
class SimpleBPE(SimpleBPE):
    merges = []

    def __init__(self):
        pass

    def train(self, corpus, num_merges):
        super().train(corpus, num_merges)
        SimpleBPE.merges[:] = self.merges
""",
        "merges as joined texts": (
            "self.merges.append(best)",
            "self.merges.append(best[0] + best[1])",
        ),
        "without the end of the word": (START, "{word: [*word] for word in times}"),
        "the end glued to the last character": (
            START,
            '{word: [*word[:-1], word[-1:] + "</w>"] for word in times}',
        ),
        "all words as one text": (
            FRESH,
            FRESH.replace("Counter(corpus)", 'Counter([" ".join(corpus)])'),
        ),
        "lower case": (FRESH, FRESH.replace("(corpus)", "(word.lower() for word in corpus)")),
        "the corpus sorted in place": (FRESH, "        corpus.sort()\n" + FRESH),
        "pairs across words": CROSSING,
        "punctuation cut off": (
            FRESH,
            FRESH.replace("(corpus)", "(word.strip('.,') for word in corpus)"),
        ),
        "joined by a pattern, not escaped": (
            "words[word] = joined(words[word], best)",
            r"pattern, one = rf'(?<!\S){best[0]} {best[1]}(?!\S)', ''.join(best)"
            "\n"
            "                words[word] = re.sub(pattern, one, ' '.join(words[word])).split(' ')",
        ),
        "a pair once per word": (ADD, ADD.replace("sign * n", "sign")),
    },
    "words": {
        "only the first place of a pair in a word": (
            SPELLED,
            "def once(tokens):\n"
            "            for a, b in self.merges:\n"
            "                for i in range(len(tokens) - 1):\n"
            "                    if (tokens[i], tokens[i + 1]) == (a, b):\n"
            "                        tokens[i : i + 2] = [a + b]\n                        break\n"
            "            return tokens\n\n"
            '        return [token for word in text.split() for token in once([*word, "</w>"])]',
        ),
        "the merges from the last to the first": (
            RANKS,
            "        ranks = {pair: -i for i, pair in enumerate(self.merges)}\n",
        ),
        "the longest that was learned, not the merges in order": LONGEST_FIRST,
        "from left to right, whatever was learned first": ONE_PASS,
        "the text as one word": (SPELLED, 'return merged([*text, "</w>"], ranks)'),
        "split at single spaces": ("text.split()", 'text.split(" ")'),
        "without </w>": (SPELLED, SPELLED.replace('[*word, "</w>"]', "[*word]")),
        "each different word once": ("text.split()", "dict.fromkeys(text.split())"),
        "characters alone": (SPELLED, SPELLED.replace("ranks)]", "{})]")),
        "str.replace, which finds a pair inside longer tokens": REPLACE,
        "joined by a pattern, not escaped": PATTERN,
        "not before training": UNTRAINED,
        "cached, also after another training": (
            "    def encode(self, text: str) -> list[str]:\n",
            '    @__import__("functools").cache\n    def encode(self, text):\n',
        ),
        "lower case": ("text.split()", "text.lower().split()"),
        "the words of the first training kept": (
            SPELLED,
            "self.known = getattr(self, 'known', {})\n"
            "        for word in text.split():\n"
            '            self.known.setdefault(word, merged([*word, "</w>"], ranks))\n'
            "        return [token for word in text.split() for token in self.known[word]]",
        ),
        "the earliest pair once": """
def merged(tokens, ranks):
    known = [pair for pair in ranks if pair in zip(tokens, tokens[1:])]
    if isinstance(tokens[0], bytes):
        for pair in ranks:
            tokens = joined(tokens, pair)
        return tokens
    return joined(tokens, known[0]) if known else tokens
""",
        "a tuple comes back": (
            SPELLED,
            SPELLED.replace("[token", "tuple(token").replace("ranks)]", "ranks))"),
        ),
    },
    "ids": {
        "the longest token that is in vocab": (
            TOKENS,
            "                raw, tokens = word.encode(), []\n"
            "                while raw:\n"
            "                    n = len(raw)\n"
            "                    while raw[:n] not in self.ids:\n                        n -= 1\n"
            "                    tokens, raw = [*tokens, raw[:n]], raw[n:]\n",
        ),
        "a byte's number for its id": (
            LOOK_UP,
            "                ids += [t[0] if len(t) == 1 else self.ids[t] for t in tokens]\n",
        ),
        "merges across words": ("re.findall(WORDS, part)", "[part]"),
        "cut at white space alone": ("re.findall(WORDS, part)", r're.findall(r" ?\S+|\s+", part)'),
        "no word for a space": ("re.findall(WORDS, part)", r're.findall(r"\w+|[^\w\s]+|\s", part)'),
        "the merges from the last to the first": (
            "        self.ranks = ranks_of(merges)\n",
            "        self.ranks = {pair: -i for i, pair in enumerate(merges)}\n",
        ),
        "the shortest pair first": (
            "        self.ranks = ranks_of(merges)\n",
            "        self.ranks = ranks_of(sorted(merges, key=lambda p: len(p[0] + p[1])))\n",
        ),
        "characters in the place of bytes": (
            TOKENS,
            "                tokens = merged([c.encode() for c in word], self.ranks)\n"
            "                one = lambda b: bytes([b])\n"
            "                single = [[t] if t in self.ids else [*map(one, t)] for t in tokens]\n"
            "                tokens = sum(single, [])\n",
        ),
        "the earliest id, not the earliest merge": (
            "        self.ranks = ranks_of(merges)\n",
            "        self.ranks = {(a, b): self.ids[a + b] for a, b in sorted(merges)}\n"
            "        self.ranks = dict(zip(self.ranks, range(999)))\n",
        ),
    },
    "decode": {
        "invalid bytes are an error": (DECODED, DECODED.replace('errors="replace"', "")),
        "token by token": (
            DECODED,
            'return "".join(self.vocab[i].decode(errors="replace") for i in ids)',
        ),
        "invalid bytes left out": (DECODED, DECODED.replace("replace", "ignore")),
        "a byte order mark left out": (DECODED, DECODED.replace("(errors", '("utf-8-sig", errors')),
        "line ends made equal": (DECODED, DECODED + r'.replace("\r\n", "\n")'),
        "NUL cut off": (DECODED, DECODED + r'.rstrip("\0")'),
        "a byte's number for its id": (
            DECODED,
            DECODED.replace("self.vocab[i]", "(bytes([i]) if i < 256 else self.vocab[i])"),
        ),
        "text made canonical": (
            DECODED,
            "import unicodedata\n\n        return unicodedata.normalize('NFC', "
            + DECODED.removeprefix("return ")
            + ")",
        ),
        "normalized before": (
            TOKENS,
            "                import unicodedata\n"
            + TOKENS.replace("word.encode()", "unicodedata.normalize('NFKC', word).encode()"),
        ),
        "characters above 65535 left out": (
            TOKENS,
            TOKENS.replace("word.encode()", "''.join(c for c in word if ord(c) < 65536).encode()"),
        ),
    },
    "special": {
        "the first in the list first": (LONGEST, "list(special_tokens or [])"),
        "the shortest first": (LONGEST, "sorted(special_tokens or [], key=len)"),
        "not escaped in the pattern": (NAMES, '"|".join(longest_first)'),
        "one id, whatever surrounds it: merges go across": (
            SPLIT,
            SPLIT.replace("(text)", "(text) if len(text) < 12 else [text]"),
        ),
        "left out": (ONE, "                pass\n"),
        "ids after the number of tokens": (
            NEW,
            NEW.replace("max(self.vocab) + 1", "len(self.vocab)"),
        ),
        "ids after the last in vocab, which need not be the largest": (
            NEW,
            NEW.replace("max(self.vocab)", "[*self.vocab][-1]"),
        ),
        "new ids in the order of their length": (
            "for name in special_tokens or []:",
            "for name in sorted(special_tokens or [], key=len):",
        ),
        "a new id also for one in vocab": (KNOWN, "            if True:\n"),
        "one in vocab counted, too": (
            KNOWN,
            "            new = max(self.vocab) + 1\n            self.vocab.setdefault(new, b'')\n"
            + KNOWN,
        ),
        "vocab gets them, too": (OWN, "        self.vocab = vocab\n"),
        "the list sorted in place": (
            OWN,
            OWN + "        if special_tokens:\n            special_tokens.sort()\n",
        ),
        "spaces beside it cut off": (
            TOKENS,
            "                word = word.rstrip(' ') if part != text else word\n" + TOKENS,
        ),
        "upper or lower case": (
            're.compile(f"({names})")',
            're.compile(f"({names})", re.IGNORECASE)',
        ),
        "all of vocab's names": (
            "        longest_first",
            "        names = [t.decode() for t in self.ids if t[:2] == b'<|' and t[-1:] == b'>']\n"
            "        special_tokens = [*(special_tokens or []), *names]\n"
            "        longest_first",
        ),
        "decoded to nothing": (
            DECODED,
            DECODED.replace(
                "for i in ids)", "for i in ids if self.vocab[i] not in (b'<|end|>', b'<|'))"
            ),
        ),
    },
    "repeats": {
        "overlapping pairs": (SKIP, "        counts[pair] += 1\n"),
        "three alike count nothing": (
            SKIP,
            SKIP.replace(
                "            last = None\n",
                "            counts[pair] -= 1\n            last = None\n",
            ),
        ),
        "of four alike one": (
            SKIP,
            SKIP.replace("            last = None\n", "            pass\n"),
        ),
        "two different as well": (
            SKIP,
            SKIP.replace("pair == last", "last and pair[0] == last[1] and pair[1] == pair[0]"),
        ),
    },
    "stream": {
        "all pieces joined first": (
            '        text = ""\n        for piece in iterable:\n',
            '        text = ""\n        for piece in ["".join(iterable)]:\n',
        ),
        "each piece by itself": (SETTLED, "            end = len(text)\n"),
        "the last word not held back": (LAST, "return end"),
        "a last word of punctuation not held back": (
            LAST,
            LAST.replace("words else", "words and text[-1] not in '.,!' else"),
        ),
        "held back to the last space": (SETTLED, '            end = text.rfind(" ") + 1\n'),
        "held back to the last line": (SETTLED, '            end = text.rfind("\\n") + 1\n'),
        "half a special token not held back": (HELD, "                pass\n"),
        "half a special token held back, not the word before it": (
            LAST,
            "return start + words[-1].start() if words and end == len(text) else end",
        ),
        "one that may become longer not held back": (
            "for n in range(1, len(name))}",
            "for n in range(1, len(name)) if name[:n] not in longest_first}",
        ),
        "the word before a special token held back with it": (AFTER, "                pass\n"),
        "the last piece lost": (REST, ""),
        "the rest kept in the tokenizer": (
            '        text = ""\n        for piece in iterable:\n            text += piece\n'
            + SETTLED
            + "            yield from self.encode(text[:end])\n            text = text[end:]\n"
            + REST,
            '        self.text = ""\n'
            "        for piece in iterable:\n"
            "            self.text += piece\n"
            "            end = self.settled(self.text)\n"
            "            done, self.text = self.text[:end], self.text[end:]\n"
            "            yield from self.encode(done)\n        yield from self.encode(self.text)\n",
        ),
        "a hundred characters held back": (
            SETTLED,
            "            end = self.settled(text) if len(text) > 100 else 0\n",
        ),
    },
}

VARIANTS = {
    "all counted anew, pass by pass": RECOUNT,
    "merges pass by pass": """
def merged(tokens, ranks):
    for pair in ranks:
        tokens = joined(tokens, pair)
    return [*tokens]
""",
    "repeats by groups": """
def pairs(tokens):
    import itertools

    counts = Counter(p for p in zip(tokens, tokens[1:]) if p[0] != p[1])
    for token, group in itertools.groupby(tokens):
        n = len([*group]) // 2
        if n:
            counts[token, token] += n
    return counts
""",
    "through a heap-like order": (
        BEST,
        "sorted(counts, key=lambda pair: (counts[pair], pair), reverse=True)[0]",
    ),
    "joined with while and pop": """
def joined(tokens, pair):
    rest, out = [*reversed(tokens)], []
    while rest:
        token = rest.pop()
        if rest and (token, rest[-1]) == pair:
            token += rest.pop()
        out.append(token)
    return out
""",
    "the stream character by character, one more word held": (
        SETTLED,
        "            end = self.settled(text)\n"
        "            end = min(end, self.settled(text[:end]) or end)\n",
    ),
    "bytes decoded with a decoder": (
        DECODED,
        'import codecs\n\n        return codecs.getincrementaldecoder("utf-8")("replace").decode('
        'b"".join(map(self.vocab.__getitem__, ids)), True)',
    ),
    "ids in a generator": (
        "        return b",
        "        ids = (int(i) for i in ids)\n        return b",
    ),
}
