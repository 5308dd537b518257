"""What challenge_training_loop.py requires.

All but `groups` and `memory` train models whose numbers can be done by hand; `groups` compares with
a twin that is trained in plain code.
"""

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
    loader_of,
    mean_of_all_samples,
    no_batch_is_refused,
    one_step_per_batch,
    reads_any_iterable,
    sgd,
    small_batches,
    small_net,
    steps_use,
    whole_model_in_train_mode,
)


def order(train_one_epoch):
    one_step_per_batch(train_one_epoch)
    one_step_per_batch(train_one_epoch, "x of the last one inf, ", last=torch.inf)


def gradients(train_one_epoch):
    batches = batches_of([1, 2, 4], [3, 3, 3])
    steps_use("3 batches of", train_one_epoch, batches, ([1, 2, 4], [1, 1, 1]))


def mode(train_one_epoch):
    whole_model_in_train_mode(train_one_epoch)


def loss(train_one_epoch):
    mean_of_all_samples(train_one_epoch)


def device(train_one_epoch):
    def train(model, batches):
        train_one_epoch(model, batches, model.criterion, sgd(model), META)

    arrives_on_device("train_one_epoch", train)


def iterables(train_one_epoch):
    reads_any_iterable(train_one_epoch)


def empty(train_one_epoch):
    no_batch_is_refused(train_one_epoch)


def groups(train_one_epoch):
    def train(both, batches, criterion, optimizer, device):
        def tempered(logits, y):
            return criterion(both.factor * logits, y)

        train_one_epoch(both.model, batches, tempered, optimizer, device)

    both = Tempered(small_net()).double()
    what = "part of the model and the criterion's factor in "
    like_twin(what, train, both, small_batches(), 1e-6, left_out="model.0")


def losses(train_one_epoch):
    every_loss_counts(train_one_epoch)


def memory(train_one_epoch):
    model = nn.Linear(3, 2)
    batches = [(torch.randn(4, 3), torch.randn(4, 2)) for _ in range(5)]
    with counting_graphs(model) as counts:
        train_one_epoch(model, loader_of(batches), nn.MSELoss(), sgd(model), CPU)
    assert counts, "5 batches: the model was never called"
    assert max(counts) <= 1, (
        f"graphs of earlier batches in memory at each forward pass: {counts}, want at most 1"
    )


CORE = (order, gradients, mode, loss, device)
EDGES = (iterables, empty, groups, losses, memory)


class Tempered(nn.Module):
    """A model and a learned factor of its logits."""

    def __init__(self, model):
        super().__init__()
        self.model, self.factor = model, nn.Parameter(torch.tensor(1.5))

    def forward(self, x):
        return self.factor * self.model(x)
