"""The process that judges: `python -m practice.worker`, started by runner.py.

It imports what every check needs, says so, and waits for requests, one JSON line each: the file,
whether to judge it or to say why it fails, and where to put the verdict. What is printed meanwhile,
the page of the exercise included, goes where the worker's output goes.
On Linux each file is judged in a fork, which starts as fresh as the worker and takes milliseconds.
Elsewhere forking a process that has loaded torch is not safe; there a worker judges one file.
"""

import contextlib
import io
import os
import select
import signal
import sys
import threading
from json import dumps, loads
from pathlib import Path
from typing import Any

from practice.exercises import Verdict
from practice.progress import hash_of

FORKS = sys.platform == "linux"
READY, DONE = b"\0ready\n", b"\0done\n"  # written when it is warm, and after each verdict
MEMORY = 4 << 30  # bytes beyond those of the idle worker
DETAIL = 8000  # characters of a verdict's message


def main() -> None:
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
    os.write(1, READY)
    while line := requests.readline():
        request = loads(line)
        if FORKS:
            serve_in_fork(request, requests.fileno())
        else:
            threading.Thread(target=end_with_runner, args=(requests,), daemon=True).start()
            serve(request)


def warm_up() -> None:
    """All that a check would import: torch, and what its first uses of some functions import."""
    import numpy  # noqa: F401
    import torch

    with contextlib.suppress(ImportError):
        import torch._dynamo  # noqa: F401  an optimizer's first step needs it
    import practice.why  # noqa: F401


def serve(request: dict[str, str]) -> None:
    path, text = Path(request["path"]), ""
    verdict = Verdict("FAIL")
    try:
        limit_memory()
        content = path.read_bytes()
        text = hash_of(content)  # the verdict is on what was read, whatever is saved meanwhile
        if request["task"] == "why":
            from practice.why import tell

            tell(path, content)
        else:
            from practice.judge import verdict_on

            verdict = Verdict(*verdict_on(path, content))
    except BaseException as error:  # also one that no program should raise, or cannot be printed
        verdict = Verdict("FAIL", f"NOT YET: {type(error).__name__} ended the file")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    state, detail, labels = verdict
    answer(request, state=state, detail=detail[:DETAIL], labels=dict(labels), text=text)


def answer(request: dict[str, str], **result: Any) -> None:
    """Leave the result where it was asked for, whole, and tell that the output has ended."""
    file = Path(request["verdict"])
    part = file.with_suffix(".part")
    part.write_text(dumps(result), encoding="utf-8", errors="replace")
    os.replace(part, file)
    with contextlib.suppress(OSError):  # the exercise may have closed it
        os.write(1, DONE)


def serve_in_fork(request: dict[str, str], channel: int) -> None:
    """Judge in a child; end it when the runner closes the channel, or is gone, however it went."""
    child = os.fork()
    if child == 0:
        serve(request)
        os._exit(0)
    runner = select.poll()
    runner.register(channel, 0)  # tells when nobody can write to us any more
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if runner.poll(5):
            os.kill(child, signal.SIGKILL)
            end_orphans()
            os._exit(0)
    end_orphans()
    if not Path(request["verdict"]).exists():
        answer(request, ended=os.waitstatus_to_exitcode(ended[1]))


def adopt_orphans() -> None:
    """Processes that an exercise leaves behind become our children, so that we can end them."""
    import ctypes

    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans() -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # fails when there is none
        while True:
            for entry in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                    if int(parent) == os.getpid():
                        os.kill(int(entry.name), signal.SIGKILL)
            os.waitpid(-1, 0)


def end_with_runner(requests: Any) -> None:
    requests.readline()
    os._exit(1)


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
