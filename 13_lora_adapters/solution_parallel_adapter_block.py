"""The parallel adapter block: the frozen layer's result plus a delta computed from the same input.

Why it works: the delta of a new adapter is zero, so the block starts as the sublayer alone. Asking
the adapter for its delta keeps x out of the sum: with the adapter's own residual connection there
would be one x too many. A sublayer with a result of another shape, (4, 1) beside (4, D), say, would
be broadcast without a word, hence the comparison.
Say in the interview: serial adapters see what the layer made, parallel ones what it was given, as
LoRA does; the paper finds parallel better at the same number of parameters, best beside the MLP
with a scale of 4. The two branches can run at the same time; the parameters are the same in number.
Common slips: adapter(x) with its residual connection; the delta of the sublayer's result; no_grad
around the sublayer, which cuts x's gradient in two; freezing self and with it the adapter.
"""

from torch import Tensor, nn


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


if __name__ == "__main__":
    from challenge_parallel_adapter_block import check

    check(ParallelAdapterBlock)
    print("PASS")
