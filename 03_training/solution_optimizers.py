"""Optimizers by hand: a state per parameter, changed in place, outside of the graph.

Why it works: momentum adds up a gradient that keeps its direction: with 0.9 and a constant g, v
goes to 10 g. Adam divides by the size of the gradient: its first step is lr g / (|g| + eps), about
lr, for g = 1000 as for g = 0.001. m and v begin at 0, so they are too small at first: after one
step m = 0.1 g, and dividing by 1 - b1 = 0.1 mends it.
Say in the interview:
- Under no_grad and in place: p = p - ... makes another tensor, the model keeps the old one.
- Two numbers are kept per weight: Adam needs 8 bytes more per float32 weight, and a checkpoint
  needs them, too.
- AdamW takes the decay out of m and v. Through them it would be divided by sqrt(v), and weights
  with large gradients would hardly decay.
- zero_grad to None is torch's default: less memory, and a parameter without gradient is skipped.
  Zeros are another thing: Adam with g = 0 still moves, by its momentum, and AdamW decays.
Asked next: "Why eps outside the root?" The paper has it so; inside, 1e-8 would act as 1e-4.
"What is kept of a tied weight?" One state: parameters() gives it once.
Common slips: t from 0, which divides by 0; one t for all; the decay added to g; the first velocity
being p.grad itself, which zero_grad then clears; torch.zeros(p.shape), on the CPU; a generator that
is empty at the second step.
May be left out if you say so: duplicates and the device.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

Params = Iterable[Tensor]
Betas = tuple[float, float]


class MySGD:
    def __init__(
        self, params: Params, lr: float, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        self.params = each_once(params)
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.v = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self) -> None:
        for p, v in zip(self.params, self.v, strict=True):
            if p.grad is None:
                continue
            v.mul_(self.momentum).add_(p.grad)
            p -= self.lr * (p.grad + self.momentum * v if self.nesterov else v)

    def zero_grad(self) -> None:
        clear(self.params)


class MyAdam:
    def __init__(
        self, params: Params, lr: float = 1e-3, betas: Betas = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        self.params = each_once(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.m = [torch.zeros_like(p) for p in self.params]
        self.v = [torch.zeros_like(p) for p in self.params]
        self.t = [0] * len(self.params)

    @torch.no_grad()
    def step(self) -> None:
        b1, b2 = self.betas
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.t[i] += 1
            self.m[i].mul_(b1).add_((1 - b1) * p.grad)
            self.v[i].mul_(b2).add_((1 - b2) * p.grad**2)
            m = self.m[i] / (1 - b1 ** self.t[i])
            v = self.v[i] / (1 - b2 ** self.t[i])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self) -> None:
        clear(self.params)


class MyAdamW(MyAdam):
    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps)
        self.weight_decay = weight_decay

    @torch.no_grad()
    def step(self) -> None:
        for p in self.params:
            if p.grad is not None:
                p.mul_(1 - self.lr * self.weight_decay)
        super().step()


def each_once(params: Params) -> list[Tensor]:
    return list({id(p): p for p in params}.values())


def clear(params: Params) -> None:
    for p in params:
        if p.grad is not None:
            p.grad = torch.zeros_like(p.grad)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
