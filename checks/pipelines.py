"""What checks of whole training runs share: what a run does, writes and prints.

`watching_run` logs passes and steps; `scripted_run` also makes a validation go as told.
"""

import contextlib
import io
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.overrides import TorchFunctionMode

from checks.tools import is_hole, refuses

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


def mean_of(logits: Tensor, y: Tensor) -> Tensor:
    """A criterion: its gradient for a weight that is added to the logits is 1."""
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
        found, trained = list[tuple[list[Pass], list[Pass]]](), {*map(id, self.trained())}
        before = False
        for one in self.passes:
            now = id(one) in trained
            if now and not before:
                found.append(([], []))
            if found:
                found[-1][not now].append(one)
            before = now
        return found

    def steps_follow(self, what: str) -> None:
        """There is one step after each pass of training."""
        ids, counts, passes = {*map(id, self.trained())}, list[int](), 0
        for one in self:
            passes += id(one) in ids
            if isinstance(one, Step):
                counts.append(passes)
        want = list(range(1, len(ids) + 1))
        assert counts == want, (
            f"{what}: {len(counts)} steps, after {counts[:6]} passes of training and so on, "
            f"want {len(want)}, after {want[:6]}"
        )


@contextlib.contextmanager
def watching_run(
    is_model: Callable[[nn.Module], bool],
    loss_of: Callable[[Tensor, Tensor], Tensor] | None = None,
    in_place: Callable[[Log, Tensor, Tensor, bool], Tensor | None] | None = None,
) -> Iterator[Log]:
    """Logs the passes of a model, wherever it is made, and the steps of all optimizers.

    loss_of(x, out): the loss whose gradients the step after it should use. in_place(log, x, out,
    in train mode): logits that the answer gets in place of out, or None.
    """
    log = Log()

    def forward(model: nn.Module, inputs: tuple[Any, ...], out: Tensor) -> Any:
        if not is_model(model):
            return None
        params = {name: p for name, p in model.named_parameters() if p.requires_grad}
        grads, x = dict[str, Tensor](), inputs[0]
        if loss_of and out.requires_grad:
            leaves, loss = list(params.values()), loss_of(x, out)
            found = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
            grads = {n: g for n, g in zip(params, found, strict=True) if g is not None}
        other = in_place(log, x, out, model.training) if in_place else None
        modes = {name: part.training for name, part in model.named_modules()}
        state = {key: value.detach().clone() for key, value in model.state_dict().items()}
        shown = (out if other is None else other).detach()
        log.append(Pass(model, x, shown, out.requires_grad, modes, set(params), state, grads))
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
    best: Path,
    keys: Sequence[str],
    last: Callable[[], Any] = bool,
) -> Log:
    """What run() did. In its i-th epoch script[i] = (hits, size): so many of the val rows, the
    first n_val that it looks at and did not train on, get right logits, of that size.

    log.files: what best.pt held when each epoch ended. last() is called in the last epoch.
    """
    val, learned, files = dict[int, int](), set[int](), list[Any]()

    def in_place(log: Log, x: Tensor, out: Tensor, in_train: bool) -> Tensor | None:
        rows, epoch, trained = rows_of(x), len(log.turns()), log.trained()
        if epoch == 1 and not (in_train and out.requires_grad):
            learned.update(row for one in trained for row in rows_of(one.x))
            for row in rows:
                if row not in learned and len(val) < n_val:
                    val.setdefault(row, len(val))
        if not {*rows} <= {*val}:
            if out.requires_grad and learned & {*rows} and log.passes[-1] is not trained[-1]:
                files.append(checkpoint(best, keys))
            return None
        hits, size = script[min(epoch, len(script)) - 1]
        if epoch == len(script):
            last()
        answers = (labels[rows] + torch.tensor([val[row] >= hits for row in rows])) % 3
        return size * nn.functional.one_hot(answers, 3) + 0 * out

    def loss_of(x: Tensor, out: Tensor) -> Tensor:
        return nn.functional.cross_entropy(out, labels[rows_of(x)])

    with in_a_folder() as printed, watching_run(is_model, loss_of, in_place) as log:
        log.got = ran(what, run)
        log.files = [*files, checkpoint(best, keys)]
    log.printed, log.what = printed.getvalue(), what
    return log


def ran(what: str, run: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """What run gives. What a hook finds wrong is said as it is, a crash with what was called."""
    try:
        return run(*args, **more)
    except AssertionError:
        raise
    except Exception as error:
        if is_hole(error):
            raise
        says = " ".join(str(error).split())[:300]
        raise AssertionError(f"{what}: {type(error).__name__}: {says}") from error


def in_modes(what: str, one: Pass, want: Callable[[str], bool]) -> None:
    """Each module is in train mode where want(its name) says so, else in eval mode."""
    for name, mode in one.modes.items():
        got, wanted = ("train" if m else "eval" for m in (mode, want(name)))
        assert got == wanted, (
            f"{what}: {name or 'the model itself'} is in {got} mode, want {wanted}"
        )


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
        missing = [name for name in one.grads if name not in step.held]
        assert not missing, f"{at}: the optimizer lacks {', '.join(missing)}"
        missing = [name for name in one.grads if name not in step.grads]
        assert not missing, f"{at}: at its step no gradient of {', '.join(missing)}"
        a, b = (
            torch.cat([grads[name].flatten().double() for name in one.grads])
            for grads in (step.grads, one.grads)
        )
        summed = summed + b
        is_sum = i > 1 and (a - summed).norm() < 1e-4 * summed.norm()
        assert not is_sum, (
            f"{at}: its step used the gradients of all batches so far, added up, want this batch's"
        )
        size, true = a.norm().item(), b.norm().item()
        told = (
            f"{at}: its step used a gradient of norm {size:.5g}; "
            f"that of the batch's mean cross-entropy has norm {true:.5g}"
        )
        off = (a / max(size, 1e-30) - b / true).norm().item()
        assert off < 1e-4, f"{told} and another direction, off by {100 * off:.2g}%"
        share = size / true
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
    number, states = len(log.files), [val[-1].state for _, val in log.turns()]
    assert number == len(right), f"{log.what}: {number} epochs were run, want {len(right)}"
    for i, (content, best) in enumerate(zip(log.files, right, strict=True), 1):
        at = f"{log.what}: after epoch {i} best.pt"
        content = there(at, content)
        got, want = float(content["val_acc"]), accuracies[best - 1]
        assert abs(got - want) < 1e-6, f"{at} has val_acc {got:.4f}, want {want:.4f}"
        got = content.get(key, best)
        assert got == best, f"{at} has epoch {got}, want {best}"
        same = [n for n, state in enumerate(states, 1) if is_state(content["model"], state)]
        assert best in same, (
            f"{at} has the weights of epoch {same[0] if same else 'none'}, want of epoch {best}"
        )


def refuses_epochs(name: str, run: Callable[[int, str], Any]) -> None:
    """run(epochs, save_dir) raises ValueError and leaves the disk as it is."""
    with in_a_folder():
        Path("old").mkdir()
        Path("old", "best.pt").write_bytes(b"older")
        for number, save_dir in ((0, "new/here"), (0, "old"), (-1, "old")):
            before, what = files(), f"{name}(epochs={number}, save_dir={save_dir!r})"
            refuses(run, number, save_dir, errors=(ValueError,), call=what)
            assert files() == before, f"{what}: it made or changed files or folders, want none"


def repeated(one: Log, again: Log, rows_of: Callable[[Tensor], list[Any]]) -> None:
    rows = [rows_of(log.passes[0].x)[:4] for log in (one, again)]
    what = f"{one.what}, twice, the generators in other states before"
    assert rows[0] == rows[1], f"{what}: the first batch begins with rows {rows[0]}, {rows[1]}"
    for name, value in one.passes[-1].state.items():
        same = torch.equal(value, again.passes[-1].state[name])
        assert same, f"{what}: {name} is not the same at the end"
    assert one.got == again.got, f"{what}: returned {one.got}, then {again.got}"


def files() -> dict[str, bytes | None]:
    """All files and folders of the working folder, with what they hold."""
    found = sorted(Path().rglob("*"))
    return {path.as_posix(): path.read_bytes() if path.is_file() else None for path in found}


def rows_of(printed: str, word: str, count: int) -> list[list[float]]:
    """The first `count` numbers of each line that begins with that word; "1/20" is 1."""
    lines = [line for line in printed.splitlines() if line.lower().startswith(word)]
    found = [re.findall(NUMBER, re.sub(r"/ *\d+", "", line))[:count] for line in lines]
    return [list(map(float, row)) for row in found if len(row) == count]


def lines_are(what: str, printed: str, word: str, want: Sequence[Sequence[float]]) -> None:
    """The lines that begin with that word have these numbers, to 3 decimals."""
    got, what = rows_of(printed, word, len(want[0])), f'{what}: lines that begin "{word}"'
    assert len(got) == len(want), (
        f"{what}, with {len(want[0])} numbers: {len(got)}, want {len(want)}"
    )
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
