"""Bug hunt 1: half of our products are never predicted.

A colleague: "We moved the training from float32 to bfloat16. No error, the loss looks fine, but
about half of the catalog never comes up any more, not even on the training data."

ProductDataset(lines, dtype=torch.float32) serves the lines of a CSV file that has no header. A line
holds F numbers, the features, and last of all the product that was bought, as its index: an integer
from 0 to 20 million.

    lines         iterable of str, one at least, such as an open file; it can be read once only;
                  the last line may come without its newline
    dtype         of the features: bfloat16, float16, float32 or float64
    len(dataset)  the number of lines
    dataset[i]    x (F,)  the features of line i, rounded to dtype (by way of float64 if you like)
                  y ()    int64 tensor, whatever dtype is: the product of line i, exactly

DataLoader makes batches of it, as of any dataset.
Run this file to see the numbers, fix the class, run it again.
Guide: https://docs.pytorch.org/docs/stable/data.html
"""

import io
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


class ProductDataset(Dataset):
    def __init__(self, lines: Iterable[str], dtype: torch.dtype = torch.float32) -> None:
        rows = [line.split(",") for line in lines]
        table = torch.tensor([[float(v) for v in row] for row in rows], dtype=dtype)
        self.x, self.y = table[:, :-1], table[:, -1].long()

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.x[i], self.y[i]


def check(ProductDataset):
    torch.manual_seed(0)
    K, F, N = 998, 3, 1200
    products = [*range(K), *torch.randint(0, K, (N - K,)).tolist()]
    products = [products[i] for i in torch.randperm(N).tolist()]
    features = torch.randn(N, F, dtype=torch.float64).tolist()
    for dtype in (torch.float32, torch.bfloat16):
        data = ProductDataset(csv_file(features, products), dtype)
        came_up = {p for _, y in DataLoader(data, batch_size=64) for p in y.flatten().tolist()}
        print(f"{dtype}: {len(came_up)} of {K} products come up in an epoch")

    products[-3:] = [0, 16_777_217, 20_000_000]
    for dtype in (torch.bfloat16, torch.float16, torch.float32, torch.float64):
        data, what = ProductDataset(csv_file(features, products), dtype), f"{dtype}: "
        assert len(data) == N, f"{what}len is {len(data)} for {N} lines"
        for i in (0, 1, N - 1):
            form(data[i], F, dtype, what)
        batches = list(DataLoader(data, batch_size=64))  # the last one is shorter
        got = torch.cat([y for _, y in batches]).tolist()
        for i, (mine, right) in enumerate(zip(got, products, strict=True)):
            assert mine == right, f"{what}line {i} has product {right}, its y is {mine}"
        x = torch.cat([x for x, _ in batches])
        tol = torch.finfo(dtype).eps  # of one rounding
        torch.testing.assert_close(
            x.double(),
            torch.tensor(features, dtype=torch.float64),
            rtol=tol,
            atol=tol * 1e-3,
            msg=lambda m, w=what: f"{w}the features are not those of the file\n{m}",
        )

    for n, f in ((1, F), (2, 1), (1, 1)):
        what = f"a generator (lines: {n}, features: {f}), no dtype: "
        text = csv_file([row[:f] for row in features[-n:]], products[-n:]).getvalue().rstrip("\n")
        try:
            data = ProductDataset(line for line in text.splitlines(keepends=True))
            length, item = len(data), data[n - 1]
        except Exception as error:
            raise AssertionError(f"{what}{error!r}, want a dataset") from error
        assert length == n, f"{what}len is {length}, want {n}"
        form(item, f, torch.float32, what)
        assert item[1] == products[-1], f"{what}the last y is {item[1]}, want {products[-1]}"


def form(item: tuple[Tensor, Tensor], F: int, dtype: torch.dtype, what: str) -> None:
    for name, t, shape, kind in (("x", item[0], (F,), dtype), ("y", item[1], (), torch.int64)):
        right = isinstance(t, Tensor) and t.shape == shape
        assert right, f"{what}{name} is {t!r}, want a tensor of shape {shape}"
        assert t.dtype == kind, f"{what}{name} is {t.dtype}, want {kind}"


def csv_file(features: list[list[float]], products: list[int]) -> io.StringIO:
    rows = zip(features, products, strict=True)
    return io.StringIO("".join(",".join(map(repr, [*x, y])) + "\n" for x, y in rows))


if __name__ == "__main__":
    try:
        check(ProductDataset)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bug_1.py")
