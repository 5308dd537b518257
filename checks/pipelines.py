"""What checks of whole training runs share: scripted accuracies, a folder to run in, lines to read.

`Scripted` is a model whose validation goes as told, so that each check knows what must follow.
"""

import contextlib
import io
import math
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader, TensorDataset

from checks.hunts import attempt

NUMBER = r"(?:(?<![\w.)])[-+])?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"  # 1 in "stage-1"


class Scripted(nn.Module):
    """Counts the batches it is trained on; in its i-th epoch script[i] samples get right logits.

    x (B, 1) holds the number of each sample, whose class is number % 3: see `numbered`.
    """

    count: Tensor

    def __init__(self, script: Sequence[int], batches: int) -> None:
        super().__init__()
        self.script, self.batches = script, batches  # of validation, of training per epoch
        self.weight = nn.Parameter(torch.tensor(0.1, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def epoch(self) -> int:
        """From 1 on; 0 before any batch of training."""
        return -(-int(self.count) // self.batches)

    def forward(self, x: Tensor) -> Tensor:
        number = x[:, 0].long()
        right = 0
        if self.training:
            self.count += 1
        else:
            right = self.script[max(0, min(self.epoch(), len(self.script)) - 1)]
        answers = (number + (number >= right)) % 3
        return self.weight + 9 * nn.functional.one_hot(answers, 3)


def numbered(count: int, batch_size: int) -> DataLoader[Any]:
    """Samples 0 to count - 1 for `Scripted`, in that order."""
    x = torch.arange(count)
    return DataLoader(TensorDataset(x[:, None].double(), x % 3), batch_size)


class Readings:
    """A loader without a length: make(1), make(2), ... are what its readings give."""

    def __init__(self, make: Callable[[int], Sequence[Any]]) -> None:
        self.make, self.begun, self.whole = make, 0, list[int]()  # read to the end

    def __iter__(self) -> Iterator[Any]:
        self.begun += 1
        reading = self.begun
        yield from self.make(reading)
        self.whole.append(reading)


def signals(num_samples: int) -> tuple[Tensor, Tensor]:
    """The rows and labels of full_pipeline's SignalDataset, as they are."""
    rng = torch.Generator().manual_seed(0)
    y = torch.arange(num_samples) * 3 // num_samples
    humps = torch.sin((y[:, None] + 1) * torch.linspace(0, math.pi, 16)).abs()
    return humps + 0.4 * torch.randn(num_samples, 16, generator=rng), y


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

    @property
    def is_training(self) -> bool:
        return self.modes[""]


@dataclass(eq=False)
class Step:
    """A step of any optimizer."""

    optimizer: torch.optim.Optimizer
    options: dict[str, Any]  # of its first group, without the parameters
    held: set[str]  # the watched model's parameters that it holds
    grads: dict[str, Tensor]  # what the watched model's parameters have in .grad


def in_train_mode(one: Pass) -> bool:
    return one.is_training


class Log(list["Pass | Step"]):
    """Passes and steps of a run, in their order."""

    @property
    def passes(self) -> list[Pass]:
        return [one for one in self if isinstance(one, Pass)]

    @property
    def steps(self) -> list[Step]:
        return [one for one in self if isinstance(one, Step)]

    def trained(self) -> list[Pass]:
        """Passes with gradients, in train mode or right before a step."""
        after = [*self[1:], None]
        return [
            one
            for one, then in zip(self, after, strict=False)
            if isinstance(one, Pass)
            and one.recorded
            and (one.is_training or isinstance(then, Step))
        ]

    def turns(self) -> list[tuple[list[Pass], list[Pass]]]:
        """The epochs, as `trained` tells them."""
        trained = {id(one) for one in self.trained()}
        return self.epochs(lambda one: id(one) in trained)

    def steps_after(self, is_train: Callable[[Pass], bool] = in_train_mode) -> list[int]:
        """How many passes of training there had been at each step."""
        counts, passes = list[int](), 0
        for one in self:
            if isinstance(one, Step):
                counts.append(passes)
            elif is_train(one):
                passes += 1
        return counts

    def epochs(
        self, is_train: Callable[[Pass], bool] = in_train_mode
    ) -> list[tuple[list[Pass], list[Pass]]]:
        """(passes of training, other passes after them), again and again. What comes before the
        first of training is left out.
        """
        found = list[tuple[list[Pass], list[Pass]]]()
        before = False
        for one in self.passes:
            now = is_train(one)
            if now and not before:
                found.append(([], []))
            if found:
                found[-1][not now].append(one)
            before = now
        return found


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
        grads = dict[str, Tensor]()
        x = inputs[0]
        if loss_of and out.requires_grad:
            leaves, loss = list(params.values()), loss_of(x, out)
            found = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
            grads = {n: g for n, g in zip(params, found, strict=True) if g is not None}
        other = in_place(log, x, out, model.training) if in_place else None
        modes = {name: part.training for name, part in model.named_modules()}
        state = {key: value.detach().clone() for key, value in model.state_dict().items()}
        shown = (out if other is None else other).detach()
        recorded = out.requires_grad
        log.append(Pass(model, x, shown, recorded, modes, set(params), state, grads))
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


class Script:
    """For watching_run: hits[i] val rows get right logits in epoch i, of the size sizes[i].

    Val rows are the first n_val that come after epoch 1 of training and were not trained on. read()
    is called whenever an epoch of training begins after measuring; `files` has what it gave.
    """

    def __init__(
        self,
        rows_of: Callable[[Tensor], list[int]],
        labels: Tensor,
        n_val: int,
        hits: Sequence[int],
        sizes: Sequence[float],
        read: Callable[[], Any],
    ) -> None:
        self.rows_of, self.labels, self.n_val, self.read = rows_of, labels, n_val, read
        self.hits, self.sizes, self.files = hits, sizes, list[Any]()
        self.val, self.trained = dict[int, int](), set[int]()  # rows; those of epoch 1

    def __call__(self, log: Log, x: Tensor, out: Tensor, in_train: bool) -> Tensor | None:
        rows, epoch = self.rows_of(x), len(log.turns())
        if epoch == 1 and not (in_train and out.requires_grad):
            if not self.trained:
                self.trained = {row for one in log.trained() for row in self.rows_of(one.x)}
            for row in rows:
                if row not in self.trained and len(self.val) < self.n_val:
                    self.val.setdefault(row, len(self.val))
        if not {*rows} <= {*self.val}:
            begins = out.requires_grad and self.trained & {*rows}
            if begins and log.passes[-1] not in log.trained():
                self.files.append(self.read())
            return None
        if not self.hits:
            return None
        i = min(epoch, len(self.hits)) - 1
        wrong = torch.tensor([self.val[row] >= self.hits[i] for row in rows])
        answers = (self.labels[rows] + wrong) % 3
        return self.sizes[i] * nn.functional.one_hot(answers, 3) + 0 * out


def in_modes(what: str, one: Pass, want: Callable[[str], bool]) -> None:
    """Each module is in train mode where want(its name) says so, else in eval mode."""
    for name, mode in one.modes.items():
        got, wanted = ("train" if m else "eval" for m in (mode, want(name)))
        assert got == wanted, (
            f"{what}: {name or 'the model itself'} is in {got} mode, want {wanted}"
        )


def gradient_is(
    what: str,
    got: dict[str, Tensor],
    want: dict[str, Tensor],
    summed: Tensor | None = None,
    clipped: bool = False,
) -> Tensor:
    """The gradients at a step are those of the batch's mean loss; their norm may be clipped.

    summed: those of all batches before. Gives the sum up to this one.
    """
    missing = [name for name in want if name not in got]
    which = "any parameter" if len(missing) == len(want) else ", ".join(missing)
    assert not missing, f"{what}: no gradient of {which}"
    a, b = (torch.cat([grads[name].flatten().double() for name in want]) for grads in (got, want))
    total = b if summed is None else b + summed
    is_sum = summed is not None and (a - total).norm() < 1e-4 * total.norm()
    assert not is_sum, f"{what}: the gradients of all batches so far, added up, want this batch's"
    share = (a.norm() / b.norm()).item()
    assert share > 0, f"{what}: the gradient is 0, want that of the batch, of norm {b.norm():.4g}"
    off = ((a / share - b).norm() / b.norm()).item()
    assert off < 1e-4, (
        f"{what}: a gradient of norm {a.norm():.5g}; that of the batch's mean cross-entropy has "
        f"norm {b.norm():.5g} and another direction, off by {100 * off:.2g}%"
    )
    assert share < 1.0001 and (clipped or share > 0.9999), (
        f"{what}: the gradient is {share:.4g} times that of the batch's mean cross-entropy"
    )
    return total


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


def load_checkpoint(path: Path, what: str, keys: Sequence[str]) -> dict[str, Any] | None:
    """What best.pt holds, as another program loads it; None where there is no file."""
    if not path.is_file():
        return None
    try:
        content = torch.load(path, weights_only=True)
    except Exception as error:
        lines = str(error).splitlines()
        reason = next((one.strip() for one in lines if "Unpickler error" in one), lines[0])
        reason = reason.partition(" Please")[0]
        text = f"{what}: torch.load of {path.name} with weights_only=True: {reason}"
        raise AssertionError(text) from error
    assert isinstance(content, dict), f"{what}: {path.name} holds a {type(content).__name__}"
    missing = [key for key in keys if key not in content]
    assert not missing, f"{what}: {path.name} has keys {list(content)[:4]}, want {missing} too"
    return content


def tried(*args: Any) -> dict[str, Any] | AssertionError | None:
    """What load_checkpoint gives or says; `there` raises it, for the labels that mind."""
    try:
        return load_checkpoint(*args)
    except AssertionError as error:
        return error


def there(what: str, content: dict[str, Any] | AssertionError | None) -> dict[str, Any]:
    if isinstance(content, AssertionError):
        raise content
    assert content is not None, f"{what} is not there"
    return content


def is_state(got: dict[str, Tensor], want: dict[str, Tensor]) -> bool:
    return got.keys() == want.keys() and all(torch.equal(got[key], want[key]) for key in want)


def as_hooks_say(what: str, run: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """What run gives. What a hook found wrong is said as it is; a crash says on what."""
    try:
        return attempt(what, run, *args, **more)
    except AssertionError as error:
        if isinstance(error.__cause__, AssertionError):
            raise error.__cause__ from None
        said = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise AssertionError(" ".join(said[:2])) from error.__cause__


def value_error(what: str, call: Callable[[], Any]) -> None:
    """call() raises ValueError, no other error and no result."""
    try:
        got = call()
    except ValueError:
        return
    except Exception as error:
        if isinstance(error, NotImplementedError) and len(str(error).split()) <= 1:
            raise  # an open hole
        raise AssertionError(f"{what}: {error!r}, want ValueError") from error
    raise AssertionError(f"{what}: returned {repr(got)[:50]}, want ValueError")


def files() -> dict[str, bytes | None]:
    """All files and folders of the working folder, with what they hold."""
    found = sorted(Path().rglob("*"))
    return {path.as_posix(): path.read_bytes() if path.is_file() else None for path in found}


def rows_of(printed: str, word: str, count: int) -> list[list[float]]:
    """The first `count` numbers of each line that begins with that word; "1/20" is 1."""
    found = list[list[float]]()
    for line in printed.splitlines():
        if line.lower().startswith(word):
            numbers = re.findall(NUMBER, re.sub(r"/ *\d+", "", line))
            found.append([float(n) for n in numbers[:count]])
    return [row for row in found if len(row) == count]


# --- another device ----------------------------------------------------------------------------


ASKS = {"item", "tolist", "cpu", "numpy", "__array__", "__format__"}
ASKS |= {"__bool__", "__int__", "__float__"}


class ReadsZero(TorchFunctionMode):
    """Tensors of the meta device hold no numbers: who needs them gets zeros on the CPU."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        try:
            if getattr(func, "__name__", "") not in ASKS:
                return func(*args, **(kwargs or {}))
        except NotImplementedError:
            pass
        return func(*map(zeros, args), **(kwargs or {}))


def zeros(value: Any) -> Any:
    if isinstance(value, Tensor) and value.is_meta:
        return torch.zeros_like(value, device="cpu")
    return value


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
        if isinstance(error, NotImplementedError) and len(str(error).split()) <= 1:
            raise  # an open hole
        text = str(error)
        if isinstance(error, RuntimeError) and "meta" in text and "cpu" in text:
            crash = text.splitlines()[0]  # others may come from the zeros
    for name, t in arrived:
        assert t.is_meta, f"{what}: {name} is on {t.device}, want meta"
    assert not crash, f"{what}: a tensor on the CPU meets one on meta. It says: {crash}"
    assert arrived, f"{what}: the model got nothing"
