"""Bug hunt 10: learns for half an epoch, then the loss stands still.

A colleague: "I took over every number from the paper. Their loss falls for epochs, mine drops for
a few batches and then hardly moves."

    fit(model, optimizer, scheduler, batches, epochs) -> list of `epochs` floats
        model      maps x to logits (N, K); in train or in eval mode when it arrives
        optimizer  holds the model's parameters, in one group or more
        scheduler  on that optimizer, its step() needs no argument; as in the paper, its numbers
                   are epochs: StepLR(optimizer, step_size=2) means two epochs at each rate
        batches    list of x (N, F) float and y (N,) int64 class indices; sizes may differ

Core, what an interview asks:

    rates     The first epoch runs at the rates at which the optimizer comes, each next one at
              those of the schedule, in every group.
    later     A later call goes on where this one stopped: 2 epochs, then 3, are like 5 at once.
    training  An epoch takes one forward pass and one step for each batch, in their order, on its
              mean cross entropy, in train mode. Gradients left from earlier have no part.
    losses    The mean training loss over all samples of each epoch, every batch measured before
              its step.

Run the file, fix fit, run it again.

Medium, 15 minutes. Try one alone: python FILE rates
Guide: https://docs.pytorch.org/docs/stable/optim.html
"""

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, StepLR


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: LRScheduler,
    batches: list[tuple[Tensor, Tensor]],
    epochs: int,
) -> list[float]:
    history = []
    model.train()
    for _ in range(epochs):
        total, samples = 0.0, 0
        for x, y in batches:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(y)
            samples += len(y)
        history.append(total / samples)
    return history


def evidence() -> None:
    """What the colleague saw: six epochs of eight batches."""
    torch.manual_seed(0)
    x = torch.randn(256, 6)
    y = (x[:, :3] + 0.3 * torch.randn(256, 3)).argmax(dim=1)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
    batches = list(zip(x.split(32), y.split(32), strict=True))
    losses = fit(model, optimizer, scheduler, batches, epochs=6)
    print("loss of each epoch:  ", " ".join(f"{loss:.2f}" for loss in losses))
    print("a right fit gives:    0.98 0.67 0.45 0.35 0.30 0.29")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
