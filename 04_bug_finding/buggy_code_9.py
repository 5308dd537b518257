"""Bug hunt 9: the more we validate, the worse the model that we ship.

A colleague: "Same seed, same training data. I only made the validation set bigger, with pictures
from the new camera, and the shipped model got worse on the old ones."

    model          maps x (N, F) to logits (N, K); it arrives in train mode or in eval mode
    optimizer      holds the model's parameters
    train_batches  list of x (N, F) float and y (N,) int64 class indices
    val_batches    another such list, of one sample or more; its x may look quite different
    returns        list of `epochs` floats: the validation loss after each epoch

An epoch takes one optimizer step for each training batch, in their order, on its mean cross
entropy, with the model in train mode; gradients left over from earlier have no part in it. Then it
validates: the mean cross entropy over all samples of val_batches, of the model as it would be
shipped at that moment, the same number however the samples are cut into batches (single ones too).
Nothing in val_batches has any influence on the parameters and buffers of the model, now or in later
epochs. Only training steps record gradients. In the end the model may be in either mode.

Run this file to see the numbers, fix fit, run it again.
Guide: https://docs.pytorch.org/tutorials/beginner/introyt/trainingyt.html
"""

import copy

import torch
from torch import Tensor, nn


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    train_batches: list[tuple[Tensor, Tensor]],
    val_batches: list[tuple[Tensor, Tensor]],
    epochs: int,
) -> list[float]:
    history = []
    model.train()
    for _ in range(epochs):
        for x, y in train_batches:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        total, samples = 0.0, 0
        with torch.no_grad():
            for x, y in val_batches:
                total += nn.functional.cross_entropy(model(x), y, reduction="sum").item()
                samples += len(y)
        history.append(total / samples)
    return history


def check(fit):
    torch.manual_seed(0)
    x = torch.randn(59, 6)
    y = (x[:, :3] + 0.3 * torch.randn(59, 3)).argmax(dim=1)
    new_x, new_y = 2 * torch.randn(41, 6) + 3, torch.randint(0, 3, (41,))
    train, epochs = cut(x, y, 16), 3
    start = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    dropped = nn.Sequential(copy.deepcopy(start), nn.Dropout(0.4), nn.Linear(3, 3))
    alone, _ = reference(start, train, train, epochs)
    for n in (4, 12, 40):
        model = copy.deepcopy(start)
        run(fit, model, train, cut(new_x[:n], new_y[:n], 4), epochs)
        got, want = (float(loss_of(m, x, y)) for m in (model, alone))
        print(
            f"{n:2} validation samples: loss shipped, on the old data: {got:.4f}, want {want:.4f}"
        )

    for net, n, size, training in (
        (start, 40, 4, True),
        (start, 5, 1, True),
        (dropped, 41, 16, False),
    ):
        what = f"{n} validation samples in batches of {size}, {epochs} epochs"
        model, val = copy.deepcopy(net).train(training), cut(new_x[:n], new_y[:n], size)
        recorded, steps, history = run(fit, model, train, val, epochs)
        right, losses = reference(net, train, val, epochs)
        taken = epochs * len(train)
        assert steps == taken, f"{what}: the optimizer took {steps} steps, want {taken}"
        assert recorded == taken, (
            f"{what}: {recorded} forward passes recorded gradients, want {taken}: one a step"
        )
        for (name, mine), want in zip(
            model.state_dict().items(), right.state_dict().values(), strict=True
        ):
            close(
                mine,
                want,
                f"{what}: {name} afterwards, against a training that never validates (the same "
                "steps in train mode)",
            )
        assert isinstance(history, list), f"{what}: fit returned {history!r}, want a list"
        assert all(isinstance(v, float) for v in history), f"{what}: {history}, want floats"
        assert len(history) == epochs, f"{what}: {len(history)} losses, want {epochs}"
        close(torch.tensor(history), torch.stack(losses), f"{what}: the losses it returned")


def cut(x, y, size):
    return list(zip(x.split(size), y.split(size), strict=True))


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def run(fit, model, train, val, epochs):
    """(forward passes that recorded gradients, steps of the optimizer, what fit returned)."""
    optimizer, recorded, steps = sgd(model), [], []
    for p in model.parameters():
        p.grad = torch.ones_like(p)  # left over from earlier
    hook = model.register_forward_hook(lambda *io: recorded.append(io[2].requires_grad))
    optimizer.register_step_post_hook(lambda *_: steps.append(1))
    torch.manual_seed(1)
    history = fit(model, optimizer, train, val, epochs)
    hook.remove()
    return sum(recorded), len(steps), history


def reference(start, train, val, epochs):
    """The model after training alone, and a copy's loss over all of val after each epoch."""
    model, losses = copy.deepcopy(start), []
    optimizer = sgd(model)
    torch.manual_seed(1)
    for _ in range(epochs):
        for x, y in train:
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(x), y).backward()
            optimizer.step()
        losses.append(loss_of(model, *(torch.cat(part) for part in zip(*val, strict=True))))
    return model, losses


def loss_of(model, x, y):
    with torch.no_grad():
        logits = copy.deepcopy(model).eval()(x)
    return (logits.logsumexp(dim=1) - logits[range(len(y)), y]).mean()


def close(got, want, what):
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5, msg=lambda m: f"{what}\n{m}")


if __name__ == "__main__":
    try:
        check(fit)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bug_9.py")
