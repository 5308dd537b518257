"""A layer of your own: assign parameters and buffers, and nn.Module does the rest.

Why it works: nn.Module notices what is assigned. A Parameter is found by parameters(), trained,
saved and moved; a buffer is saved and moved, not trained; a plain tensor is none of this.
kaiming: a sum of n products with weights of variance v has n v times the input's mean square, and
ReLU keeps half of it. So v = 2/n: with n = 50 the standard deviation is 0.2, and thirty layers
later the signal is as large as at the start; with 0.1 it is 2^30 times smaller.
Say in the interview:
- weight is (out, in), so that one row is one output's weights. W^T is a view and costs nothing.
- register_parameter("bias", None) keeps the name: bias may be set later, and is not saved now.
- Values are drawn under no_grad: autograd must not record how a leaf got its numbers.
- The embedding is one index. Its gradient is dense, and zero except in the rows that were used.
Asked next: "Why not a one-hot product?" The same numbers, at V times the cost. "What does
persistent=False do?" The buffer moves with the layer and is not saved: masks and tables that can
be computed again. "What does nn.Embedding refuse?" Negative ids; here they count from the end.
Common slips: a tensor for a Parameter; a buffer as attribute, which stays on the CPU; fan_out;
conv kernels whose fan_in leaves out the window; `if padding_idx`, false for 0; rows counted as
len(x), or in eval mode, too.
May be left out if you say so: padding and extra_repr.
"""

import torch
from torch import Tensor, nn


class SimpleLinear(nn.Module):
    """(*, in_features) -> (*, out_features). seen: how many rows came in train mode."""

    seen: Tensor

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        bound = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-bound, bound))
        self.register_parameter("bias", None)
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound))
        self.register_buffer("seen", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen += x.shape[:-1].numel()
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class MyEmbedding(nn.Module):
    """int64 (*) -> (*, embedding_dim)."""

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None
    ) -> None:
        super().__init__()
        if padding_idx is not None:
            padding_idx %= num_embeddings
        self.padding_idx = padding_idx
        self.weight = nn.Parameter(torch.randn(num_embeddings, embedding_dim))
        if padding_idx is not None:
            self.weight.data[padding_idx] = 0

    def forward(self, ids: Tensor) -> Tensor:
        rows = self.weight[ids]
        if self.padding_idx is None:
            return rows
        return torch.where(ids.unsqueeze(-1) == self.padding_idx, rows.detach(), rows)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}{padding}"


@torch.no_grad()
def kaiming_init(weight: Tensor) -> Tensor:
    """(out, in, *) -> the same tensor, filled from N(0, 2 / fan_in)."""
    fan_in = weight[0].numel()
    return weight.normal_(0, (2 / fan_in) ** 0.5)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
