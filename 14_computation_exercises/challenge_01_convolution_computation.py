"""Convolutions on paper: the output's size, the parameters and the cost.

A size off by one breaks a network. Every number is that of nn.Conv1d, nn.Conv2d or nn.Conv3d with
the same arguments.

    conv1d_output_length, ...shape   the output's size: an int; (H, W); (T, H, W), T frames
    ..._num_params                   an int, for C_in and C_out channels
    ..._flops                        an int, from the output's sizes

Core, what an interview asks:

    length    The output's length, for ints and a kernel that fits.
    shape     The same in 2d and 3d, where an int holds for all dims.
    params    Numbers in weight and bias.
    flops     Mult-adds of one sample, without the bias. A multiply with its add is 1;
              torch.utils.flop_counter says 2.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    dilation  The output's size with dilation.
    groups    Parameters and FLOPs with groups. ValueError names groups and the C that it does not
              divide.
    tuples    kernel_size, stride, padding, dilation may be tuples, an int per dim. Too few or too
              many: ValueError.
    exact     Python's own ints and tuples, exact even at 10**20.
    fit       A kernel too large for the padded input: ValueError names both sizes in that dim,
              as given.
    values    kernel_size, stride, dilation or groups below 1, padding below 0, in a tuple too:
              ValueError names the number.

Medium, 25 minutes. Try one alone: python FILE params
"""

Size = int | tuple[int, ...]


# fmt: off
def conv1d_output_length(L_in: int, kernel_size: Size, stride: Size = 1,
                         padding: Size = 0, dilation: Size = 1) -> int:
    raise NotImplementedError("conv1d_output_length")

def conv1d_num_params(C_in: int, C_out: int, kernel_size: Size,
                      bias: bool = True, groups: int = 1) -> int:
    raise NotImplementedError("conv1d_num_params")

def conv1d_flops(C_in: int, C_out: int, kernel_size: Size, L_out: int, groups: int = 1) -> int:
    raise NotImplementedError("conv1d_flops")

def conv2d_output_shape(H_in: int, W_in: int, kernel_size: Size, stride: Size = 1,
                        padding: Size = 0, dilation: Size = 1) -> tuple[int, int]:
    raise NotImplementedError("conv2d_output_shape")

def conv2d_num_params(C_in: int, C_out: int, kernel_size: Size,
                      bias: bool = True, groups: int = 1) -> int:
    raise NotImplementedError("conv2d_num_params")

def conv2d_flops(C_in: int, C_out: int, kernel_size: Size,
                 H_out: int, W_out: int, groups: int = 1) -> int:
    raise NotImplementedError("conv2d_flops")

def conv3d_output_shape(T_in: int, H_in: int, W_in: int, kernel_size: Size, stride: Size = 1,
                        padding: Size = 0, dilation: Size = 1) -> tuple[int, int, int]:
    raise NotImplementedError("conv3d_output_shape")

def conv3d_num_params(C_in: int, C_out: int, kernel_size: Size,
                      bias: bool = True, groups: int = 1) -> int:
    raise NotImplementedError("conv3d_num_params")

def conv3d_flops(C_in: int, C_out: int, kernel_size: Size,
                 T_out: int, H_out: int, W_out: int, groups: int = 1) -> int:
    raise NotImplementedError("conv3d_flops")
# fmt: on


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    length = conv1d_output_length(8, 3, stride=2, padding=2)  # it starts at -2, 0, 2, 4 and 6
    assert length == 5, length
    params = conv1d_num_params(2, 3, 4)  # C_in 2, C_out 3, a kernel of 4
    assert params == 27, params
    flops = conv1d_flops(2, 3, 4, L_out=5)
    assert flops == 120, flops


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
