"""Break the solutions in every small way and list what the checks let through.

    python tests/breaker.py                  all exercises
    python tests/breaker.py 02_models film   those whose path contains one of the words

A mutant differs from the solution in one place: an operator, a constant, an argument, a statement
or a call. Whoever survives is either no mistake (nothing observable changed) or a weak check: read
each one. This is a tool for authors, no test: which survivors are harmless takes a reader.
"""

import ast
import contextlib
import copy
import io
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from practice.exercises import check_of, find, load, solution_of
from practice.judge import Check, try_one

LIMIT = 20  # seconds a mutant may take: a deleted statement can make a loop endless

OPERATORS: dict[type, list[type]] = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.FloorDiv],
    ast.Pow: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}
NAMES = {
    "stack": "cat",
    "randn": "rand",
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "min": "max",
    "argmax": "argmin",
    "train": "eval",
    "eval": "train",
    "relu": "sigmoid",
    "ReLU": "GELU",
    "sqrt": "exp",
    "exp": "log",
    "zeros_": "ones_",
    "ones_": "zeros_",
    "zeros": "ones",
    "ones": "zeros",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "no_grad": "enable_grad",
    "tril": "triu",
    "triu": "tril",
    "softmax": "log_softmax",
    "expand": "repeat",
    "ceil": "floor",
    "floor": "ceil",
}


def changes(node: Any) -> Iterator[Any]:
    """Wrong nodes to put in the place of this one."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign):
        for operator in OPERATORS.get(type(node.op), []):
            yield replaced(node, op=operator())
    if isinstance(node, ast.BinOp):
        yield replaced(node, left=node.right, right=node.left)
        yield node.left
        yield node.right
    if isinstance(node, ast.BoolOp):
        yield from node.values
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for operator in OPERATORS.get(type(node.ops[0]), []):
            yield replaced(node, ops=[operator()])
    if isinstance(node, ast.UnaryOp):
        yield node.operand
    if isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int | float):
            yield ast.Constant(node.value + 1)
            yield ast.Constant(node.value - 1)
            if isinstance(node.value, float):
                yield ast.Constant(node.value * 2)
    if isinstance(node, ast.Call):
        for i in range(len(node.keywords)):
            yield replaced(node, keywords=node.keywords[:i] + node.keywords[i + 1 :])
        for i in range(len(node.args)):
            yield replaced(node, args=node.args[:i] + node.args[i + 1 :])
        for i in range(len(node.args) - 1):
            a = list(node.args)
            a[i], a[i + 1] = a[i + 1], a[i]
            yield replaced(node, args=a)
        if len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
            yield node.args[0]  # f(x) -> x
        if isinstance(node.func, ast.Attribute):
            yield node.func.value  # x.f() -> x
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield replaced(node, attr=NAMES[node.attr])
    if isinstance(node, ast.List | ast.Tuple) and isinstance(node.ctx, ast.Load):
        if len(node.elts) > 1:
            yield replaced(node, elts=node.elts[::-1])
        for i in range(len(node.elts)):
            yield replaced(node, elts=node.elts[:i] + node.elts[i + 1 :])
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        for i in range(len(node.decorator_list)):
            yield replaced(
                node, decorator_list=node.decorator_list[:i] + node.decorator_list[i + 1 :]
            )
    if isinstance(node, ast.Return) and node.value is not None:
        yield replaced(node, value=None)
    if isinstance(node, ast.Raise):
        yield ast.Return(None)
    if isinstance(node, ast.Raise) and node.exc is not None:
        yield replaced(node, exc=ast.Name("Warning", ast.Load()))
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield replaced(node, test=ast.Constant(False))
        yield replaced(node, test=ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.If):
        yield replaced(node, test=ast.Constant(True))
    if isinstance(node, ast.For):
        yield replaced(node, body=[*node.body, ast.Break()])
    if isinstance(node, ast.With):
        yield ast.If(ast.Constant(True), node.body, [])
    if isinstance(node, ast.stmt) and not isinstance(
        node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
    ):
        yield ast.Pass()


def replaced(node: Any, **fields: Any) -> Any:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the whole source with it) for each place in the solution's definitions."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    skipped = set()
    for node in ast.walk(tree):  # docstrings, annotations and the words of errors are not behaviour
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            skipped.add(id(node.body[0]))
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            skipped.add(id(part))
        if isinstance(node, ast.Raise):
            skipped |= {id(inner) for inner in ast.walk(node)} - {id(node)}
    yield from _mutants(tree, tree, skipped)


def _mutants(tree: ast.Module, parent: Any, skipped: set[int]) -> Iterator[tuple[str, str]]:
    for field, value in ast.iter_fields(parent):
        for i, node in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(node, ast.AST) or id(node) in skipped:
                continue
            for wrong in changes(node):
                new = [*value[:i], wrong, *value[i + 1 :]] if isinstance(value, list) else wrong
                setattr(parent, field, new)
                try:
                    text = ast.unparse(ast.fix_missing_locations(tree))
                    ast.parse(text)
                except (SyntaxError, TypeError, ValueError, AttributeError):
                    continue
                finally:
                    setattr(parent, field, value)
                line = getattr(node, "lineno", 0)
                yield f"line {line}: {short(node)}  ->  {short(wrong)}", text
            yield from _mutants(tree, node, skipped)


def short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) < 60 else text[:57] + "..."


def first_refusal(checks: tuple[Check, ...], names: dict[str, Any]) -> str | None:
    """The first label that refuses the answer, without what it prints."""
    nothing = io.StringIO()
    with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
        for check in checks:
            if try_one(check, names).state != "ok":
                return check.__name__
    return None


def survivors(exercise: Path) -> tuple[int, list[str]]:
    check, solution = check_of(exercise), solution_of(exercise)
    checks = check["CORE"] + check["EDGES"]
    source = solution.read_text(encoding="utf-8")
    refused = first_refusal(checks, load(solution))
    assert refused is None, f"{solution.name} itself is refused by {refused}"
    whole = ast.parse(source)
    whole.body = [node for node in whole.body if not isinstance(node, ast.If)]
    seen, found, total = {ast.unparse(whole)}, [], 0
    for what, text in mutants(source):
        if text in seen:
            continue
        seen.add(text)
        total += 1
        signal.alarm(LIMIT)
        try:
            if first_refusal(checks, load(solution, text)) is None:
                found.append(what)
        except Exception:  # it does not even load; the alarm is one of these too
            continue
        finally:
            signal.alarm(0)
    return total, found


def too_long(*_: Any) -> None:
    raise TimeoutError(f"over {LIMIT} s")


if __name__ == "__main__":
    torch.set_num_threads(1)  # the tensors are tiny
    signal.signal(signal.SIGALRM, too_long)
    words = sys.argv[1:] or [""]
    all_broken = all_left = 0
    for path in find():
        if any(word in str(path) for word in words):
            broken, left = survivors(path)
            print(
                f"{path.parent.name}/{path.stem}: {broken} broken, {len(left)} accepted", flush=True
            )
            for what in left:
                print(f"    {what}", flush=True)
            all_broken, all_left = all_broken + broken, all_left + len(left)
    share = 1 - all_left / max(1, all_broken)
    print(f"{all_broken} broken answers, {all_left} accepted: {share:.1%} refused")
