"""Tuning: find a rate in one short run, and the best setting without training all to the end.

Why it works: rates that double, or grow by any fixed factor, spend as many steps between 0.001 and
0.01 as between 0.1 and 1. From 1e-5 to 1 in 101 steps the factor is 10 ** 0.05, about 1.12. The run
spoils weights, running statistics and moments, so copies of both state dicts are taken before, and
loaded after. state_dict() gives references: without the deep copy they would hold the spoiled ones.
Successive halving with 8 settings and budgets 1, 2, 4, 8 spends 8, 8, 8 and 8 epochs: 32, where
training all of them to the end (15 epochs) costs 120. It needs the states, otherwise each rung
pays for the earlier ones again.
Say in the interview:
- Take the rate where the loss falls fastest, or a tenth of that where it jumps.
- Each loss is of another batch, so the curve is noisy; smooth it before you read it.
- The first losses do not tell everything: a small rate looks bad early. Keep the first budget long
  enough, or run brackets with several first budgets: that is Hyperband.
- The scores are of validation rows, the same for all configs.
Asked next: "With momentum, are the losses right?" They lag: a step carries earlier gradients. Good
enough for an order of magnitude.
"In parallel?" A rung waits for its slowest config; ASHA promotes whoever is among the best so far.
Common slips: linear rates; no deep copy; momentum not restored; itertools.cycle, which keeps the
batches of the first pass; each rung from scratch; the best of any rung; NaN in sorted().
May be left out if you say so: the try, NaN.
"""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Train = Callable[[Any, int, Any], tuple[float, Any]]
Batch = tuple[Tensor, Tensor]
EXPLODES = 4  # times the smallest loss


def endless(loader: Iterable[Batch]) -> Iterator[Batch]:
    """Pass after pass; a shuffling loader gives another order in each."""
    while True:
        yield from loader


def lr_range_test(
    model: nn.Module,
    loader: Iterable[Batch],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    start_lr: float,
    end_lr: float,
    steps: int,
) -> tuple[list[float], list[float]]:
    """(rates, losses), ended early by a loss that explodes; model and optimizer are left alone."""
    states = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    modes = {part: part.training for part in model.modules()}
    rates, losses = list[float](), list[float]()
    batches, smallest = endless(loader), math.inf
    try:
        model.train()
        for i in range(steps):
            rates.append(start_lr * (end_lr / start_lr) ** (i / max(1, steps - 1)))
            for group in optimizer.param_groups:
                group["lr"] = rates[-1]
            x, y = next(batches)
            loss = criterion(model(x), y)
            losses.append(loss.item())
            if not math.isfinite(losses[-1]) or losses[-1] > EXPLODES * smallest:
                break
            smallest = min(smallest, losses[-1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    finally:
        model.load_state_dict(states[0])
        optimizer.load_state_dict(states[1])
        for part, mode in modes.items():
            part.training = mode
    return rates, losses


def successive_halving(
    train: Train, configs: Sequence[Any], budgets: Sequence[int], keep: float = 0.5
) -> Any:
    """The config with the smallest loss in the last rung."""
    states: dict[int, Any] = dict.fromkeys(range(len(configs)))  # of those that are left
    for budget in budgets:
        ranks = {}
        for i in states:
            loss, states[i] = train(configs[i], budget, states[i])
            ranks[i] = (True, 0.0, i) if math.isnan(loss) else (False, loss, i)
        best = sorted(states, key=ranks.__getitem__)[: max(1, int(len(states) * keep))]
        states = {i: states[i] for i in best}
    return configs[best[0]]


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
