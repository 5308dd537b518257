"""Gradient checkpointing: forward without keeping anything, and once more when backward comes.

Why it works: checkpoint notes x, the random state and the autocast state, and lets autograd keep a
placeholder for each tensor. The first placeholder that backward opens starts the second forward
pass, in the noted state, so dropout hides the same units and the casts are the same. n blocks with
inputs of a elements and m inside keep n * a + m instead of n * (a + m): with n = 10, a = 1 and
m = 14 that is 24 instead of 150.
Say in the interview:
- One more forward pass is about a third more time. Segments of sqrt(n) layers need O(sqrt(n)).
- use_reentrant=False works without gradients of x and with torch.autograd.grad. The old reentrant
  form does neither.
- It is not worth it where parameters or optimizer state fill the memory: shard those instead.
Asked next: "What besides x must be the same the second time?" Random state, autocast, mode and
parameters.
"And BatchNorm?" It would count each batch twice: put it outside, or freeze its statistics.
Common slips: reentrant with an input that needs no gradient, so that nothing trains;
preserve_rng_state=False beside dropout; a checkpoint for each layer, which keeps each layer's
input; the blocks of an evaluation checkpointed too.
May be left out if you say so: the case of eval mode, which costs time but is not wrong.
"""

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class CheckpointedBlock(nn.Module):
    def __init__(self, dim: int, hidden: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, hidden)
        self.act = nn.GELU()
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return checkpoint(self._block, x, use_reentrant=False)
        return self._block(x)

    def _block(self, x: Tensor) -> Tensor:
        inner = self.act(self.fc1(self.norm(x)))  # (..., hidden)
        return x + self.fc2(self.dropout(inner))  # (..., dim)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
