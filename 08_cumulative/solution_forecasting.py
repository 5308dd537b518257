"""Forecasting: nothing that a forecast uses may be younger than the forecast.

Why it works: train windows end before the first val step, so a val window has no step in common
with them; mean and std come from train steps; each fold is fitted on what lies before it. With
make_prices(0) the net is off by 0.57 on average: that says something only beside the last value,
which is off by 1.02, and the value a season ago, off by 0.93.
Say in the interview:
- Split by time, then cut windows. Windows cut first and split at random share all but one step with
  a neighbor: the net has seen most targets of val as inputs.
- A net that forecasts the change is at least as good as the last value when it says 0.
- The scaler is inverted before an error is computed: an error of 0.1 scaled units says nothing, and
  those of two folds have different units.
- Mean absolute error and direction disagree: a forecast a little above last is nearly right in the
  one and may be wrong in the other. Who trades needs the direction, so the loss has a term for it.
Asked next: "Why several folds?" One test block is one draw of the market; the spread over folds
says how far to trust the mean. "A horizon of 5 steps?" Then targets lie 5 steps after the windows,
the split has to count them, and errors of forecasts that overlap are no independent draws.
Common slips: scaler fitted on the whole series; windows shuffled before the split; baseline left
out; errors in scaled units; early stopping on the test block.
May be left out if you say so: a flat series.
"""

from collections.abc import Callable
from copy import deepcopy
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


Predict = Callable[[Tensor], float]


def make_windows(series: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """(T,) -> x (T - window, window), y (T - window,)."""
    return series[:-1].unfold(0, window, 1), series[window:]


def split_starts(num_steps: int, window: int, val_steps: int) -> tuple[range, range]:
    """A window that starts at s needs the steps s to s + window, its target included."""
    cut = num_steps - val_steps
    return range(cut - window), range(cut, num_steps - window)


def directional_loss(pred: Tensor, target: Tensor, last: Tensor, weight: float = 0.5) -> Tensor:
    """Squared error, and how far pred is on the wrong side of last."""
    wrong = torch.relu(-(pred - last) * torch.sign(target - last))
    return ((pred - target).square() + weight * wrong).mean()


def score(pred: Tensor, target: Tensor, last: Tensor) -> Score:
    moved = target != last
    right = torch.sign(pred - last) == torch.sign(target - last)
    return {
        "mae": (pred - target).abs().double().mean().item(),
        "direction": right[moved].double().mean().item(),
    }


def fit(past: Tensor, epochs: int = 12, seed: int = 0) -> Predict:
    """Train on past without its last VAL steps, keep the epoch that is best on them."""
    torch.manual_seed(seed)
    train, val = split_starts(len(past), WINDOW, VAL)
    std, mean = torch.std_mean(past[:-VAL])
    std = std.clamp(min=1e-6)
    x, y = make_windows((past - mean) / std, WINDOW)  # (M, W), (M,)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    best, kept = float("inf"), model.state_dict()
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(train)).split(32):
            loss = directional_loss(model(x[rows]), y[rows], x[rows, -1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            rows = torch.tensor(val)
            val_loss = directional_loss(model(x[rows]), y[rows], x[rows, -1]).item()
        if val_loss < best:
            best, kept = val_loss, deepcopy(model.state_dict())
    model.load_state_dict(kept)

    @torch.no_grad()
    def predict(history: Tensor) -> float:
        scaled = (history[-WINDOW:] - mean) / std
        return (model(scaled[None]) * std + mean).item()

    return predict


def walk_forward(series: Tensor, fit: Callable[[Tensor], Predict], folds: int, size: int) -> Tensor:
    """(folds * size,): forecasts of the last steps, each from what lies before it."""
    found = list[float]()
    for start in range(len(series) - folds * size, len(series), size):
        predict = fit(series[:start])
        found += [predict(series[:step]) for step in range(start, start + size)]
    return torch.tensor(found)


def run(series: Tensor, folds: int = 3, size: int = 30, epochs: int = 12, seed: int = 0) -> Report:
    """Walk forward over the last folds * size steps, beside two baselines."""
    n = folds * size
    target, last, season = series[-n:], series[-n - 1 : -1], series[-n - PERIOD : -PERIOD]
    pred = walk_forward(series, lambda past: fit(past, epochs, seed), folds, size)
    forecasts = {"model": pred, "last": last, "seasonal": season}
    report = {name: score(one, target, last) for name, one in forecasts.items()}
    for name, one in report.items():
        print(f"{name:<8} mae {one['mae']:.3f}  direction {one['direction']:.3f}")
    return Report(model=report["model"], last=report["last"], seasonal=report["seasonal"])


# The whole scenario; tests/test_08_cumulative.py has three seeds.
if __name__ == "__main__":
    run(make_prices(seed=0))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
