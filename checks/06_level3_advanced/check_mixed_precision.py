"""What challenge_mixed_precision.py requires, on the CPU and with a CPU in place of a GPU.

Two layers of one number get the gradients that a label wants; only `groups` compares with a twin
in plain code. On cuda all but `skips` see one batch a call, with one scale.
"""

import copy
import math

import torch

from checks.gpu import autocast_now, standing_in
from checks.tools import attempt, equal
from checks.training import (
    Slopes,
    batches_of,
    every_loss_counts,
    is_float,
    like_twin,
    no_batch_is_refused,
    one_step_per_batch,
    reads_any_iterable,
    shown,
    small_batches,
    small_net,
    steps_use,
    whole_model_in_train_mode,
)

BOTH = ("cpu", "cuda")
INF = (1.0, math.inf)


def order(train_one_epoch_amp):
    one_step_per_batch(on(train_one_epoch_amp, "cpu"), "device cpu, ")
    one_step_per_batch(on(train_one_epoch_amp, "cuda"), "device cuda, ", [3], [1])


def autocast(train_one_epoch_amp):
    for name, norms, wanted in (
        ("cpu", [1.0, 2.0], "bfloat16 on cpu"),
        ("cuda", [1.0], "float16 on cuda"),
    ):
        seen = trial(train_one_epoch_amp, name, norms)
        for event, batch, got, dtypes in seen.events:
            want = wanted if event in ("the forward pass", "the criterion") else "off"
            where = "after the epoch" if event == "the end" else f"at {event} of batch {batch}"
            equal(f"device {name}: autocast {where} is", got, want)
            equal(f"device {name}: parameters {where} are", dtypes, "torch.float32")


def scaling(train_one_epoch_amp):
    for name, scale in (("cpu", "1"), ("cuda", "65536")):
        seen = trial(train_one_epoch_amp, name, [0.5])
        equal(f"device {name}: backward from the loss times", ", ".join(seen.scales), scale)
        uses(f"device {name}", seen, [0.5], [0.5])


def skips(train_one_epoch_amp):
    for max_norm in (None, 0.5):
        seen = trial(train_one_epoch_amp, "cuda", [2.0, INF, 0.1, 3.0], max_norm)
        what = f"device cuda, max_norm {max_norm}, batches 1 to 4, an inf in the gradients of 2:"
        equal(f"{what} steps on", seen.stepped, [1, 3, 4])
        scale = float(seen.scales[0])
        want = [f"{s:g}" for s in (scale, scale, scale / 2, scale / 2)]
        equal(f"{what} scales", ", ".join(seen.scales), ", ".join(want))
        seen = trial(train_one_epoch_amp, "cpu", [2.0, 0.1, INF], max_norm)
        what = f"device cpu, max_norm {max_norm}, batches 1 to 3, an inf in the gradients of 3:"
        equal(f"{what} steps on", seen.stepped, [1, 2, 3])


def clip(train_one_epoch_amp):
    for name in BOTH:
        for max_norm, norm, want in (
            (0.5, 5.0, 0.5),
            (2.0, 1.0, 1.0),
            (2.0, 0.0, 0.0),
            (None, 50.0, 50.0),
        ):
            seen = trial(train_one_epoch_amp, name, [norm], max_norm)
            uses(f"device {name}, max_norm {max_norm}", seen, [norm], [want])


def gradients(train_one_epoch_amp):
    for name, means in (("cpu", [1, 2, 4]), ("cuda", [2])):
        batches, what = batches_of(means, [4] * len(means), -1.0), f"device {name}, batches of"
        steps_use(what, on(train_one_epoch_amp, name), batches, (means, [1] * len(means)))


def mode(train_one_epoch_amp):
    whole_model_in_train_mode(on(train_one_epoch_amp, "cpu"))
    whole_model_in_train_mode(on(train_one_epoch_amp, "cuda"), [3])


def loss(train_one_epoch_amp):
    for name, losses, sizes, norms, want in (
        ("cpu", [1.0, 2.0, 4.0, 8.5], [4, 3, 2, 1], [2.0, 7e33, 0.1, 3.0], 2.65),
        ("cuda", [2.5], [3], [2.0], 2.5),
        ("cuda", [2.5], [3], [7e33], 2.5),
    ):
        seen = trial(train_one_epoch_amp, name, norms, None, losses, sizes)
        what = f"device {name}, mean losses {shown(losses)} of {', '.join(map(str, sizes))} samples"
        what += ", no step on it" * (seen.stepped == [])
        is_float(seen.result, want, f"{what}: the result")


def device(train_one_epoch_amp):
    for name in BOTH:
        for kind, other in ((torch.int64, torch.float64), (torch.float64, torch.int64)):
            x, y = torch.ones(4, 3, dtype=kind), torch.ones(4, dtype=other)
            seen = trial(train_one_epoch_amp, name, [1.0], batches=[(x, y)])
            for what, t in (("model's x", x), ("criterion's output", x), ("criterion's y", y)):
                got = seen.kinds.get(what)
                equal(f"device {name}: the {what} is", got, f"{t.dtype} on {name}")


def fresh(train_one_epoch_amp):
    first, second = (trial(train_one_epoch_amp, "cuda", [math.inf]).scales[0] for _ in range(2))
    assert second == first, (
        f"two calls on cuda, an inf in the gradients of the first: scale {first} in the first, "
        f"{second} in the second, want the same"
    )


def index(train_one_epoch_amp):
    seen, plain = (trial(train_one_epoch_amp, name, [1.0]) for name in ("cuda:0", "cuda"))
    equal("device cuda:0: the scale is", seen.scales, plain.scales)
    for (event, _, got, _), (*_, want, _) in zip(seen.events, plain.events, strict=False):
        equal(f"device cuda:0: autocast at {event} is", got, want)


def iterables(train_one_epoch_amp):
    reads_any_iterable(on(train_one_epoch_amp, "cpu"))


def groups(train_one_epoch_amp):
    model, train = small_net(), on(train_one_epoch_amp, "cpu", 0.2)
    twin = copy.deepcopy(model)
    twin.forward = torch.autocast("cpu", torch.bfloat16)(twin.forward)
    batches, what = small_batches(torch.float32), "device cpu, max_norm 0.2, "
    like_twin(what, train, model, batches, 2e-3, max_norm=0.2, twin=twin)


def losses(train_one_epoch_amp):
    every_loss_counts(on(train_one_epoch_amp, "cpu"), what="device cpu, ")


def empty(train_one_epoch_amp):
    for name in BOTH:
        no_batch_is_refused(on(train_one_epoch_amp, name))


CORE = (order, autocast, scaling, skips, clip, gradients, mode, loss, device)
EDGES = (fresh, index, iterables, groups, losses, empty)


def on(train_one_epoch_amp, name, *max_norm):
    """A loop over one epoch on that device."""

    def train(model, loader, criterion, optimizer, device):
        with standing_in(name):
            run = model, loader, criterion, optimizer, torch.device(name)
            return train_one_epoch_amp(*run, *max_norm)

    return train


class Watched(Slopes):
    """Notes autocast and dtypes at each event, the scales of the loss, and what each step used."""

    def __init__(self, slopes, losses):
        super().__init__(slopes, losses)
        self.events, self.scales, self.stepped, self.used, self.kinds = [], [], [], [], {}
        self.batch, self.gpu, self.result = 0, None, None

    def note(self, event):
        kinds = {str(p.dtype) for p in self.parameters()}
        self.events.append((event, self.batch, autocast_now(), ", ".join(sorted(kinds))))

    def forward(self, x):
        self.batch += 1
        self.zero_grad()  # `gradients` minds old ones
        self.note("the forward pass")
        self.kinds.setdefault("model's x", self.gpu.kind(x))
        return x

    def criterion(self, output, y):
        self.note("the criterion")
        self.kinds.setdefault("criterion's output", self.gpu.kind(output))
        self.kinds.setdefault("criterion's y", self.gpu.kind(y))
        loss = super().criterion(output, y)
        loss.register_hook(self.backward)
        return loss

    def backward(self, grad):
        self.note("the backward pass")
        self.scales.append(f"{grad.item():g}")

    def step(self, *_):
        self.note("the step")
        self.stepped.append(self.batch)
        self.used.append([0.0 if p.grad is None else p.grad.item() for p in self.parameters()])


def trial(train_one_epoch_amp, name, norms, max_norm=None, losses=None, sizes=None, batches=None):
    """What an epoch did whose batches have these gradients, or 0.6 and 0.8 times a norm."""
    slopes = [norm if isinstance(norm, tuple) else (0.6 * norm, 0.8 * norm) for norm in norms]
    model = Watched(slopes, losses or [1.0] * len(norms))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-36)
    optimizer.register_step_pre_hook(model.step)
    batches = batches or batches_of([0] * len(norms), sizes or [2] * len(norms))
    run = [model, batches, model.criterion, optimizer, torch.device(name)]
    run += [max_norm] * (max_norm is not None)
    with standing_in(name) as model.gpu:
        what = f"device {name}, max_norm {max_norm}, batches with gradients of norm {norms}"
        model.result = attempt(what, train_one_epoch_amp, *run)
        model.batch += 1
        model.note("the end")
    return model


def uses(what, seen, norms, lengths):
    """Each step used its batch's gradients, of so long a norm."""
    for norm, used, length in zip(norms, seen.used, lengths, strict=False):
        given, right = ([0.6 * n, 0.8 * n] for n in (norm, length))
        assert all(math.isclose(a, b, rel_tol=3e-4) for a, b in zip(used, right, strict=True)), (
            f"{what}, gradients {shown(given)} (norm {norm:g}): the step used {shown(used)}, "
            f"want {shown(right)} (norm {length:g})"
        )
