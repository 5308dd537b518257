"""What challenge_make_layer.py requires.

The first labels count blocks, channels, heights, tensors; `result` compares with torch's functions.
"""

import torch
from torch import nn

from checks import convnets
from checks.convnets import call, conv_norm, run, trained
from checks.tools import close

ARGUMENTS = ((3, 5, 3, 2), (4, 4, 2, 1), (4, 4, 2, 2), (5, 3, 1, 1), (1, 2, 4, 3))


def blocks(make_layer, ResidualBlock):
    for args in ARGUMENTS:
        name, layer = f"make_layer{args}", stage(make_layer, args)
        kind, count = type(layer).__name__, args[2]
        assert isinstance(layer, nn.Sequential), f"{name} is a {kind}, want an nn.Sequential"
        kinds = [type(block).__name__ for block in layer]
        right = all(isinstance(block, ResidualBlock) for block in layer)
        assert right, f"{name} holds {', '.join(kinds)}, want only ResidualBlock"
        assert len(kinds) == count, f"{name} holds {len(kinds)} ResidualBlocks, want {count}"


def channels(make_layer, ResidualBlock):
    for args in ARGUMENTS:
        in_c, out_c, count, _ = args
        convs = [block.conv1 for block in blocks_of(stage(make_layer, args), ResidualBlock)]
        got = [f"{conv.in_channels} to {conv.out_channels}" for conv in convs]
        want = [f"{in_c} to {out_c}", *[f"{out_c} to {out_c}"] * (count - 1)]
        what = f"make_layer{args}, channels of the blocks"
        # blocks too many or too few: as far as both go
        assert got[:count] == want[: len(got)], f"{what}: {', '.join(got)}, want {', '.join(want)}"


def strides(make_layer, ResidualBlock):
    for args in ARGUMENTS:
        in_c, _, count, stride = args
        layer, x, got = stage(make_layer, args), torch.randn(2, in_c, 12, 12), []
        for block in blocks_of(layer, ResidualBlock):
            c = block.conv1.in_channels  # whatever the channels are
            x = block(x.mean(1, keepdim=True).expand(-1, c, -1, -1))
            got.append(x.shape[2])
        want = [-(-12 // stride)] * count
        what = f"make_layer{args}, x of 12x12: heights after the blocks"
        assert got[:count] == want[: len(got)], f"{what}: {got}, want {want}"


def own(make_layer, ResidualBlock):
    for args in ARGUMENTS:
        layer = list(blocks_of(stage(make_layer, args), ResidualBlock))
        different = len({id(block) for block in layer})
        what = f"make_layer{args}, {len(layer)} blocks"
        assert different == len(layer), f"{what}: {different} different ones"
        held = [id(p) for b in layer for _, p in b.named_parameters(remove_duplicate=False)]
        new = set(held)
        assert len(new) == len(held), f"{what}: {len(held)} parameters, {len(new)} different ones"
        again = blocks_of(stage(make_layer, args), ResidualBlock)
        shared = sum(id(p) in new for block in again for p in block.parameters())
        assert not shared, f"make_layer{args}, called twice: {shared} parameters in both stages"


def result(make_layer, ResidualBlock):
    for args in ARGUMENTS:
        name, layer = f"make_layer{args}", trained(stage(make_layer, args)).double().eval()
        for size in ((3, args[0], 7, 8), (1, args[0], 1, 1)):
            x = want = torch.randn(size, dtype=torch.float64)
            for block in blocks_of(layer, ResidualBlock):
                want = by_hand(want, block)
            close(run(name, layer, x), want, f"{call(name, layer, x)}: result", 1e-6)
        x = want = torch.randn(4, args[0], 11, 10, dtype=torch.float64)
        for block in blocks_of(layer.train(), ResidualBlock):
            want = block(want)
        what = f"{call(name, layer, x)}: result, against its blocks one by one"
        close(run(name, layer, x), want, what, 1e-6)


def errors(make_layer):
    for args in ((3, 3, 0, 1), (3, 5, 0, 2), (3, 5, -1, 2)):
        convnets.no_module(make_layer, *args)


CORE = (blocks, channels, strides, own, result)
EDGES = (errors,)


def stage(make_layer, args):
    try:
        return make_layer(*args)
    except (ValueError, TypeError, IndexError) as error:
        raise AssertionError(f"make_layer{args}: {error!r}, want a stage") from error


def blocks_of(layer, ResidualBlock):
    """The ResidualBlocks in what was made, in order, wherever they are."""
    modules = layer if isinstance(layer, list | tuple) else [layer]
    for module in modules:
        if isinstance(module, ResidualBlock):
            yield module
        else:
            yield from blocks_of(list(module), ResidualBlock) if hasattr(module, "__iter__") else ()


def by_hand(x, block):
    """What the given block computes in eval mode."""
    stride = block.conv1.stride[0]
    main = conv_norm(x, block, "conv1", "bn1", stride).relu()
    main = conv_norm(main, block, "conv2", "bn2")
    return (main + conv_norm(x, block, "shortcut.0", "shortcut.1", stride)).relu()
