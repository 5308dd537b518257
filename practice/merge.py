"""A learner's page brought into a new release of it: a three-way merge by definitions.

What only the learner changed or added stays, and what only the release changed is new. A function
that was filled keeps its body and gets the new docstring. Where both changed the same thing, the
release's is taken, and it is named.
"""

import ast
import copy
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

STATEMENT = re.compile(r'""".*?"""\n', re.S)
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
NO_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)  # what ast.parse raises


class Part(NamedTuple):
    """A statement of a page or a class, or several on one line, with the lines just before it."""

    name: str  # what it defines; of others their code
    lines: list[str]  # of the whole page
    start: int
    stop: int
    nodes: list[ast.stmt]

    @property
    def text(self) -> str:
        return "".join(self.lines[self.start : self.stop])


def merged(old: str, mine: str, new: str) -> tuple[str, list[str]]:
    """The learner's page `mine`, made from `old`, brought into `new`; what is left out, by name."""
    told: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as "\d" in the learner's strings
        try:
            own = parts(mine)
        except NO_PYTHON as error:
            where = f"line {error.lineno}" if isinstance(error, SyntaxError) else "the file"
            return with_statement(old, mine, new, f"{where} is no Python")
        try:
            text = "".join(merge(parts(old), own, parts(new), told))
            ast.parse(text)
        except NO_PYTHON:  # indented by tabs, say
            return with_statement(old, mine, new, "its layout does not fit into the new page")
    return text, told


def with_statement(old: str, mine: str, new: str, why: str) -> tuple[str, list[str]]:
    """The learner's page with the new statement, if it has the old one."""
    before, after = STATEMENT.match(old), STATEMENT.match(new)
    if before and after and mine.startswith(before[0]):
        return after[0] + mine.removeprefix(before[0]), [f"{why}, so only the statement is new"]
    return mine, [f"{why}, so nothing of it is new"]


def merge(
    old: list[Part], mine: list[Part], new: list[Part], told: list[str], within: str = ""
) -> list[str]:
    """The texts of all parts of a page or, `within` it, of a class."""
    before, own, after = ({part.name: part for part in of} for of in (old, mine, new))
    texts: dict[str, str] = {}
    for name, part in after.items():
        if name in own:
            texts[name] = merge_one(before.get(name), own[name], part, told, within)
        elif not (within and name in before and alike(before[name], part)):
            texts[name] = part.text  # a method that the learner took out stays out
    added = [part.text for name, part in own.items() if name not in before and name not in after]
    still_used = set() if within else missing("".join([*texts.values(), *added]))
    order, place = list(texts), 0
    for name, part in own.items():
        if name in texts:
            place = order.index(name) + 1
        elif name not in before or bound(part.nodes) & still_used:
            order.insert(place, name)
            texts[name] = part.text
            place += 1
        elif code(part) != code(before[name]):
            told.append(f"{within}{name}: the new page has no such thing")
    return [texts[name] for name in order]


def merge_one(old: Part | None, mine: Part, new: Part, told: list[str], within: str) -> str:
    """The text of what the learner's page and the new one both have."""
    name = within + new.name
    if same(mine.text, new.text) or (old and same(mine.text, old.text)):
        return new.text
    if old and (same(old.text, new.text) or code(old) == code(new)):
        return mine.text
    if code(mine) in (code(new), code(old) if old else None):
        return new.text  # the learner changed comments or layout only
    if old is None:
        told.append(f"{name}: the new page has one of its own")
        return new.text
    if is_all(ast.ClassDef, old, mine, new):
        return merge_class(old, mine, new, told, name)
    if is_all(FUNCTION, old, mine, new):
        return merge_function(old, mine, new, told, name)
    told.append(f"{name}: it is changed in the new page, too")
    return new.text


def merge_class(old: Part, mine: Part, new: Part, told: list[str], name: str) -> str:
    before, own, after = (head(part) for part in (old, mine, new))
    first = own if same(before, after) else after
    if not (same(before, after) or same(before, own) or same(own, after)):
        told.append(f"class {name}: its first lines are changed in the new page, too")
    return first + "".join(merge(members(old), members(mine), members(new), told, f"{name}."))


def merge_function(old: Part, mine: Part, new: Part, told: list[str], name: str) -> str:
    if body(mine) == body(old):
        return new.text  # it is not filled
    if parameters(new) not in (parameters(old), parameters(mine)):
        told.append(f"{name}: its parameters are new, ({parameters(new)})")
        return new.text
    if not same_body(old, new):
        told.append(f"{name}: it is changed in the new page, too")
        return new.text
    if same(head(old), head(mine)) and cut(mine) < mine.stop and cut(new) < new.stop:
        return head(new) + "".join(mine.lines[cut(mine) : mine.stop])
    return mine.text


# --- what a page is made of --------------------------------------------------------------------


def parts(text: str) -> list[Part]:
    lines = [f"{line}\n" for line in text.removesuffix("\n").split("\n")]
    return list(split(lines, ast.parse(text).body, 0, len(lines)))


def split(lines: list[str], body: list[ast.stmt], start: int, stop: int) -> Iterator[Part]:
    """lines[start:stop], where `body` stands, shared out among its statements."""
    groups: list[list[ast.stmt]] = []
    for node in body:
        if groups and first_line(node) <= (groups[-1][-1].end_lineno or 0):
            groups[-1].append(node)
        else:
            groups.append([node])
    seen = Counter[str]()
    for i, nodes in enumerate(groups):
        end = nodes[-1].end_lineno or 0
        limit = first_line(groups[i + 1][0]) - 1 if groups[i + 1 :] else stop
        for at in range(end, limit):  # comments that are indented more belong to what they follow
            if re.match(rf"\s{{{nodes[0].col_offset + 1}}}\s*#", lines[at]):
                end = at + 1
        end = end if groups[i + 1 :] else stop
        name = "; ".join(map(name_of, nodes))
        seen[name] += 1
        yield Part(f"{name} ({seen[name]})" if seen[name] > 1 else name, lines, start, end, nodes)
        start = end


def name_of(node: ast.stmt) -> str:
    if isinstance(node, FUNCTION | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign):
        return ", ".join(map(ast.unparse, node.targets))
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        return ast.unparse(node.target)
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"
    if is_text(node):
        return "the statement"
    return ast.unparse(node)


def is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def first_line(node: Any) -> int:
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])


def cut(part: Part) -> int:
    """The line where the body of a function or class begins, after its docstring; or `stop`."""
    node, rest = part.nodes[0], after_docstring(part)
    if not rest:
        return part.stop
    at = first_line(rest[0]) - 1
    if part.lines[at][: rest[0].col_offset].strip():
        return part.stop
    above = node.body[0].end_lineno if len(rest) < len(node.body) else node.lineno  # type: ignore
    while at > above and re.match(r"\s*(#|$)", part.lines[at - 1]):
        at -= 1
    return at


def head(part: Part) -> str:
    return "".join(part.lines[part.start : cut(part)])


def members(part: Part) -> list[Part]:
    return list(split(part.lines, after_docstring(part), cut(part), part.stop))


def after_docstring(part: Part) -> list[ast.stmt]:
    nodes: list[ast.stmt] = part.nodes[0].body  # type: ignore[attr-defined]
    return nodes[is_text(nodes[0]) :]


def parameters(part: Part) -> str:
    """Without their types."""
    found = copy.deepcopy(part.nodes[0].args)  # type: ignore[attr-defined]
    for node in ast.walk(found):
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.unparse(found)


def body(part: Part) -> list[str]:
    return [ast.dump(node) for node in after_docstring(part)]


def same_body(one: Part, other: Part) -> bool:
    return body(one) == body(other) or is_hole(one) and is_hole(other)


def is_hole(part: Part) -> bool:
    nodes = after_docstring(part)
    return (
        len(nodes) == 1 and re.match("raise NotImplementedError", ast.unparse(nodes[0])) is not None
    )


def alike(one: Part, other: Part) -> bool:
    """Whether they ask the same of the learner, docstrings aside."""
    if code(one) == code(other):
        return True
    return (
        is_all(FUNCTION, one, other)
        and parameters(one) == parameters(other)
        and same_body(one, other)
    )


def is_all(kind: Any, *found: Part) -> bool:
    return all(len(part.nodes) == 1 and isinstance(part.nodes[0], kind) for part in found)


def code(part: Part) -> list[str]:
    return [ast.dump(node) for node in part.nodes]


def same(one: str, other: str) -> bool:
    return one.strip() == other.strip()


def bound(nodes: list[ast.stmt]) -> set[str]:
    """The names that statements of a page give."""
    found = set[str]()
    for node in nodes:
        if isinstance(node, FUNCTION | ast.ClassDef):
            found.add(node.name)
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.alias):
                found.add(inner.asname or inner.name.partition(".")[0])
            elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                found.add(inner.id)
    return found


def missing(text: str) -> set[str]:
    """The names that a page uses and does not give."""
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return used - bound(tree.body)
