"""A learnable prefix: one (P, D) parameter, shown to every sequence of the batch as a view.

Why it works: expand gives the new batch dim stride 0, so the B copies of the prefix are made once,
by cat, in the result. In backward expand sums over that dim: one gradient, from all sequences.
cat would silently promote float32 beside bfloat16, hence the cast to x's dtype.
One number: P = 20 and D = 4096 make 81,920 numbers a task, 160 KB in bfloat16.
Say in the interview: the model stays frozen and shared, and one batch can mix tasks. The price is
context: attention over P + L tokens, and masks, positions and labels that have to be made P longer.
What is learned here is a soft prompt at one layer's input; prefix tuning proper gives each
attention layer P keys and values of its own, made by an MLP while it trains.
Follow-up: how is a view possible that shows the same numbers B times? The stride of that dim is 0:
going one sequence further moves no step in memory. Nobody may write through such a view.
Follow-up: why not start at zero? Nothing but positions would tell the P vectors apart, and where
nothing does, all get the same gradient and stay one vector.
Common slips: repeat, one more copy for each sequence; a (B, P, D) parameter, tied to one batch
size; the prefix at the end, where a causal model sees it too late; draws of N(0, 1), fifty times as
large as the tokens beside them.
May be left out if you say so: the cast to x's dtype, and the errors.
"""

import torch
from torch import Tensor, nn


class LearnablePrefix(nn.Module):
    """(B, L, D) -> (B, P + L, D)."""

    def __init__(self, prefix_len: int, d_model: int) -> None:
        super().__init__()
        if prefix_len < 1:
            raise ValueError(f"prefix_len is {prefix_len}, want 1 or more")
        self.prefix = nn.Parameter(torch.randn(prefix_len, d_model) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 3:  # cat skips a tensor of shape (0,)
            raise ValueError(f"x is {tuple(x.shape)}, want (B, L, {self.prefix.shape[1]})")
        prefix = self.prefix.to(x.dtype).expand(len(x), -1, -1)  # (B, P, D), a view
        return torch.cat([prefix, x], dim=1)  # sizes that do not fit: RuntimeError


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
