"""What challenge_01_convolution_computation.py requires.

The core is compared with real layers, of ints that every kernel fits. Dilation, groups and tuples
are compared with what the answer itself gives without them, so that each fails by itself.
"""

import random
from functools import cache
from math import prod

import torch
from torch import nn

from checks.sums import Asked, asks, count, mult_adds, one_other

OUTPUT = ("conv1d_output_length", "conv2d_output_shape", "conv3d_output_shape")
PARAMS = ("conv1d_num_params", "conv2d_num_params", "conv3d_num_params")
FLOPS = ("conv1d_flops", "conv2d_flops", "conv3d_flops")
SIZES, OUT = (17, 19, 23), (5, 6, 7)  # of an input and of an output
WRONG = "4 does not divide 6"


def length(conv1d_output_length):
    outputs_are(1, conv1d_output_length)


def shape(conv2d_output_shape, conv3d_output_shape):
    outputs_are(2, conv2d_output_shape)
    outputs_are(3, conv3d_output_shape)


def params(conv1d_num_params, conv2d_num_params, conv3d_num_params):
    functions = conv1d_num_params, conv2d_num_params, conv3d_num_params
    for n, params in enumerate(map(Asked, PARAMS, functions), 1):
        params.gives(2 * 3 * 4**n + 3, 2, 3, 4)
        for weights, _, bias, _, _, counted in layers(n):
            params.gives(counted, *weights, bias)


def flops(conv1d_flops, conv2d_flops, conv3d_flops):
    functions = conv1d_flops, conv2d_flops, conv3d_flops
    for n, flops in enumerate(map(Asked, FLOPS, functions), 1):
        flops.gives(2 * 3 * 4**n * prod(OUT[:n]), 2, 3, 4, *OUT[:n])
        for weights, _, _, out, counted, _ in layers(n):
            flops.gives(counted, *weights, *out)


@asks(*OUTPUT)
def dilation(*outputs):
    for n, output in enumerate(outputs, 1):
        for kernel, apart in ((3, 2), (2, 5), (1, 4)):
            for more in ((), (2, 3)):  # stride, then padding
                want = output.own(*SIZES[:n], apart * (kernel - 1) + 1, *more)
                output.gives(want, *SIZES[:n], kernel, *more, dilation=apart)


@asks(*PARAMS, *FLOPS)
def groups(*asked):
    for n, params, flops in zip((1, 2, 3), asked[:3], asked[3:], strict=True):
        out = OUT[:n]
        for C_in, C_out, g in ((4, 6, 2), (12, 18, 3), (5, 15, 5)):
            weights = params.own(C_in, C_out, 3, bias=False)
            biases = params.own(C_in, C_out, 3) - weights
            params.gives(weights // g, C_in, C_out, 3, bias=False, groups=g)
            params.gives(weights // g + biases, C_in, C_out, 3, groups=g)
            want = flops.own(C_in, C_out, 3, *out) // g
            flops.gives(want, C_in, C_out, 3, *out, groups=g)
        for C_in, C_out in ((6, 8), (8, 6)):
            params.refuses(WRONG, [4, 6], C_in, C_out, 3, groups=4)
            flops.refuses(WRONG, [4, 6], C_in, C_out, 3, *out, groups=4)


@asks(*OUTPUT, *PARAMS, *FLOPS)
def tuples(*asked):
    ints = {"kernel_size": (3, 2, 4), "stride": (1, 3, 2), "padding": (2, 0, 1)}
    ints |= {"dilation": (2, 3, 1)}
    for n, output, params, flops in by_dims(asked):
        for name, value in ints.items():
            dim_by_dim(output, n, **{"kernel_size": 3, name: value[:n]})
        dim_by_dim(output, n, **{name: value[:n] for name, value in ints.items()})
        for kernel, g in (((3, 2, 5)[:n], 1), ((1, 1, 4)[:n], 2)):
            want = params.own(4, 6, 1, False, g) * prod(kernel)
            params.gives(want, 4, 6, kernel, False, g)
            want = flops.own(4, 6, 1, *OUT[:n], g) * prod(kernel)
            flops.gives(want, 4, 6, kernel, *OUT[:n], g)
        for many in (n + 1, n - 1):
            why, bad = f"of {many} ints in {n}d", (2,) * many
            for name in ints:
                kwargs = {"kernel_size": 2, name: bad}
                output.refuses(f"{name} {why}", [], *SIZES[:n], **kwargs)
            params.refuses(f"kernel_size {why}", [], 4, 6, bad)
            flops.refuses(f"kernel_size {why}", [], 4, 6, bad, *OUT[:n])


@asks(*OUTPUT, *PARAMS, *FLOPS)
def exact(*asked):
    big, wide, side = 10**20 + 1, 3 * 10**20 + 3, 10**10 + 1  # no float holds them
    for n, output, params, flops in by_dims(asked):
        ones, kernel = (1,) * n, (4,) * n
        output.gives_exactly(one((10**20 + 4,) * n), *[2 * 10**20 + 7] * n, 1, 2)
        output.gives_exactly(one((2,) * n), *[2 * 10**20 + 2] * n, 1, big)
        params.gives_exactly(2 * 3 * 4**n, 2, 3, kernel, False)
        params.gives_exactly(side**n, 1, 1, side, False)
        params.gives_exactly(wide, wide, 3, 1, False, 3)
        flops.gives_exactly(2 * 3 * 4**n, 2, 3, kernel, *ones)
        flops.gives_exactly(wide, wide, 3, 1, *ones, 3)
        flops.gives_exactly(big, 1, 1, 1, *ones[1:], big)


@asks(*OUTPUT)
def fit(*outputs):
    long = ({}, 11), ({"padding": 2}, 15), ({"stride": 3}, 12), ({"dilation": 2}, 6)
    fits = ({}, 10, 10), ({"padding": 2}, 5, 9), ({"dilation": 2}, 11, 6)
    for n, output in enumerate(outputs, 1):
        for kwargs, kernel in long:
            for i in range(n):  # in this dim alone
                sizes = [10 if j == i else 40 for j in range(n)]
                output.refuses("the kernel does not fit", [10, kernel], *sizes, kernel, **kwargs)
        for kwargs, size, kernel in fits:
            output.gives(one((1,) * n), *[size] * n, kernel, **kwargs)


@asks(*OUTPUT, *PARAMS, *FLOPS)
def values(*asked):
    lows = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
    for n, output, params, flops in by_dims(asked):
        for name, low in lows.items():
            for bad in (low - 1, low - 3):
                for value in (bad, *one_other(bad, n)):
                    kwargs = {"kernel_size": 3, name: value}
                    output.refuses(f"{name} is below {low}", [bad], *SIZES[:n], **kwargs)
        for bad in (0, -2):
            for kernel in (bad, *one_other(bad, n)):
                params.refuses("kernel_size is below 1", [bad], 4, 6, kernel)
                flops.refuses("kernel_size is below 1", [bad], 4, 6, kernel, *OUT[:n])
            params.refuses("groups is below 1", [bad], 4, 6, 3, groups=bad)
            flops.refuses("groups is below 1", [bad], 4, 6, 3, *OUT[:n], groups=bad)


CORE = (length, shape, params, flops)
EDGES = (dilation, groups, tuples, exact, fit, values)


def by_dims(asked):
    """The three functions for 1, 2 and 3 dims."""
    return zip((1, 2, 3), asked[:3], asked[3:6], asked[6:], strict=True)


def one(sizes):
    """As the functions give them: an int in 1d, a tuple otherwise."""
    return sizes[0] if len(sizes) == 1 else tuple(sizes)


def outputs_are(n, function):
    output = Asked(OUTPUT[n - 1], function)
    for want, more in (((8, 10, 13), ()), ((4, 5, 7), (2,)), ((6, 7, 9), (2, 2))):
        output.gives(one(want[:n]), *(10, 12, 15)[:n], 3, *more)  # stride, then padding
    for _, args, _, want, _, _ in layers(n):
        output.gives(one(want), *args)


def dim_by_dim(output, n, **kwargs):
    """A tuple means in each dim what its int there means for all."""
    want = []
    for i in range(n):
        ints = {k: v[i] if isinstance(v, tuple) else v for k, v in kwargs.items()}
        got = output.own(*SIZES[:n], **ints)
        want.append(got if n == 1 else got[i])
    output.gives(one(want), *SIZES[:n], **kwargs)


@cache
def layers(n):
    """Of random layers of ints: C_in, C_out and kernel, the arguments for the output's size, the
    bias, the output's size, mult-adds for one sample, parameters.
    """
    rng, found = random.Random(n), []
    for _ in range(20):
        channels, sizes = rng.sample(range(1, 9), 2), rng.sample(range(6, 20), n)
        how, bias = (rng.randint(1, 5), rng.randint(1, 4), rng.randint(0, 3)), rng.random() < 0.5
        conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[n - 1]
        layer = conv(*channels, *how, bias=bias, device="meta")
        out, cost = mult_adds(layer, torch.empty(1, channels[0], *sizes, device="meta"))
        assert cost, "torch counted no FLOPs"
        weights, out = (*channels, how[0]), tuple(out.shape[2:])
        found.append((weights, (*sizes, *how), bias, out, cost, count(layer)))
    return found
