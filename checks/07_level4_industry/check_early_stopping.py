"""What challenge_early_stopping.py requires.

`training` and `validation` watch a model of two numbers, whose gradients can be done by hand. The
others stop a model whose accuracies are given: epoch i has script[i] of the samples right.
"""

import math

import torch
from torch import nn

from checks.hunts import attempt
from checks.pipelines import Readings, Scripted, mean_of, numbered, stays_on_meta
from checks.training import CPU, META, batches_of, line, loader_of, passes, watching

N = 13  # samples of validation


def training(early_stopping_loop):
    seen, train, _ = watched_run(early_stopping_loop)
    what = "3 epochs of 2 training batches"
    done = passes(seen, train)
    got, want = [number for number in done if number != "?"], [1, 2] * 3
    assert got == want, f"{what}: forward passes of the training batches {got}, want {want}"
    foreign = sum(not step.is_given for step in seen.steps)
    assert not foreign, f"{what}: {foreign} steps of another optimizer, want 0"
    after = [sum(n != "?" for n in done[: step.forwards]) for step in seen.steps]
    assert after == [1, 2, 3, 4, 5, 6], (
        f"{what}: steps after {after} forward passes of training, want after [1, 2, 3, 4, 5, 6]"
    )
    for i, (one, number) in enumerate(zip(seen.forwards, done, strict=True), 1):
        assert number == "?" or one.in_train == one.modules, (
            f"{what}: at forward pass {i}, of training batch {number}, "
            f"{one.in_train} of {one.modules} modules are in train mode, want all"
        )
    for i, name, want in ((0, "weight", [2, 4] * 3), (1, "bias", [1, 1] * 3)):
        got = seen.grads(i)
        assert got == want, (
            f"{what}, gradients {want[:2]} for the {name}: the steps used {got}, want {want}"
        )
    got = [round(step.params[0].item(), 4) for step in seen.steps]
    want = [4.8, 4.4, 4.2, 3.8, 3.6, 3.2]
    assert got == want, (
        f"{what}, lr 0.1: the weight, 5 at first, after each step {got}, want {want}"
    )
    model, given = line(), iter([1.0, math.nan, 1.0, math.nan])
    optimizer = sgd(model)
    with watching(model, optimizer) as seen:
        loader = numbered(6, 3)

        def criterion(logits, y):
            return logits.mean() * next(given)

        early_stopping_loop(model.double(), loader, loader, criterion, optimizer, CPU, 1, 1)
    got = len(seen.steps)
    assert got == 2, f"2 batches of training, the second has a NaN loss: {got} steps, want 2"


def validation(early_stopping_loop):
    seen, train, val = watched_run(early_stopping_loop)
    what = "3 epochs of 2 training and 2 validation batches"
    kinds = passes(seen, train + val)
    order = [f"val {n - 2}" if n != "?" and n > 2 else "train" for n in kinds]
    want = ["train", "train", "val 1", "val 2"] * 3
    assert order == want, f"{what}: forward passes {', '.join(order)}; want {', '.join(want)}"
    for i, one in enumerate(seen.forwards):
        if order[i] != "train":
            at = f"{what}: at forward pass {i + 1}, of {order[i]},"
            assert one.in_train == 0, (
                f"{at} {one.in_train} of {one.modules} modules are in train mode, want 0"
            )
            assert not one.recorded, f"{at} gradients are recorded, want none"


def accuracy(early_stopping_loop):
    for right, size in ((7, 13), (7, 8), (10, 4), (2, 6), (13, 5)):
        got = stopped(early_stopping_loop, [right], 1, size)[1]
        sizes = [min(size, N - i) for i in range(0, N, size)]
        what = f"validation batches of {sizes} samples, the first {right} samples are right"
        best_acc = number_of(what, got, 0)
        want = right / N
        assert abs(best_acc - want) < 1e-6, f"{what}: best_acc {best_acc}, want {want:.6f}"


def patience(early_stopping_loop):
    for limit, script, want in (
        (2, [8, 5, 4, 9, 9], 3),
        (2, [8, 5, 9, 4, 10, 3, 2, 1], 7),
        (3, [9, 4, 9, 11, 11, 2, 3, 13], 7),  # 9 again is no improvement
        (2, [9, 4, 6, 13], 3),
        (1, [6, 13, 13, 5], 3),
        (3, [5, 13, 12, 12, 12, 12], 5),
        (9, [3, 4, 5], 3),
        (1, [4], 1),
    ):
        model, _ = stopped(early_stopping_loop, script, limit)
        got, told = ran(model), f"[{', '.join(map(str, script))}] of {N}"
        what = f"patience {limit}, max_epochs {len(script)}, right in the epochs {told}"
        assert got == want, f"{what}: ran {got} epochs, want {want}"
    script, sizes = [9000, 9001, 12, 34], (9000, 8, 5002)
    x = torch.arange(sum(sizes)).split(sizes)
    val = loader_of([(part[:, None].double(), part % 3) for part in x])
    got = ran(stopped(early_stopping_loop, script, 1, val=val)[0])
    what = f"patience 1, right in the epochs {script} of {sum(sizes)}"
    assert got == 3, f"{what}: ran {got} epochs, want 3"


def best(early_stopping_loop):
    for limit, script, want, how in (
        (2, [5, 9, 4, 3, 2], 2, "stopped early"),
        (5, [5, 9, 4], 2, "stopped by max_epochs"),
        (5, [9, 4, 9, 9], 1, "ties"),
        (5, [3, 4, 5], 3, "the last is the best"),
        (2, [9, 4, 5, 3], 1, "epoch 3 above epoch 2 only"),
    ):
        model, _ = stopped(early_stopping_loop, script, limit)
        what = (
            f"right in the epochs {script} of {N}, patience {limit} ({how}): the model at the end"
        )
        state, right = model.state_dict(), model.states[want]
        steps = [round((0.1 - s["weight"].item()) / 0.1) for s in (state, right)]
        assert steps[0] == steps[1], (
            f"{what} has the weight after {steps[0]} steps, want after {steps[1]}, of epoch {want}"
        )
        got, count = state["count"].item(), right["count"].item()
        assert got == count, (
            f"{what} has its buffer of {got} batches, want {count}, of epoch {want}"
        )
        got, exact = state["weight"].item(), right["weight"].item()
        assert got == exact, f"{what}: weight {got!r}, want {exact!r}, all bits of a float64"


def result(early_stopping_loop):
    for limit, script in ((2, [5, 9, 4, 3, 2]), (5, [5, 9, 4]), (1, [4])):
        model, got = stopped(early_stopping_loop, script, limit)
        epochs = ran(model)
        _, alone = stopped(early_stopping_loop, [max(script[:epochs])], 1)  # `accuracy` minds it
        what = f"right in the epochs {script} of {N}, ran {epochs}: returned {got!r}"
        assert isinstance(got, tuple), f"{what}, want a tuple"
        kinds = [type(value).__name__ for value in got]
        assert kinds == ["float", "int"], f"{what}, of types {kinds}, want float and int"
        is_right = abs(got[0] - alone[0]) < 1e-6 and got[1] == epochs
        assert is_right, f"{what}, want ({alone[0]:.6g}, {epochs})"


def afterwards(early_stopping_loop):
    for limit, how in ((1, "stopped early"), (9, "stopped by max_epochs")):
        for arrives in (True, False):
            model = Scripted([5, 4, 3], 2)
            model.part = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()))
            model.train(arrives)
            stopped(early_stopping_loop, [5, 4, 3], limit, model=model)
            what = f"a model that came in {'train' if arrives else 'eval'} mode, {how}: at the end"
            modes = [part.training for part in model.modules()]
            assert not any(modes), (
                f"{what} {sum(modes)} of {len(modes)} modules are in train mode, want none"
            )
            assert model.enabled, f"{what} gradients are off, want them on as before"


def device(early_stopping_loop):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).to(META)
    arrived = []

    def criterion(logits, y):
        arrived.append(("the criterion's y", y))
        return logits.mean()

    def look(_, inputs):
        mode = "training" if model.training else "validation"
        arrived.append((f"the model's x in {mode}", inputs[0]))

    model.register_forward_pre_hook(look)
    loader = [(torch.randn(n, 4), torch.randint(3, (n,))) for n in (3, 2)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def call():
        early_stopping_loop(model, loader, loader, criterion, optimizer, META, 2, 1)

    what = "model and device meta, the batches on the CPU"
    stays_on_meta(what, call, arrived)
    for p in model.parameters():
        assert p.is_meta, f"{what}: at the end a parameter is on {p.device}"


def first(early_stopping_loop):
    for limit, script, want in ((9, [0], 1), (1, [0, 0, 13], 2), (2, [0, 0, 4], 3)):
        what = f"right in the epochs {script} of {N}, patience {limit}"
        model, _ = stopped(early_stopping_loop, script, limit)
        got = ran(model)
        assert got == want, f"{what}: ran {got} epochs, want {want}"
        steps = model.state_dict()["count"].item()
        assert len(script) > 1 or steps == 2, (
            f"{what}: at the end the model after {steps} batches, want after both of epoch 1"
        )


def loaders(early_stopping_loop):
    train = Readings(lambda reading: numbers(10 * reading, (3, 1, 2)))
    val = Readings(lambda reading: numbers(-10 * reading, (1, 4)))
    model = line()
    with watching(model) as seen:
        run = model, train, val, mean_of, sgd(model), CPU, 3, 5
        attempt("loaders without a length", early_stopping_loop, *run)
    for name, loader, sign, sizes in (
        ("train_loader", train, 1, [3, 1, 2]),
        ("val_loader", val, -1, [1, 4]),
    ):
        xs = [one.x for one in seen.forwards if sign * one.x.sum() > 0]
        what = f"3 epochs, {name} without a length, batches of {sizes} samples"
        got = [len(x) for x in xs]
        assert got == sizes * 3, f"{what}: the model got batches of {got}, want {sizes * 3}"
        used = [sign * round(x.mean().item()) // 10 for x in xs]
        want = [reading for reading in loader.whole if reading in used for _ in sizes]
        assert used == want and len({*used}) == 3, (
            f"{what}, others each time that it is read: the batches come from the readings "
            f"{used}, want a new reading for each epoch"
        )


def parameters(early_stopping_loop):
    for script in ([9, 4, 3], [3, 4, 5]):
        model = Scripted(script, 2)
        optimizer, held = sgd(model), model.weight
        stopped(early_stopping_loop, script, 5, model=model, optimizer=optimizer)
        what = f"right in the epochs {script} of {N}: after the run"
        assert model.weight is held, f"{what} model.weight is a new one, want that of the optimizer"
        before = model.weight.item()
        model.weight.grad = torch.ones_like(model.weight)
        optimizer.step()
        moved = round(model.weight.item() - before, 4)
        assert moved == -0.1, f"{what} a step of the optimizer moves it by {moved}, want by -0.1"


def limits(early_stopping_loop):
    for max_epochs, waits in ((0, 2), (-1, 2), (2, 0), (2, -1)):
        what = f"max_epochs {max_epochs}, patience {waits}"
        refused(early_stopping_loop, what, numbered(6, 3), numbered(6, 3), max_epochs, waits)


def empty(early_stopping_loop):
    full = numbered(6, 3)
    for what, train, val in (
        ("train_loader []", [], full),
        ("val_loader []", full, []),
        ("train_loader gives nothing, without a length", iter([]), full),
        ("val_loader gives nothing, without a length", full, iter([])),
        ("train_loader empty from epoch 2 on", iter(list(full)), full),
        ("val_loader empty from epoch 2 on", full, iter(list(full))),
    ):
        refused(early_stopping_loop, f"{what}, max_epochs 3, patience 2", train, val, 3, 2)


CORE = (training, validation, accuracy, patience, best, result, afterwards, device)
EDGES = (first, loaders, parameters, limits, empty)


def sgd(model, momentum=0.0):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum)


def ran(model):
    return max(model.states, default=0)


def watched_run(early_stopping_loop):
    """Three epochs of a model of two numbers; only the first improves. Its parts differ in mode."""
    model = nn.Sequential(nn.Sequential(line(weight=5.0), nn.Dropout(0.0)), nn.Identity())
    model[0].eval()
    for p in model.parameters():
        p.grad = torch.full_like(p, 10.0)  # left from before the call
    optimizer = torch.optim.SGD([{"params": [p]} for p in model.parameters()], lr=0.1)
    train, val = (
        [(x, torch.tensor([0, 0, 1, 1])[: len(x)]) for x, _ in batches_of(means, sizes)]
        for means, sizes in (([2, 4], [4, 3]), ([7, 8], [3, 2]))
    )
    loaders = loader_of(train), loader_of(val)
    with watching(model, optimizer) as seen:
        what = "3 epochs of 2 training and 2 validation batches"
        attempt(what, early_stopping_loop, model, *loaders, mean_of, optimizer, CPU, 3, 5)
    torch.set_grad_enabled(True)  # `afterwards` minds where they are off
    return seen, train, val


def stopped(early_stopping_loop, script, waits, batch_size=8, model=None, optimizer=None, val=None):
    """(the model, what came back) of a run with these accuracies; model.states by epoch."""
    model = model or Scripted(script, 2)
    model.states = states = {}

    def keep(module, inputs, out):
        if not module.training and module.epoch() not in states:
            state = module.state_dict()
            states[module.epoch()] = {key: value.clone() for key, value in state.items()}

    hook = model.register_forward_hook(keep)
    loaders = numbered(6, 3), val or numbered(N, batch_size)
    optimizer = optimizer or sgd(model)
    try:
        what = f"right in the epochs {script} of {N if val is None else 14010}, patience {waits}"
        run = model, *loaders, mean_of, optimizer, CPU, len(script), waits
        got = attempt(what, early_stopping_loop, *run)
        model.enabled = torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)  # `afterwards` minds where they are off
        hook.remove()
    return model, got


def number_of(what, got, i):
    assert isinstance(got, (tuple, list)) and len(got) == 2, (
        f"{what}: returned {got!r}, want a pair"
    )
    return float(got[i])


def numbers(start, sizes):
    """Batches whose x are all start, start + 1 (or - 1), ..."""
    step = 1 if start > 0 else -1
    return [
        (torch.full((n, 1), float(start + step * i)), torch.zeros(n, dtype=torch.int64))
        for i, n in enumerate(sizes)
    ]


def refused(early_stopping_loop, what, train, val, max_epochs, waits):
    model = Scripted([3, 4, 5], 2)
    try:
        got = early_stopping_loop(
            model, train, val, mean_of, sgd(model, 0.9), CPU, max_epochs, waits
        )
    except NotImplementedError:
        raise
    except ValueError:
        enabled = torch.is_grad_enabled()
        torch.set_grad_enabled(True)
        assert enabled, f"{what}: after the ValueError gradients are off, want them on as before"
        return
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}, want ValueError") from error
    raise AssertionError(f"{what}: returned {got!r}, want ValueError")
