"""Scaled dot-product attention: every query takes a weighted mean of the values.

This is how the tokens of a transformer exchange information. The better a key fits a query, the
more its value counts:

    attn = softmax(Q K^T / sqrt(D)),  out = attn V

    scaled_dot_product_attention(Q, K, V, mask=None) -> (out, attn)
        Q     (*, L_q, D)      * is any number of leading sizes, none too
        K     (*, L_k, D)
        V     (*, L_k, D_v)
        mask  bool, broadcastable to (*, L_q, L_k): True if the query may attend to the key
        out   (*, L_q, D_v)
        attn  (*, L_q, L_k)    the weights

Core, what an interview asks:

    by_hand    Matmul and softmax do it; torch's own attention is not called.
    weights    The softmax over the keys of the query's scores, which are divided by sqrt(D).
    mean       out is attn times V, with the attn that is returned.
    leading    Each item of the leading sizes is worked on by itself.
    masks      A hidden key has weight 0 and no influence, whatever numbers up to 1e15 K and V hold
               there. The weights of the other keys sum to 1.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    empty      A query that may attend to no key has zeros in attn and out. Gradients are finite.
    precision  Results have the inputs' dtype, float16, bfloat16, float32 or float64, and are as
               exact as it allows for scores up to 1e4. bfloat16 autocast works, too.
    inputs     Any strides, any device. Inputs are not changed. Gradients reach Q, K and V.

Medium, 20 minutes. Try one alone: python FILE masks
Paper: Attention Is All You Need, section 3.2.1, https://arxiv.org/abs/1706.03762
"""

import torch
from torch import Tensor


def scaled_dot_product_attention(
    Q: Tensor, K: Tensor, V: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    raise NotImplementedError("scaled_dot_product_attention")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    Q, K = torch.zeros(1, 4), torch.eye(2, 4)  # one query whose scores are all 0, two keys
    V = torch.tensor([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]])  # D_v 3
    out, attn = scaled_dot_product_attention(Q, K, V)
    assert attn.tolist() == [[0.5, 0.5]], attn.tolist()
    assert out.tolist() == [[3, 4, 5]], out.tolist()

    second = torch.tensor([[False, True]])
    out, attn = scaled_dot_product_attention(Q, K, V, second)
    assert out.tolist() == [[5, 6, 7]], out.tolist()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
