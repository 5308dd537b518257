"""A dataset of paths: the list is known, the files stay closed until somebody asks for a row.

Images lie on disk, and a list says what each one shows. Here a mapping plays the disk: to read the
value of a key is to open a file.

    path_label_pairs    iterable of pairs (path, label), maybe empty, read once, by __init__; path:
                        str or pathlib.Path; label: Python or NumPy integer; each pair is a row,
                        also if its path came before
    path_to_tensor      collections.abc.Mapping, path -> Tensor; its keys are str or pathlib.Path;
                        "x.pt" and Path("x.pt") are the same path, in keys and in pairs alike; a str
                        is spelled as pathlib prints it, so no "./x.pt" comes
    transform           None, or a callable that takes a Tensor
    len(dataset)        number of pairs
    dataset[index]      (x, label) of this pair: x is the path's tensor or, with a transform,
                        what this returns for it, of any type; label is an int64 Tensor of shape ()

It works in a DataLoader. index -1 is the last row; past either end: IndexError. A pair whose path
the mapping has not: KeyError from __init__, whose message has this path and none that is there.
__init__ may list and look for keys, but reads no value. An access reads one value, its own, once;
nothing is kept for the next one. transform is called once in each access and not elsewhere.
transform and the caller may change in place what they get, x and label, and the caller the list of
pairs: neither the mapping's tensors nor later accesses change.

Ask yourself: when do you want to hear that a file is missing? Who else holds the tensor you return?
Guide: https://docs.pytorch.org/tutorials/beginner/data_loading_tutorial.html
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


class PathLabelDataset(Dataset[tuple[Any, Tensor]]):
    def __init__(
        self,
        path_label_pairs: Iterable[tuple[str | Path, int]],
        path_to_tensor: Mapping[str | Path, Tensor],
        transform: Callable[[Tensor], Any] | None = None,
    ) -> None:
        raise NotImplementedError("PathLabelDataset.__init__")

    def __len__(self) -> int:
        raise NotImplementedError("PathLabelDataset.__len__")

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        raise NotImplementedError("PathLabelDataset.__getitem__")


def check(PathLabelDataset):
    torch.manual_seed(0)
    deep = Path("deep", "ant.pt")
    files = {
        "ant.pt": torch.randn(2, 3),
        Path("bee.pt"): torch.randint(256, (4,), dtype=torch.uint8),
        str(deep): torch.randn(3, 5).double().t(),
        Path("cat.pt"): torch.tensor(7),
        "never asked for.pt": torch.randn(2, 3),
    }
    rows = [  # path in the pair, its label, how the mapping spells it
        (Path("ant.pt"), 3, "ant.pt"),
        (deep, np.int32(0), str(deep)),
        ("bee.pt", np.uint8(200), Path("bee.pt")),
        ("ant.pt", 1, "ant.pt"),
        (Path("cat.pt"), 2**40, Path("cat.pt")),
        (Path("bee.pt"), np.int64(-5), Path("bee.pt")),
        ("ant.pt", 3, "ant.pt"),
    ]
    check_rows(PathLabelDataset, list, rows, files)
    check_rows(PathLabelDataset, iter, rows, files)
    n = len(found("no pairs", PathLabelDataset, [], {}))
    assert n == 0, f"no pairs: len {n}, want 0"
    check_unknown(PathLabelDataset)
    check_loader(PathLabelDataset)


def check_rows(PathLabelDataset, kind, rows, files):
    """Two datasets on one disk, one with a transform; the order of their pairs differs."""
    disk, seen, original = Disk(files), [], copy.deepcopy(files)
    pairs = [row[:2] for row in rows]
    given, given_too = kind(pairs), kind(pairs[::-1])

    def triple(tensor):
        seen.append(tensor)
        return tensor.mul_(3).tolist()

    n, what = len(rows), f"{len(rows)} pairs in a {kind.__name__}"
    made = f"{what}, paths {[path for path, _ in pairs]}, files {list(files)}"
    plain = found(made, PathLabelDataset, given, disk)
    tripled = found(made, PathLabelDataset, given_too, disk, transform=triple)
    assert isinstance(plain, Dataset), f"{type(plain)} is no torch.utils.data.Dataset"
    assert not disk.read, f"construction read {disk.read}, want nothing read"
    assert not seen, f"construction called transform {len(seen)} times, want 0"
    if kind is list:
        given[0] = given_too[0] = ("never asked for.pt", 99)
        given.pop()
    assert (len(plain), len(tripled)) == (n, n), f"{what}: len {len(plain)}, {len(tripled)}"
    for index in (*range(-n, n), 0, 0):
        for dataset, order in ((plain, rows), (tripled, rows[::-1])):
            path, label, key = order[index]
            want = original[key]
            row = f"{what}, dataset[{index}], pair ({path!r}, {label})"
            disk.read.clear()
            x, y = found(row, lambda d, i: d[i], dataset, index)
            assert disk.read == [key], f"{row} read {disk.read}, want {[key]}"
            same(y, torch.tensor(int(label)), f"{row}: label")
            y.sub_(1)  # the caller's own, like x
            if dataset is plain:
                same(x, want, f"{row}: x")
                x.zero_()
            else:
                right = (want * 3).tolist()
                assert x == right, f"{row}, transform 3 * x as a list: {x}, want {right}"
                assert len(seen) == 1, f"{row} called transform {len(seen)} times, want 1"
                seen.clear()
            after = "the mapping's tensor after transform and caller changed theirs in place"
            same(files[key], want, f"{row}: {after}")
    for index in (n, n + 3, -n - 1):
        must_raise(IndexError, f"{what}, dataset[{index}]", lambda i: plain[i], index)


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


def same(got, want, what):
    assert isinstance(got, Tensor), f"{what} is a {type(got)}, want a Tensor"
    torch.testing.assert_close(got, want, rtol=0, atol=0, msg=lambda m: f"{what}\n{m}")


def found(what, call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except (LookupError, ValueError) as error:
        raise AssertionError(f"{what}: {error!r}, want no error") from error


def must_raise(kind, what, call, *args):
    try:
        got = call(*args)
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}, want {kind.__name__}") from error
    raise AssertionError(f"{what} gave {got}, want {kind.__name__}")


def check_unknown(PathLabelDataset):
    for missing in ("gnu 1.pt", Path("gnu 1.pt")):
        for place in (0, 1, 2):
            pairs = [("ant.pt", 0), (Path("bee.pt"), 1)]
            pairs.insert(place, (missing, 2))
            disk = Disk({"ant.pt": torch.ones(2), "bee.pt": torch.ones(2), "gnu.pt": torch.ones(2)})
            what = f"construction with {pairs} and files {list(disk)}"
            error = must_raise(KeyError, what, PathLabelDataset, pairs, disk)
            named = [path for path in ("ant.pt", "bee.pt", "gnu 1.pt") if path in str(error)]
            assert named == ["gnu 1.pt"], f"{what}: {error!r} has {named}, want 'gnu 1.pt' alone"


def check_loader(PathLabelDataset):
    """11 rows in shuffled batches of 4, each once, each with its label; a transform that crops."""
    files = {f"{i}.pt": torch.full((3 + i,), float(i)) for i in range(11)}
    dataset = PathLabelDataset([(f"{i}.pt", 10 * i) for i in range(11)], files, lambda t: t[:2] + 1)
    batches = list(DataLoader(dataset, batch_size=4, shuffle=True))
    sizes = [tuple(x.shape) for x, _ in batches]
    assert sizes == [(4, 2), (4, 2), (3, 2)], f"DataLoader, batch_size=4, 11 rows: x of {sizes}"
    x, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
    assert y.dtype == torch.int64, f"DataLoader: labels are {y.dtype}, want torch.int64"
    rows = sorted(zip(x.tolist(), y.tolist(), strict=True))
    want = [([i + 1.0] * 2, 10 * i) for i in range(11)]
    assert rows == want, f"DataLoader: rows, sorted: {rows}, want {want}"


if __name__ == "__main__":
    try:
        check(PathLabelDataset)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_custom_dataset_paths.py")
