"""What challenge_gradient_accumulation.py requires.

`order`, `gradients`, `last` and `uneven` train a model of two numbers, whose gradients can be done
by hand; only `groups` compares with a twin that is trained in plain code.
"""

import copy
import weakref
from functools import partial

import torch
from torch import nn

from checks.hunts import attempt
from checks.training import (
    CPU,
    META,
    Difference,
    arrives_on_device,
    batches_of,
    counting_graphs,
    epoch_by_hand,
    every_loss_counts,
    line,
    loader_of,
    mean_of_all_samples,
    no_batch_is_refused,
    passes,
    reads_any_iterable,
    refused_untouched,
    sgd,
    states_are,
    steps_use,
    watching,
    whole_model_in_train_mode,
)


def order(train_one_epoch_accum):
    for n, accum_steps, want in (
        (7, 3, [3, 6, 7]),
        (4, 2, [2, 4]),
        (3, 1, [1, 2, 3]),
        (2, 5, [2]),
    ):
        batches = batches_of(range(1, n + 1), [3, 2, 4, 3, 1, 2, 2][:n])
        model = line()
        optimizer = sgd(model)
        with watching(model, optimizer) as seen:
            train = with_steps(train_one_epoch_accum, accum_steps)
            train(model, loader_of(batches), Difference(), optimizer, CPU)
        what, all_of_them = f"{n} batches, accum_steps {accum_steps}", list(range(1, n + 1))
        got = passes(seen, batches)
        assert got == all_of_them, (
            f"{what}: forward passes of the batches {got}, want {all_of_them}"
        )
        foreign = sum(not step.is_given for step in seen.steps)
        assert not foreign, f"{what}: {foreign} steps of another optimizer, want 0"
        after = seen.steps_after()
        assert after == want, f"{what}: steps after {after} forward passes, want after {want}"


def gradients(train_one_epoch_accum):
    for accum_steps, means, want in (
        (2, [1, 2, 4, 8], [1.5, 6]),
        (3, [1, 2, 6, 4, 2, 9], [3, 5]),
        (1, [1, 2, 4], [1, 2, 4]),
    ):
        grouped(train_one_epoch_accum, accum_steps, means, [3] * len(means), want)


def mode(train_one_epoch_accum):
    whole_model_in_train_mode(with_steps(train_one_epoch_accum, 2))


def loss(train_one_epoch_accum):
    for accum_steps in (2, 1):
        mean_of_all_samples(with_steps(train_one_epoch_accum, accum_steps))


def device(train_one_epoch_accum):
    def train(model, batches):
        train_one_epoch_accum(model, batches, model.criterion, sgd(model), META, 2)

    arrives_on_device("train_one_epoch_accum", train)
    arrives_on_device("train_one_epoch_accum", train, torch.zeros(2, dtype=torch.float64))


def last(train_one_epoch_accum):
    grouped(train_one_epoch_accum, 3, [1, 2, 3, 4, 8], [3] * 5, [2, 6], None)
    grouped(train_one_epoch_accum, 9, [1, 2], [3] * 2, [1.5], None)


def uneven(train_one_epoch_accum):
    grouped(train_one_epoch_accum, 2, [1, 4, 2, 6], [4, 2, 1, 3], [2, 5], None)
    grouped(train_one_epoch_accum, 3, [1, 2, 4], [5, 4, 1], [1.7], None)


def iterables(train_one_epoch_accum):
    reads_any_iterable(with_steps(train_one_epoch_accum, 2))
    reads_any_iterable(with_steps(train_one_epoch_accum, 1))


def groups(train_one_epoch_accum):
    net = [nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 3)]
    model = nn.Sequential(*net).double()
    model[0].bias.requires_grad_(False)
    model.register_parameter("unused", nn.Parameter(torch.ones(2)))
    twin = Joined(copy.deepcopy(model))
    held, held_by_twin = two_groups(model), two_groups(twin.model)
    optimizer = torch.optim.SGD(held, momentum=0.9)
    x, y = torch.randn(20, 5).double(), torch.randint(3, (20,))
    batches = list(zip(x.split(4), y.split(4), strict=True))[:4]
    joined = [
        ([x for x, _ in group], torch.cat([y for _, y in group]))
        for group in (batches[:2], batches[2:])
    ]
    what = "two parameter groups, a parameter without gradient, accum_steps 2, after epoch"
    for epoch in (1, 2):
        by_hand = nn.CrossEntropyLoss(reduction="none")
        torch.manual_seed(epoch)
        epoch_by_hand(twin, by_hand, joined, held_by_twin, 0.9)
        torch.manual_seed(epoch)  # the same units drop out
        run = model, batches, nn.CrossEntropyLoss(), optimizer, CPU, 2
        attempt(f"{what} {epoch}", train_one_epoch_accum, *run)
        states_are(model.state_dict(), twin.model.state_dict(), f"{what} {epoch}", 1e-6)


def losses(train_one_epoch_accum):
    every_loss_counts(with_steps(train_one_epoch_accum, 1))


def memory(train_one_epoch_accum):
    model, loader = nn.Linear(3, 2), Fresh(11)
    with counting_graphs(model) as counts:
        train_one_epoch_accum(model, loader, nn.MSELoss(), sgd(model), CPU, 3)
    assert counts, "11 batches: the model was never called"
    assert max(counts) <= 1, (
        f"graphs of earlier batches in memory at each forward pass: {counts}, want at most 1"
    )
    assert max(loader.held) <= 6, (
        f"accum_steps 3: earlier batches in memory at each read: {loader.held}, want at most 6"
    )


def errors(train_one_epoch_accum):
    no_batch_is_refused(with_steps(train_one_epoch_accum, 2))
    for accum_steps in (0, -1):
        train = with_steps(train_one_epoch_accum, accum_steps)
        refused_untouched(f"accum_steps {accum_steps}", train)


CORE = (order, gradients, mode, loss, device)
EDGES = (last, uneven, iterables, groups, losses, memory, errors)


def with_steps(train_one_epoch_accum, accum_steps):
    return partial(train_one_epoch_accum, accum_steps=accum_steps)


def grouped(train_one_epoch_accum, accum_steps, means, sizes, want, olds=(10.0, 20.0)):
    """The bias has a gradient of 1 in each batch, the weight the mean of x."""
    batches = batches_of(means, sizes)
    what = (
        f"accum_steps {accum_steps}, batches of {', '.join(map(str, sizes))} samples, gradients "
        f"for the weight {means}: groups whose mean loss has"
    )
    train = with_steps(train_one_epoch_accum, accum_steps)
    steps_use(what, train, batches, (want, [1] * len(want)), olds)


class Fresh:
    """A loader of n new batches; notes how many of the earlier ones are in memory at each read."""

    def __init__(self, n):
        self.n, self.data, self.held = n, weakref.WeakSet(), []

    def __len__(self):
        return self.n

    def __iter__(self):
        for _ in range(self.n):
            self.held.append(len(self.data))
            x = torch.randn(4, 3)
            self.data.add(x)
            yield x, torch.randn(4, 2)
            del x


class Joined(nn.Module):
    """Takes the inputs of all batches of a group; each has a forward pass of its own."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, inputs):
        return torch.cat([self.model(x) for x in inputs])


def two_groups(model):
    params = [p for p in model.parameters() if p.requires_grad]
    return [{"params": params[2:], "lr": 0.1}, {"params": params[:2], "lr": 0.02}]
