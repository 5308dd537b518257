"""What buggy_code_1.py requires.

products and features get a file that can be read any way and has several lines: how lines are read
is tried in `lines` alone, where numbers are so small that every dtype holds them.
"""

import io

import torch
from torch.utils.data import DataLoader

from checks.hunts import attempt
from checks.tools import tensor

DTYPES = (torch.bfloat16, torch.float16, torch.float32, torch.float64)
BOUGHT = ((257, 681, 1, 0), (2049, 4099, 12), (16_777_217, 20_000_000, 19_999_999))


class File(io.StringIO):
    """An open file that starts anew whenever it is read."""

    def __iter__(self):
        self.seek(0)
        return self


def products(ProductDataset):
    many = tuple(torch.randperm(998)[:300].tolist())
    for dtype in DTYPES:
        for bought in (*BOUGHT, many):
            rows = [(i / 8, -1.25, product) for i, product in enumerate(bought)]
            data, what = made(ProductDataset, rows, dtype), f"dtype {dtype}"
            for i, product in enumerate(bought):
                y = tensor(item(data, i, what)[1], f"{what}: y of line {i}")
                assert y.shape == (), f"{what}: y of line {i} has shape {tuple(y.shape)}, want ()"
                assert y.dtype == torch.int64, f"{what}: y is {y.dtype}, want torch.int64"
                line = ",".join(map(str, rows[i]))
                assert y == product, f"{what}: of line {line!r} y is {y}, want {product}"


def features(ProductDataset):
    for F in (3, 1, 5):
        rows = torch.randn(4, F, dtype=torch.float64)
        rows[0, 0], rows[1, -1], rows[2, 0] = 1 / 3, 123.456, 0.01
        rows = [[*row, i] for i, row in enumerate(rows.tolist())]
        for dtype in (*DTYPES, None):
            data = made(ProductDataset, rows, dtype)
            what = f"{F} features, {f'dtype {dtype}' if dtype else 'no dtype given'}"
            for i, row in enumerate(rows):
                check_x(item(data, i, what)[0], row[:-1], dtype or torch.float32, f"{what}: x")


def lines(ProductDataset):
    text = ["0.5,0.25,7\n", "0.5,0.25,7\n", "-1,2,0\n", "0,0,14\n", "0.25,1,12"]
    for n in (5, 1):
        what = f"a generator, {n} line{'s' * (n > 1)}, the last one {text[-1]!r}"
        data = attempt(what, ProductDataset, (line for line in text[-n:]))
        size = attempt(f"{what}: len", len, data)
        assert size == n, f"{what}: len is {size}, want {n}"
        for i, line in enumerate(text[-n:]):
            y, product = item(data, i, what)[1], int(line.split(",")[-1])
            said = y.tolist() if isinstance(y, torch.Tensor) else y
            assert said == product, f"{what}: y of line {i} is {said}, want {product}"
        loader = DataLoader(data, batch_size=2)
        batches = [y.tolist() for _, y in attempt(f"{what}: DataLoader", list, loader)]
        want = [[7, 7], [0, 14], [12]][-(n + 1) // 2 :]
        assert batches == want, f"{what}: DataLoader gives batches of y {batches}, want {want}"


CORE = (products, features, lines)
EDGES = ()


def made(ProductDataset, rows, dtype):
    file = File("".join(",".join(map(repr, row)) + "\n" for row in rows))
    given = () if dtype is None else (dtype,)
    return attempt(f"a file of {len(rows)} lines, dtype {dtype}", ProductDataset, file, *given)


def item(data, i, what):
    pair = attempt(f"{what}: dataset[{i}]", data.__getitem__, i)
    assert isinstance(pair, tuple | list), f"{what}: dataset[{i}] is {pair!r}, want (x, y)"
    assert len(pair) == 2, f"{what}: dataset[{i}] has {len(pair)} parts, want x and y"
    return pair


def check_x(x, row, dtype, what):
    """x is `row`, up to one rounding."""
    shape = tuple(tensor(x, what).shape)
    assert shape == (len(row),), f"{what} has shape {shape}, want {(len(row),)}"
    assert x.dtype == dtype, f"{what} is {x.dtype}, want {dtype}"
    pairs = zip(x.tolist(), row, strict=True)
    slack = torch.finfo(dtype).eps
    right = all(abs(got - want) <= slack * abs(want) for got, want in pairs)
    assert right, f"{what} is {x.tolist()}, want {row} up to one rounding"
