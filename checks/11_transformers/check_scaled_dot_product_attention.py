"""What challenge_scaled_dot_product_attention.py requires.

Only `weights` and `precision` compare with the library; the other labels compare the answer with
itself, or use equal scores, whose weights can be done by hand.
"""

import torch
from torch import Tensor, nn

from checks.attention import attempt, finite_gradients, masks_of, on_other_device, told
from checks.tools import Forbidden, close, numbers, strided, unchanged


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
    for L_q, L_k in ((4, 5), (1, 5), (4, 1), (5, 5)):
        Q, K, V = inputs_of((), L_q, L_k)
        what = f"{shapes(Q, K, V)}, no mask"
        out, attn = run(scaled_dot_product_attention, Q, K, V, what=what)
        close(attn, library(Q, K, V)[1], f"{what}: attn, against the library", 2e-5)


def mean(scaled_dot_product_attention):
    for L_q, L_k, d_v in ((4, 5, 7), (1, 3, 1), (3, 3, 3)):
        Q, K, V = inputs_of((), L_q, L_k, d_v=d_v)
        for mask in (None, torch.eye(L_q, L_k, dtype=torch.bool) | (torch.arange(L_k) == 0)):
            what = f"{shapes(Q, K, V)}, {told(mask)}"
            out, attn = run(scaled_dot_product_attention, Q, K, V, mask, what)
            close(out, torch.einsum("...ij,...jd->...id", attn, V), f"{what}: out, attn times V")


def leading(scaled_dot_product_attention):
    for lead in ((2,), (3, 2), (2, 3, 2), (4, 4)):
        Q, K, V = inputs_of(lead, 4, 5)
        for mask in (None, torch.rand(*lead, 4, 5) < 2):
            what = f"{shapes(Q, K, V)}, {told(mask)}"
            both = run(scaled_dot_product_attention, Q, K, V, mask, what)
            last = tuple(n - 1 for n in lead)
            one = None if mask is None else mask[last]
            alone = run(scaled_dot_product_attention, Q[last], K[last], V[last], one, what)
            for name, got, want in zip(("out", "attn"), both, alone, strict=True):
                at = f"{name}{list(last)}, against that item alone"
                close(got[last], want, f"{what}: {at}")


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
            wrong = ~torch.isclose(attn, want, atol=1e-6)
            if wrong.any():
                at = tuple(wrong.nonzero()[0, :-1].tolist())
                may = mask.expand(sizes)[at].nonzero().flatten().tolist()
                raise AssertionError(
                    f"{what}: attn{list(at)}, a query that may attend to the keys {may}, "
                    f"is {numbers(attn[at])}, want {numbers(want[at])}"
                )
    for size in (1.0, 1e3, 1e15):
        hidden_keys(scaled_dot_product_attention, torch.float32, size, 1e-4)


def empty(scaled_dot_product_attention):
    some = torch.tensor([[True, True], [False, False]])
    V = torch.tensor([[1.0], [3.0]])
    results = run(scaled_dot_product_attention, torch.zeros(2, 4), torch.eye(2, 4), V, some)
    what = "equal scores, values 1 and 3, query 1 may attend to nothing"
    for name, got, want in (
        ("out", results[0], [[2.0], [0.0]]),
        ("attn", results[1], [[0.5, 0.5], [0.0, 0.0]]),
    ):
        close(got, torch.tensor(want), f"{what}: {name}")
    for mask in (some[:, :1], torch.zeros(1, 1, dtype=torch.bool), some.expand(3, 2, 2)):
        leaves = [t.requires_grad_() for t in inputs_of((3,), 2, 2)]
        what = f"mask {tuple(mask.shape)}, some queries may attend to nothing"
        results = run(scaled_dot_product_attention, *leaves, mask, what)
        for name, got in zip(("out", "attn"), results, strict=True):
            assert got.isfinite().all(), f"{what}: {name} has NaN or inf"
        finite_gradients(what, results, dict(zip("QKV", leaves, strict=True)), 0.1)


def precision(scaled_dot_product_attention):
    mask = torch.rand(2, 4, 5) > 0.4
    mask[..., 0] = True
    for dtype, tol in (
        (torch.float64, 1e-10),
        (torch.float32, 2e-5),
        (torch.bfloat16, 5e-2),
        (torch.float16, 1e-2),
    ):
        leaves = [t.to(dtype).requires_grad_() for t in inputs_of((2,), 4, 5)]
        for m, shown in ((None, "no mask"), (mask, "a mask")):
            what = f"{dtype}, {shown}"
            results = run(scaled_dot_product_attention, *leaves, m, what)
            exact = [t.detach().double() for t in leaves]
            want = run(scaled_dot_product_attention, *exact, m, what)
            for name, got, right in zip(("out", "attn"), results, want, strict=True):
                assert got.dtype == dtype, f"{what}: {name} is {got.dtype}"
                close(got.double(), right, f"{what}: {name}, against float64", tol)
            finite_gradients(what, results, dict(zip("QKV", leaves, strict=True)), 0.1)
        large_scores(scaled_dot_product_attention, dtype)
    exact_scale(scaled_dot_product_attention)
    leaves = [t.requires_grad_() for t in inputs_of((2,), 4, 5)]
    for m, shown in ((None, "no mask"), (mask, "a mask")):
        what = f"bfloat16 autocast, {shown}"
        with torch.autocast("cpu", torch.bfloat16):
            results = run(scaled_dot_product_attention, *leaves, m, what)
        want = run(scaled_dot_product_attention, *(t.detach() for t in leaves), m, what)
        for name, got, right in zip(("out", "attn"), results, want, strict=True):
            close(got.float(), right, f"{what}: {name}, against float32", 5e-2)
        finite_gradients(what, results, dict(zip("QKV", leaves, strict=True)), 0.1)
    for dtype, size, tol in (
        (torch.float32, 1e15, 1e-4),
        (torch.bfloat16, 1e15, 5e-2),
        (torch.float16, 6e4, 1e-2),
    ):
        finite_gradients(*hidden_keys(scaled_dot_product_attention, dtype, size, tol))


def inputs(scaled_dot_product_attention):
    Q, K, V = (strided(3, 2, *rest, dtype=torch.float64) for rest in ((4, 6), (5, 6), (5, 7)))
    whole = torch.rand(3, 2, 4, 5) > 0.5
    whole[..., 0] = True
    for mask in (
        None,
        whole,
        torch.ones(5, 4, dtype=torch.bool).mT,
        whole[:, :1].expand(3, 2, 4, 5),
    ):
        shown = "no mask" if mask is None else f"a mask with strides {mask.stride()}"
        what = f"Q, K and V not contiguous, {shown}"
        with unchanged(what, *[t for t in (Q, K, V, mask) if t is not None]):
            got = run(scaled_dot_product_attention, Q, K, V, mask, what)
        plain = [None if t is None else t.contiguous() for t in (Q, K, V, mask)]
        want = run(scaled_dot_product_attention, *plain, what=what)
        for name, g, w in zip(("out", "attn"), got, want, strict=True):
            close(g, w, f"{what}: {name}, against contiguous inputs", 1e-9)
        on_other_device(scaled_dot_product_attention, Q, K, V, mask)
    small = [t[0].clone().requires_grad_() for t in (Q, K, V)]
    for name, part, n in (("out", 0, 3), ("attn", 1, 2)):

        def one(*leaves, part=part, n=n):
            return run(scaled_dot_product_attention, *leaves, *small[n:])[part]

        what = f"the gradient of {name} with regard to {', '.join('QKV'[:n])}"
        assert one(*small[:n]).requires_grad, f"{name} has no gradient, nothing flows back"
        try:
            right = torch.autograd.gradcheck(one, small[:n], raise_exception=False)
        except RuntimeError as error:
            raise AssertionError(f"{what}: backward fails. It says: {error}") from error
        assert right, f"{what} is not that of small changes, divided by these"


CORE = (by_hand, weights, mean, leading, masks)
EDGES = (empty, precision, inputs)


def inputs_of(lead, L_q, L_k, dtype=torch.float32, d_v=7):
    sizes = ((L_q, 6), (L_k, 6), (L_k, d_v))
    return [1.5 * torch.randn(*lead, *size, dtype=dtype) for size in sizes]


def shapes(*tensors):
    return ", ".join(f"{n} {tuple(t.shape)}" for n, t in zip("QKV", tensors, strict=True))


def run(function, Q, K, V, mask=None, what=""):
    """(out, attn) with their shapes compared."""
    what = what or f"{shapes(Q, K, V)}, {told(mask)}"
    results = attempt(what, function, Q, K, V, mask)
    pair = isinstance(results, tuple) and [isinstance(t, Tensor) for t in results] == [True, True]
    assert pair, f"{what}: returned a {type(results).__name__}, want the tuple (out, attn)"
    lead = tuple(Q.shape[:-1])
    for name, got, last in zip(("out", "attn"), results, (V.shape[-1], K.shape[-2]), strict=True):
        want = (*lead, last)
        assert got.shape == want, f"{what}: {name} has shape {tuple(got.shape)}, want {want}"
    return results


def hidden_keys(function, dtype, size, tol):
    """Keys that none may see hold huge numbers: the results are as without them."""
    what = f"{dtype}, keys 1 and 4 of 5 are hidden and hold {size:.0e} in K and V"
    seen = torch.tensor([True, False, True, True, False])
    Q, K, V = (t.to(dtype) for t in inputs_of((3,), 4, 5))
    want = run(function, Q, K[:, seen], V[:, seen], what=what)
    K, V = (torch.where(seen[:, None], t, size * t.sign()).requires_grad_() for t in (K, V))
    out, attn = run(function, Q.requires_grad_(), K, V, seen.expand(1, 5), what)
    hidden = attn[..., ~seen].abs().max().item()
    assert hidden == 0, f"{what}: the largest weight of a hidden key is {hidden:.3g}, want 0"
    close(out.double(), want[0].double(), f"{what}: out, against the same without them", tol)
    return what, (out, attn), {"Q": Q, "K": K, "V": V}, 0.1


def large_scores(function, dtype):
    """Query i fits key i, or misfits it, with a score of 1e4 in size, others with half of it."""
    L, D = 5, 64
    V, same = torch.randn(2, L, 3).to(dtype), torch.eye(L, dtype=torch.bool)
    for sign, shown, mask, want in (
        (1, "no mask", None, same),
        (-1, "no mask", None, ~same / (L - 1)),
        (1, "a mask of all but i == j", ~same, ~same / (L - 1)),
        (-1, "a mask of i == j", same, same),
    ):
        fit = 282.8 * torch.eye(L, D)
        Q = fit.repeat(2, 1, 1).to(dtype).requires_grad_()
        fit = sign * (141.4 * torch.ones(L, L) @ torch.eye(L, D) + 0.5 * fit)
        K = fit.repeat(2, 1, 1).to(dtype).requires_grad_()
        what = f"{dtype}, scores of {sign}e4 where i == j, else half of it, {shown}"
        out, attn = run(function, Q, K, V, mask, what)
        for name, got in (("out", out), ("attn", attn)):
            assert got.isfinite().all(), f"{what}: {name} has NaN or inf"
        close(attn, want.to(dtype).expand(2, L, L), f"{what}: attn", 5e-3)
        finite_gradients(what, (out, attn), {"Q": Q, "K": K}, 0.1)


def exact_scale(function):
    """In float64 the scale has float64's digits, too; `weights` minds what it is."""
    Q, K = torch.ones(1, 6).double(), torch.ones(2, 6).double()
    K[0] = 2
    _, attn = run(function, Q, K, torch.eye(2).double())
    scale = (attn[0, 0] / attn[0, 1]).log() / 6
    if abs(scale * 6**0.5 - 1) < 1e-3:
        what = "float64, D 6, Q ones, keys of 2 and of 1: log(attn[0] / attn[1]) / (12 - 6)"
        close(scale, torch.tensor(6.0).double() ** -0.5, what, 1e-12)


def library(Q, K, V, mask=None):
    """torch's own; with an identity matrix beside V its result shows the weights, too."""
    L_k = K.shape[-2]
    eye = torch.eye(L_k, dtype=V.dtype).expand(*V.shape[:-1], L_k)
    values = torch.cat([V, eye], dim=-1)
    both = nn.functional.scaled_dot_product_attention(Q, K, values, mask)
    return both.split([V.shape[-1], L_k], dim=-1)
