"""What was proven, and when: .practice/state.json, written whole or not at all.

A pass, and a core that holds, is kept under the hash of the text that earned it, so an edited file
has to earn it again. What an older version of the course has written is read on.
Several runners may be at work at once: each change is read, made and written under one lock.
Where it cannot be kept (the disk is full, say, or read-only) that is told once, and all goes on.
"""

import contextlib
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from practice.exercises import ROOT, STATES, NotAFile, Problem, Verdict, read, what_is


class Progress:
    """The state in a folder; made when something is first written into it."""

    has_warned = False  # one warning is enough

    def __init__(self, root: Path = ROOT) -> None:
        self.root, self.folder = root, root / ".practice"
        self.file = self.folder / "state.json"

    def name(self, exercise: Path) -> str:
        return exercise.relative_to(self.root).as_posix()

    def read(self) -> dict[str, Any]:
        """The state; one that makes no sense is set aside, never thrown away."""
        try:
            return self.load()
        except OSError as error:
            self.warn(error)
            return {"exercises": {}}

    def load(self) -> dict[str, Any]:
        """The same; an OSError if there is one that nobody lets us read."""
        try:
            state = json.loads(read(self.file).decode("utf-8"))
            if not all(map(is_record, state["exercises"].values())):
                raise ValueError("exercises hold something else than records")
            if not all(map(str.isprintable, state["exercises"])):
                raise ValueError("a name that no exercise has")
            return dict(state)
        except FileNotFoundError:
            return {"exercises": {}}
        except (*NONSENSE, NotAFile, IsADirectoryError):
            set_aside(self.file)
            return {"exercises": {}}

    def warn(self, error: Exception) -> None:
        """Tell once that nothing can be kept, and why."""
        if Progress.has_warned:
            return
        Progress.has_warned, reason = True, str(error)
        if isinstance(error, OSError):
            reason = f"{error.strerror} ({error.filename or self.folder})"
        if self.folder.exists() and not self.folder.is_dir():
            reason = f"{self.folder} is a file, it should be a folder"
        print(f"Warning: progress is not kept: {reason}", file=sys.stderr, flush=True)

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
        """The whole state, to be changed."""
        with contextlib.ExitStack() as stack:
            error: Exception | None = None
            try:
                stack.enter_context(self.alone())
                state = self.load()
            except (OSError, Problem) as reason:
                error, state = reason, self.read()
            yield state
            try:
                if error is not None:
                    raise error
                write(self.file, json.dumps(state, indent=1).encode())
            except (OSError, Problem) as reason:
                self.warn(reason)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Whoever else wants to change something here waits meanwhile."""
        make_folder(self.folder, self.root)
        with open(self.folder / "lock", "a+b") as lock, locked(lock):
            yield

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
        """A copy of the learner's file, under a name that nothing had before; whole, or an error.

        A folder in the file's place, or a file that cannot be read, goes there itself.
        """
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
        folder = self.folder / "attempts" / exercise.parent.name
        try:
            with self.alone():
                make_folder(folder, self.root)
                copy = unused(folder / f"{exercise.stem}_{stamp}.py")
                if what_is(exercise) and not exercise.is_symlink():
                    os.rename(exercise, copy)
                else:
                    write(copy, read(exercise))
        except OSError as error:
            raise Problem(
                f"{exercise.name} stays as it is, for no copy of it could be kept: {error}"
            ) from None
        return copy


NONSENSE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)
EMPTY: dict[str, Any] = {"attempts": 0, "hints": 0, "passes": {}, "cores": {}, "last": {}}


def is_record(of: Any) -> bool:
    """Whether this is what is known of an exercise, as record() and others write it."""
    known = {**EMPTY, **of}
    last = known["last"]
    return (
        is_count(known["attempts"])
        and is_count(known["hints"])
        and is_time(known.get("reviewed", 0))
        and all(map(is_time, known["passes"].values()))
        and all(map(is_time, known["cores"].values()))
        and isinstance((last or {}).get("labels", {}), dict)
        and (not last or last["state"] in STATES and is_time(last["time"]))
    )


def is_count(of: Any) -> bool:
    """Whether this is a number of things."""
    return isinstance(of, int) and 0 <= of < 10**9


def is_time(of: Any) -> bool:
    """Whether this is a number of seconds that a clock may show."""
    return isinstance(of, int | float) and math.isfinite(of) and 0 <= of < 10**11


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def text_hash(file: Path) -> str:
    """The hash of what is in the file; empty if it cannot be read."""
    try:
        return hash_of(read(file))
    except OSError:
        return ""


def unused(path: Path) -> Path:
    """The path itself, or one with a number, if there is a file already."""
    found, number = path, 1
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


def write(file: Path, content: bytes) -> None:
    """Whole or not at all, whatever happens meanwhile. A link is replaced, not followed."""
    for left in file.parent.glob(".part-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 60:  # a killed runner left it
                left.unlink()
    name = file.with_name(f".part-{os.getpid()}-{time.monotonic_ns()}")
    try:
        with open(name, "xb") as part:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
        replace(name, file)
    except BaseException:
        with contextlib.suppress(OSError):
            name.unlink(missing_ok=True)
        raise


def make_folder(folder: Path, root: Path = ROOT) -> None:
    """Make a folder of the course, unless a link leads out of the course on the way to it."""
    try:
        leads_out = not folder.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a link to itself
        leads_out = True
    if leads_out:
        raise Problem(f"a link leads {folder} out of the course: remove that link")
    folder.mkdir(parents=True, exist_ok=True)


def set_aside(file: Path) -> None:
    """Give what makes no sense another name, and tell."""
    aside = unused(file.with_name(f"{file.name}.bak"))
    with contextlib.suppress(FileNotFoundError):  # another runner was quicker
        os.replace(file, aside)
        print(f"{file} cannot be read; it lies in {aside.name} now", file=sys.stderr)


def replace(name: str | Path, file: Path) -> None:
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
