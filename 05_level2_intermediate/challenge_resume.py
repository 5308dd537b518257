"""Resume: a training that is killed between two steps goes on as if it had never stopped.

    Run(model, optimizer, scheduler, dataset, batch_size, seed)
        step() -> float           trains on the next batch; its loss before that
        state_dict() -> dict
        load_state_dict(state)    of a Run of the same arguments, in another process

dataset[i] is (x, y), a float tensor and a class (int).

Core, what an interview asks:

    step      Mean cross entropy of one batch, in train mode: the optimizer steps, then the
              scheduler.
    order     Each epoch reads each row once, in a new random order that seed alone decides. The
              last batch may be short.
    resume    Losses, parameters and rates are those of a run that never stopped, bit for bit.
    random    So it is with dropout and rows that draw from the global generators of torch (CPU),
              NumPy and Python. Run(...) and state_dict() draw nothing.
    file      torch.load(saved state, weights_only=True) works.
    snapshot  A state never changes, whatever the runs that gave or loaded it do.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    device    A state may come from another device, or map_location moved it. Momenta go to their
              parameter's device, a batch to the model's.
    foreign   Another seed, batch_size or length of the dataset: ValueError, nothing changes.

Hard, 45 minutes. Try one alone: python FILE resume
Guide: PyTorch_Mastery_Guide, "A run that resumes".
"""

from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler


class Run:
    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: LRScheduler,
        dataset: Any,
        batch_size: int,
        seed: int,
    ) -> None:
        raise NotImplementedError("Run.__init__")

    def step(self) -> float:
        raise NotImplementedError("Run.step")

    def state_dict(self) -> dict[str, Any]:
        raise NotImplementedError("Run.state_dict")

    def load_state_dict(self, state: dict[str, Any]) -> None:
        raise NotImplementedError("Run.load_state_dict")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    rows = [(torch.tensor([float(i)]), i % 2) for i in range(5)]

    def new() -> Run:
        model = nn.Linear(1, 2)
        nn.init.zeros_(model.weight)
        nn.init.zeros_(model.bias)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        return Run(model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 2), rows, 2, 7)

    run, other = new(), new()
    first = run.step()
    assert round(first, 4) == 0.6931, first  # log 2: both classes are equally likely
    run.step()
    other.load_state_dict(run.state_dict())
    pair = run.step(), other.step()
    assert pair[0] == pair[1], pair


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
