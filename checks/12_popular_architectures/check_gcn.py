"""What challenge_gcn.py requires: a loop over the nodes, and numbers that can be done by hand."""

import math

import torch
from torch.overrides import TorchFunctionMode

from checks.functions import as_exact, gives
from checks.tools import (
    BigTensors,
    attempt,
    close,
    equal,
    filled,
    keeps_device,
    names_are,
    refuses,
    result_of,
    unchanged,
)

PATH = [[0, 1], [1, 2]]  # pairs of nodes: 0 - 1 - 2
STAR = [[0, 1], [0, 2], [0, 3], [3, 4]]
NAME = "GCN(5, 4, 3)"
PLACES = torch.device, torch.Tensor, str  # what tells a device


def layer(gcn_layer):
    for pairs, n in ((PATH, 3), (STAR, 5), (PATH, 5), ([], 2)):
        A, told = matrix(pairs, n), f"gcn_layer, {n} nodes, edges {pairs}"
        ones = torch.ones(n, 1)
        want = by_loop(A, ones, torch.eye(1))
        gives(f"{told}, X of 1s, W 1", gcn_layer, (A, ones, torch.eye(1)), want)
        X, W = 10 * torch.randn(n, 4), torch.randn(4, 6)
        gives(f"{told}, X {(n, 4)}, W (4, 6)", gcn_layer, (A, X, W), by_loop(A, X, W))
    A, X, W = matrix(STAR, 5), torch.randn(5, 5), torch.randn(5, 5)
    gives("gcn_layer, 5 nodes, W (5, 5)", gcn_layer, (A, X, W), by_loop(A, X, W))


def values(normalized_adjacency):
    for pairs, n in ((PATH, 3), (STAR, 5)):
        what = told(pairs + [pair[::-1] for pair in pairs], n)
        got = attempt(what, normalized_adjacency, both(pairs), n)
        kind = getattr(got, "layout", type(got).__name__)
        assert kind not in (torch.strided, type(got).__name__), f"{what}: {kind}, want sparse"
        close(got.to_dense(), by_loop(matrix(pairs, n), torch.eye(n), torch.eye(n)), what)


def edges(normalized_adjacency):
    for pairs, n in ((PATH, 3), (STAR, 5)):
        want = dense(normalized_adjacency, both(pairs).T.tolist(), n)
        turned = [pair[::-1] for pair in pairs]
        for given in (pairs, turned, [pairs[0], *turned[1:]], pairs * 3, [*turned, *pairs[:1]]):
            what = f"{told(given, n)}, against each edge in both directions"
            close(dense(normalized_adjacency, given, n), want, what)


def loops(normalized_adjacency):
    for given, n, alone in (
        ([[0, 1], [1, 0]], 4, [2, 3]),
        ([[1, 3], [3, 1]], 5, [0, 2, 4]),
        ([], 2, [0, 1]),
    ):
        got = dense(normalized_adjacency, given, n)
        for node in alone:
            close(got[node], torch.eye(n)[node], f"{told(given, n)}: row {node}")
        for more in ([[1, 1]], [[i, i] for i in range(n)], [[0, 0]] * 3, [[n - 1, n - 1]]):
            what = f"{told([*given, *more], n)}, against {given or 'none'}"
            close(dense(normalized_adjacency, [*given, *more], n), got, what)


def model(GCN):
    gcn = GCN(5, 4, 3)
    params = dict(gcn.named_parameters())
    names_are([*params, *dict(gcn.named_buffers())], ["lin1.weight", "lin2.weight"], NAME)
    sizes = {name: tuple(p.shape) for name, p in params.items()}
    equal(f"{NAME}: shapes", sizes, {"lin1.weight": (4, 5), "lin2.weight": (3, 4)})
    filled(gcn)
    for n in (6, 1, 5):
        X, A = 10 * torch.randn(n, 5), torch.randn(n, n)
        what = f"{NAME}, X {(n, 5)}, adjacency {(n, n)}: logits"
        for mode in (True, False):
            got = result_of(what, gcn.train(mode), X, A.to_sparse())
            close(got, two_layers(A, X, gcn.lin1.weight, gcn.lin2.weight), what, 1e-4)


def sparse(normalized_adjacency, GCN):
    n, pairs = 300, [[i, i * 7 % 300] for i in range(40)]
    big = BigTensors(n * n)
    indices = torch.tensor(pairs).T.contiguous()
    A = torch.sparse_coo_tensor(indices, torch.ones(40), (n, n), check_invariants=True)
    with big:
        attempt("normalized_adjacency, 300 nodes", normalized_adjacency, indices, n)
    assert big.seen, "normalized_adjacency: no function of torch was called"
    assert not big.made, "normalized_adjacency, 300 nodes, 40 edges: a dense tensor of 300 x 300"
    with big:
        for mode in (True, False):
            attempt(f"{NAME}, 300 nodes", GCN(5, 4, 3).train(mode), torch.randn(n, 5), A)
    assert not big.made, f"{NAME}, 300 nodes, 40 edges: it makes a dense tensor of 300 x 300"


def device(gcn_layer, normalized_adjacency):
    given = both(PATH)
    keeps_device("normalized_adjacency", lambda edges: normalized_adjacency(edges, 3), given)
    with Homeless() as mode:
        attempt("normalized_adjacency", normalized_adjacency, given, 3)
    assert mode.seen, "normalized_adjacency: no function of torch was called"
    told = f"normalized_adjacency, input on a GPU: {', '.join(mode.made)} on the CPU"
    assert not mode.made, f"{told}, want it where edge_index is"
    keeps_device("gcn_layer", gcn_layer, matrix(PATH, 3), torch.ones(3, 2), torch.ones(2, 4))


def bounds(normalized_adjacency):
    for pair in ([0, 3], [3, 0], [0, -1], [-3, 1], [3, 3], [-1, -1]):
        errors = RuntimeError, ValueError, IndexError, AssertionError
        given = torch.tensor([[0, 1], pair]).T
        refuses(normalized_adjacency, given, 3, errors=errors, call=told([[0, 1], pair], 3))


def exact(gcn_layer, normalized_adjacency, GCN):
    A, X, W = matrix(STAR, 5).double(), torch.randn(5, 4).double(), torch.randn(4, 6).double()
    given = {"X": X, "W": W}
    with unchanged("gcn_layer", A):
        as_exact(
            "gcn_layer, float64",
            lambda X, W: gcn_layer(A, X, W),
            lambda X, W: by_loop(A, X, W),
            given,
        )
    gcn, adjacency = filled(GCN(4, 3, 2)).double(), torch.randn(5, 5, dtype=torch.float64)
    own = {name: (p, p.detach().clone().requires_grad_()) for name, p in gcn.named_parameters()}
    weights = [own[f"lin{i}.weight"][1] for i in (1, 2)]
    as_exact(
        "GCN(4, 3, 2), float64",
        lambda X: gcn(X, adjacency.to_sparse()),
        lambda X: two_layers(adjacency, X, *weights),
        {"X": X},
        own=own,
    )
    indices = both(STAR)
    with unchanged("normalized_adjacency", indices):
        attempt("normalized_adjacency", normalized_adjacency, indices, 5)


CORE = (layer, values, edges, loops, model)
EDGES = (sparse, device, bounds, exact)


class Homeless(TorchFunctionMode):
    """Notes what makes a tensor and is told no device, unless something is moved later."""

    FACTORIES = "arange", "empty", "eye", "from_numpy", "full", "ones", "tensor", "zeros"

    def __init__(self):
        super().__init__()
        self.made, self.seen = [], 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        out = func(*args, **kwargs)
        self.seen += 1
        if name in self.FACTORIES and kwargs.get("device") is None and out.dim():
            self.made.append(f"torch.{name}")
        told = any(isinstance(a, PLACES) for a in (*args[1:], *kwargs.values()))
        self.made = [] if told and name in ("to", "type_as") else self.made
        return out


def told(pairs, n):
    return f"normalized_adjacency, {n} nodes, edges {pairs or 'none'}"


def both(pairs):
    """edge_index (2, 2 E) with each pair in both directions."""
    return torch.tensor(pairs + [pair[::-1] for pair in pairs]).T


def dense(normalized_adjacency, pairs, n):
    what, edge_index = told(pairs, n), torch.tensor(pairs, dtype=torch.int64).view(-1, 2).T
    got = result_of(what, normalized_adjacency, edge_index, n).to_dense()
    equal(f"{what}: shape", tuple(got.shape), (n, n))
    return got


def matrix(pairs, n):
    A = torch.zeros(n, n)
    for i, j in pairs:
        A[i, j] = A[j, i] = 1
    return A


def by_loop(A, X, W):
    """One layer, node by node."""
    near = [[i, *A[i].nonzero().flatten().tolist()] for i in range(len(A))]
    rows = [sum(X[j] / math.sqrt(len(mine) * len(near[j])) for j in mine) @ W for mine in near]
    return torch.stack(rows).clamp(min=0)


def two_layers(A, X, W1, W2):
    return A @ (A @ X @ W1.T).clamp(min=0) @ W2.T
