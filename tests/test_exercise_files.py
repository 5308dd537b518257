"""practice/exercises.py: what is on disk is found, loaded and judged, in whatever state it is."""

import sys

import pytest

from practice import exercises
from practice.exercises import find, judge, load, solution_of, verdict_of

FOOTER = """
def check(double):
    got = double(2)
    assert got == 4, f"double(2) is {got}, want 4"
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of its own: course("01_a/challenge_x.py", text) writes a file and gives its path."""
    monkeypatch.setattr(exercises, "ROOT", tmp_path)

    def write(name, text=""):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_the_path_is_that_of_the_links_in_pedagogy(course, tmp_path):
    names = [
        "02_b/challenge_x.py",
        "01_a/challenge_y.py",
        "01_a/buggy_code_10.py",
        "01_a/buggy_code_9.py",
    ]
    for name in [*names, "01_a/solution_y.py", "guides/challenge_z.py"]:
        course(name)
    course(
        "PEDAGOGY.md",
        "[y](02_b/challenge_x.py) then [y](01_a/challenge_y.py) [gone](01_a/challenge_g.py)",
    )
    found = [path.relative_to(tmp_path).as_posix() for path in find(tmp_path)]
    assert found == [
        "02_b/challenge_x.py",
        "01_a/challenge_y.py",
        "01_a/buggy_code_9.py",
        "01_a/buggy_code_10.py",
    ]


def test_every_exercise_has_its_solution():
    assert find()
    assert [path for path in find() if not solution_of(path).exists()] == []


def test_two_files_of_one_name_do_not_mix(course):
    first = load(course("01_a/buggy_code_1.py", "class Thing: pass"))["Thing"]
    second = load(course("02_b/buggy_code_1.py", "class Thing: pass"))["Thing"]
    assert sys.modules[first.__module__].Thing is first
    assert sys.modules[second.__module__].Thing is second


def test_a_helper_beside_the_file_is_found_and_the_path_given_back(course):
    course("01_a/given_part.py", "value = 7")
    before = list(sys.path)
    assert load(course("01_a/challenge_x.py", "from given_part import value"))["value"] == 7
    assert sys.path == before


@pytest.mark.parametrize(
    ("answer", "state", "detail"),
    [
        ("def double(x): return 2 * x", "PASS", ""),
        ("def double(x): raise NotImplementedError('double')", "TODO", "double"),
        ("def double(x): return x", "FAIL", "double(2) is 2, want 4\nchallenge_x.py:4  assert got"),
        ("def double(x): return y", "FAIL", "NameError: name 'y' is not defined\nchallenge_x.py:1"),
        ("def twice(x): return 2 * x", "FAIL", "double is not defined any more"),
        ("def double(x): return 2 *", "FAIL", "SyntaxError: invalid syntax"),
        ("import sys\ndef double(x): sys.exit(0)", "STOPPED", "the file ended itself, sys.exit(0)"),
        ("import sys\nsys.exit(0)", "STOPPED", "the file ended itself, sys.exit(0)"),
        ("def double(x): raise MemoryError", "MEMORY", "out of memory"),
        (
            "import torch\ndef double(x): assert x == 3",
            "FAIL",
            "AssertionError: \nchallenge_x.py:2",
        ),
        ("import no_such_module", "FAIL", "ModuleNotFoundError"),
        (
            "def double(x):\n    # caf\xe9\n    return 2 * x".encode("latin-1"),
            "FAIL",
            "UnicodeDecodeError",
        ),
        (
            "import torch\ndef double(x): return torch.empty(2, device='meta').cpu()",
            "FAIL",
            "NotImplementedError: Cannot copy out of meta tensor",
        ),
    ],
)
def test_verdicts(course, answer, state, detail):
    footer = FOOTER if isinstance(answer, str) else FOOTER.encode()
    verdict = verdict_of(course("01_a/challenge_x.py", answer + footer))
    assert verdict.state == state
    assert verdict.detail.startswith(detail)


def test_a_file_without_check_fails(course):
    assert verdict_of(course("01_a/challenge_x.py", "x = 1")).state == "FAIL"


def test_ctrl_c_is_no_verdict():
    def check():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(check, {})
