"""What the checks of small models share: parameters under any names, leading sizes, gradients."""

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from checks.tools import (
    Forbidden,
    call_of,
    close,
    equal,
    gradients,
    is_hole,
    refuses,
    result_of,
    same,
)

Sizes = tuple[int, ...]
Kind = Callable[..., nn.Module]
Case = tuple[str, nn.Module, dict[str, Tensor]]
MOVING = "cpu", "to", "copy_", "__setitem__"
LEADS = ((), (0,), (1,), (5,), (6,), (12,), (1, 6), (2, 1), (2, 6), (6, 7))


def on(what: str, **inputs: Any) -> str:
    """How a message names a model on its inputs: ConcatBlock(3, 5, 4), a (6, 3), b (6, 5)."""
    sizes = {name: tuple(i.shape) if isinstance(i, Tensor) else i for name, i in inputs.items()}
    return ", ".join([what, *(f"{name} {size}" for name, size in sizes.items())])


def case(kind: Kind, sizes: Sizes, **features: int) -> Case:
    """kind(*sizes): how a message names it, the model itself, and a batch of 6 for it."""
    inputs = {name: torch.randn(6, n) for name, n in features.items()}
    return call_of(kind.__name__, *sizes), kind(*sizes), inputs


def made_by_hand(kind: Kind, sizes: Sizes, library: Iterable[type[nn.Module]]) -> nn.Module:
    """kind(*sizes), which is no module of these classes, has none and makes none on the way."""

    def noting(one: type[nn.Module]) -> Any:
        first = one.__init__

        def init(self: Any, *args: Any, **more: Any) -> None:
            made.append(self)
            first(self, *args, **more)

        return mock.patch.object(one, "__init__", init)

    made, library = list[nn.Module](), tuple(library)
    with ExitStack() as stack:
        for one in library:
            stack.enter_context(noting(one))
        module = kind(*sizes)
    made += (m for m in module.modules() if isinstance(m, library))
    names = {
        next(c.__name__ for c in type(m).__mro__ if c.__module__[:6] == "torch.") for m in made
    }
    told = f"{call_of(kind.__name__, *sizes)} is, has or makes torch's {', '.join(sorted(names))}"
    assert not made, f"{told}, want none"
    return module


def has_parameters(what: str, module: nn.Module, *shapes: Sizes) -> None:
    """New, it has parameters of these shapes and no more, under any names, trainable."""
    found = [*module.parameters()]
    lazy = any(map(nn.parameter.is_lazy, found))
    assert not lazy, f"{what}: a parameter waits for the first call, want all at the start"
    got = sorted(tuple(p.shape) for p in found)
    equal(f"{what}: its parameters have shapes", got, sorted(shapes))
    frozen = [tuple(p.shape) for p in found if not p.requires_grad]
    assert not frozen, f"{what}: parameters {frozen} have requires_grad=False, want True for all"


def ramp(*sizes: int, top: float = 1) -> Tensor:
    """Numbers from -1 to `top` in equal steps."""
    return torch.linspace(-1, top, math.prod(sizes)).view(sizes)


def put(module: nn.Module, numbers: Mapping[Any, Any]) -> nn.Module:
    """The module with these numbers in its parameters, named or told by shape, as far as there."""
    for name, p in module.named_parameters():
        shape = () if nn.parameter.is_lazy(p) else tuple(p.shape)
        new = numbers.get(name, numbers.get(shape))
        if new is not None:
            p.detach().copy_(torch.tensor(new))
    return module


def drawn_as_linear(kind: Kind, sizes: Sizes, inputs: int, among: str = "") -> None:
    """New parameters, those called `among`..., of 200 numbers or more, are drawn as by nn.Linear.

    Each of them sees so many input features. No two modules have the same.
    """
    what, bound = call_of(kind.__name__, *sizes), inputs**-0.5
    first, second = (dict(kind(*sizes).named_parameters()) for _ in range(2))
    for name in (name for name in first if name.startswith(among)):
        far, std = first[name].abs().max().item(), first[name].std().item()
        right = 0.9 < far / bound < 1.001 and 0.83 < std / bound * 3**0.5 < 1.18
        assert right, (
            f"{what}, new {name}: numbers up to {far:.3g}, standard deviation {std:.3g}, "
            f"want {bound:.3g} and {bound / 3**0.5:.3g} as in nn.Linear"
        )
        alike = torch.equal(first[name], second[name])
        assert not alike, f"{what} made twice: {name} has the same numbers, want new ones"


def leading_sizes(what: str, module: nn.Module, out: int, features: Mapping[str, int]) -> None:
    """However its rows are arranged, each gives what it gives in a batch of 12."""
    module, rows = module.eval(), {name: torch.randn(12, n) for name, n in features.items()}
    want = result_of(on(what, **rows), module, *rows.values())
    for lead in ((1,), (), (2, 6), (6, 1, 2), (1, 12), (12, 1), (0,), (2, 0)):
        n = torch.Size(lead).numel()
        inputs = {name: t[:n].reshape(*lead, t.shape[1]) for name, t in rows.items()}
        call = on(what, **inputs)
        got = result_of(call, module, *inputs.values())
        equal(f"{call}: result of shape", tuple(got.shape), (*lead, out))
        close(got, want[:n].reshape(*lead, out), f"{call}: result, against the rows as a batch")


def gradients_flow(
    what: str, module: nn.Module, inputs: Mapping[str, Tensor], named: bool = False
) -> None:
    """Inputs and trainable parameters get gradients, those by which the result really changes.

    `named`: messages may name parameters. The module is in float64 afterwards.
    """
    leaves = {name: t.detach().double().requires_grad_() for name, t in inputs.items()}
    own = {key: p for key, p in module.double().named_parameters() if p.requires_grad}
    names = [key if named else f"a parameter {tuple(p.shape)}" for key, p in own.items()]
    every, n = [*leaves.values(), *own.values()], len(leaves)
    parts = {name: slice(i, i + 1) for i, name in enumerate(leaves)}

    def call() -> Tensor:
        torch.manual_seed(1)  # whatever drops out is the same in each call
        return result_of(f"{what}, with gradients", module, *(t.clone() for t in every[:n]))

    for mode in ("eval", "train"):
        module.train(mode == "train")
        at, out = f"{what}, {mode} mode", call()
        upstream = torch.randn(out.shape).to(out)
        grads = gradients(at, out, every, upstream, [*leaves, *names])
        for shown, part in {**parts, "all parameters": slice(n, None)}.items():
            share = share_of_foretold(call, out, upstream, every[part], grads[part])
            told = f"the result changes by {share:.0%} of what the gradient of {shown} foretells"
            assert share == 1, f"{at}: {told}, want 100%"


def share_of_foretold(
    call: Callable[[], Tensor], out: Tensor, upstream: Tensor, leaves: Any, grads: Any
) -> float:
    """The change of the result by a small step of the leaves, as part of what grads foretell."""
    ways = [torch.randn_like(grad) / (1e-3 + grad.norm()) for grad in grads]
    want = sum((grad * way).sum().item() for grad, way in zip(grads, ways, strict=True))
    coarse = out.any() and torch.equal(out.double(), out.float().double())  # it is float32's
    step = 1e-4 if coarse else 1e-8  # so small that it passes by kinks
    results = list[Tensor]()
    for by in (step, -2 * step):
        with torch.no_grad():
            for leaf, way in zip(leaves, ways, strict=True):
                leaf.add_(way, alpha=by)
            results.append(call().double())
    change = (results[0] - results[1]) / (2 * step)
    got = (change * upstream).sum().item()
    far = (2e-3 * change.norm() + 1e-14 / step * out.norm()) * upstream.norm()
    right = abs(got - want) <= (0.01 + 0.3 * abs(want) if coarse else far)
    return 1 if right else got / want if want else math.inf


def unequal_leads(*features: int) -> list[tuple[Sizes, ...]]:
    """Sizes of two inputs with so many features and different leading sizes."""
    pairs = itertools.permutations(LEADS, 2)
    return [tuple((*lead, n) for lead, n in zip(pair, features, strict=True)) for pair in pairs]


def refuses_sizes(what: str, module: nn.Module, names: str, pairs: Iterable[Any]) -> None:
    """RuntimeError or ValueError for inputs of each pair of sizes; `names` has one letter each."""
    for sizes in pairs:
        call = on(what, **dict(zip(names.split(), sizes, strict=True)))
        refuses(module, *map(torch.randn, sizes), call=call)


def keeps_dtypes(what: str, module: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    """float32, float64 and bfloat16 in, the same out, and as exact as that."""
    for dtype, tol in ((torch.float32, 1e-5), (torch.bfloat16, 5e-2), (torch.float64, 0)):
        low, given = copy.deepcopy(module).to(dtype).eval(), [t.to(dtype) for t in inputs.values()]
        call = f"{on(what, **inputs)}, {dtype}"
        out = result_of(call, low, *given)
        equal(f"{call}: result", out.dtype, dtype)
        if tol:  # against the same numbers in float64: what rounding them does is not counted
            want = result_of(call, low.double(), *(t.double() for t in given))
            close(out.double(), want.double(), f"{call}: result, against float64", tol)
    steps = [1e-6 * torch.randn_like(t) for t in given]
    one, two = (
        result_of(call, low, *(t + n * s for t, s in zip(given, steps, strict=True)))
        for n in (1, 2)
    )
    miss, change = (two - 2 * one + out).norm().item(), (one - out).norm().item()
    assert miss <= 1e-3 * change, (
        f"{call}, inputs changed by 1e-6 and by twice that: changes of the result are off that "
        f"proportion by {miss / change:.1%}, want 0.0%, as float64 has enough digits"
    )


def keeps_inputs(what: str, module: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    """Any strides, either mode, any device; and the inputs stay as they are."""
    call, results = on(what, **inputs), []
    for mode in ("train", "eval"):
        at, given = f"{call}, {mode} mode", [t.clone() for t in inputs.values()]
        results.append(result_of(at, module.train(mode == "train"), *given))
        for (name, t), now in zip(inputs.items(), given, strict=True):
            same(now, t, f"{at}: {name} afterwards")
    close(results[0], results[1], f"{call}: result in train mode, against eval mode")
    apart = (t.mT.contiguous().mT if t.ndim > 1 else t for t in inputs.values())
    strided = result_of(f"{call}, not contiguous", module, *apart)
    close(strided, results[1], f"{call}: result of inputs that are not contiguous")
    on_other_device(call, copy.deepcopy(module), *inputs.values())


def on_other_device(call: str, module: nn.Module, *inputs: Tensor) -> None:
    """On torch's "meta" device, which holds no numbers, for code that makes tensors on the CPU.

    The module stays there.
    """
    what, module = f"{call}, all on the meta device", module.to("meta")
    with Forbidden("") as calls:
        try:
            out = module(*(t.to("meta") for t in inputs))
        except (RuntimeError, TypeError) as error:
            if is_hole(error):
                raise
            # Asking for a number fails there, too, and is no mistake on a real device.
            says = str(error)
            moved = "Cannot copy out" in says and calls.last in MOVING
            assert not moved and "cpu" not in says, f"{what}: a tensor on the CPU. It says: {says}"
            return
    assert isinstance(out, Tensor), f"{what}: {type(out).__name__}, want a tensor"
    assert out.is_meta, f"{what}: the result is on {out.device}"
