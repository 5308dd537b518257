"""What checks of functions by hand share: a ban of the library's own, values, gradients."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from checks.tools import Forbidden, attempt, close, equal, gradients, result_of, unchanged


def calls_none(
    what: str, function: Callable[..., Any], inputs: Iterable[Any], banned: Iterable[str]
) -> None:
    """On these inputs, it calls no function of torch with one of these parts in its name."""
    with Forbidden("") as watch:
        attempt(what, function, *inputs)
    called = [name for name in watch.called if any(part in name for part in banned)]
    assert watch.seen, f"{what}: no function of torch was called"
    assert not called, f"{what}: torch's {', '.join(called)} was called"


def gives(
    what: str,
    function: Callable[..., Any],
    inputs: Iterable[Any],
    want: Any,
    tol: float = 1e-5,
    **more: Any,
) -> None:
    """What it gives, of any dtype that torch makes of want."""
    close(result_of(what, function, *inputs, **more), torch.as_tensor(want), what, tol)


def as_exact(
    what: str,
    function: Callable[..., Any],
    library: Callable[..., Tensor],
    inputs: Mapping[str, Tensor],
    tol: float = 1e-8,
    own: Mapping[str, tuple[Tensor, Tensor]] | None = None,
) -> None:
    """It changes no input; its result and gradients are the library's, where the result is nearly
    right: whether it is, other labels mind. own: what more gets a gradient, its and the library's.
    """
    names = [*inputs, *(own or {})]
    mine, other = ([t.clone().requires_grad_() for t in inputs.values()] for _ in range(2))
    with unchanged(what, *mine):
        out = result_of(what, function, *mine)
    want = library(*other)
    if is_exact(f"{what}: result", out, want, tol):
        upstream = 1 + torch.arange(want.numel()).to(want).view_as(want).sin()
        pairs = [*zip(mine, other, strict=True), *(own or {}).values()]
        got = gradients(what, out, [first for first, _ in pairs], upstream, names)
        right = torch.autograd.grad(want, [second for _, second in pairs], upstream)
        for name, mine_of, right_of in zip(names, got, right, strict=True):
            close(mine_of, right_of, f"{what}: the gradient of {name}", tol)


def is_exact(what: str, got: Tensor, want: Tensor, tol: float) -> bool:
    """Whether it is nearly right; then it is so up to tol."""
    equal(f"{what}, dtype", got.dtype, want.dtype)
    near = got.shape == want.shape and torch.allclose(got, want, 1e-2, 1e-2)
    if near:
        close(got.detach(), want.detach(), what, tol)
    return near


def number_is(what: str, got: Any, want: float, tol: float = 1e-6) -> None:
    """It is a Python number, and want up to tol; relative where want is larger than 1."""
    kind = type(got).__name__
    assert isinstance(got, int | float), f"{what} gave a {kind}, want a Python number"
    right = math.isclose(got, want, rel_tol=tol, abs_tol=tol) or got != got and want != want
    digits = 6 if f"{got:.6g}" != f"{want:.6g}" else 12  # else they would look alike
    assert right, f"{what} gave {got:.{digits}g}, want {want:.{digits}g}"
