"""What challenge_decoder_block.py requires.

`causal`, `cross` and `wiring` compare with the library, without a mask; the others compare the
answer with itself, or with means and shares that can be done by hand.
"""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from checks.attention import (
    alike,
    as_exact,
    as_the_library,
    as_this_one,
    changes_by_little,
    finite_gradients,
    has_parts,
    hides_tokens,
    keeps_inputs,
    leaves_of,
    masks_of,
    named_as_in,
    result,
    some_mask,
    told,
)
from checks.tools import Forbidden, attempt, close, equal, filled, numbers, result_of, same, tensor

D, H, D_FF = 12, 3, 20
SIZES = ((2, 5, 4), 3), ((1, 1, 20), 12), ((3, 3, 3), 1), ((2, 40, 1), 2)


def by_hand(causal_attention, MultiHeadCrossAttention, TransformerDecoderBlock):
    parts = [("MultiHeadCrossAttention", MultiHeadCrossAttention(D, H))]
    parts.append(("TransformerDecoderBlock", TransformerDecoderBlock(D, H, D_FF)))
    for b, mode in ((2, "train"), (2, "eval"), (1, "train"), (1, "eval")):
        grad = "" if b == 2 else ", under no_grad"
        x, memory, every = torch.randn(b, 5, D), torch.randn(b, 4, D), torch.ones(b, H, 5, 4).bool()
        calls = [("causal_attention", causal_attention, (x, x, x))]
        for name, module in parts:
            module.train(mode == "train")
            for m in (None, every[0, 0], every[:, :1, :1], every):
                calls.append((f"{name}, {told(m)}, {mode} mode{grad}", module, (x, memory, m)))
        for what, function, given in calls:
            with torch.set_grad_enabled(not grad), Forbidden("attention") as watch:
                result(what, function, *given)
            assert watch.seen, f"{what} called no function of torch"
            assert not watch.called, f"{what}, called torch's {', '.join(watch.called)}"


def causal(causal_attention):
    K, V = torch.eye(3)[1].view(1, 3, 1).expand(1, 3, 4), torch.tensor([[[2.0], [4.0], [9.0]]])
    for q, want in ((0.0, [2.0, 3.0, 5.0]), (1.0, [2.0, 3.7616, 4.3196])):
        what = f"Q of {q:.0f}s (1, 3, 4), K of 1s for token 1, else 0s, V [2, 4, 9]: out"
        got = result_of(what, causal_attention, torch.full((1, 3, 4), q), K.clone(), V.clone())
        close(got, torch.tensor(want)[None, :, None], what, 1e-4)
    library = "F.scaled_dot_product_attention(is_causal=True)"
    for b, length, d, d_v in ((2, 40, 4, 3), (3, 3, 3, 3), (1, 1, 2, 5), (5, 4, 9, 9)):
        given, pairs = [torch.randn(b, length, n).double() for n in (d, d, d_v)], []
        what = f"causal_attention, Q, K {(b, length, d)}, V {(b, length, d_v)}"
        for run in (
            causal_attention,
            lambda *t: F.scaled_dot_product_attention(*t, is_causal=True),
        ):
            leaves = {n: t.clone().requires_grad_() for n, t in zip("QKV", given, strict=True)}
            pairs.append((result_of(what, run, *leaves.values()), leaves))
        as_the_library(what, library, *pairs, 1e-5)


def cross(MultiHeadCrossAttention):
    parts = nn.ModuleDict({name: nn.Linear(D, D) for name in ("W_q", "W_k", "W_v", "W_o")})
    has_parts("MultiHeadCrossAttention(12, 3)", MultiHeadCrossAttention(D, H), parts, parts)
    attention, x_kv = means(MultiHeadCrossAttention(2, 1)), torch.tensor([[[1.0, 2], [5.0, 8]]])
    for shown, x_q in (("x_q (1, 3, 2)", torch.randn(1, 3, 2)), ("x_q is x_kv", x_kv)):
        what = f"every score 0, W_v, W_o the identity, {shown}, x_kv {numbers(x_kv[0])}: out[0]"
        out = run(what, attention, x_q, x_kv)[0]
        close(out, torch.tensor([[3.0, 5.0]]).expand_as(out), what)
    for sizes, heads in SIZES:
        attention, given = filled(MultiHeadCrossAttention(D, heads)), two(*sizes)
        what = f"{heads} heads, (B, L_q, L_k) {sizes}"
        ref = nn.MultiheadAttention(D, heads, batch_first=True)
        as_this_one(what, partial(run, what), attention, ref, given, lambda run, x, m: run(x, m, m))


def wiring(MultiHeadCrossAttention, TransformerDecoderBlock):
    parts = {f"norm{i}": nn.LayerNorm(D) for i in (1, 2, 3)}
    parts |= {name: MultiHeadCrossAttention(D, H) for name in ("self_attn", "cross_attn")}
    parts |= {"linear1": nn.Linear(D, D_FF), "linear2": nn.Linear(D_FF, D)}
    block = TransformerDecoderBlock(D, H, D_FF)
    has_parts("TransformerDecoderBlock(12, 3, 20)", block, parts, nn.ModuleDict(parts))
    ends = "self_attn.W_o", "cross_attn.W_o", "linear2"
    ref = nn.TransformerDecoderLayer(D, H, D_FF, 0.0, norm_first=True, batch_first=True)
    for alone, (sizes, heads) in zip((*ends, "", ""), (*SIZES, SIZES[0]), strict=True):
        block, given = TransformerDecoderBlock(D, heads, D_FF, 0.5 if alone else 0.0), two(*sizes)
        block = filled(block).train(not alone)
        what = f"{heads} heads, (B, L_q, L_k) {sizes}"
        if alone:
            for end in ends:
                for p in block.get_submodule(end).parameters() if end != alone else ():
                    nn.init.zeros_(p)
            what += f", of the branches only the one with {alone} is not 0"
        for part in (ref.self_attn, ref.multihead_attn):
            part.num_heads, part.head_dim = heads, D // heads
        later = torch.ones(sizes[1], sizes[1], dtype=torch.bool).triu(1)
        library = partial(with_mask, later)
        if alone:
            ref.load_state_dict(named_as_in(ref, dict(block.named_parameters())))
            got = [run(what, block, *given.values()), library(ref, *given.values())]
            alike(what, *got, 1e-4, "nn.TransformerDecoderLayer")
        else:
            as_this_one(what, partial(run, what), block, ref, given, library)


def masks(MultiHeadCrossAttention, TransformerDecoderBlock):
    attention = means(MultiHeadCrossAttention(4, 1), score=-4e4)
    block = made(TransformerDecoderBlock)  # one for all lengths: it keeps no mask
    for sizes in ((2, 5, 4), (3, 3, 3)):
        x_q, x_kv = torch.randn(*sizes[:2], 4), torch.rand(sizes[0], sizes[2], 4)
        for shown, mask in masks_of(sizes[0], 1, *sizes[1:]).items():
            seen = mask.expand(sizes[0], 1, *sizes[1:])[:, 0].float()
            want = seen @ x_kv / seen.sum(-1, keepdim=True)
            what = f"one head, equal scores, (B, L_q, L_k) {sizes}, mask {shown}: out, the mean of"
            close(run(what, attention, x_q, x_kv, mask), want, f"{what} what may be seen")
        x, memory = two(*sizes).values()
        for mask in (some_mask(sizes[0], H, *sizes[1:]), some_mask(H, *sizes[1:])):
            what = f"one TransformerDecoderBlock, x of 5, then 3 tokens, {told(mask)}, memory"
            may = mask.expand(sizes[0], H, *sizes[1:]).any(1)
            hides_tokens(what, partial(run, what, block, x, mask=mask), memory / 2, may)
        one = (torch.arange(sizes[2]) < 1).expand(sizes[1], -1)  # a mask of memory, none of x
        what = f"TransformerDecoderBlock, only token 0 of memory may be seen, x {tuple(x.shape)}"
        lower = torch.ones(sizes[1], sizes[1], dtype=torch.bool).tril().expand(sizes[0], -1, -1)
        call = partial(run, what, block, x_kv=memory, mask=one)
        hides_tokens(what, call, x, lower, itself=True)
        heads = torch.eye(H, sizes[2], dtype=torch.bool)[:, None]  # each sees one token
        one, every = (run("", block, x, memory, m) for m in (heads, heads.any(0)))
        what = "TransformerDecoderBlock, each head may attend to another token of memory: out"
        assert not torch.allclose(one, every, atol=1e-4), f"{what} as if each might to all of them"


def dropout(TransformerDecoderBlock):
    dropped("dropout=0.1, the default", TransformerDecoderBlock(D, H, D_FF), 0.1)
    block, mask = TransformerDecoderBlock(D, H, D_FF, dropout=0.4), torch.ones(5, 4).bool()
    dropped("dropout=0.4, a mask", block, 0.4, mask)
    out = run("dropout=0.4, train mode", filled(block), *two(2, 5, 4).values())
    attempt("dropout=0.4, train mode, backward", out.sum().backward)
    block, given = TransformerDecoderBlock(D, H, D_FF, 0.5).eval(), two(2, 5, 4).values()
    first, second = (run("eval mode", block, *given) for _ in range(2))
    same(first, second, "dropout=0.5 in eval mode: out, twice from one x")
    block, (x, memory) = TransformerDecoderBlock(D, H, D_FF, dropout=1.0), two(2, 5, 4).values()
    same(run("dropout=1.0", block, x, memory), x, "dropout=1.0 drops every branch: out, against x")


def empty(MultiHeadCrossAttention, TransformerDecoderBlock):
    attention, x_kv = means(MultiHeadCrossAttention(4, 2)), torch.tensor([[[1.0] * 4, [3.0] * 4]])
    nn.init.constant_(attention.W_o.bias, 7.0)
    some = torch.tensor([True, False])
    for shown, mask, want in (
        ("query 1", some[:, None], [[9.0] * 4, [7.0] * 4]),
        ("head 1", some[:, None, None], [[9.0, 9.0, 7.0, 7.0]] * 2),
    ):
        what = f"equal scores, x_kv of 1s and 3s, W_o.bias 7, {shown} may attend to nothing: out[0]"
        close(run(what, attention, torch.randn(1, 2, 4), x_kv, mask)[0], torch.tensor(want), what)
    for mask in (torch.zeros(5, 4, dtype=torch.bool), some[:, None, None, None]):
        block, (x, memory) = made(TransformerDecoderBlock), two(2, 5, 4).values()
        what, leaves = (
            f"TransformerDecoderBlock, {told(mask)}, some see nothing",
            {"memory": memory},
        )
        leaves |= leaves_of(block, x.requires_grad_())
        finite_gradients(what, run(what, block, x, memory.requires_grad_(), mask), leaves)


def dtypes(TransformerDecoderBlock):
    tols = ("bfloat16", torch.bfloat16, 2e-1), ("bfloat16 autocast", torch.float32, 1e-1)
    block, (x, memory) = made(TransformerDecoderBlock), two(2, 5, 4).values()
    block.register_buffer("memory", memory)  # so it has the dtype of the block
    fine = made(TransformerDecoderBlock).double()
    for m in (None, some_mask(2, H, 5, 4)):
        as_exact(lambda w, f, x, m: run(w, f, x, f.memory, m), block, x, m, tols)
        changes_by_little(lambda w, f, t, m: run(w, f, t, memory.double(), m), fine, x.double(), m)
        changes_by_little(lambda w, f, t, m: run(w, f, x.double(), t, m), fine, memory.double(), m)


def inputs(causal_attention, TransformerDecoderBlock):
    x, memory = torch.randn(5, 2, D).transpose(0, 1), torch.randn(4, D, 2).permute(2, 0, 1)
    block, other = made(TransformerDecoderBlock), TransformerDecoderBlock(D, H, D_FF, 0.4)
    with torch.no_grad():
        keeps_inputs(causal_attention, [x, x.flip(0), x.mT.contiguous().mT], (None,))
        keeps_inputs(block, [x, memory], (None, some_mask(2, H, 4, 5).mT), other.to("meta"))


CORE = (by_hand, causal, cross, wiring, masks, dropout)
EDGES = (empty, dtypes, inputs)


def made(TransformerDecoderBlock):
    return filled(TransformerDecoderBlock(D, H, D_FF, 0.0), 0.5)


def with_mask(later, run, x, memory):
    return run(x, memory, tgt_mask=later)


def two(b, rows, columns):
    return {"x": torch.randn(b, rows, D), "x_kv": 2 * torch.randn(b, columns, D) + 1}


def run(what, module, x, x_kv, mask=None):
    out = tensor(result(what, module, x, x_kv, None if mask is None else mask.clone()), what)
    equal(f"{what}: out has shape", tuple(out.shape), tuple(x.shape))
    equal(f"{what}: out is", out.dtype, x.dtype)
    return out


def means(attention, score=0.0):
    """Every score is equal; W_v and W_o are the identity: a mean of what may be seen."""
    for p in attention.parameters():
        nn.init.zeros_(p)
    nn.init.constant_(attention.W_q.bias, score)
    nn.init.ones_(attention.W_k.bias)
    nn.init.eye_(attention.W_v.weight)
    nn.init.eye_(attention.W_o.weight)
    return attention


def dropped(what, block, p, mask=None):
    """One branch at a time, made to give 1 everywhere: what is kept, and how much of it."""
    x, memory = torch.zeros(100, 5, D), torch.zeros(100, 4, D)
    memory[..., 0] = 1
    for branch, times in (("self_attn", 1), ("cross_attn", 1), ("feed-forward", 2)):
        with torch.no_grad():
            for parameter in block.parameters():
                parameter.zero_()
            for norm in (block.norm1, block.norm2, block.norm3):
                norm.bias[0] = 1
            if times == 1:
                block.get_submodule(branch).W_v.weight[:, 0] = 1
                block.get_submodule(branch).W_o.weight.copy_(torch.eye(D))
            else:
                block.linear1.weight[:, 0] = 1  # three of these feed four features each
                block.linear2.weight.copy_(torch.eye(3, D_FF).repeat_interleave(4, 0))
            out = run(what, block.train(), x, memory, mask)
        how, zeros = f"{what}, train mode, x of 0s, a {branch} branch of 1s:", out == 0
        four = "of fours of features" + " that come from one ReLU result" * (times == 2)
        for shown, share, want in (
            ("of its elements", zeros, 1 - (1 - p) ** times),
            (four, zeros.unflatten(2, (3, 4)).all(-1), p + (1 - p) * p**4 if times == 2 else p**4),
        ):
            share = share.float().mean().item()
            got = f"{how} {share:.3f} {shown} are dropped"
            assert abs(share - want) < 0.06, f"{got}, want {want:.3f} ± 0.06"
        kept = out[~zeros]
        close(kept, torch.full_like(kept, (1 - p) ** -times), f"{how} those that are kept", 1e-4)
        for dim, axis in enumerate(("sample", "token", "feature")):
            share = zeros.all(dim).float().mean().item()
            got = f"{how} {share:.3f} are dropped for every {axis} at once"
            assert share < p / 2, f"{got}, want next to none"
