"""What checks of bug hunts have in common.

A gradient is judged by the slope of the answer's own values, a figure of training by the logits
that the model itself gave: so neither depends on another mistake. No message names a cause.
"""

import copy
import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from checks.tools import attempt, call_of, close, equal, names_are, numbers, tensor, unchanged
from checks.training import epoch_by_hand, modes_of, states_are, watching

# What torch says where a value is to be read that the meta device does not hold.
READS_A_VALUE = re.compile(r"item\(\)|aten::(equal|_local_scalar_dense|nonzero|is_nonzero)")


def mode(training: bool) -> str:
    return f"{'train' if training else 'eval'} mode"


@contextmanager
def values_may_be_read() -> Iterator[None]:
    """What only fails to read a value on the meta device is let through: a GPU has one."""
    try:
        yield
    except AssertionError as error:
        if not READS_A_VALUE.search(str(error)):
            raise


def gives_there(what: str, model: nn.Module, *inputs: Tensor) -> None:
    """A copy of the model on the meta device gives a result there."""
    there, what = copy.deepcopy(model).to("meta"), f"{what} on the meta device"
    with values_may_be_read():
        out = tensor(attempt(what, there, *(t.to("meta") for t in inputs)), what)
        assert out.is_meta, f"{what}: result on {out.device}, want it on meta"


def state_is(what: str, got: Mapping[str, Tensor], want: Mapping[str, Any]) -> None:
    """The same names and shapes; want has the shapes, or tensors."""
    names_are(got, want, what)
    for name, value in want.items():
        right = tuple(getattr(value, "shape", value))
        equal(f"{what}: {name} has shape", tuple(got[name].shape), right)


def modes_are(what: str, model: nn.Module, want: Mapping[str, bool]) -> None:
    other = [name for name, training in modes_of(model).items() if training != want[name]]
    assert not other, f"{what}: afterwards in the other mode: {', '.join(other)}; want none"


def on(model: nn.Module, training: bool, *inputs: Tensor, seed: int = 1, **more: Any) -> Tensor:
    """What the model gives in that mode, with these random numbers, on inputs that are copied."""
    model.train(training)
    what = f"{call_of(type(model).__name__, *inputs)}, {mode(training)}"
    torch.manual_seed(seed)
    return tensor(attempt(what, model, *(t.clone() for t in inputs), **more), what)


def gradients_of(
    what: str, out: Tensor, leaves: Mapping[str, Tensor], upstream: Tensor
) -> dict[str, Tensor]:
    """What backward() leaves in .grad of each leaf."""
    assert out.requires_grad, f"{what}: no gradient flows back from the result"
    for leaf in leaves.values():
        leaf.grad = None
    attempt(f"{what}, backward()", out.backward, upstream)
    found = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
    missing = [name for name in leaves if name not in found]
    assert not missing, f"{what}: no gradient reaches {', '.join(missing)}"
    return found


def true_gradients(
    what: str, run: Callable[[], Tensor], leaves: Mapping[str, Tensor], tol: float = 1e-6
) -> None:
    """backward() gives each leaf the slope of run()'s own values along a random direction.

    The leaves are float64 and ask for gradients; run() gives the same values each time.
    """
    out = tensor(attempt(what, run), what)
    upstream = torch.randn_like(out)
    found = gradients_of(what, out, leaves, upstream)
    directions = {name: torch.randn_like(t) for name, t in leaves.items()}
    for names in ([*leaves], *([name] for name in leaves)):  # all at once, then to tell which
        starts, ends = {name: leaves[name].detach().clone() for name in names}, []
        with torch.no_grad():
            for step in (1e-6, -1e-6):  # in place: what is computed anew sees it, too
                for name, start in starts.items():
                    leaves[name].copy_(start + step * directions[name])
                ends.append((run() * upstream).sum())
            for name, start in starts.items():
                leaves[name].copy_(start)
        slope = (ends[0] - ends[1]) / 2e-6
        got = torch.stack([(found[name] * directions[name]).sum() for name in names]).sum()
        right = abs(got - slope) <= tol * (1 + abs(slope))
        if right and len(names) == len(leaves):
            return
        told = f"{what}: along a random direction the gradient of {names[0]} is {numbers(got)}"
        assert right or len(names) > 1, (
            f"{told}, the slope of the values there {numbers(slope)}; want both the same"
        )


def gradients_of_modes(
    what: str, model: nn.Module, inputs: Mapping[str, Tensor], without: str = "", **more: Any
) -> None:
    """In train and in eval mode true gradients reach the inputs, which stay as they are, and the
    parameters but those of the part `without`. All is float64.
    """
    for training in (True, False):
        said = f"{what}, {mode(training)}"
        with unchanged(said, *inputs.values()):
            attempt(said, model.train(training), *inputs.values(), **more)
        mine = {name: t.clone() for name, t in inputs.items()}
        leaves = {**mine, **dict(model.named_parameters())}
        if without:
            leaves = {name: t for name, t in leaves.items() if not name.startswith(without)}
        for leaf in leaves.values():
            leaf.requires_grad_()

        def run(given: Sequence[Tensor] = tuple(mine.values())) -> Tensor:
            torch.manual_seed(1)  # for Dropout
            return model(*given, **more)

        true_gradients(said, run, leaves)


class Saved:
    """What autograd keeps of one tensor; gone as soon as autograd lets go of it."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


@contextmanager
def saving() -> Iterator[Callable[[], int]]:
    """Gives a function: how many numbers of what runs below autograd keeps at the moment."""
    held = weakref.WeakSet[Saved]()

    def hold(tensor: Tensor) -> Saved:
        held.add(one := Saved(tensor.detach()))  # else a saved output would hold itself
        return one

    with torch.autograd.graph.saved_tensors_hooks(hold, lambda one: one.tensor):
        yield lambda: sum(one.tensor.numel() for one in held)


def lets_go(what: str, model: nn.Module, run: Callable[[], Any]) -> None:
    """When a batch passes through the model, nothing is kept for gradients of those before."""
    kept = list[int]()
    with saving() as count:
        hook = model.register_forward_pre_hook(lambda *_: kept.append(count()))
        attempt(what, run)
        hook.remove()
    assert kept, f"{what}: nothing passed through the model"
    told = f"{what}: numbers kept for gradients when each pass begins: {kept}"
    assert not any(kept), f"{told}, want {[0] * len(kept)}"


def sgd(model: nn.Module) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def trained(model: nn.Module, steps: int, lr: float, y: Tensor, *inputs: Tensor) -> None:
    """As evidence() does it: all samples at once, steps of Adam."""
    optimizer, what = torch.optim.Adam(model.parameters(), lr), "training as in evidence()"
    for _ in range(steps):
        logits = tensor(attempt(what, model, *inputs), what)
        assert logits.requires_grad, f"{what}: no gradient flows back from the logits"
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, y).backward()
        optimizer.step()


class Noted(NamedTuple):
    """A forward pass: its input, what the model gave, so many modules were in train mode."""

    x: Tensor
    logits: Tensor
    in_train: int
    recorded: bool  # gradients


@contextmanager
def noting(model: nn.Module) -> Iterator[list[Noted]]:
    """Every forward pass of the model, or of a copy made below."""
    found = list[Noted]()

    def note(module: nn.Module, inputs: tuple[Any, ...], out: Tensor) -> None:
        in_train = sum(part.training for part in module.modules())
        found.append(Noted(inputs[0], out.detach().clone(), in_train, out.requires_grad))

    hook = model.register_forward_hook(note)
    try:
        yield found
    finally:
        hook.remove()


def losses_of(logits: Tensor, y: Tensor) -> list[float]:
    """The cross entropy of each sample, by logarithms and exponentials."""
    return (logits.logsumexp(dim=1) - logits[range(len(y)), y.flatten()]).tolist()


def floats(what: str, got: Any, n: int) -> list[float]:
    """got, which is a list of n floats, NumPy's float64 included."""
    kinds = [type(v).__name__ for v in got] if isinstance(got, list) else type(got).__name__
    right = isinstance(got, list) and len(got) == n and all(isinstance(v, float) for v in got)
    assert right, f"{what} gave {kinds}, want a list of {n} floats"
    return [float(v) for v in got]


def first_passes(noted: Sequence[Noted], xs: Sequence[Tensor], what: str) -> list[Noted]:
    """For each x its next pass, in order; others between them are left out."""

    def number(x: Tensor) -> int | str:
        alike = (i for i, one in enumerate(xs, 1) if x.shape == one.shape and torch.equal(x, one))
        return next(alike, "?")

    rest, found = iter(noted), list[Noted]()
    for x in xs:
        ours = (n for n in rest if number(n.x) == number(x))
        found += [one for one in [next(ours, None)] if one]
    went, want = ([number(x) for x in each] for each in ([n.x for n in noted], xs))
    assert len(found) == len(xs), f"{what}: through the model went batches {went}, want {want}"
    return found


def measures_each(
    what: str, model: nn.Module, batches: Sequence[Any], run: Callable[[], Any]
) -> None:
    """run() gives the mean cross entropy of each batch, by the logits of its first pass."""
    with noting(model) as noted:
        got = attempt(what, run)
    got, want = floats(what, got, len(batches)), []
    passes = first_passes(noted, [x for x, _ in batches], what)
    for one, (_, y) in zip(passes, batches, strict=True):
        each = losses_of(one.logits, y)
        want.append(sum(each) / len(each))
    close(got, want, f"{what}: losses, by the logits that the model gave")


def trains_plainly(
    what: str, model: nn.Module, sgd: Any, batches: Sequence[Any], run: Any, keeps: bool = False
) -> list[Noted]:
    """run(optimizer) passes each batch forward, in train mode or in the modes that it keeps, and
    takes a step on its mean cross entropy alone. Returns all forward passes.
    """
    optimizer, twin, n = sgd(model), copy.deepcopy(model), len(batches)
    modes = list(modes_of(model).values())
    for p in model.parameters():
        p.grad = torch.ones_like(p)  # left over from earlier
    with noting(model) as noted, watching(model, optimizer) as seen:
        attempt(what, run, optimizer)
    equal(f"{what}: steps of the given optimizer:", len(seen.steps_after()), n)
    for i, one in enumerate(first_passes(noted, [x for x, _ in batches], what), 1):
        said = f"{what}: at forward pass {i} of {n}, of {len(modes)} modules in train mode:"
        equal(said, one.in_train, sum(modes) if keeps else len(modes))
    if keeps:
        twin.train = lambda: twin  # type: ignore[method-assign, assignment, misc]
    groups, each = sgd(twin).param_groups, nn.CrossEntropyLoss(reduction="none")
    for x, y in batches:
        torch.manual_seed(len(y))  # of use where run does so, too
        epoch_by_hand(twin, each, [(x, y.flatten())], groups, 0.9)
    after = {name: p.detach() for name, p in twin.named_parameters()}
    states_are(model.state_dict(), after, f"after {what}, all gradients 1 before", 1e-4)
    return noted


def learns_each(
    what: str,
    model: nn.Module,
    sgd: Any,
    batches: Sequence[Any],
    run: Callable[[torch.optim.Optimizer], Any],
    each: Callable[..., Tensor],
    used: bool = False,
) -> None:
    """run(optimizer) takes a step for each batch in turn; after each one the parameters are those
    of a twin that learned by hand. `each` gives a loss per sample; `used`: gradients are there
    before, some NaN. The model does the same in both modes, so nothing is said of these.
    """
    optimizer, twin = sgd(model), copy.deepcopy(model)
    groups = sgd(twin).param_groups
    for p in model.parameters():
        p.grad = None
        if used:
            p.grad = torch.ones_like(p)
            p.grad.view(-1)[-1] = torch.nan
    with watching(model, optimizer) as seen:
        attempt(what, run, optimizer)
    steps = [step for step in seen.steps if step.is_given]
    equal(f"{what}: steps of the given optimizer:", len(steps), len(batches))
    for i, (step, batch) in enumerate(zip(steps, batches, strict=True), 1):
        epoch_by_hand(twin, each, [batch], groups, 0.9)
        want = {name: p.detach() for name, p in twin.named_parameters()}
        states_are(dict(zip(want, step.params, strict=True)), want, f"{what}, after step {i}", 1e-6)


def passes_in_train_mode(what: str, model: nn.Module, n: int, run: Callable[[], Any]) -> None:
    """run() passes n batches through the model, each once, with all its modules in train mode."""
    with noting(model) as noted:
        attempt(what, run)
    equal(f"{what}: passes through the model:", len(noted), n)
    for i, one in enumerate(noted, 1):
        said = f"{what}: at pass {i} of {n} modules in train mode:"
        equal(said, one.in_train, len(modes_of(model)))
