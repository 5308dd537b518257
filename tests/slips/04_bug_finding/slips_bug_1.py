"""Mistakes by the label that must refuse them, and second right answers."""

SLIPS = {
    "products": {
        "labels through a tensor of the features' dtype": (
            "torch.tensor([int(row[-1]) for row in rows])",
            "torch.tensor([float(row[-1]) for row in rows], dtype=dtype).long()",
        ),
        "rounded before the cast": (
            "torch.tensor([int(row[-1]) for row in rows])",
            "torch.tensor([float(row[-1]) for row in rows], dtype=dtype).round().long()",
        ),
        "labels as floats": ("[int(row[-1])", "[float(row[-1])"),
        "labels through float32": (
            "torch.tensor([int(row[-1]) for row in rows])",
            "torch.tensor([float(row[-1]) for row in rows]).long()",
        ),
        "one float32 table, features cast afterwards": """
class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        table = torch.tensor([[float(v) for v in line.split(",")] for line in lines])
        self.x, self.y = table[:, :-1].to(dtype), table[:, -1].long()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]
""",
        "labels as int32": (
            "[int(row[-1]) for row in rows]",
            "[int(row[-1]) for row in rows], dtype=torch.int32",
        ),
        "labels of shape (1,)": ("int(row[-1])", "[int(row[-1])]"),
        "a Python int": ("self.x[i], self.y[i]", "self.x[i], int(self.y[i])"),
        "labels counted anew": (
            "int(row[-1]) for row in rows]",
            "sorted({row[-1] for row in rows}).index(row[-1]) for row in rows]",
        ),
        "labels in float64, given out as they are": (
            "[int(row[-1]) for row in rows])",
            "[float(row[-1]) for row in rows], dtype=torch.float64)",
        ),
        "one table in at least float32": """
class ProductDataset(ProductDataset):
    def __init__(self, lines, dtype=torch.float32):
        wide = dtype if dtype.itemsize > 2 else torch.float32
        table = torch.tensor([[float(v) for v in line.split(",")] for line in lines], dtype=wide)
        self.x, self.y = table[:, :-1].to(dtype), table[:, -1].long()
""",
        "labels shifted to start at 0": (
            "torch.tensor([int(row[-1]) for row in rows])",
            "torch.tensor([int(row[-1]) for row in rows])\n        self.y -= self.y.min()",
        ),
    },
    "features": {
        "features read in float32, cast afterwards": (
            "for row in rows], dtype=dtype)",
            "for row in rows]).to(dtype)",
        ),
        "features read in bfloat16, cast afterwards": (
            "for row in rows], dtype=dtype)",
            "for row in rows], dtype=torch.bfloat16).to(dtype)",
        ),
        "features always float32": ("for row in rows], dtype=dtype)", "for row in rows])"),
        "features always float64": ("dtype=dtype", "dtype=torch.float64"),
        "another default": ("torch.dtype = torch.float32", "torch.dtype = torch.float64"),
        "the label among the features": ("row[:-1]]", "row]"),
        "a feature lost": ("row[:-1]]", "row[1:-1]]"),
        "label before the features": ("self.x[i], self.y[i]", "self.y[i], self.x[i]"),
        "squeezed features": (
            "for row in rows], dtype=dtype)",
            "for row in rows], dtype=dtype).squeeze()",
        ),
        "three features": ("row[:-1]]", "row[:3]]"),
        "features scaled to [0, 1]": (
            "for row in rows], dtype=dtype)",
            "for row in rows], dtype=dtype)\n        self.x = self.x / self.x.abs().max()",
        ),
        "float32 instead of bfloat16": (
            "for row in rows], dtype=dtype)",
            "for row in rows], dtype=torch.float32 if dtype == torch.bfloat16 else dtype)",
        ),
    },
    "lines": {
        "lines read twice": (
            "int(row[-1]) for row in rows]",
            "int(v.split(',')[-1]) for v in lines]",
        ),
        "last line lost": ("return len(self.y)", "return len(self.y) - 1"),
        "the file read whole": ("for line in lines]", "for line in lines.read().splitlines()]"),
        "lines counted first": (
            "        rows = [",
            "        n = sum(1 for _ in lines)\n        lines.seek(0)\n        rows = [",
        ),
        "the last character cut off": ('line.split(",")', 'line[:-1].split(",")'),
        "squeezed labels": (
            "int(row[-1]) for row in rows])",
            "int(row[-1]) for row in rows]).squeeze()",
        ),
        "NumPy, a file of one line forgotten": """
import numpy as np

class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        table = np.loadtxt(lines, delimiter=",")
        self.x = torch.from_numpy(table[:, :-1]).to(dtype)
        self.y = torch.from_numpy(table[:, -1].astype(np.int64))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]
""",
        "equal lines dropped": ("for line in lines]", "for line in dict.fromkeys(lines)]"),
        "a first line taken for a header": ("for line in lines]", "for line in list(lines)[1:]]"),
    },
}

VARIANTS = {
    "one float64 table": """
class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        rows = [[float(v) for v in line.split(",")] for line in lines]
        self.table, self.dtype = torch.tensor(rows, dtype=torch.float64), dtype

    def __len__(self):
        return self.table.shape[0]

    def __getitem__(self, i):
        return self.table[i, :-1].to(self.dtype), self.table[i, -1].to(torch.int64)
""",
    "parsed line by line on request": """
class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        self.lines, self.dtype = list(lines), dtype

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, i):
        *x, y = self.lines[i].strip().split(",")
        return torch.tensor(list(map(float, x)), dtype=self.dtype), torch.tensor(int(y))
""",
    "NumPy": """
import numpy as np

class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        table = np.loadtxt(lines, delimiter=",", ndmin=2)
        self.x = torch.from_numpy(table[:, :-1]).to(dtype)
        self.y = torch.from_numpy(table[:, -1].astype(np.int64))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]
""",
    "features and labels split by a star, labels as int64": """
class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        self.items = []
        for line in lines:
            *features, product = line.rstrip().split(",")
            x = torch.tensor([float(v) for v in features], dtype=dtype)
            self.items.append((x, torch.tensor(int(product), dtype=torch.long)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]
""",
}
