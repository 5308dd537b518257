"""What challenge_two_stage.py requires.

`model` compares with the layers of the answer's own modules. The others watch how another model is
trained: by names, modes, snapshots before and after, and gradients that can be done by hand.
"""

import contextlib
import copy
import io
import math
from functools import lru_cache

import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from checks.pipelines import (
    Readings,
    arrives_on_meta,
    in_modes,
    is_measured,
    is_read_anew,
    is_state,
    lines_are,
    mean_of,
    watching_run,
)
from checks.tools import attempt, close, equal, names_are, refuses, result_of, same
from checks.training import CPU, META

SIZES = 3, 2, 3, 2  # of the batches: two of training, two of validation
LABELS = torch.tensor([0, 2, 1, 1, 0, 1, 2, 0, 0, 1])  # of train samples 0 to 4, then of val


def model(Backbone, Head, BackboneHead):
    for name, module, kinds, shape in (
        ("Backbone(5, 6)", Backbone(5, 6), (nn.Linear, nn.BatchNorm1d), (5,)),
        ("Head(6, 3)", Head(6, 3), (nn.Linear,), (6,)),
    ):
        layers = [[one for one in module.modules() if isinstance(one, kind)] for kind in kinds]
        names = [kind.__name__ for kind in kinds]
        found = dict(zip(names, map(len, layers), strict=True))
        equal(f"{name}: its layers with parameters are", found, dict.fromkeys(names, 1))
        twin = nn.Sequential(*(copy.deepcopy(some[0]) for some in layers))
        for layer, kind in zip(twin, kinds, strict=True):
            layer.__class__ = kind  # where its own class has another forward
        if len(kinds) == 2:
            twin.append(nn.ReLU())
        like_its_layers(name, module, twin, shape, ", ".join(type(one).__name__ for one in twin))
    whole, what = BackboneHead(5, 6, 3), "BackboneHead(5, 6, 3)"
    parts = {name: type(part).__name__ for name, part in whole.named_children()}
    equal(f"{what}: its parts are", parts, {"backbone": Backbone.__name__, "head": Head.__name__})
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
    trained = [one.x for one in log.passes if one.recorded and one.x.max() < 9]
    what += ", whose mean x are [1, 2, 4]"
    got = [x.mean().item() for x in trained]
    equal(f"{what}: model(x) of the train batches got", got, means * 2)
    got, want = [tuple(x.shape) for x in trained], [tuple(x.shape) for x, _ in train * 2]
    equal(f"{what}: model(x) got shapes", got, want)
    log.steps_follow(what)
    for name, stages, want in (
        ("head.weight", "both stages", means * 2),
        ("head.bias", "both stages", [1.0] * 6),
        ("backbone.weight", "stage 1", means),
    ):
        used = (step.grads.get(name, torch.zeros(())).item() for step in log.steps[: len(want)])
        got = [round(grad, 4) for grad in used]
        equal(f"{what}, {stages}: the steps used for {name}", got, want)
    what = "1 epoch of 3 batches, the loss of the first is NaN"
    try:
        with watching_run(lambda m: m is model) as log:
            call(two_stage_train, what, model, train, [val], first_nan, 1, 0)
    except AssertionError:  # an error for such a loss is as right
        return
    log.steps_follow(what)


def stage_1(two_stage_train):
    log = watched(two_stage_train, 2, 0)
    for i, one in enumerate(log.trained()):
        at = f"stage 1: epoch {i // 2 + 1}, train batch {i % 2 + 1}"
        in_modes(at, one, lambda name: True)
    changed("2 epochs of stage 1", log.net, log.start, "")


def stage_2(two_stage_train):
    for before, log in ((0, watched(two_stage_train, 0, 2)), (1, short_run(two_stage_train))):
        what, state = f"stage 2 after {before} epochs of stage 1", log.net.state_dict()
        trained = log.trained()[2 * before :]
        for i, one in enumerate(trained):
            at = f"{what}: epoch {i // 2 + 1}, train batch {i % 2 + 1}"
            in_modes(at, one, lambda name: not name.startswith("backbone"))
            need = ", ".join(sorted(name for name in one.needs if name.startswith("backbone")))
            assert not need, f"{at}: {need} require gradients, want none"
        earlier = log.passes[: log.passes.index(trained[0])] if trained else []
        start = earlier[-1].state if earlier else log.start
        for name, old in start.items():
            if name.startswith("backbone"):
                same(state[name], old, f"{what}: {name} after it, and before")
        changed(what, log.net, start, "head")


def optimizers(two_stage_train):
    for lr, first, log in (
        (0.05, 1, short_run(two_stage_train)),
        (1e-3, 2, watched(two_stage_train)),
    ):
        want = {"lr": lr, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False}
        what, stages = log.what, (log.steps[: 2 * first], log.steps[2 * first :])
        for stage, some in enumerate(stages, 1):
            at = f"{what}: stage {stage}"
            kinds = {type(step.optimizer).__name__ for step in some}
            equal(f"{at}: the optimizers are", kinds or "none", {"Adam"})
            for key, value in want.items():
                got = [step.options[key] for step in some if step.options[key] != value]
                assert not got, f"{at}: Adam has {key} {got[0]}, want {value}"
            number = len({id(step.optimizer) for step in some})
            equal(f"{at}: number of optimizers that step:", number, 1)
        one, two = stages[0][0], stages[1][0]
        params = [name for name, _ in log.net.named_parameters()]
        names_are(one.held, params, f"{what}: the optimizer of stage 1")
        new = one.optimizer is not two.optimizer
        assert new, f"{what}: stage 2 steps with the optimizer of stage 1, want a new one"
        held = ", ".join(sorted(name for name in two.held if name.startswith("backbone")))
        assert not held, f"{what}: the optimizer of stage 2 holds {held}, want no such"


def measure(two_stage_train):
    log = short_run(two_stage_train)
    epochs = log.turns()
    equal(f"{log.what}: epochs of training:", len(epochs), 3)
    for i, (_, some) in enumerate(epochs, 1):
        at = f"{log.what}: after epoch {i}"
        shapes = {tuple(one.x.shape[1:]) for one in some}
        equal(f"{at} the x without B, as they come, were", shapes, {(1, 2)})
        got = sorted({n for one in some for n in one.rows})
        equal(f"{at} the model in eval mode got the samples", got, [*range(5, 10)])
        for one in some:
            is_measured(f"{at}, a val batch", one)


def lines(two_stage_train):
    for first, log in ((1, short_run(two_stage_train)), (2, watched(two_stage_train))):
        what, epochs = log.what, log.turns()
        equal(f"{what}: epochs of training:", len(epochs), first + 2)
        want = []
        for i, (train, val) in enumerate(epochs, 1):
            total = sum(criterion(one.out, LABELS[one.rows]).item() * len(one.x) for one in train)
            place = [1, i] if i <= first else [2, i - first]
            want.append([*place, total / 5, share(val)])
        lines_are(what, log.printed, "stage", want)


def result(two_stage_train):
    log = watched(two_stage_train)
    what, kind = f"{log.what}: returned {log.got!r}", type(log.got).__name__
    assert kind == "float", f"{what} of type {kind}, want a float"
    last = log.turns()[-1][1]
    want = share(last)
    assert abs(log.got - want) < 1e-6, f"{what}, want {want}, the share of val samples"
    kept = is_state(log.net.state_dict(), last[-1].state)
    assert kept, f"{what}, of other weights than the model has at the end, want of these"


def afterwards(two_stage_train):
    for log in (
        short_run(two_stage_train),
        watched(two_stage_train, 2, 0),
        watched(two_stage_train, 0, 2),
    ):
        in_eval_mode(log)
        frozen = ", ".join(name for name, p in log.net.named_parameters() if not p.requires_grad)
        assert not frozen, f"{log.what}: afterwards {frozen} require no gradients, want as before"
        assert log.enabled, f"{log.what}: afterwards gradients are off, want them on as before"


def device(two_stage_train):
    for where in (CPU, META):
        data = [(torch.randn(3, 1, 2, device=where), torch.zeros(3, device=where).long())]

        def train(model, criterion, data=data):
            with contextlib.redirect_stdout(io.StringIO()):
                two_stage_train(model, data, data, criterion, META, 1, 1)

        arrives_on_meta(f"model and device meta, the batches on {where}", train)


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
        same(p.detach(), log.start[name], f"{what}: {name} after both stages, and before")
        assert not p.requires_grad, f"{what}: afterwards {name} requires gradients, want none"


def tied(two_stage_train):
    model = Lines(3)
    model.head.weight = model.backbone.weight
    model.head.weight.grad = torch.ones(3, 3)
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    data = [(torch.randn(4, 3), torch.tensor([0, 1, 2, 2]))] * 2
    what = "stage 2 where both parts share a weight"
    call(two_stage_train, what, model, data, data, nn.CrossEntropyLoss(), 0, 2, lr=0.1)
    got = model.backbone.weight.detach()
    same(got, start["backbone.weight"], f"{what}: it is after the stage, and before")
    changed(what, model, start, "head.bias")


def no_epochs(two_stage_train):
    for epochs in ((0, 2), (2, 0), (0, 0)):
        log = watched(two_stage_train, *epochs)
        equal(f"{log.what}: number of steps:", len(log.steps), 2 * sum(epochs))
        val = [one for one in log.passes if not one.modes[""]]
        assert val, f"{log.what}: val_loader was not measured"
        equal(f"{log.what}: returned", log.got, share(val[-2:]))
        in_eval_mode(log)


def loaders(two_stage_train):
    sizes = 3, 1

    def make(reading):
        x = torch.stack([torch.arange(4.0), torch.full((4,), float(reading))], 1)[:, None]
        return list(zip(x.split(sizes), LABELS[:4].split(sizes), strict=True))

    net, train, val = Parts(nn.LayerNorm), Readings(make), Readings(lambda reading: batches()[1])
    with watching_run(lambda m: m is net) as log:
        what = "train_loader without a length, 4 epochs"
        call(two_stage_train, what, net, train, val, nn.CrossEntropyLoss(), 2, 2)
    is_read_anew(what, train, [one.x for one in log.passes if one.modes[""]], sizes, 4)


def empty(two_stage_train):
    train, val = batches()
    nothing = Readings(lambda reading: [])
    dries_up = Readings(lambda reading: train if reading < 2 else [])
    for what, one, other, epochs in (
        ("train_loader []", [], val, (0, 1)),
        ("train_loader gives nothing, without a length", nothing, val, (2, 2)),
        ("train_loader empty from its second reading on", dries_up, val, (2, 0)),
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
    kept = torch.equal(before, torch.get_rng_state())
    assert kept, "a model without Dropout, lists of batches: the state of torch's generator changed"
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
    x = torch.stack([torch.arange(10.0), torch.randn(10)], dim=1)[:, None]
    pairs = list(zip(x.split(SIZES), LABELS.split(SIZES), strict=True))
    return pairs[:2], pairs[2:]


def numbers_in(x):
    return x.flatten(1)[:, 0].int().tolist()


def scripted(log, rows, out, in_train):
    """Logits of validation: of its 5 samples 4, 1, 5, 2, ... are right after the epochs."""
    if min(rows) < 5:
        return None
    right = (4, 1, 5, 2)[max(0, len(log.turns()) - 1) % 4]
    wrong = torch.tensor(rows) - 5 >= right
    return one_hot((LABELS[rows] + wrong) % 3, 3) + 0 * out


def criterion(logits, y):
    return 20 * cross_entropy(logits, y, label_smoothing=0.2)


def first_nan(logits, y):
    """NaN for a batch of 3; its gradients are those of `mean_of`."""
    return mean_of(logits, y) + (math.nan if len(y) == 3 else 0)


def share(passes):
    """Of the samples of these passes, how many have their largest logit at y."""
    right = [one.out.argmax(dim=1) == LABELS[one.rows] for one in passes]
    return torch.cat(right).double().mean().item()


def changed(what, net, start, part):
    params = net.named_parameters()
    still = [n for n, p in params if n.startswith(part) and torch.equal(start[n], p)]
    assert not still, f"{what}: {', '.join(still)} did not change, want a change"


def in_eval_mode(log):
    modes = [part.training for part in log.net.modules()]
    equal(f"{log.what}: afterwards modules in train mode:", sum(modes), 0)


def call(two_stage_train, what, net, train, val, criterion, *epochs, **more):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        got = attempt(what, two_stage_train, net, train, val, criterion, CPU, *epochs, **more)
    return got, printed.getvalue()


@lru_cache(8)  # labels share it
def watched(two_stage_train, *epochs, frozen=(), **more):
    """What was seen of a run: log.net is trained, log.start was its state."""
    torch.manual_seed(0)
    net, data = Parts(), batches()
    for name in frozen:
        net.get_parameter(name).requires_grad_(False)
    start = {key: value.clone() for key, value in net.state_dict().items()}
    with watching_run(lambda m: m is net, in_place=scripted, rows_of=numbers_in) as log:
        log.what = "stages of {} and {} epochs".format(*epochs or (2, 2))
        log.what += " by default" * (not epochs) + "".join(f", {k} {v}" for k, v in more.items())
        try:
            log.got, log.printed = call(
                two_stage_train, log.what, net, *data, criterion, *epochs, **more
            )
            log.enabled = torch.is_grad_enabled()
        finally:
            torch.set_grad_enabled(True)  # `afterwards` minds where they are off
    log.net, log.start = net, start
    return log


def short_run(two_stage_train):
    return watched(two_stage_train, 1, 2, lr=0.05)


def like_its_layers(what, module, twin, shape, want):
    got, own = (sum(p.numel() for p in part.parameters()) for part in (module, twin))
    equal(f"{what}: number of parameters, against its layers:", got, own)
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
