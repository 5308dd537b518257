"""What goes wrong around the runner: hostile files, killed runs, full disks, odd things in a file's
place. Each was made to happen; the runner goes on, says in one line what is wrong, loses nothing.
"""

import contextlib
import json
import os
import random
import re
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from course import OPEN, RIGHT, STAND_IN, WRONG, Terminal, alive, make_course, practice, until

from practice import runner, watch
from practice.progress import Progress
from practice.runner import Worker

pytestmark = pytest.mark.slow  # processes are killed, interrupted, left alone
ONE = "02_models/challenge_one.py"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose children it has")


# --- hostile files -----------------------------------------------------------------------------


def of_us(mine):
    """The processes that have our mark in their environment."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mine in (entry / "environ").read_bytes():
                found.add(int(entry.name))
    return found


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """judged(text) -> its result, by one worker after the other; the stand-in for torch starts at
    once."""
    course, made = make_course(tmp_path_factory.mktemp("course")), list[Worker]()
    mark = f"FAULTS={os.urandom(8).hex()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "ROOT", course)
        patch.setattr(runner, "SECONDS", 0.7)
        patch.setenv("PYTHONPATH", str(course / STAND_IN))
        patch.setenv(*mark.split("="))
        patch.delenv("PYTHONUNBUFFERED", raising=False)

        def judge(text, task="judge"):
            (course / ONE).write_bytes(text if isinstance(text, bytes) else text.encode())
            if not made or made[-1].is_spent:
                made.append(Worker())
            made[-1].judge(course / ONE, task)
            result = made[-1].wait()
            left = of_us(mark.encode()) - {made[-1].process.pid}
            assert not left, f"{left} run on"
            return result

        yield judge
        for worker in made:
            worker.stop()


DOUBLE = "def double(x): return 2 * x\n"
APART = "subprocess.Popen(['sleep', '99'], start_new_session=True"
ENDS = f"import os, signal, subprocess, time\n{APART})\n"
HOSTILE = {
    "endless loop": ("while True: pass", "TIME", "an endless loop?"),
    "endless print": ("while True: print('y' * 999)", "TIME", "only the first 64 kB"),
    "endless, no signal helps": (
        "import signal\nfor s in {*range(1, 32)} - {9, 19}: signal.signal(s, signal.SIG_IGN)\n"
        "while True: pass",
        "TIME",
        "an endless loop?",
    ),
    "a timer's handler": (
        "import signal, time\ndef double(x):\n    signal.alarm(1)\n    time.sleep(1.5)",
        "TIME",
        "",
    ),
    "os._exit in the answer": (
        "import os\ndef double(x): os._exit(0)",
        "STOPPED",
        "the file ended the process itself, with exit status 0",
    ),
    "deep recursion in C": (
        "import sys\nsys.setrecursionlimit(10**7)\ndef double(x): return max(map(double, [x]))",
        "CRASH FAIL",  # newer Pythons count it
        "",
    ),
    "input": (
        "def double(x): return int(input())",
        "FAIL",
        "there is no terminal here. Run the file by hand: python",
    ),
    "breakpoint": ("def double(x): breakpoint()", "FAIL", "Run the file by hand: python"),
    "pdb": ("import pdb\npdb.set_trace()\n" + DOUBLE, "FAIL", f"by hand: python {ONE}"),
    "a message of 10 MB": ("def double(x): raise ValueError('y' * 10**7)", "FAIL", "yyyyyyyyy"),
    "a child that loops": (
        f"import os\nif not os.fork():\n    while True: pass\n{DOUBLE}",
        "PASS",
        "now read",
    ),
    "a parent that loops": (
        f"import os\nif os.fork():\n    while True: pass\n{DOUBLE}",
        "TIME",
        "an endless loop?",
    ),
    "a parent that is stopped": (
        f"import os\nif os.fork(): os.kill(os.getpid(), 19)\n{DOUBLE}",
        "TIME",
        "",
    ),
    "a child in a session of its own that is stopped": (
        "import os\nif not os.fork():\n    os.setsid()\n    os.kill(os.getpid(), 19)\n" + DOUBLE,
        "PASS",
        "now read",
    ),
    "a fork comes back from the answer": (
        "import os\ndef double(x): return 0 if os.fork() == 0 else 2 * x",
        "PASS",
        "now read",
    ),
    "a fork, then os._exit replaced": (
        f"import os\nos.fork()\nos._exit = print\n{DOUBLE}",
        "PASS",
        "now read",
    ),
    "os._exit replaced by a loop": (
        f"import os, time\nos._exit = lambda status: time.sleep(99)\n{DOUBLE}",
        "PASS",
        "now read",
    ),
    "a grandchild without our environment": (
        f"import subprocess\nprint('pid', {APART}, env={{}}).pid)\n{DOUBLE}",
        "PASS",
        "now read",
    ),
    "it kills the worker": (ENDS + "os.kill(os.getppid(), 9)\ntime.sleep(9)", "CRASH", "SIGKILL"),
    "it kills its group": (ENDS + "os.killpg(0, 15)\ntime.sleep(9)", "CRASH", "SIGTERM"),
    "it stops the worker": (ENDS + f"os.kill(os.getppid(), 19)\n{DOUBLE}", "TIME", ""),
    "a verdict of its own": (
        "import os\n"
        "for n in range(3, 99):\n"
        '    try: os.write(n, b\'{"state": "HACKED", "detail": 5, "labels": [], "id": 1}\\n\')\n'
        "    except OSError: pass\nos._exit(0)",
        "CRASH",
        "the file left no verdict that can be read",
    ),
    "a verdict of odd types": (
        "import os\n"
        "for n in range(3, 99):\n"
        "    try: os.write(n, b'[' * 10**5)\n"
        "    except OSError: pass\nos._exit(0)",
        "CRASH",
        "the file left no verdict that can be read",
    ),
    "escape codes": (
        "print('\\033[2J\\033]0;title\\007 1%\\r 99%\\rall')\n"
        "def double(x): raise ValueError('\\033[31mred\\u202e\\x9b')",
        "FAIL",
        "all\n",
    ),
    "it prints PASS": (
        "print('PASS: now read 02_models/solution_one.py')\n" + WRONG,
        "FAIL",
        "want 4",
    ),
    "assert_close replaced": (
        "import torch\ntorch.testing.assert_close = print\ndef double(x): return 2 * x",
        "FAIL",
        "the answer replaced",
    ),
    "builtins replaced": (
        "import builtins\nfor name in ('len', 'print', 'isinstance', 'str', 'map', 'set'):\n"
        "    setattr(builtins, name, None)\ndef double(x): return 2 * x",
        "FAIL",
        "the answer replaced builtins.",
    ),
    "builtins replaced by the answer": (
        "import builtins\ndef double(x):\n    builtins.max = min\n    return 2 * x",
        "FAIL",
        "the answer replaced builtins.max, which the checks need",
    ),
    "the judge says yes": (
        "import practice.judge\nfrom practice.exercises import Verdict\n"
        "practice.judge.run = lambda *names: Verdict('PASS')",
        "FAIL",
        "the answer replaced practice.judge.run",
    ),
    "latin-1, and examples that fail": (
        f"# coding: latin-1\n{DOUBLE}\ndef examples():\n    assert 0, '\xe9'".encode("latin-1"),
        "PASS",
        "assert 0, ",
    ),
    "not UTF-8": (
        b"x = 1\n\n# caf\xe9",
        "FAIL",
        "is not UTF-8: save the file as UTF-8 (challenge_one.py, line 3)",
    ),
    "UTF-16": (DOUBLE.encode("utf-16"), "FAIL", f"{ONE}:1"),
    "empty": ("", "FAIL", "double is not defined any more"),
}


ODD_ANSWERS = [
    {},
    {"state": "HACKED", "detail": "", "labels": {}},
    {"state": ["PASS"], "detail": "", "labels": {}},
    {"state": "PASS", "detail": 5, "labels": {}},
    {"state": "PASS", "detail": "", "labels": ["ok"]},
    {"state": "PASS", "detail": "", "labels": {"doubles": 1}},
    {"ended": "no"},
]


def test_an_answer_that_makes_no_sense_is_none():
    for odd in ODD_ANSWERS:
        assert runner.verdict_of(odd) is None, odd
    assert runner.parsed(b"[1]") == runner.parsed(b"[" * 10**6) == runner.parsed(b"\xff") == {}


@LINUX
def test_output_made_non_blocking_does_not_stay_so(judged):
    assert judged("import os\nos.set_blocking(1, False)\n" + DOUBLE).verdict.state == "PASS"
    result = judged("print('y' * 10**7)\n" + DOUBLE)
    assert result.verdict.state == "PASS" and "only the first 64 kB" in result.output


@LINUX
def test_why_of_a_file_that_replaces_builtins(judged):
    text = "import builtins\nfor name in ('len', 'print', 'type', 'dict', 'str', 'map'):\n"
    result = judged(text + "    setattr(builtins, name, None)\n" + DOUBLE, "why")
    assert "ended the file" in result.verdict.detail
    assert judged("def double(x): return x + 1", "why").output.endswith("one more\n")


@LINUX
@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_file_and_the_next(judged, how):
    text, states, told = HOSTILE[how]
    result = judged(text)
    assert result.verdict.state in states.split(), result
    assert told in result.output + result.verdict.detail
    for raw in ("\033", "\r", "\007", "\u202e", "\x9b"):
        assert raw not in result.output + result.verdict.detail
    if how.startswith("a parent"):
        assert "PASS" not in result.output  # which the copy would say, but it is not asked
    for pid in re.findall(r"^pid (\d+)$", result.output, re.M):
        assert not alive(int(pid))
    after = judged(RIGHT)
    assert (after.verdict.state, after.output.count("\n")) == ("PASS", 3), after


def test_a_file_that_writes_into_our_folder(course):
    text = "import pathlib, shutil\nfor p in pathlib.Path('.practice').iterdir():\n"
    text += "    p.unlink()\n    p.mkdir()\n"
    (course / ONE).write_text(text + RIGHT)
    Progress(course).record(course / ONE, "", runner.Verdict("PASS"))
    out = practice(course, "check", "one")
    assert "PASS: now read 02_models/solution_one.py" in out and "Traceback" not in out
    assert "state.json cannot be read; it lies in state.json.bak now" in out or "Warning" in out


# --- something else in the file's place --------------------------------------------------------


def dangling(path):
    path.symlink_to("nowhere.py")


def looping(path):
    path.symlink_to(path.name)


def device(path):
    path.symlink_to("/dev/zero")


def large(path):
    path.touch()
    os.truncate(path, 1 << 40)


PLACES = {
    os.mkfifo: "is a pipe, not a file",
    os.mkdir: "is a directory, not a file",
    dangling: "is a link to nothing",
    looping: "is not readable (Too many levels of symbolic links)",
    device: "is a device, not a file",
    large: "is larger than 16 MB",
}
RUN = """
import signal, sys
from practice.cli import main
for line in sys.stdin.read().splitlines():
    signal.alarm(20)
    print(f"== {line}: {int(main(line.replace('overview', '').split()))}", flush=True)
"""


def run_all(course, commands, **more):
    """What each command prints, by the command with its exit status."""
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=course,
        input="\n".join(commands),
        stdout=-1,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        **more,
    )
    assert done.returncode == 0, done.stdout
    told, before = {}, ""
    for line in done.stdout.splitlines(keepends=True):
        before += "" if line.startswith("== ") else line
        if line.startswith("== "):
            told[line[3:].strip()], before = before, ""
    return told


@pytest.mark.parametrize("put", PLACES)
def test_something_else_in_the_files_place_is_told_in_a_line_and_reset_mends_it(course, put):
    what = f"{ONE} {PLACES[put]}. python -m practice reset challenge_one brings the untouched"
    path = course / ONE
    Progress(course).record(path, "a text", runner.Verdict("PASS"))
    path.unlink()
    put(path)
    refused = ["check one", "check", "why one", "diff one --force"]
    others = ["overview", "list", "next", "hint one", "solution one --force", "check --all"]
    told = run_all(course, [*others, *refused, "review", "review one", "reset one"])
    assert f"Next: {what}" in told["overview: 0"] and f"Next: {what}" in told["next: 0"]
    assert f"({PLACES[put][3:]})" in told["list: 0"] and "Hint 1" in told["hint one: 0"]
    assert f"stopped early {ONE}\n" in told["check --all: 1"]
    assert f"STOPPED: {what}" in told["check --all: 1"]
    for command in refused:
        text = told[f"{command}: 2"]
        assert text.startswith(what) and text.count("\n") == 1, text
    assert "passed" in told["review: 0"] and "as it was handed out" in told["reset one: 0"]
    assert stat.S_ISREG(os.lstat(path).st_mode) and path.read_text() == OPEN
    assert "core 0 of 1" in practice(course, "check", "one", status=1)


def test_a_folder_in_the_files_place_is_kept_with_what_is_in_it(course):
    (course / ONE).unlink()
    (course / ONE).mkdir()
    (course / ONE / "mine.txt").write_text("mine")
    assert "Yours is kept: .practice/attempts/02_models/challenge_one_" in practice(
        course, "reset", "one"
    )
    kept = next((course / ".practice/attempts/02_models").iterdir())
    assert (kept / "mine.txt").read_text() == "mine"


def test_watch_sees_a_file_become_something_else_and_come_back(course):
    path, terminal = course / ONE, Terminal(course, "watch", "one")
    try:
        terminal.shows("to do")
        for put in (os.mkfifo, os.mkdir, device):
            path.unlink()
            put(path)
            terminal.shows(f"{ONE} {PLACES[put]}. python -m practice reset challenge_one")
            terminal.type("w\n")
            os.rmdir(path) if put is os.mkdir else path.unlink()
            path.write_text(WRONG)
            terminal.shows("NOT YET: core 0 of 1")
        path.write_text("")
        terminal.shows("double is not defined any more")
        path.write_text("print('\\033[2J 1%\\rall gone\\033')\n" + RIGHT)
        shown = terminal.shows("now read 02_models/solution_one.py")
        assert "all gone\\x1b\r\n" in shown and "\033[2J" not in shown
    finally:
        terminal.end()


@pytest.mark.parametrize("how", ["the file", "a folder"])
def test_no_link_leads_out_of_the_course(course, tmp_path_factory, how):
    """Neither the exercise, nor a copy of it, nor the folder of either."""
    outside = tmp_path_factory.mktemp("outside")
    theirs = outside / "challenge_one.py"
    theirs.write_text(RIGHT)
    Progress(course).record(course / ONE, "a text", runner.Verdict("PASS"))
    commands = ["reset one", "review one", "mock --minutes 0.001"]
    if how == "the file":
        for path in (course / ONE, course / ".practice/review" / ONE):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.symlink_to(theirs)
        told = run_all(course, commands)
        assert "Yours is kept" in told["reset one: 0"]
        for path in (course / ONE, course / ".practice/review" / ONE):
            assert not path.is_symlink() and path.read_text() == OPEN
    else:
        (course / ".practice/review").mkdir()
        for path in ("02_models", ".practice/review/02_models", ".practice/mock"):
            if (course / path).exists():
                os.rename(course / path, course / "moved")
            (course / path).symlink_to(outside)
        told = run_all(course, commands)
        for command in commands:
            assert "out of the course: remove that link" in told[f"{command}: 2"]
    assert [file.name for file in outside.iterdir()] == [theirs.name]
    assert theirs.read_text() == RIGHT


# --- no room, no leave to write ----------------------------------------------------------------


def no_room():
    """Every write to a file fails, also in what we start; pipes and terminals are none."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def in_the_way(course):
    (course / ".practice").write_text("in the way")


def shown_with_one_warning(course, **more):
    (course / ONE).write_text(WRONG)
    told = run_all(course, ["check one", "hint one", "check --all", "overview"], **more)
    out = "".join(told.values())
    assert out.count("Warning: progress is not kept: ") == 1, out
    assert "Traceback" not in out
    assert "double(2) is 3, want 4" in told["check one: 1"]
    assert "What is twice?" in told["hint one: 0"]
    assert "0 of 3 passed" in told["check --all: 1"] and f"Next: {ONE}" in told["overview: 0"]
    return told


def test_a_full_disk_costs_the_progress_only(course):
    told = shown_with_one_warning(course, preexec_fn=no_room)
    assert "Warning: progress is not kept: File too large (" in told["check one: 1"]
    assert not list((course / ".practice").glob("*.json*"))
    assert not list((course / ".practice").glob(".part*"))
    Progress(course).record(course / ONE, "a text", runner.Verdict("PASS"))
    before = (course / ".practice/state.json").read_bytes()
    shown_with_one_warning(course, preexec_fn=no_room)
    assert (course / ".practice/state.json").read_bytes() == before


def test_a_full_disk_costs_no_answer(course):
    (course / ONE).write_text(RIGHT)
    told = run_all(course, ["reset one", "review one", "mock"], preexec_fn=no_room)
    assert list(told) == ["reset one: 2", "review one: 2", "mock: 2"]
    assert told["reset one: 2"].startswith("challenge_one.py stays as it is, for no copy of it")
    assert all(text.count("\n") <= 2 and "Traceback" not in text for text in told.values()), told
    assert (course / ONE).read_text() == RIGHT
    left = [p for p in (course / ".practice").rglob("*") if p.is_file() and p.name != "lock"]
    assert left == []


def test_something_in_our_folders_place_costs_the_progress_only(course):
    in_the_way(course)
    told = shown_with_one_warning(course)
    assert ".practice is a file, it should be a folder\n" in told["check one: 1"]
    assert (course / ".practice").read_text() == "in the way"


def mounted(how, course):
    """The command line that runs what follows where this is mounted, if we may mount anything."""
    probe = ["unshare", "-rm", "sh", "-c", f'{how} && exec "$@"', "-"]
    with contextlib.suppress(OSError):
        if not subprocess.run([*probe, "true"], cwd=course, capture_output=True).returncode:
            return probe
    pytest.skip("no right to mount anything here")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("mount --bind . . && mount -o remount,ro,bind . && cd $PWD", "Read-only file system"),
        (
            "mount -t tmpfs -o size=8k none .practice && export TMPDIR=$PWD/.practice "
            "&& ! dd if=/dev/zero of=.practice/x 2>/dev/null",
            "No space left on device",
        ),
    ],
)
def test_a_disk_that_is_read_only_or_full(course, how, told):
    (course / ".practice").mkdir()
    command = mounted(how, course)
    (course / ONE).write_text(WRONG)
    for arguments, shown, status in (
        (["check", "one"], "double(2) is 3, want 4", 1),
        (["hint", "one"], "What is twice?", 0),
        (["reset", "one"], "challenge_one.py stays as it is, for no copy", 2),
    ):
        done = subprocess.run(
            [*command, sys.executable, "-m", "practice", *arguments],
            cwd=course,
            stdout=-1,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == status and shown in done.stdout, done.stdout
        assert done.stdout.count(told) == 1 and "Traceback" not in done.stdout, done.stdout
    assert (course / ONE).read_text() == WRONG


# --- what strangers wrote ----------------------------------------------------------------------


RECORD = {"attempts": 1, "hints": 0, "passes": {}, "cores": {}, "last": {}}
LAST = {"text": "", "state": "PASS", "time": 1.0}


ODD_STATES = [
    {"last": {**LAST, "state": "\033[2JHACKED"}},
    {"last": {**LAST, "state": ["PASS"]}},
    {"last": {**LAST, "time": float("inf")}},
    {"last": {**LAST, "time": float("nan")}},
    {"last": {**LAST, "time": -(10**400)}},
    {"last": [1]},
    {"passes": {"a": float("nan")}},
    {"hints": -3},
    {"attempts": 1.5},
    {"reviewed": "yesterday"},
    "[" * 10**5,
    json.dumps({"exercises": {"\033[2J": {**RECORD, "last": LAST}}}),
    os.mkdir,
    os.mkfifo,
]


def test_a_state_that_makes_no_sense_is_set_aside_in_a_line(course):
    state = course / ".practice/state.json"
    state.parent.mkdir()
    for odd in ODD_STATES:
        state.unlink(missing_ok=True)
        if callable(odd):
            odd(state)
        elif isinstance(odd, str):
            state.write_text(odd)
        else:
            state.write_text(json.dumps({"exercises": {ONE: {**RECORD, **odd}}}))
        aside = "state.json.bak" if odd is ODD_STATES[0] else r"state\.json-\d+\.bak"
        told = run_all(course, ["overview", "list", "hint one", "review"])
        assert list(told) == ["overview: 0", "list: 0", "hint one: 0", "review: 2"], odd
        first = told["overview: 0"].splitlines()[0]
        assert re.search(f"state.json cannot be read; it lies in {aside} now$", first), first
        assert "\033" not in "".join(told.values()) and "Hint 1 of 2" in told["hint one: 0"]
    assert len(list(state.parent.glob("state.json*.bak"))) == len(ODD_STATES)


def test_a_state_that_makes_no_sense_on_a_full_disk(course):
    state = course / ".practice/state.json"
    state.parent.mkdir()
    state.write_text("{")
    shown_with_one_warning(course, preexec_fn=no_room)
    assert (course / ".practice/state.json.bak").read_text() == "{"


SESSION = {"folder": "/", "seed": 1, "minutes": 5.0, "spent": 0.0, "resumed": 0, "ended": False}
TASK = {"kind": "model", "file": ONE, "hints": 0, "checks": 0, "passed": None}


ODD_SESSIONS = [
    {"tasks": [{**TASK, "file": "../../../outside.py"}]},
    {"tasks": [{**TASK, "file": "/etc/passwd"}]},
    {"tasks": [{**TASK, "file": "02_models/../02_models/challenge_one.py"}]},
    {"tasks": [{**TASK, "file": [ONE]}]},
    {"tasks": [{**TASK, "kind": "\033[2J"}]},
    {"tasks": [{**TASK, "checks": None}]},
    {"tasks": [{**TASK, "passed": "soon"}]},
    {"tasks": [{**TASK, "labels": "\033[2J"}]},
    {"tasks": {"file": ONE}},
    {"minutes": float("nan")},
    {"minutes": float("inf")},
    {"minutes": "5"},
    {"spent": float("nan")},
    {"ended": None},
    [],
    os.mkfifo,
]


def test_interviews_that_make_no_sense_are_set_aside(course):
    files = []
    for number, odd in enumerate(ODD_SESSIONS):
        file = course / f".practice/mock/2026-01-{number + 1:02}_00-00-00/session.json"
        file.parent.mkdir(parents=True)
        if callable(odd):
            odd(file)
        else:
            session = {**SESSION, "tasks": [TASK], **odd} if isinstance(odd, dict) else odd
            file.write_text(json.dumps(session))
        files.append(file)
    out = practice(course, "mock", input="done\n")
    told = "session.json cannot be read; it lies in session.json.bak now\n"
    assert out.count(told) == len(files)
    assert "An interview of 45 minutes" in out and "\033" not in out
    for file in files:
        assert os.path.lexists(f"{file}.bak") and not os.path.lexists(file)


def test_an_interview_that_makes_sense_goes_on(course):
    file = course / ".practice/mock/2026-01-01_00-00-00/session.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({**SESSION, "tasks": [TASK]}))
    assert "An interview goes on, 4:59 left" in practice(course, "mock", input="check one\ndone\n")


# --- killed, interrupted, two at once ----------------------------------------------------------

# Until it is killed: an answer, a verdict on it, a hint, and the untouched file again.
BUSY = """
import contextlib, io, itertools, os, sys
from practice.exercises import ROOT, Verdict
from practice.progress import Progress, text_hash
from practice.study import hint, reset
path = ROOT / "02_models/challenge_one.py"
def work(told, start):
    for i in itertools.count(start):
        with contextlib.redirect_stdout(io.StringIO()):
            path.write_text(f"answer = {i}")
            os.write(told, f"written {i}\\n".encode())
            Progress().record(path, str(i), Verdict("PASS"))
            os.write(told, f"recorded {i}\\n".encode())
            hint(path)
            reset(path)
            os.write(told, f"reset {i}\\n".encode())
"""
KILLED = (
    BUSY
    + """
import json, random, re, signal, time
draw, told, start, given_up = random.Random(0), "", 0, set()
for turn in range(60):
    ours, its = os.pipe()
    child = os.fork()
    if not child:
        work(its, start)
    os.close(its)
    told += os.read(ours, 10).decode()  # it is at work
    time.sleep(draw.random() / 50)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(ours, 1 << 16):
        told += more.decode()
    os.close(ours)
    text = path.read_text()
    kept = {file.read_text() for file in (ROOT / ".practice/attempts/02_models").glob("*.py")}
    written = re.findall(r"^written (\\d+)$", told, re.M)
    assert kept <= {f"answer = {i}" for i in range(int(written[-1]) + 2)}, "a copy is not whole"
    lost = {f"answer = {i}" for i in written} - given_up - kept - {text}
    assert not lost, lost
    given_up.add(text)  # the next answer is written over it, by hand
    state = json.loads((ROOT / ".practice/state.json").read_text())["exercises"]
    passes = state["02_models/challenge_one.py"]["passes"]
    assert set(re.findall(r"^recorded (\\d+)$", told, re.M)) <= set(passes), "a pass is lost"
    start = int(written[-1]) + 1
print(f"{start} rounds")
"""
)


def test_kill_at_60_random_moments_loses_nothing(course):
    Progress(course).record(course / ONE, "", runner.Verdict("FAIL"))
    done = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=course, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    parts = list(course.rglob(".part-*"))
    for part in parts:
        os.utime(part, (0, 0))
    for name in ("reset", "check"):
        subprocess.run([sys.executable, "-m", "practice", name, "one"], cwd=course, stdout=-3)
    assert not [part for part in parts if part.exists()]


@LINUX
def test_a_killed_run_leaves_nothing_that_the_next_does_not_clean_up(course, monkeypatch):
    """Neither a temporary folder nor, if the worker is killed too, what the file had started."""
    temporary = course / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    (course / ONE).write_text(
        f"import os, subprocess, tempfile, time\ntempfile.mkdtemp()\n"
        f"print('apart', {APART}).pid)\nprint('ours', os.getppid())\ntime.sleep(99)"
    )
    code = "from practice import cli, runner, watch\n"
    code += "runner.Worker.wait = lambda self: print(self.is_ready.wait(), flush=True) or [\n"
    code += "    print(self.output.decode(), flush=True) for _ in iter(int, 1)\n"
    code += "    if __import__('time').sleep(0.01) or b'ours' in self.output]\n"
    code += "cli.main(['check', 'one'])"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=course, stdout=-1, text=True)
    pids = {}
    for line in process.stdout:
        if line.startswith(("apart", "ours")):
            pids[line.split()[0]] = int(line.split()[1])
        if len(pids) == 2:
            break
    process.kill()
    os.kill(pids["ours"], signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert alive(pids["apart"]) and len(list(temporary.iterdir())) == 1
    (course / ONE).write_text(RIGHT)
    assert "PASS" in practice(course, "check", "one")
    until(lambda: not alive(pids["apart"]))
    assert list(temporary.iterdir()) == []


def test_two_runners_at_once(course):
    for name in ("one", "other"):
        (course / f"02_models/challenge_{name}.py").write_text(RIGHT)
    start = [sys.executable, "-m", "practice"]
    for command in (["check", "--all"], ["reset", "one"]):
        both = [
            subprocess.Popen([*start, *command], cwd=course, stdout=-1, stderr=-2, text=True)
            for _ in range(2)
        ]
        for process in both:
            out = process.communicate()[0]
            assert "Traceback" not in out and process.returncode in (0, 1), out
        if command[0] == "check":
            assert "2 of 3 passed" in practice(course)
    assert (course / ONE).read_text() == OPEN
    kept = [file.read_text() for file in (course / ".practice/attempts/02_models").iterdir()]
    assert RIGHT in kept and set(kept) <= {RIGHT, OPEN}


KEEP = """
import sys
from pathlib import Path
from practice.progress import Progress
mine = Path(sys.argv[1])
for i in range(20):
    mine.write_text(f"{mine} {i}")
    Progress().keep(mine)
"""


def test_two_runners_keep_copies_of_the_same_name(course):
    files = [course / folder / "challenge_one.py" for folder in ("a/02_models", "b/02_models")]
    for file in files:
        file.parent.mkdir(parents=True)
    both = [subprocess.Popen([sys.executable, "-c", KEEP, file], cwd=course) for file in files]
    assert [process.wait() for process in both] == [0, 0]
    kept = [file.read_text() for file in (course / ".practice/attempts/02_models").iterdir()]
    assert sorted(kept) == sorted(f"{file} {i}" for file in files for i in range(20))


INTERRUPTED = {
    "": 0.1,
    "list": 0.1,
    "check one": 0.5,
    "check --all": 0.7,
    "watch one": 0.5,
    "mock": 0.5,
}


@pytest.mark.parametrize("command", INTERRUPTED)
def test_control_c_at_any_moment_ends_with_130_and_a_whole_state(course, command):
    draw = random.Random(command)
    (course / ONE).write_text(RIGHT.replace("return", "import time; time.sleep(0.2); return"))
    Progress(course).record(course / ONE, "a text", runner.Verdict("FAIL"))
    for _ in range(4):
        terminal = Terminal(course, *command.split())
        try:
            time.sleep(0.05 + draw.random() * INTERRUPTED[command])
            with contextlib.suppress(OSError):
                terminal.type("\x03")
            until(lambda: ended(terminal))  # noqa: B023
            # -2: before Python took the signal over; a shell says 130 then
            done = {0, 1} if command[:5] in ("", "list", "check") else set()
            assert terminal.process.returncode in {130, -2} | done, terminal.text
            assert f'File "{course}' not in terminal.text  # from our code, not Python's own start
        finally:
            terminal.end()
        json.loads((course / ".practice/state.json").read_text())


def ended(terminal):
    """Whether it has; reads what it shows, for it waits when nobody does."""
    import select

    while select.select([terminal.master], [], [], 0)[0]:
        try:
            terminal.text += os.read(terminal.master, 4096).decode()
        except OSError:
            break
    return terminal.process.poll() is not None


# --- asserts switched off ----------------------------------------------------------------------


@pytest.mark.parametrize("command", ["check", "check --all", "why one", "watch", "mock"])
def test_without_asserts_nothing_passes(course, command):
    (course / ONE).write_text(RIGHT)
    told = "The checks cannot run here: asserts are switched off (-O, PYTHONOPTIMIZE), so nothing "
    told += "can be tried\n"
    for switch, variables in (["-O"], {}), ([], {"PYTHONOPTIMIZE": "1"}):
        done = subprocess.run(
            [sys.executable, *switch, "-m", "practice", *command.split()],
            cwd=course,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=-1,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert (done.returncode, done.stdout) == (2, told)
    assert not Progress(course).of(course / ONE)["last"]


def test_a_worker_without_asserts_does_not_start(course, monkeypatch):
    monkeypatch.setattr(runner, "ROOT", course)
    monkeypatch.setattr(Worker, "COMMAND", (sys.executable, "-O", "-m", "practice.worker"))
    worker = Worker()
    worker.judge(course / ONE)
    with pytest.raises(runner.NoWorker, match="asserts are switched off"):
        worker.wait()


# --- saves -------------------------------------------------------------------------------------


def test_a_save_shows_though_the_time_stamp_is_coarse(tmp_path):
    """As on FAT: two seconds, and the same size, and written in place."""
    path, now = tmp_path / "x.py", int(time.time()) // 2 * 2
    path.write_text("x = 1")
    os.utime(path, (now, now))
    first = watch.stamp(path)
    path.write_text("x = 2")
    os.utime(path, (now, now))
    assert watch.stamp(path, first) != first
    second = watch.stamp(path, first)
    assert watch.stamp(path, second) == second
    os.utime(path, (now - 9, now - 9))
    old = watch.stamp(path, second)
    assert old != second and watch.stamp(path, old) is old
