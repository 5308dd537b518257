"""What challenge_adapter_stack.py requires.

`choice` alone compares the stack with its adapters; the others compare it with itself and copies.
"""

import copy

import torch
from torch import nn

from checks import adapters, modules
from checks.adapters import STEPS, Call, a, bottleneck
from checks.tools import close, filled, names_are, refuses, result_of

SIZES = ((6, 2, 3), (3, 5, 2), (4, 4, 4), (5, 1, 1))  # D, m, and how many adapters


def parts(AdapterStack, BottleneckAdapter):
    for size in SIZES:
        stack, what, n = AdapterStack(*size), f"AdapterStack{size}", size[2]
        held = getattr(stack, "adapters", None)
        right = isinstance(held, nn.ModuleList)
        assert right, f"{what}: .adapters is {a(held)}, want an nn.ModuleList"
        told = f"{what}: .adapters holds {len(held)} modules, {len({*held})} of them different"
        assert len(held) == len({*held}) == n, f"{told}, want {n}"
        right = all(isinstance(one, BottleneckAdapter) for one in held)
        assert right, f"{what}: .adapters holds {a(held[0])}, want BottleneckAdapters"
        own = bottleneck(*size[:2]).items()
        want = {f"adapters.{i}.{name}": shape for i in range(n) for name, shape in own}
        adapters.holds_only(what, stack, want)
        adapters.trains_only(what, stack, want)


def start(AdapterStack):
    for i in range(3):
        x, what = torch.randn(4, 6), f"a new AdapterStack(6, 2, 3), x (4, 6), adapter_id {i}: out"
        close(result_of(what, AdapterStack(6, 2, 3), x.clone(), i), x, f"{what}, against x")
    made = [adapter for _ in range(2) for adapter in AdapterStack(6, 2, 3).adapters]
    for name in ("weight", "bias"):
        got = len(torch.stack([getattr(one.down, name).detach() for one in made]).unique(dim=0))
        told = f"two new AdapterStack(6, 2, 3), {len(made)} adapters: {got} different down.{name}"
        assert got == len(made), f"{told}, want {len(made)}"


def choice(AdapterStack):
    stack, x = AdapterStack(2, 1, 3).eval(), torch.tensor([[3.0, -4.0]])
    for i, adapter in enumerate(stack.adapters):
        modules.put(adapter.up, {"weight": [[0], [0]], "bias": [10 * (i + 1)] * 2})
    for i in (0, 1, 2, 1, 0):
        what = f"adapter i adds 10 (i + 1), x [[3, -4]], adapter_id {i}: out"
        close(result_of(what, stack, x.clone(), i), x + 10 * (i + 1), what)
    for size in SIZES:
        stack, x = filled(AdapterStack(*size)), torch.randn(4, 5, size[0])
        for i in (*range(size[2]), *reversed(range(size[2]))):
            what = f"AdapterStack{size}, x {tuple(x.shape)}, adapter_id {i}: out"
            got = result_of(what, stack, x.clone(), i)
            close(got, stack.adapters[i](x), f"{what}, against adapters[{i}](x)")


def gradients(AdapterStack):
    stack, x = filled(AdapterStack(6, 2, 3)), torch.randn(4, 5, 6)
    for i in (0, 1, 2, 0):
        what = f"AdapterStack(6, 2, 3), adapter_id {i}"
        stack.zero_grad()
        loss_of(what, stack, x, i).backward()
        got = [name for name, p in stack.named_parameters() if p.grad is not None]
        own = sorted({name.rsplit(".", 2)[0] for name in got})
        told = f"{what}: a .grad after backward in {', '.join(own) or 'no adapter'}"
        assert len(own) == 1, f"{told}, want it in one adapter alone"
        alone = copy.deepcopy(stack).requires_grad_(False)
        alone.get_submodule(own[0]).requires_grad_(True)
        modules.gradients_flow(what, Call(alone, "forward", i), {"x": x}, named=True)


def tasks(AdapterStack):
    """Beside copies that learn one task each. Some steps have two tasks; task 2 never comes."""
    what = "AdapterStack(5, 3, 3)"
    stack = filled(AdapterStack(5, 3, 3)).double()
    alone = [copy.deepcopy(stack) for _ in range(3)]
    both = (stack, *alone)
    one, *each = (torch.optim.AdamW(m.parameters(), lr=0.1, weight_decay=0.1) for m in both)
    for step in range(STEPS):
        one.zero_grad()
        for task in ((0,), (1,), (1, 0))[step % 3]:
            x = torch.randn(4, 5).double()
            each[task].zero_grad()
            loss_of(what, alone[task], x, task).backward()
            each[task].step()
            loss_of(what, stack, x, task).backward()
        one.step()
    for task in (2, 0, 1):
        x, told = torch.randn(4, 5).double(), f"{what}, {STEPS} steps of AdamW for tasks 0 and 1"
        against = "out before" if task == 2 else f"that after the steps of task {task} alone"
        got, want = stack(x, task).detach(), alone[task](x, task).detach()
        close(got, want, f"{told}: out of adapter_id {task}, against {against}", 1e-6)


def draws(AdapterStack):
    for i in range(3):
        modules.drawn_as_linear(AdapterStack, (16, 400, 3), 16, f"adapters.{i}.down")
    what = "AdapterStack(16, 40, 3): adapters.0.down.weight"
    adapters.drawn_anew(what, lambda: AdapterStack(16, 40, 3).adapters[0].down.weight)


def kept(AdapterStack):
    stack = AdapterStack(6, 2, 3)
    stack.adapters[0].eval().requires_grad_(False)
    before, keys = adapters.settings(stack), list(stack.state_dict())
    for i in range(3):
        what = f"adapters[0] of 3 in eval mode and frozen, a call with adapter_id {i}"
        result_of(what, stack, torch.randn(4, 6), i)
        adapters.settings_are(f"{what}: then", stack, before)
        names_are(stack.state_dict(), keys, f"{what}: then state_dict()")


def inputs(AdapterStack):
    for what, call in calls(AdapterStack):
        modules.leading_sizes(what, call, 6, {"x": 6})
        with torch.no_grad():
            modules.keeps_inputs(f"{what}, under no_grad", call, {"x": torch.randn(4, 3, 6)})


def dtypes(AdapterStack):
    for what, call in calls(AdapterStack):
        modules.keeps_dtypes(what, call, {"x": torch.randn(4, 3, 6)})


def errors(AdapterStack):
    for size in SIZES:
        for i in (-1, size[2], size[2] + 1, -size[2]):
            stack, what = AdapterStack(*size), f"AdapterStack{size}, adapter_id {i}"
            refuses(stack, torch.randn(4, size[0]), i, errors=(IndexError,), call=what)
    for n in (0, -1):
        refuses(AdapterStack, 6, 2, n, errors=(ValueError,))
    for what, call in calls(AdapterStack):
        modules.refuses_sizes(what, call, "x", [[(4, size)] for size in (1, 2, 5, 12)])


CORE = (parts, start, choice, gradients, tasks)
EDGES = (draws, kept, inputs, dtypes, errors)


def calls(AdapterStack):
    for i in (0, 2):
        stack = filled(AdapterStack(6, 2, 3))
        yield f"AdapterStack(6, 2, 3), adapter_id {i}", Call(stack, "forward", i)


def loss_of(what, stack, x, task):
    out = result_of(what, stack, x.clone(), task)
    assert out.requires_grad, f"{what}: no gradient flows through out"
    return (out - 3).square().mean()
