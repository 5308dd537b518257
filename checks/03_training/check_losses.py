"""What challenge_losses.py requires: numbers that can be done by hand, then torch's own losses."""

import math
import tracemalloc
import weakref
from functools import partial

import torch
from torch.distributions import Categorical
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from checks.functions import as_exact, calls_none, gives, is_exact
from checks.tools import attempt, close, gradients, numbers, refuses, result_of, same, unchanged

INF = math.inf
BANNED = "softm", "entropy", "loss", "kl_div"
P = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])
SHIFTED = P.log() + torch.tensor([[1.0], [-2.0], [0.0]])  # logits whose softmax is P
TOLD = "softmax [[0.5, 0.25, 0.25], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]"


def by_hand(
    my_softmax, cross_entropy_loss, focal_loss, bce_with_logits, huber_loss, streaming_entropy
):
    x, y, targets = torch.randn(4, 3), torch.rand(4, 3), torch.tensor([2, 0, 1, 1])
    for function, inputs in (
        (my_softmax, (x,)),
        (cross_entropy_loss, (x, targets, -100, 0.1)),
        (focal_loss, (x, targets)),
        (bce_with_logits, (x, y)),
        (huber_loss, (x, y)),
        (streaming_entropy, (list(x),)),
    ):
        calls_none(f"{function.__name__} of 4 x 3 numbers", function, inputs, BANNED)


def softmax(my_softmax):
    for x, want in (
        ([0.0, math.log(3)], [0.25, 0.75]),
        ([1000.0, 0.0, -1000.0], [1.0, 0.0, 0.0]),
        ([-1000.0, -1000.0 - math.log(3)], [0.75, 0.25]),
    ):
        gives(f"my_softmax({numbers(torch.tensor(x))})", my_softmax, [torch.tensor(x)], want, 1e-4)
    x = 2 * torch.randn(2, 3, 4)
    for dim in (-1, 1, 0):
        what = f"my_softmax of numbers (2, 3, 4), dim={dim}"
        out = result_of(what, my_softmax, x, dim) if dim > -1 else result_of(what, my_softmax, x)
        close(out.sum(dim), torch.ones_like(out.sum(dim)), f"{what}: its sum along dim {dim}")
        close(out, x.softmax(dim), f"{what}: result", 1e-5)
    rows = torch.tensor([[1000.0, 1000.0], [0.0, 0.0]])  # each has its own largest number
    gives("my_softmax([[1000, 1000], [0, 0]])", my_softmax, [rows], [[0.5, 0.5]] * 2)


def cross_entropy(cross_entropy_loss):
    run = partial(rows_are, "cross_entropy_loss", cross_entropy_loss)
    run(TOLD, SHIFTED, [0, 2, 1], -(math.log(0.5) + math.log(0.7) + math.log(0.3)) / 3)
    large = torch.tensor([[1000.0, 0.0, -1000.0], [0.0, 1000.0, 1000.0]])
    run(f"logits {numbers(large)}", large, [1, 1], (1000 + math.log(2)) / 2)
    two = -(math.log(0.5) + math.log(0.3)) / 2
    run(TOLD, SHIFTED, [0, -100, 1], two)
    for index in (255, 2, -1):
        run(TOLD, SHIFTED, [0, index, 1], two, ignore_index=index)
    run(TOLD, SHIFTED, [0, 0, 1], -math.log(0.3), ignore_index=0)
    ones = torch.tensor([[0.0, math.log(2), 0.0, 0.0]])
    loss = math.log(5) - 0.2 / 4 * math.log(2)  # of it: softmax [0.2, 0.4, 0.2, 0.2]
    run("softmax [[0.2, 0.4, 0.2, 0.2]]", ones, [0], loss, label_smoothing=0.2)
    logits, targets = 2 * torch.randn(6, 5), torch.tensor([4, 0, 3, 3, 1, 0])
    for more in ({}, {"label_smoothing": 0.3}, {"ignore_index": 3, "label_smoothing": 0.3}):
        want = F.cross_entropy(logits, targets, **more)
        run("logits (6, 5), against the library", logits, targets.tolist(), want, **more)
    run("logits of one row", logits[:1], [4], F.cross_entropy(logits[:1], targets[:1]))


def focal(focal_loss):
    run = partial(rows_are, "focal_loss", focal_loss)
    for alpha, gamma in ((0.25, 2.0), (0.5, 0.0), (0.6, 3.0)):
        each = [-alpha * (1 - p) ** gamma * math.log(p) for p in (0.5, 0.7, 0.3)]
        more = {} if gamma == 2 else {"alpha": alpha, "gamma": gamma}
        run(TOLD, SHIFTED, [0, 2, 1], sum(each) / 3, **more)
    large = torch.tensor([[0.0, 1000.0], [1000.0, 0.0]])
    for gamma in (2.0, 0.0):
        run(f"logits {numbers(large)}", large, [0, 0], 0.25 * 1000 / 2, gamma=gamma)
    run("logits [[0, 0, 0]]", torch.zeros(1, 3), [2], 0.25 * (2 / 3) ** 2 * math.log(3))


def binary(bce_with_logits):
    def run(logits, targets, weight=None):
        told = [f"{numbers(t)}" for t in (logits, targets)]
        what = f"bce_with_logits(logits {told[0]}, targets {told[1]}"
        what += ")" if weight is None else f", pos_weight {numbers(weight)})"
        given = [logits, targets] if weight is None else [logits, targets, weight]
        want = F.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)
        gives(what, bce_with_logits, given, want)

    logits, targets = torch.tensor([[0.0, 1.0, -2.0]]), torch.tensor([[1.0, 0.0, 1.0]])
    run(logits[0, :1], targets[0, :1])
    run(logits, targets)
    run(logits[0], torch.tensor([0.5, 0.25, 0.75]))
    for large, y in ((1000.0, 1.0), (1000.0, 0.0), (-1000.0, 1.0), (-1000.0, 0.0)):
        run(torch.tensor([large]), torch.tensor([y]))
    run(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([3.0, 5.0]))
    run(torch.zeros(3, 3), torch.eye(3), torch.tensor([1.0, 2.0, 4.0]))
    run(torch.tensor([-1000.0, 1000.0]), torch.tensor([1.0, 0.0]), torch.tensor([2.0, 3.0]))
    ramp = torch.linspace(-2, 2, 12).view(2, 2, 3)
    run(ramp, ramp.sigmoid().flip(0), torch.tensor([1.0, 2.0, 0.5]))


def huber(huber_loss):
    for pred, target, delta in (
        ([0.5, 1.0], [0.0, 2.0], None),
        ([3.0, -3.0], [0.0, 1.0], None),
        ([1.0, 5.0, -5.0], [0.0, 0.0, 0.0], 2.0),
        ([0.5, 0.1], [0.0, 0.0], 0.3),
        ([[1000.0], [0.0], [1.0]], [[-1000.0], [2.0], [1.0]], 2.0),
    ):
        t = [torch.tensor(v) for v in (pred, target)]
        more = {} if delta is None else {"delta": delta}
        what = f"huber_loss({numbers(t[0])}, {numbers(t[1])}{f', delta={delta}' if more else ''})"
        gives(what, huber_loss, t, F.huber_loss(*t, **more), **more)


def entropy(streaming_entropy):
    a, b = math.log(3), math.log(4)
    for chunks in (
        [[0.0, 0.0], [0.0, 0.0]],
        [[0.0, a], [b]],
        [[b], [0.0, a]],
        [[1.0, 2.0], [3.0], [2.0, 5.0, 0.0], [-1.0]],
        [[0.0, 0.0, 0.0], [0.0, 1000.0]],
    ):
        given = list(map(torch.tensor, chunks))
        want = Categorical(logits=torch.cat(given).double()).entropy().float() + 0
        told = ", ".join(map(numbers, given))
        gives(f"streaming_entropy of the chunks {told}", streaming_entropy, [iter(given)], want)
    for size in (1, -1):
        given = [torch.tensor([1000.0 * size, 1000.0 * size]), torch.tensor([1000.0 * size])]
        what = f"streaming_entropy of the chunks {numbers(given[0])}, {numbers(given[1])}"
        close(result_of(what, streaming_entropy, given), torch.tensor(math.log(3)), what, 0.05)
    kept = list[int]()

    def stream():
        for _ in range(6):
            kept.append(watch.kept())
            yield torch.arange(100.0) / 9

    with Made() as watch:
        attempt("streaming_entropy of a generator of 6 chunks", streaming_entropy, stream())
    assert len(kept) == 6, f"streaming_entropy took {len(kept)} of 6 chunks"
    assert kept[5] <= kept[2], (
        f"6 chunks of 100 logits: numbers in the tensors that are kept when each chunk is asked "
        f"for: {kept}, want no growth from the third on"
    )
    held = list[int]()

    def many():
        for i in range(60):
            if i in (29, 59):
                held.append(tracemalloc.get_traced_memory()[0])
            yield torch.arange(10.0)

    tracemalloc.start()
    try:
        attempt("streaming_entropy of a generator of 60 chunks", streaming_entropy, many())
    finally:
        tracemalloc.stop()
    grown = (held[1] - held[0]) // 30
    assert grown < 40, f"60 chunks of 10 logits: Python keeps {grown} bytes more of each, want none"


def limits(cross_entropy_loss, focal_loss, my_softmax, streaming_entropy):
    for n, ignored in ((3, -100), (2, 1), (0, -100)):
        logits = torch.randn(n, 4)
        logits[:, 0] = -INF
        targets, logits = torch.full((n,), ignored), logits.requires_grad_()
        what = f"cross_entropy_loss, {n} rows, all targets {ignored}, which is ignore_index"
        loss = result_of(what, cross_entropy_loss, logits, targets, ignored)
        close(loss.detach(), torch.tensor(0.0), what)
        (got,) = gradients(what, loss, [logits], torch.ones(()), ["logits"])
        close(got, torch.zeros(n, 4), f"{what}: the gradient of logits")
    for name, call, want in (
        ("my_softmax", lambda x: my_softmax(x)[0, 0], 0.5),
        (
            "cross_entropy_loss, then an ignored row [-inf, 0, 0]",
            lambda x: cross_entropy_loss(torch.cat([x, x.roll(-1, 1)]), torch.tensor([0, -100])),
            math.log(2),
        ),
        ("focal_loss", lambda x: focal_loss(x, torch.tensor([0])), math.log(2) / 16),
    ):
        logits = torch.tensor([[0.0, -INF, 0.0]], requires_grad=True)
        what = f"{name}, logits [[0, -inf, 0]], {'number' if 'my' in name else 'target'} 0"
        out = attempt(what, call, logits)
        close(out.detach(), torch.tensor(want), what)
        gradients(what, out, [logits], torch.ones(()), ["logits"])
    for chunks in (
        [[0.0, -INF], [0.0]],
        [[-INF, -INF], [0.0, 0.0]],
        [[0.0, 0.0], [-INF]],
        [[], [0.0, 0.0]],
        [[0.0], [], [0.0]],
    ):
        what = f"streaming_entropy of the chunks {', '.join(map(str, chunks))}"
        given = [torch.tensor(chunk) for chunk in chunks]
        gives(what, streaming_entropy, [given], math.log(2))


def shapes(bce_with_logits, huber_loss):
    pairs = ((3,), (3, 1)), ((2, 3), (3,)), ((1, 3), (2, 3)), ((), (3,))
    for function in (bce_with_logits, huber_loss):
        for one, other in (*pairs, *(pair[::-1] for pair in pairs)):
            refuses(function, *(torch.full(s, 0.5) for s in (one, other)), errors=(ValueError,))


def exact(
    my_softmax, cross_entropy_loss, focal_loss, bce_with_logits, huber_loss, streaming_entropy
):
    ramp, targets = torch.linspace(-3, 3, 12).double().view(4, 3), torch.tensor([2, 0, -100, 1])
    y, w = ramp.flip(0).sigmoid(), torch.tensor([0.5, 2.0, 3.0]).double()
    kept, more = targets.abs() % 3, {"alpha": 0.3, "gamma": 3.0}
    large = 1000 * ramp.sign() * (1 - torch.eye(4, 3).double())
    mine, library, soft = cross_entropy_loss, F.cross_entropy, {"label_smoothing": 0.1}
    bce, library_bce = bce_with_logits, F.binary_cross_entropy_with_logits
    for name, ours, right in (
        ("my_softmax", my_softmax, lambda x: x.softmax(-1)),
        ("cross_entropy_loss", lambda x: mine(x, targets), lambda x: library(x, targets)),
        (
            "cross_entropy_loss, label_smoothing=0.1",
            lambda x: mine(x, targets, **soft),
            lambda x: library(x, targets, **soft),
        ),
        ("focal_loss", lambda x: focal_loss(x, kept, **more), lambda x: focal_of(x, kept, **more)),
        (
            "bce_with_logits",
            lambda x: bce(x, y, w),
            lambda x: library_bce(x, y, pos_weight=w),
        ),
        ("huber_loss", lambda x: huber_loss(x, y), lambda x: F.huber_loss(x, y)),
    ):
        for told, x in (("-3 to 3", ramp), ("0", 0 * ramp), ("0 and ±1e3", large)):
            as_exact(f"{name}, float64, inputs {told}", ours, right, {"the input": x})
    same(targets, torch.tensor([2, 0, -100, 1]), "cross_entropy_loss: targets afterwards")
    chunks = [row.clone() for row in ramp]
    what = "streaming_entropy of 4 chunks of 3 logits, float64"
    with unchanged(what, *chunks):
        got = result_of(what, streaming_entropy, chunks)
    is_exact(what, got, Categorical(logits=ramp.flatten()).entropy(), 1e-8)


CORE = (by_hand, softmax, cross_entropy, focal, binary, huber, entropy)
EDGES = (limits, shapes, exact)


class Made(TorchDispatchMode):
    """Knows which of the tensors made below it are still there."""

    def __init__(self):
        super().__init__()
        self.made = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        tensors = (t for t in tree_leaves(out) if isinstance(t, torch.Tensor))
        self.made |= {id(t): weakref.ref(t) for t in tensors}
        return out

    def kept(self):
        """How many numbers they have."""
        self.made = {i: ref for i, ref in self.made.items() if ref() is not None}
        return sum(ref().numel() for ref in self.made.values())


def rows_are(name, function, told, logits, targets, want, **more):
    options = "".join(f", {key}={value}" for key, value in more.items())
    what = f"{name}: {told}, targets {targets}{options}"
    gives(what, function, [logits.clone(), torch.tensor(targets)], float(want), **more)


def focal_of(x, targets, alpha, gamma):
    log_p = x.log_softmax(-1)[torch.arange(len(x)), targets]
    return (alpha * (1 - log_p.exp()).pow(gamma) * -log_p).mean()
