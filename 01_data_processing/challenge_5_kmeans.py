"""k-means and nearest neighbors: two uses of distances.

    kmeans(data (N, D), k, max_iters=100, tol=1e-4, generator=None)
        -> (centroids (k, D), assignments (N,) int64)
    knn_predict(X_train (N, D), y_train (N,), X_test (M, D), k=5) -> (M,)
    nearest_as_linear(X (N, D)) -> (W (N, D), b (N,))

Distances are Euclidean; labels are int64, 0 or more.

Core, what an interview asks:

    start     k-means++: a random row, then rows drawn in proportion to the squared distance to
              the nearest centroid so far. max_iters=0 returns this start.
    update    Each row goes to its nearest centroid, each centroid to its rows' mean. Updates
              end after max_iters or after one that moves no centroid farther than tol.
    assigned  Each row's nearest of the returned centroids.
    empty     A centroid without rows moves to the row farthest from its nearest centroid.
    knn       The most frequent label of the k nearest rows; of a tie the smallest.
    linear    For any x (D,), argmax(W x + b) is the row of X nearest to x.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    few       With fewer than k different rows each is a centroid, none NaN.
    draws     From generator, None: the global one.
    limits    No tensor grows like (N, k, D) in kmeans, like (N, M, D) in knn_predict. Inputs
              do not change. float64 keeps its precision.

Medium, 30 minutes. Try one alone: python FILE start
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
    raise NotImplementedError("kmeans")


def knn_predict(X_train: Tensor, y_train: Tensor, X_test: Tensor, k: int = 5) -> Tensor:
    raise NotImplementedError("knn_predict")


def nearest_as_linear(X: Tensor) -> tuple[Tensor, Tensor]:
    raise NotImplementedError("nearest_as_linear")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    rows = torch.tensor([[0.0], [2.0], [90.0], [92.0], [94.0]])
    centroids, assignments = kmeans(rows, 2)
    assert sorted(centroids.flatten().tolist()) == [1, 92], centroids
    near = centroids[assignments].flatten().tolist()
    assert near == [1, 1, 92, 92, 92], near

    labels = torch.tensor([7, 3, 3, 5, 5])
    told = knn_predict(rows, labels, torch.tensor([[60.0], [0.0]]), k=1).tolist()
    assert told == [3, 7], told

    W, b = nearest_as_linear(rows)
    scores = W @ torch.tensor([50.0]) + b
    assert scores.argmax() == 2, scores


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
