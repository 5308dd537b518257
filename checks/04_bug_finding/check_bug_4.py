"""What buggy_code_4.py requires.

device runs on the meta device, the others on the CPU: step beside a twin, loss by the logits that
the model gave.
"""

import copy
from contextlib import suppress

import torch
from torch import nn

from checks.hunts import READS_A_VALUE, attempt, first_passes, losses_of, noting
from checks.tools import tensor
from checks.training import modes_of, states_are, watching

PLACES = (("cpu", "cpu"), ("meta", "cpu"), ("cpu", "meta"), ("meta", "meta"))


def device(train_step):
    want = counted(train_step, "cpu", "cpu", "cpu")[1]
    for x_on, y_on in PLACES:
        what = f"model on meta, x on {x_on}, y on {y_on}"
        try:
            out, got, places = counted(train_step, "meta", x_on, y_on)
        except AssertionError as error:
            if READS_A_VALUE.search(str(error)):
                continue  # on a real device there is one
            raise
        assert places == {"meta"}, f"{what}: afterwards the model is on {', '.join(places)}"
        assert getattr(out, "is_meta", True), f"{what}: the loss is on {out.device}, want meta"
        assert got == want, (
            f"{what}: parameters with a gradient at each step {got}, with all on cpu {want}, "
            "want the same"
        )


def step(train_step):
    for training in (True, False):
        norm = nn.BatchNorm1d(6)
        model = network(norm).train(training)
        norm.train(not training)  # as when one part is being fine-tuned
        twin, before = copy.deepcopy(model), modes_of(model)
        optimizer, reference = sgd(model), sgd(twin)
        for p in model.parameters():
            p.grad = torch.ones_like(p)  # left over from earlier
        mode = "train" if training else "eval"
        what = f"3 batches, {mode} mode but for BatchNorm"
        with watching(model, optimizer) as seen:
            for n in (8, 5, 4):
                x, y = batch(n)
                torch.manual_seed(n)  # the same Dropout here and in the twin
                attempt(what, train_step, model, optimizer, x, y)
                torch.manual_seed(n)
                twin_loss = nn.functional.nll_loss(twin(x).log_softmax(dim=1), y)
                reference.zero_grad()
                twin_loss.backward()
                reference.step()
        steps, count = len(seen.steps_after()), sum(before.values())
        passes = len(seen.forwards)
        assert passes == 3, f"{what}: {passes} forward passes, want 3"
        assert steps == 3, f"{what}: {steps} steps of the given optimizer, want 3"
        for i, one in enumerate(seen.forwards, 1):
            assert one.in_train == count, (
                f"{what}: at forward pass {i} {one.in_train} of {one.modules} modules were in "
                f"train mode, want {count}"
            )
        after = modes_of(model)
        other = [
            f"{name}: training={after[name]}" for name in before if after[name] != before[name]
        ]
        assert not other, f"{what}: afterwards {', '.join(other)}, want each as it was"
        told = f"after {what}, all gradients 1 before"
        states_are(model.state_dict(), twin.state_dict(), told, 1e-4)


def loss(train_step):
    for dtype in (torch.float32, torch.float64):
        model, (x, y) = network(nn.LayerNorm(6)).to(dtype), batch(5, dtype)
        what = f"a batch of 5, {dtype}"
        with noting(model) as noted:
            out = attempt(what, train_step, model, sgd(model), x, y)
        out = tensor(out, f"{what}: train_step")
        assert out.shape == (), f"{what}: the loss has shape {tuple(out.shape)}, want ()"
        assert out.dtype == dtype, f"{what}: the loss is {out.dtype}, want {dtype}"
        each = losses_of(first_passes(noted, [x], what)[0].logits, y)
        want = sum(each) / len(each)
        assert abs(out.item() - want) < 1e-4 * (1 + want), (
            f"{what}: loss {out.item():.4f}, want {want:.4f}, by the logits that the model gave"
        )


def kept(train_step):
    for place in ("cpu", "meta"):
        model = network(nn.LayerNorm(6)).to(place)
        x, y = batch(5)
        before = [(t, t.clone()) for t in (x, y)]
        with suppress(*[Exception] * (place == "meta")):  # crashes there are told by `device`
            attempt(f"model on {place}", train_step, model, sgd(model), x, y)
        for name, (t, old) in zip("xy", before, strict=True):
            what = f"model on {place}, {name} on cpu: afterwards {name}"
            assert t.device == old.device, f"{what} is on {t.device}, want it where it was"
            assert not t.requires_grad, f"{what} asks for a gradient, it did not before"
            assert torch.equal(t, old), f"{what} has other numbers than before"


CORE = (device, step, loss, kept)
EDGES = ()


def counted(train_step, place, x_on, y_on):
    """What it gives, parameters with a gradient at each step, devices of the model afterwards."""
    model, (x, y) = network(nn.LayerNorm(6)).to(place), batch(5)
    optimizer, what = sgd(model), f"model on {place}, x on {x_on}, y on {y_on}"
    with watching(model, optimizer) as seen:
        out = attempt(what, train_step, model, optimizer, x.to(x_on), y.to(y_on))
    reached = [sum(g is not None for g in step.grads) for step in seen.steps if step.is_given]
    return out, reached, {t.device.type for t in model.state_dict().values()}


def network(norm):
    body = nn.Sequential(nn.Linear(10, 6), norm, nn.ReLU())
    return nn.Sequential(nn.Flatten(), body, nn.Dropout(0.25), nn.Linear(6, 3))


def batch(n, dtype=torch.float32):
    return torch.randn(n, 10, dtype=dtype), torch.randint(0, 3, (n,))


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
