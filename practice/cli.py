"""The commands of `python -m practice`. Nothing here imports torch: only workers do."""

import argparse
import itertools
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from practice import editor, mock, study, watch
from practice.common import (
    COLORS,
    WORDS,
    Problem,
    ago,
    last_one,
    name_of,
    named,
    need_file,
    next_one,
    paint,
    short,
    show,
    title_of,
)
from practice.exercises import Verdict, facts_of, find, no_file
from practice.progress import EMPTY, Progress
from practice.runner import NoWorker, Worker

WIDTH = 100  # characters of a line


def main(arguments: Sequence[str]) -> int:
    if sys.platform == "win32":
        os.system("")  # older consoles then understand colors
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        if arguments[:1] == ["drill"]:
            from practice import drill  # here and for doctor: the overview has to come at once

            return drill.main(list(arguments[1:]))
        options = parser().parse_args(arguments)
        result = options.run(options)
        return result if isinstance(result, int) else 0
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 2
    except NoWorker as trouble:
        last = "".join(str(trouble).splitlines()[-1:])
        print(
            f"The checks cannot run here: {last}\nMore: python -m practice doctor", file=sys.stderr
        )
        return 2
    except BrokenPipeError:  # python -m practice list | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:  # .practice cannot be written, say
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        "python -m practice", description="Where you stand, and what comes next."
    )
    top.set_defaults(run=lambda options: overview())
    commands = top.add_subparsers(title="commands", metavar="command")

    def command(
        word: str, help: str, run: Callable[[argparse.Namespace], object], /, **argument: str
    ) -> argparse.ArgumentParser:
        new = commands.add_parser(word, help=help, description=help)
        new.set_defaults(run=run)
        for key, text in argument.items():
            optional = {"nargs": "?"} if "otherwise" in text else {}
            new.add_argument(key, help=text, **optional)  # type: ignore[arg-type]
        return new

    name = "any part of its path that no other exercise has"
    command(
        "list",
        "the exercises, and which have passed; edited: one that had, before you changed it",
        lambda o: list_exercises(o.level),
        level="its number, such as 4 or 04, or a part of its name; otherwise all",
    )
    command("next", "what to do next", lambda o: show_next())
    check = command(
        "check",
        "the verdict on an exercise, a level or all",
        lambda o: check_exercises(o.name, o.all),
        name=f"{name}, or a level, such as 4 or 04; otherwise the next one",
    )
    check.add_argument("--all", action="store_true", help="every exercise")
    command(
        "edit",
        "opens it at its first hole, in $VISUAL, $EDITOR or the VS Code whose terminal this is",
        lambda o: editor.edit(named(o.name) if o.name else the_next()),
        name=f"{name}; otherwise the next one",
    )
    watched = command(
        "watch",
        "the verdict after every save",
        lambda o: watch.start(named(o.name) if o.name else next_one(Progress()), o.edit),
        name=f"{name}; otherwise the next one",
    )
    watched.add_argument("--edit", action="store_true", help="opens each in a window, as edit does")
    last = f"{name}; otherwise the one judged last"
    command(
        "why",
        "the known mistake that fails as yours does",
        lambda o: why(meant(o.name)),
        name=f"{last}, or the next one if that has passed",
    )
    command(
        "hint",
        "one more hint each time",
        lambda o: study.hint(meant(o.name)),
        name=f"{last}, or the next one if that has passed",
    )
    answer = command(
        "solution",
        "the reference solution, after a pass",
        lambda o: study.solution(meant(o.name, after_pass=True), o.force),
        name=last,
    )
    answer.add_argument("--force", action="store_true", help="without a pass")
    command(
        "diff",
        "your answer beside the reference, after a pass",
        lambda o: study.diff(meant(o.name, after_pass=True), o.force),
        name=last,
    ).add_argument("--force", action="store_true", help="without a pass")
    command(
        "reset",
        "the untouched file again; yours is kept in .practice/attempts",
        lambda o: study.reset(named(o.name)),
        name=name,
    )
    again = command(
        "review",
        "passed exercises to do again, on a copy",
        lambda o: review(o.name, o.until),
        name=f"{name}; otherwise the list",
    )
    again.add_argument("--until", metavar="DATE", help="a plan of what to do again, day by day")
    interview = command(
        "mock",
        "an interview of three tasks, with a clock; goes on with the last one if that was paused",
        lambda o: mock.mock(o.minutes, o.seed, o.set),
    )
    interview.add_argument("--minutes", type=mock.minutes, help="up to 600; 45 if left out")
    interview.add_argument("--seed", type=int, help="the same seed draws the same tasks")
    interview.add_argument("--set", metavar="NAME", help="the tasks of a set in INTERVIEWS.md")
    command(
        "placement",
        "ten sums and three bug hunts, which say where on the path to start",
        lambda o: find_place(o.seed),
    ).add_argument("--seed", type=int, help="the same seed gives the same questions")
    command(
        "update",
        "the newest course, with your answers in it",
        lambda o: get_newest(o.source),
        source="a folder, a ZIP file or a git address; otherwise where your clone comes from",
    )
    command("doctor", "whether Python, torch and this machine fit", lambda o: run_doctor())
    commands.add_parser("drill", help="sums that interviewers ask for, graded at once")
    return top


def get_newest(source: str | None) -> None:
    from practice.update import update

    update(source)


def find_place(seed: int | None) -> None:
    from practice.placement import placement

    placement(seed)


def run_doctor() -> int:
    from practice.doctor import doctor

    return doctor()


# --- where you stand ---------------------------------------------------------------------------


def overview() -> None:
    progress, exercises = Progress(), find()
    state = progress.read()
    levels: dict[str, str] = {}
    for path in exercises:
        mark = "#" if progress.has_passed(path, state) else "+-"[not progress.has_core(path, state)]
        levels[path.parent.name] = levels.get(path.parent.name, "") + mark
    wide, most = (max(map(len, of), default=0) for of in (levels, levels.values()))
    for level, marks in levels.items():
        bar = "".join(sorted(marks, key="#+-".index)).replace("-", ".")
        color = "32" if "#" * len(bar) == bar else "36" if "." not in bar else ""
        print(f"{level:{wide}}  {paint(bar, color)}{'':{most - len(bar)}}  {told(bar)}")
    print(f"\n{told(''.join(levels.values()))}      (# passed, + the core holds)")
    last = max(
        (
            (of["last"]["time"], name, of["last"]["state"])
            for name, of in state["exercises"].items()
            if of.get("last")
        ),
        default=None,
    )
    if last:
        print(f"Last: {last[1]}, {WORDS.get(last[2], last[2])}, {ago(last[0])}")
    show_next()


def told(marks: str) -> str:
    """How many have passed, and of how many others the core holds."""
    core = f", {marks.count('+')} more hold the core" * bool(marks.count("+"))
    return f"{marks.count('#')} of {len(marks)} passed{core}"


def show_next() -> None:
    path = next_one(Progress())
    if path is None:
        print("All have passed. To do some again: python -m practice review")
        return
    print(f"Next: {no_file(path) or f'{name_of(path)}  {title_of(path)}'}")
    print(f"    python -m practice watch {short(path, find())}")


def the_next() -> Path:
    path = next_one(Progress())
    if path is None:
        raise Problem("all have passed, so it needs a name")
    return path


def meant(name: str | None, after_pass: bool = False) -> Path:
    """The exercise of that name; without one, that which was judged last, and told in a line."""
    if name:
        return named(name)
    progress = Progress()
    path = last_one(progress)
    if path is None or (progress.has_passed(path) and not after_pass):
        path = the_next()
    print(f"{name_of(path)}  {title_of(path)}\n", flush=True)
    return path


def list_exercises(word: str | None) -> None:
    everything = find()
    exercises = level_of(word) if word else everything
    if word and not exercises:
        exercises = [p for p in everything if word in p.parent.name]
    if not exercises:
        names = ", ".join(dict.fromkeys(p.parent.name for p in everything))
        raise Problem(f"no level has {word} in its name; there are {names}")
    states = dict(zip(exercises, states_of(exercises), strict=True))
    widest = max(len(state) for state, _ in states.values())
    for level, group in itertools.groupby(exercises, lambda path: path.parent.name):
        print(level)
        shown = {path: short(path, everything) for path in group}
        wide = max(map(len, shown.values()))
        for path, name in shown.items():
            state, color = states[path]
            _, difficulty, minutes = facts_of(path)
            length = f"{minutes:2} min" if minutes else ""
            line = f"  {difficulty:6}  {length:6}  {name:{wide}}  "
            room = max(8, WIDTH - 2 - widest - len(line))
            title = textwrap.shorten(title_of(path), room, placeholder=" ...")
            print(f"  {paint(f'{state:{widest}}', color)}{line}{title}".rstrip())


def states_of(exercises: list[Path]) -> Iterator[tuple[str, str]]:
    """A word for what is known of each, and its color."""
    progress = Progress()
    state = progress.read()
    for path in exercises:
        known = {**EMPTY, **state["exercises"].get(name_of(path), {})}
        if progress.has_passed(path, state):
            yield "pass", COLORS["PASS"]
        elif progress.has_core(path, state):
            yield "core", COLORS["CORE"]
        elif known["passes"]:
            yield "edited", ""
        else:
            yield WORDS[known["last"]["state"]] if known["last"] else "", ""


def level_of(word: str) -> list[Path]:
    """The exercises of a level, by its name, its number (4 or 04) or what follows the number."""
    word = word.strip("/").casefold()
    names = word, word.zfill(2)
    return [
        path for path in find() if {path.parent.name, *path.parent.name.split("_", 1)} & set(names)
    ]


def review(name: str | None, until: str | None) -> None:
    if name and until is not None:
        raise Problem(f"either {name} or --until")
    if until is not None:
        study.plan(until)
    elif name:
        study.review_one(named(name))
    else:
        study.review()


# --- verdicts ----------------------------------------------------------------------------------


def check_exercises(name: str | None, everything: bool) -> int:
    progress = Progress()
    if everything and name is not None:
        raise Problem(f"either {name} or --all")
    if everything:
        return check_many(progress, find())
    if name is None:
        path = next_one(progress)
        if path is None:
            raise Problem("all have passed; to check them again: python -m practice check --all")
        return check_one(progress, path)
    if level := level_of(name):
        return check_many(progress, level)
    return check_one(progress, named(name))


def check_one(progress: Progress, path: Path) -> int:
    need_file(path)
    worker = Worker()
    try:
        worker.judge(path)
        result = worker.wait()
    finally:
        worker.stop()
    show(path, result)
    progress.record(path, result.text, result.verdict)
    return result.verdict.state != "PASS"


def why(path: Path) -> None:
    need_file(path)
    worker = Worker()
    try:
        worker.judge(path, "why")
        result = worker.wait()
    finally:
        worker.stop()
    print((result.output or result.verdict.detail).rstrip())


def cores() -> int:
    """Those that we may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_many(progress: Progress, paths: list[Path]) -> int:
    """All of them, on all cores, told as they come; what is not a pass again at the end."""
    waiting, verdicts = list(paths), dict[Path, Verdict]()
    workers: dict[Worker, Path | None] = {}
    live = sys.stdout.isatty()
    try:
        while waiting or any(workers.values()):
            for worker, path in list(workers.items()):
                if path is not None and (result := worker.poll()):
                    verdicts[path], workers[worker] = result.verdict, None
                    progress.record(path, result.text, result.verdict)
                    line = f"{WORDS[result.verdict.state]:14}{name_of(path)}"
                    print(f"\r{line}\033[K" if live else line, flush=True)
                    if live:
                        print(f"{len(verdicts)} of {len(paths)}", end="", flush=True)
                if worker.is_spent:
                    del workers[worker]
            while waiting and len(workers) < min(cores(), len(paths)):
                workers[Worker()] = None
            for worker, path in workers.items():
                if path is None and waiting:
                    workers[worker] = following = waiting.pop(0)
                    worker.judge(following)
            time.sleep(0.002)
    finally:
        for worker in workers:
            worker.stop()
    if live:
        print("\r\033[K", end="")
    for path in paths:
        state, detail, _ = verdicts[path]
        if state not in ("PASS", "TODO"):
            print(f"\n{name_of(path)}\n    " + detail.replace("\n", "\n    "))
    marks = {"PASS": "#", "CORE": "+"}
    bar = "".join(marks.get(verdict.state, "-") for verdict in verdicts.values())
    print(f"\n{told(bar)}")
    return set(bar) != {"#"}
