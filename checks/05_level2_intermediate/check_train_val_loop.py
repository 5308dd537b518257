"""What challenge_train_val_loop.py requires.

A model of one weight and a loss that is the mean of its first logit make every number one that can
be done by hand; only `groups` compares with a twin that is trained in plain code, not validated.
"""

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from checks.models_and_files import everything_in, state_is
from checks.pipelines import Readings
from checks.tools import attempt, equal, names_are
from checks.training import (
    CPU,
    META,
    Difference,
    arrives_on_device,
    batches_of,
    every_loss_counts,
    is_float,
    like_twin,
    line,
    loader_of,
    modes_of,
    nested,
    one_step_per_batch,
    passes,
    sgd,
    small_batches,
    small_net,
    steps_use,
    value_error,
    watching,
)

KEYS = ["train_loss", "val_loss", "val_acc"]
SHIFT = 0.123456  # so that a loss that is rounded shows
TRAIN, EVAL, PARTS = "in train mode", "in eval mode", "with parts in eval mode"


def steps(train_one_epoch):
    train = with_classes(train_one_epoch)
    one_step_per_batch(train, "train_one_epoch, ")
    one_step_per_batch(train, "train_one_epoch, x of the last one inf, ", last=torch.inf)
    batches = batches_of([1, 2, 4], [3, 2, 1])
    what = "train_one_epoch, 3 batches of"
    steps_use(what, train, batches, ([1, 2, 4], [1, 1, 1]))


def loss(train_one_epoch, validate):
    loader, model = loader_of(classes([1, 1], [3, 1])), line()
    got = train_one_epoch(model, loader, Difference(), sgd(model), CPU)
    what = "train_one_epoch, batches of [3, 1] samples, losses [0, -0.2] before, [-0.2, -0.4] after"
    is_float(got, -0.05, f"{what} their steps: mean loss")
    for sizes, means in (([4, 2, 1], [0.5, 2, 3]), ([2, 5], [-0.314159, 0])):
        loader, model = loader_of(classes(means, sizes)), line(1.0)
        what = f"batches of {sizes} samples, losses {means}: mean loss"
        want = sum(n * mean for n, mean in zip(sizes, means, strict=True)) / sum(sizes)
        with torch.enable_grad():  # `restored` minds who switched it off
            got = train_one_epoch(model, loader, Difference(), sgd(model, lr=0.0), CPU)
        is_float(got, want, f"train_one_epoch, {what}")
        is_float(pair(validate(model, loader, Difference(), CPU))[0], want, f"validate, {what}")


def accuracy(validate):
    logits = torch.tensor([[2.0, 0, 1], [0, 5, -1], [0, 3, 9], [-3, -2, -1], [4, 3, 2], [-2, 7, 6]])
    for labels, sizes, hits in (
        ([0, 1, 2, 2, 0, 1], [6], 6),
        ([0, 1, 2, 0, 1, 0], [4, 2], 3),
        ([1, 0, 1, 0, 1, 1], [5, 1], 1),
        ([1, 0, 1, 0, 1, 0], [2, 4], 0),
    ):
        y = torch.tensor(labels)
        batches = list(zip(logits.split(sizes), y.split(sizes), strict=True))
        got = pair(validate(nn.Identity(), loader_of(batches), first_logit, CPU))
        is_float(got[1], hits / 6, f"validate, {hits} of 6 right, in batches of {sizes}: accuracy")


def untouched(validate):
    model, batches, entropy = small_net(), small_batches(torch.float32), nn.CrossEntropyLoss()
    entropy(model(batches[0][0]), batches[0][1]).backward()
    model[4].requires_grad_(False).bias.grad = None
    before, graphs = everything_in(model), list[bool]()
    hook = model.register_forward_hook(lambda *io: graphs.append(io[2].requires_grad))
    with watching(model) as seen:
        validate(model, loader_of(batches), entropy, CPU)
    hook.remove()
    what = "validate, 3 batches"
    equal(f"{what}: forward passes of the batches", passes(seen, batches), [1, 2, 3])
    equal(f"{what}: forward passes that recorded a graph:", sum(graphs), 0)
    state_is(everything_in(model), before, f"{what}, afterwards")


def history(train_for_epochs):
    # The weight falls by 1 per batch of mean 1: it is -2, -4, -6 after the epochs. The logits are
    # [weight * x, -3]: of the validation samples the first and then the second become wrong.
    x, y = torch.tensor([[1.0], [0.625], [-1], [-3]]), torch.tensor([0, 0, 0, 1])
    for call, epochs in enumerate((2, 0, 3), 1):
        model = OneWeight()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        train, val = loader_of(classes([1, 1], [3, 3])), loader_of([(x, y)])
        what = f"train_for_epochs, epochs={epochs}"
        with watching(model, optimizer) as seen:
            args = model, train, val, shifted, optimizer, CPU, epochs
            got = attempt(what, train_for_epochs, *args)
        trained = sum(len(forward.x) == 3 for forward in seen.forwards)
        foreign = sum(not step.is_given for step in seen.steps)
        for told, n, want in (
            ("forward passes of training batches:", trained, 2 * epochs),
            ("steps:", len(seen.steps), 2 * epochs),
            ("steps of another optimizer:", foreign, 0),
            ("forward passes of the validation batch:", len(seen.forwards) - trained, epochs),
        ):
            equal(f"{what}: {told}", n, want)
        assert isinstance(got, dict), f"{what}: {type(got).__name__}, want a dict"
        names_are(got, KEYS, f"{what}, keys")
        weights = [-2.0 * epoch for epoch in range(1, epochs + 1)]
        expected = {
            "train_loss": [weight + 1.5 + SHIFT for weight in weights],
            "val_loss": [weight * x.mean().item() + SHIFT for weight in weights],
            "val_acc": [0.75, 0.5, 0.25][:epochs],
        }
        for key, want in expected.items():
            right = isinstance(got[key], list) and all(isinstance(v, float) for v in got[key])
            assert right, f"{what}: {key} is {got[key]!r}, want a list of floats"
            got[key], want = ([round(float(v), 6) for v in values] for values in (got[key], want))
            equal(f"{what}, call {call}: {key} is", got[key], want)
        equal(f"{what}: the weight is then", model.weight.item(), -2.0 * epochs)


def mode(train_one_epoch, validate, train_for_epochs):
    train, val = classes([1, 2], [3, 2]), classes([5, 6], [3, 2])

    def training(model, *rest):
        train_one_epoch(model, loader_of(train), *rest)

    def validation(model, criterion, *_):
        validate(model, loader_of(val), criterion, CPU)

    def both(model, *rest):
        train_for_epochs(model, loader_of(train), loader_of(val), *rest, 2)

    for name, call, came in (
        ("train_one_epoch", training, EVAL),
        ("train_one_epoch", training, PARTS),
        ("validate", validation, TRAIN),
        ("validate", validation, PARTS),
        ("train_for_epochs, 2 epochs", both, TRAIN),
    ):
        model, what = nested(came), f"{name}, a model that came {came}"
        with watching(model) as seen:
            attempt(what, call, model, Difference(), sgd(model), CPU)
        for batch, one in zip(passes(seen, train + val), seen.forwards, strict=True):
            trains = batch in (1, 2)
            at = f"{what}: at a forward pass of {'training' if trains else 'validation'}"
            equal(f"{at}, modules in train mode:", one.in_train, one.modules * trains)


def device(train_one_epoch, validate, train_for_epochs):
    def train(model, batches):
        train_one_epoch(model, batches, model.criterion, sgd(model), META)

    def measure(model, batches):
        with ReadsZero():
            validate(model, batches, model.criterion, META)

    def both(model, batches):
        with ReadsZero():
            train_for_epochs(model, batches, batches, model.criterion, sgd(model), META, 1)

    for call, name in (
        (train, "train_one_epoch"),
        (measure, "validate"),
        (both, "train_for_epochs"),
    ):
        arrives_on_device(name, call, torch.tensor([0, 0]))


def restored(train_one_epoch, validate, train_for_epochs):
    batches = classes([1, 2], [3, 2])
    for came, grad, error in (
        (TRAIN, True, None),
        (EVAL, True, None),
        (PARTS, True, None),
        (PARTS, False, None),
        (PARTS, True, ValueError("a file is broken")),
        (PARTS, True, KeyboardInterrupt()),
    ):
        model, kind = nested(came), type(error).__name__
        modes, after = modes_of(model), f", whose loader raised {kind}" if error else ""
        what = f"validate, a model that came {came}, grad mode {grad}{after}"
        with torch.set_grad_enabled(grad):
            try:
                got = validate(model, breaking(batches, error), Difference(), CPU)
            except (ValueError, KeyboardInterrupt) as raised:
                got = raised
            now = torch.is_grad_enabled()
        passed_on = error is None or got is error
        assert passed_on, f"{what}: it gave {got!r}, want that {kind} to reach the caller"
        state_is(modes_of(model), modes, f"{what}: then the train mode of")
        equal(f"{what}: then torch.is_grad_enabled() is", now, grad)
    loader = loader_of(batches)
    for train, loaders, epochs in (
        (train_one_epoch, [loader], []),
        (train_for_epochs, [loader, loader], [2]),
    ):
        model = nested(TRAIN)
        train(model, *loaders, Difference(), sgd(model), CPU, *epochs)
        modes = modes_of(model).values()
        equal(f"after {train.__name__}, modules in train mode:", sum(modes), len(modes))


def iterables(train_one_epoch, validate, train_for_epochs):
    model = line(1.0)
    rest = Difference(), sgd(model, lr=0.0), CPU
    for means, size in (([1, 2], 1), ([1, 2, 6], 2)):
        what = f"an iterator of batches of {size} samples, losses {means}"
        once, again = (iter(classes(means, [size] * len(means))) for _ in range(2))
        trained = attempt(f"train_one_epoch, {what}", train_one_epoch, model, once, *rest)
        measured = attempt(f"validate, {what}", validate, model, again, rest[0], CPU)
        for name, got in (("train_one_epoch", trained), ("validate", measured[0])):
            is_float(got, sum(means) / len(means), f"{name}, {what}: mean loss")
    train, val = (
        Readings(lambda i, first=first: classes([first + i] * i, [2] * i)) for first in (0, 3)
    )
    what = "train_for_epochs, 3 epochs, a loader without length, other batches in each"
    got = attempt(what, train_for_epochs, model, train, val, *rest, 3)
    for key, loader, want in (("train_loss", train, [1, 2, 3]), ("val_loss", val, [4, 5, 6])):
        equal(f"{what}: reads of {key}'s loader:", loader.begun, 3)
        equal(f"{what}: {key} is", got[key], want)


def empty(train_one_epoch, validate, train_for_epochs):
    batches, model = classes([1, 2], [3, 2]), line()
    criterion, optimizer = Difference(), sgd(model)
    for kind, none in (("[]", list), ("iter([])", lambda: iter([]))):
        rest = criterion, optimizer, CPU
        value_error(f"train_one_epoch, loader {kind}", train_one_epoch, model, none(), *rest)
        value_error(f"validate, loader {kind}", validate, model, none(), criterion, CPU)
        for name, loaders in (("train", (none(), batches)), ("val", (batches, none()))):
            what = f"train_for_epochs, {name}_loader {kind}"
            value_error(what, train_for_epochs, model, *loaders, *rest, 1)


def groups(train_for_epochs):
    def train(model, batches, *rest):
        train_for_epochs(model, batches, batches[:2], *rest, 1)

    what = "train_for_epochs, part of the model in "
    like_twin(what, train, small_net().double(), small_batches(), 1e-6, left_out="0.")


def losses(train_one_epoch, validate):
    def measure(model, loader, criterion, optimizer, device):
        return pair(validate(model, classes_of(loader), criterion, device))[0]

    every_loss_counts(with_classes(train_one_epoch), tol=0.01, what="train_one_epoch, ")
    every_loss_counts(measure, steps=lambda n: 0, tol=0.01, what="validate, ")


CORE = (steps, loss, accuracy, untouched, history, mode, device)
EDGES = (restored, iterables, empty, groups, losses)


def classes(means, sizes):
    """Batches of x (B, 1) with these means and of class indices y (B,), all 0."""
    return classes_of(batches_of(means, sizes))


def classes_of(batches):
    """The same batches with class indices y (B,), all 0, in the same kind of loader."""
    kept = [(x, torch.zeros(len(x), dtype=torch.int64)) for x, _ in batches]
    return kept if isinstance(batches, list) else loader_of(kept)


def with_classes(train):
    return lambda model, loader, *rest: train(model, classes_of(loader), *rest)


def pair(got):
    right = isinstance(got, tuple) and len(got) == 2
    assert right, f"validate gave {type(got).__name__} {got!r}, want a tuple of two floats"
    return got


def breaking(batches, error):
    yield from batches
    if error is not None:
        raise error


class OneWeight(nn.Module):
    """Logits [weight * x, -3] of x (B, 1)."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return torch.cat([self.weight * x, torch.full_like(x, -3)], dim=1)


def first_logit(logits, y):
    return logits[:, 0].mean()


def shifted(logits, y):
    return first_logit(logits, y) + SHIFT


class ReadsZero(TorchFunctionMode):
    """Meta tensors hold no numbers: whoever asks for one gets 0, or that two differ."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in ("equal", "allclose"):
            return False
        asks = ("item", "tolist", "cpu", "numpy", "__float__", "__int__", "__bool__")
        to_cpu = name == "to" and "cpu" in map(str, [*args[1:], *(kwargs or {}).values()])
        if (name in asks or to_cpu) and args[0].is_meta:
            args = (torch.zeros_like(args[0], device="cpu"), *args[1:])
        return func(*args, **(kwargs or {}))
