"""A CPU in place of a GPU, so that the verdict on code for cuda is the same everywhere."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class CPUForGPU(TorchFunctionMode):
    """What is sent to cuda arrives, as a copy, on the CPU.

    A GradScaler is the real one. The autocast of cuda is seen to be on, but changes no CPU tensor:
    what float16 does shows only on a GPU (see tests/).
    """

    def __init__(self) -> None:
        super().__init__()
        self.arrived = list[Tensor]()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.cuda:
            func, args, kwargs = Tensor.to, (args[0], "cuda"), {}
        if func is torch.device or not any(map(is_cuda, (*args, *kwargs.values()))):
            return func(*args, **kwargs)
        args = ["cpu" if is_cuda(value) else value for value in args]
        kwargs = {name: "cpu" if is_cuda(value) else value for name, value in kwargs.items()}
        out = func(*args, **kwargs)
        if isinstance(out, Tensor):
            out = out.clone()
            self.arrived.append(out)
        return out

    def kind(self, tensor: Tensor) -> str:
        """Its dtype and device, "cuda" for what was sent there."""
        there = {t.untyped_storage().data_ptr() for t in self.arrived}
        is_there = tensor.untyped_storage().data_ptr() in there
        return f"{tensor.dtype} on {'cuda' if is_there else tensor.device.type}"


def is_cuda(value: Any) -> bool:
    return isinstance(value, str | torch.device) and str(value).startswith("cuda")


@contextmanager
def standing_in(device: str) -> Iterator[CPUForGPU]:
    """If the device is cuda, a CPU stands in. In the end no autocast is on, nor its cache kept."""
    mode = CPUForGPU()
    scaler = patch("torch.cuda.amp.common.amp_definitely_not_available", bool)
    bfloat16 = patch("torch.cuda.is_bf16_supported", lambda *_: True)
    try:
        with scaler, bfloat16, mode if is_cuda(device) else nullcontext():
            yield mode
    finally:
        for kind in ("cpu", "cuda"):
            torch.set_autocast_enabled(kind, False)
        torch.autocast_increment_nesting()
        while torch.autocast_decrement_nesting():
            pass
        torch.clear_autocast_cache()


def autocast_now() -> str:
    on = [d for d in ("cpu", "cuda") if torch.is_autocast_enabled(d)]
    kinds = (str(torch.get_autocast_dtype(d)).removeprefix("torch.") for d in on)
    return " and ".join(f"{kind} on {d}" for kind, d in zip(kinds, on, strict=True)) or "off"


class Machine:
    """A clock, and two GPUs that work off their queues later than the CPU fills them.

    All in seconds and bytes; nothing passes but what `work` and waiting for a GPU cost.
    """

    WAKING = 0.5  # what the CPU loses whenever it waits for a GPU

    def __init__(self, current: int = 0) -> None:
        self.now, self.current, self.called = 100.0, current, list[str]()
        self.done = [0.0, 0.0]  # when each GPU will have worked off its queue
        self.allocated, self.peak = [0, 0], [0, 0]

    def work(self, seconds: float, device: Any = "cpu") -> None:
        """A call of so many seconds on this device."""
        if torch.device(device).type == "cpu":
            self.now += seconds
        else:
            i = self.index(device)
            self.done[i] = max(self.done[i], self.now) + seconds

    def use(self, size: int, device: Any) -> None:
        """Memory is allocated, or given back where size is negative."""
        i = self.index(device)
        self.allocated[i] += size
        self.peak[i] = max(self.peak[i], self.allocated[i])

    def index(self, device: Any = None) -> int:
        if device is None or isinstance(device, int):
            return self.current if device is None else device
        index = torch.device(device).index
        return self.current if index is None else index

    def wait(self, until: float) -> None:
        self.now = max(self.now, until) + self.WAKING

    def set_device(self, device: Any) -> None:
        if not isinstance(device, int) and torch.device(device).index is None:
            raise ValueError(
                f"Expected a torch.device with a specified index or an integer, but got:{device}"
            )
        self.current = self.index(device)

    def stats(self, device: Any = None) -> dict[str, int]:
        i, name = self.index(device), "allocated_bytes.all"
        return {f"{name}.current": self.allocated[i], f"{name}.peak": self.peak[i]}

    def reset(self, device: Any = None) -> None:
        self.peak[self.index(device)] = self.allocated[self.index(device)]

    @contextmanager
    def standing_in(self, *answers: Callable[..., Any]) -> Iterator[None]:
        """In the place of time's and torch.cuda's own, however these answers have imported them."""
        import time

        machine = self

        class Stream:
            def __init__(self, device: Any = None) -> None:
                self.index = machine.index(device)

            def synchronize(self) -> None:
                machine.wait(machine.done[self.index])

            def record_event(self, event: Any = None) -> Any:
                event = event or Event()
                event.record(self)
                return event

        class Event:
            def __init__(self, enable_timing: bool = False, **_: Any) -> None:
                machine.called.append("Event")
                self.timing, self.at, self.index = enable_timing, float("nan"), -1

            def record(self, stream: Any = None) -> None:
                self.index = machine.current if stream is None else stream.index
                self.at = max(machine.now, machine.done[self.index])

            def synchronize(self) -> None:
                machine.wait(self.at)

            def query(self) -> bool:
                return self.at <= machine.now

            def elapsed_time(self, end: Any) -> float:
                if not (self.timing and end.timing):
                    raise ValueError(
                        "Both events must be created with argument 'enable_timing=True'"
                    )
                if not (self.query() and end.query()):
                    raise RuntimeError("CUDA error: device not ready")
                return (end.at - self.at) * 1000

        class device:
            def __init__(self, device: Any) -> None:
                self.index = machine.index(device)

            def __enter__(self) -> None:
                self.before, machine.current = machine.current, self.index

            def __exit__(self, *_: Any) -> None:
                machine.current = self.before

        def noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
            def called(*args: Any, **more: Any) -> Any:
                machine.called.append(name)
                return function(*args, **more)

            return called

        def at(values: list[int]) -> Callable[..., int]:
            return lambda device=None: values[machine.index(device)]

        functions: dict[str, Callable[..., Any]] = {
            "synchronize": lambda device=None: machine.wait(machine.done[machine.index(device)]),
            "set_device": machine.set_device,
            "empty_cache": lambda: None,
            "current_stream": Stream,
            "memory_stats": machine.stats,
            "reset_peak_memory_stats": machine.reset,
            "reset_max_memory_allocated": machine.reset,
            "max_memory_allocated": at(machine.peak),
            "memory_allocated": at(machine.allocated),
        }
        own: dict[tuple[Any, str], Any] = {
            (torch.cuda, name): noted(name, function) for name, function in functions.items()
        }
        own |= {(torch.cuda, c.__name__): c for c in (Event, device)}
        own |= {
            (torch.cuda, "current_device"): lambda: machine.current,
            (torch.cuda, "is_available"): lambda: True,
            (time, "perf_counter"): lambda: machine.now,
            (time, "perf_counter_ns"): lambda: round(machine.now * 1e9),
        }
        with ExitStack() as stack:
            for (module, name), stand_in in own.items():
                real = getattr(module, name)
                for spaces in {id(a.__globals__): a.__globals__ for a in answers}.values():
                    again = {key: stand_in for key, value in spaces.items() if value is real}
                    stack.enter_context(patch.dict(spaces, again))
                stack.enter_context(patch.object(module, name, stand_in))
            yield
