"""`python -m practice mock`: an interview. A bug hunt, a model and a training task, and a clock.

The tasks lie untouched in a folder of their own, .practice/mock/<start>/, so that nothing of yours
is touched. The interview is kept in session.json there: an interrupted one goes on where it was.
"""

import json
import queue
import random
import re
import time
from pathlib import Path
from typing import Any

from practice.common import COLORS, WORDS, count, name_of, paint, show
from practice.exercises import ROOT, find, solution_of
from practice.progress import Progress, text_hash, unused, write
from practice.runner import Worker
from practice.study import hints_for, lay_out
from practice.watch import lines_typed

KINDS = {
    "bug hunt": r"buggy_code_",
    "model": r"(02|12|13)_",
    "training or transformer": r"(03|05|06|07|08|10|11)_",
}
HELP = "check NAME, hint NAME, time, pause (goes on later with python -m practice mock) or done"


def mock(minutes: float | None, seed: int | None) -> int:
    session = unfinished()
    if session is None:
        session = begin(45.0 if minutes is None else minutes, seed)
    elif minutes is not None or seed is not None:
        print("--minutes and --seed are for a new one; done ends this one.")
    save(session)
    folder = Path(session["folder"])
    print(f"The tasks lie in {folder.relative_to(ROOT).as_posix()}/:\n")
    for task in session["tasks"]:
        print(f"    {task['file']:40} {task['kind']}")
    print(f"\nEdit them there. Here you type {HELP}.")
    worker, typed = Worker(), lines_typed()
    try:
        while True:
            print(f"[{clock(left(session))}] ", end="", flush=True)
            try:
                line = typed.get(timeout=max(0, left(session)))
            except queue.Empty:
                print("\nTime is up.")
                break
            words = line.split()
            if not line or words == ["pause"]:
                print("Paused; the clock stands still. It goes on with: python -m practice mock")
                return 0
            if words == ["done"]:
                break
            if words[:1] in (["check"], ["hint"]) and len(words) == 2:
                task = task_named(session, words[1])
                if task is None:
                    print(f"No task has {words[1]} in its name.")
                elif words[0] == "hint":
                    hint(task)
                else:
                    worker = check(session, task, worker)
            elif words != ["time"]:
                print(f"Type {HELP}.")
            save(session)  # a killed runner loses nothing of it
        report(session)
        return 0
    finally:
        save(session)
        worker.stop()


def begin(minutes: float, seed: int | None) -> dict[str, Any]:
    """Draw the tasks from the levels that were reached, and lay them out untouched."""
    seed = random.randrange(10**6) if seed is None else seed
    draw, progress, exercises = random.Random(seed), Progress(), find()
    state = progress.read()
    passed = [path for path in exercises if progress.has_passed(path, state)]
    reached = max([path.parent.name for path in passed], default="")
    reached = max(reached, "04")  # before that there is no choice at all
    tasks: list[dict[str, Any]] = []
    folder = unused(ROOT / ".practice" / "mock" / time.strftime("%Y-%m-%d_%H-%M-%S"))
    folder.mkdir(parents=True)
    for kind, pattern in KINDS.items():
        fit = [p for p in exercises if re.search(pattern, name_of(p))]
        fit = [p for p in fit if kind == "bug hunt" or "buggy_code_" not in p.name]
        near = [p for p in fit if p.parent.name[:2] <= reached[:2]] or fit[:1]
        if not near:
            continue
        path = draw.choice(near)
        place = folder / path.parent.name
        place.mkdir(exist_ok=True)
        lay_out(path, place)
        tasks.append({"kind": kind, "file": name_of(path), "hints": 0, "checks": 0, "passed": None})
    session = {"folder": str(folder), "seed": seed, "minutes": minutes, "spent": 0.0}
    session |= {"resumed": time.time(), "tasks": tasks, "ended": False}
    print(f"An interview of {minutes:g} minutes. To have these tasks again: --seed {seed}")
    return session


def unfinished() -> dict[str, Any] | None:
    """The latest interview, if it has not ended; its clock goes on from now."""
    for file in sorted((ROOT / ".practice" / "mock").glob("*/session.json"), reverse=True):
        try:
            session: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            session |= {"resumed": time.time(), "folder": str(file.parent)}  # it may have moved
            if session["ended"] or left(session) <= 0:
                return None
            print(f"An interview goes on, {clock(left(session))} left.")
            return session
        except (ValueError, KeyError, TypeError):
            continue  # an unreadable one cannot go on
    return None


def left(session: dict[str, Any]) -> float:
    spent = session["spent"] + time.time() - session["resumed"]
    return float(session["minutes"] * 60 - spent)


def clock(seconds: float) -> str:
    seconds = max(0, int(seconds))
    return f"{seconds // 60}:{seconds % 60:02}"


def save(session: dict[str, Any]) -> None:
    """With the time spent so far."""
    now = time.time()
    session["spent"] += now - session["resumed"]
    session["resumed"] = now
    write(Path(session["folder"], "session.json"), json.dumps(session, indent=1).encode())


def task_named(session: dict[str, Any], word: str) -> dict[str, Any] | None:
    return next((task for task in session["tasks"] if word in task["file"]), None)


def check(session: dict[str, Any], task: dict[str, Any], worker: Worker) -> Worker:
    """Judge the task's file; a worker to go on with."""
    path = Path(session["folder"], task["file"])
    if not text_hash(path):
        print(f"{path.name} is gone.")
        return worker
    worker.judge(path)
    result = worker.wait()
    show(path, result)
    task["checks"] += 1
    spent = session["minutes"] * 60 - left(session)
    for what, states in (("passed", ("PASS",)), ("core", ("PASS", "CORE"))):
        if result.verdict.state in states and task.get(what) is None:
            task[what] = spent
    held = list(result.verdict.labels.values())
    task["labels"] = f"{held.count('ok')} of {len(held)} labels" if held else "no verdict"
    return Worker() if worker.is_spent else worker


def hint(task: dict[str, Any]) -> None:
    hints = hints_for(ROOT / task["file"])
    task["hints"] = min(task["hints"] + 1, len(hints))
    print(hints[task["hints"] - 1])


def report(session: dict[str, Any]) -> None:
    session["ended"] = True
    tasks = session["tasks"]
    passed, core = (sum(t.get(of) is not None for t in tasks) for of in ("passed", "core"))
    print(f"\nThe core holds in {core} of {len(tasks)}, {passed} passed\n")
    for task in tasks:
        if task["passed"] is not None:
            word = paint(f"{WORDS['PASS']} after {clock(task['passed'])}", COLORS["PASS"])
        elif task.get("core") is not None:
            word = paint(f"{WORDS['CORE']} after {clock(task['core'])}", COLORS["CORE"])
        else:
            word = paint(f"{WORDS['FAIL']} ({task.get('labels', 'not checked')})", "31")
        effort = f"{count(task['checks'], 'check')}, {count(task['hints'], 'hint')}"
        print(f"{task['file']:55} {word}, {effort}")
        path = ROOT / task["file"]
        print(f"    read {path.parent.name}/README.md and {name_of(solution_of(path))}")


def minutes(text: str) -> float:
    number = float(text)
    if not 0 < number <= 600:
        raise ValueError
    return number
