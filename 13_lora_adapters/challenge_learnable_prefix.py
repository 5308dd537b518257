"""A learnable prefix: P vectors in front of every sequence, and nothing else that trains.

A frozen language model can be steered by the tokens before the text. Instead of searching for words
that steer it, learn their vectors by gradient descent.

    prefix_len, d_model    P and D, ints from 1 up. P < 1: ValueError
    .prefix                nn.Parameter (P, D)
    x                      (B, L, D); B and L may be 1, and 0 as well
    forward(x)             (B, P + L, D): in each sequence the P vectors first, then its L vectors

prefix starts as independent draws of torch's global generator from the normal distribution with
mean 0 and standard deviation 0.02, as token embeddings often do. It is the only parameter, and all
that state_dict() holds. The same prefix stands before each sequence; its gradient is the sum over
the batch. Gradients reach x as well.
The result has x's dtype (float32, float64 or bfloat16), even where prefix has another one, which it
keeps. It works on any device that module and x are moved to.
Train and eval mode compute the same. x is not changed.
x that has not three sizes, or whose last size is not D: RuntimeError or ValueError.
Besides its result, forward makes no tensor of B * P * D elements or more (B > 1): the prefix is
not copied for each sequence and then once more.

Ask yourself: how is a view possible that shows the same numbers B times?
Paper: Prefix-Tuning, section 4, https://arxiv.org/abs/2101.00190 (there at every layer, not one)
"""

from itertools import product

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


class LearnablePrefix(nn.Module):
    def __init__(self, prefix_len: int, d_model: int) -> None:
        raise NotImplementedError("LearnablePrefix.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("LearnablePrefix.forward")


def check(LearnablePrefix):
    torch.manual_seed(0)
    for P, D in ((2, 5), (1, 4), (3, 3), (4, 1)):
        what = f"LearnablePrefix({P}, {D})"
        layer = LearnablePrefix(P, D)
        got = {name: tuple(p.shape) for name, p in layer.named_parameters()}
        assert got == {"prefix": (P, D)}, f"{what}: parameters {got}, want prefix ({P}, {D}) alone"
        assert layer.prefix.requires_grad, f"{what}: prefix does not train, want it to"
        saved = list(layer.state_dict())
        assert saved == ["prefix"], f"{what}: state_dict() holds {saved}, want prefix alone"
        dtypes = (torch.float32, torch.float64, torch.bfloat16)
        sizes = ((4, 3), (1, 6), (3, 1), (P, P), (0, 2), (2, 0))
        for own in dtypes:
            layer = LearnablePrefix(P, D).to(own)
            for dtype, (B, L) in product(dtypes, sizes):
                layer.train((B + L) % 2 == 1)
                nn.init.normal_(layer.prefix)  # trained further since the last call
                call = f"{what} in {own}, x ({B}, {L}, {D}) in {dtype}"
                compare(call, layer, torch.randn(D, L, B).to(dtype).permute(2, 1, 0))
    check_draws(LearnablePrefix)
    check_memory(LearnablePrefix)
    check_training(LearnablePrefix)

    try:
        out = LearnablePrefix(2, 5).to("meta")(torch.randn(4, 3, 5, device="meta"))
    except RuntimeError as error:
        raise AssertionError(f"LearnablePrefix(2, 5), all on the meta device: {error}") from error
    assert out.is_meta, f"LearnablePrefix(2, 5), all on the meta device: result on {out.device}"
    for D in (5, 1):
        layer = LearnablePrefix(2, D)
        for shape in ((4, 3, D + 1), (4, 3, 1 if D > 1 else 5), (3, D), (D,), (0,), (2, 4, 3, D)):
            call = f"LearnablePrefix(2, {D}), x {shape}"
            must_raise(call, (RuntimeError, ValueError), layer, torch.randn(shape))
    for P in (0, -1):
        must_raise(f"LearnablePrefix({P}, 5)", (ValueError,), LearnablePrefix, P, 5)


def by_hand(prefix, x):
    """One sequence after the other, one vector after the other."""
    rows = [[*prefix.unbind(0), *sequence.unbind(0)] for sequence in x.unbind(0)]
    return torch.stack([torch.stack(vectors) for vectors in rows])


def compare(call, layer, x):
    leaf, before = x.clone().requires_grad_(), layer.prefix.detach().clone()
    given = leaf.clone()
    out = layer(given)
    B, L, D = x.shape
    want = (B, len(before) + L, D)
    assert out.shape == want, f"{call}: result {tuple(out.shape)}, want {want}"
    assert out.dtype == x.dtype, f"{call}: result {out.dtype}, want {x.dtype}"
    same(layer.prefix.detach(), before, f"{call}: prefix after the call")
    same(given.detach(), x, f"{call}: x after the call")
    if B == 0:
        return
    prefix = before.clone().requires_grad_()
    right = by_hand(prefix.to(x.dtype), leaf)
    same(out, right, f"{call}: result")
    upstream = torch.randint(-4, 5, out.shape).to(x.dtype)  # small ints: sums are exact
    grads = torch.autograd.grad(out, [layer.prefix, leaf], upstream, allow_unused=True)
    want = torch.autograd.grad(right, [prefix, leaf], upstream, allow_unused=L == 0)
    for name, g, w in zip(("prefix", "x"), grads, want, strict=True):
        if w is not None:
            assert g is not None, f"{call}: no gradient reaches {name}, want one"
            same(g, w, f"{call}: gradient of {name}")


def check_draws(LearnablePrefix):
    what = "LearnablePrefix(60, 80): prefix"
    first, second = (LearnablePrefix(60, 80).prefix.detach() for _ in range(2))
    mean, std = first.mean().item(), first.std().item()
    assert abs(std - 0.02) < 0.0015, f"{what} has standard deviation {std:.4f}, want 0.02"
    assert abs(mean) < 0.002, f"{what} has mean {mean:.4f}, want 0 within 0.002"
    far = (first.abs() > 0.04).double().mean().item()
    assert 0.025 < far < 0.065, f"{what}: {far:.1%} lie beyond 0.04 from 0, want about 4.6 %"
    distinct = first.unique().numel()
    assert distinct > 4000, f"{what} has {distinct} different numbers in 4800 places"
    assert not torch.equal(first, second), f"{what} of two new ones: twice the same numbers"
    draws = []
    for _ in range(2):
        torch.manual_seed(1)
        draws.append(LearnablePrefix(60, 80).prefix.detach())
    same(*draws, f"{what}, drawn twice after torch.manual_seed(1)")


def check_memory(LearnablePrefix):
    P, B, D = 6, 5, 4
    layer = LearnablePrefix(P, D)
    for dtype, L in product((torch.float32, torch.bfloat16), (2, 9)):
        x = torch.randn(D, L, B).to(dtype).permute(2, 1, 0)
        with BigTensors(B * P * D) as big:
            out = layer(x)
        result = out.untyped_storage().data_ptr()
        more = [tuple(t.shape) for t in big.made if t.untyped_storage().data_ptr() != result]
        assert not more, (
            f"LearnablePrefix({P}, {D}), x {tuple(x.shape)} in {dtype}: besides its result, it "
            f"made tensors of shape {more}, want none with {B * P * D} elements or more"
        )


def check_training(LearnablePrefix):
    """20 steps in front of a frozen network that mixes positions, beside a plain tensor."""
    P, L, D = 3, 4, 6
    layer = LearnablePrefix(P, D).double()
    prefix = layer.prefix.detach().clone().requires_grad_()
    mix = torch.randn(P + L, P + L, dtype=torch.float64)
    mine, right = (
        torch.optim.SGD(p, lr=0.1, momentum=0.9) for p in (list(layer.parameters()), [prefix])
    )
    for step in range(1, 21):
        x = torch.randn(5, L, D, dtype=torch.float64)
        for optimizer, own in ((mine, True), (right, False)):
            optimizer.zero_grad()
            out = layer(x) if own else by_hand(prefix, x)
            ((mix @ out).tanh() - 1).square().mean().backward()
            optimizer.step()
        same(layer.prefix, prefix, f"LearnablePrefix({P}, {D}): prefix after step {step}", 1e-9)


def same(got, want, what, tolerance=0):
    torch.testing.assert_close(
        got, want, rtol=tolerance, atol=tolerance, msg=lambda m: f"{what}: not what was wanted\n{m}"
    )


def must_raise(call, kinds, function, *args):
    want = " or ".join(kind.__name__ for kind in kinds)
    try:
        out = function(*args)
    except kinds:
        return
    except Exception as error:
        raise AssertionError(f"{call}: {error!r}, want {want}") from error
    got = f"a result {tuple(out.shape)}" if isinstance(out, Tensor) else "no error"
    raise AssertionError(f"{call}: {got}, want {want}")


class BigTensors(TorchDispatchMode):
    """Keeps every tensor that an op below it returns and that stores `size` elements or more."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.made: list[Tensor] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.untyped_storage().nbytes() >= self.size * out.itemsize:
            self.made.append(out)
        return out


if __name__ == "__main__":
    try:
        check(LearnablePrefix)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_learnable_prefix.py")
