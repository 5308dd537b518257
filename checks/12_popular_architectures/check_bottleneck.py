"""What challenge_bottleneck.py requires.

Each label switches off the rest: `shortcut` a main path of 0, `main` a shortcut of 0, `sum` gives
both by hand.
"""

import torch

from checks import convnets
from checks.convnets import block_layers, made

CASES = ((4, 4, 3, 1), (4, 4, 5, 3), (5, 3, 3, 2), (5, 3, 2, 1), (1, 4, 3, 1))
PATH = {"conv1": False, "conv2": True, "conv3": False}


def names(BottleneckBlock):
    for name, block, (in_c, out_c, mid_c, s) in made(BottleneckBlock, CASES):
        main = {"conv1": (mid_c, in_c, 1, 1), "bn1": (mid_c,), "conv2": (mid_c, mid_c, 3, 3)}
        main |= {"bn2": (mid_c,), "conv3": (out_c, mid_c, 1, 1), "bn3": (out_c,)}
        convnets.named_layers(name, block, block_layers(in_c, out_c, s) | main)


def stride(BottleneckBlock):
    convnets.strided(BottleneckBlock, PATH, CASES)


def shapes(BottleneckBlock):
    convnets.rounded_up(BottleneckBlock, CASES)


def shortcut(BottleneckBlock):
    convnets.shortcut_alone(BottleneckBlock, PATH, CASES)


def sum(BottleneckBlock):
    convnets.sums(BottleneckBlock, PATH, ((4, 4, 3, 1), (4, 4, 1, 2), (2, 3, 2, 1)))


def main(BottleneckBlock):
    convnets.main_path(BottleneckBlock, PATH, (1, 2, 1, 1), CASES[3:])


def input(BottleneckBlock):
    for name, block, (in_c, *_) in made(BottleneckBlock, CASES[:3]):
        convnets.keeps_x(name, block, 3, in_c, 6, 5)


def training(BottleneckBlock):
    for name, block, (in_c, *_) in made(BottleneckBlock, CASES[:3:2]):
        x = torch.randn(6, in_c, 6, 5)
        convnets.trains(name, block, x, x[:3], x[:1], x[:2, :, :1, :1])


def gradients(BottleneckBlock):
    for name, block, (in_c, *_) in made(BottleneckBlock, CASES[:3]):
        convnets.slopes(name, block, torch.randn(3, in_c, 6, 5))


def anywhere(BottleneckBlock):
    for name, block, (in_c, *_) in made(BottleneckBlock, CASES[:3:2]):
        convnets.anywhere(name, block, torch.randn(2, in_c, 6, 7))


CORE = (names, stride, shapes, shortcut, sum, main, input, training, gradients)
EDGES = (anywhere,)
