"""What challenge_scaled_dot_product_attention.py requires.

Only `weights` compares with the library; the other labels compare the answer with itself, or use
equal scores, whose weights can be done by hand.
"""

from functools import partial

import torch
from torch import Tensor, nn

from checks.attention import (
    alike,
    finite_gradients,
    keeps_inputs,
    masks_of,
    result,
    some_mask,
    told,
)
from checks.tools import Forbidden, attempt, close, equal, numbers, strided

SOME = torch.tensor([True, False, True, True, False])  # the keys that are seen, of 5


def by_hand(scaled_dot_product_attention):
    for mask in (None, torch.ones(4, 5, dtype=torch.bool)):
        with Forbidden("attention") as watch:
            run(scaled_dot_product_attention, *inputs_of((2,), 4, 5), mask)
        assert watch.seen, "no function of torch was called"
        assert not watch.called, f"torch's {', '.join(watch.called)} was called"


def weights(scaled_dot_product_attention):
    Q, K = torch.tensor([[2.0, 0, 0, 0]]), torch.eye(2, 4)
    _, attn = run(scaled_dot_product_attention, Q, K, torch.eye(2))
    right = torch.tensor([[1.0, 0.0]]).softmax(-1)  # 2 / sqrt(4)
    close(attn, right, "D 4, a query [2, 0, 0, 0], keys [1, 0, 0, 0] and [0, 1, 0, 0]: attn")
    for L_q, L_k in ((4, 5), (1, 5)):
        Q, K, V = inputs_of((), L_q, L_k)
        _, attn = run(scaled_dot_product_attention, Q, K, V)
        want = nn.functional.scaled_dot_product_attention(Q, K, torch.eye(L_k))
        close(attn, want, f"{shapes(Q, K, V)}, no mask: attn, against the library", 2e-5)


def mean(scaled_dot_product_attention):
    for L_q, L_k, d_v in ((4, 5, 7), (1, 3, 1)):
        Q, K, V = inputs_of((), L_q, L_k, d_v)
        for mask in (None, torch.eye(L_q, L_k, dtype=torch.bool) | (torch.arange(L_k) == 0)):
            out, attn = run(scaled_dot_product_attention, Q, K, V, mask)
            what = f"{shapes(Q, K, V)}, {told(mask)}: out, attn times V"
            close(out, torch.einsum("ij,jd->id", attn, V), what)


def leading(scaled_dot_product_attention):
    for lead in ((2,), (2, 3, 2), (4, 4)):
        Q, K, V = inputs_of(lead, 4, 5)
        last = tuple(n - 1 for n in lead)
        for mask in (None, torch.ones(*lead, 4, 5, dtype=torch.bool)):
            both = run(scaled_dot_product_attention, Q, K, V, mask)
            one = None if mask is None else mask[last]
            alone = run(scaled_dot_product_attention, Q[last], K[last], V[last], one)
            what = f"{shapes(Q, K, V)}, {told(mask)}, item {list(last)}"
            alike(what, tuple(t[last] for t in both), alone, 1e-5, "that item alone")


def masks(scaled_dot_product_attention):
    # Equal scores: a query's weights are equal over the keys that it may attend to.
    for lead, L_q, L_k in (((2, 3), 4, 5), ((4, 4), 4, 4)):
        sizes = (*lead, L_q, L_k)
        Q, K, V = torch.zeros(*lead, L_q, 6), torch.randn(*lead, L_k, 6), torch.randn(*lead, L_k, 7)
        for shown, mask in masks_of(*sizes).items():
            what = f"equal scores, {shapes(Q, K, V)}, mask {shown}"
            _, attn = run(scaled_dot_product_attention, Q, K, V, mask, what)
            seen = mask.expand(sizes).float()
            want = seen / seen.sum(-1, keepdim=True)
            for at in (~torch.isclose(attn, want, atol=1e-6)).nonzero()[:1, :-1].tolist():
                may, at = seen[tuple(at)].nonzero().flatten().tolist(), tuple(at)
                raise AssertionError(
                    f"{what}: attn{list(at)}, a query that may attend to the keys {may}, "
                    f"is {numbers(attn[at])}, want {numbers(want[at])}"
                )
    hidden_keys(scaled_dot_product_attention, torch.float32, 1e15, 1e-4)


def empty(scaled_dot_product_attention):
    some = torch.tensor([[True, True], [False, False]])
    V = torch.tensor([[1.0], [3.0]])
    results = run(scaled_dot_product_attention, torch.zeros(2, 4), torch.eye(2, 4), V, some)
    want = torch.tensor([[2.0], [0.0]]), torch.tensor([[0.5, 0.5], [0.0, 0.0]])
    what = "equal scores, values 1 and 3, query 1 may attend to nothing"
    alike(what, results, want, 1e-5, "a mean by hand")
    for mask in (some[:, :1], torch.zeros(1, 1, dtype=torch.bool), some.expand(3, 2, 2)):
        leaves = [t.requires_grad_() for t in inputs_of((3,), 2, 2)]
        what = f"mask {tuple(mask.shape)}, some queries may attend to nothing"
        works(what, run(scaled_dot_product_attention, *leaves, mask, what), *leaves)


def precision(scaled_dot_product_attention):
    mask = some_mask(2, 4, 5)
    for name, dtype, tol in (
        ("float64", torch.float64, 1e-10),
        ("float32", torch.float32, 2e-5),
        ("bfloat16", torch.bfloat16, 5e-2),
        ("float16", torch.float16, 1e-2),
        ("bfloat16 autocast", torch.float32, 5e-2),
    ):
        leaves = [t.to(dtype).requires_grad_() for t in inputs_of((2,), 4, 5)]
        for m in (None, mask):
            what = f"{name}, {told(m)}"
            with torch.autocast("cpu", torch.bfloat16, enabled="autocast" in name):
                results = run(scaled_dot_product_attention, *leaves, m, what)
            if "autocast" not in name:
                equal(f"{what}: out and attn are", [t.dtype for t in results], [dtype, dtype])
            want = run(scaled_dot_product_attention, *(t.detach().double() for t in leaves), m)
            alike(what, results, want, tol, "float64")
            works(what, results, *leaves)
            if dtype == torch.float64:
                sums = results[1].sum(-1)
                close(sums, torch.ones_like(sums), f"{what}: sums of attn over the keys", 1e-12)
    # In float64 the scale has float64's digits, too; `weights` minds what it is.
    Q, K = torch.ones(1, 6).double(), torch.tensor([[2.0], [1.0]]).double().expand(2, 6)
    _, attn = run(scaled_dot_product_attention, Q, K, torch.eye(2).double())
    scale = (attn[0, 0] / attn[0, 1]).log() / 6
    if abs(scale * 6**0.5 - 1) < 1e-3:
        what = "float64, D 6, Q ones, keys of 2 and of 1: log(attn[0] / attn[1]) / (12 - 6)"
        close(scale, torch.tensor(6.0).double() ** -0.5, what, 1e-12)
    for dtype, size, tol in (
        (torch.float32, 1e15, 1e-4),
        (torch.bfloat16, 1e15, 5e-2),
        (torch.float16, 6e4, 1e-2),
    ):
        large_scores(scaled_dot_product_attention, dtype)
        works(*hidden_keys(scaled_dot_product_attention, dtype, size, tol))


def inputs(scaled_dot_product_attention):
    Q, K, V = (strided(3, 2, *rest, dtype=torch.float64) for rest in ((4, 6), (5, 6), (5, 7)))
    crossed = torch.ones(5, 4, dtype=torch.bool).mT
    given = (None, crossed, some_mask(3, 1, 4, 5).expand(3, 2, 4, 5))
    keeps_inputs(scaled_dot_product_attention, (Q, K, V), given)
    check = partial(torch.autograd.gradcheck, raise_exception=False, fast_mode=True)
    small = [t[0, :, :n, :3].clone().requires_grad_() for t, n in ((Q, 2), (K, 3), (V, 3))]
    for i, name, n in ((0, "out", 3), (1, "attn", 2)):

        def one(*leaves, i=i, n=n):
            return run(scaled_dot_product_attention, *leaves, *small[n:])[i]

        what = f"the gradient of {name} with regard to {', '.join('QKV'[:n])}"
        assert one(*small[:n]).requires_grad, f"{name} has no gradient, nothing flows back"
        right = attempt(what, check, one, small[:n])
        assert right, f"{what} is not that of small changes, divided by these"


CORE = (by_hand, weights, mean, leading, masks)
EDGES = (empty, precision, inputs)


def inputs_of(lead, L_q, L_k, d_v=7):
    return [1.5 * torch.randn(*lead, *size) for size in ((L_q, 6), (L_k, 6), (L_k, d_v))]


def shapes(*tensors):
    return ", ".join(f"{n} {tuple(t.shape)}" for n, t in zip("QKV", tensors, strict=True))


def run(function, Q, K, V, mask=None, what=""):
    """(out, attn) with their shapes compared."""
    what = what or f"{shapes(Q, K, V)}, {told(mask)}"
    results = result(what, function, Q, K, V, mask)
    pair = isinstance(results, tuple) and [isinstance(t, Tensor) for t in results] == [True, True]
    assert pair, f"{what}: returned a {type(results).__name__}, want the tuple (out, attn)"
    for name, got, last in zip(("out", "attn"), results, (V.shape[-1], K.shape[-2]), strict=True):
        equal(f"{what}: {name} has shape", tuple(got.shape), (*Q.shape[:-1], last))
    return results


def works(what, results, *leaves):
    """No NaN and no inf, in the results and in the gradients of Q, K and V."""
    finite_gradients(what, results, dict(zip("QKV", leaves, strict=False)), 0.1)


def hidden_keys(function, dtype, size, tol):
    """Keys that none may see hold huge numbers: the results are as without them."""
    what = f"{dtype}, keys 1 and 4 of 5 are hidden and hold {size:.0e} in K and V"
    Q, K, V = (t.to(dtype) for t in inputs_of((3,), 4, 5))
    want, _ = run(function, Q, K[:, SOME], V[:, SOME], what=what)
    K, V = (torch.where(SOME[:, None], t, size * t.sign()).requires_grad_() for t in (K, V))
    out, attn = run(function, Q.requires_grad_(), K, V, SOME.clone()[None], what)
    hidden = attn[..., ~SOME].abs().max().item()
    assert hidden == 0, f"{what}: the largest weight of a hidden key is {hidden:.3g}, want 0"
    alike(what, out, want, tol, "the same without them")
    return what, (out, attn), Q, K, V


def large_scores(function, dtype):
    """Query i fits key i, or misfits it, with a score of 1e4 in size, others with half of it."""
    L, D = 5, 64
    V, same, fit = torch.randn(2, L, 3).to(dtype), torch.eye(L, dtype=torch.bool), torch.eye(L, D)
    for sign, shown, mask, want in (
        (1, "no mask", None, same),
        (-1, "no mask", None, ~same / (L - 1)),
        (1, "a mask of all but i == j", ~same, ~same / (L - 1)),
        (-1, "a mask of i == j", same, same),
    ):
        halves = sign * 141.4 * (torch.ones(L, L) @ fit + fit)
        Q, K = (t.repeat(2, 1, 1).to(dtype).requires_grad_() for t in (282.8 * fit, halves))
        what = f"{dtype}, scores of {sign}e4 where i == j, else half of it, {shown}"
        results = run(function, Q, K, V, mask, what)
        works(what, results, Q, K)
        close(results[1], want.to(dtype).expand(2, L, L), f"{what}: attn", 5e-3)
