"""What challenge_5_kmeans.py requires; the labels of kmeans begin at the answer's own start."""

import torch

from checks.tools import (
    BigTensors,
    attempt,
    call_of,
    close,
    draws_from,
    equal,
    numbers,
    result_of,
    same,
    share_is,
    strided,
    tensor,
    unchanged,
)

LOSES, FARTHEST = [4, 4, 4, 6, 7, 7, 7, 11, 11, 11, 33, 41, 56], 33


def start(kmeans):
    wide = torch.zeros(301, 36)  # Manhattan distance makes its last row 6 times as far
    wide[150:300, 0], wide[300] = 1, 2.25
    half = (150 * 182.25 / 332.25 + 150 * 178.75 / 328.75 + 1) / 301
    told = "150 of 36 zeros, 150 of [1, 0, 0, ...], one of 36 times 2.25"
    near = "[0, 0, 0, 10, 10, 11]", column([0, 0, 0, 10, 10, 11]), 3, {0, 10, 11}, 1, 12
    one = "[9], [0]", column([9, 0]), 1, {9}, 0.5, 40
    for name, data, k, kinds, share, times in (one, near, (told, wide, 2, {2.25}, half, 60)):
        call, rows, hits = f"rows {name}: kmeans(k={k}, max_iters=0)", {*data[:, 0].tolist()}, []
        for _ in range(times):
            got = {*fit(call, kmeans, data, k, max_iters=0)[0][:, 0].tolist()}
            assert got <= rows, f"{call}: centroids {sorted(got)}, want rows"
            hits.append(got >= kinds)
        what, found = f"{call}: the share of starts with {kinds}", torch.tensor(hits)
        equal(what, sum(hits) / times, 1) if share == 1 else share_is(found, share, what)


def update(kmeans):
    call = "rows [0, 2, 90, 92, 94]: kmeans(k=2): centroids"
    close(fit(call, kmeans, column([0, 2, 90, 92, 94]), 2)[0].flatten(), [1.0, 92.0], call)
    data = torch.rand(90, 5)
    for seed in range(50):  # a start that is far from its end
        steps, moves = lloyd(data, fit("start", kmeans, data, 4, seed, max_iters=0)[0])
        if len(moves) > 7:
            break
    far = ", ".join(f"{move:.3f}" for move in moves[:3])
    some = [{"tol": round(t * moves[i], 4)} for t in (1.02, 0.95) for i in (0, 1)]
    some += {"tol": 0, "max_iters": 1}, {"tol": 0, "max_iters": 2}, {"tol": 0}
    for size, more in (*((1, m) for m in some), (1024, {}), (128, {})):
        tol = more.get("tol", 1e-4) * size
        n = min(more.get("max_iters", 100), 1 + next(i for i, m in enumerate(moves) if m <= tol))
        told = ", ".join(f"{name}={value}" for name, value in more.items()) or "defaults"
        call = f"90 rows / {size}, {told}; updates move a centroid by {far}, ... / {size}:"
        got = fit(call, kmeans, data / size, 4, seed, **more)[0] * size
        close(got, steps[n], f"{call} {size} * centroids, against {n} updates", 1e-4)


def assigned(kmeans):
    for n, k, most, tol in ((40, 4, 0, 0), (40, 4, 1, 0), (9, 9, 5, 1), (50, 5, 99, 9)):
        data, call = strided(n, k), f"({n}, {k}) rows, kmeans(k={k}, max_iters={most}, tol={tol})"
        centroids, got = fit(call, kmeans, data, k, sort=False, max_iters=most, tol=tol)
        equal(f"{call}: assignments are", (tuple(got.shape), got.dtype), ((n,), torch.int64))
        nearest(f"{call}: assignments", got, data, centroids)


def empty(kmeans):
    data, told = column(LOSES), f"rows {LOSES}"
    for seed in range(150):
        begun = fit("start", kmeans, data, 3, seed, max_iters=0)[0].flatten().tolist()
        if begun[1:] == [11, 56]:  # the first is 4, 6 or 7
            call = f"{told}, start {begun}, in update 2 one centroid has no rows: after it"
            got = fit(call, kmeans, data, 3, seed, max_iters=2, tol=0)[0].flatten()
            right = got.isfinite().all() and FARTHEST in got.tolist()
            assert right, f"{call} centroids {numbers(got)}, want one at {FARTHEST}"
            return
    raise AssertionError(f"{told}: none of 150 starts is [4, 11, 56] or so, want one in 12")


def knn(knn_predict):
    line, y = column([0, 1, 3, 6, 10, 15]), torch.tensor([4, 2, 2, 0, 4, 0])
    for x, k, want in ((0.2, 1, 4), (0.2, 2, 2), (0.2, 3, 2), (8.5, 2, 0), (14, 3, 0), (9.9, 6, 0)):
        call = f"rows [0, 1, 3, 6, 10, 15], labels {y.tolist()}: knn_predict of [{x}], k={k}:"
        equal(call, result_of(call, knn_predict, line, y, column([x]), k).tolist(), [want])
    for n, m, d, c in ((30, 20, 3, 3), (12, 12, 12, 2), (40, 9, 2, 5)):
        x, y, queries = strided(n, d), torch.randint(c, (n,)), strided(m, d)
        for more in ({}, {"k": 4}, {"k": n}):
            call = f"{call_of('knn_predict', x, y, queries)[:-1]}, {more or 'no k'})"
            votes = [y[(x - q).norm(dim=1).argsort()[: more.get("k", 5)]].tolist() for q in queries]
            want = [max(range(c), key=lambda label, v=v: (v.count(label), -label)) for v in votes]
            same(result_of(call, knn_predict, x, y, queries, **more), torch.tensor(want), call)


def linear(nearest_as_linear):
    for n, d in ((2, 1), (2, 3), (3, 3), (5, 2), (1, 4)):
        X = (strided(n, d) * torch.arange(1.0, n + 1)[:, None]).round(decimals=1)
        call = f"nearest_as_linear({numbers(X)})"
        W, b = attempt(call, nearest_as_linear, X)
        equal(f"{call}: shapes", [tuple(W.shape), tuple(b.shape)], [(n, d), (n,)])
        between = X[0] + torch.linspace(-0.1, 1.1, 50)[:, None] * (X[-1] - X[0])
        x = torch.cat([between, torch.randn(40, d) * 4])
        nearest(f"{call}: argmax at 90 places", (x @ W.T + b).argmax(dim=1), x, X)


def few(kmeans):
    for rows, k in (([0.0, 0.0, 0.0, 5.0], 3), ([7.0, 5.0], 5), ([3.0, 1.0, 1.0, 2.0], 4)):
        for most in (0, 1, 100):
            call = f"rows {rows}, kmeans(k={k}, max_iters={most})"
            got = fit(call, kmeans, column(rows), k, max_iters=most)[0].flatten().tolist()
            equal(f"{call}: centroids, each named once:", sorted(set(got)), sorted(set(rows)))


def draws(kmeans):
    data = strided(30, 2)
    draws_from("kmeans", lambda given: kmeans(data, 3, 1, generator=given)[0])


def limits(kmeans, knn_predict, nearest_as_linear):
    x, y, queries = strided(40, 30), torch.randint(3, (40,)), strided(36, 30)
    for function, inputs, size in (
        (kmeans, (x, 6), 40 * 5 * 30),
        (knn_predict, (x, y, queries), 40 * 36 * 30),
        (nearest_as_linear, (x,), 40 * 40 * 30),
    ):
        call = call_of(function.__name__, *inputs)
        with unchanged(call, x, y, queries), BigTensors(size) as big:
            attempt(call, function, *inputs)
        made = [tuple(t.shape) for t in big.made]
        assert big.seen and not made, f"{call}: a tensor {made[:1]}, want no 30 numbers a pair"
    rows, told = 1e-30 * column([0, 1, 10, 12, 15]).double(), "1e-30 * [0, 1, 10, 12, 15]"
    begun, got = fit(told, kmeans, rows, 2, 0, sort=False, max_iters=0)
    call = f"float64 rows {told}: kmeans(k=2), start 1e-30 * {numbers(1e30 * begun, 10)}"
    two = {*begun[:, 0].tolist()} & {*rows[:, 0].tolist()}
    assert len(two) == 2, f"{call}, want two of the rows"
    same(got, (rows - begun.T).abs().argmin(dim=1), f"{call}: assignments")
    got = fit(told, kmeans, rows, 2, 0, max_iters=1)[0]
    close(1e30 * got, 1e30 * lloyd(rows, begun)[0][1], f"{call}: 1e30 * update 1", 1e-12)
    W, b = nearest_as_linear(rows)
    for name, got in (
        ("knn_predict, k=1, labels 0 to 4", knn_predict(rows, torch.arange(5), rows, 1)),
        ("nearest_as_linear's argmax", (rows @ W.T.to(rows) + b).argmax(dim=1)),
    ):
        equal(f"float64 rows {told}: {name}, at the same rows:", got.tolist(), [*range(5)])


CORE = (start, update, assigned, empty, knn, linear)
EDGES = (few, draws, limits)


def column(values):
    return torch.tensor(values).float()[:, None]


def fit(call, kmeans, data, k, seed=None, sort=True, **more):
    """What kmeans gives: centroids, by their first number unless not to be sorted; assignments."""
    if seed is not None:
        torch.default_generator.manual_seed(seed)
    pair = attempt(call, kmeans, data, k, **more)
    right = isinstance(pair, tuple) and len(pair) == 2
    assert right, f"{call} gave {type(pair).__name__}, want a pair (centroids, assignments)"
    centroids, assignments = (tensor(part, call) for part in pair)
    shape = tuple(centroids.shape), centroids.dtype
    equal(f"{call}: centroids are", shape, ((k, data.shape[1]), data.dtype))
    return (centroids[centroids[:, 0].argsort()] if sort else centroids), assignments


def nearest(what, got, rows, centers):
    """got is for each row the index of its nearest center, or of one as near up to rounding."""
    distance = (rows[:, None] - centers).norm(dim=2)
    off = distance.gather(1, got[:, None])[:, 0] > distance.amin(dim=1) + 1e-3
    for i in off.nonzero().flatten().tolist()[:1]:
        want = f"{got[i]}, want {distance[i].argmin()}, the nearest"
        raise AssertionError(f"{what}: row {i} has {want} ({int(off.sum())} of {len(off)} differ)")


def lloyd(data, now):
    """By hand: the centroids before and after each update, sorted; how far each moved one."""
    steps, moves = [now], []
    while not moves or moves[-1] > 0:
        nearest = (data[:, None] - now).norm(dim=2).argmin(dim=1)
        new = torch.stack([data[nearest == j].mean(dim=0) for j in range(len(now))])
        moves.append((new - now).norm(dim=1).max().item())
        steps.append(new[new[:, 0].argsort()])
        now = new
    return steps, moves
