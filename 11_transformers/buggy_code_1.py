"""Bug hunt 1: a loss that nobody else reaches, and it writes nonsense.

A colleague: "In our texts each number is the one before plus 1, 2 or 3, at random. So no model can
get below ln 3 = 1.10. Mine has 0.1, on new texts, too! But what it writes breaks the rule."

    causal_mask(length)                               (length, length) bool, True = may attend
    TinyGPT(vocab_size, context_length, d_model)      ids (B, L) -> logits (B, L, V)
    lm_loss(model, ids)                               ids (B, L), L from 2 -> ()

Core, what an interview asks:

    past    Logits at position t are those of a text that ends there; each of ids 0 to t matters, in
            every mode. Attention by causal_mask does likewise.
    logits  At the last position they are what they are now, with their gradients; so are names and
            shapes of the parameters: old checkpoints load.
    loss    The mean cross entropy of each id but the first, given those before it, with its
            gradient.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    device  Model and ids may be on any device, the model in any dtype.

Run the file, fix what is wrong, run it again.

Easy, 10 minutes. Try one alone: python FILE past
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def causal_mask(length: int) -> Tensor:
    return torch.ones(length, length, dtype=torch.bool).tril(diagonal=1)


class TinyGPT(nn.Module):
    def __init__(self, vocab_size: int, context_length: int, d_model: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(context_length, d_model)
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.mlp = nn.Sequential(
            nn.LayerNorm(d_model),
            nn.Linear(d_model, 4 * d_model),
            nn.GELU(),
            nn.Linear(4 * d_model, d_model),
        )
        self.head = nn.Linear(d_model, vocab_size)

    def forward(self, ids: Tensor) -> Tensor:
        length = ids.shape[1]
        x = self.token(ids) + self.position.weight[:length]
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        may = causal_mask(length).to(ids.device)
        x = x + F.scaled_dot_product_attention(q, k, v, attn_mask=may)
        return self.head(x + self.mlp(x))


def lm_loss(model: nn.Module, ids: Tensor) -> Tensor:
    logits = model(ids[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def evidence() -> None:
    """What the colleague saw: texts of 12 numbers modulo 10, trained on, then written."""
    torch.manual_seed(0)
    model = TinyGPT(10, 12, 24)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    texts = torch.randint(1, 4, (40, 48, 12)).cumsum(2) % 10
    for step in range(120):
        loss = lm_loss(model, texts[step % 39])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss:.2f}, on new texts {lm_loss(model, texts[39]):.2f} (want about 1.10)")
    ids = written = texts[39]
    last = [F.cross_entropy(model(ids[:, :n])[:, -1], ids[:, n]).item() for n in range(1, 12)]
    print(f"the same texts given number by number: {sum(last) / 11:.2f} (want about 1.10)")
    for n in range(1, 12):
        chances = model(written[:, :n])[:, -1].softmax(-1)
        written = torch.cat([written[:, :n], torch.multinomial(chances, 1)], dim=1)
    legal = (written.diff() % 10 - 2).abs().le(1).float().mean().item()
    print(f"of its own steps {legal:.0%} are 1, 2 or 3 (want about 99%)")
    print("first texts:", *("".join(map(str, row)) for row in written[:4].tolist()))


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
