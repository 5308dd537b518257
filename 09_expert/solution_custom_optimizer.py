"""Muon: momentum as in SGD, then a polynomial that acts on the singular values alone.

Why it works: X X^T X = U S^3 V^T, so each round turns every singular value s into
a s + b s^3 + c s^5 and leaves U and V. Divided by the root of the sum of squares, none is above 1.
A small s grows by 3.4445 per round: 0.01 becomes 0.034, 0.118, 0.400, 1.093, 0.699. All of
0.01 or more end between 0.68 and 1.14: no limit is reached, and none is needed.
Say in the interview:
- Adam evens out the size of single numbers, Muon that of directions. It keeps one number per
  weight, Adam two.
- Matrix products only: an SVD is slow on a GPU. torch.optim.Muon (2.9) does them in bfloat16.
- It is for hidden matrices. An embedding gets rows of gradient, one for each token; biases and
  norms have no singular values. They and the head get AdamW, with a rate of their own.
- sqrt(max(1, rows / columns)): a step changes the outputs by about as much for any shape.
Asked next: "What does it cost?" For n x m, n <= m, each round 4 n^2 m + 2 n^3 FLOPs: little beside
the 6 n m per token of the training step. "And in many processes?" It needs whole matrices: a shard
cannot be orthogonalized alone.
Common slips: a tall matrix not transposed (A is rows x rows); division by zero at a zero gradient;
the buffer in an attribute, which no checkpoint has; decay added to g, where newton_schulz
equalizes it; the head among the matrices.
May be left out if you say so: closure, and the errors.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

NOT_HIDDEN = nn.Embedding, nn.EmbeddingBag, nn.LayerNorm, nn.RMSNorm


def newton_schulz(G: Tensor, steps: int = 5) -> Tensor:
    """(rows, columns) -> the same; each singular value becomes one between 0.68 and 1.14."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = G.shape[0] > G.shape[1]
    X = G.mT if tall else G
    X = X / (X.norm() + 1e-7)
    for _ in range(steps):
        A = X @ X.mT  # the smaller of the two products
        X = a * X + (b * A + c * A @ A) @ X
    return X.mT if tall else X


class Muon(Optimizer):
    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, {**defaults, "nesterov": nesterov, "ns_steps": ns_steps})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimizer.__init__ calls it, too: one place for both."""
        super().add_param_group(param_group)  # a generator is a list there now
        for p in self.param_groups[-1]["params"]:
            if p.ndim != 2:
                self.param_groups.pop()
                raise ValueError(f"a parameter of shape {tuple(p.shape)}, want 2-D ones")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            lr, momentum = group["lr"], group["momentum"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(p)
                M = state["momentum_buffer"].mul_(momentum).add_(p.grad)
                U = newton_schulz(
                    p.grad + momentum * M if group["nesterov"] else M, group["ns_steps"]
                )
                p.mul_(1 - lr * group["weight_decay"])
                p.sub_(lr * max(1, p.shape[0] / p.shape[1]) ** 0.5 * U)
        return loss


def split_params(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """(for Muon, for AdamW); parameters() gives a tied one once."""
    heads = [m for m in model.modules() if isinstance(m, nn.Linear)][-1:]
    kept_out = heads + [m for m in model.modules() if isinstance(m, NOT_HIDDEN)]
    ids = {id(p) for m in kept_out for p in m.parameters()}
    matrices, others = list[nn.Parameter](), list[nn.Parameter]()
    for p in model.parameters():
        (matrices if p.ndim == 2 and id(p) not in ids else others).append(p)
    return matrices, others


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
