"""A small course in a temporary folder, and a terminal, for the tests of `python -m practice`."""

import contextlib
import os
import shutil
import subprocess
import sys
import time

from pages import packed, pages

from practice import runner
from practice.exercises import ROOT
from practice.progress import Progress, text_hash
from practice.study import PAGES

PAGE = '''"""Twice as much.

Core, what an interview asks:

    doubles  Twice x.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    large    So for x of 100 and more.
"""


'''
OPEN = PAGE + 'def double(x):\n    raise NotImplementedError("double")\n'
RIGHT = OPEN.replace('raise NotImplementedError("double")', "return 2 * x")
WRONG = OPEN.replace('raise NotImplementedError("double")', "return x + 1")
CORE = OPEN.replace('raise NotImplementedError("double")', "return min(2 * x, 99)")
CHECK = """
def doubles(double):
    got = double(2)
    assert got == 4, f"double(2) is {got}, want 4"


def large(double):
    got = double(100)
    assert got == 200, f"double(100) is {got}, want 200"


CORE = (doubles,)
EDGES = (large,)
"""
SLIPS = """
SLIPS = {
    "doubles": {"one more": ("2 * x", "x + 1"), "a square": ("2 * x", "x**2 + 1")},
    "large": {"never over 99": ("2 * x", "min(2 * x, 99)")},
}
VARIANTS = {"a sum": ("2 * x", "x + x")}
"""
# Where the commands are tested and not torch, a stand-in saves its import, which takes seconds.
TORCH = """
import contextlib
from types import SimpleNamespace
float32 = equal = allclose = isclose = None
testing = SimpleNamespace(assert_close=None)
set_default_dtype = lambda value: None
default_generator = SimpleNamespace(manual_seed=lambda seed: None)
enable_grad = contextlib.nullcontext
cuda = SimpleNamespace(is_available=lambda: False)
"""
STAND_IN = "stand-in"  # on PYTHONPATH: a torch.py in the course itself is refused
SOLUTION = '''"""Why it works: twice is two times."""


def double(x):
    return 2 * x


if __name__ == "__main__":
    pass
'''
HINTS = """# Level

### challenge_one

<details><summary>Hint 1</summary>

What is twice?

</details>

<details><summary>Hint 2</summary>

What is x + x?

</details>
"""


def practice_and(*exercises, folder):
    """A copy of practice/ in the folder; what lies in checks/ and tests/slips/, by name."""
    shutil.copytree(
        ROOT / "practice", folder / "practice", ignore=shutil.ignore_patterns("__pycache__")
    )
    checks = {f"checks/{level}/check_{stem}.py": CHECK for level, stem in exercises}
    return checks | {f"tests/slips/{level}/slips_{stem}.py": SLIPS for level, stem in exercises}


def make_course(tmp_path):
    """A course of two exercises, a bug hunt and their solutions, in git."""
    files = practice_and(
        ("02_models", "one"), ("02_models", "other"), ("04_bugs", "bug_1"), folder=tmp_path
    )
    files |= {
        f"{STAND_IN}/torch.py": TORCH,
        "02_models/challenge_one.py": OPEN,
        "02_models/challenge_other.py": OPEN,
        "02_models/README.md": HINTS,
        "04_bugs/buggy_code_1.py": WRONG,
        "04_bugs/README.md": "# Bugs\n",
        "PEDAGOGY.md": "[1](02_models/challenge_one.py) [2](02_models/challenge_other.py) "
        "[3](04_bugs/buggy_code_1.py)",
        ".gitignore": ".practice/\n__pycache__/\n",
    }
    for name in ("02_models/solution_one", "02_models/solution_other", "04_bugs/solution_bug_1"):
        files[f"{name}.py"] = SOLUTION
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / PAGES).write_bytes(packed(pages(tmp_path)))
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "course"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def practice(course, *arguments, status=0, **more):
    """What the command prints, stdout and stderr, and its exit status compared."""
    done = subprocess.run(
        [sys.executable, "-m", "practice", *arguments],
        cwd=course,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        **more,
    )
    assert done.returncode == status, done.stdout
    return done.stdout


def passed(course, name, state="PASS"):
    """As if the file, as it is now, had just passed."""
    path = course / name
    verdict = runner.Verdict(state)
    Progress(course).record(path, text_hash(path), verdict)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition, seconds=60):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come to pass"
        time.sleep(0.01)


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, course, *arguments):
        import pty

        self.master, slave = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "practice", *arguments],
            cwd=course,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm"},
            preexec_fn=own_terminal,
        )
        os.close(slave)

    def type(self, text):
        os.write(self.master, text.encode())

    def shows(self, wanted, seconds=60):
        """Wait for the text; what comes after it is for the next call."""
        import select

        limit = time.monotonic() + seconds
        while wanted not in self.text:
            assert time.monotonic() < limit, f"no {wanted!r} in {self.text!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):  # the end
                    self.text += os.read(self.master, 4096).decode()
        before, _, self.text = self.text.partition(wanted)
        return before

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def own_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def open_pipe():
    """Where nobody types and nobody ends."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, False)
    return reading
