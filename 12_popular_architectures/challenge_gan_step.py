"""One training step of a GAN: a generator G and a discriminator D that work against each other.

D gives logits; with s the sigmoid it maximizes mean log s(D(real)) + mean log(1 - s(D(G(z)))).
G minimizes the non-saturating loss.

    gan_step(G, D, opt_g, opt_d, real, z) -> (loss_d, loss_g)
    real         a batch of samples         z   a batch of noise for G
    loss_d       a float, what D minimizes; by D before its step
    loss_g       a float, what G minimizes; by D after its step

Core, what an interview asks:

    losses    As above; means over all logits.
    order     D steps once, then G steps once, by D as it is then and with the same z.
    detached  No gradient of loss_d enters G.
    clean     What .grad held before the call has no effect. Afterwards .grad of D's parameters
              holds nothing of loss_g: it is of loss_d, 0 or None.
    moved     Weights end where two steps in separate graphs end, in float64 to 1e-8.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    flags     training of each part stays; requires_grad of each is then as it came. Frozen
              parameters stay; gradients pass them.
    shapes    real and z may differ in N. D may give (N,), (N, 1) or a map.
    limits    Logits of ±1e3: exact steps, finite losses. real and z stay.

Medium, 25 minutes. Try one alone: python FILE order
Paper: https://arxiv.org/abs/1406.2661
"""

import torch
from torch import Tensor, nn


def gan_step(
    G: nn.Module,
    D: nn.Module,
    opt_g: torch.optim.Optimizer,
    opt_d: torch.optim.Optimizer,
    real: Tensor,
    z: Tensor,
) -> tuple[float, float]:
    raise NotImplementedError("gan_step")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    G, D = nn.Linear(1, 1), nn.Linear(1, 1)
    for p in (*G.parameters(), *D.parameters()):
        nn.init.zeros_(p)
    opt_g, opt_d = (torch.optim.SGD(m.parameters(), lr=1.0) for m in (G, D))
    loss_d, loss_g = gan_step(G, D, opt_g, opt_d, torch.ones(2, 1), torch.ones(2, 1))
    assert round(loss_d, 4) == 1.3863, loss_d  # D says 1/2 to both: 2 log 2
    assert D.weight.item() == 0.5, D.weight  # real is 1, the fake 0
    assert round(loss_g, 4) == 0.6931, loss_g  # the fake 0 has the logit 0 still
    assert G.bias.item() == 0.25, G.bias  # up, where D sees real ones


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
