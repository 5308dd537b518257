"""What challenge_simple_cnn.py requires.

Only `stages` compares with torch's functions, by the sum of stage 3: it does not see in which order
the linear layer reads. `flatten` uses features that can be done by hand.
"""

import torch
from torch import nn
from torch.nn import functional as F

from checks import convnets
from checks.convnets import center, found, gives, plain, trained
from checks.tools import refuses

WIDTHS = (32, 64, 128)


def layers(SimpleCNN):
    for args in ((), (1, 7)):
        c, k = args or (3, 10)
        convs = [(o, i, 3, 3) for o, i in zip(WIDTHS, (c, *WIDTHS), strict=False)]
        wanted = [*convs, *((o,) for o in WIDTHS), (k, 2048)]
        convnets.only_layers(f"SimpleCNN{args}", SimpleCNN(*args), wanted)


def biases(SimpleCNN):
    for kind, has in ((nn.Conv2d, False), (nn.Linear, True)):
        convnets.biases("SimpleCNN()", SimpleCNN(), kind, has)


def shapes(SimpleCNN):
    for args in ((), (2, 1)):
        model, (c, k) = SimpleCNN(*args), args or (3, 10)
        for n in (2, 1):
            for train in (True, False):
                x = torch.randn(n, c, 32, 32)
                convnets.shape(f"SimpleCNN{args}", model.train(train), x, (n, k))


def logits(SimpleCNN):
    model = SimpleCNN(2, 3)
    linears = [m for m in model.modules() if isinstance(m, nn.Linear)]
    convnets.logits("SimpleCNN(2, 3)", model, linears, torch.randn(2, 2, 32, 32), "out")


def stages(SimpleCNN):
    ones, steps = torch.ones(32, 32), torch.arange(1024.0).view(32, 32)
    parts = _, _, convs, norms, _ = parts_of(SimpleCNN, 1, 2)
    for image, x, kernel, shift in (
        ("1s", ones, 1, 0),
        ("1s", ones, -1, 0),
        ("-1s", -ones, 1, 2),
        ("0 to 1023, row by row", steps, 1, 0),
        ("1023 to 0, row by row", 1023 - steps, 1, 0),
    ):
        for conv, norm in zip(convs, norms, strict=True):
            center(conv, kernel)
            norm.bias.data[0] = shift
        note = f" of {image}, kernels with {kernel} in the center, batch norms adding {shift}"
        adds_up(*parts, x.expand(2, 1, 32, 32), note)

    for conv, norm, shift in zip(convs, norms, (10, 0, 0), strict=True):
        center(conv)
        norm.bias.data[0] = shift
    convs[0].weight.data[0] = -1
    note = " of 1s, the first kernel of nine -1, batch norm 1 adding 10, then kernels that copy"
    adds_up(*parts, ones.expand(2, 1, 32, 32), note)

    parts = _, model, *_ = parts_of(SimpleCNN, 3, 2)
    trained(model).double()
    adds_up(*parts, 3 * torch.randn(2, 3, 32, 32, dtype=torch.float64))


def flatten(SimpleCNN):
    at, picks = [*range(16), 16, 32, 2047], ", the linear layer picks features "
    name, model, convs, norms, linear = parts_of(SimpleCNN, 1, len(at))
    linear.weight.data[range(len(at)), at] = 1
    nn.init.zeros_(norms[-1].weight)
    norms[-1].bias.data.copy_(torch.arange(128.0))
    note = f", batch norm 3 gives channel c the number c{picks}15, 16, 32, 2047"
    gives(name, model, torch.ones(2, 1, 32, 32), [0, 1, 2, 127], note, (0, slice(15, 19)))

    plain(model)
    linear.weight.data[range(len(at)), at] = 1
    for conv in convs:
        center(conv)
    want = torch.arange(16.0, 0, -1)
    x = want.view(4, 4).repeat_interleave(8, 0).repeat_interleave(8, 1).expand(2, 1, 32, 32)
    note = f" of 4x4 tiles from 16 to 1, row by row, copied to stage 3{picks}0 to 15"
    gives(name, model, x, want, note, (0, slice(16)))


def training(SimpleCNN):
    model, x = SimpleCNN(2, 3), torch.randn(3, 2, 32, 32)
    convnets.keeps_x("SimpleCNN(2, 3)", model, 2, 2, 32, 32)
    convnets.trains("SimpleCNN(2, 3)", model, x, x[:2], x[:1], named=False)


def gradients(SimpleCNN):
    convnets.slopes("SimpleCNN(2, 3)", SimpleCNN(2, 3), torch.randn(2, 2, 32, 32), False)


def images(SimpleCNN):
    for c in (3, 1):
        model = SimpleCNN(c, 10)
        sides = ((64, 16), (16, 64), (32, 35), (35, 32), (28, 28), (36, 36), (64, 64))
        shapes = [(4, c, *side) for side in sides]
        shapes += [(4, 4, 32, 32), (4, 4 - c, 32, 32), (4, 32, 32, c), (c, 32, 32)]
        for train in (True, False):
            for shape in shapes:
                refuses(model.train(train), torch.randn(shape))


def anywhere(SimpleCNN):
    convnets.anywhere("SimpleCNN(2, 3)", SimpleCNN(2, 3), torch.randn(2, 2, 32, 32))


CORE = (layers, biases, shapes, logits, stages, flatten, training, gradients)
EDGES = (images, anywhere)


def parts_of(SimpleCNN, *args):
    """Its name, the plain model in eval mode, convolutions and norms by width, the linear layer."""
    name, model = f"SimpleCNN{args}", plain(SimpleCNN(*args)).eval()
    kinds = ((nn.Conv2d, 3), (nn.BatchNorm2d, 3), (nn.Linear, 1))
    convs, norms, (linear,) = (
        sorted(found(name, model, *kind), key=lambda m: len(m.weight)) for kind in kinds
    )
    return name, model, convs, norms, linear


def adds_up(name, model, convs, norms, linear, x, note=""):
    """out where every weight of the linear layer is 1/16, against torch's functions."""
    nn.init.constant_(linear.weight, 1 / 16)
    want = x
    for conv, norm in zip(convs, norms, strict=True):
        want = F.conv2d(want, conv.weight, conv.bias, padding=1)
        want = F.max_pool2d(convnets.normed(want, norm).relu(), 2)
    want = want.sum((1, 2, 3)) / 16 + (0 if linear.bias is None else linear.bias[0])
    note += ", every weight of the linear layer 1/16"
    gives(name, model, x, want, note, (slice(None), 0), says="out[:, 0]", tol=1e-4)
