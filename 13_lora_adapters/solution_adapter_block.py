"""The adapter block: freeze the layer, then correct what comes out of it.

Why it works: requires_grad=False on a parameter says that nobody needs its gradient. It does not
stop backpropagation: the gradient of x still passes through the layer, so adapters further down
learn as well. nn.Module's own registration does the rest: state_dict, to, train and eval.
One number: Adam keeps two numbers for each one that trains. With 1 % of a 7-billion-parameter model
in adapters that is 2 * 70 million instead of 2 * 7 billion, and as many gradients fewer.
Say in the interview: the optimizer's states and the gradients shrink to the adapter's, the
activations do not, since the gradient still goes through every layer above the first adapter.
Frozen is not eval: BatchNorm's statistics are buffers and move in train mode; who wants them still
calls eval() on such layers after each train(). The paper puts an adapter behind attention and one
behind the MLP, each before the residual sum, and trains the LayerNorms as well.
Follow-up: what do adapters of earlier blocks learn if no gradient passes a frozen layer? Nothing:
their gradient comes through all later layers. Only the last adapter would train.
Follow-up: what if the optimizer was made before the freezing? It still holds all parameters; those
with .grad None are skipped, but an old gradient left in .grad would move them once more.
Common slips: no_grad or detach around the layer, which cuts off all adapters before it;
`sublayer.requires_grad = False`, a new attribute that freezes nothing; eval() taken for freezing;
self.requires_grad_(False) after the adapter was registered; x added although the adapter has its
own residual connection.
May be left out if you say so: nothing, it is three lines.
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


class AdapterBlock(nn.Module):
    """(*, D_in) -> (*, D): the frozen sublayer, then the adapter."""

    def __init__(self, sublayer: nn.Module, adapter: nn.Module) -> None:
        super().__init__()
        self.sublayer = sublayer.requires_grad_(False)
        self.adapter = adapter

    def forward(self, x: Tensor) -> Tensor:
        return self.adapter(self.sublayer(x))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
