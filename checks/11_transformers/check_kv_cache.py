"""What challenge_kv_cache.py requires.

`whole` looks at out without a cache, `splits` compares pieces with the answer's own whole pass, and
`cache` looks at K and V; so a wrong scale fails `whole` alone, a wrong mask of a piece `splits`.
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from checks.attention import Products, as_the_library, has_parts
from checks.tools import (
    BigTensors,
    attempt,
    close,
    equal,
    filled,
    gradients,
    keeps_device,
    refuses,
    same,
    tensor,
    unchanged,
)

NAMED = "out", "K", "V"
NAMES = ("W_q", "W_k", "W_v", "W_o")
SPLITS = (1,) * 7, (3, 2, 2), (1, 5, 1), (4, 1, 1, 1), (2, 1, 4)
LOW = ((torch.float32, 1e-4), (torch.bfloat16, 1e-1))


def whole(KVCacheAttention):
    parts = nn.ModuleDict({name: nn.Linear(12, 12) for name in NAMES})
    has_parts("KVCacheAttention(12, 3)", KVCacheAttention(12, 3), parts, parts)
    for (b, length, d, heads), size in (
        ((1, 3, 2, 1), 1),
        ((2, 40, 12, 3), 1),
        ((1, 1, 12, 12), 1),
        ((4, 4, 8, 4), 200),
    ):
        module = filled(KVCacheAttention(d, heads)).double().train(size > 1)
        x = (size * torch.randn(b, length, d)).double()
        what = f"KVCacheAttention({d}, {heads}), x {tuple(x.shape)}, numbers around {size}"
        pairs = []
        for right in (False, True):
            own, leaf = copy.deepcopy(module), x.clone().requires_grad_()
            out = causal(own, leaf, heads) if right else run(what, own, leaf)[0]
            pairs.append((out, {"x": leaf, **dict(own.named_parameters())}))
        close(pairs[0][0].detach(), pairs[1][0].detach(), f"{what}: out, by the library", 1e-12)
        if size == 1:
            as_the_library(what, "the library", *pairs, 1e-9)


def splits(KVCacheAttention):
    for (b, d, heads), mode in (((2, 12, 3), "train"), ((1, 4, 1), "eval"), ((3, 6, 3), "eval")):
        module = filled(KVCacheAttention(d, heads)).double().train(mode == "train")
        x = torch.randn(b, 7, d).double().requires_grad_(mode == "train")
        with torch.set_grad_enabled(mode == "train"):
            want = run(f"x {tuple(x.shape)}", module, x)[0]
            up = torch.randn_like(want)
            wanted = gradients("", want, [x], up) if x.requires_grad else []
            for p in range(1, 7 if d == 12 else 1):
                told = f"{heads} heads, {mode} mode, {p} of 7 tokens, then"
                past = run(told, module, x[:, :p])[1]
                for end in range(p + 1, 8):
                    what = f"{told} {end - p}: out of these"
                    got = run(what, module, x[:, p:end], past)[0]
                    close(got, want[:, p:end], f"{what}, against all 7 at once", 1e-12)
            texts = [(x, want, split) for split in SPLITS]
            if b == 1:
                long = torch.randn(1, 73, d).double()
                texts += [(long, run("73 tokens", module, long)[0], (5, 64, 3, 1))]
            for x, want, split in texts:
                what, past, outs = f"{heads} heads, {mode} mode, pieces of {split}", None, []
                for piece in x.split(split, dim=1):
                    out, past = run(what, module, piece, past)
                    outs.append(out)
                close(torch.cat(outs, 1), want, f"{what}: out, against all at once", 1e-12)
                for grad in wanted:
                    (got,) = gradients(what, torch.cat(outs, 1), [x], up, ["x"])
                    close(got, grad, f"{what}: the gradient of x, against all at once", 1e-9)


def cache(KVCacheAttention):
    for b, d, heads, p, s in ((2, 12, 3, 0, 4), (2, 12, 3, 5, 1), (3, 9, 3, 3, 3), (1, 4, 1, 2, 4)):
        module, found = filled(KVCacheAttention(d, heads)).double().train(s > 1), []
        old = tuple(torch.randn(2, b, heads, p, d // heads).double()) if p else ()
        one, other = torch.randn(2, b, s, d).double()
        what = f"KVCacheAttention({d}, {heads}), x {(b, s, d)}, cache of {p} tokens"
        what += "" if s > 1 else ", eval mode, no_grad"
        for x in (one, other, one, other):
            with unchanged(what, x, *old, *module.parameters()), torch.set_grad_enabled(s > 1):
                gave = attempt(what, module, x, old or None)
            shown = kind(gave)
            equal(f"{what} gave", shown, "(Tensor, (Tensor, Tensor))")
            found.append(
                ([t.detach() for t in flat(gave)], [t.detach().clone() for t in flat(gave)])
            )
        for i, (name, W) in enumerate((("K", module.W_k), ("V", module.W_v))):
            new = W(one).view(b, s, heads, d // heads).transpose(1, 2).detach()
            want = torch.cat([old[i], new], dim=2) if p else new
            close(found[0][1][1 + i], want, f"{what}: {name}", 1e-12)
        for name, first, at_once, again in zip(NAMED, *found[0], found[2][1], strict=True):
            same(first, at_once, f"{what}: {name}, looked at after another continuation")
            close(
                again, at_once, f"{what}: {name}, the same call after another continuation", 1e-12
            )


def work(KVCacheAttention):
    for b, d, heads, p, s in ((1, 12, 3, 60, 3), (2, 8, 2, 50, 1)):
        module, total = KVCacheAttention(d, heads), p + s
        x, old = torch.randn(b, s, d), tuple(torch.randn(2, b, heads, p, d // heads))
        what = f"KVCacheAttention({d}, {heads}), x {(b, s, d)}, cache of {p} tokens"
        with Products() as products, BigTensors(total**2) as big:
            out = run(what, module, x.requires_grad_(), old)[0]
            forward = products.mult_adds
            attempt(f"{what}, backward", out.sum().backward)
        assert products.seen, f"{what}: no product of matrices was seen, want those of its layers"
        most = 4 * b * s * d * d + 2 * b * s * total * d
        told = f"{what}: {forward:,} mult-adds in products of matrices"
        assert forward <= most, f"{told}, want {most:,} at most"
        held = [t.untyped_storage().nbytes() // t.itemsize for t in big.made]
        assert not held, f"{what}: a tensor of {held[0]:,} numbers, want less than {total**2:,}"


def slots(StaticKVCache):
    for sizes, pieces in (
        ((1, 1, 3, 1), (1, 1)),
        ((2, 3, 40, 4), (1, 3, 2, 1, 30, 3)),
        ((3, 3, 3, 3), (3,)),
        ((1, 2, 60, 2), (1,) * 4),
    ):
        mine, other = StaticKVCache(*sizes), StaticKVCache(*sizes)
        b, h, room, d = sizes
        every, places, first = torch.randn(2, b, h, sum(pieces), d), set(), None
        end = 0
        for s in pieces:
            what = f"StaticKVCache{sizes}, {end} slots filled, update of {s}"
            end += s
            k, v = given = [t[:, :, end - s : end].clone() for t in every]
            with BigTensors(2 * k.numel() + 1) as big, unchanged(what, *given):
                K, V = attempt(what, mine.update, k, v)
            attempt(what, other.update, -k, -v)
            for t in given:
                t.zero_()
            for name, got, want in (("K", K, every[0]), ("V", V, every[1])):
                same(tensor(got, name), want[:, :, :end], f"{what}: {name}")
            first = first or (K, V, s)
            where = {t.untyped_storage().data_ptr() for t in (K, V)}
            places |= where
            equal(f"{what}: different places of K and V so far:", len(places), len(where))
            new = [tuple(t.shape) for t in big.made if t.untyped_storage().data_ptr() not in where]
            assert not new or end == s, (
                f"{what} makes a tensor {new[0]}, want no copy of old tokens"
            )
        for name, got, want in zip("KV", first, every, strict=False):
            same(got, want[:, :, : first[2]], f"{what}: then {name} of the first update")


def full(StaticKVCache):
    for room, pieces in ((5, (3, -3, 2, -1)), (4, (-5, 4, -1)), (6, (1, -6, 5, -2)), (1, (-2, 1))):
        mine, every, end = StaticKVCache(2, 3, room, 4), torch.randn(2, 2, 3, room, 4), 0
        for s in pieces:
            what = f"StaticKVCache of {room} slots, {end} filled, update of {abs(s)}"
            if s < 0:
                given = torch.randn(2, 2, 3, -s, 4)
                refuses(shapes_of(mine), *given, errors=(ValueError,), call=what)
                continue
            end += s
            K, V = attempt(what, mine.update, *every[:, :, :, end - s : end])
            for name, got, want in (("K", K, every[0]), ("V", V, every[1])):
                same(got, want[:, :, :end], f"{what}, after a refused one: {name}")


def kinds(KVCacheAttention, StaticKVCache):
    fine = filled(KVCacheAttention(12, 3)).double()
    x, old = torch.randn(2, 3, 12).double(), torch.randn(2, 2, 3, 4, 4).double()
    for dtype, tol in LOW:
        what, low = f"x and cache in {dtype}", copy.deepcopy(fine).to(dtype)
        twin = copy.deepcopy(low).double()
        got = run(what, low, x.to(dtype), tuple(old.to(dtype)))
        want = run(what, twin, x.to(dtype).double(), tuple(old.to(dtype).double()))
        for name, one, right in zip(NAMED, flat(got), flat(want), strict=True):
            equal(f"{what}: {name} is", one.dtype, dtype)
            close(one.detach().double(), right.detach(), f"{what}: {name}, against float64", tol)
        given = torch.randn(2, 1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
        mine = StaticKVCache(1, 2, 7, 4, dtype)
        for n in (1, 2):
            what = (
                f"StaticKVCache(1, 2, 7, 4, {dtype}), update {n}, k and v in float64 with gradients"
            )
            for name, t in zip("KV", attempt(what, mine.update, *given), strict=True):
                equal(f"{what}: {name}", (t.dtype, t.requires_grad), (dtype, False))
    there = copy.deepcopy(fine).to("meta")
    for shown, rest in (("", ()), (" and a cache", tuple(old))):
        keeps_device(f"x{shown}", lambda x, *kv: joined(run("", there, x, kv or None)), x, *rest)
    mine, k = StaticKVCache(1, 2, 7, 4, device="meta"), torch.zeros(1, 2, 1, 4, device="meta")
    places = [str(t.device) for t in attempt("update on the meta device", mine.update, k, k)]
    equal("StaticKVCache(1, 2, 7, 4, device='meta').update gave K and V on", places, ["meta"] * 2)


def refused(KVCacheAttention, StaticKVCache):
    for sizes in ((7, 2), (4, 3), (12, 5), (3, 6)):
        call = f"KVCacheAttention{sizes}"
        refuses(
            lambda *s: type(KVCacheAttention(*s)).__name__, *sizes, errors=(ValueError,), call=call
        )
    fits, mine = (2, 3, 2, 4), StaticKVCache(2, 3, 9, 4)
    for other in ((1, 3, 2, 4), (2, 1, 2, 4), (2, 3, 1, 4), (2, 3, 2, 1), (3, 2, 4), (3, 2, 2, 4)):
        for shapes in ((other, fits), (fits, other), (other, other)):
            if other == shapes[0] == shapes[1] == (2, 3, 1, 4):
                continue  # one token of both is right
            call = f"StaticKVCache(2, 3, 9, 4).update, k {shapes[0]}, v {shapes[1]}"
            refuses(shapes_of(mine), *map(torch.randn, shapes), errors=(ValueError,), call=call)


CORE = (whole, splits, cache, work, slots, full)
EDGES = (kinds, refused)


def kind(gave):
    if isinstance(gave, tuple | list):
        shown = ", ".join(kind(one) for one in gave)
        return f"({shown})" if isinstance(gave, tuple) else f"[{shown}]"
    return type(gave).__name__


def flat(gave):
    return gave[0], *gave[1]


def joined(gave):
    return torch.cat([t.flatten() for t in flat(gave)])


def shapes_of(mine):
    """update, told by the shapes of what it gives."""
    return lambda k, v: [tuple(t.shape) for t in mine.update(k, v)]


def run(what, module, x, past=None):
    """out and (K, V)."""
    gave = attempt(what, module, x, past) if past is not None else attempt(what, module, x)
    right = isinstance(gave, tuple | list) and len(gave) == 2
    assert right, f"{what} gave {kind(gave)}, want out and (K, V)"
    return tensor(gave[0], f"{what}: out"), gave[1]


def causal(module, x, heads):
    q, k, v = (
        getattr(module, name)(x).view(*x.shape[:2], heads, -1).transpose(1, 2) for name in NAMES[:3]
    )
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return module.W_o(out.transpose(1, 2).reshape(x.shape))
