"""Noise prediction: one network for every step, told how noisy its input is.

The reverse of a diffusion process is learned by guessing the noise in a noisy image. The same
weights serve an image with a little noise and one that is nothing else; t says which it is.

    NoisePredictionNet(in_channels, t_dim=32, hidden=64)
             in_channels    C, any number
             t_dim          numbers that describe a step: even, at least 4
             hidden         channels inside: a multiple of 8, at least 16
    x_t      (N, C, H, W)   float32, float64 or bfloat16, as the model; H and W any size from 1
    t        (N,)           int64, on x_t's device: the step of each sample, 0 to 999
    returns  (N, C, H, W)   the predicted noise, x_t's dtype and device, of any sign and size

The architecture is yours, but:
- A larger t_dim or hidden gives more parameters. A gradient reaches every parameter.
- Sample i of the result depends on x_t[i] and t[i] alone. Train mode, eval mode and a second call
  give the same. x_t and t stay as they were.
- Each pixel of the result depends on t, and on all channels of x_t at that pixel and at those
  around it, corners too. Which neighbor has which numbers matters.
- No two steps give the same result, rounding aside. In bfloat16 at least t and t + 1 differ.
- t decides what is done with the image: the result is not a part from x_t plus a part from t.
- t of any shape but (N,), also 0-dim or where it would broadcast: RuntimeError or ValueError.
The check fills all parameters with random numbers, so yours may start at zero.
Ask yourself: which numbers tell step 998 from 999? Where does t enter, and what follows?
Paper: DDPM, section 3.2 and appendix B, https://arxiv.org/abs/2006.11239
"""

import torch
from torch import Tensor, nn


class NoisePredictionNet(nn.Module):
    def __init__(self, in_channels: int, t_dim: int = 32, hidden: int = 64) -> None:
        super().__init__()
        raise NotImplementedError("NoisePredictionNet.__init__")

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        raise NotImplementedError("NoisePredictionNet.forward")


def check(NoisePredictionNet):
    torch.manual_seed(0)
    sizes = {
        args: sum(p.numel() for p in NoisePredictionNet(3, *args).parameters())
        for args in ((), (32, 64), (40, 64), (32, 80))
    }
    counts = f"parameters of NoisePredictionNet(3, t_dim, hidden): {sizes}"
    assert sizes[()] == sizes[32, 64], f"{counts}, want the defaults t_dim=32, hidden=64"
    assert sizes[32, 64] < sizes[40, 64], f"{counts}, want more with a larger t_dim"
    assert sizes[32, 64] < sizes[32, 80], f"{counts}, want more with a larger hidden"

    dtypes, few = (torch.float32, torch.bfloat16, torch.float64), ((4, 5, 7), (3, 1, 6))
    sizes = (*few, (5, 3, 5), (16, 8, 16), (1, 1, 1), (2, 8, 1))
    with torch.no_grad():
        check_shapes_and_samples(NoisePredictionNet, (2, 12, 16), sizes, dtypes)
        check_shapes_and_samples(NoisePredictionNet, (1, 4, 32), few, dtypes[:2])
        check_shapes_and_samples(NoisePredictionNet, (3, 16, 24), few, dtypes[:2])

    C, H, W = 2, 5, 7
    name = f"NoisePredictionNet({C}, 12, 16)"
    model = filled(NoisePredictionNet(C, 12, 16))
    x, steps = torch.randn(1, C, H, W), torch.arange(1000)
    with torch.no_grad():
        out = model(x.expand(1000, -1, -1, -1), steps).flatten(1)
        gaps = torch.pdist(out)
        s, t = torch.triu_indices(1000, 1000, offset=1)[:, gaps.argmin()].tolist()
        assert gaps.min() > 1e-4, (
            f"{name}, one image: the results for t = {s} and t = {t} differ by {gaps.min():.1e} "
            f"(norm over {out.shape[1]} numbers), want more than rounding"
        )
        low = model.bfloat16()(x.bfloat16().expand(1000, -1, -1, -1), steps).flatten(1)
        same = (low[1:] == low[:-1]).all(dim=1).nonzero().flatten().tolist()
        assert not same, f"{name}, bfloat16: the same result for t and t + 1 at t = {same[:9]}"

    model = filled(NoisePredictionNet(C, 12, 16)).double()
    x, y = torch.randn(2, 1, C, H, W, dtype=torch.float64)
    early, late = torch.tensor([3]), torch.tensor([700])
    of_x, of_y = (model(image, late) - model(image, early) for image in (x, y))
    idle = (of_x.abs() < 1e-9).sum().item()
    assert not idle, f"{name}: {idle} of {of_x.numel()} numbers are the same at t = 3 and t = 700"
    change = (of_x - of_y).abs().max().item()
    assert change > 1e-3 * of_x.abs().max().item(), (
        f"{name}: going from t = 3 to t = 700 adds the same to the results of two different images "
        f"(up to {change:.1e}), want an effect of t that depends on x_t"
    )
    mirrored = x.clone()
    mirrored[..., 1:4, 2:5] = x[..., 1:4, 2:5].flip(3)
    change = (model(mirrored, early) - model(x, early))[..., 2, 3].abs().max().item()
    assert change > 1e-6, (
        f"{name}: left and right neighbors of pixel (2, 3) exchanged, the result at (2, 3) changes "
        f"by {change:.1e}, want it to depend on where each neighbor lies"
    )
    x.requires_grad_()
    for h, w in ((0, 0), (2, 3), (H - 1, 1), (1, W - 1)):
        for c in range(C):
            (grad,) = torch.autograd.grad(model(x, early)[0, c, h, w], x)
            near = grad[0, :, max(h - 1, 0) : h + 2, max(w - 1, 0) : w + 2]
            blind = (near == 0).sum().item()
            assert not blind, (
                f"{name}: result [0, {c}, {h}, {w}] has no gradient in {blind} of the "
                f"{near.numel()} numbers of x_t at that pixel and around it"
            )

    x, t = torch.randn(4, C, H, W, dtype=torch.float64), torch.tensor([0, 1, 500, 999])
    model.zero_grad()
    model(x, t).backward(torch.randn(4, C, H, W, dtype=torch.float64))
    for key, p in model.named_parameters():
        size = 0.0 if p.grad is None else p.grad.abs().max().item()
        assert 1e-8 < size < float("inf"), f"{name}: the gradient of {key} is {size} at most"
    big = filled(model, 1000.0)(x, t)
    low, high = big.min().item(), big.max().item()
    assert low < -300 and high > 300, (
        f"{name} with a thousand times larger weights predicts from {low:.2f} to {high:.2f}, want "
        f"numbers of any sign and size"
    )
    wrong = [(4, s) for s in ((1,), (5,), (4, 1), (1, 4), ())]
    for n, shape in (*wrong, (1, (4,)), (1, (1, 1)), (1, ())):
        must_raise(model, x[:n], torch.zeros(shape, dtype=torch.int64))


def filled(model: nn.Module, scale: float = 1.0) -> nn.Module:
    """The model with other weights: what was initialized to zero hides nothing."""
    for p in model.parameters():
        fan_in = p[0].numel() if p.dim() > 1 else 4
        nn.init.normal_(p, std=scale * fan_in**-0.5)
    return model


def check_shapes_and_samples(NoisePredictionNet, args, sizes, dtypes):
    model = filled(NoisePredictionNet(*args))
    for N, H, W in sizes:
        x = torch.randn(N, args[0], W, H).transpose(2, 3)
        t = torch.randint(0, 1000, (N,))
        t[-1], t[0] = 999, 0
        call = f"NoisePredictionNet{args} on {tuple(x.shape)}"
        for dtype in dtypes:
            given = x.to(dtype, copy=True), t.clone()
            out = model.to(dtype)(*given)
            what = f"{call}, {dtype}"
            assert out.shape == x.shape, f"{what}: {tuple(out.shape)}, want {tuple(x.shape)}"
            assert out.dtype == dtype, f"{what}: result of {out.dtype}, want {dtype}"
            assert out.isfinite().all(), f"{what}, t = {t.tolist()}: the result is not finite"
            assert torch.equal(given[0], x.to(dtype)), f"{what}: x_t was changed"
            assert torch.equal(given[1], t), f"{what}: t was changed"
        model, x = model.double(), x.double()
        train, again, test = (model.train(mode)(x, t) for mode in (True, True, False))
        same = torch.equal(train, again)
        assert same, f"{call}: two calls on the same x_t and t give different results"
        alone = torch.cat([model(x[i : i + 1], t[i : i + 1]) for i in range(N)])
        for mode, out in (("train", train), ("eval", test)):
            torch.testing.assert_close(
                out,
                alone,
                msg=lambda m, w=f"{call}, {mode} mode": (
                    f"{w}: a batch gives other results than its samples one by one\n{m}"
                ),
            )
    try:
        out = NoisePredictionNet(*args).to("meta")(x.float().to("meta"), t.to("meta"))
    except (RuntimeError, NotImplementedError) as error:
        raise AssertionError(f"{call}, model, x_t and t on the meta device: {error}") from error
    assert out.is_meta, f"{call}, model, x_t and t on the meta device: result on {out.device}"


def must_raise(model, x, t):
    call = f"x_t {tuple(x.shape)}, t {tuple(t.shape)}"
    try:
        out = model(x, t)
    except (RuntimeError, ValueError):
        return
    except Exception as error:
        raise AssertionError(f"{call}: {error!r}, want RuntimeError or ValueError") from error
    raise AssertionError(f"{call} gave {tuple(out.shape)}, want RuntimeError or ValueError")


if __name__ == "__main__":
    try:
        check(NoisePredictionNet)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_noise_prediction.py")
