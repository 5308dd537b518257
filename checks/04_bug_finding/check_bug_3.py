"""What buggy_code_3.py requires.

learning comes first: it says the colleague's symptom in numbers and no shape. logits compares with
a convolution in two parts, gradients with the slope of the answer's own logits.
"""

import torch
from torch import nn
from torch.nn.functional import conv2d, cross_entropy

from checks.hunts import attempt, gives_there, gradients_of_modes, on
from checks.tools import call_of, close, filled, names_are, refuses, strided

N, C, D, H, W, HIDDEN, K = 3, 2, 4, 5, 6, 8, 7
CALL = f"ConditionalCNN{C, D, HIDDEN, K}"


def learning(ConditionalCNN):
    bright, which = torch.randint(0, 2, (384, 3)), torch.randint(0, 3, (384,))
    x = torch.randn(384, 3, 4, 5) + 2.0 * bright[:, :, None, None] - 1
    cond, y = torch.eye(3)[which], bright[torch.arange(384), which]
    model = ConditionalCNN(3, 3, 16, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    what = "training as in evidence()"
    for _ in range(35):
        logits = attempt(what, model, x[:128], cond[:128])
        assert logits.requires_grad, f"{what}: no gradient flows back from the logits"
        optimizer.zero_grad()
        cross_entropy(logits, y[:128]).backward()
        optimizer.step()
    told, misled = (
        (model(x[128:], c).argmax(dim=1) == y[128:]).float().mean().item()
        for c in (cond[128:], cond[128:].roll(1, dims=1))
    )
    assert told > 0.9, (
        f"after {what}: {told:.1%} of new pictures right, want more than 90%; "
        f"{misled:.1%} with wrong instructions"
    )


def logits(ConditionalCNN):
    model = filled(ConditionalCNN(C, D, HIDDEN, K))
    shapes = {"conv.weight": (HIDDEN, C + D, 3, 3), "conv.bias": (HIDDEN,)}
    shapes |= {"head.weight": (K, HIDDEN), "head.bias": (K,)}
    params = dict(model.named_parameters())
    names_are(params, shapes, f"parameters of {CALL}")
    for name, want in shapes.items():
        got = tuple(params[name].shape)
        assert got == want, f"{CALL}: {name} has shape {got}, want {want}"
    for name, kind in (("conv", nn.Conv2d), ("head", nn.Linear)):
        part = getattr(model, name)
        assert isinstance(part, kind), f"{name} is a {type(part).__name__}, want {kind.__name__}"
    for dtype, tol in ((torch.float32, 1e-5), (torch.float64, 1e-12), (torch.bfloat16, 5e-2)):
        model.to(dtype)
        if dtype == torch.bfloat16:  # few bits: numbers whose sums are exact, or some ReLU flips
            for p, shift in ((model.conv.weight.data, 0), (model.conv.bias.data, 1 / 32)):
                p.mul_(16).round_().div_(16).add_(shift)
        for n, h, w in ((1, H, W), (N, H, W), (N, 1, 4), (1, W, H), (N, 1, 1), (D, D, D)):
            x, cond = strided(n, C, h, w, dtype=dtype), strided(n, D, dtype=dtype)
            if dtype == torch.bfloat16:
                x, cond = x.round(), cond.round()
            want = apart(model, x, cond)
            for training in (True, False):
                mode = f"{'train' if training else 'eval'} mode"
                what = f"{call_of('ConditionalCNN', x, cond)}, {dtype}, {mode}: logits"
                close(on(model, training, x, cond), want, what, tol)
    gives_there(f"{CALL} and one picture", model, x[:1], cond[:1])


def gradients(ConditionalCNN):
    model = filled(ConditionalCNN(C, D, HIDDEN, K)).double()
    x, cond = strided(N, C, H, W, dtype=torch.float64), strided(N, D, dtype=torch.float64)
    gradients_of_modes(f"{CALL}, {N} pictures", model, {"x": x, "cond": cond})


def sizes(ConditionalCNN):
    model = ConditionalCNN(C, D, HIDDEN, K)
    for training in (True, False):
        model.train(training)
        for n, m in ((N, 1), (1, N), (N, N + 1), (N + 1, N)):
            inputs = torch.randn(n, C, H, W), torch.randn(m, D)
            refuses(model, *inputs, errors=(RuntimeError, ValueError))


CORE = (learning, logits, gradients)
EDGES = (sizes,)


@torch.no_grad()
def apart(model, x, cond):
    """The same logits in two parts: a convolution is linear, so x and cond can go through alone."""
    kernels = model.conv.weight[:, C:].flatten(0, 1).unsqueeze(1)
    each = conv2d(torch.ones_like(x[:1, :1]), kernels, padding=1).unflatten(1, (-1, D))[0]
    maps = conv2d(x, model.conv.weight[:, :C], model.conv.bias, padding=1)
    maps = maps + torch.einsum("nd,odhw->nohw", cond, each)
    return maps.clamp(min=0).flatten(2).mean(dim=2) @ model.head.weight.T + model.head.bias
