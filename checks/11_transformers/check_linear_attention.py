"""What challenge_linear_attention.py requires.

`full` and `chunked` compare with the table of weights, `causal` and `step` with the answer's own
results for fewer tokens and with sums. Only `exact` asks for more digits than an epsilon leaves.
"""

import torch
from torch.nn import functional as F

from checks import tools
from checks.attention import Products
from checks.functions import as_exact
from checks.tools import attempt, call_of, close, equal, result_of
from checks.tools import gradients as flow

FULL, CHUNKED, STEP = "linear_attention", "chunked_linear_attention", "linear_attention_step"
SIZES = ((), 3, 2, 4), ((2,), 4, 4, 4), ((2, 3), 3, 2, 5), ((1,), 1, 3, 2), ((3,), 3, 3, 1)
HAND = torch.zeros(3, 1), torch.tensor([[0.0], [1], [4]]), torch.tensor([[8.0], [2], [4]])
PAIR = "(Tensor, (Tensor, Tensor))"
TOLD = "values 8, 2, 4, f(k) = 1, 2, 5"


def calls_of(linear_attention, linear_attention_step, chunked_linear_attention, size=2):
    """{name: (call, causal)}"""

    def steps(Q, K, V):
        outs, state = [], None
        for token in zip(*(t.unbind(-2) for t in (Q, K, V)), strict=True):
            out, state = one(STEP, linear_attention_step, state, *token)
            outs.append(out)
        return torch.stack(outs, -2)

    return {
        FULL: (linear_attention, False),
        f"{FULL}, causal=True": (lambda *t: linear_attention(*t, causal=True), True),
        f"{CHUNKED}, chunk_size={size}": (lambda *t: chunked_linear_attention(*t, size), True),
        f"{STEP}, token by token": (steps, True),
    }


def full(linear_attention):
    out = result_of(FULL, linear_attention, *HAND)
    close(out.flatten(), torch.full((3,), 4.0), f"{FULL}, {TOLD}: out")
    for lead, L_q, D, E in (*SIZES, ((2,), 90, 4, 3)):
        for L_k in (L_q, 5):
            given = draw(lead, L_q, D, E, L_k)
            what = call_of(FULL, *given)
            close(result_of(what, linear_attention, *given), table(*given), f"{what}: out")


def causal(linear_attention):
    what = f"{FULL}, causal=True, {TOLD}"
    out = result_of(what, linear_attention, *HAND, True)
    close(out.flatten(), torch.tensor([8.0, 4, 4]), f"{what}: out")
    for lead, L, D, E in (*SIZES, ((1,), 130, 2, 3)):
        given = draw(lead, L, D, E)
        what = f"{call_of(FULL, *given)[:-1]}, causal=True)"
        out = result_of(what, linear_attention, *given, causal=True)
        equal(f"{what}: out has shape", tuple(out.shape), (*lead, L, E))
        for i in range(L) if L < 9 else (31, 32, 63, 64, 127, 128, 129):
            Q, K, V = (t[..., : i + 1, :].contiguous() for t in given)
            want = result_of(FULL, linear_attention, Q[..., -1:, :].contiguous(), K, V)
            told = f"{what}: row {i}, against that query and tokens 0 to {i} alone"
            close(out[..., i : i + 1, :], want, told)


def step(linear_attention_step):
    state = None
    for n, (*token, want) in enumerate(zip(*HAND, (8.0, 4.0, 4.0), strict=True)):
        what = f"{STEP}, token {n}, {TOLD}"
        out, state = one(what, linear_attention_step, state, *token)
        close(out, torch.tensor([want]), f"{what}: out")
    for lead, L, D, E in SIZES:
        given, state = draw(lead, L, D, E), None
        Q, K, V = given
        for n in range(L):
            token = [t[..., n, :].contiguous() for t in given]
            what = f"{call_of(STEP, None, *token)}, token {n}".replace("None", "state")
            wrong = [torch.randn_like(t) for t in token]
            told = f"{what}: the given state"
            with tools.unchanged(what, *token), tools.unchanged(told, *(state or ())):
                one(what, linear_attention_step, state, *wrong)
                out, new = one(what, linear_attention_step, state, *token)
            state = new
            few = [t[..., : n + 1, :] for t in given]
            close(out, table(few[0][..., n:, :], *few[1:]).squeeze(-2), f"{what}: out")
            k = F.elu(few[1]) + 1
            for name, got, want in zip("Sz", state, (k.mT @ few[2], k.sum(-2)), strict=True):
                close(got, want, f"{what}: {name}")


def chunked(chunked_linear_attention):
    for size in (1, 2, 3):
        what = f"{CHUNKED}, chunk_size={size}, {TOLD}"
        out = result_of(what, chunked_linear_attention, *HAND, size)
        close(out.flatten(), torch.tensor([8.0, 4, 4]), f"{what}: out")
    for lead, L, D, E in (*SIZES, ((2,), 7, 3, 2)):
        given = draw(lead, L, D, E)
        for size in (1, 2, 4, 100) if L > 3 else (2, 3):
            what = f"{call_of(CHUNKED, *given)[:-1]}, chunk_size={size})"
            got = result_of(what, chunked_linear_attention, *given, chunk_size=size)
            close(got, table(*given, True), f"{what}: out")


def gradients(linear_attention, linear_attention_step, chunked_linear_attention):
    functions = linear_attention, linear_attention_step, chunked_linear_attention
    cases = ((), 3, 2, 4), 2, ((2,), 2, 2, 2), 100, ((1,), 70, 2, 2), 32
    for (lead, L, D, E), size in zip(cases[::2], cases[1::2], strict=True):
        given = dict(zip("QKV", draw(lead, L, D, E), strict=True))
        for name, (call, only) in calls_of(*functions, size).items():
            if L == 3 or only and STEP not in name:
                what = f"{name}, L {L}, D {D}, E {E}"
                as_exact(what, call, lambda Q, K, V, o=only: table(Q, K, V, o), given, 1e-4)


def linear(linear_attention, chunked_linear_attention):
    L, D, E = 130, 30, 20  # so L x D x E is more than L x L
    given = [torch.randn(L, n, requires_grad=True) for n in (D, D, E)]
    twice = [torch.cat([t, t]).detach() for t in given]
    for name, (call, _) in calls_of(linear_attention, None, chunked_linear_attention, 32).items():
        if STEP in name:
            continue
        what = f"{name}, L {L}, D {D}, E {E}"
        with tools.BigTensors(L * L) as big:
            with Products() as short:
                out = result_of(what, call, *given)
            flow(what, out, given, torch.ones_like(out))
        sizes = [tuple(t.shape) for t in big.made]
        assert big.seen, f"{what}: no operation of torch was seen"
        too_large = f"a tensor {sizes[:1]}, want fewer than {L * L:,} numbers"
        assert not sizes, f"{what}, with backward: {too_large}"
        with Products() as long:
            result_of(what, call, *twice)
        work = f"{short.mult_adds:,} mult-adds in products of matrices, {long.mult_adds:,}"
        most = 2.3 * short.mult_adds
        assert long.mult_adds <= most, f"{what}: {work} for twice the tokens, want about twice"


def exact(linear_attention, linear_attention_step, chunked_linear_attention):
    functions = linear_attention, linear_attention_step, chunked_linear_attention
    for name, (call, only) in calls_of(*functions).items():
        for dtype, tol, low in (
            (torch.float64, 1e-12, ""),
            *((torch.float32, 1e-4, x) for x in "QK"),
        ):
            given = dict(zip("QKV", (t.to(dtype) for t in draw((2,), 3, 3, 2)), strict=True))
            if low:
                given[low] -= 30
            what = f"{name}, {dtype}{f', {low} around -30' * bool(low)}: out"
            got = result_of(what, call, *given.values())
            equal(f"{what} is", got.dtype, dtype)
            close(got.double(), table(*(t.double() for t in given.values()), only), what, tol)
        what = f"{name}, float32, Q and K from -30 to 1000"
        given = [1030 * torch.rand(3, n) - 30 for n in (3, 3, 2)]
        given[0][0], given[1][1] = -30, -30
        out = result_of(what, call, *(t.requires_grad_() for t in given))
        close(out.double(), table(*(t.double() for t in given), only), f"{what}: out", 1e-4)
        flow(what, out, given, torch.ones_like(out), "QKV")


def kinds(linear_attention, linear_attention_step, chunked_linear_attention):
    functions = linear_attention, linear_attention_step, chunked_linear_attention
    for name, (call, only) in calls_of(*functions).items():
        for dtype, tol in ((torch.bfloat16, 2e-3), (torch.float16, 2.5e-4)):
            given = [t.to(dtype) for t in draw((2,), 6, 3, 2)]
            given[2] = given[2].sigmoid() + 1 if dtype == torch.bfloat16 else 0 * given[2] + 3e4
            what = f"{name}, {dtype}"
            got = result_of(what, call, *given)
            equal(f"{what}: out is", got.dtype, dtype)
            close(got.double(), table(*(t.double() for t in given), only), f"{what}: out", tol)
        given = [tools.strided(2, 3, n, dtype=torch.float64) for n in (3, 3, 2)]
        what = f"{name}, inputs not contiguous"
        with tools.unchanged(what, *given):
            got = result_of(what, call, *given)
        close(got, result_of(what, call, *(t.contiguous() for t in given)), f"{what}: out", 1e-12)
        if only:
            few = (t[..., : 1 + (STEP not in name), :] for t in given)
            tools.keeps_device(name, call, *few)
    token = [torch.ones(3, n, dtype=torch.bfloat16) for n in (2, 2, 4)]
    state = one(STEP, linear_attention_step, None, *token)[1]
    equal(f"{STEP}, bfloat16: S and z are", [t.dtype for t in state], [torch.float32] * 2)


CORE = (full, causal, step, chunked, gradients, linear)
EDGES = (exact, kinds)


def draw(lead, L_q, D, E, L_k=None):
    """Q, K not far below 0, so that an epsilon of 1e-6 does not show."""
    sizes = (L_q, D), (L_k or L_q, D), (L_k or L_q, E)
    Q, K, V = (torch.randn(*lead, *size, dtype=torch.float64) for size in sizes)
    return [Q.clamp(min=-1.5), K.clamp(min=-1.5), V]


def table(Q, K, V, only=False):
    """By the whole table of weights."""
    q, k = (torch.where(t > 0, t + 1, t.clamp(max=0).exp()) for t in (Q, K))
    weights = q @ k.mT
    weights = weights.tril() if only else weights
    return weights / weights.sum(-1, keepdim=True) @ V


def one(what, linear_attention_step, state, *token):
    """out and (S, z)."""
    gave = attempt(what, linear_attention_step, state, *token)
    equal(f"{what} gave", shown(gave), PAIR)
    return gave


def shown(gave):
    if isinstance(gave, tuple | list):
        return f"({', '.join(map(shown, gave))})" if isinstance(gave, tuple) else "a list"
    return type(gave).__name__
