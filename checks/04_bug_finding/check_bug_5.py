"""What buggy_code_5.py requires.

score gets a list of batches of one size, so that how they are read and counted shows in `batches`
alone, where the model arrives in eval mode. One sample never meets a norm over the batch.
"""

import copy

import torch
from torch import nn

from checks.hunts import attempt
from checks.tools import same
from checks.training import modes_of

RUNS = 5


def score(validate):
    for norm, training in ((nn.LayerNorm, True), (nn.LayerNorm, False), (nn.BatchNorm1d, True)):
        model, x, y = trained(norm)
        want = in_production(model, x, y)
        mode = f"arriving in {'train' if training else 'eval'} mode"
        what = f"a model {mode}, 3 batches of 64"
        runs = []
        for _ in range(RUNS):
            model.train(training)
            runs.append(attempt(what, validate, model, cut(x, y, 64)))
        kinds = {type(run).__name__ for run in runs if not isinstance(run, float)}
        assert not kinds, f"{what}: validate gave a {', '.join(kinds)}, want a float"
        shown = ", ".join(f"{run:.3f}" for run in runs)
        assert max(runs) - min(runs) < 1e-6, f"{what}: {RUNS} runs gave {shown}, want one number"
        assert abs(runs[0] - want) < 1e-6, (
            f"{what}: score {runs[0]:.4f}, in production {want:.4f} of the samples are ranked right"
        )


def batches(validate):
    model, x, y = trained(nn.LayerNorm)
    want = in_production(model, x, y)
    for size in (50, 191, 192, 7):
        what = f"an iterator, 192 samples in batches of {size}"
        got = attempt(what, validate, model.eval(), iter(cut(x, y, size)))
        assert abs(got - want) < 1e-6, f"{what}: score {float(got):.4f}, want {want:.4f}"
    for i in (0, 1, 2):
        one = attempt("one sample", validate, model.eval(), iter([(x[i : i + 1], y[i : i + 1])]))
        right = in_production(model, x[i : i + 1], y[i : i + 1])
        assert one == right, f"one sample: score {float(one):.4f}, want {right:.4f}"


def modes(validate):
    for training in (True, False):
        model, x, y = trained(nn.LayerNorm)
        model.train(training)
        modes, arrived = (
            modes_of(model),
            f"a model that arrives in {'train' if training else 'eval'}",
        )
        recorded = []
        hook = model.register_forward_hook(
            lambda *io, seen=recorded: seen.append(io[2].requires_grad)
        )
        for on in (True, False):
            with torch.set_grad_enabled(on):
                attempt(f"{arrived} mode", validate, model, cut(x, y, 64))
                after = torch.is_grad_enabled()
            assert after == on, f"torch.is_grad_enabled() was {on}, after validate it is {after}"
        hook.remove()
        now = modes_of(model)
        other = ", ".join(name for name in modes if now[name] != modes[name])
        assert not other, f"{arrived} mode: afterwards in the other mode: {other}; want none"
        assert recorded, "validate never ran the model"
        count = sum(recorded)
        assert not count, f"{count} of {len(recorded)} forward passes recorded gradients, want 0"


def traces(validate):
    for norm in (nn.LayerNorm, nn.BatchNorm1d):
        model, x, y = trained(norm)
        model.head.bias.requires_grad_(False)
        for training in (True, False):
            tensors, facts = tensors_of(model.train(training)), facts_of(model)
            attempt("3 batches", validate, model, cut(x, y, 64))
            model.train(training)  # label modes looks at that
            for what, now in facts_of(model).items():
                then = facts.get(what, "not there")
                assert now == then, f"after validate {what} is {now}, it was {then}"
            for what, now in tensors_of(model).items():
                same(now, tensors[what], f"after validate {what}")


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
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(15):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model, x, y


def cut(x, y, size):
    return list(zip(x.split(size), y.split(size), strict=True))


def in_production(model, x, y):
    """The share of samples ranked right, one at a time."""
    served = copy.deepcopy(model).eval()
    return sum(int(served(a[None]).argmax() == b) for a, b in zip(x, y, strict=True)) / len(y)


def tensors_of(model):
    found = {name: value.clone() for name, value in model.state_dict().items()}
    for name, p in model.named_parameters():
        if p.grad is not None:
            found[f"{name}.grad"] = p.grad.clone()
    return found | {"torch.get_rng_state()": torch.get_rng_state()}


def facts_of(model):
    """By name, what is no tensor: attributes of the modules, who has and wants a gradient."""
    found = {}
    for name, m in model.named_modules():
        for key, value in vars(m).items():
            if not key.startswith("_") and key != "training":
                found[f"{name or 'the model'}.{key}"] = value
    for name, p in model.named_parameters():
        found[f"{name}.requires_grad"] = p.requires_grad
        found[f"whether {name}.grad is there"] = p.grad is not None
    return found
