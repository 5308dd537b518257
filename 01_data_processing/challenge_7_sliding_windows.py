"""Sliding windows: a time series as training pairs, no look into the future.

A model reads `window` steps and predicts the next `horizon`.

    make_windows(series (T, F), window, horizon=1, stride=1)
        -> (x (M, window, F), y (M, horizon, F))
    chronological_split(num_steps, window, horizon, val_fraction, test_fraction)
        -> (train, val, test), three ranges of window starts
    Standardizer(): .fit(x (..., F)) -> itself, .transform(x (..., F)), .inverse(x (..., F))

Core, what an interview asks:

    pairs     x[i] begins at step i * stride; y[i] is what comes right after x[i].
    count     All pairs that fit into the series; M is 0 if none does.
    split     Test owns the last round(num_steps * test_fraction) steps, val likewise those before
              them, train the rest. A part has all starts (stride 1) whose x and y it owns.
    scale     transform gives (x - mean) / std per feature, in x's dtype, with the mean and std of
              the last fit. std is the population's, dividing by N, not N - 1.
    constant  A feature that is constant in fit gets std 1, so it becomes 0.
    inverse   It undoes transform, in x's dtype. No input changes.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    views     x and y are views of series.
    far       float32 near 1e6, std 1: transform is right up to 1e-3.

Medium, 25 minutes. Try one alone: python FILE split
"""

import torch
from torch import Tensor


def make_windows(
    series: Tensor, window: int, horizon: int = 1, stride: int = 1
) -> tuple[Tensor, Tensor]:
    raise NotImplementedError("make_windows")


def chronological_split(
    num_steps: int, window: int, horizon: int, val_fraction: float, test_fraction: float
) -> tuple[range, range, range]:
    raise NotImplementedError("chronological_split")


class Standardizer:
    def fit(self, x: Tensor) -> "Standardizer":
        raise NotImplementedError("Standardizer.fit")

    def transform(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Standardizer.transform")

    def inverse(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Standardizer.inverse")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    series = torch.arange(5.0)[:, None]  # one feature: 0, 1, 2, 3, 4
    x, y = make_windows(series, window=3)
    pairs = x[..., 0].tolist(), y[..., 0].tolist()
    assert pairs == ([[0, 1, 2], [1, 2, 3]], [[3], [4]]), pairs

    parts = chronological_split(10, 2, 1, val_fraction=0.3, test_fraction=0.3)
    starts = [list(part) for part in parts]  # steps 0 to 3, 4 to 6 and 7 to 9
    assert starts == [[0, 1], [4], [7]], starts

    scaler = Standardizer().fit(torch.tensor([[1.0, 7.0], [3.0, 7.0]]))
    scaled = scaler.transform(torch.tensor([[5.0, 7.0]])).tolist()
    assert scaled == [[3, 0]], scaled


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
