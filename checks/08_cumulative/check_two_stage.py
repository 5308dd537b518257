"""What challenge_two_stage.py requires.

`model` compares with the layers of the answer's own modules. The others watch how another model is
trained: by names, modes, snapshots before and after, and gradients that can be done by hand.
"""

import contextlib
import copy
import io

import torch
from torch import nn

from checks.hunts import attempt
from checks.pipelines import Readings, in_modes, mean_of, rows_of, stays_on_meta, watching_run
from checks.tools import close, result_of
from checks.training import CPU, META

SIZES, VAL_SIZES = (3, 2, 2), (3, 2)
LABELS = torch.tensor([0, 2, 1, 1, 0, 2, 0, 1, 2, 0, 0, 1])  # of train samples 0 to 6, then of val


def model(Backbone, Head, BackboneHead):
    for name, module, kinds, shape in (
        ("Backbone(5, 6)", Backbone(5, 6), [nn.Linear, nn.BatchNorm1d], (5,)),
        ("Head(6, 3)", Head(6, 3), [nn.Linear], (6,)),
    ):
        layers = [one for kind in kinds for one in module.modules() if isinstance(one, kind)]
        got, want = [[k.__name__ for k in part] for part in (map(type, layers), kinds)]
        found = [type(one).__mro__ for one in layers]
        is_right = len(layers) == len(kinds) and all(map(lambda a, k: k in a, found, kinds))
        assert is_right, f"{name}: its layers with parameters are {got}, want {want}, one each"
        twin = nn.Sequential(*map(copy.deepcopy, layers))
        for layer, kind in zip(twin, kinds, strict=True):
            layer.__class__ = kind  # where its own class has another forward
        twin.append(nn.ReLU() if len(kinds) == 2 else nn.Identity())
        like_its_layers(name, module, twin, shape, f"{', '.join(want)}{', ReLU' * len(want[1:])}")
    whole = BackboneHead(5, 6, 3)
    parts = {name: type(part).__name__ for name, part in whole.named_children()}
    assert parts == {"backbone": Backbone.__name__, "head": Head.__name__}, (
        f"BackboneHead(5, 6, 3): its parts are {parts}, want backbone: Backbone and head: Head"
    )
    twin = nn.Sequential(copy.deepcopy(whole.backbone), copy.deepcopy(whole.head))
    like_its_layers("BackboneHead(5, 6, 3)", whole, twin, (5,), ".head of .backbone")


def steps(two_stage_train):
    model = Lines()
    for name, p in model.named_parameters():
        p.grad = torch.full_like(p, 10.0 if "weight" in name else 20.0)  # from before the call
    means = [1.0, 2.0, 4.0]
    train = [
        (torch.full((n, 1, 1), m), torch.zeros(n).long()) for m, n in zip(means, SIZES, strict=True)
    ]
    val = [(torch.full((2, 1, 1), 9.0), torch.zeros(2).long())]
    with watching_run(lambda m: m is model) as log:
        what = "1 epoch of 3 batches in each stage"
        call(two_stage_train, what, model, train, val, mean_of, 1, 1, lr=0.0)
    trained = [one for one in log.passes if one.recorded and one.x.max() < 9]
    got = [one.x.mean().item() for one in trained]
    what += ", whose mean x are [1, 2, 4]"
    assert got == means * 2, f"{what}: model(x) of the train batches got {got}, want {means * 2}"
    shapes = [tuple(one.x.shape) for one in trained]
    want = [(n, 1, 1) for n in SIZES] * 2
    assert shapes == want, f"{what}: model(x) got shapes {shapes}, want {want} as they come"
    after = log.steps_after(lambda one: one in trained)
    assert after == [1, 2, 3, 4, 5, 6], (
        f"{what}: steps after {after} forward passes of training, want after [1, 2, 3, 4, 5, 6]"
    )
    for name, stages, want in (
        ("head.weight", "both stages", means * 2),
        ("head.bias", "both stages", [1.0] * 6),
        ("backbone.weight", "stage 1", means),
    ):
        used = (step.grads.get(name, torch.zeros(())).item() for step in log.steps[: len(want)])
        got = [round(grad, 4) for grad in used]
        assert got == want, f"{what}, {stages}: the steps used for {name} {got}, want {want}"


def stage_1(two_stage_train):
    model, log = watched(two_stage_train, 2, 0)
    for i, one in enumerate(filter(of_train, log.passes)):
        at = f"stage 1: epoch {i // 3 + 1}, train batch {i % 3 + 1}"
        in_modes(at, one, lambda name: True)
    start, end = log.start, model.state_dict()
    still = [n for n, _ in model.named_parameters() if torch.equal(start[n], end[n])]
    assert not still, f"2 epochs of stage 1: {', '.join(still)} did not change, want all to"


def stage_2(two_stage_train):
    for before in (0, 1):
        model, log = watched(two_stage_train, before, 2)
        what = f"stage 2 after {before} epochs of stage 1"
        for i, one in enumerate([*filter(of_train, log.passes)][3 * before :]):
            at = f"{what}: epoch {i // 3 + 1}, train batch {i % 3 + 1}"
            in_modes(at, one, lambda name: not name.startswith("backbone"))
            need = [name for name in one.needs if name.startswith("backbone")]
            assert not need, f"{at}: {', '.join(sorted(need))} require gradients, want none"
        start, end = log.stage_2, model.state_dict()
        for name, old in start.items():
            if name.startswith("backbone"):
                close(end[name], old, f"{what}: {name} after it, and before", 0)
        still = [
            n
            for n, _ in model.head.named_parameters()
            if torch.equal(start[f"head.{n}"], end[f"head.{n}"])
        ]
        assert not still, f"{what}: head's {', '.join(still)} did not change, want all to"


def optimizers(two_stage_train):
    for lr in (0.05, None):
        given, lr = {} if lr is None else {"lr": lr}, lr or 1e-3
        model, log = watched(two_stage_train, 1, 2, **given)
        want = {"lr": lr, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False}
        what = f"1 epoch of stage 1, 2 of stage 2, {f'lr {lr}' if given else 'lr not given'}"
        number = 3
        stages = log.steps[:number], log.steps[number:]
        for stage, some in enumerate(stages, 1):
            kinds = sorted({type(step.optimizer).__name__ for step in some})
            at = f"{what}: stage {stage}"
            assert kinds == ["Adam"], f"{at} steps with {kinds or 'no optimizer'}, want Adam"
            for step in some:
                for key, value in want.items():
                    got = step.options[key]
                    assert got == value, f"{at}: Adam has {key} {got}, want {value}"
            number = len({id(step.optimizer) for step in some})
            assert number == 1, f"{at}: {number} optimizers step, want one"
        names = [n for n, _ in model.named_parameters()]
        missing = [n for n in names if n not in stages[0][0].held]
        assert not missing, f"{what}: the optimizer of stage 1 lacks {', '.join(missing)}"
        new = stages[0][0].optimizer is not stages[1][0].optimizer
        assert new, f"{what}: stage 2 steps with the optimizer of stage 1, want a new one"
        held = sorted(n for n in stages[1][0].held if n.startswith("backbone"))
        assert not held, f"{what}: the optimizer of stage 2 holds {', '.join(held)}, want no such"


def measure(two_stage_train):
    _, log = watched(two_stage_train, 1, 1)
    what = "1 epoch in each stage"
    epochs = [val for _, val in log.epochs(of_train)]
    assert len(epochs) == 2, f"{what}: train batches came in {len(epochs)} epochs, want 2"
    for i, some in enumerate(epochs, 1):
        at = f"{what}: after the epoch of stage {i}"
        shapes = {tuple(one.x.shape[1:]) for one in some}
        shown = sorted(shapes)
        assert shown == [(1, 2)], f"{at} the x without B were {shown}, want (1, 2) as they come"
        got = sorted({int(n) for one in some for n in numbers_in(one.x).tolist()})
        want = list(range(7, 12))
        assert got == want, f"{at} the model in eval mode got the samples {got}, want those of val"
        for one in some:
            in_modes(f"{at}, a val batch", one, lambda name: False)
            assert not one.recorded, f"{at}, a val batch: gradients are recorded, want none"


def lines(two_stage_train):
    for first, second in ((2, 1), (1, 2), (None, None)):
        _, log = watched(two_stage_train, first, second)
        given, first, second = first is not None, first or 2, second or 2
        want = []
        for i, (train, val) in enumerate(log.epochs(of_train)):
            losses = [loss_of(one.x, one.out).item() for one in train]
            total = sum(loss * len(one.x) for loss, one in zip(losses, train, strict=True))
            stage, epoch = (1, i + 1) if i < first else (2, i - first + 1)
            want.append([stage, epoch, total / sum(SIZES), share(val)])
        what = f"{first} epochs of stage 1, {second} of stage 2{'' if given else ' by default'}"
        number = len(want)
        assert number == first + second, f"{what}: {number} epochs were run"
        what += ': lines that begin "stage"'
        got = rows_of(log.printed, "stage", 4)
        assert len(got) == len(want), f"{what}, with 4 numbers: {len(got)}, want {len(want)}"
        for row, right in zip(got, want, strict=True):
            is_right = all(abs(a - b) <= 1e-3 for a, b in zip(row, right, strict=True))
            right = [round(n, 4) for n in right]
            assert is_right, f"{what}: {row}, want stage, epoch, loss, accuracy {right}"


def result(two_stage_train):
    for epochs in ((1, 1), (2, 2), (3, 1)):
        _, log = watched(two_stage_train, *epochs)
        what = f"{epochs[0]} epochs of stage 1, {epochs[1]} of stage 2: returned {log.got!r}"
        kind = type(log.got).__name__
        assert kind == "float", f"{what} of type {kind}, want a float"
        right = share(log.epochs(of_train)[-1][1])
        assert abs(log.got - right) < 1e-6, f"{what}, want {right}, the share of val samples"


def afterwards(two_stage_train):
    for epochs in ((1, 1), (1, 0), (0, 1)):
        for arrives in (True, False):
            model, log = watched(two_stage_train, *epochs, train=arrives)
            what = f"{epochs[0]} epochs of stage 1, {epochs[1]} of stage 2: afterwards"
            modes = [part.training for part in model.modules()]
            assert not any(modes), (
                f"{what} {sum(modes)} of {len(modes)} modules are in train mode, want none"
            )
            frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
            assert not frozen, f"{what} {', '.join(frozen)} require no gradients, want as before"
            assert log.enabled, f"{what} gradients are off, want them on as before"


def device(two_stage_train):
    for where in (CPU, META):
        net, arrived = nn.Module(), []
        net.backbone, net.head = nn.Linear(2, 3), nn.Linear(3, 3)
        net.to(META)
        data = [
            (torch.randn(n, 2, device=where), torch.zeros(n, device=where).long()) for n in (3, 2)
        ]

        def forward(x, net=net, arrived=arrived):
            arrived.append((f"the model's x in {'training' if net.training else 'validation'}", x))
            return net.head(net.backbone(x))

        def criterion(logits, y, arrived=arrived):
            arrived.append(("the criterion's y", y))
            return logits.mean()

        net.forward = forward

        def run(net=net, data=data, criterion=criterion):
            with contextlib.redirect_stdout(io.StringIO()):
                two_stage_train(net, data, data, criterion, META, 1, 1)

        stays_on_meta(f"model and device meta, the batches on {where}", run, arrived)


def replaced(BackboneHead):
    whole = BackboneHead(5, 6, 3)
    whole.backbone, whole.head = nn.Linear(2, 7), nn.Linear(7, 4)
    twin = nn.Sequential(whole.backbone, whole.head)
    what = "BackboneHead whose .backbone and .head were replaced by other layers"
    like_its_layers(what, whole, twin, (3, 2), "the new .head of the new .backbone")


def came_frozen(two_stage_train):
    frozen = ["backbone.1.0.bias", "head.0.weight"]
    model, log = watched(two_stage_train, 1, 1, frozen=frozen)
    end = model.state_dict()
    what = f"{', '.join(frozen)} came frozen"
    for name in frozen:
        close(end[name], log.start[name], f"{what}: {name} after both stages, and before", 0)
    loose = [name for name, p in model.named_parameters() if name in frozen and p.requires_grad]
    assert not loose, f"{what}: afterwards {', '.join(loose)} require gradients, want none"


def tied(two_stage_train):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone, self.head = nn.Linear(3, 3), nn.Linear(3, 3)
            self.head.weight = self.backbone.weight

        def forward(self, x):
            return self.head(self.backbone(x))

    model = Tied()
    before, bias = model.head.weight.detach().clone(), model.head.bias.detach().clone()
    model.head.weight.grad = torch.ones(3, 3)
    data = [(torch.randn(4, 3), torch.tensor([0, 1, 2, 2]))] * 2
    what = "stage 2 where both parts share a weight"
    call(two_stage_train, what, model, data, data, nn.CrossEntropyLoss(), 0, 2, lr=0.1)
    close(model.backbone.weight.detach(), before, f"{what}: it is after the stage, and before", 0)
    assert not torch.equal(bias, model.head.bias), f"{what}: head's own bias did not change"


def no_epochs(two_stage_train):
    for epochs in ((0, 2), (1, 0), (0, 0)):
        model, log = watched(two_stage_train, *epochs, train=epochs == (0, 0))
        what = f"{epochs[0]} epochs of stage 1, {epochs[1]} of stage 2"
        number = len(log.steps)
        assert number == 3 * sum(epochs), f"{what}: {number} steps, want {3 * sum(epochs)}"
        val = [one for one in log.passes if not one.is_training]
        assert val, f"{what}: val_loader was not measured"
        right = share(val[-2:])
        assert log.got == right, f"{what}: returned {log.got!r}, want {right}"
        assert not any(part.training for part in model.modules()), f"{what}: not all in eval mode"


def loaders(two_stage_train):
    def make(reading):
        x, y = torch.stack([torch.arange(7.0), torch.full((7,), float(reading))], 1), LABELS[:7]
        x = x[:, None]
        return list(zip(x.split((3, 1, 3)), y.split((3, 1, 3)), strict=True))

    net = Parts(norm=False)
    train, val = Readings(make), Readings(lambda reading: batches()[1])
    with watching_run(lambda m: m is net) as log:
        what = "loaders without a length, batches of [3, 1, 3] train samples"
        call(two_stage_train, what, net, train, val, nn.CrossEntropyLoss(), 2, 2)
    xs = [one.x for one in log.passes if one.is_training]
    got = [len(x) for x in xs]
    assert got == [3, 1, 3] * 4, f"{what}, 4 epochs: the model got {got}, want {[3, 1, 3] * 4}"
    used = [int(x[0, 0, 1]) for x in xs]
    want = [reading for reading in train.whole if reading in used for _ in range(3)]
    assert used == want and len({*used}) == 4, (
        f"{what}, others in each reading, 4 epochs: they come from the readings {used}, "
        "want a new one for each epoch"
    )


def empty(two_stage_train):
    train, val = batches()
    nothing = Readings(lambda reading: [])
    dries_up = Readings(lambda reading: train if reading < 4 else [])
    for what, one, other, epochs in (
        ("train_loader []", [], val, (0, 1)),
        ("train_loader gives nothing, without a length", nothing, val, (2, 2)),
        ("train_loader empty from its fourth reading on", dries_up, val, (2, 3)),
        ("val_loader []", train, [], (2, 2)),
        ("val_loader gives nothing, without a length", train, nothing, (0, 0)),
    ):
        what = f"{what}, {epochs[0]} and {epochs[1]} epochs"
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                got = two_stage_train(Parts(), one, other, nn.CrossEntropyLoss(), CPU, *epochs)
        except NotImplementedError:
            raise
        except ValueError:
            continue
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}, want ValueError") from error
        raise AssertionError(f"{what}: returned {got!r}, want ValueError")


def state(two_stage_train):
    net, (train, val) = Parts(), batches()
    net.backbone[1][1], net.between = nn.Identity(), nn.Identity()  # no Dropout
    before = torch.get_rng_state()
    call(two_stage_train, "lists of batches", net, train, val, nn.CrossEntropyLoss(), 1, 1)
    same = torch.equal(before, torch.get_rng_state())
    assert same, "a model without Dropout, lists of batches: the state of torch's generator changed"
    for enabled, epochs in ((True, 1), (False, 0)):
        with torch.set_grad_enabled(enabled):
            what = f"called with gradients {'on' if enabled else 'off'}, {epochs} epochs a stage"
            data = train, val, nn.CrossEntropyLoss()
            call(two_stage_train, what, Parts(), *data, epochs, epochs)
            now = torch.is_grad_enabled()
        assert now == enabled, f"{what}: afterwards they are {'on' if now else 'off'}"


CORE = (model, steps, stage_1, stage_2, optimizers, measure, lines, result, afterwards, device)
EDGES = (replaced, came_frozen, tied, no_epochs, loaders, empty, state)


class Lines(nn.Module):
    """logits (B, 1) are x (B, 1, 1): the gradient of their mean for a weight is the mean of x."""

    def __init__(self):
        super().__init__()
        self.backbone, self.head = nn.Linear(1, 1, bias=False), nn.Linear(1, 1)
        for p in self.parameters():
            nn.init.ones_(p)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(self.backbone(x.flatten(1)))


class Parts(nn.Module):
    """x (B, 1, 2), the first number that of the sample -> logits (B, 3)."""

    def __init__(self, norm=True):
        super().__init__()
        inner = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.2))
        kind = nn.BatchNorm1d if norm else nn.LayerNorm
        self.backbone, self.between = nn.Sequential(kind(2), inner), nn.Dropout(0.1)
        self.head = nn.Sequential(kind(4), nn.Linear(4, 3))

    def forward(self, x):
        return self.head(self.between(self.backbone(x.flatten(1))))


def batches():
    """Of training and of validation."""
    x = torch.stack([torch.arange(12.0), torch.randn(12)], dim=1)[:, None]
    pairs = list(zip(x.split(SIZES + VAL_SIZES), LABELS.split(SIZES + VAL_SIZES), strict=True))
    return pairs[:3], pairs[3:]


def numbers_in(x):
    return x.flatten(1)[:, 0].long()


def of_train(one):
    return one.recorded and bool((numbers_in(one.x) < 7).all())


def loss_of(x, logits):
    return criterion(logits, LABELS[numbers_in(x)])


def scripted(log, x, out, in_train):
    """Logits of validation: of its 5 samples 4, 1, 5, 2, ... are right after the epochs."""
    if not (numbers_in(x) >= 7).all():
        return None
    right = (4, 1, 5, 2)[max(0, len(log.epochs(of_train)) - 1) % 4]
    wrong = numbers_in(x) - 7 >= right
    return nn.functional.one_hot((LABELS[numbers_in(x)] + wrong) % 3, 3) + 0 * out


def criterion(logits, y):
    return 20 * nn.functional.cross_entropy(logits, y, label_smoothing=0.2)


def share(passes):
    """Of the samples of these passes, how many have their largest logit at y."""
    right = [one.out.argmax(dim=1) == LABELS[numbers_in(one.x)] for one in passes]
    return torch.cat(right).double().mean().item()


def call(two_stage_train, what, net, train, val, criterion, *epochs, **more):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        got = attempt(what, two_stage_train, net, train, val, criterion, CPU, *epochs, **more)
    return got, printed.getvalue()


def watched(two_stage_train, first, second, train=True, frozen=(), **more):
    """(a model that two_stage_train trained, what was seen of it)"""
    net, data = Parts().train(train), batches()
    for name, p in net.named_parameters():
        p.requires_grad_(name not in frozen)
    start = {key: value.clone() for key, value in net.state_dict().items()}
    epochs = () if first is None else (first, second)
    with watching_run(lambda m: m is net, in_place=scripted) as log:
        what = (
            f"{first} epochs of stage 1, {second} of stage 2" if epochs else "2 epochs by default"
        )
        try:
            log.got, log.printed = call(
                two_stage_train, what, net, *data, criterion, *epochs, **more
            )
            log.enabled = torch.is_grad_enabled()
        finally:
            torch.set_grad_enabled(True)  # `afterwards` minds where they are off
    log.start = log.stage_2 = start
    trained = [*filter(of_train, log.passes)][3 * (first or 0) :]
    before = log.passes[: log.passes.index(trained[0])] if trained else []
    log.stage_2 = before[-1].state if before else start
    return net, log


def like_its_layers(what, module, twin, shape, want):
    numbers = [sum(p.numel() for p in part.parameters()) for part in (module, twin)]
    assert numbers[0] == numbers[1], f"{what}: {numbers[0]} parameters, its layers {numbers[1]}"
    for training in (True, False):
        x = 3 * torch.randn(4, *shape) + 1
        on = f"{what}, x {tuple(x.shape)}, {'train' if training else 'eval'} mode"
        got = result_of(on, module.train(training), x)
        close(got, twin.train(training)(x), f"{on}: against {want}")
        module.zero_grad()
        assert got.requires_grad, f"{on}: no gradient flows through it"
        got.square().sum().backward()
        none = [key for key, p in module.named_parameters() if p.grad is None]
        assert not none, f"{on}, then backward: no gradient reached {', '.join(none)}"
