"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

ADD = "return made(self.data + other.data, (self, 1.0), (other, 1.0))"
MUL = "return made(self.data * other.data, (self, other.data), (other, self.data))"
SLOPE = "slope = n * math.pow(self.data, n - 1) if n else 0.0"
POWER = "return made(math.pow(self.data, n), (self, slope))"
TANH = "return made(out, (self, 1 - out**2))"
RELU = "return made(max(self.data, 0.0), (self, float(self.data > 0)))"
GRADS = "        grads = {id(self): 1.0}  # of this call alone\n"
LOOP = """\
        for value in reversed(in_order(self)):
            grad = grads[id(value)]  # complete: all that value is part of has come before
            value.grad += grad
            for parent, slope in value._parents:
                grads[id(parent)] = grads.get(id(parent), 0.0) + slope * grad
"""
GIVE = "                grads[id(parent)] = grads.get(id(parent), 0.0) + slope * grad\n"
RECURSIVE = """
def in_order(result):
    order, seen = [], set()

    def visit(value):
        if id(value) not in seen:
            seen.add(id(value))
            for parent, _ in value._parents:
                visit(parent)
            order.append(value)

    visit(result)
    return order
"""
QUEUE = """
def in_order(result):
    order, seen = [result], {id(result)}
    for value in order:
        for parent, _ in value._parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                order.append(parent)
    return order[::-1]
"""

SLIPS = {
    "values": {
        "a ** n for whole numbers alone": (
            "made(math.pow(self.data, n),",
            "made(self.data ** int(n),",
        ),
        "a broken power by hand: -a ** n": (
            "made(math.pow(self.data, n),",
            "made(-(-self.data) ** n,",
        ),
        "the logarithm to base 10": ("made(math.log(self.data),", "made(math.log10(self.data),"),
        "log of 1 + a": ("made(math.log(self.data),", "made(math.log1p(self.data),"),
        "relu keeps the sign: abs": ("made(max(self.data, 0.0),", "made(abs(self.data),"),
        "relu cut at 1": ("made(max(self.data, 0.0),", "made(min(max(self.data, 0.0), 1.0),"),
        "a / b in whole numbers": (
            "return self * other**-1",
            "out = self * other**-1\n        out.data //= 1\n        return out",
        ),
        "results rounded to 6 digits": (
            "    out = Value(data)\n",
            "    out = Value(round(data, 6))\n",
        ),
        ".grad begins with None": (
            "self.data, self.grad = data, 0.0",
            "self.data, self.grad = data, None",
        ),
        ".grad begins with 1": (
            "self.data, self.grad = data, 0.0",
            "self.data, self.grad = data, 1.0",
        ),
        "-a changes a": (
            "return made(-self.data, (self, -1.0))",
            "self.data = -self.data\n        return made(self.data, (self, -1.0))",
        ),
        "a negative number to a power of type float refused": (
            POWER,
            "if self.data < 0 and isinstance(n, float):\n"
            "            raise ValueError(n)\n        " + POWER,
        ),
        "numbers kept as tensors": (
            "        self.data, self.grad = data, 0.0\n",
            "        import torch\n\n"
            "        self.data, self.grad = torch.tensor(float(data), dtype=torch.float64), 0.0\n",
        ),
        "relu changes a": (
            RELU,
            "self.data = max(self.data, 0.0)\n        " + RELU,
        ),
        "relu of a is a itself": (RELU, "return self if self.data > 0 else made(0.0, (self, 0.0))"),
        "a ** 1 is a itself": (SLOPE, "if n == 1:\n            return self\n        " + SLOPE),
    },
    "gradients": {
        "the slope of log is a": ("(self, 1 / self.data)", "(self, self.data)"),
        "product: each side gets its own number": (
            MUL,
            MUL.replace(
                "(self, other.data), (other, self.data)", "(self, self.data), (other, other.data)"
            ),
        ),
        "the slope of tanh without the square": (TANH, TANH.replace("out**2", "out")),
        "the slope of tanh at its input": (TANH, TANH.replace("out**2", "self.data**2")),
        "the slope of exp is its input": (
            "return made(out, (self, out))",
            "return made(out, (self, self.data))",
        ),
        "relu passes everything on": ("float(self.data > 0)", "1.0"),
        "relu has slope 1 above 1 alone": ("float(self.data > 0)", "float(self.data > 1)"),
        "relu passes its data on": ("float(self.data > 0)", "max(self.data, 0.0)"),
        "power: the factor n forgotten": (SLOPE, SLOPE.replace("n * math", "math")),
        "power: the exponent not lowered": (SLOPE, SLOPE.replace("n - 1", "n")),
        "power: the slope of a square for every n": (
            SLOPE,
            "slope = 2.0 * self.data if n else 0.0",
        ),
        "-a passes the gradient on as it is": (
            "made(-self.data, (self, -1.0))",
            "made(-self.data, (self, 1.0))",
        ),
        "a / b: b is taken for a number": (
            "return self * other**-1",
            "return self * (1 / as_value(other).data)",
        ),
        "a - b: b is taken for a number": (
            "return self + -other",
            "return self + -getattr(other, 'data', other)",
        ),
        "the result's own gradient left at 0": (
            "value.grad += grad",
            "value.grad += grad if value is not self else 0.0",
        ),
        "slopes by differences, with a step of 1e-6": (
            TANH,
            "h = 1e-6\n"
            "        slope = (math.tanh(self.data + h) - math.tanh(self.data - h)) / (2 * h)\n"
            "        return made(out, (self, slope))",
        ),
        "operations of one Value forget the gradient that comes in": (
            GIVE,
            GIVE.replace("* grad", "* (grad if len(value._parents) > 1 else 1.0)"),
        ),
        "the second of two Values gets its slope alone": (
            LOOP,
            LOOP.replace("* grad", "* (grad if parent is value._parents[0][0] else 1.0)"),
        ),
        "gradients rounded to 6 digits": (
            "value.grad += grad\n",
            "value.grad = round(value.grad + grad, 6)\n",
        ),
        "gradients cut off at 5": (
            "value.grad += grad\n",
            "value.grad += max(-5.0, min(5.0, grad))\n",
        ),
        "gradients by torch": (
            "value.grad += grad\n",
            "import torch\n"
            "\n"
            "            value.grad += torch.tensor(grad, dtype=torch.float64).item()\n",
        ),
    },
    "numbers": {
        "a number on the left refused": (
            "    def __radd__(self, other: float)",
            "    def _radd(self, other: float)",
        ),
        "2 * a missing": (
            "    def __rmul__(self, other: float)",
            "    def _rmul(self, other: float)",
        ),
        "2 - a is a - 2": ("return as_value(other) - self", "return self - other"),
        "2 / a is a / 2": ("return as_value(other) / self", "return self / other"),
        "2 - a missing": (
            "    def __rsub__(self, other: float)",
            "    def _rsub(self, other: float)",
        ),
        "2 / a missing": (
            "    def __rtruediv__(self, other: float)",
            "    def _rtruediv(self, other: float)",
        ),
        "2 - a without its gradient": (
            "return as_value(other) - self",
            "return Value(other - self.data)",
        ),
        "2 - a with the gradient's sign lost": (
            "return as_value(other) - self",
            "return made(other - self.data, (self, 1.0))",
        ),
        "a + 2 refused: 2 is no Value": (
            "        other = as_value(other)\n        return made(self.data + other",
            "        return made(self.data + other",
        ),
        "whole numbers alone": (
            "return number if isinstance(number, Value) else Value(number)",
            "return number if isinstance(number, Value) else Value(int(number))",
        ),
        "a / 2 is 2 / a": (
            "return self * other**-1",
            "if not isinstance(other, Value):\n"
            "            return other * self**-1\n"
            "        return self * other**-1",
        ),
        "0 taken for no number": (
            "return number if isinstance(number, Value) else Value(number)",
            "return number if isinstance(number, Value) else Value(number or 1)",
        ),
        "0 + a is a itself": (
            "        return self + other\n",
            "        return self + other if other else self\n",
        ),
        "sum() begins with 0 and loses the first": (
            "        return self + other\n",
            "        return self + other if other else Value(self.data)\n",
        ),
    },
    "reuse": {
        "the order of a queue": QUEUE,
        "gradients set, not added": (GIVE, GIVE.replace("grads.get(id(parent), 0.0) + ", "")),
        "depth first, each Value before its parents": (
            "        if parents_done:\n"
            "            order.append(value)\n"
            "        elif id(value) not in seen:\n"
            "            seen.add(id(value))\n"
            "            stack.append((value, True))\n",
            "        if id(value) not in seen:\n"
            "            seen.add(id(value))\n"
            "            order.insert(0, value)\n",
        ),
        "a parent used twice counted once": (
            "for parent, slope in value._parents:",
            "for parent, slope in dict(value._parents).items():",
        ),
        "equal numbers taken for one Value": (
            GRADS + LOOP,
            GRADS.replace("id(self)", "self.data")
            + LOOP.replace("id(value)", "value.data").replace("id(parent)", "parent.data"),
        ),
        "operations of one Value set its gradient": (
            GIVE,
            GIVE.replace(
                "grads.get(id(parent), 0.0)",
                "len(value._parents) // 2 * \\\n                    grads.get(id(parent), 0.0)",
            ),
        ),
        "a - a has the slope of its second a alone": (
            "return self + -other",
            "other = as_value(other)\n"
            "        slopes = {self: 1.0, other: -1.0}\n"
            "        return made(self.data - other.data, *slopes.items())",
        ),
        "parents in a set": (
            "    out._parents = parents\n",
            "    out._parents = tuple(set(parents))\n",
        ),
        "parts on the way keep no gradient": (
            "value.grad += grad\n",
            "value.grad += 0.0 if value._parents and value is not self else grad\n",
        ),
        "visited anew for each use": """
def in_order(result):
    order = []
    for parent, _ in result._parents:
        order += in_order(parent)
    return [*order, result]
""",
        "a Value used twice is dropped from the second place on": (
            "    out._parents = parents\n",
            "    out._parents = tuple(p for p in parents if not getattr(p[0], 'used', False))\n"
            "    for p, _ in parents:\n"
            "        p.used = True\n",
        ),
    },
    "again": {
        "gradients flow from .grad, with what was there": (
            GRADS + LOOP,
            """\
        self.grad += 1.0
        for value in reversed(in_order(self)):
            for parent, slope in value._parents:
                parent.grad += slope * value.grad
""",
        ),
        "the result's gradient set to 1": (
            GRADS + LOOP,
            """\
        self.grad = 1.0
        for value in reversed(in_order(self)):
            for parent, slope in value._parents:
                parent.grad += slope * value.grad
""",
        ),
        "each call begins at 0": ("value.grad += grad\n", "value.grad = grad\n"),
        "parts begin at 0, leaves add up": (
            "value.grad += grad\n",
            "value.grad = grad if value._parents else value.grad + grad\n",
        ),
        "the graph is freed": (GIVE, GIVE + "            value._parents = ()\n"),
        "the result's own gradient stays 1": (
            "value.grad += grad\n",
            "value.grad = 1.0 if value is self else value.grad + grad\n",
        ),
        "a second call of one result does nothing": (
            GRADS,
            "        if self.grad:\n            return\n" + GRADS,
        ),
        "sums kept beside .grad": (
            "value.grad += grad\n",
            "value.kept = getattr(value, 'kept', 0.0) + grad\n"
            "            value.grad = value.kept\n",
        ),
    },
    "deep": {
        "recursion": RECURSIVE,
        "recursion with a higher limit": RECURSIVE.replace(
            "    visit(result)",
            "    import sys\n\n    sys.setrecursionlimit(10**6)\n    visit(result)",
        ),
        "recursion with a limit raised by another name": "from sys import setrecursionlimit\n\n"
        + RECURSIVE.replace("    visit(result)", "    setrecursionlimit(20000)\n    visit(result)"),
        "a loop along the first parents, recursion along the others": """
def in_order(result):
    order, seen = [], set()

    def visit(value):
        line = []
        while id(value) not in seen:
            seen.add(id(value))
            line.append(value)
            if value._parents:
                value = value._parents[0][0]
        for one in reversed(line):
            for parent, _ in one._parents[1:]:
                visit(parent)
            order.append(one)

    visit(result)
    return order
""",
        "the first 1000 Values alone": ("    return order\n", "    return order[-1000:]\n"),
    },
    "cost": {
        "every way walked by itself": (
            GRADS + LOOP,
            """\
        ways = [(self, 1.0)]
        while ways:
            value, grad = ways.pop()
            value.grad += grad
            ways += [(parent, slope * grad) for parent, slope in value._parents]
""",
        ),
        "every way walked, step by step": (
            GRADS + LOOP,
            """\
        ways = [(self, 1.0)]
        while ways:
            for value, grad in ways:
                value.grad += grad
            ways = [(p, grad * slope) for value, grad in ways for p, slope in value._parents]
""",
        ),
        "every way walked for the order": """
def in_order(result):
    order, stack, ways = [], [(result, False)], 0
    seen = set()
    while stack:
        value, parents_done = stack.pop()
        if parents_done:
            if id(value) not in seen:
                seen.add(id(value))
                order.append(value)
        else:
            stack.append((value, True))
            stack += [(parent, False) for parent, _ in value._parents]
    return order
""",
    },
    "corners": {
        "relu has slope 1 at 0": ("float(self.data > 0)", "float(self.data >= 0)"),
        "relu has slope 1/2 at 0": (
            "float(self.data > 0)",
            "(float(self.data > 0) + float(self.data >= 0)) / 2",
        ),
        "0 ** -1 in the slope of a ** 0": (SLOPE, "slope = n * self.data ** (n - 1)"),
        "tanh from e^2a: too large": (
            "out = math.tanh(self.data)",
            "grown = math.exp(2 * self.data)\n        out = (grown - 1) / (grown + 1)",
        ),
        "tanh from e^-2a: too large below": (
            "out = math.tanh(self.data)",
            "small = math.exp(-2 * self.data)\n        out = (1 - small) / (1 + small)",
        ),
        "a root of a negative number is complex": (
            SLOPE + "\n        " + POWER,
            "return made(self.data**n, (self, n * self.data ** (n - 1) if n else 0.0))",
        ),
        "log of 0 is -inf": (
            "        return made(math.log(self.data), (self, 1 / self.data))",
            "        if self.data == 0:\n"
            "            return made(-math.inf, (self, math.inf))\n"
            "        return made(math.log(self.data), (self, 1 / self.data))",
        ),
        "log of |a|": ("made(math.log(self.data),", "made(math.log(abs(self.data)),"),
        "a ** Value without its gradient": (SLOPE, "n = as_value(n).data\n        " + SLOPE),
        "a ** Value: ValueError": (
            SLOPE,
            "if isinstance(n, Value):\n            raise ValueError(n)\n        " + SLOPE,
        ),
        "a small number inside the logarithm": (
            "made(math.log(self.data),",
            "made(math.log(self.data + 1e-12),",
        ),
        "NaN for a root of a negative number": (
            SLOPE,
            "if self.data < 0 and n != int(n):\n"
            "            return made(math.nan, (self, math.nan))\n"
            "        " + SLOPE,
        ),
    },
}

VARIANTS = {
    "closures, and a gradient of each call in a field": """
class Value:
    def __init__(self, data, children=()):
        self.data = data
        self.grad = 0
        self._now = 0
        self._children = children
        self._pass = lambda: None

    def _lift(x):
        return x if isinstance(x, Value) else Value(x)

    def __add__(self, other):
        other = Value._lift(other)
        out = Value(self.data + other.data, (self, other))

        def go():
            self._now += out._now
            other._now += out._now

        out._pass = go
        return out

    def __mul__(self, other):
        other = Value._lift(other)
        out = Value(self.data * other.data, (self, other))

        def go():
            self._now += other.data * out._now
            other._now += self.data * out._now

        out._pass = go
        return out

    def _one(self, data, slope):
        out = Value(data, (self,))

        def go():
            self._now += slope() * out._now

        out._pass = go
        return out

    def __pow__(self, n):
        if not isinstance(n, (int, float)):
            raise TypeError(n)
        data = self.data**n
        if isinstance(data, complex):
            raise ValueError("no real result")
        return self._one(data, lambda: 0 if n == 0 else n * self.data ** (n - 1))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-Value._lift(other))

    def __truediv__(self, other):
        other = Value._lift(other)
        out = Value(self.data / other.data, (self, other))

        def go():
            self._now += out._now / other.data
            other._now -= out._now * self.data / other.data**2

        out._pass = go
        return out

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other):
        return (-self) + other

    def __rtruediv__(self, other):
        return Value(other) / self

    def tanh(self):
        t = math.tanh(self.data)
        return self._one(t, lambda: 1 - t * t)

    def exp(self):
        e = math.exp(self.data)
        return self._one(e, lambda: e)

    def log(self):
        return self._one(math.log(self.data), lambda: 1 / self.data)

    def relu(self):
        return self._one(self.data if self.data > 0 else 0, lambda: 1 if self.data > 0 else 0)

    def backward(self):
        order, done, todo = [], set(), [self]
        while todo:
            v = todo[-1]
            left = [c for c in v._children if c not in done]
            if v in done or not left:
                todo.pop()
                if v not in done:
                    done.add(v)
                    order.append(v)
            else:
                todo.extend(left)
        for v in order:
            v._now = 0
        self._now = 1
        for v in reversed(order):
            v._pass()
        for v in order:
            v.grad += v._now
""",
    "uses counted, a Value goes on when all have come": (
        GRADS + LOOP,
        """\
        uses, stack = {}, [self]
        seen = {id(self)}
        while stack:
            for parent, _ in stack.pop()._parents:
                uses[id(parent)] = uses.get(id(parent), 0) + 1
                if id(parent) not in seen:
                    seen.add(id(parent))
                    stack.append(parent)
        grads, ready = {id(self): 1.0}, [self]
        while ready:
            value = ready.pop()
            value.grad = value.grad + grads[id(value)]
            for parent, slope in value._parents:
                grads[id(parent)] = grads.get(id(parent), 0) + slope * grads[id(value)]
                uses[id(parent)] -= 1
                if not uses[id(parent)]:
                    ready.append(parent)
""",
    ),
    "numbered when made, sorted by number": (
        "    out._parents = parents\n",
        "    out._parents = parents\n"
        "    out.number = 1 + max(getattr(p, 'number', 0) for p, _ in parents)\n",
    ),
    "old gradients put aside, and added again at the end": (
        GRADS + LOOP,
        """\
        order = in_order(self)
        old = [value.grad for value in order]
        for value in order:
            value.grad = 0.0
        self.grad = 1.0
        for value in reversed(order):
            for parent, slope in value._parents:
                parent.grad += slope * value.grad
        for value, before in zip(order, old):
            value.grad += before
""",
    ),
    "a table of operators": """
import operator

class Value(Value):
    def __truediv__(self, other):
        other = as_value(other)
        x, y = self.data, other.data
        return made(operator.truediv(x, y), (self, 1 / y), (other, -x / (y * y)))

    def __sub__(self, other):
        other = as_value(other)
        return made(self.data - other.data, (self, 1), (other, -1))

    def __rpow__(self, base):
        return (self * math.log(base)).exp()

    def __repr__(self):
        return f"Value({self.data}, grad={self.grad})"
""",
}
