"""What challenge_adapter_stack.py requires.

The adapters are given, so that the stack is compared with its own adapters, called one by one, in
`choice` alone; the other labels compare the stack with itself and with copies of it.
"""

import copy

import torch
from torch import nn

from checks.adapters import STEPS, Call, drawn_anew, holds_only, trains_only, zeros_are
from checks.modules import (
    drawn_as_linear,
    gradients_flow,
    keeps_dtypes,
    leading_sizes,
    on_other_device,
    refuses_sizes,
)
from checks.tools import close, filled, refuses, result_of, same, strided, unchanged

SIZES = ((6, 2, 3), (3, 5, 2), (4, 4, 4), (5, 1, 1))  # D, m, and how many adapters


def parts(AdapterStack, BottleneckAdapter):
    for D, m, n in SIZES:
        what, stack = f"AdapterStack({D}, {m}, {n})", AdapterStack(D, m, n)
        adapters = getattr(stack, "adapters", None)
        kind = type(adapters).__name__
        is_list = isinstance(adapters, nn.ModuleList)
        assert is_list, f"{what}: .adapters is a {kind}, want nn.ModuleList"
        assert len(adapters) == n, f"{what}: .adapters holds {len(adapters)} modules, want {n}"
        for i, adapter in enumerate(adapters):
            kind, right = type(adapter).__name__, isinstance(adapter, BottleneckAdapter)
            assert right, f"{what}: adapters[{i}] is a {kind}, want a BottleneckAdapter"
            for j in range(i):
                assert adapter is not adapters[j], f"{what}: adapters {j} and {i} are one object"
        shapes = {"down.weight": (m, D), "down.bias": (m,), "up.weight": (D, m), "up.bias": (D,)}
        want = {f"adapters.{i}.{key}": shape for i in range(n) for key, shape in shapes.items()}
        holds_only(what, stack, want)
        trains_only(what, stack, want)


def start(AdapterStack):
    for D, m, n in SIZES:
        what, stack = f"a new AdapterStack({D}, {m}, {n})", AdapterStack(D, m, n)
        for i in range(n):
            for name, p in stack.adapters[i].up.named_parameters():
                zeros_are(f"{what}: adapters.{i}.up.{name}", p)
    what = "a new AdapterStack(6, 2, 3)"
    for i in range(3):
        x, call = torch.randn(4, 5, 6), f"{what}, x (4, 5, 6), adapter_id {i}"
        same(result_of(call, AdapterStack(6, 2, 3), x.clone(), i), x, f"{call}: out, against x")
    adapters = [adapter for _ in range(2) for adapter in AdapterStack(6, 2, 3).adapters]
    for name in ("weight", "bias"):
        draws = [getattr(adapter.down, name).detach() for adapter in adapters]
        different = len(torch.stack(draws).unique(dim=0))
        n = len(draws)
        assert different == n, (
            f"two new AdapterStack(6, 2, 3), with {n} adapters: {different} different down.{name}, "
            f"want {n}"
        )


def choice(AdapterStack):
    stack, x = AdapterStack(2, 1, 3).eval(), torch.tensor([[[3.0, -4.0]]])
    for i, adapter in enumerate(stack.adapters):
        nn.init.zeros_(adapter.up.weight)
        nn.init.constant_(adapter.up.bias, 10.0 * (i + 1))
    for i in (0, 1, 2, 1, 0):
        what = f"adapter i adds 10 (i + 1), x [3, -4], adapter_id {i}: out"
        got = result_of(what, stack, x.clone(), i)[0, 0]
        close(got, torch.tensor([3.0, -4.0]) + 10 * (i + 1), what)
    for D, m, n in SIZES:
        for mode in (True, False):
            stack = filled(AdapterStack(D, m, n)).train(mode)
            for i in (*range(n), *reversed(range(n))):
                x = torch.randn(4, 5, D)
                what = f"AdapterStack({D}, {m}, {n}), x (4, 5, {D}), adapter_id {i}: out"
                got, want = result_of(what, stack, x.clone(), i), stack.adapters[i](x)
                close(got, want, f"{what}, against adapters[{i}](x)")


def gradients(AdapterStack):
    for D, m, n in SIZES:
        stack = filled(AdapterStack(D, m, n))
        for i in (*range(n), 0):
            what, x = f"AdapterStack({D}, {m}, {n}), adapter_id {i}", torch.randn(4, 5, D)
            stack.zero_grad()
            out = result_of(what, stack, x.clone(), i)
            assert out.requires_grad, f"{what}: no gradient flows through out"
            out.square().sum().backward()
            got = [name for name, p in stack.named_parameters() if p.grad is not None]
            own = sorted({name.rsplit(".", 2)[0] for name in got})
            told = f"{what}: a .grad after backward in {', '.join(own) or 'no adapter'}"
            assert len(own) == 1, f"{told}, want it in one adapter alone"
            if (D, m, n) in SIZES[:2]:
                alone = copy.deepcopy(stack).requires_grad_(False)
                alone.get_submodule(own[0]).requires_grad_(True)
                gradients_flow(what, Call(alone, "forward", i), {"x": x})


def tasks(AdapterStack):
    """Beside copies of the stack that learn one task each; the last task never comes.

    Some steps have batches of two tasks.
    """
    stack, probe = filled(AdapterStack(5, 3, 3)).double(), torch.randn(4, 5).double()
    alone = [copy.deepcopy(stack) for _ in range(3)]
    one, *each = (
        torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1) for model in (stack, *alone)
    )
    for step in range(STEPS):
        batches = {task: torch.randn(4, 5).double() for task in ((0,), (1,), (1, 0))[step % 3]}
        for task, x in batches.items():
            each[task].zero_grad()
            loss_of(alone[task], x, task).backward()
            each[task].step()
        one.zero_grad()
        for task, x in batches.items():
            loss_of(stack, x, task).backward()
        one.step()
    told = f"AdapterStack(5, 3, 3), {STEPS} steps of AdamW for tasks 0 and 1"
    moved = [
        i
        for i, (new, old) in enumerate(zip(stack.adapters, alone[2].adapters, strict=True))
        if any(
            not torch.equal(p, q) for p, q in zip(new.parameters(), old.parameters(), strict=True)
        )
    ]
    assert len(moved) <= 2, f"{told}: adapters {moved} moved, want two of them"
    for task in (2, 0, 1):
        against = "out before" if task == 2 else f"that after the steps of task {task} alone"
        with torch.no_grad():
            got, want = stack(probe, task), alone[task](probe, task)
        close(got, want, f"{told}: out of adapter_id {task}, against {against}", 1e-6)


def draws(AdapterStack):
    what = "AdapterStack(16, 400, 3)"

    def make():
        return AdapterStack(16, 400, 3)

    for i in range(3):
        weight = make().adapters[i].down.weight
        assert weight.shape == (400, 16), f"{what}: down.weight has shape {tuple(weight.shape)}"
        drawn_as_linear(what, make, 16, f"adapters.{i}.down")
    drawn_anew(f"{what}: adapters.0.down.weight", lambda: make().adapters[0].down.weight)


def kept(AdapterStack):
    stack = AdapterStack(6, 2, 3)
    stack.adapters[0].eval().requires_grad_(False)
    state = state_of_all(stack)
    for i in range(3):
        result_of(f"AdapterStack(6, 2, 3), adapter_id {i}", stack, torch.randn(4, 6), i)
        what = f"adapters[0] of 3 in eval mode and frozen, a call with adapter_id {i}"
        now = state_of_all(stack)
        for name, want in state.items():
            got = now.get(name, "gone")
            assert got == want, f"{what}: then {name} is {got}, want {want} as before"
        new = [name for name in now if name not in state]
        assert not new, f"{what}: then there is {', '.join(new)}, new in the stack"


def inputs(AdapterStack):
    stack = filled(AdapterStack(6, 2, 3)).eval()
    for i in (0, 2):
        what, call = f"AdapterStack(6, 2, 3), adapter_id {i}", Call(stack, "forward", i)
        leading_sizes(what, call, 6, {"x": 6})
        x = strided(4, 3, 6)
        for grad in (True, False):
            how = f"{what}, x (4, 3, 6), not contiguous{'' if grad else ', under no_grad'}"
            with torch.set_grad_enabled(grad):
                want = call(x.contiguous().clone())
                with unchanged(how, x):
                    close(result_of(how, call, x), want, f"{how}: out, against contiguous x")


def dtypes(AdapterStack):
    stack, x = filled(AdapterStack(6, 2, 3)), torch.randn(4, 3, 6)
    for i in (0, 2):
        what, call = f"AdapterStack(6, 2, 3), adapter_id {i}", Call(stack, "forward", i)
        keeps_dtypes(what, call, {"x": x})
        on_other_device(what, call, x)


def errors(AdapterStack):
    for D, m, n in SIZES:
        stack = filled(AdapterStack(D, m, n))
        for i in (-1, n, n + 1, -n):
            told = f"AdapterStack({D}, {m}, {n}).forward"
            refuses(named(told, stack), torch.randn(4, D), i, errors=(IndexError,))
    for n in (0, -1):
        refuses(AdapterStack, 6, 2, n, errors=(ValueError,))
    pairs = [[(4, size)] for size in (1, 2, 5, 12)]
    stack = filled(AdapterStack(6, 2, 3))
    refuses_sizes("AdapterStack(6, 2, 3), adapter_id 1", Call(stack, "forward", 1), "x", pairs)


CORE = (parts, start, choice, gradients, tasks)
EDGES = (draws, kept, inputs, dtypes, errors)


def state_of_all(stack):
    """Modes, flags and keys, by what a message calls them."""
    state = {f"{name or 'the stack'}.training": m.training for name, m in stack.named_modules()}
    state |= {f"{name}.requires_grad": p.requires_grad for name, p in stack.named_parameters()}
    return state | {f"the key {name}": "in state_dict()" for name in stack.state_dict()}


def loss_of(stack, x, task):
    what = f"AdapterStack(5, 3, 3), adapter_id {task}"
    out = result_of(what, stack, x.clone(), task)
    assert out.requires_grad, f"{what}: no gradient flows through out"
    return (out - 3).square().mean()


def named(name, function):
    def call(*inputs):
        return function(*inputs)

    call.__name__ = name
    return call
