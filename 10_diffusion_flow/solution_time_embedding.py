"""Time for a diffusion transformer: a vector of waves, and a block that starts as the identity.

Why it works: fast waves tell neighboring steps apart, slow ones early from late: of 128 rates the
slowest is 1.07e-4, over 1000 steps a tenth of a radian. In the block the time decides, per sample
and feature, how far a normalized value is moved and stretched, and how much of each branch is let
through. With zeros in the modulation each gate is 0, so a new block of any depth is the identity,
and yet the gates get gradients: x = 2, branch 3, gate 0 gives 2, and the gate's gradient is 3.
Say in the interview:
- adaLN-Zero: one Linear of SiLU(c) per block gives 6 D numbers per sample. The norms have no
  parameters, as shift and scale come from c.
- 1 + scale: at the start the norm is a plain one. Other code, one public course's adaln_zero too,
  has no 1 +: its weights do not fit here.
- Cost: 6 D^2 weights for the modulation beside 12 D^2 for the rest, half as many again, though it
  runs once per sample, not per token. Some models share it over blocks.
They may ask: why not t as one more token? It works (in-context, section 3.2); adaLN-Zero had the
best FID for less compute. They may ask: how does a class come in? Its embedding is added to that of
t, which went through a small MLP; the sum is c.
Common slips: half - 1 in the exponents; sines first; t cast to bfloat16; c of (N, D) beside x of
(N, L, D), which meets the tokens when L == N; gates that start at 1; an approximate GELU.
May be left out if you say so: the error, low precision.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def timestep_embedding(t: Tensor, dim: int, max_period: float = 10000) -> Tensor:
    """(N,) -> (N, dim) float32, cosines and sines of dim // 2 rates."""
    half = dim // 2
    rates = max_period ** (-torch.arange(half, device=t.device, dtype=torch.float32) / half)
    angles = t.float()[:, None] * rates  # (N, dim // 2)
    waves = torch.cat([angles.cos(), angles.sin()], dim=1)
    return F.pad(waves, (0, dim % 2))  # (N, dim)


class DiTBlock(nn.Module):
    """adaLN-Zero: c (N, D) shifts, scales and gates both branches of x (N, L, D)."""

    def __init__(self, hidden_size: int, num_heads: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        if hidden_size % num_heads:
            raise ValueError(f"{num_heads} heads do not divide hidden_size {hidden_size}")
        self.num_heads = num_heads
        self.W_q = nn.Linear(hidden_size, hidden_size)
        self.W_k = nn.Linear(hidden_size, hidden_size)
        self.W_v = nn.Linear(hidden_size, hidden_size)
        self.W_o = nn.Linear(hidden_size, hidden_size)
        inner = int(hidden_size * mlp_ratio)
        self.fc1 = nn.Linear(hidden_size, inner)
        self.fc2 = nn.Linear(inner, hidden_size)
        self.modulation = nn.Linear(hidden_size, 6 * hidden_size)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        six = self.modulation(F.silu(c))[:, None]  # (N, 1, 6 D), the same for all tokens
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = six.chunk(6, dim=-1)
        x = x + gate_a * self.attention(normed(x) * (1 + scale_a) + shift_a)
        return x + gate_m * self.mlp(normed(x) * (1 + scale_m) + shift_m)

    def attention(self, x: Tensor) -> Tensor:
        N, L, _ = x.shape
        q, k, v = (
            W(x).view(N, L, self.num_heads, -1).transpose(1, 2)  # (N, heads, L, head size)
            for W in (self.W_q, self.W_k, self.W_v)
        )
        out = F.scaled_dot_product_attention(q, k, v)
        return self.W_o(out.transpose(1, 2).reshape(x.shape))

    def mlp(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


def normed(x: Tensor) -> Tensor:
    """Without parameters: the modulation has them."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
