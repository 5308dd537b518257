"""What buggy_code_4.py requires. device runs on the meta device, the others on the CPU."""

import torch
from torch import nn

from checks import hunts
from checks.hunts import first_passes, losses_of, noting, sgd
from checks.tools import attempt, close, equal, same, tensor
from checks.training import modes_of, watching


def device(train_step):
    want = counted(train_step, "cpu", "cpu", "cpu")
    for x_on, y_on in (("cpu", "cpu"), ("meta", "cpu"), ("cpu", "meta"), ("meta", "meta")):
        with hunts.values_may_be_read():
            got = counted(train_step, "meta", x_on, y_on)
            what = f"model on meta, x on {x_on}, y on {y_on}: parameters with a gradient"
            equal(f"{what} at each step, and with all on cpu:", got, want)


def step(train_step):
    for training in (True, False):
        model, batches = network(nn.BatchNorm1d(6)).train(training), [batch(n) for n in (8, 5, 4)]
        model[1][1].train(not training)  # as when one part is being fine-tuned
        before, what = modes_of(model), f"3 batches, {hunts.mode(training)} but for BatchNorm"

        def run(optimizer, model=model, batches=batches):
            for x, y in batches:
                torch.manual_seed(len(y))  # for Dropout
                train_step(model, optimizer, x, y)

        noted = hunts.trains_plainly(what, model, sgd, batches, run, keeps=True)
        equal(f"{what}: forward passes:", len(noted), 3)
        hunts.modes_are(what, model, before)


def loss(train_step):
    for dtype in (torch.float32, torch.float64):
        model, (x, y) = network(nn.LayerNorm(6)).to(dtype), batch(5, dtype)
        what = f"a batch of 5, {dtype}: the loss"
        with noting(model) as noted:
            out = tensor(attempt(what, train_step, model, sgd(model), x, y), what)
        each = losses_of(first_passes(noted, [x], what)[0].logits, y)
        want = torch.tensor(sum(each) / len(each), dtype=dtype)
        close(out.detach(), want, f"{what} by the logits that the model gave", 1e-4)


def kept(train_step):
    model, given = network(nn.LayerNorm(6)), batch(5)
    before = [t.clone() for t in given]
    attempt("all on the CPU", train_step, model, sgd(model), *given)
    for name, now, old in zip("xy", given, before, strict=True):
        equal(f"afterwards {name}.requires_grad is", now.requires_grad, False)
        same(now, old, f"{name} was changed")


CORE = (device, step, loss, kept)
EDGES = ()


def counted(train_step, place, x_on, y_on):
    """So many parameters have a gradient at each step; model and loss are afterwards on place."""
    model, (x, y) = network(nn.LayerNorm(6)).to(place), batch(5)
    optimizer, what = sgd(model), f"model on {place}, x on {x_on}, y on {y_on}"
    with watching(model, optimizer) as seen:
        out = attempt(what, train_step, model, optimizer, x.to(x_on), y.to(y_on))
    places = {t.device.type for t in model.state_dict().values()}
    assert places == {place}, f"{what}: afterwards the model is on {', '.join(places)}"
    on = getattr(out, "device", torch.device(place))  # label loss looks at its type
    assert on.type == place, f"{what}: the loss is on {on}, want {place}"
    return [sum(g is not None for g in step.grads) for step in seen.steps if step.is_given]


def network(norm):
    body = nn.Sequential(nn.Linear(10, 6), norm, nn.ReLU())
    return nn.Sequential(nn.Flatten(), body, nn.Dropout(0.25), nn.Linear(6, 3))


def batch(n, dtype=torch.float32):
    return torch.randn(n, 10, dtype=dtype), torch.randint(0, 3, (n,))
