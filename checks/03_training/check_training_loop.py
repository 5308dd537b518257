"""What challenge_training_loop.py requires.

All but `groups` and `memory` train models whose numbers can be done by hand; `groups` compares with
a twin that is trained in plain code.
"""

import copy

import torch
from torch import nn

from checks.training import (
    CPU,
    META,
    arrives_on_device,
    batches_of,
    counting_graphs,
    epoch_by_hand,
    every_loss_counts,
    loader_of,
    mean_of_all_samples,
    no_batch_is_refused,
    one_step_per_batch,
    reads_any_iterable,
    sgd,
    states_are,
    steps_use,
    whole_model_in_train_mode,
)


def order(train_one_epoch):
    one_step_per_batch(train_one_epoch)


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
    net = [nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3)]
    both = nn.ModuleDict({"criterion": Tempered(), "model": nn.Sequential(*net)}).double()
    twin = copy.deepcopy(both)
    twin["criterion"].reduction = "none"
    x, y = torch.randn(13, 5).double(), torch.randint(3, (13,))
    batches = list(zip(x.split(5), y.split(5), strict=True))
    held, held_by_twin = parameter_groups(both), parameter_groups(twin)
    optimizer = torch.optim.SGD(held, momentum=0.9)
    for epoch in (1, 2):
        torch.manual_seed(epoch)
        epoch_by_hand(twin["model"], twin["criterion"], batches, held_by_twin, 0.9)
        torch.manual_seed(epoch)  # the same units drop out
        train_one_epoch(both["model"], batches, both["criterion"], optimizer, CPU)
        what = f"part of the model and the criterion's factor in two groups, after epoch {epoch}"
        states_are(both.state_dict(), twin.state_dict(), what, 1e-6)


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


class Tempered(nn.CrossEntropyLoss):
    """Cross entropy of logits times a learned factor."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(1.5))

    def forward(self, logits, y):
        return super().forward(self.factor * logits, y)


def parameter_groups(both):
    """Without the model's first layer; the criterion's factor has a rate of its own."""
    return [
        {"params": list(both["model"][1:].parameters()), "lr": 0.1},
        {"params": list(both["criterion"].parameters()), "lr": 0.02},
    ]
