"""What challenge_custom_dataset_paths.py requires. A mapping that notes its reads is the disk."""

import copy
import pickle
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from checks.models_and_files import raises
from checks.tools import attempt, same, tensor

NAMES = ["ant.pt", "bee.pt", "ant.pt", "cat.pt", "bee.pt"]  # the paths of the pairs
FILES = {
    "ant.pt": torch.tensor([1.0, 2.0]),
    "bee.pt": torch.tensor([[200, 7]], dtype=torch.uint8),
    "cat.pt": torch.arange(6).double().reshape(2, 3).t(),
    "never asked for.pt": torch.tensor(7),
}


def rows(PathLabelDataset):
    pairs = [(name, 10 * i) for i, name in enumerate(NAMES)]
    dataset, other = (made(PathLabelDataset, order) for order in (pairs, pairs[::-1]))
    for it, order in ((dataset, pairs), (other, pairs[::-1])):
        n, paths = len(it), [path for path, _ in order]
        assert n == 5, f"pairs of the paths {paths}: len is {n}, want 5"
        for index in (0, 1, 2, 3, 4, 0):
            x, y = row_of(it, index)
            path, label = order[index]
            what = f"pairs of the paths {paths}, dataset[{index}]"
            same(tensor(x, what), FILES[path], f"{what}: x")
            assert int(y) == label, f"{what}: label {int(y)}, want {label}"


def label(PathLabelDataset):
    given = [3, np.int32(0), np.uint8(200), 2**40, np.int64(-5)]
    dataset = made(PathLabelDataset, list(zip(NAMES, given, strict=True)))
    for index, value in enumerate(given):
        what = f"dataset[{index}], label {value!r} in its pair"
        y = tensor(row_of(dataset, index)[1], f"{what}: the label")
        assert y.dtype == torch.int64, f"{what}: the label is {y.dtype}, want torch.int64"
        assert y.shape == (), f"{what}: the label has shape {tuple(y.shape)}, want ()"
        assert y.item() == value, f"{what}: the label is {y.item()}"


def unknown(PathLabelDataset):
    files = {name: torch.ones(2) for name in ("ant.pt", "bee.pt", "gnu.pt")}
    for missing in ("gnu 1.pt", Path("gnu 1.pt")):
        for place in (0, 1, 2):
            pairs = [("ant.pt", 0), ("bee.pt", 1)]
            pairs.insert(place, (missing, 2))
            what = f"__init__, paths {listed(path for path, _ in pairs)}, keys {listed(files)}"
            message = raises((KeyError,), what, PathLabelDataset, pairs, Disk(files))
            what += f": the message {message!r} has"
            assert "gnu 1.pt" in message, f"{what} not 'gnu 1.pt'"
            others = [key for key in files if key in message.replace("gnu 1.pt", "")]
            assert not others, f"{what} {others}, want 'gnu 1.pt' alone"


def lazy(PathLabelDataset):
    for transform in (None, torch.neg):
        disk, told = Disk(FILES), f", transform {'torch.neg' if transform else 'None'}"
        given = [(name, 1) for name in NAMES]
        dataset = made(PathLabelDataset, given, disk, transform=transform)
        assert not disk.read, f"__init__{told}: it read {disk.read}, want nothing read"
        for index in (0, 1, 2, 3, 4, 0, 0):
            disk.read.clear()
            row_of(dataset, index)
            want = [NAMES[index]]
            assert disk.read == want, f"dataset[{index}]{told}: it read {disk.read}, want {want}"


def transform(PathLabelDataset):
    seen, pairs = [], [(name, 1) for name in NAMES]

    def tripled(x):
        seen.append(x)
        return (3 * x).tolist()

    dataset = made(PathLabelDataset, pairs, FILES, transform=tripled)
    plain = made(PathLabelDataset, pairs)
    assert not seen, f"__init__ called transform {len(seen)} times, want 0"
    for index in (0, 1, 4, 0):
        seen.clear()
        x, want = row_of(dataset, index)[0], (3 * FILES[NAMES[index]]).tolist()
        what = f"dataset[{index}], transform: 3 * x as a list"
        assert len(seen) == 1, f"{what}: it was called {len(seen)} times, want 1"
        assert type(x) is list and x == want, f"{what}: x is {x!r}, want {want}"
    kind = type(row_of(plain, 0)[0]).__name__
    assert kind == "Tensor", f"another dataset without a transform: x is a {kind}, want a Tensor"


def loader(PathLabelDataset):
    """11 rows in shuffled batches of 4, each once, each with its label; a transform that crops."""
    files = {f"{i}.pt": torch.full((3 + i,), float(i)) for i in range(11)}
    pairs = [(f"{i}.pt", 10 * i) for i in range(11)]
    dataset = made(PathLabelDataset, pairs, files, transform=lambda x: x[:2] + 1)
    kind = type(dataset).__mro__[1].__name__
    assert isinstance(dataset, Dataset), f"PathLabelDataset is derived from {kind}, want Dataset"
    what = "DataLoader, 11 rows, batch_size=4, shuffle=True"
    batches = list(DataLoader(dataset, batch_size=4, shuffle=True))
    sizes = [tuple(x.shape) for x, _ in batches]
    assert sizes == [(4, 2), (4, 2), (3, 2)], f"{what}: x of {sizes}, want 4, 4, 3 rows of 2"
    x, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
    got = sorted(zip(x[:, 0].tolist(), y.tolist(), strict=True))
    want = [(i + 1.0, 10 * i) for i in range(11)]
    assert got == want, f"{what}: (first number of x, label), sorted: {got}, want {want}"


def indices(PathLabelDataset):
    dataset = made(PathLabelDataset, [(name, 10 * i) for i, name in enumerate(NAMES)])
    for index in (-1, -5, -2):
        got, want = int(row_of(dataset, index)[1]), 10 * (index + 5)
        assert got == want, f"5 pairs, labels 0 to 40: dataset[{index}] has {got}, want {want}"
    for index in (5, 8, -6):
        raises((IndexError,), f"5 pairs, dataset[{index}]", lambda i: dataset[i], index)


def spelling(PathLabelDataset):
    deep = Path("deep", "ant.pt")
    files = {
        "ant.pt": torch.tensor(1),
        Path("bee.pt"): torch.tensor(2),
        str(deep): torch.tensor(3),
        Path("cat.pt"): torch.tensor(4),
    }
    names = [(name, i) for i, name in enumerate(("ant.pt", "bee.pt", str(deep), "cat.pt"), 1)]
    for path, value in [(kind(name), i) for name, i in names for kind in (Path, str)]:
        what = f"a pair with {shown(path)}, keys {listed(files)}"
        dataset = attempt(what, PathLabelDataset, [(path, 5)], Disk(files))
        got = attempt(f"{what}, dataset[0]", lambda d: d[0], dataset)[0]
        same(tensor(got, what), torch.tensor(value), f"{what}: x")


def copies(PathLabelDataset):
    files = copy.deepcopy(FILES)
    pairs = [(name, 10 * i) for i, name in enumerate(NAMES)]
    for how, more in (
        ("its x set to 0 by the caller", {}),
        ("transform: x.mul_(3)", {"transform": lambda x: x.mul_(3)}),
    ):
        dataset = made(PathLabelDataset, pairs, files, **more)
        for index in (0, 1, 3, 0):
            path, what = NAMES[index], f"dataset[{index}], {how}"
            x = row_of(dataset, index)[0]
            if not more:
                x.zero_()
            same(files[path], FILES[path], f"{what}: then the mapping's tensor")
            want = 3 * FILES[path] if more else FILES[path]
            again, number = row_of(dataset, index)
            same(again, want, f"{what}: x of the next access")
            if isinstance(number, torch.Tensor):
                old = int(number)
                number.sub_(1)
                new = int(row_of(dataset, index)[1])
                told = f"dataset[{index}], 1 taken off its label {old} in place"
                assert new == old, f"{told}: the next access has the label {new}, want {old}"


def pairs(PathLabelDataset):
    given = [(name, 10 * i) for i, name in enumerate(NAMES)]
    for what, some in (
        ("5 pairs from an iterator", iter(given)),
        ("5 pairs in a list that is changed later", list(given)),
    ):
        dataset = made(PathLabelDataset, some, told=what)
        if isinstance(some, list):
            some[0] = ("never asked for.pt", 99)
            some.pop()
        n = attempt(f"{what}, len", len, dataset)
        assert n == 5, f"{what}: len is {n}, want 5"
        got = [int(row_of(dataset, index)[1]) for index in range(5)]
        assert got == [0, 10, 20, 30, 40], f"{what}: labels {got}, want [0, 10, 20, 30, 40]"
    n = len(made(PathLabelDataset, [], {}, told="no pairs, no files"))
    assert n == 0, f"no pairs: len is {n}, want 0"


def workers(PathLabelDataset):
    given = [("ant.pt", 3), ("bee.pt", 4)]
    plain = made(PathLabelDataset, given, dict(FILES))
    dataset = made(PathLabelDataset, given, dict(FILES), transform=torch.clone)
    for when, one in (
        ("without a transform", plain),
        ("new", dataset),
        ("after an access", dataset),
    ):
        what = f"a dataset, {when}, whose arguments can be pickled"
        try:
            with where_pickle_looks(PathLabelDataset):
                again = pickle.loads(pickle.dumps(one))
        except Exception as error:
            raise AssertionError(f"{what}: to pickle it gives {error!r}") from error
        for index, path in enumerate(("ant.pt", "bee.pt")):
            x, y = row_of(again, index)
            same(x, FILES[path], f"{what}, pickled and loaded, dataset[{index}]: x")
            assert int(y) == index + 3, f"{what}, pickled and loaded: label {int(y)}"
        row_of(one, 0)


CORE = (rows, label, unknown, lazy, transform, loader)
EDGES = (indices, spelling, copies, pairs, workers)


class Disk(Mapping):
    """Like a dict, and notes which of its values were read."""

    def __init__(self, files):
        self.files, self.read = files, []

    def __getitem__(self, key):
        self.read.append(key)
        return self.files[key]

    def __contains__(self, key):
        return key in self.files

    def __iter__(self):
        return iter(self.files)

    def __len__(self):
        return len(self.files)


def made(PathLabelDataset, pairs, files=None, told="", **more):
    what = told or f"PathLabelDataset of {len(pairs) if isinstance(pairs, list) else 'some'} pairs"
    files = files if files is not None else Disk(copy.deepcopy(FILES))
    return attempt(what, PathLabelDataset, pairs, files, **more)


def row_of(dataset, index):
    row = attempt(f"dataset[{index}]", lambda i: dataset[i], index)
    is_pair = isinstance(row, tuple) and len(row) == 2
    assert is_pair, f"dataset[{index}] is a {type(row).__name__}, want a tuple (x, label)"
    return row


def where_pickle_looks(kind):
    """Classes of the answer are found by the name of its module, wherever it was loaded from."""
    module = types.ModuleType(kind.__module__)
    vars(module).update(getattr(kind.__getitem__, "__globals__", {}))
    setattr(module, kind.__qualname__, kind)
    return patch.dict(sys.modules, {kind.__module__: module})


def shown(path):
    return f"Path({str(path)!r})" if isinstance(path, Path) else repr(path)


def listed(paths):
    return f"[{', '.join(map(shown, paths))}]"
