"""Pre-LN encoder block: x plus attention of its norm, then plus the feed-forward net of its norm.

Why it works: nothing stands between input and output but two additions, so the gradient reaches
every block undamped, and training needs no warm-up as post-LN does. Attention moves information
between tokens, the feed-forward net works on each token by itself. nn.MultiheadAttention reads True
as hidden and wants one (L, L) mask for each sample and head, samples first.
Say in the interview:
- 4 d^2 + 2 d d_ff weights: with d = 512 and d_ff = 2048 about 3.1 million, two thirds of them in
  the feed-forward net.
- A pre-LN stack needs one more norm at its end, as nothing normalizes the sum.
- need_weights=False keeps the fused kernel, which never stores the L x L weights.
Asked next: "Post-LN?" norm1(x + attention(x)): the residual path then passes every norm, and
training needs a warm-up. "Why is the mask inverted?" In the library's attn_mask True means hidden.
Common slips: the mask not inverted; the residual taken after the norm; one norm for both branches;
dropout on the sum instead of the branch; the tuple of self_attn; batch_first forgotten, so that
samples attend to each other; x += ..., which writes into the caller's tensor; dropout in place on
the ReLU's result, which backward needs; nn.Dropout1d, which drops whole tokens, or DropPath, whole
samples.
May be left out if you say so: masks per sample and head.
"""

from torch import Tensor, nn


class TransformerEncoderBlock(nn.Module):
    """(B, L, D), bool mask broadcastable to (B, H, L, L) -> (B, L, D). True: may attend."""

    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(d_model)
        self.self_attn = nn.MultiheadAttention(d_model, num_heads, dropout, batch_first=True)
        self.norm2 = nn.LayerNorm(d_model)
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.dropout(self.attend(self.norm1(x), mask))
        inner = self.linear1(self.norm2(x)).relu()  # (B, L, d_ff)
        return x + self.dropout(self.linear2(self.dropout(inner)))  # (B, L, D)

    def attend(self, x: Tensor, mask: Tensor | None) -> Tensor:
        B, L, _ = x.shape
        if mask is not None:
            mask = ~mask.expand(B, self.self_attn.num_heads, L, L).flatten(0, 1)  # (B * H, L, L)
        return self.self_attn(x, x, x, attn_mask=mask, need_weights=False)[0]


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
