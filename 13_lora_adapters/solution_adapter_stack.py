"""A stack of adapters: a ModuleList, and an index that is checked.

Why it works: only the chosen adapter takes part in the graph, so all others keep .grad None, and
optimizers skip what has none: no weight decay, no step by old momentum. With a gradient of zeros
both would move them. ModuleList registers; the call in the comprehension makes new objects.
Say in the interview: n tasks cost n * (2Dm + m + D) numbers beside one frozen model. The id belongs
to the call: as state set beforehand it is one forgotten line away from the wrong task. One id a
batch is the easy case; servers group a mixed batch by id, or gather the weights of each sample.
zero_grad(set_to_none=False) brings the zeros back; so does a sum over all adapters times a one-hot.
Common slips: [adapter] * n, one set of weights; a plain list, which nobody trains, saves or moves;
-1 as the last adapter; deep copies of one adapter; all adapters run and one result picked.
"""

from torch import Tensor, nn


class BottleneckAdapter(nn.Module):
    """Given: (*, D) -> (*, D). A new one gives x as it came."""

    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        super().__init__()
        self.down = nn.Linear(d_model, bottleneck_dim)
        self.up = nn.Linear(bottleneck_dim, d_model)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(self.down(x).relu())


class AdapterStack(nn.Module):
    """(*, D), an id -> (*, D)."""

    def __init__(self, d_model: int, bottleneck_dim: int, num_adapters: int) -> None:
        super().__init__()
        if num_adapters < 1:
            raise ValueError(f"num_adapters is {num_adapters}, want 1 or more")
        self.adapters = nn.ModuleList(
            BottleneckAdapter(d_model, bottleneck_dim) for _ in range(num_adapters)
        )

    def forward(self, x: Tensor, adapter_id: int) -> Tensor:
        if adapter_id not in range(len(self.adapters)):
            raise IndexError(f"adapter_id is {adapter_id}, want 0 to {len(self.adapters) - 1}")
        return self.adapters[adapter_id](x)


if __name__ == "__main__":
    from challenge_adapter_stack import check

    check(AdapterStack)
    print("PASS")
