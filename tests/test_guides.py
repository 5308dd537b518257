"""The guides: every block runs, every number is computed, every link leads somewhere."""

import contextlib
import io
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from types import CodeType

import pytest

from practice.drill import understand
from practice.exercises import ROOT, find

GUIDES = sorted((ROOT / "guides").glob("*.md"))
PAGES = [*GUIDES, *sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("[0-9]*/README.md"))]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
COMMENT = re.compile(r"<!-- numbers\n(.*?)-->", re.S)
NUMBER = re.compile(
    r"\(\d+(?:, ?\d+)+,?\)"  # a shape
    r"|(?<![\w.,^$/-])(?:\d{1,3}(?:,\d{3})+|\d{4,})(?![\w,.-]*\d)"  # 1,000 and more
    r"|(?<![\w.,^/-])\d+(?:,\d{3})*(?:\.\d+)? ?"
    r"(?:%|[kMGT]i?B?\b|B\b|(?:thousand|million|billion|trillion)\b)"
)


def named(path):
    return path.relative_to(ROOT).as_posix()


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=named)


@cache
def text_of(path):
    return path.read_text(encoding="utf-8")


def blocks(path, kind):
    """(line number, source) of the fenced blocks of a kind."""
    text = text_of(path)
    found = [m for m in FENCE.finditer(text) if m[1].strip() == kind]
    return [(text.count("\n", 0, m.start()) + 2, m[2]) for m in found]


def compiled(path, line, source, mode="exec") -> CodeType:
    """Errors then name the guide's own line."""
    return compile("\n" * (line - 1) + source, str(path), mode)


@cache
def preamble(path):
    names = {"__name__": "guide"}
    if found := blocks(path, "python"):
        exec(compiled(path, *found[0]), names)
    return names


def printed(path, line, source):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compiled(path, line, source), dict(preamble(path)))
    return out.getvalue()


def sections(path):
    """The text of each `## ` section, its heading first."""
    return re.split(r"^(?=## )", FENCE.sub(blank, text_of(path)), flags=re.M)[1:]


def blank(match):
    """As many empty lines: what is in a block is no prose."""
    return "\n" * match[0].count("\n")


def prose(section):
    """Without comments, code spans and the targets of links."""
    section = COMMENT.sub("", section)
    section = re.sub(r"`[^`\n]*`", " ", section)
    return re.sub(r"\]\([^)]*\)", "]", section)


@each(GUIDES)
def test_every_block_runs(path):
    code = blocks(path, "python")
    shown = dict(blocks(path, "text"))
    ends = {line + source.count("\n"): (line, source) for line, source in code}
    for line, source in code:
        printed(path, line, source)
    for line, output in shown.items():
        before = [end for end in ends if end < line]
        if before and re.fullmatch(r"```\n\s*```text\n", between(path, max(before), line)):
            assert printed(path, *ends[max(before)]) == output, f"{named(path)}:{line}"
    kinds = {m[1].strip() for m in FENCE.finditer(text_of(path))}
    assert kinds <= {"python", "python blanks", "text", "mermaid", "console"}, kinds


def between(path, first, last):
    return "\n".join(text_of(path).split("\n")[first - 1 : last - 1]) + "\n"


@each(GUIDES)
def test_every_blank_has_its_answer(path):
    for line, source in blocks(path, "python blanks"):
        rest = "\n".join(text_of(path).split("\n")[line - 1 :])
        folded = re.search(r"<details><summary>Answers</summary>\n(.*?)</details>", rest, re.S)
        answers = re.findall(r"^\d+\. `([^`]+)`", folded[1], re.M)
        assert len(answers) == source.count("____"), f"{named(path)}:{line}: {answers}"
        for answer in answers:
            source = source.replace("____", answer, 1)
        printed(path, line, source)


@each(GUIDES)
def test_numbers_are_true(path):
    for section in sections(path):
        told = {}
        for comment in COMMENT.findall(section):
            for entry in filter(str.strip, comment.splitlines()):
                text, _, expression = entry.strip().partition(" = ")
                told[text] = expression
        words = prose(section)
        for text, expression in told.items():
            where = f"{named(path)}, {section.splitlines()[0]}: {text} = {expression}"
            assert text in words, f"{where}: not in the prose"
            got = eval(expression, dict(preamble(path)))
            assert agrees(text, got), f"{where} is {got}"
        loose = [found.strip() for found in NUMBER.findall(words) if not covered(found, told)]
        loose = [found for found in loose if not re.fullmatch(r"(19|20)\d\d", found)]
        assert not loose, f"{named(path)}, {section.splitlines()[0]}: not computed: {loose}"


def covered(found, told):
    return any(found.strip() in text for text in told)


def agrees(text, got):
    """Equal, or equal as far as the digits in the text go."""
    if text.startswith("("):
        return tuple(got) == tuple(int(n) for n in re.findall(r"\d+", text))
    if text.endswith("%"):
        digits = text.rstrip("% ")
        return f"{float(got):.{len(digits.partition('.')[2])}f}" == digits
    given = understand(text, "bytes" if text.endswith(("iB", "kB", "MB", "GB", "TB")) else "number")
    assert given is not None, f"no number: {text}"
    return abs(given.value - got) <= given.precision


@each(GUIDES)
def test_sections_begin_with_their_summary_and_end_with_practice(path):
    for section in sections(path):
        title, _, body = section.partition("\n")
        assert re.match(r"\n+\*\*[^*]+\*\*", body), f"{named(path)}: no summary under {title}"
        last = COMMENT.sub("", body).strip().splitlines()[-1]
        paragraph = COMMENT.sub("", body).strip().rpartition("\n\n")[2]
        assert paragraph.startswith("Practice: ["), f"{named(path)}, {title} ends with {last}"


@each(GUIDES)
def test_every_question_has_its_answer(path):
    text = text_of(path)
    asked, answered = (re.findall(rf"\*\*{letter}(\d+)\.\*\*", text) for letter in "QA")
    assert asked == answered == [str(n + 1) for n in range(len(asked))]


def anchors(path):
    """As GitHub makes them."""
    found = {}
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub(blank, text_of(path)), re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
    return {a if i == 0 else f"{a}-{i}" for a, n in found.items() for i in range(n + 1)}


@each(PAGES)
def test_links_and_anchors_resolve(path):
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub(blank, text_of(path)))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://|mailto:", target):
            continue
        file, _, anchor = target.partition("#")
        page = (path.parent / file).resolve() if file else path
        assert page.exists(), f"{named(path)} links to {target}"
        if anchor:
            assert anchor in anchors(page), f"{named(path)}: no anchor {target}"


def test_every_exercise_is_in_a_guide_and_its_readme_links_back():
    linked = {
        (path.parent / target).resolve(): path
        for path in GUIDES
        for target in re.findall(r"\]\((\.\./[^)#\s]+\.py)\)", text_of(path))
    }
    missing = [named(path) for path in find() if path not in linked]
    assert not missing, f"in no guide: {missing}"
    for path in find():
        section = text_of(path.parent / "README.md").partition(f"### {path.stem}\n")[2]
        section = section.partition("\n### ")[0]
        assert re.search(r"\]\(\.\./guides/\w+\.md#[\w-]+\)", section), (
            f"{named(path.parent)}/README.md: no link to a guide's section under {path.stem}"
        )


NODE = shutil.which("node")
MODULES = Path(ROOT, "node_modules")


@pytest.mark.skipif(not (NODE and MODULES.is_dir()), reason="no node_modules: npm install")
def test_diagrams_and_formulas_parse():
    jobs = []
    for path in PAGES:
        jobs += [{"at": f"{named(path)}:{n}", "mermaid": s} for n, s in blocks(path, "mermaid")]
        text = re.sub(r"`[^`\n]*`", "", FENCE.sub(blank, text_of(path)))
        for match in re.finditer(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$\n]+?)\$(?!\d)", text, re.S):
            line = text.count("\n", 0, match.start()) + 1
            jobs.append({"at": f"{named(path)}:{line}", "formula": match[1] or match[2]})
    assert any("mermaid" in job for job in jobs) and any("formula" in job for job in jobs)
    done = subprocess.run(
        [NODE, Path(__file__).with_name("parse_guides.mjs")],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
