"""What challenge_encoder_block.py requires.

Only `wiring` compares with the library, without a mask; the others compare the answer with itself
(a hidden token changed) or make a branch give 1 everywhere.
"""

import copy

import torch
from torch import Tensor, nn

from checks.attention import (
    attempt,
    finite_gradients,
    leaves_of,
    masks_of,
    on_other_device,
    told,
)
from checks.tools import close, filled, names_are, unchanged

D, H, D_FF = 12, 3, 20
KINDS = {
    "self_attn": nn.MultiheadAttention,
    "linear1": nn.Linear,
    "linear2": nn.Linear,
    "norm1": nn.LayerNorm,
    "norm2": nn.LayerNorm,
}


def parts(TransformerEncoderBlock):
    block = TransformerEncoderBlock(D, H, D_FF)
    for name, kind in KINDS.items():
        part = getattr(block, name, None)
        assert part is not None, f"TransformerEncoderBlock(12, 3, 20): missing: {name}"
        assert isinstance(part, kind), f"{name} is {part!r}, want an nn.{kind.__name__}"
    got, want = ({n: tuple(p.shape) for n, p in m.named_parameters()} for m in (block, library()))
    names_are(got, want, "TransformerEncoderBlock(12, 3, 20), parameters")
    for name in want:
        assert got[name] == want[name], f"{name} has shape {got[name]}, want {want[name]}"
    eps = block.norm1.eps, block.norm2.eps
    assert eps == (1e-5, 1e-5), f"eps of norm1 and norm2 {eps}, want nn.LayerNorm's 1e-05"


def wiring(TransformerEncoderBlock):
    block = TransformerEncoderBlock(D, H, D_FF)
    whole = [m for m in block.modules() if isinstance(m, nn.TransformerEncoderLayer)]
    assert not whole, "there is an nn.TransformerEncoderLayer in the block"
    x = torch.randn(2, 5, D)
    for off in (("out_proj", "linear2"), ("linear2",), ("out_proj",)):
        block = filled(TransformerEncoderBlock(D, H, D_FF, 0.0)).eval()
        for part in off:
            zero(block.linear2 if part == "linear2" else block.self_attn.out_proj)
        what = f"x (2, 5, 12), {' and '.join(off)} of zeros"
        if len(off) == 2:
            close(run(what, block, x), x, f"{what}: out, against x")
        else:
            like_the_library(what, block, H, x)
    samples_do_not_mix(TransformerEncoderBlock)
    for heads, sizes, train in ((H, (2, 5), True), (2, (1, 4), False), (D, (4, 1), False)):
        block = filled(TransformerEncoderBlock(D, heads, D_FF, 0.0)).train(train)
        x = torch.randn(*sizes, D)
        like_the_library(f"x {tuple(x.shape)}, {heads} heads, no mask", block, heads, x)
    block = filled(TransformerEncoderBlock(D, H, D_FF, 0.5)).eval()
    like_the_library("dropout=0.5 in eval mode", block, H, torch.randn(2, 5, D))
    like_the_library("x of size 1e-3", block, H, torch.randn(2, 5, D) * 1e-3)


def masks(TransformerEncoderBlock):
    block = filled(TransformerEncoderBlock(D, H, D_FF, 0.0)).eval()
    for length in (2, 5):
        causal = torch.ones(length, length, dtype=torch.bool).tril()
        hides(block, f"a causal mask (L, L), L {length}", causal, length)
    padding = (torch.arange(5) < torch.tensor([3, 5, 1])[:, None])[:, None, None]
    hides(block, "padding (B, 1, 1, L)", padding, 5)
    some = (torch.rand(3, H, 5, 5) > 0.5) | torch.eye(5, dtype=torch.bool)
    hides(block, "a mask (B, H, L, L)", some, 5)
    x = torch.randn(3, 5, D)
    for mask in (torch.ones(5, 5, dtype=torch.bool), torch.ones(3, H, 5, 5, dtype=torch.bool)):
        what = f"a mask {tuple(mask.shape)} of True"
        close(run(what, block, x, mask), run(what, block, x), f"{what}: out, against no mask", 1e-4)


def dropout(TransformerEncoderBlock):
    own = torch.eye(5, dtype=torch.bool)
    dropped("dropout=0.1, the default", TransformerEncoderBlock(D, H, D_FF), 0.1, None)
    dropped("dropout=0.4, a mask", TransformerEncoderBlock(D, H, D_FF, dropout=0.4), 0.4, own)
    x = torch.randn(2, 5, D)
    block = filled(TransformerEncoderBlock(D, H, D_FF, dropout=1.0)).train()
    out = run("dropout=1.0 in train mode", block, x)
    close(out, x, "dropout=1.0 in train mode drops both branches: out, against x", 0)
    block = filled(TransformerEncoderBlock(D, H, D_FF, 0.5)).eval()
    first, second = run("eval mode", block, x), run("eval mode", block, x)
    close(first, second, "dropout=0.5 in eval mode: out, twice from one x", 0)


def shapes(TransformerEncoderBlock):
    for b, heads, length in ((2, H, 5), (3, 3, 3), (1, 2, 4), (5, H, 5)):
        block = filled(TransformerEncoderBlock(D, heads, D_FF, 0.0)).eval()
        x = torch.randn(b, length, D)
        for name, mask in masks_of(b, heads, length, length).items():
            what = f"B {b}, H {heads}, L {length}, mask {name}"
            want = run(what, block, x, mask.expand(b, heads, length, length))
            got = run(what, block, x, mask)
            close(got, want, f"{what}: out, against the mask expanded to (B, H, L, L)", 1e-4)


def training(TransformerEncoderBlock):
    for mask, shown in ((None, "no mask"), (torch.ones(5, 5).tril().bool(), "a causal mask")):
        block = filled(TransformerEncoderBlock(D, H, D_FF, 0.4)).train()
        x = torch.randn(2, 5, D, requires_grad=True)
        what = f"dropout=0.4 in train mode, {shown}"
        out = run(what, block, x, mask)
        for name, g in finite_gradients(what, out, leaves_of(block, x)).items():
            assert g.any(), f"{what}: the gradient of {name} is 0 everywhere"


def dtypes(TransformerEncoderBlock):
    some = (torch.rand(2, H, 5, 5) > 0.5) | torch.eye(5, dtype=torch.bool)
    for mask, shown in ((None, "no mask"), (some, "a mask")):
        block, x = filled(TransformerEncoderBlock(D, H, D_FF, 0.0)).eval(), torch.randn(2, 5, D)
        want = run(shown, copy.deepcopy(block).double(), x.double(), mask)
        for name, dtype, tol in (
            ("float64", torch.float64, 1e-9),
            ("float32", torch.float32, 1e-4),
            ("bfloat16", torch.bfloat16, 2e-1),
            ("bfloat16 autocast", torch.float32, 1e-1),
        ):
            what = f"{name}, {shown}"
            module, leaf = copy.deepcopy(block).to(dtype), x.to(dtype).requires_grad_()
            with torch.autocast("cpu", torch.bfloat16, enabled="autocast" in name):
                out = run(what, module, leaf, mask)
            assert out.dtype == dtype, f"{what}: out is {out.dtype}, want {dtype}"
            close(out.double(), want, f"{what}: out, against float64", tol)
            finite_gradients(what, out, leaves_of(module, leaf))


def inputs(TransformerEncoderBlock):
    block = filled(TransformerEncoderBlock(D, H, D_FF, 0.0)).eval()
    x = torch.randn(5, 2, D).transpose(0, 1)  # not contiguous
    some = (torch.rand(2, H, 5, 5) > 0.5) | torch.eye(5, dtype=torch.bool)
    for mask, shown in ((None, "no mask"), (some.mT, "a mask"), (some[:, :1], "a mask")):
        what = f"x not contiguous, {shown}"
        with unchanged(what, *([x] if mask is None else [x, mask])):
            got = run(what, block, x, mask)
        want = run(what, block, x.contiguous(), mask if mask is None else mask.contiguous())
        close(got, want, f"{what}: out, against contiguous inputs", 1e-4)
        on_other_device(TransformerEncoderBlock(D, H, D_FF, 0.4).to("meta"), x, mask)


CORE = (parts, wiring, masks, dropout)
EDGES = (shapes, training, dtypes, inputs)


def library(heads=H):
    return nn.TransformerEncoderLayer(D, heads, D_FF, 0.0, norm_first=True, batch_first=True)


def zero(linear):
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)


def run(what, block, x, mask=None):
    """The block's output."""
    out = attempt(what or f"x {tuple(x.shape)}, {told(mask)}", block, x, mask)
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
    block, leaf, exact = (
        copy.deepcopy(block).double(),
        *(x.double().requires_grad_() for _ in range(2)),
    )
    out, want = run(what, block, leaf), ref(exact)
    close(out, want, f"{what}: out, against nn.TransformerEncoderLayer(norm_first=True)", 1e-9)
    seed = torch.initial_seed()
    torch.manual_seed(seed)  # the same upstream gradients for both
    got = finite_gradients(what, out, leaves_of(block, leaf))
    torch.manual_seed(seed)
    right = finite_gradients("the library", want, leaves_of(ref, exact))
    for name, w in right.items():
        close(got[name], w, f"{what}: the gradient of {name}", 1e-8)


def samples_do_not_mix(TransformerEncoderBlock):
    block = filled(TransformerEncoderBlock(D, H, D_FF, 0.0)).eval()
    for b, length in ((2, 5), (5, 2), (3, 3)):
        x = torch.randn(b, length, D)
        other = x.clone()
        other[1:] = torch.randn(b - 1, length, D)  # a norm would undo adding a number
        for mask in (None, torch.ones(length, length, dtype=torch.bool)):
            what = f"x ({b}, {length}, 12), {'no mask' if mask is None else 'a mask of True'}"
            got, want = run(what, block, other, mask)[0], run(what, block, x, mask)[0]
            close(got, want, f"{what}: out of sample 0 as the other samples change")
            alone = run(what, block, x[:1], mask)[0]
            close(want, alone, f"{what}: out of sample 0, against that sample alone", 1e-4)


def hides(block, shown, mask, length):
    """For each key: what may not attend to it stays, as that token changes."""
    x = torch.randn(3, length, D)
    may = mask.expand(3, block.self_attn.num_heads, length, length)
    want = run(f"x (3, {length}, 12), {shown}", block, x, mask)
    for key in range(length):
        other = x.clone()
        other[:, key] = torch.randn(3, D)  # a norm would undo adding a number
        got = run("", block, other, mask)
        for b in range(3):
            for query in range(length):
                hidden, own = not may[b, :, query, key].any(), query == key
                same = torch.allclose(got[b, query], want[b, query], atol=1e-5)
                where = f"sample {b}, {shown}: as token {key} changes, out of token {query}"
                if hidden and not own:
                    assert same, f"{where} changes, though it may not attend to it"
                elif not hidden and not own:
                    assert not same, f"{where} stays, though it may attend to it"


def dropped(what, block, p, own):
    """One branch at a time, made to give 1 everywhere: its two dropouts scale by 1 / (1 - p).

    A token sees itself alone, by the mask own, or without a mask as the only token.
    """
    x = torch.zeros(1000, 1, D) if own is None else torch.zeros(200, 5, D)
    scale = 1 / (1 - p) ** 2
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
        share, want = zeros.float().mean().item(), 1 - (1 - p) ** 2
        assert abs(share - want) < 0.06, (
            f"{how}: {share:.3f} of its elements are dropped, want {want:.3f} ± 0.06"
        )
        kept = out[~zeros]
        close(kept, torch.full_like(kept, scale), f"{how}: those that are kept", 1e-4)
        for dim, axis in enumerate(("sample", "token", "feature")):
            if out.shape[dim] > 1:
                share = zeros.all(dim).float().mean().item()
                told = f"{how}: {share:.3f} are dropped for every {axis} at once, want next to none"
                assert share < p / 2, told
        fours, want = zeros.unflatten(2, (3, 4)).all(-1), p + (1 - p) * p**4
        share = fours.float().mean().item()
        assert abs(share - want) < 0.06, (
            f"{how}: of the fours of features that come from one {source}, {share:.3f} are dropped "
            f"as a whole, want {want:.3f} ± 0.06"
        )
