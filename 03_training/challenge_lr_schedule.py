"""Learning rate schedules: warm up, hold or follow a cosine, and end.

Most language models are trained with one of these two. A step is one of the optimizer, the first is
step 0.

    cosine_lr_schedule(step, total_steps, warmup_steps, max_lr, min_lr=0.0) -> float
    wsd_lr_schedule(step, total_steps, warmup_steps, decay_steps, max_lr, min_lr=0.0) -> float
    WarmupCosine(optimizer, warmup_steps, total_steps, min_ratio=0.0, last_epoch=-1)

Core, what an interview asks:

    warmup     Both rise in a straight line from 0 at step 0 to max_lr at step warmup_steps. With
               warmup_steps=0 step 0 has max_lr.
    cosine     From there cosine_lr_schedule falls along half a cosine wave to min_lr at step
               total_steps.
    wsd        wsd_lr_schedule stays at max_lr and falls in a straight line in the last decay_steps
               steps, to min_lr at step total_steps.
    end        From step total_steps on both are min_lr.
    scheduler  WarmupCosine is an LRScheduler of torch. After s calls of step() a group's rate is
               its own first rate times cosine_lr_schedule(s, ...) from 1 to min_ratio.
    resume     Its state_dict() can be read with weights_only=True. With it and the optimizer's
               loaded into new ones, the rates go on as if never interrupted.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    restart    last_epoch=s, with initial_lr in each group: goes on at step s + 1.
    limits     warmup_steps = total_steps and decay_steps=0 work. ValueError: a step or a number
               of steps below 0, warm-up and decay longer than total_steps. WarmupCosine then
               leaves the optimizer as it was.

Easy, 25 minutes. Try one alone: python FILE warmup
Guide: PyTorch_Mastery_Guide, "Schedules as formulas".
"""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


def cosine_lr_schedule(
    step: int, total_steps: int, warmup_steps: int, max_lr: float, min_lr: float = 0.0
) -> float:
    raise NotImplementedError("cosine_lr_schedule")


def wsd_lr_schedule(
    step: int,
    total_steps: int,
    warmup_steps: int,
    decay_steps: int,
    max_lr: float,
    min_lr: float = 0.0,
) -> float:
    raise NotImplementedError("wsd_lr_schedule")


class WarmupCosine(LRScheduler):
    def __init__(
        self,
        optimizer: Optimizer,
        warmup_steps: int,
        total_steps: int,
        min_ratio: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        raise NotImplementedError("WarmupCosine")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    rates = [round(cosine_lr_schedule(s, 8, 4, 6.0), 6) for s in (0, 2, 4, 6, 8, 9)]
    assert rates == [0, 3, 6, 3, 0, 0], rates

    rates = [wsd_lr_schedule(s, 10, 2, 4, 8.0, 4.0) for s in (0, 1, 2, 6, 8, 10)]
    assert rates == [0, 4, 8, 8, 6, 4], rates


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
