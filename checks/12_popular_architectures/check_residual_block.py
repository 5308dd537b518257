"""What challenge_residual_block.py requires.

Each label switches off the rest: `shortcut` a main path of 0, `main` a shortcut of 0, `sum` gives
both by hand.
"""

import torch

from checks import convnets
from checks.convnets import center, no_shortcut, plain

SAME, OTHERS = (3, 3), ((5, 3), (1, 4, 1), (4, 4, 3), (5, 3, 2), (2, 6, 3))


def names(ResidualBlock):
    for args in (SAME, *OTHERS):
        name, block, (in_c, out_c, stride) = made(ResidualBlock, args)
        layers = {"conv1": (out_c, in_c, 3, 3), "bn1": (out_c,)}
        layers |= {"conv2": (out_c, out_c, 3, 3), "bn2": (out_c,)}
        if args != SAME:
            layers |= {"shortcut.0": (out_c, in_c, 1, 1), "shortcut.1": (out_c,)}
        convnets.named_layers(name, block, layers)


def stride(ResidualBlock):
    for args in (SAME, *OTHERS):
        name, block, (in_c, _, s) = made(ResidualBlock, args)
        parts = {key: [m] for key, m in block.named_modules() if key in STRIDED}
        h = -(-12 // s)
        x = torch.randn(2, in_c, 12, 12)
        convnets.sides(name, block, x, parts, [h] * len(parts))
        if s > 1:
            convnets.skips(name, block, in_c, {"conv1": s, "conv2": 1})


def shapes(ResidualBlock):
    for args in (SAME, *OTHERS):
        name, block, (in_c, out_c, s) = made(ResidualBlock, args)
        for n, h, w in ((2, 6, 8), (1, 9, 4), (3, 7, 10), (2, 1, 5), (1, 1, 1)):
            want = (n, out_c, -(-h // s), -(-w // s))
            convnets.shape(name, block, torch.randn(n, in_c, h, w), want)


def shortcut(ResidualBlock):
    arguments = ((*args, 1)[:3] for args in (SAME, *OTHERS))
    convnets.shortcut_alone(ResidualBlock, "bn2", arguments)


def sum(ResidualBlock):
    convnets.sums(ResidualBlock, "bn2", ((4, 4), (4, 4, 2), (2, 3)))


def main(ResidualBlock):
    name, block, _ = made(ResidualBlock, (1, 2))
    for nines, copies in (("conv1", "conv2"), ("conv2", "conv1")):
        plain(block)
        no_shortcut(block)
        block.get_submodule(nines).weight.data[0] = 1
        center(block.get_submodule(copies))
        note = f" of 1s, shortcut 0, a kernel of 1s in {nines}, {copies} copies"
        convnets.nines(name, block, torch.ones(2, 1, 3, 3), note)

    convnets.relus(name, block, 1, LAYERS)
    for args in ((5, 3), (1, 4)):
        name, block, (in_c, *_) = made(ResidualBlock, args)
        convnets.in_order(name, block, in_c, LAYERS)


def input(ResidualBlock):
    for args in (SAME, (4, 4, 3), (5, 3)):
        name, block, (in_c, *_) = made(ResidualBlock, args)
        convnets.keeps_x(name, block, torch.randn(3, in_c, 6, 5))


def training(ResidualBlock):
    for args in (SAME, (5, 3, 2)):
        name, block, (in_c, *_) = made(ResidualBlock, args)
        x = torch.randn(30, in_c, 6, 5)
        convnets.trains(name, block, x, x[:1], x[:2, :, :1, :1])


def gradients(ResidualBlock):
    for args in (SAME, (4, 4, 3), (5, 3)):
        name, block, (in_c, *_) = made(ResidualBlock, args)
        convnets.slopes(name, block, torch.randn(3, in_c, 6, 5))


def anywhere(ResidualBlock):
    for args in (SAME, (5, 3, 2)):
        name, block, (in_c, *_) = made(ResidualBlock, args)
        convnets.anywhere(name, block, torch.randn(2, in_c, 6, 7))


CORE = (names, stride, shapes, shortcut, sum, main, input, training, gradients)
EDGES = (anywhere,)
LAYERS = (("conv1", "bn1"), ("conv2", "bn2"))
STRIDED = ("conv1", "conv2", "shortcut.0")


def made(ResidualBlock, args):
    """How messages name it, the block in eval mode, and all three arguments."""
    return f"ResidualBlock{args}", ResidualBlock(*args).eval(), (*args, 1)[:3]
