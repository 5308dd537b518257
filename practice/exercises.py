"""The exercises, as they lie on disk: find them and load them. Nothing here imports torch.

An exercise is a challenge_x.py or a buggy_code_n.py in a level's folder. Its other files have the
same level and the same stem: solution_x.py beside it, checks/NN_level/check_x.py and
tests/slips/NN_level/slips_x.py (bug_n for a hunt).
"""

import ast
import contextlib
import re
import sys
import types
from collections.abc import Mapping
from importlib.util import decode_source
from pathlib import Path
from typing import Any, Literal, NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Verdict(NamedTuple):
    """CORE: the core holds, not all edges do; TODO: nothing is filled in yet. STOPPED, MEMORY: the
    file ended itself, or needed too much; CRASH, TIME: see runner.py.
    """

    state: Literal["PASS", "CORE", "FAIL", "TODO", "STOPPED", "MEMORY", "CRASH", "TIME"]
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


class Facts(NamedTuple):
    """What an exercise's page says of itself; difficulty "" and 0 minutes where it says nothing."""

    title: str
    difficulty: str
    minutes: int


def facts_of(exercise: Path) -> Facts:
    text = exercise.read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^(Easy|Medium|Hard), (\d+) minutes\.", text, re.M)
    title = text.partition("\n")[0].strip('" ')
    return Facts(title, found[1], int(found[2])) if found else Facts(title, "", 0)


def place(file: str, line: int) -> str:
    """A place in a level's file as messages show it."""
    path = Path(file)
    return f"{path.parent.name}/{path.name}:{line}"


def solution_of(exercise: Path) -> Path:
    name = exercise.name.replace("challenge_", "solution_").replace("buggy_code_", "solution_bug_")
    return exercise.with_name(name)


def stem_of(exercise: Path) -> str:
    """What the files of an exercise share: multihead_attention, bug_9."""
    stem = re.sub("^buggy_code_", "bug_", exercise.stem)
    return re.sub("^(challenge|solution)_", "", stem)


def labels_of(exercise: Path) -> dict[str, list[str]]:
    """The labels of its check, CORE and EDGES, read without running anything."""
    text = check_file(exercise).read_text(encoding="utf-8")
    return {
        node.targets[0].id: [label.id for label in node.value.elts if isinstance(label, ast.Name)]
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Tuple)
        and node.targets[0].id in ("CORE", "EDGES")
    }


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
        text = decode_source(content) if isinstance(content, bytes) else content
        exec(compile(text, str(path), "exec"), vars(module))
    finally:
        with contextlib.suppress(ValueError):  # the file may have made sys.path anew
            sys.path.remove(str(path.parent))
    return vars(module)
