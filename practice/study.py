"""Hints, solutions, a fresh start, and exercises to do again."""

import ast
import difflib
import re
import textwrap
import time
from pathlib import Path
from typing import Any

from practice.common import Problem, ago, count, name_of, need_file, short, title_of
from practice.exercises import ROOT, facts_of, find, read, solution_of, text_of, what_is
from practice.progress import EMPTY, Progress, make_folder, write
from practice.runner import printable

HINT = re.compile(r"<details><summary>Hint \d+</summary>\n+(.+?)\n+</details>", re.S)
DAY = 86400
COPY = "python -m practice review NAME gives you an untouched copy; your answer stays."
PAGES = "practice/pages.zip"  # each exercise's page as it is handed out; tests/pages.py writes it


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
    need_file(path)
    mine = text_of(path)
    theirs = solution_of(path).read_text(encoding="utf-8")
    try:
        wanted = set(definitions(theirs))
        pair = [definitions(text) for text in (mine, theirs)]
        left, right = ("\n\n".join(of[n] for n in of if n in wanted).splitlines() for of in pair)
    except SyntaxError:
        left, right = mine.splitlines(), theirs.splitlines()
    names = name_of(path), name_of(solution_of(path))
    lines = list(difflib.unified_diff(left, right, *names, lineterm="", n=99))
    print(printable("\n".join(lines)) if lines else "They are the same.")


def definitions(text: str) -> dict[str, str]:
    """The source of each function and class, by name."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = ast.get_source_segment(text, node) or ""
    return found


def reset(path: Path) -> None:
    """The untouched file in place of the learner's, of which a copy is kept first."""
    if not what_is(path) and not path.is_symlink() and plain(read(path)) == untouched(path):
        print(f"{name_of(path)} is untouched.")
        return
    put_untouched(path, path)
    print(f"{name_of(path)} is as it was handed out.")


def put_untouched(exercise: Path, path: Path) -> None:
    """The untouched exercise at a path, whatever stands there; of what is an answer, a copy is kept
    first. A link is replaced, not followed.
    """
    page = untouched(exercise)
    make_folder(path.parent)
    if path.is_file() or (path.is_dir() and not path.is_symlink()):
        print(f"Yours is kept: {name_of(Progress().keep(path))}")
    write(path, page)


def untouched(path: Path) -> bytes:
    """The file as this release of the course hands it out."""
    import zipfile  # here: the overview has to come at once

    try:
        with zipfile.ZipFile(ROOT / PAGES) as pages:
            return pages.read(name_of(path))
    except KeyError:
        raise Problem(f"{PAGES} has no {name_of(path)}: it is not of this course") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise Problem(
            f"{PAGES}, which holds the untouched files, cannot be read ({error}). Get it back: "
            "python -m practice update"
        ) from None


def plain(content: bytes) -> bytes:
    """With the line ends of the course: git on Windows may have changed them."""
    return content.replace(b"\r\n", b"\n")


def review() -> None:
    """The most urgent exercises to do again."""
    todo = list(due().items())[:8]
    print("To do again, the most urgent first:\n")
    for path, known in todo:
        effort = f"{count(known['attempts'], 'attempt')}, {count(known['hints'], 'hint')}"
        print(f"{name_of(path):60}  passed {ago(known['done'])}, {effort}")
    print(f"\n{COPY}")


def due() -> dict[Path, dict[str, Any]]:
    """Exercises whose core held, with what is known of them and when they were last done; those
    first that are due: long ago, many attempts, many hints.
    """
    state, urgent = Progress().read()["exercises"], []
    for path in find():
        known = {**EMPTY, **state.get(name_of(path), {})}
        earned = {**known["cores"], **known["passes"]}
        if not earned:
            continue
        known["done"] = max([*earned.values(), known.get("reviewed", 0)])
        hard = known["attempts"] + 2 * known["hints"]
        wait = DAY * 32 / (1 + hard)  # the harder it was, the sooner again
        urgent.append(((time.time() - known["done"]) / wait, path, known))
    if not urgent:
        raise Problem("nothing has passed yet; python -m practice next says where to start")
    return {path: known for _, path, known in sorted(urgent, key=lambda item: -item[0])}


def plan(until: str) -> None:
    """What passed, spread over the days from today to a date: each once, the most urgent first.
    If there are more days than exercises, what was hard comes twice.
    """
    from datetime import date, datetime, timedelta  # here: the overview has to come at once

    today = date.today()
    try:
        end = datetime.strptime(until, "%Y-%m-%d").date()
    except ValueError:
        wanted = today + timedelta(days=14)
        raise Problem(f"--until wants a date, such as {wanted}, and not {until}") from None
    days = (end - today).days + 1
    if days < 1:
        raise Problem(f"{end} is past, today is {today}")
    todo = due()
    hard = [path for path, known in todo.items() if known["attempts"] > 3 or known["hints"]]
    turns = [*todo, *hard[: max(0, days - len(todo))]]
    by_day: dict[date, list[Path]] = {}
    for i, path in enumerate(turns):
        by_day.setdefault(today + timedelta(days=i * days // len(turns)), []).append(path)
    print(f"To do again, the most urgent first, in {count(days, 'day')} until {end}:\n")
    for day, paths in by_day.items():
        minutes = sum(facts_of(path).minutes for path in paths)
        names = ", ".join(short(path, find()) for path in paths)
        begin = f"{day:%a %Y-%m-%d}  {f'{minutes} min' if minutes else '':7}  "
        print(textwrap.fill(names, 100, initial_indent=begin, subsequent_indent=" " * len(begin)))
    print(f"\n{COPY}")


def lay_out(path: Path, folder: Path) -> None:
    """The untouched exercise in this folder, with the given files that it may import."""
    put_untouched(path, folder / path.name)
    for given in path.parent.glob("*.py"):
        if not re.match("challenge_|solution_|buggy_code_", given.name) and not what_is(given):
            write(folder / given.name, read(given))


def review_one(path: Path) -> Path:
    """An untouched copy of the exercise, with what lies beside it that it imports."""
    folder = ROOT / ".practice" / "review" / path.parent.name
    copy = folder / path.name
    lay_out(path, folder)
    with Progress().changing(path) as known:
        known["reviewed"] = time.time()
    print(f"{title_of(path)}\nFill it in and run it:\n    python {name_of(copy)}")
    return copy
