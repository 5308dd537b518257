"""What checks of sums share: a function under its name, real layers that count, bad arguments.

Layers run on torch's "meta" device, which knows shapes and holds no numbers.
"""

import inspect
import re
from collections.abc import Callable
from functools import wraps
from numbers import Integral
from typing import Any

from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from checks.tools import is_hole


def count(*layers: nn.Module) -> int:
    return sum(p.numel() for layer in layers for p in layer.parameters())


def mult_adds(function: Callable[..., Any], *inputs: Any) -> tuple[Any, int]:
    """What it gives, and the mult-adds on the way; torch counts 2 FLOPs for each."""
    with FlopCounterMode(display=False) as counter:
        out = function(*inputs)
    return out, counter.get_total_flops() // 2


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

    def gives_exactly(self, want: Any, *args: Any, **kwargs: Any) -> None:
        """It gives want, of Python's own ints and tuples."""
        got = self.gives(want, *args, **kwargs)
        other, call = foreign(got), self.tried(args, kwargs)[0]
        assert not other, f"{call} is {got!r}: {other} is not Python's own int or tuple"

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
