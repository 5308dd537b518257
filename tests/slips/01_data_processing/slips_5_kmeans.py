"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

LAST = "    return centroids, torch.cdist(data, centroids).argmin(dim=1)"
SQUARE = "torch.cdist(data, data[chosen]).amin(dim=1).square()"
EMPTY = "data[distance.argmax()]"
MOVED = "(new - centroids).norm(dim=1).max()"
VOTES = "    return votes.argmax(dim=1)  # the first of equal ones"

SLIPS = {
    "start": {
        "chances like the distance, not its square": (".amin(dim=1).square()", ".amin(dim=1)"),
        "rows drawn uniformly": (
            "square if square.any() else torch.ones_like(square)",
            "torch.ones_like(square)",
        ),
        "k rows of a random order": """
def plus_plus(data, k, generator):
    return data[torch.randperm(len(data), generator=generator)[:k]]
""",
        "distance to the last centroid only": ("data[chosen])", "data[chosen[-1:]])"),
        "distance to the farthest centroid so far": (".amin(dim=1)", ".amax(dim=1)"),
        "distances to all centroids added": (".amin(dim=1)", ".sum(dim=1)"),
        "the first row is the first centroid": (
            "torch.randint(len(data), (1,), generator=generator)",
            "torch.zeros(1, dtype=torch.int64)",
        ),
        "the row farthest from the mean is the first centroid": (
            "torch.randint(len(data), (1,), generator=generator)",
            "(data - data.mean(dim=0)).norm(dim=1).argmax()[None]",
        ),
        "Manhattan distance of the start": ("data[chosen])", "data[chosen], p=1)"),
        "the row farthest from all centroids, always": (
            "torch.multinomial(chances, 1, generator=generator)",
            "chances.argmax()[None]",
        ),
        "random numbers between the smallest and largest": """
def plus_plus(data, k, generator):
    low, high = data.amin(dim=0), data.amax(dim=0)
    return low + torch.rand(k, data.shape[1], generator=generator).to(data) * (high - low)
""",
    },
    "update": {
        "never more than three updates": ("range(max_iters)", "range(min(max_iters, 3))"),
        "one update more than max_iters": (
            "range(max_iters)",
            "range(max_iters + (max_iters > 0))",
        ),
        "one update too few": ("range(max_iters)", "range(max_iters - 1)"),
        "the centroids before the last update": (
            "        centroids = new\n        if moved <= tol:\n            break",
            "        if moved <= tol:\n            break\n        centroids = new",
        ),
        "tol is ignored": ("if moved <= tol", "if moved == 0"),
        "tol against the squared move": (MOVED, "(new - centroids).square().sum(dim=1).max()"),
        "tol against the largest change of a number": (MOVED, "(new - centroids).abs().max()"),
        "tol against the mean move": (MOVED, "(new - centroids).norm(dim=1).mean()"),
        "tol against the norm over all centroids": (MOVED, "(new - centroids).norm()"),
        "tol of 0.1 by default": ("tol: float = 1e-4", "tol: float = 0.1"),
        "tol of 1e-6 by default": ("tol: float = 1e-4", "tol: float = 1e-6"),
        "the sum for the mean": ("total / count.clamp(min=1)", "total"),
        "only the last row of each cluster": (
            "total = torch.zeros_like(centroids).index_add(0, nearest, data)",
            "total = torch.zeros_like(centroids)\n        total[nearest] += data",
        ),
        "Manhattan distance": (
            "torch.cdist(data, centroids).min(dim=1)",
            "torch.cdist(data, centroids, p=1).min(dim=1)",
        ),
    },
    "assigned": {
        "assignments one update old": (
            LAST,
            "    return centroids, nearest if max_iters else "
            "torch.cdist(data, centroids).argmin(dim=1)",
        ),
        "assignments of the start": (
            LAST,
            "    return centroids, torch.cdist(data, plus_plus(data, k, generator)).argmin(dim=1)",
        ),
        "new assignments only after max_iters updates": (
            "            break\n",
            "            return centroids, nearest\n",
        ),
        "int32": (LAST, LAST + ".int()"),
        "the nearest row of each centroid": (LAST, LAST.replace("dim=1", "dim=0")),
        "the largest inner product": (
            LAST,
            "    return centroids, (data @ centroids.T).argmax(dim=1)",
        ),
        "|c|² instead of its half": (
            LAST,
            "    size = centroids.square().sum(dim=1)\n"
            "    return centroids, (data @ centroids.T - size).argmax(dim=1)",
        ),
        "centroids sorted after the assignment": (
            LAST,
            LAST.replace("return centroids", "return centroids[centroids[:, 0].argsort()]"),
        ),
    },
    "empty": {
        "stays where it was": (EMPTY, "centroids[empty]"),
        "mean of no rows, NaN": (
            "count.clamp(min=1)\n        empty = count[:, 0] == 0",
            "count\n        empty = count[:, 0] < 0",
        ),
        "zero": ("        new[empty] = " + EMPTY, "        pass"),
        "the mean of all rows": (EMPTY, "data.mean(dim=0)"),
        "the row farthest from the mean of all": (
            EMPTY,
            EMPTY.replace("distance", "(data - data.mean(dim=0)).norm(dim=1)"),
        ),
        "the row farthest from the lost centroid": (
            EMPTY,
            EMPTY.replace("distance", "torch.cdist(data, centroids[empty]).sum(dim=1)"),
        ),
        "a random row": (
            EMPTY,
            EMPTY.replace("distance.argmax()", "torch.randint(len(data), (), generator=generator)"),
        ),
        "the row farthest from any centroid": (
            EMPTY,
            EMPTY.replace("distance", "torch.cdist(data, centroids).amax(dim=1)"),
        ),
    },
    "knn": {
        "ties to the larger label": (
            VOTES,
            "    return votes.shape[1] - 1 - votes.flip(1).argmax(dim=1)",
        ),
        "ties to the nearest row's label": (
            VOTES,
            "    own = votes.gather(1, y_train[nearest[:, :1]])[:, 0]\n"
            "    tied = own == votes.amax(dim=1)\n"
            "    return torch.where(tied, y_train[nearest[:, 0]], votes.argmax(dim=1))",
        ),
        "the nearest row alone": (".topk(k, largest=False)", ".topk(1, largest=False)"),
        "k of 3 by default": ("k: int = 5", "k: int = 3"),
        "the farthest rows": ("largest=False", "largest=True"),
        "the mean label, rounded": (
            VOTES,
            "    return y_train[nearest].float().mean(dim=1).round().long()",
        ),
        "the index of the row, not its label": (VOTES, "    return nearest[:, 0]"),
        "one neighbor too many, the row itself left out": (
            ".topk(k, largest=False).indices",
            ".topk(min(k + 1, len(X_train)), largest=False).indices[:, 1:]",
        ),
        "votes weighed by nearness": (
            "    votes = ",
            "    table = torch.cdist(X_test, X_train).gather(1, nearest)\n"
            "    one = torch.nn.functional.one_hot(y_train[nearest], int(y_train.max()) + 1)\n"
            "    return (one / (table[..., None] + 1e-8)).sum(dim=1).argmax(dim=1)\n"
            "    votes = ",
        ),
        "inner products for distances": (
            "torch.cdist(X_test, X_train).topk(k, largest=False)",
            "(X_test @ X_train.T).topk(k)",
        ),
        "Manhattan distance of the neighbors": (
            "torch.cdist(X_test, X_train)",
            "torch.cdist(X_test, X_train, p=1)",
        ),
    },
    "linear": {
        "the mean for the sum": ("-X.square().sum(dim=1)", "-X.square().mean(dim=1)"),
        "sign of b": ("return X, -X", "return X, X"),
        "no half in b": ("sum(dim=1) / 2", "sum(dim=1)"),
        "no b": ("-X.square().sum(dim=1) / 2", "X.new_zeros(len(X))"),
        "the norm, not its square": ("X.square().sum(dim=1)", "X.norm(dim=1)"),
        "rows of length 1": (
            "return X, -X.square().sum(dim=1) / 2",
            "return torch.nn.functional.normalize(X), torch.zeros(len(X))",
        ),
        "W transposed": ("return X,", "return X.T,"),
        "b of centered rows": (
            "-X.square().sum(dim=1) / 2",
            "-(X - X.mean(dim=0)).square().sum(dim=1) / 2",
        ),
    },
    "few": {
        "multinomial of zeros": (
            "square if square.any() else torch.ones_like(square)",
            "square",
        ),
        "chances divided by a sum of 0": (
            "chances = square if square.any() else torch.ones_like(square)",
            "chances = square / square.sum()",
        ),
        "an index for each lost centroid, with fewer rows than those": (
            EMPTY,
            "data[distance.argsort(descending=True)[: int(empty.sum())]]",
        ),
        "k made smaller": (
            "    centroids = plus_plus",
            "    k = min(k, len(data.unique(dim=0)))\n    centroids = plus_plus",
        ),
        "zeros for the centroids that are left": (
            "    return data[chosen]",
            "    start = data[chosen]\n"
            "    again = [bool((start[:i] == start[i]).all(dim=1).any()) for i in range(k)]\n"
            "    return torch.where(torch.tensor(again)[:, None], 0, start)",
        ),
    },
    "draws": {
        "generator ignored": (
            "centroids = plus_plus(data, k, generator)",
            "centroids = plus_plus(data, k, None)",
        ),
        "generator for the first row only": (
            "torch.multinomial(chances, 1, generator=generator)",
            "torch.multinomial(chances, 1)",
        ),
        "the global generator seeded": (
            "    centroids = plus_plus",
            "    torch.manual_seed(0) if generator is None else None\n    centroids = plus_plus",
        ),
        "a seed of its own": (
            "    centroids = plus_plus",
            "    generator = generator or torch.Generator().manual_seed(0)\n"
            "    centroids = plus_plus",
        ),
        "a new generator with the given one's seed": (
            "    centroids = plus_plus",
            "    if generator is not None:\n"
            "        generator = torch.Generator().manual_seed(generator.initial_seed())\n"
            "    centroids = plus_plus",
        ),
        "Python's random": """
import random

def plus_plus(data, k, generator):
    chosen = [random.randrange(len(data))]
    while len(chosen) < k:
        square = torch.cdist(data, data[chosen]).amin(dim=1).square()
        chances = square.tolist() if square.any() else None
        chosen += random.choices(range(len(data)), chances)
    return data[chosen]
""",
    },
    "limits": {
        "differences of all rows and centroids": (
            "torch.cdist(data, centroids).min(dim=1)",
            "(data[:, None] - centroids).norm(dim=2).min(dim=1)",
        ),
        "differences of all rows and centroids in the start": (
            SQUARE,
            "(data[:, None] - data[chosen]).square().sum(dim=2).amin(dim=1)",
        ),
        "the start in float32": (
            "plus_plus(data, k, generator)\n    for",
            "plus_plus(data.float(), k, generator).to(data)\n    for",
        ),
        "the nearest in float32": (
            "torch.cdist(data, centroids).min(dim=1)",
            "torch.cdist(data.float(), centroids.float()).to(data).min(dim=1)",
        ),
        "the assignments in float32": (
            LAST,
            LAST.replace("data, centroids)", "data.float(), centroids.float())"),
        ),
        "differences of all queries and rows": (
            "torch.cdist(X_test, X_train)",
            "(X_test[:, None] - X_train).norm(dim=2)",
        ),
        "computed in float32": (
            "    centroids = plus_plus",
            "    kind, data = data.dtype, data.float()\n    centroids = plus_plus",
        ),
        "the mean in float32": (
            "new = total / count.clamp(min=1)",
            "new = (total.float() / count.clamp(min=1)).to(data)",
        ),
        "neighbors in float32": (
            "torch.cdist(X_test, X_train)",
            "torch.cdist(X_test.float(), X_train.float())",
        ),
        "W and b in float32": (
            "return X, -X.square().sum(dim=1) / 2",
            "return X.float(), -X.square().sum(dim=1).float() / 2",
        ),
        "b computed in float32": (
            "return X, -X.square().sum(dim=1) / 2",
            "return X, (-X.float().square().sum(dim=1) / 2).to(X)",
        ),
        "the data centered in place": (
            "    centroids = plus_plus",
            "    data -= data.mean(dim=0)\n    centroids = plus_plus",
        ),
        "squared in place": (
            "X.square().sum(dim=1)",
            "X.clone().square_().sum(dim=1) + 0 * X.mul_(2).sum()",
        ),
    },
}

VARIANTS = {
    "squares multiplied out, means by a product": """
def table(a, b):
    middle = a.mean(dim=0)
    a, b = a - middle, b - middle
    return (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T).clamp(min=0)

def kmeans(data, k, max_iters=100, tol=1e-4, generator=None):
    N = data.shape[0]
    centroids = data[torch.randint(N, (1,), generator=generator)]
    for _ in range(k - 1):
        chances = table(data, centroids).min(dim=1).values
        if chances.sum() == 0:
            chances = chances + 1
        row = torch.multinomial(chances / chances.sum(), 1, generator=generator)
        centroids = torch.cat([centroids, data[row]])
    for _ in range(max_iters):
        distances = table(data, centroids)
        member = torch.nn.functional.one_hot(distances.argmin(dim=1), k).to(data.dtype)
        n = member.sum(dim=0)
        new = (member.T @ data) / n.clamp(min=1)[:, None]
        new[n == 0] = data[distances.min(dim=1).values.topk(1).indices]
        done = bool(((new - centroids).square().sum(1) <= tol * tol).all())
        centroids = new
        if done:
            break
    return centroids, table(data, centroids).argmin(dim=1)

def knn_predict(X_train, y_train, X_test, k=5):
    nearest = table(X_test, X_train).argsort(dim=1)[:, :k]
    return y_train[nearest].mode(dim=1).values

def nearest_as_linear(X):
    return 2 * X, -(X * X).sum(dim=1)
""",
    "a running minimum, loops over clusters, rows taken out, centroids in order": """
def plus_plus(data, k, generator):
    N = len(data)
    first = int(torch.randint(0, N, (), generator=generator))
    rows, nearest = [first], (data - data[first]).square().sum(dim=1)
    for _ in range(1, k):
        ends = nearest.double().cumsum(0)
        r = torch.rand((), generator=generator, dtype=torch.float64) * ends[-1]
        row = min(int(torch.searchsorted(ends, r, right=True)), N - 1)
        rows.append(row)
        nearest = torch.minimum(nearest, (data - data[row]).square().sum(dim=1))
    return data[rows].clone()

def knn_predict(X_train, y_train, X_test, k=5):
    out = []
    for x in X_test:
        near = torch.linalg.vector_norm(X_train - x, dim=1).topk(k, largest=False).indices
        out.append(torch.bincount(y_train[near]).argmax())
    return torch.stack(out)

def kmeans(data, k, max_iters=100, tol=1e-4, generator=None):
    centroids = plus_plus(data, k, generator)
    n = 0
    while n < max_iters:
        distances = torch.cdist(data, centroids)
        best, labels = distances.min(dim=1)
        for j in range(k):
            if not (labels == j).any():
                row = best.argmax()
                labels[row], best[row] = j, -1
        new = centroids.clone()
        for j in range(k):
            if (labels == j).any():
                new[j] = data[labels == j].mean(dim=0)
        shift = (new - centroids).pow(2).sum(dim=1).sqrt()
        centroids, n = new, n + 1
        if not (shift > tol).any():
            break
    return centroids, torch.cdist(data, centroids).argmin(dim=1)

inner = kmeans

def kmeans(data, k, max_iters=100, tol=1e-4, generator=None):
    centroids, assignments = inner(data, k, max_iters, tol, generator)
    order = centroids[:, 0].argsort()
    return centroids[order], order.argsort()[assignments]

def nearest_as_linear(X):
    middle = X.mean(dim=0)
    return X - middle, (middle.square().sum() - X.square().sum(dim=1)) / 2
""",
}
