"""What buggy_code_5.py requires.

score gets batches of one size: how they are read and counted shows in `batches` alone.
"""

import copy

import torch
from torch import nn

from checks import hunts
from checks.hunts import mode, noting
from checks.tools import attempt, close, equal, same
from checks.training import modes_of

RUNS = 3


def score(validate):
    for norm, training in ((nn.LayerNorm, True), (nn.LayerNorm, False), (nn.BatchNorm1d, True)):
        model, x, y = trained(norm)
        what = f"a model arriving in {mode(training)}, 3 batches of 64, {RUNS} runs"
        runs = [attempt(what, validate, model.train(training), cut(x, y)) for _ in range(RUNS)]
        runs = hunts.floats(what, runs, RUNS)
        close(runs, [in_production(model, x, y)] * RUNS, f"{what}: share ranked right", 1e-6)


def batches(validate):
    model, x, y = trained(nn.LayerNorm)
    for n, size in ((192, 50), (192, 191), (192, 7), (1, 1), (3, 1)):
        what, want = f"an iterator, {n} samples in batches of {size}", in_production(model, x, y, n)
        got = attempt(what, validate, model.eval(), iter(cut(x[:n], y[:n], size)))
        assert abs(got - want) < 1e-6, f"{what}: score {float(got):.4f}, want {want:.4f}"


def modes(validate):
    for training in (True, False):
        model, x, y = trained(nn.LayerNorm)
        what, before = f"a model that arrives in {mode(training)}", modes_of(model.train(training))
        for on in (True, False):
            with torch.set_grad_enabled(on), noting(model) as noted:
                attempt(what, validate, model, cut(x, y))
                after = torch.is_grad_enabled()
            equal("after validate torch.is_grad_enabled() is", after, on)
            hunts.modes_are(what, model, before)
            assert noted, "validate never ran the model"
            count = sum(one.recorded for one in noted)
            assert not count, f"{count} of {len(noted)} forward passes recorded gradients, want 0"


def traces(validate):
    for norm in (nn.LayerNorm, nn.BatchNorm1d):
        model, x, y = trained(norm)
        model.head.bias.requires_grad_(False)
        for training in (True, False):
            before = facts_of(model.train(training))
            attempt("3 batches", validate, model, cut(x, y))
            for what, now in facts_of(model.train(training)).items():
                then, what = before.get(what, "not there"), f"after validate {what}"
                if isinstance(then, torch.Tensor) and isinstance(now, torch.Tensor):
                    same(now, then, what)
                else:
                    said = ["a tensor" if isinstance(v, torch.Tensor) else v for v in (now, then)]
                    equal(f"{what} is", *said)


CORE = (score, batches, modes)
EDGES = (traces,)


class Classifier(nn.Module):
    """Drops out in a module and in a function."""

    def __init__(self, norm):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 32), norm(32), nn.ReLU(), nn.Dropout(0.3))
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(nn.functional.dropout(self.trunk(x), 0.3, self.training))


@torch.enable_grad()
def trained(norm):
    """A model with gradients left from its last step, and noisy data: it ranks not all right."""
    x = torch.randn(192, 10)
    y = (x[:, :3] + 0.5 * torch.randn(192, 3)).argmax(dim=1)
    model = Classifier(norm)
    hunts.trained(model, 8, 0.02, y, x)
    return model, x, y


def cut(x, y, size=64):
    return list(zip(x.split(size), y.split(size), strict=True))


def in_production(model, x, y, n=192):
    """The share of the first n samples ranked right; in eval mode none depends on the others."""
    ranked = copy.deepcopy(model).eval()(x[:n]).argmax(dim=1)
    return (ranked == y[:n]).double().mean().item()


def facts_of(model):
    """By name: parameters, their gradients, buffers, attributes of the modules, random numbers."""
    found = {name: value.clone() for name, value in model.state_dict().items()}
    found["torch.get_rng_state()"] = torch.get_rng_state()
    for name, part in model.named_modules():
        own = {key: value for key, value in vars(part).items() if not key.startswith("_")}
        found |= {f"{name or 'the model'}.{key}": value for key, value in own.items()}
    for name, p in model.named_parameters():
        found[f"{name}.requires_grad"] = p.requires_grad
        found[f"{name}.grad"] = None if p.grad is None else p.grad.clone()
    return found
