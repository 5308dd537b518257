"""Bug hunt 2: the loss is fine, and it skips every second letter.

A colleague: "My texts are pieces of the alphabet, again and again from a to z. The loss falls to 0.
But when the model writes, it leaves out every second letter."

    collate(texts) -> (ids, labels)
        texts   lists of ids, each of two or more, of any lengths
        ids     (B, N) int64, what a causal model reads
        labels  (B, N) int64, -100 where nothing is judged
    lm_loss(logits, labels)
        logits  (B, N, V): logits at t come from ids 0 to t
        returns ()

Core, what an interview asks:

    loss     lm_loss(model(ids), labels) is the mean cross entropy of each id of each text but its
             first, given those before it, with its gradients.
    rows     Row i of ids is text i, with or without its last id, then zeros. N is no larger than
             the longest text.
    lengths  Only ids of texts are judged, an id 0 in a text, too. All weigh the same in the mean,
             however long their texts are.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    inputs   Nothing that is given is changed. A text may also be a tuple.
    device   Logits and labels may be on any device.

Run the file, fix what is wrong, run it again. Both functions are yours to change.

Easy, 10 minutes. Try one alone: python FILE loss
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def collate(texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    longest = max(len(text) for text in texts)
    ids = torch.zeros(len(texts), longest - 1, dtype=torch.int64)
    labels = torch.full_like(ids, -100)
    for row, text in enumerate(texts):
        ids[row, : len(text) - 1] = torch.tensor(text[:-1])
        labels[row, : len(text) - 1] = torch.tensor(text[1:])
    return ids, labels


def lm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    logits, labels = logits[:, :-1], labels[:, 1:]
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


def evidence() -> None:
    """What the colleague saw: 200 steps on pieces of 5 to 12 letters, then a text is continued."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(26, 16), nn.GELU(), nn.Linear(16, 26))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(200):
        sizes = zip(torch.randint(26, (16,)), torch.randint(5, 13, (16,)), strict=True)
        texts = [((first + torch.arange(n)) % 26).tolist() for first, n in sizes]
        ids, labels = collate(texts)
        loss = lm_loss(model(ids), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss:.3f} (want about 0.00)")
    text = torch.arange(3)
    for _ in range(8):
        text = torch.cat([text, model(text[-1:]).argmax(dim=-1)])
    print("after a b c it writes", *(chr(97 + i) for i in text[3:]), "  (want d e f g h i j k)")
    a_to_z = torch.arange(26)
    each = F.cross_entropy(model(a_to_z), (a_to_z + 1) % 26)
    print(f"by hand, minus the logarithm of the chance of b after a, and so on: {each:.2f}")
    print("(want about 0.00: texts like these are all that it has seen)")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
