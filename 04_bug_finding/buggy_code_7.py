"""Bug hunt 7: predicts without complaint, but training crashes at the first batch.

A colleague: "I trimmed the gated block for memory. The outputs are the same to the last digit, the
demo runs, and then loss.backward() dies."

    GatedResidual(dim, hidden)  layers norm, value, gate and out, as they are given here
    forward: x (*, dim)         any leading dims, in the layers' dtype (float32, float64, bfloat16)
                                and on their device
          -> (*, dim)           the same dtype and device; x itself is not changed

The values of forward are right and stay what they are: the layers, their names and the order of the
operations are no part of the problem. backward() gives every parameter and x, where they ask for
it, the exact gradient of what forward computes, in train and in eval mode, also in a stack.

Run this file to see the crash, fix the class, run it again.
Ask yourself: what does each operation keep for the way back?
Guide: https://docs.pytorch.org/docs/stable/notes/autograd.html (in-place operations)
Paper: Conditional Image Generation with PixelCNN Decoders, section 2.1,
https://arxiv.org/abs/1606.05328
"""

import torch
from torch import Tensor, nn


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
    parts = {"norm": nn.LayerNorm(D), "value": nn.Linear(D, H), "gate": nn.Linear(D, H)}
    right = nn.ModuleDict(parts | {"out": nn.Linear(H, D)}).double()
    blocks = nn.Sequential(GatedResidual(D, H), GatedResidual(D, H)).double()
    shapes = [{n: tuple(v.shape) for n, v in m.state_dict().items()} for m in (blocks[0], right)]
    assert shapes[0] == shapes[1], f"GatedResidual({D}, {H}): weights {shapes[0]}, want {shapes[1]}"
    for p in blocks.parameters():  # LayerNorm's ones and zeros would hide too much
        nn.init.normal_(p, std=0.7)
    block, x = blocks[0], torch.randn(5, 3, D, dtype=torch.float64)
    gap = (block(x.clone()) - reference(right, block, x)).abs().max()
    print(f"forward: largest difference to the reference {gap:.1e}")
    try:
        what = f"the loss's backward() through GatedResidual({D}, {H}), x (5, 3, D)"
        attempt(what, backward, block, x)
    finally:
        reached = sum(p.grad is not None for p in block.parameters())
        print(f"backward: {reached} of {len(shapes[1])} parameters got a gradient")

    views = {"(3, 5, D), not contiguous": x.transpose(0, 1), "(5, D)": x[:, 0], "(D,)": x[0, 0]}
    for shape, y in {"(5, 3, D)": x, **views, "(1, D)": x[0, :1], "(0, D)": x[0, :0]}.items():
        for dtype, tol in ((torch.float64, 1e-10), (torch.float32, 1e-5), (torch.bfloat16, 5e-2)):
            block.to(dtype).train(dtype == torch.float64)
            what = f"x {shape}, {dtype}, {'train' if block.training else 'eval'} mode"
            given = y.to(dtype)
            kept, want = given.clone(), reference(right, block, given)
            got = attempt(what, block, given)
            assert got.shape == y.shape, f"{what}: shape {tuple(got.shape)}, want {tuple(y.shape)}"
            assert got.dtype == dtype, f"{what}: out is {got.dtype}"
            close(given, kept, f"{what}: forward changed its input", 0)
            close(got.double(), want, f"{what}: out differs from the float64 reference", tol)
            block.zero_grad()
            attempt(what, backward, block, given)
            missing = [name for name, p in block.named_parameters() if p.grad is None]
            assert not missing, f"{what}: no gradient for {missing}"
        block.double()
    what, meta = "block and x on device meta", torch.randn(2, D, device="meta")
    got = attempt(what, GatedResidual(D, H).to("meta"), meta)
    assert got.is_meta, f"{what}: out is on {got.device}"

    x = torch.randn(2, 3, D, dtype=torch.float64)
    for model, name, mode in ((block, "one block", "eval"), (blocks, "two blocks", "train")):
        model.train(mode == "train")
        for key, t in {"x": x, **dict(model.named_parameters())}.items():
            what = f"{name}, {mode} mode: gradient with respect to {key}"
            check_gradient(model, x, t, what)


def reference(layers, block, x):
    """In float64, by layers of torch; F.glu multiplies one half by the other's sigmoid."""
    layers.load_state_dict(block.state_dict())
    y = layers["norm"](x.double())
    halves = [torch.tanh(layers["value"](y)), layers["gate"](y)]
    return x + layers["out"](nn.functional.glu(torch.cat(halves, dim=-1)))


def backward(model, x, upstream=1.0):
    (model(x) * upstream).sum().backward()


def attempt(what, function, *args):
    try:
        return function(*args)
    except RuntimeError as error:
        raise AssertionError(f"{what}: RuntimeError: {error}") from error


def check_gradient(model, x, t, what):
    """With respect to t alone, x or a parameter, against the slope along a random direction."""
    for other in (x, *model.parameters()):
        other.requires_grad_(other is t)
    t.grad, upstream, direction = None, torch.randn_like(x), torch.randn_like(t)
    attempt(what, backward, model, x, upstream)
    assert t.grad is not None, f"{what}: there is none"
    ends, start = [], t.detach().clone()
    with torch.no_grad():  # t moves in place: what forward computes anew sees it too
        for step in (1e-6, -1e-6):
            t.copy_(start + step * direction)
            ends.append((model(x) * upstream).sum())
        t.copy_(start)
    slope = (ends[0] - ends[1]) / 2e-6
    close((t.grad * direction).sum(), slope, f"{what}: not the slope that forward has", 1e-6)


def close(got, want, what, tol):
    torch.testing.assert_close(got, want, rtol=tol, atol=tol, msg=lambda m: f"{what}\n{m}")


if __name__ == "__main__":
    try:
        check(GatedResidual)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bug_7.py")
