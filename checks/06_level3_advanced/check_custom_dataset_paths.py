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

from checks.tools import attempt, equal, refuses, same, tensor

NAMES = ["ant.pt", "bee.pt", "ant.pt", "cat.pt", "bee.pt"]
PAIRS = [(name, 10 * i) for i, name in enumerate(NAMES)]
FILES = {
    "ant.pt": torch.tensor([1.0, 2.0]),
    "bee.pt": torch.tensor([[200, 7]], dtype=torch.uint8),
    "cat.pt": torch.arange(6).double().reshape(2, 3).t(),
    "never asked for.pt": torch.tensor(7),
}


def rows(PathLabelDataset):
    datasets = [(made(PathLabelDataset, order), order) for order in (PAIRS, PAIRS[::-1])]
    for dataset, order in datasets:
        what = f"pairs of the paths {[path for path, _ in order]}"
        equal(f"{what}: len is", len(dataset), 5)
        for index in (0, 1, 2, 3, 4, 0):
            x, y = row_of(dataset, index)
            same(tensor(x, what), FILES[order[index][0]], f"{what}, dataset[{index}]: x")
            equal(f"{what}, dataset[{index}]: label", int(y), order[index][1])


def label(PathLabelDataset):
    given = [3, np.int32(0), np.uint8(200), 2**53 + 1, np.int64(-5)]
    dataset = made(PathLabelDataset, list(zip(NAMES, given, strict=True)))
    for index, value in enumerate(given):
        what = f"dataset[{index}], label {value!r} in its pair"
        y = tensor(row_of(dataset, index)[1], f"{what}: the label")
        same(y, torch.tensor(value, dtype=torch.int64), f"{what}: the label")


def unknown(PathLabelDataset):
    files = {name: torch.ones(2) for name in ("ant.pt", "bee.pt", "gnu.pt")}
    for missing in ("gnu 1.pt", Path("gnu 1.pt")):
        for place in (0, 1, 2):
            pairs = [("ant.pt", 0), ("bee.pt", 1)]
            pairs.insert(place, (missing, 2))
            what = f"__init__, paths {listed(path for path, _ in pairs)}, keys {listed(files)}"
            message = refuses(PathLabelDataset, pairs, Disk(files), errors=(KeyError,), call=what)
            what += f": the message {message!r} has"
            assert "gnu 1.pt" in message, f"{what} not 'gnu 1.pt'"
            others = [key for key in files if key in message.replace("gnu 1.pt", "")]
            assert not others, f"{what} {others}, want 'gnu 1.pt' alone"


def lazy(PathLabelDataset):
    for transform, name in ((None, "None"), (torch.neg, "torch.neg")):
        disk = Disk(FILES)
        dataset = made(PathLabelDataset, PAIRS, disk, transform=transform)
        equal(f"__init__, transform {name}: it read", disk.read, [])
        for index in (0, 1, 2, 3, 4, 0, 0):
            disk.read.clear()
            row_of(dataset, index)
            equal(f"dataset[{index}], transform {name}: it read", disk.read, [NAMES[index]])


def transform(PathLabelDataset):
    seen = []

    def tripled(x):
        seen.append(x)
        return (3 * x).tolist()

    dataset = made(PathLabelDataset, PAIRS, FILES, transform=tripled)
    plain = made(PathLabelDataset, PAIRS)
    equal("calls of transform in __init__:", len(seen), 0)
    for index in (0, 1, 4, 0):
        seen.clear()
        x, what = row_of(dataset, index)[0], f"dataset[{index}], transform: 3 * x as a list"
        equal(f"{what}: calls of it:", len(seen), 1)
        want = (3 * FILES[NAMES[index]]).tolist()
        assert type(x) is list and x == want, f"{what}: x is {x!r}, want {want}"
    for gives in (None, ("a", 1.0), np.ones(2)):
        odd = made(PathLabelDataset, PAIRS, FILES, transform=lambda _, gives=gives: gives)
        x = row_of(odd, 0)[0]
        assert x is gives, f"dataset[0], transform returns {gives!r}: x is {x!r}, want just that"
    tensor(row_of(plain, 0)[0], "another dataset without a transform: x")


def loader(PathLabelDataset):
    """11 rows in shuffled batches of 4, each once, each with its label; a transform that crops."""
    files = {f"{i}.pt": torch.full((3 + i,), float(i)) for i in range(11)}
    pairs = [(f"{i}.pt", 10 * i) for i in range(11)]
    dataset = made(PathLabelDataset, pairs, files, transform=lambda x: x[:2] + 1)
    kind = type(dataset).__mro__[1].__name__
    assert isinstance(dataset, Dataset), f"PathLabelDataset is derived from {kind}, want Dataset"
    what = "DataLoader, 11 rows, batch_size=4, shuffle=True"
    batches = list(DataLoader(dataset, batch_size=4, shuffle=True))
    equal(f"{what}: x of", [tuple(x.shape) for x, _ in batches], [(4, 2), (4, 2), (3, 2)])
    x, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
    got = sorted(zip(x[:, 0].tolist(), y.tolist(), strict=True))
    want = [(i + 1.0, 10 * i) for i in range(11)]
    equal(f"{what}: (first number of x, label), sorted:", got, want)


def indices(PathLabelDataset):
    dataset = made(PathLabelDataset, PAIRS)
    for index in (-1, -5, -2):
        what = f"5 pairs, labels 0 to 40: the label of dataset[{index}] is"
        equal(what, int(row_of(dataset, index)[1]), 10 * (index + 5))
    for index in (5, 8, -6):
        get, call = dataset.__getitem__, f"5 pairs, dataset[{index}]"
        refuses(get, index, errors=(IndexError,), call=call)


def spelling(PathLabelDataset):
    deep = Path("deep", "ant.pt")
    files = {
        "ant.pt": torch.tensor(1),
        Path("bee.pt"): torch.tensor(2),
        str(deep): torch.tensor(3),
        Path("cat.pt"): torch.tensor(4),
    }
    for value, name in enumerate(("ant.pt", "bee.pt", str(deep), "cat.pt"), 1):
        for path in (Path(name), name):
            what = f"a pair with {shown(path)}, keys {listed(files)}"
            dataset = attempt(what, PathLabelDataset, [(path, 5)], Disk(files))
            got = attempt(f"{what}, dataset[0]", dataset.__getitem__, 0)[0]
            same(tensor(got, what), torch.tensor(value), f"{what}: x")


def copies(PathLabelDataset):
    files = copy.deepcopy(FILES)
    for how, more in (
        ("its x set to 0 by the caller", {}),
        ("transform: x.mul_(3)", {"transform": lambda x: x.mul_(3)}),
    ):
        dataset = made(PathLabelDataset, PAIRS, files, **more)
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
                told = f"dataset[{index}], 1 taken off its label {old} in place: the next one is"
                equal(told, int(row_of(dataset, index)[1]), old)


def pairs(PathLabelDataset):
    for what, some in (
        ("5 pairs from an iterator", iter(PAIRS)),
        ("5 pairs in a list that is changed later", list(PAIRS)),
    ):
        dataset = made(PathLabelDataset, some, told=what)
        if isinstance(some, list):
            some[0] = ("never asked for.pt", 99)
            some.pop()
        equal(f"{what}: len is", attempt(f"{what}, len", len, dataset), 5)
        got = [int(row_of(dataset, index)[1]) for index in range(5)]
        equal(f"{what}: labels", got, [0, 10, 20, 30, 40])
    none = made(PathLabelDataset, [], {}, told="no pairs, no files")
    equal("no pairs: len is", len(none), 0)


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
            equal(f"{what}, pickled and loaded: label", int(y), index + 3)
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
    row = attempt(f"dataset[{index}]", dataset.__getitem__, index)
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
