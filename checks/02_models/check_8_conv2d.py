"""What challenge_8_conv2d.py requires: an edge detector by hand, then the library's functions."""

from functools import partial

import torch
from torch.nn import functional as F

from checks.functions import as_exact, calls_none, gives
from checks.tools import Forbidden, attempt, is_hole, numbers, refuses, strided

BANNED = "conv", "pool"


def by_hand(my_conv2d, max_pool2d, depthwise_separable_conv):
    x, weight = torch.randn(2, 4, 6, 7), torch.randn(4, 4, 3, 3)
    for name, function, inputs in (
        ("my_conv2d", my_conv2d, (x, weight)),
        ("max_pool2d", max_pool2d, (x, 2)),
        (
            "depthwise_separable_conv",
            depthwise_separable_conv,
            (x, weight[:, :1], weight[..., :1, :1]),
        ),
    ):
        calls_none(f"{name}, x (2, 4, 6, 7)", function, inputs, BANNED)
    conv = {"stride": 2, "padding": 1, "dilation": 2, "groups": 3}
    for name, function, library, given, more in (
        ("my_conv2d", my_conv2d, F.conv2d, torch.randn(3, 1, 3, 3), conv),
        ("max_pool2d", max_pool2d, F.max_pool2d, 3, {"stride": 2, "padding": 1}),
    ):
        if works(function, library, [given], **more):
            inputs = torch.randn(2, 3, 6, 7), given
            calls_none(f"{name}{told(more)}", partial(function, **more), inputs, BANNED)


def no_loop(my_conv2d, max_pool2d, depthwise_separable_conv):
    def count(function, *inputs, **more):
        with Forbidden("") as watch:
            attempt("x of another size", function, *inputs, **more)
        return watch.seen

    small, large = torch.randn(1, 2, 6, 6), torch.randn(9, 12, 17, 19)
    for name, function, others in (
        ("my_conv2d", my_conv2d, lambda C: (torch.randn(C, C, 3, 3),)),
        (
            "my_conv2d, groups=C",
            lambda x, w: my_conv2d(x, w, groups=len(w)),
            lambda C: (torch.randn(C, 1, 3, 3),),
        ),
        ("max_pool2d", max_pool2d, lambda _: (3, 2, 1)),
        (
            "depthwise_separable_conv",
            depthwise_separable_conv,
            lambda C: (torch.randn(C, 1, 3, 3), torch.randn(2 * C, C, 1, 1)),
        ),
    ):
        calls = [count(function, x, *others(x.shape[1])) for x in (small, large)]
        assert calls[1] <= calls[0] + 3, (
            f"{name}: {calls[0]} calls to torch for x (1, 2, 6, 6), "
            f"{calls[1]} for x (9, 12, 17, 19), want as many"
        )


def conv(my_conv2d):
    image = torch.tensor([[0.0, 0.0, 1.0, 1.0]] * 3)[None, None]
    edge = torch.tensor([[-1.0, 1.0]] * 2)[None, None]
    what = "my_conv2d(x [[0, 0, 1, 1]] * 3, weight [[-1, 1], [-1, 1]]"
    gives(f"{what})", my_conv2d, [image, edge], [[[[0.0, 2.0, 0.0]] * 2]])
    gives(f"{what}, stride=2)", my_conv2d, [image, edge], [[[[0.0, 0.0]]]], stride=2)
    gives(f"{what}, dilation=2)", my_conv2d, [image, edge], [[[[2.0, 2.0]]]], dilation=2)
    want = [[[[0.0, 0, 1, 0, -1], [0, 0, 2, 0, -2], [0, 0, 2, 0, -2], [0, 0, 1, 0, -1]]]]
    gives(f"{what}, padding=1)", my_conv2d, [image, edge], want, padding=1)
    channels = torch.ones(1, 3, 1, 1) * torch.tensor([1.0, 10.0, 100.0]).view(3, 1, 1)
    weight = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[..., None, None]
    what = "my_conv2d(x 1, 10, 100 in 3 channels of one pixel, weight [[1, 2, 3], [4, 5, 6]]"
    gives(f"{what})", my_conv2d, [channels, weight], [[[[321.0]], [[654.0]]]])
    bias = torch.tensor([0.5, 0.25])
    gives(
        f"{what}, bias [0.5, 0.25])", my_conv2d, [channels, weight, bias], [[[[321.5]], [[654.25]]]]
    )
    for x, k, more in (
        ((2, 3, 7, 9), (4, 3, 3, 2), {}),
        ((2, 3, 7, 9), (4, 3, 2, 3), {"stride": 2}),
        ((2, 3, 8, 7), (3, 3, 3, 3), {"stride": 3, "padding": 2}),
        ((1, 2, 7, 8), (2, 2, 2, 3), {"dilation": 2, "padding": 1}),
        ((2, 4, 4, 4), (4, 4, 1, 1), {}),
        ((3, 3, 5, 5), (3, 3, 3, 3), {"padding": 1}),
        ((2, 1, 10, 9), (5, 1, 3, 2), {"stride": 2, "padding": 1, "dilation": 3}),
    ):
        image, weight, bias = torch.randn(x), torch.randn(k), torch.randn(k[0])
        what = f"my_conv2d, x {x}, weight {k}{told(more)}"
        gives(
            what,
            my_conv2d,
            [image, weight, bias],
            F.conv2d(image, weight, bias, **more),
            1e-4,
            **more,
        )


def groups(my_conv2d):
    x = torch.tensor([1.0, 10.0, 100.0, 1000.0]).view(1, 4, 1, 1)
    weight = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[..., None, None]
    what = "my_conv2d(x 1, 10, 100, 1000 in 4 channels, weight [[1, 2], [3, 4]], groups=2)"
    gives(what, my_conv2d, [x, weight], [[[[21.0]], [[4300.0]]]], groups=2)
    for C, out, n, kernel, more in (
        (4, 6, 2, 1, {}),
        (6, 6, 3, 1, {}),
        (3, 3, 3, 2, {}),
        (4, 8, 4, 3, {"padding": 1}),
        (4, 6, 2, 2, {"stride": 2}),
        (4, 6, 2, 2, {"dilation": 2}),
    ):
        image, weight = torch.randn(2, C, 5, 6), torch.randn(out, C // n, kernel, kernel)
        given, what = [image, weight], f"my_conv2d, x (2, {C}, 5, 6), weight {tuple(weight.shape)}"
        if kernel > 1:
            given.append(torch.arange(1.0, out + 1))
            if not works(my_conv2d, F.conv2d, [torch.randn(4, 3, 3, 2), torch.randn(4)], **more):
                continue
        more = {**more, "groups": n}
        want = F.conv2d(*given, **more)
        gives(f"{what}{told(more)}", my_conv2d, given, want, 1e-4, **more)


def max_pool(max_pool2d):
    x = torch.arange(1.0, 21).view(1, 1, 4, 5)
    what = "max_pool2d(x 1 .. 20 in 4 rows"
    gives(f"{what}, 2)", max_pool2d, [x, 2], [[[[7.0, 9.0], [17.0, 19.0]]]])
    gives(f"{what}, 3, 1)", max_pool2d, [x, 3, 1], [[[[13.0, 14, 15], [18, 19, 20]]]])
    small = torch.tensor([[-3.0, -2.0], [-4.0, 0.0]])
    want = [[[[-3.0, -2.0], [-4.0, 0.0]]]]
    gives(
        f"max_pool2d({numbers(small)}, 2, padding=1)",
        max_pool2d,
        [small[None, None], 2],
        want,
        padding=1,
    )
    low = torch.full((1, 1, 2, 2), -1e30)
    gives("max_pool2d(-1e30 everywhere, 2, padding=1)", max_pool2d, [low, 2], low, padding=1)
    for shape, k, more in (
        ((2, 3, 7, 8), 3, {}),
        ((2, 3, 7, 8), 2, {"stride": 3}),
        ((1, 2, 5, 6), 3, {"stride": 2, "padding": 1}),
        ((3, 3, 3, 3), 3, {"stride": 1, "padding": 1}),
    ):
        x, what = torch.randn(shape) - 3, f"max_pool2d, x {shape}, kernel_size {k}{told(more)}"
        gives(what, max_pool2d, [x, k], F.max_pool2d(x, k, **more), **more)


def separable(depthwise_separable_conv):
    x = torch.tensor([1.0, 10.0]).view(1, 2, 1, 1)
    dw, pw = torch.tensor([2.0, 3.0]).view(2, 1, 1, 1), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    what = "depthwise_separable_conv(x 1, 10 of one pixel, dw 2, 3, pw [[1, 0], [1, 1]])"
    gives(what, depthwise_separable_conv, [x, dw, pw[..., None, None]], [[[[2.0]], [[32.0]]]])
    for C, out, kernel in ((3, 5, (3, 2)), (4, 4, (3, 3)), (2, 1, (1, 3))):
        x, dw, pw = torch.randn(2, C, 6, 7), torch.randn(C, 1, *kernel), torch.randn(out, C, 1, 1)
        sizes = f"dw {tuple(dw.shape)}, pw {tuple(pw.shape)}"
        what = f"depthwise_separable_conv, x (2, {C}, 6, 7), {sizes}"
        want = F.conv2d(F.conv2d(x, dw, groups=C), pw)
        gives(what, depthwise_separable_conv, [x, dw, pw], want, 1e-4)


def pairs(my_conv2d, max_pool2d):
    x, weight = torch.randn(2, 3, 9, 10), torch.randn(4, 3, 3, 2)
    conv_is_right = works(my_conv2d, F.conv2d, [weight], stride=2, padding=1, dilation=2)
    for more in (
        {"stride": (1, 2)},
        {"padding": (2, 0)},
        {"dilation": (1, 3)},
        {"stride": (3, 1), "padding": (0, 1), "dilation": (2, 1)},
    ):
        what = f"my_conv2d, x (2, 3, 9, 10), weight (4, 3, 3, 2){told(more)}"
        if conv_is_right:
            gives(what, my_conv2d, [x, weight], F.conv2d(x, weight, **more), 1e-4, **more)
    pool_is_right = works(max_pool2d, F.max_pool2d, [3], stride=1, padding=1)
    for k, more in (
        ((2, 3), {}),
        ((3, 2), {"stride": (1, 2)}),
        ((3, 4), {"padding": (1, 0)}),
        (3, {"stride": 1, "padding": (1, 0)}),
        (3, {"stride": 1, "padding": (0, 1)}),
        (2, {"stride": (2, 1)}),
    ):
        what = f"max_pool2d, x (2, 3, 9, 10), kernel_size {k}{told(more)}"
        if pool_is_right:
            gives(what, max_pool2d, [x - 5, k], F.max_pool2d(x - 5, k, **more), **more)


def refused(my_conv2d):
    for C, k, bias, n in (
        (3, (4, 1, 2, 2), None, 1),
        (1, (4, 3, 2, 2), None, 1),
        (4, (4, 2, 2, 2), None, 1),
        (4, (3, 2, 2, 2), None, 2),
        (4, (4, 4, 2, 2), None, 2),
        (4, (4, 1, 2, 2), None, 2),
        (3, (4, 3, 2, 2), (1,), 1),
        (3, (4, 3, 2, 2), (4, 4), 1),
    ):
        call = f"my_conv2d, x (4, {C}, 5, 5), weight {k}, bias {bias}, groups={n}"
        given = torch.randn(4, C, 5, 5), torch.randn(k), None if bias is None else torch.randn(bias)
        refuses(lambda *given, n=n: my_conv2d(*given, groups=n), *given, call=call)


def exact(my_conv2d, max_pool2d, depthwise_separable_conv):
    def inputs(**shapes):
        return {name: strided(*shape, dtype=torch.float64) for name, shape in shapes.items()}

    image, more = (2, 4, 6, 7), {"stride": 2, "padding": 1, "groups": 2}
    for name, function, library, given in (
        (
            "my_conv2d, stride=2, padding=1, groups=2",
            lambda x, w, b: my_conv2d(x, w, b, **more),
            lambda x, w, b: F.conv2d(x, w, b, **more),
            inputs(x=image, weight=(6, 2, 3, 2), bias=(6,)),
        ),
        (
            "max_pool2d, kernel_size 3, stride=2, padding=1",
            lambda x: max_pool2d(x, 3, 2, 1),
            lambda x: F.max_pool2d(x, 3, 2, 1),
            inputs(x=image),
        ),
        (
            "depthwise_separable_conv",
            depthwise_separable_conv,
            lambda x, dw, pw: F.conv2d(F.conv2d(x, dw, groups=4), pw),
            inputs(x=image, dw_weight=(4, 1, 3, 2), pw_weight=(3, 4, 1, 1)),
        ),
    ):
        as_exact(f"{name}, float64, not contiguous", function, library, given)


CORE = (by_hand, no_loop, conv, groups, max_pool, separable)
EDGES = (pairs, refused, exact)


def works(function, library, inputs, **more):
    """Whether it is right with these numbers for both axes: if not, another label minds."""
    x = torch.randn(2, 3, 7, 8) - 5
    try:
        return torch.allclose(function(x, *inputs, **more), library(x, *inputs, **more), 1e-3, 1e-3)
    except Exception as error:
        if is_hole(error):
            raise
        return False


def told(more):
    return "".join(f", {key}={value}" for key, value in more.items())
