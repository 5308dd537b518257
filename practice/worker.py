"""The process that judges: `python -m practice.worker`, started by runner.py.

It imports what every check needs, says so, and waits for requests, one JSON line each: the file,
whether to judge it or to say why it fails, and a number for the answer. Answers, a JSON line each,
go where the worker's error output went; all that is printed meanwhile, the page of the exercise
included, goes where its output goes.
On Linux each file is judged in a fork, which starts as fresh as the worker and takes milliseconds.
The answer is passed on when all that the file started has ended.
Elsewhere forking a process that has loaded torch is not safe; there a worker judges one file.
"""

import builtins
import contextlib
import io
import os
import select
import signal
import sys
import threading
from json import dumps, loads
from os import _exit, getpid, write  # not to be replaced by an exercise
from pathlib import Path
from typing import Any

from practice.exercises import MOST_BYTES, NO_ASSERTS, Verdict, no_file, read
from practice.progress import hash_of

FORKS = sys.platform == "linux"
DONE = b"\0done %d\n"  # the output of this request has ended
MEMORY = 4 << 30  # bytes beyond those of the idle worker
DETAIL = 8000  # characters of a verdict's message
BUILTINS, KEPT = vars(builtins), dict(vars(builtins))


def main() -> None:
    if not __debug__:
        sys.exit(NO_ASSERTS)
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # input() in an exercise meets the end of the file
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)
    warm_up()
    if FORKS:
        adopt_orphans()
    answers = os.dup(2)
    os.dup2(1, 2)
    send(answers, {"ready": True})
    while line := requests.readline():
        request = loads(line)
        if FORKS:
            answer = serve_in_fork(request, requests.fileno(), answers)
        else:
            threading.Thread(target=end_with_runner, args=(requests,), daemon=True).start()
            answer = serve(request)
        with contextlib.suppress(OSError):  # an exercise may have closed it
            if FORKS:
                os.set_blocking(1, True)  # an exercise can undo that for us, too
            write(1, DONE % request["id"])
        send(answers, {**answer, "id": request["id"]})
    _exit(0)  # at once; torch takes its time


def warm_up() -> None:
    """All that a check would import: torch, and what its first uses of some functions import."""
    import numpy  # noqa: F401
    import torch

    with contextlib.suppress(ImportError):
        import torch._dynamo  # noqa: F401  an optimizer's first step needs it
    import practice.why  # noqa: F401


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """The answer: a verdict on the file, or for "why" nothing but what is printed meanwhile."""
    asked, path, text = getpid(), Path(request["path"]), ""
    verdict = Verdict("FAIL")
    try:
        content = read(path)
        text = hash_of(content)  # the verdict is on what was read, whatever is saved meanwhile
        limit_memory()
        refuse_questions(path)
        try:
            verdict = say_why(path, content) if request["task"] == "why" else judge(path, content)
        finally:
            BUILTINS.update(KEPT)
    except BaseException as error:  # also one that no program should raise, or cannot be printed
        verdict = Verdict("FAIL", f"NOT YET: {type(error).__name__} ended the file")
    if getpid() != asked:  # a copy of us, made by the file; the one that was asked answers
        _exit(0)
    if not text:
        verdict = Verdict("STOPPED", f"STOPPED: {no_file(path) or 'the file cannot be read'}")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    state, detail, labels = verdict
    return {"state": state, "detail": detail[:DETAIL], "labels": dict(labels), "text": text}


def judge(path: Path, content: bytes) -> Verdict:
    from practice.judge import verdict_on

    return Verdict(*verdict_on(path, content))


def say_why(path: Path, content: bytes) -> Verdict:
    from practice.why import tell

    tell(path, content)
    return Verdict("FAIL")


def send(channel: int, what: dict[str, Any]) -> None:
    """A line of JSON, all of it."""
    line = dumps(what).encode() + b"\n"
    while line:
        line = line[write(channel, line) :]


def serve_in_fork(request: dict[str, Any], requests: int, answers: int) -> dict[str, Any]:
    """The answer of a child, or how it ended. Once it is there, all that the file started is ended;
    so it is when the runner closes the channel, or is gone, however it went.
    """
    ours, its = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            for channel in (ours, requests, answers):
                os.close(channel)
            send(its, serve(request))
        finally:
            _exit(0)
    os.close(its)
    os.set_blocking(ours, False)
    watched = select.poll()
    watched.register(ours, select.POLLIN)
    watched.register(requests, 0)  # tells when nobody can write to us any more
    said, ended = b"", 0
    while not ended and not said.endswith(b"\n") and len(said) < MOST_BYTES:
        ended, status = os.waitpid(child, os.WNOHANG)
        for channel, _ in watched.poll(5):
            if channel == requests:
                end_children()
                _exit(0)
            chunk = os.read(ours, 1 << 16)
            said += chunk
            if not chunk:  # closed
                watched.unregister(ours)
    end_children()
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(ours, 1 << 16):  # what came between the last two looks
            said += chunk
    os.close(ours)
    if ended and not said:
        return {"ended": os.waitstatus_to_exitcode(status)}
    try:
        answer = loads(said)
    except (ValueError, RecursionError):
        answer = None
    return answer if isinstance(answer, dict) else {}


def adopt_orphans() -> None:
    """Processes that an exercise leaves behind become our children, so that we can end them."""
    import ctypes

    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children() -> None:
    """Ours and those that we adopt meanwhile."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # fails when there is none
        while True:
            for entry in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                    if int(parent) == os.getpid():
                        os.kill(int(entry.name), signal.SIGKILL)
            os.waitpid(-1, 0)


def refuse_questions(path: Path) -> None:
    """Nobody can answer here: breakpoint() and input() say what to do instead."""
    import pdb

    def refuse(*arguments: Any, **more: Any) -> Any:
        file = f"{path.parent.name}/{path.name}"
        raise EOFError(f"there is no terminal here. Run the file by hand: python {file}")

    if os.environ.get("PYTHONBREAKPOINT") != "0":
        sys.breakpointhook = refuse
    pdb.set_trace = refuse
    builtins.input = refuse


def end_with_runner(requests: Any) -> None:
    requests.readline()
    _exit(1)


def limit_memory() -> None:
    """So that a mistake ends with an error here, and not with a machine that swaps."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return  # a system without such limits
    import torch

    if torch.cuda.is_available():
        return  # CUDA reserves addresses far beyond what it uses
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))


if __name__ == "__main__":
    main()
