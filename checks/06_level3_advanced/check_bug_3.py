"""What 06_level3_advanced/buggy_code_3.py requires.

gradient looks at what is in .grad at the step, steps at what the optimizer made of that.
"""

import copy
import math

import torch
from torch import nn

from checks import hunts
from checks.tools import attempt, close, equal, unchanged
from checks.training import norm_of, states_are, watching

F, K = 6, 3
CASES = (  # micro-batches, samples in each, x is so large, max_norm
    (3, 2, 1.0, 0.1),
    (2, 1, 9.0, 1.0),
    (5, 4, 30.0, 2.5),
    (1, 5, 9.0, 0.5),
    (4, 3, 0.1, 1.0),
    (3, 2, 90.0, 1e6),
    (2, 3, 0.0, 1e-3),
)
OLDS = [(None, 1.0, math.nan), *[(None,)] * 6]  # in .grad before, for each case


def gradient(accumulate_and_clip):
    for labels, want in (([0, 1], 0.0), ([0, 0], -0.1), ([1, 1, 1, 0], 0.1), ([0, 1, 1, 0], 0.0)):
        batches = [(torch.zeros(1, 1), torch.tensor([label])) for label in labels]
        model = nn.Linear(1, 2)
        nn.init.zeros_(model.bias)
        what = f"micro-batches of one sample, labels {labels}, both logits 0, max_norm 0.1414"
        (step,) = steps_of(what, accumulate_and_clip, model, batches, 0.02**0.5)
        told = f"{what}: the gradient of the logits at the step"
        close(step.grads[1], torch.tensor([want, 0.0 - want]), told)
    for (n, size, scale, max_norm), olds in zip(CASES, OLDS, strict=True):
        for old in olds:
            model, batches = plain(), cut(n, size, scale)
            for p in model.parameters():
                p.grad = None if old is None else torch.full_like(p, old)
            what = f"{n} micro-batches of {size}, max_norm {max_norm:g}, {old} in .grad before"
            want = true_gradient(model, batches)
            norm, inputs = norm_of(want), [t for batch in batches for t in batch]
            with unchanged(what, *inputs):
                (step,) = steps_of(what, accumulate_and_clip, model, batches, max_norm)
            told = f"{what}, gradient of the mean {norm:.4g} long: at the step it is"
            length = min(norm, max_norm)
            got = norm_of(step.grads)
            assert abs(got - length) <= 1e-4 * length, f"{told} {got:.4g} long, want {length:.4g}"
            names = dict(model.named_parameters())
            for name, g, right in zip(names, step.grads, want, strict=True):
                close(g, right * (length / norm), f"{what}: gradient of {name} at the step")


def norm(accumulate_and_clip):
    for n, size, scale, max_norm in CASES:
        model, batches = plain(), cut(n, size, scale)
        want = norm_of(true_gradient(model, batches))
        what = f"{n} micro-batches of {size}, max_norm {max_norm:g}"
        got = attempt(what, accumulate_and_clip, model, sgd(model), batches, max_norm)
        assert isinstance(got, float), f"{what} gave a {type(got).__name__}, want a float"
        close(float(got), want, f"{what}: the norm")


def steps(accumulate_and_clip):
    for n in (1, 3):
        model, what = plain(), f"two calls with {n} micro-batches"
        twin, optimizer = copy.deepcopy(model), sgd(model)
        other, seen = sgd(twin), []
        for i in (1, 2):
            batches = cut(n, 2, 3.0)
            seen += steps_of(
                f"{what}, call {i}", accumulate_and_clip, model, batches, 0.5, optimizer
            )
            for p, g in zip(twin.parameters(), seen[-1].grads, strict=True):
                p.grad = g
            other.step()
            states_are(
                model.state_dict(), twin.state_dict(), f"{what}, after call {i}, by .grad", 1e-6
            )
    for training in (True, False):
        parts = nn.Linear(F, 8), nn.LayerNorm(8), nn.Dropout(0.3), nn.Linear(8, K)
        model, batches = nn.Sequential(*parts).train(training), cut(3, 2, 1.0)
        model[2].train(not training)
        what = f"3 micro-batches, begun in {hunts.mode(training)} but for one part"
        hunts.passes_in_train_mode(
            what, model, 3, lambda m=model, b=batches: accumulate_and_clip(m, sgd(m), b, 1.0)
        )


def memory(accumulate_and_clip):
    model, batches = plain(), cut(4, 5, 1.0)
    optimizer = sgd(model)
    hunts.lets_go(
        "4 micro-batches", model, lambda: accumulate_and_clip(model, optimizer, batches, 1.0)
    )


CORE = (gradient, norm, steps, memory)
EDGES = ()


def plain():
    """The same in both modes."""
    return nn.Sequential(nn.Linear(F, 8), nn.Tanh(), nn.Linear(8, K))


def sgd(model):
    """Two groups, the second one at half the rate."""
    first, *rest = model.parameters()
    groups = [{"params": [first]}, {"params": rest, "lr": 0.05}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def cut(n, size, scale):
    return [(scale * torch.randn(size, F), torch.randint(K, (size,))) for _ in range(n)]


def true_gradient(model, batches):
    """Of the mean over all samples, by logarithms and exponentials."""
    x, y = (torch.cat(t) for t in zip(*batches, strict=True))
    logits = model(x)
    mean = (logits.logsumexp(dim=1) - logits[range(len(y)), y]).mean()
    return torch.autograd.grad(mean, list(model.parameters()))


def steps_of(what, accumulate_and_clip, model, batches, max_norm, optimizer=None):
    """The one step of the optimizer, which comes after all micro-batches."""
    optimizer, n = optimizer or sgd(model), len(batches)
    with watching(model, optimizer) as seen:
        attempt(what, accumulate_and_clip, model, optimizer, batches, max_norm)
    equal(f"{what}: passes before each step:", seen.steps_after(), [n])
    equal(f"{what}: micro-batches that are then in the list:", len(batches), n)
    given = [step for step in seen.steps if step.is_given]
    none = sum(g is None for g in given[0].grads)
    equal(f"{what}: parameters whose .grad is None at the step:", none, 0)
    return given
