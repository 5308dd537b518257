"""A small GPT: block, model, loss and text. Pre-LN, causal, learned positions.

    GPT2Block(d_model, num_heads)      x (B, L, D) -> (B, L, D)
        x + W_o(attention(ln1(x))), then x + mlp(ln2(x))
    MiniGPT(vocab_size, context_length, d_model, num_layers, num_heads)
        ids (B, L) int64 -> logits (B, L, V): token + position, blocks, norm, head
    lm_loss(logits, ids)
    generate(model, ids, max_new_tokens, temperature=0.0, generator=None)

Core, what an interview asks:

    block     ln1, ln2 are nn.LayerNorm, W_q, W_k, W_v, W_o nn.Linear(D, D), mlp an
              nn.Sequential: nn.Linear to 4 D, exact nn.GELU, nn.Linear.
    future    A token changes no result before it.
    model     token, position are nn.Embedding, blocks an nn.ModuleList, norm nn.LayerNorm,
              head nn.Linear without bias. head.weight is token.weight.
    start     Matrices are normal with std 0.02; W_o and mlp[2] with 0.02 / sqrt(2 num_layers).
              Biases are 0. The first loss is ln V ± 2%.
    loss      The mean of -ln p(token), over all but the first.
    learns    AdamW with lr=0.01 learns a batch by heart in 200 steps.
    text      Temperature 0 takes the likeliest token. Otherwise each sample draws its own from
              softmax(logits / temperature).

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    context   More than context_length ids: ValueError. generate gives model only the last
              model.context_length ids.
    modes     generate: no graph, eval mode. Each module gets its mode back, also after errors.
    inputs    Draws come from generator, None: the global one. ids stay unchanged. Any device.

Hard, 60 minutes. Try one alone: python FILE block
Paper: Language Models are Unsupervised Multitask Learners (GPT-2)
"""

import torch
from torch import Generator, Tensor, nn


class GPT2Block(nn.Module):
    def __init__(self, d_model: int, num_heads: int) -> None:
        raise NotImplementedError("GPT2Block.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("GPT2Block.forward")


class MiniGPT(nn.Module):
    def __init__(
        self, vocab_size: int, context_length: int, d_model: int, num_layers: int, num_heads: int
    ) -> None:
        raise NotImplementedError("MiniGPT.__init__")

    def forward(self, ids: Tensor) -> Tensor:
        raise NotImplementedError("MiniGPT.forward")


def lm_loss(logits: Tensor, ids: Tensor) -> Tensor:
    """(B, L, V), (B, L) -> ()."""
    raise NotImplementedError("lm_loss")


def generate(
    model: nn.Module,
    ids: Tensor,
    max_new_tokens: int,
    temperature: float = 0.0,
    generator: Generator | None = None,
) -> Tensor:
    """(B, L) -> (B, L + max_new_tokens)."""
    raise NotImplementedError("generate")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    sure = torch.tensor([[[0.0, 99.0], [99.0, 0.0], [99.0, 0.0]]])  # says: 1, then 0, then 0
    loss = lm_loss(sure, torch.tensor([[0, 1, 0]])).item()
    assert loss == 0, loss

    model = MiniGPT(vocab_size=20, context_length=8, d_model=16, num_layers=2, num_heads=2)
    ids = torch.tensor([[3, 1, 4]])
    assert model(ids).shape == (1, 3, 20), model(ids).shape
    long, short = generate(model, ids, 9).tolist(), generate(model, ids, 2).tolist()
    assert long[0][:5] == short[0], (long, short)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
