"""A variational autoencoder: move the draw into the inputs, and keep the KL in closed form.

Why it works: z = mu + sigma eps with eps from N(0, 1) is a draw from q, and a plain function of mu
and sigma, so gradients pass: dz/dmu = 1, dz/dlogvar = sigma eps / 2. The KL per dim is
(mu^2 + sigma^2 - 1 - logvar) / 2: 0 at mu 0, sigma 1; at mu 2, sigma 1 it is 2.
Say in the interview:
- Reconstruction asks for a small sigma, the KL pulls q to N(0, 1). Without the KL sigma goes to 0,
  the codes lie anywhere, and a decoded draw from N(0, 1) shows nothing.
- Both terms are sums over dims, the loss is a mean over images. A mean over dims changes their
  balance: with 784 pixels and 20 latent dims it weighs the KL 39 times as much.
- logvar, not sigma: it may be any number, and exp makes it positive.
- Logits go into the loss, which takes no log of a rounded 0.
They ask next: "Why are samples blurred?" Pixels are independent given z, so a place of which z does
not tell is answered with its mean. "What is posterior collapse?" A strong decoder ignores z, the
KL goes to 0; one lets beta grow from 0, or grants each dim some KL for free.
Common slips: exp(logvar) as sigma; the KL's sign; a draw by torch.normal, which has no gradient to
mu; mean over dims; sigmoid in the model and again in the loss.
May be left out if you say so: the generator. Run as a file, it trains on
small images and draws images, reconstructions and a walk through the latent plane: runs/vae.png.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self, in_dim: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(in_dim, hidden)
        self.fc_mu = nn.Linear(hidden, latent)
        self.fc_logvar = nn.Linear(hidden, latent)
        self.fc2 = nn.Linear(latent, hidden)
        self.fc3 = nn.Linear(hidden, in_dim)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, in_dim) -> mu and logvar (N, latent)."""
        h = F.relu(self.fc1(x))  # (N, hidden)
        return self.fc_mu(h), self.fc_logvar(h)

    def reparameterize(
        self, mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Any shape -> the same: mu + sigma eps."""
        eps = torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)
        return mu + torch.exp(0.5 * logvar) * eps

    def decode(self, z: Tensor) -> Tensor:
        """(N, latent) -> logits (N, in_dim)."""
        return self.fc3(F.relu(self.fc2(z)))

    def forward(
        self, x: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(N, in_dim) -> logits (N, in_dim), mu and logvar (N, latent)."""
        mu, logvar = q = self.encode(x)
        return self.decode(self.reparameterize(*q, generator)), mu, logvar


def vae_loss(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, beta: float = 1.0) -> Tensor:
    """(N, in_dim) twice, (N, latent) twice -> () the negative ELBO per image."""
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=1)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)  # (N,)
    return (reconstruction + beta * kl).mean()


if __name__ == "__main__":  # rows of images, their reconstructions, decoded points of a grid
    from pathlib import Path

    from torchvision.utils import save_image

    SIDE, STEPS = 12, 300

    def spots(n: int) -> Tensor:
        """Images (n, SIDE * SIDE) of a bright spot anywhere: two numbers make each of them."""
        center = 1 + (SIDE - 2) * torch.rand(2, n, 1)
        near = (-((torch.arange(SIDE) + 0.5 - center) ** 2) / 4).exp()  # (2, n, SIDE)
        return (near[0, :, :, None] * near[1, :, None, :]).flatten(1)

    torch.manual_seed(0)
    model = VAE(SIDE * SIDE, 64, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(STEPS):
        x = spots(64)
        logits, mu, logvar = model(x)
        loss = vae_loss(logits, x, mu, logvar)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    ticks, x = torch.linspace(-1.6, 1.6, 8), spots(8)
    grid = torch.cartesian_prod(ticks, ticks)  # (64, 2)
    with torch.no_grad():
        rows = torch.cat([x, model(x)[0].sigmoid(), model.decode(grid).sigmoid()])
    file = Path(__file__).resolve().parents[1] / "runs" / "vae.png"
    file.parent.mkdir(exist_ok=True)
    save_image(rows.view(-1, 1, SIDE, SIDE), file, nrow=8, padding=1, pad_value=0.5)
    print(f"loss {loss.item():.1f} after {STEPS} steps; look at runs/{file.name}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
