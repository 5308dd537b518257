"""Judge a file apart from ourselves: in a warm process of its own, within limits, killed whole."""

import atexit
import contextlib
import functools
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

from practice.exercises import NO_ASSERTS, ROOT, STATES, Problem, Verdict
from practice.progress import text_hash
from practice.worker import DONE, FORKS

SECONDS = 60.0  # a check takes a fraction of one; slow machines and training take more
START_SECONDS = 300.0  # to import torch, from a cold disk perhaps
SHOWN = 64 * 1024  # bytes of what the exercise prints
ANSWER = 1 << 20  # bytes of an answer, at most
MARK = "PRACTICE_WORKER"  # in the environment of all that a worker starts: whose it is
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class NoWorker(Exception):
    """A worker could not start: torch is missing or broken."""


class Result(NamedTuple):
    verdict: Verdict
    text: str  # the hash of what was judged
    output: str  # what the file printed
    seconds: float


class Worker:
    """A process that has imported torch and waits. Not to be used again once is_spent."""

    COMMAND = (sys.executable, "-m", "practice.worker")
    COUNT = itertools.count()

    def __init__(self) -> None:
        if not __debug__:
            raise Problem(f"The checks cannot run here: {NO_ASSERTS}")
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self.mark = f"{run_name()}-{os.getpid()}-{next(self.COUNT)}-"
        environment = {"OMP_NUM_THREADS": "1", **os.environ, MARK: self.mark}
        if folder := own_folder():
            environment["TMPDIR"] = folder
        self.process = subprocess.Popen(
            self.COMMAND,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **apart,
        )
        self.is_ready, self.is_done, self.is_spent = threading.Event(), threading.Event(), False
        self.output, self.trouble, self.lock = bytearray(), bytearray(), threading.Lock()
        self.started = time.monotonic()
        self.number, self.answer = 0, dict[str, Any]()
        self.path: Path | None = None
        self.readers = [
            threading.Thread(target=read, daemon=True)
            for read in (self._read_output, self._read_answers)
        ]
        for reader in self.readers:
            reader.start()

    def _read_output(self) -> None:
        """Collect what is printed, the first of it; read on, so that nobody waits for us."""
        assert self.process.stdout is not None
        last = b""
        while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
            with self.lock:
                self.output += chunk[: max(0, SHOWN + 1 - len(self.output))]
                last = last[-len(DONE) - 20 :] + chunk
                if DONE % self.number in last:
                    self.is_done.set()
        self.is_done.set()

    def _read_answers(self) -> None:
        """Take the line that answers our last request; before the worker is ready, what it says."""
        assert self.process.stderr is not None
        rest = b""
        while chunk := os.read(self.process.stderr.fileno(), 1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[:ANSWER]
            for line in lines:
                answer = parsed(line)
                if answer.get("ready") is True:
                    self.started = time.monotonic()
                    self.is_ready.set()
                elif not self.is_ready.is_set():
                    self.trouble += line + b"\n"
                elif answer.get("id") == self.number:
                    self.answer = answer
        self.trouble += rest

    def judge(self, path: Path, task: Literal["judge", "why"] = "judge") -> None:
        """Ask for a verdict, or why it fails; poll() has it when it is there."""
        self.path = path
        self.text = text_hash(path)  # until the worker says what it read
        self.is_done.clear()
        with self.lock:
            self.output.clear()
            self.number, self.answer = self.number + 1, {}
        request = json.dumps({"path": str(path), "task": task, "id": self.number}) + "\n"
        self.asked = self.started = time.monotonic()
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it died; poll() will tell
            self.process.stdin.write(request.encode())
            self.process.stdin.flush()

    def poll(self) -> Result | None:
        """The result, if it is there. The limit's clock starts when the worker is ready."""
        if self.process.poll() is not None:
            self.stop()
            for reader in self.readers:
                reader.join(1)  # what was said last may still be on its way
            if not self.is_ready.is_set():
                said = bytes(self.output + self.trouble)
                raise NoWorker(printable(said.decode(errors="replace")).strip())
            return self._result(verdict_of(self.answer) or ending(self.process.returncode))
        if self.answer:
            self.is_spent = not FORKS
            verdict = verdict_of(self.answer)
            if verdict is None:
                verdict = Verdict("CRASH", "the file left no verdict that can be read")
            return self._result(verdict)
        since = time.monotonic() - max(self.started, self.asked)
        if since > (SECONDS if self.is_ready.is_set() else START_SECONDS):
            self.is_spent = True
            what = f"no verdict after {since:.0f} s: an endless loop?"
            return self._result(Verdict("TIME", what))
        return None

    def _result(self, verdict: Verdict) -> Result:
        seconds = time.monotonic() - max(self.started, self.asked)
        if self.is_spent:
            self.stop()
        self.is_done.wait(1)  # what was printed last may still be on its way
        with self.lock:
            output = bytes(self.output).replace(DONE % self.number, b"")
        text = printable(output[:SHOWN].decode("utf-8", errors="replace"))
        more = f"\n[only the first {SHOWN // 1024} kB are shown]\n" if len(output) > SHOWN else ""
        judged = self.answer.get("text")
        text_of_it = judged if isinstance(judged, str) else self.text
        return Result(verdict, text_of_it, text + more, seconds)

    def wait(self) -> Result:
        while (result := self.poll()) is None:
            time.sleep(0.005)
        return result

    def stop(self) -> None:
        """End the process and all that it started."""
        self.is_spent = True
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # it ends by itself, and what it left behind first
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1 if self.is_ready.is_set() else 0)
        ended_by_itself = self.process.returncode == 0
        if sys.platform == "win32":
            subprocess.run(
                ["taskkill", "/F", "/T", "/PID", str(self.process.pid)], capture_output=True
            )
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if not ended_by_itself:
            end_marked(self.mark)


def end_marked(whose: str) -> None:
    """End what a worker left behind, in sessions of its own too, where the system tells (Linux)."""
    mark = f"{MARK}={whose}".encode()
    is_left = sys.platform == "linux"
    for _ in range(100):  # some may start others meanwhile
        if not is_left:
            return
        is_left = False
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if b"\0" + mark in b"\0" + (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
                    is_left = True


@functools.cache
def run_name() -> str:
    """How the names of this machine's runs begin: short, for a socket's path has to be."""
    import platform  # here: the overview has to come at once

    return f"practice-{zlib.crc32(platform.node().encode()) & 0xFFFF:04x}"


@functools.cache
def own_folder() -> str:
    """Where exercises have their temporary files, gone with the runner; "" if there is no room."""
    try:
        place = Path(tempfile.gettempdir())
        for name in os.listdir(place):
            runner = re.fullmatch(rf"{run_name()}-(\d{{1,9}})", name)
            if runner and (int(runner[1]) == os.getpid() or not is_alive(int(runner[1]))):
                end_marked(f"{name}-")  # that runner was killed
                shutil.rmtree(place / name, ignore_errors=True)
        own = place / f"{run_name()}-{os.getpid()}"
        own.mkdir(mode=0o700)
    except OSError:
        return ""
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return str(own)


def is_alive(process: int) -> bool:
    """Whether there is a process of this number."""
    if sys.platform == "win32":  # where os.kill would end it
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, process)
        ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(process, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


def parsed(line: bytes) -> dict[str, Any]:
    """What a worker says; nothing if that is no JSON object."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def verdict_of(answer: dict[str, Any]) -> Verdict | None:
    """The verdict in an answer that an exercise may have tampered with; None if there is none."""
    state: Any = answer.get("state")
    detail, labels = answer.get("detail"), answer.get("labels")
    if isinstance(answer.get("ended"), int):
        return ending(answer["ended"])
    if state not in STATES or not isinstance(detail, str) or not isinstance(labels, dict):
        return None
    if not all(isinstance(of, str) for of in labels.values()):
        return None
    return Verdict(state, printable(detail), labels)


def printable(text: str) -> str:
    """For the terminal: codes that would do something there are spelled out. Of a line that was
    written over by carriage returns, as progress bars do, the last writing is left.
    """
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return CONTROL.sub(lambda code: f"\\x{ord(code[0]):02x}", "\n".join(lines))


def ending(status: int) -> Verdict:
    """The verdict on a process that ended without one."""
    if status >= 0 and status < 0x80000000:
        return Verdict("STOPPED", f"the file ended the process itself, with exit status {status}")
    if status < 0:
        name = signal.Signals(-status).name if -status in list(signal.Signals) else f"{-status}"
    else:
        name = f"{status:#x}"  # Windows
    hint = ": out of memory?" if name == "SIGKILL" else ""
    return Verdict("CRASH", f"the process crashed, {name}{hint}")
