"""Bug hunt 4: alone and in a batch, a prompt gets different answers.

A colleague: "I send four prompts in one batch. Three of them get other answers than they get alone;
the longest one gets the same. What stands in the padding does not matter."

    prepare(prompts, pad_id) -> (ids, keep, positions)
        prompts    lists of ids, each of one or more, of any lengths; L is the longest
        ids        (B, L) int64: what TinyGPT reads
        keep       (B, L) bool: True = a token of a prompt
        positions  (B, L) int64: for each id a row of the table of positions

Core, what an interview asks:

    alone    In any batch the logits at each token of a prompt are those that it gets alone.
    before   A prompt alone, or in a batch of prompts of equal length, gets what it gets now.
    ids      Each prompt ends in the last column. pad_id fills the columns before it.
    keep     keep is True at the tokens of the prompts and nowhere else.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    same_id  A prompt may have pad_id among its own ids, at its start, too.
    table    All positions are 0 to L - 1. Prompts may be tuples, and stay as they are.

Run the file, fix prepare, run it again. TinyGPT is right.

Medium, 15 minutes. Try one alone: python FILE alone
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def prepare(prompts: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), longest), pad_id)
    keep = torch.zeros(len(prompts), longest, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        keep[row, longest - len(prompt) :] = True
    positions = torch.arange(longest).expand(len(prompts), longest)
    return ids, keep, positions


class TinyGPT(nn.Module):
    def __init__(self, vocab_size: int, context_length: int, d_model: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(context_length, d_model)
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.head = nn.Linear(d_model, vocab_size)

    def forward(self, ids: Tensor, keep: Tensor, positions: Tensor) -> Tensor:
        x = self.token(ids) + self.position(positions)
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        length = ids.shape[1]
        past = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
        itself = torch.eye(length, dtype=torch.bool, device=ids.device)
        may = past & keep[:, None, :] | itself  # (B, L, L)
        return self.head(x + F.scaled_dot_product_attention(q, k, v, attn_mask=may))


def evidence() -> None:
    """What the colleague saw: the last logits of four prompts, alone and in one batch."""
    torch.manual_seed(0)
    model = TinyGPT(20, 12, 16)
    prompts = [[3, 1, 4], [7, 2, 9, 5, 6], [8, 8], [1, 6, 1, 8, 0, 3, 5, 2]]
    with torch.no_grad():
        batch = model(*prepare(prompts, 0))[:, -1]
        other = model(*prepare(prompts, 11))[:, -1]
        alone = torch.cat([model(*prepare([prompt], 0))[:, -1] for prompt in prompts])
    print("length of the prompt     ", *(f"{len(prompt):5}" for prompt in prompts))
    print("next id, alone           ", *(f"{i:5}" for i in alone.argmax(-1)))
    print("next id, in the batch    ", *(f"{i:5}" for i in batch.argmax(-1)))
    for name, was in (("alone", alone), ("batch, other pad", other)):
        far = (batch - was).abs().amax(-1)
        print(f"off from {name:16}", *(f"{d:5.2f}" for d in far), "  (want 0.00 everywhere)")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
