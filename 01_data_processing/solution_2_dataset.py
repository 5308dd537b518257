"""A dataset and its loader: length and index here, order and batches in the DataLoader.

Why it works: indexing a tensor gives a view, takes negative numbers and raises IndexError past the
end by itself; only the lengths need a guard, because a longer X would otherwise be cut off quietly.
shuffle=True draws a new permutation of indices each epoch, so features and labels, fetched by one
index, cannot part. 10 rows in batches of 4 are 4 + 4 + 2: three batches.
Say in the interview: a row costs O(1) and no memory, an epoch O(N) Python calls plus one copy per
batch in the collate function. Data that do not fit in memory are read in __getitem__ instead. Open
files there, too, not in __init__: spawned workers get the dataset by pickle.
They may ask: when drop_last=True? In training with BatchNorm, where a last batch of one row would
break; never in evaluation, where rows would be missing.
They may ask: why do labels need int64? CrossEntropyLoss reads floats as probabilities of classes.
Common slips: labels as floats; shuffling X and y apart; a seed set inside, which takes the
caller's; index % len, with which a for loop never ends.
"""

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


class TensorDataset(Dataset[tuple[Tensor, Tensor]]):
    """Rows of X (N, *S) with their rows of y (N, *R). Lengths that differ: ValueError."""

    def __init__(self, X: Tensor, y: Tensor) -> None:
        if len(X) != len(y):
            raise ValueError(f"X has {len(X)} rows but y has {len(y)}")
        self.X, self.y = X, y

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.X[index], self.y[index]  # (*S), (*R)


def create_sample_loader(
    batch_size: int = 4, num_samples: int = 20
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Shuffled batches (B, 8), (B,) of random rows, labeled with their largest feature."""
    X = torch.randn(num_samples, 8)
    dataset = TensorDataset(X, X.argmax(dim=1))
    return DataLoader(dataset, batch_size=batch_size, shuffle=True)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
