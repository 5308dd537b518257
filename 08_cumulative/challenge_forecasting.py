"""Forecasting: a price series, a net, and no look into the future.

A window's target is the step after it.

Core, what an interview asks:

    windows   x[i] is series[i : i + window], y[i] its target, for each i that has one.
    split     The starts of all train and all val windows, in order. Val windows and targets lie in
              the last val_steps steps, train windows and targets before.
    loss      The mean of (pred - target)^2 + weight * w. w is |pred - last| where pred and target
              lie on different sides of last, else 0.
    scores    score returns a Score.
    training  Each epoch Net, in train mode, gets each train window once, in new order. A batch
              is a step of all parameters on its directional_loss.
    scaled    Net and loss get standardized values, by mean and std of past before its last VAL.
    best      After each epoch Net gets all val windows, in eval mode, without gradients. Forecasts
              use the epoch with the smallest directional_loss on them.
    forecast  Made from the last WINDOW steps of history, in its units, in eval mode.
    walk      Each fold fits once, on all before it. Each step is forecast from all before it. The
              last fold ends with series.
    seeded    Equal seeds give equal forecasts, others do not, whatever was drawn before.
    report    run returns a Report and prints what its docstring says.
    learns    make_prices(1, 200), a fold of 40, 6 epochs: mae is at most 0.8 times the better
              baseline's.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    flat      A series that does not move gives finite forecasts.

Hard, 50 minutes. Try one alone: python FILE windows
Guide: PyTorch_Mastery_Guide, "Forecasts without the future".
"""

from collections.abc import Callable
from typing import TypedDict

import torch
from torch import Tensor, nn

WINDOW = 16  # steps that Net sees
PERIOD = 12  # steps of a season
VAL = 48  # steps for validation


def make_prices(seed: int, steps: int = 320) -> Tensor:
    """(steps,) prices: a random walk, a season of 12 steps and noise."""
    draw = torch.Generator().manual_seed(seed)
    walk = 0.4 * torch.randn(steps, generator=draw).cumsum(0)
    season = 3 * torch.sin(2 * torch.pi * torch.arange(steps) / PERIOD)
    return 100 + walk + season + 0.4 * torch.randn(steps, generator=draw)


class Net(nn.Module):
    """x (B, WINDOW) -> the next value (B,): the last one and a change."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(WINDOW, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> Tensor:
        last = x[:, -1:]
        return (last + self.layers(x - last)).squeeze(1)


class Score(TypedDict):
    mae: float  # mean absolute error, in units of the prices
    direction: float  # of the steps with target != last: share with pred on target's side of last


class Report(TypedDict):  # on the last folds * size steps of series
    model: Score
    last: Score  # of the forecast "the same as one step before"
    seasonal: Score  # of the forecast "the same as PERIOD steps before"


Predict = Callable[[Tensor], float]  # history (t,), t >= WINDOW -> the next step


def make_windows(series: Tensor, window: int) -> tuple[Tensor, Tensor]:
    raise NotImplementedError("make_windows")


def split_starts(num_steps: int, window: int, val_steps: int) -> tuple[range, range]:
    raise NotImplementedError("split_starts")


def directional_loss(pred: Tensor, target: Tensor, last: Tensor, weight: float = 0.5) -> Tensor:
    raise NotImplementedError("directional_loss")


def score(pred: Tensor, target: Tensor, last: Tensor) -> Score:
    raise NotImplementedError("score")


def fit(past: Tensor, epochs: int = 12, seed: int = 0) -> Predict:
    """Adam with rate 0.01 and batches of 32 do it."""
    raise NotImplementedError("fit")


def walk_forward(series: Tensor, fit: Callable[[Tensor], Predict], folds: int, size: int) -> Tensor:
    """(folds * size,) forecasts."""
    raise NotImplementedError("walk_forward")


def run(series: Tensor, folds: int = 3, size: int = 30, epochs: int = 12, seed: int = 0) -> Report:
    """Prints lines that begin "model", "last", "seasonal": mae and direction, 3 decimals."""
    raise NotImplementedError("run")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    x, y = make_windows(torch.tensor([1.0, 2.0, 4.0, 7.0]), 2)
    assert (x.tolist(), y.tolist()) == ([[1, 2], [2, 4]], [4, 7]), (x.tolist(), y.tolist())
    train, val = split_starts(num_steps=10, window=2, val_steps=4)
    assert (list(train), list(val)) == ([0, 1, 2, 3], [6, 7]), (list(train), list(val))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
