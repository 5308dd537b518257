"""What challenge_encoder_block.py requires.

Only `wiring` compares with the library, without a mask; the others compare the answer with itself
(a hidden token changed) or make a branch give 1 everywhere.
"""

import copy

import torch
from torch import nn

from checks.attention import (
    CAUSAL,
    OWN,
    alike,
    as_exact,
    as_the_library,
    finite_gradients,
    has_parts,
    keeps_inputs,
    leaves_of,
    masks_of,
    some_mask,
    told,
)
from checks.tools import close, equal, filled, result_of, same

D, H, D_FF = 12, 3, 20


def parts(TransformerEncoderBlock):
    block = TransformerEncoderBlock(D, H, D_FF)
    names = "self_attn", "linear1", "linear2", "norm1", "norm2"
    has_parts("TransformerEncoderBlock(12, 3, 20)", block, names, library())
    equal("eps of norm1 and norm2:", (block.norm1.eps, block.norm2.eps), (1e-5, 1e-5))


def wiring(TransformerEncoderBlock):
    block = TransformerEncoderBlock(D, H, D_FF)
    whole = [m for m in block.modules() if isinstance(m, nn.TransformerEncoderLayer)]
    assert not whole, "there is an nn.TransformerEncoderLayer in the block"
    x = torch.randn(2, 5, D)
    for off in (("out_proj", "linear2"), ("linear2",), ("out_proj",)):
        block = made(TransformerEncoderBlock)
        for name, part in (("linear2", block.linear2), ("out_proj", block.self_attn.out_proj)):
            for p in part.parameters() if name in off else ():
                nn.init.zeros_(p)
        what = f"x (2, 5, 12), {' and '.join(off)} of zeros"
        if len(off) == 2:
            close(run(what, block, x), x, f"{what}: out, against x")
        else:
            like_the_library(what, block, H, x)
    for b, length in ((2, 5), (3, 3)):
        block, some = made(TransformerEncoderBlock), torch.randn(b, length, D)
        for mask in (None, torch.ones(length, length, dtype=torch.bool)):
            what = f"x {tuple(some.shape)}, {told(mask)}"
            out, alone = (run(what, block, t, mask)[0] for t in (some, some[:1]))
            close(out, alone, f"{what}: out of sample 0, against that sample alone", 1e-4)
    for shown, heads, options, given in (
        ("train mode", H, {"train": True, "size": 2.0}, x),
        ("dropout=0.5 in eval mode", 2, {"dropout": 0.5}, torch.randn(1, 4, D)),
        ("x of size 1e-3", D, {}, torch.randn(4, 1, D) * 1e-3),
    ):
        what = f"x {tuple(given.shape)}, {heads} heads, {shown}"
        like_the_library(what, made(TransformerEncoderBlock, heads, **options), heads, given)


def masks(TransformerEncoderBlock):
    block = made(TransformerEncoderBlock)
    padding = (torch.arange(5) < torch.tensor([3, 5, 1])[:, None])[:, None, None]
    hides(block, "a causal mask (L, L)", CAUSAL[:2, :2])
    hides(block, "padding (B, 1, 1, L)", padding)
    hides(block, "a mask (B, H, L, L)", some_mask(3, H, 5, 5))
    x, all_of = torch.randn(3, 5, D), torch.ones(5, 5, dtype=torch.bool)
    want, out = run("", block, x), run("", block, x, all_of)  # the one before had a mask
    close(out, want, "a mask (5, 5) of True: out, against no mask", 1e-4)
    each = OWN.repeat(3, H, 1, 1)
    each[:, 1] = True
    out, joined = (run("", block, x, mask) for mask in (each, each.any(1, keepdim=True)))
    what = "head 1 may attend to all, the others to the token itself"
    assert not torch.allclose(out, joined, atol=1e-4), f"{what}: out as if all heads might"


def dropout(TransformerEncoderBlock):
    dropped("dropout=0.1, the default", TransformerEncoderBlock(D, H, D_FF), 0.1, None)
    dropped("dropout=0.4, a mask", TransformerEncoderBlock(D, H, D_FF, dropout=0.4), 0.4, OWN)
    x = torch.randn(2, 5, D)
    what = "dropout=1.0 in train mode"
    out = run(what, made(TransformerEncoderBlock, dropout=1.0, train=True), x)
    same(out, x, f"{what} drops both branches: out, against x")
    block = made(TransformerEncoderBlock, dropout=0.5)
    first, second = run("eval mode", block, x), run("eval mode", block, x)
    same(first, second, "dropout=0.5 in eval mode: out, twice from one x")


def shapes(TransformerEncoderBlock):
    for b, heads, length in ((2, H, 5), (3, 3, 3)):
        block, x = made(TransformerEncoderBlock, heads), torch.randn(b, length, D)
        for name, mask in masks_of(b, heads, length, length).items():
            what = f"B {b}, H {heads}, L {length}, mask {name}"
            want = run(what, block, x, mask.expand(b, heads, length, length))
            alike(what, run(what, block, x, mask), want, 1e-4, "the mask expanded to (B, H, L, L)")


def training(TransformerEncoderBlock):
    for mask in (None, CAUSAL):
        block = made(TransformerEncoderBlock, dropout=0.4, train=True)
        x = torch.randn(2, 5, D, requires_grad=True)
        what = f"dropout=0.4 in train mode, {told(mask)}"
        grads = finite_gradients(what, run(what, block, x, mask), leaves_of(block, x))
        for name, g in grads.items():
            assert g.any(), f"{what}: the gradient of {name} is 0 everywhere"


def dtypes(TransformerEncoderBlock):
    block, x = made(TransformerEncoderBlock), torch.randn(2, 5, D)
    tols = (
        ("float64", torch.float64, 1e-9),
        ("bfloat16", torch.bfloat16, 2e-1),
        ("bfloat16 autocast", torch.float32, 1e-1),
    )
    for mask in (None, some_mask(2, H, 5, 5)):
        as_exact(run, block, x, mask, tols)


def inputs(TransformerEncoderBlock):
    x, some = torch.randn(5, 2, D).transpose(0, 1), some_mask(2, H, 5, 5)
    there = TransformerEncoderBlock(D, H, D_FF, 0.4).to("meta")
    keeps_inputs(made(TransformerEncoderBlock), [x], (None, some.mT), there)


CORE = (parts, wiring, masks, dropout)
EDGES = (shapes, training, dtypes, inputs)


def library(heads=H):
    return nn.TransformerEncoderLayer(D, heads, D_FF, 0.0, norm_first=True, batch_first=True)


def made(TransformerEncoderBlock, heads=H, dropout=0.0, train=False, size=0.7):
    return filled(TransformerEncoderBlock(D, heads, D_FF, dropout), size).train(train)


def run(what, block, x, mask=None):
    """The block's output."""
    what = what or f"x {tuple(x.shape)}, {told(mask)}"
    out = result_of(what, block, x, *([] if mask is None else [mask.clone()]))
    equal(f"{what}: out has shape", tuple(out.shape), tuple(x.shape))
    equal(f"{what}: out is", out.dtype, x.dtype)
    return out


def like_the_library(what, block, heads, x):
    """Output and gradients against nn.TransformerEncoderLayer with the same weights, in float64."""
    ref = library(heads).double().train()
    for name in ("norm1", "norm2"):  # `parts` minds what it is
        getattr(ref, name).eps = getattr(block, name).eps
    state = block.state_dict()
    ref.load_state_dict({name: state[name] for name in ref.state_dict()})
    pairs = []
    for module in (copy.deepcopy(block).double(), ref):
        leaf = x.double().requires_grad_()
        pairs.append((run(what, module, leaf), leaves_of(module, leaf)))
    as_the_library(what, "nn.TransformerEncoderLayer(norm_first=True)", *pairs, 1e-9)


def hides(block, shown, mask):
    """For each key: what may not attend to it stays, as that token changes."""
    length = mask.shape[-1]
    x, shown = torch.randn(3, length, D), f"{shown}, L {length}"
    may = mask.expand(3, block.self_attn.num_heads, length, length).any(1)
    want = run(f"x (3, {length}, 12), {shown}", block, x, mask)
    for key in range(length):
        other = x.clone()
        other[:, key] = torch.randn(3, D)  # a norm would undo adding a number
        stays = torch.isclose(run("", block, other, mask), want, atol=1e-5).all(-1)
        wrong = stays == may[..., key]
        wrong[:, key] = False
        for b, query in wrong.nonzero()[:1].tolist():
            does = "stays, though it may" if stays[b, query] else "changes, though it may not"
            what = f"sample {b}, {shown}: as token {key} changes, out of token {query}"
            raise AssertionError(f"{what} {does} attend to it")


def dropped(what, block, p, own):
    """One branch at a time, made to give 1 everywhere: its two dropouts scale by 1 / (1 - p).

    A token sees itself alone, by the mask own, or without a mask as the only token.
    """
    x = torch.zeros(1000, 1, D) if own is None else torch.zeros(200, 5, D)
    scale, gone = 1 / (1 - p) ** 2, 1 - (1 - p) ** 2
    for branch, source in (("self-attention", "attention weight"), ("feed-forward", "ReLU result")):
        with torch.no_grad():
            for parameter in block.parameters():
                parameter.zero_()
            if branch == "self-attention":
                block.norm1.bias[0] = 1  # x is 0, so this is its norm; one feature feeds all
                block.self_attn.in_proj_weight[2 * D :, 0] = 1
                block.self_attn.out_proj.weight.copy_(torch.eye(D))
            else:
                block.norm2.bias[0] = 1
                block.linear1.weight[:, 0] = 1  # three of these feed four features each
                block.linear2.weight.copy_(torch.eye(3, D_FF).repeat_interleave(4, 0))
            out = run(what, block.train(), x, own)
        how = f"{what}, train mode, x of 0s, a {branch} branch of 1s"
        zeros = out == 0
        share = zeros.float().mean().item()
        got = f"{how}: {share:.3f} of its elements are dropped"
        assert abs(share - gone) < 0.06, f"{got}, want {gone:.3f} ± 0.06"
        kept = out[~zeros]
        close(kept, torch.full_like(kept, scale), f"{how}: those that are kept", 1e-4)
        for dim, axis in enumerate(("sample", "token", "feature")):
            share = zeros.all(dim).float().mean().item() if out.shape[dim] > 1 else 0
            got = f"{how}: {share:.3f} are dropped for every {axis} at once"
            assert share < p / 2, f"{got}, want next to none"
        share = zeros.unflatten(2, (3, 4)).all(-1).float().mean().item()
        want = p + (1 - p) * p**4
        got = f"{how}: of the fours of features that come from one {source}, {share:.3f}"
        assert abs(share - want) < 0.06, f"{got} are dropped as a whole, want {want:.3f} ± 0.06"
