"""Bug hunt 1: half of our products are never predicted.

A colleague: "We moved the training from float32 to bfloat16. No error, the loss looks fine, but
about half of the catalog never comes up any more, not even on the training data."

ProductDataset serves the lines of a CSV file that has no header. A line holds F numbers, the
features, and last of all the product that was bought: its index, an integer from 0 to 20 million.

    ProductDataset(lines, dtype=torch.float32)
        lines         iterable of str, one at least; it can be read once only
        dtype         of the features: bfloat16, float16, float32 or float64
        len(dataset)  the number of lines
        dataset[i]    x (F,), y (): the features and the product of line i

Core, what an interview asks:

    products  y is an int64 tensor whatever dtype is, and exactly the product of line i.
    features  x holds the features of line i, in their order, rounded to dtype (by way of float64
              if you like). Without a dtype it is float32.
    lines     Any iterable of str will do, an open file or a generator. One line is enough, the
              last one may lack its newline. DataLoader makes batches of the dataset.

Run the file, fix the class, run it again.

Medium, 15 minutes. Try one alone: python FILE products
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


def evidence() -> None:
    """What the colleague saw: 1200 lines in which each of 998 products is bought at least once."""
    torch.manual_seed(0)
    products = torch.cat([torch.arange(998), torch.randint(0, 998, (202,))]).tolist()
    text = "".join(f"{i / 1200},0.5,-1.25,{p}\n" for i, p in enumerate(products))
    for dtype in (torch.float32, torch.bfloat16):
        data = ProductDataset(io.StringIO(text), dtype)
        came_up = {p for _, y in DataLoader(data, batch_size=64) for p in y.flatten().tolist()}
        print(f"{dtype}: {len(came_up)} of 998 products come up in an epoch")
    print("A right dataset gives 998 twice.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
