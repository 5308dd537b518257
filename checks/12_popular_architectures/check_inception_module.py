"""What challenge_inception_module.py requires.

Convolutions are found by the shapes of their weights, branches by what they give. Each label tries
its own where the others cannot fail: no ReLU takes anything, no border can win the pooling.
"""

import torch
from torch import nn
from torch.nn import functional as F

from checks import convnets
from checks.convnets import call, equals, gives, plain, positive, run, trained

SIZES = ((5, 4, 2, 6, 3, 7, 8), (2, 1, 6, 3, 4, 1, 5))


def layers(InceptionModule):
    for sizes in SIZES:
        name, module = made(InceptionModule, sizes)
        convnets.only_layers(name, module, weights(sizes))


def biases(InceptionModule):
    convnets.biases(*made(InceptionModule, SIZES[0]), nn.Conv2d)


def shapes(InceptionModule):
    for sizes in SIZES:
        name, module = made(InceptionModule, sizes)
        for n, h, w in ((2, 6, 9), (1, 7, 4), (2, 1, 5), (1, 1, 1)):
            want = (n, sum(widths(sizes)), h, w)
            convnets.shape(name, module, torch.randn(n, sizes[0], h, w), want)


def order(InceptionModule):
    for sizes in SIZES:
        name, module, _ = times(InceptionModule, sizes, (1, 1, 2, 1, 3, 4))
        note, says = ", all 1, the branches give 1, 2, 3 and 4", "out[0, :, 2, 2]"
        want = [i for i, c in enumerate(widths(sizes), 1) for _ in range(c)]
        x = torch.ones(2, sizes[0], 5, 5)
        gives(name, module, x, want, note, (0, slice(None), 2, 2), says=says)


def relu(InceptionModule):
    for sizes in SIZES:
        first = [channels[0].item() for channels in places(InceptionModule, sizes)]
        for value, factors, want in (
            (1, (-1, -1, -1, -1, -1, -1), (0, 0, 0, 0)),
            (1, (1, 1, -2, 1, -3, 4), (1, 0, 0, 4)),
            (-1, (-1, -1, 2, -1, 3, -4), (1, 2, 3, 4)),
            (100, (1, 1, 2, 1, 3, 4), (100, 200, 300, 400)),
        ):
            name, module, _ = times(InceptionModule, sizes, factors)
            a, b, c, d, e, f = factors
            note = f", all {value}, convolutions times {a} | {b}, {c} | {d}, {e} | {f} by branch"
            x, says = torch.full((2, sizes[0], 5, 5), float(value)), "a number of each branch"
            gives(name, module, x, want, note, (0, first, 2, 2), says, 1e-5)


def branches(InceptionModule):
    sizes, x = (1, 2, 3, 4, 5, 6, 7), torch.ones(2, 1, 5, 5)
    name, module, parts = times(InceptionModule, sizes, [1] * 6)
    for conv in (parts[2], parts[4]):
        conv.weight.data[0, 0] = 1
    note = ", all 1, a kernel of 1s in the 3x3 and the 5x5, 1x1 convolutions copy"
    out, wants = run(name, module, x, note)[0], by_hand(parts, x)
    for i, channels in enumerate(places(InceptionModule, sizes)[:3]):
        what = f"{call(name, module, x, note)}: the first row of branch {i + 1}"
        equals(what, out[channels[0], 0], wants[i][0, 0, 0])

    for sizes in SIZES:
        name, module = made(InceptionModule, sizes)
        parts = parts_of(name, positive(module).double(), sizes)
        branches = places(InceptionModule, sizes)[:3]
        for n, h, w in ((3, 6, 9), (2, 2, 1)):
            x = torch.rand(n, sizes[0], h, w, dtype=torch.float64)
            out, wants, what = run(name, module, x), by_hand(parts, x), call(name, module, x)
            for i, channels in enumerate(branches):
                equals(f"{what}: channels of branch {i + 1}", out[:, channels], wants[i], 1e-5)


def pooling(InceptionModule):
    x = -torch.arange(1.0, 10).view(3, 3).repeat(2, 1, 1, 1)
    lowest(InceptionModule, x, " from -1 to -9, row by row")
    for sizes in SIZES:
        name, module = made(InceptionModule, sizes)
        parts = parts_of(name, positive(module).double(), sizes)
        if parts[-1].bias is not None:
            parts[-1].bias.data.add_(20)  # nothing is below 0 then
        x, channels = torch.randn(3, sizes[0], 7, 4).double(), places(InceptionModule, sizes)[3]
        want, at = by_hand(parts, x)[3], (slice(None), channels)
        gives(name, module, x, want, at=at, says="channels of branch 4", tol=1e-5)


def modes(InceptionModule):
    for sizes in SIZES:
        name, module = made(InceptionModule, sizes)
        convnets.keeps_x(name, module, 3, sizes[0], 6, 7)
        convnets.one_mode(name, trained(module), 10 * torch.randn(3, sizes[0], 6, 7))


def gradients(InceptionModule):
    for sizes in SIZES:
        convnets.slopes(*made(InceptionModule, sizes), torch.randn(2, sizes[0], 6, 5), False)


def low(InceptionModule):
    for value in (-1e10, -1e40):
        x = torch.full((2, 1, 3, 3), value, dtype=torch.float64)
        lowest(InceptionModule, x, f", all {value:g}")


def anywhere(InceptionModule):
    convnets.anywhere(*made(InceptionModule, SIZES[0]), torch.randn(2, SIZES[0][0], 6, 7))


CORE = (layers, biases, shapes, order, relu, branches, pooling, modes, gradients)
EDGES = (low, anywhere)


def made(InceptionModule, sizes):
    return f"InceptionModule{sizes}", InceptionModule(*sizes).eval()


def weights(sizes):
    """The shapes of the convolutions' weights, branch by branch."""
    in_c, c1, reduce3, c3, reduce5, c5, proj = sizes
    three, five = (c3, reduce3, 3, 3), (c5, reduce5, 5, 5)
    ones = ((c, in_c, 1, 1) for c in (c1, reduce3, reduce5, proj))
    return next(ones), next(ones), three, next(ones), five, next(ones)


def widths(sizes):
    """The channels of the four branches."""
    return sizes[1], sizes[3], sizes[5], sizes[6]


def parts_of(name, module, sizes):
    """The convolutions that have these weights."""
    convs = {tuple(m.weight.shape): m for m in module.modules() if isinstance(m, nn.Conv2d)}
    for shape in weights(sizes):
        assert shape in convs, f"{name}: no nn.Conv2d has a weight {shape}"
    return [convs[shape] for shape in weights(sizes)]


def by_hand(parts, x):
    """What the four branches give, by torch's functions."""

    def step(conv, x):
        return F.conv2d(x, conv.weight, conv.bias, padding=conv.weight.shape[-1] // 2).relu()

    one, reduce3, three, reduce5, five, proj = parts
    second, third = step(three, step(reduce3, x)), step(five, step(reduce5, x))
    return step(one, x), second, third, step(proj, F.max_pool2d(x, 3, 1, 1))


def times(InceptionModule, sizes, factors):
    """The module with convolutions that give a factor times the mean of their channels."""
    name, module = made(InceptionModule, sizes)
    parts = parts_of(name, plain(module), sizes)
    for conv, factor in zip(parts, factors, strict=True):
        middle = conv.weight.shape[-1] // 2
        conv.weight.data[:, :, middle, middle] = factor / conv.weight.shape[1]
    return name, module, parts


def places(InceptionModule, sizes):
    """The channels of each branch in out, in whatever order it joins them."""
    name, module, _ = times(InceptionModule, sizes, (1, 1, 2, 1, 3, 4))
    out = run(name, module, torch.ones(2, sizes[0], 5, 5))[0, :, 2, 2]
    found = [torch.isclose(out, torch.tensor(i + 1.0)).nonzero().flatten() for i in range(4)]
    if [len(channels) for channels in found] != list(widths(sizes)):
        found = torch.arange(sum(widths(sizes))).split(widths(sizes))
    return found


def lowest(InceptionModule, x, note):
    """Branch 4 of a module whose last convolution negates."""
    sizes = (1, 2, 3, 4, 5, 6, 7)
    name, module, parts = times(InceptionModule, sizes, (0, 0, 0, 0, 0, -1))
    module.to(x.dtype)
    at, note = (0, places(InceptionModule, sizes)[3][0]), f"{note}, the last convolution negates"
    gives(name, module, x, by_hand(parts, x)[3][0, 0], note, at, says="branch 4", tol=1e-5)
