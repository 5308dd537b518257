"""Bug hunt 1: with num_workers=0 it trains, on my Mac it dies as soon as there are two workers.

A colleague: "On last year's Linux server two workers were fine. The new one, with Python
3.14, dies, too."

TextDataset(texts, labels, words) is a map-style dataset:

    texts       N strings; words are separated by white space, case does not count
    labels      N ints, the classes
    words       V different words in lower case; word i has id i + 2
    dataset[i]  (ids, label): ids (L,) int64, for each word of text i its id, 1 if it is not in
                `words`; 0 is for padding

Core, what an interview asks:

    rows     len(dataset) is N. Row i is as the table says, however often and in any order.
    workers  A worker that starts anew, as on the Mac, gets the dataset and gives the same rows.
             So do one that it starts itself and, afterwards, the first process.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    reading  Reading rows leaves the dataset as it was.
    own      Lists that the caller changes later change no row.
    ends     dataset[-1] is the last row. IndexError from N on and below -N. A text without words
             has ids of shape (0,).

Run the file, fix the class, run it again.

Easy, 10 minutes. Try one alone: python FILE rows
"""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

UNKNOWN = 1
FIRST = 2


class TextDataset(Dataset[tuple[Tensor, int]]):
    def __init__(self, texts: Sequence[str], labels: Sequence[int], words: Sequence[str]) -> None:
        self.texts, self.labels = list(texts), list(labels)
        self.ids = defaultdict(lambda: UNKNOWN)
        self.ids.update((word, i) for i, word in enumerate(words, FIRST))

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        ids = [self.ids[word] for word in self.texts[i].lower().split()]
        return torch.tensor(ids, dtype=torch.int64), self.labels[i]


def evidence() -> None:
    """What the colleague saw: the rows that arrive, in this process and in one that starts anew."""
    from multiprocessing.reduction import ForkingPickler

    texts, words = ["the cat sat", "a dog sat down", "The bird"], ["the", "cat", "dog", "sat"]
    dataset = TextDataset(texts, [0, 1, 0], words)
    for i in range(len(dataset)):
        print(f"row {i}, 0 workers: {dataset[i][0].tolist()}")
    arrived, why = 0, ""
    try:
        sent = ForkingPickler.loads(ForkingPickler.dumps(dataset))  # as spawn and forkserver do
        arrived = sum(torch.equal(sent[i][0], dataset[i][0]) for i in range(len(dataset)))
    except Exception as error:
        why = f", {type(error).__name__}"
    print(f"2 workers that start anew: {arrived} of {len(dataset)} rows arrive{why} (want 3)")
    print(f"words with an id: {len(dataset.ids)} (want 4)")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
