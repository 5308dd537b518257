"""Scaled dot-product attention: every query takes a weighted mean of the values.

This is the one operation by which the tokens of a transformer exchange information. A query is
compared with all keys, and the better a key fits, the more its value counts.

    Q     (*, L_q, D)      * is any number of leading sizes, none too, the same in Q, K and V
    K     (*, L_k, D)      every size is at least 1
    V     (*, L_k, D_v)
    mask  bool, broadcastable to (*, L_q, L_k): True where a query may attend to a key; optional
    out   (*, L_q, D_v)
    attn  (*, L_q, L_k)    the weights with which V was summed to out

It returns the tuple (out, attn). A score is a dot product divided by sqrt(D). A query's weights are
the softmax of its scores over the keys that it may attend to, so they sum to 1. A hidden key weighs
exactly 0, whatever finite numbers up to 1e15 K and V hold there, even if its score overflows. A
query that may attend to no key has zeros in attn and out, never NaN, and causes no gradient.

Q, K, V and the results have one dtype, float16, bfloat16, float32 or float64, and are as exact as
it allows. Scores of 1e4 are no problem in any of them (float16 ends at 65504). Under bfloat16
autocast the results may have any floating dtype. Any strides, any device. Inputs are not changed.
Gradients flow from out and from attn to Q, K and V, and are finite. torch's own attention is
refused, however it is called; softmax is allowed.
Ask yourself: which numbers on the way are larger than the scores? What is a softmax over nothing?
Paper: Attention Is All You Need, section 3.2.1, https://arxiv.org/abs/1706.03762
"""

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def scaled_dot_product_attention(
    Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    raise NotImplementedError("scaled_dot_product_attention")


def check(scaled_dot_product_attention):
    torch.manual_seed(0)
    function, exact = scaled_dot_product_attention, (torch.float64, 1e-10)
    for lead, L_q, L_k in (((), 4, 5), ((2,), 1, 5), ((2,), 4, 1), ((3, 2), 4, 5)):
        Q, K, V = numbers(*lead, L_q, 6), numbers(*lead, L_k, 6), numbers(*lead, L_k, 7)
        kinds = masks(lead, L_q, L_k)
        for name, mask in kinds.items():
            compare(function, name, Q, K, V, mask, *exact)
    compare(function, "no mask", K, K, V[..., :1, :].expand_as(V), None, *exact)
    compare(function, "no mask", Q[:1, :1, :1], K[:1, :1, :1], V[:1, :1, :1], None, *exact)
    some = "(*, L_q, L_k) random mask"
    for name, mask in (("no mask", None), (some, kinds[some])):
        for low in ((torch.float32, 2e-5), (torch.bfloat16, 5e-2), (torch.float16, 1e-2)):
            compare(function, name, Q, K, V, mask, *low)
        what, leaves = f"bfloat16 autocast, {name}", [t.requires_grad_() for t in (Q, K, V)]
        with torch.autocast("cpu", torch.bfloat16):
            results = run(what, function, *leaves, mask)
        for part, got, want in zip(("out", "attn"), results, right(Q, K, V, mask), strict=True):
            close(got.float(), want, 5e-2, f"{what}: {part} is wrong")
        check_finite(what, results, leaves)

    check_hidden_keys(function, torch.float32, 1e15, 1e-5)
    check_hidden_keys(function, torch.bfloat16, 1e15, 5e-2)
    check_hidden_keys(function, torch.float16, 6e4, 1e-2)
    for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
        check_large_scores(function, dtype)
    check_other_device(function, Q, K, V)
    check_other_device(function, Q, K, V, kinds[some])


def numbers(*sizes):
    """Random numbers of these sizes, in memory in the reverse order of axes."""
    return torch.randn(sizes[::-1]).permute(*range(len(sizes))[::-1]) * 1.5


def masks(lead, L_q, L_k):
    """Each way to use a mask; with the last three some queries may attend to nothing."""
    some = torch.rand(*lead, L_q, L_k) > 0.5
    some[..., : L_q // 3, :] = False
    lengths = torch.randint(0, L_k + 1, (*lead, 1, 1))
    return {
        "no mask": None,
        "(L_q, L_k) lower triangle": torch.ones(L_q, L_k, dtype=torch.bool).tril(),
        "(L_k,) mask": torch.arange(L_k) != 1,
        "(L_q, 1) mask": torch.arange(L_q)[:, None] < 3,
        "(*, 1, L_k) padding mask": torch.arange(L_k) < lengths,
        "(*, L_q, L_k) random mask": some,
        "(1, 1) mask of False": torch.zeros(1, 1, dtype=torch.bool),
    }


def compare(function, name, Q, K, V, mask, dtype, tolerance):
    """Results, and the gradients of Q, K and V, against torch's own in float64."""
    shapes = ", ".join(f"{n} {tuple(t.shape)}" for n, t in zip("QKV", (Q, K, V), strict=True))
    what = f"{shapes}, {name}, {dtype}"
    leaves = [t.detach().to(dtype).requires_grad_() for t in (Q, K, V)]
    exact = [t.detach().double().requires_grad_() for t in leaves]
    results, wanted = run(what, function, *leaves, mask), right(*exact, mask)
    for part, got, want in zip(("out", "attn"), results, wanted, strict=True):
        shape = tuple(want.shape)
        assert got.shape == shape, f"{what}: {part} is {tuple(got.shape)}, want {shape}"
        assert got.dtype == dtype, f"{what}: {part} is {got.dtype}, want {dtype}"
        assert got.requires_grad, f"{what}: {part} has no gradient, nothing flows back"
    attn = results[1].detach()
    if mask is not None:
        hidden = attn.masked_fill(mask, 0).abs().sum().item()
        assert hidden == 0, f"{what}: the weights of hidden keys sum to {hidden}, want exactly 0"
    some = torch.ones_like(attn) if mask is None else mask.expand_as(attn)
    sums = f"{what}: the weights of a query do not sum to 1, or 0 where it may attend to nothing"
    close(attn.sum(-1).double(), some.any(-1).double(), tolerance, sums)
    for part, got, want in zip(("out", "attn"), results, wanted, strict=True):
        close(got.double(), want, tolerance, f"{what}: {part} is wrong")
    if tolerance > 1e-3:  # too few digits to compare gradients
        check_finite(what, results, leaves)
        return
    upstream = [torch.randn(t.shape, dtype=dtype) for t in wanted]
    grads = gradients(what, results, leaves, upstream)
    wanted = torch.autograd.grad(wanted, exact, [u.double() for u in upstream])
    for part, got, want in zip("QKV", grads, wanted, strict=True):
        close(got.double(), want, 10 * tolerance, f"{what}: the gradient of {part} is wrong")


def check_hidden_keys(function, dtype, size, tolerance):
    what = f"{dtype}, K and V hold +-{size:.0e} at hidden keys"
    visible = torch.tensor([True, False, True, True, False])
    Q, K, V = (numbers(3, *sizes).to(dtype) for sizes in ((4, 6), (5, 6), (5, 7)))
    want = right(Q.double(), K[:, visible].double(), V[:, visible].double(), None)
    K, V = (torch.where(visible[:, None], t, size * t.sign()).requires_grad_() for t in (K, V))
    out, attn = run(what, function, Q.requires_grad_(), K, V, visible.expand(1, 5))
    close(out.double(), want[0], tolerance, f"{what}: out is not that without them")
    close(attn[..., visible].double(), want[1], tolerance, f"{what}: attn is wrong")
    check_finite(what, (out, attn), (Q, K, V))


def check_large_scores(function, dtype):
    """Query i fits key i, or misfits it, with a score of 1e4 in size, others with half of it."""
    L, D = 5, 64
    V, same = numbers(2, L, 3).to(dtype), torch.eye(L, dtype=torch.bool)
    some = same & (torch.arange(L) > 0)
    for sign, name, mask, want in (
        (1, "no mask", None, same),
        (-1, "no mask", None, ~same / (L - 1)),
        (1, "mask of all but i == j", ~same, ~same / (L - 1)),
        (-1, "mask of i == j", same, same),
        (-1, "mask of i == j > 0", some, some),
    ):
        fit = 282.8 * torch.eye(L, D)
        Q = fit.repeat(2, 1, 1).to(dtype).requires_grad_()
        fit = sign * (141.4 * torch.ones(L, L) @ torch.eye(L, D) + 0.5 * fit)
        K = fit.repeat(2, 1, 1).to(dtype).requires_grad_()
        what = f"{dtype}, scores of {sign}e4 where i == j, else half of it, {name}"
        out, attn = run(what, function, Q, K, V, mask)
        want = want.to(dtype).expand(2, L, L)
        close(attn, want, 5e-3, f"{what}: attn is wrong")
        close(out, want @ V, 5e-2, f"{what}: out is wrong")
        check_finite(what, (out, attn), (Q, K))


def right(Q, K, V, mask):
    """torch's own; with an identity matrix beside V its result shows the weights too."""
    L_k = K.shape[-2]
    eye = torch.eye(L_k, dtype=V.dtype).expand(*V.shape[:-1], L_k)
    values = torch.cat([V, eye], dim=-1)
    if mask is not None:
        mask = torch.atleast_2d(mask)  # torch's own takes none of one axis
    both = nn.functional.scaled_dot_product_attention(Q, K, values, mask)
    return both.split([V.shape[-1], L_k], dim=-1)


def run(what, function, *inputs):
    """The function's results, without library attention, its inputs compared with their copies."""
    before = [t if t is None else t.detach().clone() for t in inputs]
    try:
        with NoLibraryAttention():
            results = function(*(inputs if inputs[-1] is not None else inputs[:-1]))
    except (RuntimeError, IndexError, ValueError, AssertionError) as error:
        if isinstance(error, NotImplementedError):
            raise  # an open hole
        raise AssertionError(
            f"{what}: want a result, got {type(error).__name__}: {error}"
        ) from error
    ok = isinstance(results, tuple) and [isinstance(t, Tensor) for t in results] == [True, True]
    assert ok, f"{what}: got {type(results).__name__}, want a tuple of two tensors, (out, attn)"
    for name, now, old in zip(("Q", "K", "V", "mask"), inputs, before, strict=True):
        assert now is old or torch.equal(now, old), f"{what}: {name} was changed"
    return results


def check_finite(what, results, leaves):
    """With upstream gradients so small that, times V, they do not overflow in float16."""
    gradients(what, results, leaves, [torch.randn(t.shape).to(t.dtype) / 10 for t in results])


def gradients(what, results, leaves, upstream):
    """The gradients of Q, K and V, or Q and K, each of them there and finite."""
    try:
        grads = torch.autograd.grad(results, leaves, upstream, allow_unused=True)
    except RuntimeError as error:
        raise AssertionError(f"{what}: want gradients, backward gives: {error}") from error
    for name, g in zip("QKV", grads, strict=False):
        assert g is not None, f"{what}: no gradient reaches {name}, want one"
        assert g.isfinite().all(), f"{what}: the gradient of {name} has NaN or inf, want none"
    return grads


def check_other_device(function, *inputs):
    """On torch's "meta" device, which holds no numbers, for code that makes tensors on the CPU."""
    what = "without mask" if len(inputs) < 4 else "with a mask"
    what = f"inputs on the meta device, {what}: want all tensors there"
    try:
        results = function(*(t.to("meta") for t in inputs))
    except RuntimeError as error:  # asking for a number is no mistake on a real device
        assert "cpu" not in str(error), f"{what}, got {error}"
        return
    where = {t.device.type for t in results}
    assert where == {"meta"}, f"{what}, got results on {where}"


def close(got, want, tolerance, what):
    torch.testing.assert_close(
        got, want, rtol=tolerance, atol=tolerance, msg=lambda m: f"{what}\n{m}"
    )


class NoLibraryAttention(TorchFunctionMode):
    """Sees every torch function called below it, however it was imported."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        assert "attention" not in name, f"{name} was called: torch's own is refused here"
        return func(*args, **(kwargs or {}))


if __name__ == "__main__":
    try:
        check(scaled_dot_product_attention)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_scaled_dot_product_attention.py")
