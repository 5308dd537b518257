"""What challenge_custom_autograd.py requires, element by element against plain Python."""

from functools import partial

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from checks.tools import (
    LikeCuda,
    attempt,
    close,
    equal,
    gradients,
    is_hole,
    numbers,
    result_of,
    strided,
    unchanged,
)

INF, NAN = float("inf"), float("nan")


def by_hand(LeakyReLUFunction, leaky_relu_custom):
    kind = LeakyReLUFunction.__base__.__name__
    right = issubclass(LeakyReLUFunction, torch.autograd.Function)
    assert right, f"LeakyReLUFunction is a {kind}, want a torch.autograd.Function"
    for function in (LeakyReLUFunction.apply, leaky_relu_custom):
        x = torch.tensor([3.0, -4.0], requires_grad=True)
        with Watch() as watch:
            out = result_of("leaky_relu_custom(input, 0.5)", function, x, 0.5)
            node = type(out.grad_fn).__name__
            if out.requires_grad:
                out.backward(torch.ones(2))
        assert watch.seen, "no operation of torch was called"
        assert not watch.called, f"torch's {', '.join(watch.called)} was called"
        equal("the result's grad_fn is", node, f"{LeakyReLUFunction.__name__}Backward")


def forward(leaky_relu_custom):
    for slope in (0.5, 2, 0, -0.5):
        values_are_right(leaky_relu_custom, torch.tensor([3.0, -4.0]), slope)
    values_are_right(leaky_relu_custom, torch.randn(2, 3, 5), 0.3)
    for options, given, want in (({}, "", -0.04), ({"neg_slope": 0.2}, ", neg_slope=0.2", -0.8)):
        call, x = f"leaky_relu_custom(input=[3, -4]{given})", torch.tensor([3.0, -4.0])
        got = result_of(call, leaky_relu_custom, input=x, **options)
        close(got, torch.tensor([3.0, want]), call)


def backward(leaky_relu_custom):
    for slope in (0.5, 2, 0, -0.5):
        given = torch.tensor([[3.0, -4.0], [10.0, 20.0]])
        gradient_is_right(leaky_relu_custom, given[0], slope, given[1])
    gradient_is_right(leaky_relu_custom, torch.randn(2, 3, 5), 0.3, torch.randn(2, 3, 5))


def calls(leaky_relu_custom):
    x, y = (torch.tensor(v, requires_grad=True) for v in ([3.0, -4.0], [-5.0, 6.0]))
    outs = torch.cat([leaky_relu_custom(x, 0.5), leaky_relu_custom(y, 0.25)])
    leaky_relu_custom(x, 0.75)  # it has no backward
    what = "inputs [3, -4] with slope 0.5, then [-5, 6] with 0.25, then both backwards: gradients"
    got = torch.cat(gradients(what, outs, [x, y], torch.ones(4)))
    close(got, torch.tensor([1.0, 0.5, 0.25, 1.0]), what)


def twice(leaky_relu_custom):
    x = torch.randn(3, 4, dtype=torch.float64)
    x = (x + x.sign()).requires_grad_()  # away from 0
    for slope in (0.3, 0.0):
        for test in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
            call = partial(leaky_relu_custom, neg_slope=slope)
            attempt(f"{test.__name__}, neg_slope {slope}", test, call, (x,))


def special(leaky_relu_custom):
    x = torch.tensor([0.0, -0.0, NAN, INF, 1.0, -1.0])
    values_are_right(leaky_relu_custom, x, 0.5)
    upstream = torch.tensor([10.0, 20.0, 30.0, INF, INF, 40.0])
    gradient_is_right(leaky_relu_custom, x, 0.5, upstream)


def dtypes(leaky_relu_custom):
    tiny, huge = 2.0**-24, 3e4  # both are numbers in float16 as well
    edges = torch.tensor([[1.5, -2.5], [tiny, -tiny], [huge, -huge], [1e-30, -1.0]]).double()
    tols = {torch.float32: 1e-6, torch.float64: 1e-14, torch.bfloat16: 1e-2, torch.float16: 1e-2}
    for dtype, tol in tols.items():
        for values, scale, slope in (
            (edges, 1, 0.3),
            (torch.randn(3, 4), 0.01, 1e5),
            (torch.randn(3, 4), 1e4, 1e-8),
        ):
            x = (scale * values).to(dtype)
            upstream = (scale * torch.randn(x.shape)).to(dtype)
            call = f"input {dtype} of size {scale}, neg_slope {slope}"
            out = result_of(call, leaky_relu_custom, x, slope)
            grad = gradient(call, leaky_relu_custom, x, slope, upstream)
            for what, got, given in ((call, out, x), (f"{call}: gradient", grad, upstream)):
                equal(f"{what} is", got.dtype, dtype)
                in_units(got, formula(x, given, slope), given, what, tol)


def memory(leaky_relu_custom):
    saved = []
    for dtype in (torch.float32, torch.bfloat16):
        saved.clear()
        x = torch.randn(6, 7, dtype=dtype, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
            on_ctx = vars(leaky_relu_custom(x, 0.3).grad_fn)
        found = [n for n, v in on_ctx.items() if any(isinstance(t, Tensor) for t in tree_leaves(v))]
        assert not found, f"attributes of ctx that hold a tensor: {', '.join(found)}, want none"
        kept = ", ".join(f"{t.dtype} {tuple(t.shape)}" for t in saved) or "nothing"
        told = f"input {dtype} (6, 7), {x.nbytes} bytes: save_for_backward kept {kept}"
        assert len(saved) == 1, f"{told}, want one tensor"
        size = saved[0].untyped_storage().nbytes()
        assert size <= x.nbytes, f"{told}, {size} bytes, want at most {x.nbytes}"


def inputs(leaky_relu_custom):
    wide, sliced = torch.randn(1, 3).expand(2, 3), torch.randn(2, 3, 4, 5)[:, ::2]
    for x in (strided(3, 4), wide, torch.tensor(-2.0), torch.randn(0, 3), sliced):
        call, upstream = f"input of shape {tuple(x.shape)}, strides {x.stride()}", strided(*x.shape)
        with unchanged(call, x, upstream):
            values_are_right(leaky_relu_custom, x, 0.3, f"{call}, slope 0.3")
            gradient_is_right(leaky_relu_custom, x, 0.3, upstream, f"{call}, slope 0.3")
    leaf = torch.randn(2, 3, device="meta", requires_grad=True)
    try:
        with LikeCuda():
            out = leaky_relu_custom(leaf)
            (grad,) = torch.autograd.grad(out, leaf, torch.ones(2, 3, device="meta"))
    except RuntimeError as error:
        if is_hole(error):
            raise
        if isinstance(error, NotImplementedError):  # a mask as an index needs numbers
            return
        told = f"input on the meta device: a tensor elsewhere. It says: {error}"
        raise AssertionError(told) from error
    where = str(out.device), str(grad.device)
    equal("input on meta: out and gradient on", where, ("meta", "meta"))


CORE = (by_hand, forward, backward, calls, twice)
EDGES = (special, dtypes, memory, inputs)


def shown(x):
    return numbers(x) if x.dim() == 1 else f"input {tuple(x.shape)}"


def formula(x, values, slope):
    """values where x > 0, slope times values elsewhere, element by element in plain Python."""
    pairs = zip(x.flatten().tolist(), values.flatten().tolist(), strict=True)
    out = [value if number > 0 else slope * value for number, value in pairs]
    return torch.tensor(out, dtype=torch.float64).view(x.shape).to(x.dtype)


def gradient(what, function, x, slope, upstream):
    leaf = x.detach().requires_grad_()
    out = result_of(what, function, leaf, slope)
    return gradients(what, out, [leaf], upstream, finite=False)[0]


def values_are_right(function, x, slope, call=""):
    call, want = call or f"leaky_relu_custom({shown(x)}, {slope})", formula(x, x, slope)
    close(result_of(call, function, x, slope), want, call)


def gradient_is_right(function, x, slope, upstream, call=""):
    call = call or f"leaky_relu_custom({shown(x)}, {slope})"
    what = f"{call}, upstream gradient {shown(upstream).removeprefix('input ')}"
    want = formula(x, upstream, slope)
    close(gradient(what, function, x, slope, upstream), want, f"{what}: gradient")


def in_units(got, want, values, what, tol):
    """Close, relative to each element, down to the smallest number of the dtype."""
    least = float(torch.finfo(got.dtype).smallest_normal)
    got, want = got.double(), want.double()
    off = (got - want).abs() > tol * want.abs() + least
    for at in off.nonzero()[:1].tolist():
        first, given, right = (t[tuple(at)].item() for t in (got, values, want))
        told = f"{what}: number {at}, of {given:.6g}, is {first:.15g}, want {right:.15g}"
        raise AssertionError(told)


class Watch(TorchDispatchMode):
    """Sees every operation that runs below it, in forward and backward, however it was called."""

    def __init__(self):
        super().__init__()
        self.seen, self.called = 0, []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen += 1
        if any(part in str(func) for part in ("leaky_relu", "prelu", "rrelu")):
            self.called.append(str(func))
        return func(*args, **(kwargs or {}))
