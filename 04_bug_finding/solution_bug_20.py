"""Bug hunt 20: the state was handed on with its graph.

Symptom  an error at the second backward(). With retain_graph=True another one; without steps more
         operations and more memory with each chunk.
Cause    the state after a chunk knows how it was made. So the loss of chunk 1 reaches through the
         state into the graph of chunk 0, which its own backward() has freed. retain_graph keeps
         that graph, and its weights have been changed by step() since: the second error.
Fix      detach() both parts of the state: the numbers go on, the graph ends. This is truncated
         backpropagation through time: the state reaches far back, the gradient one chunk.
Spot it  whatever goes from one turn of a loop to the next: print requires_grad. "A second time"
         means that something made before this turn is in its graph.

Asked next
    "Why not begin each chunk with None?" It runs, and what is longer ago than the chunk's first
    step is forgotten: with chunks of 4 and answers 2 back, two of four cannot be known.
    "The gradient is cut. What is lost?" What pays off later than one chunk is not learned on
    purpose; longer chunks, or detaching only every k-th chunk with one step for all k, help.
    "And at the end of a document?" Set that row of the state to zero: the next one is a stranger.
Slips    detaching h and not c; state.detach() without using the result; a forward pass of its own
         under no_grad to get the state, which costs twice and has other weights.
Left out here, if you say so: documents that end at different chunks.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

State = Tensor | tuple[Tensor, ...]


def train_on_stream(
    model: nn.Module, optimizer: torch.optim.Optimizer, chunks: Iterable[tuple[Tensor, Tensor]]
) -> list[float]:
    """Train on chunks of x (N, T, F), y (N, T) -> the mean loss of each before its step."""
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
        state = state.detach() if isinstance(state, Tensor) else tuple(s.detach() for s in state)
    return losses


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
