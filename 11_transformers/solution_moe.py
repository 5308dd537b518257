"""Mixture of experts: a list of choices, sorted so that those to drop stand last.

Why it works: N tokens make N k choices. Written slot by slot, all first choices in the order of the
tokens, then all second ones, the choices of one expert are a sublist, and its capacity is a slice
of it. Each expert gets its rows in one call, and index_add brings results back to their tokens.
Logits (2, 1, 0) with k = 2 choose experts 0 and 1 with weights e^2 / (e^2 + e) = 0.73 and 0.27.
With N = 4, k = 1, E = 2 and c = 1 an expert has room for 2: a third token passes by with 0, and the
residual connection around the layer still carries it.
Say in the interview:
- 8 experts with k = 2: parameters of 8 nets, work of 2. Memory holds all of them, though.
- Softmax over the chosen k equals softmax over all, divided by the chosen ones' sum.
- Without a balancing loss a few experts get all tokens, and only they learn. Counts have no
  gradient, so f says which experts are too full, and P, which has one, is pushed down there.
- Balanced, f = P = 1 / E and the loss is 1; all on one expert gives up to E. Its factor is about
  0.01. The choices before dropping count: dropped ones are what it should punish.
- Capacity makes shapes fixed and the slowest GPU bounded; the price are dropped tokens. Many
  models of today drop none, and sort tokens for grouped products instead.
- Experts on many GPUs: an all-to-all sends each token to its experts' GPU, a second one back; twice
  N k D numbers per layer. Routing to few groups of GPUs keeps that in bounds.
Asked next: "Top-1: how does the router learn?" Softmax over one logit is 1, without a gradient;
Switch weighs by the probability over all E. "Balance without a loss?" DeepSeek-V3 adds a bias per
expert to the logits, for choosing only, and raises it where there are too few tokens.
Common slips: softmax over all, then top-k, sums below 1; a weight taken from another slot; an
expert that is skipped where it has no tokens, so that DDP waits for its gradient for ever.
May be left out if you say so: capacity; no tokens at all.
"""

import math

import torch
from torch import Tensor, nn


class MixtureOfExperts(nn.Module):
    """(..., D) -> (..., D). aux_loss () and tokens_per_expert (E,) are those of the last call."""

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
        super().__init__()
        if not 1 <= top_k <= num_experts:
            raise ValueError(f"top_k {top_k}, want 1 to {num_experts}")
        self.top_k, self.capacity_factor = top_k, capacity_factor
        self.router = nn.Linear(d_model, num_experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(d_model, d_ff), nn.ReLU(), nn.Linear(d_ff, d_model))
            for _ in range(num_experts)
        )

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.reshape(-1, x.shape[-1])  # (N, D)
        n, k, e = len(tokens), self.top_k, len(self.experts)
        logits = self.router(tokens)  # (N, E)
        self.aux_loss = moe_load_balance_loss(logits, e, k)
        top, chosen = logits.topk(k, dim=-1)  # (N, k)
        expert_of = chosen.T.flatten()  # (k N,), all first choices, then all second ones
        weight_of = top.softmax(dim=-1).T.flatten()
        token_of = torch.arange(n, device=x.device).repeat(k)
        room = n if self.capacity_factor is None else math.ceil(self.capacity_factor * n * k / e)
        out, counts = torch.zeros_like(tokens), []
        for i, expert in enumerate(self.experts):
            kept = (expert_of == i).nonzero().flatten()[:room]
            rows = token_of[kept]
            result = weight_of[kept, None] * expert(tokens[rows])  # also of no rows
            out = out.index_add(0, rows, result.to(out.dtype))
            counts.append(len(rows))
        self.tokens_per_expert = torch.tensor(counts, device=x.device)
        return out.reshape(x.shape)


def moe_load_balance_loss(router_logits: Tensor, num_experts: int, top_k: int = 1) -> Tensor:
    """(..., E) -> (): E times the sum of f P; 1 if balanced, 0 without tokens."""
    logits = router_logits.reshape(-1, num_experts)  # (N, E)
    n = max(1, len(logits))
    chosen = logits.topk(top_k, dim=-1).indices  # (N, k)
    f = torch.zeros_like(logits).scatter(1, chosen, 1.0).sum(dim=0) / (n * top_k)  # (E,)
    p = logits.softmax(dim=-1).sum(dim=0) / n  # (E,)
    return num_experts * (f * p).sum()


# Something to look at: what the loss does to experts that compete for tokens.
if __name__ == "__main__":
    for factor in (0.0, 0.1, 1.0):
        torch.manual_seed(0)
        moe = MixtureOfExperts(16, 32, 8)
        moe.router.bias.data = torch.linspace(3, -3, 8)  # it begins with favorites
        table, target = torch.randn(16, 16), torch.randn(16, 16)
        optimizer = torch.optim.Adam(moe.parameters(), lr=0.01)
        for _ in range(300):
            x = torch.randn(256, 16) @ table
            loss = (moe(x) - torch.relu(x @ target)).square().mean()
            optimizer.zero_grad()
            (loss + factor * moe.aux_loss).backward()
            optimizer.step()
        shares = "  ".join(f"{share:4.0%}" for share in moe.tokens_per_expert / 512)
        print(f"factor {factor:3}: error {loss:5.2f}, choices per expert {shares}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
