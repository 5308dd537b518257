"""Honest timing: warm-up, one measurement per call, the GPU's own marks, and the median.

Why it works: events are put into the same queue as the work, so no waiting of the CPU lies between
them. They are read after one synchronize, when the GPU has passed the last of them; before that,
elapsed_time raises. If nine calls take 1 ms and one 91 ms, the mean is 10 and the median 1: other
programs only ever add time, so one slow call says nothing about yours.
Say in the interview: warm-up first, since the first calls load kernels, fill caches and compile.
The clock is perf_counter: time.time may be set back. elapsed_time gives milliseconds. A peak is
since the last reset, so reset it before; the allocator counts when Python calls it, so no
synchronize is needed.
They may ask: why not perf_counter and synchronize on the GPU? That is honest, too, and adds what
the CPU needs to wake up, some ten microseconds: too much for a small kernel.
They may ask: what is missing for small kernels? They find their data in the cache of the call
before; a benchmark of kernels clears it between calls, as triton.testing.do_bench does.
Common slips: the clock read without synchronize, which times the launch; the whole loop divided by
repeats, which hides min and max; events on the current device while the work is on another.
You may leave out, if you say so: other devices than the current one, the errors.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch

Call = Callable[[], Any]


def benchmark(
    fn: Call, device: str | torch.device, warmup: int = 3, repeats: int = 10
) -> dict[str, float]:
    """Seconds of a call of fn. ValueError: repeats < 1 or warmup < 0."""
    if repeats < 1 or warmup < 0:
        raise ValueError(f"repeats {repeats}, warmup {warmup}, want at least 1 and 0")
    for _ in range(warmup):
        fn()
    timed = on_cuda if torch.device(device).type == "cuda" else on_cpu
    seconds = timed(fn, torch.device(device), repeats)
    return {"median": median(seconds), "min": min(seconds), "max": max(seconds)}


def on_cpu(fn: Call, device: torch.device, repeats: int) -> list[float]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        fn()
        seconds.append(time.perf_counter() - start)
    return seconds


def on_cuda(fn: Call, device: torch.device, repeats: int) -> list[float]:
    stream, marks = torch.cuda.current_stream(device), []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record(stream)
        fn()
        end.record(stream)
        marks.append((start, end))
    torch.cuda.synchronize(device)
    return [start.elapsed_time(end) / 1000 for start, end in marks]


def peak_memory(fn: Call, device: str | torch.device) -> int:
    """Bytes. ValueError: not a CUDA device, as torch counts on these alone."""
    if torch.device(device).type != "cuda":
        raise ValueError(f"device {device}, want cuda")
    torch.cuda.reset_peak_memory_stats(device)
    fn()
    return torch.cuda.max_memory_allocated(device)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
