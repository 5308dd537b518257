"""What challenge_2_dataset.py requires; the loader is tried by the rows of its own dataset."""

import math
import pickle
import sys
import types
from contextlib import suppress
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from checks.tools import attempt, equal, is_normal, numbers, refuses, same, share_is

TORCHS = torch.utils.data.TensorDataset


def own_class(TensorDataset):
    assert issubclass(TensorDataset, Dataset), "TensorDataset is not a torch.utils.data.Dataset"
    assert not issubclass(TensorDataset, TORCHS), "TensorDataset is torch's own or its child"
    used = []
    without = patch.object(TORCHS, "__init__", lambda *_: used.append(1))
    with without, suppress(AttributeError):  # as torch's class then holds nothing
        TensorDataset(torch.ones(2, 3), torch.ones(2))[0]
    assert not used, "TensorDataset made a torch.utils.data.TensorDataset, want it by hand"


def rows(TensorDataset):
    made = []
    for N, S, R, of_X, of_y in (
        (5, (2,), (), torch.float32, torch.int64),
        (5, (1, 3), (), torch.float64, torch.int64),
        (7, (), (4,), torch.uint8, torch.bfloat16),
        (1, (3,), (1,), torch.float32, torch.bool),
        (0, (2,), (), torch.float32, torch.int64),
    ):
        X = torch.randint(100, (*S, N)).to(of_X).movedim(-1, 0)  # not contiguous
        y = torch.randint(100, (N, *R)).to(of_y)
        kept = X.clone(), y.clone()
        made.append((TensorDataset(X, y), *kept))
    for dataset, X, y in made:  # after all were made: each has its own rows
        what = f"X {tuple(X.shape)} {X.dtype}, y {tuple(y.shape)} {y.dtype}"
        equal(f"{what}: len(dataset) is", len(dataset), len(X))
        rows_are(f"{what}: dataset", dataset, range(len(X)), X, y)


def lengths(TensorDataset):
    for n, m in ((5, 4), (4, 5), (5, 1), (1, 5), (0, 3), (3, 0)):
        call = f"TensorDataset(X ({n}, 2), y ({m},))"
        refuses(TensorDataset, torch.ones(n, 2), torch.ones(m), errors=(ValueError,), call=call)


def index(TensorDataset):
    for n in (5, 1, 0):
        X, y = torch.arange(2.0 * n).view(n, 2), torch.arange(n)
        dataset, what = TensorDataset(X, y), f"{n} rows: dataset"
        rows_are(what, dataset, range(-n, 0), X, y)
        for i in (n, n + 1, 2 * n + 1, -n - 1, -2 * n - 1):
            refuses(dataset.__getitem__, i, errors=(IndexError,), call=f"{what}[{i}]")


def batches(TensorDataset, create_sample_loader):
    for options, want in (
        ({}, [4, 4, 4, 4, 4]),
        ({"batch_size": 6}, [6, 6, 6, 2]),
        ({"num_samples": 9}, [4, 4, 1]),
        ({"batch_size": 3, "num_samples": 2}, [2]),
        ({"batch_size": 1, "num_samples": 3}, [1, 1, 1]),
    ):
        given = ", ".join(f"{name}={value}" for name, value in options.items())
        loader, call = create_sample_loader(**options), f"create_sample_loader({given})"
        dataset = getattr(loader, "dataset", None)
        for name, it, kind in (("", loader, DataLoader), (".dataset", dataset, TensorDataset)):
            found = type(it).__name__
            assert isinstance(it, kind), f"{call}{name} is a {found}, want a {kind.__name__}"
        equal(f"{call}, num_workers:", loader.num_workers, 0)
        for name, got in zip(("rows", "labels"), zip(*loader, strict=True), strict=True):
            equal(f"{call}: {name} of its batches:", list(map(len, got)), want)
        order_of(loader)  # each row that comes is one of its dataset


def features(create_sample_loader):
    X = features_of(create_sample_loader(50, 2000))
    equal("2000 rows: features", tuple(X.shape), (2000, 8))
    equal("features are", X.dtype, torch.float32)
    is_normal(X, "features of 2000 rows")
    share_is(X[:, 1:] * X[:, :-1] > 0, 0.5, "features of the sign of their neighbors in the row")
    pairs = torch.stack([features_of(create_sample_loader(num_samples=2)) for _ in range(150)])
    share_is(pairs.prod(dim=1) > 0, 0.5, "2 rows each: features of the sign of the other row's")
    far = pairs.sum(dim=(1, 2)).abs() > 0.6745 * 16**0.5
    share_is(far, 0.5, "2 rows each: sums of all features more than 2.698 from 0")
    first, second = (features_of(create_sample_loader()) for _ in range(2))
    assert not torch.equal(first, second), "create_sample_loader() twice: the same rows"


def labels(create_sample_loader):
    for n in (20, 1):
        loader = create_sample_loader(num_samples=n)
        for x, y in [*(loader.dataset[i] for i in range(n)), *loader]:
            want = torch.tensor([r.index(max(r)) for r in x.view(-1, x.shape[-1]).tolist()])
            shown = f"a row's label, features {numbers(x)}"
            what = shown if x.ndim == 1 else "the labels of a batch"
            same(torch.as_tensor(y), want.view(x.shape[:-1]), what)


def epochs(create_sample_loader):
    for n, size, times in ((3, 4, 100), (19, 2, 30)):
        loader, found = create_sample_loader(size, n), set()
        for epoch in range(times):
            order = order_of(loader)
            once = sorted(order) == list(range(n))
            assert once, f"{n} rows, epoch {epoch} of one loader: rows {order}, want each once"
            found.add(tuple(order))
        what = f"{n} rows, {times} epochs:"
        equal(f"{what} different orders:", len(found), min(times, math.factorial(n)))
        early = sorted({row for order in found for row in order[: n // 2]})
        equal(f"{what} the first {n // 2} of an epoch are of", early, [*range(n)])


def seeds(create_sample_loader):
    runs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        loader = create_sample_loader()
        runs.append((features_of(loader).tolist(), order_of(loader)))
    for what, first, again, other in zip(("rows", "order of an epoch"), *runs, strict=True):
        assert first == again, f"{what}: not the same again after the same torch.manual_seed"
        assert first != other, f"{what}: the same again after another torch.manual_seed"


def views(TensorDataset):
    leaf = torch.randn(4, 3, requires_grad=True)
    for X, y in (
        (torch.randn(5, 2, 3), torch.arange(5)),
        (torch.randn(4, 6).T, torch.randn(2, 6).double().T),
        (leaf, leaf),
    ):
        dataset = TensorDataset(X, y)
        for i in (0, 3, -1):
            row = row_of(dataset, i, f"dataset[{i}]")
            for part, whole, name in zip(row, (X, y), "Xy", strict=True):
                what = f"{name} {tuple(whole.shape)}: its part of dataset[{i}]"
                shared = part.untyped_storage().data_ptr() == whole.untyped_storage().data_ptr()
                assert shared, f"{what} is a copy, want a view"
                kept = part.requires_grad == whole.requires_grad
                assert kept, f"{what} has lost requires_grad, want a view"


def workers(TensorDataset):
    X, y = torch.randn(5, 2), torch.arange(5)
    dataset, what = TensorDataset(X, y), "pickle.loads(pickle.dumps(dataset))"
    with findable(TensorDataset):
        copied = attempt(what, lambda: pickle.loads(pickle.dumps(dataset)))
    rows_are(what, copied, (0, 4, -2), X, y)


CORE = (own_class, rows, lengths, index, batches, features, labels, epochs, seeds)
EDGES = (views, workers)


def row_of(dataset, i, what):
    """dataset[i], a tuple of two tensors."""
    row = attempt(what, dataset.__getitem__, i)
    parts = row if isinstance(row, (tuple, list)) else ()
    shown = f"{type(row).__name__} {[type(p).__name__ for p in parts]}"
    right = isinstance(row, tuple) and len(row) == 2 and all(isinstance(p, Tensor) for p in row)
    assert right, f"{what} is a {shown}, want a tuple of two tensors"
    return row


def rows_are(what, dataset, places, *wholes):
    for i in places:
        row = row_of(dataset, i, f"{what}[{i}]")
        for part, (got, whole) in enumerate(zip(row, wholes, strict=True)):
            same(got, whole[i], f"{what}[{i}][{part}]")


def features_of(loader):
    """Of all rows of its dataset, in the order of their numbers."""
    return torch.stack([loader.dataset[i][0] for i in range(len(loader.dataset))])


def order_of(loader):
    """The numbers of the rows of one epoch, in the order in which they come."""
    number = {tuple(row): i for i, row in enumerate(features_of(loader).tolist())}
    came = [tuple(row) for x, _ in loader for row in x.tolist()]
    strangers = sum(row not in number for row in came)
    assert not strangers, f"an epoch: {strangers} of {len(came)} rows are not in loader.dataset"
    return [number[row] for row in came]


def findable(kind):
    """Makes its module findable by name, as pickle needs it, where a tool ran the answer's text."""
    if getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind:
        return patch.dict(sys.modules)
    stand_in = types.ModuleType(kind.__module__)
    vars(stand_in).update(getattr(kind.__init__, "__globals__", {}))
    return patch.dict(sys.modules, {kind.__module__: stand_in})
