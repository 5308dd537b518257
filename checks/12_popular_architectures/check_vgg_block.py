"""What challenge_vgg_block.py requires.

Only `convolutions` compares with torch's functions: without pooling, where no ReLU takes anything,
in whatever order equal layers were assigned. `pool` compares the block with itself, `relu` with
numbers done by hand.
"""

from itertools import permutations

import torch
from torch import nn

from checks import convnets
from checks.convnets import call, center, found, plain, positive, run, trained
from checks.tools import close

CASES = ((3, 5), (2, 4, 1), (4, 4, 3, False), (1, 3, 4), (6, 2, 1, False))


def layers(VGGBlock):
    for args in CASES:
        name, block, (c_in, c_out, count, _) = named(VGGBlock, *args)
        convnets.shapes_of(name, block)
        convs = found(name, block, nn.Conv2d, count)
        want = [(c_out, c, 3, 3) for c in (c_in, *[c_out] * (count - 1))]
        convnets.weights(f"{name}, nn.Conv2d", convs, want)
        convnets.nothing_else(name, block, convs)


def biases(VGGBlock):
    for args in CASES[:2]:
        name, block, (*_, count, _) = named(VGGBlock, *args)
        convnets.biases(name, found(name, block, nn.Conv2d, count), count)


def shapes(VGGBlock):
    for args in CASES:
        name, block, (c_in, c_out, _, use_pool) = named(VGGBlock, *args)
        for n, h, w in (
            (2, 6, 8),
            (1, 6, 8),
            (2, 7, 4),
            (2, 4, 7),
            (1, 2, 3),
            (2, 1, 5),
            (1, 1, 1),
        ):
            if use_pool:
                h, w = max(h, 2), max(w, 2)
            want = (n, c_out, h // 2, w // 2) if use_pool else (n, c_out, h, w)
            convnets.shape(name, block, torch.randn(n, c_in, h, w), want)


def relu(VGGBlock):
    for count in (1, 2, 3):
        name, block, _ = named(VGGBlock, 1, 1, count, False)
        convs = found(name, block, nn.Conv2d, count)
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
            got = run(name, block, x, note)[:1, 0, 0, 0]
            close(
                got, torch.tensor([float(want)]), f"{call(name, block, x, note)}: out[0, 0, 0, 0]"
            )


def convolutions(VGGBlock):
    name, block, _ = named(VGGBlock, 1, 1, 1, False)
    for conv in found(name, plain(block), nn.Conv2d, 1):
        nn.init.ones_(conv.weight)
    convnets.nines(name, block, torch.ones(2, 1, 3, 3), " of 1s, a kernel of 1s, bias 0")

    for c_in, c_out, count in ((3, 5, 2), (2, 4, 1), (4, 4, 3), (1, 3, 4)):
        name, block, _ = named(VGGBlock, c_in, c_out, count, False)
        convs = found(name, positive(block).double(), nn.Conv2d, count)
        for size in ((2, c_in, 5, 7), (3, c_in, 2, 2)):
            x = torch.rand(size, dtype=torch.float64)
            got = run(name, block, x).double()
            wants = [in_a_row(x, order) for order in permutations(convs) if fits(c_in, order)]
            assert wants, f"{name}: its convolutions do not fit one after the other"
            if not any(w.shape == got.shape and torch.allclose(w, got, 1e-5) for w in wants):
                close(got, wants[0], f"{call(name, block, x)}: out")


def pool(VGGBlock):
    name, block, _ = named(VGGBlock, 1, 1, 1)
    for conv in found(name, plain(block), nn.Conv2d, 1):
        center(conv)
    x = torch.arange(1.0, 17).view(4, 4).expand(2, 1, 4, 4)
    note = " from 1 to 16, row by row, the convolution copies"
    got, want = run(name, block, x, note)[0, 0], torch.tensor([[6.0, 8], [14, 16]])
    close(got, want, f"{call(name, block, x, note)}: out[0, 0]")

    for c_in, c_out, count in ((3, 5, 2), (4, 4, 3)):
        name, pooled, _ = named(VGGBlock, c_in, c_out, count)
        whole = VGGBlock(c_in, c_out, count, False).eval()
        for p, q in zip(trained(pooled).parameters(), whole.parameters(), strict=True):
            q.data.copy_(p.data)
        for h, w in ((6, 8), (5, 7), (2, 3)):
            x = torch.randn(2, c_in, h, w)
            maps = run(f"{name}, use_pool=False", whole, x)
            want = torch.stack(
                [maps[:, :, i : h // 2 * 2 : 2, j : w // 2 * 2 : 2] for i, j in PIXELS]
            )
            what = f"{call(name, pooled, x)}: out, against the windows of use_pool=False"
            close(run(name, pooled, x), want.amax(0), what)


def modes(VGGBlock):
    for args in CASES[:3]:
        name, block, (c_in, *_) = named(VGGBlock, *args)
        x = 10 * torch.randn(3, c_in, 6, 7)
        convnets.keeps_x(name, block, x)
        convnets.one_mode(name, trained(block), x)


def gradients(VGGBlock):
    for args in CASES[:3]:
        name, block, (c_in, *_) = named(VGGBlock, *args)
        convnets.slopes(name, block, torch.randn(2, c_in, 6, 7))


def errors(VGGBlock):
    for count in (0, -1):
        convnets.no_module(VGGBlock, 3, 5, count)
        convnets.no_module(VGGBlock, 4, 4, count, False)


def anywhere(VGGBlock):
    for args in ((3, 5), (4, 4, 1, False)):
        name, block, (c_in, *_) = named(VGGBlock, *args)
        convnets.anywhere(name, block, torch.randn(2, c_in, 6, 7))


CORE = (layers, biases, shapes, relu, convolutions, pool, modes, gradients)
EDGES = (errors, anywhere)
PIXELS = ((0, 0), (0, 1), (1, 0), (1, 1))


def named(VGGBlock, *args):
    """How messages name it, the block, and all four arguments."""
    return f"VGGBlock{args}", VGGBlock(*args).eval(), (*args, *(2, True)[len(args) - 2 :])


def fits(c_in, convs):
    return [c.in_channels for c in convs] == [c_in, *(c.out_channels for c in convs[:-1])]


def in_a_row(x, convs):
    for conv in convs:
        x = nn.functional.conv2d(x, conv.weight, conv.bias, padding=1).clamp(min=0)
    return x
