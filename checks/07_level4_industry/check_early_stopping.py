"""What challenge_early_stopping.py requires.

`training` and `validation` watch a model of two numbers, whose gradients can be done by hand. The
others stop a model whose accuracies are given: epoch i has script[i] of the samples right.
"""

import math
from functools import lru_cache

import torch
from torch import nn

from checks.pipelines import Readings, arrives_on_meta, is_read_anew, mean_of
from checks.tools import attempt, equal, refuses
from checks.training import CPU, META, batches_of, line, loader_of, passes, sgd, watching

N = 13  # samples of validation
RUNS = (  # patience, right samples by epoch, epochs that are run, the best of them
    (3, (9, 4, 9, 11, 11, 2, 3, 13), 7, 4),  # 9 again is no improvement
    (2, (5, 9, 4, 3, 2), 4, 2),
    (1, (4,), 1, 1),
    (5, (5, 9, 4), 3, 2),  # stopped by max_epochs
    (9, (3, 4, 5), 3, 3),
    (2, (9, 4, 5, 3), 3, 1),  # epoch 3 is above epoch 2 only
    (1, (6, 13, 13, 5), 3, 2),
)


def training(early_stopping_loop):
    seen, train, _ = watched_run(early_stopping_loop)
    what, done = "3 epochs of 2 training batches", passes(seen, train)
    got = [number for number in done if number != "?"]
    equal(f"{what}: forward passes of the training batches", got, [1, 2] * 3)
    foreign = sum(not step.is_given for step in seen.steps)
    equal(f"{what}: steps of another optimizer:", foreign, 0)
    got, want = (
        [sum(n != "?" for n in done[: step.forwards]) for step in seen.steps],
        [*range(1, 7)],
    )
    assert got == want, f"{what}: steps after {got} forward passes of training, want after {want}"
    for i, (one, number) in enumerate(zip(seen.forwards, done, strict=True), 1):
        if number != "?":
            at = f"{what}: at forward pass {i}, of training batch {number}, modules in train mode:"
            equal(at, one.in_train, one.modules)
    weights = [round(step.params[0].item(), 4) for step in seen.steps]
    for told, got, want in (
        (", gradients 2, 4 for the weight: the steps used", seen.grads(0), [2, 4] * 3),
        (", gradients 1, 1 for the bias: the steps used", seen.grads(1), [1, 1] * 3),
        (
            ", lr 0.1: the weight, 5 at first, after the steps",
            weights,
            [4.8, 4.4, 4.2, 3.8, 3.6, 3.2],
        ),
    ):
        equal(f"{what}{told}", got, want)
    model, given = line().double(), iter([1.0, math.nan])
    loader, optimizer = numbered(6, 3), sgd(model)
    what = "2 batches of training, the second has a NaN loss"
    with watching(model, optimizer) as seen:
        run = model, loader, loader, lambda logits, y: logits.mean() * next(given, 1), optimizer
        attempt(what, early_stopping_loop, *run, CPU, 1, 1)
    equal(f"{what}: number of steps:", len(seen.steps), 2)


def validation(early_stopping_loop):
    seen, train, val = watched_run(early_stopping_loop)
    what = "3 epochs of 2 training and 2 validation batches"
    names = {1: "train", 2: "train", 3: "val 1", 4: "val 2", "?": "other"}
    order, want = [names[n] for n in passes(seen, train + val)], [*names.values()][:4] * 3
    assert order == want, f"{what}: forward passes {', '.join(order)}; want {', '.join(want)}"
    for i, (one, name) in enumerate(zip(seen.forwards, order, strict=True), 1):
        if name != "train":
            at = f"{what}: at forward pass {i}, of {name},"
            equal(f"{at} modules in train mode:", one.in_train, 0)
            assert not one.recorded, f"{at} gradients are recorded, want none"


def accuracy(early_stopping_loop):
    for right, size in ((7, 13), (10, 4), (2, 6)):
        _, got = run_of(early_stopping_loop, [right], 1, val=numbered(N, size))
        sizes = [min(size, N - i) for i in range(0, N, size)]
        what = f"validation batches of {sizes} samples, the first {right} are right"
        is_pair = isinstance(got, (tuple, list)) and len(got) == 2
        assert is_pair, f"{what}: returned {got!r}, want a pair"
        near = abs(float(got[0]) - right / N) < 1e-6
        assert near, f"{what}: best_acc {float(got[0])}, want {right / N:.6f}"


def patience(early_stopping_loop):
    for waits, script, epochs, _ in RUNS:
        model, _ = stopped(early_stopping_loop, script, waits)
        epochs_are(model, waits, script, epochs)
    x = torch.arange(14010).split((9000, 8, 5002))
    val = loader_of([(part[:, None].double(), part % 3) for part in x])
    script = 9000, 9001, 12, 34
    model, _ = run_of(early_stopping_loop, script, 1, val=val)
    epochs_are(model, 1, script, 3, 14010)


def best(early_stopping_loop):
    for waits, script, _, want in RUNS[1:]:
        model, _ = stopped(early_stopping_loop, script, waits)
        what = f"right in the epochs {[*script]} of {N}, patience {waits}: at the end the model has"
        state, right = model.state_dict(), model.states[want]
        steps = round((0.1 - state["weight"].item()) / 0.1)
        equal(f"{what} the weight after step", steps, 2 * want)
        equal(f"{what} the buffer after step", state["count"].item(), 2 * want)
        got, exact = state["weight"].item(), right["weight"].item()
        assert got == exact, f"{what} weight {got!r}, want {exact!r}, all bits of a float64"


def result(early_stopping_loop):
    for waits, script, _, _ in RUNS[1:4]:
        model, got = stopped(early_stopping_loop, script, waits)
        ran = max(model.states)  # `patience` minds it
        _, alone = stopped(early_stopping_loop, (max(script[:ran]),), 1)  # `accuracy` minds it
        what = f"right in the epochs {[*script]} of {N}, ran {ran}: returned {got!r}"
        assert isinstance(got, tuple), f"{what}, want a tuple"
        kinds = [type(value).__name__ for value in got]
        assert kinds == ["float", "int"], f"{what}, of types {kinds}, want float and int"
        is_right = abs(got[0] - alone[0]) < 1e-6 and got[1] == ran
        assert is_right, f"{what}, want ({alone[0]:.6g}, {ran})"


def afterwards(early_stopping_loop):
    for waits, arrives in ((1, True), (9, True), (1, False)):
        model = Scripted()
        model.part = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()))
        model.train(arrives)
        run_of(early_stopping_loop, [5, 4, 3], waits, model)
        mode = "train" if arrives else "eval"
        what = f"a model that came in {mode} mode, patience {waits}: at the end"
        modes = [part.training for part in model.modules()]
        equal(f"{what} modules in train mode:", sum(modes), 0)
        assert model.enabled, f"{what} gradients are off, want them on as before"


def device(early_stopping_loop):
    what = "model and device meta, the batches on the CPU"
    loader = [(torch.randn(3, 2, 2), torch.randint(3, (3,)))]

    def train(model, criterion):
        early_stopping_loop(model, loader, loader, criterion, sgd(model), META, 1, 1)

    for name, t in arrives_on_meta(what, train):
        shape = tuple(t.shape[1:])
        equal(f"{what}, x (B, 2, 2): {name} without B is", shape, (2, 2) * ("x" in name))


def first(early_stopping_loop):
    for waits, script, want in ((9, (0,), 1), (1, (0, 0, 13), 2)):
        model, _ = run_of(early_stopping_loop, script, waits)
        epochs_are(model, waits, script, want)
        got = model.state_dict()["count"].item()
        assert len(script) > 1 or got == 2, (
            f"accuracy 0 in the only epoch: at the end the model after {got} batches, want 2"
        )


def loaders(early_stopping_loop):
    def made(sign, sizes):
        """Batches whose x all are the number of the reading, times sign."""
        return Readings(
            lambda reading: [
                (torch.full((n, 1), sign * float(reading)), torch.zeros(n).long()) for n in sizes
            ]
        )

    cases = ("train_loader", 1, [3, 1, 2]), ("val_loader", -1, [1, 4])
    read, model = [made(sign, sizes) for _, sign, sizes in cases], line()
    with watching(model) as seen:
        run = model, *read, mean_of, sgd(model), CPU, 3, 5
        attempt("loaders without a length", early_stopping_loop, *run)
    for (name, sign, sizes), loader in zip(cases, read, strict=True):
        xs = [one.x for one in seen.forwards if sign * one.x.sum() > 0]
        is_read_anew(f"3 epochs, {name} without a length", loader, xs, sizes, 3)


def parameters(early_stopping_loop):
    for script in ([9, 4, 3], [3, 4, 5]):
        model = Scripted()
        optimizer, held = sgd(model), model.weight
        run_of(early_stopping_loop, script, 5, model, optimizer)
        what = f"right in the epochs {script} of {N}: after the run"
        assert model.weight is held, f"{what} model.weight is a new one, want that of the optimizer"
        before = model.weight.item()
        model.weight.grad = torch.ones_like(model.weight)
        optimizer.step()
        moved = round(model.weight.item() - before, 4)
        equal(f"{what} a step of the optimizer moves it by", moved, -0.1)


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


class Scripted(nn.Module):
    """Counts the batches it is trained on, 2 an epoch; in epoch i script[i] samples are right.

    x (B, 1) holds the number of each sample, whose class is number % 3: see `numbered`.
    """

    def __init__(self):
        super().__init__()
        self.script, self.states = [3, 4, 5], {}  # states: by epoch
        self.weight = nn.Parameter(torch.tensor(0.1, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        if self.training:
            self.count += 1
            return self.weight.expand(len(x), 3)
        number, epoch = x[:, 0].long(), -(-int(self.count) // 2)
        right = self.script[max(0, min(epoch, len(self.script)) - 1)]
        state = self.state_dict().items()
        self.states.setdefault(epoch, {key: value.clone() for key, value in state})
        answers = (number + (number >= right)) % 3
        return self.weight + 9 * nn.functional.one_hot(answers, 3)


def numbered(count, size):
    """Samples 0 to count - 1 for `Scripted`, in that order."""
    x = torch.arange(count).split(size)
    return loader_of([(part[:, None].double(), part % 3) for part in x])


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


def run_of(early_stopping_loop, script, waits, model=None, optimizer=None, val=None):
    """(the model, what came back) of a run with these accuracies."""
    model = model or Scripted()
    model.script = script
    run = model, numbered(6, 3), val or numbered(N, 8), mean_of, optimizer or sgd(model), CPU
    try:
        what = f"right in the epochs {[*script]}, patience {waits}"
        got = attempt(what, early_stopping_loop, *run, len(script), waits)
        model.enabled = torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)  # `afterwards` minds where they are off
    return model, got


stopped = lru_cache(16)(run_of)  # labels share it


def epochs_are(model, waits, script, want, of=N):
    what = f"patience {waits}, max_epochs {len(script)}, right in the epochs {[*script]} of {of}"
    equal(f"{what}: epochs that were run:", max(model.states, default=0), want)


def refused(early_stopping_loop, what, train, val, max_epochs, waits):
    model = Scripted()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    run = model, train, val, mean_of, optimizer, CPU, max_epochs, waits
    refuses(early_stopping_loop, *run, errors=(ValueError,), call=what)
    enabled = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    assert enabled, f"{what}: after the ValueError gradients are off, want them on as before"
