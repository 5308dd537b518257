"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "rows": {
        "rows on the class": ("        self.rows = [", "        type(self).rows = ["),
        "transform needed": (
            "        if self.transform is not None:\n            x = self.transform(x)\n",
            "        x = self.transform(x)\n",
        ),
        "a dict of labels": (
            "self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]",
            "self.rows = list({keys[Path(path)]: n for path, n in path_label_pairs}.items())",
        ),
        "rows sorted": (
            "self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]",
            "self.rows = sorted([(keys[Path(path)], n) for path, n in path_label_pairs], key=str)",
        ),
        "rows of the mapping": ("len(self.rows)", "len(self.path_to_tensor)"),
        "label first": (
            "return x, torch.tensor(label, dtype=torch.int64)",
            "return torch.tensor(label, dtype=torch.int64), x",
        ),
        "label of the next row": (
            "        key, label = self.rows[index]\n",
            "        key, label = self.rows[index]\n"
            "        label = self.rows[(index + 1) % len(self)][1]\n",
        ),
        "x as float": (".clone()", ".clone().float()"),
        "x with a batch dim": (".clone()", ".clone()[None]"),
        "the same path opened for every row": (
            "key, label = self.rows[index]",
            "key, label = self.rows[0][0], self.rows[index][1]",
        ),
        "rows of paths seen before left out": (
            "        self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]\n",
            "        self.rows = [(keys[Path(path)], label) for path, label in "
            "path_label_pairs]\n"
            "        self.rows = [row for i, row in enumerate(self.rows) if row[0] "
            "not in {k for k, _ in self.rows[:i]}]\n",
        ),
    },
    "label": {
        "label as it came": ("torch.tensor(label, dtype=torch.int64)", "label"),
        "label as a tensor of its own type": (", dtype=torch.int64)", ")"),
        "label as int": ("torch.tensor(label, dtype=torch.int64)", "int(label)"),
        "label by way of float": (
            "torch.tensor(label, dtype=torch.int64)",
            "torch.tensor(int(float(label)), dtype=torch.int64)",
        ),
        "float label": ("dtype=torch.int64", "dtype=torch.float32"),
        "int32 label": (
            "torch.tensor(label, dtype=torch.int64)",
            "torch.tensor(label, dtype=torch.int64).int()",
        ),
        "label of shape (1,)": ("torch.tensor(label,", "torch.tensor([label],"),
        "labels cut to a byte": (
            "torch.tensor(label, dtype=torch.int64)",
            "torch.tensor(int(label) % 256, dtype=torch.int64)",
        ),
        "label as a NumPy integer": (
            "torch.tensor(label, dtype=torch.int64)",
            "__import__('numpy').int64(label)",
        ),
    },
    "unknown": {
        "KeyError with the missing path and those there are": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        try:
            super().__init__(path_label_pairs, path_to_tensor, transform)
        except KeyError as error:
            raise KeyError(f"unknown {error}, known are {list(path_to_tensor)}") from error
""",
        "unknown path found out at the access": (
            "(keys[Path(path)], label)",
            "(keys.get(Path(path), path), label)",
        ),
        "unknown path left out": (
            "for path, label in path_label_pairs]",
            "for path, label in path_label_pairs if Path(path) in keys]",
        ),
        "ValueError for an unknown path": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        try:
            super().__init__(path_label_pairs, path_to_tensor, transform)
        except KeyError as error:
            raise ValueError(f"no file {error}") from error
""",
        "KeyError without the path": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        try:
            super().__init__(path_label_pairs, path_to_tensor, transform)
        except KeyError as error:
            raise KeyError("unknown path") from error
""",
        "KeyError with the files there are, not the one missing": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        try:
            super().__init__(path_label_pairs, path_to_tensor, transform)
        except KeyError as error:
            raise KeyError(f"unknown path, known are {list(path_to_tensor)}") from error
""",
        "KeyError with all the paths of the list": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        pairs = list(path_label_pairs)
        try:
            super().__init__(pairs, path_to_tensor, transform)
        except KeyError as error:
            raise KeyError(f"unknown path in {[str(path) for path, _ in pairs]}") from error
""",
        "FileNotFoundError for an unknown path": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        try:
            super().__init__(path_label_pairs, path_to_tensor, transform)
        except KeyError as error:
            raise FileNotFoundError(f"no file {error}") from error
""",
        "an assert for unknown paths": (
            "        self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]\n",
            "        path_label_pairs = list(path_label_pairs)\n"
            "        assert all(Path(path) in keys for path, _ in path_label_pairs)\n"
            "        self.rows = [(keys[Path(path)], label) for path, label in "
            "path_label_pairs]\n",
        ),
        "unknown path replaced by zeros": (
            "(keys[Path(path)], label)",
            "(keys.get(Path(path), next(iter(path_to_tensor))), label)",
        ),
    },
    "lazy": {
        "all files opened at construction": (
            "self.path_to_tensor = path_to_tensor",
            "self.path_to_tensor = dict(path_to_tensor)",
        ),
        "the files of the list opened at construction": (
            "self.path_to_tensor = path_to_tensor",
            "self.path_to_tensor = {key: path_to_tensor[key] for key, _ in self.rows}",
        ),
        "looked for by opening": (
            "        self.path_to_tensor = path_to_tensor\n",
            "        self.path_to_tensor = path_to_tensor\n"
            "        assert all(path_to_tensor[key] is not None for key, _ in self.rows)\n",
        ),
        "opened twice": (
            "        x = self.path_to_tensor[key].clone()\n",
            "        if self.path_to_tensor.get(key) is None:\n"
            "            raise KeyError(key)\n"
            "        x = self.path_to_tensor[key].clone()\n",
        ),
        "all files opened at each access": (
            "self.path_to_tensor[key].clone()",
            "dict(self.path_to_tensor)[key].clone()",
        ),
        "results kept": """
import functools

class PathLabelDataset(PathLabelDataset):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.row = functools.cache(super().__getitem__)

    def __getitem__(self, index):
        return self.row(index)
""",
        "tensors kept, transform each time": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cache = {}

    def __getitem__(self, index):
        key, label = self.rows[index]
        if key not in self.cache:
            self.cache[key] = self.path_to_tensor[key]
        x = self.cache[key].clone()
        if self.transform is not None:
            x = self.transform(x)
        return x, torch.tensor(label, dtype=torch.int64)
""",
        "transform at construction": (
            "        self.transform = transform\n",
            "        self.transform = None\n"
            "        if transform is not None:\n"
            "            self.path_to_tensor = {\n"
            "                key: transform(path_to_tensor[key].clone()) for key, _ in self.rows\n"
            "            }\n",
        ),
        "transform gets the path too": ("x = self.transform(x)", "x = self.transform(key, x)"),
        "next file opened ahead": (
            "        x = self.path_to_tensor[key].clone()\n",
            "        x = self.path_to_tensor[key].clone()\n"
            "        if index + 1 < len(self.rows):\n"
            "            self.ahead = self.path_to_tensor[self.rows[index + 1][0]]\n",
        ),
        "last tensor kept": (
            "        x = self.path_to_tensor[key].clone()\n",
            "        if getattr(self, 'last', (None,))[0] != key:\n"
            "            self.last = key, self.path_to_tensor[key]\n"
            "        x = self.last[1].clone()\n",
        ),
    },
    "transform": {
        "transform twice, second result used": (
            "x = self.transform(x)",
            "self.transform(x.clone())\n            x = self.transform(x)",
        ),
        "transform ignored": ("if self.transform is not None:", "if False:"),
        "transform called twice": (
            "x = self.transform(x)",
            "x = self.transform(x), self.transform(x)",
        ),
        "result of the transform not used": ("x = self.transform(x)", "self.transform(x)"),
        "a transform without result taken for one in place": (
            "            x = self.transform(x)\n",
            "            result = self.transform(x)\n"
            "            x = x if result is None else result\n",
        ),
        "arrays from the transform made tensors": (
            "            x = self.transform(x)\n",
            "            x = self.transform(x)\n"
            "            x = torch.from_numpy(x) if hasattr(x, '__array_interface__') else x\n",
        ),
        "result of the transform made a tensor": (
            "x = self.transform(x)",
            "x = torch.as_tensor(self.transform(x))",
        ),
        "transform on the class": (
            "self.transform = transform",
            "type(self).transform = transform",
        ),
        "transform tried at construction": (
            "        self.transform = transform\n",
            "        self.transform = transform\n        if transform is not None:\n"
            "            transform(torch.zeros(1))\n",
        ),
        "transform for floats only": (
            "if self.transform is not None:",
            "if self.transform is not None and x.is_floating_point():",
        ),
    },
    "loader": {
        "no Dataset": (
            "class PathLabelDataset(Dataset[tuple[Any, Tensor]])",
            "class PathLabelDataset",
        ),
    },
    "indices": {
        "negative index refused": (
            "        key, label = self.rows[index]\n",
            "        if not 0 <= index < len(self):\n"
            "            raise IndexError(index)\n"
            "        key, label = self.rows[index]\n",
        ),
        "index wraps around": ("self.rows[index]", "self.rows[index % len(self)]"),
        "negative index lifted once": (
            "        key, label = self.rows[index]\n",
            "        index += len(self) if index < 0 else 0\n"
            "        key, label = self.rows[index]\n",
        ),
        "KeyError past the end": (
            "        key, label = self.rows[index]\n",
            "        if not -len(self) <= index < len(self):\n"
            "            raise KeyError(index)\n"
            "        key, label = self.rows[index]\n",
        ),
    },
    "spelling": {
        "str and Path told apart": (
            "keys = {Path(key): key for key in path_to_tensor}\n"
            "        self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]",
            "keys = {key: key for key in path_to_tensor}\n"
            "        self.rows = [(keys[path], label) for path, label in path_label_pairs]",
        ),
        "keys have to be Path": (
            "keys = {Path(key): key for key in path_to_tensor}",
            "keys = {key: key for key in path_to_tensor}",
        ),
        "keys have to be str": (
            "keys = {Path(key): key for key in path_to_tensor}\n"
            "        self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]",
            "keys = {key: key for key in path_to_tensor}\n"
            "        self.rows = [(keys[str(path)], label) for path, label in path_label_pairs]",
        ),
        "file names compared, folders not": (
            "keys = {Path(key): key for key in path_to_tensor}\n"
            "        self.rows = [(keys[Path(path)], label)",
            "keys = {Path(key).name: key for key in path_to_tensor}\n"
            "        self.rows = [(keys[Path(path).name], label)",
        ),
    },
    "copies": {
        "labels in one tensor, views of it returned": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.labels = torch.tensor([int(label) for _, label in self.rows])

    def __getitem__(self, index):
        return super().__getitem__(index)[0], self.labels[index]
""",
        "no copy": (".clone()", ""),
        "detached, not copied": (".clone()", ".detach()"),
        "copy only for the transform": (
            "self.path_to_tensor[key].clone()\n"
            "        if self.transform is not None:\n"
            "            x = self.transform(x)",
            "self.path_to_tensor[key]\n"
            "        if self.transform is not None:\n"
            "            x = self.transform(x.clone())",
        ),
        "copy only without a transform": (
            "self.path_to_tensor[key].clone()\n"
            "        if self.transform is not None:\n"
            "            x = self.transform(x)",
            "self.path_to_tensor[key]\n"
            "        x = x.clone() if self.transform is None else self.transform(x)",
        ),
        "copy after the transform": (
            "self.path_to_tensor[key].clone()\n"
            "        if self.transform is not None:\n"
            "            x = self.transform(x)\n",
            "self.path_to_tensor[key]\n"
            "        if self.transform is not None:\n"
            "            x = self.transform(x)\n"
            "        x = x.clone() if isinstance(x, Tensor) else x\n",
        ),
        "copy kept for the next access": (
            "        x = self.path_to_tensor[key].clone()\n",
            "        stored = self.path_to_tensor[key]\n"
            "        kept = self.__dict__.setdefault('kept', {})\n"
            "        x = kept.setdefault(key, stored.clone())\n",
        ),
    },
    "pairs": {
        "columns of an empty list": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        paths, labels = zip(*path_label_pairs)
        super().__init__(zip(paths, labels), path_to_tensor, transform)
""",
        "list not copied": """
class PathLabelDataset(Dataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        self.keys = {Path(key): key for key in path_to_tensor}
        self.pairs, self.files, self.transform = path_label_pairs, path_to_tensor, transform
        for path, _ in path_label_pairs:
            if Path(path) not in self.keys:
                raise KeyError(path)

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        path, label = self.pairs[index]
        x = self.files[self.keys[Path(path)]].clone()
        x = x if self.transform is None else self.transform(x)
        return x, torch.tensor(label, dtype=torch.int64)
""",
        "generator used up by the look for files": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        keys = {Path(key) for key in path_to_tensor}
        missing = [path for path, _ in path_label_pairs if Path(path) not in keys]
        if missing:
            raise KeyError(missing)
        super().__init__(path_label_pairs, path_to_tensor, transform)
""",
        "an error for an empty list": (
            "        self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]\n",
            "        self.rows = [(keys[Path(path)], label) for path, label in "
            "path_label_pairs]\n        if not self.rows:\n"
            "            raise ValueError('no pairs')\n",
        ),
        "length of the pairs asked": (
            "        self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]\n",
            "        self.size = len(path_label_pairs)\n"
            "        self.rows = [(keys[Path(path)], label) for path, label in "
            "path_label_pairs]\n",
        ),
    },
    "workers": {
        "a lambda in place of no transform": (
            "self.transform = transform\n",
            "self.transform = transform or (lambda x: x)\n",
        ),
        "a function of __init__ kept": (
            "        self.transform = transform\n",
            "        self.transform = transform\n"
            "        self.spelled = lambda path: keys[Path(path)]\n",
        ),
        "transform wrapped in a lambda": (
            "        self.transform = transform\n",
            "        self.transform = transform and (lambda x: transform(x))\n",
        ),
        "a lock kept for the reads": (
            "        self.transform = transform\n",
            "        self.transform = transform\n"
            "        self.lock = __import__('threading').Lock()\n",
        ),
        "a generator kept": (
            "        self.transform = transform\n",
            "        self.transform = transform\n"
            "        self.names = (str(key) for key in path_to_tensor)\n",
        ),
    },
}

VARIANTS = {
    "pairs kept, spelling found by trying": """
import torch.utils.data

class PathLabelDataset(torch.utils.data.Dataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        self.pairs, self.files, self.change = list(path_label_pairs), path_to_tensor, transform
        missing = [str(path) for path, _ in self.pairs if self.spelled(path) is None]
        if missing:
            raise KeyError(f"{len(missing)} paths unknown: {', '.join(missing)}")

    def spelled(self, path):
        return next((p for p in (path, str(path), Path(path)) if p in self.files), None)

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        if not -len(self) <= i < len(self):
            raise IndexError(f"row {i} of {len(self)}")
        path, label = self.pairs[i]
        x = self.files[self.spelled(path)].detach().clone()
        return (self.change or (lambda t: t))(x), torch.as_tensor(int(label), dtype=torch.long)
""",
    "columns, labels in one tensor": """
def unchanged(x):
    return x

class PathLabelDataset(Dataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=unchanged):
        paths, labels = [*zip(*path_label_pairs)] or ((), ())
        spelled = {str(key): key for key in path_to_tensor.keys()}
        unknown = {str(path) for path in paths} - spelled.keys()
        if unknown:
            raise KeyError(sorted(unknown))
        self.keys = tuple(spelled[str(path)] for path in paths)
        self.labels = torch.tensor([int(label) for label in labels])
        self.files, self.transform = path_to_tensor, transform or unchanged

    def __len__(self):
        return self.labels.numel()

    def __getitem__(self, index):
        x = self.files[self.keys[index]]
        return self.transform(torch.empty_like(x).copy_(x)), self.labels[index].clone()
""",
    "textbook, told apart by str": """
class PathLabelDataset(Dataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        super().__init__()
        self.path_to_tensor = path_to_tensor
        self.transform = transform
        by_name = {str(key): key for key in path_to_tensor}
        self.samples = []
        for path, label in path_label_pairs:
            if str(path) not in by_name:
                raise KeyError(f"no tensor for {path}")
            self.samples.append((by_name[str(path)], int(label)))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, idx):
        path, label = self.samples[idx]
        x = torch.clone(self.path_to_tensor[path])
        if self.transform:
            x = self.transform(x)
        return x, torch.tensor(label)
""",
    "keeps out of the pickle what cannot go in": """
import threading

class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        super().__init__(path_label_pairs, path_to_tensor, transform)
        self.lock = threading.Lock()

    def __getstate__(self):
        return {key: value for key, value in vars(self).items() if key != "lock"}

    def __setstate__(self, state):
        self.__dict__ = state | {"lock": threading.Lock()}
""",
}
