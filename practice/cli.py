"""The commands of `python -m practice`. Nothing here imports torch: only workers do."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from practice import mock, study, watch
from practice.common import (
    COLORS,
    WORDS,
    Problem,
    ago,
    matching,
    name_of,
    named,
    next_one,
    paint,
    show,
    title_of,
)
from practice.exercises import Verdict, find
from practice.progress import Progress
from practice.runner import NoWorker, Worker


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
        "the exercises, and which have passed",
        lambda o: list_exercises(o.level),
        level="a part of the level's name, such as 04; otherwise all",
    )
    command("next", "what to do next", lambda o: show_next())
    check = command(
        "check",
        "the verdict on an exercise, a level or all",
        lambda o: check_exercises(o.name, o.all),
        name=f"{name}, or a level, such as 04; otherwise the next one",
    )
    check.add_argument("--all", action="store_true", help="every exercise")
    command(
        "watch",
        "the verdict after every save",
        lambda o: watch.start(named(o.name) if o.name else next_one(Progress())),
        name=f"{name}; otherwise the next one",
    )
    command(
        "why", "the known mistake that fails as yours does", lambda o: why(named(o.name)), name=name
    )
    command("hint", "one more hint each time", lambda o: study.hint(named(o.name)), name=name)
    answer = command(
        "solution",
        "the reference solution, after a pass",
        lambda o: study.solution(named(o.name), o.force),
        name=name,
    )
    answer.add_argument("--force", action="store_true", help="without a pass")
    command(
        "diff",
        "your answer beside the reference, after a pass",
        lambda o: study.diff(named(o.name), o.force),
        name=name,
    ).add_argument("--force", action="store_true", help="without a pass")
    command(
        "reset",
        "the untouched file again; yours is kept in .practice/attempts",
        lambda o: study.reset(named(o.name)),
        name=name,
    )
    command(
        "review",
        "passed exercises to do again, on a copy",
        lambda o: study.review_one(named(o.name)) if o.name else study.review(),
        name=f"{name}; otherwise the list",
    )
    interview = command(
        "mock",
        "an interview of three tasks, with a clock; goes on with the last one if that was paused",
        lambda o: mock.mock(o.minutes, o.seed),
    )
    interview.add_argument("--minutes", type=mock.minutes, help="up to 600; 45 if left out")
    interview.add_argument("--seed", type=int, help="the same seed draws the same tasks")
    command("doctor", "whether Python, torch and this machine fit", lambda o: run_doctor())
    commands.add_parser("drill", help="sums that interviewers ask for, graded at once")
    return top


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
    print(f"Next: {name_of(path)}  {title_of(path)}")
    unique = len(matching(path.stem, find())) == 1
    print(f"    python -m practice watch {path.stem if unique else name_of(path)}")


def list_exercises(level: str | None) -> None:
    progress, exercises = Progress(), find()
    state = progress.read()
    if level:
        exercises = [p for p in exercises if level in p.parent.name]
        if not exercises:
            names = ", ".join(dict.fromkeys(p.parent.name for p in find()))
            raise Problem(f"no level has {level} in its name; there are {names}")
    for path in exercises:
        known = state["exercises"].get(name_of(path), {})
        if progress.has_passed(path, state):
            word = paint("pass", COLORS["PASS"])
        elif progress.has_core(path, state):
            word = paint("core", COLORS["CORE"])
        elif known.get("passes"):
            word = "edited since it passed"
        else:
            word = WORDS.get(known.get("last", {}).get("state"), "")
        print(f"{name_of(path):60}  {word}".rstrip())


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
    word = name.strip("/")
    level = [p for p in find() if word in (p.parent.name, *p.parent.name.split("_", 1))]
    if level:
        return check_many(progress, level)
    return check_one(progress, named(name))


def check_one(progress: Progress, path: Path) -> int:
    if not path.exists():
        raise Problem(f"{name_of(path)} is gone: python -m practice reset {path.stem}")
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
