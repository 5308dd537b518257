"""What challenge_gan_step.py requires: numbers by hand, then a twin in separate graphs."""

import copy
import math

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.optim.optimizer import register_optimizer_step_post_hook

from checks.functions import number_is
from checks.tools import attempt, close, equal, same, unchanged
from checks.training import line, modes_of


def losses(gan_step):
    for real, fake, w in (([1.0], 2.0, 0.0), ([1.0, 3.0], -1.0, 1.0), ([-2.0, 0.5], 0.7, -1.5)):
        G, D = line(0.0, fake).double(), line(w).double()
        what = f"real {real}, fakes {fake:g}, D(x) = {w:g} x, lr 0"
        z, x = torch.ones(3, 1).double(), torch.tensor(real).double()[:, None]
        got = step(what, gan_step, G, D, *sgd(G, D, 0.0, 0.0), x, z)
        fake, of_real = G.bias.item(), sum(softplus(-w * r) for r in real) / len(real)
        number_is(f"{what}: loss_d", got[0], of_real + softplus(w * fake), 1e-9)
        number_is(f"{what}: loss_g", got[1], softplus(-w * fake), 1e-9)


def order(gan_step):
    G, D, seen, given = line(0.0, 2.0), line(), [], []
    opt_g, opt_d = sgd(G, D, 0.25, 1.0)
    G.register_forward_pre_hook(lambda _m, inputs: given.append(inputs[0].detach().clone()))
    z = torch.tensor([[0.5], [-1.0]])

    names, what = {opt_d: "D", opt_g: "G"}, "real 1, fakes 2, D(x) = 0, lr of D 1"
    hook = register_optimizer_step_post_hook(
        lambda optimizer, *_: seen.append(names.get(optimizer, "another optimizer"))
    )
    try:
        got = step(what, gan_step, G, D, opt_g, opt_d, torch.ones(2, 1), z)
    finally:
        hook.remove()
    equal(f"{what}: steps of", seen, ["D", "G"])
    told = f"{what}, so that D(x) is -0.5 x after its step"
    number_is(f"{told}: loss_d, by D before it", got[0], 2 * softplus(0), 1e-5)
    number_is(f"{told}: loss_g", got[1], softplus(1), 1e-5)
    moved = 2 - 0.25 * 0.5 / (1 + math.exp(-1))
    close(G.bias.item(), moved, f"{told}: bias of G, 2 before, lr 0.25")
    for x in given:
        same(x, z, f"{what}: the input of G")


def detached(gan_step):
    (G, D), arrived, steps = nets(), [], []
    opt_g, opt_d = sgd(G, D, 0.1, 0.1)

    def watch(_m, _x, out):
        if out.requires_grad:
            out.register_hook(lambda _: arrived.append(len(steps)))

    opt_d.register_step_post_hook(lambda *_: steps.append("D"))
    G.register_forward_hook(watch)
    step("G and D of 2 layers", gan_step, G, D, opt_g, opt_d, torch.randn(5, 2), torch.randn(5, 3))
    early = arrived.count(0)
    assert not early, f"G's output got gradients {early} times before D's step, want after it only"


def clean(gan_step):
    pair, ends = nets(), []
    pair[1].shift = nn.Parameter(torch.zeros(1))  # D's own: no child of D has it
    pair[1].register_forward_hook(lambda m, _, out: out + m.shift)
    for old in (None, 10.0):
        G, D = copy.deepcopy(pair)
        for p in (*G.parameters(), *D.parameters()):
            p.grad = None if old is None else torch.full_like(p, old)
        leaks_nothing(f".grad {old} before the call", gan_step, G, D)
        ends.append([p.detach() for m in (G, D) for p in m.parameters()])
    for one, other in zip(*ends, strict=True):
        close(other, one, "a parameter after a call with .grad 10 before it, against one with None")


def moved(gan_step):
    for kind, options in (("SGD", {"momentum": 0.9}), ("Adam", {"betas": (0.5, 0.9)})):
        last = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 1)) if kind == "SGD" else None
        pair, data = nets(last), (torch.randn(5, 2).double(), torch.randn(5, 3).double())
        pair = tuple(m.double() for m in pair)
        what = f"torch.optim.{kind}, {'batch norm in D, ' * bool(last)}float64"
        compare(what, gan_step, pair, *data, 2, 1e-9, kind, **options)


def flags(gan_step):
    G, D = pair = nets()
    frozen = [G[0].bias, *D[0].parameters()]
    for p in frozen:
        p.requires_grad_(False)
        p.grad = torch.ones_like(p) if p.shape[0] == 6 else None  # D's, from before it was frozen
    for part in (G[1], D[0], D[2]):
        part.eval()
    what, before = "D's first layer and G's first bias frozen", copy.deepcopy(pair)
    modes, during = modes_of(D), []
    D.register_forward_pre_hook(lambda m, _: during.append(modes_of(m)))
    with unchanged(f"{what}: one of these", *frozen):
        leaks_nothing(what, gan_step, G, D)
    for now in during:
        equal(f"{what}: training in D, in one of its calls", now, modes)
    for name, m, old in zip("GD", pair, before, strict=True):
        got, want = ([p.requires_grad for p in one.parameters()] for one in (m, old))
        equal(f"{what}: afterwards requires_grad of {name}'s parameters", got, want)
        equal(f"{what}: afterwards training in {name}", modes_of(m), modes_of(old))
    still = torch.equal(G[0].weight, before[0][0].weight)
    assert not still, f"{what}: G's first weight did not move, want a step of G through D"


def shapes(gan_step):
    for n, m in ((5, 3), (1, 4)):
        for told, last in (
            ("(N, 1)", nn.Linear(6, 1)),
            ("(N,)", nn.Sequential(nn.Linear(6, 1), nn.Flatten(0))),
            ("(N, 1, 2, 3)", nn.Unflatten(1, (1, 2, 3))),
        ):
            what, data = f"{n} real, {m} z, logits {told}", (torch.randn(n, 2), torch.randn(m, 3))
            compare(what, gan_step, nets(last), *data, 1, 1e-4)


def limits(gan_step):
    for real, fake, to_d, to_g in ((1.0, -1.0, 0, 1), (-1.0, 1.0, -2, 0)):
        G, D = line(0.0, fake), line(1000.0)
        what = f"D(x) = 1000 x, real {real:g}, fakes {fake:g}"
        x, z = torch.full((2, 1), real), torch.ones(2, 1)
        with unchanged(what, x, z):
            got = step(what, gan_step, G, D, *sgd(G, D, 1e-3, 1.0), x, z)
        asked = [x.requires_grad, z.requires_grad]
        equal(f"{what}: afterwards real and z ask for gradients:", asked, [False, False])
        finite = [bool(torch.as_tensor(loss).isfinite()) for loss in got]
        equal(f"{what}: losses that are finite", finite, [True, True])
        close(D.weight.item(), 1000.0 + to_d, f"{what}, lr 1: weight of D, 1000 before")
        close(G.bias.item(), fake + to_g, f"{what}, lr 0.001: bias of G, {fake:g} before")


CORE = (losses, order, detached, clean, moved)
EDGES = (flags, shapes, limits)


def softplus(x):
    return math.log1p(math.exp(x))


def nets(last=None):
    """G from 3 numbers to 2, D from 2 numbers to a logit, or to 6 numbers for `last`."""
    G = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    D = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), last or nn.Linear(6, 1))
    return G, D


def sgd(G, D, lr_g, lr_d):
    return torch.optim.SGD(groups(G), lr_g), torch.optim.SGD(groups(D), lr_d)


def groups(module):
    """Each parameter is a group of the optimizer's."""
    return [{"params": [p]} for p in module.parameters()]


def step(what, gan_step, *given):
    """What gan_step gives: two losses."""
    got = attempt(what, gan_step, *given)
    two = isinstance(got, tuple | list) and len(got) == 2
    assert two, f"{what}: gan_step gave {type(got).__name__}, want (loss_d, loss_g)"
    return got


def loss_of_d(D, real, fake):
    ours, theirs = D(real), D(fake)
    return bce(ours, torch.ones_like(ours)) + bce(theirs, torch.zeros_like(theirs))


def leaks_nothing(what, gan_step, G, D):
    """A step on new data; then .grad of D's parameters is loss_d's, 0 or None; of frozen ones 0."""
    real, z = torch.linspace(-2, 2, 10).view(5, 2), torch.linspace(-1, 2, 12).view(4, 3)
    loss = loss_of_d(D, real, G(z).detach())
    asked = {name: p for name, p in D.named_parameters() if p.requires_grad}
    wanted = dict(zip(asked, torch.autograd.grad(loss, [*asked.values()]), strict=True))
    step(what, gan_step, G, D, *sgd(G, D, 0.1, 0.1), real, z)
    for name, p in D.named_parameters():
        if p.grad is not None and p.grad.any():
            told = f"{what}: D's {name}.grad after it"
            norm = f"{p.grad.norm():.4g}"
            assert name in wanted, f"{told}, frozen: of norm {norm}, want None or 0"
            close(p.grad, wanted[name], f"{told}, against loss_d's")


def compare(what, gan_step, pair, real, z, steps, tol, kind="SGD", **options):
    """After each of some steps the weights are those of a twin in separate graphs."""
    (G, D), make = copy.deepcopy(pair), getattr(torch.optim, kind)
    mine, other = ([make(groups(m), 0.05, **options) for m in two] for two in (pair, (G, D)))
    for i in range(1, steps + 1):
        step(f"{what}, step {i}", gan_step, *pair, *mine, real, z)
        descend(D, other[1], loss_of_d(D, real, G(z).detach()))
        fooled = D(G(z))
        descend(G, other[0], bce(fooled, torch.ones_like(fooled)))
        for net, one, twin in zip("GD", pair, (G, D), strict=True):
            for (name, p), right in zip(one.named_parameters(), twin.parameters(), strict=True):
                close(p.detach(), right.detach(), f"{what}, step {i}: {net}'s {name}", tol)


def descend(module, optimizer, loss):
    params = [*module.parameters()]
    for p, grad in zip(params, torch.autograd.grad(loss, params), strict=True):
        p.grad = grad
    optimizer.step()
