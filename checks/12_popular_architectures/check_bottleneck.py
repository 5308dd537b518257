"""What challenge_bottleneck.py requires.

Each label switches off the rest: `shortcut` a main path of 0, `main` a shortcut of 0, `sum` gives
both by hand.
"""

import torch

from checks import convnets
from checks.convnets import center, no_shortcut, plain

SAME, OTHERS = (4, 4, 3), ((5, 3, 2), (1, 4, 3, 1), (4, 4, 5, 3), (5, 3, 3, 2), (2, 6, 2, 3))
LAYERS = (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"))


def names(BottleneckBlock):
    for args in (SAME, *OTHERS):
        name, block, (in_c, out_c, mid_c, _) = made(BottleneckBlock, args)
        layers = {"conv1": (mid_c, in_c, 1, 1), "bn1": (mid_c,)}
        layers |= {"conv2": (mid_c, mid_c, 3, 3), "bn2": (mid_c,)}
        layers |= {"conv3": (out_c, mid_c, 1, 1), "bn3": (out_c,)}
        if args != SAME:
            layers |= {"shortcut.0": (out_c, in_c, 1, 1), "shortcut.1": (out_c,)}
        convnets.named_layers(name, block, layers)


def stride(BottleneckBlock):
    for args in (SAME, *OTHERS):
        name, block, (in_c, _, _, s) = made(BottleneckBlock, args)
        h = -(-12 // s)
        want = {"conv1": 12, "conv2": h, "conv3": h, "shortcut.0": h}
        parts = {key: [m] for key, m in block.named_modules() if key in want}
        x, want = torch.randn(2, in_c, 12, 12), [want[key] for key in parts]
        convnets.sides(name, block, x, parts, want)
        if s > 1:
            convnets.skips(name, block, in_c, {"conv1": 1, "conv2": s, "conv3": 1})


def shapes(BottleneckBlock):
    for args in (SAME, *OTHERS):
        name, block, (in_c, out_c, _, s) = made(BottleneckBlock, args)
        for n, h, w in ((2, 6, 8), (1, 9, 4), (3, 7, 10), (2, 1, 5), (1, 1, 1)):
            want = (n, out_c, -(-h // s), -(-w // s))
            convnets.shape(name, block, torch.randn(n, in_c, h, w), want)


def shortcut(BottleneckBlock):
    arguments = ((*args, 1)[:4] for args in (SAME, *OTHERS))
    convnets.shortcut_alone(BottleneckBlock, "bn3", arguments)


def sum(BottleneckBlock):
    convnets.sums(BottleneckBlock, "bn3", ((4, 4, 3), (4, 4, 1, 2), (2, 3, 2)))


def main(BottleneckBlock):
    name, block, _ = made(BottleneckBlock, (1, 2, 1))
    center(plain(block).conv1)
    center(block.conv3)
    no_shortcut(block)
    block.conv2.weight.data[0] = 1
    note = " of 1s, shortcut 0, a kernel of 1s in conv2, other convolutions copy"
    convnets.nines(name, block, torch.ones(2, 1, 3, 3), note)
    convnets.relus(name, block, 1, LAYERS)
    for args in ((5, 3, 2), (1, 4, 3, 1)):
        name, block, (in_c, *_) = made(BottleneckBlock, args)
        convnets.in_order(name, block, in_c, LAYERS)


def input(BottleneckBlock):
    for args in (SAME, *OTHERS[:3]):
        name, block, (in_c, *_) = made(BottleneckBlock, args)
        convnets.keeps_x(name, block, torch.randn(3, in_c, 6, 5))


def training(BottleneckBlock):
    for args in (SAME, (5, 3, 3, 2)):
        name, block, (in_c, *_) = made(BottleneckBlock, args)
        x = torch.randn(30, in_c, 6, 5)
        convnets.trains(name, block, x, x[:1], x[:2, :, :1, :1])


def gradients(BottleneckBlock):
    for args in (SAME, (4, 4, 5, 3), (5, 3, 2)):
        name, block, (in_c, *_) = made(BottleneckBlock, args)
        convnets.slopes(name, block, torch.randn(3, in_c, 6, 5))


def anywhere(BottleneckBlock):
    for args in (SAME, (5, 3, 3, 2)):
        name, block, (in_c, *_) = made(BottleneckBlock, args)
        convnets.anywhere(name, block, torch.randn(2, in_c, 6, 7))


CORE = (names, stride, shapes, shortcut, sum, main, input, training, gradients)
EDGES = (anywhere,)


def made(BottleneckBlock, args):
    """How messages name it, the block in eval mode, and all four arguments."""
    return f"BottleneckBlock{args}", BottleneckBlock(*args).eval(), (*args, 1)[:4]
