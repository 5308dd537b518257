"""A Llama-style model: GPT-2's plan with RMSNorm, RoPE, SwiGLU, shared KV heads and no biases.

    SwiGLUMLP     x (..., D) -> (..., D)
    LlamaBlock    x (B, L, D) -> (B, L, D)
    MiniLlama     ids (B, L) int64 -> logits (B, L, V)

D is d_model, F d_ff, H num_heads, KV num_kv_heads; d = D/H.

Core, what an interview asks:

    mlp      down_proj(silu(gate_proj(x)) * up_proj(x)). gate_proj, up_proj: nn.Linear(D, F).
             down_proj: nn.Linear(F, D). Nothing on this page has a bias.
    parts    norm1, norm2: nn.RMSNorm, eps 1e-5. W_q, W_o: nn.Linear(D, D). W_k, W_v:
             nn.Linear(D, KV d). mlp: SwiGLUMLP. No other parameters.
    block    x + W_o(attention(norm1(x))), then x + mlp(norm2(x)). Head h: features h d to
             (h + 1) d, KV head h // (H/KV), scores divided by sqrt(d).
    rope     At position p, neighbors (a, b), features (2i, 2i + 1) of each head of q and k, become
             (a cos w - b sin w, a sin w + b cos w), w = p rope_theta^(-2i/d).
    future   What follows a token does not change its result.
    model    token: nn.Embedding. blocks: nn.ModuleList. norm: like norm1. head: nn.Linear.
             num_kv_heads None means H. tie: head.weight is token.weight; otherwise two.
             All matrices start normal with std 0.02.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    inputs   A block is right to 1e-10 in float64, 0.1 in bfloat16, to position 300. Any strides
             and device. x stays unchanged.
    refused  ValueError: 2 H does not divide D, KV not H; more than context_length ids.

Medium, 50 minutes. Try one alone: python FILE mlp
Paper: LLaMA, https://arxiv.org/abs/2302.13971, section 2.2
"""

import torch
from torch import Tensor, nn


class SwiGLUMLP(nn.Module):
    def __init__(self, d_model: int, d_ff: int) -> None:
        raise NotImplementedError("SwiGLUMLP.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("SwiGLUMLP.forward")


class LlamaBlock(nn.Module):
    def __init__(
        self,
        d_model: int,
        num_heads: int,
        num_kv_heads: int,
        d_ff: int,
        rope_theta: float = 10000.0,
    ) -> None:
        raise NotImplementedError("LlamaBlock.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("LlamaBlock.forward")


class MiniLlama(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context_length: int,
        d_model: int,
        num_layers: int,
        num_heads: int,
        d_ff: int,
        rope_theta: float = 10000.0,
        num_kv_heads: int | None = None,
        tie: bool = False,
    ) -> None:
        raise NotImplementedError("MiniLlama.__init__")

    def forward(self, ids: Tensor) -> Tensor:
        raise NotImplementedError("MiniLlama.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    mlp = SwiGLUMLP(1, 1)  # gate 2 x, up 3 x, down the same
    for part, number in ((mlp.gate_proj, 2.0), (mlp.up_proj, 3.0), (mlp.down_proj, 1.0)):
        nn.init.constant_(part.weight, number)
    got = [round(n, 2) for n in mlp(torch.tensor([1.0, -1.0])[:, None]).flatten().tolist()]
    assert got == [5.28, 0.72], got  # silu(2) times 3, silu(-2) times -3


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
