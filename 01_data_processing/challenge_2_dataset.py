"""A dataset and its loader: the contract between your data and every training loop.

A map-style dataset answers two questions: how many rows are there, and what is row i? A DataLoader
asks them in random order and builds the batches.

    TensorDataset(X, y)    X (N, *S), y (N, *R) tensors of any dtype and rank, N may be 0
      len(dataset)         N
      dataset[i]           tuple (row i of X, row i of y), of shapes S and R, for -N <= i < N;
                           both are views: nothing is copied, converted or detached
    create_sample_loader   torch.utils.data.DataLoader over a TensorDataset of num_samples rows
      one row              8 features: independent float32 draws from N(0, 1); its label, an int64
                           scalar: the position (0 to 7) of the largest of these features
      one batch            the pair x (B, 8) float32, y (B,) int64; B is batch_size, except that
                           the last batch is what is left, however short

Every epoch visits each row once, in an order drawn anew, all N! orders equally likely. Rows and
orders depend on torch's global generator, which you do not seed. No worker processes.
X and y of different length, 1 beside N too: ValueError. i outside of its range: IndexError.
TensorDataset is a torch.utils.data.Dataset that you write yourself: torch's own class of that name
may not be used, neither inside nor as a parent.

Ask yourself: what would training look like if features and labels moved apart by one row?
Guide: https://docs.pytorch.org/docs/stable/data.html
"""

import math
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


class TensorDataset(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, X: Tensor, y: Tensor) -> None:
        raise NotImplementedError("TensorDataset.__init__")

    def __len__(self) -> int:
        raise NotImplementedError("TensorDataset.__len__")

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("TensorDataset.__getitem__")


def create_sample_loader(
    batch_size: int = 4, num_samples: int = 20
) -> DataLoader[tuple[Tensor, Tensor]]:
    raise NotImplementedError("create_sample_loader")


def check(TensorDataset, create_sample_loader):
    torch.manual_seed(0)
    torchs = torch.utils.data.TensorDataset
    assert issubclass(TensorDataset, Dataset), "TensorDataset is not a torch.utils.data.Dataset"
    assert not issubclass(TensorDataset, torchs), "TensorDataset is torch's own or its child"
    with patch.object(torchs, "__init__", refuse):
        check_dataset(TensorDataset)
        check_batches(TensorDataset, create_sample_loader)
        check_randomness(create_sample_loader)


def refuse(*args, **kwargs):
    raise AssertionError("torch.utils.data.TensorDataset was used, want a class of your own")


def check_dataset(TensorDataset):
    made = []
    for N, S, R, dtypes in (
        (5, (2, 3), (), (torch.float64, torch.int64)),
        (7, (), (4,), (torch.uint8, torch.bfloat16)),
        (1, (3,), (1,), (torch.float32, torch.bool)),
        (0, (2,), (), (torch.float32, torch.int64)),
    ):
        X = torch.randint(100, (*S, N)).to(dtypes[0]).movedim(-1, 0)  # not contiguous
        y = torch.randint(100, (N, *R)).to(dtypes[1])
        rows = X.tolist(), y.tolist()
        made.append((TensorDataset(X, y), X, y, rows))
    for dataset, X, y, rows in made:
        N, name = len(X), f"X {tuple(X.shape)} {X.dtype}, y {tuple(y.shape)} {y.dtype}"
        assert len(dataset) == N, f"{name}: len(dataset) is {len(dataset)}, want {N}"
        for i in (*range(N), *range(-N, 0)):
            try:
                row = dataset[i]
            except (IndexError, RuntimeError) as error:
                raise AssertionError(f"{name}: dataset[{i}]: {error!r}, want row {i}") from error
            assert isinstance(row, tuple) and len(row) == 2, (
                f"{name}: dataset[{i}] is {row!r}, want a tuple of two"
            )
            for part, whole, values, which in zip(row, (X, y), rows, "Xy", strict=True):
                what = f"{name}: dataset[{i}], the part from {which}"
                assert isinstance(part, Tensor), f"{what}: {type(part)}, want a tensor"
                want = torch.tensor(values[i], dtype=whole.dtype)
                torch.testing.assert_close(
                    part, want, rtol=0, atol=0, msg=lambda m, what=what: f"{what}\n{m}"
                )
                assert part.untyped_storage().data_ptr() == whole.untyped_storage().data_ptr(), (
                    f"{what}: a copy, want a view"
                )
        for i in (N, -N - 1):
            must_raise(IndexError, f"{name}: dataset[{i}]", lambda d=dataset, i=i: d[i])
    leaf = torch.randn(3, 2, requires_grad=True)
    for part in TensorDataset(leaf, leaf)[1]:
        assert part.requires_grad, "a row of a tensor with requires_grad: it has none, want a view"
    for n, m in ((5, 4), (4, 5), (5, 1), (1, 5), (0, 3), (3, 0)):
        X, y = torch.randn(n, 2), torch.randn(m)
        what = f"TensorDataset of {n} rows X and {m} rows y"
        must_raise(ValueError, what, lambda X=X, y=y: TensorDataset(X, y))


def must_raise(kind, call, function):
    try:
        got = function()
    except kind:
        return
    except Exception as error:
        raise AssertionError(f"{call}: {type(error).__name__}, want {kind.__name__}") from error
    raise AssertionError(f"{call} gave {got!r}, want {kind.__name__}")


def check_batches(TensorDataset, create_sample_loader):
    for options, sizes in (
        ({}, [4, 4, 4, 4, 4]),
        ({"batch_size": 6}, [6, 6, 6, 2]),
        ({"num_samples": 9}, [4, 4, 1]),
        ({"batch_size": 3, "num_samples": 2}, [2]),
    ):
        loader, call = create_sample_loader(**options), f"create_sample_loader, {options}"
        assert isinstance(loader, DataLoader), f"{call}: {type(loader)}, want a DataLoader"
        assert isinstance(loader.dataset, TensorDataset), (
            f"{call}: it loads from {type(loader.dataset)}, want your TensorDataset"
        )
        assert loader.num_workers == 0, f"{call}: {loader.num_workers} workers, want none"
        batches = list(loader)
        for x, y in batches:
            assert x.ndim == 2 and y.shape == x.shape[:1], (
                f"{call}: a batch x {tuple(x.shape)}, y {tuple(y.shape)}, want (B, 8) and (B,)"
            )
            assert x.shape[1] == 8, f"{call}: rows of {x.shape[1]} features, want 8"
            assert x.dtype == torch.float32, f"{call}: features {x.dtype}, want torch.float32"
            assert y.dtype == torch.int64, f"{call}: labels {y.dtype}, want torch.int64"
            want = [row.index(max(row)) for row in x.tolist()]
            assert y.tolist() == want, f"{call}: a batch with labels {y.tolist()}, want {want}"
        got = [len(x) for x, _ in batches]
        assert got == sizes, f"{call}: batches of {got} rows, want {sizes}"
        for epoch in (1, 2):
            got = sorted(order_of(loader))
            assert got == list(range(sum(sizes))), (
                f"{call}, epoch {epoch}: visited rows {got}, want each of {sum(sizes)} rows once"
            )


def check_randomness(create_sample_loader):
    X = torch.tensor(rows_of(create_sample_loader(50, 2000)))
    pairs = torch.tensor([rows_of(create_sample_loader(num_samples=2)) for _ in range(150)])
    for what, hits, p in (
        ("below 0", X < 0, 0.5),
        ("within 1 of 0", X.abs() < 1, math.erf(0.5**0.5)),
        ("beyond 3 from 0", X.abs() > 3, math.erfc(3 * 0.5**0.5)),
        ("of the sign of their neighbors in the row", X[:, 1:] * X[:, :-1] > 0, 0.5),
        ("of the sign of the other row's, 2 rows each", pairs[:, 0] * pairs[:, 1] > 0, 0.5),
    ):
        share, slack = hits.double().mean().item(), 6 * (p * (1 - p) / hits.numel()) ** 0.5
        assert abs(share - p) < slack, f"features {what}: {share:.4f}, want {p:.4f} ± {slack:.4f}"

    first, second = rows_of(create_sample_loader()), rows_of(create_sample_loader())
    assert first != second, "create_sample_loader() twice: the same rows, want new draws"
    loader = create_sample_loader(2, 3)
    orders = {tuple(order_of(loader)) for epoch in range(120)}
    assert len(orders) == 6, f"3 rows came in {len(orders)} orders in 120 epochs, want all 6"

    runs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        loader = create_sample_loader()
        runs.append((rows_of(loader), order_of(loader)))
    for what, first, again, other in zip(("rows", "order of an epoch"), *runs, strict=True):
        assert first == again, f"{what}: not the same again after the same torch.manual_seed"
        assert first != other, f"{what}: the same again after another torch.manual_seed"


def rows_of(loader):
    return [x.tolist() for x, _ in (loader.dataset[i] for i in range(len(loader.dataset)))]


def order_of(loader):
    """The row numbers of one epoch, in the order in which they come."""
    number = {tuple(row): i for i, row in enumerate(rows_of(loader))}
    assert len(number) == len(loader.dataset), (
        f"create_sample_loader: {len(number)} different rows in {len(loader.dataset)}"
    )
    came = [tuple(row) for x, _ in loader for row in x.tolist()]
    strangers = set(came) - number.keys()
    assert not strangers, f"an epoch brought rows that loader.dataset does not hold: {strangers}"
    return [number[row] for row in came]


if __name__ == "__main__":
    try:
        check(TensorDataset, create_sample_loader)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_2_dataset.py")
