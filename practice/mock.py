"""`python -m practice mock`: an interview. A bug hunt, a model and a training task, or the tasks of
a set in INTERVIEWS.md, and a clock.

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

from practice.common import COLORS, WORDS, Problem, count, deleted, name_of, paint, show
from practice.exercises import (
    ROOT,
    NotAFile,
    facts_of,
    find,
    is_hunt,
    no_file,
    read,
    solution_of,
    text_of,
)
from practice.progress import (
    NONSENSE,
    Progress,
    is_count,
    is_time,
    make_folder,
    set_aside,
    unused,
    write,
)
from practice.runner import Worker
from practice.study import hints_for, lay_out
from practice.watch import lines_typed

KINDS = {
    "bug hunt": r"buggy_code_",
    "model": r"(02|12|13)_",
    "training or transformer": r"(03|05|06|07|08|10|11)_",
}
SETS = "INTERVIEWS.md"
HELP = "check NAME, hint NAME, time, pause (goes on later with python -m practice mock) or done"


def mock(minutes: float | None, seed: int | None, name: str | None) -> int:
    wanted = set_named(name) if name else None
    worker = Worker()
    session = unfinished()
    if session is not None:
        if minutes is not None or seed is not None or name is not None:
            print("--minutes, --set and --seed are for a new one; done ends this one.")
    elif wanted:
        session = begin(minutes or wanted[0], wanted[1], f"--set {name}")
    else:
        seed = random.randrange(10**6) if seed is None else seed
        session = begin(minutes or 45.0, drawn(seed), f"--seed {seed}")
    save(session)
    print("The tasks lie here:\n")
    for task in session["tasks"]:
        print(f"    {task['kind']:35}  {place_of(session, task)}")
    print(f"\nEdit them there. Here you type {HELP}.")
    typed = lines_typed()
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


def drawn(seed: int) -> dict[Path, str]:
    """A task of each kind from the levels that were reached, and what to say of it."""
    draw, progress, exercises = random.Random(seed), Progress(), find()
    state = progress.read()
    passed = [path for path in exercises if progress.has_passed(path, state)]
    reached = max([path.parent.name for path in passed], default="")
    reached = max(reached, "04")  # before that there is no choice at all
    tasks: dict[Path, str] = {}
    for kind, pattern in KINDS.items():
        fit = [p for p in exercises if re.search(pattern, name_of(p))]
        fit = [p for p in fit if kind == "bug hunt" or "buggy_code_" not in p.name]
        near = [p for p in fit if p.parent.name[:2] <= reached[:2]] or fit[:1]
        if near:
            path = draw.choice(near)
            tasks[path] = described(kind, facts_of(path).minutes)
    return tasks


def set_named(name: str) -> tuple[float, dict[Path, str]]:
    """The minutes of a set's core in INTERVIEWS.md, its tasks, and what to say of each."""
    text, exercises = text_of(ROOT / SETS), find() + deleted()
    sets = dict(re.findall(r"^## (\S+): (.*?)(?=^## |\Z)", text, re.M | re.S))
    if name not in sets:
        there = f"the sets there are {', '.join(sets)}" if sets else "there is no set yet"
        raise Problem(f"{SETS} has no set {name}; {there}")
    core = re.search(r"^### Core, (\d+) minutes(.*?)(?=^#|\Z)", sets[name], re.M | re.S)
    tasks: dict[Path, str] = {}
    for line in core[2].splitlines() if core else ():
        for link in re.findall(r"\]\(([^)\s]+\.py)\)", line)[:1]:
            path = ROOT / link
            if path not in exercises:
                raise Problem(f"{SETS}: {link} in the set {name} is no exercise")
            planned = re.search(r"(\d+) minutes", line)
            kind = "bug hunt" if is_hunt(path) else "challenge"
            tasks[path] = described(kind, int(planned[1]) if planned else facts_of(path).minutes)
    if core is None or not tasks or not 0 < int(core[1]) <= 600:
        raise Problem(
            f"{SETS}: the set {name} wants a heading '### Core, 45 minutes' (at most 600), and "
            "links of exercises below it"
        )
    return float(core[1]), tasks


def described(kind: str, minutes: int) -> str:
    return f"{kind}, {minutes} minutes" if minutes else kind


def begin(minutes: float, tasks: dict[Path, str], again: str) -> dict[str, Any]:
    """Lay the tasks out untouched; the clock starts."""
    folder = unused(ROOT / ".practice" / "mock" / time.strftime("%Y-%m-%d_%H-%M-%S"))
    make_folder(folder)
    session: dict[str, Any] = {"folder": str(folder), "minutes": minutes, "spent": 0.0, "tasks": []}
    for path, kind in tasks.items():
        lay_out(path, folder / path.parent.name)
        task = {"kind": kind, "file": name_of(path), "hints": 0, "checks": 0, "passed": None}
        session["tasks"].append(task)
    print(f"An interview of {minutes:g} minutes. To have these tasks again: {again}")
    return session | {"resumed": time.time(), "ended": False}


def unfinished() -> dict[str, Any] | None:
    """The latest interview, if it has not ended; its clock goes on from now."""
    for file in sorted((ROOT / ".practice" / "mock").glob("*/session.json"), reverse=True):
        try:
            session: dict[str, Any] = json.loads(read(file))
            if not is_session(session):
                raise ValueError("no interview looks like this")
        except (*NONSENSE, NotAFile):
            set_aside(file)
            continue
        session |= {"resumed": time.time(), "folder": str(file.parent)}  # it may have moved
        if session["ended"] or left(session) <= 0:
            return None
        print(f"An interview goes on, {clock(left(session))} left.")
        return session
    return None


def is_session(session: dict[str, Any]) -> bool:
    """Whether this is an interview as save() writes it; its files are exercises of this course."""
    return (
        0 < session["minutes"] <= 600
        and is_time(session["spent"])
        and isinstance(session["ended"], bool)
        and all(map(is_task, session["tasks"]))
    )


def is_task(task: dict[str, Any]) -> bool:
    """Whether this is a task of an interview."""
    names = [name_of(path) for path in find() + deleted()]
    return (
        task["file"] in names
        and isinstance(task["kind"], str)
        and task["kind"].isprintable()
        and is_count(task["checks"])
        and is_count(task["hints"])
        and all(task.get(what) is None or is_time(task[what]) for what in ("passed", "core"))
        and re.fullmatch(r"\d+ of \d+ labels|no verdict|", task.get("labels", "")) is not None
    )


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
    folder = Path(session["folder"])
    make_folder(folder)
    try:
        write(folder / "session.json", json.dumps(session, indent=1).encode())
    except OSError as error:
        Progress().warn(error)


def place_of(session: dict[str, Any], task: dict[str, Any]) -> str:
    """Where the task's file lies, as seen from the course."""
    return name_of(Path(session["folder"], task["file"]))


def task_named(session: dict[str, Any], word: str) -> dict[str, Any] | None:
    return next((task for task in session["tasks"] if word in task["file"]), None)


def check(session: dict[str, Any], task: dict[str, Any], worker: Worker) -> Worker:
    """Judge the task's file; a worker to go on with."""
    path = Path(session["folder"], task["file"])
    if trouble := no_file(path):
        print(trouble)
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
    print(f"\nThe core holds in {core} of {len(tasks)}, {passed} passed")
    all_time = session["minutes"] * 60
    print(f"Time: {clock(all_time - left(session))} of {clock(all_time)}, counted from the start\n")
    for task in tasks:
        print(f"{place_of(session, task)}  {task['kind']}")
        words = [
            paint(f"{WORDS[state]} after {clock(task[what])}", COLORS[state])
            for what, state in (("core", "CORE"), ("passed", "PASS"))
            if task.get(what) is not None and (what == "passed" or task[what] != task["passed"])
        ] or [paint(f"{WORDS['FAIL']} ({task.get('labels', 'not checked')})", "31")]
        effort = count(task["checks"], "check"), count(task["hints"], "hint")
        path = ROOT / task["file"]
        print(f"    {', '.join((*words, *effort))}")
        print(f"    read {path.parent.name}/README.md and {name_of(solution_of(path))}")


def minutes(text: str) -> float:
    number = float(text)
    if not 0 < number <= 600:
        raise ValueError
    return number
