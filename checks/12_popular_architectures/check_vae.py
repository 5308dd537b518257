"""What challenge_vae.py requires: torch.distributions, and results that can be done by hand."""

import math
from contextlib import suppress

import torch
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn import functional as F

from checks.convnets import named_layers
from checks.functions import as_exact, gives
from checks.tools import (
    BigTensors,
    attempt,
    close,
    draws_from,
    equal,
    filled,
    gradients,
    is_normal,
    keeps_device,
    numbers,
    result_of,
    unchanged,
)

SIZES, NAME = (5, 7, 3), "VAE(5, 7, 3)"
LAYERS = {"fc1": (7, 5), "fc_mu": (3, 7), "fc_logvar": (3, 7), "fc2": (7, 3), "fc3": (5, 7)}


def layers(VAE):
    vae = VAE(*SIZES)
    named_layers(NAME, vae, LAYERS)
    filled(vae)
    for n, scale in ((4, 1.0), (1, 1e3)):
        x, z = torch.rand(n, 5), scale * torch.randn(n, 3)
        vae.fc1.weight.data *= scale
        what, hidden = f"{NAME}.encode(x {(n, 5)})", F.relu(vae.fc1(x))
        got = several(what, 2, vae.encode, x)
        close(got[0], vae.fc_mu(hidden), f"{what}: mu, against fc_mu of the ReLU")
        close(got[1], vae.fc_logvar(hidden), f"{what}: logvar, against fc_logvar of the ReLU")
        what = f"{NAME}.decode(z {(n, 3)})"
        want = vae.fc3(F.relu(vae.fc2(z)))
        close(result_of(what, vae.decode, z), want, f"{what}: logits, against fc3 of the ReLU")


def sample(VAE):
    for mode, mu, logvar, std in (("train", 3, math.log(4), 2), ("eval", -1, -2, math.exp(-1))):
        vae, given = VAE(*SIZES).train(mode == "train"), torch.full((250, 40), float(mu))
        what = f"reparameterize, {mode} mode, mu (250, 40) of {mu}, logvar of {logvar:.4g}"
        inputs = given, torch.full_like(given, logvar)
        with torch.set_grad_enabled(vae.training):
            z, again = (result_of(what, vae.reparameterize, *inputs) for _ in range(2))
        equal(f"{what}: z has shape", tuple(z.shape), (250, 40))
        spread = z.std().item()  # its standard error is 0.7 % of it
        told = f"{what}: z has standard deviation {spread:.2f}, want {std:.2f}"
        assert abs(spread / std - 1) < 6 * 0.0071, told
        noise, scaled = (z - mu) / std, f"{what}: (z - {mu}) / {std:.2f}"
        is_normal(noise, scaled)
        assert noise.abs().max() > 3, f"{scaled}: none of 10000 draws is more than 3 from 0"
        alike = int((z == again).sum())
        assert alike < 100, f"{what}, called twice: {alike} of 10000 numbers are the same"
        for lines, t in (("rows", z), ("columns", z.T)):
            most = (torch.corrcoef(t) - torch.eye(len(t))).abs().max().item()
            told = f"{what}: two {lines} of z - mu have a correlation of ±{most:.2f}, want about 0"
            assert most < 6 / t.shape[1] ** 0.5, told
    mu, rising = torch.zeros(2000, 3), torch.tensor([0.0, -2, 2]).expand(2000, 3)
    what = "reparameterize, mu 0, logvar [0, -2, 2] in each row: log of z's variance"
    z = result_of(what, VAE(*SIZES).reparameterize, mu, rising)
    close(z.var(0).log(), rising[0], what, 6 * 0.032)


def path(VAE):
    mu = torch.tensor([[1.0, -2.0, 0.0]], requires_grad=True)
    logvar = torch.tensor([[0.0, 1.0, -1.0]], requires_grad=True)
    what = f"reparameterize(mu {mu.tolist()}, logvar {logvar.tolist()})"
    z = result_of(what, VAE(*SIZES).reparameterize, mu, logvar)
    of_mu, of_logvar = gradients(what, z, [mu, logvar], torch.ones_like(z), ["mu", "logvar"])
    close(of_mu, torch.ones_like(z), f"{what}: dz/dmu")
    shown = [round(v, 4) for v in (z - mu)[0].tolist()]
    close(of_logvar, ((z - mu) / 2).detach(), f"{what}, sigma eps {shown}: dz/dlogvar")


def kl(vae_loss):
    for mu, logvar in (
        ([[0.0, 0.0]], [[0.0, 0.0]]),
        ([[2.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]),
        ([[0.0], [0.0], [0.0]], [[math.log(4)], [0.0], [-1.0]]),
        ([[0.5, -1.0, 2.0], [1.0, 0.0, -0.3]], [[-2.0, 0.3, 1.0], [0.2, -0.5, 2.0]]),
    ):
        given = torch.zeros(len(mu), 4), torch.ones(len(mu), 4), *map(torch.tensor, (mu, logvar))
        want = kl_of(*given[2:])
        base = attempt("vae_loss with beta=0", vae_loss, *given, beta=0.0)
        for more in ({}, {"beta": 0.3}):
            what = f"vae_loss, mu {numbers(given[2])}, logvar {numbers(given[3])}, "
            what += f"{'beta=0.3' if more else 'beta left out'}, less beta=0"
            got = result_of(what, vae_loss, *given, **more) - base
            close(got, more.get("beta", 1.0) * want, what)


def reconstruction(vae_loss):
    for logits, x in (
        ([[0.0, 0.0, 0.0]], [[1.0, 0.0, 1.0]]),
        ([[math.log(3), 0.0], [0.0, -math.log(3)]], [[1.0, 1.0], [0.0, 1.0]]),
        ([[1.0, -2.0, 0.5, 3.0], [0.0] * 4], [[0.6, 0.25, 0.9, 0.0]] * 2),
    ):
        prior, given = torch.zeros(len(x), 2), list(map(torch.tensor, (logits, x)))
        what = f"vae_loss, logits {numbers(given[0])}, x {x}, mu and logvar 0"
        gives(what, vae_loss, (*given, prior, prior), minus_log_p(*given))


def forward(VAE):
    vae = filled(VAE(*SIZES))
    for n, mode in ((4, "train"), (1, "eval")):
        x, what = torch.rand(n, 5), f"{NAME}, {mode} mode, x {(n, 5)}"
        torch.default_generator.manual_seed(1)
        logits, mu, logvar = several(what, 3, vae.train(mode == "train"), x)
        want = torch.stack([*vae.encode(x)])
        close(torch.stack([mu, logvar]), want, f"{what}: mu and logvar, against encode")
        flow = [mu.requires_grad, logvar.requires_grad]
        equal(f"{what}: gradients flow through mu, through logvar:", flow, [True, True])
        torch.default_generator.manual_seed(1)
        want = vae.decode(vae.reparameterize(mu, logvar))
        close(logits, want, f"{what}: logits, against decode of reparameterize, same seed")
        names, params = zip(*vae.named_parameters(), strict=True)
        gradients(f"{what}: logits", logits, params, torch.ones_like(logits), names)


def generator(VAE):
    vae, mu, x = filled(VAE(*SIZES)), torch.zeros(4, 3), torch.rand(4, 5)
    draws_from("reparameterize", lambda g: vae.eval().reparameterize(mu, mu, g))
    draws_from("forward", lambda g: vae.train()(x, g)[0])


def limits(VAE, vae_loss):
    given = [[1e3, -1e3, -1e3, 1e3]], [[1.0, 1.0, 0.0, 0.0]], [[0.0, 2.0]]
    for v in (-1e3, 30.0):
        inputs = *given, [[v, v]]
        logits, x, mu, logvar = leaves = [torch.tensor(t, requires_grad=True) for t in inputs]
        told, draw = "logits {}, x {}, mu {}, logvar {}".format(*inputs), VAE(*SIZES).reparameterize
        loss = result_of(told, vae_loss, *leaves)
        torch.default_generator.manual_seed(1)
        noise = (draw(mu, logvar * 0) - mu).detach()
        torch.default_generator.manual_seed(1)
        z, grown = result_of(told, draw, mu, logvar), math.exp(v / 2) * noise
        close(loss.detach(), torch.tensor(2001 + math.exp(v) - v), f"vae_loss, {told}")
        what = f"reparameterize, mu {given[2]}, logvar {[[v, v]]}, sigma eps {numbers(grown)}: z"
        close(z.detach(), mu.detach() + grown, what, 1e-5 if v > 0 else 0)
        half = (math.exp(v) - 1) / 2
        for what, out, leaf, want in (
            ("the loss's gradient of logits", loss, logits, [[0, -1, 0, 1]]),
            ("the loss's gradient of mu", loss, mu, [[0, 2]]),
            ("the loss's gradient of logvar", loss, logvar, [[half, half]]),
            ("z's gradient of logvar", z, logvar, [[0, 0]]),
        )[: 4 if v < 0 else 3]:
            (got,) = torch.autograd.grad(out.sum(), leaf, retain_graph=True)
            close(got, torch.tensor(want).float(), f"{told}: {what}")


def exact(VAE, vae_loss):
    x, vae = torch.rand(4, 5).double().round(decimals=1), filled(VAE(*SIZES)).double()
    x[0, :2] = torch.tensor([0.0, 1.0])
    mu, logvar = (torch.randn(4, 3).double() for _ in range(2))
    given = {"logits": torch.randn(4, 5).double(), "mu": mu, "logvar": logvar}

    with unchanged("vae_loss, reparameterize and forward", x, mu, logvar):
        for beta in (1.0, 3.0):
            as_exact(
                f"vae_loss, float64, beta {beta:g}",
                lambda logits, mu, logvar, b=beta: vae_loss(logits, x, mu, logvar, b),
                lambda logits, mu, logvar, b=beta: minus_log_p(logits, x) + b * kl_of(mu, logvar),
                given,
            )
        z = result_of("reparameterize, float64", vae.reparameterize, mu, logvar)
        outs = several("forward, float64", 3, vae, x)
    equal("results of float64 inputs have", {t.dtype for t in (z, *outs)}, {torch.float64})
    noise = vae.reparameterize(mu * 0, mu * 0)
    rounded = torch.equal(noise, noise.float().double())
    assert not rounded, "reparameterize, float64, mu and logvar 0: z has the digits of float32"
    given = mu.float(), logvar.float()
    keeps_device("reparameterize", vae.reparameterize, *given)
    with BigTensors(mu.numel()) as big, suppress(RuntimeError, NotImplementedError):
        vae.reparameterize(*(t.to("meta") for t in given))
    away = [t for t in big.made if t.device.type == "cpu"]
    assert not away, "reparameterize, input on a GPU: noise is made on the CPU, then moved"


CORE = (layers, sample, path, kl, reconstruction, forward)
EDGES = (generator, limits, exact)


def several(what, count, function, *inputs):
    """What it gives: a tuple or list of so many results."""
    got = attempt(what, function, *inputs)
    equal(f"{what} gave so many results:", len(got) if isinstance(got, tuple | list) else 1, count)
    return got


def kl_of(mu, logvar):
    q = Normal(mu, (logvar / 2).exp())
    return kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum(1).mean()


def minus_log_p(logits, x):
    return -Bernoulli(logits=logits, validate_args=False).log_prob(x).sum(1).mean()
