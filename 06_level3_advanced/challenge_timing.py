"""Honest timing: seconds of a call and its peak of memory, on a CPU or a GPU.

A call returns before the GPU has done its work. CUDA events are marks in the GPU's queue.

    benchmark(fn, device, warmup=3, repeats=10) -> {"median": s, "min": s, "max": s}
    peak_memory(fn, device) -> bytes

fn() works on device: "cpu", "cuda", "cuda:1" or a torch.device. s is seconds, a Python float, not
rounded.

Core, what an interview asks:

    counts    fn is called warmup times, then repeats times for the result, in the caller's grad
              mode.
    cpu       Each call by itself, with time.perf_counter; nothing of torch.cuda is called.
    median    Of an even number, the mean of the middle two.
    cuda      Each call by itself, between two of torch.cuda.Event. The CPU's waiting for the GPU
              is not in it.
    memory    The most that is allocated at any time during one call of fn, with what was there
              before, as torch.cuda counts it.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    device    "cuda" is the current device, maybe cuda:1. Other devices work, too; the current one
              stays current.
    errors    ValueError, before fn is called: repeats below 1, warmup below 0, peak_memory if
              device is not cuda.

The check puts stand-ins in place of the clock and torch.cuda.

Easy, 20 minutes. Try one alone: python FILE cuda
Guide: PyTorch_Mastery_Guide, "Honest timing".
"""

import time
from collections.abc import Callable
from typing import Any

import torch

Call = Callable[[], Any]


def benchmark(
    fn: Call, device: str | torch.device, warmup: int = 3, repeats: int = 10
) -> dict[str, float]:
    raise NotImplementedError("benchmark")


def peak_memory(fn: Call, device: str | torch.device) -> int:
    raise NotImplementedError("peak_memory")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    calls = []

    def fn() -> None:
        time.sleep(0.002)
        calls.append(len(calls))

    seconds = benchmark(fn, "cpu", warmup=1, repeats=4)
    assert calls == [0, 1, 2, 3, 4], calls
    assert 0.001 < seconds["min"] <= seconds["median"] <= seconds["max"], seconds


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
