"""What challenge_small_resnet.py requires.

What goes into the first block and comes out of the last one is noted, so that stem, stages and mean
are tried one by one. Only `stages` compares with torch's functions.
"""

import torch
from torch import nn

from checks import convnets
from checks.convnets import BLOCK, NINES, by_hand, call, center, conv_norm, equals, plain, trained
from checks.tools import numbers

STAGES = {"layer1": (16, 16, 1), "layer2": (16, 32, 2), "layer3": (32, 64, 2)}
NAME = "SmallResNet(2)"


def names(SmallResNet):
    for args, classes in (((), 10), ((1,), 1), ((2,), 2)):
        layers = {"conv1": (16, 3, 3, 3), "bn1": (16,), "fc": (classes, 64)}
        for stage, (in_c, out_c, stride) in STAGES.items():
            layers |= convnets.block_layers(in_c, out_c, stride, f"{stage}.0.")
            layers |= convnets.block_layers(out_c, out_c, 1, f"{stage}.1.")
        name = f"SmallResNet({', '.join(map(str, args))})"
        convnets.named_layers(name, SmallResNet(*args), layers)


def sizes(SmallResNet):
    net = SmallResNet(2).eval()
    parts = {"conv1": [net.conv1]}
    for key in STAGES:
        stage = getattr(net, key)
        parts[key] = [stage, *list(stage)[-1:]]  # whichever forward calls
    for h, want in ((32, (32, 32, 16, 8)), (9, (9, 9, 5, 3)), (1, (1, 1, 1, 1))):
        convnets.sides(NAME, net, torch.randn(2, 3, h, 6), parts, want)


def shapes(SmallResNet):
    small = ((1, 6, 5), (3, 6, 5))
    for classes, sizes in ((2, ((3, 9, 14), (1, 34, 5), (5, 1, 1), (1, 1, 1))), (1, small)):
        net = SmallResNet(classes).eval()
        for n, h, w in sizes:
            x = torch.randn(n, 3, h, w)
            convnets.shape(f"SmallResNet({classes})", net, x, (n, classes))


def logits(SmallResNet):
    net = SmallResNet(3)
    convnets.logits("SmallResNet(3)", net, [net.fc], torch.randn(2, 3, 6, 5), "logits")


def mean(SmallResNet):
    net = copying(SmallResNet)
    for h, w in ((8, 8), (36, 4)):
        x = torch.arange(1.0, h * w + 1).view(h, w).repeat(2, 3, 1, 1)
        _, last, out = flow(net, x.clone())
        note = f" from 1 to {h * w}; layer3 gives {numbers(last[0, 0].flatten())} in channel 0"
        what = f"{call(NAME, net, x, note)}, which fc copies: logits[0, 0]"
        equals(what, out[0, 0], last[0, 0].mean())

    trained(net).double()
    for p in net.fc.parameters():
        p.data.abs_()  # no logit is below 0
    x = torch.randn(3, 3, 9, 14, dtype=torch.float64)
    _, last, out = flow(net, x)
    want = nn.functional.linear(last.mean((2, 3)), net.fc.weight, net.fc.bias)
    equals(f"{call(NAME, net, x)}: logits, against fc of the means", out, want, 1e-4)


def stem(SmallResNet):
    net = copying(SmallResNet)
    center(net.conv1, -1)
    net.bn1.bias.data[0] = 2
    for value, want in ((5.0, 0), (-50.0, 52)):
        x, note = torch.full((2, 3, 3, 3), value), f", all {value:g}, conv1 negates, bn1 adds 2"
        what = f"{call(NAME, net, x, note)}: channel 0, pixel [0, 0] of what layer1 gets"
        equals(what, flow(net, x)[0][0, 0, 0, 0], want)

    plain(net).conv1.weight.data[0] = 1
    x = torch.ones(2, 3, 3, 3)
    what = f"{call(NAME, net, x, ' of 1s')}, a kernel of 1s in conv1: a third of what layer1 gets"
    equals(what, flow(net, x)[0][0, 0] / 3, NINES)

    x = 3 * torch.randn(3, 3, 5, 6, dtype=torch.float64)
    want = conv_norm(x, trained(net).double(), "conv1", "bn1").relu()
    what = f"{call(NAME, net, x)}: what layer1 gets, against relu(bn1(conv1(x)))"
    equals(what, flow(net, x)[0], want, 1e-4)


def stages(SmallResNet):
    net, adds = copying(SmallResNet), [2**i for i in range(6)]
    blocks = [block for stage in STAGES for block in getattr(net, stage)]
    for block, add in zip(blocks, adds, strict=False):
        block.bn2.bias.data[0] = add
    note = f" of 0s, the blocks add {', '.join(map(str, adds))}: channel 0 of what layer3 gives"
    x = torch.zeros(2, 3, 5, 4)
    equals(call(NAME, net, x, note), flow(net, x)[1][0, 0, 0, 0], sum(adds[: len(blocks)]))

    trained(net).double()
    for size in ((3, 3, 9, 14), (2, 3, 1, 1)):
        x = 3 * torch.randn(size, dtype=torch.float64)
        want, last, _ = flow(net, x)
        for block in blocks:
            want = by_hand(want, block, BLOCK, block.conv1.stride[0])
        what = f"{call(NAME, net, x)}: what layer3 gives, of what layer1 got"
        equals(what, last, want, 1e-4)


def input(SmallResNet):
    convnets.keeps_x(NAME, SmallResNet(2), 2, 3, 6, 5)


def training(SmallResNet):
    x = torch.randn(8, 3, 9, 8)
    convnets.trains(NAME, SmallResNet(2), x, x[:3], x[:1], x[:3, :, :1, :1])


def gradients(SmallResNet):
    convnets.slopes(NAME, SmallResNet(2), torch.randn(2, 3, 6, 5))


def anywhere(SmallResNet):
    convnets.anywhere(NAME, SmallResNet(2), torch.randn(2, 3, 6, 5))


CORE = (names, sizes, shapes, logits, mean, stem, stages, input, training, gradients)
EDGES = (anywhere,)


def flow(net, x):
    """What the first block gets, what the last one gives, and the result."""
    first, last, gets, gave = net.layer1[0], list(net.layer3)[-1], [], []
    hooks = (
        first.register_forward_pre_hook(lambda _m, x: gets.append(x[0].clone())),
        last.register_forward_hook(lambda _m, _x, out: gave.append(out.clone())),
    )
    out = convnets.run(NAME, net, x)
    for hook in hooks:
        hook.remove()
    for key, seen in (("layer1.0", gets), ("layer3.1", gave)):
        assert seen, f"{call(NAME, net, x)}: {key} is not called"
    return gets[0], gave[-1], out


def copying(SmallResNet):
    """A net in eval mode whose channel 0 goes through all layers unchanged, every fourth pixel."""
    net = plain(SmallResNet(2)).eval()
    for conv in (net.conv1, net.layer2[0].shortcut[0], net.layer3[0].shortcut[0]):
        center(conv)
    net.fc.weight.data[0, 0] = 1
    return net
