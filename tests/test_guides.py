"""The guides: every block runs, every number is computed, every link leads somewhere."""

import ast
import contextlib
import io
import json
import re
import shutil
import subprocess
import tempfile
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from types import CodeType
from xml.etree import ElementTree

import pytest

from practice.common import deleted
from practice.drill import understand
from practice.exercises import ROOT, find, load

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
DECIMAL = re.compile(
    r"(?<![\w.,^/])(?<!\w-)\d+(?:,\d{3})*\.\d+(?![\w.]*\d)"
)  # one without a unit, too
NAMED = re.compile(  # no quantity: a section of a paper, a version
    r"(?i:\b(?:sections?|tables?|figures?|fig\.|equations?|algorithms?|appendix|chapters?|versions?|torch"
    r"|pytorch|torchvision|numpy|python|cuda|llama|qwen|gemma|deepseek-v)\s(?:(?:below|before|since|from)\s)?)"
    r"[A-Z]?\d+(?:\.\d+)*(?:(?:,| and| or| to)\s[A-Z]?\d+(?:\.\d+)*)*"
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


SOURCES = tempfile.TemporaryDirectory(prefix="guides-")


def compiled(path, line, source, mode="exec") -> CodeType:
    """Errors name the guide and its own line. torch.compile reads the file that is named."""
    file = Path(SOURCES.name, f"{path.stem}_{line}.py")
    file.write_text("\n" * (line - 1) + source, encoding="utf-8")
    return compile(file.read_text(encoding="utf-8"), str(file), mode)


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
    """The text of each `## ` section, its heading first; of its blocks only the formulas."""
    return re.split(r"^(?=## )", FENCE.sub(blank_code, text_of(path)), flags=re.M)[1:]


def blank(match):
    """As many empty lines: what is in a block is no prose."""
    return "\n" * match[0].count("\n")


def blank_code(match):
    return f"\n{match[2]}" if match[1].strip() == "math" else blank(match)


def prose(section):
    """Without comments, code spans and the targets of links."""
    section = COMMENT.sub("", section)
    section = re.sub(r"(?<!\$)`[^`\n]*`(?!\$)", " ", section)
    return re.sub(r"\]\([^)]*\)", "]", section)


def outputs(path):
    """{(its line, the line after it) of each block: what it prints}."""
    code = blocks(path, "python")
    return {(line, line + source.count("\n")): printed(path, line, source) for line, source in code}


@pytest.mark.slow
@each(GUIDES)
@pytest.mark.elsewhere(run=outputs)
def test_every_block_runs(path, result):
    for line, shown in blocks(path, "text"):
        before = [lines for lines in result if lines[1] < line]
        if before and re.fullmatch(r"```\n\s*```text\n", between(path, max(before)[1], line)):
            assert result[max(before)] == shown, f"{named(path)}:{line}"
    kinds = {m[1].strip() for m in FENCE.finditer(text_of(path))}
    assert kinds <= {"python", "python blanks", "text", "mermaid", "math", "console"}, kinds


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
@pytest.mark.slow
def test_numbers_are_true(path):
    for section in sections(path):
        words, title = prose(section), section.splitlines()[0]
        for text, (expression, source) in told(section).items():
            where = f"{named(path)}, {title}: {text}"
            assert text in words, f"{where}: not in the prose"
            if source is None:
                got = eval(expression, dict(preamble(path)))
                assert agrees(text, got), f"{where} = {expression} is {got}"
            else:
                assert source in COMMENT.sub("", section), f"{where}: the section does not cite it"
        loose = [
            found.strip() for found in NUMBER.findall(words) if not covered(found, told(section))
        ]
        loose = [found for found in loose if not re.fullmatch(r"(19|20)\d\d", found)]
        assert not loose, f"{named(path)}, {title}: not computed: {loose}"


def told(section):
    """What the section's comments say of its numbers: text -> (expression, None) or ("", source).

    An entry is `27 % = 1 - 0.73`, or `7.3 % cited: https://..., table 7` with a source that the
    section links to; what follows the comma is for whoever looks it up.
    """
    found = {}
    for entry in filter(str.strip, "".join(COMMENT.findall(section)).splitlines()):
        text, cited, source = entry.strip().partition(" cited: ")
        if cited:
            found[text] = "", source.partition(",")[0].strip()
        else:
            text, _, expression = entry.strip().partition(" = ")
            found[text] = expression, None
    return found


def covered(found, told):
    return any(found.strip() in text for text in told)


def bare_numbers(path):
    """(heading, text) of what is neither computed nor cited, though it may look so."""
    line = text_of(path).partition("\n## ")[0].count("\n") + 2
    for section in sections(path):
        title, entries = section.splitlines()[0].lstrip("# "), told(section)
        shown = shown_numbers(path, line, line := line + section.count("\n"))
        for entry, (expression, source) in entries.items():
            if source is None and is_literal(expression):
                yield title, f"{entry} = {expression}"
        for found in DECIMAL.findall(NAMED.sub("", prose(section))):
            digits = len(found.partition(".")[2])
            rounded = {f"{number:,.{digits}f}" for number in shown}
            if not (covered(found, entries) or found in rounded):
                yield title, found


def shown_numbers(path, first, last):
    """Those that a section's blocks print or assert."""
    found = []
    for line, output in blocks(path, "text"):
        if first <= line < last:
            found += re.findall(r"(?<![\w.])\d+(?:\.\d*)?(?:e[-+]?\d+)?", output.replace(",", ""))
    for line, source in blocks(path, "python"):
        if first <= line < last:
            asserts = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Assert))
            consts = (n.value for a in asserts for n in ast.walk(a) if isinstance(n, ast.Constant))
            found += [value for value in consts if isinstance(value, int | float)]
    return {float(number) for number in found}


def is_literal(expression):
    """40, (3, 4), -1e6: it says the number over again."""
    try:
        ast.literal_eval(expression.strip())
    except (ValueError, SyntaxError):
        return False
    return True


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a loss of 0.87, then -0.5 and 1,024.5.", ["0.87", "0.5", "1,024.5"]),
        ("torch 2.6 or 2.7; sections 3.1 and 3.2.1 of GPT-3.5; Python 3.10; CUDA 12.8", []),
        ("every version below 2.10, 10.1.2.3", []),
    ],
)
def test_a_decimal_number_is_told_from_a_name(text, found):
    assert DECIMAL.findall(NAMED.sub("", text)) == found


def test_a_number_said_over_again_is_no_sum():
    assert all(map(is_literal, ("40", "300e9", "(8, 1)", "-1")))
    assert not any(map(is_literal, ("4 * 10", "(8, 1 + 0)", "SIZE", "x.shape")))


@each(GUIDES)
def test_every_number_is_computed_or_cited(path):
    found = list(bare_numbers(path))
    assert not found, f"{named(path)}: neither computed nor cited: {found}"


def agrees(text, got):
    """Equal, or equal as far as the digits in the text go."""
    if text.startswith("("):
        return tuple(got) == tuple(int(n) for n in re.findall(r"\d+", text))
    if text.endswith("%") or re.fullmatch(r"-?[\d,]+\.\d+", text):
        digits = text.rstrip("% ").replace(",", "")
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
        assert page.exists() or page in deleted(), f"{named(path)} links to {target}"
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


# --- formulas and diagrams, as a reader on GitHub gets them -------------------------------------

FORMULA = re.compile(
    r"\$`([^`\n]+)`\$"  # nothing is eaten in here
    r"|`[^`\n]*`"  # a code span is no formula
    r"|\$\$((?:[^$\n]|\n(?!\n))+?)\$\$"
    r"|(?<![\\$])\$((?:[^$\n]|\n(?!\n))+?)\$(?!\d)"
)


def formulas(path):
    """(line number, formula, whether Markdown may eat of it) as the source has them, in order."""
    text = text_of(path)
    found = [(m.start(2), m[2], False) for m in FENCE.finditer(text) if m[1].strip() == "math"]
    for match in FORMULA.finditer(COMMENT.sub(blank_letters, FENCE.sub(blank_letters, text))):
        if match.lastindex:
            found.append((match.start(), match[match.lastindex], match.lastindex > 1))
    return [(text.count("\n", 0, at) + 1, formula, bare) for at, formula, bare in sorted(found)]


def blank_letters(match):
    return re.sub(r"[^\n]", " ", match[0])


def eaten(formula):
    """What Markdown takes away from a formula between bare dollars, before GitHub sees it."""
    found = re.findall(r"\\[!-/:-@\[-`{-~]", formula)  # an escape: \, \; \! \{ \| \\
    found += re.findall(r"(?<!\s)\*|\*(?!\s)", formula)  # emphasis
    found += re.findall(r"<[A-Za-z/!?]|&\w+;", formula)  # a tag, an entity
    found += re.findall(r"\n *(?:[-+*] |\d+[.)] |[#>]|=+ *(?=\n)|-+ *(?=\n))", formula)  # a list
    opens = re.search(r"(?<!\w)_(?!\s)", formula)  # so do } and ) before it, with
    if opens and re.search(r"(?<!\s)_(?!\w)", formula[opens.end() :]):  # a later one before {
        found.append("_")
    return found


@pytest.mark.parametrize(
    ("formula", "lost"),
    [
        (r"a\,b \; c\!d", [r"\,", r"\;", r"\!"]),
        (r"\{a\} \\ \|b\|", [r"\{", r"\}", "\\\\", r"\|", r"\|"]),
        ("a^*(b)", ["*"]),
        (r"\hat{x}_t + x_{t - 1}", ["_"]),
        ("a\n+ b", ["\n+ "]),
        ("i<j", ["<j"]),
        (r"x_t = \sqrt{\bar\alpha_t} x_{t-1} + 2 * \hat x_0", []),
    ],
)
def test_what_markdown_eats_is_known(formula, lost):
    assert eaten(formula) == lost


@each(PAGES)
def test_markdown_eats_nothing_of_a_formula(path):
    """Then it belongs into a ```math block or, inline, between $` and `$."""
    for line, formula, bare in formulas(path):
        lost = eaten(formula) if bare else []
        assert not lost, f"{named(path)}:{line}: {formula} loses {lost}"


@each(PAGES)
def test_github_finds_every_formula(path):
    """It shows dollars as dollars after a letter, a digit or a hyphen, and within a link."""
    text = COMMENT.sub(blank_letters, FENCE.sub(blank_letters, text_of(path)))
    around = [
        text[max(0, m.start() - 1) : m.end() + 1] for m in FORMULA.finditer(text) if m.lastindex
    ]
    hidden = [one for one in around if re.match(r"[\w-]", one) or re.search(r"\w\Z", one)]
    hidden += [
        one
        for one in re.findall(r"\[([^\[\]]*)\]\(", text)
        if any(m.lastindex for m in FORMULA.finditer(one))
    ]
    hidden += [formula for _, formula, _ in formulas(path) if r"\operatorname" in formula]
    assert not hidden, f"{named(path)}: GitHub shows no formula in {hidden}"


@each(PAGES)
def test_no_label_of_a_diagram_is_a_list(path):
    """GitHub shows "Unsupported markdown: list" in place of a label such as "+" or "1. first"."""
    for line, source in blocks(path, "mermaid"):
        labels = re.findall(r'"([^"]*)"|\(\(([^()"]*)\)\)|\[([^\[\]"]*)\]|\|([^|"]*)\|', source)
        lists = [
            label for label in map("".join, labels) if re.match(r"\s*([-+*]|\d+[.)])(\s|$)", label)
        ]
        assert not lists, f"{named(path)}:{line}: {lists}"


NODE = shutil.which("node")
MODULES = Path(ROOT, "node_modules")


@pytest.mark.slow
@pytest.mark.skipif(
    not (NODE and (MODULES / "markdown-it").is_dir()), reason="no node_modules: npm install"
)
def test_diagrams_and_formulas_parse():
    """Formulas as they come out of a Markdown renderer: they are what they were in the source."""
    jobs = []
    for path in PAGES:
        jobs += [{"at": f"{named(path)}:{n}", "mermaid": s} for n, s in blocks(path, "mermaid")]
        jobs.append({"at": named(path), "page": text_of(path)})
    assert any("mermaid" in job for job in jobs) and any(map(formulas, PAGES))
    done = subprocess.run(
        [NODE, Path(__file__).with_name("parse_guides.mjs")],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    lost = [fault for path in PAGES for fault in changed(path, answer["formulas"][named(path)])]
    assert not lost + answer["faults"], "\n".join(lost + answer["faults"])


def changed(path, rendered):
    """The formulas that the renderer shows as something else."""
    source = formulas(path)
    written = [" ".join(formula.split()) for _, formula, _ in source]
    shown = [" ".join(formula.split()) for formula in rendered]
    for kind, i, j, k, m in SequenceMatcher(None, written, shown, False).get_opcodes():
        if kind != "equal":
            line = source[min(i, len(source) - 1)][0] if source else 1
            yield f"{named(path)}:{line}: {written[i:j]} shows as {shown[k:m]}"


# --- figures ------------------------------------------------------------------------------------

FIGURES = ROOT / "guides" / "figures"
DRAWN = sorted(path for path in FIGURES.glob("*.py") if path.stem != "style")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FIGURES))  # they import style
    return load


@each(DRAWN)
def test_a_figure_shows_what_its_script_computes(path, script):
    svg = path.with_suffix(".svg").read_text(encoding="utf-8")
    told = ElementTree.fromstring(svg).find(".//{http://purl.org/dc/elements/1.1/}description")
    again = f"python {named(path)} draws it anew"
    names = script(path)
    assert alike(json.loads(told.text), names["data"]()), again
    assert names["__doc__"].strip().endswith("."), "one sentence: what to see"
    assert len(svg) < 60_000


def alike(a, b):
    """The same but for the last digits, in which machines differ."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(alike, a, b))
    return a == (pytest.approx(b, rel=0.01, abs=0.002) if isinstance(a, float) else b)


@each(DRAWN)
@pytest.mark.slow
def test_a_figure_can_be_drawn_anew(path, script, tmp_path):
    pytest.importorskip("matplotlib", reason="no matplotlib: requirements-dev.txt")
    names = script(path)
    names["draw"](names["data"](), str(tmp_path))
    assert (tmp_path / path.with_suffix(".svg").name).stat().st_size < 60_000


def test_every_figure_is_shown_and_told_in_words():
    shown = set()
    for path in GUIDES:
        for words, target in IMAGE.findall(FENCE.sub(blank, text_of(path))):
            assert len(words.split()) >= 5, f"{named(path)}: {target} needs an alt text"
            shown.add((path.parent / target).resolve())
    figures = {path.with_suffix(".svg") for path in DRAWN}
    assert figures == set(FIGURES.glob("*.svg"))
    assert not (left := sorted(map(named, figures - shown))), f"in no guide: {left}"
