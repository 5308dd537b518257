"""Learning rate schedule: StepLR counts its own calls, so it is called once at the end of an epoch.

Why it works: the optimizer owns the rate, in its parameter groups, and the scheduler only writes
there. Its step ends an epoch: the steps of that epoch have used the old rate, and after the last
epoch the groups hold the rate that the next one would have. One optimizer lives through all epochs,
so its momentum, made of gradients alone, survives each cut of the rate.
Say in the interview: per epoch or per batch is a property of the schedule (step decay, plateau:
epoch; warm-up, cosine, one-cycle: mostly batch), and T_max or total_steps must be counted in the
same unit. To resume, save the scheduler's state with the optimizer's. With GradScaler a skipped
optimizer step should skip the scheduler's too. Transformers start with a warm-up, because Adam's
first estimates are noisy.
Common slips: scheduler.step() in the batch loop; before the epoch, which skips the first rate; a
new optimizer for each rate, without momentum; a second StepLR on the same optimizer, which squares
gamma; returning the lr that was passed in.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def train_with_scheduler(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    device: torch.device,
    epochs: int,
    lr: float,
    step_size: int,
    gamma: float,
) -> float:
    """The rate that one more epoch would have. step_size < 1: ValueError."""
    if step_size < 1:  # StepLR divides by zero, or decays in every epoch
        raise ValueError(f"step_size is {step_size}, want 1 or more")
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=step_size, gamma=gamma)
    model.train()
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            criterion(model(x.to(device)), y.to(device)).backward()
            optimizer.step()
        scheduler.step()
    return optimizer.param_groups[0]["lr"]


if __name__ == "__main__":
    from challenge_lr_scheduler import check

    check(train_with_scheduler)

    torch.manual_seed(0)
    x, weight = torch.randn(256, 8), torch.randn(1, 8)
    y = x @ weight.T + torch.randn(256, 1)  # (256, 1), with noise
    batches = list(zip(x.split(4), y.split(4), strict=True))
    for gamma in (1.0, 0.1):
        torch.manual_seed(1)
        model = nn.Linear(8, 1)
        last = train_with_scheduler(
            model, batches, nn.MSELoss(), torch.device("cpu"), 15, lr=0.02, step_size=5, gamma=gamma
        )
        loss = nn.functional.mse_loss(model(x), y).item()
        print(f"gamma {gamma}: rate {last:.0e} in the end, loss over all samples {loss:.3f}")
    best = nn.functional.mse_loss(x @ torch.linalg.lstsq(x, y).solution, y).item()
    print(f"least squares: {best:.3f}")
    print("PASS")
