"""Bug hunt 15: eight layers, as many parameters as with one.

A colleague: "The deeper I make it, the longer a step takes and the worse the training loss is, and
the checkpoint stays small. The forward pass is right, I went through it."

    DeepNet(widths)   widths: two ints or more, the first for the input, the last for the logits
        forward(x)    (N, widths[0]) -> (N, widths[-1]), of the model's dtype and on its device

Core, what an interview asks:

    logits      A linear layer from each width to the next, and ReLU after each but the last.
    parameters  parameters() gives the weight and the bias of every layer, each once, from the input
                to the output. Exact gradients reach them all.
    start       Each layer begins with random numbers of its own, as nn.Linear draws them.
    checkpoint  state_dict() has each of these numbers once. Loaded into another DeepNet of the same
                widths it gives the same logits there.
    moves       The whole model goes to another dtype or device. A deep copy shares no numbers
                with it.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    widths      Two numbers make one layer. A list or a tuple stays as it is; what happens to it
                later has no influence.

Run the file, fix the class, run it again.

Easy, 10 minutes. Try one alone: python FILE parameters
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class DeepNet(nn.Module):
    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        pairs = zip(widths[:-2], widths[1:-1], strict=True)
        self.hidden = [nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in pairs]
        self.head = nn.Linear(widths[-2], widths[-1])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = layer(x)
        return self.head(x)


def evidence() -> None:
    """What the colleague saw: networks of width 16, trained for 200 steps to know 64 rows."""
    for layers, parameters, right in ((1, 272, 0.58), (4, 1088, 0.00), (8, 2176, 0.00)):
        torch.manual_seed(0)
        x, y = torch.randn(64, 16), torch.randint(0, 16, (64,))
        model = DeepNet([16] * (layers + 1))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(200):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        counted = sum(p.numel() for p in model.parameters())
        print(f"{layers} layers: {counted} parameters, want {parameters}; ", end="")
        print(f"loss after training {loss.item():.2f}, a right one {right:.2f}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
