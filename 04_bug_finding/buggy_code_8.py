"""Bug hunt 8: the loss falls, the accuracy stays at chance.

A colleague: "Three classes, and the training accuracy never leaves one third, while the loss falls
as it should. On single samples the model is right nearly every time."

    train_epoch(model, loader, optimizer) -> (loss, accuracy), two floats
        model      maps x to logits (N, K); in train or in eval mode when it arrives
        loader     iterable of batches x (N, F), y (N, 1); y are int64 class indices
        optimizer  holds the model's parameters

Core, what an interview asks:

    accuracy  The share of all samples of the epoch whose class the model ranked first.
    loss      The mean cross entropy over all samples of the epoch.
    training  One step of the optimizer for each batch, on its mean cross entropy, in train mode.
              Gradients left from earlier have no part. The model is left in train mode.
    batches   Each goes through the model once: both figures are from that pass, before the step.
              Sizes differ, one sample is enough. The loader can be read once and has no length.
              x and y stay as they are.

Run the file, fix train_epoch, run it again.

Medium, 15 minutes. Try one alone: python FILE accuracy
Guide: https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def train_epoch(
    model: nn.Module, loader: Iterable[tuple[Tensor, Tensor]], optimizer: torch.optim.Optimizer
) -> tuple[float, float]:
    model.train()
    loss_sum, hits, seen = 0.0, 0.0, 0
    for x, y in loader:
        log_probs = model(x).log_softmax(dim=1)
        loss = -log_probs.gather(1, y).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(y)
        hits += (log_probs.argmax(dim=1) == y).float().mean().item() * len(y)
        seen += len(y)
    return loss_sum / seen, hits / seen


def evidence() -> None:
    """What the colleague saw: three clouds of points, a linear model, batches of 1 and of 32."""
    torch.manual_seed(0)
    centers, y = 2 * torch.randn(3, 6), torch.randint(0, 3, (160, 1))
    x = centers[y[:, 0]] + torch.randn(160, 6)
    model = nn.Linear(6, 3)
    for epoch, size in ((1, 32), (2, 32), (3, 32), (4, 1)):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05 * size / 32)
        batches = list(zip(x.split(size), y.split(size), strict=True))
        loss, accuracy = train_epoch(model, batches, optimizer)
        print(f"epoch {epoch}, batches of {size:2}: loss {loss:.3f}, accuracy {accuracy:.1%}")
    print("A right train_epoch gives more than 80% from epoch 2 on.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
