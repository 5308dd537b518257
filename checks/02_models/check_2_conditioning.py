"""What challenge_2_conditioning.py requires.

Only `hidden` and `condition` compute logits by other means, each with the other's columns at zero
or its activation without effect; the other labels compare the answer with itself.
"""

import itertools

import torch

from checks.modules import (
    by_shape,
    drawn_as_linear,
    gradients_flow,
    has_parameters,
    keeps_dtypes,
    keeps_inputs,
    leading_sizes,
    on,
    refuses_sizes,
)
from checks.tools import close, result_of

IN, C, H, K = 3, 5, 7, 4
NAME = "ConditionalMLP(3, 5, 7, 4)"
LEADS = ((), (0,), (1,), (5,), (6,), (12,), (1, 6), (2, 1), (2, 6), (6, 7))


def parameters(ConditionalMLP):
    shapes = dict(zip(("W1", "b1", "W2", "b2"), shapes_of(IN, C, H, K), strict=True))
    has_parameters(NAME, ConditionalMLP(IN, C, H, K), shapes)
    big = (230, 30, 200, 210)
    drawn_as_linear(f"ConditionalMLP{big}", lambda: ConditionalMLP(*big), 230)


def logits(ConditionalMLP):
    model = ConditionalMLP(IN, C, H, K)
    _, _, W2, b2 = by_shape(model, *shapes_of(IN, C, H, K))
    with torch.no_grad():
        W2.zero_()
        b2.copy_(torch.tensor([-3.0, 0.5, 2.0, 1000.0]))
    for mode in ("train", "eval"):
        what = f"W2 zero, b2 [-3, 0.5, 2, 1000], {mode} mode: logits"
        model.train(mode == "train")
        out = result_of(what, model, torch.randn(2, IN), torch.randn(2, C))
        close(out.detach(), b2.detach().expand(2, K), what)


def hidden(ConditionalMLP):
    model = ConditionalMLP(1, 1, 2, 3)
    W1, b1, W2, b2 = by_shape(model, *shapes_of(1, 1, 2, 3))
    with torch.no_grad():
        for p, numbers in (
            (W1, [[1.0], [-1.0]]),
            (b1, [0.0, 0.0]),
            (W2, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]),
            (b2, [0.0, 0.0, 0.0]),
        ):
            p.copy_(torch.tensor(numbers))
    for x in (3.0, -8.0):
        what = f"W1 [[1], [-1]], W2 picks hidden, no biases, x [[{x:g}]], c [[5]]: logits"
        out = result_of(what, model, torch.tensor([[x]]), torch.tensor([[5.0]]))
        close(out.detach(), torch.tensor([[max(x, 0.0), max(-x, 0.0), 0.0]]), what)

    model = ConditionalMLP(IN, C, H, K).double()
    W1, b1, W2, b2 = (p.double() for p in by_shape(model, *shapes_of(IN, C, H, K)))
    with torch.no_grad():
        W2[:, H:] = 0
    for loud in (1, 10):
        x, c = (loud * torch.randn(4, size).double() for size in (IN, C))
        what = on(f"{NAME}, the last 5 columns of W2 zero", x=x, c=c)
        fed = x @ W1.T + b1
        want = (fed * (fed > 0)) @ W2[:, :H].T + b2
        close(result_of(what, model, x, c).double(), want, f"{what}: logits")


def condition(ConditionalMLP):
    model = ConditionalMLP(1, 2, 3, 2)
    *_, W2, b2 = by_shape(model, *shapes_of(1, 2, 3, 2))
    with torch.no_grad():
        W2.copy_(torch.eye(5)[3:])
        b2.zero_()
    c = torch.tensor([[-1.0, 2.0], [30.0, -40.0]])
    what = "W2 [[0, 0, 0, 1, 0], [0, 0, 0, 0, 1]], b2 zero, c [[-1, 2], [30, -40]]: logits"
    close(result_of(what, model, torch.randn(2, 1), c.clone()).detach(), c, what)

    model = ConditionalMLP(IN, C, H, K).double()
    found = by_shape(model, *shapes_of(IN, C, H, K))
    with torch.no_grad():  # hidden is from 0 to 3: an activation of it has no effect
        found[0].uniform_(0, 0.9)
        found[1].uniform_(0, 0.3)
    W1, b1, W2, b2 = (p.double() for p in found)
    for loud in (1, 10):
        x, c = torch.rand(4, IN).double(), loud * torch.randn(4, C).double()
        what = on(f"{NAME}, hidden positive", x=x, c=c)
        want = (x @ W1.T + b1) @ W2[:, :H].T + (c @ W2[:, H:].T + b2)  # nothing is joined
        close(result_of(what, model, x, c).double(), want, f"{what}: logits")


def leading(ConditionalMLP):
    leading_sizes(NAME, ConditionalMLP(IN, C, H, K), K, {"x": IN, "c": C})
    leading_sizes("ConditionalMLP(1, 1, 1, 1)", ConditionalMLP(1, 1, 1, 1), 1, {"x": 1, "c": 1})


def gradients(ConditionalMLP):
    inputs = {"x": torch.randn(6, IN), "c": torch.randn(6, C)}
    gradients_flow(on(NAME, **inputs), ConditionalMLP(IN, C, H, K), inputs)


def sizes(ConditionalMLP):
    leads = itertools.permutations(LEADS, 2)
    wrong = ((C, IN), (IN + 1, C), (IN - 1, C + 1), (IN, C - 1), (IN, C + 1), (IN, 1), (1, C))
    pairs = [((*of_x, IN), (*of_c, C)) for of_x, of_c in leads]
    pairs += [((6, of_x), (6, of_c)) for of_x, of_c in wrong]
    refuses_sizes(NAME, ConditionalMLP(IN, C, H, K), "x c", pairs)


def dtypes(ConditionalMLP):
    inputs = {"x": torch.randn(6, IN), "c": torch.randn(6, C)}
    keeps_dtypes(NAME, ConditionalMLP(IN, C, H, K), inputs)


def inputs(ConditionalMLP):
    inputs = {"x": torch.randn(6, IN), "c": torch.randn(6, C)}
    keeps_inputs(NAME, ConditionalMLP(IN, C, H, K), inputs)


CORE = (parameters, logits, hidden, condition, leading, gradients)
EDGES = (sizes, dtypes, inputs)


def shapes_of(in_dim, c_dim, h, num_classes):
    """Of W1, b1, W2 and b2."""
    return (h, in_dim), (h,), (num_classes, h + c_dim), (num_classes,)
