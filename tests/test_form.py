"""Every exercise: statement, check, slips and solution say the same, label by label."""

import ast
import difflib
import re
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest
import torch
from learner import as_handed_out, judged, name_of
from sources import pasted, run_as_script
from spoilers import leaks
from table import PAGE, with_table

from practice.exercises import (
    ROOT,
    check_of,
    find,
    is_hunt,
    load,
    slips_of,
    solution_of,
    stem_of,
)
from practice.judge import try_all, try_one
from practice.why import edited

EXERCISES = find()
HUNTS = [path for path in EXERCISES if is_hunt(path)]
LINES, PIPELINE_LINES = 100, 130
STATEMENT_LINES, WORDS, LABEL_LINES = 40, 300, 3
CORE = "\nCore, what an interview asks:\n"
EDGES = "\nEdges, what a strict interviewer asks next; a pass of the core does not need them:\n"
MAIN = 'if __name__ == "__main__":'
CRASH_OF_THE_EDIT = r"NameError|AttributeError|UnboundLocalError|ImportError"


def every(paths):
    return pytest.mark.parametrize("path", paths, ids=name_of)


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def skipped(path):
    """What this machine lacks for the exercise, in words; "" if it lacks nothing."""
    return check_of(path).get("SKIPPED", "")


@pytest.fixture(autouse=True)
def it_can_be_tried(request):
    path = getattr(request.node, "callspec", None) and request.node.callspec.params.get("path")
    if path in EXERCISES and skipped(path):
        pytest.skip(f"{name_of(path)}: {skipped(path)}")


def labels(path, part=None):
    check = check_of(path)
    return [one.__name__ for one in (check[part] if part else check["CORE"] + check["EDGES"])]


def refusals(path):
    """How the labels refuse the slips: {(label, slip): the label's outcome on it}; for each label
    one slip that no other label refuses (it is found soonest where it stands first); {variant: the
    outcomes that are not ok}.
    """
    torch.set_num_threads(1)
    check = check_of(path)
    checks = {one.__name__: one for one in check["CORE"] + check["EDGES"]}
    by_label, alone, often = {}, {}, Counter()
    edits = slips_of(path)
    for label, slips in edits["SLIPS"].items():
        for name, edit in slips.items():
            answer = load(solution_of(path), edited(path, edit))
            outcome = try_one(checks[label], answer)
            by_label[label, name] = outcome
            if label in alone or outcome.state == "ok":
                continue
            for other, _ in sorted(checks.items(), key=lambda item: -often[item[0]]):
                if other != label and try_one(checks[other], answer).state != "ok":
                    often[other] += 1  # asked first for the next slip
                    break
            else:
                alone[label] = name
    variants = {
        name: [
            o
            for o in try_all(checks.values(), load(solution_of(path), edited(path, edit)))
            if o.state != "ok"
        ]
        for name, edit in edits["VARIANTS"].items()
    }
    return by_label, alone, variants


# --- the statement -----------------------------------------------------------------------------


@every(EXERCISES)
@as_handed_out
def test_labels_of_statement_check_and_slips_are_the_same_in_order(path):
    statement = ast.get_docstring(tree_of(path))
    core, _, edges = statement.partition(CORE)[2].partition(EDGES)
    found = [re.findall(r"^    (\w+) {2,}\S", part, re.M) for part in (core, edges)]
    assert found == [labels(path, "CORE"), labels(path, "EDGES")]
    assert list(slips_of(path)["SLIPS"]) == labels(path)


@every(EXERCISES)
@as_handed_out
def test_the_page_is_short(path):
    text = path.read_text(encoding="utf-8")
    most = PIPELINE_LINES if path.parent.name[:2] in ("07", "08") else LINES
    assert len(text.splitlines()) <= most
    statement = ast.get_docstring(tree_of(path))
    assert len(statement.splitlines()) <= STATEMENT_LINES
    assert len(statement.split()) <= WORDS, len(statement.split())
    requirements = statement.partition(CORE)[2]
    for label in re.findall(r"^    (\w+ {2,}.*\n?(?: {8,}.*\n?)*)", requirements, re.M):
        assert len(label.splitlines()) <= LABEL_LINES, label
    assert re.search(r"^(Easy|Medium|Hard), \d+ minutes\.( |$)", statement, re.M)


@every(EXERCISES)
@as_handed_out
def test_the_statement_gives_nothing_away(path):
    assert leaks(path, solution_of(path)) == []
    comments = re.findall(r"#.*(?:TODO|FIXME|BUG|HINT).*", path.read_text(encoding="utf-8"))
    assert not comments


@every(EXERCISES)
@as_handed_out
def test_it_has_examples_or_evidence_and_the_footer_of_all(path):
    names = [getattr(node, "name", "") for node in tree_of(path).body]
    assert ("evidence" if is_hunt(path) else "examples") in names
    footer = (ROOT / "01_data_processing" / "solution_1_tensors.py").read_text(encoding="utf-8")
    footer = footer.rpartition("\n\n\n")[2]
    assert footer.count(MAIN) == 1
    assert len([line for line in footer.splitlines() if line.strip()]) <= 7  # one is a comment
    for file in (path, solution_of(path)):
        assert file.read_text(encoding="utf-8").endswith(f"\n\n\n{footer}"), file.name


def public(path, names):
    """{"Thing.method": "its arguments"} of the functions and classes in names."""
    found = {}
    for node in tree_of(path).body:
        if getattr(node, "name", None) not in names:
            continue
        for function in [node, *getattr(node, "body", [])]:
            if isinstance(function, ast.FunctionDef):
                owner = f"{node.name}." if function is not node else ""
                found[owner + function.name] = ast.unparse(function.args)
    return found


@every(EXERCISES)
@as_handed_out
def test_the_solution_keeps_the_interface(path):
    names = judged(path)
    assert public(path, names).items() <= public(solution_of(path), names).items()


@every(HUNTS)
@as_handed_out
def test_a_fix_is_small(path):
    def lines(file):
        found = {n.name: n for n in tree_of(file).body if getattr(n, "name", "") in judged(path)}
        return {name: ast.unparse(node).splitlines() for name, node in found.items()}

    buggy, fixed = lines(path), lines(solution_of(path))
    diff = [d for name in buggy for d in difflib.ndiff(buggy[name], fixed[name]) if d[0] in "+-"]
    assert 1 <= len(diff) <= 6, diff


@every(EXERCISES)
def test_it_is_linked_and_has_hints(path):
    assert f"({name_of(path)}.py)" in (ROOT / "PEDAGOGY.md").read_text(encoding="utf-8")
    readme = (path.parent / "README.md").read_text(encoding="utf-8")
    assert f"({path.name})" in readme
    section = readme.partition(f"### {path.stem}\n")[2].partition("\n### ")[0]
    hints = re.findall(
        r"<details><summary>Hint (\d)</summary>\n\n(.+?)\n\n</details>", section, re.S
    )
    assert [n for n, _ in hints] in (["1", "2"], ["1", "2", "3"]), (
        f"hints {hints}, want two or three"
    )
    assert all(text.rstrip().endswith("?") for _, text in hints), "hints are questions"


# --- what a run says ---------------------------------------------------------------------------


@every(EXERCISES)
@as_handed_out
def test_untouched_it_says_what_is_to_do(path):
    status, out, err = run_as_script(path)
    last = out.splitlines()[-1]
    assert (status, err) == (1, "")
    assert last.startswith("NOT YET: core ")
    assert "Traceback" not in out
    if is_hunt(path):
        assert re.search(r"\d", out), "a bug hunt shows its evidence in numbers"
        assert "practice why" not in out
    else:
        assert last == f"NOT YET: core 0 of {len(labels(path, 'CORE'))}"
        assert re.findall(r"to do +(\w+)", out) == labels(path, "CORE")


@as_handed_out
def filled(path):
    return run_as_script(path, pasted(path))


def alone(path):
    return run_as_script(solution_of(path))


@every(EXERCISES)
@pytest.mark.elsewhere(run=filled)
def test_the_solution_passes_pasted_into_the_page(path, result):
    status, out, err = result
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == f"PASS: now read {name_of(solution_of(path))}.py"
    assert "NOT YET" not in out  # the examples hold, too


@every(EXERCISES)
@pytest.mark.elsewhere(run=alone)
def test_the_solution_passes_on_its_own(path, result):
    status, out, err = result
    assert (status, out.splitlines()[-1], err) == (0, "PASS", "")


@every(EXERCISES)
@as_handed_out
def test_importing_it_leaves_torch_as_it_was(path):
    before = torch.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    load(path)
    load(solution_of(path))
    after = torch.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


# --- the check ---------------------------------------------------------------------------------


@every(EXERCISES)
def test_every_assert_says_what_came_and_what_was_wanted(path):
    file = ROOT / "checks" / path.parent.name / f"check_{stem_of(path)}.py"
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Assert):
            assert node.msg, f"line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("assert_close"):
            assert any(k.arg == "msg" for k in node.keywords), f"line {node.lineno}: no msg"


@pytest.mark.slow
@every(EXERCISES)
@pytest.mark.elsewhere(run=refusals)
def test_each_slip_is_refused_by_its_label(path, result):
    by_label, _, _ = result
    assert len(by_label) >= 4
    let_through = [key for key, outcome in by_label.items() if outcome.state == "ok"]
    assert not let_through
    broken = {
        key: o.message for key, o in by_label.items() if re.match(CRASH_OF_THE_EDIT, o.message)
    }
    assert not broken


@pytest.mark.slow
@every(EXERCISES)
@pytest.mark.elsewhere(run=refusals)
def test_each_label_alone_refuses_a_slip(path, result):
    assert list(result[1]) == labels(path)


@pytest.mark.slow
@every(EXERCISES)
@pytest.mark.elsewhere(run=refusals)
def test_variants_pass(path, result):
    assert {name: refused for name, refused in result[2].items() if refused} == {}


@pytest.mark.slow
@every(EXERCISES)
@pytest.mark.elsewhere(run=refusals)
def test_messages_show_no_line_of_the_check(path, result):
    messages = [o.message for o in result[0].values()]
    said = {line.strip() for message in messages for line in message.splitlines()}
    file = ROOT / "checks" / path.parent.name / f"check_{stem_of(path)}.py"
    assert not said & {line.strip() for line in file.read_text(encoding="utf-8").splitlines()}


@as_handed_out
def test_every_file_of_checks_and_slips_belongs_to_an_exercise():
    stems = {(path.parent.name, stem_of(path)) for path in EXERCISES}
    for folder, kind in ((ROOT / "checks", "check_"), (ROOT / "tests" / "slips", "slips_")):
        files = folder.glob(f"[0-9]*/{kind}*.py")
        found = {(f.parent.name, f.stem.removeprefix(kind)) for f in files}
        assert found == stems, f"without one of page, check and slips: {sorted(found ^ stems)}"


# --- what the pages share ----------------------------------------------------------------------

TENSORS = ROOT / "01_data_processing" / "challenge_1_tensors.py"


@pytest.mark.slow
def test_the_commands_of_a_page(tmp_path):
    def python(*arguments):
        run = subprocess.run(
            [sys.executable, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True
        )
        assert run.stderr == ""
        return run.returncode, run.stdout.splitlines()

    solution = solution_of(TENSORS)
    status, out = python(solution, "stack", "memory")
    assert status == 1
    assert [line.split() for line in out[:2]] == [["ok", "stack"], ["ok", "memory"]]
    status, out = python("-O", solution)
    assert (status, len(out)) == (1, 1)
    assert out[0].startswith("STOPPED: asserts are switched off")


def test_an_unknown_label_and_a_renamed_copy_are_one_clear_line():
    text, there = solution_of(TENSORS).read_text(encoding="utf-8"), ", ".join(labels(TENSORS))
    said = f"STOPPED: no label 'stak', there are {there}\n"
    assert run_as_script(TENSORS, text, ["stak"]) == (1, said, "")
    copy = TENSORS.with_name("challenge_mine.py")
    said = "STOPPED: no check for 01_data_processing/challenge_mine.py; a copy keeps both names\n"
    assert run_as_script(copy, text) == (1, said, "")


@every([TENSORS])
@as_handed_out
def test_the_readme_shows_what_the_first_page_really_says(path, tmp_path):
    def shown(text):
        copy = tmp_path / path.parent.name / path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(text, encoding="utf-8")
        return "".join(f"    {line}\n" for line in run_as_script(copy)[1].splitlines())

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert shown(path.read_text(encoding="utf-8")) in readme
    assert shown(pasted(path).replace("torch.stack(list", "torch.cat(list")) in readme


@as_handed_out
def test_the_table_of_all_exercises_is_up_to_date():
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_table(text), "python tests/table.py writes it anew"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("def stack_batches", "def stack_batch", "stack_batches is not defined any more"),
        ("return torch.stack(", "raise SystemExit(0)\n    return torch.stack(", "sys.exit(0)"),
        ("return torch.stack(", "raise KeyboardInterrupt\n    return torch.stack(", "STOPPED: in"),
        ("return torch.stack(", "torch.stack(", "gave NoneType, want a tensor"),
        ("return torch.stack(", "return torch.stak(", "AttributeError: module 'torch' has no"),
        ("return torch.stack(", "raise ValueError('x' * 10**7)\n    torch.stack(", "xxx"),
    ],
)
@every([TENSORS])
@as_handed_out
def test_what_goes_wrong_is_one_clear_line(path, old, new, said):
    text = pasted(path)
    assert text.count(old) == 1
    status, out, err = run_as_script(path, text.replace(old, new))
    assert status != 0
    assert err == ""
    assert said in out
    assert len(out) < 10_000
    assert "Traceback" not in out


@every([TENSORS])
@as_handed_out
def test_an_example_that_fails_is_told_and_does_not_count(path):
    text = pasted(path).replace("assert both == [0, 1], both", "assert both == [1, 0], both")
    status, out, _ = run_as_script(path, text)
    assert status == 0
    assert out.startswith("examples  NOT YET  [0.0, 1.0]\n")


@pytest.mark.slow
@every(HUNTS[:1])
@as_handed_out
def test_pytest_tries_one_label_and_says_what_the_page_says(path):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"{path}::{labels(path)[-1]}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert re.search(r"1 (failed|passed)", run.stdout), run.stdout
    assert "Traceback" not in run.stdout
