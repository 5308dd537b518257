"""What was proven, and when: .practice/state.json, written whole or not at all.

A pass, and a core that holds, is kept under the hash of the text that earned it, so an edited file
has to earn it again. What an older version of the course has written is read on.
Several runners may be at work at once: each change is read, made and written under one lock.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from practice.exercises import ROOT, Verdict


class Progress:
    """The state in a folder; made when something is first written into it."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root, self.folder = root, root / ".practice"
        self.file = self.folder / "state.json"

    def name(self, exercise: Path) -> str:
        return exercise.relative_to(self.root).as_posix()

    def read(self) -> dict[str, Any]:
        """The state; an unreadable one is set aside, never thrown away."""
        try:
            state = json.loads(self.file.read_text(encoding="utf-8"))
            if not all(map(is_record, state["exercises"].values())):
                raise ValueError("exercises hold something else than records")
            return dict(state)
        except FileNotFoundError:
            return {"exercises": {}}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            aside = unused(self.file.with_suffix(".json.bak"))
            with contextlib.suppress(FileNotFoundError):  # another runner was quicker
                os.replace(self.file, aside)
                print(f"{self.file} cannot be read; it lies in {aside.name} now", file=sys.stderr)
            return {"exercises": {}}

    def of(self, exercise: Path) -> dict[str, Any]:
        """What is known of one exercise."""
        return {**EMPTY, **self.read()["exercises"].get(self.name(exercise), {})}

    @contextlib.contextmanager
    def changing(self, exercise: Path) -> Iterator[dict[str, Any]]:
        """What is known of one exercise, to be changed."""
        with self.changing_all() as state:
            record = {**EMPTY, **state["exercises"].get(self.name(exercise), {})}
            yield record
            state["exercises"][self.name(exercise)] = record

    @contextlib.contextmanager
    def changing_all(self) -> Iterator[dict[str, Any]]:
        self.folder.mkdir(exist_ok=True)
        with open(self.folder / "lock", "a+b") as lock, locked(lock):
            state = self.read()
            yield state
            write(self.file, json.dumps(state, indent=1).encode())

    def has_passed(self, exercise: Path, state: dict[str, Any] | None = None) -> bool:
        """Whether the file, as it is now, has passed."""
        exercises = (state or self.read())["exercises"]
        passes = exercises.get(self.name(exercise), EMPTY).get("passes", {})
        return bool(passes) and text_hash(exercise) in passes

    def has_core(self, exercise: Path, state: dict[str, Any] | None = None) -> bool:
        """Whether the core of the file, as it is now, holds; so it does after a pass."""
        exercises = (state or self.read())["exercises"]
        known = {**EMPTY, **exercises.get(self.name(exercise), {})}
        earned = {**known["passes"], **known["cores"]}
        return bool(earned) and text_hash(exercise) in earned

    def record(self, exercise: Path, text: str, verdict: Verdict) -> None:
        """The verdict on a text, by its hash. The same text again is no new attempt."""
        now = time.time()
        with self.changing(exercise) as known:
            if known["last"].get("text") != text:
                known["attempts"] += 1
            known["last"] = {"text": text, "state": verdict.state, "time": now}
            if verdict.labels:
                known["last"]["labels"] = dict(verdict.labels)
            if verdict.state in ("PASS", "CORE"):
                known["cores"] = {**known["cores"], text: now}
            if verdict.state == "PASS":
                known["passes"] = {**known["passes"], text: now}

    def keep(self, exercise: Path) -> Path:
        """A copy of the learner's file, under a name that nothing had before."""
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
        folder = self.folder / "attempts" / exercise.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        copy = unused(folder / f"{exercise.stem}_{stamp}.py")
        shutil.copyfile(exercise, copy)
        return copy


EMPTY: dict[str, Any] = {"attempts": 0, "hints": 0, "passes": {}, "cores": {}, "last": {}}


def is_record(of: Any) -> bool:
    """Whether this is what is known of an exercise, as record() and others write it."""
    known = {**EMPTY, **of}
    last = known["last"]
    return (
        isinstance(known["attempts"], int)
        and isinstance(known["hints"], int)
        and isinstance(known.get("reviewed", 0), int | float)
        and all(isinstance(when, int | float) for when in known["passes"].values())
        and all(isinstance(when, int | float) for when in known["cores"].values())
        and isinstance((last or {}).get("labels", {}), dict)
        and (not last or isinstance(last["state"], str) and isinstance(last["time"], int | float))
    )


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def text_hash(file: Path) -> str:
    """The hash of what is in the file; empty if it cannot be read."""
    try:
        return hash_of(file.read_bytes())
    except OSError:
        return ""


def unused(path: Path) -> Path:
    """The path itself, or one with a number, if there is a file already."""
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


def write(file: Path, content: bytes) -> None:
    """Whole or not at all, whatever happens meanwhile."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
    try:
        with os.fdopen(handle, "wb") as part:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
        replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def replace(name: str, file: Path) -> None:
    """os.replace; on Windows it fails while another process reads the file, for a moment."""
    for wait in (0.01, 0.1, 1):
        with contextlib.suppress(PermissionError):
            return os.replace(name, file)
        time.sleep(wait)
    os.replace(name, file)


@contextlib.contextmanager
def locked(file: IO[bytes]) -> Iterator[None]:
    """Alone with this file; the system lets go of it even if we are killed."""
    if sys.platform == "win32":
        import msvcrt

        while True:
            with contextlib.suppress(OSError):  # it gives up after 10 seconds
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                break
        try:
            yield
        finally:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
