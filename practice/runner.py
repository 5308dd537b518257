"""Judge a file apart from ourselves: in a warm process of its own, within limits, killed whole."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple

from practice.exercises import ROOT, Verdict
from practice.progress import text_hash
from practice.worker import DONE, FORKS, READY

SECONDS = 60.0  # a check takes a fraction of one; slow machines and training take more
START_SECONDS = 300.0  # to import torch, from a cold disk perhaps
SHOWN = 64 * 1024  # bytes of what the exercise prints


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

    def __init__(self) -> None:
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self.folder = tempfile.TemporaryDirectory(prefix="practice-", ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            self.COMMAND,
            cwd=ROOT,
            env={"OMP_NUM_THREADS": "1", **os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **apart,
        )
        self.is_ready, self.is_done, self.is_spent = threading.Event(), threading.Event(), False
        self.output, self.lock = bytearray(), threading.Lock()
        self.started = time.monotonic()
        self.path: Path | None = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        """Collect the output, the first of it; go on reading, so that nobody waits for us."""
        assert self.process.stdout is not None
        seen = b""
        while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
            if not self.is_ready.is_set():
                seen += chunk
                before, ready, chunk = seen.partition(READY)
                if not ready:
                    continue
                self.started, seen = time.monotonic(), b""
                self.is_ready.set()
            with self.lock:
                self.output += chunk[: max(0, SHOWN + 1 - len(self.output))]
            seen = (seen + chunk)[-(1 << 16) - len(DONE) :]
            if DONE in seen:
                seen = b""
                self.is_done.set()
        with self.lock:
            self.output = self.output or bytearray(b"" if self.is_ready.is_set() else seen)
        self.is_done.set()

    def judge(self, path: Path, task: Literal["judge", "why"] = "judge") -> None:
        """Ask for a verdict, or why it fails; poll() has it when it is there."""
        self.path, self.answer = path, Path(self.folder.name, f"{time.monotonic_ns()}.json")
        self.text = text_hash(path)  # until the worker says what it read
        self.is_done.clear()
        with self.lock:
            self.output.clear()
        asked = {"path": str(path), "task": task, "verdict": str(self.answer)}
        request = json.dumps(asked) + "\n"
        self.asked = self.started = time.monotonic()
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it died; poll() will tell
            self.process.stdin.write(request.encode())
            self.process.stdin.flush()

    def poll(self) -> Result | None:
        """The result, if it is there. The limit's clock starts when the worker is ready."""
        running = self.process.poll() is None
        if self.answer.exists():
            self.is_spent = not FORKS
            try:
                answer = json.loads(self.answer.read_text(encoding="utf-8"))
                if "ended" in answer:
                    return self._result(ending(answer["ended"]))
                self.text = answer["text"]
                return self._result(Verdict(answer["state"], answer["detail"], answer["labels"]))
            except (ValueError, KeyError, TypeError):
                return self._result(Verdict("CRASH", "the file left no verdict that can be read"))
        if not running and not self.is_ready.is_set():
            self.is_done.wait(1)
            self.stop()
            raise NoWorker(self.output.decode(errors="replace").strip())
        if not running:
            self.is_spent = True
            return self._result(ending(self.process.returncode))
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
            output = bytes(self.output).replace(DONE, b"")
        text = output[:SHOWN].decode("utf-8", errors="replace")
        more = f"\n[only the first {SHOWN // 1024} kB are shown]\n" if len(output) > SHOWN else ""
        return Result(verdict, self.text, text + more, seconds)

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
        if sys.platform == "win32":
            subprocess.run(
                ["taskkill", "/F", "/T", "/PID", str(self.process.pid)], capture_output=True
            )
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.folder.cleanup()


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
