"""Bug hunt 1: the mask let each token see one token too many, the very one it had to guess.

Symptom  the loss falls below the entropy of the data, on new texts as well, and what the model
         writes is wrong.
Cause    tril(diagonal=1) keeps one diagonal above the main one: query t may attend to key t + 1,
         which is the answer at position t. In training the model copies it: loss 0.1 where the
         data has ln 3 = 1.10. When it writes, that token is not there yet, and it has learned
         nothing else: about 3 per number, where a guess among all 10 has ln 10 = 2.30.
Fix      tril(), diagonal 0: a token sees itself and what stood before it. The 1 belongs to the
         other way round, triu(diagonal=1), where True means hidden.
Spot it  a loss below the entropy is a leak, never a good model. Change the last id: no earlier
         logit may change. Feed prefixes: the loss must be that of the whole text. The validation
         loss says nothing, for it leaks in the same way.

Asked next
    "Why not diagonal=-1?" A token must see itself, and row 0 would have nothing to attend to: NaN.
    "Other leaks with this symptom?" Labels that are not shifted; a norm over the time axis;
    overlapping windows in training and validation, where only the validation loss is too good.
    "What does the loss need in a real text, where no entropy is known?" Compare with a smaller
    model of the same kind, and look at the loss of generated prefixes.
Left out here, if you say so: heads, dropout, more blocks.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def causal_mask(length: int) -> Tensor:
    """-> (L, L) bool, True = may attend."""
    return torch.ones(length, length, dtype=torch.bool).tril()


class TinyGPT(nn.Module):
    """One block: ids (B, L) -> logits (B, L, V)."""

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
        x = self.token(ids) + self.position.weight[:length]  # (B, L, D)
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        may = causal_mask(length).to(ids.device)
        x = x + F.scaled_dot_product_attention(q, k, v, attn_mask=may)
        return self.head(x + self.mlp(x))


def lm_loss(model: nn.Module, ids: Tensor) -> Tensor:
    """ids (B, L) -> ()."""
    logits = model(ids[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
