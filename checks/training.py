"""What checks of training code have in common: they watch what it does to a model.

A model of one weight and losses that are given make every number one that can be done by hand;
`watching` notes each forward pass and each step; `Twin` trains a copy in plain code.
"""

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader

from checks.tools import close

CPU, META = torch.device("cpu"), torch.device("meta")
Batch = tuple[Tensor, Tensor]


class Forward(NamedTuple):
    """A forward pass of the watched model, or of a copy of it."""

    x: Any
    in_train: int  # so many of its modules were in train mode
    modules: int
    recorded: bool  # gradients were on
    steps: int  # so many steps had been made before


class Step(NamedTuple):
    """A step of any optimizer."""

    is_given: bool  # of the optimizer that the answer was given
    forwards: int  # so many forward passes had been made before
    grads: list[Tensor | None]  # what the given optimizer's parameters had in .grad
    params: list[Tensor]  # those parameters after it


class Seen:
    """What was seen of one call."""

    def __init__(self) -> None:
        self.forwards = list[Forward]()
        self.steps = list[Step]()

    def steps_after(self) -> list[int]:
        """How many forward passes there had been at each step of the given optimizer."""
        return [step.forwards for step in self.steps if step.is_given]

    def grads(self, i: int) -> list[float]:
        """What the i-th parameter, of one number, had in .grad at each step; None counts as 0."""
        found = [step.grads[i] for step in self.steps if step.is_given]
        return [0.0 if g is None else round(g.item(), 4) for g in found]


@contextmanager
def watching(model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> Iterator[Seen]:
    """Notes every forward pass of the model and every step of any optimizer that runs below it."""
    seen = Seen()
    params = [p for group in optimizer.param_groups for p in group["params"]] if optimizer else []

    def forward(module: nn.Module, inputs: tuple[Any, ...], out: Any) -> None:
        modes = [part.training for part in module.modules()]
        x = inputs[0] if inputs else None
        recorded = torch.is_grad_enabled()
        seen.forwards.append(Forward(x, sum(modes), len(modes), recorded, len(seen.steps)))

    def step(of: torch.optim.Optimizer, *_: Any) -> None:
        grads = [None if p.grad is None else p.grad.detach().clone() for p in params]
        after = [p.detach().clone() for p in params]
        seen.steps.append(Step(of is optimizer, len(seen.forwards), grads, after))

    hooks = model.register_forward_hook(forward), register_optimizer_step_post_hook(step)
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def line(weight: float = 0.0, bias: float = 0.0) -> nn.Linear:
    """A model of two numbers: weight * x + bias. x is (B, 1)."""
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, weight)
    nn.init.constant_(model.bias, bias)
    return model


class Difference(nn.Module):
    """The mean of output - y. Of line(), the gradient is the mean of x for the weight, 1 for the
    bias, whatever the weights are. Notes the losses that it gave.
    """

    def __init__(self) -> None:
        super().__init__()
        self.losses = list[float]()

    def forward(self, output: Tensor, y: Tensor) -> Tensor:
        loss = (output - y).mean()
        if not loss.is_meta:
            self.losses.append(round(loss.item(), 4))
        return loss


def batches_of(means: Sequence[float], sizes: Sequence[int], y: float = 0.0) -> list[Batch]:
    """Batches of x (B, 1) with these means, whose numbers differ, and of y (B, 1)."""
    pairs = []
    for mean, size in zip(means, sizes, strict=True):
        x = mean + torch.arange(size)[:, None] - (size - 1) / 2
        pairs.append((x, torch.full((size, 1), y)))
    return pairs


def loader_of(batches: list[Batch]) -> DataLoader[Any]:
    """A DataLoader that gives these batches as they are."""
    return DataLoader(batches, batch_size=None)  # type: ignore[arg-type]


def passes(seen: Seen, batches: Iterable[Batch]) -> list[int | str]:
    """For each forward pass the number of its batch, from 1 on; "?" for any other input."""
    known = [x for x, _ in batches]

    def number(x: Any) -> int | str:
        for i, other in enumerate(known, 1):
            if isinstance(x, Tensor) and x.shape == other.shape and torch.equal(x, other.to(x)):
                return i
        return "?"

    return [number(forward.x) for forward in seen.forwards]


def all_in_train_mode(what: str, seen: Seen) -> None:
    for i, one in enumerate(seen.forwards, 1):
        assert one.in_train == one.modules, (
            f"{what}: at forward pass {i} of {len(seen.forwards)}, "
            f"{one.in_train} of {one.modules} modules are in train mode, want all"
        )


def modes_of(model: nn.Module) -> dict[str, bool]:
    return {name or "the model": part.training for name, part in model.named_modules()}


def states_are(got: dict[str, Tensor], want: dict[str, Tensor], what: str, tol: float) -> None:
    """Parameters and buffers are alike; else the first that is not is told by name."""
    for name, value in want.items():
        close(got[name], value, f"{what}: {name}", tol)


class Token:
    """Lives as long as the graph that it is attached to."""


@contextmanager
def counting_graphs(model: nn.Module) -> Iterator[list[int]]:
    """At each forward pass of the model: how many graphs of earlier ones are still in memory."""
    alive, counts = weakref.WeakSet[Token](), list[int]()

    def count(module: nn.Module, inputs: Any, output: Tensor) -> None:
        counts.append(len(alive))
        if output.grad_fn is not None:
            output.grad_fn.metadata["token"] = token = Token()
            alive.add(token)

    hook = model.register_forward_hook(count)
    try:
        yield counts
    finally:
        hook.remove()


class OnDevice(nn.Module):
    """A model that gives x back, and a criterion: they note where and how x and y arrive.

    The meta device stands in for a GPU; the loss stays on the CPU, so that it has a value.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.seen = list[tuple[str, str, torch.dtype, tuple[int, ...]]]()

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(("model's x", x.device.type, x.dtype, tuple(x.shape)))
        return x

    def criterion(self, output: Tensor, y: Tensor) -> Tensor:
        self.seen.append(
            ("criterion's output", output.device.type, output.dtype, tuple(output.shape))
        )
        self.seen.append(("criterion's y", y.device.type, y.dtype, tuple(y.shape)))
        return 2 * self.weight


def arrives_on_device(what: str, train: Callable[[OnDevice, list[Batch]], Any]) -> None:
    """train(model, batches), with device meta: x and y arrive there and are otherwise unchanged."""
    model = OnDevice()
    x, y = torch.randn(2, 4, 1, dtype=torch.float64), torch.zeros(2, 1, dtype=torch.int16)
    crash = None
    try:
        train(model, [(x, y)])
    except (RuntimeError, NotImplementedError) as error:  # it may want values; meta has none
        if isinstance(error, NotImplementedError) and len(str(error).split()) <= 1:
            raise
        crash = error
    said = f" (and then {type(crash).__name__}: {crash})" if crash else ""
    for name, t in (("model's x", x), ("criterion's output", x), ("criterion's y", y)):
        found = [rest for who, *rest in model.seen if who == name]
        assert found, f"{what}, device meta: no {name} arrived{said}"
        place, dtype, shape = found[0]
        assert place == "meta", f"{what}, device meta: the {name} is on {place}{said}"
        assert (dtype, shape) == (t.dtype, tuple(t.shape)), (
            f"{what}: the {name} is {dtype} {shape}, want {t.dtype} {tuple(t.shape)} as it came"
        )


def epoch_by_hand(
    model: nn.Module,
    criterion: Callable[..., Tensor],
    batches: Iterable[Batch],
    groups: Sequence[dict[str, Any]],
    momentum: float = 0.0,
) -> float:
    """Plain SGD over groups of {"params", "lr"} in plain code, each batch on its mean loss.

    The criterion gives a loss per element (reduction "none"). Returns the mean per sample.
    """
    losses = list[float]()
    params = [p for group in groups for p in group["params"]]
    for x, y in batches:
        each = criterion(model.train()(x), y).reshape(len(y), -1).mean(dim=1)
        grads = iter(torch.autograd.grad(each.mean(), params, allow_unused=True))
        with torch.no_grad():
            for group in groups:
                speeds = group.setdefault("speeds", [torch.zeros_like(p) for p in group["params"]])
                for p, v, g in zip(group["params"], speeds, grads, strict=False):
                    if g is not None:
                        p -= group["lr"] * v.mul_(momentum).add_(g)
        losses += each.tolist()
    return sum(losses) / len(losses)
