"""Linear and logistic regression: the pseudoinverse, two gradients by hand, and a loop of torch.

Why it works: with a column of ones b is one more weight, and least squares is one product with the
pseudoinverse. Both losses have the same gradient, X^T (prediction - y) / N, but for a factor of 2.
For X = [[1], [-1]] and y = [3, 1] the first errors are -3 and -1: slopes 2 (-3 + 1) / 2 = -2 for w
and -4 for b, so a step of 0.25 gives w = 0.5 and b = 1.
Say in the interview: predictions and y must have one shape. (N, 1) - (N,) is an (N, N) table; its
mean runs, and the model learns a constant. Both gradients come from the same errors, before either
weight moves. Divide by N, or the rate depends on the number of rows. The penalty pulls w, not b: b
only says how frequent a class is. sigmoid is safe at any logit, e^z / (1 + e^z) is inf / inf.
They may ask: why not solve(X^T X)? It squares the condition number, and equal columns make it
singular; the pseudoinverse takes the shortest of all solutions.
They may ask: why has logistic regression no closed form? The predictions are no longer linear in w.
Newton's method takes some five steps, each a weighted least squares. Classes that a plane separates
have no best w at all: it grows without end, and l2 stops it.
Common slips: w updated before the errors for b are computed; zero_grad forgotten; a penalty on b.
You may leave out, if you say so: dependent columns, the errors for wrong shapes.
"""

import torch
from torch import Tensor, nn


class LinearRegression:
    """Minimizes mean((X w + b - y)^2). X (N, D), y (N,) -> w (D,), b ()."""

    def closed_form(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Of several best solutions, the shortest one."""
        y = targets_of(X, y)
        with_ones = torch.cat([X, X.new_ones(len(X), 1)], dim=1)  # (N, D + 1)
        solution = torch.linalg.pinv(with_ones) @ y  # (D + 1,)
        return solution[:-1], solution[-1]

    def gradient_descent(
        self, X: Tensor, y: Tensor, lr: float = 0.01, steps: int = 1000
    ) -> tuple[Tensor, Tensor]:
        y = targets_of(X, y)
        w, b = X.new_zeros(X.shape[1]), X.new_zeros(())
        for _ in range(steps):
            error = X @ w + b - y  # (N,)
            w -= lr * 2 * (X.T @ error) / len(X)
            b -= lr * 2 * error.mean()
        return w, b

    def nn_linear(
        self, X: Tensor, y: Tensor, lr: float = 0.01, steps: int = 1000
    ) -> tuple[Tensor, Tensor]:
        y = targets_of(X, y)
        layer = nn.Linear(X.shape[1], 1, device=X.device, dtype=X.dtype)
        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
        for _ in range(steps):
            loss = nn.functional.mse_loss(layer(X).squeeze(1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return layer.weight.detach().squeeze(0), layer.bias.detach().squeeze(0)


class LogisticRegression:
    """Minimizes the mean log loss of sigmoid(X w + b), plus l2 / 2 * |w|^2. y (N,) of 0 and 1."""

    def __init__(self, lr: float = 0.1, steps: int = 1000, l2: float = 0.0) -> None:
        self.lr, self.steps, self.l2 = lr, steps, l2

    def fit(self, X: Tensor, y: Tensor) -> "LogisticRegression":
        y = targets_of(X, y)
        if not ((y == 0) | (y == 1)).all():
            raise ValueError(f"labels {y.unique().tolist()}, want 0 and 1")
        self.w, self.b = X.new_zeros(X.shape[1]), X.new_zeros(())
        for _ in range(self.steps):
            error = self.predict_proba(X) - y  # (N,)
            self.w -= self.lr * (X.T @ error / len(X) + self.l2 * self.w)
            self.b -= self.lr * error.mean()
        return self

    def predict_proba(self, X: Tensor) -> Tensor:
        """(N, D) -> (N,), the probability of class 1."""
        return torch.sigmoid(X @ self.w + self.b)


def targets_of(X: Tensor, y: Tensor) -> Tensor:
    """y in the dtype of X. ValueError: it is not one number per row."""
    if y.shape != X.shape[:1]:
        raise ValueError(f"y {tuple(y.shape)}, want {tuple(X.shape[:1])} for X {tuple(X.shape)}")
    return y.to(X.dtype)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
