"""The table of all exercises in PEDAGOGY.md, made from the exercises themselves.

python tests/table.py        writes it anew; the suite says when that is due
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from practice.exercises import ROOT, facts_of, find

PAGE = ROOT / "PEDAGOGY.md"
BEGIN, END = "<!-- exercises: python tests/table.py -->\n", "<!-- end of exercises -->"


def table() -> str:
    rows = ["| exercise | difficulty | minutes | idea |", "| --- | --- | --- | --- |"]
    for path in find():
        title, difficulty, minutes = facts_of(path)
        name = path.relative_to(ROOT).as_posix()
        rows.append(
            f"| [{name.removesuffix('.py')}]({name}) | {difficulty} | {minutes} | {title} |"
        )
    hours = sum(facts_of(path).minutes for path in find()) / 60
    return "\n".join([*rows, "", f"Together about {hours:.0f} hours.", ""])


def with_table(text: str) -> str:
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.S)
    assert pattern.search(text), f"{PAGE.name} has no place for the table"
    return pattern.sub(lambda _: f"{BEGIN}\n{table()}\n{END}", text)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
