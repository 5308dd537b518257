"""Bug hunt 10: learns for half an epoch, then the loss stands still.

A colleague: "I took over every number from the paper. Theirs goes on falling for epochs, mine
drops for a few batches and then hardly moves, with ten times as many epochs too."

    model      maps x (N, F) to logits (N, K); it arrives in train mode or in eval mode
    optimizer  holds the model's parameters, in one group or more
    scheduler  on that optimizer, its step() needs no argument; as in the paper, its numbers
               are epochs: StepLR(optimizer, step_size=2) means two epochs at each rate
    batches    list of x (N, F) float and y (N,) int64 class indices; batches may differ in size
    returns    list of `epochs` floats: the training loss of each epoch, the mean over its samples,
               every batch measured before the step that it leads to

An epoch takes one optimizer step for each batch, in their order, on its mean cross entropy, with
the model in train mode; gradients left over from earlier have no part in it. The first epoch runs
at the rate at which the optimizer comes. A later call goes on where this one stopped: two epochs
and then three more are the same as five at once.

Run this file to see the numbers, fix fit, run it again.
Guide: https://docs.pytorch.org/docs/stable/optim.html
"""

import copy

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, StepLR


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


def check(fit):
    torch.manual_seed(0)
    x = torch.randn(59, 6)
    y = (x[:, :3] + 0.3 * torch.randn(59, 3)).argmax(dim=1)
    check_schedule(
        fit,
        list(zip(x.split(16), y.split(16), strict=True)),  # four, the last one holds 11
        lambda optimizer: StepLR(optimizer, step_size=2, gamma=0.1),
        rates=[[0.1, 0.05], [0.1, 0.05], [0.01, 0.005], [0.01, 0.005], [0.001, 0.0005]],
        calls=[5],
    )
    check_schedule(
        fit,
        list(zip(x.split(12), y.split(12), strict=True)),  # five
        lambda optimizer: LambdaLR(optimizer, lambda epoch: [1.0, 0.5, 2.0, 0.8][epoch % 4]),
        rates=[[0.1, 0.05], [0.05, 0.025], [0.2, 0.1], [0.08, 0.04], [0.1, 0.05]],
        calls=[2, 3],
    )


def check_schedule(fit, batches, schedule, rates, calls):
    """The calls, one after the other, beside a twin whose rates are set from the table by hand."""
    model = nn.Sequential(
        nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3)
    ).eval()
    twin = copy.deepcopy(model)
    optimizer, reference = sgd(model), sgd(twin)
    for p in model.parameters():
        p.grad = torch.ones_like(p)  # left over from earlier
    scheduler = schedule(optimizer)
    seen = []  # the groups' rates at each step
    optimizer.register_step_pre_hook(
        lambda *_: seen.append([group["lr"] for group in optimizer.param_groups])
    )
    torch.manual_seed(1)
    histories = [fit(model, optimizer, scheduler, batches, epochs) for epochs in calls]
    name = f"{type(scheduler).__name__}, {' + '.join(map(str, calls))} epochs"
    for epochs, history in zip(calls, histories, strict=True):
        assert isinstance(history, list), f"{name}: fit returned {history!r}, want a list"
        assert all(isinstance(loss, float) for loss in history), f"{name}: {history}, want floats"
        assert len(history) == epochs, f"{name}: {len(history)} losses of {epochs} epochs"
    n, want = len(batches), len(batches) * sum(calls)
    assert len(seen) == want, f"{name}: the optimizer took {len(seen)} steps, want {want}"

    torch.manual_seed(1)
    wants = [one_epoch(twin, reference, batches, rate) for rate in rates]
    got = sum(histories, [])
    for e, (loss, right) in enumerate(zip(got, wants, strict=True)):
        print(f"{name}, epoch {e}: loss {loss:.4f}, want {right:.4f}")
    close(got, wants, f"{name}: the losses it returned")
    for e, rate in enumerate(rates):
        for step, mine in enumerate(seen[e * n : e * n + n]):
            close(mine, rate, f"{name}: rates of the two groups in epoch {e}, step {step}")
    for (key, mine), right in zip(
        model.state_dict().items(), twin.state_dict().values(), strict=True
    ):
        close(mine, right, f"{name}: {key} after {sum(calls)} epochs")


def sgd(model):
    groups = [{"params": model[:2].parameters()}, {"params": model[4].parameters(), "lr": 0.05}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def one_epoch(model, optimizer, batches, rate):
    """The loss per sample, each sample counted once."""
    for group, lr in zip(optimizer.param_groups, rate, strict=True):
        group["lr"] = lr
    losses = []
    for x, y in batches:
        logits = model.train()(x)
        each = logits.logsumexp(dim=1) - logits[range(len(y)), y]
        optimizer.zero_grad()
        each.mean().backward()
        optimizer.step()
        losses += each.tolist()
    return sum(losses) / len(losses)


def close(got, want, what):
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6, msg=lambda m: f"{what}\n{m}")


if __name__ == "__main__":
    try:
        check(fit)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bug_10.py")
