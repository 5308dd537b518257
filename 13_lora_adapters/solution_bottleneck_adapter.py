"""The bottleneck adapter: down to m features, ReLU, up again, zero at the start.

Why it works: with up at zero the adapter is the identity, so the frozen model starts exactly as
good as it was. In the first backward pass only up gets a gradient other than zero, because down's
has up.weight as a factor; from the second step on both learn. With down at zero as well, the
bottleneck would always be relu(0) = 0 and nothing but up.bias would ever move.
One number: D = 768 and m = 64 make 2 * 768 * 64 + 64 + 768 = 99,136 parameters, two adapters a
layer of BERT base about 2.4 million in all, 2 % of its 110 million.
Say in the interview: a task is an adapter's file of a few MB. Unlike LoRA it cannot be merged,
because of the ReLU: it stays in the model as two more small layers in a row, which costs latency at
small batches. The paper starts both layers near zero and leaves the nonlinearity open; zeros in up
make the start exact.
Follow-up: why not zeros in down and random numbers in up? With a zero bias the start is the same,
but relu(0) passes no gradient, so down would never learn; with a random bias the start is not x.
Follow-up: where does dropout belong, if at all? On the sublayer's output before the adapter, as the
model has it; the adapter is so small that it seldom needs any of its own.
Common slips: up's bias left random; both layers zero; no ReLU, which leaves a linear map that could
be merged; ReLU after up, so that nothing can be subtracted; `x += delta`, the caller's tensor.
May be left out if you say so: the ValueError for m below 1.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
