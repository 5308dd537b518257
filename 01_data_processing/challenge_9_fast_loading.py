"""Fast loading: many processes read one stream, and a killed run goes on where it was.

A rank is a training process. Its DataLoader may start workers: processes, each with a copy of the
dataset.

    ShardedStream(num_samples, seed=0, rank=0, world_size=1)
        IterableDataset of ints 0 to num_samples - 1
        set_epoch(epoch); state_dict() -> dict of ints; load_state_dict(state)
    seed_worker(worker_id)
    make_loader(dataset, batch_size, num_workers, device) -> DataLoader

Core, what an interview asks:

    shards   All ranks, or all their workers, together give each sample once.
    order    Random, the same for seed and epoch. Each epoch deals all samples anew. Global
             generators stay as they are.
    resume   A state may be taken after any number of samples. A new stream of the same arguments
             that loads it gives those left, none after the last. Whole epochs follow.
    seeds    Python, NumPy and the dataset's .rng, if any (a NumPy Generator), are seeded from
             torch.initial_seed().
    loader   Memory is pinned for CUDA alone. Workers persist, prefetch 4 batches, and first run
             seed_worker.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    balance  Shares of ranks differ by at most 1, those of a rank's workers, too.
    place    set_epoch of the loaded epoch keeps the place. Another epoch starts whole.
    living   set_epoch reaches workers that have started. Each has its own place.

Hard, 45 minutes. Try one alone: python FILE shards
Guide: PyTorch_Mastery_Guide, "Shards of a stream".
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset


class ShardedStream(IterableDataset[int]):
    def __init__(self, num_samples: int, seed: int = 0, rank: int = 0, world_size: int = 1) -> None:
        raise NotImplementedError("ShardedStream.__init__")

    def __iter__(self) -> Iterator[int]:
        raise NotImplementedError("ShardedStream.__iter__")

    def set_epoch(self, epoch: int) -> None:
        raise NotImplementedError("ShardedStream.set_epoch")

    def state_dict(self) -> dict[str, int]:
        raise NotImplementedError("ShardedStream.state_dict")

    def load_state_dict(self, state: dict[str, int]) -> None:
        raise NotImplementedError("ShardedStream.load_state_dict")


def seed_worker(worker_id: int) -> None:
    raise NotImplementedError("seed_worker")


def make_loader(
    dataset: Any, batch_size: int, num_workers: int, device: torch.device
) -> DataLoader[Any]:
    raise NotImplementedError("make_loader")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    ranks = [list(ShardedStream(6, rank=rank, world_size=2)) for rank in (0, 1)]
    assert sorted(ranks[0] + ranks[1]) == [0, 1, 2, 3, 4, 5], ranks

    stream, again = ShardedStream(6), ShardedStream(6)
    whole, samples = list(stream), iter(stream)
    taken = [next(samples), next(samples)]
    again.load_state_dict(stream.state_dict())
    assert taken + list(again) == whole, (taken, whole)

    batches = list(make_loader(ShardedStream(5), 2, 0, torch.device("cpu")))
    assert [len(batch) for batch in batches] == [2, 2, 1], batches


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
