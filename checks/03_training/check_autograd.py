"""What challenge_autograd.py requires: torch's float64 beside it, on the same programs."""

import sys
from unittest.mock import patch

import torch

from checks.functions import number_is
from checks.tools import Forbidden, attempt, equal, refuses

TWO = {"a": 3.0, "b": -2.0}, {"a": -1.5, "b": 0.75}, {"a": -4, "b": 3}
POSITIVE = {"a": 2.5}, {"a": 0.3}
TEXTS = (
    *((f"a {sign} b", TWO) for sign in "+-*/"),
    *((text, TWO) for text in ("-a", "a.tanh()", "a.exp()", "a.relu()", "b.relu()")),
    *((f"a ** {n}", TWO) for n in (2, 3, 1, 0, -1, -2, 3.0)),
    *((f"a{text}", POSITIVE) for text in (".log()", " ** 0.5", " ** -1.5", " ** 2.5")),
)
OPERATIONS = [(f"c = {text}", given) for text, cases in TEXTS for given in cases]


def values(Value):
    for program, given in OPERATIONS:
        same_data(Value, program, given)


def gradients(Value):
    for program, given in OPERATIONS:
        same_gradients(Value, program, given, "c")
        same_gradients(Value, f"{program}; d = k * c", {"k": 7.0, **given}, "d", "abc")


def numbers(Value):
    signs = [(sign, n) for sign in "+-*/" for n in (2, -0.5, 0)]
    for text in (*(f"a {s} {n}" for s, n in signs), *(f"{n} {s} a" for s, n in signs)):
        if text != "a / 0":
            same_data(Value, f"c = {text}", TWO[1])
            same_gradients(Value, f"c = {text}", TWO[1], "c")
    same_gradients(Value, "c = sum([a, b])", TWO[1], "c")


def reuse(Value):
    for program in (
        *(f"c = a {sign} a" for sign in "+-*/"),
        *(f"c = {text}; d = c + a" for text in ("-a", "a.tanh()", "a.exp()", "a.relu()", "a ** 2")),
        "c = a * b; d = c + a",
        "c = a * b; d = c + a; e = c * d",
        "c = a * b; d = c + a; e = d * c",
        "c = a + b; d = b * c; e = c + d; f = d + c; g = e * a; h = g + f; i = h + c",
        "c = b + a; d = a + b; e = d + c; f = c * b; g = f + e; h = d + g; i = h * a",
    ):
        for given in (TWO[1], {"a": 2.0, "b": 2.0}):  # equal numbers are different Values
            same_gradients(Value, program, given, program[program.rindex("=") - 2])


def again(Value):
    program = "c = a * b; d = c * a; e = c + b; f = d + e"
    for calls in ("dd", "de", "dc", "cd", "fcf", "abab", "fedcbaf", "d0d0e"):
        same_gradients(Value, program, TWO[0], calls)


def deep(Value):
    limit = sys.getrecursionlimit()
    what = "a = 1; b = 1; v = a; 5000 times v = v + b, or b + v; v.backward()"
    v, b = (a := Value(1.0)), Value(1.0)
    for i in range(5000):
        v = v + b if i % 2 else b + v
    try:
        sys.setrecursionlimit(1000)
        with patch("sys.setrecursionlimit"):  # an answer cannot raise it
            attempt(what, v.backward)
        equal(f"{what}: afterwards the limit is", sys.getrecursionlimit(), 1000)
    finally:
        sys.setrecursionlimit(limit)
    number_is(f"{what}: a.grad", a.grad, 1)


def cost(Value):
    class Counted(float):  # a product of it calls a function
        __mul__ = __rmul__ = lambda self, other: Counted(float(self) * float(other))

    counts, before = [0, 0], sys.getprofile()
    for i, n in enumerate((5, 10)):
        v = Value(Counted(1.0))
        for _ in range(n):
            v = v * v
        sys.setprofile(lambda *_, i=i: counts.__setitem__(i, counts[i] + 1))
        try:
            v.backward()
        finally:
            sys.setprofile(before)
    said = f"v = a; n times v = v * v; v.backward(): for n = 5 and 10, {counts} calls of functions"
    assert counts[1] < 4 * counts[0] + 50, f"{said}, want about twice as many"


def corners(Value):
    zeros = [(text, 0.0) for text in ("a.relu()", "a ** 0", "a ** 1", "a ** 2")]
    for text, a in (*zeros, ("a.tanh()", 1000.0), ("a.tanh()", -1000.0)):
        same_data(Value, f"c = {text}", {"a": a})
        same_gradients(Value, f"c = {text}", {"a": a}, "c")
    wrong = [*((f"a ** {n}", -8.0) for n in (0.5, -0.5, 1.5)), ("a.log()", 0), ("a.log()", -1.0)]
    for text, a in (*wrong, ("a ** a", 3.0)):
        error = TypeError if text == "a ** a" else ValueError
        refuses(eval, text, {"a": Value(a)}, errors=(error,), call=f"a = {a}; {text}")


CORE = (values, gradients, numbers, reuse)
EDGES = (again, deep, cost, corners)


def made(Value, program, given):
    """How a message names it; the answer's values by name; torch's."""
    what = "; ".join([*(f"{name} = {number:g}" for name, number in given.items()), program])
    mine = {name: Value(number) for name, number in given.items()}
    twins = {n: torch.tensor(x, dtype=torch.float64, requires_grad=True) for n, x in given.items()}
    for line in program.split("; "):
        name, _, text = line.partition(" = ")
        mine[name] = without_torch(what, eval, text, {}, mine)
        old = [other for other in twins if mine[other] is mine[name]]
        assert not old, f"{what}: {name} is {old[0]} itself, want a new Value"
        twins[name] = eval(text, {}, twins)
    return what, mine, twins


def without_torch(what, function, *inputs):
    with Forbidden("") as watch:
        out = attempt(what, function, *inputs)
    assert not watch.seen, f"{what}: torch's {watch.last} was called"
    return out


def same_data(Value, program, given):
    what, mine, twins = made(Value, program, given)
    for name, twin in twins.items():
        number_is(f"{what}: {name}.data", mine[name].data, twin.item(), 1e-12)
        number_is(f"{what}, before backward(): {name}.grad", mine[name].grad, 0)


def same_gradients(Value, program, given, calls, names="abcdefghi"):
    """The .grad of these names are torch's after each call of backward() on one of `calls`."""
    what, mine, twins = made(Value, program, given)
    for twin in twins.values():
        twin.retain_grad()
    for name in calls:
        if name == "0":
            what += "; every .grad set to 0"
            for one, twin in twins.items():
                mine[one].grad, twin.grad = 0.0, None
            continue
        what += f"; {name}.backward()"
        without_torch(what, mine[name].backward)
        twins[name].backward(retain_graph=True)
        for one in (one for one in twins if one in names):
            want = 0.0 if twins[one].grad is None else twins[one].grad.item()
            number_is(f"{what}: {one}.grad", mine[one].grad, want, 1e-12)
