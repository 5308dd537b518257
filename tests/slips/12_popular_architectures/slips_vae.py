"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

DRAW = "eps = torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)"
Z = "return mu + torch.exp(0.5 * logvar) * eps"
KL = "kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)"
BCE = 'F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=1)'
HEADS = "return self.fc_mu(h), self.fc_logvar(h)"
OUT = "return self.decode(self.reparameterize(*q, generator)), mu, logvar"
LAST = "return self.fc3(F.relu(self.fc2(z)))"
LOSS = "(reconstruction + beta * kl).mean()"

SLIPS = {
    "layers": {
        "sigmoid in the decoder": (LAST, LAST + ".sigmoid()"),
        "tanh on mu": (HEADS, "return self.fc_mu(h).tanh(), self.fc_logvar(h)"),
        "softplus on logvar": (HEADS, "return self.fc_mu(h), F.softplus(self.fc_logvar(h))"),
        "logvar clamped": (HEADS, "return self.fc_mu(h), self.fc_logvar(h).clamp(-4, 4)"),
        "mu and logvar swapped": (HEADS, "return self.fc_logvar(h), self.fc_mu(h)"),
        "logvar read from mu": (HEADS, "mu = self.fc_mu(h)\n        return mu, mu"),
        "no ReLU in the encoder": ("h = F.relu(self.fc1(x))", "h = self.fc1(x)"),
        "no ReLU in the decoder": (LAST, "return self.fc3(self.fc2(z))"),
        "tanh for ReLU": ("h = F.relu(self.fc1(x))", "h = self.fc1(x).tanh()"),
        "one head for both": (
            "        self.fc_mu = nn.Linear(hidden, latent)\n"
            "        self.fc_logvar = nn.Linear(hidden, latent)\n",
            "        self.fc_mu = self.fc_logvar = nn.Linear(hidden, latent)\n",
        ),
        "one variance for all dims": (
            "self.fc_logvar = nn.Linear(hidden, latent)",
            "self.fc_logvar = nn.Linear(hidden, 1)",
        ),
        "last layer without bias": (
            "nn.Linear(hidden, in_dim)",
            "nn.Linear(hidden, in_dim, bias=False)",
        ),
        "squeezed": (LAST, LAST + ".squeeze()"),
        "encode gives one tensor": (
            HEADS,
            "return torch.cat([self.fc_mu(h), self.fc_logvar(h)], 1)",
        ),
    },
    "sample": {
        "uniform noise": (DRAW, DRAW.replace("randn", "rand")),
        "exp(logvar) as sigma": ("torch.exp(0.5 * logvar)", "torch.exp(logvar)"),
        "logvar as sigma": ("torch.exp(0.5 * logvar)", "logvar"),
        "sigma upside down": ("torch.exp(0.5 * logvar)", "torch.exp(-0.5 * logvar)"),
        "twice the exponent": ("torch.exp(0.5 * logvar)", "torch.exp(2 * logvar)"),
        "uniform noise of variance 1": (
            Z,
            "eps = (torch.special.erf(eps / 2**0.5)) * 3**0.5\n        " + Z,
        ),
        "one draw per row": (DRAW, DRAW.replace("mu.shape", "(*mu.shape[:-1], 1)")),
        "one draw for all images": (DRAW, DRAW.replace("mu.shape", "mu.shape[-1:]")),
        "the mean in eval mode": (Z, "if not self.training:\n            return mu\n        " + Z),
        "the mean under no_grad": (
            Z,
            "if not torch.is_grad_enabled():\n            return mu\n        " + Z,
        ),
        "the same noise in each call": (
            "        eps = torch",
            "        generator = torch.Generator().manual_seed(0)\n        eps = torch",
        ),
        "no mean": (Z, "return torch.exp(0.5 * logvar) * eps + 0 * mu"),
        "mean scaled, too": (Z, "return (mu + eps) * torch.exp(0.5 * logvar)"),
        "one sigma per image": (
            "torch.exp(0.5 * logvar)",
            "torch.exp(0.5 * logvar.mean(-1, keepdim=True))",
        ),
        "noise cut off at 3": (Z, "eps = eps.clamp(-2.99, 2.99)\n        " + Z),
        "noise without its sign": (Z, "eps = eps.abs()\n        " + Z),
    },
    "path": {
        "torch.normal": (
            Z,
            "return torch.normal(mu, torch.exp(0.5 * logvar), generator=generator)",
        ),
        "drawn without gradients": (
            Z,
            "return torch.distributions.Normal(mu, torch.exp(0.5 * logvar)).sample()",
        ),
        "the sample detached": (Z, "return (mu + torch.exp(0.5 * logvar) * eps).detach()"),
        "sigma detached": ("torch.exp(0.5 * logvar)", "torch.exp(0.5 * logvar.detach())"),
        "mu detached": (Z, "return mu.detach() + torch.exp(0.5 * logvar) * eps"),
        "no_grad": (
            "    def reparameterize(",
            "    @torch.no_grad()\n    def reparameterize(",
        ),
        "sigma from .data": ("torch.exp(0.5 * logvar)", "torch.exp(0.5 * logvar.data)"),
    },
    "kl": {
        "sum over images": (KL, KL.replace("dim=1", "")),
        "the KL's sign": (KL, KL.replace("0.5", "-0.5")),
        "subtracted": (LOSS, LOSS.replace("+", "-")),
        "without the half": (KL, KL.replace("0.5 * ", "")),
        "mean over latent dims": (KL, KL.replace("sum(", "mean(")),
        "the 1 forgotten": (KL, KL.replace(" - 1", "")),
        "logvar not subtracted": (KL, KL.replace(" - logvar", "")),
        "mu not squared": (KL, KL.replace("mu**2", "mu.abs()")),
        "sigma for its square": (KL, KL.replace("logvar.exp()", "(logvar / 2).exp()")),
        "the other direction": (
            KL,
            "kl = 0.5 * ((mu**2 + 1) / logvar.exp() - 1 + logvar).sum(dim=1)",
        ),
        "beta left out": (LOSS, "(reconstruction + kl).mean()"),
        "beta on the whole": (LOSS, "(beta * (reconstruction + kl)).mean()"),
        "beta squared": (LOSS, "(reconstruction + beta**2 * kl).mean()"),
        "beta of 4 by default": ("beta: float = 1.0", "beta: float = 4.0"),
        "divided by the number of pixels": (
            LOSS,
            "(reconstruction + beta * kl / x.shape[1]).mean()",
        ),
        "a draw in place of the closed form": (
            KL,
            "z = mu + (logvar / 2).exp() * torch.randn_like(mu)\n"
            "    kl = (z**2 / 2 - (z - mu) ** 2 / logvar.exp() / 2 - logvar / 2).sum(dim=1)",
        ),
        "free bits": (KL, KL.replace(".sum(", ".clamp(min=0.1).sum(")),
        "the first image only": (LOSS, "reconstruction.mean() + beta * kl[0]"),
    },
    "reconstruction": {
        "sum over everything": (
            BCE,
            'F.binary_cross_entropy_with_logits(logits, x, reduction="sum")',
        ),
        "mean over pixels": (BCE, BCE.replace("sum(", "mean(")),
        "mean over everything": (BCE, "F.binary_cross_entropy_with_logits(logits, x)"),
        "squared error": (BCE, "((logits.sigmoid() - x) ** 2).sum(dim=1)"),
        "sigmoid twice": (BCE, BCE.replace("(logits,", "(logits.sigmoid(),")),
        "logits and x swapped": (BCE, BCE.replace("(logits, x,", "(x, logits,")),
        "pixels rounded": (BCE, BCE.replace("(logits, x,", "(logits, x.round(),")),
        "pixels divided by the largest": (BCE, BCE.replace("(logits, x,", "(logits, x / x.max(),")),
        "only bright pixels count": (BCE, "-(x * F.logsigmoid(logits)).sum(dim=1)"),
        "sum over the batch": (BCE, BCE.replace("dim=1", "dim=0")),
        "entropy of x taken off": (
            BCE,
            "(" + BCE + " + torch.xlogy(x, x).sum(1) + torch.xlogy(1 - x, 1 - x).sum(1))",
        ),
    },
    "forward": {
        "z in place of mu": (
            OUT,
            "z = self.reparameterize(mu, logvar, generator)\n"
            "        return self.decode(z), z, logvar",
        ),
        "the mean is decoded": (OUT, "return self.decode(mu), mu, logvar"),
        "two draws averaged": (
            OUT,
            "z = [self.reparameterize(mu, logvar, generator) for _ in range(2)]\n"
            "        return (self.decode(z[0]) + self.decode(z[1])) / 2, mu, logvar",
        ),
        "sigma for logvar": (
            OUT,
            OUT.replace("), mu, logvar", "), mu, torch.exp(0.5 * logvar)"),
        ),
        "z cut from the graph": (
            OUT,
            OUT.replace("generator))", "generator).detach())"),
        ),
        "z comes, too": (
            OUT,
            "z = self.reparameterize(mu, logvar, generator)\n"
            "        return self.decode(z), mu, logvar, z",
        ),
        "probabilities": (OUT, OUT.replace("generator)), mu", "generator)).sigmoid(), mu")),
        "mu and logvar cut from the graph": (
            OUT,
            OUT.replace("), mu, logvar", "), mu.detach(), logvar.detach()"),
        ),
        "mu and logvar swapped on the way out": (
            OUT,
            OUT.replace("), mu, logvar", "), logvar, mu"),
        ),
        "the mean in eval mode": (
            OUT,
            "if not self.training:\n            return self.decode(mu), mu, logvar\n        " + OUT,
        ),
    },
    "generator": {
        "generator not used": (DRAW, DRAW.replace("generator=generator, ", "")),
        "generator not passed on": (OUT, OUT.replace(", generator)", ")")),
        "the global generator is seeded": (
            DRAW,
            "torch.manual_seed(0) if generator else None\n        " + DRAW,
        ),
        "half of the noise from the global one": (
            Z,
            "eps = (eps + torch.randn_like(mu)) / 2**0.5\n        " + Z,
        ),
        "a seed of the generator, not its state": (
            DRAW,
            "if generator:\n"
            "            generator = torch.Generator().manual_seed(generator.initial_seed())\n"
            "        " + DRAW,
        ),
    },
    "limits": {
        "sigmoid, then cross entropy": (
            BCE,
            'F.binary_cross_entropy(logits.sigmoid(), x, reduction="none").sum(dim=1)',
        ),
        "log of a sigmoid plus epsilon": (
            BCE,
            "-(x * (logits.sigmoid() + 1e-7).log() + (1 - x)"
            " * (1 - logits.sigmoid() + 1e-7).log()).sum(dim=1)",
        ),
        "root of the variance": ("torch.exp(0.5 * logvar)", "logvar.exp().sqrt()"),
        "log of the variance in the KL": (KL, KL.replace("- logvar", "- logvar.exp().log()")),
        "logvar clamped in the loss": (
            "    reconstruction =",
            "    logvar = logvar.clamp(-20, 20)\n    reconstruction =",
        ),
        "sigma at least 0.001": (
            "torch.exp(0.5 * logvar)",
            "torch.exp(0.5 * logvar).clamp(min=1e-3)",
        ),
        "logvar at most 20 in the draw": (
            "torch.exp(0.5 * logvar)",
            "torch.exp(0.5 * logvar.clamp(max=20))",
        ),
        "logvar at most 20 in the KL": (KL, KL.replace("logvar.exp", "logvar.clamp(max=20).exp")),
        "logits clamped in the loss": (
            "    reconstruction =",
            "    logits = logits.clamp(-80, 80)\n    reconstruction =",
        ),
    },
    "exact": {
        "noise in float32": (DRAW, DRAW.replace("dtype=mu.dtype, ", "")),
        "noise on the CPU": (DRAW, DRAW.replace(", device=mu.device", "")),
        "noise made on the CPU, then moved": (
            DRAW,
            DRAW.replace(", device=mu.device)", ").to(mu.device)"),
        ),
        "loss in float32": (LOSS, "(reconstruction + beta * kl).float().mean().to(x.dtype)"),
        "mu changed in place": (
            Z,
            "with torch.no_grad():\n            mu += 0.0 * eps + 1e-9\n        " + Z,
        ),
        "a small number in the KL": (KL, KL.replace("- logvar)", "- (logvar.exp() + 1e-6).log())")),
        "x clamped in place": (
            "    reconstruction =",
            "    x.clamp_(1e-4, 1 - 1e-4)\n    reconstruction =",
        ),
        "noise drawn in float32, then cast": (
            DRAW,
            "eps = torch.randn(mu.shape, generator=generator, device=mu.device).to(mu.dtype)",
        ),
    },
}

VARIANTS = {
    "torch.distributions' KL and rsample's formula": (
        KL,
        "q = torch.distributions.Normal(mu, (logvar / 2).exp(), validate_args=False)\n"
        "    kl = 0.5 * (q.mean**2 + q.variance - 1) .sum(1) - 0.5 * logvar.sum(1)",
    ),
    "the loss by sums": (
        f"return {LOSS}",
        "return (reconstruction.sum() + beta * kl.sum()) / len(x)",
    ),
    "softplus for cross entropy": (BCE, "(F.softplus(logits) - x * logits).sum(dim=1)"),
    "noise by normal_": (DRAW, "eps = torch.empty_like(mu).detach().normal_(generator=generator)"),
    "addcmul": (Z, "return torch.addcmul(mu, (logvar / 2).exp(), eps)"),
    "layers assigned in another order": (
        "        self.fc1 = nn.Linear(in_dim, hidden)\n",
        "        self.fc3 = nn.Linear(hidden, in_dim)\n"
        "        self.fc1 = nn.Linear(in_dim, hidden)\n",
    ),
    "pixels checked": (
        "h = F.relu(self.fc1(x))",
        "assert 0 <= x.min() and x.max() <= 1\n        h = F.relu(self.fc1(x))",
    ),
    "encode gives a list": (HEADS, "return [self.fc_mu(h), self.fc_logvar(h)]"),
}
