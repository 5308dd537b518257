"""Bug hunt 7: predicts without complaint, but training crashes at the first batch.

A colleague: "I trimmed the gated block for memory. The outputs are the same to the last digit, the
demo runs, and then loss.backward() dies."

    GatedResidual(dim, hidden)  layers norm, value, gate and out, as they are given here
    forward: x (*, dim)         any leading dims, in the layers' dtype (float32, float64, bfloat16)
                                and on their device
          -> (*, dim)           the same dtype and device; x itself is not changed

The values of forward are right and stay what they are: the layers, their names and the order of the
operations are no part of the problem. backward() gives every parameter, and x where it asks for it,
the exact gradient of what forward computes, also where blocks are stacked.

Run this file to see the crash, fix the class, run it again.
Ask yourself: what does each operation keep for the way back?
Paper: Conditional Image Generation with PixelCNN Decoders, section 2.1,
https://arxiv.org/abs/1606.05328
"""

import copy

import torch
from torch import Tensor, nn
from torch.func import functional_call


class GatedResidual(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.value = nn.Linear(dim, hidden)
        self.gate = nn.Linear(dim, hidden)
        self.out = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        h = torch.tanh(self.value(y))
        h *= torch.sigmoid(self.gate(y))
        h = self.out(h)
        h += x
        return h


def check(GatedResidual):
    torch.manual_seed(0)
    D, H = 4, 6
    blocks = nn.Sequential(GatedResidual(D, H), GatedResidual(D, H)).double()
    for p in blocks.parameters():  # LayerNorm's ones and zeros would hide too much
        nn.init.normal_(p, std=0.7)
    block, x = blocks[0], torch.randn(5, 3, D, dtype=torch.float64)
    gap = (block(x.clone()) - reference(block, x)).abs().max()
    print(f"forward: largest difference to the reference {gap:.1e}")
    crash = None
    try:
        block(x.clone()).square().mean().backward()
    except RuntimeError as error:
        crash = error
    named = dict(block.named_parameters())
    reached = sum(p.grad is not None for p in named.values())
    print(f"backward: {reached} of {len(named)} parameters got a gradient")
    if crash:
        what = f"the loss's backward() through GatedResidual({D}, {H}), x of shape {tuple(x.shape)}"
        raise AssertionError(f"{what}: RuntimeError: {crash}") from crash

    views = {"(3, 5, D), not contiguous": x.transpose(0, 1), "(5, D)": x[:, 0], "(D,)": x[0, 0]}
    for shape, y in {"(5, 3, D)": x, **views, "(1, D)": x[0, :1], "(0, D)": x[0, :0]}.items():
        for dtype, tol in ((torch.float64, 1e-10), (torch.float32, 1e-5), (torch.bfloat16, 5e-2)):
            what = f"x {shape}, {dtype}"
            block.to(dtype)
            given = y.to(dtype)
            kept, want = given.clone(), reference(block, given)
            got = block(given)
            assert got.shape == y.shape, f"{what}: shape {tuple(got.shape)}, want {tuple(y.shape)}"
            assert got.dtype == dtype, f"{what}: out is {got.dtype}"
            close(given, kept, f"{what}: forward changed its input", 0)
            close(got.double(), want, f"{what}: out differs from the float64 reference", tol)
        block.double()
    on_meta = GatedResidual(D, H).to("meta")(torch.randn(2, D, device="meta"))
    assert on_meta.is_meta, f"block and x on meta: out is on {on_meta.device}"

    x = torch.randn(2, 3, D, dtype=torch.float64)
    for model, name in ((block, "one block"), (blocks, "two blocks")):
        inputs = {"x": x, **{n: p.detach() for n, p in model.named_parameters()}}
        for key in inputs:
            check_gradient(model, inputs, key, f"{name}: gradient with respect to {key}")


def reference(block, x):
    """The block's output in float64; F.glu multiplies one half by the other's sigmoid."""
    exact, x = copy.deepcopy(block).double(), x.double()
    y = exact.norm(x)
    halves = [torch.tanh(exact.value(y)), exact.gate(y)]
    return x + exact.out(nn.functional.glu(torch.cat(halves, dim=-1)))


def check_gradient(model, inputs, key, what):
    """Against the slope of a random projection of the output along a random direction."""
    start = inputs[key].clone().requires_grad_()
    upstream, direction = torch.randn_like(inputs["x"]), torch.randn_like(start)

    def f(t):
        weights = inputs | {key: t}
        x = weights.pop("x")
        return (functional_call(model, weights, (x,)) * upstream).sum()

    projected = f(start)
    assert projected.requires_grad, f"{what}: there is none"
    (grad,) = torch.autograd.grad(projected, start, allow_unused=True)
    assert grad is not None, f"{what}: there is none"
    step = 1e-6 * direction
    with torch.no_grad():
        slope = (f(start + step) - f(start - step)) / 2e-6
    close((grad * direction).sum(), slope, f"{what}: not the slope that forward has", 1e-6)


def close(got, want, what, tol):
    torch.testing.assert_close(got, want, rtol=tol, atol=tol, msg=lambda m: f"{what}\n{m}")


if __name__ == "__main__":
    try:
        check(GatedResidual)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bug_7.py")
