"""`python -m practice watch`: a verdict after every save, until you go on to the next."""

import os
import queue
import stat
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from practice import editor
from practice.common import COLORS, WORDS, Problem, name_of, next_one, paint, show, title_of
from practice.exercises import no_file
from practice.progress import Progress, text_hash
from practice.runner import Worker
from practice.study import hint

POLL = 0.01  # seconds between two looks at the file
SILENT = 1.0  # seconds after which it says that it is at work
EMPTY = 0.5  # seconds for which an empty file may be one that is just being written
COARSE = 3.0  # seconds that a disk's clock may be behind: two saves may then look like one


def watch(path: Path, in_editor: bool = False) -> int:
    """Judge each version of the file; Enter goes to the next once the core holds, Ctrl-C ends."""
    progress, typed, idle = Progress(), lines_typed(), [Worker()]
    try:
        following: Path | None = path
        while following:
            if in_editor and not no_file(following):
                editor.open_beside(following)
            print(f"\nWatching {name_of(following)}  {title_of(following)}")
            print("Save it to get a verdict. h Enter: a hint. w Enter: why it fails. Ctrl-C ends.")
            sys.stdout.flush()
            until_done(progress, following, idle, typed)
            following = next_one(progress, after=following)
        print("All have passed. To do some again: python -m practice review")
        return 0
    except EOFError:  # Ctrl-D
        return 0
    finally:
        for worker in idle:
            worker.stop()


def lines_typed() -> "queue.Queue[str]":
    """What is typed, a line each; at the end an empty one."""
    typed = queue.Queue[str]()

    def read() -> None:
        while line := sys.stdin.readline():
            typed.put(line)
        typed.put("")

    threading.Thread(target=read, daemon=True).start()
    return typed


def until_done(
    progress: Progress, path: Path, idle: list[Worker], typed: "queue.Queue[str]"
) -> None:
    """Returns at Enter once the core holds."""
    worker, told, is_gone, holds = None, True, False, progress.has_core(path)
    seen: Stamp | None = None
    now: Stamp | None = None
    changed = time.monotonic()
    if holds:
        seen = stamp(path)
        state = "PASS" if progress.has_passed(path) else "CORE"
        word = "it has passed" if state == "PASS" else "its core holds"
        print(f"{paint(WORDS[state], COLORS[state])}: {word} as it is. Enter: the next one.")
    try:
        while True:
            before, now = now, stamp(path, now)
            if now != before:
                changed = time.monotonic()
            if now is None and not is_gone:
                print(no_file(path), flush=True)
            is_gone = now is None
            is_whole = now is not None and (now.size > 0 or time.monotonic() > changed + EMPTY)
            if now != seen and is_whole:
                if worker is not None:  # the newest save counts
                    worker.stop()
                worker, holds, told, started = take(idle), False, False, time.monotonic()
                worker.judge(path)
                seen = now
            seen = None if is_gone else seen
            if worker is not None and (result := worker.poll()):
                print()
                show(path, result)
                progress.record(path, result.text, result.verdict)
                holds, told = result.verdict.state in ("PASS", "CORE"), True
                if holds:
                    print("Enter: the next one.")
                sys.stdout.flush()
                give_back(worker, idle)
                worker = None
            if not told and worker is not None and time.monotonic() > started + SILENT:
                told = True
                print("Checking ...", flush=True)
            while not typed.empty():
                line = typed.get()
                if not line and sys.stdin.isatty():
                    raise EOFError
                if line.strip() == "h":
                    ask_for_hint(path)
                elif line.strip() == "w" and not is_gone:
                    ask_why(path, idle)
                elif line and holds:
                    return
            time.sleep(POLL)
    finally:
        if worker is not None:
            worker.stop()


def ask_for_hint(path: Path) -> None:
    try:
        hint(path)
    except Problem as problem:
        print(problem)
    sys.stdout.flush()


def ask_why(path: Path, idle: list[Worker]) -> None:
    """The known mistake that fails as the file does now."""
    worker = take(idle)
    worker.judge(path, "why")
    result = worker.wait()
    give_back(worker, idle)
    print((result.output or result.verdict.detail).rstrip(), flush=True)


def take(idle: list[Worker]) -> Worker:
    """A worker that is ready, if possible one that has judged nothing yet; then another starts."""
    idle[:] = [worker for worker in idle if worker.process.poll() is None] or [Worker()]
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


class Stamp(NamedTuple):
    """Changes with each save, also by an editor that replaces the file."""

    time: int
    size: int
    number: int
    text: str


def stamp(path: Path, last: Stamp | None = None) -> Stamp | None:
    """That of a file; None if there is none. What is in it counts while its time may be coarse."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    now = found.st_mtime_ns, found.st_size, found.st_ino
    if last and last[:3] == now and time.time() - found.st_mtime > COARSE:
        return last
    return Stamp(*now, text_hash(path))


def start(path: Path | None, in_editor: bool = False) -> int:
    if path is None:
        raise Problem("all have passed; to do some again: python -m practice review")
    return watch(path, in_editor)
