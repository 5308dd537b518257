"""What challenge_3_tensor_ops.py requires."""

import torch

from checks.tools import (
    BigTensors,
    Forbidden,
    call_of,
    close,
    equal,
    gradients,
    keeps_device,
    result_of,
    same,
    strided,
    unchanged,
)

INF, NAN = float("inf"), float("nan")


def pick(pick_by_label):
    hand = torch.tensor([[0.0, 10.0], [20.0, 30.0], [40.0, 50.0]])
    drawn = [strided(*sizes) for sizes in ((6, 4), (5, 5), (1, 3), (4, 1), (0, 3))]
    for x in (hand, hand.where(hand != 40, -INF), *drawn):
        few = len(x) == 3
        labels = torch.tensor([1, 0, 1]) if few else torch.randint(x.shape[1], (len(x),))
        call = f"pick_by_label({x.tolist() if few else tuple(x.shape)}, labels {labels.tolist()})"
        want = torch.tensor([x[i, label].item() for i, label in enumerate(labels.tolist())])
        same(result_of(call, pick_by_label, x, labels), want, call)


def one_hot(one_hot):
    drawn = torch.randint(5, (4, 3)).T, torch.randint(3, (3, 3)), torch.zeros(2, 1, 2).long()
    for labels in (torch.tensor([2, 0]), torch.tensor(1), *drawn, torch.zeros(0).long()):
        for k in (5, 6):
            call = f"one_hot(labels {labels.tolist()}, {k})"
            rows = [[float(c == label) for c in range(k)] for label in labels.flatten().tolist()]
            want = torch.tensor(rows).view(*labels.shape, k)
            same(result_of(call, one_hot, labels, k), want, call)


def masked(masked_mean):
    hand, call = torch.tensor([[1.0, 2.0], [3.0, 100.0]]), "masked_mean([[1, 2], [3, 100]], mask"
    for mask, dim, want in (
        ([[1, 1], [1, 0]], None, 2.0),
        ([[1, 1], [1, 0]], 1, [1.5, 3.0]),
        ([[1, 1], [1, 0]], 0, [2.0, 2.0]),
        ([[1, 1], [0, 0]], 1, [1.5, 0.0]),
        ([[0, 0], [0, 0]], None, 0.0),
    ):
        got = result_of(f"{call} {mask}, {dim})", masked_mean, hand, torch.tensor(mask) > 0, dim)
        close(got, want, f"{call} {mask}, {dim})")
    got = result_of(f"{call}), no dim", masked_mean, hand, hand < 5)
    close(got, 2.0, f"{call} [[1, 1], [1, 0]]), no dim given")
    for sizes in ((3, 4, 5), (3, 3), (2, 1), (6,)):
        x, mask = strided(*sizes), torch.rand(sizes) < 0.6
        for dim in (None, *range(-len(sizes), len(sizes))):
            call = f"masked_mean(tensor and mask {sizes}, dim={dim})"
            close(result_of(call, masked_mean, x, mask, dim), mean_by_hand(x, mask, dim), call)


def distances(pairwise_sq_dist):
    hand = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    drawn = [(strided(n, d), strided(m, d)) for n, m, d in ((5, 7, 3), (4, 4, 4), (1, 6, 2))]
    for a, b in (hand, *drawn, (strided(3, 1), strided(1, 1))):
        tol = 5e-7 if a is hand[0] else 1e-4
        call = call_of("pairwise_sq_dist", *((a.tolist(), b.tolist()) if a is hand[0] else (a, b)))
        close(result_of(call, pairwise_sq_dist, a, b), distances_by_hand(a, b), call, tol)
    for kind in (torch.float32, torch.float64):
        far, call = 1e4 + torch.rand(40, 8, dtype=kind), f"pairwise_sq_dist, {kind} rows near 1e4"
        least = result_of(call, pairwise_sq_dist, far, far).min()
        assert least >= 0, f"{call}: a distance below 0, want none"


def segments(segment_mean):
    hand = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [9.0, 10.0]])
    for x, groups in ((hand, 4), (strided(20, 3), 6), (strided(4, 4), 4), (strided(1, 2), 5)):
        index = torch.tensor([0, 2, 0, 0]) if x is hand else torch.randint(groups, (len(x),))
        what = hand.int().tolist() if x is hand else tuple(x.shape)
        call = f"segment_mean({what}, index {index.tolist()}, {groups})"
        want = groups_by_hand(x, index, groups)
        close(result_of(call, segment_mean, x, index, groups), want, call)


def vectorized(pick_by_label, one_hot, masked_mean, pairwise_sq_dist, segment_mean):
    functions = pick_by_label, one_hot, masked_mean, pairwise_sq_dist, segment_mean
    for few, many in zip(calls(functions, 3), calls(functions, 12), strict=True):
        counts = []
        for function, given in (few, many):
            with Forbidden("") as watch:
                function(*given)
            call = call_of(function.__name__, *given)
            banned = [name for name in ("tolist", "numpy", "__array__") if name in watch.called]
            assert watch.seen, f"{call} called nothing of torch"
            assert not banned, f"{call} called {banned[0]}(), want torch alone"
            counts.append(watch.seen)
        equal(f"{call}: calls of torch: for sizes of 3 and of 12:", counts, counts[:1] * 2)


def hidden(masked_mean, segment_mean):
    for bad in (NAN, INF):
        x = torch.tensor([[1.0, bad, 3.0], [bad, 5.0, bad], [bad, bad, bad]])
        mask, call = x.isfinite(), f"masked_mean({x.tolist()}, mask hides every {bad}"
        for dim, want in ((1, [2.0, 5.0, 0.0]), (None, 3.0), (0, [1.0, 5.0, 3.0])):
            with unchanged(f"{call}, dim={dim})", x):
                close(result_of(call, masked_mean, x, mask, dim), want, f"{call}, dim={dim})")
        leaf = x.clone().requires_grad_()
        (grad,) = gradients(f"{call}, dim=1)", masked_mean(leaf, mask, 1), [leaf], torch.ones(3))
        want = torch.tensor([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
        close(grad.flatten()[:8], want.flatten()[:8], f"{call}, dim=1): its gradient, flattened")
        call = f"{call.partition(', mask')[0]}, mask all True, dim=1)"
        close(masked_mean(x, mask | True, 1), [bad] * 3, call)
        rows = torch.tensor([[1.0], [bad], [3.0], [7.0]])
        call = f"segment_mean({rows.tolist()}, index [0, 1, 0, 2], 3)"
        got = result_of(call, segment_mean, rows, torch.tensor([0, 1, 0, 2]), 3)
        close(got, [[2.0], [bad], [7.0]], call)


def types(pick_by_label, one_hot, masked_mean, pairwise_sq_dist, segment_mean):
    x, y = (torch.rand(n, 4, dtype=torch.float64) for n in (6, 3))
    mask = torch.rand(6, 4) < 0.5
    labels = torch.tensor([3, 0, 1, 1, 2, 0])
    for function, given, more, want, degree in (
        (pick_by_label, [x], [labels], x[range(6), labels], 1),
        (masked_mean, [x], [mask, 1], mean_by_hand(x, mask, 1), 1),
        (segment_mean, [x], [torch.tensor([2, 5, 1, 0, 4, 3]), 6], x[[3, 2, 0, 5, 4, 1]], 1),
        (pairwise_sq_dist, [x, y], [], distances_by_hand(x, y), 2),
    ):
        call = f"{function.__name__} of float64"
        leaves = [t.clone().requires_grad_() for t in given]
        out = result_of(call, function, *leaves, *more)
        close(out.detach(), want, call, 1e-12)
        grads = gradients(call, out, leaves, upstream := torch.rand(out.shape).double())
        pulled = sum((g * t).sum() for g, t in zip(grads, given, strict=True))
        want = degree * (upstream * out.detach()).sum()  # linear or quadratic in its inputs
        close(pulled, want, f"{call}: the gradients, times the inputs")
    for dtype in (torch.int64, torch.uint8, torch.bfloat16):
        for rows, mean in (
            ([[1, 4], [2, 4]], [1.5, 4.0]),
            ([[1, 4]] * 300 + [[3, 4]] * 300, [2, 4]),
        ):
            given, n = torch.tensor(rows).to(dtype), len(rows)
            want = torch.tensor(mean).to(dtype if dtype.is_floating_point else torch.float32)
            call = f"of {dtype}, rows {rows[0]} and {rows[-1]}, {n // 2} of each"
            close(masked_mean(given, given > 0, 0), want, f"masked_mean {call}, all of it, dim=0")
            got = segment_mean(given, torch.zeros(n).long(), 1)
            close(got, want[None], f"segment_mean {call}, one group")
            if dtype.is_floating_point:
                picked = pick_by_label(given, torch.ones(n).long())
                same(picked, given[:, 1], f"pick_by_label {call}")
            for part, shown in (("all", given > 0), ("none", given < 0)):
                told = f"masked_mean {call}, {part} of it"
                equal(f"{told}:", result_of(told, masked_mean, given, shown).dtype, want.dtype)
    corners = torch.tensor([[0, 0], [3, 4]]).bfloat16()
    call = "pairwise_sq_dist of bfloat16 [[0, 0], [3, 4]] and the same"
    got = result_of(call, pairwise_sq_dist, corners, corners)
    close(got, torch.tensor([[0, 25], [25, 0]]).bfloat16(), call)
    functions = pick_by_label, one_hot, masked_mean, pairwise_sq_dist, segment_mean
    for function, given in calls(functions, 4):
        keeps_device(function.__name__, function, *given)


def memory(pairwise_sq_dist):
    a, b = (torch.randn(n, 30).requires_grad_() for n in (20, 24))
    with BigTensors(20 * 24 * 30) as big:
        out = pairwise_sq_dist(a, b)
        gradients("pairwise_sq_dist", out, [a, b], torch.ones(20, 24))
    assert big.seen, "pairwise_sq_dist called no op of torch"
    made = [tuple(t.shape) for t in big.made]
    assert not made, f"pairwise_sq_dist((20, 30), (24, 30)): a tensor {made[0]}, want none so big"


CORE = (pick, one_hot, masked, distances, segments, vectorized)
EDGES = (hidden, types, memory)


def calls(functions, n):
    """Each function with inputs of n rows, features, classes and groups."""
    x, labels = torch.rand(n, n), torch.arange(n)
    pick_by_label, one_hot, masked_mean, pairwise_sq_dist, segment_mean = functions
    yield from ((pick_by_label, (x, labels)), (one_hot, (labels, n)))
    yield from ((masked_mean, (x, x > 0)), (masked_mean, (x, x > 0, 1)))
    yield from ((pairwise_sq_dist, (x, x)), (segment_mean, (x, labels, n)))


def mean_by_hand(x, mask, dim):
    """Number by number; 0 of none."""
    if dim is None:
        return mean_by_hand(x.flatten(), mask.flatten(), 0)
    if x.ndim > 1:
        slices = zip(*(t.movedim(dim, -1).unbind() for t in (x, mask)), strict=True)
        return torch.stack([mean_by_hand(*one, -1) for one in slices])
    kept = [value for value, shown in zip(x.tolist(), mask.tolist(), strict=True) if shown]
    return torch.tensor(sum(kept) / max(1, len(kept)), dtype=x.dtype)


def groups_by_hand(x, index, groups):
    masks = [(index == g)[:, None].expand(x.shape) for g in range(groups)]
    return torch.stack([mean_by_hand(x, mask, 0) for mask in masks])


def distances_by_hand(a, b):
    pairs = [[zip(p, q, strict=True) for q in b.tolist()] for p in a.tolist()]
    rows = [[sum((u - v) ** 2 for u, v in pair) for pair in row] for row in pairs]
    return torch.tensor(rows, dtype=a.dtype)
