"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

WARM = "    for _ in range(warmup):\n        fn()\n"
KIND = 'torch.device(device).type == "cuda"'
RESULT = '    return {"median": median(seconds), "min": min(seconds), "max": max(seconds)}\n'
CPU = """\
    for _ in range(repeats):
        start = time.perf_counter()
        fn()
        seconds.append(time.perf_counter() - start)
    return seconds
"""
WAIT = "    torch.cuda.synchronize(device)\n"
READ = "    return [start.elapsed_time(end) / 1000 for start, end in marks]\n"
STREAM = "    stream, marks = torch.cuda.current_stream(device), []\n"
START = "        start.record(stream)\n"
END = "        end.record(stream)\n"
RESET = "    torch.cuda.reset_peak_memory_stats(device)\n"
PEAK = "    return torch.cuda.max_memory_allocated(device)\n"
ONLY = '    if torch.device(device).type != "cuda":\n'
NUMBERS = "    if repeats < 1 or warmup < 0:\n"

SLIPS = {
    "counts": {
        "a hundred calls at most": (
            "timed(fn, torch.device(device), repeats)",
            "timed(fn, torch.device(device), min(repeats, 100))",
        ),
        "no warm-up": (WARM, ""),
        "one call of warm-up": (WARM, "    fn()\n"),
        "warm-up once more": ("range(warmup)", "range(warmup + 1)"),
        "warm-up timed, too": (
            "timed(fn, torch.device(device), repeats)",
            "timed(fn, torch.device(device), warmup + repeats)",
        ),
        "warm-up taken from repeats": (
            "timed(fn, torch.device(device), repeats)",
            "timed(fn, torch.device(device), max(1, repeats - warmup))",
        ),
        "ten calls always": (
            "timed(fn, torch.device(device), repeats)",
            "timed(fn, torch.device(device), 10)",
        ),
        "one warm-up call by default": ("warmup: int = 3", "warmup: int = 1"),
        "a hundred calls by default": ("repeats: int = 10", "repeats: int = 100"),
        "fn called once more for its result": (RESULT, "    fn()\n" + RESULT),
        "fn called in inference_mode": (
            "        fn()\n        seconds.append",
            "        with torch.inference_mode():\n            fn()\n        seconds.append",
        ),
        "warm-up in the first timed call": (
            CPU,
            CPU.replace("        fn()\n", "        fn()\n        fn()\n"),
        ),
    },
    "cpu": {
        "rounded to microseconds": (
            "time.perf_counter() - start)",
            "round(time.perf_counter() - start, 6))",
        ),
        "the whole loop divided by repeats": (
            CPU,
            """\
    start = time.perf_counter()
    for _ in range(repeats):
        fn()
    return [(time.perf_counter() - start) / repeats] * repeats
""",
        ),
        "one start for all calls": (
            CPU,
            CPU.replace(
                "    for _ in range(repeats):\n        start = time.perf_counter()\n",
                "    start = time.perf_counter()\n    for _ in range(repeats):\n",
            ),
        ),
        "the clock read before fn alone": (
            CPU,
            CPU.replace(
                "        fn()\n        seconds.append(time.perf_counter() - start)\n",
                "        seconds.append(time.perf_counter() - start)\n        fn()\n",
            ),
        ),
        "start minus end": ("time.perf_counter() - start", "start - time.perf_counter()"),
        "milliseconds": (
            "seconds.append(time.perf_counter() - start)",
            "seconds.append((time.perf_counter() - start) * 1000)",
        ),
        "the clock of the processor: sleeping does not count": (
            CPU,
            CPU.replace("perf_counter", "process_time"),
        ),
        "the clock of the wall": (CPU, CPU.replace("time.perf_counter", "time.time")),
        "the cache of the GPU emptied, too": (
            "    seconds = []\n",
            "    seconds = []\n    torch.cuda.empty_cache()\n",
        ),
        "rounded to whole seconds": (
            "time.perf_counter() - start)",
            "round(time.perf_counter() - start))",
        ),
        "synchronize on the CPU, too": (
            CPU,
            CPU.replace("        start", "        torch.cuda.synchronize()\n        start"),
        ),
        "events wherever a GPU is": (KIND, "torch.cuda.is_available()"),
        "events for a torch.device": (KIND, 'not (device == "cpu")'),
        "min of the first half": (
            '"min": min(seconds)',
            '"min": min(seconds[: (len(seconds) + 1) // 2][-1:])',
        ),
        "calls far from the median left out": (
            RESULT,
            "    seconds = [s for s in seconds if s < 5 * median(seconds)]\n" + RESULT,
        ),
        "the slowest call left out": (
            '"max": max(seconds)',
            '"max": sorted(seconds)[max(0, len(seconds) - 2)]',
        ),
    },
    "median": {
        "the lower of the two in the middle": (
            "median(seconds)",
            "sorted(seconds)[(len(seconds) - 1) // 2]",
        ),
        "the mean": ("median(seconds)", "sum(seconds) / len(seconds)"),
        "the upper of the two in the middle": (
            "median(seconds)",
            "sorted(seconds)[len(seconds) // 2]",
        ),
        "the middle without sorting": ("median(seconds)", "seconds[len(seconds) // 2]"),
        "torch.median: the lower one": ("median(seconds)", "torch.tensor(seconds).median().item()"),
        "a tensor": ("median(seconds)", "torch.tensor(seconds).quantile(0.5)"),
        "half way between min and max": ("median(seconds)", "(min(seconds) + max(seconds)) / 2"),
        "the smallest": ('"median": median(seconds)', '"median": min(seconds)'),
        "median and mean mixed": (
            "median(seconds)",
            "(median(seconds) + sum(seconds) / len(seconds)) / 2",
        ),
    },
    "cuda": {
        "synchronize before the last mark alone": (
            END + "        marks.append((start, end))\n" + WAIT,
            "        torch.cuda.synchronize(device)\n"
            + END
            + "        marks.append((start, end))\n",
        ),
        "no synchronize before the last read": (WAIT, ""),
        "milliseconds": (" / 1000 for", " for"),
        "microseconds": (" / 1000 for", " * 1000 for"),
        "the CPU's clock: times the launch": (KIND, "False"),
        "the CPU's clock after synchronize": """
def on_cuda(fn, device, repeats):
    seconds = []
    for _ in range(repeats):
        torch.cuda.synchronize(device)
        start = time.perf_counter()
        fn()
        torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return seconds
""",
        "events without enable_timing": (
            "torch.cuda.Event(enable_timing=True)",
            "torch.cuda.Event()",
        ),
        "set_device, which wants a number": (
            STREAM,
            "    before = torch.cuda.current_device()\n"
            "    torch.cuda.set_device(device)\n"
            "    torch.cuda.set_device(before)\n" + STREAM,
        ),
        "end recorded before fn": ("        fn()\n" + END, END + "        fn()\n"),
        "start recorded after fn": (START + "        fn()\n", "        fn()\n" + START),
        "from the start of the first call": (
            READ,
            "    first = marks[0][0]\n"
            "    return [first.elapsed_time(end) / 1000 for _, end in marks]\n",
        ),
        "from end to start": ("start.elapsed_time(end)", "end.elapsed_time(start)"),
        "the same pair of events for all, read at the end": (
            "        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))\n"
            + START,
            "        new = (torch.cuda.Event(enable_timing=True) for _ in range(2))\n"
            "        start, end = marks[0] if marks else new\n" + START,
        ),
        "the device compared as a string": (KIND, 'device == "cuda"'),
        "one pair around all calls": (
            "    return [start.elapsed_time(end) / 1000 for start, end in marks]\n",
            "    return [marks[0][0].elapsed_time(marks[-1][1]) / 1000 / repeats] * repeats\n",
        ),
        "the first timed call dropped": (
            READ,
            "    kept = marks[1:] or marks\n"
            "    return [start.elapsed_time(end) / 1000 for start, end in kept]\n",
        ),
    },
    "memory": {
        "peak not reset": (RESET, ""),
        "reset after fn": (RESET + "    fn()\n", "    fn()\n" + RESET),
        "what is allocated afterwards": (PEAK, "    return torch.cuda.memory_allocated(device)\n"),
        "less what was there before": (
            RESET + "    fn()\n" + PEAK,
            "    before = torch.cuda.memory_allocated(device)\n"
            + RESET
            + "    fn()\n"
            + PEAK.replace("(device)", "(device) - before"),
        ),
        "fn called without gradients": (
            "    fn()\n" + PEAK,
            "    with torch.no_grad():\n        fn()\n" + PEAK,
        ),
        "megabytes": (PEAK, PEAK.replace("\n", " / 2**20\n")),
        "a call of warm-up first: what stays is counted": (RESET, "    fn()\n" + RESET),
        "fn is called by the benchmark": (
            "    fn()\n" + PEAK,
            "    benchmark(fn, device)\n" + PEAK,
        ),
        "the growth of what is allocated": (
            RESET + "    fn()\n" + PEAK,
            "    before = torch.cuda.memory_allocated(device)\n"
            "    fn()\n"
            "    return torch.cuda.memory_allocated(device) - before\n",
        ),
        "cuda:0 alone": (ONLY, '    if str(device) != "cuda":\n'),
    },
    "device": {
        "events on the current device's stream": (
            STREAM,
            "    stream, marks = torch.cuda.current_stream(), []\n",
        ),
        "events on no stream in particular": (STREAM, "    stream, marks = None, []\n"),
        "synchronize the current device": (WAIT, "    torch.cuda.synchronize()\n"),
        "the device stays the current one": (
            STREAM,
            "    torch.cuda.set_device(device)\n" + STREAM,
        ),
        "the current device's peak": (PEAK, "    return torch.cuda.max_memory_allocated()\n"),
        "the current device's peak reset": (RESET, "    torch.cuda.reset_peak_memory_stats()\n"),
        "cuda taken for cuda:0": (
            STREAM,
            "    device = torch.device('cuda', device.index or 0)\n" + STREAM,
        ),
        "the peak of cuda taken for that of cuda:0": (
            RESET,
            "    device = torch.device(device).index or 0\n" + RESET,
        ),
        "afterwards cuda:0 is current, whatever was before": (
            WAIT,
            WAIT + "    torch.cuda.set_device(0)\n",
        ),
        "peak_memory leaves the device current": (
            RESET,
            "    torch.cuda.set_device(device)\n" + RESET,
        ),
        "the device always cuda:0": (
            "timed(fn, torch.device(device), repeats)",
            "timed(fn, torch.device(device).type, repeats)",
        ),
    },
    "errors": {
        "no look at the numbers": (NUMBERS, "    if False:\n"),
        "repeats of 0 accepted": (NUMBERS, "    if repeats < 0 or warmup < 0:\n"),
        "negative warm-up taken for 0": (NUMBERS, "    if repeats < 1:\n"),
        "looked at after the warm-up": (
            NUMBERS,
            "    for _ in range(warmup if repeats < 1 else 0):\n        fn()\n" + NUMBERS,
        ),
        "an assert: no ValueError": (
            NUMBERS,
            "    assert repeats >= 1 and warmup >= 0\n" + NUMBERS,
        ),
        "0 for a CPU": (
            ONLY,
            '    if torch.device(device).type == "cpu":\n        return 0\n' + ONLY,
        ),
        "fn called before a look at the device": (ONLY, "    fn()\n" + ONLY),
        "a RuntimeError for a CPU": (
            ONLY,
            '    if torch.device(device).type == "cpu":\n        raise RuntimeError("no GPU")\n'
            + ONLY,
        ),
        "a torch.device of the CPU accepted": (
            ONLY,
            '    if device == "cpu" or device == "meta":\n',
        ),
    },
}

VARIANTS = {
    "one pair at a time, the end waited for": """
def benchmark(fn, device, warmup=3, repeats=10):
    if repeats <= 0:
        raise ValueError("repeats")
    if warmup < 0:
        raise ValueError("warmup")
    device = torch.device(device)
    times = []
    for i in range(warmup + repeats):
        if device.type == "cuda":
            with torch.cuda.device(device):
                a, b = torch.cuda.Event(True), torch.cuda.Event(True)
                a.record()
                fn()
                b.record()
                b.synchronize()
                t = a.elapsed_time(b) * 1e-3
        else:
            t = -time.perf_counter()
            fn()
            t += time.perf_counter()
        if i >= warmup:
            times.append(t)
    times.sort()
    k = len(times)
    middle = times[k // 2] if k % 2 else 0.5 * (times[k // 2 - 1] + times[k // 2])
    return dict(min=times[0], median=middle, max=times[-1])
""",
    "names imported from time and torch.cuda": """
from time import perf_counter_ns
from torch import cuda
from torch.cuda import Event, synchronize, current_stream

def on_cpu(fn, device, repeats):
    out = []
    while len(out) < repeats:
        before = perf_counter_ns()
        fn()
        out.append((perf_counter_ns() - before) / 1e9)
    return out

def on_cuda(fn, device, repeats):
    synchronize(device)
    events = [Event(enable_timing=True) for _ in range(repeats + 1)]
    events[0].record(current_stream(device))
    for event in events[1:]:
        fn()
        event.record(current_stream(device))
    events[-1].synchronize()
    return [a.elapsed_time(b) / 1e3 for a, b in zip(events, events[1:])]

def peak_memory(fn, device):
    device = torch.device(device)
    if device.type != "cuda":
        raise ValueError("cuda alone")
    cuda.synchronize(device)
    with cuda.device(device):
        cuda.empty_cache()
        cuda.reset_peak_memory_stats()
        fn()
        cuda.synchronize()
        return cuda.max_memory_allocated()
""",
    "the device by its name, statistics by torch": (
        RESULT,
        """\
    times = torch.tensor(seconds, dtype=torch.float64)
    low, middle, high = times.quantile(torch.tensor([0, 0.5, 1], dtype=torch.float64)).tolist()
    return {"min": low, "median": middle, "max": high}
""",
    ),
    "events by the stream": (
        START + "        fn()\n" + END,
        """\
        stream.record_event(start)
        fn()
        stream.record_event(end)
""",
    ),
    "the peak out of memory_stats": (
        PEAK,
        '    return torch.cuda.memory_stats(device)["allocated_bytes.all.peak"]\n',
    ),
    "startswith": (KIND, 'str(device).startswith("cuda")'),
}
