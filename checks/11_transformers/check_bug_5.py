"""What buggy_code_5.py requires.

`whole` alone has another attention to compare with; the others compare calls with calls.
"""

import torch
from torch.nn import functional as F

from checks.attention import Products
from checks.tools import LikeCuda, attempt, close, equal, filled, is_hole, same, tensor, unchanged

CUTS = (5, 1), (1, 5), (3, 3), (4, 1, 1), (1,) * 6, (2, 1, 3), (1, 2, 3), (3, 2, 1), (2, 2, 2)
SIZES = (2, 8, 2), (3, 12, 3), (1, 6, 1)  # B, D, H


def whole(decode_step, Attention):
    for B, D, H in SIZES:
        for length in (1, 6, 300) if B == 2 else (6, 40):
            attention, x = filled(Attention(D, H), 0.5).double(), torch.randn(B, length, D).double()
            what = f"x {tuple(x.shape)}, H {H}, no cache: out"
            out, _ = step(what, decode_step, attention, x)
            q, k, v = (
                getattr(attention, f"W_{n}")(x).unflatten(-1, (H, -1)).transpose(1, 2)
                for n in "qkv"
            )
            mixed = F.scaled_dot_product_attention(turned(q), turned(k), v, is_causal=True)
            want = attention.W_o(mixed.transpose(1, 2).flatten(2))
            close(out, want, f"{what}, against rotations as complex numbers", 1e-4)


def pieces(decode_step, Attention):
    for B, D, H in SIZES:
        attention, x = filled(Attention(D, H)).train(B != 3), torch.randn(B, 6, D)
        want, _ = step("", decode_step, attention, x)
        for cut in CUTS if B == 2 else CUTS[::3]:
            what = f"x {(B, 6, D)}, H {H}, in pieces of {cut}: out"
            at, cache = 0, None
            for n in cut:
                out, cache = step(what, decode_step, attention, x[:, at : at + n], cache)
                told = f"{what} of tokens {at} to {at + n - 1}, against the whole text in one call"
                close(out, want[:, at : at + n], told, 1e-4)
                at += n
    attention, x = filled(Attention(8, 2)), torch.randn(1, 300, 8)
    want, cache = step("", decode_step, attention, x[:, :299])
    out, _ = step("", decode_step, attention, x[:, 299:], cache)
    want, _ = step("", decode_step, attention, x)
    close(out[:, 0], want[:, 299], "300 tokens in pieces of (299, 1): out of the last", 1e-3)


def cache(decode_step, Attention):
    for B, D, H in SIZES:
        attention, x, at, old = filled(Attention(D, H)), torch.randn(B, 7, D), 0, None
        for n in (4, 1, 2):
            what = f"B {B}, H {H}, {at} tokens in the cache, {n} new ones"
            before = [t.clone() for t in old or ()]
            with Products() as watch:
                _, new = step(what, decode_step, attention, x[:, at : at + n], old)
            for name, t in zip("KV", new, strict=True):
                equal(f"{what}: {name} has shape", tuple(t.shape), (B, H, at + n, D // H))
            for name, t, was in zip("KV", new, before, strict=False):
                same(t[:, :, :at], was, f"{what}: {name} of the tokens from before")
            assert watch.seen, f"{what}: no product of matrices"
            most = B * n * (4 * D * D + 2 * (at + n) * D)  # 4 projections, scores, values
            told = f"{what}: {watch.mult_adds} multiplications, want {most} at most"
            assert watch.mult_adds <= most, f"{told}, with projections of {n} tokens per text"
            old, at = new, at + n


def branches(decode_step, Attention):
    attention, x = filled(Attention(8, 2)), torch.randn(3, 2, 8, 8)
    start, first, second = x[0, :, :4], x[1, :, :3], x[2, :, :3]
    names = sorted(vars(attention))
    _, given = step("", decode_step, attention, start)
    state = {name: t.clone() for name, t in attention.state_dict().items()}
    results = []
    with unchanged("two texts that go on from 4 tokens in one cache", start, *given, first, second):
        for more in (first, second, first):
            at = given
            for piece in (more[:, :1], more[:, 1:]):
                out, at = step("", decode_step, attention, piece, at)
            results.append(out)
    close(results[2], results[0], "one text, again after another from the same cache: out", 1e-6)
    fresh, _ = step("", decode_step, attention, start)
    again, _ = step("", decode_step, attention, start)
    close(again, fresh, "a text, and the same text again: out", 1e-6)
    more = [name for name in vars(attention) if name not in names]
    equal("attributes that attention has only since the calls:", more, [])
    equal("attention.training afterwards:", attention.training, True)
    for name, t in attention.state_dict().items():
        same(t, state[name], f"attention's {name} afterwards")


def exact(decode_step, Attention):
    attention = filled(Attention(8, 2)).double()
    found = []
    for cut in ((6,), (2, 1, 3)):
        x = torch.linspace(-1, 1, 96).double().cos().view(2, 6, 8).requires_grad_()
        outs, cache = [], None
        for piece in x.split(cut, dim=1):
            out, cache = step(f"float64, pieces of {cut}", decode_step, attention, piece, cache)
            equal(f"float64, pieces of {cut}: out is", out.dtype, torch.float64)
            outs.append(out)
        out = torch.cat(outs, dim=1)
        assert (out != out.float()).any(), f"float64, pieces of {cut}: out has float32's digits"
        grads = torch.autograd.grad((out * out.detach().cos()).sum(), [x, *attention.parameters()])
        found.append((out, *grads))
    names = "out", "gradient of x", *(f"gradient of {n}" for n, _ in attention.named_parameters())
    for name, whole, cut in zip(names, *found, strict=True):
        near = (whole - cut).abs().max() < 1e-2 or name != "out"
        if not near:
            return  # `pieces` says so
        close(cut, whole, f"float64, pieces of (2, 1, 3) against one call: {name}", 1e-12)
    there, x = Attention(8, 2).to("meta"), torch.randn(2, 3, 8, device="meta")
    try:
        with LikeCuda():
            out, at = decode_step(there, x)
            out, at = decode_step(there, x, at)
    except Exception as error:
        if is_hole(error):
            raise
        on_cpu = "cpu" in str(error).lower()
        assert not on_cpu, "all on a GPU: it makes a tensor on the CPU, want all on the GPU"
        return
    kinds = {t.device.type for t in (out, *at)}
    equal("all on the meta device: out, K and V on", kinds, {"meta"})


CORE = (whole, pieces, cache, branches)
EDGES = (exact,)


def step(what, decode_step, attention, x, cache=None):
    what = what or f"x {tuple(x.shape)}, {'a' if cache else 'no'} cache"
    out, new = attempt(what, decode_step, attention, x, *([] if cache is None else [cache]))
    equal(f"{what}: shape of out", tuple(tensor(out, what).shape), tuple(x.shape))
    equal(f"{what}: length of the new cache", len(new), 2)
    return out, tuple(new)


def turned(x):
    """Pairs of neighbors as complex numbers, times a turn by place times its rate."""
    d = x.shape[-1]
    rates = 10000.0 ** (-torch.arange(0, d, 2).double() / d)
    turns = torch.polar(torch.ones_like(rates), torch.arange(x.shape[2])[:, None] * rates)
    return torch.view_as_real(
        torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * turns
    ).flatten(-2)
