"""FiLM: one linear layer, with each feature rescaled and moved as the condition says.

Why it works: with scale and shift at zero, gamma is exactly 1 and beta exactly 0, so a new layer
changes nothing about the network it is put into; their gradients are made of the features and of
cond, which are not zero, so they leave zero in the first step. Axes of size 1 between N and
cond_dim let each sample's condition reach all positions of that sample and of no other.
Say in the interview: a sum or a concatenated condition can only move features, a factor can turn
them up or off; it costs two small layers on N rows and two elementwise passes. The same trick
starts adaLN-Zero in diffusion transformers, residual branches, ControlNet and LoRA. If both factors
of a product start at zero, neither ever gets a gradient.
Common slips: gamma without the 1, which starts as a dead layer; biases left as drawn; cond[:, None]
for all ranks; a cond that broadcasts along positions because their number happens to equal N.
"""

from torch import Tensor, nn


class ConditionalLinear(nn.Module):
    """(N, *, in_dim), (N, cond_dim) -> (N, *, out_dim). Any other cond: ValueError."""

    def __init__(self, in_dim: int, cond_dim: int, out_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_dim, out_dim)
        self.scale = nn.Linear(cond_dim, out_dim)
        self.shift = nn.Linear(cond_dim, out_dim)
        for p in (*self.scale.parameters(), *self.shift.parameters()):
            nn.init.zeros_(p)

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        want = (len(x), self.scale.in_features)
        if cond.shape != want:
            raise ValueError(f"cond is {tuple(cond.shape)}, want {want} for x {tuple(x.shape)}")
        cond = cond.view(len(x), *[1] * (x.ndim - 2), cond.shape[1])  # (N, 1, ..., 1, cond_dim)
        return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)  # (N, *, out_dim)


if __name__ == "__main__":
    from challenge_4_film import check

    check(ConditionalLinear)
    print("PASS")
