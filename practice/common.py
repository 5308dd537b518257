"""What the commands share: how exercises are named, and words for verdicts."""

import difflib
import os
import re
import sys
import time
from pathlib import Path

from practice.exercises import ROOT, Problem, find, no_file, text_of, what_is
from practice.progress import Progress
from practice.runner import Result, printable

WORDS = {
    "PASS": "pass",
    "CORE": "core",
    "FAIL": "not yet",
    "TODO": "to do",
    "CRASH": "crash",
    "TIME": "time limit",
    "MEMORY": "memory limit",
    "STOPPED": "stopped early",
}
COLORS = {"PASS": "32", "CORE": "36", "TODO": "33"}  # all others are red


def named(word: str) -> Path:
    """The one exercise that is meant."""
    exercises = find() + deleted()
    found = matching(word, exercises)
    if len(found) == 1:
        return found[0]
    if found:
        several = "\n".join(f"    {name_of(path)}" for path in found)
        raise Problem(f"{word} may be any of\n{several}")
    stems = {path.stem: path for path in exercises}
    near = difflib.get_close_matches(word, stems, n=3, cutoff=0.4)
    near += [stem for stem in stems if any(w and w in stem for w in re.split(r"\W|_", word))]
    near = list(dict.fromkeys(near))[:5]
    hint = "\n".join(f"    {name_of(stems[stem])}" for stem in near)
    raise Problem(
        f"no exercise has {word} in its path" + (f"; near ones are\n{hint}" if hint else "")
    )


def matching(word: str, exercises: list[Path]) -> list[Path]:
    word = word.replace("\\", "/").removeprefix(f"{ROOT.as_posix()}/").removeprefix("./")
    word = word.removesuffix(".py").casefold()
    exact = [p for p in exercises if word in (p.stem, p.stem.partition("_")[2], name_of(p)[:-3])]
    return exact or [p for p in exercises if word in name_of(p).casefold()]


def deleted() -> list[Path]:
    """Exercises that are not there, though their solutions are."""
    missing = []
    for solution in sorted(ROOT.glob("[0-9]*/solution_*.py")):
        name = solution.name.removeprefix("solution_")
        name = f"buggy_code_{name[4:]}" if name.startswith("bug_") else f"challenge_{name}"
        if not os.path.lexists(solution.with_name(name)):
            missing.append(solution.with_name(name))
    return missing


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def ago(then: float) -> str:
    seconds = max(0, time.time() - then)
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            n = int(seconds // size)
            return f"{count(n, unit)} ago"
    return "just now"


def count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def paint(text: str, color: str) -> str:
    if not color or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{color}m{text}\033[0m"


def show(path: Path, result: Result) -> None:
    """What was printed, the page's last line in color; if there is none, what happened instead."""
    state, detail, _ = result.verdict
    color, output = COLORS.get(state, "31"), result.output.rstrip("\n")
    if detail and output.endswith(detail):
        print(output.removesuffix(detail) + paint(detail, color))
    else:
        if output:
            print(output)
        print(f"{paint(WORDS[state], color)}: {name_of(path)}\n    {detail}".rstrip())


def next_one(progress: Progress, after: Path | None = None) -> Path | None:
    """The first exercise, in the order from `after` on, whose core does not hold as it is now; if
    all do, the first that has not passed.
    """
    state, exercises = progress.read(), find()
    start = exercises.index(after) + 1 if after in exercises else 0
    order = exercises[start:] + exercises[:start]
    for has_it in (progress.has_core, progress.has_passed):
        for path in order:
            if not has_it(path, state):
                return path
    return None


def last_one(progress: Progress) -> Path | None:
    """The exercise that was judged last."""
    known = progress.read()["exercises"]
    last = {path: known.get(name_of(path), {}).get("last") for path in find()}
    judged = [path for path in last if last[path]]
    return max(judged, key=lambda path: last[path]["time"], default=None)


def short(path: Path, exercises: list[Path]) -> str:
    """What to type for it: without its level, if no other has that name."""
    if sum(other.name == path.name for other in exercises) > 1:
        return name_of(path).removesuffix(".py")
    return path.stem.removeprefix("challenge_")


def title_of(path: Path) -> str:
    """The first line of the file, or what stands in its place."""
    what = what_is(path)
    return f"({what})" if what else printable(text_of(path).partition("\n")[0].strip('" '))


def need_file(path: Path) -> None:
    """Where there is none that can be read: say what to do."""
    if trouble := no_file(path):
        raise Problem(trouble)
