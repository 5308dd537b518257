"""A stack of adapters: a ModuleList, and an index that is checked.

Why it works: only the chosen adapter takes part in the graph, so all others keep .grad None, and
optimizers skip what has none: no weight decay, no step by old momentum. With a gradient of zeros
both would move them. ModuleList registers; the call in the comprehension makes new objects.
One number: AdamW with lr 0.1 and weight decay 0.1 takes 1 % off a weight whose gradient is 0 in
each step, so 20 steps for other tasks leave 0.99 ** 20 = 82 % of it.
Say in the interview: n tasks cost n * (2Dm + m + D) numbers beside one frozen model. The id belongs
to the call: as state set beforehand it is one forgotten line away from the wrong task. One id a
batch is the easy case; servers group a mixed batch by id, or gather the weights of each sample.
Follow-up: what does AdamW do to a parameter whose gradient is None, and to one where it is 0?
Nothing to the first. The second decays, and old momentum moves it on.
Follow-up: what brings the zeros back? zero_grad(set_to_none=False), and a sum over all adapters
times a one-hot vector.
Common slips: [adapter] * n, one set of weights; a plain list, which nobody trains, saves or moves;
-1 as the last adapter; deep copies of one adapter; all adapters run and one result picked.
May be left out if you say so: the ValueError for a stack of nothing.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
