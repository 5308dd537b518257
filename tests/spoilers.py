"""Lines of a statement that give code away: seven tokens in a row that the solution has too."""

import ast
import io
import re
import tokenize
from pathlib import Path

TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|[^\s\w]")
Gram = tuple[str, ...]


def leaks(challenge: Path, solution: Path, n: int = 7) -> list[str]:
    """Prose of `challenge` with n tokens of `solution`'s code that its own code does not show."""
    given, answer = challenge.read_text(encoding="utf-8"), solution.read_text(encoding="utf-8")
    secret = grams(code(answer), n) - grams(code(given), n)
    secret = {g for g in secret if set(".(=@*/+[") & set(g) and sum(t[0].isalpha() for t in g) >= 3}
    return [line.strip() for line in prose(given) if grams(line, n) & secret]


def grams(text: str, n: int) -> set[Gram]:
    tokens = TOKEN.findall(text)
    return {tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)}


def prose(source: str) -> list[str]:
    """Comments, docstrings and the texts of exceptions."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = [token.string for token in tokens if token.type == tokenize.COMMENT]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            lines += (ast.get_docstring(node, clean=False) or "").splitlines()
        if isinstance(node, ast.Raise) and node.exc is not None:
            texts = (c.value for c in ast.walk(node.exc) if isinstance(c, ast.Constant))
            lines += [text for text in texts if isinstance(text, str)]
    return lines


def code(source: str) -> str:
    """The source without docstrings, comments, what it raises and its footer."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.Raise):
            node.exc = node.cause = None
    tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    return ast.unparse(tree)
