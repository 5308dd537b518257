"""Bug hunt 1: the labels were stored as floats.

Symptom  in bfloat16 half of the classes never come up; in float32 all is well.
Cause    features and label went through one tensor of the features' dtype. bfloat16 keeps 8
         significant bits: whole numbers above 256 are rounded to the nearest even one, above 512
         to a multiple of 4. The .long() afterwards gives the rounded label the right dtype.
Fix      labels never pass through a floating dtype: read as int, stored as int64.
Spot it  compare labels with their source as sets (how many different ones?), and look at every cast
         of a whole table or batch: indices, token ids and masks must not take part. float16 is
         exact to 2048, float32 to 16,777,216: large ids break there too. Without the .long()
         cross_entropy would have complained at once; the cast only silenced it.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.utils.data import Dataset


class ProductDataset(Dataset):
    def __init__(self, lines: Iterable[str], dtype: torch.dtype = torch.float32) -> None:
        rows = [line.split(",") for line in lines]
        self.x = torch.tensor([[float(v) for v in row[:-1]] for row in rows], dtype=dtype)
        self.y = torch.tensor([int(row[-1]) for row in rows])

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.x[i], self.y[i]


if __name__ == "__main__":
    from buggy_code_1 import check

    check(ProductDataset)
    print("PASS")
