"""The exercises, as they lie on disk: find them and load them. Nothing here imports torch.

An exercise is a challenge_x.py or a buggy_code_n.py in a level's folder. Its other files have the
same level and the same stem: solution_x.py beside it, checks/NN_level/check_x.py and
tests/slips/NN_level/slips_x.py (bug_n for a hunt).
"""

import contextlib
import errno
import os
import re
import stat
import sys
import types
from collections.abc import Mapping
from importlib.util import decode_source
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

ROOT = Path(__file__).resolve().parents[1]
NO_ASSERTS = "asserts are switched off (-O, PYTHONOPTIMIZE), so nothing can be tried"
MOST_BYTES = 1 << 24  # of a file that we read
State = Literal["PASS", "CORE", "FAIL", "TODO", "STOPPED", "MEMORY", "CRASH", "TIME"]
STATES = get_args(State)


class Problem(Exception):
    """Something to tell the user, instead of doing what was asked."""


class NotAFile(OSError):
    """Something else than a file stands in its place."""


class Verdict(NamedTuple):
    """CORE: the core holds, not all edges do; TODO: nothing is filled in yet. STOPPED, MEMORY: the
    file ended itself, or needed too much; CRASH, TIME: see runner.py.
    """

    state: State
    detail: str = ""  # the last line of the page, or what happened instead
    labels: Mapping[str, str] = {}  # the state of each label that was tried


def find(root: Path = ROOT) -> list[Path]:
    """Every exercise on disk, in the order of PEDAGOGY.md's links; unlinked ones last."""
    on_disk = [*root.glob("[0-9]*/challenge_*.py"), *root.glob("[0-9]*/buggy_code_*.py")]
    pedagogy = root / "PEDAGOGY.md"
    text = pedagogy.read_text(encoding="utf-8") if pedagogy.exists() else ""
    links = {
        link: i for i, link in reversed(list(enumerate(re.findall(r"\]\(([^)#\s]+)\)", text))))
    }

    def place(path: Path) -> tuple[int, list[str | int]]:
        name = path.relative_to(root).as_posix()
        natural = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
        return links.get(name, len(links)), natural

    return sorted(on_disk, key=place)


def is_exercise(path: Path) -> bool:
    return re.match(r"(challenge|buggy_code)_.*\.py$", path.name) is not None


def is_hunt(path: Path) -> bool:
    """Whether it is a bug hunt, or the solution of one."""
    return re.match(r"(buggy_code|solution_bug)_\d", path.name) is not None


def read(path: Path) -> bytes:
    """What is in a file. Never waits and never reads without end, whatever stands in its place."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))  # for a pipe

    with open(path, "rb", opener=opener) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise NotAFile(errno.EINVAL, f"it is {what_is(path)}", str(path))
        return file.read(MOST_BYTES)


def what_is(path: Path) -> str:
    """What stands where a file should be, in words; "" if it is a file."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return "a link to nothing" if path.is_symlink() else "gone"
    except OSError as error:
        return f"not readable ({error.strerror})"
    if stat.S_ISDIR(found.st_mode):
        return "a directory, not a file"
    if stat.S_ISFIFO(found.st_mode):
        return "a pipe, not a file"
    if not stat.S_ISREG(found.st_mode):
        return "a device, not a file"
    if found.st_size > MOST_BYTES:
        return f"larger than {MOST_BYTES >> 20} MB"
    return "" if os.access(path, os.R_OK) else "not readable"


def no_file(path: Path) -> str:
    """What is wrong with an exercise's place on disk, and how to mend it; "" if it is a file."""
    what = what_is(path)
    if not what:
        return ""
    if path.parent.parent != ROOT:  # a copy
        return f"{path.name} is {what}"
    is_only = len(list(ROOT.glob(f"[0-9]*/{path.name}"))) < 2
    name = path.stem if is_only else f"{path.parent.name}/{path.stem}"
    return (
        f"{path.parent.name}/{path.name} is {what}. "
        f"python -m practice reset {name} brings the untouched one back."
    )


def text_of(path: Path) -> str:
    """The text of a file; "" if it cannot be read."""
    try:
        return read(path).decode("utf-8", errors="replace").replace("\r\n", "\n")
    except OSError:
        return ""


class Facts(NamedTuple):
    """What an exercise's page says of itself; difficulty "" and 0 minutes where it says nothing."""

    title: str
    difficulty: str
    minutes: int


def facts_of(exercise: Path) -> Facts:
    text = text_of(exercise)
    found = re.search(r"^(Easy|Medium|Hard), (\d+) minutes\.", text, re.M)
    title = text.partition("\n")[0].strip('" ')
    return Facts(title, found[1], int(found[2])) if found else Facts(title, "", 0)


def place(file: str, line: int) -> str:
    """A place in a level's file, or in a copy of it, as messages show it: seen from the course."""
    path = Path(file)
    is_ours = path.is_relative_to(ROOT)
    seen = path.relative_to(ROOT) if is_ours else Path(path.parent.name, path.name)
    return f"{seen.as_posix()}:{line}"


def solution_of(exercise: Path) -> Path:
    name = exercise.name.replace("challenge_", "solution_").replace("buggy_code_", "solution_bug_")
    return exercise.with_name(name)


def stem_of(exercise: Path) -> str:
    """What the files of an exercise share: multihead_attention, bug_9."""
    stem = re.sub("^buggy_code_", "bug_", exercise.stem)
    return re.sub("^(challenge|solution)_", "", stem)


def check_file(exercise: Path) -> Path:
    return ROOT / "checks" / exercise.parent.name / f"check_{stem_of(exercise)}.py"


def check_of(exercise: Path) -> dict[str, Any]:
    """The check of an exercise, or of its solution, or of a copy of it elsewhere."""
    return load(check_file(exercise))


def slips_of(exercise: Path) -> dict[str, Any]:
    """Its SLIPS, by label and name, and its VARIANTS, by name."""
    return load(ROOT / "tests" / "slips" / exercise.parent.name / f"slips_{stem_of(exercise)}.py")


def load(path: Path, source: str | bytes | None = None) -> dict[str, Any]:
    """Execute the file (or `source` in its place) as a module of its own and return its names."""
    name = f"{path.parent.name}.{path.stem}"  # buggy_code_1 exists in two levels
    module = types.ModuleType(name)
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where pickle and typing look a class's module up
    sys.path.insert(0, str(path.parent))  # for helpers that lie beside it
    try:
        content = path.read_bytes() if source is None else source
        text = decoded(content, path) if isinstance(content, bytes) else content
        exec(compile(text, str(path), "exec"), vars(module))
    finally:
        with contextlib.suppress(ValueError):  # the file may have made sys.path anew
            sys.path.remove(str(path.parent))
    return vars(module)


def decoded(content: bytes, path: Path) -> str:
    """Source as Python decodes it; where it cannot, the error has the line."""
    try:
        return decode_source(content)
    except (SyntaxError, UnicodeDecodeError):
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            what = f"byte 0x{content[error.start]:02x} is not UTF-8: save the file as UTF-8"
            raise SyntaxError(what, (path.name, line, None, None)) from None
        raise
