"""The commands that a learner types: edit, list, those without a name, sets, plans, placement."""

import itertools
import os
import re
import subprocess
import sys
from datetime import date, timedelta

import pytest
from course import OPEN, RIGHT, WRONG, Terminal, passed, practice, until

from practice import placement
from practice.drill import TOPICS, questions
from practice.exercises import ROOT
from practice.progress import Progress

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs shell scripts and terminals")
ONE, OTHER, HUNT = "02_models/challenge_one.py", "02_models/challenge_other.py", "buggy_code_1"
HOLE = OPEN[: OPEN.index("    raise")].count("\n") + 1


# --- edit --------------------------------------------------------------------------------------


@pytest.fixture
def editors(tmp_path_factory, monkeypatch):
    """A folder on PATH with programs that print how they were called; no editor is set."""
    folder = tmp_path_factory.mktemp("my editors")
    for name in ("vim", "emacs", "code", "subl", "kate", "pad"):
        script = (
            '#!/bin/sh\necho "$(basename "$0")" "$@"\ntest -t 0 && echo on a terminal\nexit 0\n'
        )
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for variable in ("VISUAL", "EDITOR", "TERM_PROGRAM"):
        monkeypatch.delenv(variable, raising=False)
    return folder


@POSIX
@pytest.mark.parametrize(
    ("value", "called"),
    [
        ("vim", "vim +{line} {file}"),
        ("emacs -nw", "emacs -nw +{line} {file}"),
        ("code --wait", "code --wait -g {file}:{line}"),
        ("subl", "subl {file}:{line}"),
        ("kate", "kate -l {line} {file}"),
        ("pad", "pad {file}"),
        ("pad 'two words'", "pad two words {file}"),
        ("{folder}/pad", "pad {file}"),  # a path with a space
    ],
)
def test_edit_opens_the_first_hole(course, editors, monkeypatch, value, called):
    monkeypatch.setenv("EDITOR", value.format(folder=editors))
    lines = practice(course, "edit").splitlines()
    assert lines == [
        f"{ONE}:{HOLE}  Twice as much.",
        called.format(file=course / ONE, line=HOLE),
    ]


@POSIX
def test_which_editor(course, editors, monkeypatch):
    def opened():
        return practice(course, "edit", "other").splitlines()[1].split()[0]

    monkeypatch.setenv("TERM_PROGRAM", "vscode")
    assert opened() == "code"
    monkeypatch.setenv("EDITOR", "vim")
    assert opened() == "vim"
    monkeypatch.setenv("VISUAL", "subl")
    assert opened() == "subl"
    monkeypatch.setenv("VISUAL", " ")
    assert opened() == "vim"


@POSIX
def test_edit_of_a_hunt_and_of_a_full_answer_opens_the_first_function(course, editors, monkeypatch):
    monkeypatch.setenv("EDITOR", "vim")
    (course / ONE).write_text("x = 1\n\n" + RIGHT)
    place = RIGHT[: RIGHT.index("def ")].count("\n") + 1
    assert f"buggy_code_1.py:{place} " in practice(course, "edit", HUNT)
    assert f"{ONE}:{place + 2} " in practice(course, "edit", "one")


@POSIX
@pytest.mark.parametrize(
    ("value", "told"),
    [
        (
            "",
            f'set the environment variable EDITOR .* nano or "code --wait".* {ONE}:{HOLE} by hand',
        ),
        ("nowhere -x", r"\$EDITOR is nowhere -x, but there is no program nowhere: set EDITOR"),
        ("vim 'x", r"\$EDITOR is vim 'x, which is no command: No closing quotation"),
        ("broken", "broken cannot be started: Exec format error"),
    ],
)
def test_without_an_editor_one_line_says_what_to_set(course, editors, monkeypatch, value, told):
    (editors / "broken").write_text("no program\n")
    (editors / "broken").chmod(0o755)
    monkeypatch.setenv("EDITOR", value)
    lines = practice(course, "edit", status=2).splitlines()
    assert re.search(told, lines[-1]), lines
    assert lines[:-1] in ([], [f"{ONE}:{HOLE}  Twice as much."])


@POSIX
def test_edit_of_what_is_gone_opens_nothing(course, editors, monkeypatch):
    monkeypatch.setenv("EDITOR", "vim")
    (course / ONE).unlink()
    assert "gone" in practice(course, "edit", "one", status=2)


@POSIX
def test_an_editor_gets_the_terminal(course, editors, monkeypatch):
    monkeypatch.setenv("EDITOR", "vim")
    terminal = Terminal(course, "edit")
    try:
        terminal.shows("on a terminal")
    finally:
        terminal.end()


@POSIX
def test_watch_opens_each_exercise_in_a_window(course, editors, monkeypatch):
    log = editors / "log"
    (editors / "code").write_text(f'#!/bin/sh\necho "$@" >> "{log}"\nexec sleep 9\n')
    monkeypatch.setenv("VISUAL", "vim")
    told = practice(course, "watch", "--edit", status=2)
    assert "vim may need it, too" in told and len(told.splitlines()) == 1
    monkeypatch.setenv("VISUAL", "code --wait")  # watch goes on meanwhile
    terminal = Terminal(course, "watch", "--edit")
    try:
        terminal.shows("to do")
        assert log.read_text() == f"--wait -g {course / ONE}:{HOLE}\n"
        (course / ONE).write_text(RIGHT)
        terminal.shows("Enter: the next one")
        terminal.type("\n")
        terminal.shows(f"Watching {OTHER}")
        until(lambda: log.read_text().endswith(f"--wait -g {course / OTHER}:{HOLE}\n"))
    finally:
        terminal.end()


# --- list, levels, and commands without a name -------------------------------------------------


def test_list_shows_all_of_each_exercise_in_columns(course):
    page = OPEN.replace("Twice as much.", f"Twice as much {'and more ' * 9}than that.")
    page = page.replace("large    So", "large    Medium, 15 minutes.\n\nMedium, 15 minutes. So")
    (course / ONE).write_text(page)
    (course / OTHER).write_text(RIGHT)
    passed(course, OTHER)
    passed(course, "04_bugs/buggy_code_1.py", "TIME")
    assert practice(course, "list").splitlines() == [
        "02_models",
        f"{'':12}  Medium  15 min  one    Twice as much {'and more ' * 5}...",
        f"  {'pass':10}  {'':14}  other  Twice as much.",
        "04_bugs",
        f"  {'time limit':10}  {'':14}  buggy_code_1  Twice as much.",
    ]
    assert all(len(line) <= 100 for line in practice(course, "list").splitlines())


def test_the_number_of_a_level_means_the_level(course):
    for level in ("20_more", "12_again"):
        (course / level).mkdir()
        (course / level / "challenge_x.py").write_text(RIGHT)
    level = ["02_models", "one", "other"]
    for word in ("2", "02", "02_models", "models", "02_models/"):
        assert re.findall(r"^\w+|one|other", practice(course, "list", word), re.M) == level
    assert practice(course, "list", "mod") == practice(course, "list", "2")
    for word in ("2", "02"):
        assert practice(course, "check", word, status=1).endswith("\n0 of 2 passed\n")


def test_a_name_that_two_levels_have_is_listed_with_its_level(course):
    (course / "20_more").mkdir()
    (course / "20_more/challenge_one.py").write_text(RIGHT)
    out = practice(course, "list")
    assert "02_models/challenge_one " in out and "20_more/challenge_one " in out
    assert " other " in out
    assert "python -m practice watch 02_models/challenge_one\n" in practice(course, "next")


def test_without_a_name_hint_and_why_mean_what_was_judged_last(course):
    first = f"{ONE}  Twice as much.\n\n"
    assert practice(course, "hint").startswith(f"{first}Hint 1 of 2")
    (course / OTHER).write_text(WRONG)
    practice(course, "check", "other", status=1)
    told = f"{OTHER}  Twice as much.\n\nFails like a known mistake: one more\n"
    assert practice(course, "why") == told
    assert "no hint for challenge_other" in practice(course, "hint", status=2)
    (course / OTHER).write_text(RIGHT)
    passed(course, OTHER)
    assert practice(course, "hint").startswith(f"{first}Hint 1 of 2")


def test_without_a_name_solution_and_diff_mean_what_was_judged_last(course):
    assert practice(course, "solution", status=2).startswith(f"{ONE}  Twice")
    (course / OTHER).write_text(RIGHT)
    passed(course, OTHER)
    first = f"{OTHER}  Twice as much.\n\n"
    assert practice(course, "solution").startswith(f'{first}"""Why it works')
    assert practice(course, "diff") == f"{first}They are the same.\n"


@pytest.mark.parametrize("command", ["edit", "hint", "why"])
def test_without_a_name_there_may_be_nothing_left(course, command):
    for name in (ONE, OTHER, "04_bugs/buggy_code_1.py"):
        passed(course, name)
    assert practice(course, command, status=2) == "all have passed, so it needs a name\n"


# --- mock --------------------------------------------------------------------------------------

SETS = f"""# Sets

Not a [set]({ONE}).

## first: The first job

### Core, 30 minutes

1. [other]({OTHER}), 12 minutes
2. [a hunt](04_bugs/buggy_code_1.py)

### If there is time

3. [one]({ONE}), 9 minutes

## empty: Nothing in it

### Core, 30 minutes

## odd: A wrong link

### Core, 30 minutes

1. [gone](02_models/challenge_gone.py)

## outside: Out of the course

### Core, 30 minutes

1. [outside](../02_models/challenge_one.py)

## whole: No core

1. [one]({ONE})
"""


def test_a_set_of_tasks(course):
    (course / "INTERVIEWS.md").write_text(SETS)
    out = practice(course, "mock", "--set", "first", input="check buggy\npause\n")
    assert "An interview of 30 minutes. To have these tasks again: --set first" in out
    copies = re.findall(r"^    (.{35})  (\.practice/mock/\S+)$", out, re.M)
    folder = copies[0][1].removesuffix(f"/{OTHER}")
    assert copies == [
        (f"{'challenge, 12 minutes':35}", f"{folder}/{OTHER}"),
        (f"{'bug hunt':35}", f"{folder}/04_bugs/buggy_code_1.py"),
    ]
    line = WRONG[: WRONG.index("def ")].count("\n") + 1
    assert f" {folder}/04_bugs/buggy_code_1.py:{line}\n" in out  # opens the copy and no other
    (course / folder / OTHER).write_text(RIGHT)
    out = practice(course, "mock", "--set", "first", input="check other\ndone\n")
    assert "--minutes, --set and --seed are for a new one" in out
    report = out.partition("The core holds in 1 of 2, 1 passed\n")[2]
    expected = f"""Time: 0:.. of 30:00, counted from the start

{folder}/{OTHER}  challenge, 12 minutes
    pass after 0:.., 1 check, 0 hints
    read 02_models/README.md and 02_models/solution_other.py
{folder}/04_bugs/buggy_code_1.py  bug hunt
    not yet .0 of 1 labels., 1 check, 0 hints
    read 04_bugs/README.md and 04_bugs/solution_bug_1.py
"""
    assert re.fullmatch(expected, report), report
    assert (course / OTHER).read_text() == OPEN


def test_a_set_that_cannot_be_asked_is_told_and_starts_nothing(course):
    def told(name):
        return practice(course, "mock", "--set", name, status=2)

    assert told("first") == "INTERVIEWS.md has no set first; there is no set yet\n"
    (course / "INTERVIEWS.md").write_text(SETS)
    there = "first, empty, odd, outside, whole"
    assert told("x") == f"INTERVIEWS.md has no set x; the sets there are {there}\n"
    assert "02_models/challenge_gone.py in the set odd is no exercise" in told("odd")
    assert "../02_models/challenge_one.py in the set outside is no exercise" in told("outside")
    for name in ("empty", "whole"):
        assert f"the set {name} wants a heading '### Core, 45 minutes'" in told(name)
    assert not (course / ".practice").exists()


def test_the_report_tells_when_the_core_held_and_when_all_did(course):
    (course / "INTERVIEWS.md").write_text(SETS)
    practice(course, "mock", "--set", "first", "--minutes", "5", input="pause\n")
    session = next((course / ".practice/mock").glob("*/session.json"))
    text = session.read_text().replace('"passed": null', '"passed": 125.0, "core": 61.0', 1)
    session.write_text(text.replace('"spent": 0.', '"spent": 130.'))
    out = practice(course, "mock", input="done\n")
    assert "Time: 2:10 of 5:00" in out and "core after 1:01, pass after 2:05, 0 checks" in out


# --- review --until ----------------------------------------------------------------------------


def day(number):
    return f"{date.today() + timedelta(days=number)}"


def planned(course, days):
    """The days of the plan, counted from today, with what is to do on each."""
    out = practice(course, "review", "--until", day(days))
    lines = re.findall(r"^\w{3} (\S+)  .{7}  (.+)$", out, re.M)
    return {(date.fromisoformat(when) - date.today()).days: names for when, names in lines}


def test_a_plan_spreads_what_passed_over_the_days(course):
    for name in (ONE, OTHER, "04_bugs/buggy_code_1.py"):
        passed(course, name)
    with Progress(course).changing(course / OTHER) as known:
        known["hints"] = 1  # it was hard
    with Progress(course).changing(course / ONE) as known:  # and this one is old
        known["passes"] = {text: when - 99 * 86400 for text, when in known["passes"].items()}
        known["cores"] = known["passes"]
    assert planned(course, 0) == {0: "one, other, buggy_code_1"}
    assert planned(course, 1) == {0: "one, other", 1: "buggy_code_1"}
    assert planned(course, 2) == {0: "one", 1: "other", 2: "buggy_code_1"}
    assert planned(course, 3) == {0: "one", 1: "other", 2: "buggy_code_1", 3: "other"}
    assert planned(course, 7) == {0: "one", 2: "other", 4: "buggy_code_1", 6: "other"}


def test_a_date_that_is_none_or_past_is_one_line(course):
    for wrong in ("x", "2026-13-01", "01.12.2030", "tomorrow", ""):
        out = practice(course, "review", "--until", wrong, status=2)
        assert out == f"--until wants a date, such as {day(14)}, and not {wrong}\n"
    out = practice(course, "review", "--until", day(-1), status=2)
    assert out == f"{day(-1)} is past, today is {day(0)}\n"
    assert "nothing has passed yet" in practice(course, "review", "--until", day(1), status=2)
    assert "either one or --until" in practice(course, "review", "one", "--until", "x", status=2)


# --- placement ---------------------------------------------------------------------------------


@pytest.fixture
def with_sums(course):
    """The small course with the formulas of level 14, from which questions are drawn."""
    (course / "14_computation_exercises").mkdir()
    for file in (ROOT / "14_computation_exercises").glob("solution_0[123]_*.py"):
        (course / "14_computation_exercises" / file.name).write_bytes(file.read_bytes())
    return course


def answers(right, seed=5):
    """What to type for ten questions, so many of them rightly."""
    drawn = itertools.islice(questions(list(TOPICS), seed), 10)
    lines = [f"{question.answer}\n" for _, question in drawn]
    return "".join([*lines[:right], *["skip\n"] * (10 - right)])


def contents(course):
    files = [p for p in course.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return {path: path.read_bytes() for path in files}


@POSIX
def test_placement_tells_where_to_start_and_touches_nothing(with_sums):
    course = with_sums
    (course / "04_bugs/buggy_code_1.py").write_text(RIGHT)  # the hunt is the untouched one
    before = contents(course)
    terminal = Terminal(course, "placement", "--seed", "5")
    try:
        terminal.shows("10 sums, then 1 bug hunts")
        terminal.type(answers(7))
        terminal.shows("Bug hunt 1 of 1: ")
        copy = course / terminal.shows("\r\n")
        terminal.type("\n")
        terminal.shows("double(2) is 3, want 4")
        copy.write_text(RIGHT)
        terminal.type("\n")
        terminal.shows("PASS")
        terminal.shows("Right: 7 of 10 sums, 1 of 1 bug hunts.")
        terminal.shows("Start with 04_bugs: one bug hunt is solved; ")
        until(lambda: terminal.process.poll() == 0)
    finally:
        terminal.end()
    after = contents(course)
    assert before == {path: text for path, text in after.items() if path in before}
    assert {path.relative_to(course).parts[:2] for path in after.keys() - before.keys()} == {
        (".practice", "placement")
    }


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "No question answered, so nothing is known."),
        ("quit\n", "No question answered, so nothing is known."),
        (answers(10)[:-1].partition("\n")[0] + "\nquit\n", "Right: 1 of 1 sums, 0 of 0 bug hunts."),
        (answers(8), "Start with 02_models: the sums are right but no bug hunt is solved"),
        (answers(5) + "skip\n", "Right: 5 of 10 sums, 0 of 1 bug hunts.\nStart with 02_models: no"),
    ],
)
def test_placement_ends_with_what_is_known_so_far(with_sums, typed, told):
    assert told in practice(with_sums, "placement", "--seed", "5", input=typed)


@pytest.mark.parametrize(
    ("sums", "hunts", "level"),
    [
        *((0, 0, "01_data_processing"), (6, 0, "02_models"), (5, 1, "03_training")),
        *((9, 2, "05_level2_intermediate"), (5, 3, "06_level3_advanced")),
        (6, 3, "10_diffusion_flow"),
    ],
)
def test_where_answers_lead(capsys, sums, hunts, level):
    placement.tell([i < sums for i in range(10)], [i < hunts for i in range(3)])
    out = capsys.readouterr().out
    assert f"Start with {level}: " in out
    assert ("practice drill" in out) == (sums < 6)


def test_the_hunts_of_a_placement_are_from_the_whole_path_and_repeat():
    paths = [ROOT / f"{number}" for number in range(11)]
    for seed in range(9):
        first, second, third = placement.chosen(paths, seed)
        assert first in paths[:3] and second in paths[3:7] and third in paths[7:]
        assert [first, second, third] == placement.chosen(paths, seed)


# --- the README --------------------------------------------------------------------------------


def test_the_readme_has_every_command():
    done = subprocess.run([sys.executable, "-m", "practice", "-h"], cwd=ROOT, stdout=-1, text=True)
    commands = re.findall(r"^    (\w+)", done.stdout, re.M)
    assert len(commands) > 15
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("| command |")[2]
    assert [word for word in commands if f"`… {word}" not in table.partition("\n\n")[0]] == []
