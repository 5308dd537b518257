"""Learning rate schedule: large steps to get near, small ones to settle.

A rate that is too large for the end of training keeps the weights jumping around the minimum. Step
decay cuts it at fixed epochs. One call in the wrong place shifts or squares the whole schedule.

    model      nn.Module on device, in any mode
    loader     an iterable, not always with a length, of pairs x (B, ...), y (B, ...) on any device;
               at least one, B >= 1 may vary; one pass an epoch, each may bring other samples
    criterion  takes the model's output and y, both on device; gives the batch's mean loss, 0-dim
    epochs     int >= 0
    lr         float > 0, the rate of the first epoch
    step_size  int, epochs; below 1: ValueError, before anything else happens
    gamma      float > 0
    returns    float: the rate that one more epoch would have

Every epoch is one pass over the loader; each of its batches, in order, has one forward pass and one
step on the gradient of its own mean loss alone. The optimizer is SGD as torch.optim has it, with
momentum 0.9 and no other option, over all parameters of the model; its momentum lasts from the
first step to the last. The rate is the same for all steps of an epoch. After every step_size epochs
it is multiplied by gamma. The whole model is in train mode and is left in it.

Ask yourself: what has the schedule to count, and when must it be told?
Guide: https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
"""

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def train_with_scheduler(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    device: torch.device,
    epochs: int,
    lr: float,
    step_size: int,
    gamma: float,
) -> float:
    raise NotImplementedError("train_with_scheduler")


CPU, META = torch.device("cpu"), torch.device("meta")
D, H, K = 5, 6, 3


def check(train_with_scheduler):
    torch.manual_seed(0)
    for step_size, gamma, lr, rates, final in (
        (2, 0.5, 0.08, [0.08, 0.08, 0.04, 0.04, 0.02], 0.02),
        (3, 0.1, 0.2, [0.2, 0.2, 0.2], 0.02),
        (1, 0.25, 0.16, [0.16, 0.04, 0.01], 0.0025),
        (4, 0.5, 0.1, [0.1, 0.1, 0.1], 0.1),
        (2, 1.5, 0.04, [0.04, 0.04, 0.06], 0.06),
        (2, 0.5, 0.08, [], 0.08),
    ):
        check_run(train_with_scheduler, step_size, gamma, lr, rates, final)
    check_device(train_with_scheduler)
    for step_size in (0, -1):
        check_error(train_with_scheduler, step_size)


class Passes:
    """A loader without a length; other batches in each pass; keeps the model at each beginning."""

    def __init__(self, passes, model):
        self.passes, self.model, self.states = passes, model, []

    def __iter__(self):
        n = len(self.passes)
        self.states.append(copy.deepcopy(self.model.state_dict()))
        assert len(self.states) <= n, f"epochs={n}: the loader is read more often than that"
        return iter(self.passes[len(self.states) - 1])


def samples(*sizes):
    batches = [(torch.randn(n, D).double(), torch.randn(n, K).double()) for n in sizes]
    return [(x * (i + 1), y) for i, (x, y) in enumerate(batches)]


def by_hand(model, passes, rates):
    """SGD with momentum in plain code; the model's state after each epoch."""
    params = list(model.parameters())
    speed, states = [torch.zeros_like(p) for p in params], []
    for batches, rate in zip(passes, rates, strict=True):
        for x, y in batches:
            loss = (model.train()(x) - y).square().mean()
            gradients = torch.autograd.grad(loss, params)
            with torch.no_grad():
                for p, v, g in zip(params, speed, gradients, strict=True):
                    p -= rate * v.mul_(0.9).add_(g)
        states.append(copy.deepcopy(model.state_dict()))
    return states


def check_run(train_with_scheduler, step_size, gamma, lr, rates, final):
    what = f"lr {lr}, step_size {step_size}, gamma {gamma}, epochs {len(rates)}"
    layers = nn.Linear(D, H), nn.BatchNorm1d(H), nn.Tanh(), nn.Dropout(0.3), nn.Linear(H, K)
    model = nn.Sequential(*layers).double()
    for p in model.parameters():
        p.grad = torch.randn_like(p)  # left over from somewhere
    passes = [samples(6, 5, 2) for _ in rates]
    torch.manual_seed(1)
    states = by_hand(copy.deepcopy(model), passes, rates)
    model[: len(rates)].eval()  # parts of it or all
    loader = Passes(passes, model)
    torch.manual_seed(1)  # the same units drop out
    got = train_with_scheduler(model, loader, nn.MSELoss(), CPU, len(rates), lr, step_size, gamma)
    reads = len(loader.states)
    assert reads == len(rates), f"{what}: passes over the loader: {reads}, want {len(rates)}"
    after = [*loader.states, model.state_dict()][1:]  # each epoch
    for epoch, (state, want) in enumerate(zip(after, states, strict=True), 1):
        close(
            state,
            want,
            f"{what}: after epoch {epoch}, of rate {rates[epoch - 1]}, the model is not what SGD "
            "in plain code gives",
        )
    assert isinstance(got, float), f"{what}: returned {got!r}, want a float"
    assert abs(got - final) < 1e-6 * final, f"{what}: returned {got}, want {final}"
    modes = [part.training for part in model.modules()]
    assert all(modes) or not rates, f"{what}: left the parts with training flags {modes}"


def close(got, want, what):
    try:
        torch.testing.assert_close(got, want, msg=str)
    except AssertionError as error:
        raise AssertionError(f"{what}\n{error}") from None


def check_device(train_with_scheduler):
    """The meta device stands in for a GPU."""
    what, model = "model and device meta, batches on the CPU", nn.Linear(D, K).double().to(META)

    def got_x(module, inputs):
        assert inputs[0].is_meta, f"{what}: the model got x on {inputs[0].device}"

    def criterion(output, y):
        assert y.is_meta, f"{what}: the criterion got y on {y.device}"
        return output.mean()

    model.register_forward_pre_hook(got_x)
    train_with_scheduler(model, samples(4, 3), criterion, META, 2, 0.1, 1, 0.5)


def check_error(train_with_scheduler, step_size):
    model, loader = nn.Linear(D, K).double().eval(), iter(samples(4))
    what, before, got = f"step_size {step_size}", copy.deepcopy(model.state_dict()), None
    try:
        got = train_with_scheduler(model, loader, nn.MSELoss(), CPU, 1, 0.1, step_size, 0.5)
    except ValueError:
        pass
    except ZeroDivisionError as error:
        raise AssertionError(f"{what}: {error!r}, want ValueError") from error
    assert got is None, f"{what}: returned {got!r}, want ValueError"
    assert len(list(loader)) == 1, f"{what}: ValueError, but first it read the loader"
    assert not model.training, f"{what}: ValueError, but first it put the model in train mode"
    close(model.state_dict(), before, f"{what}: ValueError, but first the model moved")


if __name__ == "__main__":
    try:
        check(train_with_scheduler)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_lr_scheduler.py")
