"""What challenge_bottleneck_adapter.py requires; `delta` alone compares with linear layers."""

import torch
from torch.nn.functional import linear

from checks import adapters, modules
from checks.adapters import Call, bottleneck
from checks.tools import close, filled, numbers, refuses, result_of, same

SIZES = ((6, 2), (3, 7), (4, 4), (1, 3), (5, 1))  # D and m
EYE = [[1, 0], [0, 1]]


def parts(BottleneckAdapter):
    for D, m in SIZES:
        what, adapter = f"a new BottleneckAdapter({D}, {m})", BottleneckAdapter(D, m)
        adapters.holds_only(what, adapter, bottleneck(D, m))
        adapters.trains_only(what, adapter, bottleneck(D, m))
    first, second = (dict(BottleneckAdapter(6, 2).named_parameters()) for _ in range(2))
    shared = [name for name in first if first[name] is second[name]]
    assert not shared, f"two new BottleneckAdapter(6, 2) share {', '.join(shared)}, want nothing"


def start(BottleneckAdapter):
    for D, m in SIZES:
        what, adapter = f"a new BottleneckAdapter({D}, {m})", BottleneckAdapter(D, m)
        for name, p in adapter.up.named_parameters():
            adapters.zeros_are(f"{what}: up.{name}", p)
        values = adapter.down.weight.unique()
        told = f"{what}: each number of down.weight is {values[0]:.4g}, want random ones"
        assert len(values) > 1 or D == 1, told
    what, x = "a new BottleneckAdapter(2, 2), x [[3, -4]]: forward(x)", torch.tensor([[3.0, -4.0]])
    same(result_of(what, BottleneckAdapter(2, 2), x.clone(), residual=True), x, what)


def delta(BottleneckAdapter):
    for up, bias, want in ((EYE, [0, 0], [3, 0]), ([[-1, -2], [-2, -1]], [-2, -2], [-5, -8])):
        adapter, x = by_hand(BottleneckAdapter, up, bias), torch.tensor([[3.0, -4.0]])
        what = f"down the identity, its bias 0, up's weight {up} and bias {bias}, x [[3, -4]]: "
        what += "forward_delta(x)"
        close(result_of(what, adapter.forward_delta, x), torch.tensor([want]).float(), what)
    for D, m in SIZES:
        adapter, x = filled(BottleneckAdapter(D, m)).eval(), torch.randn(4, 3, D)
        what, down, up = f"BottleneckAdapter({D}, {m}), x (4, 3, {D})", adapter.down, adapter.up
        got = result_of(f"{what}: forward_delta(x)", adapter.forward_delta, x.clone())
        want = linear(linear(x, down.weight, down.bias).relu(), up.weight, up.bias)
        close(got, want, f"{what}: forward_delta(x), against nn.Linear, nn.ReLU, nn.Linear")


def residual(BottleneckAdapter):
    adapter, x = by_hand(BottleneckAdapter, EYE, [0, 0]), torch.tensor([[3.0, -4.0]])
    d = adapter.forward_delta(x.clone()).detach()
    for call, want, given, named in (
        ("forward(x)", x + d, (), {}),
        ("forward(x, residual=False)", d, (), {"residual": False}),
        ("forward(x, False)", d, (False,), {}),
        ("forward(x, residual=True)", x + d, (), {"residual": True}),
    ):
        what = f"x [[3, -4]], forward_delta(x) {numbers(d)}: {call}"
        close(result_of(what, adapter, x.clone(), *given, **named), want, what)


def training(BottleneckAdapter):
    x, what, new = torch.randn(7, 4, 6), "BottleneckAdapter(6, 2)", BottleneckAdapter(6, 2)
    adapters.moves_only(what, new, bottleneck(6, 2), lambda: new(x.clone()))
    for call, module in calls(BottleneckAdapter):
        on, off = (result_of(call, module.train(mode), x.clone()) for mode in (True, False))
        close(off, on, f"{call}(x) in eval mode, against train mode")
        modules.gradients_flow(call, module, {"x": x}, named=True)


def draws(BottleneckAdapter):
    what = "BottleneckAdapter(40, 30): down.weight"
    adapters.drawn_anew(what, lambda: BottleneckAdapter(40, 30).down.weight)


def inputs(BottleneckAdapter):
    for call, module in calls(BottleneckAdapter):
        modules.leading_sizes(call, module, 6, {"x": 6})
        with torch.no_grad():
            modules.keeps_inputs(f"{call}, under no_grad", module, {"x": torch.randn(4, 3, 6)})


def dtypes(BottleneckAdapter):
    for call, module in calls(BottleneckAdapter):
        modules.keeps_dtypes(call, module, {"x": torch.randn(4, 3, 6)})


def errors(BottleneckAdapter):
    for m in (0, -1):
        refuses(BottleneckAdapter, 6, m, errors=(ValueError,))
    for call, module in calls(BottleneckAdapter):
        modules.refuses_sizes(call, module, "x", [[(4, size)] for size in (1, 2, 5, 12)])


CORE = (parts, start, delta, residual, training)
EDGES = (draws, inputs, dtypes, errors)


def by_hand(BottleneckAdapter, up, bias):
    values = {"down.weight": EYE, "down.bias": [0, 0], "up.weight": up, "up.bias": bias}
    return modules.put(BottleneckAdapter(2, 2), values).eval()


def calls(BottleneckAdapter):
    """How messages name both methods, and each as a module; forward without residual, too."""
    what = "BottleneckAdapter(6, 2)"
    for name, *more in (("forward",), ("forward_delta",), ("forward", False)):
        given = f"{'residual=False: ' * len(more)}{what}.{name}"
        yield given, Call(filled(BottleneckAdapter(6, 2)), name, *more)
