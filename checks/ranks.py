"""What the checks of code for many ranks share: a world that notes what is under way."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from checks.tools import first_line, is_hole
from checks.world import Work, World


class Noting(World):
    """A World in which each rank can see its asynchronous calls that no wait() has ended, and that
    notes the dtypes of what each collective got: dtypes[name].
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.works: list[list[Work]] = [[] for _ in range(size)]
        self.dtypes: dict[str, set[torch.dtype]] = {}

    def under_way(self) -> int:
        """So many asynchronous calls of this rank run at this moment."""
        return sum(work._wait is not None for work in self.works[self.get_rank()])

    def _together(self, name: str, given: Any, *args: Any, **more: Any) -> Work | None:
        if isinstance(given, Tensor):
            self.dtypes.setdefault(name.split("(")[0].split()[0], set()).add(given.dtype)
        work = super()._together(name, given, *args, **more)
        if work:
            self.works[self.get_rank()].append(work)
        return work


class Alive(TorchDispatchMode):
    """Sees how many tensors that ops below it made are in memory, of those about as large as one of
    `sizes`, {name: elements}, or up to `more` larger.
    """

    def __init__(self, sizes: dict[str, int], more: int) -> None:
        super().__init__()
        self.sizes, self.more, self.least = sizes, more, min(sizes.values()) // 2
        self.made = list[tuple[Any, int]]()
        self.together = list[str]()  # the first that were there at once

    def now(self) -> list[str]:
        """Those in memory at this moment, by name."""
        self.made = [one for one in self.made if one[0]() is not None]
        there = {s.nbytes() // itemsize for ref, itemsize in self.made if (s := ref()) is not None}
        more = range(self.more + 1)
        return sorted(k for k, n in self.sizes.items() if any(n + i in there for i in more))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.numel() >= self.least:
            self.made.append((weakref.ref(out.untyped_storage()), out.itemsize))
            if len(there := self.now()) > 1:
                self.together = self.together or there
        return out


def on_ranks(
    what: str,
    world: World,
    function: Callable[..., Any],
    *args: Any,
    each: Sequence[Any] = (),
) -> list[Any]:
    """What function gives on each rank; a message that begins with `what`, where one crashes."""
    try:
        return world.run(function, *args, each=each)
    except Exception as error:
        if is_hole(error):
            raise
        says = str(error) if isinstance(error, AssertionError) else first_line(error)
        raise AssertionError(f"{what}: {says}") from error


def rounded(grad: Tensor | None) -> Any:
    """Its numbers as a message shows them; None stays None."""
    return None if grad is None else [round(n, 4) for n in grad.flatten().tolist()]
