"""`python -m practice why NAME`: which known mistake fails exactly as this answer does?

Known are the slips of tests/slips. Two answers fail alike when the same labels refuse them with
the same messages, numbers rounded to two digits; where no slip does, the first message decides.
Nothing here knows any one exercise.
"""

import contextlib
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from practice.exercises import check_of, is_hunt, load, slips_of, solution_of
from practice.judge import Check, Outcome, described, try_all, try_one

MAIN = 'if __name__ == "__main__":'
MOST = 3
Edit = tuple[str, str] | str
Failure = tuple[str, str, str]


def edited(exercise: Path, edit: Edit) -> str:
    """The solution's text after an edit of tests/slips: a replacement, or new definitions."""
    text = solution_of(exercise).read_text(encoding="utf-8")
    if isinstance(edit, str):
        return text.replace(MAIN, f"{edit}\n\n{MAIN}")
    old, new = edit
    assert text.count(old) == 1, f"stale edit: {old!r} occurs {text.count(old)} times, want once"
    return text.replace(old, new)


def why(exercise: Path, names: Mapping[str, Any]) -> list[str]:
    """The slips that fail exactly as the answer in `names`, else those whose first message is the
    same; [] if there is none or nothing fails.
    """
    check = check_of(exercise)
    checks = check["CORE"] + check["EDGES"]
    mine = [failure(outcome) for outcome in try_all(checks, names)]
    refusing = {label for label, state, _ in mine if state != "ok"}
    exact, alike = list[str](), list[str]()
    for label, slips in slips_of(exercise)["SLIPS"].items():
        for name, edit in slips.items() if label in refusing else ():
            answer = load(solution_of(exercise), edited(exercise, edit))
            same = alike_until(checks, answer, mine)
            if same == len(checks):
                exact.append(name)
            elif any(state != "ok" for _, state, _ in mine[:same]):
                alike.append(name)
    return (exact or alike)[:MOST]


def alike_until(checks: tuple[Check, ...], names: Mapping[str, Any], mine: list[Failure]) -> int:
    """How many labels, from the first on, have the same outcome as mine."""
    for i, check in enumerate(checks):
        if failure(try_one(check, names)) != mine[i]:
            return i
    return len(checks)


def failure(outcome: Outcome) -> Failure:
    """An outcome, its message roughly: numbers to two digits."""
    number = r"-?\d+\.\d+(e[+-]?\d+)?"
    message = re.sub(number, lambda found: f"{float(found.group()):.2g}", outcome.message)
    return outcome.label, outcome.state, message


def tell(exercise: Path, source: bytes) -> None:
    """Print what is known of the mistake of an answer, the text of its file."""
    if is_hunt(exercise):
        print("A bug hunt is to be thought about: its mistake is not named.")
        return
    with contextlib.redirect_stdout(io.StringIO()):  # what answers and slips print
        try:
            found = why(exercise, load(exercise, source))
        except (Exception, SystemExit) as error:
            found = [f"the file does not load: {described(error)}"]
    if not found:
        print("No known mistake fails like this answer.")
    for name in found:
        print(f"Fails like a known mistake: {name}")
