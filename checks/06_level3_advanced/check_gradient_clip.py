"""What challenge_gradient_clip.py requires.

`norm` and `short` give two layers of one number gradients of 3 and 4 or a multiple of them, whose
2-norm is 5 times as much; only `groups` compares with a twin that is trained in plain code.
"""

import math
from functools import partial

import torch
from torch import nn

from checks.tools import attempt
from checks.training import (
    CPU,
    META,
    Difference,
    Slopes,
    arrives_on_device,
    batches_of,
    every_loss_counts,
    like_twin,
    line,
    loader_of,
    mean_of_all_samples,
    no_batch_is_refused,
    norm_of,
    one_step_per_batch,
    reads_any_iterable,
    refused_untouched,
    sgd,
    shown,
    small_batches,
    small_net,
    steps_use,
    watching,
    whole_model_in_train_mode,
)


def order(train_one_epoch_with_clip):
    one_step_per_batch(gently(train_one_epoch_with_clip))


def gradients(train_one_epoch_with_clip):
    train, batches = gently(train_one_epoch_with_clip), batches_of([1, 2, 4], [3, 3, 3])
    steps_use("max_norm 100, 3 batches of", train, batches, ([0.1, 0.2, 0.4], [0.1] * 3))


def norm(train_one_epoch_with_clip):
    for options, times, want in (
        ({}, [1], 1.0),
        ({"max_norm": 2.0}, [1], 2.0),
        ({"max_norm": 4.5}, [1], 4.5),
        ({"max_norm": 0.05}, [100], 0.05),
        ({"max_norm": 1}, [1, 1, 1], 1.0),
    ):
        steps_are_long(train_one_epoch_with_clip, options, times, want)


def short(train_one_epoch_with_clip):
    for options, times in (
        ({}, 0.1),
        ({"max_norm": 5.1}, 1),
        ({}, 0.0),
        ({"max_norm": math.inf}, 1),
    ):
        steps_are_long(train_one_epoch_with_clip, options, [times], 5 * times)


def mode(train_one_epoch_with_clip):
    whole_model_in_train_mode(train_one_epoch_with_clip)


def loss(train_one_epoch_with_clip):
    mean_of_all_samples(train_one_epoch_with_clip)


def device(train_one_epoch_with_clip):
    def train(model, batches):
        train_one_epoch_with_clip(model, batches, model.criterion, sgd(model), META, 0.5)

    arrives_on_device("train_one_epoch_with_clip", train)


def iterables(train_one_epoch_with_clip):
    reads_any_iterable(train_one_epoch_with_clip)


def groups(train_one_epoch_with_clip):
    model = small_net().double()
    model.register_parameter("unused", nn.Parameter(torch.ones(2)))
    train = partial(train_one_epoch_with_clip, max_norm=0.2)
    what = "max_norm 0.2, a parameter without gradient, "
    like_twin(what, train, model, small_batches(), 1e-3, max_norm=0.2)


def frozen(train_one_epoch_with_clip):
    model = line()
    model.weight.requires_grad_(False).grad = torch.full((1, 1), 12.0)
    optimizer = torch.optim.SGD([model.bias], lr=0.1)
    what = "one batch, a bias of gradient 0.1 and a frozen weight with 12 in its .grad, max_norm 1"
    with watching(model, optimizer) as seen:
        run = model, loader_of(batches_of([1], [3], -1.0)), Difference(), optimizer, CPU
        attempt(what, gently(train_one_epoch_with_clip, 1.0), *run)
    got = seen.grads(0)
    assert got == [0.1], f"{what}: the step used {shown(got)} for the bias, want [0.1]"


def losses(train_one_epoch_with_clip):
    every_loss_counts(train_one_epoch_with_clip)


def errors(train_one_epoch_with_clip):
    no_batch_is_refused(train_one_epoch_with_clip)
    for max_norm in (0, 0.0, -0.5, -math.inf):
        train = partial(train_one_epoch_with_clip, max_norm=max_norm)
        refused_untouched(f"max_norm {max_norm}", train)


CORE = (order, gradients, norm, short, mode, loss, device)
EDGES = (iterables, groups, frozen, losses, errors)


def gently(train_one_epoch_with_clip, max_norm=100.0):
    """On a tenth of the losses, far below max_norm: what clipping does is minded elsewhere."""

    def train(model, loader, criterion, optimizer, device):
        def tenth(output, y):
            return criterion(output, y) / 10

        return train_one_epoch_with_clip(model, loader, tenth, optimizer, device, max_norm)

    return train


def steps_are_long(train_one_epoch_with_clip, options, times, want):
    """Steps on gradients of (3, 4) * times use (3, 4) * a factor, want long."""
    model = Slopes([(3.0 * t, 4.0 * t) for t in times], [20.0] * len(times))
    optimizer = sgd(model, lr=0.0)
    batches = loader_of(batches_of([1] * len(times), [3] * len(times)))
    said = f"max_norm {options['max_norm']}" if options else "default max_norm"
    with watching(model, optimizer) as seen:
        run = model, batches, model.criterion, optimizer, CPU
        attempt(said, train_one_epoch_with_clip, *run, **options)
    right = [0.6 * want, 0.8 * want]
    for i, (step, factor) in enumerate(zip(seen.steps, times, strict=False), 1):
        got = [0.0 if g is None else g.item() for g in step.grads]
        assert all(math.isclose(a, b, rel_tol=3e-4) for a, b in zip(got, right, strict=True)), (
            f"{said}, two layers, gradients {shown([3 * factor, 4 * factor])} (norm {5 * factor:g})"
            f": step {i} used {shown(got)} (norm {norm_of(step.grads):.4g}), want {shown(right)} "
            f"(norm {want:g})"
        )
    made = len(seen.steps)
    assert made == len(times), f"{said}, batches: {len(times)}, steps: {made}, want {len(times)}"
