"""FiLM: one linear layer, with each feature rescaled and moved as the condition says.

Why it works: with scale and shift at zero, gamma is exactly 1 and beta exactly 0, so a new layer
changes nothing about the network it is put into. Their gradients are made of the features and of
cond, which are not zero, so they leave zero in the first step: a feature of 10 with cond 2 and an
upstream gradient of 1 gives scale.weight the gradient 10 * 2 = 20. Dims of size 1 between N and
cond_dim let each sample's condition reach all positions of that sample and of no other.
Say in the interview: a sum or a concatenated condition can only move features, a factor can turn
them up or off; it costs two small layers on N rows and two elementwise passes. The same start is in
adaLN-Zero, residual branches, ControlNet and LoRA.
They may ask: may all factors of a product start at zero? No: if both do, neither ever gets a
gradient. Here linear is drawn as usual.
They may ask: FiLM on feature maps (N, C, H, W)? The same, with gamma and beta viewed as
(N, C, 1, 1); after a normalization layer without its own affine part, it replaces that part.
Common slips: gamma without the 1, which starts as a dead layer; biases left as drawn; cond[:, None]
for all ranks; a cond that broadcasts along positions because their number happens to equal N.
You may leave out the guard if you say which shapes would broadcast without a word.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
