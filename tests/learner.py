"""A learner's pages: what is wrong with one skips its tests, what one does is undone after each."""

import ast
import contextlib
import inspect
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from practice.exercises import ROOT, check_of, decoded, read
from practice.why import MAIN

LIMIT = 60  # seconds that a page may take: a learner's loop may be endless
DEFINES = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def as_handed_out(test: Callable[..., Any]) -> Callable[..., Any]:
    """For every test that reads or runs pages, the page `path` if there is one. A learner's files
    are meant to change, and may be broken: then the suite says so and goes on. CI is strict.
    """

    @wraps(test)
    def strict_in_ci(*args: Any, **kwargs: Any) -> Any:
        path = kwargs.get("path")
        name = name_of(path) if path else "a page"
        try:
            if path:
                refuse_broken(path)
            with undone(), limited(name) if path else contextlib.nullcontext():
                return test(*args, **kwargs)
        except (Exception, SystemExit) as error:
            if "CI" in os.environ:
                raise
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            why = kind + str(error).partition("\n")[0]
            pytest.skip(f"{name} is not as it was handed out: {why}")

    return strict_in_ci


def in_words(run: Callable[..., Any], path: Path) -> tuple[Any, str | None]:
    """(run(path), None), or "Skipped" or "Failed" and what pytest was told: these exceptions cannot
    be sent from one process to another.
    """
    try:
        return run(path=path), None
    except (pytest.skip.Exception, pytest.fail.Exception) as outcome:
        return type(outcome).__name__, str(outcome)


def refuse_broken(path: Path) -> None:
    """Raise, and say why, if a page is no longer one, or would do more than define things when it
    is loaded: a thread, a loop or an exit at the top of a page could not be undone.
    """
    text = decoded(read(path), path)
    tree = ast.parse(text, path.name)
    assert ast.get_docstring(tree), "its statement is gone"
    assert MAIN in text, "its last lines, which call judge, are gone"
    defined = set[str]()
    for node in tree.body[1:]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in node.names}
        defined.add(getattr(node, "name", ""))
        is_main = ast.unparse(node).startswith("if __name__ == '__main__':")
        assert isinstance(node, DEFINES) or is_constant(node) or is_main, (
            f"line {node.lineno} does something when it is loaded: {ast.unparse(node)}"
        )
    gone = judged(path) - defined
    assert not gone, f"{', '.join(sorted(gone))} is not defined any more"


def is_constant(node: ast.stmt) -> bool:
    """x = 1, but not os.environ["X"] = "1" or x = f()."""
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    calls = any(isinstance(inner, ast.Call) for inner in ast.walk(node))
    return all(isinstance(target, ast.Name) for target in targets) and not calls


def judged(path: Path) -> set[str]:
    """The names that its check asks for: the exercise's interface."""
    check = check_of(path)
    checks = check["CORE"] + check["EDGES"]
    return {name for one in checks for name in inspect.signature(one).parameters}


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """What a page changes in this process, where others would meet it, is as before at the end."""
    folder, environ = os.getcwd(), dict(os.environ)
    paths, arguments, modules = list(sys.path), list(sys.argv), dict(sys.modules)
    python, numbers, seed = random.getstate(), numpy.random.get_state(), torch.get_rng_state()
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    try:
        with warnings.catch_warnings(), torch.set_grad_enabled(torch.is_grad_enabled()):
            yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environ)
        sys.path[:], sys.argv[:] = paths, arguments
        random.setstate(python)
        numpy.random.set_state(numbers)
        torch.set_default_device(None)
        torch.set_rng_state(seed)
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        forget_modules(modules)


def forget_modules(before: dict[str, Any]) -> None:
    """Those made by hand or found in a level's folder; what they replaced comes back. All others
    stay: torch imports some of its own late, and only once.
    """
    levels = {str(folder) for folder in ROOT.glob("[0-9]*")}
    for name in set(sys.modules) - set(before):
        spec = getattr(sys.modules[name], "__spec__", None)
        by_hand = spec is None and name.partition(".")[0] not in before
        if by_hand or (spec and os.path.dirname(spec.origin or "") in levels):
            del sys.modules[name]
    sys.modules.update(before)


@contextlib.contextmanager
def limited(name: str) -> Iterator[None]:
    """Only where the system has alarms: not on Windows."""

    def stop(*_: Any) -> None:  # what these raise is no Exception: no check takes it for a failure
        say = pytest.fail if "CI" in os.environ else pytest.skip
        say(f"{name} takes over {LIMIT} s")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
