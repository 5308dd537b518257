"""A CPU in place of a GPU, so that the verdict on code for cuda is the same everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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
