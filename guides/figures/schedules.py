"""Four schedules from the same highest rate: when each one lowers it, and how fast."""

from collections.abc import Callable

import torch
from style import COLORS, Data, rounded, save, start
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
    StepLR,
)

STEPS, WARM = 100, 10


def rates(make: Callable[..., LRScheduler] | None, **settings: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    if make:
        schedule: LRScheduler = make(optimizer, **settings)
    else:
        warm = LinearLR(optimizer, start_factor=0.01, total_iters=WARM)
        cosine = CosineAnnealingLR(optimizer, T_max=STEPS - WARM)
        schedule = SequentialLR(optimizer, [warm, cosine], milestones=[WARM])
    found = []
    for _ in range(STEPS + 1):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def data() -> Data:
    return rounded(
        {
            "constant": rates(ConstantLR, factor=1.0),
            "step": rates(StepLR, step_size=30, gamma=0.3),
            "cosine": rates(CosineAnnealingLR, T_max=STEPS),
            "warm-up, then cosine": rates(None),
        }
    )


def draw(data: Data, folder: str | None = None) -> None:
    figure = start(8, 2.5)
    panels = figure.subplots(1, 4, sharex=True, sharey=True)
    for axes, (name, found), color in zip(panels, data.items(), COLORS, strict=True):
        axes.plot(found, color=color)
        axes.set_title(name)
        axes.set_xlabel("step")
        axes.set_ylim(0, 0.108)
        axes.grid(color="#dfe1dc", linewidth=0.6)
    panels[0].set_ylabel("learning rate")
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
