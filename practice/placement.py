"""`python -m practice placement`: ten sums and three bug hunts say where on the path to start.

The hunts lie untouched in a folder of their own, .practice/placement/<start>/, so that nothing of
yours is touched, and nothing is kept as progress.
"""

import random
import time
from itertools import islice
from pathlib import Path

from practice.common import name_of, show
from practice.drill import TOPICS, pose, questions
from practice.exercises import ROOT, facts_of, find, is_hunt, no_file
from practice.progress import make_folder, unused
from practice.runner import Worker
from practice.study import lay_out

SUMS, HUNTS, ENOUGH = 10, 3, 6  # that are asked; sums that have to be right
STARTS = {  # by the hunts that were solved, and whether enough sums were right: level and reason
    (0, False): ("01", "no bug hunt is solved and few sums are right, so begin with tensors"),
    (0, True): ("02", "the sums are right but no bug hunt is solved, so begin with small models"),
    (1, False): ("03", "one bug hunt is solved; most bugs live in the training loop"),
    (1, True): ("03", "one bug hunt is solved; most bugs live in the training loop"),
    (2, False): ("05", "two bug hunts are solved, so go on after the training loop"),
    (2, True): ("05", "two bug hunts are solved, so go on after the training loop"),
    (3, False): ("06", "all bug hunts are solved, so go on with each part of the training step"),
    (3, True): ("10", "bug hunts and sums are solved, so go on with whole families of models"),
}


def placement(seed: int | None) -> None:
    """Ask, then say where to start; at quit or the end of the input, from what is known so far."""
    seed = random.randrange(10**6) if seed is None else seed
    hunts = chosen([path for path in find() if is_hunt(path)], seed)
    print(f"{SUMS} sums, then {len(hunts)} bug hunts. skip: the next one. quit: the result so far.")
    print(f"To have the same again: --seed {seed}")
    sums: list[bool] = []
    solved: list[bool] = []
    try:
        for number, (topic, question) in enumerate(islice(questions(list(TOPICS), seed), SUMS), 1):
            sums.append(pose(number, topic, question))
        if hunts:
            hunt_all(hunts, solved)
    except EOFError:
        print()
    tell(sums, solved)


def chosen(hunts: list[Path], seed: int) -> list[Path]:
    """One of each third of the path."""
    draw, n = random.Random(seed), len(hunts)
    thirds = [hunts[i * n // HUNTS : (i + 1) * n // HUNTS] for i in range(HUNTS)]
    return [draw.choice(third) for third in thirds if third]


def hunt_all(hunts: list[Path], solved: list[bool]) -> None:
    """Whether the core of each holds is added to `solved`."""
    folder = unused(ROOT / ".practice" / "placement" / time.strftime("%Y-%m-%d_%H-%M-%S"))
    make_folder(folder)
    worker = Worker()
    try:
        for number, path in enumerate(hunts, 1):
            lay_out(path, folder / path.parent.name)
            copy = folder / path.parent.name / path.name
            print(f"\nBug hunt {number} of {len(hunts)}: {name_of(copy)}\n{facts_of(copy).title}")
            print("Mend the copy, then press Enter. If ten minutes are not enough: skip")
            holds = False
            while not holds and not is_skipped():
                if trouble := no_file(copy):
                    print(trouble)
                    continue
                worker = worker if not worker.is_spent else Worker()
                worker.judge(copy)
                result = worker.wait()
                show(copy, result)
                holds = result.verdict.state in ("PASS", "CORE")
            solved.append(holds)
    finally:
        worker.stop()


def is_skipped() -> bool:
    """Raises EOFError at quit."""
    word = input("> ").strip().lower()
    if word in ("quit", "q", "exit"):
        raise EOFError
    return word == "skip"


def tell(sums: list[bool], solved: list[bool]) -> None:
    """The level to start with, and why."""
    if not sums:
        print("No question answered, so nothing is known. Start where the path does.")
        return
    number, why = STARTS[sum(solved), sum(sums) >= ENOUGH]
    levels = sorted({path.parent.name for path in find()})
    level = next((name for name in levels if name >= number), levels[-1])
    print(f"\nRight: {sum(sums)} of {len(sums)} sums, {sum(solved)} of {len(solved)} bug hunts.")
    print(f"Start with {level}: {why}.")
    if sum(sums) < ENOUGH:
        print("Do sums alongside: python -m practice drill")
    print(f"    python -m practice list {level.partition('_')[0]}")
