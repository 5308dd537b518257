"""How exercises of the old form are judged, until all have moved to the new one."""

import inspect
import re
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from practice.exercises import Verdict, load


def judge(check: Callable[..., None], names: Mapping[str, Any]) -> Verdict:
    """Run check on those of `names` that it asks for. Only a check that returns is a pass."""
    wanted = inspect.signature(check).parameters
    for name in wanted:
        if name not in names:
            return Verdict("FAIL", f"{name} is not defined any more, the check needs it")
    try:
        check(*(names[name] for name in wanted))
    except (Exception, SystemExit) as error:
        return _verdict_on(error)
    return Verdict("PASS")


def verdict_of(exercise: Path, source: bytes | None = None) -> Verdict:
    """Load the file and judge what is in it; a file that does not even load has failed."""
    try:
        names = load(exercise, source)
    except (Exception, SystemExit) as error:
        return _verdict_on(error)
    if not callable(names.get("check")):
        return Verdict("FAIL", "check is not defined any more; `reset` brings the file back")
    return judge(names["check"], names)


def _verdict_on(error: BaseException) -> Verdict:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_exercise(f.filename)]
    last = frames[-1].line or "" if frames else ""
    # torch raises NotImplementedError too, for what the meta device cannot do: that is no open hole
    if isinstance(error, NotImplementedError) and "raise NotImplementedError" in last:
        return Verdict("TODO", str(error))
    where = f"\n{Path(frames[-1].filename).name}:{frames[-1].lineno}  {last}" if frames else ""
    if isinstance(error, SystemExit):
        return Verdict("STOPPED", f"the file ended itself, sys.exit({error.code!r}){where}")
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return Verdict("MEMORY", f"out of memory: {error}{where}")
    kind = "" if isinstance(error, AssertionError) and str(error) else f"{type(error).__name__}: "
    return Verdict("FAIL", f"{kind}{error}{where}")


def _is_exercise(filename: str) -> bool:
    return re.match(r"\d\d_", Path(filename).parent.name) is not None
