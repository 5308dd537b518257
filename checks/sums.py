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

    def gives(self, want: Any, *args: Any, **kwargs: Any) -> None:
        """It gives want: ints of any kind, in tuples of any kind where want is one."""
        call, got = self.result(want, args, kwargs)
        assert agrees(got, want), f"{call} is {shown(got)}, want {want}"

    def gives_exactly(self, want: Any, *args: Any, **kwargs: Any) -> None:
        """It gives want, of Python's own ints and tuples."""
        call, got = self.result(want, args, kwargs)
        assert agrees(got, want), f"{call} is {shown(got)}, want {want}"
        other = foreign(got)
        assert not other, f"{call} is {got!r}: {other} is not Python's own int or tuple"

    def own(self, *args: Any, **kwargs: Any) -> Any:
        """What it gives itself, to compare it with."""
        call, got = self.result("a result", args, kwargs)
        assert agrees(got, got), f"{call} is {shown(got)}, want ints"
        return got

    def refuses(self, why: str, named: list[int], *args: Any, **kwargs: Any) -> None:
        """It raises ValueError, with the numbers in `named` in its message."""
        call = self.call(args, kwargs)
        try:
            got = self.function(*args, **kwargs)
        except ValueError as error:
            missing = [f"{n}" for n in named if not re.search(rf"(?<!\d){n}(?!\d)", str(error))]
            assert not missing, (
                f"{call}: {why}; the message is {str(error)!r}, want {' and '.join(missing)} in it"
            )
            return
        except Exception as error:
            reraise_if_open(error)
            raise AssertionError(f"{call}: {why}; {told(error)}, want ValueError") from error
        raise AssertionError(f"{call}: {why}; gave {shown(got)}, want ValueError")

    def result(self, want: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any]:
        call = self.call(args, kwargs)
        try:
            return call, self.function(*args, **kwargs)
        except Exception as error:
            reraise_if_open(error)
            raise AssertionError(f"{call}: {told(error)}; want {want}") from error

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        given = [*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())]
        return f"{self.name}({', '.join(given)})"


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


def told(error: Exception) -> str:
    """The error's kind and the first line of its text."""
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def reraise_if_open(error: Exception) -> None:
    if isinstance(error, NotImplementedError) and len(str(error).split()) <= 1:
        raise error


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
    kind = type(got)
    return "" if kind is int else f"{kind.__module__}.{kind.__name__}"


def shown(got: Any) -> str:
    """got, with its kind where that is neither an int nor a tuple of ints."""
    parts = got if isinstance(got, tuple) else (got,)
    other = next(
        (part for part in parts if type(part) is not int and type(part) is not tuple), None
    )
    if other is None or got is None:
        return repr(got)
    kind = type(other).__name__
    return f"{got!r}, a {kind}" if other is got else f"{got!r}, with a {kind} in it"


def heads_refused(asked: Asked, before: tuple[int, ...] = (), after: tuple[int, ...] = ()) -> None:
    """num_heads below 1 or no divisor of d_model: ValueError names both. They come in this order
    between the arguments before and after.
    """
    for d_model, heads in ((12, 5), (5, 12), (12, 0), (12, -3)):
        why = f"d_model {d_model}, num_heads {heads}"
        asked.refuses(why, [d_model, heads], *before, d_model, heads, *after)
