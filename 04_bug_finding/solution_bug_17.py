"""Bug hunt 17: each worker had a copy of one random generator, and each epoch began with it anew.

Symptom  with 2 workers samples 0 and 8 get the same noise, in every epoch. So a network learns the
         noises by heart, and the validation loss tells.
Cause    a worker is a new process with a copy of the dataset, self.rng included, in the state in
         which the loader finds it. Both workers draw the same numbers; what they draw leaves the
         original as it was, and the next epoch starts new workers from it. Of 48 samples in 3
         epochs 24 noises are different: 3 of 6 batches go to each worker, 24 draws.
Fix      a generator for each worker, made in worker_init_fn from torch.initial_seed(): there it is
         the loader's seed of this epoch plus the worker's number.
Spot it  let elements be random numbers only, load two epochs with two workers, count those that
         are different. Or print the generator's state in worker_init_fn.

Asked next
    "default_rng(worker_id)?" The workers differ, and each epoch repeats the first.
    "persistent_workers=True?" The epochs differ then, for the workers go on. The two still agree.
    "Why not torch.randn or NumPy's global generator?" Both are fine: torch seeds them, and random,
    in each worker, NumPy's since 1.9. Nobody seeds it for you with 0 workers.
    "Draw in the training loop?" On the GPU, for the whole batch: no worker is left to go wrong.
Slips    a lambda as worker_init_fn, which spawn cannot pickle; changing the dataset outside, whose
         copies are already made or never see it.
Left out here, if you say so: several ranks, which need a seed of their own each.
"""

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info


class Noisy(Dataset[float]):
    """num_samples floats, drawn anew each time one is asked for."""

    def __init__(self, num_samples: int) -> None:
        self.num_samples = num_samples
        seed = int(torch.randint(2**62, ()))
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return self.num_samples

    def __getitem__(self, i: int) -> float:
        return float(self.rng.standard_normal())


def own_generator(worker_id: int) -> None:
    """For a worker's copy of the dataset: torch's seed here is new in each worker and epoch."""
    info = get_worker_info()
    assert info is not None and isinstance(info.dataset, Noisy)
    info.dataset.rng = np.random.default_rng(torch.initial_seed())


def epoch_values(dataset: Noisy, num_workers: int, epochs: int) -> list[list[float]]:
    """The elements as num_workers workers load them, `epochs` times."""
    loader = DataLoader(dataset, 8, num_workers=num_workers, worker_init_fn=own_generator)
    return [[value for batch in loader for value in batch.tolist()] for _ in range(epochs)]


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
