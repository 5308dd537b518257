"""Bug hunt 19: the loss falls to 0.69, stays there, and then crawls.

A colleague: "One message in ten is spam. The loss is at 0.69 after a minute, and the model finds
no spam. After an hour it finds it all, and the loss is still 0.66."

    train_step(model, optimizer, x, y) -> float
        model      maps x to logits (N, 1); in train or in eval mode when it arrives
        optimizer  holds the model's parameters
        x, y       (N, F) float and (N,) int64, 0 or 1; one sample is enough

Core, what an interview asks:

    loss  The mean binary cross entropy of the batch, measured before the step.
    step  One step of the optimizer by the exact gradient of that loss. Gradients left from earlier
          have no part.
    mode  The batch goes through the model once, in train mode. x and y stay as they are.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    far   Logits may be 1000 from 0: a sure right answer has loss 0, a sure wrong one 1000,
          each with its gradient. A loss of NaN makes a step, too.
    kind  y may be bool, float or of any integer dtype; a model in float64 gets a loss in float64.

Run the file, fix train_step, run it again.

Easy, 10 minutes. Try one alone: python FILE loss
"""

import torch
from torch import Tensor, nn


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    model.train()
    spam = torch.sigmoid(model(x)).squeeze(1)
    loss = nn.functional.binary_cross_entropy_with_logits(spam, y.to(spam.dtype))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def evidence() -> None:
    """What the colleague saw: 200 messages, 21 of them spam, all in each of 500 steps."""
    torch.manual_seed(0)
    x = torch.randn(200, 5)
    y = (x[:, 0] + x[:, 1] > 1.8).long()
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(501):
        loss = train_step(model, optimizer, x, y)
        if step in (100, 200, 300, 500):
            found = int((model(x).squeeze(1) > 0)[y == 1].sum())
            print(f"step {step}: loss {loss:.3f}, spam found: {found} of {y.sum()}")
    print("a right one: loss 0.123, 0.040, 0.020, 0.008; spam found: 10, 21, 21, 21")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
