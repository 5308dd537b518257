"""What checks of convolutional blocks have in common.

An answer's layers are found by name where the statement names them, else by kind and shape, in
whatever order they were assigned. Kernels that copy, negate or add give results that can be done by
hand. Train mode is compared with eval mode, gradients with the slopes of the result itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from checks.modules import gradients_flow, on_other_device
from checks.tools import (
    call_of,
    close,
    equal,
    numbers,
    refuses,
    result_of,
    same,
    unchanged,
)

Shape = tuple[int, ...]
Make = Callable[..., nn.Module]
Path = Mapping[str, bool]
KINDS: dict[int, type[Any]] = {4: nn.Conv2d, 1: nn.BatchNorm2d, 2: nn.Linear}
DEFAULTS = {"eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True}
NINES = torch.tensor([[4.0, 6, 4], [6, 9, 6], [4, 6, 4]])  # pixels of 3x3 in each 3x3 window

# --- calling ----------------------------------------------------------------------------------


def call(name: str, module: nn.Module, x: Tensor, note: str = "") -> str:
    """How a message names the module's call on x."""
    return f"{name}, {'train' if module.training else 'eval'} mode, x {tuple(x.shape)}{note}"


def run(name: str, module: nn.Module, x: Tensor, note: str = "") -> Tensor:
    return result_of(call(name, module, x, note), module, x)


def equals(what: str, got: Tensor, want: Any, tol: float = 1e-3) -> None:
    """got is want, in whatever float dtype; up to 40 numbers are all shown."""
    got, want = got.double(), torch.as_tensor(want).double()
    if got.shape == want.shape and 8 < got.numel() <= 40 and not torch.allclose(got, want, tol):
        raise AssertionError(f"{what} is {numbers(got)}, want {numbers(want)}")
    close(got, want, what, tol)


def gives(
    name: str,
    module: nn.Module,
    x: Tensor,
    want: Any,
    note: str = "",
    at: Any = ...,
    says: str = "result",
    tol: float = 1e-3,
) -> None:
    """result[at], in a message `says`, is want."""
    equals(f"{call(name, module, x, note)}: {says}", run(name, module, x, note)[at], want, tol)


def shape(name: str, module: nn.Module, x: Tensor, want: Shape) -> None:
    equal(f"{call(name, module, x)}: result", tuple(run(name, module, x).shape), want)


def no_module(make: Make, *args: Any) -> None:
    """make raises ValueError for these arguments."""
    what = call_of(make.__name__, *args)
    refuses(lambda: type(make(*args)).__name__, errors=(ValueError,), call=what)


def sides(name: str, module: nn.Module, x: Tensor, parts: Mapping[str, Any], want: Any) -> None:
    """The heights after these parts, as far as forward calls them (one or several modules)."""
    got, wanted = dict[str, int](), dict(zip(parts, want, strict=True))

    def note(part: nn.Module, _: Any, out: Tensor) -> None:
        got.update({key: out.shape[2] for key, those in parts.items() if part in those})

    hook = nn.modules.module.register_module_forward_hook(note)
    try:
        run(name, module, x)
    except AssertionError:
        if got.items() <= wanted.items() and got.keys() != wanted.keys():
            raise
    finally:
        hook.remove()
    what = f"{call(name, module, x)}: height after {', '.join(parts)}:"
    equal(what, list({**wanted, **got}.values()), list(want))


# --- filling ----------------------------------------------------------------------------------


def trained(module: nn.Module) -> Any:
    """The module as it may be after some training: nothing in it is 0 or 1, no two are alike."""
    with torch.no_grad():
        for p in module.parameters():
            if p.ndim == 1:
                p.uniform_(0.3, 1.5).mul_(torch.randn(p.shape).sign())
            else:
                p.normal_(0, (2 / p[0].numel()) ** 0.5)
        for name, buffer in module.named_buffers():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 2.0) if "var" in name else buffer.normal_()
    return module


def positive(module: nn.Module) -> Any:
    """The module with every parameter above 0: of an x above 0 no ReLU takes anything."""
    for p in trained(module).parameters():
        p.data.abs_()
    return module


def plain(module: nn.Module) -> Any:
    """Every kernel and matrix 0, no bias; batch norms as they are when they are new."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.reset_running_stats()
        for name, p in m.named_parameters(recurse=False):
            nn.init.constant_(p, float(isinstance(m, nn.BatchNorm2d) and name == "weight"))
    return module


def center(conv: nn.Conv2d, value: float = 1.0) -> None:
    """The convolution copies channel 0 to channel 0, times value; all else is 0."""
    nn.init.zeros_(conv.weight)
    conv.weight.data[0, 0, conv.weight.shape[2] // 2, conv.weight.shape[3] // 2] = value


# --- layers -----------------------------------------------------------------------------------


def tensors(name: str, module: nn.Module) -> dict[str, Tensor]:
    """All parameters and buffers, under every name they have."""
    every: dict[str, Tensor] = dict(module.named_parameters(remove_duplicate=False))
    every |= dict(module.named_buffers(remove_duplicate=False))
    for key, t in every.items():
        assert not nn.parameter.is_lazy(t), f"{name}: {key} has no shape before the first call"
    return every


def found(name: str, module: nn.Module, kind: type[Any], count: int = 0) -> list[Any]:
    """The module's layers of this kind, count of them, or at least one."""
    layers = [m for m in module.modules() if isinstance(m, kind)]
    right, what = len(layers) == (count or max(1, len(layers))), f"nn.{kind.__name__}"
    assert right, f"{name}: {len(layers)} {what} among its modules, want {count or 'some'}"
    return layers


def biases(name: str, module: nn.Module, kind: type[Any], has: bool = True) -> None:
    """All layers of this kind have a bias, or none."""
    have = [m.bias is not None for m in found(name, module, kind)]
    what = f"{sum(have)} of {len(have)} nn.{kind.__name__} with a bias"
    assert have == [has] * len(have), f"{name}: {what}, want {len(have) * has}"


def defaults(name: str, norm: nn.BatchNorm2d) -> None:
    """A batch norm as nn.BatchNorm2d(channels) makes it."""
    for key, want in DEFAULTS.items():
        equal(f"{name}: {key}", getattr(norm, key), want)


def only_layers(name: str, module: nn.Module, wanted: Iterable[Shape]) -> None:
    """Layers with weights of these shapes, under any names, hold all parameters and buffers."""
    outside, wanted = tensors(name, module), sorted(wanted)
    for dims, kind in KINDS.items():
        want = [size for size in wanted if len(size) == dims]
        layers = found(name, module, kind, len(want)) if want else []
        for norm in layers if kind is nn.BatchNorm2d else ():
            defaults(f"{name}: batch norm of {norm.num_features}", norm)
        got = sorted(tuple(m.weight.shape) for m in layers)
        equal(f"{name}, nn.{kind.__name__}: weights", got, want)
        held = {id(t) for m in layers for t in tensors(name, m).values()}
        outside = {key: t for key, t in outside.items() if id(t) not in held}
    sizes = ", ".join(f"{key} {tuple(t.shape)}" for key, t in outside.items())
    assert not outside, f"{name}: outside the layers asked for: {sizes}"


def named_layers(name: str, module: nn.Module, layers: Mapping[str, Shape]) -> None:
    """Layers with weights of these shapes, by these names, hold all parameters and buffers.

    Each has its own. A linear layer has a bias, a convolution has none.
    """
    first, held = dict[int, str](), tensors(name, module)
    owners = dict.fromkeys(key.rpartition(".")[0] or key for key in held)
    missing, more = [k for k in layers if k not in owners], [k for k in owners if k not in layers]
    assert not missing, f"{name}, layers with parameters or buffers: missing: {', '.join(missing)}"
    assert not more, f"{name}, parameters or buffers: not asked for: {', '.join(more)}"
    for key, t in held.items():
        other = first.setdefault(id(t), key)
        assert other == key, f"{name}: {other} and {key} are one tensor, want one for each name"
    for layer, size in layers.items():
        m, sizes = module.get_submodule(layer), (*size[:2][::-1], *size[2:3])
        bias = {"bias": False} if len(size) == 4 else {}
        new = KINDS[len(size)](*sizes, **bias, device="meta")
        kinds = type(m).__name__, type(new).__name__
        assert isinstance(m, type(new)), f"{name}: {layer} is a {kinds[0]}, want nn.{kinds[1]}"
        got, want = ({k: tuple(t.shape) for k, t in tensors(name, n).items()} for n in (m, new))
        equal(f"{name}: {layer} has", got, want)
        if isinstance(m, nn.BatchNorm2d):
            defaults(f"{name}: {layer}", m)


# --- residual blocks --------------------------------------------------------------------------
# `path` says which convolutions of the main path have the stride: {"conv1": True, "conv2": False}.
# The last number of a case is the stride, too.

BLOCK = {"conv1": True, "conv2": False}  # the path of a ResidualBlock


def block_layers(in_c: int, out_c: int, stride: int, at: str = "") -> dict[str, Shape]:
    """The layers of a ResidualBlock and the shapes of their weights."""
    layers: dict[str, Shape] = {"conv1": (out_c, in_c, 3, 3), "bn1": (out_c,)}
    layers |= {"conv2": (out_c, out_c, 3, 3), "bn2": (out_c,)}
    if stride != 1 or in_c != out_c:
        layers |= {"shortcut.0": (out_c, in_c, 1, 1), "shortcut.1": (out_c,)}
    return {at + key: size for key, size in layers.items()}


def normed(x: Tensor, n: Any) -> Tensor:
    """Batch norm of eval mode by torch's function."""
    return F.batch_norm(x, n.running_mean, n.running_var, n.weight, n.bias, eps=1e-5)


def conv_norm(x: Tensor, module: nn.Module, conv: str, norm: str, stride: int = 1) -> Tensor:
    """A named convolution and batch norm in eval mode; one that is missing does nothing."""
    parts: dict[str, Any] = dict(module.named_modules(remove_duplicate=False))
    if c := parts.get(conv):
        x = F.conv2d(x, c.weight, c.bias, stride, c.weight.shape[-1] // 2)
    return normed(x, parts[norm]) if norm in parts else x


def by_hand(x: Tensor, block: nn.Module, path: Path, stride: int = 1) -> Tensor:
    """What a residual block computes in eval mode, by torch's functions."""
    main = x
    for key, has in path.items():
        main = main if main is x else main.relu()
        main = conv_norm(main, block, key, bn(key), stride if has else 1)
    return (main + conv_norm(x, block, "shortcut.0", "shortcut.1", stride)).relu()


def made(make: Make, cases: Iterable[Shape]) -> Iterator[tuple[str, Any, Shape]]:
    """For each case how messages name it, the block in eval mode, and the case."""
    for case in cases:
        args = case[:-1] if case[-1] == 1 else case
        yield f"{make.__name__}{args}", make(*args).eval(), case


def scene(
    name: str, block: nn.Module, path: Path, x: Tensor, note: str, at: Any, s: int, **how: Any
) -> None:
    """result[at], in eval mode, where layers do what can be done by hand, and all else is 0.

    how: a factor, by which a convolution multiplies channel 0, or None for a kernel of 1s; (scale,
    shift) of a batch norm. `shortcut` stands for its batch norm; layers that are missing are left.
    """
    parts = dict(plain(block).named_modules())
    for key, value in how.items():
        key = {"copy": "shortcut.0", "shortcut": "shortcut.1"}.get(key, key)
        m: Any = parts.get(key)
        if m is not None and isinstance(value, tuple):
            nn.init.constant_(m.weight, value[0])
            nn.init.constant_(m.bias, value[1])
            times = f"multiplies by {value[0]} and adds" if value[0] else "gives"
            note += f", {key} {times} {value[1]}"
        elif m is not None:
            center(m, value or 1)
            if value is None:
                m.weight.data[0, 0] = 1
            does = {None: "has a kernel of 1s", 1: "copies"}.get(value, f"multiplies by {value}")
            note += f", {key} {does}"
    want, says = by_hand(x, block, path, s)[at], f"result[{', '.join(map(str, at))}]"
    gives(name, block, x, want, note, at, says=says)


def bn(key: str) -> str:
    return key.replace("conv", "bn")


def rounded_up(make: Make, cases: Iterable[Shape]) -> None:
    """The shapes of results, for images of any size."""
    for name, block, (in_c, out_c, *_, s) in made(make, cases):
        for n, h, w in ((2, 6, 8), (1, 9, 4), (3, 7, 10), (2, 1, 5), (1, 1, 1)):
            shape(name, block, torch.randn(n, in_c, h, w), (n, out_c, -(-h // s), -(-w // s)))


def strided(make: Make, path: Path, cases: Iterable[Shape]) -> None:
    """Heights behind each convolution, and which pixels the main path reads."""
    for name, block, (in_c, *_, s) in made(make, cases):
        want, h = {"shortcut.0": -(-12 // s)}, 12
        for key, has in path.items():
            want[key] = h = -(-h // s) if has else h
        parts = {key: [m] for key, m in block.named_modules() if key in want}
        sides(name, block, torch.randn(2, in_c, 12, 12), parts, [want[key] for key in parts])
        if s > 1:
            x = torch.arange(1.0, 37).view(6, 6).repeat(2, in_c, 1, 1)
            nines(name, block, path, x, " from 1 to 36, row by row", s)


def nines(name: str, block: Any, path: Path, x: Tensor, note: str, s: int = 1) -> None:
    """Each 3x3 of the main path in turn adds up nine pixels, the other convolutions copy."""
    for key in path:
        if block.get_submodule(key).weight.shape[-1] == 3:
            how = {**dict.fromkeys(path, 1), key: None, "shortcut": (0, 0)}
            scene(name, block, path, x, note, (0, 0), s, **how)


def shortcut_alone(make: Make, path: Path, cases: Iterable[Shape]) -> None:
    """The shortcut, where the main path gives 0: x itself, or a 1x1 convolution and a batch norm.

    It is nowhere below 0, so that the place of the ReLU makes no difference.
    """
    for name, block, (in_c, *_, s) in made(make, cases):
        low = -8 if "shortcut.1" in dict(block.named_modules()) else 1
        apart = torch.arange(2.0 * in_c) * 20  # every image and channel has its own numbers
        x = torch.arange(16.0).view(4, 4) + low + apart.view(2, in_c, 1, 1)
        how, note = {bn(list(path)[-1]): (0, 0)}, f" from {low} to {low + 15} in x[0, 0]"
        scene(name, block, path, x, note, (0, 0), s, **how, copy=1, shortcut=(2, 20))


def sums(make: Make, path: Path, cases: Iterable[Shape]) -> None:
    """The main path plus the shortcut, then ReLU: numbers that are the same at every pixel."""
    for name, block, (in_c, *_, s) in made(make, cases):
        for main, short in ((-3, 5), (-3, 2), (5, -2), (2, 2), (-30, 100)):
            x, how = torch.full((2, in_c, 3, 4), float(short)), {bn(list(path)[-1]): (0, main)}
            how["shortcut"] = (0, short)
            scene(name, block, path, x, f", all {short}", (0, 0, 0, 0), s, **how)


def main_path(make: Make, path: Path, narrow: Shape, cases: Iterable[Shape]) -> None:
    """Padding, ReLUs and order of the main path, at stride 1; the shortcut gives 0.

    narrow: the case with one channel, where numbers can be done by hand.
    """
    ((name, block, _),) = made(make, [narrow])
    nines(name, block, path, torch.ones(2, 1, 3, 3), " of 1s")
    *first, last = path
    for key in first:
        how = {**dict.fromkeys(path, 1), key: -1, last: 0.01, bn(key): (1, 2), bn(last): (1, 3)}
        for value in (202, -198):
            x, note = torch.full((2, 1, 3, 3), float(value)), f", all {value}"
            scene(name, block, path, x, note, (0, 0, 1, 1), 1, **how, shortcut=(0, 0))

    for name, block, (in_c, *_) in made(make, cases):
        parts: dict[str, Any] = dict(trained(block).double().named_modules())
        if "shortcut.1" in parts:
            for p in parts["shortcut.1"].parameters():
                nn.init.zeros_(p)
        nn.init.constant_(parts[bn(last)].bias, 3)  # near 3, where a ReLU takes nothing
        parts[bn(last)].weight.data.mul_(0.05)
        x = torch.randn(3, in_c, 7, 6, dtype=torch.float64)
        says, want = "result, against the main path's layers", by_hand(x, block, path)
        gives(name, block, x, want, ", shortcut 0", says=says, tol=1e-5)


def logits(name: str, model: nn.Module, linears: Iterable[Any], x: Tensor, says: str) -> None:
    """What a linear layer of weight 0 gives is its bias, and comes out as it is, in either mode."""
    want = [-1.0, 0.5, 2.0]
    for linear in linears:
        nn.init.zeros_(linear.weight)
        want = [0.0] * 3 if linear.bias is None else want
        if linear.bias is not None:
            linear.bias.data.copy_(torch.tensor(want))
    note = f", the linear layer has weight 0 and bias {want}"
    for train in (True, False):
        gives(name, model.train(train), x, [want] * len(x), note, says=says, tol=1e-5)


# --- modes and gradients ----------------------------------------------------------------------
# `named`: the statement names the layers, so that messages may, too.


def keeps_modes(name: str, module: nn.Module, x: Tensor) -> Tensor:
    """The result; all modules are in the same mode as before."""
    train, out = module.training, run(name, module, x)
    what = f"{call(name, module, x)}: then modules have .training"
    equal(what, {part.training for part in module.modules()}, {train})
    return out


def trains(name: str, module: nn.Module, x: Tensor, *small: Tensor, named: bool = True) -> None:
    """Train and eval mode differ as batch norm does: counts and modes, then what both give."""
    norms: dict[Any, str] = {
        m: key if named else f"the batch norm of {m.num_features}"
        for key, m in module.named_modules()
        if isinstance(m, nn.BatchNorm2d)
    }
    assert norms, f"{name}: no nn.BatchNorm2d among its modules"
    for norm, key in norms.items():
        kept = isinstance(norm.num_batches_tracked, Tensor)
        assert kept, f"{name}: {key} keeps no running statistics"
    trained(module)
    for train, batch in ((False, small[0]), *((True, batch) for batch in small)):
        counted(name, module.train(train), norms, batch)

    pixels, x = dict.fromkeys(norms, torch.inf), x.double()

    def note(norm: Any, given: Any) -> None:
        pixels[norm] = given[0][:, 0].numel()

    # With the mean and variance of the batch, found in what the running ones became, eval mode
    # gives the same. The running variance divides by n - 1.
    for norm in norms:
        norm.register_forward_pre_hook(note)
    once = run(name, trained(module).double().train(), x.clone()).detach()
    before = [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]
    in_train, what = run(name, module, x.clone()).detach(), call(name, module, x)
    alike = torch.allclose(in_train, once)
    assert alike, f"{what}: a second call gives other numbers, want the same"
    for (norm, n), (mean, var) in zip(pixels.items(), before, strict=True):
        norm.running_mean.copy_((norm.running_mean - 0.9 * mean) / 0.1)
        norm.running_var.copy_((norm.running_var - 0.9 * var) / 0.1 * (1 - 1 / n))
    in_eval = run(name, module.eval(), x).detach()
    what = f"{name}, x {tuple(x.shape)}, train mode, against eval mode with the batch's statistics"
    close(in_train, in_eval, f"{what}: result", 0.02 * (1 + in_eval.abs().max().item()))


def counted(name: str, module: nn.Module, norms: Mapping[Any, str], x: Tensor) -> None:
    """One call with its backward: modes stay, and each norm counts one batch in train mode only."""
    old = [[t.clone() for t in norm.buffers()] for norm in norms]
    out, what = keeps_modes(name, module, x.clone().requires_grad_().clone()), call(name, module, x)
    if out.requires_grad:
        out.sum().backward()
        module.zero_grad()
    for (norm, key), (mean, var, count) in zip(norms.items(), old, strict=True):
        got, want = int(norm.num_batches_tracked - count), int(module.training)
        assert got == want, f"{what}, with backward: {key} counted {got} batches, want {want}"
        if not want:
            same(norm.running_mean, mean, f"{what}: running mean of {key}")
            same(norm.running_var, var, f"{what}: running variance of {key}")


def one_mode(name: str, module: nn.Module, x: Tensor) -> None:
    """Train and eval mode give the same, and stay as they are."""
    in_train, in_eval = (keeps_modes(name, module.train(t), x).detach() for t in (True, False))
    alike = torch.allclose(in_train, in_eval, 1e-5, 1e-5)
    assert alike, f"{name}: train and eval mode give different numbers, want the same"


def slopes(name: str, module: nn.Module, x: Tensor, named: bool = True) -> None:
    """In either mode gradients reach x and every parameter; they are as steep as the result is."""
    for key, p in trained(module).named_parameters():
        shown = key if named else f"a parameter {tuple(p.shape)}"
        assert p.requires_grad, f"{name}: {shown} has requires_grad False, want True"
    gradients_flow(f"{name}, x {tuple(x.shape)}", module, {"x": x}, named)


def keeps_x(name: str, module: nn.Module, *size: int) -> None:
    """x is not changed, in train mode with gradients and in eval mode without."""
    trained(module)
    for on in (True, False):
        x = torch.arange(float(torch.Size(size).numel())).view(size) - 50
        given = x.requires_grad_(on).clone()
        what = call(name, module.train(on), x, " from -50 on")
        with torch.set_grad_enabled(on), unchanged(what, given):
            run(name, module, given)


# --- anywhere ---------------------------------------------------------------------------------


def anywhere(name: str, module: nn.Module, x: Tensor) -> None:
    """Any strides, dtype and device; a dtype that is not the parameters' raises."""
    want = run(name, trained(module).eval(), x.clone()).detach()
    size = 1 + want.abs().max().item()
    larger = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    for note, view in (
        (", channels last", x.clone(memory_format=torch.channels_last)),
        (", strides reversed", x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)),
        (", every second pixel of a larger one", larger[:, :, ::2, ::2]),
    ):
        gives(name, module, view, want, note, tol=1e-4 * size)

    for other in (torch.float64, torch.bfloat16):
        what = call(name, module, x, f" of {other}, parameters of torch.float32")
        refuses(module, x.to(other), errors=(RuntimeError, ValueError, TypeError), call=what)

    for dtype, tol in ((torch.float64, 1e-3), (torch.float16, 0.02), (torch.bfloat16, 0.1)):
        moved, note = module.to(dtype), f", all {dtype}"
        out, what = run(name, moved, x.to(dtype), note).detach(), call(name, moved, x, note)
        equal(f"{what}: result", out.dtype, dtype)
        close(out.float(), want, f"{what}: result, against float32", tol * size)
        rounded = dtype == torch.float64 and out.any() and torch.equal(out, out.float().double())
        assert not rounded, f"{what}: every number of the result is one of float32"
    on_other_device(call(name, module, x), module.float(), x)
