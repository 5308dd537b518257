"""What challenge_chunked_cross_entropy.py requires: F.cross_entropy on all logits, numbers that can
be done by hand, and a count of what is in memory.
"""

import torch
from torch.nn import functional as F

from checks.functions import gives
from checks.tools import BigTensors, Peak, attempt, close, equal, refuses, result_of, strided
from checks.tools import gradients as flow
from checks.tools import unchanged as intact

CALL = "chunked_cross_entropy"
NAMES = ["hidden", "weight"]
DOUBLE = torch.float64


def loss(chunked_cross_entropy):
    inputs = torch.zeros(6, 2), torch.ones(4, 2), torch.tensor([0, 3, 1, 2, 0, 1])
    what = f"{CALL}, 6 tokens, 4 equal logits, chunk_size=6"
    gives(what, chunked_cross_entropy, inputs, torch.tensor(4.0).log(), chunk_size=6)
    for N, V in ((6, 5), (5, 5), (1, 7), (4, 1)):
        inputs, want = case(N, V)
        what = f"{CALL}, {N} tokens, V = {V}, chunk_size={N}"
        with intact(what, *inputs):
            gives(what, chunked_cross_entropy, inputs, want.detach(), chunk_size=N)
    leaves = [torch.tensor([[1.0], [0.0]]), torch.tensor([[1e4], [-1e4], [1e4 - 1]])]
    for targets, right in (([1, 0], 10000.706), ([2, 2], 1.206), ([0, 2], 0.706)):
        what = f"{CALL}, logits [10000, -10000, 9999] and [0, 0, 0], targets {targets}"
        inputs = *(t.requires_grad_() for t in leaves), torch.tensor(targets)
        out = result_of(what, chunked_cross_entropy, *inputs, chunk_size=2)
        close(out.detach(), torch.tensor(right), what, 1e-3)
        flow(what, out, inputs[:2], torch.ones(()), NAMES)


def chunks(chunked_cross_entropy):
    for N, sizes in ((7, (1, 2, 3, 5, 6, 7, 8, 100)), (1, (1, 4)), (4, (4, 3)), (1027, (None,))):
        inputs, want = case(N, 6)
        for size in sizes:
            given = {"chunk_size": size} if size else {}
            what = f"{CALL}, {N} tokens, chunk_size {size or 'not given'}"
            gives(what, chunked_cross_entropy, inputs, want.detach(), **given)


def gradients(chunked_cross_entropy):
    for N, V, upstream, size in ((6, 5, 1.0, 6), (6, 5, 1.0, 2), (6, 6, -2.5, 3), (6, 3, 0.0, 2)):
        what = f"{CALL}, {N} tokens, upstream gradient {upstream}"
        right_gradients(what, chunked_cross_entropy, *case(N, V), upstream, chunk_size=size)


def ignored(chunked_cross_entropy):
    inputs = torch.zeros(4, 1), torch.ones(4, 1), torch.tensor([0, -100, -100, 2])
    what = f"{CALL}, 4 equal logits, targets [0, -100, -100, 2], chunk_size=2"
    gives(what, chunked_cross_entropy, inputs, torch.tensor(4.0).log(), chunk_size=2)
    for index, at in ((-100, (0,)), (-100, (1, 2, 3)), (2, (0, 1, 4)), (0, (5,)), (-1, (2, 3))):
        targets = torch.tensor([3, 4, 1, 3, 1, 4])
        targets[list(at)] = index
        inputs, want = case(6, 5, targets, index)
        given = {"chunk_size": 2, "ignore_index": index}
        what = f"{CALL}, targets {targets.tolist()}, ignore_index={index}"
        with intact(what, targets):
            gives(f"{what}, chunk_size=2", chunked_cross_entropy, inputs, want.detach(), **given)
        right_gradients(what, chunked_cross_entropy, inputs, want, **given)


def memory(chunked_cross_entropy):
    for N, V, D, size in ((96, 97, 8, 8), (1500, 64, 1, None)):
        given, rows = {"chunk_size": size} if size else {}, size or 1024
        what = f"{CALL}, N = {N}, V = {V}, D = {D}, chunk_size {size or 'not given'}"
        inputs = *(torch.randn(n, D, requires_grad=True) for n in (N, V)), torch.randint(V, (N,))
        with BigTensors(rows * V + 1) as big, Peak(*inputs) as peak:
            out = result_of(what, chunked_cross_entropy, *inputs, **given)
            flow(what, out, inputs[:2], torch.ones_like(out), NAMES)
        assert peak.seen, f"{what}: no function of torch was called"
        more = [tuple(t.shape) for t in big.made]
        assert not more, f"{what}: it made a tensor {more[0]}, want at most {rows} rows of {V}"
        fits = peak.most < N * V or not size  # 1024 of 1500 rows: too much in any case
        assert fits, f"{what}: tensors held {peak.most} numbers at one time, want < {N * V}"


def none_left(chunked_cross_entropy):
    for N, size in ((5, 2), (5, 8), (0, 2)):
        leaves = [strided(n, 3).requires_grad_() for n in (N, 4)]
        what, given = f"{CALL}, {N} tokens, all ignored, chunk_size={size}", torch.full((N,), -100)
        out = result_of(what, chunked_cross_entropy, *leaves, given, chunk_size=size)
        close(out.detach(), torch.tensor(0.0), what)
        for i, grad in enumerate(flow(what, out, leaves, torch.ones_like(out), NAMES)):
            close(grad, torch.zeros_like(grad), f"{what}: the gradient of {NAMES[i]}")


def precision(chunked_cross_entropy):
    hidden = torch.full((40, 1), 2**-8)
    hidden[0] = hidden[-1] = 1.0
    want = hidden.sum().item() / 80  # sums of p - onehot, p a half
    for dtype, tol in ((torch.bfloat16, 0.01), (torch.float32, 1e-6), (DOUBLE, 1e-12)):
        leaves = [t.to(dtype).requires_grad_() for t in (hidden, torch.zeros(2, 1))]
        targets, wide = torch.zeros(40).long(), torch.promote_types(dtype, torch.float32)
        what = f"{CALL}, hidden [1, 1/256, ..., 1] of {dtype}, weight 0, chunk_size=1"
        out = result_of(what, chunked_cross_entropy, *leaves, targets, chunk_size=1)
        close(out.detach(), torch.tensor(2.0, dtype=wide).log(), what, 1e-6)
        grads = flow(what, out, leaves, torch.ones_like(out), NAMES)
        for grad, name in zip(grads, NAMES, strict=True):
            equal(f"{what}: the gradient of {name}, dtype", grad.dtype, dtype)
        off = abs(grads[1][1].item() / want - 1)
        assert off < tol, f"{what}: the gradient of weight is off by {off:.2g}, want {tol:.2g}"
        out = result_of(what, chunked_cross_entropy, *leaves, targets - 100, chunk_size=1)
        equal(f"{what}, all ignored: dtype", out.dtype, wide)
    what, (inputs, want) = f"{CALL}, 5 tokens of float64", case(5, 4, dtype=DOUBLE)
    right_gradients(what, chunked_cross_entropy, inputs, want, tol=1e-12, chunk_size=5)


def again(chunked_cross_entropy):
    (*leaves, targets), _ = case(4, 4)
    out = result_of(CALL, chunked_cross_entropy, *leaves, targets, chunk_size=2)
    what, call = f"{CALL}, a second backward", (torch.autograd.grad, out, leaves, 3 * out.detach())
    first = [grad.clone() for grad in attempt("backward", *call, retain_graph=True)]
    for grad, wanted, name in zip(attempt(what, *call), first, NAMES, strict=True):
        close(grad, wanted, f"{what}: the gradient of {name}")


def errors(chunked_cross_entropy):
    def number(*inputs):
        return round(chunked_cross_entropy(*inputs).item(), 4)

    hidden, weight, targets = case(4, 5)[0]
    for n, N, size in ((4, 4, 0), (4, 4, -1), (4, 3, 2), (4, 1, 2), (3, 4, 3), (1, 4, 4)):
        what = f"{CALL}, {n} rows of hidden, {N} targets, chunk_size={size}"
        inputs = hidden[:n], weight, targets[:N], size
        refuses(number, *inputs, errors=(ValueError,), call=what)
    for bad, at, index in ((-1, 0, -100), (5, 3, -100), (-100, 1, 2)):
        wrong = torch.cat([targets[:at], torch.tensor([bad]), targets[at + 1 :]])
        call = f"{CALL}, V = 5, targets {wrong.tolist()}, ignore_index={index}"
        refuses(number, hidden, weight, wrong, 2, index, errors=(Exception,), call=call)


CORE = (loss, chunks, gradients, ignored, memory)
EDGES = (none_left, precision, again, errors)


def case(N, V, targets=None, ignore_index=-100, dtype=torch.float32):
    """Inputs, not contiguous, and the loss from all logits."""
    hidden, weight = (strided(n, 3, dtype=dtype).requires_grad_() for n in (N, V))
    targets = torch.randint(V, (N,)) if targets is None else targets
    want = F.cross_entropy(hidden @ weight.T, targets, ignore_index=ignore_index)
    return (hidden, weight, targets), want


def right_gradients(what, chunked_cross_entropy, inputs, want, upstream=1.0, tol=1e-5, **given):
    """Those of both, and of each where it alone needs one."""
    right = torch.autograd.grad(want, inputs[:2], torch.full_like(want, upstream))
    for need in ((0, 1), (0,), (1,)):
        leaves = [t.detach().requires_grad_(i in need) for i, t in enumerate(inputs[:2])]
        names = [NAMES[i] for i in need]
        who = "both need" if len(need) > 1 else f"only {names[0]} needs"
        told = f"{what}, chunk_size={given['chunk_size']}, {who} a gradient"
        out = result_of(told, chunked_cross_entropy, *leaves, inputs[2], **given)
        got = flow(told, out, [leaves[i] for i in need], torch.full_like(out, upstream), names)
        for i, grad in zip(need, got, strict=True):
            close(grad, right[i], f"{told}: the gradient of {NAMES[i]}", tol)
