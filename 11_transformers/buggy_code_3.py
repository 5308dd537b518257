"""Bug hunt 3: the right answers, and it never stops.

A colleague: "My model counts down to 1. After 9 it writes 8 7 6 5 4 3 2 1, but then it goes on
until I stop it. The loss is 0."

    make_labels(ids, pad_id) -> labels
        ids     (B, L) int64: each row is a text, its end id, then pad_id; or the first L ids of
                a text. In a text each turn but the last ends with the end id, too.
        pad_id  the end id: as with GPT-2, it also fills the rows
        labels  (B, L) int64, -100 where nothing is judged

Core, what an interview asks:

    stops    A model that knows the labels by heart stops after the last turn, not before.
    text     The label of each id of a text is that id, ends of turns included.
    filling  What fills a row after its text is not judged.
    rows     A row that a text fills, with its end or without, is judged whole.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    turns    Two end ids may stand side by side inside a text (an empty answer), or one at its
             start. All are judged.
    new      ids stay as they are, and labels share no memory with them. Any device, no drawing.

Run the file, fix make_labels, run it again.

Medium, 15 minutes. Try one alone: python FILE stops
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def make_labels(ids: Tensor, pad_id: int) -> Tensor:
    is_pad = ids == pad_id
    return ids.masked_fill(is_pad, -100)


def evidence() -> None:
    """What the colleague saw: 150 steps on countdowns in rows of 12; then it counts down."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(10, 16), nn.GELU(), nn.Linear(16, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    starts = torch.arange(1, 10)
    ids = (starts[:, None] - torch.arange(12)).clamp(min=0)  # 0 ends a text
    labels = make_labels(ids, pad_id=0)
    for _ in range(150):
        logits = model(ids[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss:.3f} (want about 0.00)")
    sizes = []
    for start in starts.tolist():
        text = [start]
        while text[-1] != 0 and len(text) < 16:
            text.append(int(model(torch.tensor(text[-1:])).argmax()))
        sizes.append(len(text))
        if start in (3, 9):
            print("it writes", *text)
    stopped = sum(size < 16 for size in sizes)
    print(f"stopped before 16 ids: {stopped} of 9 (want 9)")
    print(f"mean length {sum(sizes) / 9:.1f} (want 6.0)")
    chance = model(torch.tensor([1])).softmax(-1)[0, 0]
    print(f"chance of an end after 1: {chance:.5f} (want about 1)")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
