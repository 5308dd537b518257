"""A graph convolutional network (GCN): each node mixes its neighbors' features with its own.

A layer is ReLU(A' X W). A' is the adjacency matrix with self-loops, each entry (i, j) divided by
the root of d_i d_j; d are the row sums before that.

    gcn_layer(A, X, W)             A (n, n) of 0 and 1, symmetric, its diagonal 0; X (n, F),
                                   W (F, H), all float -> (n, H)
    normalized_adjacency(edge_index, num_nodes)   (2, E) int64 -> A' (n, n) sparse, float32
    GCN(in_dim, hidden, out_dim)   two layers with W in lin1, lin2: nn.Linear, no bias
    forward(X, adjacency)          (n, in_dim), sparse (n, n) -> logits (n, out_dim)

Core, what an interview asks:

    layer    gcn_layer is one layer.
    values   normalized_adjacency gives A' of the edges, a sparse tensor.
    edges    They have no direction. One may come as (i, j), (j, i), both, or several times; it
             counts once.
    loops    A node has one self-loop, given or not, and may have no other edge.
    model    adjacency is used as it comes. The second layer has no ReLU.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    sparse   normalized_adjacency and GCN make no dense n x n tensor.
    device   All tensors are made on the inputs' device.
    bounds   A node below 0 or above num_nodes - 1 raises an error.
    exact    gcn_layer, GCN: float64, gradients of X and weights are exact to 1e-8. Inputs stay.

Medium, 25 minutes. Try one alone: python FILE loops
Paper: https://arxiv.org/abs/1609.02907
"""

import torch
from torch import Tensor, nn


def gcn_layer(A: Tensor, X: Tensor, W: Tensor) -> Tensor:
    raise NotImplementedError("gcn_layer")


def normalized_adjacency(edge_index: Tensor, num_nodes: int) -> Tensor:
    raise NotImplementedError("normalized_adjacency")


class GCN(nn.Module):
    def __init__(self, in_dim: int, hidden: int, out_dim: int) -> None:
        raise NotImplementedError("GCN.__init__")

    def forward(self, X: Tensor, adjacency: Tensor) -> Tensor:
        raise NotImplementedError("GCN.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    A = torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]])  # 0 - 1, and 2 alone
    X = torch.tensor([[2.0], [4.0], [8.0]])
    out = gcn_layer(A, X, torch.ones(1, 1)).flatten().tolist()
    assert [round(v, 4) for v in out] == [3, 3, 8], out  # d is 2, 2, 1

    got = normalized_adjacency(torch.tensor([[0], [1]]), 3).to_dense()
    want = [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]
    assert [[round(v, 4) for v in row] for row in got.tolist()] == want, got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
