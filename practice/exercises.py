"""The exercises, as they lie on disk: find them, load them, judge them.

An exercise is a challenge_x.py or a buggy_code_n.py in a level's folder. Its check(...) names, as
parameters, the objects it judges; the partner solution_x.py or solution_bug_n.py defines the same
names and is judged by the same check.
"""

import contextlib
import inspect
import re
import sys
import traceback
import types
from collections.abc import Callable, Mapping
from importlib.util import decode_source
from pathlib import Path
from typing import Any, Literal, NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Verdict(NamedTuple):
    """STOPPED, MEMORY: the file ended itself, or needed too much; CRASH, TIME: see runner.py."""

    state: Literal["PASS", "TODO", "FAIL", "STOPPED", "MEMORY", "CRASH", "TIME"]
    detail: str = ""  # TODO: the hole that is left; FAIL: what came and was wanted, then file:line


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


def solution_of(exercise: Path) -> Path:
    name = exercise.name.replace("challenge_", "solution_").replace("buggy_code_", "solution_bug_")
    return exercise.with_name(name)


def load(path: Path, source: str | bytes | None = None) -> dict[str, Any]:
    """Execute the file (or `source` in its place) as a module of its own and return its names."""
    name = f"{path.parent.name}.{path.stem}"  # buggy_code_1 exists in two levels
    module = types.ModuleType(name)
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where pickle and typing look a class's module up
    sys.path.insert(0, str(path.parent))  # for helpers that lie beside it
    try:
        content = path.read_bytes() if source is None else source
        text = decode_source(content) if isinstance(content, bytes) else content
        exec(compile(text, str(path), "exec"), vars(module))
    finally:
        with contextlib.suppress(ValueError):  # the file may have made sys.path anew
            sys.path.remove(str(path.parent))
    return vars(module)


def judge(check: Callable[..., None], names: Mapping[str, Any]) -> Verdict:
    """Run check on those of `names` that it asks for. Only a check that returns is a pass."""
    wanted = inspect.signature(check).parameters
    for name in wanted:
        if name not in names:
            return Verdict("FAIL", f"{name} is not defined any more, the check needs it")
    try:
        check(*(names[name] for name in wanted))
    except (Exception, SystemExit) as error:
        return _verdict_on(error)
    return Verdict("PASS")


def verdict_of(exercise: Path, source: bytes | None = None) -> Verdict:
    """Load the file and judge what is in it; a file that does not even load has failed."""
    try:
        names = load(exercise, source)
    except (Exception, SystemExit) as error:
        return _verdict_on(error)
    if not callable(names.get("check")):
        return Verdict("FAIL", "check is not defined any more; `reset` brings the file back")
    return judge(names["check"], names)


def _verdict_on(error: BaseException) -> Verdict:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_exercise(f.filename)]
    last = frames[-1].line or "" if frames else ""
    # torch raises NotImplementedError too, for what the meta device cannot do: that is no open hole
    if isinstance(error, NotImplementedError) and "raise NotImplementedError" in last:
        return Verdict("TODO", str(error))
    where = f"\n{Path(frames[-1].filename).name}:{frames[-1].lineno}  {last}" if frames else ""
    if isinstance(error, SystemExit):
        return Verdict("STOPPED", f"the file ended itself, sys.exit({error.code!r}){where}")
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return Verdict("MEMORY", f"out of memory: {error}{where}")
    kind = "" if isinstance(error, AssertionError) and str(error) else f"{type(error).__name__}: "
    return Verdict("FAIL", f"{kind}{error}{where}")


def _is_exercise(filename: str) -> bool:
    return re.match(r"\d\d_", Path(filename).parent.name) is not None
