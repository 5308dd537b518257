"""A dataset of paths: the list is known, the files stay closed until somebody asks for a row.

A mapping plays the disk: reading a value opens a file.

    path_label_pairs  (path, label): a str or Path, a Python or NumPy integer
    dataset[index]    (x, label) of this pair

Core, what an interview asks:

    rows       Each pair is a row, in order, repeated paths too. Without transform x is the path's
               tensor.
    label      An int64 tensor of shape ().
    unknown    A path that is no key: KeyError from __init__. Its message has this path alone.
    lazy       __init__ reads keys only. An access reads its value once and keeps nothing.
    transform  Called once per access, not elsewhere. x is what it returns, of any type.
    loader     A Dataset that works in a DataLoader.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    indices    -1 is the last row. Past either end: IndexError.
    spelling   "x.pt" and Path("x.pt") are the same path, in pairs and keys. A str is spelled as
               pathlib prints it.
    copies     transform and caller may change x and label in place. Mapping and later accesses stay
               the same.
    pairs      There may be none. __init__ reads them, once. They may change afterwards.
    workers    Where its arguments can be pickled, so can the dataset.

Medium, 20 minutes. Try one alone: python FILE lazy
Guide: https://docs.pytorch.org/tutorials/beginner/data_loading_tutorial.html
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset


class PathLabelDataset(Dataset[tuple[Any, Tensor]]):
    def __init__(
        self,
        path_label_pairs: Iterable[tuple[str | Path, int]],
        path_to_tensor: Mapping[str | Path, Tensor],
        transform: Callable[[Tensor], Any] | None = None,
    ) -> None:
        raise NotImplementedError("PathLabelDataset.__init__")

    def __len__(self) -> int:
        raise NotImplementedError("PathLabelDataset.__len__")

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        raise NotImplementedError("PathLabelDataset.__getitem__")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    files: dict[str | Path, Tensor] = {
        "ant.pt": torch.tensor([1.0, 2.0]),
        "bee.pt": torch.tensor([3.0, 4.0]),
    }
    dataset = PathLabelDataset([("bee.pt", 7), ("ant.pt", 8), ("bee.pt", 9)], files, torch.neg)
    assert len(dataset) == 3, len(dataset)
    got = [(x.tolist(), label.item()) for x, label in (dataset[i] for i in range(3))]
    assert got == [([-3, -4], 7), ([-1, -2], 8), ([-3, -4], 9)], got
    try:
        PathLabelDataset([("cat.pt", 0)], files)
    except KeyError as error:
        assert "cat.pt" in str(error), error
    else:
        raise AssertionError("a path without a file, and no KeyError")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
