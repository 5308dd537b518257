"""What checks of training code have in common: they watch what it does to a model.

A model of two numbers and losses that are given make every number one that can be done by hand;
`watching` notes each forward pass and each step; `epoch_by_hand` trains a twin in plain code.
"""

import copy
import math
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader

from checks.tools import attempt, close, equal, is_hole, refuses

CPU, META = torch.device("cpu"), torch.device("meta")
Batch = tuple[Tensor, Tensor]
Train = Callable[..., Any]  # called as train(model, loader, criterion, optimizer, device)


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
        modes, x = [part.training for part in module.modules()], inputs[0] if inputs else None
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


@contextmanager
def counting_graphs(model: nn.Module) -> Iterator[list[int]]:
    """At each forward pass of the model: how many graphs of earlier ones are still in memory."""
    alive, counts = weakref.WeakSet[nn.Module](), list[int]()

    def count(module: nn.Module, inputs: Any, output: Tensor) -> None:
        counts.append(len(alive))
        if output.grad_fn is not None:
            output.grad_fn.metadata["token"] = token = nn.Module()  # type: ignore[index]
            alive.add(token)

    hook = model.register_forward_hook(count)
    try:
        yield counts
    finally:
        hook.remove()


def line(weight: float = 0.0, bias: float = 0.0) -> nn.Linear:
    """A model of two numbers: weight * x + bias. x is (B, 1)."""
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, weight)
    nn.init.constant_(model.bias, bias)
    return model


class Difference(nn.Module):
    """The mean of output - y. Of line(), the gradient is the mean of x for the weight, 1 for the
    bias, whatever the weights are.
    """

    def forward(self, output: Tensor, y: Tensor) -> Tensor:
        return (output - y).mean()


class Slopes(nn.Module):
    """Gives x back. Its two layers of one number each get the gradients given, batch by batch."""

    def __init__(self, slopes: Iterable[Sequence[float]], losses: Iterable[float]) -> None:
        super().__init__()
        self.a, self.b = (nn.Linear(1, 1, bias=False) for _ in range(2))
        self.coming = iter(list(zip(slopes, losses, strict=False)))

    def forward(self, x: Tensor) -> Tensor:
        return x

    def criterion(self, output: Tensor, y: Tensor) -> Tensor:
        slopes, value = next(self.coming)
        loss = torch.tensor(value)
        for p, slope in zip(self.parameters(), slopes, strict=True):
            nothing = p.sum() - p.sum().detach()
            nothing.register_hook(lambda grad, slope=slope: grad * slope)  # may be inf
            loss = loss + nothing
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


def sgd(model: nn.Module, lr: float = 0.1) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=lr)


def shown(values: Iterable[float]) -> str:
    return f"[{', '.join(f'{v:.4g}' for v in values)}]"


def passes(seen: Seen, batches: Iterable[Batch]) -> list[int | str]:
    """For each forward pass the number of its batch, from 1 on; "?" for any other input."""
    known = [x for x, _ in batches]

    def number(x: Any) -> int | str:
        for i, other in enumerate(known, 1):
            if isinstance(x, Tensor) and x.shape == other.shape and torch.equal(x, other.to(x)):
                return i
        return "?"

    return [number(forward.x) for forward in seen.forwards]


def modes_of(model: nn.Module) -> dict[str, bool]:
    return {name or "the model": part.training for name, part in model.named_modules()}


def nested(came: str) -> nn.Sequential:
    """A model of x (B, 1), "in train mode", "in eval mode" or "with parts in eval mode"."""
    inner = nn.Sequential(nn.Dropout(0.0), nn.BatchNorm1d(2))
    model = nn.Sequential(nn.Sequential(nn.Linear(1, 2), inner), nn.Linear(2, 1))
    model.train(came != "in eval mode")
    if came == "with parts in eval mode":
        inner.eval().training = True  # one module within it is in eval mode, so is the next one
        model[0].training = False
    return model


def states_are(got: dict[str, Tensor], want: dict[str, Tensor], what: str, tol: float) -> None:
    """Parameters and buffers are alike; else the first that is not is told by name."""
    for name, value in want.items():
        close(got[name], value, f"{what}: {name}", tol)


class Snapshot:
    """A model and its optimizer as they are: state dicts, modes, and whose parameters are held."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.model, self.optimizer = model, optimizer
        self.ids, self.before = list(map(id, model.parameters())), copy.deepcopy(self.now())

    def now(self) -> dict[str, Any]:
        held = self.optimizer.state_dict()
        found: dict[str, Any] = self.model.state_dict()
        found["parts in train mode"] = [name for name, on in modes_of(self.model).items() if on]
        found["rates"] = [group["lr"] for group in held["param_groups"]]
        found["groups of the optimizer"] = held["param_groups"]
        found["parameters with a state in the optimizer"] = len(held["state"])
        states = held["state"].items()
        return found | {f"{k} of parameter {i}": v for i, s in states for k, v in s.items()}

    def is_kept(self, what: str) -> None:
        now = self.now()
        for name, value in self.before.items():
            if isinstance(value, Tensor):
                close(now[name], value, f"{what}, afterwards {name}", 0)
            else:
                equal(f"{what}, afterwards {name}", now[name], value)
        held = [id(p) for group in self.optimizer.param_groups for p in group["params"]]
        kept = held == self.ids == list(map(id, self.model.parameters()))
        assert kept, f"{what}: the optimizer holds other parameters than the model, want its own"


def arrives_on_device(what: str, train: Train, y: Tensor | None = None) -> None:
    """train(model, batches), with device meta: x and y arrive there and are otherwise unchanged.

    The meta device stands in for a GPU; the loss stays on the CPU, so that it has a value.
    """
    if y is None:
        arrives_on_device(what, train, torch.zeros(2, dtype=torch.float64))
        y = torch.zeros(2, 1, dtype=torch.int16)
    arrived = dict[str, Tensor]()

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            return arrived.setdefault("model's x", x)

        def criterion(self, output: Tensor, y: Tensor) -> Tensor:
            arrived.setdefault("criterion's output", output)
            arrived.setdefault("criterion's y", y)
            return 2 * self.weight

    x, said = torch.randn(2, 4, 1, dtype=torch.float64), ""
    try:
        train(Model(), [(x, y)])
    except (RuntimeError, NotImplementedError) as error:  # it may want values; meta has none
        if is_hole(error):
            raise
        said = f" (and then {type(error).__name__}: {error})"
    for name, t in (("model's x", x), ("criterion's output", x), ("criterion's y", y)):
        assert name in arrived, f"{what}, device meta: no {name} arrived{said}"
        got = arrived[name]
        assert got.is_meta, f"{what}, device meta: the {name} is on {got.device}{said}"
        kinds = [f"{one.dtype} {tuple(one.shape)}" for one in (got, t)]
        assert kinds[0] == kinds[1], f"{what}: the {name} is {kinds[0]}, want {kinds[1]} as it came"


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
        norm = norm_of(found)
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


def norm_of(grads: Iterable[Tensor | None]) -> float:
    """The 2-norm of all of them together."""
    return math.sqrt(sum(float(g.double().square().sum()) for g in grads if g is not None))


def small_net() -> nn.Sequential:
    norm, drop = nn.BatchNorm1d(6), nn.Dropout(0.3)
    return nn.Sequential(nn.Linear(5, 6), norm, nn.ReLU(), drop, nn.Linear(6, 3))


def small_batches(dtype: torch.dtype = torch.float64) -> list[Batch]:
    """Batches of 5, 5 and 3 samples for it."""
    x, y = torch.randn(13, 5, dtype=dtype), torch.randint(3, (13,))
    return list(zip(x.split(5), y.split(5), strict=True))


def like_twin(
    what: str,
    train: Train,
    model: nn.Module,
    batches: list[Batch],
    tol: float,
    *,
    by_hand: list[Any] | None = None,
    max_norm: float = math.inf,
    left_out: str | tuple[str, ...] = (),
    twin: nn.Module | None = None,
) -> None:
    """Two epochs of classes, with two parameter groups, end where those of a twin end.

    The twin gets the batches `by_hand` in place of its own, if given. Parameters whose name begins
    with `left_out` are in no group.
    """

    def two_groups(model: nn.Module) -> list[dict[str, Any]]:
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        params = [p for name, p in named if not name.startswith(left_out)]
        return [{"params": params[2:], "lr": 0.1}, {"params": params[:2], "lr": 0.5}]

    def each(logits: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits.to(first.dtype), y, reduction="none")

    first, twin = next(model.parameters()), twin or copy.deepcopy(model)
    held, optimizer = two_groups(twin), torch.optim.SGD(two_groups(model), momentum=0.9)
    for epoch in (1, 2):
        torch.default_generator.manual_seed(epoch)
        epoch_by_hand(twin, each, by_hand or batches, held, 0.9, max_norm)
        torch.default_generator.manual_seed(epoch)  # the same units drop out
        told = f"{what}two parameter groups, epoch {epoch}"
        with watching(model, optimizer) as seen:
            attempt(told, train, model, batches, nn.CrossEntropyLoss(), optimizer, CPU)
        for i, step in enumerate(seen.steps, 1):
            norm = norm_of(step.grads)
            assert norm <= max_norm * 1.0003, (
                f"{told}, step {i}: the norm of all gradients is {norm:.4f}, want {max_norm}"
            )
        want = twin.state_dict().values()  # in the model's order, whatever they are called
        states_are(model.state_dict(), dict(zip(model.state_dict(), want, strict=True)), told, tol)


# --- what every loop over one epoch promises ---------------------------------------------------


def one_step_per_batch(
    train: Train,
    what: str = "",
    sizes: Sequence[int] = (2, 4, 1),
    steps: Sequence[int] = (1, 2, 3),
    last: float = 0.0,
) -> None:
    """One forward pass per batch of these sizes, in the loader's order; the given optimizer alone
    steps, after so many passes. The last batch holds the number `last`, if given.
    """
    numbers, model = list(range(1, len(sizes) + 1)), line(1.0)
    batches, optimizer = batches_of([*numbers[:-1], last or len(sizes)], sizes), sgd(model)
    call = f"{what}batches of {', '.join(map(str, sizes))} samples"
    with watching(model, optimizer) as seen:
        attempt(call, train, model, loader_of(batches), Difference(), optimizer, CPU)
    equal(f"{call}: forward passes of the batches", passes(seen, batches), numbers)
    foreign = sum(not step.is_given for step in seen.steps)
    equal(f"{call}: steps of another optimizer:", foreign, 0)
    after, right = seen.steps_after(), list(steps)
    assert after == right, f"{call}: steps after {after} forward passes, want after {right}"


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
    with watching(model, optimizer) as seen:
        run = model, loader_of(batches), Difference(), optimizer, CPU
        attempt(f"{what} gradients {shown(want[0])}", train, *run)
    for i, (name, values) in enumerate(zip(("weight", "bias"), want, strict=True)):
        before = f", {olds[i]:g} in .grad before the call" if olds else ""
        got, right = seen.grads(i)[: len(values)], [round(v, 4) for v in values]
        assert got == right[: len(got)], (
            f"{what} gradients {shown(values)} for the {name}{before}: the steps used {shown(got)}"
        )
    now = [round(p.item(), 4) for p in model.parameters()]
    moved = [round(-0.1 * sum(values), 4) for values in want]
    if len(seen.steps_after()) == len(want[0]):  # another label minds how many there are
        told = f"{what} gradients {shown(want[0])} for the weight, {shown(want[1])} for the bias"
        equal(f"{told}, lr 0.1: weight and bias, 0 before the epoch, are", now, moved)


def whole_model_in_train_mode(train: Train, sizes: Sequence[int] = (3, 2)) -> None:
    """At each forward pass and after the epoch, in whatever modes the model came."""
    for came in ("in eval mode", "with parts in eval mode"):
        model, what = nested(came), f"a model that came {came}"
        batches = loader_of(batches_of(range(len(sizes)), sizes))
        with watching(model) as seen:
            attempt(what, train, model, batches, Difference(), sgd(model), CPU)
        modes, passed = list(modes_of(model).values()), len(seen.forwards)
        at = [
            (f"at forward pass {i} of {passed}", f.in_train) for i, f in enumerate(seen.forwards, 1)
        ]
        for when, now in (*at, ("afterwards", sum(modes))):
            equal(f"{what}: {when}, modules in train mode:", now, len(modes))


def is_float(got: Any, want: float, what: str) -> None:
    assert isinstance(got, float), f"{what} is a {type(got).__name__}, want a float"
    assert abs(got - want) < 1e-6, f"{what} is {got:.7g}, want {want:.7g}"


def mean_per_sample(
    train: Train, loader: Any, losses: Sequence[float], batches: Iterable[Batch], kind: str
) -> None:
    """A float; steps of lr 0 keep the losses of the batches as they are."""
    sizes, model = [len(y) for _, y in batches], line(1.0)
    what = f"{kind} of {', '.join(map(str, sizes))} samples, mean losses {shown(losses)}"
    got = attempt(what, train, model, loader, Difference(), sgd(model, lr=0.0), CPU)
    want = sum(a * b for a, b in zip(losses, sizes, strict=True)) / sum(sizes)
    is_float(got, want, f"{what}: the result")


def mean_of_all_samples(train: Train) -> None:
    for sizes, means in (([4, 2, 1], [0.5, 2, 3]), ([2, 5], [-0.31, 0])):
        batches = batches_of(means, sizes, y=0.0612)
        losses = [mean - 0.0612 for mean in means]
        mean_per_sample(train, loader_of(batches), losses, batches, "a DataLoader")
    samples: Any = list(zip(*batches_of([0.5], [5])[0], strict=True))
    loader: DataLoader[Any] = DataLoader(samples, batch_size=4)  # it cuts the last batch short
    mean_per_sample(train, loader, [0.0, 2.5], list(loader), "a DataLoader")


def reads_any_iterable(train: Train) -> None:
    """An iterator, which has no length and can be read once only; batches of one sample."""
    for means, sizes, wide in (([1, 2], [1, 1], 1), ([1, 2, 3], [1, 4, 2], 1), ([1, 2], [3, 1], 4)):
        batches = batches_of(means, sizes)
        x, y = batches[-1]
        batches[-1] = x, y.expand(-1, wide)  # elements and samples differ
        mean_per_sample(train, iter(batches), means, batches, "an iterator")


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
        ([256.0] + [0.25] * 20, torch.bfloat16, 261 / 21),
    ):
        model, coming = nn.Identity(), iter(given)
        model.weight = nn.Parameter(torch.ones((), dtype=dtype))

        def criterion(
            output: Tensor, y: Tensor, w: Any = model.weight, coming: Any = coming
        ) -> Any:
            return (w - w.detach()) * 0.5 + torch.tensor(next(coming), dtype=w.dtype)

        optimizer = sgd(model)
        batches = batches_of([0] * len(given), [3] * len(given))
        some = ", ".join(map(str, given[:3])) + ", ..." * (len(given) > 3)
        call = f"{what}{len(given)} batches of 3 samples with the {dtype} losses {some}"
        with watching(model, optimizer) as seen:
            got = attempt(call, train, model, batches, criterion, optimizer, CPU)
        made, used = len(seen.steps), seen.grads(0)
        equal(f"{call}: steps:", made, steps(len(given)))
        assert used == [0.5] * made, f"{call}: the steps used {shown(used)}, want 0.5 at each"
        same = math.isclose(got, want, rel_tol=tol) or math.isnan(want) and math.isnan(got)
        assert same, f"{call}: returned {got:.6g}, want {want:.6g}"


def value_error(what: str, function: Train, *args: Any) -> None:
    refuses(function, *args, errors=(ValueError,), call=what)


def no_batch_is_refused(train: Train) -> None:
    for kind, loader in (("[]", []), ("iter([])", iter([]))):
        model = line()
        value_error(f"loader {kind}", train, model, loader, Difference(), sgd(model), CPU)


def refused_untouched(what: str, train: Train) -> None:
    """ValueError; before it the loader is not read, the model neither moved nor switched."""
    model, loader = nn.Sequential(line(1.0)).eval(), iter(batches_of([1, 2], [3, 3]))
    value_error(what, train, model, loader, Difference(), sgd(model), CPU)
    for told, got, want in (
        ("batches left in the loader:", len(list(loader)), 2),
        ("modules switched to train mode:", sum(modes_of(model).values()), 0),
        ("weight, 1 before:", next(model.parameters()).item(), 1),
    ):
        equal(f"{what}: ValueError, but before it a change: {told}", got, want)
