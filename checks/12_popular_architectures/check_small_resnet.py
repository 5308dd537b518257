"""What challenge_small_resnet.py requires.

What goes into the first block and comes out of the last one is noted, so that stem, stages and mean
are tried one by one. Only `stages` compares with torch's functions.
"""

import torch
from torch import nn

from checks import convnets
from checks.convnets import call, center, conv_norm, plain, run, trained
from checks.tools import close, numbers

STAGES = {"layer1": (16, 16, 1), "layer2": (16, 32, 2), "layer3": (32, 64, 2)}


def names(SmallResNet):
    for args, classes in (((), 10), ((1,), 1), ((2,), 2)):
        layers = {"conv1": (16, 3, 3, 3), "bn1": (16,), "fc": (classes, 64)}
        for stage, (in_c, out_c, stride) in STAGES.items():
            for i, c in enumerate((in_c, out_c)):
                block = f"{stage}.{i}"
                layers |= {f"{block}.conv1": (out_c, c, 3, 3), f"{block}.bn1": (out_c,)}
                layers |= {f"{block}.conv2": (out_c, out_c, 3, 3), f"{block}.bn2": (out_c,)}
                if i == 0 and stride == 2:
                    layers[f"{block}.shortcut.0"] = (out_c, in_c, 1, 1)
                    layers[f"{block}.shortcut.1"] = (out_c,)
        name = f"SmallResNet({', '.join(map(str, args))})"
        convnets.named_layers(name, SmallResNet(*args), layers)


def sizes(SmallResNet):
    for h, want in ((32, (32, 32, 16, 8)), (9, (9, 9, 5, 3)), (1, (1, 1, 1, 1))):
        net = SmallResNet(2).eval()
        parts = {"conv1": [net.conv1]}
        parts |= {stage: last_of(getattr(net, stage)) for stage in STAGES}
        convnets.sides("SmallResNet(2)", net, torch.randn(2, 3, h, 6), parts, want)


def shapes(SmallResNet):
    small = ((1, 3, 6, 5), (3, 3, 6, 5))
    large = ((3, 3, 9, 14), (1, 3, 34, 5), (2, 3, 4, 3), (5, 3, 1, 1), (1, 3, 1, 1))
    for classes, sizes in ((5, large), (2, small), (1, small)):
        net = SmallResNet(classes).eval()
        for size in sizes:
            want = (size[0], classes)
            convnets.shape(f"SmallResNet({classes})", net, torch.randn(size), want)


def logits(SmallResNet):
    name, net, want = "SmallResNet(3)", SmallResNet(3), torch.tensor([[-1.0, 0.5, 2.0]] * 2)
    nn.init.zeros_(net.fc.weight)
    if net.fc.bias is None:
        want = torch.zeros(2, 3)
    else:
        net.fc.bias.data.copy_(want[0])
    note, x = f", fc with weight 0 and bias {numbers(want[0])}", torch.randn(2, 3, 6, 5)
    for train in (True, False):
        close(run(name, net.train(train), x), want, f"{call(name, net, x, note)}: logits")


def mean(SmallResNet):
    name, net = "SmallResNet(2)", copying(SmallResNet)
    for h, w in ((8, 8), (36, 4)):
        x = torch.arange(1.0, h * w + 1).view(h, w).repeat(2, 3, 1, 1)
        _, last, out = flow(name, net, x.clone())
        note = f" from 1 to {h * w}; layer3 gives {numbers(last[0, 0].flatten())} in channel 0"
        what = f"{call(name, net, x, note)}, which fc copies: logits[0, 0]"
        close(out[:1, 0], last[0, 0].mean().view(1), what, 1e-3)

    trained(net).double()
    for p in net.fc.parameters():
        p.data.abs_()  # no logit is below 0
    x = torch.randn(3, 3, 9, 14, dtype=torch.float64)
    _, last, out = flow(name, net, x)
    want = nn.functional.linear(last.mean((2, 3)), net.fc.weight, net.fc.bias)
    close(out.double(), want, f"{call(name, net, x)}: logits, against fc of the means", 1e-4)


def stem(SmallResNet):
    name, net = "SmallResNet(2)", copying(SmallResNet)
    center(net.conv1, -1)
    net.bn1.bias.data[0] = 2
    for value, want in ((5, 0.0), (-50, 52.0)):
        x = torch.full((2, 3, 3, 3), float(value))
        note = f", all {value}, conv1 negates, bn1 adds 2"
        what = f"{call(name, net, x, note)}: channel 0, pixel [0, 0] of what layer1 gets"
        close(flow(name, net, x)[0][:1, 0, 0, 0], torch.tensor([want]), what, 1e-3)

    plain(net).conv1.weight.data[0] = 1
    x = torch.ones(2, 3, 3, 3)
    got, want = flow(name, net, x)[0][0, 0] / 3, torch.tensor([[4.0, 6, 4], [6, 9, 6], [4, 6, 4]])
    what = f"{call(name, net, x, ' of 1s')}, a kernel of 1s in conv1: a third of what layer1 gets"
    right = got.shape == want.shape and torch.allclose(got, want, 1e-3)
    assert right, f"{what} is {numbers(got)}, want {numbers(want)}"

    trained(net).double()
    x = 3 * torch.randn(3, 3, 5, 6, dtype=torch.float64)
    want = conv_norm(x, net, "conv1", "bn1").relu()
    got = flow(name, net, x)[0].double()
    close(got, want, f"{call(name, net, x)}: what layer1 gets, against relu(bn1(conv1(x)))", 1e-4)


def stages(SmallResNet):
    name, net = "SmallResNet(2)", copying(SmallResNet)
    blocks = [block for stage in STAGES for block in getattr(net, stage)]
    adds = [2**i for i in range(len(blocks))]
    for block, add in zip(blocks, adds, strict=True):
        block.bn2.bias.data[0] = add
    note = f" of 0s, the blocks add {', '.join(map(str, adds))}: channel 0 of what layer3 gives"
    x = torch.zeros(2, 3, 5, 4)
    got, want = flow(name, net, x)[1][:1, 0, 0, 0], torch.tensor([float(sum(adds))])
    close(got, want, call(name, net, x, note), 1e-3)

    trained(net).double()
    for size in ((3, 3, 9, 14), (2, 3, 4, 3), (2, 3, 1, 1)):
        x = 3 * torch.randn(size, dtype=torch.float64)
        want, last, _ = flow(name, net, x)
        for stage in STAGES:
            for block in getattr(net, stage):
                s, (a, b) = block.conv1.stride[0], ("shortcut.0", "shortcut.1")
                main = conv_norm(want, block, "conv1", "bn1", s).relu()
                main = conv_norm(main, block, "conv2", "bn2")
                want = (main + conv_norm(want, block, a, b, s)).relu()
        what = f"{call(name, net, x)}: what layer3 gives, of what layer1 got"
        close(last.double(), want.double(), what, 1e-4)


def input(SmallResNet):
    convnets.keeps_x("SmallResNet(2)", SmallResNet(2), torch.randn(2, 3, 6, 5))


def training(SmallResNet):
    x = torch.randn(24, 3, 9, 8)
    convnets.trains("SmallResNet(2)", SmallResNet(2), x, x[:1], x[:3, :, :1, :1])


def gradients(SmallResNet):
    convnets.slopes("SmallResNet(2)", SmallResNet(2), torch.randn(2, 3, 9, 8), at_once=True)


def anywhere(SmallResNet):
    convnets.anywhere("SmallResNet(2)", SmallResNet(2), torch.randn(2, 3, 6, 5))


CORE = (names, sizes, shapes, logits, mean, stem, stages, input, training, gradients)
EDGES = (anywhere,)


def last_of(stage):
    """A stage and its last block: a forward may call the one or the other."""
    return [stage, *list(stage)[-1:]]


def flow(name, net, x):
    """What the first block gets, what the last one gives, and the result."""
    seen = {}
    first, last = net.layer1[0], list(net.layer3)[-1]
    hooks = (
        first.register_forward_pre_hook(lambda _m, x: seen.setdefault("first", x[0].clone())),
        last.register_forward_hook(lambda _m, _x, out: seen.update(last=out.clone())),
    )
    try:
        out = run(name, net, x)
    finally:
        for hook in hooks:
            hook.remove()
    for key, block in (("first", "layer1.0"), ("last", "layer3.1")):
        assert key in seen, f"{call(name, net, x)}: {block} is not called"
    return seen["first"], seen["last"], out


def copying(SmallResNet):
    """A net in eval mode whose channel 0 goes through all layers unchanged, every fourth pixel."""
    net = plain(SmallResNet(2)).eval()
    center(net.conv1)
    for stage in (net.layer2, net.layer3):
        center(stage[0].shortcut[0])
    net.fc.weight.data[0, 0] = 1
    return net
