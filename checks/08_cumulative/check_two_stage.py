"""What challenge_two_stage.py requires.

`model` compares with the layers of the answer's own modules. The others watch how another model is
trained: by names, modes, snapshots before and after, and gradients that can be done by hand.
"""

import contextlib
import copy
import io
from functools import lru_cache

import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from checks.pipelines import (
    Readings,
    in_modes,
    is_measured,
    is_state,
    lines_are,
    mean_of,
    ran,
    stays_on_meta,
    watching_run,
)
from checks.tools import close, refuses, result_of
from checks.training import CPU, META

SIZES = 3, 2, 2, 3, 2  # of the batches: three of training, two of validation
LABELS = torch.tensor([0, 2, 1, 1, 0, 2, 0, 1, 2, 0, 0, 1])  # of train samples 0 to 6, then of val


def model(Backbone, Head, BackboneHead):
    for name, module, kinds, shape in (
        ("Backbone(5, 6)", Backbone(5, 6), [nn.Linear, nn.BatchNorm1d], (5,)),
        ("Head(6, 3)", Head(6, 3), [nn.Linear], (6,)),
    ):
        layers = [one for kind in kinds for one in module.modules() if isinstance(one, kind)]
        got, want = ([kind.__name__ for kind in some] for some in (map(type, layers), kinds))
        is_right = len(layers) == len(kinds) and all(map(isinstance, layers, kinds))
        assert is_right, f"{name}: its layers with parameters are {got}, want {want}, one each"
        twin = nn.Sequential(*map(copy.deepcopy, layers))
        for layer, kind in zip(twin, kinds, strict=True):
            layer.__class__ = kind  # where its own class has another forward
        twin.append(nn.ReLU() if len(kinds) == 2 else nn.Identity())
        like_its_layers(name, module, twin, shape, f"{', '.join(want)}{', ReLU' * len(want[1:])}")
    whole, what = BackboneHead(5, 6, 3), "BackboneHead(5, 6, 3)"
    parts = {name: type(part).__name__ for name, part in whole.named_children()}
    assert parts == {"backbone": Backbone.__name__, "head": Head.__name__}, (
        f"{what}: its parts are {parts}, want backbone: Backbone and head: Head"
    )
    twin = copy.deepcopy(nn.Sequential(whole.backbone, whole.head))
    like_its_layers(what, whole, twin, (5,), ".head of .backbone")


def steps(two_stage_train):
    model, means = Lines(), [1.0, 2.0, 4.0]
    for name, p in model.named_parameters():
        p.grad = torch.full_like(p, 10.0 if "weight" in name else 20.0)  # from before the call
    *train, val = (
        (torch.full((n, 1, 1), m), torch.zeros(n).long())
        for n, m in zip((3, 2, 2, 2), (*means, 9.0), strict=True)
    )
    with watching_run(lambda m: m is model) as log:
        what = "1 epoch of 3 batches in each stage"
        call(two_stage_train, what, model, train, [val], mean_of, 1, 1, lr=0.0)
    trained = [one for one in log.passes if one.recorded and one.x.max() < 9]
    what += ", whose mean x are [1, 2, 4]"
    got, want = ([one.x.mean().item() for one in trained], means * 2)
    assert got == want, f"{what}: model(x) of the train batches got {got}, want {want}"
    got, want = ([tuple(one.x.shape) for one in trained], [(n, 1, 1) for n in (3, 2, 2)] * 2)
    assert got == want, f"{what}: model(x) got shapes {got}, want {want} as they come"
    log.steps_follow(what)
    for name, stages, want in (
        ("head.weight", "both stages", means * 2),
        ("head.bias", "both stages", [1.0] * 6),
        ("backbone.weight", "stage 1", means),
    ):
        used = (step.grads.get(name, torch.zeros(())).item() for step in log.steps[: len(want)])
        got = [round(grad, 4) for grad in used]
        assert got == want, f"{what}, {stages}: the steps used for {name} {got}, want {want}"


def stage_1(two_stage_train):
    log = watched(two_stage_train, 2, 0)
    for i, one in enumerate(log.trained()):
        at = f"stage 1: epoch {i // 3 + 1}, train batch {i % 3 + 1}"
        in_modes(at, one, lambda name: True)
    changed("2 epochs of stage 1", log.net, log.start, "")


def stage_2(two_stage_train):
    for before in (0, 1):
        log = watched(two_stage_train, before, 2)
        what, state = f"stage 2 after {before} epochs of stage 1", log.net.state_dict()
        trained = log.trained()[3 * before :]
        for i, one in enumerate(trained):
            at = f"{what}: epoch {i // 3 + 1}, train batch {i % 3 + 1}"
            in_modes(at, one, lambda name: not name.startswith("backbone"))
            need = sorted(name for name in one.needs if name.startswith("backbone"))
            assert not need, f"{at}: {', '.join(need)} require gradients, want none"
        earlier = log.passes[: log.passes.index(trained[0])] if trained else []
        start = earlier[-1].state if earlier else log.start
        for name, old in start.items():
            if name.startswith("backbone"):
                close(state[name], old, f"{what}: {name} after it, and before", 0)
        changed(what, log.net, start, "head")


def optimizers(two_stage_train):
    for lr in (0.05, None):
        given, lr = {} if lr is None else {"lr": lr}, lr or 1e-3
        log = watched(two_stage_train, 1, 2, **given)
        want = {"lr": lr, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False}
        what = f"1 epoch of stage 1, 2 of stage 2, {f'lr {lr}' if given else 'lr not given'}"
        stages = log.steps[:3], log.steps[3:]
        for stage, some in enumerate(stages, 1):
            kinds, at = {type(step.optimizer).__name__ for step in some}, f"{what}: stage {stage}"
            assert kinds == {"Adam"}, f"{at} steps with {kinds or 'no optimizer'}, want Adam"
            for key, value in want.items():
                got = [step.options[key] for step in some if step.options[key] != value]
                assert not got, f"{at}: Adam has {key} {got[0]}, want {value}"
            number = len({id(step.optimizer) for step in some})
            assert number == 1, f"{at}: {number} optimizers step, want one"
        one, two = stages[0][0], stages[1][0]
        missing = [name for name, _ in log.net.named_parameters() if name not in one.held]
        assert not missing, f"{what}: the optimizer of stage 1 lacks {', '.join(missing)}"
        new = one.optimizer is not two.optimizer
        assert new, f"{what}: stage 2 steps with the optimizer of stage 1, want a new one"
        held = sorted(name for name in two.held if name.startswith("backbone"))
        assert not held, f"{what}: the optimizer of stage 2 holds {', '.join(held)}, want no such"


def measure(two_stage_train):
    epochs, what = watched(two_stage_train, 1, 1).turns(), "1 epoch in each stage"
    assert len(epochs) == 2, f"{what}: train batches came in {len(epochs)} epochs, want 2"
    for i, (_, some) in enumerate(epochs, 1):
        at = f"{what}: after the epoch of stage {i}"
        shapes = sorted({tuple(one.x.shape[1:]) for one in some})
        assert shapes == [(1, 2)], f"{at} the x without B were {shapes}, want (1, 2) as they come"
        got, want = sorted({int(n) for one in some for n in numbers_in(one.x)}), [*range(7, 12)]
        assert got == want, f"{at} the model in eval mode got the samples {got}, want those of val"
        for one in some:
            is_measured(f"{at}, a val batch", one)


def lines(two_stage_train):
    for given in ((2, 1), ()):
        log = watched(two_stage_train, *given)
        first, second = given or (2, 2)
        what, want = (
            f"{first} epochs of stage 1, {second} of stage 2{' by default' * (not given)}",
            [],
        )
        for i, (train, val) in enumerate(log.turns()):
            total = sum(criterion_of(one) * len(one.x) for one in train)
            stage = 1 + (i >= first)
            want.append([stage, i + 1 - first * (stage - 1), total / 7, share(val)])
        number = len(want)
        assert number == first + second, f"{what}: {number} epochs were run"
        lines_are(what, log.printed, "stage", want)


def result(two_stage_train):
    for epochs in ((1, 1), (2, 2)):
        log = watched(two_stage_train, *epochs)
        what = f"{epochs[0]} epochs of stage 1, {epochs[1]} of stage 2: returned {log.got!r}"
        kind = type(log.got).__name__
        assert kind == "float", f"{what} of type {kind}, want a float"
        last = log.turns()[-1][1]
        assert abs(log.got - share(last)) < 1e-6, (
            f"{what}, want {share(last)}, the share of val samples"
        )
        same = is_state(log.net.state_dict(), last[-1].state)
        assert same, f"{what}, of other weights than the model has at the end, want of these"


def afterwards(two_stage_train):
    for epochs in ((1, 1), (1, 0), (0, 1)):
        log = watched(two_stage_train, *epochs)
        what = f"{epochs[0]} epochs of stage 1, {epochs[1]} of stage 2: afterwards"
        modes = [part.training for part in log.net.modules()]
        assert not any(modes), (
            f"{what} {sum(modes)} of {len(modes)} modules are in train mode, want none"
        )
        frozen = [name for name, p in log.net.named_parameters() if not p.requires_grad]
        assert not frozen, f"{what} {', '.join(frozen)} require no gradients, want as before"
        assert log.enabled, f"{what} gradients are off, want them on as before"


def device(two_stage_train):
    for where in (CPU, META):
        net, arrived = nn.Module(), []
        net.backbone, net.head = nn.Linear(2, 3), nn.Linear(3, 3)
        net.to(META)
        x, y = torch.randn(3, 2, device=where), torch.zeros(3, device=where).long()

        def forward(x, net=net, arrived=arrived):
            arrived.append((f"the model's x in {'training' if net.training else 'validation'}", x))
            return net.head(net.backbone(x))

        def criterion(logits, y, arrived=arrived):
            arrived.append(("the criterion's y", y))
            return logits.mean()

        net.forward = forward

        def run(net=net, data=[(x, y)] * 2, criterion=criterion):
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
    frozen = "backbone.1.0.bias", "head.0.weight"
    log, what = watched(two_stage_train, 1, 1, frozen=frozen), f"{', '.join(frozen)} came frozen"
    for name in frozen:
        p = log.net.get_parameter(name)
        close(p.detach(), log.start[name], f"{what}: {name} after both stages, and before", 0)
        assert not p.requires_grad, f"{what}: afterwards {name} requires gradients, want none"


def tied(two_stage_train):
    model = Lines(3)
    model.head.weight = model.backbone.weight
    model.head.weight.grad = torch.ones(3, 3)
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    data = [(torch.randn(4, 3), torch.tensor([0, 1, 2, 2]))] * 2
    what = "stage 2 where both parts share a weight"
    call(two_stage_train, what, model, data, data, nn.CrossEntropyLoss(), 0, 2, lr=0.1)
    got, old = model.backbone.weight.detach(), start["backbone.weight"]
    close(got, old, f"{what}: it is after the stage, and before", 0)
    moved = not torch.equal(start["head.bias"], model.head.bias)
    assert moved, f"{what}: head's own bias did not change"


def no_epochs(two_stage_train):
    for epochs in ((0, 2), (1, 0), (0, 0)):
        log = watched(two_stage_train, *epochs)
        what = f"{epochs[0]} epochs of stage 1, {epochs[1]} of stage 2"
        number = len(log.steps)
        assert number == 3 * sum(epochs), f"{what}: {number} steps, want {3 * sum(epochs)}"
        val = [one for one in log.passes if not one.modes[""]]
        assert val, f"{what}: val_loader was not measured"
        right = share(val[-2:])
        assert log.got == right, f"{what}: returned {log.got!r}, want {right}"
        modes = any(part.training for part in log.net.modules())
        assert not modes, f"{what}: not all in eval mode"


def loaders(two_stage_train):
    def make(reading):
        x = torch.stack([torch.arange(7.0), torch.full((7,), float(reading))], 1)[:, None]
        return list(zip(x.split((3, 1, 3)), LABELS[:7].split((3, 1, 3)), strict=True))

    net, train, val = Parts(nn.LayerNorm), Readings(make), Readings(lambda reading: batches()[1])
    with watching_run(lambda m: m is net) as log:
        what = "loaders without a length, batches of [3, 1, 3] train samples, 4 epochs"
        call(two_stage_train, what, net, train, val, nn.CrossEntropyLoss(), 2, 2)
    xs = [one.x for one in log.passes if one.modes[""]]
    got, want = [len(x) for x in xs], [3, 1, 3] * 4
    assert got == want, f"{what}: the model got {got}, want {want}"
    used = [int(x[0, 0, 1]) for x in xs]
    want = [reading for reading in train.whole if reading in used for _ in range(3)]
    assert used == want and len({*used}) == 4, (
        f"{what}, others in each reading: they come from the readings {used}, "
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
        what, run = f"{what}, epochs {epochs}", (Parts(), one, other, criterion, CPU, *epochs)
        with contextlib.redirect_stdout(io.StringIO()):
            refuses(two_stage_train, *run, errors=(ValueError,), call=what)


def state(two_stage_train):
    net, (train, val) = Parts(), batches()
    net.backbone[1][1], net.between = nn.Identity(), nn.Identity()  # no Dropout
    before = torch.get_rng_state()
    call(two_stage_train, "lists of batches", net, train, val, criterion, 1, 1)
    same = torch.equal(before, torch.get_rng_state())
    assert same, "a model without Dropout, lists of batches: the state of torch's generator changed"
    with torch.set_grad_enabled(False):
        what = "called with gradients off, no epochs"
        call(two_stage_train, what, Parts(), train, val, criterion, 0, 0)
        assert not torch.is_grad_enabled(), f"{what}: afterwards they are on"


CORE = (model, steps, stage_1, stage_2, optimizers, measure, lines, result, afterwards, device)
EDGES = (replaced, came_frozen, tied, no_epochs, loaders, empty, state)


class Lines(nn.Module):
    """logits (B, n) from x (B, ..., n): for n 1 the gradient of a weight is the mean of x."""

    def __init__(self, n=1):
        super().__init__()
        self.backbone, self.head = nn.Linear(n, n, bias=n > 1), nn.Linear(n, n)
        for p in self.parameters() if n == 1 else ():
            nn.init.constant_(p, p.ndim - 1.0)  # weights 1, biases 0

    def forward(self, x):
        return self.head(self.backbone(x.flatten(1)))


class Parts(nn.Module):
    """x (B, 1, 2), the first number that of the sample -> logits (B, 3)."""

    def __init__(self, norm=nn.BatchNorm1d):
        super().__init__()
        inner = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.2))
        self.backbone, self.between = nn.Sequential(norm(2), inner), nn.Dropout(0.1)
        self.head = nn.Sequential(norm(4), nn.Linear(4, 3))

    def forward(self, x):
        return self.head(self.between(self.backbone(x.flatten(1))))


def batches():
    """Of training and of validation."""
    x = torch.stack([torch.arange(12.0), torch.randn(12)], dim=1)[:, None]
    pairs = list(zip(x.split(SIZES), LABELS.split(SIZES), strict=True))
    return pairs[:3], pairs[3:]


def numbers_in(x):
    return x.flatten(1)[:, 0].long()


def scripted(log, x, out, in_train):
    """Logits of validation: of its 5 samples 4, 1, 5, 2, ... are right after the epochs."""
    numbers = numbers_in(x)
    if not (numbers >= 7).all():
        return None
    wrong = numbers - 7 >= (4, 1, 5, 2)[max(0, len(log.turns()) - 1) % 4]
    return one_hot((LABELS[numbers] + wrong) % 3, 3) + 0 * out


def criterion(logits, y):
    return 20 * cross_entropy(logits, y, label_smoothing=0.2)


def criterion_of(one):
    return criterion(one.out, LABELS[numbers_in(one.x)]).item()


def share(passes):
    """Of the samples of these passes, how many have their largest logit at y."""
    right = [one.out.argmax(dim=1) == LABELS[numbers_in(one.x)] for one in passes]
    return torch.cat(right).double().mean().item()


def changed(what, net, start, part):
    params = net.named_parameters()
    still = [n for n, p in params if n.startswith(part) and torch.equal(start[n], p)]
    assert not still, f"{what}: {', '.join(still)} did not change, want all {part} to".replace(
        "  ", " "
    )


def call(two_stage_train, what, net, train, val, criterion, *epochs, **more):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        got = ran(what, two_stage_train, net, train, val, criterion, CPU, *epochs, **more)
    return got, printed.getvalue()


@lru_cache(16)  # labels share it
def watched(two_stage_train, *epochs, frozen=(), **more):
    """What was seen of a run: log.net is trained, log.start was its state."""
    torch.manual_seed(0)
    net, data = Parts(), batches()
    for name in frozen:
        net.get_parameter(name).requires_grad_(False)
    start = {key: value.clone() for key, value in net.state_dict().items()}
    with watching_run(lambda m: m is net, in_place=scripted) as log:
        what = f"{epochs or 'default'} epochs of the stages"
        try:
            log.got, log.printed = call(
                two_stage_train, what, net, *data, criterion, *epochs, **more
            )
            log.enabled = torch.is_grad_enabled()
        finally:
            torch.set_grad_enabled(True)  # `afterwards` minds where they are off
    log.net, log.start = net, start
    return log


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
