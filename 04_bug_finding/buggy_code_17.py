"""Bug hunt 17: with two workers training is faster, and it overfits sooner.

A colleague: "Same model, noise on each image. With num_workers=2 the training loss falls much
lower, and the validation loss soon turns. With 0 it never does."

    Noisy(num_samples)   a dataset: element i is a float, the noise of sample i, standard
                         normal, drawn each time it is asked for
    epoch_values(dataset, num_workers, epochs) -> for each epoch a list of floats
        dataset          a Noisy, or of a derived class
        num_workers      of the DataLoader that loads the elements in batches

Core, what an interview asks:

    order    A list holds what elements 0, 1, 2, ... gave in that epoch, each asked once.
    sharing  Each of num_workers workers loads a part, if there are 8 elements for each; with 0 this
             process loads all.
    noise    The noises are independent: none comes twice in the lists of a call.
    calls    Nor does it in two calls with one dataset, with any num_workers.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    repeat   After torch.manual_seed(seed), a new Noisy and a call give the same lists for the same
             seed and num_workers, and others for another seed.
    start    Workers may be started by fork, spawn or forkserver.

Run the file, fix Noisy or epoch_values, run it again.

Medium, 15 minutes. Try one alone: python FILE noise
"""

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Noisy(Dataset[float]):
    """The noises by themselves; in the colleague's dataset an image is added."""

    def __init__(self, num_samples: int) -> None:
        self.num_samples = num_samples
        seed = int(torch.randint(2**62, ()))
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return self.num_samples

    def __getitem__(self, i: int) -> float:
        return float(self.rng.standard_normal())


def epoch_values(dataset: Noisy, num_workers: int, epochs: int) -> list[list[float]]:
    loader = DataLoader(dataset, batch_size=8, num_workers=num_workers)
    return [[value for batch in loader for value in batch.tolist()] for _ in range(epochs)]


def evidence() -> None:
    """What the colleague saw. The workers run in this process, one after the other, with the same
    numbers as elsewhere: so it is quick, and print() and breakpoints work in them.
    """
    from checks.workers import in_this_process

    for num_workers in (0, 2):
        torch.manual_seed(0)
        with in_this_process(globals()):
            epochs = epoch_values(Noisy(48), num_workers, 3)
        for i, values in enumerate(epochs):
            shown = ", ".join(f"{values[n]:6.3f}" for n in (0, 1, 8, 9, 16, 17))
            print(f"{num_workers} workers, epoch {i}: samples 0, 1, 8, 9, 16 and 17 got {shown}")
        every = [value for values in epochs for value in values]
        print(f"{num_workers} workers: {len(set(every))} different noises of {len(every)}")
    print("A right program gives 144 of 144, with workers and without.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
