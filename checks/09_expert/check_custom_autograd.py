"""What challenge_custom_autograd.py requires, element by element against plain Python."""

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from checks.tools import close, result_of, strided, unchanged

INF, NAN = float("inf"), float("nan")
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def by_hand(LeakyReLUFunction, leaky_relu_custom):
    assert issubclass(LeakyReLUFunction, torch.autograd.Function), (
        f"LeakyReLUFunction is a {LeakyReLUFunction.__base__.__name__}, "
        "want a torch.autograd.Function"
    )
    for function in (LeakyReLUFunction.apply, leaky_relu_custom):
        x = torch.tensor([3.0, -4.0], requires_grad=True)
        with Watch() as watch:
            out = result_of("leaky_relu_custom(input, 0.5)", function, x, 0.5)
            node = type(out.grad_fn).__name__
            if out.requires_grad:
                out.backward(torch.ones(2))
        assert watch.seen, "no operation of torch was called"
        assert not watch.called, f"torch's {', '.join(watch.called)} was called"
        want = f"{LeakyReLUFunction.__name__}Backward"
        assert node == want, f"the result's grad_fn is {node}, want {want}"


def forward(leaky_relu_custom):
    few = torch.tensor([3.0, -4.0])
    for x, slope in ((few, 0.5), (few, 2), (few, 0), (few, -0.5), (torch.randn(2, 3, 5), 0.3)):
        call = f"leaky_relu_custom({shown(x)}, {slope})"
        close(result_of(call, leaky_relu_custom, x, slope), formula(x, x, slope), call)
    call = f"leaky_relu_custom({shown(few)})"
    close(result_of(call, leaky_relu_custom, few), formula(few, few, 0.01), call)
    call = f"leaky_relu_custom(input={shown(few)}, neg_slope=0.2)"
    close(leaky_relu_custom(input=few, neg_slope=0.2), formula(few, few, 0.2), call)


def backward(leaky_relu_custom):
    few, upstream = torch.tensor([3.0, -4.0]), torch.tensor([10.0, 20.0])
    for slope in (0.5, 2, 0, -0.5):
        call = f"leaky_relu_custom({shown(few)}, {slope}), upstream gradient {shown(upstream)}"
        got = gradient(call, leaky_relu_custom, few, slope, upstream)
        close(got, formula(few, upstream, slope), f"{call}: gradient")
    x, upstream = torch.randn(2, 3, 5), torch.randn(2, 3, 5)
    call = "leaky_relu_custom(input (2, 3, 5), 0.3), random upstream gradient"
    got = gradient(call, leaky_relu_custom, x, 0.3, upstream)
    close(got, formula(x, upstream, 0.3), f"{call}: gradient")


def calls(leaky_relu_custom):
    x, y = (torch.tensor(v, requires_grad=True) for v in ([3.0, -4.0], [-5.0, 6.0]))
    outs = leaky_relu_custom(x, 0.5), leaky_relu_custom(y, 0.25)
    for name, leaf, out, want in (
        ("first", x, outs[0], [1.0, 0.5]),
        ("second", y, outs[1], [0.25, 1.0]),
    ):
        (got,) = torch.autograd.grad(out, leaf, torch.ones(2))
        what = (
            "inputs [3, -4] with slope 0.5, then [-5, 6] with 0.25, then both backwards: gradient"
        )
        close(got, torch.tensor(want), f"{what} of the {name}")


def twice(leaky_relu_custom):
    x = torch.randn(3, 4, dtype=torch.float64)
    x = (x + x.sign()).requires_grad_()  # away from 0
    for slope in (0.3, 0.0):
        for test in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
            try:
                test(lambda x, slope=slope: leaky_relu_custom(x, slope), (x,))
            except RuntimeError as error:
                if isinstance(error, NotImplementedError):
                    raise
                told = str(error).strip().splitlines()[0]
                raise AssertionError(f"{test.__name__}, neg_slope {slope}: {told}") from error


def special(leaky_relu_custom):
    x = torch.tensor([0.0, -0.0, NAN, INF, 1.0, -1.0])
    call = f"leaky_relu_custom({shown(x)}, 0.5)"
    close(result_of(call, leaky_relu_custom, x, 0.5), formula(x, x, 0.5), call)
    upstream = torch.tensor([10.0, 20.0, 30.0, INF, INF, 40.0])
    call = f"{call}, upstream gradient {shown(upstream)}: gradient"
    got = gradient(call, leaky_relu_custom, x, 0.5, upstream)
    close(got, formula(x, upstream, 0.5), call)


def dtypes(leaky_relu_custom):
    tiny, huge = 2.0**-24, 3e4  # both are numbers in float16 as well
    x = torch.tensor([[1.5, -2.5], [tiny, -tiny], [huge, -huge], [1e-30, -1.0]]).double()
    tols = {torch.float32: 1e-6, torch.float64: 1e-14}
    for dtype in DTYPES:
        tol = tols.get(dtype, 1e-2)
        for values, scale, slope in (
            (x, 1, 0.3),
            (torch.randn(3, 4), 0.01, 1e5),
            (torch.randn(3, 4), 1e4, 1e-8),
        ):
            given = (scale * values).to(dtype)
            call = f"input {dtype} of size {scale}, neg_slope {slope}"
            upstream = (scale * torch.randn(given.shape)).to(dtype)
            got = result_of(call, leaky_relu_custom, given, slope)
            assert got.dtype == dtype, f"{call}: out is {got.dtype}"
            in_units(got, formula(given, given, slope), given, slope, call, tol)
            grad = gradient(call, leaky_relu_custom, given, slope, upstream)
            assert grad.dtype == dtype, f"{call}: the gradient is {grad.dtype}"
            want = formula(given, upstream, slope)
            in_units(grad, want, upstream, slope, f"{call}: gradient", tol)


def memory(leaky_relu_custom):
    saved = []
    for dtype in (torch.float32, torch.bfloat16):
        saved.clear()
        x = torch.randn(6, 7, dtype=dtype, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
            node = leaky_relu_custom(x, 0.3).grad_fn
        on_ctx = [
            name
            for name, value in vars(node).items()
            if any(isinstance(leaf, Tensor) for leaf in tree_leaves(value))
        ]
        assert not on_ctx, f"attributes of ctx that hold a tensor: {', '.join(on_ctx)}, want none"
        kept = ", ".join(f"{t.dtype} {tuple(t.shape)}" for t in saved) or "nothing"
        told = f"input {dtype} (6, 7), {x.nbytes} bytes: save_for_backward kept {kept}"
        assert len(saved) == 1, f"{told}, want one tensor"
        size = saved[0].untyped_storage().nbytes()
        assert size <= x.nbytes, f"{told}, {size} bytes, want at most {x.nbytes}"


def inputs(leaky_relu_custom):
    for x in (
        strided(3, 4),
        torch.randn(1, 3).expand(2, 3),
        torch.randn(1),
        torch.tensor(-2.0),
        torch.randn(0, 3),
        torch.randn(2, 3, 4, 5)[:, ::2],
    ):
        call = f"input of shape {tuple(x.shape)}, strides {x.stride()}"
        upstream = strided(*x.shape)
        with unchanged(call, x, upstream):
            out = result_of(call, leaky_relu_custom, x, 0.3)
            grad = gradient(call, leaky_relu_custom, x, 0.3, upstream)
        close(out, formula(x, x, 0.3), call)
        close(grad, formula(x, upstream, 0.3), f"{call}: gradient")
    leaf = torch.randn(2, 3, device="meta", requires_grad=True)
    try:
        out = leaky_relu_custom(leaf)
        (grad,) = torch.autograd.grad(out, leaf, torch.ones_like(out))
    except NotImplementedError as error:  # a mask as an index means nothing without numbers
        if len(str(error).split()) <= 1:
            raise
        return
    except RuntimeError as error:
        told = f"input on the meta device: a tensor elsewhere. It says: {error}"
        raise AssertionError(told) from error
    where = out.device, grad.device
    assert out.is_meta and grad.is_meta, f"input on meta: out and gradient on {where}"


CORE = (by_hand, forward, backward, calls, twice)
EDGES = (special, dtypes, memory, inputs)


def shown(x):
    return f"{[round(v, 4) for v in x.tolist()]}" if x.dim() == 1 else f"input {tuple(x.shape)}"


def formula(x, values, slope):
    """values where x > 0, slope times values elsewhere, element by element in plain Python."""
    pairs = zip(x.flatten().tolist(), values.flatten().tolist(), strict=True)
    out = [value if number > 0 else slope * value for number, value in pairs]
    return torch.tensor(out, dtype=torch.float64).view(x.shape).to(x.dtype)


def gradient(what, function, x, slope, upstream):
    leaf = x.detach().requires_grad_()
    out = result_of(what, function, leaf, slope)
    assert out.requires_grad, f"{what}: the result has no gradient"
    (grad,) = torch.autograd.grad(out, leaf, upstream)
    return grad


def in_units(got, want, values, slope, what, tol):
    """Close, relative to each element, down to the smallest number of the dtype."""
    least = float(torch.finfo(got.dtype).smallest_normal)
    got, want = got.double(), want.double()
    off = (got - want).abs() > tol * want.abs() + least
    if off.any():
        at = tuple(off.nonzero()[0].tolist())
        raise AssertionError(
            f"{what}: number {list(at)}, of {values[at].item():.6g}, is {got[at]:.15g}, "
            f"want {want[at]:.15g}"
        )


class Watch(TorchDispatchMode):
    """Sees every operation that runs below it, in forward and backward, however it was called."""

    def __init__(self):
        super().__init__()
        self.seen, self.called = 0, []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen += 1
        name = str(func)
        if any(part in name for part in ("leaky_relu", "prelu", "rrelu")):
            self.called.append(name)
        return func(*args, **(kwargs or {}))
