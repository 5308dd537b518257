"""What challenge_gqa.py requires.

Only `groups` compares with the library. `masks` has equal scores and equal value heads, so that a
wrong scale or a wrong group fails `groups` alone; `memory` counts how often a number is stored.
"""

import torch
from torch import nn
from torch.nn import functional as F

from checks.attention import (
    RepeatedNumbers,
    as_exact,
    as_the_library,
    has_parts,
    keeps_inputs,
    leaves_of,
    masks_of,
    some_mask,
    told,
)
from checks.tools import (
    Forbidden,
    call_of,
    close,
    equal,
    filled,
    keeps_device,
    refuses,
    result_of,
    unchanged,
)

PARTS = ("W_q", "W_k", "W_v", "W_o")
UNEVEN = (10, 3, 1), (12, 6, 4), (12, 3, 6), (4, 8, 2), (24, 6, 5)  # D, H, KV
SIZES = (2, 5, 24, 6, 2), (4, 4, 16, 4, 2), (1, 40, 18, 6, 1), (3, 2, 12, 3, 3)  # B, L, D, H, KV
SIZES += (2, 1, 16, 8, 4), (2, 3, 4, 1, 1)


def by_hand(GroupQueryAttention):
    for kv in (1, 2, 4):
        own, module = torch.ones(2, 4, 5, 5).bool().tril(), GroupQueryAttention(12, 4, kv)
        for mask, length in ((None, 5), (own[0, 0], 5), (own, 5), (None, 1)):
            with Forbidden("attention") as watch:
                run("", module.train(kv != 2), torch.randn(2, length, 12), mask)
            assert watch.seen, "forward called no function of torch"
            what = f"{kv} KV heads, {length} tokens, {told(mask)}: called torch's"
            assert not watch.called, f"{what} {', '.join(watch.called)}"


def weights(GroupQueryAttention):
    for D, H, KV in ((24, 6, 2), (24, 6, 6), (16, 4, 1)):
        sizes = zip(PARTS, (D, KV * D // H, KV * D // H, D), strict=True)
        want = nn.ModuleDict({name: nn.Linear(D, n, bias=False) for name, n in sizes})
        what = f"GroupQueryAttention({D}, {H}, {KV})"
        has_parts(what, GroupQueryAttention(D, H, KV), PARTS, want)
    for sizes in UNEVEN:
        refuses(GroupQueryAttention, *sizes, errors=(ValueError,))


def groups(GroupQueryAttention):
    module = with_weights(GroupQueryAttention(6, 6, 2), q=0.0)  # d = 1, every score is 0
    x = torch.tensor([[[1.0, 10, 0, 0, 0, 0], [3.0, 20, 0, 0, 0, 0]]])
    what = "D 6, H 6, KV 2, every score 0, value heads with means 2 and 15, W_o the identity: out"
    close(run(what, module, x)[0, 0], [2.0, 2, 2, 15, 15, 15], what)
    module = with_weights(GroupQueryAttention(8, 2, 1), q=1.0)
    out = run("", module, torch.tensor([[[1.0] * 8, [0.0] * 8]]))[0, 0, :1]  # scores 4 / 2 and 0
    what = "D 8, H 2, KV 1, weights the identity, tokens of ones and of zeros: out[0, 0, 0]"
    close(out, torch.tensor([2.0]).sigmoid(), what)
    for B, L, D, H, KV in SIZES:
        what, module = f"B {B}, L {L}, D {D}, H {H}, KV {KV}", GroupQueryAttention(D, H, KV)
        like_the_library(what, filled(module).train(B > 2), torch.randn(B, L, D), D // H)


def masks(GroupQueryAttention):
    module, two = equal_scores(GroupQueryAttention(2, 2, 1)), torch.tensor([[[1.0, 0], [5.0, 0]]])
    for rows, want in (([[1, 0], [1, 1]], [1.0, 3.0]), ([[0, 1]], [5.0, 5.0])):
        what = f"D 2, H 2, KV 1, equal scores, values 1 and 5, mask {rows}: out[0, :, 0]"
        close(run(what, module, two, torch.tensor(rows).bool())[0, :, 0], want, what)
    for B, L, D, H, KV in ((2, 5, 12, 6, 2), (3, 3, 6, 3, 1), (1, 4, 4, 2, 2)):
        module, x = equal_scores(GroupQueryAttention(D, H, KV)).train(B > 2), torch.rand(B, L, D)
        for shape, mask in masks_of(B, H, L, L).items():
            if B == 1 and mask.ndim < 4:
                continue
            seen = mask.expand(B, H, L, L).float()
            want = (seen @ x[:, None, :, :1]) / seen.sum(-1, keepdim=True)  # (B, H, L, 1)
            want = want.expand(-1, -1, -1, D // H).transpose(1, 2).flatten(2)
            what = f"B {B}, L {L}, H {H}, KV {KV}, equal scores and value heads, mask {shape}: out"
            close(run(what, module, x, mask), want, f"{what}, the means of what may be seen")
        module, shown = filled(module), torch.tensor([True, False, True, True, False])[:L]
        loud = torch.where(shown[:, None], x, 1e3 * torch.randn(B, L, D))
        what = f"B {B}, L {L}, H {H}, KV {KV}, tokens hidden from all hold 1e3 or so: of the others"
        for mask in (shown, shown.expand(B, 1, 1, L)):
            got, want = run(what, module, loud, mask), run(what, module, x[:, shown])
            close(got[:, shown], want, what, 1e-4)


def pool(pool_kv_heads):
    four, what = [[1.0], [3.0], [10.0], [20.0]], "pool_kv_heads([[1], [3], [10], [20]], 4, 2)"
    close(result_of(what, pool_kv_heads, torch.tensor(four), 4, 2), [[2.0], [15.0]], what)
    for H, KV, d, M in ((6, 2, 3, 5), (6, 3, 2, 12), (4, 1, 3, 7), (3, 3, 4, 4)):
        weight, what = torch.randn(H * d, M), f"pool_kv_heads(({H * d}, {M}), {H}, {KV})"
        close(result_of(what, pool_kv_heads, weight, H, KV), mean_heads(weight, H, KV), what)


def memory(GroupQueryAttention):
    some = torch.ones(3, 3, dtype=torch.bool).tril(1)
    for H, KV, mask in ((8, 2, None), (3, 1, some), (8, 2, some)):
        module = filled(GroupQueryAttention(3 * H, H, KV)).double()
        x = torch.randn(2, 3, 3 * H, dtype=torch.float64, requires_grad=True)
        with RepeatedNumbers(H // KV) as watch:
            out = run("", module.train(H == 3 or mask is not None), x, mask)
            (out * out.detach().cos()).sum().backward()
            with torch.no_grad():
                run("", module.eval(), x, mask)
        assert watch.seen, "forward and backward ran no operation of torch"
        what = f"H {H}, KV {KV}, {told(mask)}, forward and backward: torch's"
        found = f"{what} {watch.found[:1]} made a tensor that holds each of its numbers"
        assert not watch.found, f"{found} {H // KV} times, want each once"


def inputs(GroupQueryAttention, pool_kv_heads):
    weight = torch.randn(5, 12, dtype=torch.float64).mT
    call = call_of("pool_kv_heads", weight, 6, 3)
    with unchanged(call, weight):
        got = result_of(f"{call}, not contiguous", pool_kv_heads, weight, 6, 3)
    equal(f"{call}: dtype", got.dtype, torch.float64)
    keeps_device(call, lambda weight: pool_kv_heads(weight, 6, 3), weight)
    want = mean_heads(weight, 6, 3)
    if got.shape == want.shape and torch.allclose(got, want, 1e-2):
        close(got, want, f"{call}, float64", 1e-12)
    for D, H, KV in UNEVEN:
        refuses(pool_kv_heads, torch.randn(D, 4), H, KV, errors=(ValueError,))
    for q, mask in ((2e5, None), (-2e5, torch.eye(4).bool())):
        module, large = with_weights(GroupQueryAttention(4, 1, 1), q), torch.eye(4)[None].clone()
        large[0, 1, 0] = 0.5  # the scores of tokens 0 and 1 are half as large
        what = f"D 4, H 1, scores of {q / 2:.0f} of tokens with themselves, {told(mask)}: out"
        close(run(what, module, large, mask), large, what)
    for mask in (None, some_mask(2, 6, 5, 5)):
        module, x = filled(GroupQueryAttention(18, 6, 2)), torch.randn(5, 2, 18).transpose(0, 1)
        given = (
            [mask] if mask is None else [mask.mT | torch.eye(5).bool(), mask[:, :1].expand_as(mask)]
        )
        keeps_inputs(module, [x], given, GroupQueryAttention(18, 6, 2).to("meta"))
        if mask is not None:
            as_exact(run, module, x, mask, (("bfloat16", torch.bfloat16, 1e-1),))
        like_the_library(f"float64, {told(mask)}", module.double(), x.double(), 3, mask, 1e-12)


CORE = (by_hand, weights, groups, masks, pool)
EDGES = (memory, inputs)


def run(what, module, x, mask=None):
    what = what or f"x {tuple(x.shape)}, {told(mask)}"
    out = result_of(what, module, x, *([] if mask is None else [mask]))
    equal(f"{what}: out has shape", tuple(out.shape), tuple(x.shape))
    return out


def with_weights(module, q):
    """W_q is q times the identity; the others have ones on their diagonals."""
    for name in PARTS:
        weight = getattr(module, name).weight.detach()
        weight.copy_(torch.eye(*weight.shape) * (q if name == "W_q" else 1))
    return module


def equal_scores(module):
    """Every score is 0, every value feature 0 of its token."""
    weight = with_weights(module, q=0.0).W_v.weight.detach()
    weight.copy_(torch.eye(*weight.shape)[:1].expand_as(weight))
    return module


def mean_heads(weight, H, KV):
    heads, group = weight.chunk(H), H // KV
    return torch.cat([sum(heads[j : j + group]) / group for j in range(0, H, group)])


def like_the_library(what, module, x, d, mask=None, tol=2e-5):
    """With the gradients; where tol is small, only if it is nearly so: `groups` minds the rest."""
    leaves = leaves_of(module, x.clone().requires_grad_())
    right = {name: t.detach().double().requires_grad_() for name, t in leaves.items()}
    q, k, v = (right["x"] @ right[f"W_{n}.weight"].mT for n in "qkv")
    q, k, v = (t.unflatten(-1, (-1, d)).transpose(1, 2) for t in (q, k, v))
    mixed = F.scaled_dot_product_attention(q, k, v, mask, enable_gqa=True)
    want = mixed.transpose(1, 2).flatten(2) @ right["W_o.weight"].mT
    got = run(what, module, leaves["x"], mask)
    if tol > 1e-6 or torch.allclose(got.double(), want, 1e-3, 1e-3):
        as_the_library(what, "the library's", (got, leaves), (want, right), tol)
