"""A transformer encoder block, pre-LN: two residual branches, each with a norm in front.

The block is what a transformer repeats. Its residual path from input to output passes nothing but
two additions, which is why deep stacks of it train.

    d_model, num_heads, d_ff, dropout    features, heads, features between the two linear layers,
                                         probability of all dropouts
    x                (B, L, d_model)     any strides; not changed
    mask             bool, broadcastable to (B, num_heads, L, L), optional: [..., i, j] is True if
                     query i may attend to key j; each query may attend to at least one
    forward(x, mask) (B, L, d_model)     dtype and device of x

These five submodules hold all parameters, under the names they have in nn.TransformerEncoderLayer:

    self_attn          nn.MultiheadAttention, for x with d_model features, batch_first or not
    linear1, linear2   nn.Linear, d_model -> d_ff -> d_model, with a ReLU between them
    norm1, norm2       nn.LayerNorm with its defaults, in front of self_attn and of linear1

Each branch adds its result to what came into it: first self-attention, then the feed-forward net.
In train mode dropout acts on four things, each element by itself: the attention weights, the ReLU's
result, and the result of each branch before it is added. It works in float32, float64, bfloat16 and
under bfloat16 autocast. nn.TransformerEncoderLayer is refused, as a base and as a part.

Ask yourself: if both branches gave 0, what would come out? What does True mean to self_attn?
Paper: On Layer Normalization in the Transformer Architecture, https://arxiv.org/abs/2002.04745
"""

from functools import cache

import torch
from torch import Tensor, nn


class TransformerEncoderBlock(nn.Module):
    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.1) -> None:
        raise NotImplementedError("TransformerEncoderBlock.__init__")

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        raise NotImplementedError("TransformerEncoderBlock.forward")


D, H, D_FF = 12, 3, 20


def check(TransformerEncoderBlock):
    torch.manual_seed(0)
    block, ref = TransformerEncoderBlock(D, H, D_FF), library(H)
    got, want = ({n: tuple(p.shape) for n, p in m.named_parameters()} for m in (block, ref))
    assert got == want, f"TransformerEncoderBlock(12, 3, 20) has parameters {got}, want {want}"
    for name in ("self_attn", "linear1", "linear2", "norm1", "norm2"):
        part, kind = getattr(block, name), type(getattr(ref, name)).__name__
        assert isinstance(part, getattr(nn, kind)), f"{name} is {part!r}, want an nn.{kind}"
    whole = [m for m in block.modules() if isinstance(m, nn.TransformerEncoderLayer)]
    assert not whole, "there is an nn.TransformerEncoderLayer in the block, want your own wiring"

    for mode, dropout, heads, sizes in (
        ("train", 0.0, H, (2, 5)),
        ("eval", 0.5, H, (2, 5)),
        ("train", 0.0, 2, (1, 4)),
        ("eval", 0.5, D, (4, 1)),
        ("eval", 0.5, 2, (1, 1)),
    ):
        block = filled(TransformerEncoderBlock(D, heads, D_FF, dropout)).train(mode == "train")
        what = f"{heads} heads, dropout={dropout} in {mode} mode, x ({sizes[0]}, {sizes[1]}, {D})"
        x = torch.randn(sizes[1], sizes[0], D).transpose(0, 1)  # not contiguous
        block, ways = block.double(), masks(sizes[0], heads, sizes[1])
        for name in ways if mode == "train" and heads == H else ("no mask", "(B, H, L, L) mask"):
            compare(f"{what}, {name}", block, x, heads, ways[name], 1e-10)
    block = TransformerEncoderBlock(D, H, D_FF)
    check_dropout("TransformerEncoderBlock(12, 3, 20) in train mode, no mask", block, 0.1, None)
    dropping, own = TransformerEncoderBlock(D, H, D_FF, dropout=0.4), torch.eye(5, dtype=torch.bool)
    check_dropout("dropout=0.4 in train mode, an (L, L) mask", dropping, 0.4, own)
    block, x = filled(TransformerEncoderBlock(D, H, D_FF, 0.0)), torch.randn(2, 5, D)
    for mask in (None, masks(2, H, 5)["(B, H, L, L) mask"]):
        name = "no mask" if mask is None else "(B, H, L, L) mask"
        compare(f"float32, {name}", block.float(), x, H, mask, 1e-4)
        compare(f"bfloat16, {name}", block.bfloat16(), x, H, mask, 1e-1)
        with torch.autocast("cpu", torch.bfloat16):
            compare(f"bfloat16 autocast, {name}", block.float(), x, H, mask, 1e-1)
    compare("float32, x of size 1e-3, no mask", block.float(), x * 1e-3, H, None, 1e-4)
    for m in (None, mask):
        check_training(filled(dropping), x, m)
    block = filled(TransformerEncoderBlock(D, H, D_FF, dropout=1.0))
    out = run("dropout=1.0 in train mode", block, x, None)
    close(out, x, 0, "dropout=1.0 in train mode: both branches are dropped, want x itself")
    for m in (None, mask):
        check_other_device(block, x, m)


@cache
def library(heads):
    return nn.TransformerEncoderLayer(
        D, heads, D_FF, 0.0, norm_first=True, batch_first=True
    ).double()


def masks(b, heads, length):
    """Each way to use a mask; each query may attend to itself."""
    some = (torch.rand(b, heads, length, length) > 0.6) | torch.eye(length, dtype=torch.bool)
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    padding = torch.arange(length) < torch.randint(1, length + 1, (b, 1, 1, 1))
    return {
        "no mask": None,
        "(L, L) lower triangle": causal,
        "(B, 1, 1, L) padding": padding,
        "(1, L) padding": padding[0, 0],
        "(L,) padding": padding[0, 0, 0],
        "(H, L, L) mask": some[0],
        "(B, H, L, L) mask": some,
    }


def filled(block):
    """The block as it may be after some training: no two norms or biases are equal."""
    for p in block.parameters():
        nn.init.uniform_(p, -0.7, 0.7)
    return block


def compare(what, block, x, heads, mask, tolerance):
    """Output and all gradients against nn.TransformerEncoderLayer with the same weights."""
    dtype, ref = block.linear1.weight.dtype, library(heads)
    ref.load_state_dict(block.state_dict())
    x = x.to(dtype)
    x, exact = x.detach().requires_grad_(), x.detach().double().requires_grad_()
    hidden = None
    if mask is not None:
        hidden = ~mask.expand(len(x), heads, x.shape[1], x.shape[1]).flatten(0, 1)
    out = run(what, block, x, mask)
    with torch.autocast("cpu", enabled=False):
        want = ref(exact, src_mask=hidden)
    assert out.shape == x.shape, f"{what}: out is {tuple(out.shape)}, want {tuple(x.shape)}"
    assert out.dtype == dtype, f"{what}: out is {out.dtype}, want {dtype}"
    wrong = f"{what}: not what nn.TransformerEncoderLayer(norm_first=True) gives"
    close(out.double(), want, tolerance, wrong)
    names, upstream = ["x", *dict(ref.named_parameters())], torch.randn(x.shape, dtype=dtype)
    leaves = [x, *(block.get_parameter(n) for n in names[1:])]
    got = gradients(what, out, names, leaves, upstream)
    right = torch.autograd.grad(want, [exact, *ref.parameters()], upstream.double())
    if tolerance < 1e-3:  # else there are too few digits to compare gradients
        for name, g, w in zip(names, got, right, strict=True):
            close(g.double(), w, 10 * tolerance, f"{what}: the gradient of {name} is wrong")


def gradients(what, out, names, leaves, upstream):
    """The gradient of each leaf, each of them there and finite."""
    try:
        grads = torch.autograd.grad(out, leaves, upstream, allow_unused=True)
    except RuntimeError as error:
        raise AssertionError(f"{what}: want gradients, backward gives: {error}") from error
    for name, g in zip(names, grads, strict=True):
        assert g is not None, f"{what}: no gradient reaches {name}, want one"
        assert g.isfinite().all(), f"{what}: the gradient of {name} has NaN or inf, want none"
    return grads


def check_training(block, x, mask):
    """With dropout at work gradients still reach x and every parameter."""
    what = f"dropout=0.4 in train mode, {'no mask' if mask is None else '(B, H, L, L) mask'}"
    names, x = ["x", *dict(block.named_parameters())], x.clone().requires_grad_()
    out = run(what, block, x, mask)
    got = gradients(what, out, names, [x, *block.parameters()], torch.randn(x.shape))
    for name, g in zip(names, got, strict=True):
        assert g.any(), f"{what}: the gradient of {name} is 0 everywhere, want one that trains"


def check_dropout(what, block, p, own):
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
            out = block.train()(x, own)
        how = f"{what}, x of zeros, a {branch} branch of ones, after both dropouts"
        dropped = out == 0
        close(out, ~dropped * scale, 1e-4, f"{how}: not 0 or {scale:.3f}")
        share, want = dropped.float().mean().item(), 1 - (1 - p) ** 2
        assert abs(share - want) < 0.06, f"{how}: {share:.3f} are 0, want about {want:.3f}"
        for dim, axis in enumerate(("sample", "token", "feature")):
            share = dropped.all(dim).float().mean().item()
            assert share < p / 2 or dropped.shape[dim] == 1, (
                f"{how}: {share:.3f} are 0 for every {axis}, want next to none"
            )
        fours, want = dropped.unflatten(2, (3, 4)).all(-1), p + (1 - p) * p**4
        share = fours.float().mean().item()
        assert abs(share - want) < 0.06, (
            f"{how}: of the groups of four features that come from one {source}, {share:.3f} are "
            f"0 as a whole, want about {want:.3f}"
        )


def check_other_device(block, x, mask):
    """On torch's "meta" device, which holds no numbers, for code that makes tensors on the CPU."""
    what = "no mask" if mask is None else "a mask"
    what = f"block and inputs on the meta device, {what}, train mode: want all tensors there"
    try:
        out = block.to("meta")(x.to("meta"), mask if mask is None else mask.to("meta"))
    except RuntimeError as error:  # asking for a number is no mistake on a real device
        assert "cpu" not in str(error), f"{what}, got {error}"
        return
    assert out.is_meta, f"{what}, got out on {out.device}"


def run(what, block, x, mask):
    """The block's output, its inputs compared with their copies."""
    before = [t if t is None else t.detach().clone() for t in (x, mask)]
    try:
        out = block(x) if mask is None else block(x, mask)
    except (RuntimeError, IndexError, ValueError, AssertionError) as error:
        if isinstance(error, NotImplementedError):
            raise  # an open hole
        kind = type(error).__name__
        raise AssertionError(f"{what}: want a result, got {kind}: {error}") from error
    assert isinstance(out, Tensor), f"{what}: got {type(out).__name__}, want the output alone"
    for name, now, old in zip(("x", "mask"), (x, mask), before, strict=True):
        assert now is old or torch.equal(now, old), f"{what}: {name} was changed"
    return out


def close(got, want, tolerance, what):
    torch.testing.assert_close(
        got, want, rtol=tolerance, atol=tolerance, msg=lambda m: f"{what}\n{m}"
    )


if __name__ == "__main__":
    try:
        check(TransformerEncoderBlock)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_encoder_block.py")
