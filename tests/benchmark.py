"""How fast solutions are beside torch's own modules of the same size, as ratios of one run.

    python tests/benchmark.py

Each line times forward and backward on the CPU in one thread: ours and the reference by turns, the
median of each. No test: times depend on the machine and on what else it does. Ratios move less.
"""

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import Tensor, nn
from torch.utils.benchmark import Timer
from torchvision.models.resnet import BasicBlock

from practice.exercises import ROOT, load

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


def main() -> None:
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


if __name__ == "__main__":
    main()
