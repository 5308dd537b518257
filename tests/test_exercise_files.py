"""practice/exercises.py: what is on disk is found and loaded, in whatever state it is."""

import sys

import pytest

from practice import exercises
from practice.exercises import (
    facts_of,
    find,
    is_exercise,
    is_hunt,
    load,
    place,
    solution_of,
    stem_of,
)
from practice.judge import try_one


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


def test_ctrl_c_is_no_verdict():
    def check():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        try_one(check, {"__file__": "01_a/challenge_x.py"})


def test_what_a_page_says_of_itself(course):
    page = course("01_a/challenge_x.py", '"""Title: idea.\n\nHard, 25 minutes. Paper: x\n"""')
    assert facts_of(page) == ("Title: idea.", "Hard", 25)
    assert facts_of(course("01_a/challenge_y.py", "x = 1")) == ("x = 1", "", 0)


def test_the_files_of_an_exercise_share_level_and_stem():
    path = exercises.ROOT / "04_bug_finding" / "buggy_code_9.py"
    assert stem_of(path) == stem_of(solution_of(path)) == "bug_9"
    assert is_hunt(path) and is_hunt(solution_of(path)) and is_exercise(path)
    assert not is_exercise(solution_of(path))
    assert place(str(path), 7) == "04_bug_finding/buggy_code_9.py:7"
