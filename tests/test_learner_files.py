"""The suite on a learner's files: broken ones are skipped, and what they do stays theirs."""

import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import warnings

import learner
import numpy
import pytest
import torch
from learner import as_handed_out, in_words, name_of, refuse_broken, undone

from practice.exercises import ROOT, find

LEVELS = ("01_data_processing", "02_models", "03_training", "10_diffusion_flow")
FIRST, HUNT = "01_data_processing/challenge_1_tensors", "10_diffusion_flow/buggy_code_1"
AT_TOP = "does something when it is loaded: "
CODE = "\n\n\n"  # before the first definition

# page: (what a learner does to it, the reason that the suite gives, whether it loads)
BROKEN = {
    FIRST: ((CODE, "\n\ndef broken(:\n"), "SyntaxError: invalid syntax (", False),
    "01_data_processing/challenge_2_dataset": (b"# \xe9", "SyntaxError: byte 0xe9 is not", False),
    "02_models/challenge_1_concatenation": (
        (CODE, "\n\nimport no_such_module\n\n\n"),
        "No module named 'no_such_module'",
        False,
    ),
    "02_models/challenge_2_conditioning": (
        (CODE, "\n\nraise SystemExit(0)\n\n\n"),
        AT_TOP + "raise SystemExit(0)",
        False,
    ),
    "02_models/challenge_3_connecting": ("", "its statement is gone", True),
    "02_models/challenge_4_film": (
        ("class ConditionalLinear", "class Mine"),
        "ConditionalLinear is not defined any more",
        True,
    ),
    HUNT: ((CODE, "\n\nraise ValueError('mine')\n\n\n"), AT_TOP + "raise ValueError(", False),
    "10_diffusion_flow/challenge_ddpm_step": (
        ('if __name__ == "__main__":', "if False:"),
        "its last lines, which call judge, are gone",
        True,
    ),
    "10_diffusion_flow/challenge_noise_prediction": (
        (CODE, "\n\nimport os\nos.environ['CI'] = 'true'\n\n\n"),
        AT_TOP + "os.environ['CI'] = 'true'",
        True,
    ),
}
# What this one does when it is run would spoil each run after it. It is fine but for that.
SNEAKY = "03_training/challenge_training_loop"
SNEAK = ("    model = ", "    __import__('sys').modules['practice.judge'] = None\n    model = ")


def spoil(path, change):
    refuse_broken(path)  # it may be a learner's already
    if isinstance(change, bytes):
        path.write_bytes(path.read_bytes() + change)
    elif isinstance(change, tuple):
        text = path.read_text(encoding="utf-8")
        assert change[0] in text, f"{path.name}: no {change[0]!r}"
        path.write_text(text.replace(*change, 1), encoding="utf-8")
    else:
        path.write_text(change, encoding="utf-8")


def spoiled(course):
    """A course of four levels with a broken page of each kind, and a sneaky one."""
    for name in ("practice", "tests", "checks", *LEVELS):
        shutil.copytree(ROOT / name, course / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "pyproject.toml", "README.md", "PEDAGOGY.md"):
        shutil.copyfile(ROOT / name, course / name)
    spoil(course / f"{SNEAKY}.py", SNEAK)
    for name, (change, _, _) in BROKEN.items():
        spoil(course / f"{name}.py", change)


def run_pytest(course, *arguments):
    environ = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=course,
        capture_output=True,
        encoding="utf-8",
        env={**environ, "PYTHONUTF8": "1"},
    ).stdout.splitlines()


@pytest.mark.slow
@as_handed_out
def test_broken_pages_are_skipped_and_say_why_and_their_solutions_are_tested(tmp_path):
    spoiled(tmp_path)
    others = {name_of(path) for path in find(tmp_path)} - {*BROKEN, SNEAKY}
    without = " or ".join(["slip", "variants", "messages", "commands", *others])
    *lines, last = run_pytest(tmp_path, "-rsp", "tests/test_form.py", "-k", f"not ({without})")
    assert "failed" not in last and "error" not in last and "passed" in last, "\n".join(lines)
    skipped = [line for line in lines if line.startswith("SKIPPED")]
    for name, (_, reason, _) in BROKEN.items():
        of_it = [line for line in skipped if f"{name} is not as it was handed out: " in line]
        assert of_it and all(reason in line for line in of_it), (name, skipped)
        passed = f"PASSED tests/test_form.py::test_the_solution_passes_on_its_own[{name}]"
        assert passed in lines
    assert not any(SNEAKY in line for line in skipped), skipped
    assert f"PASSED tests/test_form.py::test_untouched_it_says_what_is_to_do[{SNEAKY}]" in lines


@pytest.mark.slow
@as_handed_out
def test_pytest_file_says_once_that_a_page_does_not_load(tmp_path):
    spoiled(tmp_path)
    level = tmp_path / "02_models"
    shutil.copyfile(level / "solution_4_film.py", level / "challenge_mine.py")
    files = [f"{name}.py" for name in BROKEN] + ["02_models/challenge_mine.py"]
    lines = run_pytest(tmp_path, *files)
    errors = [line.partition(" ")[2] for line in lines if line.startswith("ERROR ")]
    broken = [f"{name}.py" for name, (_, _, loads) in BROKEN.items() if not loads]
    assert errors == [*broken, "02_models/challenge_mine.py"], "\n".join(lines)
    assert "no check for 02_models/challenge_mine.py; a copy keeps both names" in lines
    assert "it does not load. STOPPED: the answer called sys.exit(0)" in lines
    assert "Traceback" not in "\n".join(lines)


@pytest.fixture
def page(tmp_path):
    """As handed out, if we believe it: the solution of the first exercise under its name."""
    path = tmp_path / f"{FIRST}.py"
    path.parent.mkdir()
    shutil.copyfile(ROOT / "01_data_processing/solution_1_tensors.py", path)
    return path


def test_ci_is_strict(page, monkeypatch):
    spoil(page, BROKEN[FIRST][0])
    test = as_handed_out(lambda path: None)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"{FIRST} is not as it was handed out: Synt"):
        test(path=page)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(SyntaxError):
        test(path=page)


@pytest.mark.parametrize(("say", "name"), [(pytest.skip, "Skipped"), (pytest.fail, "Failed")])
def test_a_skip_can_be_sent_to_another_process(say, name):
    def run(path):
        say(f"{path} is broken")

    assert pickle.loads(pickle.dumps(in_words(run, "it"))) == (name, "it is broken")


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this system has no alarms")
def test_an_endless_loop_ends(page, monkeypatch):
    def test(path):
        while True:
            try:
                sum(range(1000))
            except Exception:  # as the judge does
                continue

    monkeypatch.setattr(learner, "LIMIT", 1)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"{FIRST} takes over 1 s"):
        as_handed_out(test)(path=page)


def json_module():
    return sys.modules.get("json"), "mine" in sys.modules


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("torch.set_default_dtype(torch.float64)", torch.get_default_dtype),
        ("torch.set_default_device('meta')", lambda: torch.empty(0).device),
        ("torch.set_grad_enabled(False)", torch.is_grad_enabled),
        ("torch.set_num_threads(torch.get_num_threads() + 1)", torch.get_num_threads),
        ("torch.manual_seed(3)", lambda: torch.get_rng_state().tolist()),
        ("numpy.random.seed(3)", lambda: str(numpy.random.get_state())),
        ("random.seed(3)", random.getstate),
        ("os.environ['MINE'] = '1'; del os.environ['PATH']", lambda: dict(os.environ)),
        ("os.chdir('/')", os.getcwd),
        ("sys.path.clear()", lambda: list(sys.path)),
        ("sys.path = ['mine']", lambda: list(sys.path)),
        ("sys.argv.clear()", lambda: list(sys.argv)),
        ("sys.modules['json'] = sys.modules['mine'] = None", json_module),
        ("del sys.modules['json']; sys.modules['mine'] = type(sys)('mine')", json_module),
        ("warnings.simplefilter('error')", lambda: list(warnings.filters)),
    ],
)
def test_what_a_page_does_is_undone(code, state):
    before = state()
    with undone():
        exec(code)
        inside = state()
    assert inside != before
    assert state() == before
