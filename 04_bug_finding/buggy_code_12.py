"""Bug hunt 12: every answer is right, and the loss will not go under 0.55.

A colleague: "Training accuracy 1.00 after a minute, and the loss hangs at 0.55 for three classes.
With ten classes it hangs at 1.46. More steps, a larger network, another rate: the same."

    train_step(model, optimizer, x, y) -> float
        model      maps x to logits (N, K); in train or in eval mode when it arrives
        optimizer  holds the model's parameters
        x, y       (N, F) float and (N,) int64 class indices; one sample is enough

Core, what an interview asks:

    loss  The mean cross entropy of the batch, measured before the step.
    step  One step of the optimizer by the exact gradient of that loss. Gradients left from earlier
          have no part.
    mode  The batch goes through the model once, in train mode. x and y stay as they are.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    far   Logits may be 1000 apart: a confident right answer has loss 0, a confident wrong one a
          loss of 1000, with the gradient that belongs to it.

Run the file, fix train_step, run it again.

Easy, 10 minutes. Try one alone: python FILE loss
"""

import torch
from torch import Tensor, nn


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    model.train()
    scores = torch.softmax(model(x), dim=1)
    loss = nn.functional.cross_entropy(scores, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def evidence() -> None:
    """What the colleague saw: three and ten well separated clouds of points, 400 steps."""
    for classes, right in ((3, 0.01), (10, 0.01)):
        torch.manual_seed(0)
        y = torch.arange(120) % classes
        x = 4 * torch.eye(classes)[y] + 0.3 * torch.randn(120, classes)
        model = nn.Sequential(nn.Linear(classes, 32), nn.ReLU(), nn.Linear(32, classes))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for step in range(401):
            loss = train_step(model, optimizer, x, y)
            if step in (0, 100, 400):
                accuracy = (model(x).argmax(dim=1) == y).float().mean().item()
                print(
                    f"{classes:2} classes, step {step:3}: accuracy {accuracy:.2f}, loss {loss:.3f}"
                )
        print(f"            a right one ends below {right}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
