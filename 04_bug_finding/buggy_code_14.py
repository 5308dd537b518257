"""Bug hunt 14: R² is 0.00, whatever the network.

A colleague: "A linear model, a deep one, a wide one: all end with R² = 0.00 on the training data,
and the loss stops at the variance of the prices. The prices are nearly linear in x!"

    mse_step(model, optimizer, x, y) -> float
        model      maps x to predictions (N, 1); in train or in eval mode when it arrives
        optimizer  holds the model's parameters
        x, y       (N, F) and (N,), of the model's dtype; one sample is enough

Core, what an interview asks:

    loss     The mean over the samples of (prediction - y)², measured before the step.
    step     One step of the optimizer by the exact gradient of that loss. Gradients left from
             earlier have no part.
    mode     The batch goes through the model once, in train mode. x and y stay as they are.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    columns  y of shape (N, 1) gives the same loss and the same step.
    lengths  Fewer or more labels than samples raise RuntimeError or ValueError, even if either is
             one. No step is taken then.

Run the file, fix mse_step, run it again.

Medium, 10 minutes. Try one alone: python FILE loss
"""

import torch
from torch import Tensor, nn


def mse_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    model.train()
    errors = model(x) - y
    loss = errors.square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def evidence() -> None:
    """What the colleague saw: 200 houses, three networks, 300 steps."""
    torch.manual_seed(0)
    x = torch.randn(200, 5)
    y = x @ torch.tensor([2.0, -1.0, 0.5, 0.0, 1.0]) + 0.1 * torch.randn(200)
    variance = y.var(unbiased=False).item()
    for hidden in ([], [16], [32, 32]):
        sizes = [5, *hidden, 1]
        pairs = zip(sizes, sizes[1:], strict=False)
        layers = [layer for a, b in pairs for layer in (nn.ReLU(), nn.Linear(a, b))]
        model = nn.Sequential(*layers[1:])
        optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
        for _ in range(300):
            loss = mse_step(model, optimizer, x, y)
        guesses = model(x)
        rows: list[list[float]] = guesses.tolist()
        squares = [(row[0] - price) ** 2 for row, price in zip(rows, y.tolist(), strict=True)]
        r2 = 1 - sum(squares) / len(squares) / variance
        low, high = guesses.min().item(), guesses.max().item()
        said = f"loss {loss:.2f}, R² {r2:.2f}, predictions from {low:.2f} to {high:.2f}"
        print(f"hidden {str(hidden):8}: {said}")
    low, high = y.min().item(), y.max().item()
    print(f"prices: variance {variance:.2f}, from {low:.2f} to {high:.2f}")
    print("A right mse_step ends with a loss of 0.01 or less and R² 1.00 three times.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
