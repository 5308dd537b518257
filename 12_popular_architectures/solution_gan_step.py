"""One step of a GAN: D learns from a detached fake, G through a D that is held still.

Why it works: log s(a) = -softplus(-a) and log(1 - s(a)) = -softplus(a). The fake of D's loss is cut
from G's graph, so no gradient goes there. Then D's weights stop to ask for gradients: the loss of G
passes D on its way to G and leaves nothing in it. At logits 0 loss_d is 2 log 2 = 1.386 and loss_g
is log 2 = 0.693: D has nothing to say.
Say in the interview:
- Non-saturating: at the logit -5, where D is sure of a fake, log(1 - s) has the slope -s = -0.007,
  and -log s has s - 1 = -0.993. G has its signal when it needs it most; at s = 1/2 both agree.
- One forward pass of G serves both steps: its graph holds no weight of D.
- Losses of a GAN do not measure quality. Look at samples; loss_d near 0 says that D has won.
They ask next: "Why not leave loss_g's gradients in D, as zero_grad comes before its next step?" It
works as long as zero_grad does come first; until then a gradient norm that is logged has them, and
they cost time. "Mode collapse?" G gives the few samples that fool D now; larger batches, a penalty
on D's gradient or another loss (Wasserstein) help.
Common slips: fake not detached; labels swapped; G minimizes log(1 - s); D moved by G's loss; D's
flags all set to True afterwards; loss_g by the D of before.
May be left out if you say so: frozen parameters. Run as a file, it trains on points of a ring, and
draws them and G's samples after every 80 steps: runs/gan.png.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus


def gan_step(
    G: nn.Module,
    D: nn.Module,
    opt_g: torch.optim.Optimizer,
    opt_d: torch.optim.Optimizer,
    real: Tensor,
    z: Tensor,
) -> tuple[float, float]:
    """One step of D, then one of G. Returns both losses."""
    fake = G(z)
    loss_d = softplus(-D(real)).mean() + softplus(D(fake.detach())).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    trained = [p for p in D.parameters() if p.requires_grad]
    for p in trained:
        p.requires_grad_(False)
    loss_g = softplus(-D(fake)).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    for p in trained:
        p.requires_grad_(True)
    return loss_d.item(), loss_g.item()


if __name__ == "__main__":  # samples of the ring, then of G: white where many are
    from pathlib import Path

    from torchvision.utils import save_image

    SIDE, STEPS = 48, 80

    def ring(n: int) -> Tensor:
        """Eight places on a circle, (n, 2)."""
        angle = torch.randint(8, (n,)) * torch.pi / 4
        return torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(n, 2)

    def seen(points: Tensor) -> Tensor:
        """(n, 2) -> how many are in each pixel, (1, SIDE, SIDE)."""
        at = ((points + 1.5) / 3 * SIDE).long().clamp(0, SIDE - 1)
        count = torch.bincount(at[:, 0] * SIDE + at[:, 1], minlength=SIDE * SIDE)
        return (count.view(1, SIDE, SIDE) / 8).clamp(max=1)

    def net(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(
            nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs)
        )

    torch.manual_seed(0)
    G, D = net(8, 2), net(2, 1)
    opt_g, opt_d = (torch.optim.Adam(m.parameters(), lr=5e-3, betas=(0.5, 0.9)) for m in (G, D))
    frames = [seen(ring(1000))]
    for _ in range(4):
        for _ in range(STEPS):
            losses = gan_step(G, D, opt_g, opt_d, ring(64), torch.randn(64, 8))
        with torch.no_grad():
            frames.append(seen(G(torch.randn(1000, 8))))
    file = Path(__file__).resolve().parents[1] / "runs" / "gan.png"
    file.parent.mkdir(exist_ok=True)
    save_image(torch.stack(frames), file, padding=1, pad_value=0.5)
    print(
        "losses {:.2f}, {:.2f} after".format(*losses),
        f"{4 * STEPS} steps; look at runs/{file.name}",
    )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
