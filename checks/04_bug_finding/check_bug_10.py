"""What buggy_code_10.py requires.

rates and later look at the rates of each step alone, training runs at one rate all the time, losses
are judged by the logits that the model gave.
"""

import copy

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, StepLR

from checks.hunts import attempt, first_passes, losses_of, noting
from checks.training import epoch_by_hand, states_are, watching


def rates(fit):
    for schedule, batches, want in (
        (decay, cut(32, 8), [0.1, 0.1, 0.01, 0.01, 0.001]),  # 4 batches
        (zigzag, cut(59, 12), [0.1, 0.05, 0.2, 0.08, 0.1]),  # 5
        (decay, cut(59, 16), [0.1, 0.1, 0.01, 0.01, 0.001]),  # 4, the last one shorter
    ):
        found = rates_of(fit, schedule, batches, [5])
        n = max(1, len(found) // 5)  # steps of an epoch
        for i, got in enumerate(found[: 5 * n]):
            for group, rate in enumerate((want[i // n], want[i // n] / 2)):
                assert abs(got[group] - rate) < 1e-6 * rate, (
                    f"5 epochs of {len(batches)} batches, {schedule.__doc__}: epoch {i // n}, step "
                    f"{i % n}, group {group}: rate {got[group]:.4g}, want {rate:.4g}"
                )


def later(fit):
    batches = cut(59, 16)
    for calls in ([2, 3], [1, 1, 3]):
        for schedule in (decay, zigzag):
            once, split = (rates_of(fit, schedule, batches, c) for c in ([5], calls))
            shown = [[round(group[0], 4) for group in found[::4]] for found in (split, once)]
            what = f"{' + '.join(map(str, calls))} epochs, {schedule.__doc__}"
            assert len(split) == len(once), f"{what}: {len(split)} steps, {len(once)} in one call"
            assert torch.allclose(torch.tensor(split), torch.tensor(once)), (
                f"{what}: rates at the start of each epoch {shown[0]}, "
                f"in one call {shown[1]}, want the same"
            )


def training(fit):
    batches, criterion = cut(59, 16), nn.CrossEntropyLoss(reduction="none")
    for training in (True, False):
        model = deep().train(training)
        optimizer, (twin,) = sgd(model), copy.deepcopy(nn.ModuleList([model]))
        for p in model.parameters():
            p.grad = torch.ones_like(p)  # left over from earlier
        what = f"3 epochs of {len(batches)} batches at a constant rate"
        with noting(model) as noted, watching(model, optimizer) as seen:
            attempt(what, fit, model, optimizer, constant(optimizer), batches, 3)
        steps = len(seen.steps_after())
        assert steps == 12, f"{what}: {steps} steps of the given optimizer, want 12"
        assert len(noted) == 12, f"{what}: {len(noted)} forward passes, want 12"
        modes = [n.in_train for n in first_passes(noted, [x for x, _ in batches * 3], what)]
        came = f"the model came in {'train' if training else 'eval'} mode"
        assert all(modes), f"{what}, {came}: {sum(modes)} of 12 passes in train mode, want 12"
        groups = [{"params": list(twin[:2].parameters()), "lr": 0.1}]
        groups += [{"params": list(twin[3].parameters()), "lr": 0.05}]
        for _ in range(3):
            epoch_by_hand(twin, criterion, batches, groups, 0.9)
        params, want = (
            {name: p.detach() for name, p in m.named_parameters()} for m in (model, twin)
        )
        states_are(params, want, f"after {what}, all gradients 1 before", 1e-4)


def losses(fit):
    for n, size in ((59, 16), (59, 12)):
        model, batches = deep(nn.Dropout(0.2)), cut(n, size)
        optimizer, what = sgd(model), f"3 epochs of {len(batches)} batches"
        with noting(model) as noted:
            got = attempt(what, fit, model, optimizer, constant(optimizer), batches, 3)
        assert isinstance(got, list), f"{what}: fit gave a {type(got).__name__}, want a list"
        assert len(got) == 3, f"{what}: fit gave {len(got)} losses, want 3"
        kinds = {type(v).__name__ for v in got if not isinstance(v, float)}
        assert not kinds, f"{what}: the losses are of type {', '.join(kinds)}, want float"
        passes, want = iter(first_passes(noted, [x for x, _ in batches * 3], what)), []
        for _ in range(3):
            each = [v for _, y in batches for v in losses_of(next(passes).logits, y)]
            want.append(sum(each) / len(each))
        right = all(abs(g - w) <= 1e-4 * (1 + w) for g, w in zip(got, want, strict=True))
        shown = [[round(v, 4) for v in values] for values in (got, want)]
        assert right, f"{what}: losses {shown[0]}, want {shown[1]} by the logits of the model"


CORE = (rates, later, training, losses)
EDGES = ()


def decay(optimizer):
    """StepLR(step_size=2, gamma=0.1)"""
    return StepLR(optimizer, step_size=2, gamma=0.1)


def zigzag(optimizer):
    """LambdaLR with factors 1, 0.5, 2, 0.8 and again"""
    return LambdaLR(optimizer, lambda epoch: [1.0, 0.5, 2.0, 0.8][epoch % 4])


def constant(optimizer):
    return LambdaLR(optimizer, lambda epoch: 1.0)


def deep(*more):
    layers = [nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), *more, nn.Linear(16, 3)]
    return nn.Sequential(*layers)


def sgd(model):
    """Two groups, the second one at half the rate."""
    groups = [{"params": model[:2].parameters()}, {"params": model[-1].parameters(), "lr": 0.05}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def cut(n, size):
    x = torch.randn(n, 6)
    y = (x[:, :3] + 0.3 * torch.randn(n, 3)).argmax(dim=1)
    return list(zip(x.split(size), y.split(size), strict=True))


def rates_of(fit, schedule, batches, calls):
    """The rates of both groups at each step of the optimizer."""
    model, found = deep(), []
    optimizer = sgd(model)
    scheduler = schedule(optimizer)
    optimizer.register_step_pre_hook(
        lambda *_: found.append([group["lr"] for group in optimizer.param_groups])
    )
    what = f"{' + '.join(map(str, calls))} epochs of {len(batches)} batches, {schedule.__doc__}"
    for epochs in calls:
        attempt(what, fit, model, optimizer, scheduler, batches, epochs)
    assert found, f"{what}: no step of the given optimizer"
    return found
