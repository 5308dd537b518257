"""What challenge_inception_module.py requires.

Convolutions are found by the shapes of their weights. Only `branches` compares with torch's
functions, where no ReLU takes anything and no border can win the pooling.
"""

import torch
from torch import nn

from checks import convnets
from checks.convnets import call, plain, positive, run, trained
from checks.tools import close, numbers

ROWS = ([1.0] * 5, [4.0, 6, 6, 6, 4], [9.0, 12, 15, 12, 9])  # pixels that lie in the image
SIZES = ((5, 4, 2, 6, 3, 7, 8), (2, 1, 6, 3, 4, 1, 5))


def layers(InceptionModule):
    for sizes in SIZES:
        name, module, wanted = made(InceptionModule, sizes)
        convnets.shapes_of(name, module)
        convs = convnets.found(name, module, nn.Conv2d, 6)
        convnets.weights(f"{name}, nn.Conv2d", convs, wanted)
        convnets.nothing_else(name, module, convs)


def biases(InceptionModule):
    name, module, _ = made(InceptionModule, SIZES[0])
    convs = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
    assert convs, f"{name}: no nn.Conv2d among its modules"
    convnets.biases(name, convs, len(convs))


def shapes(InceptionModule):
    for sizes in SIZES:
        name, module, _ = made(InceptionModule, sizes)
        for n, h, w in ((2, 6, 9), (1, 7, 4), (2, 1, 5), (1, 1, 1)):
            want = (n, sum(widths(sizes)), h, w)
            convnets.shape(name, module, torch.randn(n, sizes[0], h, w), want)


def order(InceptionModule):
    for sizes in SIZES:
        name, module, x = by_hand(InceptionModule, sizes, (1, 1, 2, 1, 3, 4))
        note, out = ", all 1, the branches give 1, 2, 3 and 4", run(name, module, x)
        got, want = out[0, :, 2, 2], [i for i, c in enumerate(widths(sizes), 1) for _ in range(c)]
        what = f"{call(name, module, x, note)}: out[0, :, 2, 2]"
        right = len(got) == len(want) and torch.allclose(got, torch.tensor(want).float())
        assert right, f"{what} is {numbers(got)}, want {want}"


def relu(InceptionModule):
    for value, factors, want in (
        (1, (-1, -1, -1, -1, -1, -1), (0, 0, 0, 0)),
        (1, (1, 1, -2, 1, -3, 4), (1, 0, 0, 4)),
        (-1, (-1, -1, 2, -1, 3, -4), (1, 2, 3, 4)),
        (100, (1, 1, 2, 1, 3, 4), (100, 200, 300, 400)),
    ):
        for sizes in SIZES:
            name, module, x = by_hand(InceptionModule, sizes, factors)
            a, b, c, d, e, f = factors
            note = f", all {value}, convolutions times {a} | {b}, {c} | {d}, {e} | {f} by branch"
            out = run(name, module, value * x)[0, :, 2, 2]
            got = torch.stack([out[channels[0]] for channels in places(InceptionModule, sizes)])
            what = f"{call(name, module, x, note)}: a number of each branch"
            close(got, torch.tensor(want).float(), what)


def branches(InceptionModule):
    name, module, x = by_hand(InceptionModule, SIZES[0], (1, 1, 1, 1, 1, 1))
    for conv in (m for m in module.modules() if isinstance(m, nn.Conv2d)):
        nn.init.constant_(conv.weight, 1 / conv.in_channels)
    out, note = run(name, module, x)[0], ", all 1, kernels of 1s, each over its input channels"
    for i, (channels, want) in enumerate(
        zip(places(InceptionModule, SIZES[0]), ROWS, strict=False)
    ):
        got = out[channels[0], 0]
        what = f"{call(name, module, x, note)}: the first row of branch {i + 1}"
        close(got, torch.tensor(want), what)

    for sizes in SIZES:
        name, module, wanted = made(InceptionModule, sizes)
        one, reduce3, three, reduce5, five, _ = parts_of(name, positive(module).double(), wanted)
        for n, h, w in ((3, 6, 9), (2, 7, 4), (2, 2, 1)):
            x = torch.rand(n, sizes[0], h, w, dtype=torch.float64)
            out, what = run(name, module, x).double(), call(name, module, x)
            wants = step(one, x), step(three, step(reduce3, x)), step(five, step(reduce5, x))
            for i, channels in enumerate(places(InceptionModule, sizes)[:3]):
                close(out[:, channels], wants[i], f"{what}: channels of branch {i + 1}", 1e-5)


def pooling(InceptionModule):
    x = -torch.arange(1.0, 10).view(3, 3).repeat(2, 1, 1, 1)
    lowest(InceptionModule, x, " from -1 to -9, row by row", [[1, 1, 2], [1, 1, 2], [4, 4, 5]])
    for sizes in SIZES:
        name, module, wanted = made(InceptionModule, sizes)
        last = parts_of(name, positive(module).double(), wanted)[-1]
        if last.bias is not None:
            last.bias.data.add_(20)  # nothing is below 0 then
        x = torch.randn(3, sizes[0], 7, 4, dtype=torch.float64)
        got = run(name, module, x)[:, places(InceptionModule, sizes)[3]].double()
        want = step(last, nn.functional.max_pool2d(x, 3, 1, 1))
        close(got, want, f"{call(name, module, x)}: channels of branch 4", 1e-5)


def modes(InceptionModule):
    for sizes in SIZES:
        name, module, _ = made(InceptionModule, sizes)
        x = 10 * torch.randn(3, sizes[0], 6, 7)
        convnets.keeps_x(name, module, x)
        convnets.one_mode(name, trained(module), x)


def gradients(InceptionModule):
    for sizes in SIZES:
        name, module, _ = made(InceptionModule, sizes)
        convnets.slopes(name, module, torch.randn(2, sizes[0], 6, 5))


def low(InceptionModule):
    for value in (-1e10, -1e40):
        x = torch.full((2, 1, 3, 3), value, dtype=torch.float64)
        lowest(InceptionModule, x, f", all {value:g}", [[-value] * 3] * 3)


def anywhere(InceptionModule):
    name, module, _ = made(InceptionModule, SIZES[0])
    convnets.anywhere(name, module, torch.randn(2, SIZES[0][0], 6, 7))


CORE = (layers, biases, shapes, order, relu, branches, pooling, modes, gradients)
EDGES = (low, anywhere)


def made(InceptionModule, sizes):
    """How messages name it, the module, and the shapes of its weights, branch by branch."""
    in_c, c1, reduce3, c3, reduce5, c5, proj = sizes
    ones = [(c, in_c, 1, 1) for c in (c1, reduce3, reduce5, proj)]
    wanted = [ones[0], ones[1], (c3, reduce3, 3, 3), ones[2], (c5, reduce5, 5, 5), ones[3]]
    return f"InceptionModule{sizes}", InceptionModule(*sizes).eval(), wanted


def widths(sizes):
    """The channels of the four branches."""
    return sizes[1], sizes[3], sizes[5], sizes[6]


def parts_of(name, module, wanted):
    """The convolutions that have these weights."""
    convs = {tuple(m.weight.shape): m for m in module.modules() if isinstance(m, nn.Conv2d)}
    for shape in wanted:
        assert shape in convs, f"{name}: no nn.Conv2d has a weight {shape}"
    return [convs[shape] for shape in wanted]


def by_hand(InceptionModule, sizes, factors):
    """The module with convolutions that give a factor times the mean of their channels; x of 1s."""
    name, module, wanted = made(InceptionModule, sizes)
    for conv, factor in zip(parts_of(name, plain(module), wanted), factors, strict=True):
        middle = conv.weight.shape[-1] // 2
        conv.weight.data[:, :, middle, middle] = factor / conv.weight.shape[1]
    return name, module, torch.ones(2, sizes[0], 5, 5)


def places(InceptionModule, sizes):
    """The channels of each branch in out, in whatever order it joins them."""
    name, module, x = by_hand(InceptionModule, sizes, (1, 1, 2, 1, 3, 4))
    out, start = run(name, module, x)[0, :, 2, 2], torch.tensor([0, *widths(sizes)]).cumsum(0)
    found = [torch.isclose(out, torch.tensor(i + 1.0)).nonzero().flatten() for i in range(4)]
    if [len(channels) for channels in found] != list(widths(sizes)):
        found = [torch.arange(start[i], start[i + 1]) for i in range(4)]
    return found


def step(conv, x):
    padding = conv.weight.shape[-1] // 2
    return nn.functional.conv2d(x, conv.weight, conv.bias, padding=padding).clamp(min=0)


def lowest(InceptionModule, x, note, want):
    """Branch 4 of a module whose last convolution negates."""
    sizes = (1, 2, 3, 4, 5, 6, 7)
    name, module, wanted = made(InceptionModule, sizes)
    conv = parts_of(name, plain(module.to(x.dtype)), wanted)[-1]
    nn.init.constant_(conv.weight, -1)
    got, want = run(name, module, x)[0], torch.tensor(want, dtype=x.dtype)
    got = got[places(InceptionModule, sizes)[3][0]].to(x.dtype)
    what = f"{call(name, module, x, note)}, the last convolution negates: branch 4"
    right = got.shape == want.shape and torch.allclose(got, want)
    assert right, f"{what} is {numbers(got)}, want {numbers(want)}"
