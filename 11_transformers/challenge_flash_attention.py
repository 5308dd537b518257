"""FlashAttention: exact attention without a table of L_q x L_k scores.

With sums over the keys that query i sees:

    score_ij = q_i . k_j / sqrt(D)        lse_i = log sum_j exp(score_ij)
    out_i = sum_j exp(score_ij - lse_i) v_j

    flash_attention(Q, K, V, block_size=32, causal=False, return_lse=False) -> out or (out, lse)
        Q, out  (*, L_q, D)      * any leading sizes, or none
        K, V    (*, L_k, D)
        lse     (*, L_q)
    FlashAttentionFunction.apply(Q, K, V, is_causal=False) -> out, an autograd.Function

Core, what an interview asks:

    exact      To 1e-12 in float64, for scores up to 1e4, any lengths and block_size. Torch's own
               attention is not called.
    causal     Query i sees keys 0 to i, for any L_q and L_k.
    lse        return_lse=True gives (out, lse).
    gradients  Those of flash_attention's out reach Q, K and V.
    function   FlashAttentionFunction gives the same.
    memory     No tensor, in backward either, has more elements than Q, K, V or a tile:
               block_size**2 for each leading index. FlashAttentionFunction works in tiles of 32; it
               saves Q, K, V, out and lse by save_for_backward, no more.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    skips      No tile in which all is hidden is multiplied, in backward either.
    kinds      float16 and bfloat16 are computed in float32; lse is float32, out and gradients have
               the inputs' dtype. Any strides, any device. Inputs are not changed.

Hard, 60 minutes. Try one alone: python FILE exact
Paper: FlashAttention-2, section 3.1, https://arxiv.org/abs/2307.08691
"""

from typing import Any

import torch
from torch import Tensor


def flash_attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    block_size: int = 32,
    causal: bool = False,
    return_lse: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    raise NotImplementedError("flash_attention")


class FlashAttentionFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, Q: Tensor, K: Tensor, V: Tensor, is_causal: bool = False) -> Tensor:
        raise NotImplementedError("FlashAttentionFunction.forward")

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        raise NotImplementedError("FlashAttentionFunction.backward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    Q, K = torch.zeros(3, 1), torch.tensor([[5.0], [7.0], [9.0]])  # every score is 0
    V = torch.tensor([[1.0], [3.0], [8.0]])
    out = flash_attention(Q, K, V, block_size=2)
    assert [round(n, 4) for n in out.flatten().tolist()] == [4, 4, 4], out.tolist()
    out, lse = flash_attention(Q, K, V, block_size=2, causal=True, return_lse=True)
    assert [round(n, 4) for n in out.flatten().tolist()] == [1, 2, 4], out.tolist()
    assert [round(n, 4) for n in lse.exp().tolist()] == [1, 2, 3], lse.exp().tolist()

    V.requires_grad_()
    FlashAttentionFunction.apply(Q, K, V).sum().backward()
    assert [round(n, 4) for n in V.grad.flatten().tolist()] == [1, 1, 1], V.grad.tolist()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
