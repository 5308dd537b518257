"""Learning rate schedules: a pure function of the step, and a scheduler that only multiplies.

Why it works: each piece maps its part of the way, 0 to 1, to a rate. With warm-up 2, total 10 and
rates from 6 to 2, step 6 is half of the way down: 2 + (6 - 2) (1 + cos(pi / 2)) / 2 = 4. The end is
asked first, so no piece divides by its own length 0, and the cosine never rises again. The
scheduler keeps no rate: it multiplies each group's first one, which torch stores as initial_lr.
Say in the interview:
- Warm-up, because Adam's second moments are made of few gradients at first.
- A cosine must know its end: stopped early, its rate is still high, and after its end there is
  nothing left. WSD holds, so one long run gives models of many lengths: each is a short decay from
  a checkpoint.
- total_steps counts optimizer steps: batches * epochs / accumulation.
- A function of the step alone resumes by itself; its only state is the step.
Asked next: "The first step has rate 0, is that right?" It wastes a step, so some use (s + 1) / w.
Say which one you take; they differ by one step.
"Why min_ratio, not min_lr?" Groups have rates of their own: a head at 1e-3 and a backbone at 1e-5
keep their ratio only if all are multiplied.
Common slips: warm-up that ends one step early; division by 0 without warm-up; progress counted from
step 0 instead of the end of the warm-up; no end; attributes set after super().__init__, which
already asks for the first rates.
May be left out if you say so: the errors; last_epoch, which super().__init__ takes.
"""

import math

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


def need_fit(step: int, warmup_steps: int, total_steps: int, decay_steps: int = 0) -> None:
    """Raise ValueError if the parts are longer than the whole, or one is below 0."""
    if min(step, warmup_steps, decay_steps) < 0:
        raise ValueError(
            f"step {step}, warmup_steps {warmup_steps}, decay_steps {decay_steps}: "
            "want none below 0"
        )
    if warmup_steps + decay_steps > total_steps:
        raise ValueError(
            f"{warmup_steps} steps of warm-up and {decay_steps} of decay, want at most "
            f"{total_steps} in total"
        )


def cosine_lr_schedule(
    step: int, total_steps: int, warmup_steps: int, max_lr: float, min_lr: float = 0.0
) -> float:
    """The rate of step 0, 1, ...: a line up, half a cosine wave down, then min_lr."""
    need_fit(step, warmup_steps, total_steps)
    if step >= total_steps:
        return min_lr
    if step < warmup_steps:
        return max_lr * step / warmup_steps
    part = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * part)) / 2


def wsd_lr_schedule(
    step: int,
    total_steps: int,
    warmup_steps: int,
    decay_steps: int,
    max_lr: float,
    min_lr: float = 0.0,
) -> float:
    """The rate of step 0, 1, ...: a line up, max_lr, a line down, then min_lr."""
    need_fit(step, warmup_steps, total_steps, decay_steps)
    left = total_steps - step
    if left <= 0:
        return min_lr
    if step < warmup_steps:
        return max_lr * step / warmup_steps
    if left >= decay_steps:
        return max_lr
    return min_lr + (max_lr - min_lr) * left / decay_steps


class WarmupCosine(LRScheduler):
    """Multiplies each group's first rate by a cosine_lr_schedule from 1 to min_ratio."""

    def __init__(
        self,
        optimizer: Optimizer,
        warmup_steps: int,
        total_steps: int,
        min_ratio: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        need_fit(0, warmup_steps, total_steps)  # before the optimizer is touched
        self.warmup_steps, self.total_steps, self.min_ratio = warmup_steps, total_steps, min_ratio
        super().__init__(optimizer, last_epoch)  # asks for the first rates

    def get_lr(self) -> list[float | Tensor]:
        """The rate of each group at step self.last_epoch."""
        factor = cosine_lr_schedule(
            self.last_epoch, self.total_steps, self.warmup_steps, 1.0, self.min_ratio
        )
        return [lr * factor for lr in self.base_lrs]


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
