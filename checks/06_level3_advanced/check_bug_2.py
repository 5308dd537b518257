"""What 06_level3_advanced/buggy_code_2.py requires, told in gaps: from 1 on the next number is
1/128 away, from 2 on 1/64, and so on.
"""

import gc
import math

import torch
from torch import nn

from checks.tools import attempt, close, equal, same, strided, unchanged

N, LR = 4096, 0.3


def mean(step):
    for start, by, n, off in (
        (1.25, -0.1, N, 0.05),
        (-1.75, 0.3, N, 0.05),
        (-1.25, -0.4, N, 0.05),
        (1.0, 0.2, N, 0.05),
        (1.25, -906, N, 0.05),
        (1.25, 0.0015, 16 * N, 0.0009),
    ):
        for said, p in (
            (f"{n} numbers of {start}", torch.full((n,), start)),
            (f"{n} numbers from {start} on", start * (1 + torch.rand(n) / 8)),
            (f"{n} numbers of all sizes", start * 2.0 ** torch.randint(-30, 30, (n,))),
        ):
            p = p.view(4, n // 4).bfloat16() if by > 0 else p.view(n // 4, 4).bfloat16()
            grad = (by / LR * gap(p)).bfloat16()
            exact, first = p.double() - LR * grad.double(), LR * grad[0, 0]
            what = f"{said}, lr * grad {first:.2g}{'' if (p == p[0, 0]).all() else ', ...'}"
            attempt(what, step, [p], [grad], LR)
            far = ((p.double() - exact) / gap(exact)).mean().abs().item()
            told = f"{what}: after a step their mean is {p.double().mean():.8g}, want"
            assert far < off, (
                f"{told} {exact.mean():.8g}, give or take {off * gap(exact).mean():.2g}"
            )


def near(step):
    for shape in ((N,), (), (0,), (1,), (6, 5), (2, 3, 4)):
        sizes = 2.0 ** torch.randint(-30, 30, (2, *shape))
        p = (strided(*shape) * sizes[0] * (torch.rand(shape) > 0.1)).bfloat16()  # some are 0
        grad = (torch.randn(shape) * sizes[1]).bfloat16()
        what, olds = f"a tensor {shape}, lr {LR}", [p.clone(), grad.clone()]
        exact = p.double() - LR * grad.double()
        attempt(what, step, [torch.ones(2).bfloat16(), p], [torch.zeros(2).bfloat16(), grad], LR)
        equal(f"{what}: its shape is then", tuple(p.shape), shape)
        least = 1e-30 + 1e-4 * olds[0].double().abs()  # where the two terms cancel out
        share = ((p.double() - exact).abs() / exact.abs().maximum(least)).flatten()
        worst = int(share.argmax()) if share.numel() else None
        if worst is not None:
            was, g, now, want = (t.flatten()[worst].item() for t in (*olds, p, exact))
            told = f"{what}: {was:.6g} with the gradient {g:.4g} becomes {now:.6g}"
            assert share[worst] <= 0.01, f"{told}, want {want:.6g}, give or take 1 %"


def many(step):
    for start, by, lr in ((1.5, 0.25, 0.1), (-3.0, -0.2, 0.02)):
        p = torch.full((256,), start).bfloat16()
        grad, old = (by / lr * gap(p)).bfloat16(), p.clone()
        want = 200 * lr * grad[0].item()
        for _ in range(200):
            attempt("many steps", step, [p], [grad], lr)
        gone = (old.double() - p.double()) / want
        ends = [want * gone.min().item(), want * gone.max().item()]
        told = f"256 numbers of {start}, 200 steps of {want / 200:.2g}: they have gone"
        right = gone.min() > 0.1 and gone.max() < 1.9
        assert right, f"{told} from {ends[0]:.3f} to {ends[1]:.3f}, want about {want:.3f} each"


def memory(step):
    params = [nn.Parameter(torch.randn(1009).bfloat16()) for _ in range(2)]
    grads = [torch.randn(1009).bfloat16() for _ in params]
    views, given, counts = [p.detach().view(1009) for p in params], list(params), []
    gc.freeze()  # what is there already is not listed below
    try:
        for _ in range(3):
            with unchanged("grads", *grads):
                attempt("two tensors of 1009 numbers", step, params, grads, LR)
            big = (one for one in gc.get_objects() if type(one) in (torch.Tensor, nn.Parameter))
            counts.append(sum(one.numel() > 999 for one in big))
    finally:
        gc.unfreeze()
    equal("after each of three steps, more tensors of the size of params:", counts, [0] * 3)
    for i, (p, now, view) in enumerate(zip(given, params, views, strict=True)):
        equal(f"params[{i}] is then", (now.dtype, now.requires_grad), (torch.bfloat16, True))
        assert now is p, f"params[{i}] is another object, want the tensor that was given"
        same(p.detach(), view, f"params[{i}], against a view made before")
        moved = (p.grad is None, p.is_leaf)
        equal(f"params[{i}]: no .grad, a leaf:", moved, (True, True))


def special(step):
    old = (torch.randn(N) * 2.0 ** torch.randint(-9, 9, (N,))).bfloat16()
    p = old.clone()
    attempt("gradients of 0", step, [p], [torch.zeros_like(p)], LR)
    same(p, old, "gradients of 0: a number")
    inf, nan = math.inf, math.nan
    table = [(inf, 1.0, inf), (-inf, 1.0, -inf), (1.0, -inf, inf), (1.0, inf, -inf)]
    for start, g, want in [*table, (nan, 1.0, nan), (1.0, nan, nan), (inf, inf, nan)]:
        p = torch.full((64,), start).bfloat16()
        what = f"64 numbers of {start} with the gradient {g}"
        attempt(what, step, [p], [torch.full((64,), g).bfloat16()], LR)
        close(p, torch.full_like(p, want), f"{what}: become")


CORE = (mean, near, many, memory)
EDGES = (special,)


def gap(t):
    """How far apart bfloat16 numbers are there."""
    return 2.0 ** (t.abs().double().log2().floor() - 7)
