"""Bug hunt 4: trains on the laptop, dies on the GPU box.

A colleague: "On my machine the loss goes down. On the server the same script crashes at the first
batch." PyTorch's "meta" device, which stores no numbers, stands in for the GPU: so you see the
crash without one.

    train_step(model, optimizer, x, y) -> loss
        model      all of it on one device, whichever that is
        optimizer  holds the model's parameters
        x          (N, F)  of the model's dtype, on the CPU or on the model's device
        y          (N,)    int64 class indices, the same, not always where x is
        loss       ()      a tensor, with or without its graph

Core, what an interview asks:

    device  It works wherever model, x and y are. The loss comes back on the model's device, the
            model stays there.
    step    One forward pass and one step, on this batch alone: gradients left from earlier have
            no part. Each module runs in the mode (train or eval) in which it is, and keeps it.
    loss    The batch's mean cross entropy before the step, in the model's dtype.
    kept    x and y stay as they are, and where they are.

Run the file, fix train_step, run it again.

Easy, 10 minutes. Try one alone: python FILE device
Guide: https://docs.pytorch.org/docs/stable/notes/cuda.html
"""

import torch
from torch import Tensor, nn


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def evidence() -> None:
    """What the colleague saw: three batches of a DataLoader, on the laptop and on the server."""
    torch.manual_seed(0)
    batches = [(torch.randn(8, 10), torch.randint(0, 3, (8,))) for _ in range(3)]
    for device in ("cpu", "meta"):
        model, done, end = nn.Linear(10, 3).to(device), 0, ""
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        try:
            for x, y in batches:
                train_step(model, optimizer, x, y)
                done += 1
        except RuntimeError as error:
            end = f", then RuntimeError: {error}"
        print(f"model on {device}: {done} of 3 steps{end}")
    print("A right train_step takes 3 of 3 steps on both.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
