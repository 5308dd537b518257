"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "own_class": {
        "no Dataset": (
            "class TensorDataset(Dataset[tuple[Tensor, Tensor]])",
            "class TensorDataset",
        ),
        "torch's own": "from torch.utils.data import TensorDataset",
        "child of torch's own": """
class TensorDataset(torch.utils.data.TensorDataset):
    def __init__(self, X, y):
        if len(X) != len(y):
            raise ValueError("lengths differ")
        super().__init__(X, y)
""",
        "torch's own inside": """
class TensorDataset(Dataset):
    def __init__(self, X, y):
        if len(X) != len(y):
            raise ValueError("lengths differ")
        self.rows = torch.utils.data.TensorDataset(X, y)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]
""",
    },
    "rows": {
        "features cast to float32": ("self.X, self.y = X, y", "self.X, self.y = X.float(), y"),
        "length of the features": ("len(self.X)", "self.X.shape[-1]"),
        "number of elements": ("len(self.X)", "self.X.numel()"),
        "scaled in place": ("self.X, self.y = X, y", "self.X, self.y = X.mul_(2), y"),
        "last row left out": (
            "return self.X[index]",
            "if index >= len(self) - 1:\n            raise IndexError\n"
            "        return self.X[index]",
        ),
        "label of the next row": ("self.y[index]  #", "self.y[index - 1]  #"),
        "label first": (
            "return self.X[index], self.y[index]",
            "return self.y[index], self.X[index]",
        ),
        "label as a number": ("self.y[index]  #", "self.y[index].tolist()  #"),
        "rows of one": ("self.X[index], self.y[index]", "self.X[[index]], self.y[[index]]"),
        "labels cast to int64": ("self.X, self.y = X, y", "self.X, self.y = X, y.long()"),
        "one store for all datasets": (
            "        self.X, self.y = X, y\n",
            "        type(self).X, type(self).y = X, y\n",
        ),
        "a list for a tuple": (
            "return self.X[index], self.y[index]",
            "return [self.X[index], self.y[index]]",
        ),
        "features as numpy": (
            "return self.X[index], self.y[index]",
            "return self.X[index].numpy(force=True), self.y[index]",
        ),
        "sizes of 1 squeezed out of X": (
            "self.X, self.y = X, y",
            "self.X, self.y = X.squeeze(1) if X.ndim > 1 else X, y",
        ),
        "rows flattened": ("return self.X[index]", "return self.X[index].flatten()"),
    },
    "lengths": {
        "no rows beside rows accepted": ("len(X) != len(y)", "len(y) and len(X) != len(y)"),
        "lengths not compared": ("if len(X) != len(y):", "if False:"),
        "only a short y is refused": ("len(X) != len(y)", "len(X) > len(y)"),
        "only a long y is refused": ("len(X) != len(y)", "len(X) < len(y)"),
        "one row repeated for all": (
            "len(X) != len(y)",
            "len(X) != len(y) and 1 not in (len(X), len(y))",
        ),
        "a bare assert for ValueError": (
            "if len(X) != len(y):\n            raise ValueError(",
            "assert len(X) == len(y), (",
        ),
        "a longer X cut off": (
            "        if len(X) != len(y):",
            "        X = X[: len(y)]\n        if len(X) != len(y):",
        ),
        "shapes compared": ("len(X) != len(y)", "X.shape[-1] != y.shape[-1] and len(X) < len(y)"),
        "longer one cut off by zip": """
class TensorDataset(TensorDataset):
    def __init__(self, X, y):
        rows = list(zip(X, y))
        self.X, self.y = X[: len(rows)], y[: len(rows)]
""",
        "RuntimeError for ValueError": ("raise ValueError(", "raise RuntimeError("),
    },
    "index": {
        "index wraps around": (
            "self.X[index], self.y[index]",
            "self.X[index % len(self)], self.y[index % len(self)]",
        ),
        "negative index lifted once": (
            "return self.X[index]",
            "index += len(self) if index < 0 else 0\n        return self.X[index]",
        ),
        "negative index refused": (
            "return self.X[index]",
            "if not 0 <= index < len(self):\n            raise IndexError\n"
            "        return self.X[index]",
        ),
        "ValueError past the end": (
            "return self.X[index]",
            "if index >= len(self):\n            raise ValueError\n        return self.X[index]",
        ),
        "first row for an empty dataset": (
            "return self.X[index]",
            "if not len(self.X):\n            return torch.zeros(2), torch.zeros(())\n"
            "        return self.X[index]",
        ),
        "nothing past the end": (
            "return self.X[index]",
            "if index >= len(self):\n            return None\n        return self.X[index]",
        ),
        "negative index one too low": (
            "return self.X[index]",
            "index = len(self) - 1 + index if index < 0 else index\n"
            "        if index < 0:\n            raise IndexError\n        return self.X[index]",
        ),
    },
    "batches": {
        "loader over pairs, no TensorDataset": (
            "dataset = TensorDataset(X, X.argmax(dim=1))",
            "dataset = list(zip(X, X.argmax(dim=1)))",
        ),
        "last batch dropped": ("shuffle=True)", "shuffle=True, drop_last=True)"),
        "batch size fixed": ("batch_size=batch_size", "batch_size=4"),
        "number of samples fixed": ("torch.randn(num_samples, 8)", "torch.randn(20, 8)"),
        "another default": ("batch_size: int = 4", "batch_size: int = 8"),
        "worker processes": ("shuffle=True)", "shuffle=True, num_workers=2)"),
        "batches in a list": (
            "return DataLoader(dataset, batch_size=batch_size, shuffle=True)",
            "return list(DataLoader(dataset, batch_size=batch_size, shuffle=True))",
        ),
        "features scaled in the batch": (
            "shuffle=True)",
            "shuffle=True, collate_fn=lambda rows: "
            "(2 * torch.stack([x for x, _ in rows]), torch.stack([y for _, y in rows])))",
        ),
        "batch size forgotten": ("batch_size=batch_size, ", ""),
        "last batch filled up": """
def create_sample_loader(batch_size=4, num_samples=20):
    X = torch.randn(num_samples, 8)
    dataset = TensorDataset(X, X.argmax(dim=1))

    def collate(rows):
        rows = rows + rows[:1] * (batch_size - len(rows))
        return torch.stack([x for x, _ in rows]), torch.stack([y for _, y in rows])

    return DataLoader(dataset, batch_size, shuffle=True, collate_fn=collate)
""",
        "last batch of one row dropped": (
            "shuffle=True)",
            "shuffle=True, drop_last=num_samples % batch_size == 1)",
        ),
        "one sample more": ("torch.randn(num_samples, 8)", "torch.randn(num_samples + 1, 8)"),
    },
    "features": {
        "features standardized": (
            "X = torch.randn(num_samples, 8)",
            "X = torch.randn(num_samples, 8)\n    X = (X - X.mean(0)) / X.std(0, correction=0)",
        ),
        "features centered over all rows": (
            "X = torch.randn(num_samples, 8)",
            "X = torch.randn(num_samples, 8)\n    X = X - X.mean()",
        ),
        "the same rows at every call": (
            "X = torch.randn(num_samples, 8)",
            "g = torch.Generator().manual_seed(torch.initial_seed())\n"
            "    X = torch.randn(num_samples, 8, generator=g)",
        ),
        "outliers clamped": ("(num_samples, 8)", "(num_samples, 8).clamp(-3, 3)"),
        "double features": ("(num_samples, 8)", "(num_samples, 8, dtype=torch.float64)"),
        "seven features": ("(num_samples, 8)", "(num_samples, 7)"),
        "uniform features": ("torch.randn(", "torch.rand("),
        "uniform features of mean 0 and variance 1": (
            "torch.randn(num_samples, 8)",
            "(torch.rand(num_samples, 8) * 2 - 1) * 3**0.5",
        ),
        "one feature repeated": (
            "torch.randn(num_samples, 8)",
            "torch.randn(num_samples, 1) + 1e-3 * torch.randn(num_samples, 8)",
        ),
        "one row repeated": (
            "torch.randn(num_samples, 8)",
            "torch.randn(8).repeat(num_samples, 1)",
        ),
        "features in whole numbers": (
            "torch.randn(num_samples, 8)",
            "torch.randint(-3, 4, (num_samples, 8)).float() + 0.01 * torch.rand(num_samples, 8)",
        ),
        "features of standard deviation 2": (
            "torch.randn(num_samples, 8)",
            "2 * torch.randn(num_samples, 8)",
        ),
        "rows drawn when the file is loaded": """
ROWS = torch.randn(5000, 8)

def create_sample_loader(batch_size=4, num_samples=20):
    X = ROWS[:num_samples]
    return DataLoader(TensorDataset(X, X.argmax(dim=1)), batch_size, shuffle=True)
""",
    },
    "labels": {
        "float labels": ("X.argmax(dim=1))", "X.argmax(dim=1).float())"),
        "int32 labels": ("X.argmax(dim=1))", "X.argmax(dim=1).int())"),
        "labels of shape (N, 1)": ("X.argmax(dim=1))", "X.argmax(dim=1, keepdim=True))"),
        "labels along the batch": ("X.argmax(dim=1))", "X.argmax(dim=0).repeat(99)[:num_samples])"),
        "smallest feature": ("argmax", "argmin"),
        "random labels": ("X.argmax(dim=1))", "torch.randint(8, (num_samples,)))"),
        "features shuffled, labels not": (
            "TensorDataset(X, X.argmax(dim=1))",
            "TensorDataset(X[torch.randperm(num_samples)], X.argmax(dim=1))",
        ),
        "label of the largest size": ("X.argmax(dim=1)", "X.abs().argmax(dim=1)"),
        "labels from 1 to 8": ("X.argmax(dim=1)", "X.argmax(dim=1) + 1"),
        "largest feature itself": ("X.argmax(dim=1)", "X.amax(dim=1)"),
        "labels one-hot": ("X.argmax(dim=1)", "torch.nn.functional.one_hot(X.argmax(dim=1), 8)"),
    },
    "epochs": {
        "no shuffle for a single batch": (", shuffle=True", ", shuffle=num_samples > batch_size"),
        "no shuffle": (", shuffle=True", ""),
        "shuffled once": """
def create_sample_loader(batch_size=4, num_samples=20):
    X = torch.randn(num_samples, 8)
    dataset = TensorDataset(X, X.argmax(dim=1))
    order = torch.randperm(num_samples).tolist()
    return DataLoader(dataset, batch_size=batch_size, sampler=order)
""",
        "batches shuffled, rows not": """
def create_sample_loader(batch_size=4, num_samples=20):
    X = torch.randn(num_samples, 8)
    blocks = list(torch.arange(num_samples).split(batch_size))

    class Blocks:
        def __iter__(self):
            return (blocks[i].tolist() for i in torch.randperm(len(blocks)))

    return DataLoader(TensorDataset(X, X.argmax(dim=1)), batch_sampler=Blocks())
""",
        "rows drawn with replacement": (
            "shuffle=True)",
            "sampler=torch.utils.data.RandomSampler(dataset, replacement=True))",
        ),
        "shuffled within batches": """
class Within:
    def __init__(self, n, size):
        self.n, self.size = n, size

    def __iter__(self):
        for block in torch.arange(self.n).split(self.size):
            yield block[torch.randperm(len(block))].tolist()

def create_sample_loader(batch_size=4, num_samples=20):
    X = torch.randn(num_samples, 8)
    dataset = TensorDataset(X, X.argmax(dim=1))
    return DataLoader(dataset, batch_sampler=Within(num_samples, batch_size))
""",
        "started at a random row": """
class Rotated:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        start = int(torch.randint(self.n, ()))
        return iter([(start + i) % self.n for i in range(self.n)])

    def __len__(self):
        return self.n

def create_sample_loader(batch_size=4, num_samples=20):
    X = torch.randn(num_samples, 8)
    dataset = TensorDataset(X, X.argmax(dim=1))
    return DataLoader(dataset, batch_size, sampler=Rotated(num_samples))
""",
        "ten rows at a time shuffled": """
class Windows:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        for window in torch.arange(self.n).split(10):
            yield from window[torch.randperm(len(window))].tolist()

    def __len__(self):
        return self.n

def create_sample_loader(batch_size=4, num_samples=20):
    X = torch.randn(num_samples, 8)
    dataset = TensorDataset(X, X.argmax(dim=1))
    return DataLoader(dataset, batch_size, sampler=Windows(num_samples))
""",
        "the same order in every epoch": """
class Seeded(torch.utils.data.RandomSampler):
    def __iter__(self):
        self.generator = torch.Generator().manual_seed(torch.initial_seed())
        return super().__iter__()

def create_sample_loader(batch_size=4, num_samples=20):
    X = torch.randn(num_samples, 8)
    dataset = TensorDataset(X, X.argmax(dim=1))
    return DataLoader(dataset, batch_size, sampler=Seeded(dataset))
""",
    },
    "seeds": {
        "an order with a seed of its own": (
            "shuffle=True)",
            "shuffle=True, generator=torch.Generator().manual_seed(0))",
        ),
        "a seed of its own": (
            "    X = torch.randn",
            "    torch.manual_seed(42)\n    X = torch.randn",
        ),
        "order by Python's random": """
import random

class Sampler:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(random.sample(range(self.n), self.n))

    def __len__(self):
        return self.n

def create_sample_loader(batch_size=4, num_samples=20):
    X = torch.randn(num_samples, 8)
    dataset = TensorDataset(X, X.argmax(dim=1))
    return DataLoader(dataset, batch_size, sampler=Sampler(num_samples))
""",
        "features by numpy": """
import numpy as np

def create_sample_loader(batch_size=4, num_samples=20):
    X = torch.from_numpy(np.random.randn(num_samples, 8)).float()
    return DataLoader(TensorDataset(X, X.argmax(dim=1)), batch_size=batch_size, shuffle=True)
""",
        "generator seeded anew": (
            "    return DataLoader(",
            "    torch.seed()\n    return DataLoader(",
        ),
    },
    "views": {
        "rows detached": ("return self.X[index]", "return self.X.detach()[index]"),
        "data copied": ("self.X, self.y = X, y", "self.X, self.y = X.clone(), y.clone()"),
        "labels made contiguous": ("self.X, self.y = X, y", "self.X, self.y = X, y.contiguous()"),
        "rows cloned": (
            "return self.X[index], self.y[index]",
            "return self.X[index].clone(), self.y[index]",
        ),
        "tensors made anew": (
            "self.X, self.y = X, y",
            "self.X, self.y = torch.stack(list(X)) if len(X) else X, y",
        ),
        "labels cloned": ("self.y[index]  #", "self.y[index].clone()  #"),
    },
    "workers": {
        "a lambda in the dataset": (
            "        self.X, self.y = X, y\n",
            "        self.X, self.y = X, y\n"
            "        self.get = lambda index: (X[index], y[index])\n",
        ),
        "an open file in the dataset": (
            "        self.X, self.y = X, y\n",
            "        self.X, self.y = X, y\n        self.log = open(__import__('os').devnull)\n",
        ),
        "a class made in a function": """
def make():
    class TensorDataset(Dataset):
        def __init__(self, X, y):
            if len(X) != len(y):
                raise ValueError("lengths differ")
            self.X, self.y = X, y

        def __len__(self):
            return len(self.X)

        def __getitem__(self, index):
            return self.X[index], self.y[index]

    return TensorDataset

TensorDataset = make()
""",
        "a lock in the dataset": (
            "        self.X, self.y = X, y\n",
            "        self.X, self.y = X, y\n        self.lock = __import__('threading').Lock()\n",
        ),
        "a generator in the dataset": (
            "        self.X, self.y = X, y\n",
            "        self.X, self.y = X, y\n        self.rows = (row for row in zip(X, y))\n",
        ),
        "rows left behind": (
            "        self.X, self.y = X, y\n",
            "        self.X, self.y = X, y\n"
            "\n    def __getstate__(self):\n"
            "        return {'X': self.X[:0], 'y': self.y[:0]}\n",
        ),
    },
}

VARIANTS = {
    "rows in a list": """
class TensorDataset(Dataset):
    def __init__(self, X, y):
        try:
            self.rows = list(zip(X, y, strict=True))
        except ValueError as error:
            raise ValueError(f"{X.shape[0]} rows, {y.shape[0]} labels") from error

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]
""",
    "bounds by hand, samplers by hand": """
class TensorDataset(torch.utils.data.Dataset):
    def __init__(self, features, labels):
        super().__init__()
        n, m = features.size(0), labels.size(0)
        if n != m:
            raise ValueError(f"{n} rows but {m} labels")
        self.data, self.n = (features, labels), n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i >= self.n or i < -self.n:
            raise IndexError(f"row {i} of {self.n}")
        i = i + self.n if i < 0 else i
        return tuple(t[i, ...] for t in self.data)

def create_sample_loader(batch_size=4, num_samples=20):
    X = torch.empty((num_samples, 8), dtype=torch.float32).normal_(mean=0.0, std=1.0)
    y = torch.tensor([row.tolist().index(row.max().item()) for row in X], dtype=torch.long)
    data = TensorDataset(X, y)
    sampler = torch.utils.data.SubsetRandomSampler(range(num_samples))
    batches = torch.utils.data.BatchSampler(sampler, batch_size, drop_last=False)
    return DataLoader(data, batch_sampler=batches)
""",
    "collate by hand, generator seeded by the caller's": """
def create_sample_loader(batch_size=4, num_samples=20):
    generator = torch.Generator().manual_seed(torch.initial_seed())
    X = torch.normal(0.0, 1.0, size=(num_samples, 8))
    return DataLoader(
        TensorDataset(X, X.max(1).indices),
        batch_size,
        True,
        collate_fn=lambda rows: tuple(map(torch.stack, zip(*rows))),
        generator=generator,
    )
""",
    "textbook": """
class TensorDataset(Dataset):
    def __init__(self, X, y):
        super().__init__()
        self.y = y
        self.X = X
        if self.X.shape[0] != self.y.shape[0]:
            raise ValueError("X and y have different lengths")

    def __len__(self):
        return self.y.shape[0]

    def __getitem__(self, idx):
        features, label = self.X[idx], self.y[idx]
        return features, label

def create_sample_loader(batch_size=4, num_samples=20):
    features = torch.randn((num_samples, 8))
    labels = torch.max(features, dim=-1)[1]
    return DataLoader(TensorDataset(features, labels), batch_size, shuffle=True, drop_last=False)
""",
}
