"""An exercise's verdict: each label of its statement, tried by itself.

checks/NN_level/check_x.py says what challenge_x.py requires: a function for each label, named like
it, in the tuples CORE and EDGES. Each takes, by their names, the objects of the answer it judges.
"""

import ast
import builtins
import contextlib
import inspect
import os
import random
import re
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from practice.exercises import (
    NO_ASSERTS,
    Verdict,
    check_of,
    is_hunt,
    load,
    place,
    solution_of,
    stem_of,
    text_of,
)

Check = Callable[..., None]
State = Literal["ok", "to do", "NOT YET", "STOPPED"]
WIDTH, MOST = 100, 2000  # characters of a line, and of a message


class Outcome(NamedTuple):
    """Of one label. NOT YET: what was called, came and was wanted, and where; STOPPED: it ended."""

    label: str
    state: State
    message: str = ""
    where: str = ""  # NN_level/file.py:line of the answer


def judge(names: Mapping[str, Any]) -> None:
    """The end of every exercise: tries its labels, or those on the command line, and says so.

    Exit status 0 means PASS, nothing else does.
    """
    try:
        verdict = run(names, sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(verdict.state != "PASS")


def verdict_on(file: Path, source: bytes) -> Verdict:
    """Load an exercise's text and try all its labels; one that does not even load has failed."""
    process, needed = os.getpid(), needs()
    try:
        try:
            names = load(file, source)
        finally:
            end_copy(process)
            refuse_replaced(needed)
    except SystemExit as error:
        where = raised(str(file), error)
        return said("STOPPED", f"STOPPED: {where} called sys.exit({error.code!r})")
    except Exception as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        where = place(str(file), line) if line else raised(str(file), error)
        return said("FAIL", f"NOT YET: it does not load: {described(error)}\n    {where}".rstrip())
    return run(names)


def run(names: Mapping[str, Any], labels: Sequence[str] = ()) -> Verdict:
    """Try an answer's labels, or some of them, and print what holds, each line once it is known."""
    file = Path(names["__file__"])
    try:
        checks = check_of(file)
    except FileNotFoundError:
        return said(
            "STOPPED",
            f"STOPPED: no check for {file.parent.name}/{file.name}; a copy keeps both names",
        )
    if not __debug__:
        return said("STOPPED", f"STOPPED: {NO_ASSERTS}")
    if checks.get("SKIPPED"):  # this machine lacks what the exercise needs
        return said("STOPPED", f"STOPPED: skipped: {checks['SKIPPED']}")
    core, edges = checks["CORE"], checks["EDGES"]
    by_label = {check.__name__: check for check in core + edges}
    unknown = [label for label in labels if label not in by_label]
    if unknown:
        return said("STOPPED", f"STOPPED: no label {unknown[0]!r}, there are {', '.join(by_label)}")
    page = Page(max(map(len, by_label)), names)
    try:
        if labels:
            held = page.tried("", [by_label[label] for label in labels], tell_all=True)
            page_file = f"{file.parent.name}/{file.name}"
            line = f"{held} of {len(labels)} tried; all of them: python {page_file}"
            return said("STOPPED", line, page.states)
        page.show_first()
        held = page.tried("core", core)
        if held < len(core):
            untouched = set(page.states.values()) == {"to do"}
            line = f"NOT YET: core {held} of {len(core)}"
            is_copy = ".practice" in file.parts  # why would judge the page that it is a copy of
            if page.has_told and not is_copy and not is_hunt(file):  # a hunt is to be thought about
                name = stem_of(file)
                line += f". Known mistake? python -m practice why {name}  (or: hint {name})"
            return said("TODO" if untouched else "FAIL", line, page.states)
        held = page.tried("edges", edges)
        if held < len(edges):
            line = f"CORE: all of the core holds, edges {held} of {len(edges)}"
            return said("CORE", line, page.states)
    except KeyboardInterrupt as error:
        page.line(page.group, outcome_of(page.trying, names, error))
        say(f"STOPPED: in {page.trying.__name__}")
        raise
    solution = solution_of(file)
    line = "PASS" if solution == file else f"PASS: now read {solution.parent.name}/{solution.name}"
    return said("PASS", line, page.states)


def said(state: Any, line: str, labels: Mapping[str, str] | None = None) -> Verdict:
    say(line)
    return Verdict(state, line, dict(labels or {}))


def say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # the answer may have closed the output
        print(line, flush=True)


def try_all(checks: Iterable[Check], names: Mapping[str, Any]) -> list[Outcome]:
    return [try_one(check, names) for check in checks]


def try_one(check: Check, names: Mapping[str, Any]) -> Outcome:
    process, needed = os.getpid(), needs()
    try:
        try:
            call(check, names)
        finally:
            end_copy(process)
            refuse_replaced(needed)
    except (Exception, SystemExit) as error:
        return outcome_of(check, names, error)
    return Outcome(check.__name__, "ok")


def end_copy(process: int) -> None:
    """An answer that forks has made a copy of us, too; only the first of us goes on."""
    if os.getpid() != process:
        os._exit(0)


Needs = list[tuple[dict[str, Any], str, Any]]


def needs() -> Needs:
    """What checks compare with, and we ourselves, as it is now: (namespace, name, thing)."""
    spaces = (
        (vars(builtins), vars(builtins)),
        (vars(torch), ("equal", "allclose", "isclose")),
        (vars(torch.testing), ("assert_close",)),
        (globals(), globals()),
    )
    return [(space, name, space[name]) for space, names in spaces for name in names]


def refuse_replaced(needed: Needs) -> None:
    """Put back what an answer has replaced, then say so. Uses nothing that it could replace."""
    replaced = None
    for space, name, thing in needed:
        if space.get(name) is not thing:
            replaced, space[name] = f"{space.get('__name__')}.{name}", thing
    if replaced is not None:
        raise AssertionError(f"the answer replaced {replaced}, which the checks need")


def call(check: Check, names: Mapping[str, Any]) -> None:
    """Raises what the check raises on those of `names` that it asks for.

    Random numbers and torch's modes are the same before each: no label depends on another.
    """
    if not __debug__:
        raise RuntimeError(NO_ASSERTS)
    wanted = inspect.signature(check).parameters
    missing = [name for name in wanted if name not in names]
    assert not missing, f"{missing[0]} is not defined any more"
    random.seed(0)
    torch.default_generator.manual_seed(0)  # torch.manual_seed minds GPUs, too: 100 times slower
    torch.set_default_dtype(torch.float32)
    with torch.enable_grad():
        check(*(names[name] for name in wanted))


def outcome_of(check: Check, names: Mapping[str, Any], error: BaseException) -> Outcome:
    label, file, text = check.__name__, names["__file__"], shortened(str(error))
    where = raised(file, error) or defined(check, names)
    # torch raises NotImplementedError, too, with a sentence: that is no open hole
    if isinstance(error, NotImplementedError) and re.fullmatch(r"[\w.]*", text):
        return Outcome(label, "to do", text, where)
    if isinstance(error, SystemExit):
        return Outcome(label, "STOPPED", f"the answer called sys.exit({error.code!r})", where)
    if isinstance(error, KeyboardInterrupt):
        return Outcome(label, "STOPPED", "interrupted from the keyboard", where)
    if isinstance(error, MemoryError) or "can't allocate memory" in text:
        return Outcome(label, "STOPPED", f"out of memory. {text}".strip(), where)
    is_told = isinstance(error, AssertionError) and text
    return Outcome(label, "NOT YET", text if is_told else described(error), where)


def described(error: BaseException) -> str:
    return f"{type(error).__name__}: {shortened(str(error))}"


def shortened(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MOST else f"{text[:MOST]} ..."


def raised(file: str, error: BaseException | None) -> str:
    """The answer's last line on the way to the error, or to what caused it."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno or 0 for frame in frames if frame.filename == file]
    return place(file, lines[-1]) if lines else raised(file, error.__cause__)


def defined(check: Check, names: Mapping[str, Any]) -> str:
    """Where the answer defines what the check judges; it is right as far as it runs."""
    wanted, file = inspect.signature(check).parameters, names["__file__"]
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ""
    lines = [node.lineno for node in tree.body if getattr(node, "name", None) in wanted]
    return place(file, lines[-1]) if lines else ""


class Page:
    """What a run says, a line as soon as it is known: group, state, label, message."""

    def __init__(self, width: int, names: Mapping[str, Any]) -> None:
        self.width, self.names = width, names
        self.group, self.shown, self.has_told = "", "", False
        self.trying: Check = judge
        self.states = dict[str, str]()

    def show_first(self) -> None:
        """A hunt's evidence, or a challenge's examples: the learner's own, they do not count."""
        for name in {"evidence", "examples"} & set(self.names):
            self.trying, self.group = self.names[name], name
            outcome = try_one(self.trying, self.names)
            if name == "evidence" and outcome.state == "ok":
                say("")
            elif outcome.state == "NOT YET":
                line = source_line(self.names["__file__"], outcome.where)
                where = f"{outcome.where}  {line}" if line else outcome.where
                self.line(name, Outcome("", "NOT YET", outcome.message, where))
            elif outcome.state == "STOPPED":
                self.line(name, outcome._replace(label=""))

    def tried(self, group: str, checks: Iterable[Check], tell_all: bool = False) -> int:
        """How many hold. What is wrong is told of the first that does not, or of each."""
        held, self.group = 0, group
        for self.trying in checks:
            outcome = try_one(self.trying, self.names)
            self.states[outcome.label] = outcome.state
            held += outcome.state == "ok"
            wrong = outcome.state in ("NOT YET", "STOPPED")
            if not wrong or (self.has_told and not tell_all):
                outcome = outcome._replace(message="", where="")
            self.has_told = self.has_told or wrong
            self.line(group, outcome)
        return held

    def line(self, group: str, outcome: Outcome) -> None:
        group, self.shown = "" if group == self.shown else group, group
        head = f"{group:<8}  {outcome.state:<7}  "
        if outcome.label:
            head += f"{outcome.label:<{self.width}}  " if outcome.message else outcome.label
        body = list(wrapped(outcome.message, WIDTH - len(head)))
        body += [outcome.where] * bool(outcome.where)
        say((head + f"\n{'':<{len(head)}}".join(body)).rstrip())


def source_line(file: str, where: str) -> str:
    line = where.rpartition(":")[2]
    lines = text_of(Path(file)).splitlines()
    return lines[int(line) - 1].strip() if line.isdigit() and int(line) <= len(lines) else ""


def wrapped(message: str, width: int) -> Iterator[str]:
    for line in message.splitlines():
        yield from textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
