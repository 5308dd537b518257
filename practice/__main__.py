"""`python -m practice`: every exercise in learning order, one line each: PASS, TODO or FAIL."""

import importlib.util
import os
import sys

from practice.exercises import ROOT, find, verdict_of


def main() -> int:
    if importlib.util.find_spec("torch") is None:
        print(
            "torch is not installed here: run `make`, or see Installing in README.md",
            file=sys.stderr,
        )
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tensors of the checks are tiny
    passed = 0
    exercises = find()
    for exercise in exercises:
        state, detail = verdict_of(exercise)
        first_line = detail.partition("\n")[0]
        print(
            f"{state}  {exercise.relative_to(ROOT).as_posix()}  {first_line}".rstrip(), flush=True
        )
        passed += state == "PASS"
    print(f"{passed} of {len(exercises)} passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
