"""Bug hunt 20: one chunk trains, at the second it says that the graph was freed.

A colleague: "With retain_graph=True it says that something was changed in place. If I leave out
step(), too, it runs, but each chunk is slower than the last."

    train_on_stream(model, optimizer, chunks) -> list of floats
        model      model(x, state) gives logits (N, T, K) and the next state, a tuple as of nn.LSTM
        optimizer  holds the model's parameters
        chunks     of N sequences, in order: x (N, T, F), y (N, T) int64

Core, what an interview asks:

    steps   Each chunk is one step on its mean cross entropy alone. Gradients left from earlier have
            no part.
    state   A call begins with None. Each later chunk gets the numbers of the state before it.
    cost    At the last chunk no more graphs are in memory than at the second.
    losses  The mean cross entropy of each chunk before its step.
    modes   Each chunk goes through the model once, in train mode.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    kinds   A state may also be one tensor, as of nn.GRU. A tuple may have any length and stays one.
    stream  chunks may be an iterator: the next is taken after the step.

Run the file, fix train_on_stream, run it again.

Medium, 10 minutes. Try one alone: python FILE cost
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

State = Tensor | tuple[Tensor, ...]


def train_on_stream(
    model: nn.Module, optimizer: torch.optim.Optimizer, chunks: Iterable[tuple[Tensor, Tensor]]
) -> list[float]:
    losses = []
    state: State | None = None
    model.train()
    for x, y in chunks:
        logits, state = model(x, state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(3, 24, batch_first=True), nn.Linear(24, 3)
        self.noted = list[int]()

    def forward(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        out, state = self.lstm(x, state)
        logits = self.head(out)
        found, rest = set(), {logits.grad_fn}  # operations that autograd would go back through
        while rest:
            found |= rest
            rest = {node for one in rest for node, _ in one.next_functions if node} - found
        self.noted.append(len(found))
        return logits, state


def evidence() -> None:
    """What the colleague saw: 16 sequences in chunks of 4; answers are the symbols 2 before."""
    torch.manual_seed(0)
    symbols = torch.randint(3, (16, 402))
    x, y = torch.eye(3)[symbols[:, 2:]].split(4, dim=1), symbols[:, :-2].split(4, dim=1)
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    try:
        losses = train_on_stream(model, optimizer, zip(x, y, strict=True))
        print("loss at chunks 0, 25, 50 and 75:", [round(losses[i], 2) for i in (0, 25, 50, 75)])
    except RuntimeError as error:
        print(f"at chunk {len(model.noted) - 1}: {str(error).split(' (')[0]}")
    print("operations behind the logits of the first chunks:", model.noted[:4])
    print("a right one: 14 for each; loss at chunks 0, 25, 50 and 75: 1.1, 0.89, 0.5, 0.09")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
