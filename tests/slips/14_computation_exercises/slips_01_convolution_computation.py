"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

LENGTH = "return _output((L_in,), kernel_size, stride, padding, dilation)[0]"
PER_DIM = 'prod(_per_dim("kernel_size", kernel_size, n))'
REFUSAL = 'f"kernel {k}, dilation {d}: too long for {size}, padding {p}"'
LAST = "last = size + 2 * p - d * (k - 1) - 1"
BIAS = "_weights({}, C_in, C_out, kernel_size, groups) + (C_out if bias else 0)"
COST = "return _weights(1, C_in, C_out, kernel_size, groups) * L_out"
VALUES = "values = value if isinstance(value, tuple) else (value,) * n"
VALID = "if len(values) != n or min(values) < least:"

SLIPS = {
    "length": {
        "padding and input divided by the stride apart": """
def conv1d_output_length(L_in, kernel_size, stride=1, padding=0, dilation=1):
    (s,), (p,) = _per_dim("stride", stride, 1), _per_dim("padding", padding, 1, 0)
    places = _output((L_in,), kernel_size, 1, p, dilation)[0]
    return (places - 2 * p - 1) // s + 1 + 2 * p // s
""",
        "padding on one side": ("last = size + 2 * p", "last = size + p"),
        "the + 1 forgotten": ("last // s + 1", "last // s"),
        "rounded up": ("last // s + 1", "-(-last // s) + 1"),
        "a float": ("last // s + 1", "last / s + 1"),
        "taps one too far apart": ("p - d * (k - 1) - 1", "p - (d + 1) * (k - 1) - 1"),
        "the stride divides the size alone": (
            "out.append(last // s + 1)",
            "out.append(size // s + (last + 1 - size))",
        ),
        "stride and padding swapped": (
            LENGTH,
            "return _output((L_in,), kernel_size, padding, stride, dilation)[0]",
        ),
        "a tuple in 1d": (
            LENGTH,
            "return tuple(_output((L_in,), kernel_size, stride, padding, dilation))",
        ),
        "padding of at least 1": ("padding, n, least=0)", "padding, n)"),
        "a stride of the kernel by default, as in pooling": """
def conv1d_output_length(L_in, kernel_size, stride=None, padding=0, dilation=1):
    stride = kernel_size if stride is None else stride
    return _output((L_in,), kernel_size, stride, padding, dilation)[0]
""",
        "rounded to the nearest": ("last // s + 1", "(2 * last + s) // (2 * s) + 1"),
        "the padded size divided by the stride": ("last // s + 1", "(last + d * (k - 1)) // s + 1"),
    },
    "shape": {
        "rounded up if padded": """
def conv2d_output_shape(H_in, W_in, kernel_size, stride=1, padding=0, dilation=1):
    places = _output((H_in, W_in), kernel_size, 1, padding, dilation)
    s, p = _per_dim("stride", stride, 2), _per_dim("padding", padding, 2, 0)
    up = [d - 1 if q else 0 for d, q in zip(s, p)]
    return tuple((n - 1 + u) // d + 1 for n, d, u in zip(places, s, up))
""",
        "height and width swapped": (
            "H_out, W_out = _output((H_in, W_in)",
            "W_out, H_out = _output((H_in, W_in)",
        ),
        "frames last": ("    return T_out, H_out, W_out", "    return H_out, W_out, T_out"),
        "a list": ("    return T_out, H_out, W_out", "    return [T_out, H_out, W_out]"),
        "lists for tuples": (
            "    return H_out, W_out\n",
            "    return list((H_out, W_out))\n",
        ),
        "one side for both": ("    return H_out, W_out\n", "    return H_out, H_out\n"),
        "the positions instead of the shape": (
            "    return H_out, W_out\n",
            "    return H_out * W_out\n",
        ),
        "the frames' stride is always 1": """
def conv3d_output_shape(T_in, H_in, W_in, kernel_size, stride=1, padding=0, dilation=1):
    s = _per_dim("stride", stride, 3)
    if not isinstance(stride, tuple):
        s = (1, *s[1:])
    return tuple(_output((T_in, H_in, W_in), kernel_size, s, padding, dilation))
""",
    },
    "params": {
        "one bias for each input channel": (
            BIAS.format(1),
            BIAS.format(1).replace("(C_out if", "(C_in if"),
        ),
        "kernel as long as its sides together": (PER_DIM, PER_DIM.replace("prod", "sum")),
        "bias always": (BIAS.format(2), "_weights(2, C_in, C_out, kernel_size, groups) + C_out"),
        "one bias": (BIAS.format(3), BIAS.format(3).replace("(C_out if", "(1 if")),
        "k * k in 3d": (BIAS.format(3), BIAS.format(2)),
        "no bias by default": """
def conv2d_num_params(C_in, C_out, kernel_size, bias=False, groups=1):
    return _weights(2, C_in, C_out, kernel_size, groups) + (C_out if bias else 0)
""",
        "bias never": (BIAS.format(1), "_weights(1, C_in, C_out, kernel_size, groups)"),
        "a bias for each weight of a filter": (
            BIAS.format(2),
            "_weights(2, C_in + bias, C_out, kernel_size, groups)",
        ),
    },
    "flops": {
        "frames forgotten": ("* T_out * H_out * W_out", "* H_out * W_out"),
        "a mult-add counts two": ("groups) * H_out * W_out", "groups) * H_out * W_out * 2"),
        "FLOPs with the bias": (
            COST,
            "return (_weights(1, C_in, C_out, kernel_size, groups) + C_out) * L_out",
        ),
        "FLOPs of one output channel": (
            COST,
            "return _weights(1, C_in, C_out, kernel_size, groups) // C_out * L_out",
        ),
        "the weights alone": (COST, "return _weights(1, C_in, C_out, kernel_size, groups)"),
        "a side for the area": ("groups) * H_out * W_out", "groups) * H_out"),
        "a square output": ("groups) * H_out * W_out", "groups) * H_out * H_out"),
        "the bias as one more product": (
            "groups) * H_out * W_out",
            "groups) * H_out * W_out + C_out",
        ),
    },
    "dilation": {
        "dilation multiplies the stride": ("last // s + 1", "last // (s * d) + 1"),
        "dilation ignored": (LAST, "last = size + 2 * p - k"),
        "dilation times the kernel": ("p - d * (k - 1) - 1", "p - d * k"),
        "dilation of the first dim alone": (
            '_per_dim("dilation", dilation, n),',
            '_per_dim("dilation", dilation, n)[:1] + (1,) * (n - 1),',
        ),
        "a dilated kernel of d * k - 1": (
            LAST,
            "last = size + 2 * p - (d * k - 1 if d > 1 else k)",
        ),
    },
    "groups": {
        "C_out need not divide": (" or C_out % groups", ""),
        "groups ignored": ("C_out * (C_in // groups)", "C_out * C_in"),
        "groups tested by torch": """
import torch

def conv1d_num_params(C_in, C_out, kernel_size, bias=True, groups=1):
    layer = torch.nn.Conv1d(C_in, C_out, kernel_size, bias=bias, groups=groups, device="meta")
    _weights(1, C_in, C_out, kernel_size, groups)
    return sum(p.numel() for p in layer.parameters())
""",
        "groups divide both": ("C_out * (C_in // groups)", "C_out // groups * (C_in // groups)"),
        "C_in need not divide": (" or C_in % groups", ""),
        "FLOPs without groups": (COST, COST.replace("groups)", "1)")),
        "groups multiply": ("C_out * (C_in // groups)", "C_out * C_in * groups"),
        "groups divide the biases, too": (
            BIAS.format(3),
            BIAS.format(3).replace("(C_out if", "(C_out // groups if"),
        ),
        "groups without numbers in the message": (
            'f"groups {groups} do not divide C_in {C_in} and C_out {C_out}"',
            'f"groups {groups} do not divide the channels"',
        ),
        "channels that groups do not divide, rounded down": (
            "if groups < 1 or C_in % groups or C_out % groups:",
            "if groups < 1:",
        ),
    },
    "tuples": {
        "the first int for all dims": ("    return values\n", "    return values[:1] * n\n"),
        "dims reversed": ("    return values\n", "    return values[::-1]\n"),
        "any length is valid": (VALID, "if min(values) < least:"),
        "square kernel only": (PER_DIM, '_per_dim("kernel_size", kernel_size, n)[0] ** n'),
        "ints alone": (VALUES, "values = (value,) * n"),
        "a tuple of one int holds for all dims": (
            VALUES,
            "values = value if isinstance(value, tuple) else (value,)\n"
            "    values = values * n if len(values) == 1 else values",
        ),
        "no tuples in 1d": (
            LENGTH,
            "return (L_in + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1\n"
            "    " + LENGTH,
        ),
        "too many ints cut off": (
            VALUES,
            "values = (value if isinstance(value, tuple) else (value,) * n)[:n]",
        ),
    },
    "exact": {
        "digits lost in a float": ("last // s + 1", "int(last / s) + 1"),
        "groups in a float": (
            "C_out * (C_in // groups) * prod",
            "int(C_out * C_in / groups) * prod",
        ),
        "counted by torch": """
import torch

def conv1d_num_params(C_in, C_out, kernel_size, bias=True, groups=1):
    _weights(1, C_in, C_out, kernel_size, groups)
    layer = torch.nn.Conv1d(C_in, C_out, kernel_size, bias=bias, groups=groups, device="meta")
    return sum(p.numel() for p in layer.parameters())
""",
        "np.prod": """
import numpy as np

def prod(numbers):
    return np.prod(numbers)
""",
        "np.prod in 64 bits": """
import numpy as np

def prod(numbers):
    return int(np.prod(numbers))
""",
        "the stride's digits lost in a float": ("last // s + 1", "last // int(float(s)) + 1"),
        "the kernel's digits lost in a float": (
            PER_DIM,
            'int(prod(map(float, _per_dim("kernel_size", kernel_size, n))))',
        ),
        "math.floor of a quotient": ("last // s + 1", "__import__('math').floor(last / s) + 1"),
        "a shape of torch.Size": (
            "    return H_out, W_out\n",
            "    import torch\n\n    return torch.Size((H_out, W_out))\n",
        ),
        "FLOPs in 64 bits": (
            COST,
            f"{COST.replace('return ', 'cost = ')}\n    return cost % 2**63",
        ),
    },
    "fit": {
        "no output is no error": ("        if last < 0:", "        if False:"),
        "a kernel that just fits refused": ("if last < 0:", "if last < 1:"),
        "a kernel too long by one accepted": ("if last < 0:", "if last < -1:"),
        "padding forgotten in the test": ("if last < 0:", "if last - 2 * p < 0:"),
        "no numbers in the message": (REFUSAL, '"the kernel is larger than the input"'),
        "padded and dilated sizes alone in the message": (
            REFUSAL,
            'f"kernel {d * (k - 1) + 1} is too long for {size + 2 * p}"',
        ),
        "an assert": (f"raise ValueError({REFUSAL})", "raise AssertionError(k, size)"),
        "a size of 0 for no output": (
            "        if last < 0:",
            "        if last < 0:\n            last = -s\n        if last < -s:",
        ),
        "dilation forgotten in the test": ("if last < 0:", "if size + 2 * p < k:"),
        "an error only where all dims are too small": (
            "        if last < 0:",
            "        if last < 0 and len(sizes) == len(out) + 1 and max(out, default=0) < 1:",
        ),
    },
    "values": {
        "any number is valid": (VALID, "if len(values) != n:"),
        "negative padding": ("padding, n, least=0)", "padding, n, least=-9)"),
        "stride 0": ('_per_dim("stride", stride, n)', '_per_dim("stride", stride, n, least=0)'),
        "one dim alone validated": ("min(values) < least", "values[0] < least"),
        "groups of 0": ("if groups < 1 or C_in", "if C_in"),
        "the largest int validated": ("min(values) < least", "max(values) < least"),
        "zero is valid": ("min(values) < least", "min(values) < 0"),
        "values without the number": (
            'f"{name} is {value}, want an int >= {least} or a tuple of {n} such ints"',
            'f"{name} is not valid"',
        ),
        "values asserted": (
            f"{VALID}\n        raise ValueError(",
            "if len(values) != n:\n        raise ValueError\n    assert min(values) >= least, (",
        ),
    },
}

VARIANTS = {
    "places counted with range": """
def _output(sizes, kernel_size, stride, padding, dilation):
    n, out = len(sizes), []
    names = ("kernel_size", "stride", "padding", "dilation")
    given = (kernel_size, stride, padding, dilation)
    per_dim = [_per_dim(a, v, n, a != "padding") for a, v in zip(names, given)]
    for i in range(n):
        k, s, p, d = (values[i] for values in per_dim)
        places = range(0, sizes[i] + 2 * p - range(1, 1 + k * d, d)[-1] + 1, s)
        if not places:
            raise ValueError(f"input {sizes}, kernel_size {kernel_size}, padding {padding}")
        out.append((places[-1] - places[0]) // s + 1)
    return out
""",
    "one group after the other": """
def _weights(n, C_in, C_out, kernel_size, groups):
    kernel = (kernel_size,) * n if type(kernel_size) is int else kernel_size
    if len(kernel) != n:
        raise ValueError("kernel_size")
    for k in kernel:
        if k <= 0:
            raise ValueError(f"a kernel of {k}")
    if groups <= 0:
        raise ValueError(groups)
    for name, C in (("C_in", C_in), ("C_out", C_out)):
        if divmod(C, groups)[1] != 0:
            raise ValueError(f"{C} = {name}, not a multiple of {groups}")
    per_group = (C_in // groups) * (C_out // groups)
    for k in kernel:
        per_group *= k
    return groups * per_group
""",
    "1d written out, 2d by 1d": """
def one(name, value, low=1):
    if isinstance(value, tuple):
        if len(value) != 1:
            raise ValueError("one int")
        value = value[0]
    if value < low:
        raise ValueError(f"{name}={value}<{low}")
    return value

def conv1d_output_length(L_in, kernel_size, stride=1, padding=0, dilation=1):
    k, s, d = one("k", kernel_size), one("s", stride), one("d", dilation)
    p = one("p", padding, 0)
    effective = d * (k - 1) + 1
    if L_in + 2 * p < effective:
        raise ValueError(f"L_in={L_in},k={k}")
    return (L_in + 2 * p - effective + s) // s

def conv2d_output_shape(H_in, W_in, kernel_size, stride=1, padding=0, dilation=1):
    given = []
    for value in (kernel_size, stride, padding, dilation):
        value = value if isinstance(value, tuple) else (value, value)
        if len(value) != 2:
            raise ValueError(value)
        given.append(value)
    heights, widths = zip(*given)
    return conv1d_output_length(H_in, *heights), conv1d_output_length(W_in, *widths)
""",
}
