"""What challenge_mixed_precision.py requires, on the CPU and with a CPU in place of a GPU.

A model of two numbers gets the gradients that a label wants; only `groups` compares with a twin
whose casts are written out.
"""

import copy
import math

import torch
from torch import nn

from checks.gpu import autocast_now, is_cuda, standing_in
from checks.hunts import attempt
from checks.training import (
    CPU,
    batches_of,
    epoch_by_hand,
    every_loss_counts,
    no_batch_is_refused,
    one_step_per_batch,
    reads_any_iterable,
    shown,
    states_are,
    steps_are_clipped,
    steps_use,
    watching,
    whole_model_in_train_mode,
)

BOTH = ("cpu", "cuda")


def order(train_one_epoch_amp):
    for name in BOTH:
        one_step_per_batch(on(train_one_epoch_amp, name), f"device {name}, ")


def autocast(train_one_epoch_amp):
    for name, on in (("cpu", "bfloat16 on cpu"), ("cuda", "float16 on cuda")):
        seen = trial(train_one_epoch_amp, name, [1.0, 2.0])
        for event, batch, got, dtypes in seen.events:
            want = on if event in ("the forward pass", "the criterion") else "off"
            where = "after the epoch" if event == "the end" else f"at {event} of batch {batch}"
            assert got == want, f"device {name}: autocast {where} is {got}, want {want}"
            assert dtypes == "torch.float32", (
                f"device {name}: parameters {where} are {dtypes}, want torch.float32"
            )


def scaling(train_one_epoch_amp):
    for name, scale in (("cpu", 1), ("cuda", 65536)):
        seen = trial(train_one_epoch_amp, name, [1.0, 0.5])
        got = ", ".join(f"{s:g}" for s in seen.scales)
        assert seen.scales == [scale] * 2, (
            f"device {name}, 2 batches: backward from the loss times {got}, want {scale}, {scale}"
        )
        for used, want in zip(seen.used, ([0.6, 0.8], [0.3, 0.4]), strict=False):
            near = all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(used, want, strict=True))
            assert near, (
                f"device {name}, a batch of gradients {want}: the step used {shown(used)}, "
                f"want {want}"
            )


def skips(train_one_epoch_amp):
    for max_norm in (None, 0.5):
        seen = trial(train_one_epoch_amp, "cuda", [2.0, (1.0, math.inf), 0.1, 3.0], max_norm)
        what = (
            f"device cuda, max_norm {max_norm}, batches 1 to 4, an inf in the gradients of batch 2"
        )
        assert seen.stepped == [1, 3, 4], f"{what}: steps on {seen.stepped}, want [1, 3, 4]"
        first = seen.scales[0]
        got, want = ([f"{s:g}" for s in scales] for scales in (seen.scales, halved(first)))
        assert got == want, f"{what}: scales {', '.join(got)}, want {', '.join(want)}"
    seen = trial(train_one_epoch_amp, "cpu", [2.0, 0.1, (1.0, math.inf)])
    assert seen.stepped == [1, 2, 3], (
        "device cpu, batches 1 to 3, an inf in the gradients of batch 3: steps on "
        f"{seen.stepped}, want [1, 2, 3]"
    )


def clip(train_one_epoch_amp):
    for name in BOTH:
        for max_norm, norms, want in (
            (0.5, [5.0], [0.5]),
            (2.0, [100.0, 1.0, 0.0, 2.5], [2.0, 1.0, 0.0, 2.0]),
            (None, [50.0, 0.1], [50.0, 0.1]),
        ):
            seen = trial(train_one_epoch_amp, name, norms, max_norm)
            what = f"device {name}, max_norm {max_norm}, gradients"
            for norm, used, length in zip(norms, seen.used, want, strict=False):
                given, right = ([0.6 * n, 0.8 * n] for n in (norm, length))
                near = all(
                    math.isclose(a, b, rel_tol=3e-4) for a, b in zip(used, right, strict=True)
                )
                assert near, (
                    f"{what} {shown(given)} (norm {norm:g}): the step used {shown(used)}, "
                    f"want {shown(right)} (norm {length:g})"
                )


def gradients(train_one_epoch_amp):
    batches = batches_of([1, 2, 4], [4, 4, 4])
    for name in BOTH:
        what = f"device {name}, 3 batches of"
        steps_use(what, on(train_one_epoch_amp, name), batches, ([1, 2, 4], [1, 1, 1]))


def mode(train_one_epoch_amp):
    for name in BOTH:
        whole_model_in_train_mode(on(train_one_epoch_amp, name))


def loss(train_one_epoch_amp):
    losses, sizes, norms = [1.0, 2.0, 4.0, 8.5], [4, 3, 2, 1], [2.0, 7e33, 0.1, 3.0]
    for name in BOTH:
        seen = trial(train_one_epoch_amp, name, norms, None, losses, sizes)
        what = f"device {name}, mean losses {shown(losses)} of {', '.join(map(str, sizes))} samples"
        if is_cuda(name):
            what += ", no step on batch 2"
        kind = type(seen.result).__name__
        assert kind == "float", f"{what}: returned a {kind}, want a float"
        assert abs(seen.result - 2.65) < 1e-6, f"{what}: returned {seen.result:.6g}, want 2.65"


def device(train_one_epoch_amp):
    for name in BOTH:
        for x, y in (
            (torch.ones(4, 3, dtype=torch.int64), torch.ones(4, dtype=torch.float64)),
            (torch.ones(4, 3, dtype=torch.float64), torch.ones(4, dtype=torch.int64)),
        ):
            seen = trial(train_one_epoch_amp, name, [1.0], None, [1.0], batches=[(x, y)])
            for what, t in (("model's x", x), ("criterion's output", x), ("criterion's y", y)):
                got, want = seen.kinds.get(what), f"{t.dtype} on {name}"
                assert got == want, f"device {name}: the {what} is {got}, want {want}"


def fresh(train_one_epoch_amp):
    norms = [math.inf, 1.0]
    scales = (trial(train_one_epoch_amp, "cuda", norms).scales for _ in range(2))
    first, second = (", ".join(f"{s:g}" for s in one) for one in scales)
    assert second == first, (
        f"two calls on cuda, an inf in the gradients of batch 1: scales {first} in the first, "
        f"{second} in the second, want the same"
    )


def index(train_one_epoch_amp):
    seen, plain = (trial(train_one_epoch_amp, name, [1.0, 2.0]) for name in ("cuda:0", "cuda"))
    assert seen.scales == plain.scales, (
        f"device cuda:0, 2 batches: scales {seen.scales}, want {plain.scales} as on cuda"
    )
    for (event, batch, got, _), (*_, want, _) in zip(seen.events, plain.events, strict=False):
        assert got == want, (
            f"device cuda:0: autocast at {event} of batch {batch} is {got}, want {want} as on cuda"
        )


def iterables(train_one_epoch_amp):
    for name in BOTH:
        reads_any_iterable(on(train_one_epoch_amp, name, told=False))


def groups(train_one_epoch_amp):
    x, y = torch.randn(13, 5), torch.randint(3, (13,))
    batches = list(zip(x.split(5), y.split(5), strict=True))
    for name in BOTH:
        dtype = torch.float32 if is_cuda(name) else torch.bfloat16  # the stand-in casts nothing
        head = nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3)
        model = nn.Sequential(nn.Linear(5, 6), *head, nn.Linear(6, 3))
        twin = copy.deepcopy(model)
        twin[0], twin[4] = Cast(model[0], dtype), Cast(model[4], dtype)
        optimizer = torch.optim.SGD(two_groups(model), momentum=0.9)
        held_by_twin = two_groups(twin)
        for epoch in (1, 2):
            torch.manual_seed(epoch)
            epoch_by_hand(twin, in_float32, batches, held_by_twin, 0.9, max_norm=0.2)
            torch.manual_seed(epoch)  # the same units drop out
            train = on(train_one_epoch_amp, name, 0.2)
            with watching(model, optimizer) as seen:
                train(model, batches, nn.CrossEntropyLoss(), optimizer, CPU)
            what = f"device {name}, two parameter groups, max_norm 0.2, epoch {epoch}"
            steps_are_clipped(what, seen, 0.2)
            got, want = model.state_dict(), twin.state_dict()
            want = {key.replace("linear.", ""): value for key, value in want.items()}
            states_are(got, want, f"after {what}", 2e-3)


def losses(train_one_epoch_amp):
    for name in BOTH:
        every_loss_counts(on(train_one_epoch_amp, name), what=f"device {name}, ")


def empty(train_one_epoch_amp):
    for name in BOTH:
        no_batch_is_refused(on(train_one_epoch_amp, name, told=False))


CORE = (order, autocast, scaling, skips, clip, gradients, mode, loss, device)
EDGES = (fresh, index, iterables, groups, losses, empty)


def on(train_one_epoch_amp, name, max_norm=None, told=True):
    """A loop over one epoch on that device; told: a crash says on which."""

    def train(model, loader, criterion, optimizer, device):
        run = [model, loader, criterion, optimizer, torch.device(name)]
        run += [max_norm] * (max_norm is not None)
        with standing_in(name):
            if told:
                return attempt(f"device {name}", train_one_epoch_amp, *run)
            return train_one_epoch_amp(*run)

    return train


class Slopes(nn.Module):
    """Gives x back; its two numbers get the gradients given, or 0.6 and 0.8 times the norm given.

    Notes the autocast at each event, the scales of the loss, and what each step used.
    """

    def __init__(self, norms, losses):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(())), nn.Parameter(torch.ones(()))
        self.coming = iter(zip(norms, losses, strict=True))
        self.events, self.scales, self.stepped, self.used, self.kinds = [], [], [], [], {}
        self.batch, self.gpu, self.result = 0, None, None

    def note(self, event):
        kinds = {str(p.dtype) for p in self.parameters()}
        self.events.append((event, self.batch, autocast_now(), ", ".join(sorted(kinds))))

    def forward(self, x):
        self.batch += 1
        self.note("the forward pass")
        self.kinds.setdefault("model's x", self.gpu.kind(x))
        return x

    def criterion(self, output, y):
        self.note("the criterion")
        self.kinds.setdefault("criterion's output", self.gpu.kind(output))
        self.kinds.setdefault("criterion's y", self.gpu.kind(y))
        norm, value = next(self.coming)
        loss = torch.tensor(value)
        slopes = norm if isinstance(norm, tuple) else (0.6 * norm, 0.8 * norm)
        for p, slope in zip((self.a, self.b), slopes, strict=True):
            nothing = p - p.detach()
            nothing.register_hook(lambda grad, slope=slope: grad * slope)
            loss = loss + nothing
        loss.register_hook(self.backward)
        return loss

    def backward(self, grad):
        self.note("the backward pass")
        self.scales.append(grad.item())

    def step(self, *_):
        self.note("the step")
        self.stepped.append(self.batch)
        self.used.append([0.0 if p.grad is None else p.grad.item() for p in self.parameters()])


def trial(train_one_epoch_amp, name, norms, max_norm=None, losses=None, sizes=None, batches=None):
    """What an epoch did whose batches have gradients of these norms."""
    model = Slopes(norms, losses or [1.0] * len(norms))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-36)
    optimizer.register_step_pre_hook(model.step)
    batches = batches or batches_of([0] * len(norms), sizes or [2] * len(norms))
    run = [model, batches, model.criterion, optimizer, torch.device(name)]
    with standing_in(name) as model.gpu:
        what = f"device {name}, max_norm {max_norm}, batches with gradients of norm {norms}"
        run += [max_norm] * (max_norm is not None)
        model.result = attempt(what, train_one_epoch_amp, *run)
        model.batch += 1
        model.note("the end")
    return model


def halved(scale):
    return [scale, scale, scale / 2, scale / 2]


class Cast(nn.Module):
    """A Linear whose casts are written out."""

    def __init__(self, linear, dtype):
        super().__init__()
        self.linear, self.dtype = copy.deepcopy(linear), dtype

    def forward(self, x):
        parts = (t.to(self.dtype) for t in (x, self.linear.weight, self.linear.bias))
        return nn.functional.linear(*parts)


def in_float32(logits, y):
    return nn.functional.cross_entropy(logits.float(), y, reduction="none")


def two_groups(model):
    params = list(model.parameters())
    return [{"params": params[2:], "lr": 0.1}, {"params": params[:2], "lr": 0.5}]
