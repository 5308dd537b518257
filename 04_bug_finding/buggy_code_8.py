"""Bug hunt 8: the loss falls, the accuracy stays at chance.

A colleague: "Three classes, and the training accuracy never leaves one third, while the loss falls
as it should. On single samples the model is right nearly every time."

train_epoch(model, loader, optimizer) trains for one epoch and returns (loss, accuracy).

    model      maps x (N, F) to logits (N, K); arrives in train or eval mode, trains in train mode
               and is left in train mode
    loader     iterable of batches, can be read once only; one sample or more each, sizes differ
      x        (N, F)  of the model's dtype and on its device
      y        (N, 1)  int64 class indices, as they come out of our database
    optimizer  holds the model's parameters; one step a batch, on its mean cross entropy alone:
               gradients left over from earlier have no part in it
    loss       float: the mean over all samples of the epoch
    accuracy   float: the share of all samples whose class the model ranked first

Both figures are those of the training itself: each batch goes through the model once, and its
figures are from that pass, before the step. x and y stay as they are.

Run this file to see the numbers, fix train_epoch, run it again.
Guide: https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
"""

import copy
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


def check(train_epoch):
    torch.manual_seed(0)
    F, K = 6, 3
    centers = 2 * torch.randn(5, F)  # of the classes
    first = nn.Linear(F, K)
    optimizer = torch.optim.SGD(first.parameters(), lr=0.05)
    for epoch in range(1, 5):
        loss, accuracy = train_epoch(first, batches_of((32,) * 5, centers[:K]), optimizer)
        print(f"epoch {epoch}: loss {loss:.3f}, accuracy {accuracy:.1%}")

    parts = [nn.Linear(F, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, K)]
    passes: list[tuple[Tensor, ...]] = []  # through the model
    for name, model, sizes in (
        ("the model from above", first, (32, 32, 5)),
        ("an untrained linear model, 5 classes", nn.Linear(F, 5), (7, 4, 1)),
        ("one with BatchNorm and Dropout", nn.Sequential(*parts), (9, 9, 4)),
        ("one in float64", nn.Linear(F, K).double(), (1,)),
    ):
        twin = copy.deepcopy(model)
        mine, other = (torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9) for m in (model, twin))
        for p in model.parameters():
            p.grad = torch.ones_like(p)  # left over from somewhere
        model.register_forward_pre_hook(lambda _, given: passes.append(given))
        for epoch, note in ((1, " (before it all gradients are 1)"), (2, "")):
            what = f"{name}, an iterator of batches of {sizes}, epoch {epoch}{note}: "
            *_, bias = model.parameters()  # as long as there are classes
            batches = batches_of(sizes, centers[: len(bias)].to(bias.dtype))
            before = copy.deepcopy(batches)
            passes.clear()
            torch.manual_seed(epoch)  # for Dropout
            try:
                result = train_epoch(model, iter(batches), mine)
            except (TypeError, ZeroDivisionError) as error:
                raise AssertionError(f"{what}{error!r}, want (loss, accuracy)") from error
            n = len(passes)
            assert n == len(sizes), f"{what}{n} passes through the model, want {len(sizes)}"
            torch.manual_seed(epoch)
            want = counted_one_by_one(twin, batches, other)
            kinds = [type(v) for v in result]
            assert kinds == [float, float], f"{what}{result!r}, want two floats"
            for figure, got, right in zip(("loss", "accuracy"), result, want, strict=True):
                assert abs(got - right) < 1e-5, f"{what}{figure} {got:.6f}, want {right:.6f}"
            after = model.state_dict()
            for key, value in twin.state_dict().items():
                torch.testing.assert_close(
                    after[key],
                    value,
                    msg=lambda m, w=f"{what}wrong {key} after the steps": f"{w}\n{m}",
                )
            modes = {part.training for part in model.modules()}
            assert modes == {True}, f"{what}left in a mode with training {modes}, want True"
            for t, old in zip(sum(batches, ()), sum(before, ()), strict=True):
                assert t.shape == old.shape and torch.equal(t, old), f"{what}a batch was changed"
            model.eval()


def batches_of(sizes: tuple[int, ...], centers: Tensor) -> list[tuple[Tensor, Tensor]]:
    labels = [torch.randint(len(centers), (n, 1)) for n in sizes]
    return [(centers[y[:, 0]] + torch.randn_like(centers[y[:, 0]]), y) for y in labels]


def counted_one_by_one(
    model: nn.Module, batches: list[tuple[Tensor, Tensor]], optimizer: torch.optim.Optimizer
) -> tuple[float, float]:
    losses, hits = [], []
    for x, y in batches:
        now = []
        for logits, label in zip(model.train()(x), y.flatten(), strict=True):
            now.append(nn.functional.cross_entropy(logits, label))
            hits.append(all(logits[label] >= other for other in logits))
        optimizer.zero_grad()
        torch.stack(now).mean().backward()
        optimizer.step()
        losses += [loss.item() for loss in now]
    return sum(losses) / len(losses), sum(hits) / len(hits)


if __name__ == "__main__":
    try:
        check(train_epoch)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bug_8.py")
