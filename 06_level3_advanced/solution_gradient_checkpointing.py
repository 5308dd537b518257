"""Gradient checkpointing: forward without keeping anything, and once more when backward comes.

Why it works: checkpoint notes x, the random state and the autocast state, and lets autograd keep a
placeholder for each tensor. The first placeholder that backward opens starts the second forward
pass, in the noted state, so dropout hides the same units and the casts are the same.
Say in the interview: one more forward pass, about a third more time. n blocks with inputs of a
elements and m inside keep n * a + m instead of n * (a + m); with segments of sqrt(n) layers memory
is O(sqrt(n)). use_reentrant=False works without gradients of x and with torch.autograd.grad; the
old reentrant form does not. BatchNorm would count each batch twice. Not worth it when parameters
or optimizer state fill the memory: shard those instead.
Common slips: reentrant with an input that needs no gradient, so that nothing trains;
preserve_rng_state=False beside dropout; a checkpoint for each layer, which keeps each layer's
input; the blocks of an evaluation checkpointed too.
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


if __name__ == "__main__":
    from challenge_gradient_checkpointing import check

    check(CheckpointedBlock)
    print("PASS")
