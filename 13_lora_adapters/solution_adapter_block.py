"""The adapter block: freeze the layer, then correct what comes out of it.

Why it works: requires_grad=False on a parameter says that nobody needs its gradient. It does not
stop backpropagation: the gradient of x still passes through the layer, so adapters further down
learn as well. nn.Module's own registration does the rest: state_dict, to, train and eval.
Say in the interview: the optimizer's states and the gradients shrink to the adapter's, the
activations do not, since the gradient still goes through every layer above the first adapter.
Frozen is not eval: BatchNorm's statistics are buffers and move in train mode; who wants them still
calls eval() on such layers after each train(). The paper puts an adapter behind attention and one
behind the MLP, each before the residual sum, and trains the LayerNorms as well.
Common slips: no_grad or detach around the layer, which cuts off all adapters before it;
`sublayer.requires_grad = False`, a new attribute that freezes nothing; eval() taken for freezing;
self.requires_grad_(False) after the adapter was registered; x added although the adapter has its
own residual connection.
"""

from torch import Tensor, nn


class AdapterBlock(nn.Module):
    """(*, D_in) -> (*, D): the frozen sublayer, then the adapter."""

    def __init__(self, sublayer: nn.Module, adapter: nn.Module) -> None:
        super().__init__()
        self.sublayer = sublayer.requires_grad_(False)
        self.adapter = adapter

    def forward(self, x: Tensor) -> Tensor:
        return self.adapter(self.sublayer(x))


if __name__ == "__main__":
    from challenge_adapter_block import check

    check(AdapterBlock)
    print("PASS")
