"""The bottleneck adapter: down to m features, ReLU, up again, zero at the start.

Why it works: with up at zero the adapter is the identity, so the frozen model starts exactly as
good as it was. In the first backward pass only up gets a gradient other than zero, because down's
has up.weight as a factor; from the second step on both learn. With down at zero as well, the
bottleneck would always be relu(0) = 0 and nothing but up.bias would ever move.
Say in the interview: 2Dm + m + D parameters an adapter, 0.5 to 8 % of a BERT in the paper; a task
is an adapter's file of a few MB. Unlike LoRA it cannot be merged, because of the ReLU: it stays in
the model as two more small layers in a row, which costs latency at small batches. The paper starts
both layers near zero and leaves the nonlinearity open; zeros in up make the start exact.
Common slips: up's bias left random; both layers zero; no ReLU, which leaves a linear map that could
be merged; ReLU after up, so that nothing can be subtracted; `x += delta`, the caller's tensor.
"""

from torch import Tensor, nn


class BottleneckAdapter(nn.Module):
    """(*, D) -> (*, D)."""

    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        super().__init__()
        if bottleneck_dim < 1:
            raise ValueError(f"bottleneck_dim is {bottleneck_dim}, want 1 or more")
        self.down = nn.Linear(d_model, bottleneck_dim)
        self.up = nn.Linear(bottleneck_dim, d_model)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward_delta(self, x: Tensor) -> Tensor:
        """What the adapter adds to x."""
        return self.up(self.down(x).relu())  # (*, D) -> (*, m) -> (*, D)

    def forward(self, x: Tensor, residual: bool = True) -> Tensor:
        delta = self.forward_delta(x)
        return x + delta if residual else delta


if __name__ == "__main__":
    from challenge_bottleneck_adapter import check

    check(BottleneckAdapter)
    print("PASS")
