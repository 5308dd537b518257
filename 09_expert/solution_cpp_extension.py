"""A C loop behind torch.library.custom_op: an address is enough for numbers that lie in a row.

Why it works: the loop reads n numbers of its own type from each address, one behind the other. So
both inputs are made contiguous first. Of a transposed tensor (2, 3), with strides (1, 2), it would
read the numbers in the order of memory: 0 3 1 4 2 5 in the place of 0 1 2 3 4 5. The copies are
held in variables, as a temporary is freed before C reads from its address.
With s = sigmoid(a): out = a s b, so d out / db = a s and d out / da = b s (1 + a (1 - s)). At a = 0
that is 0 and b / 2.
Say in the interview:
- A custom op is opaque for compile and export: they put it into the graph and do not look inside.
  The fake gives what they need instead: shape, dtype, device and strides.
- Autograd cannot see into C. Without register_autograd the result has no gradient.
- Fused: one pass over memory in the place of two, and no silu(a) is stored in between.
- In earnest: C++ with TORCH_LIBRARY, built by torch.utils.cpp_extension.load_inline (it needs
  ninja), and a kernel for each device. This op is for the CPU.
Asked next: "How do you test it?" gradcheck, the plain formula on strided and empty inputs, and
torch.library.opcheck, which compares the fake with the real result. "Why not autograd.Function
alone?" compile would trace into it, and stop at ctypes.
Common slips: data_ptr of a strided tensor; float64 numbers read as float32; out made by empty_like,
which keeps the strides of a; exp in backward, NaN at a = -1000; a gradient for one input alone.
May be left out if you say so: the errors.
"""

import ctypes
import subprocess
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.library import custom_op

SOURCE = """
#include <math.h>
void silu_mul_f32(const float *a, const float *b, float *out, long long n)
{ while (n--) out[n] = a[n] / (1 + expf(-a[n])) * b[n]; }
void silu_mul_f64(const double *a, const double *b, double *out, long long n)
{ while (n--) out[n] = a[n] / (1 + exp(-a[n])) * b[n]; }
"""


def c_loop(name: str) -> Any:
    """A function of SOURCE, which is compiled once per process."""
    loaded = ctypes.CDLL(None)  # all that the process has loaded
    if not hasattr(loaded, name):
        with TemporaryDirectory() as folder:
            Path(folder, "loops.c").write_text(SOURCE, encoding="utf-8")
            command = "cc -O2 -shared -fPIC loops.c -o loops.so -lm"
            subprocess.run(command.split(), cwd=folder, check=True)
            ctypes.CDLL(f"{folder}/loops.so", ctypes.RTLD_GLOBAL)
    function = getattr(loaded, name)
    function.argtypes, function.restype = [ctypes.c_void_p] * 3 + [ctypes.c_longlong], None
    return function


@custom_op("course::fused_silu_mul", mutates_args=())
def fused_silu_mul(a: Tensor, b: Tensor) -> Tensor:
    if a.shape != b.shape or a.dtype != b.dtype:
        got = f"a {tuple(a.shape)} {a.dtype}, b {tuple(b.shape)} {b.dtype}"
        raise ValueError(f"{got}, want equal shapes and dtypes")
    loops = {torch.float32: "silu_mul_f32", torch.float64: "silu_mul_f64"}
    if a.dtype not in loops:
        raise ValueError(f"{a.dtype}, want float32 or float64")
    a, b = a.contiguous(), b.contiguous()
    out = a.new_empty(a.shape)
    c_loop(loops[a.dtype])(a.data_ptr(), b.data_ptr(), out.data_ptr(), a.numel())
    return out


@fused_silu_mul.register_fake
def fake(a: Tensor, b: Tensor) -> Tensor:
    return a.new_empty(a.shape)


def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


@partial(fused_silu_mul.register_autograd, setup_context=setup_context)
def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
    a, b = ctx.saved_tensors
    s = torch.sigmoid(a)
    return grad * b * s * (1 + a * (1 - s)), grad * a * s


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
