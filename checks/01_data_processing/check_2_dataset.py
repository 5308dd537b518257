"""What challenge_2_dataset.py requires.

The dataset is tried on literals, the loader by the rows of its own dataset: each label of it has
its own question, so that labels, batches, order and seed fail apart.
"""

import math
import pickle
import sys
import types
from collections import Counter
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from checks.tools import numbers, same

TORCHS = torch.utils.data.TensorDataset


def own_class(TensorDataset):
    assert issubclass(TensorDataset, Dataset), "TensorDataset is not a torch.utils.data.Dataset"
    assert not issubclass(TensorDataset, TORCHS), "TensorDataset is torch's own or its child"
    used = []
    with patch.object(TORCHS, "__init__", lambda *_: used.append(1)):
        try:
            TensorDataset(torch.ones(2, 3), torch.ones(2))[0]
        except AttributeError:  # of torch's class, which holds nothing now
            assert used, "TensorDataset(X (2, 3), y (2,))[0] gives no row"
    assert not used, "TensorDataset made a torch.utils.data.TensorDataset, want it by hand"


def rows(TensorDataset):
    made = []
    for N, S, R, of_X, of_y in (
        (5, (2,), (), torch.float32, torch.int64),
        (5, (2, 3), (), torch.float64, torch.int64),
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
        assert len(dataset) == len(X), f"{what}: len(dataset) is {len(dataset)}, want {len(X)}"
        for i in range(len(X)):
            row = row_of(dataset, i, what)
            same(row[0], X[i], f"{what}: dataset[{i}][0]")
            same(row[1], y[i], f"{what}: dataset[{i}][1]")


def lengths(TensorDataset):
    for n, m in ((5, 4), (4, 5), (5, 1), (1, 5), (0, 3), (3, 0)):
        what = f"TensorDataset(X ({n}, 2), y ({m},))"
        raises(ValueError, what, lambda n=n, m=m: TensorDataset(torch.ones(n, 2), torch.ones(m)))


def index(TensorDataset):
    for n in (5, 1, 0):
        X, y = torch.arange(2.0 * n).view(n, 2), torch.arange(n)
        dataset, what = TensorDataset(X, y), f"{n} rows"
        for i in range(-n, 0):
            row = row_of(dataset, i, what)
            same(row[0], X[n + i], f"{what}: dataset[{i}][0]")
            same(row[1], y[n + i], f"{what}: dataset[{i}][1]")
        for i in (n, n + 1, 2 * n + 1, -n - 1, -2 * n - 1):
            raises(IndexError, f"{what}: dataset[{i}]", lambda d=dataset, i=i: d[i])


def batches(TensorDataset, create_sample_loader):
    for options, sizes in (
        ({}, [4, 4, 4, 4, 4]),
        ({"batch_size": 6}, [6, 6, 6, 2]),
        ({"num_samples": 9}, [4, 4, 1]),
        ({"batch_size": 3, "num_samples": 2}, [2]),
        ({"batch_size": 1, "num_samples": 3}, [1, 1, 1]),
    ):
        given = ", ".join(f"{name}={value}" for name, value in options.items())
        loader, call = create_sample_loader(**options), f"create_sample_loader({given})"
        kind = type(loader).__name__
        assert isinstance(loader, DataLoader), f"{call} gave a {kind}, want a DataLoader"
        kind = type(loader.dataset).__name__
        assert isinstance(loader.dataset, TensorDataset), (
            f"{call} loads from a {kind}, want your TensorDataset"
        )
        assert loader.num_workers == 0, f"{call}: {loader.num_workers} workers, want none"
        found = list(loader)
        got = [len(x) for x, _ in found]
        assert got == sizes, f"{call}: batches of {got} rows, want {sizes}"
        for x, y in found:
            got = tuple(x.shape), tuple(y.shape)[:1]
            want = (len(x), x.shape[-1]), (len(x),)
            assert got == want, f"{call}: a batch of x and y {got}, want {want}"
        order_of(loader)  # each row that comes is one of its dataset


def features(create_sample_loader):
    X = features_of(create_sample_loader(50, 2000))
    assert X.shape == (2000, 8), f"2000 rows: features {tuple(X.shape)}, want (2000, 8)"
    assert X.dtype == torch.float32, f"features are {X.dtype}, want torch.float32"
    pairs = torch.stack([features_of(create_sample_loader(num_samples=2)) for _ in range(150)])
    for what, hits, p in (
        ("below 0", X < 0, 0.5),
        ("within 1 of 0", X.abs() < 1, math.erf(0.5**0.5)),
        ("beyond 3 from 0", X.abs() > 3, math.erfc(3 * 0.5**0.5)),
        ("of the sign of their neighbors in the row", X[:, 1:] * X[:, :-1] > 0, 0.5),
        ("of the sign of the other row's, 2 rows each", pairs[:, 0] * pairs[:, 1] > 0, 0.5),
    ):
        share, slack = hits.double().mean().item(), 6 * (p * (1 - p) / hits.numel()) ** 0.5
        assert abs(share - p) < slack, f"features {what}: {share:.4f}, want {p:.4f} ± {slack:.4f}"
    first, second = (features_of(create_sample_loader()) for _ in range(2))
    assert not torch.equal(first, second), "create_sample_loader() twice: the same rows"


def labels(create_sample_loader):
    for n in (20, 1):
        loader = create_sample_loader(num_samples=n)
        for x, y in [*(loader.dataset[i] for i in range(n)), *loader]:
            want = torch.tensor([r.index(max(r)) for r in x.view(-1, x.shape[-1]).tolist()])
            what = "a row's label" if x.ndim == 1 else "the labels of a batch"
            y = torch.as_tensor(y)
            assert y.dtype == torch.int64, f"{what}: {y.dtype}, want torch.int64"
            shape = tuple(x.shape[:-1])
            assert tuple(y.shape) == shape, f"{what}: shape {tuple(y.shape)}, want {shape}"
            shown = f"{what}, features {numbers(x)}" if x.ndim == 1 else what
            same(y.flatten(), want, shown)


def epochs(create_sample_loader):
    loader = create_sample_loader(4, 19)
    orders = torch.tensor([order_of(loader) for _ in range(40)])
    what = "19 rows in 40 epochs"
    for epoch, order in enumerate(orders.tolist()):
        assert sorted(order) == list(range(19)), (
            f"19 rows, epoch {epoch} of one loader: rows {order}, want each once"
        )
    distinct = len(orders.unique(dim=0))
    assert distinct == 40, f"{what}: {distinct} different orders, want 40"
    places = orders.argsort().double().mean(0)
    slack = 6 * (30 / 40) ** 0.5  # (19^2 - 1)/12 is the variance of a place
    for row, place in enumerate(places.tolist()):
        shown = f"{what}: row {row} comes at place {place:.1f} on average"
        assert abs(place - 9) < slack, f"{shown}, want 9.0 ± {slack:.1f}"
    loader = create_sample_loader(2, 3)
    found = Counter(tuple(order_of(loader)) for _ in range(180))
    assert len(found) == 6, f"3 rows in 180 epochs: {len(found)} different orders, want all 6"
    most = max(found.values())  # of 30 ± 5
    assert most < 60, f"3 rows in 180 epochs: one order {most} times, want 30 ± 30"


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
    for X, y in (
        (torch.randn(5, 2, 3), torch.arange(5)),
        (torch.randn(4, 6).T, torch.randn(6, 2).double()),
    ):
        dataset = TensorDataset(X, y)
        what = f"X {tuple(X.shape)}, y {tuple(y.shape)}"
        for i in (0, 3, -1):
            for part, whole, name in zip(row_of(dataset, i, what), (X, y), "Xy", strict=True):
                shared = part.untyped_storage().data_ptr() == whole.untyped_storage().data_ptr()
                assert shared, f"{what}: dataset[{i}], the part of {name} is a copy, want a view"
    leaf = torch.randn(3, 2, requires_grad=True)
    for part in TensorDataset(leaf, leaf)[1]:
        assert part.requires_grad, "X with requires_grad: dataset[1] has none, want a view"


def workers(TensorDataset):
    X, y = torch.randn(5, 2), torch.arange(5)
    dataset, what = TensorDataset(X, y), "pickle.loads(pickle.dumps(dataset))"
    with findable(TensorDataset):
        try:
            copied = pickle.loads(pickle.dumps(dataset))
        except Exception as error:
            kind = type(error).__name__
            raise AssertionError(f"{what}: {kind}, want a dataset. It says: {error}") from error
    got = type(copied).__name__
    assert isinstance(copied, TensorDataset), f"{what} is of type {got}, want TensorDataset"
    assert len(copied) == 5, f"{what} has length {len(copied)}, want 5"
    for i in (0, 4, -2):
        row = row_of(copied, i, what)
        same(row[0], X[i], f"{what}[{i}][0]")
        same(row[1], y[i], f"{what}[{i}][1]")


CORE = (own_class, rows, lengths, index, batches, features, labels, epochs, seeds)
EDGES = (views, workers)


def row_of(dataset, i, what):
    """dataset[i], a tuple of two tensors."""
    try:
        row = dataset[i]
    except NotImplementedError:
        raise
    except (IndexError, RuntimeError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise AssertionError(f"{what}: dataset[{i}]: {error!r}, want a row") from error
    kinds = [type(part).__name__ for part in row] if isinstance(row, tuple) else None
    shown = f"a tuple of {', '.join(kinds)}" if kinds else f"a {type(row).__name__}"
    right = isinstance(row, tuple) and len(row) == 2 and all(isinstance(p, Tensor) for p in row)
    assert right, f"{what}: dataset[{i}] is {shown}, want a tuple of two tensors"
    return row


def raises(kind, call, function):
    try:
        got = function()
    except kind:
        return
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(f"{call}: {error!r}, want {kind.__name__}") from error
    raise AssertionError(f"{call} gave a {type(got).__name__}, want {kind.__name__}")


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
    module = sys.modules.get(kind.__module__)
    if getattr(module, kind.__name__, None) is kind or "<locals>" in kind.__qualname__:
        return patch.dict(sys.modules)
    stand_in = types.ModuleType(kind.__module__)
    vars(stand_in).update(getattr(kind.__init__, "__globals__", {}))
    return patch.dict(sys.modules, {kind.__module__: stand_in})
