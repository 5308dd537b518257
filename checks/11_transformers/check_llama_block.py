"""What challenge_llama_block.py requires.

`block` and `rope` look at the last token, which sees all, so a wrong mask fails `future` alone;
`block` has rates and queries with which no turn shows; `model` puts the answer's blocks together.
"""

import torch
from torch import nn
from torch.nn import functional as F

from checks.attention import as_the_library, has_parts, keeps_inputs, leaves_of
from checks.tools import (
    close,
    equal,
    filled,
    gradients,
    is_normal,
    keeps_device,
    names_are,
    refuses,
    result_of,
)

SIZES = (2, 5, 24, 6, 2, 10), (3, 3, 24, 3, 3, 24), (4, 4, 16, 4, 1, 7), (1, 6, 8, 1, 1, 5)
FAST = 1e38  # a rope_theta for which the first pair turns, and no other
LONG = 1, 40, 16, 2, 1, 4
UNEVEN = (20, 3, 1, 8), (6, 2, 1, 8), (24, 6, 4, 8), (16, 4, 8, 8), (4, 4, 2, 8)  # D, H, KV, F
MODELS = (9, 5, 24, 1, 6, 10), (7, 7, 8, 2, 2, 8)
MORE = {}, {"rope_theta": 30.0, "num_kv_heads": 1, "tie": True}
PARTS = {"token": "Embedding", "blocks": "ModuleList", "norm": "RMSNorm", "head": "Linear"}


def mlp(SwiGLUMLP):
    for D, inner in ((6, 10), (5, 5), (7, 3), (1, 1)):
        what, module = f"SwiGLUMLP({D}, {inner})", SwiGLUMLP(D, inner)
        sizes = {"gate_proj": (D, inner), "up_proj": (D, inner), "down_proj": (inner, D)}
        parts = nn.ModuleDict({name: nn.Linear(*two, bias=False) for name, two in sizes.items()})
        has_parts(what, module, parts, parts)
    for name, number in (("gate_proj", 2.0), ("up_proj", 3.0), ("down_proj", 1.0)):
        nn.init.constant_(getattr(module, name).weight, number)
    what = "SwiGLUMLP(1, 1), gate 2 x, up 3 x, down the same, x 1, -1 and 0: out"
    x = torch.tensor([[1.0], [-1.0], [0.0]])
    close(result_of(what, module, x), torch.tensor([[5.28478], [0.71522], [0.0]]), what)
    for *lead, D, inner in ((6, 10), (4, 7, 3), (5, 5, 5, 5), (1, 2, 1, 3, 2)):
        module = filled(SwiGLUMLP(D, inner)).train(len(lead) > 1)
        what = f"SwiGLUMLP({D}, {inner}), x {(*lead, D)}"
        x = 2 * torch.randn(*lead, D)
        like(what, module, x, lambda m, x, what=what: result_of(what, m, x), gated, 1e-10)


def parts(LlamaBlock, SwiGLUMLP):
    for D, H, KV, inner in ((24, 6, 2, 10), (24, 3, 3, 24), (16, 4, 1, 7)):
        what, made = f"LlamaBlock({D}, {H}, {KV}, {inner})", LlamaBlock(D, H, KV, inner)
        sizes = {"W_q": D, "W_k": KV * D // H, "W_v": KV * D // H, "W_o": D}
        want = {name: nn.Linear(D, n, bias=False) for name, n in sizes.items()}
        want |= {"norm1": nn.RMSNorm(D), "norm2": nn.RMSNorm(D), "mlp": SwiGLUMLP(D, inner)}
        own = getattr(made, "mlp", None)
        assert isinstance(own, SwiGLUMLP), f"{what}: mlp is {type(own).__name__}, want SwiGLUMLP"
        has_parts(what, made, want, nn.ModuleDict(want))
        for name in ("norm1", "norm2"):
            equal(f"{what}: {name} has eps", getattr(made, name).eps, 1e-5)


def block(LlamaBlock):
    for off in (("W_q", "W_o"), ("W_q", "mlp.down_proj"), ("W_q",), ()):
        for B, L, D, H, KV, inner in SIZES[:1] if off else (*SIZES, LONG):
            theta = () if off else (FAST,)
            module = filled(LlamaBlock(D, H, KV, inner, *theta)).double().train(B > 2)
            x, what = 2 * torch.randn(B, L, D).double(), f"B {B}, L {L}, D {D}, H {H}, KV {KV}"
            queries = module.W_q.weight.detach().view(H, D // H, D)
            queries[:, [0, 1, D // H // 2]] = 0  # only these turn, in one layout or another
            for name in off:
                nn.init.zeros_(module.get_submodule(name).weight)
            what += f", {' and '.join(off)} of zeros" if off else f", rope_theta {FAST}"
            with torch.no_grad():
                got, want = result_of(what, module, x), assembled(module, x, H, KV)
            equal(f"{what}: out has shape", tuple(got.shape), tuple(want.shape))
            close(got[:, -1], want[:, -1], f"{what}: out of the last token", 1e-6)


def rope(LlamaBlock):
    for theta, sizes in ((1e4, SIZES[0]), (30.0, SIZES[1]), (1e4, LONG)):
        B, L, D, H, KV, inner = sizes
        module = filled(LlamaBlock(D, H, KV, inner, *([] if theta == 1e4 else [theta])))
        what = f"B {B}, L {L}, D {D}, H {H}, KV {KV}, rope_theta {theta:.0f}, the last token"
        x, module = torch.randn(B, L, D), module.train(B > 2)

        def last(m, x, what=what):
            return result_of(what, m, x)[:, -1]

        def right(m, x, heads=(H, KV), theta=theta):
            return assembled(m, x, *heads, theta)[:, -1]

        queries = module.W_q.weight.detach()
        kept = queries.clone()
        with torch.no_grad():
            queries.zero_()
            got, want = last(module, x), right(module, x)
            queries.copy_(kept)
        near = got.shape == want.shape and torch.allclose(got, want, 1e-3, 1e-3)
        if near:  # whether it is right where no turn shows, `block` minds
            like(what, module, x, last, right, 1e-5)


def future(LlamaBlock, MiniLlama):
    for b, length, ends in ((2, 5, (1, 4)), (1, 3, (2,))):
        one = "LlamaBlock", filled(LlamaBlock(8, 2, 1, 4)), torch.randn(b, length, 8)
        made = MiniLlama(9, 9, 8, 2, 2, 4, num_kv_heads=1)
        whole = "MiniLlama", filled(made), torch.randint(9, (b, length))
        for name, module, x in (one, whole)[:b]:
            what = f"{name}, {'train' if b > 1 else 'eval'} mode, {(b, length)} tokens"
            with torch.set_grad_enabled(b > 1):
                module.train(b > 1)
                early = [result_of(what, module, x[:, :t]) for t in ends]
                whole = result_of(what, module, x)
            for t, alone in zip(ends, early, strict=True):
                told = f"{what}: results of the first {t}, against these tokens alone"
                close(whole[:, :t], alone, told, 1e-4)


def model(LlamaBlock, MiniLlama):
    for sizes, more in zip(MODELS, MORE, strict=True):
        V, context, D, layers, H, inner = sizes
        told = "".join(f", {name}={value}" for name, value in more.items())
        what = f"MiniLlama({str(sizes)[1:-1]}{told})"
        made, KV = MiniLlama(*sizes, **more), more.get("num_kv_heads", H)
        for name, kind in PARTS.items():
            equal(f"{what}: {name} is", type(getattr(made, name, None)).__name__, kind)
        tied = made.head.weight is made.token.weight
        equal(f"{what}: head.weight is token.weight:", tied, "tie" in more)
        own = {n for n, _ in filled(made, 0.5).named_parameters() if n[:7] != "blocks."}
        own = (own - {"head.weight"}) | {"token.weight"} if tied else own
        tables = ["token.weight", "norm.weight", *([] if tied else ["head.weight"])]
        names_are(own, tables, f"{what}, parameters beside those of blocks")
        shapes = [tuple(t.weight.shape) for t in (made.token, made.head)]
        equal(f"{what}: token and head have weights", shapes, [(V, D)] * 2)
        equal(f"{what}: norm has eps", made.norm.eps, 1e-5)
        count = len({id(one) for one in made.blocks if isinstance(one, LlamaBlock)})
        equal(f"{what}: LlamaBlocks in blocks:", (count, len(made.blocks)), (layers, layers))
        theta = more.get("rope_theta", 10000.0)
        twins = [LlamaBlock(D, H, KV, inner, theta) for _ in made.blocks]
        for twin, one in zip(twins, made.blocks, strict=True):
            shapes = [tuple(b.W_k.weight.shape) for b in (one, twin)]
            equal(f"{what}: W_k of a block has shape", *shapes)
            twin.load_state_dict(one.state_dict())
        parts = {name: getattr(made, name).weight for name in ("token", "head", "norm")}
        for b, length in ((2, context), (3, 3)) if tied else ((2, context),):
            ids, call = torch.randint(V, (b, length)), f"{what}, ids {(b, length)}"
            x = made.token.weight[ids]
            for twin in twins:
                x = twin(x)
            want = F.rms_norm(x, (D,), made.norm.weight, 1e-5) @ made.head.weight.T
            got = result_of(call, made.train(not tied), ids)
            close(got, want, f"{call}: logits, put together from its parts", 1e-4)
            if b == 2 and tied:
                leaves = [*parts.values()]
                grads = [gradients(call, t, leaves, want.sin(), [*parts]) for t in (got, want)]
                for name, mine, right in zip(parts, *grads, strict=True):
                    close(mine, right, f"{call}: the gradient of {name}.weight, by its parts", 1e-3)
    for tie in (False, True):
        drawn_normal(f"MiniLlama, tie={tie}, new", MiniLlama(50, 16, 32, 1, 4, 48, tie=tie))


def inputs(SwiGLUMLP, LlamaBlock, MiniLlama):
    module, x = filled(LlamaBlock(8, 2, 1, 4)), torch.randn(1, 301, 8)
    strided, there = torch.randn(5, 2, 8).transpose(0, 1), torch.zeros_like  # see keeps_device
    for one in (module, filled(SwiGLUMLP(8, 3))):
        keeps_inputs(one, [strided], [None], there)
    made, seen = MiniLlama(9, 5, 8, 1, 2, 4).to("meta").requires_grad_(False), list[str]()
    made.token.register_forward_pre_hook(lambda _, given: seen.append(str(given[0].device)))
    keeps_device("MiniLlama", made, torch.randint(9, (2, 4)))
    assert "cpu" not in seen, f"MiniLlama and ids on a GPU: its table gets ids on {seen}"
    module.norm1.weight.detach().fill_(1.5)  # scores tell the tokens apart
    with torch.no_grad():
        for dtype, tol in ((torch.float64, 1e-10), (torch.bfloat16, 0.1)):
            given, what = x.to(dtype), f"a block and x in {dtype}, 301 tokens: out"
            got = result_of(what, module.to(dtype), given)
            equal(f"{what} is", got.dtype, dtype)
            want = assembled(module.double(), given.double(), 2, 1, 10000.0)
            if torch.allclose(got[:, :5].double(), want[:, :5], 0.1, 0.1):  # else: other labels
                close(got.double(), want, f"{what}, against the formula in float64", tol)


def refused(LlamaBlock, MiniLlama):
    for sizes in UNEVEN:
        call = f"LlamaBlock{sizes}"
        refuses(lambda *s: type(LlamaBlock(*s)).__name__, *sizes, errors=(ValueError,), call=call)
    for context, length, mode in ((5, 6, True), (5, 9, False), (1, 2, True)):
        made = MiniLlama(9, context, 8, 1, 2, 4).train(mode)
        call = f"MiniLlama with context_length {context}, ids (2, {length})"
        refuses(made, torch.zeros(2, length).long(), errors=(ValueError,), call=call)


CORE = (mlp, parts, block, rope, future, model)
EDGES = (inputs, refused)


def drawn_normal(what, made):
    scaled = []
    for name, p in made.named_parameters():
        if p.dim() == 1:
            assert (p == 1).all() or "norm" not in name, f"{what}: {name} is not 1"
            continue
        std, slack = p.std().item(), 6 * 0.02 / (2 * p.numel()) ** 0.5
        told = f"{what}: {name} has a standard deviation of {std:.4f}"
        assert abs(std - 0.02) < slack, f"{told}, want 0.0200 ± {slack:.4f}"
        scaled.append(p.detach().flatten() / 0.02)
    alike = len(scaled) - len({tuple(z[:9].tolist()) for z in scaled})
    assert not alike, f"{what}: {alike} matrices begin with the numbers of another one"
    is_normal(torch.cat(scaled), f"{what}: its matrices over 0.02")


def gated(module, x):
    gate, up = F.linear(x, module.gate_proj.weight), F.linear(x, module.up_proj.weight)
    return F.linear(gate * gate.sigmoid() * up, module.down_proj.weight)


def assembled(module, x, H, KV, theta=None):
    """The block by the library's attention; complex numbers turn, in float64. No theta: no turn."""

    def heads(W, n):
        return W(h).unflatten(-1, (n, -1)).transpose(1, 2)

    def turned(t):
        pairs = torch.view_as_complex(t.double().unflatten(-1, (-1, 2)).contiguous())
        rates = theta ** (-torch.arange(0, t.shape[-1], 2).double() / t.shape[-1])
        angles = torch.arange(t.shape[-2])[:, None] * rates
        pairs = pairs * torch.polar(torch.ones_like(angles), angles)
        return torch.view_as_real(pairs).flatten(-2).to(t)

    h = F.rms_norm(x, x.shape[-1:], module.norm1.weight, 1e-5)
    q, k, v = heads(module.W_q, H), heads(module.W_k, KV), heads(module.W_v, KV)
    q, k = (turned(q), turned(k)) if theta else (q, k)
    k, v = (t.repeat_interleave(H // KV, 1) for t in (k, v))
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + module.W_o(out.transpose(1, 2).flatten(2))
    return x + module.mlp(F.rms_norm(x, x.shape[-1:], module.norm2.weight, 1e-5))


def like(what, module, x, call, right, tol):
    """call(module, x), in float64, and its gradients are those of right(module, x)."""
    module, pairs = module.double(), []
    for one in (call, right):
        leaf = x.double().requires_grad_()
        pairs.append((one(module, leaf), leaves_of(module, leaf)))
    as_the_library(what, "the formula", *pairs, tol)
