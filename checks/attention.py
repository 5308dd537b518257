"""What checks of attention share: masks of every shape, finite gradients, strides, the meta device.

An answer takes its tensors and then a mask or None; it gives out, or the pair (out, attn).
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

from checks.tools import attempt, close, equal, is_hole, names_are, unchanged

Leaves = Mapping[str, Tensor]

CAUSAL, OWN = torch.ones(5, 5).tril().bool(), torch.eye(5, dtype=torch.bool)


def result(what: str, call: Callable[..., Any], *inputs: Tensor | None) -> Any:
    """What it gives for the inputs; a mask of None is left out. A crash says on what."""
    return attempt(what, call, *(t for t in inputs if t is not None))


def told(mask: Tensor | None) -> str:
    return "no mask" if mask is None else f"mask {tuple(mask.shape)}"


def named(outs: Any) -> list[tuple[str, Tensor]]:
    return list(zip(("out", "attn"), outs if isinstance(outs, tuple) else (outs,), strict=False))


def finite(what: str, outs: Any) -> None:
    for name, got in named(outs):
        assert got.isfinite().all(), f"{what}: {name} has NaN or inf"


def alike(what: str, outs: Any, wanted: Any, tol: float, against: str) -> None:
    """The results are close, in float64."""
    for (name, got), (_, want) in zip(named(outs), named(wanted), strict=True):
        close(got.double(), want.double(), f"{what}: {name}, against {against}", tol)


def finite_gradients(what: str, outs: Any, leaves: Leaves, size: float = 1.0) -> dict[str, Tensor]:
    """Of each leaf, by random upstream gradients of that size; 0 where none reaches it. The results
    are finite, too.
    """
    finite(what, outs)
    results = [out for _, out in named(outs)]
    assert all(out.requires_grad for out in results), f"{what}: the result has no gradient"
    upstream = [size * torch.randn(out.shape).to(out) for out in results]
    sources = results, list(leaves.values()), upstream
    grads = attempt(f"{what}, backward", torch.autograd.grad, *sources, materialize_grads=True)
    for name, grad in zip(leaves, grads, strict=True):
        assert grad.isfinite().all(), f"{what}: the gradient of {name} has NaN or inf"
    return dict(zip(leaves, grads, strict=True))


def leaves_of(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    return {"x": x, **dict(module.named_parameters())}


def has_parts(what: str, module: nn.Module, parts: Iterable[str], like: nn.Module) -> None:
    """Parts of the classes, and parameters of the names and shapes, that `like` has."""
    for name in parts:
        part, kind = getattr(module, name, None), type(getattr(like, name))
        assert part is not None, f"{what}: missing: {name}"
        assert isinstance(part, kind), f"{name} is {part!r}, want an nn.{kind.__name__}"
    got, want = ({n: tuple(p.shape) for n, p in m.named_parameters()} for m in (module, like))
    names_are(got, want, f"{what}, parameters")
    for name in want:
        equal(f"{name} has shape", got[name], want[name])


def as_the_library(
    what: str, library: str, got: tuple[Any, Leaves], right: tuple[Any, Leaves], tol: float
) -> None:
    """Results, and their gradients by the same upstream gradients, where `right` has a leaf."""
    alike(what, got[0], right[0], tol, library)
    found, state = [], torch.get_rng_state()
    for out, leaves in (got, right):
        found.append(finite_gradients(what, out, leaves))
        torch.set_rng_state(state)
    for name, want in found[1].items():
        close(found[0][name].double(), want, f"{what}: the gradient of {name}", 10 * tol)


def as_exact(
    run: Callable[..., Any],
    module: nn.Module,
    x: Tensor,
    mask: Tensor | None,
    tols: Iterable[tuple[str, torch.dtype, float]],
) -> None:
    """In each dtype near the result in float64; rounding the weights is not counted."""
    for name, dtype, tol in tols:
        what = f"{name}, {told(mask)}"
        low, leaf = copy.deepcopy(module).to(dtype), x.to(dtype)
        want = run(what, copy.deepcopy(low).double(), leaf.double(), mask)
        with torch.autocast("cpu", torch.bfloat16, enabled="autocast" in name):
            out = run(what, low, leaf.requires_grad_(), mask)
        alike(what, out, want, tol, "float64")
        finite_gradients(what, out, leaves_of(low, leaf))


def changes_by_little(
    run: Callable[..., Any], module: nn.Module, x: Tensor, mask: Tensor | None
) -> None:
    """In float64 a step of 2e-6 changes out twice as much as one of 1e-6: no float32 on the way."""
    step, what = torch.randn(x.shape).double(), f"float64, {told(mask)}: out"
    with torch.no_grad():
        none, one, two = (run(what, module, x + e * step, mask) for e in (0.0, 1e-6, 2e-6))
    assert none.dtype == torch.float64, f"{what} {none.dtype}"
    share = (two - none).norm() / (one - none).norm()
    what = f"{what} changes, as the input changes by 2e-6, per change by 1e-6,"
    close(share, torch.tensor(2.0).double(), what, 1e-4)


def keeps_inputs(
    call: Callable[..., Any],
    tensors: Sequence[Tensor],
    masks: Iterable[Tensor | None],
    on_meta: Callable[..., Any] | None = None,
) -> None:
    """The same for any strides; no input is changed; on the meta device all that is made is there.

    That device, which holds no numbers, tells where an answer makes a tensor on the CPU.
    """
    for mask in masks:
        shown = told(mask) if mask is None else f"{told(mask)}, strides {mask.stride()}"
        what, given = (
            f"inputs not contiguous, {shown}",
            [*tensors, *([] if mask is None else [mask])],
        )
        with unchanged(what, *given):
            got = attempt(what, call, *given)
        want = attempt(what, call, *(t.contiguous() for t in given))
        alike(what, got, want, 1e-5, "contiguous inputs")
        what = f"everything on the meta device, {told(mask)}"
        try:
            outs = (on_meta or call)(*(t.to("meta") for t in given))
        except RuntimeError as error:  # asking for a number is no mistake on a real device
            if is_hole(error):
                raise
            assert "cpu" not in str(error), f"{what}: a tensor on the CPU. It says: {error}"
            continue
        for name, out in named(outs):
            assert out.is_meta, f"{what}: {name} on {out.device}"


class RepeatedNumbers(TorchDispatchMode):
    """Finds the ops below it that make, or fill, a tensor whose memory holds each of its numbers,
    or nearly so, `times` times or more; zeros and tensors with few different numbers do not count.
    """

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times, self.found, self.seen = times, list[str](), 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.seen += 1
        name, first = func.__name__.partition(".")[0], args[0] if args else None
        if isinstance(out, Tensor) and out.is_floating_point():
            at = out.untyped_storage().data_ptr()
            of = first.untyped_storage().data_ptr() if isinstance(first, Tensor) else None
            if at == of and name[-1] != "_":  # a view
                return out
            size = out.untyped_storage().nbytes() // out.itemsize
            stored = out.detach().as_strided((size,), (1,), 0)
            alike = (stored.sort().values.diff() <= 1e-9).sum()  # soon told for most tensors
            if alike < 7 * (self.times - 1):
                return out
            ordered = stored[stored.isfinite() & (stored != 0)].sort().values
            ends = (ordered.diff() > 1e-9).nonzero().flatten()  # of each run of equal numbers
            often = (ends.diff() >= self.times).float().mean() > 0.9
            if len(ends) > 8 and often:
                self.found.append(name)
        return out


def some_mask(*sizes: int) -> Tensor:
    """A random one; each query may attend to itself, or to key 0."""
    some = (torch.rand(sizes) > 0.5) | torch.eye(*sizes[-2:], dtype=torch.bool)
    some[..., 0] |= ~some.any(-1)
    return some


def masks_of(*sizes: int) -> dict[str, Tensor]:
    """A mask of each shape that broadcasts to (B, H, L_q, L_k); key 0, or itself, is seen."""
    b, _, rows, columns = sizes
    some = some_mask(*sizes)
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


def named_as_in(ref: nn.Module, own: Leaves) -> dict[str, Tensor]:
    """An answer's parameters as the library's module has them: W_q, W_k and W_v are one there."""
    weights = {}
    for name, _ in ref.named_parameters():
        mine = name.replace("multihead_attn", "cross_attn").replace("out_proj", "W_o")
        before, joined, kind = mine.rpartition("in_proj_")
        three = [own[f"{before}{part}.{kind}"] for part in ("W_q", "W_k", "W_v") if joined]
        weights[name] = torch.cat(three) if joined else own[mine]
    return weights


def as_this_one(
    what: str,
    call: Callable[..., Any],
    module: nn.Module,
    ref: nn.Module,
    inputs: Mapping[str, Tensor],
    library: Callable[..., Any],
    rename: Callable[[dict[str, Tensor]], Leaves] = dict,
    gradients: bool = True,
) -> None:
    """call(module, *inputs) and its gradients are those of library(run, *inputs), where `run` is
    the library's module `ref` with the answer's weights; in float64, so that tol may be small.
    """
    pairs = []
    for right in (False, True):
        own = copy.deepcopy(module).double()
        leaves = {name: t.double().requires_grad_() for name, t in inputs.items()}
        given, leaves = list(leaves.values()), leaves | dict(own.named_parameters())
        weights = named_as_in(ref, rename(leaves)) if right else {}

        def run(*args: Any, w: Any = weights, **more: Any) -> Any:
            out = functional_call(ref.double(), w, args, more)
            return out[0] if isinstance(out, tuple) else out

        out = library(run, *given) if right else call(own, *given)
        pairs.append((out, leaves))
    library_name = f"nn.{type(ref).__name__}"
    if gradients:
        as_the_library(what, library_name, pairs[0], pairs[1], 1e-5)
    else:
        alike(what, pairs[0][0], pairs[1][0], 1e-5, library_name)


def hides_tokens(
    what: str, call: Callable[[Tensor], Tensor], source: Tensor, may: Tensor, itself: bool = False
) -> None:
    """As one token of source (B, L_k, D) changes, a result of call(source) changes if it may, by
    may (B, L_q, L_k), and stays otherwise. `itself`: token i of the result changes with it anyhow.
    """
    want = call(source)
    for key in range(source.shape[1]):
        other = source.clone()
        other[:, key] = torch.randn(other[:, key].shape)  # a norm would undo adding a number
        stays = torch.isclose(call(other), want, atol=1e-5).all(-1)
        wrong = stays == may[..., key]
        if itself:
            wrong[:, key] = False
        for b, query in wrong.nonzero()[:1].tolist():
            does = "stays, though it may" if stays[b, query] else "changes, though it may not"
            told = f"{what}, sample {b}: as token {key} changes, out of token {query} {does}"
            raise AssertionError(f"{told} attend to it")


class Products(TorchDispatchMode):
    """Counts the mult-adds of products of matrices below it, fused attention included."""

    FIRST = {"mm": 0, "bmm": 0, "mv": 0, "dot": 0, "addmm": 1, "baddbmm": 1, "addmv": 1}

    def __init__(self) -> None:
        super().__init__()
        self.mult_adds, self.seen = 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        at = self.FIRST.get(name)
        if at is not None:
            self.seen += 1
            self.mult_adds += out.numel() * args[at].shape[-1]
        elif name.startswith("_scaled_dot_product") and "backward" not in name:
            q, k, v = args[:3]
            self.seen += 1
            self.mult_adds += q[..., 0].numel() * k.shape[-2] * (q.shape[-1] + v.shape[-1])
        return out
