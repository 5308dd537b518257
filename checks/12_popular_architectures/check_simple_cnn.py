"""What challenge_simple_cnn.py requires.

Only `stages` compares with torch's functions, by the sum of stage 3: it does not see in which order
the linear layer reads. `flatten` uses features that can be done by hand.
"""

import torch
from torch import nn

from checks import convnets
from checks.convnets import call, center, plain, run, trained
from checks.tools import close, numbers, refuses

WIDTHS = (32, 64, 128)


def layers(SimpleCNN):
    for args in ((), (1, 7)):
        name, model, (c, k) = f"SimpleCNN{args}", SimpleCNN(*args), args or (3, 10)
        convnets.shapes_of(name, model)
        parts = [convnets.found(name, model, kind, n) for kind, n in KINDS]
        sizes = zip(WIDTHS, (c, *WIDTHS), strict=False)
        wanted = ([(o, i, 3, 3) for o, i in sizes], [(o,) for o in WIDTHS], [(k, 2048)])
        for (kind, _), found, want in zip(KINDS, parts, wanted, strict=True):
            if kind is nn.BatchNorm2d:
                for norm in found:
                    convnets.defaults(f"{name}: batch norm of {norm.num_features}", norm)
            convnets.weights(f"{name}, nn.{kind.__name__}", found, want)
        convnets.nothing_else(name, model, sum(parts, []))


def biases(SimpleCNN):
    model = SimpleCNN()
    for kind, want in ((nn.Conv2d, 0), (nn.Linear, 1)):
        found = [m for m in model.modules() if isinstance(m, kind)]
        assert found, f"SimpleCNN(): no nn.{kind.__name__} among its modules"
        convnets.biases("SimpleCNN()", found, want)


def shapes(SimpleCNN):
    for args in ((), (1, 7), (2, 1)):
        model, (c, k) = SimpleCNN(*args), args or (3, 10)
        for n in (2, 1):
            x = torch.randn(n, c, 32, 32)
            for train in (True, False):
                convnets.shape(f"SimpleCNN{args}", model.train(train), x, (n, k))


def logits(SimpleCNN):
    model, want = SimpleCNN(2, 3), torch.tensor([[-1.0, 0.5, 2.0]] * 2)
    for m in model.modules():
        if isinstance(m, nn.Linear):
            nn.init.zeros_(m.weight)
            if m.bias is not None:
                with torch.no_grad():
                    m.bias.copy_(want[0])
            else:
                want = torch.zeros(2, 3)
    note, x = f", linear layer with weight 0 and bias {numbers(want[0])}", torch.randn(2, 2, 32, 32)
    for train in (True, False):
        model.train(train)
        close(run("", model, x), want, f"{call('SimpleCNN(2, 3)', model, x, note)}: out")


def stages(SimpleCNN):
    name, model, ones = "SimpleCNN(1, 2)", SimpleCNN(1, 2).eval(), torch.ones(2, 1, 32, 32)
    convs, norms, linear = parts_of(name, model)
    steps = torch.arange(1024.0).view(32, 32).expand(2, 1, 32, 32)
    down, blocks = 1023 - steps, (2, 4, 8, 4, 8)
    for image, x, kernel, shift, want in (
        ("1s", ones, 1, 0, 1),
        ("1s", ones, -1, 0, 0),
        ("-1s", -ones, 1, 2, 5),
        ("0 to 1023, row by row", steps, 1, 0, steps.reshape(blocks).amax((2, 4))[0].mean()),
        ("1023 to 0, row by row", down, 1, 0, down.reshape(blocks).amax((2, 4))[0].mean()),
    ):
        plain(model)
        nn.init.constant_(linear.weight, 1 / 16)
        for conv, norm in zip(convs, norms, strict=True):
            center(conv, kernel)
            if shift:
                norm.bias.data[0] = shift
        note = f" of {image}, kernels with {kernel} in the center, batch norms adding {shift}"
        adds_up(name, model, x, note, want)

    plain(model)
    nn.init.constant_(linear.weight, 1 / 16)
    for conv in convs:
        center(conv)
    convs[0].weight.data[0] = -1
    norms[0].bias.data[0] = 10
    note = " of 1s, the first kernel of nine -1, batch norm 1 adding 10, then kernels that copy"
    adds_up(name, model, ones, note, (4 * 6 + 8 * 4 + 4) / 16)

    for c in (3, 1):
        name, model = f"SimpleCNN({c}, 2)", trained(SimpleCNN(c, 2)).double().eval()
        convs, norms, linear = parts_of(name, model)
        nn.init.constant_(linear.weight, 1 / 16)
        x = want = 3 * torch.randn(2, c, 32, 32, dtype=torch.float64)
        for conv, norm in zip(convs, norms, strict=True):
            want = nn.functional.conv2d(want, conv.weight, conv.bias, padding=1)
            want = nn.functional.max_pool2d(convnets.normed(want, norm).clamp(min=0), 2)
        adds_up(
            name,
            model,
            x,
            "",
            want.sum((1, 2, 3)) / 16 + (0 if linear.bias is None else linear.bias[0]),
        )


def flatten(SimpleCNN):
    name, model = "SimpleCNN(1, 2048)", plain(SimpleCNN(1, 2048)).eval()
    convs, norms, linear = parts_of(name, model)
    nn.init.eye_(linear.weight)
    nn.init.zeros_(norms[-1].weight)
    with torch.no_grad():
        norms[-1].bias.copy_(torch.arange(128.0))
    note, x = ", batch norm 3 gives channel c the number c", torch.rand(2, 1, 32, 32)
    at, want = [0, 15, 16, 32, 2047], torch.tensor([0.0, 0, 1, 2, 127])
    what = f"{call(name, model, x, note)}, the linear layer is the identity: out[0, {at}]"
    close(run(name, model, x, note)[0, at], want, what, 1e-3)

    plain(model)
    nn.init.eye_(linear.weight)
    for conv in convs:
        center(conv)
    want = torch.arange(16.0, 0, -1)
    x = want.view(4, 4).repeat_interleave(8, 0).repeat_interleave(8, 1).expand(2, 1, 32, 32)
    note = " of 4x4 tiles from 16 to 1, row by row, copied to stage 3"
    got = run(name, model, x, note)[0, :16]
    what = f"{call(name, model, x, note)}, the linear layer is the identity: out[0, :16]"
    assert torch.allclose(got, want, 1e-3), f"{what}: {numbers(got)}, want {numbers(want)}"


def training(SimpleCNN):
    model, x = SimpleCNN(2, 3), torch.randn(8, 2, 32, 32)
    convnets.keeps_x("SimpleCNN(2, 3)", model, x[:2])
    convnets.trains("SimpleCNN(2, 3)", model, x, x[:1])


def gradients(SimpleCNN):
    convnets.slopes("SimpleCNN(2, 3)", SimpleCNN(2, 3), torch.randn(2, 2, 32, 32))


def images(SimpleCNN):
    for c in (3, 1):
        model = SimpleCNN(c, 10)
        sides = ((64, 16), (16, 64), (32, 35), (35, 32), (28, 28), (16, 16), (36, 36), (64, 64))
        shapes = [(4, c, *side) for side in sides]
        shapes += [(4, c + 1, 32, 32), (4, 4 - c, 32, 32), (4, 32, 32, c), (c, 32, 32)]
        for train in (True, False):
            model.train(train)
            for shape in shapes:
                refuses(model, torch.randn(shape), errors=(RuntimeError, ValueError))


def anywhere(SimpleCNN):
    convnets.anywhere("SimpleCNN(2, 3)", SimpleCNN(2, 3), torch.randn(2, 2, 32, 32))


CORE = (layers, biases, shapes, logits, stages, flatten, training, gradients)
EDGES = (images, anywhere)
KINDS = ((nn.Conv2d, 3), (nn.BatchNorm2d, 3), (nn.Linear, 1))


def parts_of(name, model):
    """Convolutions and batch norms in the order of their widths, and the linear layer."""
    convs, norms, (linear,) = (convnets.found(name, model, kind, n) for kind, n in KINDS)
    return *(sorted(part, key=lambda m: len(m.weight)) for part in (convs, norms)), linear


def adds_up(name, model, x, note, want):
    note += ", every weight of the linear layer 1/16"
    got, want = run(name, model, x, note)[:, 0].double(), torch.as_tensor(want).double().expand(2)
    close(got, want, f"{call(name, model, x, note)}: out[:, 0]", 1e-4)
