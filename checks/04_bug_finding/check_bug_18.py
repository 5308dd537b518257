"""What buggy_code_18.py requires.

The model's numbers at the first forward pass are where a twin starts; it learns in plain code.
"""

import copy
from functools import partial

import torch
from torch import nn

from checks import hunts
from checks.tools import attempt, equal
from checks.training import META, states_are

F = D = 6
sgd = partial(torch.optim.SGD, lr=0.1, momentum=0.9)
adam = partial(torch.optim.AdamW, lr=0.01)


class Net(nn.Module):
    """The head is neither the first part nor the last; for D classes it has the body's shapes."""

    def __init__(self, classes=3, p=0.0, width=D):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(F, width), nn.ReLU(), nn.Dropout(p))
        self.head, self.head_scale = nn.Linear(width, classes), nn.PReLU()

    def forward(self, x):
        return self.head_scale(self.head(self.body(x)))


def head(adapt):
    cases = (3, D, None, None), (5, 900, torch.float64, None), (2, D, None, META)
    for classes, width, dtype, device in cases:
        model = Net(classes, width=width).to(device, dtype)
        old, others = model.head, dict(model.named_parameters())
        what = f"{classes} classes before, D = {width}, {old.weight.dtype}, {old.weight.device}"
        attempt(what, adapt, model, sgd(model.parameters()), [])
        new, kind = model.head, type(model.head).__name__
        assert isinstance(new, nn.Linear), f"{what}: head is {kind}, want nn.Linear"
        assert new is not old, f"{what}: head is the old one, want a new one"
        for name, shape in (("weight", (5, width)), ("bias", (5,))):
            p, like, told = getattr(new, name), getattr(old, name), f"{what}: head's {name}"
            assert p is not None and p.requires_grad, f"{told} is none that can learn"
            got = tuple(p.shape), p.dtype, p.device.type
            equal(f"{told} is", got, (shape, like.dtype, like.device.type))
            most, bound = 0.0 if device else float(p.detach().abs().max()), width**-0.5
            right = device or 0.4 * bound < most <= bound * 1.0001
            assert right, f"{told}: largest number {most:.4f}, want it up to {bound:.4f}"
        kept = 0 if device else int((new.weight[:3] == old.weight[:3]).sum())
        equal(f"{what}: numbers of the old head in the new one:", kept, 0)
        moved = [n for n, p in model.named_parameters() if p is not others[n] and n[:5] != "head."]
        assert not moved, f"{what}: other objects than before: {', '.join(moved)}; want none"


def steps(adapt):
    for said, i, factor, grad in (
        ("a used model", 2, 100.0, torch.nan),  # large gradients at the end
        ("the second loss is NaN", 1, torch.nan, None),
    ):
        model = Net(classes=D).double()
        given, what = batches(7, 1, 4, like=model.head), f"3 batches, {D} classes at first, {said}"
        given[i][0].mul_(factor)
        for p in model.parameters():
            p.grad = None if grad is None else torch.full_like(p, grad)
        like_twin(what, adapt, model, sgd, nn.Module.parameters, given)


def losses(adapt):
    model = Net(p=0.3)
    given, run = batches(7, 4, 1), runs(adapt, model)
    hunts.measures_each("batches of 7, 4, 1 samples: adapt", model, given, lambda: run(given))


def modes(adapt):
    for training in (True, False):
        model = Net(p=0.3).train(training)
        model.body[2].train(not training)
        what = f"2 batches, begun in {hunts.mode(training)} but for one part"
        run, given = runs(adapt, model), batches(4, 1)
        hunts.passes_in_train_mode(what, model, 2, lambda run=run, b=given: run(b))


def rates(adapt):
    for name, make, classes in (("SGD", sgd, 3), ("Adam", adam, 5)):
        what = f"2 batches, {name} used before, three groups, {classes} classes at first"
        like_twin(what, adapt, Net(classes), make, three_groups, batches(5, 4), True)


def resume(adapt):
    model, (more, *given), what = Net(), batches(6, 5, 3), "2 batches, Adam used before"
    optimizer = adam(three_groups(model))
    learn(model, optimizer, batches(5))
    attempt(what, adapt, model, optimizer, given)
    other = copy.deepcopy(model)
    again = adam(three_groups(other))
    strangers = [p for p in optimizer.state if all(p is not q for q in model.parameters())]
    equal(f"{what}: states of tensors that the model does not have:", len(strangers), 0)
    state = copy.deepcopy(optimizer.state_dict())
    attempt(f"{what}: load_state_dict", again.load_state_dict, state)
    for m, o in ((model, optimizer), (other, again)):
        attempt(f"{what}, then a step", learn, m, o, [more])
    told = f"{what}, then a step, resumed against not interrupted"
    states_are(other.state_dict(), model.state_dict(), told, 1e-5)


CORE = (head, steps, losses, modes)
EDGES = (rates, resume)


def runs(adapt, model):
    optimizer = sgd(model.parameters())
    return lambda given: adapt(model, optimizer, copies(given))


def like_twin(what, adapt, model, make, groups, given, used=False):
    optimizer, made, start = make(groups(model)), [], {}
    if used:
        learn(model, optimizer, batches(5))
    names = {p: n for n, p in model.named_parameters()}
    states = {names[p]: copy.deepcopy(state) for p, state in optimizer.state.items()}
    optimizer.register_step_post_hook(lambda *_: made.append(1))
    hook = model.register_forward_pre_hook(lambda *_: None if start else start.update(now(model)))
    attempt(what, adapt, model, optimizer, copies(given))
    hook.remove()
    equal(f"{what}: steps of the given optimizer:", len(made), len(given))
    twin = copy.deepcopy(model).requires_grad_()
    twin.load_state_dict(start)
    its = make(groups(twin))
    for name, p in twin.named_parameters():
        if name in states and not name.startswith("head."):
            its.state[p] = states[name]
    learn(twin, its, given)
    still = [n for n, p in model.state_dict().items() if torch.equal(p, start[n])]
    assert not still, f"{what}: as before the first step: {', '.join(still)}; want all changed"
    order = sorted(start, key=lambda n: n[:5] != "head.")  # it is told first
    states_are(now(model), {n: now(twin)[n] for n in order}, f"after {what}", 1e-5)


def now(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def copies(given):
    return ((x.clone(), y.clone()) for x, y in given)


def learn(model, optimizer, given):
    model.train()
    for x, y in given:
        loss = nn.functional.cross_entropy(model(x), y % model.head.out_features)
        params = [*model.parameters()]
        for p, grad in zip(params, torch.autograd.grad(loss, params), strict=True):
            p.grad = grad
        optimizer.step()
        optimizer.zero_grad()


def three_groups(model):
    first, second = {"params": [model.head.weight], "lr": 0.02, "weight_decay": 0.2}, model.body[0]
    third = {"params": [model.head.bias, second.bias], "lr": 0.3, "momentum": 0.5}
    return [first, {"params": [second.weight, *model.head_scale.parameters()]}, third]


def batches(*sizes, like=None):
    dtype = like.weight.dtype if like else None
    return [(torch.randn(n, F, dtype=dtype), torch.randint(5, (n,))) for n in sizes]
