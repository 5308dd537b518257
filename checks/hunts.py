"""What checks of bug hunts have in common.

A gradient is judged by the slope of the answer's own values, a figure of training by the logits
that the model itself gave: so neither depends on another mistake. No message names a cause.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from checks.tools import call_of, numbers, tensor, unchanged

# What torch says where a value is to be read that the meta device does not hold.
READS_A_VALUE = re.compile(r"item\(\)|aten::(equal|_local_scalar_dense|nonzero|is_nonzero)")


def attempt(what: str, function: Callable[..., Any], *inputs: Any, **more: Any) -> Any:
    """What function gives; where it crashes, a message that says on what."""
    try:
        return function(*inputs, **more)
    except Exception as error:
        if isinstance(error, NotImplementedError) and len(str(error).split()) <= 1:
            raise  # an open hole
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise AssertionError(f"{what}: {said}") from error


def gives_there(what: str, model: nn.Module, *inputs: Tensor) -> None:
    """A copy of the model on the meta device gives a result there.

    What only fails to read a value is let through: on a real device there is one.
    """
    there = copy.deepcopy(model).to("meta")
    try:
        out = attempt(f"{what} on the meta device", there, *(t.to("meta") for t in inputs))
    except AssertionError as error:
        if READS_A_VALUE.search(str(error)):
            return
        raise
    place = tensor(out, what).device
    assert out.is_meta, f"{what} on the meta device: result on {place}, want it on meta"


def true_gradients(
    what: str, run: Callable[[], Tensor], leaves: Mapping[str, Tensor], tol: float = 1e-6
) -> None:
    """backward() gives each leaf the slope of run()'s own values along a random direction.

    The leaves are float64 and ask for gradients; run() gives the same values each time.
    """
    out = tensor(attempt(what, run), what)
    assert out.requires_grad, f"{what}: no gradient flows back from the result"
    upstream = torch.randn_like(out)

    def backward() -> tuple[Tensor | None, ...]:
        return torch.autograd.grad(out, list(leaves.values()), upstream, allow_unused=True)

    grads = attempt(f"{what}, backward()", backward)
    missing = [name for name, g in zip(leaves, grads, strict=True) if g is None]
    assert not missing, f"{what}: no gradient reaches {', '.join(missing)}"
    for (name, t), g in zip(leaves.items(), grads, strict=True):
        direction, start, ends = torch.randn_like(t), t.detach().clone(), []
        with torch.no_grad():
            for step in (1e-6, -1e-6):
                t.copy_(start + step * direction)  # in place: what is computed anew sees it, too
                ends.append((run() * upstream).sum())
            t.copy_(start)
        slope, got = (ends[0] - ends[1]) / 2e-6, (g * direction).sum()
        assert abs(got - slope) <= tol * (1 + abs(slope)), (
            f"{what}: along a random direction the gradient of {name} is {numbers(got)}, "
            f"the slope of the values there {numbers(slope)}; want both the same"
        )


def gradients_of_modes(
    what: str, model: nn.Module, inputs: Mapping[str, Tensor], without: str = "", **more: Any
) -> None:
    """In train and in eval mode true gradients reach the inputs, which stay as they are, and the
    parameters but those of the part `without`. All is float64.
    """
    for training in (True, False):
        mode = f"{what}, {'train' if training else 'eval'} mode"
        model.train(training)

        def run(*given: Tensor) -> Tensor:
            torch.manual_seed(1)  # for Dropout
            return model(*given, **more)

        with unchanged(mode, *inputs.values()):
            attempt(mode, run, *inputs.values())
        mine = {name: t.clone() for name, t in inputs.items()}
        leaves = {**mine, **dict(model.named_parameters())}
        if without:
            leaves = {name: t for name, t in leaves.items() if not name.startswith(without)}
        for leaf in leaves.values():
            leaf.requires_grad_()
        true_gradients(mode, partial(run, *mine.values()), leaves)


def on(model: nn.Module, training: bool, *inputs: Tensor, seed: int = 1, **more: Any) -> Tensor:
    """What the model gives in that mode, with these random numbers, on inputs that are copied."""
    model.train(training)
    mode = f"{'train' if training else 'eval'} mode"
    what = f"{call_of(type(model).__name__, *inputs)}, {mode}"
    torch.manual_seed(seed)
    return tensor(attempt(what, model, *(t.clone() for t in inputs), **more), what)


class Noted(NamedTuple):
    """A forward pass: its input, what the model gave, whether all its parts were in train mode."""

    x: Tensor
    logits: Tensor
    in_train: bool


@contextmanager
def noting(model: nn.Module) -> Iterator[list[Noted]]:
    """Every forward pass of the model, or of a copy made below, with the logits that it gave."""
    found = list[Noted]()

    def note(module: nn.Module, inputs: tuple[Any, ...], out: Tensor) -> None:
        modes = {part.training for part in module.modules()}
        found.append(Noted(inputs[0], out.detach().clone(), modes == {True}))

    hook = model.register_forward_hook(note)
    try:
        yield found
    finally:
        hook.remove()


def losses_of(logits: Tensor, y: Tensor) -> list[float]:
    """The cross entropy of each sample, by logarithms and exponentials."""
    return (logits.logsumexp(dim=1) - logits[range(len(y)), y.flatten()]).tolist()


def first_passes(noted: Sequence[Noted], xs: Sequence[Tensor], what: str) -> list[Noted]:
    """For each x its next pass, in order; others between them are left out."""

    def number(x: Tensor) -> int | str:
        alike = (i for i, one in enumerate(xs, 1) if x.shape == one.shape and torch.equal(x, one))
        return next(alike, "?")

    rest, found = iter(noted), list[Noted]()
    for x in xs:
        ours = (n for n in rest if number(n.x) == number(x))
        found += [one for one in [next(ours, None)] if one]
    assert len(found) == len(xs), (
        f"{what}: through the model went batches {', '.join(str(number(n.x)) for n in noted)}; "
        f"want {', '.join(str(number(x)) for x in xs)}"
    )
    return found
