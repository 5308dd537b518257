"""`python -m practice`, as a user meets it: the commands, the worker, and what is kept.

Each test has a course of its own in a temporary folder, with a copy of practice/ in it.
"""

import json
import os
import subprocess
import sys
import time

import pytest
from course import (
    CORE,
    OPEN,
    RIGHT,
    SOLUTION,
    WRONG,
    Terminal,
    alive,
    open_pipe,
    passed,
    practice,
    practice_and,
    until,
)

from practice import runner
from practice.progress import Progress, text_hash
from practice.runner import NoWorker, Worker

# --- where you stand ---------------------------------------------------------------------------


def test_the_overview_shows_each_level_what_was_last_and_what_is_next(course):
    (course / "02_models/challenge_one.py").write_text(RIGHT)
    passed(course, "02_models/challenge_one.py")
    lines = practice(course).splitlines()
    assert lines[:2] == ["02_models  #.  1 of 2 passed", "04_bugs    .   0 of 1 passed"]
    assert "1 of 3 passed      (# passed, + the core holds)" in lines
    assert "Last: 02_models/challenge_one.py, pass, just now" in lines
    assert "Next: 02_models/challenge_other.py  Twice as much." in lines
    assert "    python -m practice watch other" in lines


def test_an_edit_takes_the_pass_back(course):
    path = course / "02_models/challenge_one.py"
    path.write_text(RIGHT)
    passed(course, "02_models/challenge_one.py")
    path.write_text(RIGHT + "# looks the same\n")
    assert "0 of 3 passed" in practice(course)
    assert "challenge_one.py" in practice(course, "next")
    assert practice(course, "list", "02").splitlines()[1].split()[:2] == ["edited", "one"]
    path.write_text(RIGHT)
    assert "1 of 3 passed" in practice(course)


def test_a_core_that_holds_counts_apart_and_is_not_next(course):
    for name, state in (("one", "CORE"), ("other", "PASS")):
        (course / f"02_models/challenge_{name}.py").write_text(CORE)
        passed(course, f"02_models/challenge_{name}.py", state)
    lines = practice(course).splitlines()
    assert lines[0] == "02_models  #+  1 of 2 passed, 1 more hold the core"
    assert "Next: 04_bugs/buggy_code_1.py  Twice as much." in lines
    lines = practice(course, "list", "02").splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["core", "pass"]
    passed(course, "04_bugs/buggy_code_1.py")
    assert "Next: 02_models/challenge_one.py" in practice(course)


def test_after_an_exercise_comes_the_next_one_that_is_open(course):
    (course / "02_models/challenge_other.py").write_text(RIGHT)
    passed(course, "02_models/challenge_other.py")
    code = "from practice.common import name_of, next_one, Progress, find; "
    code += "print(*(name_of(next_one(Progress(), after=path)) for path in [None, *find()]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=course, capture_output=True, text=True)
    first, hunt = "02_models/challenge_one.py", "04_bugs/buggy_code_1.py"
    assert done.stdout.split() == [first, hunt, hunt, first], done.stderr


def test_a_folder_that_cannot_be_written_is_told(course):
    (course / ".practice").write_text("in the way")
    lines = practice(course, "hint", "one").splitlines()
    assert lines[0].startswith("Warning: progress is not kept: ")
    assert lines[0].endswith(".practice is a file, it should be a folder")
    assert lines[1] == "Hint 1 of 2"


def test_names(course):
    assert "Hint 1 of 2" in practice(course, "hint", "one")
    assert "Hint 2 of 2" in practice(course, "hint", "02_models/challenge_one.py")
    several = practice(course, "hint", "challenge", status=2)
    assert "02_models/challenge_one.py" in several and "02_models/challenge_other.py" in several
    assert "challenge_other" in practice(course, "hint", "othr", status=2)
    assert "no level has 99" in practice(course, "list", "99", status=2)


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "x", "601"])
def test_an_interview_has_a_length(course, minutes):
    assert "--minutes" in practice(course, "mock", "--minutes", minutes, status=2)
    assert not (course / ".practice").exists()


def test_bad_commands_say_what_there_is(course):
    assert "either one or --all" in practice(course, "check", "one", "--all", status=2)
    assert "usage: python -m practice" in practice(course, "chekc", status=2)
    assert "mock" in practice(course, "--help")


def test_it_needs_no_torch_to_say_where_you_stand(course):
    code = "import sys; from practice.cli import main; main([]); main(['list']); main(['next']); "
    code += "assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=course, check=True, capture_output=True)


def test_colors_only_where_they_are_wanted(course):
    assert "\033" not in practice(course, "list")


# --- hints, solutions, a fresh start -----------------------------------------------------------


def test_one_more_hint_each_time_and_never_too_many(course):
    first, second, third = (practice(course, "hint", "one") for _ in range(3))
    assert "What is twice?" in first and "x + x" not in first
    assert "What is twice?" in second and "What is x + x?" in second
    assert third == second
    assert "no hint" in practice(course, "hint", "buggy_code_1", status=2)
    assert Progress(course).of(course / "02_models/challenge_one.py")["hints"] == 2


def test_the_solution_comes_after_a_pass(course):
    for command in ("solution", "diff"):
        assert "has not passed" in practice(course, command, "one", status=2)
    shown = practice(course, "solution", "one", "--force")
    assert shown.startswith('"""Why it works')
    (course / "02_models/challenge_one.py").write_text(RIGHT.replace("2 * x", "x + x"))
    passed(course, "02_models/challenge_one.py")
    assert practice(course, "solution", "one") == shown
    lines = practice(course, "diff", "one").splitlines()
    assert "-    return x + x" in lines and "+    return 2 * x" in lines
    (course / "02_models/challenge_one.py").write_text(RIGHT)
    assert practice(course, "diff", "one", "--force") == "They are the same.\n"


def test_reset_keeps_your_answer(course):
    path = course / "02_models/challenge_one.py"
    assert "untouched" in practice(course, "reset", "one")
    answers = [WRONG, RIGHT]
    for answer in answers:
        path.write_text(answer)
        assert "Yours is kept: .practice/attempts/02_models/" in practice(course, "reset", "one")
        assert path.read_text() == OPEN
    kept = sorted((course / ".practice/attempts/02_models").iterdir())
    assert sorted(file.read_text() for file in kept) == sorted(answers)


def test_reset_brings_a_deleted_file_back(course):
    path = course / "02_models/challenge_one.py"
    path.write_text(RIGHT)
    path.unlink()
    assert "challenge_one" in practice(course, "reset", "02_models/challenge_one.py")
    assert path.read_text() == OPEN


def test_review_names_what_was_hard_and_works_on_a_copy(course):
    assert "nothing has passed yet" in practice(course, "review", status=2)
    for name in ("02_models/challenge_one.py", "02_models/challenge_other.py"):
        (course / name).write_text(RIGHT)
        passed(course, name)
    practice(course, "hint", "one")
    lines = [line for line in practice(course, "review").splitlines() if "passed" in line]
    assert "challenge_one.py" in lines[0] and "1 hint" in lines[0]
    assert "challenge_other.py" in lines[1]
    assert ".practice/review/02_models/challenge_one.py" in practice(course, "review", "one")
    copy = course / ".practice/review/02_models/challenge_one.py"
    assert copy.read_text() == OPEN
    copy.write_text(WRONG)
    practice(course, "review", "one")
    assert copy.read_text() == OPEN
    kept = list((course / ".practice/attempts").rglob("*.py"))
    assert [file.read_text() for file in kept] == [WRONG]
    assert (course / "02_models/challenge_one.py").read_text() == RIGHT


# --- what is kept ------------------------------------------------------------------------------


ODD = b'{"exercises": {"02_models/challenge_one.py": %s}}'


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"{}", b'{"exercises": [1]}', b"\xff\xfe", ODD % b"5"),
        *(ODD % b'{"last": 5}', ODD % b'{"passes": 5}', ODD % b'{"hints": null}'),
        ODD % b'{"last": {"state": "PASS", "time": "y"}}',
        *(ODD % b'{"cores": 5}', ODD % b'{"last": {"state": "CORE", "time": 1, "labels": 5}}'),
    ],
)
def test_an_unreadable_state_is_set_aside(course, content):
    folder = course / ".practice"
    folder.mkdir()
    (folder / "state.json").write_bytes(content)
    assert "0 of 3 passed" in practice(course)
    assert [file.read_bytes() for file in folder.glob("*.bak*")] == [content]
    passed(course, "02_models/challenge_one.py")
    assert "1 of 3 passed" in practice(course)


RECORD = """
import sys
from pathlib import Path
from practice.exercises import ROOT, Verdict
from practice.progress import Progress
for i in range(int(sys.argv[1])):
    Progress().record(ROOT / "02_models/challenge_one.py", f"{sys.argv[2]}{i}", Verdict("PASS"))
    print(i, flush=True)
"""


def test_two_runners_at_once_lose_nothing(course):
    command = [sys.executable, "-c", RECORD, "40"]
    runners = [subprocess.Popen([*command, name], cwd=course, stdout=-1) for name in "abc"]
    assert [process.wait() for process in runners] == [0, 0, 0]
    for process in runners:
        process.stdout.close()
    known = Progress(course).of(course / "02_models/challenge_one.py")
    assert len(known["passes"]) == known["attempts"] == 120


def test_a_killed_runner_loses_nothing_that_it_told(course):
    told = 0
    for turn in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", RECORD, "9999", f"{turn}-"], cwd=course, stdout=-1
        )
        for _ in range(7 * turn + 1):
            process.stdout.readline()
        process.kill()
        told += 7 * turn + 1 + len(process.stdout.read().splitlines())
        process.wait()
        process.stdout.close()
        passes = Progress(course).of(course / "02_models/challenge_one.py")["passes"]
        assert told <= len(passes) <= told + turn + 1
    json.loads((course / ".practice/state.json").read_text())


# --- the worker --------------------------------------------------------------------------------


@pytest.fixture
def quick_start(course, monkeypatch):
    """Workers of the course, with the stand-in for torch; the path of an exercise."""
    monkeypatch.setattr(runner, "ROOT", course)
    return course / "02_models/challenge_one.py"


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """judged(text) -> the result for a file with this text, in a course with the real torch."""
    folder, made = tmp_path_factory.mktemp("course"), []
    for name, text in practice_and(("02_models", "x"), folder=folder).items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
    path = folder / "02_models" / "challenge_x.py"
    path.parent.mkdir()
    path.with_name("solution_x.py").write_text(SOLUTION)

    def judge(text, task="judge"):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if not made or made[-1].is_spent:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(runner, "ROOT", folder)
                made.append(Worker())
        made[-1].judge(path, task)
        return made[-1].wait()

    yield judge
    for worker in made:
        worker.stop()


HOW_IT_ENDS = {
    "right": ("def double(x): return 2 * x", "PASS", "now read 02_models/solution_x.py"),
    "wrong": ("def double(x): return x", "FAIL", "double(2) is 2, want 4"),
    "core": ("def double(x): return min(2 * x, 99)", "CORE", "all of the core holds, edges 0 of 1"),
    "open": ("def double(x): raise NotImplementedError('double')", "TODO", "core 0 of 1"),
    "exit before the check": ("import sys\nsys.exit(0)", "STOPPED", "challenge_x.py:2 called"),
    "exit in the answer": (
        "import sys\ndef double(x): sys.exit(0)",
        "FAIL",
        "the answer called sys.exit(0)",
    ),
    "os._exit before the check": ("import os\nos._exit(0)", "STOPPED", "exit status 0"),
    "segfault": ("import ctypes\ndef double(x): ctypes.string_at(0)", "CRASH", "SIGSEGV"),
    "abort": ("import os\ndef double(x): os.abort()", "CRASH", "SIGABRT"),
    "memory": ("def double(x): return bytearray(1 << 40)", "FAIL", "out of memory"),
    "tensor memory": ("import torch\ndef double(x): torch.ones(1 << 40)", "FAIL", "out of mem"),
    "memory bomb": (
        "import torch\nkept = []\n"
        "def double(x):\n    while True: kept.append(torch.empty(1 << 28))",
        "FAIL",
        "out of memory",
    ),
    "torchrun": (
        "import subprocess, sys\ndef double(x):\n    if x != 2: return 2 * x\n"
        "    run = [sys.executable, '-m', "
        "'torch.distributed.run', '--standalone', '--nproc-per-node', '2', '--no-python']\n"
        "    out = subprocess.run([*run, 'echo', 'a rank'], stdout=-1, check=True).stdout\n"
        "    return 2 * out.count(b'a rank')",
        "PASS",
        "now read 02_models/solution_x.py",
    ),
    "recursion": ("def double(x): return double(x)", "FAIL", "RecursionError"),
    "input": ("def double(x): return int(input())", "FAIL", "EOFError"),
    "syntax error": ("def double(x): return 2 *", "FAIL", "SyntaxError"),
    "source not UTF-8": (
        b"def double(x):\n    return 2 * x\n# caf\xe9",
        "FAIL",
        "byte 0xe9 is not UTF-8: save the file as UTF-8 (challenge_x.py, line 3)",
    ),
    "a thread left behind": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=[99]).start()\n"
        "def double(x): return 2 * x",
        "PASS",
        "now read 02_models/solution_x.py",
    ),
    "DataLoader with workers": (
        "import torch\nfrom torch.utils.data import DataLoader\n"
        "def double(x): return x * len(list(DataLoader(torch.ones(4), 2, num_workers=2)))",
        "PASS",
        "now read 02_models/solution_x.py",
    ),
    "settings of torch changed": (
        "import torch\ntorch.set_default_dtype(torch.float64)\ntorch.manual_seed(3)\n"
        "torch.set_grad_enabled(False)\ndef double(x): return 2 * x",
        "PASS",
        "now read 02_models/solution_x.py",
    ),
    "what a check compares with replaced": (
        "import torch\ntorch.testing.assert_close = print\ndef double(x): return x",
        "FAIL",
        "the answer replaced torch.testing.assert_close, which the checks need",
    ),
    "the same in the answer": (
        "import torch\ndef double(x):\n    torch.equal = print\n    return 2 * x",
        "FAIL",
        "the answer replaced torch.equal, which the checks need",
    ),
    "a name gone": ("x = 1", "FAIL", "double is not defined any more"),
    "it prints PASS": ("print('PASS')\ndef double(x): return x", "FAIL", "core 0 of 1"),
    "the judge replaced": (
        "import practice.judge\npractice.judge.judge = practice.judge.run = print\n"
        "def double(x): return x",
        "FAIL",
        "the answer replaced practice.judge.run, which the checks need",
    ),
    "sys.path made anew": (
        "import sys\nsys.path = ['.']\ndef double(x): return 2 * x",
        "PASS",
        "now read 02_models/solution_x.py",
    ),
    "json broken": (
        "import json\njson.dumps = json.loads = None\ndef double(x): return 2 * x",
        "PASS",
        "now read 02_models/solution_x.py",
    ),
    "output closed": (
        "import os\nos.close(1)\ndef double(x): return 2 * x",
        "PASS",
        "now read 02_models/solution_x.py",
    ),
    "an exception that is none": (
        "class Odd(BaseException): pass\ndef double(x): raise Odd",
        "FAIL",
        "Odd",
    ),
    "an error that cannot be printed": (
        "class Odd(Exception):\n    def __str__(self): raise ValueError\ndef double(x): raise Odd",
        "FAIL",
        "ended the file",
    ),
    "a long message": ("def double(x): raise ValueError('y' * 10**6)", "FAIL", "yyyyyyyy"),
    "and the next file does not notice": (
        "import torch\nfresh = torch.get_default_dtype() == torch.float32\n"
        "fresh = fresh and torch.is_grad_enabled() and torch.initial_seed() != 3\n"
        "def double(x): return 2 * x if fresh else 0",
        "PASS",
        "now read 02_models/solution_x.py",
    ),
}


@pytest.mark.parametrize("how", HOW_IT_ENDS)
@pytest.mark.slow
def test_verdicts(judged, how):
    text, state, detail = HOW_IT_ENDS[how]
    result = judged(text)
    assert result.verdict.state == state, result
    assert detail in result.output + result.verdict.detail
    assert len(result.output + result.verdict.detail) < 10_000


def test_what_the_file_prints_is_shown(judged):
    result = judged(
        "import sys\nprint('on import')\n"
        "def double(x):\n    print('in the check', file=sys.stderr)\n"
        "    sys.stdout.buffer.write(b'caf\\xe9')\n    return 2 * x"
    )
    assert result.verdict.state == "PASS"
    told = "in the check\ncaf\N{REPLACEMENT CHARACTER}"
    assert result.output.startswith(f"on import\n{told}core      ok       doubles\n{told}edges ")
    assert result.output.endswith("PASS: now read 02_models/solution_x.py\n")


def test_why_names_the_known_mistake_and_nothing_of_what_the_answer_prints(judged):
    for answer, told in (
        ("x + 1", "Fails like a known mistake: one more\n"),
        ("3", "Fails like a known mistake: one more\n"),
        ("min(x * 2, 99)", "Fails like a known mistake: never over 99\n"),
        ("7", "Fails like a known mistake: perhaps one more\n"),
        ("None", "No known mistake fails like this answer.\n"),
        ("2 * x", "No known mistake fails like this answer.\n"),
        ("1 +", "Fails like a known mistake: the file does not load"),
    ):
        result = judged(f"def double(x):\n    print('mine')\n    return {answer}", "why")
        assert result.output.startswith(told), answer


def test_an_endless_loop_ends_and_endless_output_is_cut(quick_start, monkeypatch):
    monkeypatch.setattr(runner, "SECONDS", 0.5)
    path, worker = quick_start, Worker()
    path.write_text("def double(x):\n    while True: print('y' * 1000)")
    worker.judge(path)
    result = worker.wait()
    assert worker.is_spent
    assert result.verdict.state == "TIME"
    assert "the first 64 kB" in result.output
    assert len(result.output) < 70_000


LEFT_BEHIND = """
import subprocess, sys
for apart in (False, True):
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(99)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=-1, start_new_session=apart)
    print(int(process.stdout.readline()))
def double(x): return 2 * x
"""


@pytest.mark.skipif(not runner.FORKS, reason="only Linux tells whose children they were")
@pytest.mark.parametrize("ended", ["by a verdict", "by the runner"])
def test_nothing_is_left_behind(quick_start, ended):
    path, worker = quick_start, Worker()
    endless = "" if ended == "by a verdict" else "\nwhile True: pass"
    path.write_text(LEFT_BEHIND + endless)
    worker.judge(path)
    if endless:
        until(lambda: worker.is_ready.is_set() and worker.output.count(b"\n") == 2)
        output = worker.output.decode()
    else:
        result = worker.wait()
        assert result.verdict.state == "PASS"
        output = result.output
    worker.stop()
    pids = [int(line) for line in output.split() if line.isdigit()]
    assert len(pids) == 2
    until(lambda: not any(alive(pid) for pid in pids))


def test_the_verdict_is_on_what_was_read(quick_start):
    """A save between the request and the reading, while the worker still starts."""
    path, worker = quick_start, Worker()
    path.write_text(RIGHT)
    worker.judge(path)
    path.write_text(WRONG)
    result = worker.wait()
    worker.stop()
    assert (result.verdict.state, result.text) == ("FAIL", text_hash(path))


def test_a_worker_that_cannot_fork_judges_one_file(quick_start, monkeypatch):
    code = "import practice.worker as worker; worker.FORKS = False; worker.main()"
    monkeypatch.setattr(Worker, "COMMAND", (sys.executable, "-c", code))
    monkeypatch.setattr(runner, "FORKS", False)
    path = quick_start
    path.write_text("import ctypes\ndef double(x): ctypes.string_at(0)")
    worker = Worker()
    worker.judge(path)
    result = worker.wait()
    assert result.verdict.state == "CRASH" and "SIGSEGV" in result.verdict.detail
    assert worker.is_spent


def test_a_worker_that_cannot_start_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr(Worker, "COMMAND", (sys.executable, "-c", "import no_such_torch"))
    worker = Worker()
    worker.judge(tmp_path / "x.py")
    with pytest.raises(NoWorker, match="no_such_torch"):
        worker.wait()


@pytest.mark.slow
def test_workers_end_with_the_runner(quick_start, course):
    """kill -9 of the runner while a check runs: no process stays."""
    path = quick_start
    path.write_text("import os\nprint(os.getpid())\nsum(iter(int, 1))")  # no thread gets a turn
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom practice.runner import Worker\n"
        "worker = Worker()\nworker.judge(Path(sys.argv[1]))\n"
        "while not worker.output or not worker.is_ready.is_set(): time.sleep(0.01)\n"
        "print(worker.output.decode(), worker.process.pid, flush=True)\ntime.sleep(99)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, path], cwd=course, stdout=-1)
    pids = [
        *map(int, process.stdout.readline().split()),
        *map(int, process.stdout.readline().split()),
    ]
    process.kill()
    process.wait()
    process.stdout.close()
    assert len(pids) == 2
    until(lambda: not any(alive(pid) for pid in pids))


# --- check, watch and mock, as they are used ---------------------------------------------------


def test_check_all_and_one(course):
    (course / "02_models/challenge_one.py").write_text(RIGHT)
    out = practice(course, "check", "--all", status=1)
    assert "pass          02_models/challenge_one.py" in out
    assert "to do         02_models/challenge_other.py" in out
    assert "04_bugs/buggy_code_1.py\n    NOT YET: core 0 of 1\n" in out
    assert out.endswith("1 of 3 passed\n")
    assert "1 of 3 passed" in practice(course)
    out = practice(course, "check", "one")
    assert out.endswith("edges     ok       large\nPASS: now read 02_models/solution_one.py\n")
    (course / "02_models/challenge_one.py").write_text(CORE)
    out = practice(course, "check", "one", status=1)
    assert out.endswith("CORE: all of the core holds, edges 0 of 1\n")
    assert "0 of 3 passed, 1 more hold the core" in practice(course)
    assert practice(course, "why", "one") == "Fails like a known mistake: never over 99\n"
    assert "bug hunt" in practice(course, "why", "buggy")


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are not there on Windows")
def test_watch_on_a_terminal(course):
    path = course / "02_models/challenge_one.py"
    terminal = Terminal(course, "watch")
    try:
        terminal.shows("Watching 02_models/challenge_one.py")
        terminal.shows("to do")
        path.write_text(WRONG)
        assert "double(2) is 3, want 4" in terminal.shows("\033[31mNOT YET: core 0 of 1")
        terminal.type("w\n")
        terminal.shows("Fails like a known mistake: one more")
        terminal.type("h\n")
        terminal.shows("What is twice?")
        other = course / "replacement"
        other.write_text(OPEN.replace('raise NotImplementedError("double")', "while True: pass"))
        os.replace(other, path)  # never ends; the next save stops it
        time.sleep(0.3)
        path.unlink()
        terminal.shows("challenge_one.py is gone. python -m practice reset challenge_one brings")
        other.write_text(RIGHT)
        os.replace(other, path)
        assert "\033[32mPASS: now read 02_models/solution_one.py" in terminal.shows(
            "Enter: the next one"
        )
        terminal.type("\n")
        terminal.shows("Watching 02_models/challenge_other.py")
        terminal.shows("to do")
        (course / "02_models/challenge_other.py").touch()  # a save, though nothing is new
        terminal.shows("to do")
        terminal.type("\x04")  # Ctrl-D
        until(lambda: terminal.process.poll() is not None)
    finally:
        terminal.end()
    assert "1 of 3 passed" in practice(course)


def test_an_interview(course):
    asked = "time\nnonsense\ncheck one\nhint one\npause\n"
    out = practice(course, "mock", "--seed", "1", "--minutes", "5", input=asked)
    assert "[4:5" in out and "Paused" in out and "Type check NAME" in out
    folder = next((course / ".practice/mock").iterdir())
    tasks = [task["file"] for task in json.loads((folder / "session.json").read_text())["tasks"]]
    assert [task.split("/")[0] for task in tasks] == ["04_bugs", "02_models"]
    for task in tasks:
        assert (folder / task).read_text() == (course / task).read_text()
    (folder / tasks[1]).write_text(WRONG)
    out = practice(course, "mock", input=f"check {tasks[1]}\npause\n")
    assert "NOT YET: core 0 of 1\n" in out  # why is for the page, not for its copy here
    (folder / tasks[1]).write_text(RIGHT)
    out = practice(course, "mock", input=f"check {tasks[1]}\ncheck {tasks[0]}\ndone\n")
    assert "--seed are for a new one" not in out
    assert "An interview goes on" in out and "double(2) is 3, want 4" in out
    assert "The core holds in 1 of 2, 1 passed" in out and "pass after 0:0" in out
    assert "not yet (0 of 1 labels)" in out
    assert (course / tasks[1]).read_text() == OPEN
    assert "An interview of 45 minutes" in practice(course, "mock", input="done\n")


def test_an_interview_ends_when_its_time_is_up(course):
    out = practice(course, "mock", "--minutes", "0.005", stdin=open_pipe())
    assert "Time is up." in out and "The core holds in 0 of 2" in out


def test_a_killed_interview_goes_on_where_it_was(course):
    with subprocess.Popen(
        [sys.executable, "-m", "practice", "mock", "--minutes", "5"],
        cwd=course,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdin.write("check buggy\n")
        process.stdin.flush()
        sessions = course / ".practice/mock"
        until(lambda: any('"checks": 1' in f.read_text() for f in sessions.glob("*/session.json")))
        process.kill()
    out = practice(course, "mock", "--seed", "7", input="done\n")
    assert "An interview goes on" in out and "--seed are for a new one" in out
    assert "1 check, 0 hints" in out
