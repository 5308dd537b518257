"""What buggy_code_1.py requires.

How lines are read is tried in `lines` alone, by numbers so small that every dtype holds them.
"""

import io

import torch
from torch.utils.data import DataLoader

from checks.tools import attempt, close, equal, tensor

DTYPES = (torch.bfloat16, torch.float16, torch.float32, torch.float64)
BOUGHT = ((257, 681, 1, 0), (2049, 4099, 12), (16_777_217, 20_000_000, 19_999_999))


class File(io.StringIO):
    """An open file that starts anew whenever it is read."""

    def __iter__(self):
        self.seek(0)
        return self


def products(ProductDataset):
    for dtype in DTYPES:
        for bought in (*BOUGHT, torch.randperm(998)[:60].tolist()):
            rows = [[i / 8, -1.25, product] for i, product in enumerate(bought)]
            for row, (_, y), what in items(ProductDataset, rows, dtype):
                equal(f"{what}: y is", repr(y), repr(torch.tensor(row[-1])))


def features(ProductDataset):
    for F in (3, 1, 5):
        table = torch.randn(4, F, dtype=torch.float64)
        table[0, 0], table[1, -1], table[2, 0] = 1 / 3, 123.456, 0.01
        rows = [[*row, i] for i, row in enumerate(table.tolist())]
        for dtype in (*DTYPES, None):
            for row, (x, _), what in items(ProductDataset, rows, dtype):
                want = torch.tensor(row[:-1], dtype=torch.float64).to(dtype or torch.float32)
                close(tensor(x, f"{what}: x"), want, f"{what}: x", torch.finfo(want.dtype).eps)


def lines(ProductDataset):
    text = ["0.5,0.25,7\n", "0.5,0.25,7\n", "-1,2,0\n", "0,0,14\n", "0.25,1,12"]
    for n, batches in ((5, [[7, 7], [0, 14], [12]]), (1, [[12]])):
        what = f"a generator of {n} line{'s'[: n - 1]}, the last one {text[-1]!r}"
        data = attempt(what, ProductDataset, (line for line in text[-n:]))
        equal(f"{what}: len is", attempt(f"{what}: len", len, data), n)
        ys = [int(item(data, i, f"{what}: dataset[{i}]")[1]) for i in range(n)]
        equal(f"{what}: dataset[0] to dataset[{n - 1}] have y", ys, sum(batches, []))
        loader = attempt(f"{what}: DataLoader", list, DataLoader(data, batch_size=2))
        equal(f"{what}: DataLoader gives batches of y", [y.tolist() for _, y in loader], batches)


CORE = (products, features, lines)
EDGES = ()


def items(ProductDataset, rows, dtype):
    """(row, what the dataset gives for it, how a message calls it), one after the other."""
    text = [",".join(map(repr, row)) + "\n" for row in rows]
    what = f"dtype {dtype}" if dtype else "no dtype given"
    given = () if dtype is None else (dtype,)
    data = attempt(f"{what}, {len(rows)} lines", ProductDataset, File("".join(text)), *given)
    for i, row in enumerate(rows):
        said = f"{what}, line {i} {text[i]!r}"
        yield row, item(data, i, said), said


def item(data, i, what):
    pair = attempt(what, data.__getitem__, i)
    assert isinstance(pair, tuple | list), f"{what}: dataset[{i}] is {pair!r}, want (x, y)"
    assert len(pair) == 2, f"{what}: dataset[{i}] has {len(pair)} parts, want x and y"
    return pair
