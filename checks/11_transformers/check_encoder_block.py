"""What challenge_encoder_block.py requires.

Only `wiring` compares with the library, without a mask; the others compare the answer with itself
(a hidden token changed) or make a branch give 1 everywhere.
"""

import copy

import torch
from torch import Tensor, nn

from checks.attention import (
    alike,
    as_the_library,
    finite_gradients,
    has_parts,
    keeps_inputs,
    leaves_of,
    masks_of,
    result,
    told,
)
from checks.tools import close, filled

D, H, D_FF = 12, 3, 20
CAUSAL, OWN = torch.ones(5, 5).tril().bool(), torch.eye(5, dtype=torch.bool)


def parts(TransformerEncoderBlock):
    block = TransformerEncoderBlock(D, H, D_FF)
    has_parts(
        "TransformerEncoderBlock(12, 3, 20)",
        block,
        ("self_attn", "linear1", "linear2", "norm1", "norm2"),
        library(),
    )
    eps = block.norm1.eps, block.norm2.eps
    assert eps == (1e-5, 1e-5), f"eps of norm1 and norm2 {eps}, want nn.LayerNorm's 1e-05"


def wiring(TransformerEncoderBlock):
    block = TransformerEncoderBlock(D, H, D_FF)
    whole = [m for m in block.modules() if isinstance(m, nn.TransformerEncoderLayer)]
    assert not whole, "there is an nn.TransformerEncoderLayer in the block"
    x = torch.randn(2, 5, D)
    for off in (("out_proj", "linear2"), ("linear2",), ("out_proj",)):
        block = made(TransformerEncoderBlock)
        for part in off:
            for p in (
                block.linear2 if part == "linear2" else block.self_attn.out_proj
            ).parameters():
                nn.init.zeros_(p)
        what = f"x (2, 5, 12), {' and '.join(off)} of zeros"
        if len(off) == 2:
            close(run(what, block, x), x, f"{what}: out, against x")
        else:
            like_the_library(what, block, H, x)
    samples_do_not_mix(TransformerEncoderBlock)
    for shown, heads, options, given in (
        ("train mode", H, {"train": True, "size": 2.0}, x),
        ("eval mode", 2, {}, torch.randn(1, 4, D)),
        ("eval mode", D, {}, torch.randn(4, 1, D)),
        ("dropout=0.5 in eval mode", H, {"dropout": 0.5}, x),
        ("x of size 1e-3", H, {}, x * 1e-3),
    ):
        what = f"x {tuple(given.shape)}, {heads} heads, {shown}"
        like_the_library(what, made(TransformerEncoderBlock, heads, **options), heads, given)


def masks(TransformerEncoderBlock):
    block = made(TransformerEncoderBlock)
    some = (torch.rand(3, H, 5, 5) > 0.5) | OWN
    hides(block, "a causal mask (L, L), L 2", CAUSAL[:2, :2], 2)
    hides(block, "a causal mask (L, L), L 5", CAUSAL, 5)
    padding = (torch.arange(5) < torch.tensor([3, 5, 1])[:, None])[:, None, None]
    hides(block, "padding (B, 1, 1, L)", padding, 5)
    hides(block, "a mask (B, H, L, L)", some, 5)
    x = torch.randn(3, 5, D)
    for mask in (torch.ones(5, 5, dtype=torch.bool), torch.ones(3, H, 5, 5, dtype=torch.bool)):
        what = f"a mask {tuple(mask.shape)} of True"
        close(run(what, block, x, mask), run(what, block, x), f"{what}: out, against no mask", 1e-4)


def dropout(TransformerEncoderBlock):
    dropped("dropout=0.1, the default", TransformerEncoderBlock(D, H, D_FF), 0.1, None)
    dropped("dropout=0.4, a mask", TransformerEncoderBlock(D, H, D_FF, dropout=0.4), 0.4, OWN)
    x = torch.randn(2, 5, D)
    what = "dropout=1.0 in train mode"
    out = run(what, made(TransformerEncoderBlock, dropout=1.0, train=True), x)
    close(out, x, f"{what} drops both branches: out, against x", 0)
    block = made(TransformerEncoderBlock, dropout=0.5)
    first, second = run("eval mode", block, x), run("eval mode", block, x)
    close(first, second, "dropout=0.5 in eval mode: out, twice from one x", 0)


def shapes(TransformerEncoderBlock):
    for b, heads, length in ((2, H, 5), (3, 3, 3), (1, 2, 4), (5, H, 5)):
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
    for mask in (None, (torch.rand(2, H, 5, 5) > 0.5) | OWN):
        want = run("", copy.deepcopy(block).double(), x.double(), mask)
        for name, dtype, tol in (
            ("float64", torch.float64, 1e-9),
            ("float32", torch.float32, 1e-4),
            ("bfloat16", torch.bfloat16, 2e-1),
            ("bfloat16 autocast", torch.float32, 1e-1),
        ):
            what = f"{name}, {told(mask)}"
            module, leaf = copy.deepcopy(block).to(dtype), x.to(dtype).requires_grad_()
            with torch.autocast("cpu", torch.bfloat16, enabled="autocast" in name):
                out = run(what, module, leaf, mask)
            assert out.dtype == dtype, f"{what}: out is {out.dtype}, want {dtype}"
            alike(what, out, want, tol, "float64")
            finite_gradients(what, out, leaves_of(module, leaf))


def inputs(TransformerEncoderBlock):
    x, some = torch.randn(5, 2, D).transpose(0, 1), (torch.rand(2, H, 5, 5) > 0.5) | OWN
    there = TransformerEncoderBlock(D, H, D_FF, 0.4).to("meta")
    keeps_inputs(made(TransformerEncoderBlock), [x], (None, some.mT, some[:, :1]), there)


CORE = (parts, wiring, masks, dropout)
EDGES = (shapes, training, dtypes, inputs)


def library(heads=H):
    return nn.TransformerEncoderLayer(D, heads, D_FF, 0.0, norm_first=True, batch_first=True)


def made(TransformerEncoderBlock, heads=H, dropout=0.0, train=False, size=0.7):
    return filled(TransformerEncoderBlock(D, heads, D_FF, dropout), size).train(train)


def run(what, block, x, mask=None):
    """The block's output."""
    what = what or f"x {tuple(x.shape)}, {told(mask)}"
    out = result(what, block, x, None if mask is None else mask.clone())
    assert isinstance(out, Tensor), f"{what}: got a {type(out).__name__}, want out alone"
    assert out.shape == x.shape, f"{what}: out {tuple(out.shape)}, want {tuple(x.shape)}"
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


def samples_do_not_mix(TransformerEncoderBlock):
    block = made(TransformerEncoderBlock)
    for b, length in ((2, 5), (5, 2), (3, 3)):
        x = torch.randn(b, length, D)
        other = torch.cat([x[:1], torch.randn(b - 1, length, D)])
        for mask in (None, torch.ones(length, length, dtype=torch.bool)):
            what = f"x ({b}, {length}, 12), {'no mask' if mask is None else 'a mask of True'}"
            got, want = run(what, block, other, mask)[0], run(what, block, x, mask)[0]
            close(got, want, f"{what}: out of sample 0 as the other samples change")
            alone = run(what, block, x[:1], mask)[0]
            close(want, alone, f"{what}: out of sample 0, against that sample alone", 1e-4)


def hides(block, shown, mask, length):
    """For each key: what may not attend to it stays, as that token changes."""
    x = torch.randn(3, length, D)
    may = mask.expand(3, block.self_attn.num_heads, length, length).any(1)
    want = run(f"x (3, {length}, 12), {shown}", block, x, mask)
    for key in range(length):
        other = x.clone()
        other[:, key] = torch.randn(3, D)  # a norm would undo adding a number
        stays = torch.isclose(run("", block, other, mask), want, atol=1e-5).all(-1)
        wrong = stays == may[..., key]
        wrong[:, key] = False
        for b, query in wrong.nonzero()[:1].tolist():
            raise AssertionError(
                f"sample {b}, {shown}: as token {key} changes, out of token {query} "
                + ("stays, though it may" if stays[b, query] else "changes, though it may not")
                + " attend to it"
            )


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
        assert abs(share - gone) < 0.06, (
            f"{how}: {share:.3f} of its elements are dropped, want {gone:.3f} ± 0.06"
        )
        kept = out[~zeros]
        close(kept, torch.full_like(kept, scale), f"{how}: those that are kept", 1e-4)
        for dim, axis in enumerate(("sample", "token", "feature")):
            share = zeros.all(dim).float().mean().item() if out.shape[dim] > 1 else 0
            told = f"{how}: {share:.3f} are dropped for every {axis} at once, want next to none"
            assert share < p / 2, told
        share = zeros.unflatten(2, (3, 4)).all(-1).float().mean().item()
        want = p + (1 - p) * p**4
        assert abs(share - want) < 0.06, (
            f"{how}: of the fours of features that come from one {source}, {share:.3f} are dropped "
            f"as a whole, want {want:.3f} ± 0.06"
        )
