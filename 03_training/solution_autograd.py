"""A small autograd: a Value keeps its parents with the slope along each, and backward() sums.

Why it works: the derivative along one way through the graph is the product of the slopes on it, and
the derivative is the sum over all ways. backward() sums them without walking each: it visits a
Value after all that was made of it, when its sum is complete. For e = c (c + a) with c = a b, a = 2
and b = 3: c = 6, e = 48; c gets 8 + 6 = 14 and only then passes 14 * 3 on to a, which gets 42 + 6.
Say in the interview: two passes. First an order, each Value after its parents, by a depth-first
search with a set of those seen; then back through it. Sums, not assignments, as a Value may be used
twice. The gradients of one call stand apart from .grad: what an earlier call left there must not
flow on. The search has its own stack, since Python's ends at a depth of 1000.
They may ask: what does torch do otherwise? The same on tensors; each operation saves what its
derivative needs and computes a product with the gradient, as a table of slopes would be too large.
They may ask: forward mode instead? It carries the slope along one input with each value: one pass
per input, while this is one pass per result; a loss has millions of inputs and one result.
Common slips: grad = instead of +=; the order of a queue, in which c passes on 6 before its 8 has
come; 2 - a, which asks for __rsub__; a ** 0 at 0, whose slope is 0 * 0 ** -1.
You may leave out, if you say so: the stack, if graphs are small. What a slope of infinity gives
(0 ** 0.5) is refused here by math.pow.
"""

import math


class Value:
    """A number, the sum of its gradients, and what it was made of."""

    def __init__(self, data: float) -> None:
        self.data, self.grad = data, 0.0
        self._parents: tuple[tuple[Value, float], ...] = ()  # (parent, slope along it)

    def __add__(self, other: "Value | float") -> "Value":
        other = as_value(other)
        return made(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other: "Value | float") -> "Value":
        other = as_value(other)
        return made(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, n: float) -> "Value":
        slope = n * math.pow(self.data, n - 1) if n else 0.0
        return made(math.pow(self.data, n), (self, slope))

    def __neg__(self) -> "Value":
        return made(-self.data, (self, -1.0))

    def __sub__(self, other: "Value | float") -> "Value":
        return self + -other

    def __truediv__(self, other: "Value | float") -> "Value":
        return self * other**-1

    def __radd__(self, other: float) -> "Value":
        return self + other

    def __rmul__(self, other: float) -> "Value":
        return self * other

    def __rsub__(self, other: float) -> "Value":
        return as_value(other) - self

    def __rtruediv__(self, other: float) -> "Value":
        return as_value(other) / self

    def tanh(self) -> "Value":
        out = math.tanh(self.data)
        return made(out, (self, 1 - out**2))

    def exp(self) -> "Value":
        out = math.exp(self.data)
        return made(out, (self, out))

    def log(self) -> "Value":
        return made(math.log(self.data), (self, 1 / self.data))

    def relu(self) -> "Value":
        return made(max(self.data, 0.0), (self, float(self.data > 0)))

    def backward(self) -> None:
        """Add the derivative of this Value to .grad of each Value in it."""
        grads = {id(self): 1.0}  # of this call alone
        for value in reversed(in_order(self)):
            grad = grads[id(value)]  # complete: all that value is part of has come before
            value.grad += grad
            for parent, slope in value._parents:
                grads[id(parent)] = grads.get(id(parent), 0.0) + slope * grad


def as_value(number: Value | float) -> Value:
    return number if isinstance(number, Value) else Value(number)


def made(data: float, *parents: tuple[Value, float]) -> Value:
    out = Value(data)
    out._parents = parents
    return out


def in_order(result: Value) -> list[Value]:
    """Each Value in the result once, after its parents."""
    order, seen, stack = list[Value](), set[int](), [(result, False)]
    while stack:
        value, parents_done = stack.pop()
        if parents_done:
            order.append(value)
        elif id(value) not in seen:
            seen.add(id(value))
            stack.append((value, True))
            stack += [(parent, False) for parent, _ in value._parents]
    return order


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
