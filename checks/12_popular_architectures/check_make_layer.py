"""What challenge_make_layer.py requires.

The first labels count blocks, channels, heights, tensors; `result` compares with torch's functions.
"""

import torch
from torch import nn

from checks import convnets
from checks.convnets import BLOCK, by_hand, gives, trained

ARGUMENTS = ((3, 5, 3, 2), (4, 4, 2, 1), (4, 4, 2, 2), (5, 3, 1, 1), (1, 2, 4, 3))


def blocks(make_layer, ResidualBlock):
    for name, layer, _, (*_, count, _) in stages(make_layer, ResidualBlock):
        kind = type(layer).__name__
        assert isinstance(layer, nn.Sequential), f"{name} is a {kind}, want an nn.Sequential"
        kinds = ", ".join(type(block).__name__ for block in layer)
        right = all(isinstance(block, ResidualBlock) for block in layer)
        assert right, f"{name} holds {kinds}, want only ResidualBlock"
        assert len(layer) == count, f"{name} holds {len(layer)} ResidualBlocks, want {count}"


def channels(make_layer, ResidualBlock):
    for name, _, blocks, (in_c, out_c, count, _) in stages(make_layer, ResidualBlock):
        got = [f"{block.conv1.in_channels} to {block.conv1.out_channels}" for block in blocks]
        want = [f"{in_c} to {out_c}", *[f"{out_c} to {out_c}"] * (count - 1)]
        as_far_as_both_go(f"{name}, channels of the blocks", got, want)


def strides(make_layer, ResidualBlock):
    for name, _, blocks, (in_c, _, count, stride) in stages(make_layer, ResidualBlock):
        x, got = torch.randn(2, in_c, 12, 12), []
        for block in blocks:  # whatever the channels are
            x = block(x.mean(1, keepdim=True).expand(-1, block.conv1.in_channels, -1, -1))
            got.append(x.shape[2])
        want = [-(-12 // stride)] * count
        as_far_as_both_go(f"{name}, x of 12x12: heights after the blocks", got, want)


def own(make_layer, ResidualBlock):
    again = stages(make_layer, ResidualBlock)
    for name, _, blocks, _ in stages(make_layer, ResidualBlock):
        n, different = len(blocks), len({id(block) for block in blocks})
        assert different == n, f"{name}, {n} blocks: {different} different ones"
        held = [id(p) for b in blocks for _, p in b.named_parameters(remove_duplicate=False)]
        new, what = set(held), f"{name}, {n} blocks: {len(held)} parameters"
        assert len(new) == len(held), f"{what}, {len(new)} different ones"
        shared = sum(id(p) in new for block in next(again)[2] for p in block.parameters())
        assert not shared, f"{name}, called twice: {shared} parameters in both stages"


def result(make_layer, ResidualBlock):
    for name, layer, blocks, (in_c, *_) in stages(make_layer, ResidualBlock):
        trained(layer).double().eval()
        for size in ((3, in_c, 7, 8), (1, in_c, 1, 1)):
            x = want = torch.randn(size, dtype=torch.float64)
            for block in blocks:
                want = by_hand(want, block, BLOCK, block.conv1.stride[0])
            gives(name, layer, x, want, tol=1e-6)
        layer.train()
        x = want = torch.randn(4, in_c, 11, 10, dtype=torch.float64)
        for block in blocks:
            want = block(want)
        gives(name, layer, x, want, says="result, against its blocks one by one", tol=1e-6)


def errors(make_layer):
    for args in ((3, 3, 0, 1), (3, 5, 0, 2), (3, 5, -1, 2)):
        convnets.no_module(make_layer, *args)


CORE = (blocks, channels, strides, own, result)
EDGES = (errors,)


def stages(make_layer, ResidualBlock):
    """How messages name each stage, the stage, its ResidualBlocks wherever they are, arguments."""

    def blocks_of(one):
        if isinstance(one, ResidualBlock):
            return [one]
        return [b for part in one for b in blocks_of(part)] if hasattr(one, "__iter__") else []

    for args in ARGUMENTS:
        name = f"make_layer{args}"
        try:
            layer = make_layer(*args)
        except (ValueError, TypeError, IndexError) as error:
            raise AssertionError(f"{name}: {error!r}, want a stage") from error
        yield name, layer, blocks_of(layer), args


def as_far_as_both_go(what, got, want):
    """`blocks` counts them."""
    assert got[: len(want)] == want[: len(got)], f"{what}: {got}, want {want}"
