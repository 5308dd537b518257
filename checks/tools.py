"""What checks have in common: comparing, refusing, watching what an answer does.

Every message says what was called, what came and what was wanted; never how to mend it.
"""

import math
import pickle
import random
import re
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy
import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def close(got: Any, want: Any, what: str, tol: float = 1e-5) -> None:
    """got equals want up to tol, relative and absolute; else one element of them is told."""
    got, want = torch.as_tensor(got), torch.as_tensor(want)
    assert got.shape == want.shape, f"{what}: shape {tuple(got.shape)}, want {tuple(want.shape)}"
    assert got.dtype == want.dtype, f"{what}: {got.dtype}, want {want.dtype}"
    differ = ~torch.isclose(got, want, rtol=tol, atol=tol, equal_nan=True)
    if not differ.any():
        return
    at = tuple(differ.nonzero()[0].tolist())
    few = got.numel() <= 8
    pair = (got, want) if few else (got[at], want[at])
    shown = [numbers(t) for t in pair]
    if shown[0] == shown[1]:  # alike in these digits
        shown = [numbers(t, 10) for t in pair]
    if few:
        raise AssertionError(f"{what}: {shown[0]}, want {shown[1]}")
    raise AssertionError(
        f"{what}: number {list(at)} is {shown[0]}, want {shown[1]} "
        f"({int(differ.sum())} of {got.numel()} differ)"
    )


def tensor(out: Any, what: str) -> Tensor:
    """out itself, which is a tensor."""
    assert isinstance(out, Tensor), f"{what} gave {type(out).__name__}, want a tensor"
    return out


def is_hole(error: BaseException) -> bool:
    """It is a page's stub, NotImplementedError("Thing.method"); torch's own errors say more."""
    return isinstance(error, NotImplementedError) and len(str(error).split()) <= 1


def attempt(what: str, function: Callable[..., Any], *inputs: Any, **more: Any) -> Any:
    """What function gives; where it crashes, a message that says on what."""
    try:
        return function(*inputs, **more)
    except Exception as error:
        if is_hole(error):
            raise
        raise AssertionError(f"{what}: {first_line(error)}, want a result") from error


def first_line(error: BaseException) -> str:
    """Its kind and what it says first, without temporary folders and addresses."""
    says = "".join(str(error)[:2000].strip().splitlines()[:1])
    told = f"{type(error).__name__}: {says}"
    return re.sub(r"[^\s'\"]*/tmp\w{8}/| at 0x[0-9a-f]+", "", told).rstrip(":., ")


def equal(what: str, got: Any, want: Any) -> None:
    """`what` begins a sentence that "5, want 6" ends."""
    assert got == want, f"{what} {got}, want {want}"


def result_of(what: str, function: Callable[..., Any], *inputs: Any, **more: Any) -> Tensor:
    """What it gives, a tensor; where it crashes, a message that says on what."""
    return tensor(attempt(what, function, *inputs, **more), what)


def names_are(got: Iterable[str], want: Iterable[str], what: str) -> None:
    """The same names, in any order; else those that are missing, and those that are too many."""
    got, want = list(got), list(want)
    missing = [name for name in want if name not in got]
    assert not missing, f"{what}: missing: {', '.join(missing)}"
    more = [name for name in got if name not in want]
    assert not more, f"{what}: {', '.join(more)}, want only {', '.join(want) or 'none'}"


def filled(module: nn.Module, size: float = 0.7) -> nn.Module:
    """The module as it may be after some training: no parameter is zero, no two are alike."""
    for p in module.parameters():
        nn.init.uniform_(p, -size, size)
    return module


def strided(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random numbers, not contiguous where there are two dims or more."""
    return torch.randn(shape[::-1], dtype=dtype).permute(tuple(range(len(shape)))[::-1])


def same(got: Any, want: Any, what: str) -> None:
    """got equals want in every bit."""
    close(got, want, what, 0)


def numbers(values: Tensor, digits: int = 4) -> str:
    """A few numbers as a message shows them."""

    def shown(value: Any) -> str:
        if isinstance(value, list):
            return f"[{', '.join(map(shown, value))}]"
        return f"{value:.{digits}g}" if isinstance(value, float) else str(value)

    return shown(values.detach().tolist())


def call_of(name: str, *inputs: Any) -> str:
    """How a message names a call: its tensors by their shapes."""
    shown = (f"{tuple(i.shape)}" if isinstance(i, Tensor) else f"{i!r}" for i in inputs)
    return f"{name}({', '.join(shown)})"


def refuses(
    function: Callable[..., Any],
    *inputs: Any,
    errors: tuple[type[Exception], ...] = (RuntimeError, ValueError),
    call: str = "",
) -> str:
    """The message of the one of `errors` that function raises, no other error and no result; `call`
    names it, if given.
    """
    name = getattr(function, "__name__", type(function).__name__)
    call, want = call or call_of(name, *inputs), " or ".join(e.__name__ for e in errors)
    try:
        got = function(*inputs)
    except Exception as error:
        if is_hole(error):
            raise
        if isinstance(error, errors):
            return str(error)
        raise AssertionError(f"{call}: {first_line(error)}, want {want}") from error
    kind, got = type(got), tuple(got.shape) if isinstance(got, Tensor) else got
    shown = f"a {kind.__name__}" if kind.__repr__ is object.__repr__ else repr(got)
    raise AssertionError(f"{call} gave {shown}, want {want}")


def share_is(hits: Tensor, want: float, what: str) -> None:
    """So large a share of independent draws hits, up to 6 standard deviations."""
    got, slack = hits.double().mean().item(), 6 * (want * (1 - want) / hits.numel()) ** 0.5
    assert abs(got - want) < slack, f"{what}: {got:.4f}, want {want:.4f} ± {slack:.4f}"


def draws_from(what: str, draw: Callable[[torch.Generator | None], Tensor]) -> None:
    """What draw(generator) gives follows from the generator's state, and no other generator is
    used; None: the global one's.
    """
    for given in (torch.Generator(), None):
        call, runs = f"{what}, {'generator given' if given else 'no generator'}", list[list[Any]]()
        for seed in (1, 1, 2):
            (given or torch.default_generator).manual_seed(seed)
            before = torch.get_rng_state()
            runs.append([attempt(call, draw, given).tolist() for _ in range(2)])
            used = given and not torch.equal(before, torch.get_rng_state())
            assert not used, f"{call}: the global generator was used, too"
        alike = [runs[0][0] == other for other in (runs[1][0], runs[2][0], runs[0][1])]
        call = f"{call}: the same after the same seed, after another seed, at once again:"
        equal(call, alike, [True, False, False])


def is_normal(x: Tensor, what: str) -> None:
    """Its numbers are draws from N(0, 1), as far as shares of them tell."""
    share_is(x < 0, 0.5, f"{what}, the share below 0")
    for far in (1, 2, 3):
        share = math.erfc(far / 2**0.5)
        share_is(x.abs() > far, share, f"{what}, the share more than {far} from 0")


@contextmanager
def unchanged(what: str, *tensors: Tensor) -> Iterator[None]:
    """What runs below leaves these tensors as they are."""
    before = [t.detach().clone() for t in tensors]
    yield
    for i, (now, old) in enumerate(zip(tensors, before, strict=True)):
        same(now.detach(), old, f"{what}: input {i} was changed")


@contextmanager
def draws_nothing(what: str) -> Iterator[None]:
    """What runs below leaves the global generators of torch, NumPy and Python as they are."""

    def states() -> dict[str, Any]:
        found = {"torch": torch.get_rng_state().tolist(), "Python": random.getstate()}
        return found | {"NumPy": pickle.dumps(numpy.random.get_state())}

    before = states()
    yield
    after = states()
    moved = [name for name, state in before.items() if after[name] != state]
    assert not moved, f"{what}: the global generator of {' and '.join(moved)} was drawn from or set"


def gradients(
    what: str,
    out: Tensor,
    leaves: Sequence[Tensor],
    upstream: Tensor,
    names: Sequence[str] = (),
    finite: bool = True,
) -> list[Tensor]:
    """The gradients of out, weighed by upstream, with regard to leaves: there and finite, each."""
    assert out.requires_grad, f"{what}: no gradient flows through it"
    backward = f"{what}, backward", torch.autograd.grad
    grads = attempt(*backward, out, leaves, upstream, allow_unused=True)
    for i, g in enumerate(grads):
        name = names[i] if names else f"input {i}"
        assert g is not None, f"{what}: no gradient reaches {name}"
        assert g.isfinite().all() or not finite, f"{what}: the gradient of {name} has NaN or inf"
    return list(grads)


def on_meta(function: Callable[..., Any], what: str, *inputs: Tensor) -> None:
    """It runs on torch's "meta" device, which holds no numbers: all it makes is made there."""
    try:
        out = function(*(t.to("meta") for t in inputs))
    except (RuntimeError, NotImplementedError) as error:
        raise AssertionError(f"{what} on the meta device: {error}") from error
    assert out.is_meta, f"{what} on the meta device: result on {out.device}"


class BigTensors(TorchDispatchMode):
    """Keeps every tensor that an op below it returns and that stores `size` elements or more."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.made, self.seen = size, list[Tensor](), 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.seen += 1
        held = isinstance(out, Tensor) and out.layout == torch.strided  # sparse: its parts are seen
        if held and out.untyped_storage().nbytes() >= self.size * out.itemsize:
            self.made.append(out)
        return out


class Held(BigTensors):
    """The same, but it does not keep them alive."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.known = list[weakref.ref[Tensor]]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = super().__torch_dispatch__(func, types, args, kwargs)
        self.known += map(weakref.ref, self.made)
        self.made.clear()
        return out

    def alive(self) -> list[tuple[int, ...]]:
        """The shapes of those that are still kept."""
        return [tuple(t.shape) for t in (ref() for ref in self.known) if t is not None]


class Peak(TorchDispatchMode):
    """The most numbers that tensors made below it hold at one time, `given` ones left out."""

    def __init__(self, *given: Tensor) -> None:
        super().__init__()
        self.given = {t.untyped_storage().data_ptr() for t in given}
        self.held, self.most, self.seen = dict[int, tuple[StorageWeakRef, int]](), 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.seen += 1
        self.held = {at: one for at, one in self.held.items() if not one[0].expired()}
        for t in tree_leaves(out):
            if isinstance(t, Tensor) and t.untyped_storage().data_ptr() not in self.given:
                storage = t.untyped_storage()
                size = storage.nbytes() // t.itemsize
                self.held[storage.data_ptr()] = StorageWeakRef(storage), size
        self.most = max(self.most, sum(size for _, size in self.held.values()))
        return out


class Forbidden(TorchFunctionMode):
    """Notes every torch function called below it with `part` in its name, however imported."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part, self.called, self.seen, self.last = part, list[str](), 0, ""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.last = name = getattr(func, "__name__", "")
        self.seen += 1
        if self.part in name and name not in self.called:
            self.called.append(name)
        return func(*args, **(kwargs or {}))


ONE_DEVICE = {"bmm", "bucketize", "gather", "index_select", "isin", "mm", "searchsorted", "take"}


class LikeCuda(TorchDispatchMode):
    """The meta device, but a copy to the CPU gives zeros, or the numbers of the one of `known` that
    is like it; and no index there meets a CPU table, nor does one of ONE_DEVICE mix devices.
    """

    def __init__(self, known: Iterable[Any] = ()) -> None:
        super().__init__()
        self.known = {(t.dtype, t.shape): t for t in known if isinstance(t, Tensor)}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        places = [str(a.device) for a in tree_leaves(args) if isinstance(a, Tensor)]
        mixed = "cpu" in places and "meta" in places
        if mixed and (places[0] == "cpu" or func.overloadpacket.__name__ in ONE_DEVICE):
            raise RuntimeError(f"{func} got tensors on {places}, want them on one device")
        kwargs = kwargs or {}
        if func is torch.ops.aten._to_copy.default and str(kwargs.get("device")) == "cpu":
            like = self.known.get((args[0].dtype, args[0].shape))
            args = (torch.zeros_like(args[0], device="cpu") if like is None else like,)
        return func(*args, **kwargs)


def keeps_device(what: str, function: Callable[..., Any], *inputs: Any) -> None:
    """Its result is where its inputs are, and it makes no tensor elsewhere; one that has to read
    numbers, which the meta device does not hold, is let off.
    """
    try:
        with LikeCuda(inputs):
            out = function(*(i.to("meta") if isinstance(i, Tensor) else i for i in inputs))
    except NotImplementedError as error:
        if is_hole(error):
            raise
        return
    except Exception as error:
        found = re.search(r"\bcpu\b", str(error), re.IGNORECASE)
        assert not found, f"{what}, input on a GPU: it makes a tensor on the CPU"
        return
    left = isinstance(out, Tensor) and not out.is_meta
    assert not left, f"{what}, input on a GPU: the result is on the CPU"
