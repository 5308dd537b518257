"""What challenge_gradient_accumulation.py requires.

`order`, `gradients`, `last` and `uneven` train a model of two numbers, whose gradients can be done
by hand; only `groups` compares with a twin that is trained in plain code.
"""

import copy
import weakref
from functools import partial

import torch
from torch import nn

from checks.training import (
    CPU,
    META,
    arrives_on_device,
    batches_of,
    counting_graphs,
    every_loss_counts,
    like_twin,
    mean_of_all_samples,
    no_batch_is_refused,
    one_step_per_batch,
    reads_any_iterable,
    refused_untouched,
    sgd,
    small_net,
    steps_use,
    whole_model_in_train_mode,
)


def order(train_one_epoch_accum):
    for accum_steps, sizes, want in (
        (3, (3, 2, 4, 3, 1, 2, 2), (3, 6, 7)),
        (2, (3, 2, 4, 3), (2, 4)),
        (1, (3, 2, 4), (1, 2, 3)),
        (5, (3, 2), (2,)),
    ):
        train = partial(train_one_epoch_accum, accum_steps=accum_steps)
        one_step_per_batch(train, f"accum_steps {accum_steps}, ", sizes, want)
    train = partial(train_one_epoch_accum, accum_steps=2)
    what = "accum_steps 2, x of the last one inf, "
    one_step_per_batch(train, what, (3, 2, 4), (2, 3), torch.inf)


def gradients(train_one_epoch_accum):
    grouped(train_one_epoch_accum, 2, [1, 2, 4, 8], [3] * 4, [1.5, 6], (10.0, 20.0))
    grouped(train_one_epoch_accum, 3, [1, 2, 6, 4, 2, 9], [3] * 6, [3, 5], (10.0, 20.0))
    grouped(train_one_epoch_accum, 1, [1, 2, 4], [3] * 3, [1, 2, 4], (10.0, 20.0))


def mode(train_one_epoch_accum):
    whole_model_in_train_mode(partial(train_one_epoch_accum, accum_steps=2))


def loss(train_one_epoch_accum):
    mean_of_all_samples(partial(train_one_epoch_accum, accum_steps=2))


def device(train_one_epoch_accum):
    def train(model, batches):
        train_one_epoch_accum(model, batches, model.criterion, sgd(model), META, 2)

    arrives_on_device("train_one_epoch_accum", train)


def last(train_one_epoch_accum):
    grouped(train_one_epoch_accum, 3, [1, 2, 3, 4, 8], [3] * 5, [2, 6])
    grouped(train_one_epoch_accum, 9, [1, 2], [3] * 2, [1.5])


def uneven(train_one_epoch_accum):
    grouped(train_one_epoch_accum, 2, [1, 4, 2, 6], [4, 2, 1, 3], [2, 5])
    grouped(train_one_epoch_accum, 3, [1, 2, 4], [5, 4, 1], [1.7])


def iterables(train_one_epoch_accum):
    reads_any_iterable(partial(train_one_epoch_accum, accum_steps=2))


def groups(train_one_epoch_accum):
    model = small_net().double()
    model[0].bias.requires_grad_(False)
    model.register_parameter("unused", nn.Parameter(torch.ones(2)))
    batches = [(torch.randn(4, 5).double(), torch.randint(3, (4,))) for _ in range(4)]
    joined = [
        ([x for x, _ in pair], torch.cat([y for _, y in pair]))
        for pair in (batches[:2], batches[2:])
    ]
    train, twin = partial(train_one_epoch_accum, accum_steps=2), Joined(copy.deepcopy(model))
    what = "accum_steps 2, a parameter without gradient, "
    like_twin(what, train, model, batches, 1e-6, by_hand=joined, twin=twin)


def losses(train_one_epoch_accum):
    every_loss_counts(partial(train_one_epoch_accum, accum_steps=1))


def memory(train_one_epoch_accum):
    model, loader = nn.Linear(3, 2), Fresh(11)
    with counting_graphs(model) as counts:
        train_one_epoch_accum(model, loader, nn.MSELoss(), sgd(model), CPU, 3)
    assert counts, "11 batches: the model was never called"
    for what, found, most in (
        ("graphs of earlier batches in memory at each forward pass", counts, 1),
        ("accum_steps 3: earlier batches in memory at each read", loader.held, 6),
    ):
        assert max(found) <= most, f"{what}: {found}, want at most {most}"


def errors(train_one_epoch_accum):
    no_batch_is_refused(partial(train_one_epoch_accum, accum_steps=2))
    for accum_steps in (0, -1):
        train = partial(train_one_epoch_accum, accum_steps=accum_steps)
        refused_untouched(f"accum_steps {accum_steps}", train)


CORE = (order, gradients, mode, loss, device)
EDGES = (last, uneven, iterables, groups, losses, memory, errors)


def grouped(train_one_epoch_accum, accum_steps, means, sizes, want, olds=None):
    """The bias has a gradient of 1 in each batch, the weight the mean of x."""
    what = (
        f"accum_steps {accum_steps}, batches of {', '.join(map(str, sizes))} samples, gradients "
        f"for the weight {means}: groups whose mean loss has"
    )
    train = partial(train_one_epoch_accum, accum_steps=accum_steps)
    steps_use(what, train, batches_of(means, sizes), (want, [1] * len(want)), olds)


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
