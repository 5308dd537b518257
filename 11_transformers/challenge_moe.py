"""Mixture of experts: many small nets, of which a router picks k for each token.

    MixtureOfExperts    x (..., D) -> (..., D)
        .aux_loss () and .tokens_per_expert (E,) int64: of the last call
    moe_load_balance_loss    router_logits (..., E) -> ()

D is d_model, E num_experts, k top_k; N counts all tokens of x.

Core, what an interview asks:

    parts     router: nn.Linear(D, E). experts: nn.ModuleList of E nn.Sequential: nn.Linear to
              d_ff, nn.ReLU, nn.Linear. No other parameters. ValueError unless 1 <= k <= E.
    mix       A token's k largest router logits choose its experts. Their softmax, over these k
              alone, weighs the results, which are summed.
    work      Matrix products: the router's, and each expert's for its own tokens. An expert
              without tokens gets gradients of 0, not None.
    capacity  With capacity_factor c an expert takes ceil(c N k / E) choices and drops the rest.
              First choices go before second ones, and so on; then earlier tokens go first.
              No other weight changes.
    balance   moe_load_balance_loss: E times the sum over experts of f P. f: an expert's share
              of the N k choices. P: its mean softmax over all E, with gradient.
    record    aux_loss: that loss, with its graph, before dropping. tokens_per_expert counts
              after it.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    inputs    Exact to 1e-12 in float64. In bfloat16 and under autocast out has x's dtype. Any
              strides. x stays unchanged.
    empty     For N = 0: an empty out, aux_loss 0.

Hard, 45 minutes. Try one alone: python FILE mix
Paper: Switch Transformer, https://arxiv.org/abs/2101.03961, section 2.2
"""

import torch
from torch import Tensor, nn


class MixtureOfExperts(nn.Module):
    aux_loss: Tensor
    tokens_per_expert: Tensor

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        num_experts: int,
        top_k: int = 2,
        capacity_factor: float | None = None,
    ) -> None:
        raise NotImplementedError("MixtureOfExperts.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("MixtureOfExperts.forward")


def moe_load_balance_loss(router_logits: Tensor, num_experts: int, top_k: int = 1) -> Tensor:
    raise NotImplementedError("moe_load_balance_loss")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    moe = MixtureOfExperts(d_model=2, d_ff=3, num_experts=2, top_k=1, capacity_factor=1.0)
    for p in moe.parameters():
        nn.init.zeros_(p)
    nn.init.eye_(moe.router.weight)  # (1, 0) goes to expert 0, which always gives (5, 7)
    moe.experts[0][2].bias.data = torch.tensor([5.0, 7.0])
    out = moe(torch.tensor([[1.0, 0], [1, 0], [1, 0], [0, 1]])).tolist()
    assert out == [[5, 7], [5, 7], [0, 0], [0, 0]], out  # room for two
    assert moe.tokens_per_expert.tolist() == [2, 1], moe.tokens_per_expert.tolist()

    even = moe_load_balance_loss(torch.tensor([[0.0, 9], [9, 0]]), 2).item()
    assert round(even, 4) == 1, even


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
