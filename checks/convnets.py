"""What checks of convolutional blocks have in common.

An answer's layers are found by name where the statement names them, else by kind and shape, in
whatever order they were assigned. Kernels that copy, negate or add give results that can be done by
hand. Train mode is compared with eval mode, gradients with the slopes of the result itself.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from checks.tools import close, numbers, refuses, result_of, same, unchanged

Shape = tuple[int, ...]
KINDS: dict[int, type[nn.Module]] = {1: nn.BatchNorm2d, 2: nn.Linear, 4: nn.Conv2d}
OF_NORM = ("weight", "bias", "running_mean", "running_var")

# --- calling ----------------------------------------------------------------------------------


def call(name: str, module: nn.Module, x: Tensor, note: str = "") -> str:
    """How a message names the module's call on x."""
    mode = "train" if module.training else "eval"
    return f"{name}, {mode} mode, x {tuple(x.shape)}{note}"


def run(name: str, module: nn.Module, x: Tensor, note: str = "") -> Tensor:
    return result_of(call(name, module, x, note), module, x)


def shape(name: str, module: nn.Module, x: Tensor, want: Shape) -> None:
    """The result has this shape."""
    got = tuple(run(name, module, x).shape)
    assert got == want, f"{call(name, module, x)}: result {got}, want {want}"


def no_module(make: Callable[..., nn.Module], *args: Any) -> None:
    """make raises ValueError for these arguments."""

    def made(*args: Any) -> str:
        return type(make(*args)).__name__

    made.__name__ = getattr(make, "__name__", "")
    refuses(made, *args, errors=(ValueError,))


def sides(
    name: str, module: nn.Module, x: Tensor, parts: Mapping[str, Sequence[nn.Module]], want: Any
) -> None:
    """The heights after these parts, as far as forward calls them as modules."""
    got = dict[str, int]()
    hooks = [
        one.register_forward_hook(lambda _m, _x, out, part=part: got.update({part: out.shape[2]}))
        for part, modules in parts.items()
        for one in modules
    ]
    crash = None
    try:
        run(name, module, x)
    except AssertionError as error:
        crash = error
    finally:
        for hook in hooks:
            hook.remove()
    wanted = dict(zip(parts, want, strict=True))
    seen = {part: got.get(part, wanted[part]) for part in parts}
    assert seen == wanted, (
        f"{call(name, module, x)}: height after {', '.join(parts)}: {list(seen.values())}, "
        f"want {list(want)}"
    )
    if crash and got.keys() != parts.keys():
        raise crash


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
    with torch.no_grad():
        for p in trained(module).parameters():
            p.abs_()
    return module


def plain(module: nn.Module) -> Any:
    """Every kernel and matrix 0, no bias; batch norms as they are when they are new."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.reset_running_stats()
    with torch.no_grad():
        for m in module.modules():
            for name, p in m.named_parameters(recurse=False):
                p.fill_(float(isinstance(m, nn.BatchNorm2d) and name == "weight"))
    return module


def center(conv: nn.Conv2d, value: float = 1.0) -> None:
    """The convolution copies channel 0 to channel 0, times value; all else is 0."""
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0, conv.weight.shape[2] // 2, conv.weight.shape[3] // 2] = value


def constant(norm: nn.BatchNorm2d, value: float) -> None:
    """The batch norm gives value everywhere, whatever it gets."""
    nn.init.zeros_(norm.weight)
    nn.init.constant_(norm.bias, value)


def nines(name: str, module: nn.Module, x: Tensor, note: str) -> None:
    """A kernel of 1s on 3x3 pixels of 1, with zeros around them, counts pixels."""
    got, want = run(name, module, x, note)[0, 0], torch.tensor([[4.0, 6, 4], [6, 9, 6], [4, 6, 4]])
    right = got.shape == want.shape and torch.allclose(got, want, 1e-3)
    what = f"{call(name, module, x, note)}: channel 0 of the first image"
    assert right, f"{what} is {numbers(got)}, want {numbers(want)}"


# --- layers -----------------------------------------------------------------------------------


def shapes_of(name: str, module: nn.Module) -> dict[str, Shape]:
    """All parameters and buffers, under every name they have."""
    tensors = dict[str, Tensor](module.named_parameters(remove_duplicate=False))
    tensors |= dict(module.named_buffers(remove_duplicate=False))
    for key, t in tensors.items():
        assert not nn.parameter.is_lazy(t), f"{name}: {key} has no shape before the first call"
    return {key: tuple(t.shape) for key, t in tensors.items()}


def found(name: str, module: nn.Module, kind: type[Any], count: int) -> list[Any]:
    """The module's layers of this kind, count of them."""
    layers = [m for m in module.modules() if isinstance(m, kind)]
    what = f"nn.{kind.__name__}"
    assert len(layers) == count, f"{name}: {len(layers)} {what} among its modules, want {count}"
    return layers


def weights(name: str, layers: Iterable[Any], want: Iterable[Shape]) -> None:
    """The layers' weights have these shapes, in any order."""
    got, wanted = sorted(tuple(m.weight.shape) for m in layers), sorted(want)
    assert got == wanted, f"{name}: weights {got}, want {wanted}"


def biases(name: str, layers: Sequence[Any], want: int) -> None:
    """So many of the layers have a bias."""
    got, kind = sum(m.bias is not None for m in layers), type(layers[0]).__name__
    assert got == want, f"{name}: {got} of {len(layers)} nn.{kind} with a bias, want {want}"


def defaults(name: str, norm: nn.BatchNorm2d) -> None:
    """A batch norm as nn.BatchNorm2d(channels) makes it."""
    new = nn.BatchNorm2d(1)
    for key in ("eps", "momentum", "affine", "track_running_stats"):
        got, want = getattr(norm, key), getattr(new, key)
        assert got == want, f"{name}: {key} {got}, want the default {want}"


def nothing_else(name: str, module: nn.Module, layers: Iterable[nn.Module]) -> None:
    """No parameter and no buffer lies outside these layers."""
    kept = {id(t) for m in layers for t in (*m.parameters(), *m.buffers())}
    for key, t in (*module.named_parameters(), *module.named_buffers()):
        assert id(t) in kept, f"{name}: {key} {tuple(t.shape)} is outside the layers asked for"


def exactly(what: str, got: Iterable[str], want: Iterable[str]) -> None:
    """The same names, in any order."""
    got, want = list(got), list(want)
    missing, more = [n for n in want if n not in got], [n for n in got if n not in want]
    assert not missing, f"{what}: missing: {', '.join(missing)}"
    assert not more, f"{what}: not asked for: {', '.join(more)}"


def named_layers(name: str, module: nn.Module, layers: Mapping[str, Shape]) -> None:
    """These layers hold all parameters and buffers, by these names, each its own.

    The shapes are those of the weights: one dim is a batch norm, two a linear layer with bias, four
    a convolution without.
    """
    got, want = shapes_of(name, module), dict[str, Shape]()
    for layer, size in layers.items():
        want[f"{layer}.weight"] = size
        if len(size) == 1:
            want |= {f"{layer}.{key}": size for key in OF_NORM}
            want[f"{layer}.num_batches_tracked"] = ()
        if len(size) == 2:
            want[f"{layer}.bias"] = size[:1]
    owners = dict.fromkeys(key.rpartition(".")[0] for key in got if "." in key)
    exactly(f"{name}, layers with parameters or buffers", owners, layers)
    exactly(f"{name}, parameters and buffers", got, want)
    for key, size in want.items():
        assert got[key] == size, f"{name}: {key} has shape {got[key]}, want {size}"
    for layer, size in layers.items():
        kind, made = KINDS[len(size)], module.get_submodule(layer)
        right = isinstance(made, kind)
        assert right, f"{name}: {layer} is a {type(made).__name__}, want nn.{kind.__name__}"
        if isinstance(made, nn.BatchNorm2d):
            defaults(f"{name}: {layer}", made)
    owner = dict[int, str]()
    for key, t in (
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ):
        first = owner.setdefault(id(t), key)
        assert first == key, f"{name}: {first} and {key} are one tensor, want one for each name"


# --- the same by hand -------------------------------------------------------------------------


def conv_norm(x: Tensor, module: nn.Module, conv: str, norm: str, stride: int = 1) -> Tensor:
    """x through a named convolution and batch norm by torch's functions, in eval mode; a layer that
    is missing does nothing.
    """
    parts = dict(module.named_modules(remove_duplicate=False))
    if conv in parts:
        c = parts[conv]
        x = nn.functional.conv2d(x, c.weight, c.bias, stride, c.weight.shape[-1] // 2)
    return normed(x, parts[norm]) if norm in parts else x


def normed(x: Tensor, norm: Any) -> Tensor:
    """Batch norm of eval mode by torch's function."""
    n = norm
    return nn.functional.batch_norm(x, n.running_mean, n.running_var, n.weight, n.bias, eps=1e-5)


# --- residual blocks --------------------------------------------------------------------------


def projection(block: nn.Module) -> tuple[Any, Any]:
    """The convolution and the batch norm of its shortcut; None for one that is missing."""
    parts = dict(block.named_modules())
    return parts.get("shortcut.0"), parts.get("shortcut.1")


def no_shortcut(block: nn.Module) -> None:
    """A shortcut that has layers gives 0 from now on."""
    conv, norm = projection(block)
    if norm is not None:
        constant(norm, 0)
    elif conv is not None:
        center(conv, 0)


def shortcut_alone(
    make: Callable[..., nn.Module], last: str, arguments: Iterable[tuple[Any, ...]]
) -> None:
    """The shortcut, where the main path gives 0: x itself, or a 1x1 convolution and a batch norm.

    It is nowhere below 0, so that the place of the ReLU makes no difference. The stride is the last
    of the arguments.
    """
    grid = torch.arange(1.0, 17).view(4, 4)
    for args in arguments:
        in_c, stride = args[0], args[-1]
        name, block = f"{make.__name__}{args}", plain(make(*args)).eval()
        constant(block.get_submodule(last), 0)
        conv, norm = projection(block)
        note = f" from 1 to 16, row by row, {last} gives 0"
        if conv is not None:
            center(conv)
            note += ", shortcut.0 copies"
        x = grid.repeat(2, in_c, 1, 1)
        got, want = run(name, block, x, note)[0, 0], grid[::stride, ::stride]
        what = f"{call(name, block, x, note)}: result[0, 0]"
        right = got.shape == want.shape and torch.allclose(got, want, 1e-3)
        assert right, f"{what} is {numbers(got)}, want {numbers(want)}"

        trained(block).double()
        constant(block.get_submodule(last), 0)
        x = torch.rand(2, in_c, 5, 6, dtype=torch.float64)
        if norm is not None:
            nn.init.constant_(norm.bias, 20)
            x = 2 * x - 1
        want = conv_norm(x, block, "shortcut.0", "shortcut.1", stride)
        what = f"{call(name, block, x)}, {last} gives 0: result, against the shortcut alone"
        close(run(name, block, x).double(), want, what)


def sums(make: Callable[..., nn.Module], last: str, arguments: Iterable[tuple[Any, ...]]) -> None:
    """The main path plus the shortcut, then ReLU: numbers that are the same at every pixel."""
    for args in arguments:
        name, block = f"{make.__name__}{args}", plain(make(*args)).eval()
        conv, norm = projection(block)
        for main, short in ((-3, 5), (-3, 2), (5, -2), (2, 2), (-30, 100)):
            constant(block.get_submodule(last), main)
            x = torch.full((2, args[0], 3, 4), float(short))
            if norm is not None:
                constant(norm, short)
            note = f", {last} gives {main}, the shortcut {short}"
            got, want = run(name, block, x, note)[:1, 0, 0, 0], float(max(0, main + short))
            what = f"{call(name, block, x, note)}: result[0, 0, 0, 0]"
            close(got, torch.tensor([want]), what, 1e-4)


def relus(name: str, block: nn.Module, in_c: int, layers: Sequence[tuple[str, str]]) -> None:
    """A ReLU after each convolution and batch norm of the main path but the last, by hand."""
    (*_, (last, end)), parts = layers, dict[str, Any](block.named_modules())
    for conv, norm in layers[:-1]:
        plain(block)
        no_shortcut(block)
        for key, _ in layers:
            center(parts[key], -1 if key == conv else 0.01 if key == last else 1)
        parts[norm].bias.data[0] = 2
        parts[end].bias.data[0] = 3
        for value in (202, -198):
            x, y = torch.full((2, in_c, 3, 3), float(value)), value
            for key, _ in layers[:-1]:
                y = max(0, 2 - y if key == conv else y)
            note = f", all {value}, shortcut 0, {conv} negates, {norm} adds 2"
            note += f", {last} divides by 100, {end} adds 3, other layers copy"
            what = f"{call(name, block, x, note)}: result[0, 0, 1, 1]"
            close(run(name, block, x, note)[:1, 0, 1, 1], torch.tensor([3 + y / 100]), what, 1e-3)


def skips(name: str, block: nn.Module, in_c: int, strides: Mapping[str, int]) -> None:
    """Which pixels the main path reads: each 3x3 in turn adds up nine, all others copy.

    The shortcut has layers, and so can be 0.
    """
    parts = dict(block.named_modules())
    for adding in strides:
        side = parts[adding].weight.shape[-1]
        if side == 1:
            continue
        plain(block)
        no_shortcut(block)
        x = torch.arange(1.0, 37).view(6, 6).repeat(2, in_c, 1, 1)
        want = x[:1, :1]
        for conv, stride in strides.items():
            center(parts[conv])
            if conv == adding:
                parts[conv].weight.data[0, 0] = 1
                want = nn.functional.conv2d(want, torch.ones(1, 1, side, side), None, 1, side // 2)
            want = want[..., ::stride, ::stride]
        note = f" from 1 to 36, row by row, shortcut 0, a kernel of 1s in {adding}, others copy"
        what = f"{call(name, block, x, note)}: channel 0"
        got, want = run(name, block, x, note)[0, 0], want[0, 0]
        assert got.shape == want.shape, f"{what}: {tuple(got.shape)}, want {tuple(want.shape)}"
        right = torch.allclose(got, want, 1e-3)
        assert right, f"{what} is {numbers(got)}, want {numbers(want)}"


def in_order(name: str, block: nn.Module, in_c: int, layers: Sequence[tuple[str, str]]) -> None:
    """The layers of the main path one after the other, by torch's functions; the shortcut is 0.

    The block has stride 1.
    """
    trained(block).double()
    no_shortcut(block)
    end: Any = block.get_submodule(layers[-1][1])
    nn.init.constant_(end.bias, 3)  # near 3, where a ReLU takes nothing
    end.weight.data.mul_(0.05)
    x = want = torch.randn(3, in_c, 7, 6, dtype=torch.float64)
    for conv, norm in layers:
        want = conv_norm(want, block, conv, norm).relu()
    what = f"{call(name, block, x)}, shortcut 0: result, against the main path's layers"
    close(run(name, block, x).double(), want, what)


# --- modes and gradients ----------------------------------------------------------------------


def trains(name: str, module: nn.Module, x: Tensor, *small: Tensor) -> None:
    """Train and eval mode differ as batch norm does: counts and modes, then what both give.

    x has so many pixels that n - 1 for n in the variance makes no difference.
    """
    norms: dict[str, Any] = {
        key: m for key, m in module.named_modules() if isinstance(m, nn.BatchNorm2d)
    }
    assert norms, f"{name}: no nn.BatchNorm2d among its modules"
    for key, norm in norms.items():
        kept = isinstance(norm.num_batches_tracked, Tensor)
        assert kept, f"{name}: {key} keeps no running statistics"
    for batch in (x, *small):
        for train in (True, False):
            counted(name, trained(module).train(train), norms, batch)

    # With the mean and variance of the batch, found in what the running ones became, eval mode
    # gives the same.
    trained(module).double().train()
    old = {key: (n.running_mean.clone(), n.running_var.clone()) for key, n in norms.items()}
    in_train = run(name, module, x.double()).detach()
    for key, norm in norms.items():
        for now, before in zip((norm.running_mean, norm.running_var), old[key], strict=True):
            now.copy_((now - 0.9 * before) / 0.1)
    in_eval = run(name, module.eval(), x.double()).detach()
    what = f"{name}, x {tuple(x.shape)}, train mode, against eval mode with the batch's statistics"
    close(in_train, in_eval, f"{what}: result", 0.02 * (1 + in_eval.abs().max().item()))


def counted(name: str, module: nn.Module, norms: Mapping[str, Any], x: Tensor) -> None:
    """One call with its backward: modes stay, and each norm counts one batch in train mode only."""
    train, what = module.training, call(name, module, x)
    old = {key: [t.clone() for t in norm.buffers()] for key, norm in norms.items()}
    out = run(name, module, x.clone().requires_grad_().clone())
    modes = {part.training for part in module.modules()}
    assert modes == {train}, f"{what}: then modules have .training {modes}, want {train}"
    if out.requires_grad:
        out.sum().backward()
        module.zero_grad()
    for key, norm in norms.items():
        mean, var, count = old[key]
        got, want = int(norm.num_batches_tracked - count), int(train)
        assert got == want, f"{what}, with backward: {key} counted {got} batches, want {want}"
        if not train:
            same(norm.running_mean, mean, f"{what}: running mean of {key}")
            same(norm.running_var, var, f"{what}: running variance of {key}")


def one_mode(name: str, module: nn.Module, x: Tensor) -> None:
    """Train and eval mode give the same, and stay as they are."""
    for train in (True, False):
        out = run(name, module.train(train), x).detach()
        modes = {part.training for part in module.modules()}
        what = call(name, module, x)
        assert modes == {train}, f"{what}: then modules have .training {modes}, want {train}"
        if train:
            in_train = out
    what = f"{name}, x {tuple(x.shape)}, train mode, against eval mode"
    close(in_train, out, f"{what}: result")


def slopes(name: str, module: nn.Module, x: Tensor, at_once: bool = False) -> None:
    """Gradients reach x and every parameter; each is as steep as the result is.

    at_once: all parameters are moved together, as far as each has an influence.
    """
    trained(module).double().train()
    leaf, step = x.double().requires_grad_(), 1e-8
    leaves = {"x": leaf, **dict(module.named_parameters())}
    what = call(name, module, x)

    def result() -> Tensor:
        torch.manual_seed(1)  # what is random, as dropout, is the same each time
        return run(name, module, leaf.clone())

    for key, p in leaves.items():
        assert p.requires_grad, f"{name}: {key} has requires_grad False, want True"
    out = result()
    assert out.requires_grad, f"{what}: no gradient flows through it"
    upstream = torch.randn_like(out)
    eps = torch.finfo(out.dtype).eps + 1e-14  # of the result, and of what it was made of
    noise = eps * (out.norm() * upstream.norm()).item() / step
    grads = torch.autograd.grad(out, list(leaves.values()), upstream, allow_unused=True)
    for key, grad in zip(leaves, grads, strict=True):
        assert grad is not None, f"{what}: no gradient reaches {key}"
    slope = dict(zip(leaves, grads, strict=True))
    others = [key for key in leaves if key != "x"]
    for keys in (["x"], others) if at_once else ([key] for key in leaves):
        ways = {key: torch.randn_like(slope[key]) for key in keys}
        if at_once:
            ways = {key: way / (1e-3 + slope[key].norm()) for key, way in ways.items()}
        kept = {key: leaves[key].detach().clone() for key in keys}
        results = list[Tensor]()
        with torch.no_grad():
            for size in (step, -step, 0):
                for key, way in ways.items():
                    leaves[key].copy_(kept[key] + size * way)
                if size:
                    results.append(result())
        change = (results[0] - results[1]) / (2 * step)
        got = sum((slope[key] * way).sum().item() for key, way in ways.items())
        want = (change * upstream).sum().item()
        far = 2e-3 * (change.norm() * upstream.norm()).item() + noise
        shown = keys[0] if len(keys) == 1 else "all parameters"
        assert abs(got - want) <= far, (
            f"{what}: one step along the gradient of {shown} promises {got:.4g}, "
            f"the result changes by {want:.4g}"
        )


def keeps_x(name: str, module: nn.Module, *inputs: Tensor) -> None:
    """x is not changed, in train and eval mode, with gradients and without."""
    for x in inputs:
        for train in (True, False):
            trained(module).to(x.dtype).train(train)
            given = x.clone()
            with torch.no_grad(), unchanged(call(name, module, x), given):
                run(name, module, given)
            given = x.clone().requires_grad_().clone()
            with unchanged(call(name, module, x), given):
                run(name, module, given)


# --- anywhere ---------------------------------------------------------------------------------

DTYPES = {torch.float64: 1e-3, torch.float16: 0.02, torch.bfloat16: 0.1}


def anywhere(name: str, module: nn.Module, x: Tensor) -> None:
    """Any strides, dtype and device; a dtype that is not the parameters' raises."""
    trained(module).eval()
    want = run(name, module, x.clone()).detach()
    size = 1 + want.abs().max().item()
    for note, view in (
        (", channels last", x.clone(memory_format=torch.channels_last)),
        (", strides reversed", x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)),
        (", every second pixel of a larger one", doubled(x)[:, :, ::2, ::2]),
    ):
        what = f"{call(name, module, x, note)}: result"
        close(run(name, module, view, note).detach(), want, what, 1e-4 * size)

    for dtype, tol in DTYPES.items():
        for train in (False, True):
            moved, note = copy.deepcopy(module).to(dtype).train(train), f", all {dtype}"
            out = run(name, moved, x.to(dtype, copy=True), note).detach()
            what = call(name, moved, x, note)
            assert out.dtype == dtype, f"{what}: result {out.dtype}"
            if not train:
                close(out.float(), want, f"{what}: result, against float32", tol * size)
            if dtype == torch.float64:
                rounded = bool(out.any()) and torch.equal(out, out.float().double())
                assert not rounded, f"{what}: every number of the result is one of float32"

    for other in (torch.float64, torch.bfloat16):
        note = f" of {other}, parameters of torch.float32"
        try:
            out = module(x.to(other))
        except (RuntimeError, ValueError, TypeError):
            continue
        raise AssertionError(f"{call(name, module, x, note)}: result {out.dtype}, want an error")

    moved, note = module.to("meta").train(), ", all on the meta device"
    what = call(name, moved, x, note)
    try:
        out = moved(x.to("meta"))
    except RuntimeError as error:  # asking for a number is no mistake on a real device
        assert "cpu" not in str(error).lower(), f"{what}: a tensor on the CPU. It says: {error}"
        return
    assert out.is_meta, f"{what}: result on {out.device}"


def doubled(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)
