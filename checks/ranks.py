"""What the checks of code for many ranks share: a world that notes what is under way."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from checks.tools import first_line, is_hole
from checks.world import Work, World


class Noting(World):
    """A World in which each rank can see its asynchronous calls that no wait() has ended."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.works: list[list[Work]] = [[] for _ in range(size)]

    def under_way(self) -> int:
        """So many asynchronous calls of this rank run at this moment."""
        return sum(work._wait is not None for work in self.works[self.get_rank()])

    def _together(self, *args: Any, **more: Any) -> Work | None:
        work = super()._together(*args, **more)
        if work:
            self.works[self.get_rank()].append(work)
        return work

    def numbers_sent(self, name: str, rank: int = 0) -> list[int]:
        """The elements of each call of this collective by the rank, in order."""
        return [n for called, n in self.calls[rank] if called == name]


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
