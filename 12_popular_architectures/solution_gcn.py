"""A graph convolutional network: two matrix products per layer, one of them sparse.

Why it works: A' X is a weighted sum over a node and its neighbors, the same for every order of the
nodes, and W mixes features as a linear layer does. With d_i d_j under the root A' is symmetric, and
its eigenvalues stay in (-1, 1]: many layers do not blow up. On the path 0 - 1 - 2 the degrees with
loops are 2, 3, 2: entry (0, 1) is 1 / sqrt(6) = 0.408, entry (1, 1) is 1/3.
Say in the interview:
- X W first: A' then works on H numbers per node in place of F. Same result.
- Stored as indices and values, A' has 2 E + n numbers in place of n^2: for a million nodes with ten
  neighbors each that is 11 million in place of 10^12.
- The self-loop keeps a node's own features, and no degree is 0.
- A plain mean, D^-1 A, is another model: it is not symmetric, and a hub counts as much as a leaf.
They ask next: "Why only two or three layers?" Each layer averages, so after many all nodes of a
component look alike (oversmoothing); residual connections help. "The graph is too large?" Sample
some neighbors per node (GraphSAGE), or train on clusters of it.
Common slips: degrees without the loops, so 1 / 0; loops twice; one direction only; duplicates that
sparse tensors add up; a dense identity matrix; ReLU on the logits.
May be left out if you say so: the check of the range, here torch's own (check_invariants).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def gcn_layer(A: Tensor, X: Tensor, W: Tensor) -> Tensor:
    """(n, n), (n, F), (F, H) -> (n, H). A is 0 on its diagonal."""
    looped = A + torch.eye(len(A), dtype=A.dtype, device=A.device)
    scale = looped.sum(dim=1, keepdim=True).rsqrt()  # (n, 1)
    return F.relu(scale * (looped @ (scale * (X @ W))))


def normalized_adjacency(edge_index: Tensor, num_nodes: int) -> Tensor:
    """(2, E) in any direction -> sparse (n, n), float32. A node out of range: RuntimeError."""
    loops = torch.arange(num_nodes, device=edge_index.device).expand(2, -1)
    both = torch.cat([edge_index, edge_index.flip(0), loops], dim=1)  # (2, 2 E + n)
    edges = both.unique(dim=1)
    scale = edges[0].bincount(minlength=num_nodes).float().rsqrt()  # (n,); no degree is 0
    values = scale[edges[0]] * scale[edges[1]]
    size = num_nodes, num_nodes
    return torch.sparse_coo_tensor(edges, values, size, check_invariants=True).coalesce()


class GCN(nn.Module):
    def __init__(self, in_dim: int, hidden: int, out_dim: int) -> None:
        super().__init__()
        self.lin1 = nn.Linear(in_dim, hidden, bias=False)
        self.lin2 = nn.Linear(hidden, out_dim, bias=False)

    def forward(self, X: Tensor, adjacency: Tensor) -> Tensor:
        """(n, in_dim), sparse (n, n) -> logits (n, out_dim)."""
        hidden = F.relu(torch.sparse.mm(adjacency, self.lin1(X)))
        return torch.sparse.mm(adjacency, self.lin2(hidden))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
