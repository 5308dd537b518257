"""A transformer encoder block, pre-LN: two residual branches, each with a norm in front.

Only two additions lie between input and output:

    x = x + attention(norm1(x)),  out = x + feed_forward(norm2(x))

    TransformerEncoderBlock(d_model, num_heads, d_ff, dropout=0.1)
    forward(x, mask=None) -> out
        x, out  (B, L, d_model)
        mask    bool, broadcastable to (B, num_heads, L, L): [..., i, j] is True where
                query i may attend to key j; each to one at least

Core, what an interview asks:

    parts     self_attn is an nn.MultiheadAttention; linear1, linear2 are nn.Linear; norm1, norm2
              are nn.LayerNorm with defaults. They hold all parameters.
    wiring    Samples do not mix. The feed-forward net is linear1 (to d_ff), ReLU, linear2. No
              nn.TransformerEncoderLayer is used.
    masks     What a query may not attend to has no influence on its result.
    dropout   As by nn.Dropout, at four places: the attention weights, the ReLU's result, and each
              branch before it is added.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    shapes    Every mask that broadcasts: (L,), (L, L), (num_heads, L, L), ...
    training  With dropout, and any mask, each parameter and x gets a gradient.
    dtypes    float64, bfloat16 and bfloat16 autocast work; out has the dtype of x.
    inputs    Any strides, any device; x and mask are never changed.

Medium, 25 minutes. Try one alone: python FILE wiring
Paper: On Layer Normalization in the Transformer Architecture, https://arxiv.org/abs/2002.04745
"""

import torch
from torch import Tensor, nn


class TransformerEncoderBlock(nn.Module):
    def __init__(self, d_model: int, num_heads: int, d_ff: int, dropout: float = 0.1) -> None:
        raise NotImplementedError("TransformerEncoderBlock.__init__")

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        raise NotImplementedError("TransformerEncoderBlock.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    block = TransformerEncoderBlock(d_model=4, num_heads=2, d_ff=8).eval()
    for p in block.parameters():
        nn.init.zeros_(p)
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])  # B 1, L 1
    out = block(x)[0, 0].tolist()  # both branches give 0
    assert out == [1, 2, 3, 4], out

    nn.init.ones_(block.linear1.bias)  # now all eight features are 1 after the ReLU
    nn.init.ones_(block.linear2.weight)
    out = block(x)[0, 0].tolist()
    assert out == [9, 10, 11, 12], out


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
