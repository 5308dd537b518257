"""Bug hunt 18: the body learns, the new head is stubborn.

A colleague: "I give a model of 3 classes a head for 5 and train it. The loss falls, not to 0, and
after 100 steps the new head is as before."

    adapt(model, optimizer, batches) -> list of floats
        model      has a part `head`, nn.Linear(D, K) with a bias
        optimizer  holds the model's parameters
        batches    iterable of x (N, F) float and y (N,) int64, 0 to 4

Core, what an interview asks:

    head    model.head becomes a new nn.Linear(D, 5), initialized as usual, of the old one's dtype
            and device. All other parameters stay the same objects.
    steps   Each batch is one step of the given optimizer, for every parameter of the model, on its
            mean cross entropy alone.
    losses  The mean cross entropy of each batch before its step.
    modes   Each batch goes through the model once, in train mode.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    rates   The new weight has the old weight's settings, the new bias the old bias's; their
            momentum begins anew. All others keep theirs, and their momentum.
    resume  optimizer.state_dict() fits an optimizer made of the adapted model in the same way, and
            both go on alike.

Run the file, fix adapt, run it again.

Medium, 15 minutes. Try one alone: python FILE steps
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def adapt(
    model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable[tuple[Tensor, Tensor]]
) -> list[float]:
    old = model.head
    assert isinstance(old, nn.Linear)
    model.head = nn.Linear(old.in_features, 5).to(old.weight)
    losses = []
    model.train()
    for x, y in batches:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class Net(nn.Module):
    """Notes its head's weights whenever it is called."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(5, 12), nn.Linear(12, classes)
        self.noted = list[Tensor]()

    def forward(self, x: Tensor) -> Tensor:
        self.noted.append(self.head.weight.detach().clone())
        return self.head(self.body(x).tanh())


def evidence() -> None:
    """What the colleague saw: five clouds of points, all 40 samples in each of 100 steps."""
    torch.manual_seed(0)
    y = torch.arange(40) % 5
    x = torch.eye(5)[y] + 0.3 * torch.randn(40, 5)
    model = Net(classes=3)
    body = model.body.weight.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = adapt(model, optimizer, [(x, y)] * 100)
    shown = ", ".join(f"{losses[i]:.2f}" for i in (0, 10, 30, 99))
    print(f"loss at steps 0, 10, 30 and 99: {shown}")
    moved = [(body, model.body.weight), (model.noted[0], model.head.weight)]
    body_moved, head_moved = (f"{(now - was).norm():.2f}" for was, now in moved)
    print(f"the weights of the body moved by {body_moved}, those of the head by {head_moved}")
    print(
        "a right program: loss 1.69, 1.18, 0.13 and 0.02; the body moves by 5.28, the head by 6.97"
    )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
