"""What buggy_code_3.py requires.

learning comes first: it says the colleague's symptom in numbers and no shape.
"""

import torch
from torch import nn
from torch.nn.functional import conv2d

from checks.hunts import gives_there, gradients_of_modes, mode, on, state_is, trained
from checks.tools import call_of, close, filled, refuses, strided

N, C, D, H, W, HIDDEN, K = 3, 2, 4, 5, 6, 8, 7
CALL = f"ConditionalCNN{C, D, HIDDEN, K}"


def learning(ConditionalCNN):
    bright, which = torch.randint(0, 2, (384, 3)), torch.randint(0, 3, (384,))
    x = torch.randn(384, 3, 4, 5) + 2.0 * bright[:, :, None, None] - 1
    cond, y = torch.eye(3)[which], bright[torch.arange(384), which]
    model = ConditionalCNN(3, 3, 16, 2)
    trained(model, 35, 0.03, y[:128], x[:128], cond[:128])
    told, misled = (
        (model(x[128:], c[128:]).argmax(dim=1) == y[128:]).float().mean().item()
        for c in (cond, cond.roll(1, dims=1))
    )
    says = f"after training as in evidence(): {told:.1%} of new pictures right, want more than 90%"
    assert told > 0.9, f"{says}; {misled:.1%} with wrong instructions"


def logits(ConditionalCNN):
    model = filled(ConditionalCNN(C, D, HIDDEN, K))
    want = {"conv.weight": (HIDDEN, C + D, 3, 3), "conv.bias": (HIDDEN,)}
    want |= {"head.weight": (K, HIDDEN), "head.bias": (K,)}
    state_is(f"parameters of {CALL}", dict(model.named_parameters()), want)
    for part, kind in ((model.conv, nn.Conv2d), (model.head, nn.Linear)):
        got = type(part).__name__
        assert isinstance(part, kind), f"{CALL} has a {got}, want a {kind.__name__}"
    for dtype, tol in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        model.to(dtype)
        for n, h, w in ((1, H, W), (N, H, W), (N, 1, 4), (D, D, D)):
            x, cond = strided(n, C, h, w, dtype=dtype), strided(n, D, dtype=dtype)
            for training in (True, False):
                what = f"{call_of('ConditionalCNN', x, cond)}, {dtype}, {mode(training)}: logits"
                close(on(model, training, x, cond), apart(model, x, cond), what, tol)
    gives_there(f"{CALL} and one picture", model, x[:1], cond[:1])


def gradients(ConditionalCNN):
    model = filled(ConditionalCNN(C, D, HIDDEN, K)).double()
    x, cond = strided(N, C, H, W, dtype=torch.float64), strided(N, D, dtype=torch.float64)
    gradients_of_modes(f"{CALL}, {N} pictures", model, {"x": x, "cond": cond})


def sizes(ConditionalCNN):
    model = ConditionalCNN(C, D, HIDDEN, K)
    for training in (True, False):
        for n, m in ((N, 1), (1, N), (N, N + 1), (N + 1, N)):
            refuses(model.train(training), torch.randn(n, C, H, W), torch.randn(m, D))


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
