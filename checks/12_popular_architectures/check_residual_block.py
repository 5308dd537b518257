"""What challenge_residual_block.py requires.

Each label switches off the rest: `shortcut` a main path of 0, `main` a shortcut of 0, `sum` gives
both by hand.
"""

import torch

from checks import convnets
from checks.convnets import made

CASES = ((3, 3, 1), (4, 4, 3), (5, 3, 2), (5, 3, 1), (1, 4, 1))
PATH = convnets.BLOCK


def names(ResidualBlock):
    for name, block, case in made(ResidualBlock, CASES):
        convnets.named_layers(name, block, convnets.block_layers(*case))


def stride(ResidualBlock):
    convnets.strided(ResidualBlock, PATH, CASES)


def shapes(ResidualBlock):
    convnets.rounded_up(ResidualBlock, CASES)


def shortcut(ResidualBlock):
    convnets.shortcut_alone(ResidualBlock, PATH, CASES)


def sum(ResidualBlock):
    convnets.sums(ResidualBlock, PATH, ((4, 4, 1), (4, 4, 2), (2, 3, 1)))


def main(ResidualBlock):
    convnets.main_path(ResidualBlock, PATH, (1, 2, 1), CASES[3:])


def input(ResidualBlock):
    for name, block, (in_c, *_) in made(ResidualBlock, CASES[:3]):
        convnets.keeps_x(name, block, 3, in_c, 6, 5)


def training(ResidualBlock):
    for name, block, (in_c, *_) in made(ResidualBlock, CASES[:3:2]):
        x = torch.randn(6, in_c, 6, 5)
        convnets.trains(name, block, x, x[:3], x[:1], x[:2, :, :1, :1])


def gradients(ResidualBlock):
    for name, block, (in_c, *_) in made(ResidualBlock, CASES[:3]):
        convnets.slopes(name, block, torch.randn(3, in_c, 6, 5))


def anywhere(ResidualBlock):
    for name, block, (in_c, *_) in made(ResidualBlock, CASES[:3:2]):
        convnets.anywhere(name, block, torch.randn(2, in_c, 6, 7))


CORE = (names, stride, shapes, shortcut, sum, main, input, training, gradients)
EDGES = (anywhere,)
