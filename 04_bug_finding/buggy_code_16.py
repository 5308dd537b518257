"""Bug hunt 16: memory grows with the number of batches.

A colleague: "Ten batches run, a thousand do not: out of memory, in the middle of the epoch, with
batches that are all of one size. I keep nothing but one number and a counter."

    run_epoch(model, optimizer, batches) -> float
        model      maps x to logits (N, K); in train or in eval mode when it arrives
        optimizer  holds the model's parameters
        batches    iterable of x (N, F) float and y (N,) int64 class indices, read once, without
                   a length; sizes differ, one sample is enough

Core, what an interview asks:

    memory    When a batch is taken, as much is in memory as when the second one was, however
              many went before, if all have one size. Python numbers may be kept.
    figure    The mean over all samples of the probability that the model gave to the right class,
              each batch judged by its pass in training, before its step.
    training  One step for each batch, in their order, on its mean cross entropy alone. Gradients
              left from earlier have no part.
    modes     Each batch goes through the model once, in train mode.

Run the file, fix run_epoch, run it again.

Medium, 10 minutes. Try one alone: python FILE memory
"""

import weakref
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn


def run_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable[tuple[Tensor, Tensor]]
) -> float:
    """Train on batches of x (N, F), y (N,) -> the mean probability of the right class."""
    model.train()
    total, samples = torch.zeros(()), 0
    for x, y in batches:
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total = total + logits.softmax(dim=1).gather(1, y[:, None]).sum()
        samples += len(y)
    return (total / samples).item()


class Held:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def evidence() -> None:
    """What the colleague saw: eight batches of 50 samples, ten classes."""
    torch.manual_seed(0)
    held = weakref.WeakSet[Held]()

    def hold(tensor: Tensor) -> Held:
        held.add(one := Held(tensor.detach()))
        return one

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for i in range(8):
            numbers = sum(one.tensor.numel() for one in held)
            print(f"before batch {i}: numbers held for gradients: {numbers}")
            yield torch.randn(50, 20), torch.randint(0, 10, (50,))

    model = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with torch.autograd.graph.saved_tensors_hooks(hold, lambda one: one.tensor):
        run_epoch(model, optimizer, batches())
    print("A right run_epoch holds as much before batch 7 as before batch 1.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
