"""Learning rate schedule: large steps to get near, small ones to settle.

A rate that is too large for the end of training keeps the weights jumping around the minimum. Step
decay cuts it at fixed epochs. One call in the wrong place shifts or squares the whole schedule.

    model      nn.Module on device, in any mode
    loader     an iterable, maybe without a length, of pairs x (B, ...), y (B, ...) on any device;
               B >= 1 may vary; another pass may bring other samples
    criterion  takes the model's output and y, both on device; gives the batch's mean loss, 0-dim
    epochs     int >= 0, passes over the loader
    lr         float > 0, the rate of the first epoch
    step_size  int, epochs; below 1: ValueError, before anything else happens
    gamma      float > 0
    returns    float: the rate that one more epoch would have

Each batch, in order, gets one forward pass and one step on the gradient of its own mean loss alone.
No other forward pass. All of the model is in train mode in each of them, and stays so afterwards.
The optimizer is SGD as torch.optim has it, over all parameters, with momentum 0.9 and no other
option; its momentum lasts from the first step to the last. The rate stays the same within an epoch.
After every step_size epochs it is multiplied by gamma.

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
C, D, H, K = 4, 5, 6, 3


def check(train_with_scheduler):
    torch.manual_seed(0)
    for step_size, gamma, lr, rates, final in (
        (2, 0.5, 0.08, [0.08, 0.08, 0.04, 0.04, 0.02], 0.02),
        (3, 0.1, 0.2, [0.2, 0.2, 0.2], 0.02),
        (1, 0.1, 0.01, [0.01, 0.001, 0.0001], 0.00001),
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
        self.states.append(state_of(self.model))
        assert len(self.states) <= n, f"epochs={n}: the loader is read more often than that"
        return iter(self.passes[len(self.states) - 1])


def state_of(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


def samples(*sizes):
    batches = [(torch.randn(n, C, D).double(), torch.randn(n, C, K).double()) for n in sizes]
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
        states.append(state_of(model))
    return states


def check_run(train_with_scheduler, step_size, gamma, lr, rates, final):
    what = f"lr {lr}, step_size {step_size}, gamma {gamma}, epochs {len(rates)}"
    layers = nn.Linear(D, H), nn.BatchNorm1d(C), nn.Tanh(), nn.Dropout(0.3), nn.Linear(H, K)
    model = nn.Sequential(*layers).double()
    for p in model.parameters():
        p.grad = torch.randn_like(p)  # left over from somewhere
    passes = [samples(6, 1, 5) for _ in rates]
    torch.manual_seed(1)
    states = by_hand(copy.deepcopy(model), passes, rates)
    model[: len(rates)].eval()  # parts of it or all
    modes = []  # of the model's parts, in each forward pass
    model.register_forward_hook(lambda m, *_: modes.append({part.training for part in m.modules()}))
    loader = Passes(passes, model)
    torch.manual_seed(1)  # the same units drop out
    got = train_with_scheduler(model, loader, nn.MSELoss(), CPU, len(rates), lr, step_size, gamma)
    reads = len(loader.states)
    assert reads == len(rates), f"{what}: passes over the loader: {reads}, want {len(rates)}"
    assert modes == [{True}] * 3 * len(rates), (
        f"{what}: {len(modes)} forward passes, {modes.count({True})} of them with all parts in "
        f"train mode; want {3 * len(rates)}, 3 an epoch, all in train mode"
    )
    after = [*loader.states, model.state_dict()][1:]  # each epoch
    for epoch, (state, want) in enumerate(zip(after, states, strict=True), 1):
        close(
            state,
            want,
            f"{what}: after epoch {epoch}, of rate {rates[epoch - 1]}, the model is not what SGD "
            "in plain code gives",
        )
    assert type(got) is float, f"{what}: returned {got!r}, want a float"
    assert abs(got - final) < 1e-6 * final, f"{what}: returned {got}, want {final}"
    flags = [part.training for part in model.modules()]
    assert all(flags) or not rates, f"{what}: left the parts with training flags {flags}, want True"


def close(got, want, what):
    try:
        torch.testing.assert_close(got, want, msg=str)
    except AssertionError as error:
        raise AssertionError(f"{what}\n{error}") from None


class Number(torch.autograd.Function):
    """A loss that can be read, of an output on the meta device."""

    @staticmethod
    def forward(ctx, output: Tensor) -> Tensor:
        ctx.like = output
        return torch.zeros((), dtype=output.dtype)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        return torch.zeros_like(ctx.like)


def check_device(train_with_scheduler):
    """The meta device stands in for a GPU."""
    what, model = "model and device meta, batches on the CPU", nn.Linear(D, K).double().to(META)

    def got_x(module, inputs):
        assert inputs[0].is_meta, f"{what}: the model got x on {inputs[0].device}"

    def criterion(output, y):
        assert y.is_meta, f"{what}: the criterion got y on {y.device}"
        return Number.apply(output)

    model.register_forward_pre_hook(got_x)
    train_with_scheduler(model, samples(4, 3), criterion, META, 2, 0.1, 1, 0.5)


def check_error(train_with_scheduler, step_size):
    model, loader = nn.Linear(D, K).double().eval(), iter(samples(4))
    what, before = f"step_size {step_size}", state_of(model)
    try:
        got = train_with_scheduler(model, loader, nn.MSELoss(), CPU, 1, 0.1, step_size, 0.5)
    except (ValueError, ZeroDivisionError) as error:
        got = error
    assert isinstance(got, ValueError), f"{what}: {got!r}, want ValueError"
    assert len(list(loader)) == 1, f"{what}: ValueError, but first it read the loader"
    assert not model.training, f"{what}: ValueError, but first it put the model in train mode"
    close(model.state_dict(), before, f"{what}: ValueError, but first the model moved")


if __name__ == "__main__":
    try:
        check(train_with_scheduler)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_lr_scheduler.py")
