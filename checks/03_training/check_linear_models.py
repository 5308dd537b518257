"""What challenge_linear_models.py requires: least squares, and steps by formula or by autograd."""

import inspect
from unittest.mock import patch

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F
from torch.nn.modules.module import register_module_forward_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

from checks.tools import attempt, close, equal, keeps_device, refuses, strided, tensor, unchanged

seed = torch.default_generator.manual_seed  # a tenth of torch.manual_seed's time
HAND = [[1.0], [-1.0]], [3.0, 1.0]  # X, y


def closed(LinearRegression):
    for what, X, y, *_ in data():
        if len(X) > X.shape[1]:
            want = least_squares(X, y)
            got = attempt(f"closed_form, {what}", LinearRegression().closed_form, X, y)
            is_pair(f"closed_form, {what}", got, want, tol=1e-3)


def descent(LinearRegression):
    defaults_are(LinearRegression.gradient_descent, lr=0.01, steps=1000)
    for what, X, y, lr, steps, _ in data((0.1, 0), (0.001, 501)):
        call, want = f"gradient_descent, {what}, lr={lr}, steps={steps}", stepped(X, y, lr, steps)
        got = attempt(call, LinearRegression().gradient_descent, X, y, lr, steps)
        is_pair(call, got, want)


def layer(LinearRegression):
    defaults_are(LinearRegression.nn_linear, lr=0.01, steps=1000)
    method, layers, kinds = LinearRegression().nn_linear, [], []
    note_layer = register_module_forward_hook(lambda m, *_: layers.append(type(m)))
    with note_layer, register_optimizer_step_post_hook(lambda o, *_: kinds.append(type(o))):
        for what, X, y, lr, steps, _ in data((0.25, 30)):
            call = f"nn_linear, {what}, lr={lr}, steps="
            seed(steps)
            start = attempt(f"{call}0", method, X, y, lr, 0)
            layers.clear(), kinds.clear(), seed(steps)
            got, call = attempt(f"{call}{steps}", method, X, y, lr, steps), f"{call}{steps}"
            is_pair(f"{call}, against steps from its start", got, stepped(X, y, lr, steps, start))
            equal(f"{call}: an nn.Linear is called:", nn.Linear in layers, True)
            equal(f"{call}: steps of SGD:", kinds.count(torch.optim.SGD), steps)
        kinds.clear()
        with patch("torch.Tensor.backward", lambda *_, **__: None):  # saves half of the time
            method(X, y, 0.1, 501)
    equal(f"nn_linear, {what}, steps=501: steps of SGD:", kinds.count(torch.optim.SGD), 501)
    starts = [[part.flatten()[0].item() for part in method(X, y, 0.1, 0)] for _ in range(30)]
    for name, *drawn in zip(("w[0]", "b"), *starts, strict=True):
        low, high = min(drawn), max(drawn)
        said = f"nn_linear, {what}, steps=0, 30 calls: {name} is from {low:.2g} to {high:.2g}"
        assert -0.708 < low < -0.3 < 0.3 < high < 0.708, f"{said}, want from about -0.7 to 0.7"


def logistic(LogisticRegression):
    defaults_are(LogisticRegression, lr=0.1, steps=1000, l2=0.0)
    for what, X, _, lr, steps, l2 in data():
        y = (torch.arange(len(X)) % 3 != 1).float()
        what = f"{what.partition(', y')[0]}, y {[1, 0, 1, 1, 0, 1][: len(X)]}"
        call = f"LogisticRegression({lr}, {steps}, {l2}), {what}{' ..' * (len(X) > 6)}: fit"
        model = attempt(call, LogisticRegression, lr, steps, l2)
        want = fit_by_autograd(X, y, lr, steps, l2)
        for time, given in ("", X), (" of X[:, :1]", X[:, :1]), (" of X again", X):
            got = fitted(call + time, model, given, y)
            if given is X:
                is_pair(call + time, got, want)
        right = torch.sigmoid(with_ones(X[:2]) @ want).float()
        close(model.predict_proba(X[:2]), right, f"{call}, predict_proba of two rows", 1e-4)
    y, X = torch.tensor([1.0, 0.0]), torch.tensor(HAND[0])
    for lr, steps, size, want in ((0.01, 501, 1, 1.506074), (1.0, 5, 1000, 500.0)):
        call = f"LogisticRegression({lr}, {steps}), X [[{size}], [-{size}]], y [1, 0]: fit"
        model = LogisticRegression(lr, steps)
        is_pair(call, fitted(call, model, size * X, y), torch.tensor([want, 0.0]))
    call = "w = [500], b = 0: predict_proba([[2], [-2]])"
    close(model.predict_proba(2 * X), [1.0, 0.0], call, 1e-9)


def by_hand(LinearRegression, LogisticRegression):
    linear, kept, what = LinearRegression(), [], "in inference_mode"
    with torch.inference_mode(), saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        X, y = torch.randn(5, 2), torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0])
        attempt(f"closed_form {what}", linear.closed_form, X, y)
        attempt(f"gradient_descent {what}", linear.gradient_descent, X, y, 0.1, 2)
        attempt(f"fit {what}", LogisticRegression(0.1, 2).fit, X, y)
    equal(f"{what}, tensors that autograd keeps:", len(kept), 0)


def rank(LinearRegression):
    x = torch.randint(-2, 3, (9, 3)).float()
    cases = {f"and a column of {n}": F.pad(x, (0, 1), value=n) for n in (1.0, 0.0)}
    cases |= {"one of them twice": x[:, [0, 1, 2, 1]], "N = 3": x[:3], "N = 1": x[:1]}
    for what, X in cases.items():
        y = torch.randn(len(X))
        right = (with_ones(X) @ least_squares(X, y)).float()
        w, b = attempt(f"closed_form, 3 columns, {what}", LinearRegression().closed_form, X, y)
        close(X @ w + b, right, f"closed_form, 3 columns, {what}: X w + b", 1e-4)


def types(LinearRegression, LogisticRegression):
    X = (1.2 - 2.2 * (torch.arange(8) >> torch.arange(3)[:, None] & 1).double()).T
    X = X * torch.tensor([1.0, 1.1, 0.9]).double()
    labels = torch.tensor([0, 0, 0, 1, 0, 1, 1, 1])
    model, logit = LinearRegression(), LogisticRegression(2.5, 24, 0.25)
    seed(1)
    start = attempt("nn_linear, X float64", model.nn_linear, X, labels.double(), 0.1, 0)
    for name, function, more, want in (
        ("closed_form", model.closed_form, (), least_squares(X, labels)),
        ("gradient_descent", model.gradient_descent, (0.42, 12), stepped(X, labels, 0.42, 12)),
        ("nn_linear", model.nn_linear, (0.42, 12), stepped(X, labels, 0.42, 12, start)),
        ("fit", logit.fit, (), fit_by_autograd(X, labels, 2.5, 24, 0.25)),
    ):
        for kind in (torch.float64, torch.int64, torch.bool)[: 2 + (name == "fit")]:
            y, call = labels.to(kind), f"{name}, X float64, y {kind}"
            seed(1)
            with unchanged(call, X, y):
                got = attempt(call, function, X, y, *more)
            is_pair(call, (logit.w, logit.b) if name == "fit" else got, want, X.dtype, 1e-10)
        if name != "fit":
            one = lambda *a, f=function: torch.cat([t.flatten() for t in f(*a)])  # noqa: E731
            keeps_device(f"{name}: w and b", one, X, y, *more[:1], *[2] * len(more[:1]))
    equal("fit, X float64: predict_proba gives", logit.predict_proba(X).dtype, X.dtype)


def errors(LinearRegression, LogisticRegression):
    X, fit = torch.randn(3, 2), LogisticRegression().fit
    for name in ("closed_form", "gradient_descent", "nn_linear", "fit"):
        function = fit if name == "fit" else getattr(LinearRegression(), name)
        for shape in ((3, 1), (1, 3), (2,), (1,), ()):
            call = f"{name}(X (3, 2), y {shape})"
            result = lambda y, f=function: type(f(X, y)).__name__  # noqa: E731
            refuses(result, torch.ones(shape), errors=(ValueError,), call=call)
    for labels in ([1, 2, 1], [-1, 1, -1], [0.0, 0.5, 1.0], [0.0, 1.0, torch.nan]):
        call = f"fit(X (3, 2), y {labels})"
        refuses(fit, X, torch.tensor(labels), errors=(ValueError,), call=call)


CORE = (closed, descent, layer, logistic, by_hand)
EDGES = (rank, types, errors)


def data(*more_by_hand):
    """(how a message names it, X, y, lr, steps, l2); the first can be done by hand."""
    for lr, steps in ((0.25, 1), *more_by_hand):
        yield "X [[1], [-1]], y [3, 1]", *map(torch.tensor, HAND), lr, steps, 0.0
    sizes = (6, 3, 0.1, 2, 0.5), (4, 4, 0.05, 5, 0.0), (1, 2, 0.25, 1, 1.0), (40, 2, 0.2, 3, 2.0)
    for n, d, *more in sizes:
        yield f"X ({n}, {d}), y ({n},)", strided(n, d), torch.randn(n) + 2, *more


def with_ones(X):
    return torch.cat([X.double(), torch.ones(len(X), 1, dtype=torch.float64)], 1)


def least_squares(X, y):
    """w with b at its end, of float64."""
    return torch.linalg.lstsq(with_ones(X), y.double()[:, None], driver="gelsd").solution[:, 0]


def stepped(X, y, lr, steps, start=()):
    """Each step shrinks the way to the least squares by the same matrix."""
    A, best = with_ones(X), least_squares(X, y)
    begin = torch.cat([t.flatten().double() for t in start]) if start else 0 * best
    shrink = torch.eye(len(best), dtype=torch.float64) - lr * 2 / len(A) * A.T @ A
    return best + torch.linalg.matrix_power(shrink, steps) @ (begin - best)


def fit_by_autograd(X, y, lr, steps, l2):
    X, y, w = X.double(), y.double(), torch.zeros(X.shape[1] + 1, dtype=torch.float64)
    for _ in range(steps):
        w.requires_grad_()
        loss = F.binary_cross_entropy_with_logits(with_ones(X) @ w, y)
        (grad,) = torch.autograd.grad(loss + l2 / 2 * w[:-1].square().sum(), w)
        w = (w - lr * grad).detach()
    return w


def fitted(what, model, X, y):
    equal(f"{what}: gives self:", attempt(what, model.fit, X, y) is model, True)
    return model.w, model.b


def is_pair(what, got, want, kind=torch.float32, tol=1e-4):
    """They are w and b, of this dtype, without a gradient, like this vector of w and b."""
    pair = isinstance(got, tuple) and len(got) == 2
    assert pair, f"{what} gave {type(got).__name__}, want (w, b)"
    for name, mine, right in zip("wb", got, (want[:-1], want[-1]), strict=True):
        wants_gradient = tensor(mine, f"{what}: {name}").requires_grad
        equal(f"{what}: {name}.requires_grad is", wants_gradient, False)
        close(mine, right.to(kind), f"{what}: {name}", tol)


def defaults_are(function, **want):
    names = inspect.signature(function).parameters
    got = {name: p.default for name, p in names.items() if name in want}
    equal(f"{function.__name__}, what is not given:", got, want)
