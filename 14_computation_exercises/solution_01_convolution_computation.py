"""Convolutions on paper: a size follows from the kernel's last tap, FLOPs from its weights.

Why it works: a dilated kernel's last tap lies d * (k - 1) after its first, so the first tap has
size + 2 * p - d * (k - 1) places, of which the stride takes every s-th. Size 8, padding 2, kernel
3: 8 + 4 - 2 = 10 places, and a stride of 3 takes 4 of them, ceil(10 / 3) or (10 - 1) // 3 + 1.
One filter sees C_in / g channels, those of its group. At each output position every weight is used
once, so the FLOPs are the weights times the positions.
Say in the interview: "Same" at stride 1 means p = d * (k - 1) / 2. Dilation sees further at no
cost. Groups divide weights and FLOPs by g. A mult-add is 1 here and 2 in torch.utils.flop_counter:
say which you mean. A batch of N costs N times as much.
Asked next: Which kernel sizes have a "same" padding? Odd ones for any d: p is the same on both
sides, so d * (k - 1) has to be even. What is a depthwise layer? One of g = C_in: each filter sees
one channel, so a 1 x 1 convolution follows to mix them.
Common slips: the padding counted once; rounding up; dilation multiplied by k; C_in * C_out whole
with groups; the bias multiplied by the kernel; k * k for a tuple; / for //, which loses digits
above 2**53.
May be left out if you say so: the checks of arguments, and tuples.
"""

from math import prod

Size = int | tuple[int, ...]


def conv1d_output_length(
    L_in: int, kernel_size: Size, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> int:
    """Length of the output."""
    return _output((L_in,), kernel_size, stride, padding, dilation)[0]


def conv1d_num_params(
    C_in: int, C_out: int, kernel_size: Size, bias: bool = True, groups: int = 1
) -> int:
    """Weights and biases."""
    return _weights(1, C_in, C_out, kernel_size, groups) + (C_out if bias else 0)


def conv1d_flops(C_in: int, C_out: int, kernel_size: Size, L_out: int, groups: int = 1) -> int:
    """Mult-adds of one sample, without the bias."""
    return _weights(1, C_in, C_out, kernel_size, groups) * L_out


def conv2d_output_shape(
    H_in: int, W_in: int, kernel_size: Size, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> tuple[int, int]:
    """(H_out, W_out)."""
    H_out, W_out = _output((H_in, W_in), kernel_size, stride, padding, dilation)
    return H_out, W_out


def conv2d_num_params(
    C_in: int, C_out: int, kernel_size: Size, bias: bool = True, groups: int = 1
) -> int:
    """Weights and biases."""
    return _weights(2, C_in, C_out, kernel_size, groups) + (C_out if bias else 0)


def conv2d_flops(
    C_in: int, C_out: int, kernel_size: Size, H_out: int, W_out: int, groups: int = 1
) -> int:
    """Mult-adds of one sample, without the bias."""
    return _weights(2, C_in, C_out, kernel_size, groups) * H_out * W_out


def conv3d_output_shape(
    T_in: int,
    H_in: int,
    W_in: int,
    kernel_size: Size,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
) -> tuple[int, int, int]:
    """(T_out, H_out, W_out)."""
    T_out, H_out, W_out = _output((T_in, H_in, W_in), kernel_size, stride, padding, dilation)
    return T_out, H_out, W_out


def conv3d_num_params(
    C_in: int, C_out: int, kernel_size: Size, bias: bool = True, groups: int = 1
) -> int:
    """Weights and biases."""
    return _weights(3, C_in, C_out, kernel_size, groups) + (C_out if bias else 0)


def conv3d_flops(
    C_in: int, C_out: int, kernel_size: Size, T_out: int, H_out: int, W_out: int, groups: int = 1
) -> int:
    """Mult-adds of one sample, without the bias."""
    return _weights(3, C_in, C_out, kernel_size, groups) * T_out * H_out * W_out


def _output(
    sizes: tuple[int, ...], kernel_size: Size, stride: Size, padding: Size, dilation: Size
) -> list[int]:
    """The output's sizes. A kernel longer than the padded input: ValueError."""
    out, n = [], len(sizes)
    for size, k, s, p, d in zip(
        sizes,
        _per_dim("kernel_size", kernel_size, n),
        _per_dim("stride", stride, n),
        _per_dim("padding", padding, n, least=0),
        _per_dim("dilation", dilation, n),
        strict=True,
    ):
        last = size + 2 * p - d * (k - 1) - 1  # the last place of the kernel's first tap
        if last < 0:
            raise ValueError(f"kernel {k}, dilation {d}: too long for {size}, padding {p}")
        out.append(last // s + 1)
    return out


def _weights(n: int, C_in: int, C_out: int, kernel_size: Size, groups: int) -> int:
    """Numbers in the weight, (C_out, C_in // groups, *kernel_size)."""
    if groups < 1 or C_in % groups or C_out % groups:
        raise ValueError(f"groups {groups} do not divide C_in {C_in} and C_out {C_out}")
    return C_out * (C_in // groups) * prod(_per_dim("kernel_size", kernel_size, n))


def _per_dim(name: str, value: Size, n: int, least: int = 1) -> tuple[int, ...]:
    """One int for each of the n dims. Below `least`, or not n of them: ValueError."""
    values = value if isinstance(value, tuple) else (value,) * n
    if len(values) != n or min(values) < least:
        raise ValueError(f"{name} is {value}, want an int >= {least} or a tuple of {n} such ints")
    return values


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
