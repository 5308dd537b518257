"""A small GPT: token and position vectors, causal pre-LN blocks, a norm, the token table as head.

Why it works: position t reads tokens 0 to t and says what comes at t + 1, so one pass gives L - 1
exercises, and the mask sees to it that none has read its answer. Vectors of size 0.02 give logits
near 0, so every token is equally likely: the first loss is ln V, 3.91 for V = 50. With torch's own
embedding, standard deviation 1, the tied head makes logits of size sqrt(D), and the first loss is
30. Each of the 2 num_layers branches adds to one sum, so its last projection starts smaller by the
root of that number: the sum then has the same size at any depth.
Say in the interview:
- Parameters: 12 D^2 per block, V D for the table, which tied weights count once.
- Tests: first loss ln V; change a later token, earlier logits stay; learn one batch by heart.
- Without a KV cache, new token n computes all n before it again.
Asked next: "Why tie?" Tokens that follow the same words get alike vectors on both sides, and V D
parameters are saved. "What limits the length?" The table of positions: row 1024 does not exist.
Common slips: targets not shifted, so that it copies, or shifted twice, so that it skips; tied by a
copy; init after tying through a new Parameter; no last norm; dropout on in generation; argmax over
the batch; the text cut to the first tokens instead of the last; one draw for the whole batch.
May be left out if you say so: the modes of single modules; top-k and top-p.
"""

import math
from typing import cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F


class GPT2Block(nn.Module):
    """(B, L, D) -> (B, L, D), causal."""

    def __init__(self, d_model: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.ln1 = nn.LayerNorm(d_model)
        self.W_q = nn.Linear(d_model, d_model)
        self.W_k = nn.Linear(d_model, d_model)
        self.W_v = nn.Linear(d_model, d_model)
        self.W_o = nn.Linear(d_model, d_model)
        self.ln2 = nn.LayerNorm(d_model)
        self.mlp = nn.Sequential(
            nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.ln1(x))
        return x + self.mlp(self.ln2(x))

    def attend(self, x: Tensor) -> Tensor:
        q, k, v = (self.heads(W(x)) for W in (self.W_q, self.W_k, self.W_v))  # (B, H, L, d)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.W_o(mixed.transpose(-3, -2).flatten(-2))  # (B, L, D)

    def heads(self, x: Tensor) -> Tensor:
        """(B, L, D) -> (B, H, L, d), a view."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)


class MiniGPT(nn.Module):
    """(B, L) -> (B, L, V), for L up to context_length."""

    def __init__(
        self, vocab_size: int, context_length: int, d_model: int, num_layers: int, num_heads: int
    ) -> None:
        super().__init__()
        self.context_length = context_length
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(context_length, d_model)
        self.blocks = nn.ModuleList(GPT2Block(d_model, num_heads) for _ in range(num_layers))
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        self.head.weight = self.token.weight
        for name, p in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(p)
            elif p.dim() == 2:
                ends_branch = name.endswith(("W_o.weight", "mlp.2.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * num_layers) if ends_branch else 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        length = ids.shape[1]
        if length > self.context_length:
            raise ValueError(f"{length} ids, the context is {self.context_length}")
        x = self.token(ids) + self.position(torch.arange(length, device=ids.device))  # (B, L, D)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def lm_loss(logits: Tensor, ids: Tensor) -> Tensor:
    """(B, L, V), (B, L) -> ()."""
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())


@torch.no_grad()
def generate(
    model: nn.Module,
    ids: Tensor,
    max_new_tokens: int,
    temperature: float = 0.0,
    generator: Generator | None = None,
) -> Tensor:
    """(B, L) -> (B, L + max_new_tokens)."""
    longest = cast(int, model.context_length)
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        for _ in range(max_new_tokens):
            logits = model(ids[:, -longest:])[:, -1]  # (B, V)
            if temperature == 0:
                new = logits.argmax(dim=-1, keepdim=True)  # (B, 1)
            else:
                p = (logits / temperature).softmax(dim=-1)
                new = torch.multinomial(p, 1, generator=generator)
            ids = torch.cat((ids, new), dim=1)
    finally:
        for module, mode in modes.items():
            module.training = mode
    return ids


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
