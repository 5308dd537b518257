"""Bug hunt 1: the labels were stored as floats.

Symptom  in bfloat16 half of the classes never come up; in float32 all is well.
Cause    features and label went through one tensor of the features' dtype. bfloat16 keeps 8
         significant bits: whole numbers above 256 are rounded to a multiple of 2, above 512 to a
         multiple of 4. So 681 became 680. The .long() afterwards gives the wrong label the right
         dtype.
Fix      labels never pass through a floating dtype: read as int, stored as int64.
Spot it  compare labels with their source as sets (how many different ones?), and look at every cast
         of a whole table or batch: indices, token ids and masks must not take part. float16 is
         exact to 2048, float32 to 16,777,216: large ids break there too. Without the .long()
         cross_entropy would have complained at once; the cast only silenced it.

Asked next
    "Would float32 have been a fix?" For this catalog up to 16,777,216, not for product 16,777,217.
    "And .to(bfloat16) on a whole batch?" The same bug: cast floating tensors only.
Left out here, if you say so: a line that is no number raises ValueError by itself.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.utils.data import Dataset


class ProductDataset(Dataset):
    """Lines "feature, ..., feature, product" -> x (F,) of dtype, y () int64."""

    def __init__(self, lines: Iterable[str], dtype: torch.dtype = torch.float32) -> None:
        rows = [line.split(",") for line in lines]
        self.x = torch.tensor([[float(v) for v in row[:-1]] for row in rows], dtype=dtype)  # (N, F)
        self.y = torch.tensor([int(row[-1]) for row in rows])  # (N,)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.x[i], self.y[i]


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
