"""k-means and nearest neighbors: one table of distances, and what is done with it.

Why it works: of a fixed assignment the mean is the best centroid, of fixed centroids the nearest is
the best assignment, so no update makes the sum of squared distances larger, and it ends. It ends in
a local minimum, so the start matters. k-means++ draws by the square: rows at distance 0, 1 and 3
have chances 0, 0.1 and 0.9. The rows assigned last belong to centroids that moved since, so assign
once more at the end. |x - w|² = |x|² - 2 w x + |w|²: |x|² is the same for all w, so the nearest is
the argmax of w x - |w|² / 2. For w = 1 and 3 and x = 2.1 that is 1.6 and 1.8.
Say in the interview: a table (N, k) of distances, not a tensor (N, k, D) of differences. A mean of
no rows is 0 / 0, so a centroid without rows needs a rule. The square root changes no argmin.
They may ask: how is k chosen? Draw the inertia (the sum of squared distances) against k, look for a
bend, or judge by what the clusters are for. They may ask: which scale? A feature in grams outweighs
one in tons, so standardize first.
They may ask: what does nearest_as_linear buy? A search for the largest inner product finds nearest
rows: append b as a column of W, and a 1 to x.
Common slips: chances like the distance; + |w|² / 2; NaN centroids; the assignments of the update
before; the label of the single nearest row for every k.
"""

import torch
from torch import Generator, Tensor


def kmeans(
    data: Tensor,
    k: int,
    max_iters: int = 100,
    tol: float = 1e-4,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """(N, D) -> centroids (k, D), the index of the nearest for each row (N,) int64."""
    centroids = plus_plus(data, k, generator)
    for _ in range(max_iters):
        distance, nearest = torch.cdist(data, centroids).min(dim=1)  # (N,), (N,)
        count = torch.bincount(nearest, minlength=k)[:, None]  # (k, 1)
        total = torch.zeros_like(centroids).index_add(0, nearest, data)
        new = total / count.clamp(min=1)
        empty = count[:, 0] == 0
        new[empty] = data[distance.argmax()]
        moved = (new - centroids).norm(dim=1).max()
        centroids = new
        if moved <= tol:
            break
    return centroids, torch.cdist(data, centroids).argmin(dim=1)


def plus_plus(data: Tensor, k: int, generator: Generator | None) -> Tensor:
    """k rows, each drawn with chances like its squared distance to the nearest one before."""
    chosen = torch.randint(len(data), (1,), generator=generator)
    while len(chosen) < k:
        square = torch.cdist(data, data[chosen]).amin(dim=1).square()  # (N,)
        chances = square if square.any() else torch.ones_like(square)  # all rows are centroids
        chosen = torch.cat([chosen, torch.multinomial(chances, 1, generator=generator)])
    return data[chosen]


def knn_predict(X_train: Tensor, y_train: Tensor, X_test: Tensor, k: int = 5) -> Tensor:
    """(N, D), (N,), (M, D) -> (M,): what most of the k nearest rows say."""
    nearest = torch.cdist(X_test, X_train).topk(k, largest=False).indices  # (M, k)
    votes = torch.nn.functional.one_hot(y_train[nearest], int(y_train.max()) + 1).sum(dim=1)
    return votes.argmax(dim=1)  # the first of equal ones


def nearest_as_linear(X: Tensor) -> tuple[Tensor, Tensor]:
    """(N, D) -> W (N, D), b (N,): the row nearest to x has the largest W x + b."""
    return X, -X.square().sum(dim=1) / 2


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
