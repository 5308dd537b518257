"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

LAYER = """    looped = A + torch.eye(len(A), dtype=A.dtype, device=A.device)
    scale = looped.sum(dim=1, keepdim=True).rsqrt()  # (n, 1)
    return F.relu(scale * (looped @ (scale * (X @ W))))
"""
EYE = "looped = A + torch.eye(len(A), dtype=A.dtype, device=A.device)"
OUT = "return F.relu(scale * (looped @ (scale * (X @ W))))"
LOOPS = "loops = torch.arange(num_nodes, device=edge_index.device).expand(2, -1)"
BOTH = "torch.cat([edge_index, edge_index.flip(0), loops], dim=1)"
EDGES = "edges = both.unique(dim=1)"
SCALE = "scale = edges[0].bincount(minlength=num_nodes).float().rsqrt()"
VALUES = "values = scale[edges[0]] * scale[edges[1]]"
GIVE = "return torch.sparse_coo_tensor(edges, values, size, check_invariants=True).coalesce()"
FIRST = "hidden = F.relu(torch.sparse.mm(adjacency, self.lin1(X)))"
SECOND = "return torch.sparse.mm(adjacency, self.lin2(hidden))"
LIN1 = "nn.Linear(in_dim, hidden, bias=False)"
LIN2 = "nn.Linear(hidden, out_dim, bias=False)"

SLIPS = {
    "layer": {
        "no self-loops": (EYE, "looped = A"),
        "no normalization": (OUT, "return F.relu(looped @ X @ W)"),
        "a plain mean": (OUT, "return F.relu(scale**2 * (looped @ X @ W))"),
        "divided on the other side": (OUT, "return F.relu(looped @ (scale**2 * (X @ W)))"),
        "root forgotten": ("keepdim=True).rsqrt()", "keepdim=True).reciprocal()"),
        "root in place of its inverse": ("keepdim=True).rsqrt()", "keepdim=True).sqrt()"),
        "degrees without the loops": (
            "looped.sum(dim=1, keepdim=True)",
            "A.sum(dim=1, keepdim=True)",
        ),
        "degrees without the loops, at least 1": (
            "looped.sum(dim=1, keepdim=True)",
            "A.sum(dim=1, keepdim=True).clamp(min=1)",
        ),
        "loops of weight 2": (EYE, EYE.replace("A +", "A + 2 *")),
        "no ReLU": (OUT, "return scale * (looped @ (scale * (X @ W)))"),
        "ReLU before the neighbors": (OUT, "return scale * (looped @ (scale * F.relu(X @ W)))"),
        "W transposed": (OUT, OUT.replace("X @ W", "X @ (W.T if W.shape[0] == W.shape[1] else W)")),
        "one degree for all": ("looped.sum(dim=1, keepdim=True)", "looped.sum(1).mean()"),
        "sigmoid": (OUT, OUT.replace("F.relu", "torch.sigmoid")),
    },
    "values": {
        "rows divided by the degree": (VALUES, "values = scale[edges[0]] ** 2"),
        "columns divided by the degree": (VALUES, "values = scale[edges[1]] ** 2"),
        "no normalization": (VALUES, "values = torch.ones(edges.shape[1])"),
        "root forgotten": (SCALE, SCALE.replace("rsqrt()", "reciprocal()")),
        "degrees without the loops, plus nothing": (
            SCALE,
            "scale = (edges[0].bincount(minlength=num_nodes) - 1).clamp(min=1).float().rsqrt()",
        ),
        "a dense matrix": (GIVE, GIVE + ".to_dense()"),
        "epsilon in the root": (SCALE, SCALE.replace(".float()", ".float().add(1e-3)")),
        "float64": (SCALE, SCALE.replace("float()", "double()")),
        "integers": (VALUES, "values = (scale[edges[0]] * scale[edges[1]]).long()"),
        "the Laplacian": (
            VALUES,
            VALUES + "\n    values = torch.where(edges[0] == edges[1], 1 - values, -values)",
        ),
        "largest degree for all": (
            SCALE,
            SCALE.replace(".float()", ".float().clone().clamp(min=3)"),
        ),
    },
    "edges": {
        "one direction": (BOTH, "torch.cat([edge_index, loops], dim=1)"),
        "duplicates kept": (EDGES, "edges = both"),
        "duplicates add up in the tensor": (
            SCALE,
            "edges, once = both, both.unique(dim=1)\n"
            "    scale = once[0].bincount(minlength=num_nodes).float().rsqrt()",
        ),
        "duplicates add up in the degree": (
            SCALE,
            "scale = both[0].bincount(minlength=num_nodes).float().rsqrt()",
        ),
        "only neighboring duplicates taken out": (EDGES, "edges = both.unique_consecutive(dim=1)"),
        "symmetric by halves": (
            GIVE,
            "A = torch.sparse_coo_tensor(edges, values, size, check_invariants=True).coalesce()\n"
            "    return A * min(1.0, edge_index.shape[1] / max(1, edges.shape[1] - num_nodes))",
        ),
        "upper half only": (
            BOTH,
            "torch.cat([edge_index[:, edge_index[0] < edge_index[1]],"
            " edge_index[:, edge_index[0] < edge_index[1]].flip(0), loops], dim=1)",
        ),
        "degree of the given direction": (
            SCALE,
            "scale = torch.cat([edge_index, loops], 1).unique(dim=1)[0]"
            ".bincount(minlength=num_nodes).float().rsqrt()",
        ),
    },
    "loops": {
        "self-loops twice": (
            EDGES,
            "edges = torch.cat([torch.cat([edge_index, edge_index.flip(0)], 1).unique(dim=1),"
            " loops], 1)",
        ),
        "given loops only": (LOOPS, LOOPS + "[:, :0]"),
        "loops only where none is given at all": (
            LOOPS,
            LOOPS
            + "\n    if (edge_index[0] == edge_index[1]).any():\n        loops = loops[:, :0]",
        ),
        "loops of nodes with edges only": (
            LOOPS,
            "loops = edge_index.flatten().unique().expand(2, -1)",
        ),
        "no loops for the last nodes": (
            LOOPS,
            "top = int(edge_index.max()) + 1 if edge_index.numel() else num_nodes\n"
            "    loops = torch.arange(top, device=edge_index.device).expand(2, -1)",
        ),
        "fails without edges": (LOOPS, "edge_index.max()\n    " + LOOPS),
        "a loop counts as two in the degree": (
            SCALE,
            "loop = edge_index[0] == edge_index[1]\n"
            "    degree = edges[0].bincount(minlength=num_nodes)\n"
            "    degree[edge_index[0, loop]] += 1\n    scale = degree.float().rsqrt()",
        ),
        "size by the largest node": (
            "size = num_nodes, num_nodes",
            "size = 2 * (int(edge_index.max()) + 1 if edge_index.numel() else num_nodes,)",
        ),
    },
    "model": {
        "ReLU on the logits": (
            SECOND,
            "return F.relu(torch.sparse.mm(adjacency, self.lin2(hidden)))",
        ),
        "softmax": (SECOND, SECOND + ".softmax(1)"),
        "log_softmax": (SECOND, SECOND + ".log_softmax(1)"),
        "second layer without neighbors": (SECOND, "return self.lin2(hidden)"),
        "first layer without neighbors": (FIRST, "hidden = F.relu(self.lin1(X))"),
        "no ReLU between": (FIRST, "hidden = torch.sparse.mm(adjacency, self.lin1(X))"),
        "ReLU before the neighbors": (
            FIRST,
            "hidden = torch.sparse.mm(adjacency, F.relu(self.lin1(X)))",
        ),
        "with biases": ("nn.Linear(in_dim, hidden, bias=False)", "nn.Linear(in_dim, hidden)"),
        "adjacency transposed": (FIRST, FIRST.replace("adjacency", "adjacency.t()")),
        "loops added again": (
            FIRST,
            "n = len(X)\n        i = torch.arange(n).expand(2, -1)\n"
            "        one = torch.sparse_coo_tensor(i, X.new_ones(n), check_invariants=True)\n"
            "        adjacency = adjacency + one\n"
            "        " + FIRST,
        ),
        "dropout": (SECOND, SECOND.replace("hidden)", "F.dropout(hidden, 0.5, self.training))")),
        "residual": (
            SECOND,
            SECOND.replace("return ", "hidden = hidden + self.lin1(X)\n        return "),
        ),
        "sizes in the other order": ("nn.Linear(hidden, out_dim,", "nn.Linear(out_dim, hidden,"),
    },
    "sparse": {
        "through a dense matrix": (
            GIVE,
            "A = torch.zeros(num_nodes, num_nodes, device=edge_index.device)\n"
            "    A[edges[0], edges[1]] = values\n    return A.to_sparse()",
        ),
        "a dense identity": (
            LOOPS,
            "loops = torch.eye(num_nodes, device=edge_index.device).nonzero().T",
        ),
        "GCN multiplies densely": (
            FIRST,
            FIRST.replace(
                "torch.sparse.mm(adjacency, self.lin1(X))", "adjacency.to_dense() @ self.lin1(X)"
            ),
        ),
        "dense in eval mode": (
            FIRST,
            "if not self.training:\n            adjacency = adjacency.to_dense()\n        " + FIRST,
        ),
        "second layer dense": (SECOND, "return adjacency.to_dense() @ self.lin2(hidden)"),
    },
    "device": {
        "loops on the CPU": (LOOPS, "loops = torch.arange(num_nodes).expand(2, -1)"),
        "loops on the CPU, after a look at the numbers": (
            LOOPS,
            "edge_index = edge_index[:, edge_index[0] != edge_index[1]]\n"
            "    loops = torch.arange(num_nodes).expand(2, -1)",
        ),
        "values on the CPU": (VALUES, f"{VALUES} * torch.ones(edges.shape[1])"),
        "identity on the CPU": (EYE, "looped = A + torch.eye(len(A))"),
    },
    "bounds": {
        "nodes out of range left out": (
            LOOPS,
            "inside = ((edge_index >= 0) & (edge_index < num_nodes)).all(0)\n"
            "    edge_index = edge_index[:, inside]\n    " + LOOPS,
        ),
        "negative ones count from the end": (
            LOOPS,
            "edge_index = torch.where(edge_index < 0, edge_index % num_nodes, edge_index)\n    "
            + LOOPS,
        ),
        "wrapped": (LOOPS, "edge_index = edge_index % num_nodes\n    " + LOOPS),
        "clamped": (LOOPS, "edge_index = edge_index.clamp(0, num_nodes - 1)\n    " + LOOPS),
        "the matrix grows": (
            LOOPS,
            "num_nodes = max([num_nodes, *(edge_index.flatten() + 1).tolist()])\n    " + LOOPS,
        ),
        "one number per edge, unchecked": (
            EDGES,
            "keys = (both[0] * num_nodes + both[1]).unique()\n"
            "    edges = torch.stack([keys // num_nodes % num_nodes, keys % num_nodes])",
        ),
    },
    "exact": {
        "layer in float32": (
            OUT,
            "return F.relu(scale * (looped @ (scale * (X @ W)))).float().to(X.dtype)",
        ),
        "epsilon in the layer": ("keepdim=True).rsqrt()", "keepdim=True).add(1e-7).rsqrt()"),
        "loops written into A": (EYE, "looped = A.fill_diagonal_(1)"),
        "adjacency in float32": (
            FIRST,
            f"adjacency = adjacency.float().to(X.dtype)\n        {FIRST}",
        ),
        "features detached": (OUT, OUT.replace("X @ W", "X.detach() @ W")),
        "weights detached": (OUT, OUT.replace("X @ W", "X @ W.detach()")),
        "GCN in float32": (
            SECOND,
            "return torch.sparse.mm(adjacency, self.lin2(hidden)).float().to(X.dtype)",
        ),
        "edge_index sorted in place": (
            LOOPS,
            "edge_index.copy_(edge_index.sort(0)[0])\n    " + LOOPS,
        ),
        "GCN cuts the graph": (FIRST, FIRST.replace("self.lin1(X)", "self.lin1(X.detach())")),
    },
}

VARIANTS = {
    "layers assigned in the other order": (
        f"        self.lin1 = {LIN1}\n        self.lin2 = {LIN2}\n",
        f"        self.lin2 = {LIN2}\n        self.lin1 = {LIN1}\n",
    ),
    "products in one line": (
        LAYER,
        "    looped = torch.maximum(A, torch.eye(A.size(0), dtype=A.dtype, device=A.device))\n"
        "    d = looped.sum(-1) ** -0.5\n"
        '    return torch.einsum("i,ij,j,jf,fh->ih", d, looped, d, X, W).clamp_min(0)\n',
    ),
    "one number per edge": (
        EDGES,
        "if ((both < 0) | (both >= num_nodes)).any():\n"
        "        raise IndexError('node out of range')\n"
        "    keys = (both[0] * num_nodes + both[1]).unique()\n"
        "    edges = torch.stack([keys // num_nodes, keys % num_nodes])",
    ),
    "loops moved": (LOOPS, "loops = torch.arange(num_nodes).expand(2, -1).to(edge_index.device)"),
    "an assert for the range": (
        LOOPS,
        "assert ((edge_index >= 0) & (edge_index < num_nodes)).all(), 'node out of range'\n    "
        + LOOPS,
    ),
    "compressed rows": (GIVE, GIVE.replace(".coalesce()", ".coalesce().to_sparse_csr()")),
    "degrees by scatter_add": (
        SCALE,
        "ones = torch.ones(edges.shape[1], device=edges.device)\n"
        "    degree = torch.zeros(num_nodes, device=edges.device).scatter_add_(0, edges[0], ones)\n"
        "    scale = degree**-0.5",
    ),
    "diagonal matrices": (
        LAYER,
        "    looped = A.clone().fill_diagonal_(1)\n"
        "    D = torch.diag(looped.sum(0) ** -0.5)\n"
        "    return (D @ looped @ D @ X @ W).clamp(min=0)\n",
    ),
    "neighbors first": (FIRST, "hidden = self.lin1(adjacency @ X).relu()"),
    "F.linear": (SECOND, "return adjacency @ F.linear(hidden, self.lin2.weight)"),
}
