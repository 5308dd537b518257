"""Sliding windows: one unfold of window + horizon steps, a split by time, statistics from the past.

Why it works: a pair takes window + horizon steps, the span, so T steps have T - span + 1 starts: of
10 steps, 2 + 1 at a time, 8. unfold makes them by strides alone, with the window as the last axis,
hence the transpose. A part of n steps that owns its steps alone has n - span + 1 starts: cut the
steps, not the pairs, and nothing is shared. Neighboring windows are nearly equal, so a random split
of windows puts copies of the test set into training.
Say in the interview: fit the scaler on the steps of train alone, or test leaks through the mean.
Predictions are brought back by inverse before an error is reported in its unit. A constant feature
has std 0; test it by max == min, as the mean of 1000 times 0.1 is not 0.1 in floats.
They may ask: the series has gaps, or is of many stores? Make windows within each piece, then join.
They may ask: how do you validate further? Walk forward: train on the past, test on the next
piece, move on, and never train on what comes later.
Common slips: the last window left out; unfold's axes taken as they come; a gap of window - 1 steps,
so that targets are shared; std of one row, NaN; std + eps, where 0.1 - mean is not 0.
What you may leave out if you say so: views (an index table copies) and float64 statistics.
"""

import torch
from torch import Tensor


def make_windows(
    series: Tensor, window: int, horizon: int = 1, stride: int = 1
) -> tuple[Tensor, Tensor]:
    """(T, F) -> views x (M, window, F) and y (M, horizon, F) of it."""
    span, features = window + horizon, series.shape[1]
    if len(series) < span:  # unfold would raise
        return series.new_empty(0, window, features), series.new_empty(0, horizon, features)
    pairs = series.unfold(0, span, stride).transpose(1, 2)  # (M, span, F)
    return pairs[:, :window], pairs[:, window:]


def chronological_split(
    num_steps: int, window: int, horizon: int, val_fraction: float, test_fraction: float
) -> tuple[range, range, range]:
    """The starts of train, val and test: no step is in pairs of two of them."""
    test = num_steps - round(num_steps * test_fraction)  # the first step of test
    val = test - round(num_steps * val_fraction)
    last = window + horizon - 1  # steps after a start
    return range(val - last), range(val, test - last), range(test, num_steps - last)


class Standardizer:
    """Per feature, the last axis: (x - mean) / std, and back."""

    def fit(self, x: Tensor) -> "Standardizer":
        rows = x.reshape(-1, x.shape[-1]).double()  # (N, F)
        low = rows.amin(dim=0)
        constant = low == rows.amax(dim=0)
        self.mean = torch.where(constant, low, rows.mean(dim=0))
        self.std = torch.where(constant, 1.0, rows.std(dim=0, correction=0))
        return self

    def transform(self, x: Tensor) -> Tensor:
        return ((x.double() - self.mean) / self.std).to(x.dtype)

    def inverse(self, x: Tensor) -> Tensor:
        return (x.double() * self.std + self.mean).to(x.dtype)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
