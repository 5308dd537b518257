"""What checks of sums share: a function under its name, real layers that count, bad arguments.

Layers run on torch's "meta" device, which knows shapes and holds no numbers; what is kept in memory
is counted on small real tensors.
"""

import inspect
import math
import re
import weakref
from collections.abc import Callable
from functools import cache, partial, wraps
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.functional import gelu
from torch.utils.checkpoint import CheckpointFunction
from torch.utils.flop_counter import FlopCounterMode

from checks.tools import is_hole, names_are
from checks.world import World


def count(*layers: nn.Module) -> int:
    return sum(p.numel() for layer in layers for p in layer.parameters())


def mult_adds(function: Callable[..., Any], *inputs: Any) -> tuple[Any, int]:
    """What it gives, and the mult-adds on the way; torch counts 2 FLOPs for each."""
    with FlopCounterMode(display=False) as counter:
        out = function(*inputs)
    return out, counter.get_total_flops() // 2


class Saved:
    """What autograd keeps of one tensor; gone as soon as autograd lets go of it."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor.detach()  # else a saved output would hold itself


def most_kept(run: Callable[[], Any], counts: Callable[[Tensor], bool]) -> int:
    """The most numbers that autograd keeps at one time while it runs, those of one memory once."""
    held, most = weakref.WeakSet[Saved](), 0

    def hold(tensor: Tensor) -> Saved:
        nonlocal most
        one = Saved(tensor)
        if counts(tensor):
            held.add(one)
            kept = {one.tensor.untyped_storage().data_ptr(): one.tensor for one in held}
            most = max(most, sum(t.untyped_storage().nbytes() // t.itemsize for t in kept.values()))
        return one

    with saved_tensors_hooks(hold, lambda one: one.tensor):
        run()
    return most


@cache
def kept_by_blocks(
    B: int, L: int, d_model: int, heads: int, d_ff: int, layers: int, checkpoint: bool = False
) -> int:
    """The most numbers that autograd keeps at one time, in forward or backward of blocks."""
    wide = [(d_model, d_model)] * 4 + [(d_model, d_ff), (d_ff, d_model)]
    model = [[nn.Linear(*sides) for sides in wide] for _ in range(layers)]
    norms = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
    own = {p.data_ptr() for each in (*model, norms) for m in each for p in m.parameters()}

    def block(layers: list[nn.Linear], x: Tensor) -> Tensor:
        y = norms[0](x)
        q, k, v = (f(y).unflatten(2, (heads, -1)).transpose(1, 2) for f in layers[:3])
        mixed = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v
        x = x + layers[3](mixed.transpose(1, 2).flatten(2))
        return x + layers[5](gelu(layers[4](norms[1](x))))

    def run() -> None:
        x = torch.ones(B, L, d_model, requires_grad=True)
        for layers in model:
            step = partial(block, layers)
            x = CheckpointFunction.apply(step, False, x) if checkpoint else step(x)
        x.sum().backward()

    # no parameters, no mean or 1/std of a norm
    return most_kept(run, lambda t: t.data_ptr() not in own and t.shape != (B, L, 1))


@cache
def sent_by_ring(numel: int, world_size: int) -> int:
    """The numbers that a rank sends while a ring of ranks sums a tensor; all have the sum."""
    world = World(world_size)

    def ring(tensor: Tensor) -> Tensor:
        rank, pieces = world.get_rank(), list(tensor.chunk(world_size))
        for step in range(2 * (world_size - 1)):  # first sums, then finished pieces, go round
            out, into = ((rank - step - back) % world_size for back in (0, 1))
            got = torch.empty_like(pieces[into])
            work = world.irecv(got, (rank - 1) % world_size)
            world.isend(pieces[out], (rank + 1) % world_size).wait()
            work.wait()
            pieces[into].copy_(got + pieces[into] if step < world_size - 1 else got)
        return tensor

    each = [torch.arange(numel) * (rank + 1) for rank in range(world_size)]
    total = torch.stack(each).sum(0)
    assert all(out.equal(total) for out in world.run(ring, each=each)), "the ring gives no sum"
    return world.sent[0]


def one_other(number: int, n: int, others: int = 2) -> list[tuple[int, ...]]:
    """n-tuples with the number at each place in turn."""
    return [tuple(number if j == i else others for j in range(n)) for i in range(n)]


class Asked:
    """A function of the answer under its name, for messages that tell what was called."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name, self.function = name, function

    def tried(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any]:
        """The call, and what it gives or raises."""
        given = [*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())]
        try:
            got = self.function(*args, **kwargs)
        except Exception as error:
            if is_hole(error):
                raise
            got = error
        return f"{self.name}({', '.join(given)})", got

    def own(self, *args: Any, **kwargs: Any) -> Any:
        """What it gives itself, to compare it with."""
        return self.gives(None, *args, **kwargs)

    def gives(self, want: Any, *args: Any, **kwargs: Any) -> Any:
        """It gives want, None: any; ints of any kind, in tuples of any kind where want is one."""
        call, got = self.tried(args, kwargs)
        if not agrees(got, got if want is None else want):
            refuse(f"{call} {shown(got)}, want {'ints' if want is None else want}", got)
        return got

    def gives_parts(
        self, want: dict[str, int | None], *args: Any, exactly: bool = False
    ) -> dict[str, int]:
        """It gives a dict with these ints, None: any; exactly: ints of Python's own."""
        call, got = self.tried(args, {})
        if not isinstance(got, dict):
            refuse(f"{call} {shown(got)}, want a dict", got)
        names_are(map(str, got), want, call)
        for name, number in want.items():
            part, told = got[name], f"{call}[{name!r}] {shown(got[name])}"
            assert agrees(part, part if number is None else number), (
                f"{told}, want {'an int' if number is None else number}"
            )
            assert not exactly or not foreign(part), f"{told}: {foreign(part)} is not Python's int"
        return {name: int(got[name]) for name in want}

    def gives_about(self, want: float, *args: Any) -> None:
        """It gives want up to rounding: an int, a float or a fraction."""
        call, got = self.tried(args, {})
        if not isinstance(got, Real) or not math.isclose(got, want, rel_tol=1e-9, abs_tol=1e-12):
            refuse(f"{call} {shown(got)}, want {want:.10g}", got)

    def gives_exactly(self, want: Any, *args: Any, **kwargs: Any) -> Any:
        """It gives want, None: any, of Python's own ints and tuples."""
        got = self.gives(want, *args, **kwargs)
        other, call = foreign(got), self.tried(args, kwargs)[0]
        assert not other, f"{call} is {got!r}: {other} is not Python's own int or tuple"
        return got

    def refuses(self, why: str, named: list[int], *args: Any, **kwargs: Any) -> None:
        """It raises ValueError, with the numbers in `named` in its message."""
        call, got = self.tried(args, kwargs)
        if not isinstance(got, ValueError):
            refuse(f"{call}: {why}; it {shown(got)}, want ValueError", got)
        missing = [f"{n}" for n in named if not re.search(rf"(?<!\d){n}(?!\d)", str(got))]
        wanted = " and ".join(missing)
        assert not missing, f"{call}: {why}; the message is {str(got)!r}, want {wanted} in it"


def refuse(message: str, got: Any) -> None:
    raise AssertionError(message) from (got if isinstance(got, Exception) else None)


def asks(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """For a label that judges many functions: their names; they come as Asked, in this order."""

    def asking(label: Callable[..., None]) -> Callable[..., None]:
        @wraps(label)
        def tried(*functions: Callable[..., Any]) -> None:
            label(*map(Asked, names, functions))

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters = [inspect.Parameter(name, kind) for name in names]
        vars(tried)["__signature__"] = inspect.Signature(parameters)
        return tried

    return asking


def agrees(got: Any, want: Any) -> bool:
    """The same ints in the same tuples; 5.0, True and [5] are neither."""
    if isinstance(want, tuple):
        is_tuple = isinstance(got, tuple) and len(got) == len(want)
        return is_tuple and all(map(agrees, got, want))
    return isinstance(got, Integral) and not isinstance(got, bool) and int(got) == want


def foreign(got: Any) -> str:
    """The kind of what is no plain int or tuple, such as numpy's int64."""
    if type(got) is tuple:
        return next(filter(None, map(foreign, got)), "")
    return "" if type(got) is int else f"{type(got).__module__}.{type(got).__name__}"


def shown(got: Any) -> str:
    """got, with its kind where that is neither an int nor a tuple of ints."""
    if isinstance(got, Exception):
        return f"raises {type(got).__name__}: {got}".partition("\n")[0].removesuffix(": ")
    parts = got if isinstance(got, tuple) else (got,)
    other = next((part for part in parts if type(part) not in (int, tuple, type(None))), 0)
    kind = type(other).__name__
    return f"is {got!r}" + ("" if kind == "int" else f", {'with ' * (other is not got)}a {kind}")


def heads_refused(asked: Asked, before: tuple[int, ...] = (), after: tuple[int, ...] = ()) -> None:
    """num_heads below 1 or no divisor of d_model: ValueError names both. They come in this order
    between the arguments before and after.
    """
    for d_model, heads in ((12, 5), (5, 12), (12, 0), (12, -3)):
        why = f"d_model {d_model}, num_heads {heads}"
        asked.refuses(why, [d_model, heads], *before, d_model, heads, *after)
