"""What challenge_optimizers.py requires: steps by hand, then torch's optimizers beside them.

Only the first three labels mind what a step is; the others compare an optimizer with itself.
"""

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from checks.tools import attempt, close, equal, same

SHAPES = (2, 3), (3,), (3,), ()
ADAM = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 0.01}


def sgd(MySGD):
    for more, want in (
        ({"lr": 1.0}, [-1.0, -2.0, -2.0]),
        ({"lr": 0.5, "momentum": 0.5}, [-0.5, -1.25, -1.625]),
        ({"lr": 1.0, "momentum": 0.5, "nesterov": True}, [-1.5, -3.25, -3.625]),
    ):
        by_hand(MySGD, more, [1.0, 1.0, 0.0], want)
    for more in ({}, {"momentum": 0.9}, {"momentum": 0.8, "nesterov": True}):
        like_library(MySGD, torch.optim.SGD, {"lr": 0.1, **more})


def adam(MyAdam):
    by_hand(MyAdam, {"lr": 0.5}, [1000.0], [-0.5])
    by_hand(MyAdam, {"lr": 0.5, "eps": 1.0}, [1.0, 1.0], [-0.25, -0.5])
    by_hand(MyAdam, {}, [4.0, 0.0], [-0.001, -0.00167006])
    by_hand(MyAdam, {"lr": 1.0}, [1e-8], [-0.5])
    like_library(MyAdam, torch.optim.Adam, ADAM)


def adamw(MyAdamW):
    by_hand(MyAdamW, {"lr": 0.5, "weight_decay": 0.5}, [0.0, 0.0], [0.75, 0.5625], start=1.0)
    by_hand(MyAdamW, {"lr": 0.5, "weight_decay": 0.5}, [1000.0], [0.25], start=1.0)
    by_hand(MyAdamW, {"lr": 1.0}, [0.0], [0.99], start=1.0)
    by_hand(MyAdamW, {"weight_decay": 0.0}, [4.0, 0.0], [-0.001, -0.00167006])
    by_hand(MyAdamW, {"lr": 1.0, "weight_decay": 0.0}, [1e-8], [-0.5])
    like_library(MyAdamW, torch.optim.AdamW, {**ADAM, "weight_decay": 0.3})


def in_place(MySGD, MyAdam, MyAdamW):
    for name, make in kinds(MySGD, MyAdam, MyAdamW):
        params = new_params()
        places, before = [p.data_ptr() for p in params], [p.detach().clone() for p in params]
        optimizer = attempt(name, make, params)
        for t in (1, 2):
            give_gradients(params, t)
            attempt(f"{name}: step {t}", optimizer.step)
        for i, p in enumerate(params):
            what = f"{name}, 2 steps: parameter {i}"
            assert not torch.equal(p, before[i]), f"{what} has not changed"
            assert p.data_ptr() == places[i], f"{what} has other memory than before"
            kept = p.is_leaf and p.requires_grad
            assert kept, f"{what}: is_leaf {p.is_leaf}, requires_grad {p.requires_grad}"
        assert torch.is_grad_enabled(), f"{name}: gradients are off after step()"


def zero_grad(MySGD, MyAdam, MyAdamW):
    for name, make in kinds(MySGD, MyAdam, MyAdamW):
        params = new_params()
        optimizer = attempt(name, make, params)
        give_gradients(params, 1)
        params[1].grad[2] = torch.nan
        attempt(f"{name}: zero_grad()", optimizer.zero_grad)
        for i, p in enumerate(params):
            what = f"{name}, zero_grad(): .grad of parameter {i}"
            assert p.grad is not None, f"{what} is None, want zeros"
            close(p.grad, torch.zeros_like(p), what)
            attempt(f"{name}, zero_grad(), then p.sum().backward()", p.sum().backward)
            close(p.grad, torch.ones_like(p), f"{what}, after p.sum().backward()")


def missing(MySGD, MyAdam, MyAdamW):
    for name, make in kinds(MySGD, MyAdam, MyAdamW):
        both, alone, rest = new_params(), new_params()[1:2], new_params()[2:3]
        optimizer, *others = (attempt(name, make, params) for params in (both, alone, rest))
        for t in range(1, 7):
            give_gradients(both, t)
            what = f"{name}, a parameter with .grad None in the steps 1, 2 and 5, after step {t}"
            parts = [(alone, 1, "this one"), (rest, 2, "the next one")]
            for p, i, _ in parts:
                p[0].grad = both[i].grad.clone()
            if t in (1, 2, 5):
                both[1].grad = alone[0].grad = None
            attempt(f"{name}: a step, a .grad is None", optimizer.step)
            for (p, i, told), other in zip(parts, others, strict=True):
                if p[0].grad is not None:
                    other.step()
                close(both[i].detach(), p[0].detach(), f"{what}: {told}, against it alone")
        both[0].grad = None
        attempt(f"{name}: zero_grad(), a .grad is None", optimizer.zero_grad)
        assert both[0].grad is None, (
            f"{name}, zero_grad(): a .grad is a tensor, want None as before"
        )


def once(MySGD, MyAdam, MyAdamW):
    for name, make in kinds(MySGD, MyAdam, MyAdamW):
        plain, given, twice = new_params(), new_params(), new_params()
        cases = {
            "a list": (make(plain), plain),
            "a generator": (attempt(name, make, (p for p in given)), given),
            "a list with one twice": (attempt(name, make, [*twice, twice[0]]), twice),
        }
        for t in (1, 2, 3):
            for params, (optimizer, now) in cases.items():
                give_gradients(now, t)
                attempt(f"{name}, params {params}: step {t}", optimizer.step)
                for i, (p, want) in enumerate(zip(now, plain, strict=True)):
                    what = f"{name}, params {params}: parameter {i} after step {t}"
                    close(p.detach(), want.detach(), what)


def gradients(MySGD, MyAdam, MyAdamW):
    for name, make in kinds(MySGD, MyAdam, MyAdamW):
        fresh, reused = new_params(), new_params()
        one, other = attempt(name, make, fresh), attempt(name, make, reused)
        for t in (1, 2, 3):
            give_gradients(fresh, t)
            give_gradients(reused, t, in_place=t > 1)
            wanted = [p.grad.clone() for p in fresh]
            for optimizer, params in ((one, fresh), (other, reused)):
                attempt(f"{name}: step {t}", optimizer.step)
                for i, (p, want) in enumerate(zip(params, wanted, strict=True)):
                    same(p.grad, want, f"{name}, after step {t}: .grad of parameter {i}")
        for i, (p, want) in enumerate(zip(reused, fresh, strict=True)):
            what = f"{name}, each .grad overwritten in place before steps 2 and 3: parameter {i}"
            close(p.detach(), want.detach(), f"{what}, against new ones")


def device(MySGD, MyAdam, MyAdamW):
    for name, make in kinds(MySGD, MyAdam, MyAdamW):
        params = [nn.Parameter(torch.ones(shape, device="meta")) for shape in SHAPES[:2]]
        params.insert(0, nn.Parameter(torch.ones(())))  # one on the CPU before them
        with Made() as made:
            optimizer = attempt(f"{name}, parameters on the meta device", make, params)
            for _ in range(2):
                for p in params:
                    p.grad = torch.ones_like(p)
                try:
                    optimizer.step()
                except RuntimeError as error:
                    says = f"{name}, parameters on the meta device: {error}"
                    assert "cpu" not in str(error), says
        assert not made.cpu, (
            f"{name}, parameters on the meta device: a tensor {made.cpu[0]} on the CPU"
        )
        exact = [*new_params()[:1], *new_params(torch.float64)[1:]]  # the first is float32
        optimizer = attempt(name, make, exact)
        for t in range(1, 9):
            give_gradients(exact, t)
            attempt(f"{name}, float64: step {t}", optimizer.step)
        for i, (p, want) in list(enumerate(zip(exact, twin_of(name), strict=True)))[1:]:
            equal(f"{name}, parameters of float64: parameter {i} is", p.dtype, torch.float64)
            if torch.allclose(p.float(), want.float(), 1e-4, 1e-4):  # else other labels mind
                close(p.detach(), want, f"{name}, float64, after 8 steps: parameter {i}", 1e-10)


CORE = (sgd, adam, adamw, in_place, zero_grad)
EDGES = (missing, once, gradients, device)


class Made(TorchDispatchMode):
    """Notes the shapes of tensors with more than one number that are made on the CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.cpu = list[tuple[int, ...]]()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for t in tree_leaves(out):
            if isinstance(t, Tensor) and t.numel() > 1 and t.device.type == "cpu":
                self.cpu.append(tuple(t.shape))
        return out


def kinds(MySGD, MyAdam, MyAdamW):
    """(how a message names it, a function of params) for each class."""
    return (
        ("MySGD(momentum=0.9)", lambda params: MySGD(params, 0.1, 0.9)),
        ("MySGD(nesterov=True)", lambda params: MySGD(params, 0.1, 0.9, True)),
        ("MyAdam", lambda params: MyAdam(params, **ADAM)),
        ("MyAdamW", lambda params: MyAdamW(params, weight_decay=0.3, **ADAM)),
    )


def twin_of(name):
    """The parameters of float64 after 8 steps of the library's optimizer."""
    library = (torch.optim.SGD, torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
    more = ({"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.9, "nesterov": True})
    more = (*more, ADAM, {**ADAM, "weight_decay": 0.3})
    i, params = [n for n, _ in kinds(*[None] * 3)].index(name), new_params(torch.float64)
    optimizer = library[i](params, **more[i])
    for t in range(1, 9):
        give_gradients(params, t)
        optimizer.step()
    return [p.detach() for p in params]


def new_params(dtype=torch.float32):
    """Always the same numbers, in parameters of three shapes."""
    return [
        nn.Parameter(torch.linspace(-1, 2, max(1, torch.Size(s).numel()), dtype=dtype).view(s))
        for s in SHAPES
    ]


def give_gradients(params, t, in_place=False):
    """Those of step t, of different sizes and signs."""
    for i, p in enumerate(params):
        g = 10.0 ** (1 - i) * torch.arange(p.numel()).to(p).add(1.7 * t + i).sin().view_as(p)
        if in_place:
            p.grad.copy_(g)
        else:
            p.grad = g.detach()


def by_hand(kind, more, grads, want, start=0.0):
    """One parameter of one number, its gradients, and where it is after each step."""
    p, told = nn.Parameter(torch.tensor([start])), ", ".join(f"{k}={v}" for k, v in more.items())
    call = f"{kind.__name__}([p]{', ' if told else ''}{told}), p = {start:g}, gradients {grads}"
    for what in (call, f"{call}, for the second time, with a new optimizer"):
        optimizer, got = attempt(what, kind, [p], **more), []
        for g in grads:
            p.grad = torch.tensor([g])
            attempt(what, optimizer.step)
            got.append(p.item())
        told = f"{what}: p after each step"
        close(torch.tensor(got), torch.tensor(want), told, 1e-4 * abs(want[0]))
        p.data.fill_(start)


def like_library(kind, library, more):
    """20 steps of three parameters, as the library makes them."""
    mine, twin = new_params(), new_params()
    told = ", ".join(f"{key}={value}" for key, value in more.items())
    what = f"{kind.__name__}({told})"
    optimizer, other = attempt(what, kind, mine, **more), library(twin, **more)
    for t in range(1, 21):
        give_gradients(mine, t)
        give_gradients(twin, t)
        attempt(f"{what}: step {t}", optimizer.step)
        other.step()
        for i, (p, want) in enumerate(zip(mine, twin, strict=True)):
            told = f"{what}: parameter {i} {tuple(p.shape)} after step {t}"
            close(p.detach(), want.detach(), told, 2e-5)
