"""How fast solutions and the runner are, as ratios of one run.

    python tests/benchmark.py            all
    python tests/benchmark.py modules    solutions beside torch's own modules of the same size
    python tests/benchmark.py runner     a save in `watch` beside `python file.py`, check --all

No test: times depend on the machine and on what else it does. Ratios move less.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from sources import pasted
from test_practice import Terminal
from torch import Tensor, nn
from torch.utils.benchmark import Timer
from torchvision.models.resnet import BasicBlock

from practice.exercises import ROOT, load

SAVES, COLD = 20, 3
ROUNDS, SECONDS = 9, 0.3  # per round and side
B, L, D, HEADS, RANK = 8, 128, 256, 4, 8


def solution(name: str, thing: str) -> Any:
    return load(ROOT / name)[thing]


def attention() -> tuple[nn.Module, Callable[[Tensor], Tensor], Tensor]:
    ours = solution("11_transformers/solution_multihead_attention.py", "MultiHeadAttention")
    theirs = nn.MultiheadAttention(D, HEADS, batch_first=True)
    x = torch.randn(B, L, D)
    return (
        ours(D, HEADS, dropout=0.0),
        lambda x: theirs(x, x, x, need_weights=False)[0],
        x,
    )


def small_resnet() -> tuple[nn.Module, nn.Module, Tensor]:
    def stage(in_c: int, out_c: int, stride: int) -> nn.Sequential:
        shortcut = None
        if stride > 1:
            shortcut = nn.Sequential(
                nn.Conv2d(in_c, out_c, 1, stride, bias=False), nn.BatchNorm2d(out_c)
            )
        return nn.Sequential(BasicBlock(in_c, out_c, stride, shortcut), BasicBlock(out_c, out_c))

    ours = solution("12_popular_architectures/solution_small_resnet.py", "SmallResNet")()
    theirs = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        stage(16, 16, 1),
        stage(16, 32, 2),
        stage(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    return ours, theirs, torch.randn(16, 3, 32, 32)


def lora_linear() -> tuple[nn.Module, nn.Module, Tensor]:
    ours = solution("13_lora_adapters/solution_lora_linear.py", "LoRALinear")
    return ours(nn.Linear(D, D), RANK), nn.Linear(D, D), torch.randn(B, L, D)


def lora_frozen() -> tuple[nn.Module, nn.Module, Tensor]:
    ours, theirs, x = lora_linear()
    return ours, theirs.requires_grad_(False), x


def median_times(*sides: Callable[[Tensor], Tensor], x: Tensor) -> list[float]:
    """Milliseconds of forward and backward, of each side, measured by turns."""
    x = x.requires_grad_()
    timers = [Timer("f(x).sum().backward()", globals={"f": f, "x": x}) for f in sides]
    rounds = []
    for _ in range(ROUNDS):
        rounds.append([timer.blocked_autorange(min_run_time=SECONDS) for timer in timers])
    return [1e3 * statistics.median(m.median for m in side) for side in zip(*rounds, strict=True)]


def modules() -> None:
    """Forward and backward on the CPU in one thread, ours and the reference by turns: medians."""
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, CPU, 1 thread, forward and backward, medians")
    print(f"{'solution':26}{'beside':46}{'ms':>8}{'ms':>8}{'ratio':>7}  wanted")
    for name, beside, case, wanted in (
        (
            "MultiHeadAttention",
            f"nn.MultiheadAttention, {B}x{L}x{D}, {HEADS} heads",
            attention,
            1.3,
        ),
        ("SmallResNet", "of torchvision's BasicBlock, 16x3x32x32", small_resnet, 1.1),
        ("LoRALinear", f"its base nn.Linear, {B}x{L}x{D}, rank {RANK}", lora_linear, 1.5),
        ("LoRALinear", "the same, the base frozen too", lora_frozen, 1.5),
    ):
        ours, theirs, x = case()
        a, b = median_times(ours, theirs, x=x)
        print(f"{name:26}{beside:46}{a:8.2f}{b:8.2f}{a / b:7.2f}  {wanted} at most")


def runner() -> None:
    """From a save to the verdict on a terminal, against a cold run of the same file."""
    exercise = ROOT / "02_models" / "challenge_4_film.py"
    answer = pasted(exercise)
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        for part in ("practice", "checks", "tests/slips"):
            shutil.copytree(ROOT / part, course / part)
        path = course / exercise.relative_to(ROOT)
        shutil.copytree(exercise.parent, path.parent)
        path.write_text(answer)
        terminal = Terminal(course, "watch", "film")
        terminal.shows("Enter: the next")
        saves = []
        for i in range(SAVES):
            text = answer + f"# save {i}\n"
            if i % 2:
                (course / "new").write_text(text)
                start = time.perf_counter()
                os.replace(course / "new", path)
            else:
                start = time.perf_counter()
                path.write_text(text)
            terminal.shows("Enter: the next")
            saves.append(time.perf_counter() - start)
        terminal.end()
        cold = [seconds(sys.executable, str(path)) for _ in range(COLD)]
    a, b = statistics.median(saves), statistics.median(cold)
    print(f"from save to verdict in watch, median of {SAVES}: {a:.3f} s")
    print(f"python {path.name}, median of {COLD}: {b:.3f} s")
    print(f"ratio {a / b:.3f}, wanted 0.1 at most\n")

    checks = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    checks += ["tests/test_form.py", "-k", "untouched"]
    everything = [sys.executable, "-m", "practice", "check", "--all"]
    rounds = [(seconds(*everything), seconds(*checks)) for _ in range(COLD)]
    a, b = (statistics.median(side) for side in zip(*rounds, strict=True))
    print(f"check --all {a:.1f} s, pytest of the checks {b:.1f} s, medians of {COLD}")
    print(f"ratio {a / b:.2f}, wanted 1.5 at most")


def seconds(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    if sys.argv[1:] in ([], ["modules"]):
        modules()
    if sys.argv[1:] in ([], ["runner"]):
        runner()
