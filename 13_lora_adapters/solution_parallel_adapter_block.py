"""The parallel adapter block: the frozen layer's result plus a delta computed from the same input.

Why it works: the delta of a new adapter is zero, so the block starts as the sublayer alone. Asking
the adapter for its delta keeps x out of the sum: with the adapter's own residual connection there
would be one x too many. A sublayer with a result of another shape, (4, 1) beside (4, D), say, would
be broadcast without a word, hence the comparison.
One number: a sublayer that gives 10 x and a delta of x make 11 x; adapter(x) instead makes 12 x.
Say in the interview: serial adapters see what the layer made, parallel ones what it was given, as
LoRA does; the paper finds parallel better at the same number of parameters, best beside the MLP
with a scale of 4. The two branches can run at the same time; the parameters are the same in number.
Follow-up: how often is x in the result, if the sublayer has a residual connection of its own? Once,
from the sublayer; with adapter(x) it would be there twice.
Follow-up: can it be merged like LoRA? No: the ReLU between down and up makes the delta nonlinear.
Common slips: adapter(x) with its residual connection; the delta of the sublayer's result; no_grad
around the sublayer, which cuts x's gradient in two; freezing self and with it the adapter; adding
the delta in place to a result that may be x itself.
May be left out if you say so: the comparison of shapes.
"""

from torch import Tensor, nn


class BottleneckAdapter(nn.Module):
    """Given: (*, D) -> (*, D). The delta of a new one is zero."""

    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        super().__init__()
        self.down = nn.Linear(d_model, bottleneck_dim)
        self.up = nn.Linear(bottleneck_dim, d_model)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward_delta(self, x: Tensor) -> Tensor:
        return self.up(self.down(x).relu())

    def forward(self, x: Tensor, residual: bool = True) -> Tensor:
        delta = self.forward_delta(x)
        return x + delta if residual else delta


class ParallelAdapterBlock(nn.Module):
    """(*, D) -> (*, D): the frozen sublayer and, beside it, the adapter's delta."""

    def __init__(self, sublayer: nn.Module, adapter: nn.Module) -> None:
        super().__init__()
        self.sublayer = sublayer.requires_grad_(False)
        self.adapter = adapter

    def forward(self, x: Tensor) -> Tensor:
        out = self.sublayer(x)
        if out.shape != x.shape:
            raise ValueError(f"sublayer gives {tuple(out.shape)}, want x's {tuple(x.shape)}")
        return out + self.adapter(x, residual=False)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
