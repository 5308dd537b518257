"""Batches and channels: the first questions about any model's input.

    get_device                                -> torch.device: CUDA if a GPU is available at the
                                                 time of the call, the CPU in every other case
    create_batch_tensor      four sizes       -> (N, C, H, W) on that device: independent float32
                                                 draws from N(0, 1) by torch's global generator
    stack_batches            N tensors (*S)   -> (N, *S), in the order given, S of any rank
    concat_along_channels    (N, C1, H, W),
                             (N, C2, H, W)    -> (N, C1 + C2, H, W), a's channels first
    condition_to_feature_map (N, C, H, W),
                             (N, D)           -> (N, C + D, H, W): x's channels first, then
                                                 cond[i, j] at every pixel of sample i

Any size may be 1. The last three keep dtype and device, let gradients through and leave their
inputs as they were (a list too). In the last two, batches of different size raise RuntimeError or
ValueError, 1 beside N included: nothing is repeated over the batch. condition_to_feature_map takes
no memory for N * D * H * W or more elements besides its result.

Ask yourself: which dim is new, which one grows, and which are only repeated?
Guide: https://docs.pytorch.org/docs/stable/tensors.html
"""

import math
import re
from contextlib import ExitStack
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


def get_device() -> torch.device:
    raise NotImplementedError("get_device")


def create_batch_tensor(batch_size: int, channels: int, height: int, width: int) -> Tensor:
    raise NotImplementedError("create_batch_tensor")


def stack_batches(list_of_tensors: list[Tensor]) -> Tensor:
    raise NotImplementedError("stack_batches")


def concat_along_channels(a: Tensor, b: Tensor) -> Tensor:
    raise NotImplementedError("concat_along_channels")


def condition_to_feature_map(x: Tensor, cond: Tensor) -> Tensor:
    raise NotImplementedError("condition_to_feature_map")


def check(
    get_device, create_batch_tensor, stack_batches, concat_along_channels, condition_to_feature_map
):
    torch.manual_seed(0)
    for gpu in (False, True):
        want = "cuda" if gpu else "cpu"
        with machine(gpu):
            device = get_device()
        assert isinstance(device, torch.device), f"get_device() is {device!r}, want a torch.device"
        assert device.type == want, f"get_device(), GPU available: {gpu}: {device}, want {want}"
        with machine(gpu):
            got = device_of(create_batch_tensor)
        assert got == want, f"create_batch_tensor, GPU available: {gpu}: on {got}, want {want}"
    check_draws(create_batch_tensor)

    N, C, D, H, W = 3, 2, 4, 5, 6  # all different, so that no swapped dim goes unseen
    for shape in ((C, H, W), (1, D), ()):
        parts = [torch.randn(shape) for _ in range(N)]
        want = [p.tolist() for p in parts]
        check_copies(lambda *p: stacked(stack_batches, p), "stack_batches", parts, want)
    for n, c, d, h, w in ((N, C, D, H, W), (N, D, C, H, W), (1, 1, 1, 1, 1)):
        x, b, cond = torch.randn(n, c, h, w), torch.randn(n, d, h, w), torch.randn(n, d)
        want = [x[i].tolist() + b[i].tolist() for i in range(n)]
        check_copies(concat_along_channels, "concat_along_channels", [x, b], want)
        want = [x[i].tolist() + [[[v] * w] * h for v in cond[i].tolist()] for i in range(n)]
        check_copies(condition_to_feature_map, "condition_to_feature_map", [x, cond], want)

        with BigTensors(n * d * h * w) as big:
            result = condition_to_feature_map(x, cond)
        old = {t.untyped_storage().data_ptr() for t in (x, cond, result)}
        more = [tuple(t.shape) for t in big.made if t.untyped_storage().data_ptr() not in old]
        assert not more, (
            f"condition_to_feature_map of {tuple(x.shape)}, {tuple(cond.shape)} made tensors of "
            f"shape {more} besides its result, want none with {n * d * h * w} elements or more"
        )

    for n, m in ((N, 1), (1, N), (N, N + 1), (N + 1, N)):
        x = torch.randn(n, C, H, W)
        must_raise(concat_along_channels, "concat_along_channels", x, torch.randn(m, D, H, W))
        must_raise(condition_to_feature_map, "condition_to_feature_map", x, torch.randn(m, D))


def machine(gpu):
    """A machine with or without a GPU, as far as torch.cuda tells; and with another accelerator."""
    with ExitStack() as stack:
        stack.enter_context(patch("torch.backends.mps.is_available", lambda: True))
        for name, value in (
            ("is_available", gpu),
            ("device_count", int(gpu)),
            ("current_device", 0),
        ):
            stack.enter_context(patch(f"torch.cuda.{name}", lambda value=value: value))
        return stack.pop_all()


def device_of(create_batch_tensor):
    """The type of the device it makes its tensor on, even where that device is missing."""
    try:
        return create_batch_tensor(2, 3, 4, 5).device.type
    except (AssertionError, RuntimeError) as error:
        if re.search("cuda|nvidia", str(error), re.IGNORECASE):  # as said by a torch without a GPU
            return "cuda"
        raise


def check_draws(create_batch_tensor):
    sizes = (40, 3, 50, 30)
    call = f"create_batch_tensor{sizes}"
    x = create_batch_tensor(*sizes).cpu()
    assert x.shape == sizes, f"{call} has shape {tuple(x.shape)}"
    assert x.dtype == torch.float32, f"{call} is {x.dtype}, want torch.float32"
    for what, hits, p in (
        ("below 0", x < 0, 0.5),
        ("within 1 of 0", x.abs() < 1, math.erf(1 / 2**0.5)),
        ("beyond 2 from 0", x.abs() > 2, math.erfc(2 / 2**0.5)),
        ("beyond 3 from 0", x.abs() > 3, math.erfc(3 / 2**0.5)),
    ):
        share, slack = hits.double().mean().item(), 6 * (p * (1 - p) / hits.numel()) ** 0.5
        assert abs(share - p) < slack, f"{call}: {what}: {share:.4f}, want {p:.4f} ± {slack:.4f}"
    different = x.unique().numel()
    assert different > 0.9 * x.numel(), f"{call}: {different} different numbers in {x.numel()}"
    assert not torch.equal(x, create_batch_tensor(*sizes).cpu()), f"{call}: twice the same numbers"

    draws = []
    for _ in range(2):
        torch.manual_seed(1)
        draws.append(create_batch_tensor(1, 2, 3, 4))
    got = tuple(draws[0].shape)
    assert got == (1, 2, 3, 4), f"create_batch_tensor(1, 2, 3, 4) has shape {got}"
    assert torch.equal(*draws), "create_batch_tensor: two draws after torch.manual_seed(1) differ"


def stacked(stack_batches, parts):
    given = list(parts)
    out = stack_batches(given)
    kept = len(given) == len(parts) and all(a is b for a, b in zip(given, parts, strict=True))
    assert kept, "stack_batches changed the list that it was given"
    return out


def check_copies(function, name, inputs, want):
    """function copies its inputs into `want` (nested lists), in every dtype; gradients return."""
    call = f"{name} of {[tuple(t.shape) for t in inputs]}"
    for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.int64):
        given = [t.to(dtype, copy=True) for t in inputs]
        out, right = function(*given), torch.tensor(want).to(dtype)
        assert out.shape == right.shape, f"{call}: {tuple(out.shape)}, want {tuple(right.shape)}"
        assert out.dtype == dtype, f"{call}: {out.dtype} from {dtype}"
        same(out, right, f"{call}, {dtype}: not the right numbers in the right places")
        for i, (t, old) in enumerate(zip(given, inputs, strict=True)):
            same(t, old.to(dtype), f"{call}: input {i} was changed")
    try:
        out = function(*(t.to("meta") for t in inputs))
    except (RuntimeError, NotImplementedError) as error:
        raise AssertionError(f"{call} on the meta device: {error}") from error
    assert out.is_meta, f"{call} on the meta device: result on {out.device}"

    leaves = [t.clone().requires_grad_() for t in inputs]
    out = function(*leaves)
    assert out.requires_grad, f"{call}: no gradient flows through it"
    upstream = torch.randn(out.shape)
    grads = torch.autograd.grad(out, leaves, upstream, allow_unused=True)
    assert all(g is not None for g in grads), f"{call}: no gradient reaches some input"
    # it only copies, so <grad, x> over the inputs is <upstream, result>
    pulled = sum((g * t).sum() for g, t in zip(grads, inputs, strict=True))
    pushed = (upstream * torch.tensor(want)).sum()
    torch.testing.assert_close(
        pulled, pushed, rtol=1e-4, atol=1e-3, msg=lambda m: f"{call}: wrong gradients\n{m}"
    )


def same(got, want, what):
    torch.testing.assert_close(got, want, rtol=0, atol=0, msg=lambda m: f"{what}\n{m}")


def must_raise(function, name, *inputs):
    call = f"{name} of {[tuple(t.shape) for t in inputs]}"
    try:
        out = function(*inputs)
    except (RuntimeError, ValueError):
        return
    except Exception as error:
        raise AssertionError(f"{call}: {error!r}, want RuntimeError or ValueError") from error
    raise AssertionError(f"{call} gave {tuple(out.shape)}, want RuntimeError or ValueError")


class BigTensors(TorchDispatchMode):
    """Keeps every tensor that an op below it returns and that stores `size` elements or more."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.made: list[Tensor] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.untyped_storage().nbytes() >= self.size * out.itemsize:
            self.made.append(out)
        return out


if __name__ == "__main__":
    try:
        check(
            get_device,
            create_batch_tensor,
            stack_batches,
            concat_along_channels,
            condition_to_feature_map,
        )
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_1_tensors.py")
