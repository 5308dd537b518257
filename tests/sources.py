"""Solutions as text: edited (a slip, a variant) or pasted into the challenge as a learner would."""

import ast
import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from practice.exercises import solution_of


def pasted(exercise: Path) -> str:
    """The challenge's text with the solution's definitions typed in where the stubs were."""
    challenge = exercise.read_text(encoding="utf-8").splitlines()
    solution = solution_of(exercise).read_text(encoding="utf-8").splitlines()
    new = [
        node
        for node in ast.parse("\n".join(solution)).body
        if not isinstance(node, ast.Expr | ast.If)
    ]
    names = {node.name for node in new if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    stubs = [n for n in ast.parse("\n".join(challenge)).body if getattr(n, "name", None) in names]
    for node in reversed(stubs):
        del challenge[first_line(node) - 1 : node.end_lineno]
    at = first_line(stubs[0]) - 1
    code = [line for node in new for line in solution[first_line(node) - 1 : node.end_lineno]]
    return "\n".join([*challenge[:at], *code, *challenge[at:]]) + "\n"


def first_line(node: Any) -> int:
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])


def run_as_script(
    path: Path, source: str | None = None, arguments: Sequence[str] = ()
) -> tuple[int, str, str]:
    """What `python path` would do, in this warm process: (exit status, stdout, stderr)."""
    text = path.read_text(encoding="utf-8") if source is None else source
    out, err, status = io.StringIO(), io.StringIO(), 0
    argv, paths = sys.argv, list(sys.path)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.parent))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            exec(compile(text, str(path), "exec"), {"__name__": "__main__", "__file__": str(path)})
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
        err.write("" if stop.code is None or isinstance(stop.code, int) else f"{stop.code}\n")
    finally:
        sys.argv, sys.path[:] = argv, paths
    return status, out.getvalue(), err.getvalue()
