"""What challenge_flash_attention.py requires.

`exact` and `function` compare with the library; `causal` compares weights with those of the answer
itself without causal; `gradients` looks at results that are nearly right only. `memory` counts.
"""

import torch
from torch.nn import functional as F
from torch.utils._pytree import tree_leaves

from checks import tools
from checks.attention import Products
from checks.functions import as_exact
from checks.tools import attempt, call_of, close, equal, keeps_device, result_of
from checks.tools import gradients as flow

NAME, FUNCTION = "flash_attention", "FlashAttentionFunction.apply"
NAMED = "out", "the gradient of Q", "the gradient of K", "the gradient of V"
# *, L_q, L_k, D, block_size
SIZES = ((), 3, 5, 4, 2), ((2,), 4, 4, 4, 3), ((1,), 1, 5, 3, 2), ((2, 3), 3, 4, 5, 3)
SIZES += ((2,), 2, 2, 2, 1), ((3,), 3, 3, 2, 100)
LONG = ((2,), 33, 35, 3, None), ((1,), 65, 31, 2, None)
SCORES = ([1e4, -1e4, 9999, 3], 2), ([-1e4, -10001, -1e4], 2), ([0, 5000, 1e4], 2)
EQUAL = torch.zeros(3, 1), torch.eye(3, 1), torch.tensor([[1.0], [3.0], [8.0]])
HAND = f"{NAME}, every score 0, values 1, 3, 8, block_size=2"


def exact(flash_attention):
    out = run(HAND, flash_attention, *EQUAL, 2)
    close(out.flatten(), torch.tensor([4.0, 4, 4]), f"{HAND}: out")
    for *sizes, block in (*SIZES, LONG[0], *SCORES):
        what, given, more = some(sizes, block)
        got = (run if len(sizes) > 1 else result_of)(what, flash_attention, *given, **more)
        close(got, right(*given), f"{what}: out", 1e-12)


def causal(flash_attention):
    out = run(HAND, flash_attention, *EQUAL, 2, True)
    close(out.flatten(), torch.tensor([1.0, 2, 4]), f"{HAND}, causal=True: out")
    for lead, L_q, L_k, _, block in (*SIZES[:4], ((2,), 6, 5, 0, 2), ((), 40, 36, 0, None)):
        what, (Q, K, V), more = some((lead, L_q, L_k, L_k), block, True)
        V = torch.eye(L_k).to(V).expand_as(V)  # so that row i of out is query i's weights
        every = result_of(what, flash_attention, Q, K, V, **(more | {"causal": False})).tril()
        out = run(what, flash_attention, Q, K, V, **more)
        told = f"{what}, the identity for V: out, against its own without causal, keys 0 to i alone"
        close(out, every / every.sum(-1, keepdim=True), told, 1e-12)
    what, given, more = some(SCORES[1][:1], 2, True)
    out = result_of(what, flash_attention, *given, **more)
    close(out, right(*given, True), f"{what}: out", 1e-12)


def lse(flash_attention):
    got = pair(HAND, flash_attention, *EQUAL, 2)[1]
    close(got, torch.full((3,), 3.0).log(), f"{HAND}: lse")
    cases = [((), 3, 5, 1, 2), ((), 40, 35, 1, None), *SCORES, ((2,), 4, 4, 4, 3)]
    for i, (*sizes, block) in enumerate((*cases, ((2, 3), 3, 2, 1, 1), cases[0])):
        what, given, more = some(sizes, block, i > 4)  # D = 1: no scale to forget
        out, got = pair(what, flash_attention, *given, **more)
        close(got, table_of(*given[:2], i > 4).logsumexp(-1), f"{what}: lse", 1e-12)
        alone = result_of(what, flash_attention, *given, **more) if i in (0, 7) else out
        close(out, alone, f"{what}: out with return_lse, against that without", 1e-12)


def gradients(flash_attention):
    for i, (*sizes, block) in enumerate((*SIZES[:2], SIZES[4], SCORES[0], LONG[1], SIZES[0])):
        what, given, more = some(sizes, block, i in (1, 4, 5))

        def mine(Q, K, V, more=more):
            return flash_attention(Q, K, V, **more)

        def library(Q, K, V, only=more["causal"]):
            return right(Q, K, V, only)

        as_exact(what, mine, library, dict(zip("QKV", given, strict=True)), tol_of(given))


def function(FlashAttentionFunction):
    apply, found = FlashAttentionFunction.apply, []
    modes = (), (True,), (False,), (True,), (True,), (), (False,)
    for i, (*sizes, _) in enumerate((*SIZES[:4], *LONG, SCORES[0])):
        what, given, _ = some(sizes, apply=modes[i])
        given, run_one = [t.requires_grad_() for t in given], run if i < 4 else result_of
        out, want = run_one(what, apply, *given, *modes[i]), right(*given, *modes[i])
        close(out.detach(), want.detach(), f"{what}: out", 1e-12)
        found.append((what, given, out, want))
        backwards(found.pop(0) if i else found[0])  # of the call before; of the first one twice
    backwards(found[0])


def backwards(one):
    what, given, out, want = one
    upstream = (
        torch.randn_like(want) if want.dim() > 2 else torch.randn(()).to(want).expand_as(want)
    )
    wanted = torch.autograd.grad(want, given, upstream, True)
    grads = called(f"{what}, backward", torch.autograd.grad, out, given, upstream, True)
    for name, got, right_one in zip(NAMED[1:], grads, wanted, strict=True):
        close(got, right_one, f"{what}: {name}", tol_of(given))


def memory(flash_attention, FlashAttentionFunction):
    for L_q, L_k, block, only in ((8, 6, 4, True), (40, 32, None, False)):
        what, given, more = some(((2,), L_q, L_k, 2), block, only, torch.float32)
        with tools.BigTensors(1 + 2 * max(2 * L_q, 2 * L_k, (block or 32) ** 2)) as big:
            out, _ = pair(what, flash_attention, *(t.requires_grad_() for t in given), **more)
            flow(what, out, given, torch.ones_like(out))
        few(what, big)
    for L, L_k, only in ((40, 40, True), (40, 32, False)):
        what, given, _ = some(((), L, L_k, 2), None, None, torch.float32, (only,))
        with tools.BigTensors(1 + 32 * 32) as big:
            out = FlashAttentionFunction.apply(*(t.requires_grad_() for t in given), only)
            saved = getattr(out.grad_fn, "saved_tensors", ())
            more = getattr(out.grad_fn, "__dict__", {})
            kept = [n for n, x in more.items() if any(map(torch.is_tensor, tree_leaves(x)))]
            flow(what, out, given, torch.ones_like(out))
        few(what, big)
        shapes = sorted(tuple(t.shape) for t in saved)
        equal(f"{what} saves the shapes", shapes, sorted([(L,), *[(L, 2), (L_k, 2)] * 2]))
        want = table_of(*given[:2], only).logsumexp(-1).detach()
        lse = next(t for t in saved if t.dim() == 1)
        close(lse, want, f"{what}: what it saves of shape ({L},), lse", 1e-4)
        assert not kept, f"{what}: ctx.{kept[0]} keeps a tensor, want save_for_backward alone"


def skips(flash_attention, FlashAttentionFunction):
    for L_q, L_k, block in ((8, 12, 4), (64, 96, 32)):
        apply, sizes = (True,) if block == 32 else None, ((), L_q, L_k, 16)
        what, given, more = some(sizes, block, True, torch.float32, apply)
        one = sum(min(i + 1, L_k // block) for i in range(L_q // block)) * block**2 * 16
        function, args = (FlashAttentionFunction.apply, apply) if apply else (flash_attention, ())
        with Products() as watch:
            given = [t.requires_grad_() for t in given]
            out = result_of(what, function, *given, *args, **more)
            did = watch.mult_adds
            flow(what, out, given, torch.ones_like(out))
        assert watch.seen, f"{what}: no product of matrices was seen, want those of its tiles"
        for told, got, most in (("", did, 2 * one), (", backward", watch.mult_adds - did, 5 * one)):
            done = f"{what}{told}: {got:,} mult-adds in products of matrices"
            assert got <= 1.1 * most, f"{done}, want {most:,} at most"


def kinds(flash_attention, FlashAttentionFunction):
    half, apply = torch.bfloat16, FlashAttentionFunction.apply
    pairs = (NAME, flash_attention), (FUNCTION, apply)
    for dtype, tol, only in ((half, 4e-3, False), (torch.float16, 1e-3, True)):
        what, given, more = some(((2,), 3, 16, 8), 4, only, dtype)
        given = [t.requires_grad_() for t in given]
        twins = [t.detach().double().requires_grad_() for t in given]
        want, upstream = right(*twins, only), torch.randn(2, 3, 8).to(dtype)
        wanted = want, *torch.autograd.grad(want, twins, upstream.double())
        out, log = pair(what, flash_attention, *given, **more)
        equal(f"{what}, {dtype}: lse is", log.dtype, torch.float32)
        right_log = table_of(*twins[:2], only).logsumexp(-1)
        close(log.double(), right_log, f"{what}, {dtype}: lse", 1e-5)
        other = f"{call_of(FUNCTION, *given, only)}, {dtype}"
        mine = result_of(other, apply, *given, only)
        for told, got in ((f"{what}, {dtype}", out), (other, mine)):
            found = got, *flow(told, got, given, upstream)
            for name, got, one in zip(NAMED, found, wanted, strict=True):
                equal(f"{told}: {name} is", got.dtype, dtype)
                close(got.double(), one, f"{told}: {name}", tol if name == "out" else 5 * tol)
    for name, fn in pairs:
        given = [t.half() for t in (*draw((1,), 2, 40, 1)[:2], torch.full((1, 40, 1), 6e4))]
        what = f"{call_of(name, *given)}, float16, every value 60000"
        out = result_of(what, fn, *(t.requires_grad_() for t in given))
        close(out, given[2][:, :2], f"{what}: out", 1e-3)
        flow(f"{what}, upstream 2", out, given, torch.full_like(out, 2), "QKV")
    many = [torch.ones(n, 1, dtype=half, requires_grad=True) for n in (97, 1, 1)]
    what = f"{call_of(FUNCTION, *many)}, {half}, upstream 1.3359375"
    got = flow(what, result_of(what, apply, *many), many, torch.full((97, 1), 1.3359375).to(half))
    close(got[2], torch.tensor([[130.0]]).to(half), f"{what}: {NAMED[3]}", 4e-3)
    for name, fn in pairs:
        wide, found = [tools.strided(2, n, 3, dtype=torch.float64) for n in (5, 6, 6, 5)], []
        for given in (wide, [t.contiguous() for t in wide]):
            what = f"{name}, inputs{' not' * (given is wide)} contiguous"
            leaves = [t.detach().requires_grad_() for t in given[:3]]
            with tools.unchanged(what, *given):
                found.append(flow(what, result_of(what, fn, *leaves), leaves, given[3]))
        for told, got, want in zip(NAMED[1:], *found, strict=True):
            close(got, want, f"{name}, inputs not contiguous: {told}, against contiguous", 1e-12)
    keeps_device(NAME, flash_attention, *wide[:3], 32, True)

    def both(*given):
        leaves = [t.requires_grad_() for t in given]
        out = apply(*leaves, True)
        return torch.autograd.grad(out, leaves, torch.ones_like(out))[0]

    keeps_device(f"{FUNCTION}, with backward", both, *wide[:3])


CORE = (exact, causal, lse, gradients, function, memory)
EDGES = (skips, kinds)


def draw(lead, L_q, L_k, D):
    return [torch.randn(*lead, n, D, dtype=torch.float64) for n in (L_q, L_k, L_k)]


def some(sizes, block=None, only=None, dtype=torch.float64, apply=None):
    """How a message names the call; Q, K, V; the settings. Sizes, or the scores of one query."""
    name, told = NAME if apply is None else FUNCTION, ""
    if len(sizes) == 1:
        K = torch.tensor(sizes[0], dtype=dtype)[:, None]
        given = [torch.tensor([[1.0], [-1.0]]).to(dtype), K, torch.randn_like(K)]
        told = f", scores {sizes[0]} and their negatives"
    else:
        given = [t.to(dtype) for t in draw(*sizes)]
    if apply is not None:
        return f"{call_of(name, *given, *apply)}{told}", given, {}
    more = {"block_size": block} if block else {}
    more |= {} if only is None else {"causal": only}
    shown = "".join(f", {key}={value}" for key, value in more.items())
    return f"{call_of(name, *given)[:-1]}{shown}){told}", given, more


def tol_of(given):
    """A score of 1e4 has fewer digits after its point."""
    return 1e-6 if given[1].abs().max() > 1000 else 1e-10


def seen(Q, K, only):
    return torch.ones(Q.shape[-2], K.shape[-2]).tril(0 if only else K.shape[-2]) > 0


def table_of(Q, K, only=False):
    """The scores."""
    return (Q @ K.mT / Q.shape[-1] ** 0.5).masked_fill(~seen(Q, K, only), -torch.inf)


def right(Q, K, V, only=False):
    return F.scaled_dot_product_attention(Q, K, V, attn_mask=seen(Q, K, only))


def few(what, big):
    assert big.seen, f"{what}: no operation of torch was seen"
    sizes = [tuple(t.shape) for t in big.made]
    want = f"want {big.size - 1} elements at most"
    assert not sizes, f"{what}, with backward, made a tensor {sizes[0]}, {want}"


def called(what, function, *given, **more):
    """What it gives, without torch's own attention."""
    with tools.Forbidden("attention") as watch:
        gave = attempt(what, function, *given, **more)
    assert not watch.called, f"{what}: torch's {', '.join(watch.called)} was called"
    return gave


def run(what, function, *given, **more):
    return tools.tensor(called(what, function, *given, **more), what)


def pair(what, function, *given, **more):
    """(out, lse)."""
    gave = attempt(what, function, *given, return_lse=True, **more)
    kinds = [type(one).__name__ for one in gave] if isinstance(gave, tuple) else type(gave).__name__
    equal(f"{what}, return_lse=True gave", kinds, ["Tensor"] * 2)
    return gave
