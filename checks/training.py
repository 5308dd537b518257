"""What checks of training code have in common: they watch what it does to a model.

A model of one weight and losses that are given make every number one that can be done by hand;
`watching` notes each forward pass and each step; `Twin` trains a copy in plain code.
"""

import math
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


class Notes(list[Any]):
    """A list that copies of its owner share."""

    def __deepcopy__(self, memo: Any) -> "Notes":
        return self


class OnDevice(nn.Module):
    """A model that gives x back, and a criterion: they note where and how x and y arrive.

    The meta device stands in for a GPU; the loss stays on the CPU, so that it has a value.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.seen = Notes()

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(("model's x", x.device.type, x.dtype, tuple(x.shape)))
        return x

    def criterion(self, output: Tensor, y: Tensor) -> Tensor:
        self.seen.append(
            ("criterion's output", output.device.type, output.dtype, tuple(output.shape))
        )
        self.seen.append(("criterion's y", y.device.type, y.dtype, tuple(y.shape)))
        return 2 * self.weight


def arrives_on_device(
    what: str, train: Callable[[OnDevice, list[Batch]], Any], y: Tensor | None = None
) -> None:
    """train(model, batches), with device meta: x and y arrive there and are otherwise unchanged."""
    model = OnDevice()
    x = torch.randn(2, 4, 1, dtype=torch.float64)
    y = torch.zeros(2, 1, dtype=torch.int16) if y is None else y
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
    max_norm: float = math.inf,
) -> float:
    """Plain SGD over groups of {"params", "lr"} in plain code, each batch on its mean loss.

    The criterion gives a loss per element (reduction "none"). All gradients together are clipped to
    max_norm. Returns the mean per sample.
    """
    losses = list[float]()
    params = [p for group in groups for p in group["params"]]
    for x, y in batches:
        each = criterion(model.train()(x), y).reshape(len(y), -1).mean(dim=1)
        found = torch.autograd.grad(each.mean(), params, allow_unused=True)
        norm = math.sqrt(sum(float(g.double().square().sum()) for g in found if g is not None))
        factor = max_norm / norm if norm > max_norm else 1.0
        grads = iter([g if g is None else g * factor for g in found])
        with torch.no_grad():
            for group in groups:
                speeds = group.setdefault("speeds", [torch.zeros_like(p) for p in group["params"]])
                for p, v, g in zip(group["params"], speeds, grads, strict=False):
                    if g is not None:
                        p -= group["lr"] * v.mul_(momentum).add_(g)
        losses += each.tolist()
    return sum(losses) / len(losses)


# --- what every loop over one epoch promises ---------------------------------------------------
# train is called as train(model, loader, criterion, optimizer, device)

Train = Callable[..., Any]


def sgd(model: nn.Module, lr: float = 0.1) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=lr)


def shown(values: Iterable[float]) -> str:
    return f"[{', '.join(f'{v:.4g}' for v in values)}]"


def one_step_per_batch(train: Train, what: str = "") -> None:
    """One forward pass and one step of the given optimizer per batch, in the loader's order."""
    for sizes in ((3, 3, 3), (2, 4, 1)):
        batches = batches_of([1, 2, 3], sizes)
        model = line()
        optimizer = sgd(model)
        with watching(model, optimizer) as seen:
            train(model, loader_of(batches), Difference(), optimizer, CPU)
        call = f"{what}batches of {', '.join(map(str, sizes))} samples"
        got = passes(seen, batches)
        assert got == [1, 2, 3], f"{call}: forward passes of the batches {got}, want [1, 2, 3]"
        foreign = sum(not step.is_given for step in seen.steps)
        assert not foreign, f"{call}: {foreign} steps of another optimizer, want 0"
        after = seen.steps_after()
        assert after == [1, 2, 3], (
            f"{call}: steps after {after} forward passes, want after [1, 2, 3]"
        )


def steps_use(
    what: str,
    train: Train,
    batches: list[Batch],
    want: tuple[Sequence[float], Sequence[float]],
    olds: tuple[float, float] | None = (10.0, 20.0),
) -> None:
    """The gradients of line()'s weight and bias at each step; olds are left from before."""
    model = line()
    optimizer = sgd(model)
    for p, old in zip(model.parameters(), olds or (), strict=False):
        p.grad = torch.full_like(p, old)
    start = [p.detach().clone() for p in model.parameters()]
    with watching(model, optimizer) as seen:
        train(model, loader_of(batches), Difference(), optimizer, CPU)
    for i, name in enumerate(("weight", "bias")):
        before = f", {olds[i]:g} in .grad before the call" if olds else ""
        got, right = seen.grads(i)[: len(want[i])], [round(v, 4) for v in want[i]]
        assert got == right[: len(got)], (
            f"{what} gradients {shown(want[i])} for the {name}{before}: the steps used {shown(got)}"
        )
    now = [round(p.item(), 4) for p in model.parameters()]
    moved = [round(p.item() - 0.1 * sum(w), 4) for p, w in zip(start, want, strict=True)]
    if len(seen.steps_after()) == len(want[0]):  # another label minds how many there are
        assert now == moved, (
            f"{what} gradients {shown(want[0])} for the weight and {shown(want[1])} for the bias, "
            f"lr 0.1: they were 0 and are {shown(now)} after the epoch, want {shown(moved)}"
        )


def steps_are_clipped(what: str, seen: Seen, max_norm: float) -> None:
    """At each step the 2-norm of all gradients together is at most max_norm."""
    for i, step in enumerate(seen.steps, 1):
        length = math.sqrt(
            sum(float(g.double().square().sum()) for g in step.grads if g is not None)
        )
        assert length <= max_norm * 1.0003, (
            f"{what}, step {i}: the norm of all gradients together is {length:.4f}, want {max_norm}"
        )


def whole_model_in_train_mode(train: Train) -> None:
    """At each forward pass and after the epoch, in whatever modes the model came."""
    for which in ("all of it in eval mode", "parts of it in eval mode", "all of it in train mode"):
        inner = nn.Sequential(nn.Linear(1, 2), nn.Sequential(nn.Dropout(0.0), nn.Identity()))
        model = nn.Sequential(inner, nn.Linear(2, 1))
        model.train("train mode" in which)
        model.training = "all of it in eval" not in which
        batches = loader_of(batches_of([1, 2], [3, 2]))
        with watching(model) as seen:
            train(model, batches, Difference(), sgd(model), CPU)
        what = f"a model that came with {which}"
        all_in_train_mode(what, seen)
        modes = modes_of(model)
        now = sum(modes.values())
        assert now == len(modes), (
            f"{what}: after the epoch {now} of {len(modes)} modules are in train mode, want all"
        )


def mean_per_sample(
    train: Train, loader: Any, losses: Sequence[float], batches: Iterable[Batch], kind: str = ""
) -> None:
    """A float; steps of lr 0 keep the losses of the batches as they are."""
    sizes, model = [len(y) for _, y in batches], line(1.0)
    got = train(model, loader, Difference(), sgd(model, lr=0.0), CPU)
    what = f"a {kind or type(loader).__name__} of {', '.join(map(str, sizes))} samples"
    assert type(got) is float, f"{what}: returned a {type(got).__name__}, want a float"
    want = sum(a * b for a, b in zip(losses, sizes, strict=True)) / sum(sizes)
    assert abs(got - want) < 1e-6, (
        f"{what}, mean losses of the batches {shown(losses)}: returned {got:.7g}, want {want:.7g}"
    )


def mean_of_all_samples(train: Train) -> None:
    """Batches alike in size and not, a DataLoader that cuts the last one short."""
    for sizes, means in (([3, 3, 3], [0.5, 2, 3]), ([4, 2, 1], [0.5, 2, 3]), ([2, 5], [-0.31, 0])):
        batches = batches_of(means, sizes, y=0.0612)
        losses = [mean - 0.0612 for mean in means]
        mean_per_sample(train, loader_of(batches), losses, batches, "DataLoader")
    rows = batches_of([0.5], [5])[0]  # a DataLoader cuts it into 4 samples and 1
    samples: Any = list(zip(*rows, strict=True))
    loader: DataLoader[Any] = DataLoader(samples, batch_size=4)
    mean_per_sample(train, loader, [0.0, 2.5], list(loader))


def reads_any_iterable(train: Train) -> None:
    """An iterator, which has no length and can be read once only; batches of one sample."""
    for means, sizes, wide in (([1, 2], [1, 1], 1), ([1, 2, 3], [1, 4, 2], 1), ([1, 2], [3, 1], 4)):
        batches = batches_of(means, sizes)
        x, y = batches[-1]
        batches[-1] = x, y.expand(-1, wide)  # elements and samples differ
        try:
            mean_per_sample(train, iter(batches), means, batches)
        except (TypeError, AttributeError, ValueError) as error:
            raise AssertionError(
                f"an iterator of {', '.join(map(str, sizes))} samples: {error!r}, want a result"
            ) from error


class Given(nn.Module):
    """A model that gives x back, and a criterion whose losses are given, of gradient 0.5 each."""

    def __init__(self, losses: Sequence[float], dtype: torch.dtype) -> None:
        super().__init__()
        self.weight, self.coming = nn.Parameter(torch.ones((), dtype=dtype)), iter(losses)

    def forward(self, x: Tensor) -> Tensor:
        return x

    def criterion(self, output: Tensor, y: Tensor) -> Tensor:
        loss = torch.tensor(next(self.coming), dtype=self.weight.dtype)
        return (self.weight - self.weight.detach()) * 0.5 + loss


def every_loss_counts(
    train: Train, steps: Callable[[int], int] = lambda n: n, tol: float = 1e-6, what: str = ""
) -> None:
    """Losses of 0, inf and NaN with finite gradients; bfloat16. steps(batches) are wanted.

    With tol 0.01 a mean that is rounded once, to bfloat16, is accepted, such a sum is not.
    """
    for given, dtype, want in (
        ([2.0, 1.0, math.inf], torch.float32, math.inf),
        ([math.nan, 2.0], torch.float32, math.nan),
        ([3e-7, 0.0], torch.float32, 1.5e-7),
        ([0.0, 0.0], torch.float32, 0.0),
        ([1.0] * 100, torch.bfloat16, 1.0),
        ([256.0] + [1.0] * 7, torch.bfloat16, 263 / 8),
    ):
        model = Given(given, dtype)
        optimizer = sgd(model)
        batches = batches_of([0] * len(given), [3] * len(given))
        with watching(model, optimizer) as seen:
            got = train(model, batches, model.criterion, optimizer, CPU)
        some = ", ".join(map(str, given[:3])) + ", ..." * (len(given) > 3)
        call = f"{what}{len(given)} batches of 3 samples with the {dtype} losses {some}"
        made, right = len(seen.steps), steps(len(given))
        assert made == right, f"{call}: {made} steps, want {right}"
        used = seen.grads(0)
        assert used == [0.5] * made, f"{call}: the steps used {shown(used)}, want 0.5 at each"
        same = math.isclose(got, want, rel_tol=tol) or math.isnan(want) and math.isnan(got)
        assert same, f"{call}: returned {got:.6g}, want {want:.6g}"


def value_error(what: str, function: Train, *args: Any, **options: Any) -> None:
    """The call raises ValueError, no other error, and gives no result."""
    try:
        got = function(*args, **options)
    except ValueError:
        return
    except Exception as error:
        if isinstance(error, NotImplementedError) and len(str(error).split()) <= 1:
            raise  # an open hole
        raise AssertionError(f"{what}: {error!r}, want ValueError") from error
    raise AssertionError(f"{what}: returned {got!r}, want ValueError")


def no_batch_is_refused(train: Train) -> None:
    for kind, loader in (("[]", []), ("iter([])", iter([]))):
        model = line()
        value_error(f"loader {kind}", train, model, loader, Difference(), sgd(model), CPU)


def refused_untouched(what: str, train: Train) -> None:
    """ValueError; before it the loader is not read, the model neither moved nor switched."""
    model, loader = nn.Sequential(line(1.0)).eval(), iter(batches_of([1, 2], [3, 3]))
    value_error(what, train, model, loader, Difference(), sgd(model), CPU)
    left, told = len(list(loader)), f"{what}: ValueError, but before it"
    assert left == 2, f"{told} the loader was read: {left} of 2 batches left, want 2"
    modes = sum(part.training for part in model.modules())
    assert modes == 0, f"{told} {modes} of 2 modules came from eval into train mode, want none"
    weight = next(model.parameters()).item()
    assert weight == 1, f"{told} the weight went from 1 to {weight:.4g}, want 1"
