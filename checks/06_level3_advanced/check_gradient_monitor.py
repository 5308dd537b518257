"""What challenge_gradient_monitor.py requires: numbers by hand, and a model seen from outside."""

import copy
import itertools
import re

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from checks.functions import number_is
from checks.models_and_files import raised_by
from checks.tools import attempt, close, equal, names_are, same, tensor


def clip(clip_grad_norm):
    cases = [([[3.0], [4.0]], most, 5) for most in (1.0, 5.5, float("inf"))]
    cases += ([[3.0], [5.0]], 5.8, 34**0.5), ([[2.0], None, [3.0], [6.0]], 3.5, 7)
    cases += ([[[3.0, 0.0], [0.0, 4.0]], [12.0]], 6.5, 13), ([[5.0]], 0.0, 5)
    for grads, max_norm, norm in (*cases, ([[0.0], None], 1.0, 0), ([], 1.0, 0)):
        olds = [torch.tensor([0.0] if grad is None else grad) for grad in grads]
        params = [nn.Parameter(torch.zeros_like(old), norm != 13) for old in olds]
        for p, old, grad in zip(params, olds, grads, strict=True):
            p.grad = None if grad is None else old.view_as(old)
        frozen = ", frozen parameters" if norm == 13 else ""
        what = f"clip_grad_norm, gradients {grads}{frozen}, max_norm {max_norm:g}"
        number_is(what, attempt(what, clip_grad_norm, iter(params), max_norm), norm)
        factor = min(1, max_norm / norm) if norm else 1
        for p, old, grad in zip(params, olds, grads, strict=True):
            equal(f"{what}: .grad is None afterwards:", p.grad is None, grad is None)
            if grad is not None:
                want, tol = torch.tensor(grad) * factor, 1e-4 if factor < 1 else 0
                close(p.grad, want, f"{what}: a .grad", tol)
                close(old, want, f"{what}: the tensor that was in .grad", tol)


def capture(capture):
    model, x = net().double(), torch.randn(5, 3).double()
    model[1].register_forward_hook(lambda module, inputs, out: 2 * out)
    for names in (["1.0"], ["0", "2"], ["1", "1.1", ""], []):
        what, asked = f"capture(model, {names})", [*map(repr, names)]
        with capture(model, names) as outputs:
            equal(f"{what}, before a call: outputs", dict(outputs), {})
            model(x)
            names_are(map(repr, outputs), asked, f"{what}, after a call, inside the block")
        names_are(map(repr, outputs), asked, f"{what}, after the block")
        wanted = by_hand(model, x)
        for name in names:
            got = tensor(outputs[name], f"{what}: {name!r}")
            close(got, wanted[name].detach(), f"{what}, a hook doubles '1': {name!r}")
            assert not got.requires_grad, f"{what}: {name!r} has a graph"


def norms(GradientMonitor):
    model, five = net(), torch.tensor([1.0, 2, 2, 4])
    with GradientMonitor(model) as monitor:
        model(torch.randn(5, 3))
    number_is("no gradient at all: global_norm", monitor.global_norm, 0)
    model[2].bias.requires_grad_(False).grad = torch.tensor([3.0, 4.0])
    model[0].bias.grad = five
    with GradientMonitor(model) as monitor:
        model[0].weight.grad, model[0].bias.grad, model[1][1].bias.grad = (
            torch.eye(4, 3),
            None,
            five,
        )
    told = "0.bias.grad None at the end, 2.bias frozen with an old one:"
    want = {"0.weight": 3**0.5, "1.1.bias": 5, "2.bias": 5}
    numbers_are(f"{told} grad_norms", monitor.grad_norms, want)
    number_is(f"{told} norms 1.732, 5 and 5, global_norm", monitor.global_norm, 53**0.5)


def updates(GradientMonitor):
    model = net()
    nn.init.zeros_(model[0].bias)
    model[1][1].bias.data.copy_(torch.tensor([1.0, -1, 2, -2]) / 1e7)
    model[2].bias.requires_grad_(False)
    monitor = GradientMonitor(model)
    model[2].weight.data.mul_(2)
    old = {name: p.detach().clone() for name, p in model.named_parameters()}
    with monitor:
        for name, p in [*model.named_parameters()] * 2:
            if name != "2.bias":
                p.data.add_(torch.randn_like(p))
    params = model.named_parameters()
    want = {name: ((p - old[name]).norm() / old[name].norm()).item() for name, p in params}
    del want["0.bias"]
    told = "two changes in the block, 0.bias zero before it, 2.bias not changed: update_ratios"
    numbers_are(told, monitor.update_ratios, want)


def nonfinite(GradientMonitor):
    nan, inf = float("nan"), float("inf")
    cases = (nan, "1.0"), (inf, "2"), (-inf, "1"), (nan, ""), (nan, "", "0"), (nan, "2", "1.0")
    for value, *places in (*cases, (0.0, ""), (3e38, "2")):
        model = net().train(value != -inf)
        with torch.set_grad_enabled(value != inf), GradientMonitor(model) as monitor:
            for place in places:
                hook = model.get_submodule(place).register_forward_hook(
                    lambda _, i, out, v=value: out.index_fill(0, torch.tensor(1), v), prepend=True
                )
                model(torch.randn(5, 3))
                hook.remove()
        said = " and then ".join(map(repr, places))
        mode = "" if model.training else ", eval mode"
        want = None if value in (0.0, 3e38) else places[0]
        first_is(f"{value:g} in the output of {said}{mode}", monitor, want)


def hooks(capture, GradientMonitor):
    def step():
        with block(model) as watched:
            got[:] = watched, model(x)
            got[1].square().sum().backward()
            if error:
                raise error

    def found():
        return repr([getattr(got[0], name, got[0]) for name in FOUND])

    for block, error in itertools.product(
        (lambda model: capture(model, ["0", "1.1"]), GradientMonitor),
        (None, ValueError("mine"), KeyboardInterrupt()),
    ):
        model, x, got = net(), torch.randn(5, 3), []
        model[1].register_forward_hook(lambda *_: None)
        model[2].eval()
        twin, before = copy.deepcopy(model), held(model)
        told = "GradientMonitor" if block is GradientMonitor else "capture"
        told += f", a block that ends with {error!r}" if error else ""
        caught = raised_by(step)
        assert caught is error, f"{told}: {caught!r} came out of it, want {error!r}"
        nothing_left(told, model, before)
        same(got[1], twin(x), f"{told}: the model's result")
        twin(x).square().sum().backward()
        for (name, p), q in zip(model.named_parameters(), twin.parameters(), strict=True):
            assert p.grad is not None, f"{told}: no gradient reaches {name}"
            same(p.grad, q.grad, f"{told}: the gradient of {name}")
        kept = found()
        model(x + 1).sum().backward()
        assert found() == kept, f"{told}: what it found changes after the block, too"


def outputs(capture, GradientMonitor):
    class Parts(nn.Module):
        plus = 1.0

        def forward(self, x):
            return x, {"list": [None, x + self.plus]}

    model, x = nn.Sequential(nn.Linear(1, 1), nn.ReLU(inplace=True), Parts()), torch.ones(1, 1)
    nn.init.constant_(model[0].weight, -2.0), nn.init.zeros_(model[0].bias)
    with capture(model, ["0", "2"]) as seen:
        given = model(x)
    given[1]["list"][1].data.add_(5)
    want = {"0": [[-2.0]], "2": ([[0.0]], {"list": [None, [[1.0]]]})}
    got = tree_map(lambda t: t.tolist() if isinstance(t, Tensor) else t, seen)
    equal('Linear of -2 x, ReLU in place, (x, {"list": [None, x + 1]}): captured', got, want)
    graphs = [t for t in tree_leaves(seen) if isinstance(t, Tensor) and t.requires_grad]
    assert not graphs, f"captured of a tuple: {len(graphs)} tensors have a graph"
    for model[2].plus, want in ((1.0, None), (float("nan"), "2")):
        with GradientMonitor(model) as monitor:
            attempt('GradientMonitor, a module that gives (x, {"list": [None, y]})', model, x)
        first_is(f"a list in a dict in the tuple of '2' has {model[2].plus}", monitor, want)


def again(capture, GradientMonitor):
    shared, x, inf, nan = nn.Linear(3, 3), torch.randn(5, 3), float("inf"), float("nan")
    model, factors = nn.Sequential(shared, nn.Tanh(), shared), iter((1, nan))
    with capture(model, ["0"]) as seen:
        model(x)
        want = model(2 * x)
    same(seen["0"], want.detach(), "a module called four times: captured")
    hook = shared.register_forward_hook(lambda module, inputs, out: out * next(factors))
    monitor = GradientMonitor(model)
    with monitor:
        model(x).sum().backward()
    hook.remove()
    first_is("NaN in the second call of '0'", monitor, "0")
    shared.weight.grad, shared.bias.grad = torch.ones(3, 3), None
    nn.init.zeros_(shared.bias)
    model.append(nn.Sequential(nn.Linear(3, 1, bias=False), nn.Threshold(inf, nan)))
    with monitor:
        model(x)
        shared.weight.data.mul_(3)
    first_is("entered again, new modules 3.0 and 3.1, which gives NaN", monitor, "3.1")
    told = "entered again, 9 gradients of 1, no other:"
    numbers_are(f"{told} grad_norms", monitor.grad_norms, {"0.weight": 3})
    number_is(f"{told} global_norm", monitor.global_norm, 3)
    told = "entered again, 0.weight times 3, 0.bias zero, 3.0.weight new: update_ratios"
    numbers_are(told, monitor.update_ratios, {"0.weight": 2, "3.0.weight": 0})


def names(capture):
    model = net()
    for asked in (["3", "0"], ["0", "1.2"], ["weight"], ["1."]):
        what, before = f"capture(model, {asked})", held(model)
        error = raised_by(lambda a=asked: capture(model, a).__enter__())
        raised = repr(error) if error else "nothing"
        assert isinstance(error, KeyError), f"{what} raises {raised}, want KeyError"
        said = re.findall(r"\w+(?:\.\w+)*", str(error))
        missing = [name for name in ("0", "1", "1.0", "1.1", "2") if name not in said]
        assert not missing, f"{what}: {raised} does not list {', '.join(missing)}"
        nothing_left(what, model, before)
    model.add_module("other", model[0])
    with capture(model, ["other", "0"]) as seen:
        model[0](torch.ones(1, 3))
    names_are(seen, ["other", "0"], "capture of a module under its two names")


FOUND = "grad_norms", "global_norm", "update_ratios", "first_nonfinite"
CORE = (clip, capture, norms, updates, nonfinite, hooks)
EDGES = (outputs, again, names)


def net():
    """Modules '', 0, 1, 1.0, 1.1, 2 for x (B, 3)."""
    inner = nn.Sequential(nn.BatchNorm1d(4, affine=False), nn.Linear(4, 4))
    return nn.Sequential(nn.Linear(3, 4), inner, nn.Linear(4, 2))


def by_hand(model, x):
    """What each of its modules gives, where a hook doubles what '1' gives."""
    first = model[0](x)
    normed = nn.functional.batch_norm(first, None, None, training=True)
    inner = model[1][1](normed)
    last = model[2](2 * inner)
    return {"0": first, "1.0": normed, "1.1": inner, "1": 2 * inner, "2": last, "": last}


def first_is(told, monitor, want):
    equal(f"{told}: first_nonfinite", repr(monitor.first_nonfinite), repr(want))


def numbers_are(told, got, want):
    """Python numbers under these names."""
    names_are(got, want, told)
    for name, number in want.items():
        number_is(f"{told}[{name!r}]", got[name], number, 1e-5)


def held(model):
    """Of each of its modules: how many attributes and hooks it has, and its mode."""

    def size(module):
        return sum(len(part) if isinstance(part, dict) else 1 for part in vars(module).values())

    return {name: (size(module), module.training) for name, module in model.named_modules()}


def nothing_left(told, model, before):
    """It has as many as before, and the same mode."""
    for name, (size, training) in held(model).items():
        more = size - before[name][0]
        assert not more, f"{told}: afterwards {name!r} has {more:+} hooks or attributes, want +0"
        equal(f"{told}: afterwards {name!r} has training", training, before[name][1])
