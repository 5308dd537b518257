"""Bug hunt 1: the dataset kept a function without a name, and that cannot be sent.

Symptom  two workers are fine where a worker is a copy of the process (fork: Linux up to Python
         3.13), and die where it starts anew (spawn: macOS, Windows; forkserver: Python 3.14).
Cause    a new process gets the dataset as a pickle. A function is pickled as its module and name,
         and a lambda in __init__ has none that could be found again. Here it hid in a defaultdict.
Fix      a plain dict, and .get(word, UNKNOWN) where it is read.
Spot it  pickle.dumps(dataset) in a test, or one run with multiprocessing_context="spawn". Pickle
         each of vars(dataset) to find the attribute.

The fix mends a second bug: a defaultdict keeps every key that it is asked for. Three texts with
3 unknown words made 7 words of 4, in each worker by itself: memory grows with what is read.

Asked next
    "A lambda as transform?" A function at the top of a module, functools.partial of one, or a class
    with __call__. "And collate_fn or worker_init_fn?" The same: they are sent, too.
    "What else cannot be sent?" Open files, locks, connections: open them in __getitem__.
Left out here, if you say so: fork copies what it does not have to send, but is unsafe with threads.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

UNKNOWN = 1
FIRST = 2


class TextDataset(Dataset[tuple[Tensor, int]]):
    """Row i: the ids of the words of text i (L,) int64, and its label."""

    def __init__(self, texts: Sequence[str], labels: Sequence[int], words: Sequence[str]) -> None:
        self.texts, self.labels = list(texts), list(labels)
        self.ids = {word: i for i, word in enumerate(words, FIRST)}

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        ids = [self.ids.get(word, UNKNOWN) for word in self.texts[i].lower().split()]
        return torch.tensor(ids, dtype=torch.int64), self.labels[i]


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
