"""Bug hunt 4: positions began in the padding, not at the first token of each prompt.

Symptom  shorter prompts get other logits in a batch than alone; the longest one does not.
Cause    positions 0 to L - 1 for every row. A prompt of 3 ids in rows of 8 stands in the columns 5
         to 7, and these were its positions; alone it has 0 to 2. The mask was right: no token saw
         the padding, so its ids did not matter. But the tokens stood elsewhere.
Fix      count the tokens of the row: keep.cumsum(1) - 1. Padding gets 0: any row of the table will
         do where nobody looks, but -1 is none.
Spot it  compare each prompt alone with the same prompt in a batch, to 1e-5. It is the first test of
         any batched inference. Changing the pad id tells the two suspects apart: if nothing moves,
         the mask is right.

Asked next
    "Why not pad on the right?" Then positions are right by themselves. But the last logits stand in
    another column in each row, and new tokens would have to go into the middle of the row.
    "Does RoPE have this bug?" Not if all positions of a row are shifted alike: RoPE's scores depend
    on distances alone. Learned and sine tables have it. ALiBi has not.
    "And in decode?" The next position of a row is its number of tokens, not the width of the batch.
Common slips: keep from ids != pad_id, where a prompt may hold this id itself; positions of -1.
Left out here, if you say so: prompts longer than the table.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def prepare(prompts: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """-> ids, keep, positions, each (B, L): prompts at the right, positions from 0 in each."""
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), longest), pad_id)
    keep = torch.zeros(len(prompts), longest, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        keep[row, longest - len(prompt) :] = True
    positions = (keep.cumsum(1) - 1).clamp(min=0)
    return ids, keep, positions


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
