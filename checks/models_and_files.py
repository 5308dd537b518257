"""What checks of levels 05 to 07 share: linear layers under any names, folders, nested states."""

import copy
import io
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from checks.tools import close, equal, result_of, same


def weight_and_bias(what: str, module: nn.Module, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Its only two parameters: of any shape with a row for each output. rows * columns > rows."""
    found = [p for p in module.parameters() if not nn.parameter.is_lazy(p)]
    shapes = [tuple(p.shape) for p in found]
    sizes = sorted((len(p) if p.ndim else 1, p.numel()) for p in found)
    right = sizes == [(rows, rows), (rows, rows * columns)]
    assert right, f"{what}: parameters {shapes}, want {(rows, columns)} and {(rows,)}"
    bias, weight = sorted(found, key=Tensor.numel)
    return weight, bias


def all_trainable(what: str, module: nn.Module) -> None:
    """No parameter is frozen."""
    frozen = [name for name, p in module.named_parameters() if not p.requires_grad]
    assert not frozen, f"{what}: {', '.join(frozen)} with requires_grad=False, want True"


def linear_of(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """weight @ x + bias of each sample, number by number."""
    rows, flat = weight.detach().flatten(1), x.flatten(1)
    return (flat[:, None] * rows).sum(dim=2) + bias.detach().flatten()


def features_by_hand(what: str, part: nn.Module, weight: Tensor, bias: Tensor) -> None:
    """An image of 2 channels, 1 row and 2 columns, flattened, through a layer and ReLU."""
    with torch.no_grad():
        rows = [[1.0, 10, 100, 1000], [-1, 0, 0, 0], [0, 0, 0, 0]]
        weight.copy_(torch.tensor(rows).reshape(weight.shape))
        bias.copy_(torch.tensor([0.0, 0, -5]).reshape(bias.shape))
    what = (
        f"{what}, weight [[1, 10, 100, 1000], [-1, 0, 0, 0], [0, 0, 0, 0]], "
        "bias [0, 0, -5], an image of channels [[1, 2]] and [[3, 4]]: features"
    )
    out = result_of(what, part, torch.tensor([[[[1.0, 2]], [[3.0, 4]]]]))
    close(out.detach(), torch.tensor([[4321.0, 0, 0]]), what)


@contextmanager
def in_folder() -> Iterator[Path]:
    """An empty temporary folder; the working directory is another one beside it."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        files, work = Path(folder, "files"), Path(folder, "work")
        files.mkdir()
        work.mkdir()
        os.chdir(work)
        try:
            yield files
        finally:
            os.chdir(here)


def contents(folder: Path) -> dict[str, Any]:
    """The folder's files with their bytes, its folders with the names in them."""
    return {
        p.name: p.read_bytes() if p.is_file() else sorted(os.listdir(p)) for p in folder.iterdir()
    }


def folder_is(folder: Path, want: Mapping[str, Any], what: str) -> None:
    """The same files with the same bytes."""
    got = contents(folder)
    equal(f"{what}: the folder then has", *(sorted(map(named, names)) for names in (got, want)))
    other = [named(name) for name in want if got.get(name) != want[name]]
    assert not other, f"{what}: then {', '.join(other)} is changed, want it as it was"


def named(text: str) -> str:
    """A text without the temporary folder's path and without a name's long random part."""
    return re.sub(r"[0-9a-f]{12,}", "...", re.sub(r"[^\s'\"]*/(?=files\b)", "", text))


def everything_in(model: nn.Module) -> dict[str, Any]:
    """Copies of its parameters, their gradients and flags, and of its buffers."""
    found = dict[str, Any](model.state_dict())
    for key, p in model.named_parameters():
        found |= {f"{key}.grad": p.grad, f"{key}.requires_grad": p.requires_grad}
    return copy.deepcopy(found)


def leaves_of(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """A nested state's tensors and values with names such as model.0.weight."""
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(tree, dict):
        pairs = tree.items()
    elif isinstance(tree, list | tuple):
        pairs = enumerate(tree)
    else:
        yield name, tree
        return
    for key, value in pairs:
        yield from leaves_of(value, f"{name}.{key}" if name else str(key))


def surely_alike(a: Any, b: Any) -> bool:
    """Whether they surely are; quick for long lists of numbers."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(surely_alike(a[key], b[key]) for key in a)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
    try:
        return bool(a == b)
    except (RuntimeError, ValueError):  # of tensors within
        return False


def state_is(got: Any, want: Any, what: str) -> None:
    """Nested states alike in every bit; else the first that is missing or not alike, by name."""
    if surely_alike(got, want):
        return
    mine, its = dict(leaves_of(got)), dict(leaves_of(want))
    lacks, more = ([n for n in a if n not in b] for a, b in ((its, mine), (mine, its)))
    for told, names in (("missing", lacks), ("too many", more)):
        rest = f" and {len(names) - 2} more" if len(names) > 2 else ""
        assert not names, f"{what}: {told}: {', '.join(names[:2])}{rest}"
    for name, value in its.items():
        tensors = [isinstance(v, Tensor) for v in (mine[name], value)]
        if all(tensors):
            same(mine[name], value, f"{what}: {name}")
            continue
        alike = not any(tensors) and mine[name] == value
        shown = ("a tensor" if isinstance(v, Tensor) else repr(v) for v in (mine[name], value))
        assert alike, "{}: {} is {}, want {}".format(what, name, *shown)


def moments_of(
    path: Path, function: Callable[..., Any], *args: Any
) -> tuple[list[bytes | None], set[str]]:
    """What the file held in turn (None: no file), and the names that were in its folder.

    Looks before each call of function(*args) to C, as Python alone cannot change a file.
    """
    held, names, marks, before = list[bytes | None](), set[str](), list[Any](), sys.getprofile()
    if path.exists():
        os.utime(path, (0, 0))  # so that each write shows in its date

    def look(_: Any, event: str, __: Any) -> None:
        if event != "c_call":
            return
        there = os.listdir(path.parent)
        names.update(there)
        stat = os.stat(path) if path.name in there else None
        mark = stat and (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if marks[-1:] != [mark]:
            marks.append(mark)
            now = path.read_bytes() if stat else None
            held.extend([now] if held[-1:] != [now] else [])

    sys.setprofile(look)
    try:
        function(*args)
    finally:
        sys.setprofile(before)
    marks.clear()
    look(None, "c_call", None)
    return held, names


def raised_by(function: Callable[..., Any], *args: Any) -> BaseException | None:
    """What it raises, Ctrl-C and sys.exit included; None if it returns."""
    try:
        function(*args)
    except NotImplementedError:
        raise
    except BaseException as error:
        return error
    return None


@contextmanager
def program_file(real: bool = False) -> Iterator[Path]:
    """A path in an empty folder, for a program of torch.export. A true file takes most of the time:
    unless `real`, save writes a ticket, for which load gives the program.
    """
    programs, save, load = dict[bytes, Any](), torch.export.save, torch.export.load

    def put(program: Any, f: Any, **more: Any) -> None:
        if real or not isinstance(f, str | Path):
            return save(program, f, **more)
        Path(f).write_text(f"program {len(programs)}")
        programs[Path(f).read_bytes()] = program

    def take(f: Any, **more: Any) -> Any:
        ticket = Path(f).read_bytes() if isinstance(f, str | Path) else b""
        return programs[ticket] if ticket in programs else load(f, **more)

    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.multiple(torch.export, save=put, load=take),
    ):
        yield Path(name, "model.exported")


@contextmanager
def quiet() -> Iterator[None]:
    """torch.export says much about what it refuses, in more than one way."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)
