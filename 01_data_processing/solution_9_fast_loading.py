"""Fast loading: one permutation that all agree on, of which each shard takes every n-th.

Why it works: seed and epoch give every process the same order without a message. A rank takes every
world_size-th of it, a worker every workers-th of that. 10 samples on 2 ranks with 2 workers: rank 0
has places 0 2 4 6 8, its workers 0 4 8 and 2 6. As the order can be computed again, the state is
two numbers: the epoch, and how many samples are done.
Say in the interview:
- Workers copy the dataset. What does not ask get_worker_info() comes once per worker.
- Persistent workers keep their first copy, so an epoch set later as a plain attribute stays in the
  main process, and each epoch has the order of the first. Shared memory reaches them.
- torch seeds a worker's torch, Python and NumPy (since 1.9) with a base seed + worker id, but not a
  generator that the dataset made: all workers draw the same augmentations, in each epoch again.
- pin_memory lets `.to("cuda", non_blocking=True)` copy while the GPU computes.
Asked next: "Ranks whose shares differ by one?" The last step of DDP waits for ever: pad, drop, or
use DDP's join(). "The state in workers?" Each has one, and prefetches: what it gave is more than
what was trained on. torchdata's StatefulDataLoader keeps states with their batches.
Common slips: rank * workers + id with the wrong total; an order from the global generator, which
ranks and workers do not share; prefetch_factor with 0 workers, a ValueError; np.random.seed
of a number of more than 32 bits; a place that set_epoch forgets at once, as loops call it first.
May be left out if you say so: the shared epoch, if workers do not persist.
"""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


class ShardedStream(IterableDataset[int]):
    """The ints 0 to num_samples - 1, those of this rank and worker."""

    def __init__(self, num_samples: int, seed: int = 0, rank: int = 0, world_size: int = 1) -> None:
        self.num_samples, self.seed = num_samples, seed
        self.rank, self.world_size = rank, world_size
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # one for all workers
        self.done = 0  # samples of this epoch that this process gave
        self.start = 0  # of the next iteration

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + int(self.epoch))
        order = torch.randperm(self.num_samples, generator=generator).tolist()
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        mine = order[self.rank :: self.world_size][worker::workers]
        self.done, self.start = self.start, 0
        for sample in mine[self.done :]:
            self.done += 1
            yield sample

    def set_epoch(self, epoch: int) -> None:
        """To be called before each epoch; the place of a loaded state stays if it is that epoch."""
        if epoch != int(self.epoch):
            self.epoch.fill_(epoch)
            self.done = self.start = 0

    def state_dict(self) -> dict[str, int]:
        return {"epoch": int(self.epoch), "done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.epoch.fill_(state["epoch"])
        self.done = self.start = state["done"]


def seed_worker(worker_id: int) -> None:
    """worker_init_fn: torch.initial_seed() is there the base seed + worker_id."""
    seed = torch.initial_seed() % 2**32  # NumPy takes 32 bits
    random.seed(seed)
    np.random.seed(seed)
    dataset: Any = getattr(get_worker_info(), "dataset", None)
    if hasattr(dataset, "rng"):
        dataset.rng = np.random.default_rng(seed)


def make_loader(
    dataset: Any, batch_size: int, num_workers: int, device: torch.device
) -> DataLoader[Any]:
    """Batches on the CPU, ready for a fast copy to device."""
    return DataLoader(
        dataset,
        batch_size=batch_size,
        num_workers=num_workers,
        pin_memory=device.type == "cuda",
        persistent_workers=num_workers > 0,
        prefetch_factor=4 if num_workers > 0 else None,
        worker_init_fn=seed_worker,
    )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
