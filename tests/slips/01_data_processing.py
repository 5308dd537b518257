"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

SLIPS = {
    "challenge_2_dataset": {
        "rows detached": ("return self.X[index]", "return self.X.detach()[index]"),
        "features standardized": (
            "X = torch.randn(num_samples, 8)",
            "X = torch.randn(num_samples, 8)\n    X = (X - X.mean(0)) / X.std(0, correction=0)",
        ),
        "the same rows at every call": (
            "X = torch.randn(num_samples, 8)",
            "g = torch.Generator().manual_seed(torch.initial_seed())\n"
            "    X = torch.randn(num_samples, 8, generator=g)",
        ),
        "no rows beside rows accepted": ("len(X) != len(y)", "len(y) and len(X) != len(y)"),
        "lengths not compared": ("if len(X) != len(y):", "if False:"),
        "only a short y is refused": ("len(X) != len(y)", "len(X) > len(y)"),
        "only a long y is refused": ("len(X) != len(y)", "len(X) < len(y)"),
        "one row repeated for all": (
            "len(X) != len(y)",
            "len(X) != len(y) and 1 not in (len(X), len(y))",
        ),
        "assert for ValueError": (
            "if len(X) != len(y):\n            raise ValueError(",
            "assert len(X) == len(y), (",
        ),
        "length of the features": ("len(self.X)", "self.X.shape[-1]"),
        "number of elements": ("len(self.X)", "self.X.numel()"),
        "index wraps around": (
            "self.X[index], self.y[index]",
            "self.X[index % len(self)], self.y[index % len(self)]",
        ),
        "negative index lifted once": (
            "return self.X[index]",
            "index += len(self) if index < 0 else 0\n        return self.X[index]",
        ),
        "scaled in place": ("self.X, self.y = X, y", "self.X, self.y = X.mul_(2), y"),
        "outliers clamped": ("(num_samples, 8)", "(num_samples, 8).clamp(-3, 3)"),
        "last row left out": (
            "return self.X[index]",
            "if index >= len(self) - 1:\n            raise IndexError\n"
            "        return self.X[index]",
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
        "label of the next row": ("self.y[index]  #", "self.y[index - 1]  #"),
        "label first": (
            "return self.X[index], self.y[index]",
            "return self.y[index], self.X[index]",
        ),
        "label as a number": ("self.y[index]  #", "self.y[index].tolist()  #"),
        "rows of one": ("self.X[index], self.y[index]", "self.X[[index]], self.y[[index]]"),
        "features cast": ("self.X, self.y = X, y", "self.X, self.y = X.float(), y"),
        "labels cast": ("self.X, self.y = X, y", "self.X, self.y = X, y.long()"),
        "data copied": ("self.X, self.y = X, y", "self.X, self.y = X.clone(), y.clone()"),
        "one store for all datasets": (
            "        self.X, self.y = X, y\n",
            "        type(self).X, type(self).y = X, y\n",
        ),
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
        "loader over pairs, no TensorDataset": (
            "dataset = TensorDataset(X, X.argmax(dim=1))",
            "dataset = list(zip(X, X.argmax(dim=1)))",
        ),
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
        "last batch dropped": ("shuffle=True)", "shuffle=True, drop_last=True)"),
        "batch size fixed": ("batch_size=batch_size", "batch_size=4"),
        "number of samples fixed": ("torch.randn(num_samples, 8)", "torch.randn(20, 8)"),
        "another default": ("batch_size: int = 4", "batch_size: int = 8"),
        "a seed of its own": (
            "    X = torch.randn",
            "    torch.manual_seed(42)\n    X = torch.randn",
        ),
        "an order with a seed of its own": (
            "shuffle=True)",
            "shuffle=True, generator=torch.Generator().manual_seed(0))",
        ),
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
    },
}

VARIANTS = {
    "challenge_2_dataset": {
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
    },
}
