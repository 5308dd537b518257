"""`python -m practice watch`: a verdict after every save, until you go on to the next."""

import os
import queue
import sys
import threading
import time
from pathlib import Path

from practice.common import COLORS, Problem, name_of, next_one, paint, show, title_of
from practice.exercises import solution_of
from practice.progress import Progress, text_hash
from practice.runner import Worker

POLL = 0.01  # seconds between two looks at the file


def watch(path: Path) -> int:
    """Judge each version of the file; Enter after a pass goes to the next, Ctrl-C ends."""
    progress, typed = Progress(), queue.Queue[str | None]()
    threading.Thread(target=read_lines, args=(typed,), daemon=True).start()
    idle = [Worker()]
    try:
        following: Path | None = path
        while following:
            print(f"\nWatching {name_of(following)}  {title_of(following)}")
            print("Save it to get a verdict. Ctrl-C ends.", flush=True)
            until_done(progress, following, idle, typed)
            following = next_one(progress)
        print("All have passed. To do some again: python -m practice review")
        return 0
    finally:
        for worker in idle:
            worker.stop()


def read_lines(typed: "queue.Queue[str | None]") -> None:
    for line in sys.stdin:
        typed.put(line)


def until_done(
    progress: Progress, path: Path, idle: list[Worker], typed: "queue.Queue[str | None]"
) -> None:
    """Returns at Enter after a pass."""
    worker, judged, is_gone, passed = None, "", False, progress.has_passed(path)
    if passed:
        judged = text_hash(path)
        print(f"{paint('pass', COLORS['PASS'])}: it has passed as it is. Enter: the next one.")
    seen: Stamp | None = None
    try:
        while True:
            now = stamp(path)
            if now is None and not is_gone:
                print(
                    f"It is gone: {name_of(path)}. python -m practice reset {path.stem} brings "
                    "the untouched one back.",
                    flush=True,
                )
            is_gone = now is None
            text = text_hash(path) if now and now != seen else judged
            seen = now
            if text and text != judged:  # the newest text counts: a check of an older one ends
                if worker is not None:
                    worker.stop()
                worker, judged, passed = take(idle), text, False
                worker.judge(path)
            if worker is not None and (result := worker.poll()):
                progress.record(path, result.text, result.verdict)
                print()
                show(path, result)
                passed = result.verdict.state == "PASS"
                if passed:
                    print(f"Read {name_of(solution_of(path))}. Enter: the next one.")
                sys.stdout.flush()
                give_back(worker, idle)
                worker = None
            while not typed.empty():
                typed.get()
                if passed:
                    return
            time.sleep(POLL)
    finally:
        if worker is not None:
            worker.stop()


def take(idle: list[Worker]) -> Worker:
    """A worker that is ready, if possible one that has judged nothing yet; then another starts."""
    chosen = min(idle, key=lambda worker: (not worker.is_ready.is_set(), worker.path is not None))
    idle.remove(chosen)
    if all(worker.path is not None for worker in idle):
        idle.append(Worker())
    return chosen


def give_back(worker: Worker, idle: list[Worker]) -> None:
    """For a save that comes before another one is ready."""
    if worker.is_spent or len(idle) > 1:
        worker.stop()
    else:
        idle.append(worker)


Stamp = tuple[int, int, int]


def stamp(path: Path) -> Stamp | None:
    """Changes with each save, also by an editor that replaces the file; None if it is gone."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def start(path: Path | None) -> int:
    if path is None:
        raise Problem("all have passed; to do some again: python -m practice review")
    return watch(path)
