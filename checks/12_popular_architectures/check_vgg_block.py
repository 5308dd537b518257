"""What challenge_vgg_block.py requires.

Only `convolutions` compares with torch's functions: without pooling, where no ReLU takes anything,
in whatever order equal layers were assigned. `pool` compares the block with itself, `relu` with
numbers done by hand.
"""

from itertools import permutations

import torch
from torch import nn

from checks import convnets
from checks.convnets import NINES, center, found, gives, plain, positive, run, trained

CASES = ((3, 5), (2, 4, 1), (4, 4, 3, False), (1, 3, 4), (6, 2, 1, False))


def layers(VGGBlock):
    for name, block, (c_in, c_out, count, _) in made(VGGBlock, *CASES):
        want = [(c_out, c, 3, 3) for c in (c_in, *[c_out] * (count - 1))]
        convnets.only_layers(name, block, want)


def biases(VGGBlock):
    for name, block, _ in made(VGGBlock, *CASES[:2]):
        convnets.biases(name, block, nn.Conv2d)


def shapes(VGGBlock):
    for name, block, (c_in, c_out, _, pool) in made(VGGBlock, *CASES):
        for n, h, w in ((2, 6, 8), (1, 6, 8), (2, 7, 4), (1, 2, 3), (2, 1, 5), (1, 1, 1)):
            h, w = (max(h, 2), max(w, 2)) if pool else (h, w)
            want = (n, c_out, h // 2, w // 2) if pool else (n, c_out, h, w)
            convnets.shape(name, block, torch.randn(n, c_in, h, w), want)


def relu(VGGBlock):
    for name, block, (*_, count, _) in made(VGGBlock, *((1, 1, n, False) for n in (1, 2, 3))):
        convs = found(name, plain(block), nn.Conv2d, count)
        shift = 0 if any(conv.bias is None for conv in convs) else 2
        for conv in convs:
            center(conv, -1)
            if conv.bias is not None:
                nn.init.constant_(conv.bias, shift)
        for value in (5, -5, -500):
            x, want = torch.full((2, 1, 3, 3), float(value)), value
            for _ in convs:
                want = max(0, shift - want)
            note = f", all {value}, every convolution gives {shift} minus its pixel"
            gives(name, block, x, want, note, (0, 0, 0, 0), says="out[0, 0, 0, 0]")


def convolutions(VGGBlock):
    ((name, block, _),) = made(VGGBlock, (1, 1, 1, False))
    for conv in found(name, plain(block), nn.Conv2d, 1):
        nn.init.ones_(conv.weight)
    note = " of 1s, a kernel of 1s, bias 0"
    gives(name, block, torch.ones(2, 1, 3, 3), NINES, note, (0, 0), says="out[0, 0]")

    cases = ((3, 5, 2, False), (2, 4, 1, False), (4, 4, 3, False), (1, 3, 4, False))
    for name, block, (c_in, c_out, count, _) in made(VGGBlock, *cases):
        convs = found(name, positive(block).double(), nn.Conv2d, count)
        for size in ((2, c_in, 5, 7), (3, c_in, 2, 2)):
            x = torch.rand(size, dtype=torch.float64)
            wants, out = [], run(name, block, x)
            for order in permutations(convs):
                if [conv.in_channels for conv in order] == [c_in, *[c_out] * (count - 1)]:
                    want = x
                    for conv in order:
                        want = nn.functional.conv2d(want, conv.weight, conv.bias, padding=1).relu()
                    wants.append(want)
            assert wants, f"{name}: its convolutions do not fit one after the other"
            if not any(w.shape == out.shape and torch.allclose(w, out.to(w), 1e-5) for w in wants):
                gives(name, block, x, wants[0], says="out", tol=1e-5)


def pool(VGGBlock):
    ((name, block, _),) = made(VGGBlock, (1, 1, 1))
    for conv in found(name, plain(block), nn.Conv2d, 1):
        center(conv)
    x, want = torch.arange(1.0, 17).view(4, 4).expand(2, 1, 4, 4), [[6, 8], [14, 16]]
    note = " from 1 to 16, row by row, the convolution copies"
    gives(name, block, x, want, note, (0, 0), says="out[0, 0]", tol=1e-5)

    for name, pooled, (c_in, *sizes, _) in made(VGGBlock, (3, 5, 2), (4, 4, 3)):
        whole = VGGBlock(c_in, *sizes, False).eval()
        for p, q in zip(trained(pooled).parameters(), whole.parameters(), strict=True):
            q.data.copy_(p.data)
        for h, w in ((6, 8), (5, 7), (2, 3)):
            x = torch.randn(2, c_in, h, w)
            maps = run(f"{name}, use_pool=False", whole, x)[..., : h // 2 * 2, : w // 2 * 2]
            want = maps.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).amax((3, 5))
            says = "out, against the windows of use_pool=False"
            gives(name, pooled, x, want, says=says, tol=1e-5)


def modes(VGGBlock):
    for name, block, (c_in, *_) in made(VGGBlock, *CASES[:3]):
        convnets.keeps_x(name, block, 3, c_in, 6, 7)
        convnets.one_mode(name, trained(block), 10 * torch.randn(3, c_in, 6, 7))


def gradients(VGGBlock):
    for name, block, (c_in, *_) in made(VGGBlock, *CASES[:3]):
        convnets.slopes(name, block, torch.randn(2, c_in, 6, 7), False)


def errors(VGGBlock):
    for count in (0, -1):
        convnets.no_module(VGGBlock, 3, 5, count)
        convnets.no_module(VGGBlock, 4, 4, count, False)


def anywhere(VGGBlock):
    for name, block, (c_in, *_) in made(VGGBlock, (3, 5), (4, 4, 1, False)):
        convnets.anywhere(name, block, torch.randn(2, c_in, 6, 7))


CORE = (layers, biases, shapes, relu, convolutions, pool, modes, gradients)
EDGES = (errors, anywhere)


def made(VGGBlock, *cases):
    """For each case how messages name it, the block in eval mode, and all four arguments."""
    for args in cases:
        yield f"VGGBlock{args}", VGGBlock(*args).eval(), (*args, *(2, True)[len(args) - 2 :])
