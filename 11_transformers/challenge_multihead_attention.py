"""Multi-head self-attention: H small attentions side by side, and a projection that mixes them.

One attention gives a token one weighted mean. With H heads a token looks at H places at once, each
head with its own D/H features of queries, keys and values.

    d_model, num_heads    D and H, at least 1; ValueError unless D is divisible by H
    dropout               probability to drop an attention weight
    x                     (B, L, D)
    mask                  bool, broadcastable to (B, H, L, L), optional: [..., i, j] is True if
                          query i may attend to key j
    forward(x, mask)      (B, L, D), dtype and device of x: the output alone

Four attributes, W_q, W_k, W_v and W_out, each an nn.Linear from D to D with bias, hold all the
parameters. Head h has features h * D/H to (h + 1) * D/H, the end excluded, of the first three's
results; its own result takes the same place in what W_out gets. Scores are divided by sqrt(D/H).
A hidden token has no influence on those that may not attend to it, whatever numbers up to 1e15 it
holds, as long as its projections are finite; its scores may overflow. Where a query may attend to
nothing, its head's result is zero and gradients stay finite. In train mode only, each attention
weight (sample, head, query, key) by itself is dropped by the rule of nn.Dropout, a probability of 1
included; weights are not normalized again.
It works in float16, bfloat16, float32 and float64, as exactly as they allow and for scores of 1e4
(float16 ends at 65504). Under bfloat16 autocast the result may have any floating dtype. Any strides
and device. Inputs are not changed. torch's own attention is refused, in any form; softmax is not.
Ask yourself: which axes does each matmul work on, and which does it only repeat over?
Paper: Attention Is All You Need, section 3.2.2, https://arxiv.org/abs/1706.03762
"""

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.1) -> None:
        raise NotImplementedError("MultiHeadAttention.__init__")

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        raise NotImplementedError("MultiHeadAttention.forward")


B, L, D, H = 2, 5, 12, 3


def check(MultiHeadAttention):
    torch.manual_seed(0)
    module = MultiHeadAttention(D, H)
    got = {name: tuple(p.shape) for name, p in module.named_parameters()}
    want = {f"{part}.weight": (D, D) for part in ("W_q", "W_k", "W_v", "W_out")}
    want |= {f"{part}.bias": (D,) for part in ("W_q", "W_k", "W_v", "W_out")}
    assert got == want, f"MultiHeadAttention(12, 3) has parameters {got}, want {want}"
    for part in ("W_q", "W_k", "W_v", "W_out"):
        linear = isinstance(getattr(module, part), nn.Linear)
        assert linear, f"{part} is {getattr(module, part)!r}, want an nn.Linear"

    for heads, b, length in ((H, B, L), (H, L, H), (H, 1, L), (H, B, 1), (1, B, L), (D, B, L)):
        module = filled(MultiHeadAttention(D, heads, dropout=0.0)).double()
        x, ways = torch.randn(length, b, D).transpose(0, 1), masks(b, heads, length)
        for name in ways if heads == H and b > 1 < length else ("no mask", "(B, H, L, L) mask"):
            compare(module, heads, x, name, ways[name], 1e-10)  # x is not contiguous

    check_dropout("MultiHeadAttention(36, 3)", MultiHeadAttention(36, 3), 0.1, None)
    all_visible = torch.ones(6, dtype=torch.bool)
    check_dropout("dropout=0.4", MultiHeadAttention(36, 3, dropout=0.4), 0.4, all_visible)
    for sizes in ((10, 3), (3, 10), (12, 5)):
        try:
            MultiHeadAttention(*sizes)
        except ValueError:
            continue
        raise AssertionError(f"MultiHeadAttention{sizes}: no error, want ValueError")

    x, mask = torch.randn(B, L, D), masks(B, H, L)["(B, H, L, L) mask"]
    low = ((torch.bfloat16, 1e-1), (torch.float16, 2e-2), (torch.float32, 2e-5))
    module = filled(MultiHeadAttention(D, H, dropout=0.5)).eval()
    for dtype, tolerance in low:
        for name, m in (("no mask", None), ("(B, H, L, L) mask", mask)):
            compare(module.to(dtype), H, x, f"dropout=0.5 in eval mode, {name}", m, tolerance)
        check_large_scores(MultiHeadAttention(128, 2, dropout=0.0).to(dtype))
    with torch.autocast("cpu", torch.bfloat16):
        out = run("bfloat16 autocast", module, x, mask)
    want = library(weights_of(module), H, x.double(), mask)
    close(out.double(), want, 1e-1, "bfloat16 autocast: out is wrong")
    check_finite("bfloat16 autocast", module, out)
    check_hidden_tokens(module, x)
    module = filled(MultiHeadAttention(D, H, dropout=1.0))
    out = run("dropout=1.0 in train mode", module, x, None)
    bias = module.W_out.bias.expand_as(x)
    close(out, bias, 1e-6, "dropout=1.0 in train mode: all weights are 0, want W_out.bias")
    module = filled(MultiHeadAttention(D, H, dropout=0.4))
    for name, m in (("no mask", None), ("(B, H, L, L) mask", mask)):
        check_training(f"dropout=0.4 in train mode, {name}", module, x, m)
    for m in (None, mask):
        check_other_device(module, x, m)


def masks(b, heads, length):
    """Each way to use a mask; with some of them a query may attend to nothing."""
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    padding = torch.arange(length) < torch.randint(1, length + 1, (b, 1, 1, 1))
    some = torch.rand(b, heads, length, length) > 0.5
    some[:, -1, 0] = False
    return {
        "no mask": None,
        "(L,) padding": padding[-1, 0, 0],
        "(L, 1) mask": (torch.arange(length) > 0)[:, None],
        "(L, L) lower triangle": causal,
        "(B, 1, L, L) triangle and padding": causal & padding,
        "(H, L, L) mask": some[0] | torch.eye(length, dtype=torch.bool),
        "(B, H, L, L) mask": some,
        "(B, 1, 1, L) padding": padding & (torch.arange(b) > 0)[:, None, None, None],
    }


def filled(module):
    """The module as it may be after some training: no bias is zero."""
    for p in module.parameters():
        nn.init.uniform_(p, -0.7, 0.7)
    return module


def weights_of(module):
    """The module's parameters as leaves of their own in float64."""
    return {name: p.detach().double().requires_grad_() for name, p in module.named_parameters()}


def library(p, heads, x, mask):
    """What nn.MultiheadAttention computes with the weights p; its True means hidden."""
    if mask is not None:
        mask = ~mask.expand(len(x), heads, x.shape[1], x.shape[1]).flatten(0, 1)
    out, _ = nn.functional.multi_head_attention_forward(
        *[x.transpose(0, 1)] * 3,  # query, key and value, each (L, B, D)
        embed_dim_to_check=x.shape[-1],
        num_heads=heads,
        in_proj_weight=None,
        in_proj_bias=torch.cat([p[f"W_{part}.bias"] for part in "qkv"]),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=p["W_out.weight"],
        out_proj_bias=p["W_out.bias"],
        need_weights=False,  # with weights, a fully masked row gives NaN
        attn_mask=mask,
        use_separate_proj_weight=True,
        **{f"{part}_proj_weight": p[f"W_{part}.weight"] for part in "qkv"},
    )
    return out.transpose(0, 1)


def compare(module, heads, x, name, mask, tolerance):
    """Output and all gradients against nn.MultiheadAttention with the same weights."""
    dtype, exact = module.W_q.weight.dtype, weights_of(module)
    what = f"d_model {D}, {heads} heads, x {tuple(x.shape)}, {name}, {dtype}"
    leaves = {"x": x.to(dtype).requires_grad_(), **dict(module.named_parameters())}
    exact = {"x": leaves["x"].detach().double().requires_grad_(), **exact}
    out, want = run(what, module, leaves["x"], mask), library(exact, heads, exact["x"], mask)
    assert out.shape == x.shape, f"{what}: out is {tuple(out.shape)}, want {tuple(x.shape)}"
    assert out.dtype == dtype, f"{what}: out is {out.dtype}, want {dtype}"
    close(out.double(), want, tolerance, f"{what}: not what nn.MultiheadAttention gives")
    upstream = torch.randn(x.shape, dtype=dtype)
    got = gradients(what, out, leaves, upstream)
    if tolerance > 1e-3:  # too few digits to compare gradients
        return
    right = torch.autograd.grad(want, [exact[n] for n in leaves], upstream.double())
    for n, w in zip(leaves, right, strict=True):
        close(got[n].double(), w, 10 * tolerance, f"{what}: the gradient of {n} is wrong")


def gradients(what, out, leaves, upstream):
    """The gradient of each leaf by its name, each of them there and finite."""
    try:
        grads = torch.autograd.grad(out, list(leaves.values()), upstream, allow_unused=True)
    except RuntimeError as error:
        raise AssertionError(f"{what}: want gradients, backward gives: {error}") from error
    for n, g in zip(leaves, grads, strict=True):
        assert g is not None, f"{what}: no gradient reaches {n}, want one"
        assert g.isfinite().all(), f"{what}: the gradient of {n} has NaN or inf, want none"
    return dict(zip(leaves, grads, strict=True))


def check_finite(what, module, out):
    gradients(what, out, dict(module.named_parameters()), torch.randn(out.shape).to(out.dtype))


def check_training(what, module, x, mask):
    """With dropout at work gradients still reach x and all weights."""
    leaves = {"x": x.clone().requires_grad_(), **dict(module.named_parameters())}
    out = run(what, module, leaves["x"], mask)
    got = gradients(what, out, leaves, torch.randn(x.shape))
    for n in ("x", "W_q.weight", "W_k.weight", "W_v.weight", "W_out.weight"):
        assert got[n].any(), f"{what}: the gradient of {n} is 0 everywhere, want one that trains"


def check_large_scores(module):
    """A token fits itself, or misfits it, with a score of 1e4 in size, others with half of it."""
    dtype, own = module.W_q.weight.dtype, torch.eye(5) > 0
    x = torch.eye(5, 64).repeat(1, 1, 2).to(dtype)  # (1, 5, 128), the same in both heads
    fit = 141.4 * (torch.ones(64, 64) + torch.eye(64))
    for sign, mask in ((1, None), (-1, own)):
        with torch.no_grad():
            module.W_q.weight.copy_(282.8 * torch.eye(128))
            module.W_k.weight.copy_(sign * torch.block_diag(fit, fit))
            module.W_q.bias.zero_()
            module.W_k.bias.zero_()
        shown = "no mask" if mask is None else "each token may attend to itself only"
        what = f"{dtype}, scores of {sign}e4 of tokens with themselves, else half of it, {shown}"
        out = run(what, module, x, mask)
        close(out, module.W_out(module.W_v(x)), 2e-2, f"{what}: not W_out(W_v(x))")
        check_finite(what, module, out)


def check_hidden_tokens(module, x):
    visible = torch.tensor([True, False, True, True, False])
    with torch.no_grad():  # queries fit token 1 so well that in float16 scores are infinite
        module.W_q.bias.copy_(8 * module.W_k.weight[:, 1])
    for dtype, size, tolerance in (
        (torch.float32, 1e15, 2e-5),
        (torch.bfloat16, 1e15, 1e-1),
        (torch.float16, 6e4, 2e-2),
    ):
        what = f"{dtype}, hidden tokens hold {size:.0e}"
        module, x = module.to(dtype), x.to(dtype)
        loud = torch.where(visible[:, None], x, size * torch.eye(L, D, dtype=dtype))
        got = run(what, module, loud, visible[None])[:, visible]
        want = library(weights_of(module), H, x[:, visible].double(), None)
        close(got.double(), want, tolerance, f"{what}: the others are not as without them")


def check_dropout(what, module, p, mask):
    """Features 2j and 2j + 1 of head h show the weight of key j in head h."""
    n, length, heads = 4, 6, 3
    x = torch.eye(length, 36).expand(n, -1, -1)
    with torch.no_grad():
        module.W_v.weight.copy_(torch.eye(36)[:length].repeat_interleave(2, 0).repeat(heads, 1))
        module.W_out.weight.copy_(torch.eye(36))
        module.W_v.bias.zero_()
        module.W_out.bias.zero_()
        plain = module.eval()(x, mask).view(n, length, heads, length, 2)
        now = module.train()(x, mask).view(n, length, heads, length, 2)
    shown = "no mask" if mask is None else "a mask of True"
    what = f"{what} in train mode, {shown}, weights with dropout divided by those without"
    ratio = now / plain
    close(ratio[..., 0], ratio[..., 1], 1e-4, f"{what}: differ from feature to feature")
    dropped = ratio[..., 0] < 0.5
    close(ratio[..., 0], ~dropped / (1 - p), 1e-4, f"{what}: not 0 or {1 / (1 - p):.3f}")
    share, slack = dropped.float().mean().item(), 6 * (p * (1 - p) / dropped.numel()) ** 0.5
    assert abs(share - p) < slack, f"{what}: {share:.3f} are 0, want {p} ± {slack:.3f}"
    for dim, axis in enumerate(("sample", "query", "head", "key")):
        same = torch.equal(dropped.any(dim), dropped.all(dim))
        assert not same, f"{what}: the same are dropped for every {axis}"


def check_other_device(module, x, mask):
    """On torch's "meta" device, which holds no numbers, for code that makes tensors on the CPU."""
    what = "no mask" if mask is None else "a mask"
    what = f"module and inputs on the meta device, {what}, train mode: want all tensors there"
    try:
        out = module.to("meta")(x.to("meta"), mask if mask is None else mask.to("meta"))
    except RuntimeError as error:  # asking for a number is no mistake on a real device
        assert "cpu" not in str(error), f"{what}, got {error}"
        return
    assert out.is_meta, f"{what}, got out on {out.device}"


def run(what, module, x, mask):
    """The module's output, without library attention, its inputs compared with their copies."""
    before = [t if t is None else t.detach().clone() for t in (x, mask)]
    try:
        with NoLibraryAttention():
            out = module(x) if mask is None else module(x, mask)
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


class NoLibraryAttention(TorchFunctionMode):
    """Sees every torch function called below it, however it was imported."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        assert "attention" not in name, f"{name} was called: torch's own is refused here"
        return func(*args, **(kwargs or {}))


if __name__ == "__main__":
    try:
        check(MultiHeadAttention)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_multihead_attention.py")
