"""`python -m practice update`, and the untouched pages that reset, review and mock hand out."""

import ast
import os
import shutil
import stat
import subprocess
import sys
import zipfile

import pytest
from course import OPEN, RIGHT, WRONG, make_course, practice
from learner import as_handed_out
from pages import packed, pages
from sources import pasted

from practice.exercises import ROOT, find
from practice.merge import merged
from practice.study import PAGES

ONE, OTHER, HUNT = (
    "02_models/challenge_one.py",
    "02_models/challenge_other.py",
    "04_bugs/buggy_code_1.py",
)
NEWER = OPEN.replace("Twice as much.", "Two times as much.")
MERGED = RIGHT.replace("Twice as much.", "Two times as much.")
IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@example.org"]


@as_handed_out
def test_the_untouched_pages_are_up_to_date():
    with zipfile.ZipFile(ROOT / PAGES) as file:
        assert {name: file.read(name) for name in file.namelist()} == pages(), (
            "python tests/pages.py writes them anew"
        )
    assert packed(pages()) == (ROOT / PAGES).read_bytes()


# --- answers into a new page -------------------------------------------------------------------

PAGE = '''"""Nets.

Core: two of them.
"""

import torch
from torch import Tensor, nn

Size = int


class Given(nn.Module):
    """Given."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Net(nn.Module):
    """A net."""

    def __init__(self, size: int) -> None:
        raise NotImplementedError("Net.__init__")

    def forward(self, x: Tensor) -> Tensor:
        """x as it should be."""
        raise NotImplementedError("Net.forward")


def double(x: Tensor) -> Tensor:
    """2 x."""
    raise NotImplementedError("double")


def triple(x: Tensor, times: int = 3) -> Tensor:
    raise NotImplementedError("triple")


def examples() -> None:
    assert double(2) == 4


# Nothing to do here.
if __name__ == "__main__":
    pass
'''
ANSWER = '''"""Nets.

Core: two of them.
"""

import math

import torch
from torch import Tensor, nn

Size = int
FACTOR = 2  # mine


class Given(nn.Module):
    """Given."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Net(nn.Module):
    """A net."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = math.sqrt(size)
        # and that is all

    @property
    def half(self):
        return self.size / 2

    def forward(self, x: Tensor) -> Tensor:
        """x as it should be."""
        # first
        return self.half * x


@torch.no_grad
def helper(x): return FACTOR * x


def double(x: Tensor) -> Tensor:
    """2 x."""
    return helper(x)  # so


def triple(x: Tensor, times: int = 3) -> Tensor:
    raise NotImplementedError("triple")


def examples() -> None:
    assert double(2) == 4


# Nothing to do here.
if __name__ == "__main__":
    pass
'''


def changed(text, *edits):
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_answers_helpers_and_imports_move_into_the_new_page():
    edits = [
        ("Core: two of them.", "Core: two of them.\nNew words."),
        ("import torch\n", "import copy\n\nimport torch\n"),
        ('"""A net."""', '"""A network."""'),
        ('"""x as it should be."""', '"""x, as it should be."""'),
        ('"""2 x."""', '"""Two times x."""'),
        ("double(x: Tensor) -> Tensor", "double(x: float | Tensor) -> Tensor"),
        ("assert double(2) == 4", "assert double(3) == 6"),
        ("# Nothing to do here.", "# Nothing to do."),
        ("times: int = 3) -> Tensor:", "times: int = 4) -> Tensor:"),
    ]
    new = changed(PAGE, *edits)
    text, told = merged(PAGE, ANSWER, new)
    assert told == []
    assert text == changed(ANSWER, *edits)
    assert merged(PAGE, text, new) == (text, [])
    assert merged(PAGE, PAGE, new) == (new, [])
    assert merged(PAGE, ANSWER, PAGE) == (ANSWER, [])


def definitions(text):
    """The code of all functions, by name."""
    of_classes = {
        f"{node.name}.{inner.name}": ast.unparse(inner)
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef)
        for inner in node.body
        if isinstance(inner, ast.FunctionDef)
    }
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return of_classes | {node.name: ast.unparse(node) for node in functions}


PARAMETERS = ("def double(x: Tensor) -> Tensor:", "def double(x: Tensor, y: int) -> Tensor:")


@pytest.mark.parametrize(
    ("mine", "new", "told"),
    [
        ([], [PARAMETERS], "double: its parameters are new, (x, y)"),
        (
            [],
            [
                (
                    'forward(self, x: Tensor) -> Tensor:\n        "',
                    'forward(self, y: Tensor) -> Tensor:\n        "',
                )
            ],
            "Net.forward: its parameters are new, (self, y)",
        ),
        (
            [],
            [("def double(", "def doubled("), ("double(2)", "doubled(2)")],
            "double: the new page has no such thing",
        ),
        (
            [],
            [
                (
                    '    def forward(self, x: Tensor) -> Tensor:\n        "',
                    '    def run(self, x: Tensor) -> Tensor:\n        "',
                )
            ],
            "Net.forward: the new page has no such thing",
        ),
        ([], [("class Net(", "class Network(")], "Net: the new page has no such thing"),
        (
            [],
            [('raise NotImplementedError("double")', "return 2 * x")],
            "double: it is changed in the new page, too",
        ),
        (
            [("double(2) == 4", "double(2) == 4.0")],
            [("double(2) == 4", "double(3) == 6")],
            "examples: it is changed in the new page, too",
        ),
        (
            [("Core: two", "Core, I think: two")],
            [("Core: two", "Core: three")],
            "the statement: it is changed in the new page, too",
        ),
        (
            [("Size = int\n", "Size = str\n")],
            [("Size = int\n", "Size = float\n")],
            "Size: it is changed in the new page, too",
        ),
        (
            [("class Net(nn.Module)", "class Net(nn.Linear)")],
            [("class Net(nn.Module)", "class Net(nn.ReLU)")],
            "class Net: its first lines are changed in the new page, too",
        ),
        (
            [],
            [("def triple(", "def helper(x):\n    return x\n\n\ndef triple(")],
            "helper: the new page has one of its own",
        ),
        (
            [("class Given(nn.Module):", "Given = nn.ReLU\n\n\nclass Old(nn.Module):")],
            [('"""Given."""', '"""Given, too."""')],
            "Given: it is changed in the new page, too",
        ),
    ],
)
def test_what_does_not_fit_is_named_and_the_new_page_holds(mine, new, told):
    answer, page = changed(ANSWER, *mine), changed(PAGE, *new)
    text, left_out = merged(PAGE, answer, page)
    assert left_out == [told]
    left, found, wanted = told.split(":")[0], definitions(text), definitions(page)
    assert found.get(left) == wanted.get(left)
    for name in {"Net.__init__", "Net.forward", "double"} & set(wanted) - {left}:
        assert found[name] == definitions(answer)[name]
    again, left_out = merged(PAGE, text, page)
    assert (again, left_out) == (text, [])


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        (("return helper(x)", "return helper("), "line 46"),
        (("return helper(x)", "return '\udcff'"), "the file"),
        (("return helper(x)", "return '\0'"), ""),
        (("return helper(x)", "return " + "(" * 999 + ")" * 999), ""),
    ],
)
def test_of_a_page_that_is_no_python_only_the_statement_is_new(broken, where):
    new = changed(PAGE, ("Core: two", "Core: three"), ("double(2)", "double(3)"))
    answer = changed(ANSWER, broken)
    text, [told] = merged(PAGE, answer, new)
    assert text == answer.replace("Core: two", "Core: three")
    assert told.startswith(where) and told.endswith("is no Python, so only the statement is new")
    text, [told] = merged(PAGE, "# mine\n" + answer, new)
    assert text == "# mine\n" + answer and told.endswith("so nothing of it is new")


def test_a_layout_that_does_not_fit_is_told_and_stays():
    answer = ANSWER.replace("    ", "\t")
    more = ('"""A net."""\n', '"""A net."""\n\n    size = 3\n')
    new = changed(PAGE, ("Core: two", "Core: three"), more)
    text, told = merged(PAGE, answer, new)
    assert text == answer.replace("Core: two", "Core: three")
    assert told == ["its layout does not fit into the new page, so only the statement is new"]


def test_only_layout_or_comments_are_no_answer():
    answer = changed(
        PAGE,
        ("def double", "# later\ndef double"),
        ("double(2) == 4", "double(2)==4"),
        ("Size = int\n", "Size = int  # why?\n"),
    )
    new = changed(PAGE, PARAMETERS, ("double(2)", "double(3)"), ("Size = int", "Size = float"))
    assert merged(PAGE, answer, new) == (new, [])
    assert merged(PAGE, answer, PAGE) == (answer, [])


def test_a_method_that_was_taken_out_stays_out():
    start = PAGE.index("class Net"), PAGE.index("def double")
    answer = PAGE[: start[0]] + "class Net(nn.Sequential): pass\n\n\n" + PAGE[start[1] :]
    new = changed(PAGE, ('"""x as it should be."""', '"""x, as it should be."""'))
    assert merged(PAGE, answer, new) == (answer, [])


def test_what_the_new_page_has_no_more_stays_where_the_answer_needs_it():
    new = changed(
        PAGE,
        (
            "import torch\nfrom torch import Tensor, nn\n\nSize = int\n",
            "from torch import Tensor, nn\n",
        ),
    )
    answer = changed(ANSWER, ("helper(x)  # so", "helper(Size(x))"))
    text, told = merged(PAGE, answer, new)
    assert told == [] and "\nimport torch\n" in text and "\nSize = int\n" in text
    text, told = merged(PAGE, PAGE, new)
    assert (text, told) == (new, [])


def test_a_fix_stays_in_a_hunt_whose_evidence_alone_is_new():
    hunt = PAGE.replace('raise NotImplementedError("double")', "return x + 1  # wrong")
    fixed = hunt.replace("x + 1  # wrong", "2 * x")
    new = changed(hunt, ("Core: two", "Core: three"), ("double(2) == 4", "double(3) == 6"))
    assert merged(hunt, fixed, new) == (new.replace("x + 1  # wrong", "2 * x"), [])
    new = hunt.replace("x + 1  # wrong", "x + 1  # is it?")
    assert merged(hunt, fixed, new) == (fixed, [])
    new = hunt.replace("x + 1", "x + 3")
    assert merged(hunt, fixed, new) == (new, ["double: it is changed in the new page, too"])


@pytest.mark.slow
def test_the_answers_to_all_pages_survive_a_new_statement_and_new_examples():
    with zipfile.ZipFile(ROOT / PAGES) as file:
        handed_out = {name: file.read(name).decode() for name in file.namelist()}
    for path in find():
        old = handed_out.get(path.relative_to(ROOT).as_posix())
        if old is None or old != path.read_text(encoding="utf-8", errors="replace"):
            continue  # a learner's
        new = old.replace('"""', '"""New. ', 1).replace(
            "ples() -> None:", "ples() -> None:\n    3", 1
        )
        text, told = merged(old, pasted(path), new)
        assert told == [], path
        found, wanted = (
            {n.name: ast.dump(n) for n in ast.parse(of).body if hasattr(n, "name")}
            for of in (text, pasted(path))
        )
        for of in (found, wanted):
            of.pop("examples", None)
        assert found == wanted, path
        assert text.startswith('"""New. '), path


# --- the command -------------------------------------------------------------------------------


def git(folder, *arguments):
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, check=True, stdout=-1)
    return done.stdout.decode()


def write(folder, files):
    """Files by name; None: without it."""
    for name, text in files.items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")


def files_of(folder):
    """What is in each file, by name, but for git's and the runner's own."""
    hidden = {".git", ".practice", "__pycache__"}
    files = [p for p in folder.rglob("*") if p.is_file() and not hidden & set(p.parts)]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def attempts(course):
    kept = (course / ".practice" / "attempts").rglob("*")
    return {file.read_text(encoding="utf-8") for file in kept if file.is_file()}


RELEASE = {
    ONE: NEWER,
    "02_models/challenge_new.py": OPEN,
    "02_models/solution_new.py": "new = 1\n",
    "checks/02_models/check_one.py": "CORE = EDGES = ()\n",
    "checks/new/deep.py": "",
    "02_models/README.md": "# New\n",
    "practice/doctor.py": "# new\n",
    "tests/slips/04_bugs/slips_bug_1.py": None,
    "PEDAGOGY.md": "[1](02_models/challenge_one.py)",
}


@pytest.fixture(scope="session")
def releases(tmp_path_factory):
    """A repository of the course with two releases, tagged old and new."""
    folder = make_course(tmp_path_factory.mktemp("releases") / "course")
    git(folder, "tag", "old")
    release(folder, RELEASE)
    git(folder, "tag", "new")
    return folder


def release(folder, files):
    write(folder, files)
    (folder / PAGES).write_bytes(packed(pages(folder)))
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "release")


@pytest.fixture
def origin(releases, tmp_path):
    """The repository, before its second release: git(origin, "merge", "-q", "new") makes it."""
    git(tmp_path, "clone", "-q", str(releases), "origin")
    git(tmp_path / "origin", "reset", "-q", "--hard", "old")
    return tmp_path / "origin"


@pytest.fixture
def clone(origin, tmp_path):
    """A learner's clone of the first release, while the second is out."""
    git(tmp_path, "clone", "-q", str(origin), "mine")
    git(origin, "merge", "-q", "new")
    return tmp_path / "mine"


def download(repository, commit, folder, top="course-main/"):
    """A ZIP file of a release, as from a web page."""
    file = folder / f"{commit}.zip"
    git(repository, "archive", "--format=zip", f"--prefix={top}", "-o", str(file), commit)
    return file


@pytest.fixture
def zipped(releases, tmp_path):
    """A learner's course from a ZIP file; the ZIP file of the next release beside it."""
    with zipfile.ZipFile(download(releases, "old", tmp_path, "mine/")) as file:
        file.extractall(tmp_path)
    download(releases, "new", tmp_path)
    return tmp_path / "mine"


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """Whatever lies around the temporary folder is no repository of it."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


def test_uncommitted_answers_come_into_the_new_pages(clone, origin):
    write(clone, {ONE: RIGHT, OTHER: RIGHT, HUNT: RIGHT, "notes.md": "mine", "PEDAGOGY.md": "my"})
    said = practice(clone, "update")
    assert f"merged   {ONE}\n         yours as it was: .practice/attempts/02_models/" in said
    assert "Pages: 1 new, 1 merged with your answers, 2 as before." in said
    assert "A merged page has to earn its pass again" in said
    assert "What was in their place is kept: .practice/attempts/update_" in said
    assert said.endswith("git status shows your answers only.\n")
    wanted = files_of(origin) | {
        name: text.encode()
        for name, text in {ONE: MERGED, OTHER: RIGHT, HUNT: RIGHT, "notes.md": "mine"}.items()
    }
    assert files_of(clone) == wanted
    assert attempts(clone) == {RIGHT, "my"}
    assert git(clone, "status", "--porcelain").split() == [
        "M",
        ONE,
        "M",
        OTHER,
        "M",
        HUNT,
        "??",
        "notes.md",
    ]
    assert git(clone, "rev-parse", "HEAD") == git(origin, "rev-parse", "HEAD")
    assert practice(clone, "update") == "You have the newest course.\n"
    assert "challenge_one.py is as it was handed out" in practice(clone, "reset", "one")
    assert (clone / ONE).read_text() == NEWER


def test_what_is_staged_stays_staged(clone):
    write(clone, {ONE: RIGHT})
    git(clone, "add", ONE)
    write(clone, {ONE: OPEN})
    said = practice(clone, "update")
    assert said.endswith("You have staged changes, so git is left as it is: see git status.\n")
    assert git(clone, "show", f":{ONE}") == RIGHT


def test_committed_answers_stay_commits(clone, origin):
    write(clone, {ONE: RIGHT})
    git(clone, "commit", "-qam", "mine")
    head = git(clone, "rev-parse", "HEAD")
    said = practice(clone, "update")
    assert f"merged   {ONE}" in said
    assert said.endswith(
        "You have commits of your own: see git diff, then commit the update, too.\n"
    )
    assert files_of(clone) == files_of(origin) | {ONE: MERGED.encode()}
    assert git(clone, "rev-parse", "HEAD") == head
    assert attempts(clone) == {RIGHT}
    assert practice(clone, "update").startswith("You have the newest course.\n")
    git(clone, "add", ".")
    git(clone, "commit", "-qm", "update")
    write(origin, {ONE: NEWER.replace("Two times", "2 times")})
    release(origin, {})
    assert "1 merged" in practice(clone, "update")
    assert (clone / ONE).read_text() == MERGED.replace("Two times", "2 times")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("kind", ["a ZIP file", "a folder", "a clone", "its address"])
def test_a_download_is_brought_up_to_date_from(zipped, releases, tmp_path, kind):
    source = str(tmp_path / "new.zip")
    if kind == "a folder":
        with zipfile.ZipFile(source) as file:
            file.extractall(tmp_path)
        source = "../course-main"
        write(tmp_path / "course-main", {".practice/state.json": "theirs", ".venv/x": ""})
    elif kind != "a ZIP file":
        source = str(releases) if kind == "a clone" else releases.as_uri()
    write(zipped, {ONE: RIGHT, "notes.md": "mine", "02_models/README.md": "my"})
    (zipped / OTHER).write_bytes(OPEN.replace("\n", "\r\n").encode())
    said = practice(zipped, "update", source)
    assert "Pages: 1 new, 1 merged with your answers, 2 as before." in said
    wanted = files_of(releases)
    wanted |= {ONE: MERGED.encode(), "notes.md": b"mine", OTHER: (zipped / OTHER).read_bytes()}
    extra = "tests/slips/04_bugs/slips_bug_1.py"  # without git nobody knows whose it is
    assert files_of(zipped) == wanted | {extra: (zipped / extra).read_bytes()}
    assert {RIGHT, "my"} <= attempts(zipped)
    assert not (zipped / ".practice/state.json").exists() and not (zipped / ".venv").exists()
    assert practice(zipped, "update", source) == "You have the newest course.\n"


@pytest.mark.usefixtures("alone")
def test_a_repository_of_the_learners_own(zipped, releases, tmp_path):
    write(zipped, {ONE: RIGHT})
    git(zipped, "init", "-q")
    git(zipped, "add", ".")
    assert "follows no remote; say where" in practice(zipped, "update", status=2)
    git(zipped, "remote", "add", "course", str(releases))
    git(zipped, "commit", "-qm", "mine")
    head = git(zipped, "rev-parse", "HEAD")
    write(zipped, {"PEDAGOGY.md": "my"})
    said = practice(zipped, "update", "course")
    assert f"merged   {ONE}" in said and "commits of your own" in said
    assert (zipped / ONE).read_text() == MERGED
    assert attempts(zipped) == {RIGHT, "my"}  # git has all else
    assert git(zipped, "rev-parse", "HEAD") == head


@pytest.mark.usefixtures("alone")
def test_exercises_come_and_go(zipped, releases, tmp_path):
    gone = {OTHER: None, "02_models/solution_other.py": None, HUNT: None}
    gone |= {"checks/02_models/check_other.py": None, "tests/slips/02_models/slips_other.py": None}
    git(tmp_path, "clone", "-q", str(releases), "next")
    release(tmp_path / "next", gone)
    mine = OPEN.replace("double(x)", "double(mine)")
    write(zipped, {OTHER: RIGHT, "02_models/challenge_new.py": mine})
    said = practice(zipped, "update", "../next")
    assert f"gone     {OTHER}: the course has it no more; yours: .practice/attempts/" in said
    assert HUNT not in said
    assert "as it is 02_models/challenge_new.py; the new page instead: python -m" in said
    assert (zipped / "02_models/challenge_new.py").read_text() == mine
    assert RIGHT in attempts(zipped)
    assert not [name for name in gone if (zipped / name).exists()]
    assert OTHER not in practice(zipped, "list")


def unchanged(course, before, source, status=2):
    """What update says in one line, where it changes nothing."""
    [said] = practice(course, "update", *source, status=status).splitlines()
    assert files_of(course) == before
    return said


@pytest.mark.usefixtures("alone")
def test_a_source_that_is_none_is_one_line(zipped, tmp_path):
    write(zipped, {ONE: RIGHT})
    before = files_of(zipped)
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q")
    write(tmp_path, {"text.zip": "no ZIP", "folder/README.md": "no course"})
    for source, told in (
        ([], "This folder is no git clone; say where the new course is: python -m practice"),
        ([tmp_path / "text.zip"], "text.zip is no ZIP file that can be read: File is not a zip"),
        ([tmp_path / "folder"], "folder is no course, or an old one: it has no practice/pages.zip"),
        ([tmp_path / "nowhere"], "git clone fails: fatal: repository"),
        ([tmp_path / "empty"], "git archive fails: fatal: "),
        (["https://localhost:9/course"], "git clone fails: fatal: unable to access"),
    ):
        assert told in unchanged(zipped, before, source)
    no_git = {**os.environ, "PATH": ""}
    said = practice(zipped, "update", "https://localhost:9/course", status=2, env=no_git)
    assert said.startswith("git cannot be run") and len(said.splitlines()) == 1


def test_a_remote_that_is_gone_is_one_line(clone, origin):
    write(clone, {ONE: RIGHT})
    before = files_of(clone)
    origin.rename(origin.with_name("moved"))
    assert "git fetch fails: fatal: " in unchanged(clone, before, [])
    git(clone, "checkout", "-q", "-b", "answers")  # it follows nothing: origin is asked
    assert "git fetch fails: fatal: " in unchanged(clone, before, [])
    git(clone, "remote", "remove", "origin")
    assert "This clone follows no remote; say where" in unchanged(clone, before, [])
    origin.with_name("moved").rename(origin)
    assert "1 merged" in practice(clone, "update", str(origin))


def test_a_merge_that_waits_is_not_undone(clone):
    write(clone, {ONE: RIGHT.replace("Twice as much.", "Mine.")})
    git(clone, "commit", "-qam", "mine")
    with pytest.raises(subprocess.CalledProcessError):
        git(clone, "pull", "-q", "--no-rebase")
    before = files_of(clone)
    assert "First end it: git status says how." in unchanged(clone, before, [])
    git(clone, "merge", "--abort")
    said = practice(clone, "update")
    assert f"merged   {ONE}\n         not merged: the statement: it is changed" in said
    assert (clone / ONE).read_text() == MERGED


LINK = zipfile.ZipInfo("course-main/checks/link")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16


@pytest.mark.usefixtures("alone")
def test_a_zip_file_does_not_lead_out_of_the_course(zipped, tmp_path):
    course = (tmp_path / "new.zip").read_bytes()
    up = "../outside", "course-main/../../outside", "/outside", "C:outside", "..\\outside"
    for name in (*up, LINK):
        (tmp_path / "new.zip").write_bytes(course)
        with zipfile.ZipFile(tmp_path / "new.zip", "a") as file:
            file.writestr(name, "/etc/passwd")
        before = files_of(tmp_path)
        said = unchanged(zipped, files_of(zipped), ["../new.zip"])
        assert "is a link, or leads out of it" in said
        assert files_of(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
@pytest.mark.parametrize("name", [ONE, "checks/new", "checks", ".practice", ".practice/attempts"])
def test_links_are_not_followed(clone, tmp_path, name):
    there = tmp_path / "outside"
    if (clone / name).exists():
        (clone / name).rename(there)
    elif name.startswith(".practice"):
        there.mkdir()
        (clone / name).parent.mkdir(exist_ok=True)
    else:
        there.mkdir()
    (clone / name).symlink_to(there)
    write(clone, {OTHER: RIGHT})
    before = files_of(tmp_path)
    [said] = practice(clone, "update", status=2).splitlines()
    assert "link" in said and name in said
    assert files_of(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in its folders")
def test_what_is_no_file_is_told(clone):
    (clone / ONE).unlink()
    os.mkfifo(clone / ONE)
    [said] = practice(clone, "update", status=2).splitlines()
    assert said.startswith(f"{ONE} is a pipe, not a file; update replaces files only")


HURT = """
import os, sys
from practice import cli, update
step, what = sys.argv[1:]
def hurt(name, of):
    def hurting(*arguments):
        global step
        step = int(step) - 1
        if step == -1:
            exec(what)
        return of(*arguments)
    setattr(update, name, hurting)
hurt("replace", update.replace)
hurt("tell_git", update.tell_git)
sys.exit(cli.main(["update"]))
"""


def hurt(course, step, what):
    """Update, and what is to happen before the file of this number is moved; the exit status."""
    command = [sys.executable, "-c", HURT, str(step), what]
    return subprocess.run(command, cwd=course, stdout=-1, stderr=-1).returncode


@pytest.mark.slow
def test_an_update_that_was_killed_is_completed_by_the_next(clone, origin):
    write(clone, {ONE: RIGHT, "notes.md": "mine", OTHER: RIGHT, "PEDAGOGY.md": "my"})
    shutil.copytree(clone, clone.with_name("copy"))
    wanted = files_of(origin) | {ONE: MERGED.encode(), OTHER: RIGHT.encode(), "notes.md": b"mine"}
    for step in range(2, 99, 4):
        course = shutil.copytree(clone.with_name("copy"), clone.with_name(f"course{step}"))
        ended = hurt(course, step, "os._exit(9)") == 0
        if not ended:
            practice(course, "update")
        assert files_of(course) == wanted
        assert {RIGHT, "my"} <= attempts(course)
        assert git(course, "rev-parse", "HEAD") == git(origin, "rev-parse", "HEAD")
        assert practice(course, "update") == "You have the newest course.\n"
        if ended:
            break
    assert step > 6


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal on Windows")
def test_ctrl_c_waits_while_files_are_moved(clone, origin):
    write(clone, {ONE: RIGHT})
    assert hurt(clone, 2, "os.kill(os.getpid(), 2)") == 0
    assert files_of(clone) == files_of(origin) | {ONE: MERGED.encode()}


def test_a_save_meanwhile_is_not_overwritten(clone, origin):
    write(clone, {ONE: WRONG})
    assert hurt(clone, 0, f"open({ONE!r}, 'w').write({RIGHT!r})") == 2
    assert (clone / ONE).read_text() == RIGHT
    practice(clone, "update")
    assert files_of(clone) == files_of(origin) | {ONE: MERGED.encode()}


# --- the untouched pages -----------------------------------------------------------------------


def as_download(course):
    shutil.rmtree(course / ".git")


def as_own_repository(course):
    shutil.rmtree(course / ".git")
    git(course, "init", "-q")
    git(course, "add", ".")
    git(course, "commit", "-qm", "mine")


def as_committed(course):
    git(course, "commit", "-qam", "mine")


def in_a_larger_repository(course):
    shutil.rmtree(course / ".git")
    git(course.parent, "init", "-q")
    git(course.parent, "add", ".")
    git(course.parent, "commit", "-qm", "all")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    "kept", [as_download, as_own_repository, as_committed, in_a_larger_repository]
)
@pytest.mark.slow
def test_reset_review_and_mock_hand_out_the_untouched_page(clone, kept):
    write(clone, {ONE: RIGHT, HUNT: RIGHT})
    kept(clone)
    practice(clone, "review", "one")
    assert (clone / ".practice/review" / ONE).read_text() == OPEN
    practice(clone, "mock", "--seed", "1", input="done\n")
    [hunt] = (clone / ".practice/mock").glob(f"*/{HUNT}")
    assert hunt.read_text() == WRONG
    for name, untouched in ((ONE, OPEN), (HUNT, WRONG)):
        assert "Yours is kept: .practice/attempts/" in practice(clone, "reset", name)
        assert (clone / name).read_text() == untouched
        (clone / name).write_bytes(untouched.replace("\n", "\r\n").encode())
        assert practice(clone, "reset", name) == f"{name} is untouched.\n"


def test_untouched_pages_that_are_gone_are_told_and_come_back(clone):
    practice(clone, "update")
    write(clone, {ONE: RIGHT, PAGES: None, "02_models/challenge_mine.py": RIGHT})
    for content in (None, b"no ZIP file"):
        if content:
            (clone / PAGES).write_bytes(content)
        [said] = practice(clone, "reset", "one", status=2).splitlines()
        assert said.startswith(PAGES) and said.endswith("Get it back: python -m practice update")
    assert (clone / ONE).read_text() == RIGHT
    practice(clone, "update")
    practice(clone, "reset", "one")
    assert (clone / ONE).read_text() == NEWER
    [said] = practice(clone, "reset", "mine", status=2).splitlines()
    assert "it is not of this course" in said
