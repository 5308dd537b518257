"""What the checks say of each known mistake, and how long each label takes: a tool for authors.

    python tests/messages.py film            the exercises whose path contains one of the words

A line per slip: the labels that refuse it and the first message, as a learner sees it. `!!` marks
what the suite refuses: a slip that its own label lets through, a label that refuses no slip alone,
a variant that is refused.
"""

import contextlib
import io
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from practice.exercises import check_of, find, load, slips_of, solution_of
from practice.judge import Outcome, try_one
from practice.why import edited


def report(path: Path) -> None:
    check, edits = check_of(path), slips_of(path)
    checks = check["CORE"] + check["EDGES"]
    print(f"\n{path.parent.name}/{path.name}")
    answer = load(solution_of(path))
    for one in (*checks, *checks):  # the first round warms up
        start = time.perf_counter()
        outcome = try_one(one, answer)
        seconds = time.perf_counter() - start
        if one is checks[0]:
            total = 0.0
        total += seconds
        if outcome.state != "ok":
            print(f"!! the solution fails {outcome.label}: {outcome.message}")
    print(f"warm: {total:.3f} s in all; the last label {seconds:.3f} s")
    alone, sizes = Counter[str](), Counter[int]()
    for label, slips in edits["SLIPS"].items():
        print(f"  {label}")
        for name, edit in slips.items():
            refusing = refused(checks, load(solution_of(path), edited(path, edit)))
            by = [outcome.label for outcome in refusing]
            sizes[len(by)] += 1
            if len(by) == 1:
                alone[by[0]] += 1
            mark = "    " if label in by else " !! "
            message = refusing[0].message.replace("\n", "\n            ") if refusing else ""
            print(f"{mark}{name}  [{', '.join(by)}]\n            {message}")
    for name, edit in edits["VARIANTS"].items():
        for outcome in refused(checks, load(solution_of(path), edited(path, edit))):
            print(f" !! variant {name!r} refused by {outcome.label}: {outcome.message}")
    for one in checks:
        if not alone[one.__name__]:
            print(f" !! {one.__name__} refuses no slip alone")
    shown = ", ".join(f"{n} by {count}" for count, n in sorted(sizes.items()))
    print(f"{sum(sizes.values())} slips ({shown} labels), {len(edits['VARIANTS'])} variants")


def refused(checks: tuple, answer: dict) -> list[Outcome]:
    with contextlib.redirect_stdout(io.StringIO()):
        outcomes = [try_one(one, answer) for one in checks]
    return [outcome for outcome in outcomes if outcome.state != "ok"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    for path in find():
        if any(word in str(path) for word in sys.argv[1:]):
            report(path)
