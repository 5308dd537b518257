"""Bug hunt 7: an in-place product overwrote what tanh keeps for its backward.

Symptom  forward is right, backward() raises RuntimeError: a variable that it needs "has been
         modified by an inplace operation". The message names tanh's backward and two version
         numbers.
Cause    tanh's derivative is 1 - h * h, so autograd keeps the result h itself, not a copy, and the
         `*=` wrote the product into that memory. With h = 0.5 and a gate of 0.5 the derivative
         would have been 1 - 0.25 * 0.25 = 0.94 in place of 0.75. tanh, sigmoid, exp, softmax and
         relu keep their result.
Fix      a product with memory of its own. The `+=` may stay: a linear layer keeps its input and its
         weight, and an addition keeps nothing.
Spot it  read the name in the error, then look for `*=`, `+=`, `[...] =` or `_()` on that op's
         result. torch.autograd.set_detect_anomaly(True) prints the line of the forward op. Never
         silence it with .data or detach(): the error goes away, and so does the right gradient.

Asked next
    "How does autograd notice?" Each tensor counts the writes into its memory; backward compares
    the count with the one at saving. .data writes without counting, hence wrong gradients.
    "How else could one save memory?" checkpoint(): recompute on the way back. Or write in place
    where the op before keeps its input alone: self.value(y).tanh_() is allowed.
"""

import torch
from torch import Tensor, nn


class GatedResidual(nn.Module):
    """x (*, D) -> (*, D): tanh values, each let through by a sigmoid gate, added to x."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.value = nn.Linear(dim, hidden)
        self.gate = nn.Linear(dim, hidden)
        self.out = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        h = torch.tanh(self.value(y))  # (*, H)
        h = h * torch.sigmoid(self.gate(y))
        h = self.out(h)  # (*, D)
        h += x
        return h


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
