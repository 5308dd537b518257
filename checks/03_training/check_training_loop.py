"""What challenge_training_loop.py requires.

`order`, `gradients` and `loss` train a model of two numbers, whose gradients and losses can be done
by hand; only `groups` compares with a twin that is trained in plain code.
"""

import copy
import math

import torch
from torch import nn
from torch.utils.data import DataLoader

from checks.training import (
    CPU,
    META,
    Difference,
    all_in_train_mode,
    arrives_on_device,
    batches_of,
    counting_graphs,
    epoch_by_hand,
    line,
    loader_of,
    modes_of,
    passes,
    states_are,
    watching,
)


def order(train_one_epoch):
    for sizes in ((3, 3, 3), (2, 4, 1)):
        batches = batches_of([1, 2, 3], sizes)
        model = line()
        optimizer = sgd(model)
        with watching(model, optimizer) as seen:
            train_one_epoch(model, loader_of(batches), Difference(), optimizer, CPU)
        what = f"batches of {', '.join(map(str, sizes))} samples"
        got = passes(seen, batches)
        assert got == [1, 2, 3], f"{what}: forward passes of the batches {got}, want [1, 2, 3]"
        foreign = [step for step in seen.steps if not step.is_given]
        assert not foreign, f"{what}: {len(foreign)} steps of another optimizer, want 0"
        got = seen.steps_after()
        assert got == [1, 2, 3], f"{what}: steps after {got} forward passes, want after [1, 2, 3]"


def gradients(train_one_epoch):
    model = line()
    optimizer = sgd(model)
    for p, old in zip(model.parameters(), (10.0, 20.0), strict=True):
        p.grad = torch.full_like(p, old)  # left from before the call
    loader = loader_of(batches_of([1, 2, 4], [3, 3, 3]))
    with watching(model, optimizer) as seen:
        train_one_epoch(model, loader, Difference(), optimizer, CPU)
    what = (
        "3 batches whose gradients are {} for the {}, {} in .grad before the call: the steps used"
    )
    for i, name, old, want in ((0, "weight", 10, [1, 2, 4]), (1, "bias", 20, [1, 1, 1])):
        got = seen.grads(i)[:3]
        assert got == want[: len(got)], f"{what.format(want, name, old)} {shown(got)}"
    got = [round(p.item(), 4) for p in model.parameters()]
    if len(seen.steps_after()) == 3:  # `order` minds how many there are
        assert got == [-0.7, -0.3], (
            "3 batches of gradients [1, 2, 4] for the weight and [1, 1, 1] for the bias, lr 0.1: "
            f"they were 0 and are {got} after the epoch, want [-0.7, -0.3]"
        )


def mode(train_one_epoch):
    part = nn.Sequential(nn.Linear(1, 2), nn.Sequential(nn.Dropout(0.0), nn.Identity()))
    for which in ("all of it in eval mode", "parts of it in eval mode", "all of it in train mode"):
        model = nn.Sequential(copy.deepcopy(part), nn.Linear(2, 1))
        model.train("train mode" in which)
        model.training = "all of it in eval" not in which
        batches = loader_of(batches_of([1, 2], [3, 2]))
        with watching(model) as seen:
            train_one_epoch(model, batches, Difference(), sgd(model), CPU)
        what = f"a model that came with {which}"
        all_in_train_mode(what, seen)
        modes = modes_of(model)
        now = sum(modes.values())
        assert now == len(modes), (
            f"{what}: after the epoch {now} of {len(modes)} modules are in train mode, want all"
        )


def loss(train_one_epoch):
    for sizes, means in (([3, 3, 3], [0.5, 2, 3]), ([4, 2, 1], [0.5, 2, 3]), ([2, 5], [-0.31, 0])):
        batches = batches_of(means, sizes, y=0.0612)
        mean_per_sample(train_one_epoch, batches, [mean - 0.0612 for mean in means], batches)
    rows = batches_of([0.5], [5])[0]  # a DataLoader cuts it into 4 samples and 1
    loader = DataLoader(list(zip(*rows, strict=True)), batch_size=4)
    mean_per_sample(train_one_epoch, loader, [0.0, 2.5], list(loader))


def device(train_one_epoch):
    def train(model, batches):
        train_one_epoch(model, batches, model.criterion, sgd(model), META)

    arrives_on_device("train_one_epoch", train)


def iterables(train_one_epoch):
    for means, sizes, wide in (([1, 2], [1, 1], 1), ([1, 2, 3], [1, 4, 2], 1), ([1, 2], [3, 1], 4)):
        batches = batches_of(means, sizes)
        x, y = batches[-1]
        batches[-1] = x, y.expand(-1, wide)  # elements and samples differ
        mean_per_sample(train_one_epoch, iter(batches), means, batches)


def empty(train_one_epoch):
    model = line()
    for kind, loader in (("[]", []), ("iter([])", iter([]))):
        try:
            got = train_one_epoch(model, loader, Difference(), sgd(model), CPU)
        except ValueError:
            continue
        except NotImplementedError:
            raise
        except Exception as error:
            raise AssertionError(f"loader {kind}: {error!r}, want ValueError") from error
        raise AssertionError(f"loader {kind}: returned {got!r}, want ValueError")


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
    for given, dtype, want in (
        ([2.0, 1.0, math.inf], torch.float32, math.inf),
        ([math.nan, 2.0], torch.float32, math.nan),
        ([3e-7, 0.0], torch.float32, 1.5e-7),
        ([0.0, 0.0], torch.float32, 0.0),
        ([1.0] * 300, torch.bfloat16, 1.0),
        ([256.0] + [1.0] * 7, torch.bfloat16, 263 / 8),
    ):
        weight, coming = nn.Parameter(torch.ones((), dtype=dtype)), iter(given)

        def criterion(output, y, weight=weight, coming=coming):
            return weight - weight.detach() + torch.tensor(next(coming), dtype=weight.dtype)

        model = nn.Identity()
        optimizer = torch.optim.SGD([weight], lr=0.1)
        batches = batches_of([0] * len(given), [3] * len(given))
        with watching(model, optimizer) as seen:
            got = train_one_epoch(model, batches, criterion, optimizer, CPU)
        some = ", ".join(map(str, given[:3])) + ", ..." * (len(given) > 3)
        what = f"{len(given)} batches of 3 samples with the {dtype} losses {some}"
        steps = len(seen.steps)
        assert steps == len(given), f"{what}: {steps} steps, want {len(given)}"
        same = math.isclose(got, want, rel_tol=1e-6) or math.isnan(want) and math.isnan(got)
        assert same, f"{what}: returned {got:.6g}, want {want:.6g}"


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


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def shown(values):
    return f"[{', '.join(f'{v:.4g}' for v in values)}]"


def mean_per_sample(train_one_epoch, loader, losses, batches):
    """Steps of lr 0 keep the losses of the batches as they are."""
    sizes, model = [len(y) for _, y in batches], line(1.0)
    got = train_one_epoch(model, loader, Difference(), sgd(model, lr=0.0), CPU)
    what = f"a {type(loader).__name__} of {', '.join(map(str, sizes))} samples"
    assert type(got) is float, f"{what}: returned a {type(got).__name__}, want a float"
    want = sum(a * b for a, b in zip(losses, sizes, strict=True)) / sum(sizes)
    assert abs(got - want) < 1e-6, (
        f"{what}, mean losses of the batches {shown(losses)}: returned {got:.7g}, want {want:.7g}"
    )


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
