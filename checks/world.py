"""Many ranks in one process, each a thread, under the names of torch.distributed.

    world = World(2)
    totals = world.run(lambda x: reduce_mean(x, world), torch.ones(3))  # one result per rank

It holds as far as gloo does, but faster, and it tells at once where gloo would hang: ranks that
wait for each other for ever, or that call different collectives. An asynchronous call gives its
result at wait(), never earlier, so a wait() that is missing shows every time.

What threads share: the default generator (make models and numbers before run). What they do not:
grad mode, and modes such as BigTensors (enter them inside the function that runs); they see nothing
of the tensors that the world itself makes.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributed import ReduceOp
from torch.utils._python_dispatch import _disable_current_modes


class Stopped(BaseException):
    """Another rank has failed; no `except Exception` of an answer holds this one back."""


class Work:
    """What an asynchronous call gives; wait() waits for the result and puts it in its place."""

    def __init__(self, wait: Callable[[], None]) -> None:
        self._wait: Callable[[], None] | None = wait

    def wait(self, timeout: Any = None) -> bool:
        wait, self._wait = self._wait, None
        if wait:
            wait()
        return True


class Call:
    """One collective: what each rank gave to it and what each rank gets from it."""

    def __init__(self) -> None:
        self.given: dict[int, tuple[str, Any]] = {}
        self.gets: list[Any] = []


class World:
    """`size` ranks. synchronous=True: a send ends when it is received, as a large one does in
    NCCL. calls[r] lists what rank r called, as (name, elements); sent[r] counts the elements that
    it sent to single ranks, messages[r] how many times.
    """

    ReduceOp = ReduceOp

    def __init__(self, size: int, synchronous: bool = False) -> None:
        self.size, self.synchronous = size, synchronous
        self._place = threading.local()
        self._clear()

    def _clear(self) -> None:
        n = self.size
        self.calls: list[list[tuple[str, int]]] = [[] for _ in range(n)]
        self.sent, self.messages = [0] * n, [0] * n
        self._changed = threading.Condition()
        self._waits: dict[int, tuple[str, Callable[[], bool]]] = {}
        self._live = n
        self._failed: str | None = None
        self._collectives: list[Call] = []
        self._count = [0] * n
        self._mail: dict[tuple[int, int, int], list[list[Any]]] = {}
        self._asked: dict[tuple[int, int, int], int] = {}

    def run(self, function: Callable[..., Any], *args: Any, each: Sequence[Any] = ()) -> list[Any]:
        """function(*args) on every rank, or function(*args, each[rank]): the results, by rank.
        The first error of a rank is raised here.
        """
        self._clear()
        results: list[Any] = [None] * self.size
        errors: dict[int, BaseException] = {}

        def rank_of(rank: int) -> None:
            self._place.rank = rank
            try:
                results[rank] = function(*args, *([each[rank]] if each else []))
            except BaseException as error:  # the caller's thread raises it anew
                errors[rank] = error
                with self._changed:
                    self._failed = self._failed or f"rank {rank} has failed"
            with self._changed:
                self._live -= 1
                self._look()

        threads = [
            threading.Thread(target=rank_of, args=(rank,), daemon=True) for rank in range(self.size)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        own = [e for _, e in sorted(errors.items()) if not isinstance(e, Stopped)]
        if own:
            raise own[0]
        assert not errors, self._failed
        return results

    # What torch.distributed offers

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return True

    def get_backend(self, group: None = None) -> str:
        return "gloo"

    def get_rank(self, group: None = None) -> int:
        return int(self._place.rank)

    def get_world_size(self, group: None = None) -> int:
        return self.size

    def barrier(self, group: None = None, async_op: bool = False) -> Work | None:
        return self._together("barrier", None, None, lambda _: [None] * self.size, async_op)

    def all_reduce(
        self, tensor: Tensor, op: Any = ReduceOp.SUM, group: None = None, async_op: bool = False
    ) -> Work | None:
        return self._together(
            f"all_reduce({name_of(op)})",
            tensor,
            tensor,
            lambda given: [reduced(given, op)] * self.size,
            async_op,
        )

    def reduce(
        self,
        tensor: Tensor,
        dst: int,
        op: Any = ReduceOp.SUM,
        group: None = None,
        async_op: bool = False,
    ) -> Work | None:
        return self._together(
            f"reduce({name_of(op)}) to {dst}",
            tensor,
            tensor if self.get_rank() == dst else None,
            lambda given: [reduced(given, op)] * self.size,
            async_op,
        )

    def broadcast(
        self, tensor: Tensor, src: int, group: None = None, async_op: bool = False
    ) -> Work | None:
        return self._together(
            f"broadcast from {src}",
            tensor,
            tensor,
            lambda given: [given[src]] * self.size,
            async_op,
        )

    def all_gather(
        self,
        tensor_list: list[Tensor],
        tensor: Tensor,
        group: None = None,
        async_op: bool = False,
    ) -> Work | None:
        if len(tensor_list) != self.size:
            raise ValueError(f"all_gather: a list of {len(tensor_list)}, want one of {self.size}")
        return self._together(
            "all_gather", tensor, tensor_list, lambda given: [given] * self.size, async_op
        )

    def all_gather_into_tensor(
        self,
        output_tensor: Tensor,
        input_tensor: Tensor,
        group: None = None,
        async_op: bool = False,
    ) -> Work | None:
        need_numel("all_gather_into_tensor", output_tensor, input_tensor.numel() * self.size)
        return self._together(
            "all_gather_into_tensor",
            input_tensor,
            output_tensor,
            lambda given: [torch.stack(given)] * self.size,
            async_op,
        )

    def reduce_scatter_tensor(
        self,
        output: Tensor,
        input: Tensor,
        op: Any = ReduceOp.SUM,
        group: None = None,
        async_op: bool = False,
    ) -> Work | None:
        need_numel("reduce_scatter_tensor", input, output.numel() * self.size)
        return self._together(
            f"reduce_scatter_tensor({name_of(op)})",
            input,
            output,
            lambda given: list(reduced(given, op).reshape(self.size, -1)),
            async_op,
        )

    all_gather_single, reduce_scatter_single = all_gather_into_tensor, reduce_scatter_tensor  # 2.14

    def all_gather_object(self, object_list: list[Any], obj: Any, group: None = None) -> None:
        self._together("all_gather_object", obj, object_list, lambda given: [given] * self.size)

    def broadcast_object_list(
        self, object_list: list[Any], src: int = 0, group: None = None
    ) -> None:
        self._together(
            f"broadcast_object_list from {src}",
            list(object_list),
            object_list,
            lambda given: [given[src]] * self.size,
        )

    def isend(self, tensor: Tensor, dst: int, group: None = None, tag: int = 0) -> Work:
        rank = self.get_rank()
        if not 0 <= dst < self.size or dst == rank:
            raise ValueError(f"rank {rank} of {self.size} sends to rank {dst}")
        with _disable_current_modes():
            letter = [tensor.detach().clone(), False]  # its numbers now; whether they have come
        with self._changed:
            self.calls[rank].append(("send", tensor.numel()))
            self.sent[rank] += tensor.numel()
            self.messages[rank] += 1
            self._mail.setdefault((rank, dst, tag), []).append(letter)
            self._look()
        what = f"send{tuple(tensor.shape)} to rank {dst}"
        return Work(lambda: self._wait(what, lambda: not self.synchronous or bool(letter[1])))

    def irecv(self, tensor: Tensor, src: int, group: None = None, tag: int = 0) -> Work:
        rank = self.get_rank()
        if not 0 <= src < self.size or src == rank:
            raise ValueError(f"rank {rank} of {self.size} receives from rank {src}")
        with self._changed:
            self.calls[rank].append(("recv", tensor.numel()))
            box = self._mail.setdefault((src, rank, tag), [])
            turn = self._asked.get((src, rank, tag), 0)  # messages come in the order of the calls
            self._asked[src, rank, tag] = turn + 1
        what = f"recv{tuple(tensor.shape)} from rank {src}"

        def take() -> None:
            self._wait(what, lambda: len(box) > turn)
            with self._changed:
                letter = box[turn]
                letter[1] = True
                self._look()
            need_numel(f"rank {rank}: {what}", tensor, letter[0].numel())
            put(letter[0], tensor)

        return Work(take)

    def send(self, tensor: Tensor, dst: int, group: None = None, tag: int = 0) -> None:
        self.isend(tensor, dst, group, tag).wait()

    def recv(self, tensor: Tensor, src: int, group: None = None, tag: int = 0) -> int:
        self.irecv(tensor, src, group, tag).wait()
        return src

    # How ranks meet

    def _together(
        self,
        name: str,
        given: Any,
        place: Any,
        work: Callable[[list[Any]], list[Any]],
        async_op: bool = False,
    ) -> Work | None:
        """The collective that is this rank's next: `work` makes what each rank gets of what all
        gave, and it is put into `place`.
        """
        rank = self.get_rank()
        with _disable_current_modes():
            held = given.detach().clone() if isinstance(given, Tensor) else given
        label = name
        if isinstance(given, Tensor):
            label += f" of {tuple(given.shape)}, {given.dtype}"
        with self._changed:
            self.calls[rank].append(
                (name.split("(")[0].split()[0], given.numel() if isinstance(given, Tensor) else 0)
            )
            turn, self._count[rank] = self._count[rank], self._count[rank] + 1
            if turn == len(self._collectives):
                self._collectives.append(Call())
            call = self._collectives[turn]
            for other, (theirs, _) in call.given.items():
                if theirs != label:
                    raise RuntimeError(
                        f"rank {rank} calls {label} where rank {other} calls {theirs}"
                    )
            call.given[rank] = label, held
            if len(call.given) == self.size:
                with torch.no_grad(), _disable_current_modes():
                    call.gets = work([call.given[r][1] for r in range(self.size)])
            self._look()

        def finish() -> None:
            self._wait(label, lambda: len(call.given) == self.size)
            put(call.gets[rank], place)

        if async_op:
            return Work(finish)
        finish()
        return None

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        rank = self.get_rank()
        with self._changed:
            self._waits[rank] = what, ready
            self._look()
            self._changed.wait_for(lambda: self._failed or ready())
            del self._waits[rank]
            if not ready():
                raise Stopped(self._failed)

    def _look(self) -> None:
        """Wakes those that wait, and sees where nobody can go on."""
        stuck = self._waits and len(self._waits) == self._live
        if stuck and not any(ready() for _, ready in self._waits.values()):
            waits = [f"rank {r} waits in {what}" for r, (what, _) in sorted(self._waits.items())]
            gone = self.size - self._live
            ended = f", {gone} of {self.size} ranks have ended" if gone else ""
            self._failed = self._failed or f"deadlock: {', '.join(waits)}{ended}"
        self._changed.notify_all()


def name_of(op: Any) -> str:
    return str(op).rpartition(".")[2]


def need_numel(what: str, tensor: Tensor, want: int) -> None:
    if tensor.numel() != want:
        raise ValueError(f"{what}: a tensor of {tensor.numel()} elements, want {want}")


def reduced(given: list[Tensor], op: Any) -> Tensor:
    """One tensor of all ranks', in the order of the ranks."""
    all_of_them = torch.stack(given)
    if op == ReduceOp.SUM:
        return all_of_them.sum(dim=0, dtype=all_of_them.dtype)
    if op == ReduceOp.AVG:
        return all_of_them.mean(dim=0)
    if op == ReduceOp.MAX:
        return all_of_them.amax(dim=0)
    if op == ReduceOp.MIN:
        return all_of_them.amin(dim=0)
    if op == ReduceOp.PRODUCT:
        return all_of_them.prod(dim=0, dtype=all_of_them.dtype)
    raise RuntimeError(f"all_reduce knows SUM, AVG, MAX, MIN and PRODUCT, not {name_of(op)}")


def put(result: Any, place: Any) -> None:
    """The result into the caller's tensor, tensors or list."""
    if isinstance(place, Tensor):
        with torch.no_grad(), _disable_current_modes():
            place.copy_(result.reshape(place.shape))
    elif place is not None:
        for i, part in enumerate(result):
            if isinstance(place[i], Tensor):
                put(part, place[i])
            else:
                place[i] = part
