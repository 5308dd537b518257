"""What challenge_noise_prediction.py requires. The architecture is free: all is seen from outside,
with random numbers in all parameters.
"""

import itertools

import torch
from torch import nn

from checks.tools import close, equal, refuses, result_of, strided, unchanged

C, H, W = 2, 5, 7
NAME = "NoisePredictionNet(2, 12, 16)"


def shapes(NoisePredictionNet):
    for args in ((2, 12, 16), (1, 4, 32), (3, 16, 24)):
        model = made(NoisePredictionNet, *args)
        for n, h, w in ((4, 5, 7), (3, 1, 6), (16, 8, 16), (1, 1, 1)):
            x = torch.randn(n, args[0], h, w)
            call = f"NoisePredictionNet{args} on x_t {tuple(x.shape)}"
            out = result_of(call, model, x, steps_of(n))
            equal(f"{call}: result", tuple(out.shape), tuple(x.shape))


def parameters(NoisePredictionNet):
    def count(*args):
        return sum(p.numel() for p in NoisePredictionNet(3, *args).parameters())

    plain, shown = count(32, 64), "NoisePredictionNet(3): parameters"
    equal(f"{shown}, and with t_dim 32, hidden 64:", count(), plain)
    for more, args in (("t_dim", (40, 64)), ("hidden", (32, 80))):
        says = f"{shown}, for t_dim and hidden {args}: {count(*args):,}"
        assert count(*args) > plain, f"{says}, want more than {plain:,} with a larger {more}"
    model = made(NoisePredictionNet).double()
    x = torch.randn(4, C, H, W).double()
    result_of(NAME, model, x, steps_of(4)).backward(torch.randn(4, C, H, W).double())
    for name, p in model.named_parameters():
        size = 0.0 if p.grad is None else p.grad.abs().max().item()
        assert 1e-8 < size < float("inf"), f"{NAME}: the gradient of {name} is {size} at most"


def samples(NoisePredictionNet):
    for args, n, h, w in (((2, 12, 16), 5, 3, 5), ((3, 16, 24), 4, 5, 7), ((2, 12, 16), 16, 2, 16)):
        model = made(NoisePredictionNet, *args).double()
        x, t = torch.randn(n, args[0], h, w).double(), steps_of(n)
        call = f"NoisePredictionNet{args} on x_t {tuple(x.shape)}"
        first, again, test = model.train()(x, t), model(x, t), model.eval()(x, t)
        close(again, first, f"{call}, train mode: the same x_t and t a second time", 1e-9)
        close(test, first, f"{call}: in eval mode, against train mode", 1e-9)
        for mode in ("train", "eval"):
            together = model.train(mode == "train")(x, t)
            for i in t.argsort(descending=True)[::3]:
                alone = model(x[i : i + 1], t[i : i + 1])
                what = f"{call}, {mode} mode: result {i}, against sample {i} alone"
                close(together[i : i + 1], alone, what, 1e-7)


def time(NoisePredictionNet):
    model, x = made(NoisePredictionNet), torch.randn(1, C, H, W)
    with torch.no_grad():
        out = model(x.expand(1000, -1, -1, -1), torch.arange(1000)).flatten(1)
        gaps = torch.pdist(out)
    s, t = torch.triu_indices(1000, 1000, offset=1)[:, gaps.argmin()].tolist()
    assert gaps.min() > 1e-4, (
        f"{NAME}, one image: the results for t = {s} and t = {t} differ by {gaps.min():.1e} "
        f"(norm over {out.shape[1]} numbers), want more than rounding"
    )
    of_x = change_by_time(model, x)
    idle = (of_x.abs() < 1e-9).sum().item()
    assert not idle, f"{NAME}: {idle} of {of_x.numel()} numbers are the same at t = 3 and t = 700"


def mixing(NoisePredictionNet):
    model = made(NoisePredictionNet)
    of_x, of_y = (change_by_time(model, torch.randn(1, C, H, W)) for _ in range(2))
    change, most = (of_x - of_y).abs().max().item(), of_x.abs().max().item()
    # `time` minds where t does not count
    assert most == 0 or change > 1e-3 * most, (
        f"{NAME}: from t = 3 to t = 700 the results of two images change by up to {most:.2g}, "
        f"by the same numbers up to {change:.1g}, want changes that depend on the image"
    )


def space(NoisePredictionNet):
    model = made(NoisePredictionNet).double()
    x, early = torch.randn(1, C, H, W).double(), torch.tensor([3])
    for h, w in ((0, 0), (2, 3), (H - 1, 1), (1, W - 1)):
        for c in range(C):
            leaf = x.clone().requires_grad_()
            (grad,) = torch.autograd.grad(model(leaf, early)[0, c, h, w], leaf)
            near = grad[0, :, max(h - 1, 0) : h + 2, max(w - 1, 0) : w + 2]
            blind = (near == 0).sum().item()
            what = f"of the {near.numel()} numbers of x_t at that pixel and around it, want on all"
            assert not blind, f"{NAME}: result [0, {c}, {h}, {w}] does not depend on {blind} {what}"
    around = [(h, w) for h in (1, 2, 3) for w in (2, 3, 4) if (h, w) != (2, 3)]
    for a, b in itertools.combinations(around, 2):
        other = x.clone()
        other[..., a[0], a[1]], other[..., b[0], b[1]] = x[..., b[0], b[1]], x[..., a[0], a[1]]
        change = (model(other, early) - model(x, early))[..., 2, 3].abs().max().item()
        what = f"{NAME}: pixels {a} and {b} of x_t, neighbors of (2, 3), exchanged"
        assert change > 1e-9, f"{what}: the result at (2, 3) changes by {change:.1e}, want more"


def size(NoisePredictionNet):
    big = made(NoisePredictionNet, scale=1000.0)(torch.randn(4, C, H, W), steps_of(4))
    low, high = big.min().item(), big.max().item()
    what = f"{NAME} with weights a thousand times larger predicts from {low:.2f} to {high:.2f}"
    assert low < -300 and high > 300, f"{what}, want numbers below -300 and above 300"


def dtypes(NoisePredictionNet):
    for args in ((2, 12, 16), (1, 4, 32)):
        model = made(NoisePredictionNet, *args)
        x, t = torch.randn(4, args[0], H, W), steps_of(4)
        want = model(x, t)
        for dtype, tol in ((torch.float64, 1e-3), (torch.bfloat16, 0.3)):
            call = f"NoisePredictionNet{args}, {dtype}, t {t.tolist()}"
            out = result_of(call, model.to(dtype), x.to(dtype), t)
            equal(f"{call}: result", out.dtype, dtype)
            off = (out.double() - want.double()).norm() / want.double().norm()
            told = f"{call}: the result is {off:.1%} off that of float32, want at most {tol:.1%}"
            assert off < tol, told
            model.float()
    x = torch.randn(1, C, H, W).bfloat16().expand(1000, -1, -1, -1)
    with torch.no_grad():
        low = made(NoisePredictionNet).bfloat16()(x, torch.arange(1000)).flatten(1)
    same = (low[1:] == low[:-1]).all(dim=1).nonzero().flatten().tolist()
    assert not same, f"{NAME}, bfloat16: the same result for t and t + 1 at t = {same[:9]}"


def inputs(NoisePredictionNet):
    model = made(NoisePredictionNet)
    x, t = strided(4, C, H, W), torch.stack([steps_of(4)] * 2, dim=1)[:, 0]
    with unchanged("x_t and t not contiguous", x, t):
        got = result_of("x_t and t not contiguous", model, x, t)
    close(got, model(x.contiguous(), t.contiguous()), "against contiguous x_t and t", 1e-4)
    what = "model, x_t and t on the meta device"
    out = result_of(what, model.to("meta"), x.to("meta"), t.to("meta"))
    assert out.is_meta, f"{what}: result on {out.device}"


def errors(NoisePredictionNet):
    model = made(NoisePredictionNet)
    for n, shapes in ((4, ((1,), (5,), (4, 1), (1, 4), ())), (1, ((4,), (1, 1), ()))):
        for shape in shapes:
            t = torch.zeros(shape, dtype=torch.int64)
            refuses(model, torch.randn(n, C, H, W), t, call=f"x_t {(n, C, H, W)}, t {shape}")


CORE = (shapes, parameters, samples, time, mixing, space, size)
EDGES = (dtypes, inputs, errors)


def made(NoisePredictionNet, *args, scale=1.0):
    """A model with other weights: what was initialized to zero hides nothing."""
    model = NoisePredictionNet(*(args or (C, 12, 16)))
    for p in model.parameters():
        fan_in = p[0].numel() if p.dim() > 1 else 4
        nn.init.normal_(p, std=scale * fan_in**-0.5)
    return model


def steps_of(n):
    t = torch.randint(0, 1000, (n,))
    t[-1], t[0] = 999, 0
    return t


def change_by_time(model, x):
    return model(x, torch.tensor([700])).detach() - model(x, torch.tensor([3])).detach()
