"""`python -m practice edit`: an exercise in the learner's editor, at its first hole."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from practice.common import Problem, name_of, need_file, title_of
from practice.exercises import text_of

# How editors take a line. One that is not here gets the file alone.
IN_TERMINAL = dict.fromkeys(
    ("vi", "vim", "nvim", "nano", "pico", "emacs", "emacsclient", "micro", "kak", "joe", "ne"),
    ("+{line}", "{file}"),
) | dict.fromkeys(("hx", "helix"), ("{file}:{line}",))
IN_WINDOW = (
    dict.fromkeys(("code", "code-insiders", "codium", "cursor"), ("-g", "{file}:{line}"))
    | dict.fromkeys(("subl", "zed", "zeditor"), ("{file}:{line}",))
    | dict.fromkeys(("gvim", "mvim", "gedit"), ("+{line}", "{file}"))
    | dict.fromkeys(("kate", "mate"), ("-l", "{line}", "{file}"))
    | dict.fromkeys(("idea", "pycharm", "charm"), ("--line", "{line}", "{file}"))
)


def edit(path: Path) -> int:
    """Open it and wait, as long as the editor does."""
    need_file(path)
    command, line = editor(path), first_hole(path)
    print(f"{name_of(path)}:{line}  {title_of(path)}", flush=True)
    try:
        return subprocess.call(with_place(command, path, line))
    except OSError as error:
        raise Problem(f"{command[0]} cannot be started: {error.strerror}") from None


def open_beside(path: Path) -> None:
    """Open it in a window of its own while this terminal goes on."""
    command, devnull = editor(path), subprocess.DEVNULL
    if kind(command) not in IN_WINDOW:
        raise Problem(
            f"watch needs this terminal, and {kind(command)} may need it, too: --edit is for an "
            "editor with a window, such as code, subl or gvim. For any other: python -m practice "
            "edit in a second terminal"
        )
    try:
        subprocess.Popen(
            with_place(command, path, first_hole(path)),
            stdin=devnull,
            stdout=devnull,
            stderr=devnull,
            start_new_session=True,  # Ctrl-C ends watch alone
        )
    except OSError as error:
        raise Problem(f"{command[0]} cannot be started: {error.strerror}") from None


def editor(path: Path) -> list[str]:
    """The command that was set, its program with the whole path; else that of VS Code."""
    for variable in ("VISUAL", "EDITOR"):
        if value := os.environ.get(variable, "").strip():
            return program(value, f"${variable} is {value}")
    if os.environ.get("TERM_PROGRAM") == "vscode":
        return program("code", "this is VS Code's terminal")
    raise Problem(
        "no editor is set: set the environment variable EDITOR to the command of yours, such as "
        f'nano or "code --wait", or open {name_of(path)}:{first_hole(path)} by hand'
    )


def program(value: str, why: str) -> list[str]:
    if found := shutil.which(value):  # a path with spaces in it
        return [found]
    try:
        words = shlex.split(value, posix=os.name != "nt")  # there \ is in paths
    except ValueError as error:
        raise Problem(f"{why}, which is no command: {error}") from None
    words = [word.strip('"') for word in words]
    if not (found := shutil.which(words[0])):
        raise Problem(f"{why}, but there is no program {words[0]}: set EDITOR to one that is there")
    return [found, *words[1:]]


def kind(command: list[str]) -> str:
    return Path(command[0]).stem.lower()  # vim.basic and code.cmd, too


def with_place(command: list[str], path: Path, line: int) -> list[str]:
    place = (IN_TERMINAL | IN_WINDOW).get(kind(command), ("{file}",))
    return [*command, *(word.format(file=path, line=line) for word in place)]


def first_hole(path: Path) -> int:
    """The line of the first hole; where none is left, as in a hunt, of the first function."""
    text = text_of(path)
    for code in ("raise NotImplementedError", "(async )?def "):
        if found := re.search(rf"^[ \t]*{code}", text, re.M):
            return text.count("\n", 0, found.start()) + 1
    return 1
