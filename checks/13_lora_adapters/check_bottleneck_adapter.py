"""What challenge_bottleneck_adapter.py requires.

Only `delta` compares with the library's layers. The others compare the answer with itself: a wrong
delta fails there alone.
"""

import copy

import torch
from torch import nn

from checks.adapters import Call, drawn_anew, holds_only, trains_only, zeros_are
from checks.modules import (
    gradients_flow,
    keeps_dtypes,
    leading_sizes,
    on_other_device,
    refuses_sizes,
)
from checks.tools import close, filled, numbers, refuses, result_of, same, strided, unchanged

SIZES = ((6, 2), (3, 7), (4, 4), (1, 3), (5, 1))  # D and m


def parts(BottleneckAdapter):
    for D, m in SIZES:
        what, adapter = f"a new BottleneckAdapter({D}, {m})", BottleneckAdapter(D, m)
        want = {"down.weight": (m, D), "down.bias": (m,), "up.weight": (D, m), "up.bias": (D,)}
        holds_only(what, adapter, want)
        trains_only(what, adapter, want)
    first, second = (dict(BottleneckAdapter(6, 2).named_parameters()) for _ in range(2))
    shared = [name for name in first if first[name] is second[name]]
    assert not shared, f"two new BottleneckAdapter(6, 2) share {', '.join(shared)}, want nothing"


def start(BottleneckAdapter):
    for D, m in SIZES:
        what, adapter = f"a new BottleneckAdapter({D}, {m})", BottleneckAdapter(D, m)
        for name, p in adapter.named_parameters():
            if name.startswith("up."):
                zeros_are(f"{what}: {name}", p)
        weight = adapter.down.weight
        assert min(D, m) == 1 or weight.unique().numel() > 1, (
            f"{what}: each number of down.weight is {weight[0, 0]:.4g}, want random ones"
        )
    x = torch.tensor([[[3.0, -4.0]]])  # B 1, L 1, D 2
    what = "a new BottleneckAdapter(2, 2), x [3, -4]: forward(x)"
    same(result_of(what, BottleneckAdapter(2, 2), x, residual=True)[0, 0], x[0, 0], what)
    x = torch.randn(4, 3, 6)
    what = "a new BottleneckAdapter(6, 2), x (4, 3, 6): forward(x)"
    same(result_of(what, BottleneckAdapter(6, 2), x.clone(), residual=True), x, what)


def delta(BottleneckAdapter):
    adapter, x = by_hand(BottleneckAdapter), torch.tensor([[[3.0, -4.0]]])
    what = "down and up the identity with biases 0, x [3, -4]: forward_delta(x)"
    got = result_of(what, adapter.forward_delta, x.clone())
    close(got[0, 0], torch.tensor([3.0, 0.0]), what)
    with torch.no_grad():
        for p in adapter.up.parameters():
            p.sub_(2)
    what = "the same with up's weight [[-1, -2], [-2, -1]] and bias [-2, -2]: forward_delta(x)"
    got = result_of(what, adapter.forward_delta, x.clone())
    close(got[0, 0], torch.tensor([-5.0, -8.0]), what)
    for D, m in SIZES:
        adapter = filled(BottleneckAdapter(D, m)).eval()
        library = nn.Sequential(nn.Linear(D, m), nn.ReLU(), nn.Linear(m, D))
        with torch.no_grad():
            for key, layer in (("down", library[0]), ("up", library[2])):
                for name, p in layer.named_parameters():
                    p.copy_(dict(adapter.named_parameters()).get(f"{key}.{name}", torch.zeros(1)))
        x = torch.randn(4, 3, D)
        what = f"BottleneckAdapter({D}, {m}), x (4, 3, {D}): forward_delta(x)"
        got = result_of(what, adapter.forward_delta, x.clone())
        close(got, library(x), f"{what}, against nn.Linear, nn.ReLU, nn.Linear")


def residual(BottleneckAdapter):
    for adapter, x in (
        (by_hand(BottleneckAdapter), torch.tensor([[[3.0, -4.0]]])),
        (filled(BottleneckAdapter(6, 2)).eval(), torch.randn(4, 3, 6)),
    ):
        d = result_of("forward_delta(x)", adapter.forward_delta, x.clone())
        shown = f"x {tuple(x.shape)}"
        if len(x) == 1:
            shown = f"x {numbers(x[0, 0])}, forward_delta(x) {numbers(d[0, 0])}"
        for call, get, want in (
            ("forward(x)", adapter, x + d),
            ("forward(x, residual=False)", lambda x, a=adapter: a(x, residual=False), d),
            ("forward(x, False)", lambda x, a=adapter: a(x, False), d),
            ("forward(x, residual=True)", lambda x, a=adapter: a(x, residual=True), x + d),
        ):
            what = f"{shown}: {call}"
            close(result_of(what, get, x.clone()).squeeze(), want.squeeze(), what)


def training(BottleneckAdapter):
    for D, m in SIZES[:3]:
        what = f"BottleneckAdapter({D}, {m})"
        adapter, x = filled(BottleneckAdapter(D, m)), torch.randn(4, 3, D)
        for name in ("forward", "forward_delta"):
            call = Call(adapter, name)
            on, off = (result_of(what, call.train(mode), x.clone()) for mode in (True, False))
            close(off, on, f"{what}: {name}(x) in eval mode, and in train mode")
    adapter, x = BottleneckAdapter(5, 3), torch.randn(7, 4, 5)
    for call in ("forward", "forward_delta"):
        gradients_flow(f"a new BottleneckAdapter(5, 3), {call}", Call(adapter, call), {"x": x})
    before = copy.deepcopy(dict(adapter.named_parameters()))
    optimizer = torch.optim.SGD(adapter.train().parameters(), lr=0.5, momentum=0.9)
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.mse_loss(adapter(x.clone()), x.roll(1, -1)).backward()
        optimizer.step()
    still = [name for name, p in adapter.named_parameters() if torch.equal(p, before[name])]
    what = "BottleneckAdapter(5, 3) after 20 steps of SGD"
    assert not still, f"{what}: {', '.join(still)} never moved, want all four to"
    for call in ("forward", "forward_delta"):
        gradients_flow(f"{what}, {call}", Call(adapter, call), {"x": x})


def draws(BottleneckAdapter):
    what = "BottleneckAdapter(40, 30): down.weight"
    drawn_anew(what, lambda: BottleneckAdapter(40, 30).down.weight)


def inputs(BottleneckAdapter):
    adapter = filled(BottleneckAdapter(6, 2)).eval()
    for name in ("forward", "forward_delta"):
        call = Call(adapter, name)
        leading_sizes(name, call, 6, {"x": 6})
        for x in (torch.randn(4, 3, 6), strided(4, 3, 6)):
            strides = "" if x.is_contiguous() else ", not contiguous"
            what, want = f"{name}, x (4, 3, 6){strides}", call(x.contiguous().clone())
            with unchanged(what, x):
                close(result_of(what, call, x), want, f"{what}: against contiguous x")
            with torch.no_grad(), unchanged(f"{what}, under no_grad", x):
                call(x)


def dtypes(BottleneckAdapter):
    adapter, x = filled(BottleneckAdapter(6, 2)), torch.randn(4, 3, 6)
    for name in ("forward", "forward_delta"):
        keeps_dtypes(name, Call(adapter, name), {"x": x})
        on_other_device(name, Call(adapter, name), x)


def errors(BottleneckAdapter):
    for m in (0, -1):
        refuses(BottleneckAdapter, 6, m, errors=(ValueError,))
    adapter = filled(BottleneckAdapter(6, 2))
    for call in (adapter, Call(adapter, "forward", False), Call(adapter, "forward_delta")):
        name = getattr(call, "method", "forward")
        pairs = [[(4, size)] for size in (1, 2, 5, 12)]
        refuses_sizes(f"BottleneckAdapter(6, 2).{name}", call, "x", pairs)


CORE = (parts, start, delta, residual, training)
EDGES = (draws, inputs, dtypes, errors)


def by_hand(BottleneckAdapter):
    """D 2 and m 2, both layers the identity."""
    adapter = filled(BottleneckAdapter(2, 2)).eval()
    for layer in (adapter.down, adapter.up):
        nn.init.eye_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return adapter
