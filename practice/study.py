"""Hints, solutions, a fresh start, and exercises to do again."""

import ast
import difflib
import re
import shutil
import subprocess
import time
from pathlib import Path

from practice.common import Problem, ago, count, name_of, title_of
from practice.exercises import ROOT, find, labels_of, solution_of
from practice.progress import EMPTY, Progress

HINT = re.compile(r"<details><summary>Hint \d+</summary>\n+(.+?)\n+</details>", re.S)
DAY = 86400


def hint(path: Path) -> None:
    """One more each time, and the earlier ones again."""
    hints = hints_for(path)
    with Progress().changing(path) as known:
        known["hints"] = min(known["hints"] + 1, len(hints))
        taken = known["hints"]
    for number, text in enumerate(hints[:taken], 1):
        print(f"Hint {number} of {len(hints)}\n{text}\n")
    if taken == len(hints):
        print(f"That was the last. The ideas of the level: {path.parent.name}/README.md")


def hints_for(path: Path) -> list[str]:
    readme = (path.parent / "README.md").read_text(encoding="utf-8")
    section = readme.partition(f"### {path.stem}\n")[2].partition("\n### ")[0]
    hints = HINT.findall(section)
    if not hints:
        raise Problem(f"{path.parent.name}/README.md has no hint for {path.stem}")
    return hints


def passed_or_forced(path: Path, force: bool) -> None:
    if not (force or Progress().has_passed(path)):
        raise Problem(
            f"{name_of(path)} has not passed as it is now. Its solution is shown after a pass, or "
            "with --force."
        )


def solution(path: Path, force: bool) -> None:
    passed_or_forced(path, force)
    print(solution_of(path).read_text(encoding="utf-8"), end="")


def diff(path: Path, force: bool) -> None:
    """What is between the learner's definitions and the solution's, of the same names."""
    passed_or_forced(path, force)
    if not path.exists():
        raise Problem(f"{name_of(path)} is gone: python -m practice reset {path.stem}")
    mine = path.read_text(encoding="utf-8", errors="replace")
    theirs = solution_of(path).read_text(encoding="utf-8")
    try:
        wanted = set(definitions(theirs))
        pair = [definitions(text) for text in (mine, theirs)]
        left, right = ("\n\n".join(of[n] for n in of if n in wanted).splitlines() for of in pair)
    except SyntaxError:
        left, right = mine.splitlines(), theirs.splitlines()
    names = name_of(path), name_of(solution_of(path))
    lines = list(difflib.unified_diff(left, right, *names, lineterm="", n=99))
    print("\n".join(lines) if lines else "They are the same.")


def definitions(text: str) -> dict[str, str]:
    """The source of each function and class, by name."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = ast.get_source_segment(text, node) or ""
    return found


def reset(path: Path) -> None:
    """The untouched file in place of the learner's, of which a copy is kept first."""
    progress, old = Progress(), untouched(path)
    if path.exists():
        if path.read_bytes() == old:
            print(f"{name_of(path)} is untouched.")
            return
        print(f"Yours is kept: {progress.keep(path).relative_to(ROOT).as_posix()}")
    path.write_bytes(old)
    print(f"{name_of(path)} is as it was handed out.")


def untouched(path: Path) -> bytes:
    """The file as it was handed out, also behind a learner's commits, as git knows it.

    Of the versions whose statement has the labels of today's check: of a challenge the newest with
    the most holes, of a bug hunt the newest whose code is still that of the first.
    """
    name = f"./{name_of(path)}"  # the course may lie in a larger repository
    commits = git("log", "--format=%H", "--diff-filter=AM", "--", name).decode().split()
    versions = [git("show", f"{commit}:{name}") for commit in commits]
    if not versions:
        raise Problem(f"git knows no version of {name_of(path)}; copy it from where you have it")
    labels = [label for part in labels_of(path).values() for label in part]
    versions = [v for v in versions if labels_in(v) == labels] or versions
    holes = [version.count(b" raise NotImplementedError(") for version in versions]
    if any(holes):
        return versions[holes.index(max(holes))]
    return next(version for version in versions if code_in(version) == code_in(versions[-1]))


def labels_in(version: bytes) -> list[str]:
    """Of its statement: what stands indented by four behind the line that begins the core."""
    core = version.decode(errors="replace").partition("\nCore, ")[2].partition('"""')[0]
    return re.findall(r"^    (\w+) {2,}\S", core, re.M)


def code_in(version: bytes) -> dict[str, str]:
    """What it defines; nothing if it is no Python."""
    try:
        return definitions(version.decode(errors="replace"))
    except (SyntaxError, ValueError):
        return {}


def git(*arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"").decode(errors="replace").strip() or error
        raise Problem(
            "this needs git and a clone of the course, and git says: "
            f"{said}\nWithout them: copy the file from where you have this course from. "
            "Keep your own version under another name."
        ) from None
    return done.stdout


def review() -> None:
    """Exercises whose core held, those first that are due: long ago, many attempts, many hints."""
    state, due = Progress().read()["exercises"], []
    for path in find():
        known = {**EMPTY, **state.get(name_of(path), {})}
        earned = {**known["cores"], **known["passes"]}
        if not earned:
            continue
        passed = max([*earned.values(), known.get("reviewed", 0)])
        hard = known["attempts"] + 2 * known["hints"]
        wait = DAY * 32 / (1 + hard)  # the harder it was, the sooner again
        due.append(((time.time() - passed) / wait, passed, known, path))
    if not due:
        raise Problem("nothing has passed yet; python -m practice next says where to start")
    print("To do again, the most urgent first:\n")
    for _, passed, known, path in sorted(due, key=lambda item: -item[0])[:8]:
        effort = f"{count(known['attempts'], 'attempt')}, {count(known['hints'], 'hint')}"
        print(f"{name_of(path):60}  passed {ago(passed)}, {effort}")
    print("\npython -m practice review NAME gives you an untouched copy; your answer stays.")


def lay_out(path: Path, folder: Path) -> None:
    """The untouched exercise in this folder, with the given files that it may import."""
    (folder / path.name).write_bytes(untouched(path))
    for given in path.parent.glob("*.py"):
        if not re.match("challenge_|solution_|buggy_code_", given.name):
            shutil.copyfile(given, folder / given.name)


def review_one(path: Path) -> Path:
    """An untouched copy of the exercise, with what lies beside it that it imports."""
    folder = ROOT / ".practice" / "review" / path.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    copy, progress = folder / path.name, Progress()
    if copy.exists():
        print(f"The last one is kept: {progress.keep(copy).relative_to(ROOT).as_posix()}")
    lay_out(path, folder)
    with progress.changing(path) as known:
        known["reviewed"] = time.time()
    print(f"{title_of(path)}\nFill it in and run it:\n    python {name_of(copy)}")
    return copy
