"""What checks of whole training runs share: what a run does, writes and prints.

`watching_run` logs passes and steps; `scripted_run` also makes a validation go as told.
"""

import contextlib
import io
import os
import random
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.overrides import TorchFunctionMode

from checks.tools import attempt, equal, is_hole, names_are, refuses

BEST = Path("run", "best.pt")  # of a run with save_dir "run"
NUMBER = r"(?:(?<![\w.)])[-+])?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"  # 1 in "stage-1"


class Readings:
    """A loader without a length: make(1), make(2), ... are what its readings give."""

    def __init__(self, make: Callable[[int], Sequence[Any]]) -> None:
        self.make, self.begun, self.whole = make, 0, list[int]()  # read to the end

    def __iter__(self) -> Iterator[Any]:
        self.begun += 1
        reading = self.begun
        yield from self.make(reading)
        self.whole.append(reading)


def is_read_anew(
    what: str, loader: Readings, xs: Sequence[Tensor], sizes: Sequence[int], epochs: int
) -> None:
    """Each epoch has batches xs of these sizes; their last number is that of their reading."""
    equal(f"{what}: the model got batches of", [len(x) for x in xs], [*sizes] * epochs)
    used = [abs(int(x.flatten()[-1])) for x in xs]
    want = [reading for reading in loader.whole if reading in used for _ in sizes]
    assert used == want and len({*used}) == epochs, (
        f"{what}, others each time that it is read: the batches come from the readings {used}, "
        "want a new reading for each epoch"
    )


def mean_of(logits: Tensor, y: Tensor) -> Tensor:
    """A criterion: its gradient for a weight that is added to the logits is 1."""
    sizes = tuple(logits.shape), tuple(y.shape)
    assert sizes[0][:-1] == sizes[1] != (), "the criterion got logits {} and y {}".format(*sizes)
    return logits.mean()


# --- what a run does ---------------------------------------------------------------------------


@dataclass(eq=False)
class Pass:
    """A forward pass of the watched model."""

    model: nn.Module
    x: Tensor
    out: Tensor  # what the answer got, without its graph
    recorded: bool  # gradients
    modes: dict[str, bool]  # of each module: is it in train mode?
    needs: set[str]  # parameters that require gradients
    state: dict[str, Tensor]  # parameters and buffers, after it
    grads: dict[str, Tensor]  # of the loss that loss_of gives, where gradients are recorded
    rows: list[int]  # what rows_of gives for x


@dataclass(eq=False)
class Step:
    """A step of any optimizer."""

    optimizer: torch.optim.Optimizer
    options: dict[str, Any]  # of its first group, without the parameters
    held: set[str]  # the watched model's parameters that it holds
    grads: dict[str, Tensor]  # what the watched model's parameters have in .grad


class Log(list["Pass | Step"]):
    """Passes and steps of a run, in their order; a check adds what else it notes."""

    got: Any
    files: list[Any]
    printed: str
    what: str

    @property
    def passes(self) -> list[Pass]:
        return [one for one in self if isinstance(one, Pass)]

    @property
    def steps(self) -> list[Step]:
        return [one for one in self if isinstance(one, Step)]

    def trained(self) -> list[Pass]:
        """Passes with gradients, in train mode or right before a step."""
        pairs = zip(self, [*self[1:], None], strict=False)
        return [
            one
            for one, then in pairs
            if isinstance(one, Pass) and one.recorded and (one.modes[""] or isinstance(then, Step))
        ]

    def turns(self) -> list[tuple[list[Pass], list[Pass]]]:
        """The epochs: (passes of training, other passes after them)."""
        found, trained = list[tuple[list[Pass], list[Pass]]](), {*self.trained()}
        before = False
        for one in self.passes:
            now = one in trained
            if now and not before:
                found.append(([], []))
            if found:
                found[-1][not now].append(one)
            before = now
        return found

    def steps_follow(self, what: str) -> None:
        """There is one step after each pass of training."""
        trained, counts, passes = {*self.trained()}, list[int](), 0
        for one in self:
            passes += one in trained
            if isinstance(one, Step):
                counts.append(passes)
        want = list(range(1, len(trained) + 1))
        assert counts == want, (
            f"{what}: {len(counts)} steps, after {counts[:6]} passes of training and so on, "
            f"want {len(want)}, after {want[:6]}"
        )


@contextlib.contextmanager
def watching_run(
    is_model: Callable[[nn.Module], bool],
    loss_of: Callable[[list[int], Tensor], Tensor] | None = None,
    in_place: Callable[[Log, list[int], Tensor, bool], Tensor | None] | None = None,
    rows_of: Callable[[Tensor], list[int]] = lambda x: [],
) -> Iterator[Log]:
    """Logs the passes of a model, wherever it is made, and the steps of all optimizers.

    loss_of(rows, out): the loss whose gradients the step after it should use. in_place(log, rows,
    out, in train mode): logits that the answer gets in place of out, or None.
    """
    log = Log()

    def forward(model: nn.Module, inputs: tuple[Any, ...], out: Tensor) -> Any:
        if not is_model(model):
            return None
        params = {name: p for name, p in model.named_parameters() if p.requires_grad}
        grads, rows = dict[str, Tensor](), rows_of(inputs[0])
        if loss_of and out.requires_grad:
            leaves, loss = list(params.values()), loss_of(rows, out)
            found = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
            grads = {n: g for n, g in zip(params, found, strict=True) if g is not None}
        other = in_place(log, rows, out, model.training) if in_place else None
        modes = {name: part.training for name, part in model.named_modules()}
        state = {key: value.detach().clone() for key, value in model.state_dict().items()}
        shown = (out if other is None else other).detach()
        seen = model, inputs[0], shown, out.requires_grad, modes, set(params), state, grads, rows
        log.append(Pass(*seen))
        return other

    def step(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        named = dict(log.passes[-1].model.named_parameters()) if log.passes else {}
        options = {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}
        grads = {n: p.grad.detach().clone() for n, p in named.items() if p.grad is not None}
        mine = {name for name, p in named.items() if id(p) in held}
        log.append(Step(optimizer, options, mine, grads))

    hooks = register_module_forward_hook(forward), register_optimizer_step_post_hook(step)
    try:
        yield log
    finally:
        for hook in hooks:
            hook.remove()


def scripted_run(
    what: str,
    run: Callable[[], Any],
    is_model: Callable[[nn.Module], bool],
    rows_of: Callable[[Tensor], list[int]],
    labels: Tensor,
    n_val: int,
    script: Sequence[tuple[int, float]],
    keys: Sequence[str],
    seed: int,
    last: Callable[[], Any] = bool,
    needs_gradients: bool = True,
) -> Log:
    """What run() did, whose save_dir is "run", after all generators were seeded. In its i-th epoch
    script[i] = (hits, size): so many of the val rows, the first n_val that it looks at and did not
    train on, get right logits, of that size. rows_of gives -1 for what is no row of the data.

    log.files: what best.pt held when each epoch ended. last() is called in the last epoch.
    """
    val, learned, files = dict[int, int](), set[int](), list[Any]()

    def in_place(log: Log, rows: list[int], out: Tensor, in_train: bool) -> Tensor | None:
        epoch, trained = len(log.turns()), log.trained()
        if epoch == 1 and not (in_train and out.requires_grad):
            learned.update(row for one in trained for row in one.rows)
            for row in rows:
                if row not in learned and len(val) < n_val:
                    val.setdefault(row, len(val))
        if not {*rows} <= {*val}:
            if out.requires_grad and learned & {*rows} and log.passes[-1] is not trained[-1]:
                files.append(checkpoint(BEST, keys))
            return None
        hits, size = script[min(epoch, len(script)) - 1]
        if epoch == len(script):
            last()
        answers = (labels[rows] + torch.tensor([val[row] >= hits for row in rows])) % 3
        return size * nn.functional.one_hot(answers, 3) + 0 * out

    def loss_of(rows: list[int], out: Tensor) -> Tensor:
        return nn.functional.cross_entropy(out, labels[rows])

    seed_all(seed)
    with (
        in_a_folder() as printed,
        watching_run(is_model, loss_of if needs_gradients else None, in_place, rows_of) as log,
    ):
        log.got = attempt(what, run)
        log.files = [*files, checkpoint(BEST, keys)]
    strange = sum(-1 in one.rows for one in log.passes)
    equal(f"{what}: batches for the model with rows that the data do not have:", strange, 0)
    log.printed, log.what = printed.getvalue(), what
    return log


def watched_run(
    what: str,
    run: Callable[[], Any],
    name: str,
    loss_of: Callable[[list[int], Tensor], Tensor],
    in_place: Callable[[Log, list[int], Tensor, bool], Tensor | None],
    rows_of: Callable[[Tensor], list[int]],
    state: int,
) -> Log:
    """What run() did with models of the class of that name, after all generators were seeded with
    state; see watching_run. rows_of gives -1 for what is no row of the data.
    """
    seed_all(state)
    watch = watching_run(lambda m: type(m).__name__ == name, loss_of, in_place, rows_of)
    with in_a_folder() as printed, watch as log:
        log.got = attempt(what, run)
    assert log.trained(), f"{what}: no {name} was trained"
    strange = sum(-1 in one.rows for one in log.passes)
    equal(f"{what}: batches for the model with rows that the data do not have:", strange, 0)
    log.printed, log.what = printed.getvalue(), what
    return log


def seed_all(state: int) -> None:
    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(state)


def in_modes(what: str, one: Pass, want: Callable[[str], bool]) -> None:
    """Each module is in train mode where want(its name) says so, else in eval mode."""
    for name, mode in one.modes.items():
        got, wanted = ("train mode" if m else "eval mode" for m in (mode, want(name)))
        equal(f"{what}: {name or 'the model itself'} is in", got, wanted)


def is_measured(what: str, one: Pass) -> None:
    in_modes(what, one, lambda name: False)
    assert not one.recorded, f"{what}: gradients are recorded, want none"


def is_trained(what: str, log: Log, clipped: bool = False) -> None:
    """Each batch gets a pass in train mode and one step on its mean loss, perhaps clipped."""
    log.steps_follow(what)
    summed = torch.zeros(())
    for i, (one, step) in enumerate(zip(log.trained(), log.steps, strict=True), 1):
        at = f"{what}, training batch {i}"
        in_modes(at, one, lambda name: True)
        names_are(step.held, one.grads, f"{at}: parameters of the optimizer")
        names_are(step.grads, one.grads, f"{at}: gradients at its step")
        used, true = (
            torch.cat([grads[name].flatten() for name in one.grads]).double()
            for grads in (step.grads, one.grads)
        )
        summed = summed + true
        is_sum = i > 1 and (used - summed).norm() < 1e-4 * summed.norm()
        assert not is_sum, (
            f"{at}: its step used the gradients of all batches so far, added up, want this batch's"
        )
        size, right = used.norm().item(), true.norm().item()
        told = (
            f"{at}: its step used a gradient of norm {size:.5g}; "
            f"that of the batch's mean loss has norm {right:.5g}"
        )
        off = (used / max(size, 1e-30) - true / right).norm().item()
        assert off < 1e-4, f"{told} and another direction, off by {100 * off:.2g}%"
        share = size / right
        assert share < 1.0001 and (clipped or share > 0.9999), f"{told} and the same direction"


# --- files and lines ---------------------------------------------------------------------------


@contextlib.contextmanager
def in_a_folder() -> Iterator[io.StringIO]:
    """What runs below runs in a folder of its own and prints into what this gives."""
    here, printed = Path.cwd(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(printed):
                yield printed
        finally:
            os.chdir(here)


def checkpoint(path: Path, keys: Sequence[str]) -> dict[str, Any] | str:
    """What it holds, as another program loads it, or in words what is wrong; see `there`."""
    return content_of(path.read_bytes(), keys) if path.is_file() else "is not there"


@lru_cache(16)
def content_of(file: bytes, keys: Sequence[str]) -> dict[str, Any] | str:
    try:
        content = torch.load(io.BytesIO(file), weights_only=True)
    except Exception as error:
        lines = str(error).splitlines()
        reason = next((one.strip() for one in lines if "Unpickler error" in one), lines[0])
        return f"is not read with weights_only=True: {reason.partition(' Please')[0]}"
    if not isinstance(content, dict):
        return f"holds a {type(content).__name__}, want a dict"
    missing = [key for key in keys if key not in content]
    return f"has keys {list(content)[:4]}, want {missing} too" if missing else content


def there(what: str, content: dict[str, Any] | str) -> dict[str, Any]:
    assert isinstance(content, dict), f"{what} {content}"
    return content


def fits(what: str, net: nn.Module, state: Any) -> None:
    try:
        net.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        says, kind = str(error).splitlines()[-1].strip(), type(net).__name__
        raise AssertionError(f'{what}: "model" does not fit into a {kind}: {says}') from error


def is_state(got: dict[str, Tensor], want: dict[str, Tensor]) -> bool:
    return got.keys() == want.keys() and all(torch.equal(got[key], want[key]) for key in want)


def bests_are(log: Log, right: Sequence[int], accuracies: Sequence[float], key: str = "") -> None:
    """After each epoch best.pt holds accuracy, weights, number (under key) of the right epoch."""
    states = [val[-1].state for _, val in log.turns()]
    equal(f"{log.what}: number of epochs that were run:", len(log.files), len(right))
    for i, (content, best) in enumerate(zip(log.files, right, strict=True), 1):
        at = f"{log.what}: after epoch {i} best.pt"
        content = there(at, content)
        got, want = float(content["val_acc"]), accuracies[best - 1]
        assert abs(got - want) < 1e-6, f"{at} has val_acc {got:.4f}, want {want:.4f}"
        equal(f"{at} has epoch", content.get(key, best), best)
        alike = [n for n, state in enumerate(states, 1) if is_state(content["model"], state)]
        of = best if best in alike else next(iter(alike), "none")
        equal(f"{at} has the weights of epoch", of, best)


def refuses_epochs(name: str, run: Callable[[int, str], Any]) -> None:
    """run(epochs, save_dir) raises ValueError and leaves the disk as it is."""
    with in_a_folder():
        Path("old").mkdir()
        Path("old", "best.pt").write_bytes(b"older")
        for number, save_dir in ((0, "new/here"), (0, "old"), (-1, "old")):
            before, what = files(), f"{name}(epochs={number}, save_dir={save_dir!r})"
            refuses(run, number, save_dir, errors=(ValueError,), call=what)
            assert files() == before, f"{what}: it made or changed files or folders, want none"


def repeated(one: Log, again: Log) -> None:
    what = f"{one.what}, twice, the generators in other states before"
    first, second = (log.passes[0].rows[:4] for log in (one, again))
    equal(f"{what}: the first batch begins with rows {first}, then", second, first)
    for name, value in one.passes[-1].state.items():
        alike = torch.equal(value, again.passes[-1].state[name])
        assert alike, f"{what}: {name} is not the same at the end"
    equal(f"{what}: returned {one.got}, then", again.got, one.got)


def files() -> dict[str, bytes | None]:
    """All files and folders of the working folder, with what they hold."""
    found = sorted(Path().rglob("*"))
    return {path.as_posix(): path.read_bytes() if path.is_file() else None for path in found}


def lines_are(what: str, printed: str, word: str, want: Sequence[Sequence[float]]) -> None:
    """The lines that begin with that word begin with these numbers, to 3 decimals; "1/20" is 1."""
    lines, size = [s for s in printed.splitlines() if s.lower().startswith(word)], len(want[0])
    found = [re.findall(NUMBER, re.sub(r"/ *\d+", "", line))[:size] for line in lines]
    got = [list(map(float, row)) for row in found if len(row) == size]
    what = f'{what}: lines that begin "{word}"'
    equal(f"{what}, with {size} numbers:", len(got), len(want))
    for row, right in zip(got, want, strict=True):
        is_right = all(abs(a - b) <= 1e-3 for a, b in zip(row, right, strict=True))
        assert is_right, f"{what}: {row}, want {[round(float(n), 4) for n in right]}"


# --- another device ----------------------------------------------------------------------------

ASKS = {"item", "tolist", "cpu", "numpy", "__array__", "__format__"}
ASKS |= {"__bool__", "__int__", "__float__"}


class ReadsZero(TorchFunctionMode):
    """Tensors of the meta device hold no numbers: who needs them gets zeros on the CPU. Steps on
    them are slow: without gradients an optimizer makes none.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name == "backward":
            return None
        try:
            if name not in ASKS:
                return func(*args, **(kwargs or {}))
        except NotImplementedError:
            pass
        on_cpu = [
            torch.zeros_like(a, device="cpu") if isinstance(a, Tensor) and a.is_meta else a
            for a in args
        ]
        return func(*on_cpu, **(kwargs or {}))


def stays_on_meta(what: str, call: Callable[[], Any], arrived: list[tuple[str, Tensor]]) -> None:
    """call() runs where the meta device stands in for a GPU; `arrived` notes what the model and
    the criterion got: all of it is on meta, and nothing there meets a tensor on the CPU.
    """
    crash = ""
    try:
        with ReadsZero(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
    except Exception as error:
        if is_hole(error):
            raise
        text = str(error)
        if isinstance(error, RuntimeError) and "meta" in text and "cpu" in text:
            crash = text.splitlines()[0]  # others may come from the zeros
    for name, t in arrived:
        assert t.is_meta, f"{what}: {name} is on {t.device}, want meta"
    assert not crash, f"{what}: a tensor on the CPU meets one on meta. It says: {crash}"
    assert arrived, f"{what}: the model got nothing"


class TwoParts(nn.Module):
    """Logits (B, 3) in few operations: those of layers are slow on meta."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.head = nn.Linear(1, 3), nn.Linear(1, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :1] * self.backbone.bias + self.head.bias


def arrives_on_meta(what: str, train: Callable[[nn.Module, Any], Any]) -> list[tuple[str, Tensor]]:
    """train(model, criterion), the model on meta. Gives what model and criterion got."""
    arrived, model = list[tuple[str, Tensor]](), TwoParts().to("meta")

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        mode = "training" if module.training else "validation"
        arrived.append((f"the model's x in {mode}", inputs[0]))

    def criterion(logits: Tensor, y: Tensor) -> Tensor:
        arrived.append(("the criterion's y", y))
        return logits.mean()

    model.register_forward_pre_hook(look)
    stays_on_meta(what, lambda: train(model, criterion), arrived)
    for p in model.parameters():
        assert p.is_meta, f"{what}: at the end a parameter is on {p.device}, want meta"
    return arrived
