"""What checks of attention share: masks of every shape, finite gradients, the meta device."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from checks.tools import is_hole


def attempt(what: str, call: Callable[..., Any], *inputs: Tensor | None) -> Any:
    """What it gives for the inputs; a mask of None is left out. A crash says on what."""
    given = inputs if inputs[-1] is not None else inputs[:-1]
    try:
        return call(*given)
    except (RuntimeError, IndexError, ValueError, TypeError, AssertionError) as error:
        if isinstance(error, NotImplementedError):
            raise  # an open hole, or what a device cannot do
        kind = type(error).__name__
        raise AssertionError(f"{what}: {kind}, want a result. It says: {error}") from error


def told(mask: Tensor | None) -> str:
    return "no mask" if mask is None else f"mask {tuple(mask.shape)}"


def finite_gradients(
    what: str, outs: Any, leaves: Mapping[str, Tensor], size: float = 1.0
) -> dict[str, Tensor]:
    """Of each leaf, by random upstream gradients of that size; 0 where none reaches it."""
    outs = outs if isinstance(outs, tuple) else (outs,)
    assert all(out.requires_grad for out in outs), f"{what}: the result has no gradient"
    upstream = [size * torch.randn(out.shape).to(out) for out in outs]
    try:
        grads = torch.autograd.grad(outs, list(leaves.values()), upstream, allow_unused=True)
    except RuntimeError as error:
        raise AssertionError(f"{what}: backward fails. It says: {error}") from error
    pairs = zip(leaves.items(), grads, strict=True)
    found = {n: torch.zeros_like(leaf) if g is None else g for (n, leaf), g in pairs}
    for name, grad in found.items():
        assert grad.isfinite().all(), f"{what}: the gradient of {name} has NaN or inf"
    return found


def leaves_of(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    return {"x": x, **dict(module.named_parameters())}


def on_other_device(call: Callable[..., Any], *inputs: Tensor | None) -> None:
    """On torch's "meta" device, which holds no numbers, for code that makes tensors on the CPU."""
    what = f"everything on the meta device, {told(inputs[-1])}"
    try:
        outs = call(*(t.to("meta") for t in inputs if t is not None))
    except RuntimeError as error:  # asking for a number is no mistake on a real device
        if is_hole(error):
            raise
        assert "cpu" not in str(error), f"{what}: a tensor on the CPU. It says: {error}"
        return
    for out in outs if isinstance(outs, tuple) else (outs,):
        assert out.is_meta, f"{what}: a result on {out.device}"


def masks_of(*sizes: int) -> dict[str, Tensor]:
    """A mask of each shape that broadcasts to (B, H, L_q, L_k); key 0, or itself, is seen."""
    b, h, rows, columns = sizes
    some = torch.rand(sizes) > 0.5
    some |= torch.eye(rows, columns, dtype=torch.bool)
    some[..., 0] |= ~some.any(-1)
    padding = torch.arange(columns) < torch.randint(1, columns + 1, (b, 1, 1, 1))
    return {
        "(L_k,)": padding[-1, 0, 0],
        "(1, L_k)": padding[-1, 0],
        "(L_q, 1)": torch.ones(rows, 1, dtype=torch.bool),
        "(L_q, L_k), lower triangle": torch.ones(rows, columns, dtype=torch.bool).tril(),
        "(1, L_q, L_k)": some[0, :1],
        "(H, L_q, L_k)": some[0],
        "(1, H, L_q, L_k)": some[:1],
        "(B, 1, 1, L_k), padding": padding,
        "(B, 1, L_q, L_k)": some[:, :1],
        "(B, H, L_q, L_k)": some,
        "(B, H, L_q, L_k), only key 0": (torch.arange(columns) == 0).expand(sizes),
    }
