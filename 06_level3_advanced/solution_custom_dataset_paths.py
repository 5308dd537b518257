"""A dataset of paths: check the whole list at once, open one file at a time.

Why it works: construction compares paths only, so a wrong list fails in the first second and not in
epoch 3 inside a worker. Path makes "x.pt" and Path("x.pt") one; keys remembers how the mapping
spells it. Each access opens its own file and hands out a copy, so an augmentation in place cannot
reach what the mapping keeps: without it a transform that halves 8.0 gives 4, 2, 1 in three epochs.
A list gives negative indices and IndexError for nothing.
Say in the interview:
- Memory is O(number of paths), not O(data).
- Reading and transform run in __getitem__, so in parallel in the workers, and again each epoch:
  caching would freeze a random crop.
- Train and validation share the files and differ in transform: split the list, not the dataset.
Asked next: "What do workers need?" Where they are spawned, the dataset is pickled: no open files,
no lambdas on self. "A million rows?" Each worker gets a copy of a Python list; keep paths and
labels in arrays, which forked workers share.
Common slips: opening all files in __init__; the transform applied once; a dict from path to label,
which loses pairs; transform in place on the stored tensor; labels in the type they came in.
May be left out if you say so: Path beside str, the copy.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset


class PathLabelDataset(Dataset[tuple[Any, Tensor]]):
    """Rows (x, label) of a list of pairs; a path without a tensor: KeyError at construction."""

    def __init__(
        self,
        path_label_pairs: Iterable[tuple[str | Path, int]],
        path_to_tensor: Mapping[str | Path, Tensor],
        transform: Callable[[Tensor], Any] | None = None,
    ) -> None:
        keys = {Path(key): key for key in path_to_tensor}
        self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]
        self.path_to_tensor = path_to_tensor
        self.transform = transform

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        key, label = self.rows[index]
        x = self.path_to_tensor[key].clone()
        if self.transform is not None:
            x = self.transform(x)
        return x, torch.tensor(label, dtype=torch.int64)  # (...), ()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
