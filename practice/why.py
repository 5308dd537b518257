"""`python -m practice why NAME`: which known mistake fails exactly as this answer does?

Known are the slips of tests/slips. Two answers fail alike when the same labels refuse them with
the same messages, numbers rounded to two digits; where no slip does, the first message decides, and
at last the labels with a first message that differs in its numbers only. Nothing here knows any one
exercise.
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
EXACT, SAME, KIN = range(3)  # how two failures are alike
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
    """The slips that fail exactly as the answer in `names`; else those whose first message is the
    same; else those, if few, that the same labels refuse with a first message that is the same but
    for its numbers. [] if there is none or nothing fails.
    """
    check = check_of(exercise)
    if check.get("SKIPPED"):
        return []
    checks = check["CORE"] + check["EDGES"]
    mine = [failure(outcome) for outcome in try_all(checks, names)]
    refusing = {label for label, state, _ in mine if state != "ok"}
    found: dict[int, list[str]] = {EXACT: [], SAME: [], KIN: []}
    for label, slips in slips_of(exercise)["SLIPS"].items():
        for name, edit in slips.items() if label in refusing else ():
            answer = load(solution_of(exercise), edited(exercise, edit))
            likeness = alike(checks, answer, mine)
            if likeness is not None:
                found[likeness].append(name)
    if found[EXACT] or found[SAME]:
        return (found[EXACT] or found[SAME])[:MOST]
    return [f"perhaps {name}" for name in found[KIN]] if len(found[KIN]) <= MOST else []


def alike(checks: tuple[Check, ...], names: Mapping[str, Any], mine: list[Failure]) -> int | None:
    """How an answer's failure resembles mine; None as soon as it cannot."""
    likeness: int | None = None  # until the first failure
    for check, wanted in zip(checks, mine, strict=True):
        got = failure(try_one(check, names))
        if likeness is None:
            if got[:2] != wanted[:2] or skeleton(got) != skeleton(wanted):
                return None
            if wanted[1] != "ok":
                likeness = EXACT if got == wanted else KIN
        elif likeness == KIN and got[1] != wanted[1]:
            return None
        elif likeness == EXACT and got != wanted:
            return SAME
    return likeness


def skeleton(of: Failure) -> str:
    """The message without its numbers."""
    return re.sub(r"-?\d+(\.\d+)?(e[+-]?\d+)?", "#", of[2])


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
