"""What the checks of small models share: parameters under any names, leading sizes, gradients."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from checks.tools import close, result_of, same

Sizes = tuple[int, ...]


def on(what: str, **inputs: Any) -> str:
    """How a message names a model on its inputs: ConcatBlock(3, 5, 4), a (6, 3), b (6, 5)."""
    shown = (
        f"{name} {tuple(i.shape) if isinstance(i, Tensor) else i}" for name, i in inputs.items()
    )
    return ", ".join([what, *shown])


def has_parameters(what: str, module: nn.Module, shapes: Mapping[str, Sizes]) -> None:
    """New, it has these parameters and no more, under any names, trainable."""
    found = [*module.parameters()]
    lazy = any(nn.parameter.is_lazy(p) for p in found)
    assert not lazy, f"{what}: a parameter waits for the first call, want all at the start"
    got, want = sorted(tuple(p.shape) for p in found), sorted(shapes.values())
    assert got == want, f"{what}: its parameters have shapes {got}, want {want}"
    frozen = [tuple(p.shape) for p in found if not p.requires_grad]
    assert not frozen, f"{what}: parameters {frozen} have requires_grad=False, want True for all"


def by_shape(module: nn.Module, *shapes: Sizes) -> list[Tensor]:
    """Its parameters of these shapes, all different; zeros where one is missing."""
    found = [p for p in module.parameters() if not nn.parameter.is_lazy(p)]
    return [next((p for p in found if p.shape == s), torch.zeros(s)) for s in shapes]


def drawn_as_linear(what: str, make: Callable[[], nn.Module], inputs: int, among: str = "") -> None:
    """New parameters of names that begin with `among`: nn.Linear's numbers, of each module its own.

    `inputs` says how many features each of them sees, 200 numbers or more in each.
    """
    bound = inputs**-0.5
    first, second = (dict(make().named_parameters()) for _ in range(2))
    for name, p in first.items():
        if not name.startswith(among) or name not in second:
            continue
        far, std = p.abs().max().item(), p.std().item()
        right = 0.9 < far / bound < 1.001 and 0.83 < std / bound * 3**0.5 < 1.18
        assert right, (
            f"{what}, new {name}: numbers up to {far:.3g}, standard deviation {std:.3g}, "
            f"want {bound:.3g} and {bound / 3**0.5:.3g} as in nn.Linear"
        )
        alike = torch.equal(p, second[name])
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
        right = got.shape == (*lead, out)
        assert right, f"{call}: result of shape {tuple(got.shape)}, want {(*lead, out)}"
        close(got, want[:n].reshape(*lead, out), f"{call}: result, against the rows as a batch")


def gradients_flow(what: str, module: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    """Inputs and trainable parameters get the gradients by which the result really changes."""
    module, given = copy.deepcopy(module).double(), {}
    for name, t in inputs.items():
        given[name] = t.detach().double().requires_grad_() if t.is_floating_point() else t
    leaves = {name: t for name, t in given.items() if t.is_floating_point()}
    leaves |= {name: p for name, p in module.named_parameters() if p.requires_grad}

    def call() -> Tensor:
        torch.manual_seed(1)  # whatever drops out is the same in each call
        return result_of(f"{what}, with gradients", module, *given.values())

    for mode in ("train", "eval"):
        module.train(mode == "train")
        at, out = f"{what}, {mode} mode", call()
        assert out.requires_grad, f"{at}: the result has no gradient"
        upstream = torch.randn(out.shape).to(out)
        try:
            grads = torch.autograd.grad(out, [*leaves.values()], upstream, allow_unused=True)
        except RuntimeError as error:
            raise AssertionError(f"{at}: backward fails. It says: {error}") from error
        for (name, leaf), grad in zip(leaves.items(), grads, strict=True):
            assert grad is not None, f"{at}: no gradient reaches {name}"
            step, told = torch.randn_like(leaf), (0.0, 0.0)
            for size in (1e-6, 1e-3):  # the one passes by kinks, the other bears float32
                said = []
                with torch.no_grad():
                    for part in (size, -2 * size):
                        leaf += part * step
                        said.append((call() * upstream).sum().item())
                    leaf += size * step
                got, want = (grad * step).sum().item(), (said[0] - said[1]) / (2 * size)
                if abs(got - want) < 1e-2 * (1 + abs(want)):
                    break
                told = told if any(told) else (got, want)
            else:
                raise AssertionError(
                    f"{at}: the gradient of {name} foretells a change of {told[0]:.4g} where the "
                    f"result changes by {told[1]:.4g}"
                )


def refuses_sizes(what: str, module: nn.Module, names: str, pairs: Iterable[Any]) -> None:
    """RuntimeError or ValueError for inputs of each pair of sizes; `names` has one letter each."""
    for sizes in pairs:
        call = on(what, **dict(zip(names.split(), sizes, strict=True)))
        try:
            got = module(*(torch.randn(size) for size in sizes))
        except (RuntimeError, ValueError) as error:
            if isinstance(error, NotImplementedError) and len(str(error).split()) <= 1:
                raise  # an open hole
            continue
        except Exception as error:
            raise AssertionError(f"{call}: {error!r}, want RuntimeError or ValueError") from error
        shape = tuple(got.shape) if isinstance(got, Tensor) else got
        raise AssertionError(f"{call} gave {shape}, want RuntimeError or ValueError")


def keeps_dtypes(what: str, module: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    """float32, float64 and bfloat16 in, the same out, and as exact as that."""
    for dtype, tol in ((torch.float32, 1e-5), (torch.bfloat16, 5e-2), (torch.float64, 0)):
        low, given = copy.deepcopy(module).to(dtype).eval(), [t.to(dtype) for t in inputs.values()]
        call = f"{on(what, **inputs)}, {dtype}"
        out = result_of(call, low, *given)
        assert out.dtype == dtype, f"{call}: result {out.dtype}, want {dtype}"
        if tol:  # against the same numbers in float64: what rounding them does is not counted
            want = result_of(call, copy.deepcopy(low).double(), *(t.double() for t in given))
            close(out.double(), want.double(), f"{call}: result, against float64", tol)
            continue
        steps = [torch.randn_like(t) for t in given]
        none, one, two = (
            result_of(call, low, *(t + e * s for t, s in zip(given, steps, strict=True)))
            for e in (0.0, 1e-6, 2e-6)
        )
        miss, change = (two - 2 * one + none).norm().item(), (one - none).norm().item()
        assert miss <= 1e-3 * change, (
            f"{call}, inputs changed by 1e-6 and by twice that: changes of the result are off that "
            f"proportion by {miss / change:.1%}, want 0.0%, as float64 has enough digits"
        )


def keeps_inputs(what: str, module: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    """Any strides, either mode, any device; and the inputs stay as they are."""
    call, results = on(what, **inputs), []
    for mode in ("train", "eval"):
        before = {name: t.clone() for name, t in inputs.items()}
        results.append(
            result_of(f"{call}, {mode} mode", module.train(mode == "train"), *inputs.values())
        )
        for name, t in inputs.items():
            same(t, before[name], f"{call}, {mode} mode: {name} afterwards")
    close(results[0], results[1], f"{call}: result in train mode, against eval mode")
    apart = (t.mT.contiguous().mT if t.ndim > 1 else t for t in inputs.values())
    strided = result_of(f"{call}, not contiguous", module, *apart)
    close(strided, results[1], f"{call}: result of inputs that are not contiguous")
    on_other_device(call, module, *inputs.values())


def on_other_device(call: str, module: nn.Module, *inputs: Tensor) -> None:
    """On torch's "meta" device, which holds no numbers, for code that makes tensors on the CPU."""
    what, module = f"{call}, all on the meta device", copy.deepcopy(module).to("meta")
    with LastCall() as last:
        try:
            out = module(*(t.to("meta") for t in inputs))
        except (RuntimeError, TypeError) as error:
            says = str(error)
            if isinstance(error, NotImplementedError) and len(says.split()) <= 1:
                raise  # an open hole
            # Asking for a number fails there, too, and is no mistake on a real device.
            moved = "Cannot copy out" in says and last.name in ("cpu", "to", "copy_", "__setitem__")
            assert not moved and "cpu" not in says, f"{what}: a tensor on the CPU. It says: {says}"
            return
    assert isinstance(out, Tensor), f"{what}: {type(out).__name__}, want a tensor"
    assert out.is_meta, f"{what}: the result is on {out.device}"


class LastCall(TorchFunctionMode):
    """Knows the function of torch that was called last below it."""

    name = ""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.name = getattr(func, "__name__", "")
        return func(*args, **(kwargs or {}))
