"""`python -m practice update`: the newest course, with the learner's answers in it.

First all of it is made ready in .practice/update/, and what would be lost is kept in
.practice/attempts/. Then each file is moved into its place, practice/pages.zip last: it says which
pages the course had before. So the next update completes one that was killed.
"""

import fnmatch
import io
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from practice.common import Problem, name_of
from practice.exercises import ROOT, check_file, read, solution_of, stem_of, text_of, what_is
from practice.merge import merged
from practice.progress import Progress, locked, make_folder, replace, unused, write
from practice.study import PAGES, plain

FOLDER = ROOT / ".practice"
PAGE = re.compile(r"[0-9][^/]*/(challenge|buggy_code)_[^/]*\.py")
NEVER = (".git", ".practice", ".venv")  # these are the learner's, whatever a source holds
MOST = 200_000_000  # bytes of a course
WANTED = "python -m practice update SOURCE, a folder, a ZIP file or a git address"


class Course(NamedTuple):
    """A release: its pages as they are handed out, its other files, its commit if git has it."""

    pages: dict[str, bytes]
    files: dict[str, bytes]
    commit: str


class Change(NamedTuple):
    """A file as it is, and as it will be; None where there is no file."""

    name: str
    old: bytes | None
    new: bytes | None


def update(source: str | None) -> None:
    """Get the newest course and bring the learner's answers into it."""
    make_folder(FOLDER / "update")
    make_folder(FOLDER / "attempts")
    with open(FOLDER / "update.lock", "a+b") as lock, locked(lock):
        course = newest(source)
        if course.commit and is_ancestor(course.commit, "HEAD") and handed_out():
            print("You have the newest course.")
            return
        last = changed(PAGES, course.files[PAGES])
        files, gone = file_changes(course), gone_files(course)
        pages = page_changes(course)
        kept = keep([*files, *gone])
        move([*files, *gone, *pages, *last])
        if not any((files, gone, pages)):
            print("You have the newest course.")
        elif files or gone:
            print(f"Other files: {len(files)} new, {len(gone)} gone.")
        if kept:
            print(f"What was in their place is kept: {name_of(kept)}")
        if files or gone or pages:
            print("Go on with: python -m practice")
        if any(change.name == "requirements.txt" for change in files):
            print("requirements.txt is new: run make, or pip install -r requirements.txt")
        tell_git(course.commit)


def tell_git(commit: str) -> None:
    """Let the branch go on to the new commit, if it has none of its own; no file is touched."""
    if not commit:
        return
    if tried("diff", "--cached", "--quiet") is None:
        print("You have staged changes, so git is left as it is: see git status.")
    elif is_ancestor("HEAD", commit):
        git("reset", "--quiet", commit)
        print("git status shows your answers only.")
    else:
        print("You have commits of your own: see git diff, then commit the update, too.")


# --- what changes ------------------------------------------------------------------------------


def here(name: str) -> bytes | None:
    """What is in a file of the course. Links are not followed: they may lead out of it."""
    path = ROOT
    for part in name.split("/"):
        path /= part
        if path.is_symlink():
            raise Problem(
                f"{name_of(path)} is a link; update replaces files only. Nothing is done."
            )
    what = what_is(path)
    if what not in ("", "gone"):
        raise Problem(f"{name} is {what}; update replaces files only. Nothing is done.")
    return None if what else read(path)


def changed(name: str, new: bytes) -> list[Change]:
    """The change to a file, if there is one."""
    old = here(name)
    return [] if old is not None and plain(old) == plain(new) else [Change(name, old, new)]


def file_changes(course: Course) -> list[Change]:
    """Those to all but the pages."""
    return [c for name, new in course.files.items() if name != PAGES for c in changed(name, new)]


def gone_files(course: Course) -> list[Change]:
    """What the course no longer has: as git knows it, else the files of exercises that are gone."""
    names = set[str]()
    for name in set(handed_out()) - set(course.pages):
        path = ROOT / name
        slips = ROOT / "tests" / "slips" / path.parent.name / f"slips_{stem_of(path)}.py"
        names |= {name_of(file) for file in (solution_of(path), check_file(path), slips)}
    if course.commit and (base := tried("merge-base", "HEAD", course.commit)):
        names |= set(names_in(git("ls-tree", "-r", "-z", "--name-only", base)))
    names = {name for name in names - set(course.files) if not PAGE.fullmatch(name)}
    return [Change(name, old, None) for name in sorted(names) if (old := here(name)) is not None]


def page_changes(course: Course) -> list[Change]:
    """Those to the pages; what becomes of an answer is told, and a copy kept."""
    before = handed_out()
    files = {name: here(name) for name in [*course.pages, *sorted(set(before) - set(course.pages))]}
    changes, new, merges = list[Change](), 0, 0
    for name, mine in files.items():
        old, page = before.get(name), course.pages.get(name)
        if old == page or (None if mine is None else plain(mine)) == page:
            continue
        if mine is None or plain(mine) == old:
            new += page is not None
            changes.append(Change(name, mine, page))
        elif page is None:
            print(f"gone     {name}: the course has it no more; yours: {kept_page(name)}")
            changes.append(Change(name, mine, None))
        elif old is None:  # the learner's own file of this name, say
            print(f"as it is {name}; the new page instead: python -m practice reset {name}")
        elif change := merge_page(name, old, mine, page):
            merges += 1
            changes.append(change)
    if changes:
        same = len(course.pages) - new - merges
        print(f"Pages: {new} new, {merges} merged with your answers, {same} as before.")
    if merges:
        print("A merged page has to earn its pass again: python -m practice check --all")
    return changes


def merge_page(name: str, old: bytes, mine: bytes, new: bytes) -> Change | None:
    texts = [plain(page).decode("utf-8-sig", "surrogateescape") for page in (old, mine, new)]
    text, left_out = merged(*texts)
    is_new = text != texts[1]
    print(f"merged   {name}" if is_new else f"as it is {name}")
    for what in left_out:
        print(f"         not merged: {what}")
    if not is_new:
        return None
    print(f"         yours as it was: {kept_page(name)}")
    return Change(name, mine, text.encode("utf-8", "surrogateescape"))


def handed_out() -> dict[str, bytes]:
    """The pages of the course as it is here; none if they cannot be read."""
    try:
        return unzipped(io.BytesIO(here(PAGES) or b""), PAGES)
    except Problem:
        return {}


# --- nothing is lost ---------------------------------------------------------------------------


def kept_page(name: str) -> str:
    return name_of(Progress().keep(ROOT / name))


def keep(changes: list[Change]) -> Path | None:
    """A copy of each file that git does not have as it is; the folder they are in."""
    known = set[str]()
    if is_clone() and tried("rev-parse", "HEAD"):
        known = set(names_in(git("ls-tree", "-r", "-z", "--name-only", "HEAD")))
        known -= set(names_in(git("diff", "-z", "--name-only", "HEAD")))
    lost = [c for c in changes if c.old is not None and c.name not in known]
    folder = unused(FOLDER / "attempts" / time.strftime("update_%Y-%m-%d_%H-%M-%S"))
    for change in lost:
        make_folder((folder / change.name).parent)
        write(folder / change.name, change.old or b"")
    return folder if lost else None


def move(changes: list[Change]) -> None:
    """All made ready first, then one by one into place, which takes no time: Ctrl-C waits."""
    ready = FOLDER / "update"
    shutil.rmtree(ready)  # of one that was killed
    ready.mkdir()
    for number, change in enumerate(changes):
        if change.new is not None:
            write(ready / str(number), change.new)
            if change.old is not None:
                shutil.copymode(ROOT / change.name, ready / str(number))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for number, change in enumerate(changes):
            place = ROOT / change.name
            if here(change.name) != change.old:
                raise Problem(f"{change.name} was saved meanwhile: run update again.")
            if change.new is None:
                place.unlink()
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                replace(ready / str(number), place)
    finally:
        signal.signal(signal.SIGINT, before)
        shutil.rmtree(ready)


# --- where the newest course comes from --------------------------------------------------------


def newest(source: str | None) -> Course:
    path = Path(source) if source else None
    if path and path.is_file():
        return course_of(unzipped(path, str(path)), str(path))
    if path and path.is_dir() and not (path / ".git").exists():
        return course_of(files_in(path), str(path))
    if path and path.is_dir():
        source = str(path.resolve())
    if is_clone():
        refuse_unfinished()
        remote, branch = (source, "HEAD") if source else followed()
        git("fetch", "--quiet", "--no-tags", "--", remote, branch)
        commit = git("rev-parse", "FETCH_HEAD").decode().strip()
        return course_of(archived(commit, ROOT), remote, commit)
    if source is None:
        raise Problem(f"This folder is no git clone; say where the new course is: {WANTED}")
    with tempfile.TemporaryDirectory() as folder:
        git("clone", "--quiet", "--bare", "--depth", "1", "--", source, folder)
        return course_of(archived("HEAD", Path(folder)), source)


def followed() -> tuple[str, str]:
    """The remote and the branch there that the current branch follows; otherwise origin's own."""
    branch = tried("symbolic-ref", "--quiet", "--short", "HEAD")
    remote = tried("config", f"branch.{branch}.remote")
    if remote and remote != ".":
        return remote, tried("config", f"branch.{branch}.merge") or "HEAD"
    if "origin" not in git("remote").decode().split():
        raise Problem(f"This clone follows no remote; say where the new course is: {WANTED}")
    return "origin", "HEAD"


def course_of(files: dict[str, bytes], source: str, commit: str = "") -> Course:
    """The course in these files; a ZIP download has it in a folder."""
    tops = [
        name.removesuffix("PEDAGOGY.md") for name in files if re.search("(^|/)PEDAGOGY.md$", name)
    ]
    top = min(tops, key=len, default="")
    files = {name.removeprefix(top): files[name] for name in files if name.startswith(top)}
    files = {name: files[name] for name in files if name.split("/")[0].casefold() not in NEVER}
    for wanted in ("PEDAGOGY.md", PAGES, "checks/"):
        if not any(name.startswith(wanted) for name in files):
            raise Problem(f"{source} is no course, or an old one: it has no {wanted}")
    pages = unzipped(io.BytesIO(files[PAGES]), PAGES)
    if odd := [name for name in pages if not PAGE.fullmatch(name)]:
        raise Problem(f"{source} is no course: its {PAGES} has {odd[0]!r}, which is no exercise")
    return Course(pages, {n: files[n] for n in files if not PAGE.fullmatch(n)}, commit)


def unzipped(file: Path | io.BytesIO, source: str) -> dict[str, bytes]:
    """What is in a ZIP file, by name; nothing is written."""
    found = dict[str, bytes]()
    try:
        with zipfile.ZipFile(file) as content:
            infos = [info for info in content.infolist() if not info.is_dir()]
            if sum(info.file_size for info in infos) > MOST:
                raise Problem(f"{source} is no course: it holds more than {MOST >> 20} MB")
            for info in infos:
                is_out = set(info.filename.split("/")) & {"", ".", ".."}
                if (
                    is_out
                    or re.search(r"[\\:]", info.filename)
                    or stat.S_ISLNK(info.external_attr >> 16)
                ):
                    raise Problem(
                        f"{source} is no course: {info.filename!r} is a link, or leads out of it"
                    )
                found[info.filename] = content.read(info)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise Problem(f"{source} is no ZIP file that can be read: {error}") from None
    return found


def files_in(folder: Path) -> dict[str, bytes]:
    """What is in a folder of the course, but for what its .gitignore names."""
    found = dict[str, bytes]()
    if not (folder / PAGES).is_file():
        raise Problem(f"{folder} is no course, or an old one: it has no {PAGES}")
    lines = text_of(folder / ".gitignore").split()
    ignored = [*NEVER, *(line.strip("/") for line in lines)]
    for place, folders, names in os.walk(folder):
        folders[:] = [n for n in folders if not any(fnmatch.fnmatch(n, p) for p in ignored)]
        for name in [*names, *folders]:
            path = Path(place, name)
            if path.is_symlink():
                raise Problem(f"{path} is a link: a course has none")
        for name in names:
            if not any(fnmatch.fnmatch(name, p) for p in ignored):
                path = Path(place, name)
                found[path.relative_to(folder).as_posix()] = read(path)
    return found


# --- git ---------------------------------------------------------------------------------------


def is_clone() -> bool:
    return (ROOT / ".git").exists()


def refuse_unfinished() -> None:
    """A merge or the like that waits for the learner would be lost with its conflicts."""
    folder = Path(git("rev-parse", "--absolute-git-dir").decode().strip())
    for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"):
        if (folder / name).exists():
            raise Problem(f"git has not finished ({name}). First end it: git status says how.")


def is_ancestor(one: str, other: str) -> bool:
    return tried("merge-base", "--is-ancestor", one, other) is not None


def archived(commit: str, repository: Path) -> dict[str, bytes]:
    content = git("archive", "--format=zip", commit, cwd=repository)
    return unzipped(io.BytesIO(content), "the course in git")


def names_in(listed: bytes) -> list[str]:
    return os.fsdecode(listed).split("\0")[:-1]


def tried(*arguments: str) -> str | None:
    """What git says; None where it fails."""
    try:
        return git(*arguments).decode(errors="replace").strip()
    except Problem:
        return None


def git(*arguments: str, cwd: Path = ROOT) -> bytes:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )
    except OSError as error:
        raise Problem(f"git cannot be run ({error}). Without it: {WANTED}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise Problem(f"git {arguments[0]} fails: {said[0] if said else done.returncode}")
    return done.stdout
