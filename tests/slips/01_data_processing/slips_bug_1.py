"""Mistakes by the label that must refuse them, and second right answers."""

IDS = "        self.ids = {word: i for i, word in enumerate(words, FIRST)}\n"
LISTS = "        self.texts, self.labels = list(texts), list(labels)\n"
READ = "self.ids.get(word, UNKNOWN)"
SPLIT = "self.texts[i].lower().split()"
ROW = "        return torch.tensor(ids, dtype=torch.int64), self.labels[i]\n"
GET = "    def __getitem__(self, i: int) -> tuple[Tensor, int]:\n"
DEFAULT = """
from collections import defaultdict

class TextDataset(TextDataset):
    def __init__(self, texts, labels, words):
        super().__init__(texts, labels, words)
        self.ids = defaultdict(FUNCTION, self.ids)

    def __getitem__(self, i):
        ids = [self.ids[word] for word in self.texts[i].lower().split()]
        return torch.tensor(ids, dtype=torch.int64), self.labels[i]
MORE
"""
LAMBDA = DEFAULT.replace("FUNCTION", "lambda: 1")
STATE = """
    def __getstate__(self):
        state = dict(self.__dict__)
        DROPPED
        return state
"""

SLIPS = {
    "rows": {
        "unknown words have id 0": ("UNKNOWN = 1\n", "UNKNOWN = 0\n"),
        "an unknown word is an error": (READ, "self.ids[word]"),
        "unknown words left out": (
            "word in self.texts[i].lower().split()]",
            "word in self.texts[i].lower().split() if word in self.ids]",
        ),
        "ids from 1 on": ("FIRST = 2\n", "FIRST = 1\n"),
        "case counts": (SPLIT, "self.texts[i].split()"),
        "split at spaces alone": (SPLIT, 'self.texts[i].lower().split(" ")'),
        "points at a word's end left out": (SPLIT, 'self.texts[i].lower().strip(".").split()'),
        "int32": ("dtype=torch.int64", "dtype=torch.int32"),
        "a list of ids": ("torch.tensor(ids, dtype=torch.int64)", "ids"),
        "a set of the words": (SPLIT, "dict.fromkeys(" + SPLIT + ")"),
        "one table for all datasets": (
            IDS,
            "        TextDataset.ids = {word: i for i, word in enumerate(words, FIRST)}\n",
        ),
        "words numbered in alphabetical order": (
            "enumerate(words, FIRST)",
            "enumerate(sorted(words), FIRST)",
        ),
        "the number of words for len": ("return len(self.texts)", "return len(self.ids)"),
        "defaultdict(int)": DEFAULT.replace("FUNCTION", "int").replace("MORE", ""),
        "float labels": (ROW, ROW.replace("self.labels[i]", "float(self.labels[i])")),
        "the row before": (ROW, ROW.replace("self.labels[i]", "self.labels[i - 1]")),
    },
    "workers": {
        "the table is not sent": (
            GET,
            STATE.replace("DROPPED", 'del state["ids"]')[1:] + "\n" + GET,
        ),
        "a lambda as before": LAMBDA.replace("MORE", STATE.replace("DROPPED", "pass")),
        "a lambda with a name": "unknown = lambda: 1\n"
        + DEFAULT.replace("FUNCTION", "unknown").replace("MORE", ""),
        "an empty table is sent": (
            GET,
            STATE.replace("DROPPED", 'state["ids"] = {}')[1:] + "\n" + GET,
        ),
        "texts are not sent": (
            GET,
            STATE.replace("DROPPED", 'state["texts"] = []')[1:] + "\n" + GET,
        ),
        "a method made on the way": (
            IDS,
            IDS + "        self.id_of = lambda word: self.ids.get(word, UNKNOWN)\n",
        ),
        "a table of the module": """
IDS = {}

class TextDataset(TextDataset):
    def __init__(self, texts, labels, words):
        super().__init__(texts, labels, words)
        IDS.clear()
        IDS.update(self.ids)
        self.words = tuple(words)

    def __getstate__(self):
        return {"texts": self.texts, "labels": self.labels, "words": self.words}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.ids = dict(IDS)
""",
        "tables of the module, by number": """
TABLES = {}

class TextDataset(TextDataset):
    def __init__(self, texts, labels, words):
        super().__init__(texts, labels, words)
        self.key = len(TABLES)
        TABLES[self.key] = self.ids
        del self.ids

    def __getitem__(self, i):
        ids = [TABLES[self.key].get(w, UNKNOWN) for w in self.texts[i].lower().split()]
        return torch.tensor(ids, dtype=torch.int64), self.labels[i]
""",
        "tables of the class, by number": """
class TextDataset(TextDataset):
    tables = []

    def __init__(self, texts, labels, words):
        super().__init__(texts, labels, words)
        self.key = len(self.tables)
        self.tables.append(self.ids)
        del self.ids

    def __getitem__(self, i):
        ids = [self.tables[self.key].get(w, UNKNOWN) for w in self.texts[i].lower().split()]
        return torch.tensor(ids, dtype=torch.int64), self.labels[i]
""",
        "sent once, then not again": """
class TextDataset(TextDataset):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.find = lambda word: self.ids.get(word, 1)
""",
        "the fix for fork alone": (
            IDS,
            IDS + '        self.lock = __import__("threading").Lock()\n',
        ),
        "a generator of the words kept": (
            IDS,
            IDS + "        self.words = (word for word in words)\n",
        ),
        "words in alphabetical order there": """
class TextDataset(TextDataset):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.ids = {word: i for i, word in enumerate(sorted(self.ids), FIRST)}
""",
        "taken from the one that is sent": """
class TextDataset(TextDataset):
    def __getstate__(self):
        state = self.__dict__
        state["words"] = list(state.pop("ids"))
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.ids = {word: i for i, word in enumerate(state["words"], FIRST)}
""",
        "an error that says to use no workers": (
            GET,
            "    def __reduce__(self):\n        raise RuntimeError('num_workers=0')\n\n" + GET,
        ),
    },
    "reading": {
        "a function with a name, and the table grows": "def unknown():\n    return 1\n"
        + DEFAULT.replace("FUNCTION", "unknown").replace("MORE", ""),
        "partial, and the table grows": DEFAULT.replace(
            "FUNCTION", '__import__("functools").partial(int, 1)'
        ).replace("MORE", ""),
        "setdefault": (READ, "self.ids.setdefault(word, UNKNOWN)"),
        "a dict that is turned into one when it is sent": LAMBDA.replace(
            "MORE",
            """
    def __reduce__(self):
        return TextDataset, (self.texts, self.labels, [w for w, i in self.ids.items() if i > 1])
""",
        ),
        "rows kept in a cache": (
            ROW,
            ROW.replace("return ", "row = ")
            + "        self.__dict__.setdefault('rows', {})[i] = row\n        return row\n",
        ),
        "the texts split for good": (
            GET,
            GET + "        self.texts[i] = self.texts[i].lower()\n",
        ),
        "reads counted": (GET, GET + "        self.reads = getattr(self, 'reads', 0) + 1\n"),
    },
    "own": {
        "the caller's lists kept": (LISTS, "        self.texts, self.labels = texts, labels\n"),
        "the caller's labels kept": (
            LISTS,
            "        self.texts, self.labels = list(texts), labels\n",
        ),
        "the caller's texts kept": (
            LISTS,
            "        self.texts, self.labels = texts, list(labels)\n",
        ),
        "the caller's words kept": """
class TextDataset(TextDataset):
    def __init__(self, texts, labels, words):
        super().__init__(texts, labels, words)
        self.words = words

    def __getitem__(self, i):
        self.ids = {word: i for i, word in enumerate(self.words, FIRST)}
        return super().__getitem__(i)
""",
    },
    "ends": {
        "float ids for no words": (
            "torch.tensor(ids, dtype=torch.int64)",
            "torch.tensor(ids or [])",
        ),
        "an unknown word for no words": ("torch.tensor(ids,", "torch.tensor(ids or [UNKNOWN],"),
        "negative places refused": (
            GET,
            GET + "        if not 0 <= i < len(self):\n            raise IndexError(i)\n",
        ),
        "counted around the end": (GET, GET + "        i %= len(self)\n"),
        "ValueError past the end": (
            GET,
            GET + "        if not -len(self) <= i < len(self):\n            raise ValueError(i)\n",
        ),
        "only the end is looked at": (
            GET,
            GET + "        if i >= len(self):\n            raise IndexError(i)\n"
            "        i %= len(self)\n",
        ),
        "texts without words left out": (
            LISTS,
            "        kept = [k for k, text in enumerate(texts) if text.split()]\n"
            "        self.texts = [texts[k] for k in kept]\n"
            "        self.labels = [labels[k] for k in kept]\n",
        ),
    },
}

VARIANTS = {
    "rows kept by lru_cache": """
from functools import lru_cache

class TextDataset(TextDataset):
    @lru_cache
    def __getitem__(self, i):
        return super().__getitem__(i)
""",
    "in, not get": (READ, "self.ids[word] if word in self.ids else UNKNOWN"),
    "a dict with __missing__": """
class Ids(dict):
    def __missing__(self, word):
        return UNKNOWN

class TextDataset(Dataset):
    def __init__(self, texts, labels, words):
        self.texts, self.labels = tuple(texts), tuple(labels)
        self.ids = Ids((word, i + 2) for i, word in enumerate(words))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        words = self.texts[i].lower().split()
        return torch.LongTensor([self.ids[w] for w in words]), self.labels[i]
""",
    "ids computed at once": """
class TextDataset(Dataset):
    def __init__(self, texts, labels, words):
        ids = {word: i for i, word in enumerate(words, FIRST)}
        self.rows = [[ids.get(w.lower(), UNKNOWN) for w in text.split()] for text in texts]
        self.labels = list(labels)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return torch.tensor(self.rows[i]).long(), self.labels[i]
""",
    "the table made anew there": """
class TextDataset(TextDataset):
    def __init__(self, texts, labels, words):
        super().__init__(texts, labels, words)
        self.words = list(words)
        self.make()

    def make(self):
        self.ids = {word: i for i, word in enumerate(self.words, FIRST)}
        self.id_of = lambda word: self.ids.get(word, UNKNOWN)

    def __getitem__(self, i):
        ids = list(map(self.id_of, self.texts[i].lower().split()))
        return torch.tensor(ids, dtype=torch.int64), self.labels[i]

    def __getstate__(self):
        return {k: v for k, v in vars(self).items() if k not in ("ids", "id_of")}

    def __setstate__(self, state):
        vars(self).update(state)
        self.make()
""",
    "a defaultdict that is only asked": "def unknown():\n    return 1\n"
    + DEFAULT.replace("FUNCTION", "unknown")
    .replace("MORE", "")
    .replace("self.ids[word] for", "self.ids.get(word, self.ids.default_factory()) for"),
}
