"""A Llama-style model: GPT-2's plan with three other parts and fewer KV heads.

Why it works: each branch reads a normed copy of x and adds its result, so x itself passes from the
table to the last norm untouched. RMSNorm divides (3, 4) by sqrt((9 + 16) / 2) = 3.54 and subtracts
nothing. In SwiGLU one half says how much of the other passes: up 3 and gate 2 give
silu(2) * 3 = 1.76 * 3 = 5.28, gate -2 gives -0.24 * 3 = -0.72. RoPE turns q and k inside each head,
after the split; so it needs no table and no parameter.
Say in the interview:
- Per block: 2 D for norms, 2 D^2 + 2 D KV d for attention, 3 D F for the net; then D for the last
  norm and V D for each table that is not tied. Llama 3 8B: 8,030,261,248.
- F is about 8 D / 3, so that three matrices cost what GPT-2's two of 4 D cost.
- No biases: they add little, and one kernel less per layer. No dropout: each text is read once.
- All matrices begin with std 0.02, so that first logits are near 0 and the first loss is near ln V.
Asked next: "Why tie?" Small models spend most parameters on tables: with V 49,152 and D 576 it is
28 million of 135. Large ones do not tie. "What changes for a KV cache?" Turned keys and values are
kept, new positions begin at P, and the mask is for S x (P + S).
Common slips: silu on the up branch; RoPE on D features before the split, so that heads turn at
other rates; RoPE on v; the norm after the branch; no last norm; a new Parameter for the head after
tying; angles computed in bfloat16, which cannot tell position 256 from 257.
May be left out if you say so: the errors; bfloat16.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SwiGLUMLP(nn.Module):
    """(..., D) -> (..., D)."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


def turned(x: Tensor, theta: float) -> Tensor:
    """(B, n, L, d) -> the same: neighbors (2i, 2i + 1) turn by position times theta^(-2i / d)."""
    length, d = x.shape[-2:]
    wide = torch.promote_types(x.dtype, torch.float32)
    rates = theta ** (-torch.arange(0, d, 2, device=x.device, dtype=torch.float64) / d)
    angles = torch.arange(length, device=x.device)[:, None] * rates  # (L, d/2)
    cos, sin = angles.cos().to(wide), angles.sin().to(wide)
    a, b = x.to(wide).unflatten(-1, (-1, 2)).unbind(-1)  # (B, n, L, d/2)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2).to(x.dtype)


class LlamaBlock(nn.Module):
    """(B, L, D) -> (B, L, D), causal."""

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        num_kv_heads: int,
        d_ff: int,
        rope_theta: float = 10000.0,
    ) -> None:
        super().__init__()
        if d_model % (2 * num_heads) or num_heads % num_kv_heads:
            raise ValueError(f"d_model {d_model}, {num_heads} heads, {num_kv_heads} KV heads")
        self.d, self.rope_theta = d_model // num_heads, rope_theta
        self.norm1 = nn.RMSNorm(d_model, eps=1e-5)
        self.W_q = nn.Linear(d_model, d_model, bias=False)
        self.W_k = nn.Linear(d_model, num_kv_heads * self.d, bias=False)
        self.W_v = nn.Linear(d_model, num_kv_heads * self.d, bias=False)
        self.W_o = nn.Linear(d_model, d_model, bias=False)
        self.norm2 = nn.RMSNorm(d_model, eps=1e-5)
        self.mlp = SwiGLUMLP(d_model, d_ff)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def attend(self, x: Tensor) -> Tensor:
        q, k, v = (self.heads(W(x)) for W in (self.W_q, self.W_k, self.W_v))  # (B, H or KV, L, d)
        q, k = turned(q, self.rope_theta), turned(k, self.rope_theta)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.W_o(mixed.transpose(1, 2).flatten(2))  # (B, L, D)

    def heads(self, x: Tensor) -> Tensor:
        """(B, L, n d) -> (B, n, L, d), a view."""
        return x.unflatten(-1, (-1, self.d)).transpose(1, 2)


class MiniLlama(nn.Module):
    """(B, L) -> (B, L, V), for L up to context_length."""

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
        super().__init__()
        self.context_length = context_length
        shared = num_heads if num_kv_heads is None else num_kv_heads
        self.token = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(
            LlamaBlock(d_model, num_heads, shared, d_ff, rope_theta) for _ in range(num_layers)
        )
        self.norm = nn.RMSNorm(d_model, eps=1e-5)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        if tie:
            self.head.weight = self.token.weight
        for p in self.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        if ids.shape[1] > self.context_length:
            raise ValueError(f"{ids.shape[1]} ids, the context is {self.context_length}")
        x = self.token(ids)  # (B, L, D)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# Something to look at: where the parameters of three models are.
if __name__ == "__main__":
    SHAPES = {
        "SmolLM 135M": (49152, 2048, 576, 30, 9, 1536, 1e4, 3, True),
        "TinyLlama 1.1B": (32000, 2048, 2048, 22, 32, 5632, 1e4, 4, False),
        "Llama 3 8B": (128256, 8192, 4096, 32, 32, 14336, 5e5, 8, False),
    }
    print(f"{'':15} {'parameters':>13}     tables  attention       nets")
    for name, sizes in SHAPES.items():
        with torch.device("meta"):
            model = MiniLlama(*sizes)
        count = {n: p.numel() for n, p in model.named_parameters()}
        total = sum(count.values())
        shares = [
            sum(c for n, c in count.items() if n.startswith(parts) or n.split(".")[-2] in parts)
            for parts in (("token", "head"), ("W_q", "W_k", "W_v", "W_o"))
        ]
        shares.append(total - sum(shares))
        print(f"{name:15} {total:13,}" + "".join(f"{share / total:11.0%}" for share in shares))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
