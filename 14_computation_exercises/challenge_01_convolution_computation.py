"""Convolutions on paper: what a layer makes of an input's size, what it holds and what it costs.

A size that is off by one breaks a network, and FLOPs decide whether it runs on a phone. Every
number is that of nn.Conv1d, nn.Conv2d or nn.Conv3d with the same arguments.

    conv1d_output_length   an int     the length that the layer makes of L_in
    conv2d_output_shape    a tuple    height and width
    conv3d_output_shape    a tuple    frames, height and width (T, H, W)
    ..._num_params         an int     the numbers in weight and, where there is one, bias together
    ..._flops              an int     mult-adds for one sample's output of the given size, without
                                      the bias. A multiply with its add is 1;
                                      torch.utils.flop_counter says 2

kernel_size, stride, padding and dilation are an int for all dims or a tuple with one int a dim.
Channels and sizes are at least 1. Results are of Python's int, exact at any size, 10**20 too.
Each function raises ValueError for these arguments, with the numbers named here in its message:

    kernel_size, stride, dilation or groups below 1, padding below 0: the number
    a tuple with too few or too many ints: any message
    groups that do not divide C_in or C_out: groups and that C
    a kernel that does not fit into the padded input: the input's and the kernel's size in that
    dim, as they were given

Ask yourself: how long is a dilated kernel? How many channels does one filter of a group see?
Docs: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
"""

import random
import re

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

Size = int | tuple[int, ...]


def conv1d_output_length(
    L_in: int, kernel_size: Size, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> int:
    raise NotImplementedError("conv1d_output_length")


def conv1d_num_params(
    C_in: int, C_out: int, kernel_size: Size, bias: bool = True, groups: int = 1
) -> int:
    raise NotImplementedError("conv1d_num_params")


def conv1d_flops(C_in: int, C_out: int, kernel_size: Size, L_out: int, groups: int = 1) -> int:
    raise NotImplementedError("conv1d_flops")


def conv2d_output_shape(
    H_in: int, W_in: int, kernel_size: Size, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> tuple[int, int]:
    raise NotImplementedError("conv2d_output_shape")


def conv2d_num_params(
    C_in: int, C_out: int, kernel_size: Size, bias: bool = True, groups: int = 1
) -> int:
    raise NotImplementedError("conv2d_num_params")


def conv2d_flops(
    C_in: int, C_out: int, kernel_size: Size, H_out: int, W_out: int, groups: int = 1
) -> int:
    raise NotImplementedError("conv2d_flops")


def conv3d_output_shape(
    T_in: int,
    H_in: int,
    W_in: int,
    kernel_size: Size,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
) -> tuple[int, int, int]:
    raise NotImplementedError("conv3d_output_shape")


def conv3d_num_params(
    C_in: int, C_out: int, kernel_size: Size, bias: bool = True, groups: int = 1
) -> int:
    raise NotImplementedError("conv3d_num_params")


def conv3d_flops(
    C_in: int, C_out: int, kernel_size: Size, T_out: int, H_out: int, W_out: int, groups: int = 1
) -> int:
    raise NotImplementedError("conv3d_flops")


def check(
    conv1d_output_length,
    conv1d_num_params,
    conv1d_flops,
    conv2d_output_shape,
    conv2d_num_params,
    conv2d_flops,
    conv3d_output_shape,
    conv3d_num_params,
    conv3d_flops,
):
    check_conv(1, nn.Conv1d, conv1d_output_length, conv1d_num_params, conv1d_flops)
    check_conv(2, nn.Conv2d, conv2d_output_shape, conv2d_num_params, conv2d_flops)
    check_conv(3, nn.Conv3d, conv3d_output_shape, conv3d_num_params, conv3d_flops)


def check_conv(n, layer, output, num_params, flops):
    """The three functions of one layer, which has n dims."""
    name = "length" if n == 1 else "shape"
    output = Asked(f"conv{n}d_output_{name}", output)
    num_params, flops = Asked(f"conv{n}d_num_params", num_params), Asked(f"conv{n}d_flops", flops)
    check_output(output, layer, n)
    check_num_params(num_params, layer, n)
    check_flops(flops, layer, n)
    check_refusals(output, num_params, flops, n)


def check_output(output, layer, n):
    def result(sizes):
        return sizes[0] if n == 1 else tuple(sizes)

    output.gives(result((5, 6, 8)[:n]), *(10, 12, 15)[:n], 3, 2, 1)  # stride, then padding
    output.gives(result((8, 9, 11)[:n]), *(8, 9, 11)[:n], 7, dilation=3, padding=9)
    output.gives(result((1, 1, 1)[:n]), *(5, 7, 9)[:n], (9, 11, 13)[:n], padding=2)  # just fits
    for sizes, C_in, C_out, kernel_size, kwargs in configurations(n):
        out = on_meta(layer(C_in, C_out, kernel_size, **kwargs, device="meta"), sizes)[0]
        kwargs = {k: v for k, v in kwargs.items() if k not in ("bias", "groups")}
        if out is None:
            output.refuses("the kernel does not fit", (), *sizes, kernel_size, **kwargs)
        else:
            output.gives(result(out), *sizes, kernel_size, **kwargs)
    big = [2 * 10**20 + 2 * i + 7 for i in range(n)]
    output.gives(result([10**20 + i + 4 for i in range(n)]), *big, 1, 2)
    output.gives(result([2] * n), *[2 * 10**20 + 2] * n, 1, 10**20 + 1)


def check_num_params(num_params, layer, n):
    for _, C_in, C_out, kernel_size, kwargs in configurations(n):
        real = layer(C_in, C_out, kernel_size, **kwargs, device="meta")
        kwargs = {k: v for k, v in kwargs.items() if k in ("bias", "groups")}
        want = sum(p.numel() for p in real.parameters())
        num_params.gives(want, C_in, C_out, kernel_size, **kwargs)
    num_params.gives(6 * 4**n, 2, 3, 4, False)  # bias by its place
    num_params.gives(3 * 10**20 + 3, 10**20, 3, 1)
    num_params.gives((10**10 + 1) ** n, 1, 1, 10**10 + 1, False)
    num_params.gives(3 * 10**20 + 3, 3 * 10**20 + 3, 3, 1, bias=False, groups=3)


def check_flops(flops, layer, n):
    for sizes, C_in, C_out, kernel_size, kwargs in configurations(n):
        real = layer(C_in, C_out, kernel_size, **kwargs, device="meta")
        out, counted = on_meta(real, sizes)
        kwargs = {k: v for k, v in kwargs.items() if k == "groups"}
        if out is not None:
            flops.gives(counted // 2, C_in, C_out, kernel_size, *out, **kwargs)
    flops.gives(3 * 10**20 + 3, 3 * 10**20 + 3, 3, 1, *[1] * n, groups=3)
    flops.gives(10**20 + 1, 1, 1, 1, *[1] * (n - 1), 10**20 + 1)
    flops.gives((10**10 + 1) ** n, 1, 1, 10**10 + 1, *[1] * n)


def check_refusals(output, num_params, flops, n):
    sizes, ones = (17, 19, 23)[:n], (1,) * n
    for asked, before, after in (
        (output, sizes, ()),
        (num_params, (4, 6), ()),
        (flops, (4, 6), ones),
    ):
        for bad in (0, -2):
            for kernel in (bad, *one_bad(bad, n)):
                asked.refuses("kernel_size is below 1", [bad], *before, kernel, *after)
        for kernel in ((2,) * (n + 1), (2,) * (n - 1)):
            asked.refuses(f"kernel_size does not have {n} ints", (), *before, kernel, *after)
    for argument, low in (("stride", 1), ("padding", 0), ("dilation", 1)):
        for bad in (low - 1, low - 3):
            for value in (bad, *one_bad(bad, n)):
                why = f"{argument} is below {low}"
                output.refuses(why, [bad], *sizes, 3, **{argument: value})
        for value in ((2,) * (n + 1), (2,) * (n - 1)):
            output.refuses(f"{argument} does not have {n} ints", (), *sizes, 3, **{argument: value})

    why = "the kernel does not fit"
    for i, size in enumerate(sizes):
        kernel = tuple(size + 5 if j == i else 3 for j in range(n))
        output.refuses(why, [size, size + 5], *sizes, kernel, padding=2)
        kernel = tuple(7 if j == i else 1 for j in range(n))
        output.refuses(why, [size, 7], *sizes, kernel, stride=3, dilation=5)
    for groups in (0, -1):
        num_params.refuses("groups is below 1", [groups], 4, 6, 3, groups=groups)
        flops.refuses("groups is below 1", [groups], 4, 6, 3, *ones, groups=groups)
    for C_in, C_out in ((6, 8), (8, 6)):
        why = "4 does not divide 6"
        num_params.refuses(why, [4, 6], C_in, C_out, 3, groups=4)
        flops.refuses(why, [4, 6], C_in, C_out, 3, *ones, groups=4)


def configurations(n):
    """Random layers and inputs. Arguments are ints or tuples, or left out for their default."""
    rng = random.Random(n)

    def size(low, high):
        each = tuple(rng.randint(low, high) for _ in range(n))
        return rng.choice([each, each[0]])

    for _ in range(50):
        kwargs = {"stride": size(1, 4), "padding": size(0, 3), "dilation": size(1, 3)}
        kwargs |= {"bias": rng.choice([True, False]), "groups": rng.randint(1, 3)}
        kwargs = {k: v for k, v in kwargs.items() if rng.random() < 0.7}
        channels = [c * kwargs.get("groups", 1) for c in rng.sample(range(1, 7), 2)]
        yield rng.sample(range(4, 20), n), *channels, size(1, 5), kwargs


def on_meta(layer, sizes):
    """The sizes of the layer's output for one sample and torch's count of FLOPs, by running it.

    The meta device knows shapes and holds no numbers. (None, 0) where the kernel does not fit.
    """
    x = torch.empty(1, layer.in_channels, *sizes, device="meta")
    try:
        with FlopCounterMode(display=False) as counter:
            out = layer(x)
    except RuntimeError:
        return None, 0
    if out.numel() == 0:  # older torch, which lets a kernel pass that is too long by one
        return None, 0
    return tuple(out.shape[2:]), counter.get_total_flops()


def one_bad(bad, n):
    """n-tuples with the bad number at each place in turn."""
    return [tuple(bad if j == i else 2 for j in range(n)) for i in range(n)]


class Asked:
    """A function under its name, for messages that tell what was called."""

    def __init__(self, name, function):
        self.name, self.function = name, function

    def call(self, args, kwargs):
        given = [*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())]
        return f"{self.name}({', '.join(given)})"

    def gives(self, want, *args, **kwargs):
        call = self.call(args, kwargs)
        try:
            got = self.function(*args, **kwargs)
        except ValueError as error:
            raise AssertionError(f"{call}: ValueError: {error}; want {want}") from error
        kind = type(got).__name__
        assert typed(got) == typed(want), f"{call} is {got!r}, {kind}; want {want}, of Python ints"

    def refuses(self, why, numbers, *args, **kwargs):
        call = self.call(args, kwargs)
        try:
            got = self.function(*args, **kwargs)
        except ValueError as error:
            there = re.findall(r"(?<!\d)-?\d+", str(error))
            missing = [n for n in numbers if str(n) not in there]
            assert not missing, f"{call}: the message is {str(error)!r}, want {missing} in it"
            return
        except NotImplementedError:
            raise
        except Exception as error:
            raise AssertionError(f"{call}: {error!r}; want ValueError: {why}") from error
        raise AssertionError(f"{call} is {got!r}; want ValueError: {why}")


def typed(value):
    """The value with its types, so that 5 is neither 5.0 nor np.int64(5)."""
    return [typed(v) for v in value] if type(value) is tuple else (type(value), value)


if __name__ == "__main__":
    try:
        check(
            conv1d_output_length,
            conv1d_num_params,
            conv1d_flops,
            conv2d_output_shape,
            conv2d_num_params,
            conv2d_flops,
            conv3d_output_shape,
            conv3d_num_params,
            conv3d_flops,
        )
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_01_convolution_computation.py")
