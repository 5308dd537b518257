"""What challenge_moe.py requires.

`mix` compares with all experts on all tokens. In `capacity` expert e always gives feature e, so the
result shows who was kept; weights are compared with the answer's own without a limit.
"""

import math

import torch
from torch import nn

from checks.attention import Products, as_the_library, has_parts, keeps_inputs, leaves_of
from checks.tools import attempt, close, equal, filled, gradients, refuses, result_of, tensor

SIZES = ((2, 1, 5), 6, 10, 4, 2), ((7,), 5, 3, 3, 1), ((3,), 3, 3, 3, 3)  # leading axes, D, F, E, k
# tokens N, experts E, k, c
FULL = (13, 4, 1, 0.3125), (12, 5, 1, 1.25), (5, 4, 3, 0.75), (9, 2, 1, 0.125), (8, 3, 2, 1)


def parts(MixtureOfExperts):
    for D, inner, E, k in ((6, 10, 4, 2), (5, 5, 5, 1), (3, 4, 1, 1)):
        what = f"MixtureOfExperts({D}, {inner}, {E}, {k})"
        made = MixtureOfExperts(D, inner, E, k)
        nets = [
            nn.Sequential(nn.Linear(D, inner), nn.ReLU(), nn.Linear(inner, D)) for _ in range(E)
        ]
        want = {"router": nn.Linear(D, E), "experts": nn.ModuleList(nets)}
        kind = type(getattr(made, "experts", None)).__name__
        equal(f"{what}: experts is", kind, "ModuleList")
        has_parts(what, made, want, nn.ModuleDict(want))
        for i, net in enumerate(made.experts):
            kinds = [type(layer).__name__ for layer in net]
            equal(f"{what}: experts[{i}] is made of", kinds, ["Linear", "ReLU", "Linear"])
    for E, k in ((4, 0), (4, 5), (1, 2), (4, -1)):
        call = f"MixtureOfExperts(6, 10, {E}, top_k={k})"
        refuses(made_with(MixtureOfExperts), 6, 10, E, k, errors=(ValueError,), call=call)


def mix(MixtureOfExperts):
    made, what = constant(MixtureOfExperts(3, 2, 3)), "3 experts that give feature 0, 1, 2"
    x = torch.tensor([[2.0, 1.0, 0.0], [9.0, 0.0, -9.0]])
    what += ", router the identity, top_k left out, x [[2, 1, 0], [9, 0, -9]]: out"
    close(
        result_of(what, made, x),
        torch.tensor([[0.731059, 0.268941, 0], [0.999877, 0.000123, 0]]),
        what,
    )
    for lead, D, inner, E, k in SIZES:
        what, x = f"D {D}, E {E}, top_k {k}, x {(*lead, D)}", torch.randn(*lead, D)
        module, leaf = (
            filled(MixtureOfExperts(D, inner, E, k)).double(),
            x.double().requires_grad_(),
        )
        out = result_of(what, module.train(len(lead) > 1), leaf)
        equal(f"{what}: out has shape", tuple(out.shape), (*lead, D))
        leaves, want = leaves_of(module, leaf), everything(module, leaf, k)
        as_the_library(what, "all experts on all tokens", (out, leaves), (want, leaves), 1e-6)


def work(MixtureOfExperts):
    for N, E, k, c in ((12, 6, 2, None), (9, 3, 2, 0.5)):
        module, x = MixtureOfExperts(8, 16, E, k, c), torch.randn(N, 8)
        what = f"N {N}, D 8, F 16, E {E}, top_k {k}, capacity_factor {c}"
        with torch.no_grad():
            module.router.weight[0], module.router.bias[0] = 0, -99  # nobody goes to expert 0
            kept, _ = choices(module.router(x), k, c)
        with Products() as products:
            out = result_of(what, module.train(c is None), x)
            got = products.mult_adds
        assert products.seen, f"{what}: no product of matrices was seen"
        exact, slack = N * 8 * E + 2 * len(kept) * 8 * 16, N * k * 8  # weights may be a product
        told = f"{what}: {got:,} mult-adds in products of matrices"
        assert got <= exact + slack, f"{told}, want {exact:,}, of {len(kept)} rows in experts"
        attempt(f"{what}, backward", out.square().sum().backward)
        for name, p in module.experts.named_parameters():
            none = "None" if p.grad is None else ""
            assert not none, f"{what}: the gradient of experts.{name} is None, want a tensor"
        idle = [p.grad.abs().max().item() for p in module.experts[0].parameters()]
        equal(f"{what}, no token for expert 0: largest gradients there", idle, [0.0] * 4)


def capacity(MixtureOfExperts):
    for rows, k, c, want in (
        ([[2.0, 0], [3, 0], [1, 0], [0, 1]], 1, 1.0, [[1, 0], [1, 0], [0, 0], [0, 1]]),
        ([[2.0, 0], [0, 2]], 2, 0.5, [[1, 0], [0, 1]]),
        ([[0.0, 2], [2, 0], [2, 0]], 2, 0.5, [[0, 1], [1, 1], [1, 0]]),
    ):
        made = constant(MixtureOfExperts(2, 3, 2, k, c))
        what = "2 experts that give feature 0, 1, router the identity"
        what = f"top_k {k}, capacity_factor {c}, {what}, x {rows}: where out is not 0"
        got = result_of(what, made, torch.tensor(rows))
        equal(what, (got != 0).long().tolist(), want)
    for N, E, k, c in FULL:
        free, made = (filled(MixtureOfExperts(E, 3, E, k, limit)) for limit in (None, c))
        made.load_state_dict(free.state_dict())
        for one in (free, made):
            constant(one, router=False).train(N > 6)
        x = 2 * torch.randn(N, E)
        x = x.view(N // 2, 2, E) if N % 2 == 0 else x
        what = f"N {N}, E {E}, top_k {k}, capacity_factor {c}, expert e gives feature e"
        every, got = (result_of(what, one, x).view(N, E) for one in (free, made))
        keep = torch.zeros(N, E, dtype=torch.bool)
        for token, expert in choices(made.router(x.view(N, E)), k, c)[0]:
            keep[token, expert] = True
        for token, expert in ((got != 0) != keep).nonzero()[:1].tolist():
            told, shown = f"{what}: token {token} for expert {expert} is", ("dropped", "kept")
            equal(told, shown[got[token, expert] != 0], shown[keep[token, expert]])
        close(got, every * keep, f"{what}: weights of what is kept, against those without a limit")


def balance(moe_load_balance_loss):
    for rows, k, want in (
        ([[0.0, 9], [9, 0]], 1, 1.0),
        ([[9.0, 0, -9], [9, 0, -9]], 1, 2.99963),
        ([[math.log(3), 0], [math.log(3), 0], [0, math.log(3)]], 1, 1.0555556),
        ([[math.log(4), math.log(2), 0]], 2, 1.2857143),
    ):
        logits, what = torch.tensor(rows), f"moe_load_balance_loss({rounded(rows)}, top_k={k})"
        got = result_of(what, moe_load_balance_loss, logits, len(rows[0]), k)
        close(got, torch.tensor(want), what, 1e-4)
    for lead, E, k in (((11,), 4, 1), ((2, 5), 6, 3), ((3, 1, 2), 5, 2)):
        logits = torch.randn(*lead, E).double().requires_grad_()
        what = f"moe_load_balance_loss, logits {(*lead, E)}, top_k {k}"
        more = () if k == 1 else (k,)
        got, want = result_of(what, moe_load_balance_loss, logits, E, *more), loss_of(logits, k)
        close(got.detach(), want.detach(), what)
        one, other = (gradients(what, t, [logits], torch.ones(()).to(t)) for t in (got, want))
        close(one[0], other[0], f"{what}: the gradient")


def record(MixtureOfExperts, moe_load_balance_loss):
    for lead, E, k, c in (((9,), 4, 2, None), ((2, 4), 3, 1, 0.5), ((3, 5), 5, 3, 1.0)):
        module = filled(MixtureOfExperts(6, 4, E, k, c)).train(len(lead) > 1)
        for call, mode in ((1, ""), (2, ", under no_grad")):
            x = (2 * torch.randn(*lead, 6)).requires_grad_()
            what = f"E {E}, top_k {k}, capacity_factor {c}, x {(*lead, 6)}, call {call}{mode}"
            with torch.set_grad_enabled(not mode):
                result_of(what, module, x)
            logits = module.router(x).view(-1, E)
            got = tensor(getattr(module, "aux_loss", None), f"{what}: aux_loss")
            want = result_of(what, moe_load_balance_loss, logits, E, k)
            close(got.detach(), want.detach(), f"{what}: aux_loss")
            if not mode:
                leaves, names = [x, module.router.weight], ["x", "router.weight"]
                pair = (gradients(what, t, leaves, torch.ones(()), names) for t in (got, want))
                for name, one, other in zip(names, *pair, strict=True):
                    close(one, other, f"{what}: the gradient of aux_loss to {name}")
            told = f"{what}: tokens_per_expert"
            counts = tensor(getattr(module, "tokens_per_expert", None), told)
            equal(f"{told} is", counts.dtype, torch.int64)
            equal(told, counts.tolist(), choices(logits, k, c)[1])


def inputs(MixtureOfExperts):
    module, x = filled(MixtureOfExperts(6, 8, 4, 2, 0.75)), torch.randn(5, 2, 6)
    module.router.weight.detach().mul_(9)  # no two logits are near each other
    for strided in (x.transpose(0, 1), torch.randn(6, 7).mT):
        keeps_inputs(module, [strided], [None], torch.zeros_like)
    exact = filled(MixtureOfExperts(6, 8, 4, 2)).double()
    out, want = result_of("float64", exact, x.double()), everything(exact, x.double(), 2)
    equal("x in float64: out is", out.dtype, torch.float64)
    if torch.allclose(out, want, 1e-2, 1e-2):  # whether it is right at all, `mix` minds
        close(out.detach(), want.detach(), "x in float64: out", 1e-12)
    want = result_of("float32", module, x)
    for kind, dtype in (("autocast", torch.float32), ("no autocast", torch.bfloat16)):
        what, own = f"x in {dtype}, {kind}: out", module.to(dtype)
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == "autocast"):
            got = result_of(what, own, x.to(dtype))
        equal(f"{what} is", got.dtype, dtype)
        off = (got.float() - want).abs().median().item()
        assert off < 0.1, f"{what}: half of it is off by {off:.2g} from float32, want 0.1 or less"
        attempt(f"{what}, backward", got.sum().backward)


def empty(MixtureOfExperts):
    for lead, c in (((0,), None), ((2, 0), 1.0), ((0, 3), None)):
        module, what = MixtureOfExperts(6, 8, 4, 2, c), f"x {(*lead, 6)}, capacity_factor {c}"
        out = result_of(what, module, torch.zeros(*lead, 6))
        equal(f"{what}: out has shape", tuple(out.shape), (*lead, 6))
        for name, want in (("aux_loss", 0), ("tokens_per_expert", [0] * 4)):
            got = tensor(getattr(module, name, None), f"{what}: {name}")
            equal(f"{what}: {name}", got.tolist(), want)


CORE = (parts, mix, work, capacity, balance, record)
EDGES = (inputs, empty)


def made_with(kind):
    return lambda *sizes: type(kind(*sizes)).__name__


def rounded(rows):
    return [[round(n, 2) for n in row] for row in rows]


def constant(module, router=True):
    """Expert e gives feature e, whatever it gets; the router the identity, if so."""
    for i, net in enumerate(module.experts):
        for p in net.parameters():
            nn.init.zeros_(p)
        net[-1].bias.detach()[i] = 1
    if router:
        nn.init.eye_(module.router.weight)
        nn.init.zeros_(module.router.bias)
    return module


def everything(module, x, k):
    """All experts on all tokens; what was not chosen has weight 0."""
    logits = module.router(x)
    order = logits.argsort(-1, descending=True).argsort(-1)  # the rank of each expert
    weights = logits.masked_fill(order >= k, -math.inf).softmax(-1)
    outs = torch.stack([net(x) for net in module.experts], -1)  # (..., D, E)
    return (outs * weights[..., None, :]).sum(-1)


def choices(logits, k, c):
    """(token, expert) of what is kept, one by one; and how many each expert has."""
    N, E = logits.shape
    order, counts, kept = logits.argsort(-1, descending=True).tolist(), [0] * E, []
    for slot in range(k):
        for token in range(N):
            expert = order[token][slot]
            if c is None or counts[expert] < math.ceil(c * N * k / E):
                counts[expert] += 1
                kept.append((token, expert))
    return kept, counts


def loss_of(logits, k):
    logits = logits.flatten(0, -2)
    N, E = logits.shape
    order, share = logits.argsort(-1, descending=True)[:, :k].flatten().tolist(), 0.0
    for e in range(E):
        share = share + order.count(e) / (N * k) * logits.softmax(-1)[:, e].mean()
    return E * share
