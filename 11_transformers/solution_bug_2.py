"""Bug hunt 2: one shift too many, so the model learned the token after the next.

Symptom  the loss falls as it should; the model writes every second letter.
Cause    collate already puts the next id beside each id. lm_loss shifted again, so the logits at t
         were compared with id t + 2. After a, b, c the model writes e: that is what it was taught.
         And of a text of 12 ids only 10 were judged, where there are 11.
Fix      shift once. Here lm_loss compares position with position, and the collate stays.
Spot it  count the judged labels (L - 1 per text), or compute one loss by hand. The loss itself says
         nothing: a text that is easy to predict at one step is so at two. In natural text the loss
         is higher, and nobody knows what it should be.

Asked next
    "Which of the two places is better?" Labels that are made in the collate go on working when the
    loss sees a slice or a packed batch; a loss that shifts reads N inputs and wastes the last one.
    Hugging Face's models shift inside: with them, labels are a copy of the ids.
    "And no shift at all?" Then the model copies its input: a loss near 0 at once, and the same
    letter again and again.
Common slips: a shift the other way (labels[:, :-1] against logits[:, 1:]); the padding found by
    id 0, which may be a letter; a mean per text.
Left out here, if you say so: a start token, so that the first id is judged, too.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def collate(texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """-> ids (B, L - 1), labels (B, L - 1): beside each id the one that follows it."""
    longest = max(len(text) for text in texts)
    ids = torch.zeros(len(texts), longest - 1, dtype=torch.int64)
    labels = torch.full_like(ids, -100)
    for row, text in enumerate(texts):
        ids[row, : len(text) - 1] = torch.tensor(text[:-1])
        labels[row, : len(text) - 1] = torch.tensor(text[1:])
    return ids, labels


def lm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Logits (B, N, V), labels (B, N) -> (): position t against position t."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
