"""What checks of adapters have in common: a frozen base, and something small that learns.

Names tell what is wrong first: which parameters are there, which train, which moved.
"""

import copy
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from checks.modules import gradients_flow, leading_sizes, on_other_device
from checks.tools import (
    BigTensors,
    close,
    names_are,
    result_of,
    same,
    strided,
    tensor,
    unchanged,
)

STEPS = 20
Sizes = tuple[int, ...]


def built(what: str, make: Callable[[], Any]) -> nn.Module:
    """What `make` gives, a module; where it crashes, a message that says on what."""
    try:
        module = make()
    except NotImplementedError as error:
        if len(str(error).split()) <= 1:
            raise  # an open hole; torch's own says more
        raise AssertionError(f"{what}: not possible. It says: {error}") from error
    except (RuntimeError, IndexError, TypeError, ValueError, AttributeError) as error:
        kind = type(error).__name__
        raise AssertionError(f"{what}: {kind}, want a module. It says: {error}") from error
    kind = type(module).__name__
    assert isinstance(module, nn.Module), f"{what} is a {kind}, want an nn.Module"
    return module


def parameter_of(what: str, module: nn.Module, name: str) -> nn.Parameter:
    """module.name, a dotted path, which is an nn.Parameter."""
    found: Any = module
    for part in name.split("."):
        assert hasattr(found, part), f"{what}: .{name} is missing"
        found = getattr(found, part)
    kind = type(found).__name__
    assert isinstance(found, nn.Parameter), f"{what}: .{name} is a {kind}, want an nn.Parameter"
    return found


def has_parameters(what: str, module: nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """These parameters are there, by name and shape; there may be others."""
    for name, want in shapes.items():
        got = tuple(parameter_of(what, module, name).shape)
        assert got == want, f"{what}: .{name} has shape {got}, want {want}"


def made_like(what: str, module: nn.Module, names: Iterable[str], like: Tensor) -> None:
    """The parameters of these names have the dtype and the device of `like`."""
    for name in names:
        p = parameter_of(what, module, name)
        assert p.dtype == like.dtype, f"{what}: .{name} is {p.dtype}, want {like.dtype}"
        assert p.device == like.device, f"{what}: .{name} is on {p.device}, want {like.device}"


def trains_only(what: str, module: nn.Module, want: Iterable[str]) -> None:
    """The parameters that require a gradient are those of these names."""
    got = [name for name, p in module.named_parameters() if p.requires_grad]
    names_are(got, want, f"{what}: parameters that require a gradient")


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, copied."""
    return {name: t.detach().clone() for name, t in module.state_dict().items()}


def state_is(what: str, module: nn.Module, want: Mapping[str, Tensor]) -> None:
    """These parameters and buffers still have these values, in every bit."""
    now = module.state_dict()
    names_are((name for name in want if name in now), want, f"{what}: state_dict()")
    for name, value in want.items():
        same(now[name].detach(), value, f"{what}: {name}")


def steps(what: str, params: Iterable[Tensor], loss: Callable[[], Tensor]) -> None:
    """20 steps of AdamW with weight decay on what `loss` gives, anew for each step."""
    optimizer = torch.optim.AdamW(params, lr=0.05, weight_decay=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        value = loss()
        assert value.requires_grad, f"{what}: the result needs no gradient, so nothing can train"
        value.backward()
        optimizer.step()


def moves_only(
    what: str, module: nn.Module, want: Iterable[str], run: Callable[[], Tensor]
) -> None:
    """20 steps of an optimizer that holds all parameters move those of these names alone.

    `run` gives the module's result on some input.
    """
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    target = torch.randn_like(run().detach())

    def loss() -> Tensor:
        return nn.functional.mse_loss(tensor(run(), what), target)

    steps(what, list(module.parameters()), loss)
    moved = [n for n, p in module.named_parameters() if not torch.equal(p.detach(), before[n])]
    names_are(moved, want, f"{what}: moved in {STEPS} steps of AdamW over all parameters")


def starts_as(what: str, module: nn.Module, twin: nn.Module, x: Tensor, tol: float = 1e-5) -> None:
    """A new adapter changes nothing: the result is that of the base, of which twin is a copy."""
    with torch.no_grad():
        got, want = result_of(f"{what}, x {tuple(x.shape)}", module, x), twin(x)
    close(got, want, f"{what}: the result on x {tuple(x.shape)}, against the base's", tol)


def places(model: nn.Module) -> dict[str, nn.Module]:
    """{dotted path: module}, every path of a module that has several."""
    return dict(model.named_modules(remove_duplicate=False))


def at(model: nn.Module, path: str) -> Any:
    """What is at the dotted path, attribute by attribute; None where nothing is."""
    found: Any = model
    for key in path.split(".") if path else ():
        found = getattr(found, key, None)
    return found


def remembered(model: nn.Module) -> Callable[[str], None]:
    """A function that is called later: it minds that the model is as it is now.

    That means the objects in it, and requires_grad, modes and values.
    """
    modules, state = places(model), state_of(model)
    params = dict(model.named_parameters(remove_duplicate=False))
    flags = {name: p.requires_grad for name, p in params.items()}
    modes = {name: m.training for name, m in modules.items()}

    def stays(what: str) -> None:
        now, left = places(model), dict(model.named_parameters(remove_duplicate=False))
        other = [name for name in {**modules, **now} if now.get(name) is not modules.get(name)]
        assert not other, f"{what}: another module than before at {', '.join(other)}"
        other = [name for name in {**params, **left} if left.get(name) is not params.get(name)]
        assert not other, f"{what}: another parameter than before at {', '.join(other)}"
        other = [name for name, flag in flags.items() if params[name].requires_grad != flag]
        assert not other, f"{what}: requires_grad has changed of {', '.join(other)}"
        other = [name or "the whole" for name, mode in modes.items() if now[name].training != mode]
        assert not other, f"{what}: the mode has changed of {', '.join(other)}"
        state_is(what, model, state)

    return stays


def in_mixed_modes(model: nn.Module, first: bool = True) -> nn.Module:
    """Every second module is in the mode of the first, the others in the other mode."""
    for i, module in enumerate(model.modules()):
        module.training = first == (i % 2 == 0)
    return model


def modes_are(what: str, model: nn.Module, want: Mapping[str, bool]) -> None:
    """The modules at these dotted paths are in these modes, train (True) or eval (False)."""
    for name, mode in want.items():
        now, shown = model.get_submodule(name).training, name or "the whole"
        assert now == mode, f"{what}: training of {shown} is {now}, want {mode}"


# --- a layer around an nn.Linear ---------------------------------------------------------------


class Wrapper(NamedTuple):
    """A module around an nn.Linear, .base, with a few parameters that train in its place."""

    call: str  # how messages name it; {} stands for the layer that it gets
    make: Callable[[nn.Linear], nn.Module]
    shapes: Callable[[int, int], dict[str, Sizes]]  # of its own parameters, for in and out
    merged: Callable[[Mapping[str, Tensor], Tensor, Tensor | None], tuple[Tensor, Tensor | None]]
    # of its own parameters, weight and bias of base: those of the one layer that does the same

    def around(self, base: nn.Linear) -> tuple[Any, str]:
        """A new one, and how messages name it."""
        sizes = f"{base.in_features}, {base.out_features}"
        bias = "" if base.bias is not None else ", bias=False"
        what = self.call.format(f"nn.Linear({sizes}{bias})")
        return built(what, lambda: self.make(base)), what

    def own(self, layer: nn.Module, what: str) -> dict[str, nn.Parameter]:
        return {name: parameter_of(what, layer, name) for name in self.shapes(1, 1)}

    def filled(self, base: nn.Linear) -> tuple[Any, str]:
        """As it may be after some training: none of its numbers is 0."""
        layer, what = self.around(base)
        for p in self.own(layer, what).values():
            nn.init.uniform_(p, 0.2, 0.9)
        return layer, what

    def linear(self, params: Mapping[str, Tensor], base: nn.Linear, x: Tensor) -> Tensor:
        """What it gives, in float64, as one linear layer with merged weights."""
        exact = {name: p.double() for name, p in params.items()}
        old = None if base.bias is None else base.bias.detach().double()
        weight, bias = self.merged(exact, base.weight.detach().double(), old)
        return functional.linear(x.double(), weight, bias)


def lora(make: Callable[..., nn.Module], rank: int, scale: float | None = 1.0) -> Wrapper:
    """LoRALinear; scale None: none is given, which means 1."""

    def merged(own: Mapping[str, Tensor], weight: Tensor, bias: Tensor | None) -> Any:
        return weight + (1.0 if scale is None else scale) * own["lora_B"] @ own["lora_A"], bias

    options = (rank,) if scale is None else (rank, scale)
    return Wrapper(
        f"LoRALinear({{}}, {', '.join(map(str, options))})",
        lambda base: make(base, *options),
        lambda fan_in, fan_out: {"lora_A": (rank, fan_in), "lora_B": (fan_out, rank)},
        merged,
    )


def ia3(make: Callable[..., nn.Module]) -> Wrapper:
    """IA3Linear."""

    def merged(own: Mapping[str, Tensor], weight: Tensor, bias: Tensor | None) -> Any:
        scale = own["scale"]
        return scale[:, None] * weight, None if bias is None else scale * bias

    return Wrapper("IA3Linear({})", make, lambda _, fan_out: {"scale": (fan_out,)}, merged)


def wrapper_parts(wrapper: Wrapper) -> None:
    for bias in (True, False):
        base = nn.Linear(7, 5, bias)
        held = list(base.state_dict())
        layer, what = wrapper.around(base)
        got = getattr(layer, "base", None)
        assert got is base, f"{what}: .base is {got!r}, another object than the layer that came"
        own = wrapper.shapes(7, 5)
        has_parameters(what, layer, own)
        want = [*own, *(f"base.{name}" for name in held)]
        names_are(layer.state_dict(), want, f"{what}: state_dict()")


def wrapper_starts(wrapper: Wrapper) -> None:
    for bias, shape in ((True, (3, 7)), (False, (2, 4, 7))):
        base = nn.Linear(7, 5, bias)
        twin = copy.deepcopy(base)
        layer, what = wrapper.around(base)
        starts_as(f"a new {what}", layer, twin, torch.randn(shape))


def wrapper_freezes(wrapper: Wrapper) -> None:
    for bias in (True, False):
        base = nn.Linear(7, 5, bias)
        before = state_of(base)
        layer, what = wrapper.around(base)
        own, x = list(wrapper.shapes(7, 5)), torch.randn(6, 7)
        trains_only(what, layer, own)
        moves_only(what, layer, own, partial(layer, x))
        state_is(f"{what}, after 20 steps: base, against what it was", base, before)


def wrapper_computes(
    wrapper: Wrapper, sizes: Iterable[Sizes] = ((4, 7), (5, 7), (5, 3, 7))
) -> None:
    """Also where there are as many rows as features; anew after base's weights were replaced."""
    for bias in (True, False):
        layer, what = wrapper.filled(nn.Linear(7, 5, bias))
        for how in ("", ", its base's numbers replaced by others"):
            for shape in sizes:
                x = torch.randn(shape)
                want = wrapper.linear(wrapper.own(layer, what), layer.base, x).float()
                got = result_of(f"{what}{how}, x {shape}", layer, x)
                close(got, want, f"{what}{how}, x {shape}: the result")
            state = {name: value + 0.5 for name, value in layer.base.state_dict().items()}
            layer.base.load_state_dict(state, assign=True)


def wrapper_trains(wrapper: Wrapper) -> None:
    """20 steps beside a twin: merged weights, through which plain autograd trains the same."""
    for bias in (True, False):
        layer, what = wrapper.filled(nn.Linear(7, 5, bias))
        own = wrapper.own(layer, what)
        twin = {name: p.detach().double().requires_grad_() for name, p in own.items()}
        base = copy.deepcopy(layer.base)
        x, target = torch.randn(6, 3, 7, requires_grad=True), torch.randn(6, 3, 5)
        exact = x.detach().double().requires_grad_()
        mine, right = (
            torch.optim.SGD(p.values(), lr=0.1, momentum=0.9, weight_decay=0.01)
            for p in (own, twin)
        )
        for step in range(1, STEPS + 1):
            want = wrapper.linear(twin, base, exact)
            for out, optimizer, wanted in (
                (layer(x), mine, target),
                (want, right, target.double()),
            ):
                optimizer.zero_grad()
                loss = functional.mse_loss(out, wanted)
                assert loss.requires_grad, f"{what}: the result needs no gradient"
                loss.backward()
            for name, got, wish in [("x", x, exact), *((n, own[n], twin[n]) for n in own)]:
                how = f"{what}, gradient of {name} at step {step} of SGD"
                assert got.grad is not None, f"{how}: none arrives"
                close(got.grad.double(), wish.grad, f"{how}, against the formula's", 1e-4)
            x.grad = exact.grad = None
            mine.step(), right.step()
        for name, p in own.items():
            close(p.detach().double(), twin[name].detach(), f"{what}, after 20 steps: {name}", 1e-4)


def wrapper_dtypes(wrapper: Wrapper) -> None:
    for dtype, tol in ((torch.float64, 1e-10), (torch.bfloat16, 5e-2), (torch.float32, 1e-5)):
        layer, what = wrapper.filled(nn.Linear(7, 5, dtype=dtype))
        what, x = f"{what}, {dtype}", torch.randn(4, 7).to(dtype)
        made_like(what, layer, wrapper.shapes(7, 5), torch.empty((), dtype=dtype))
        got = result_of(f"{what}, x {dtype}", layer, x)
        assert got.dtype == dtype, f"{what}, x {dtype}: result {got.dtype}, want {dtype}"
        want = wrapper.linear(wrapper.own(layer, what), layer.base, x)
        close(got.double(), want, f"{what}: the result, against float64", tol)
    what = wrapper.call.format("a layer on the meta device")
    layer = built(what, lambda: wrapper.make(nn.Linear(7, 5, device="meta")))
    made_like(what, layer, wrapper.shapes(7, 5), torch.empty((), device="meta"))
    layer, what = wrapper.around(nn.Linear(7, 5))
    on_other_device(what, layer, torch.randn(3, 7))


def wrapper_inputs(wrapper: Wrapper) -> None:
    layer, what = wrapper.filled(nn.Linear(7, 5))
    leading_sizes(what, layer, 5, {"x": 7})
    for shape in ((4, 3, 7), (5, 7)):
        x = strided(*shape)
        with unchanged(f"{what}, x {shape}, not contiguous", x):
            got = result_of(f"{what}, x {shape}, not contiguous", layer, x)
        want = layer(x.contiguous())
        close(got, want, f"{what}, x {shape}, not contiguous: the result, against contiguous x")


def wrapper_modes(wrapper: Wrapper) -> None:
    for mode in (True, False):
        layer, what = wrapper.filled(nn.Linear(7, 5).train(mode))
        modes_are(
            f"{what}, the layer in {'train' if mode else 'eval'} mode",
            layer,
            {"": mode, "base": mode},
        )
        x = torch.randn(40, 7)
        got, want = layer.train()(x), layer.eval()(x)
        close(got, want, f"{what}: the result in train mode, against eval mode")


def wrapper_memory(wrapper: Wrapper) -> None:
    for mode in (True, False):
        layer, what = wrapper.filled(nn.Linear(12, 10))
        layer.base.requires_grad_(False)  # another label minds where it trains
        x, old = torch.randn(1, 12, requires_grad=True), layer.base.weight.untyped_storage()
        layer.train(mode)
        for grad in (True, False):
            with BigTensors(120) as big, torch.set_grad_enabled(grad):
                out = layer(x)
                if grad:
                    out.sum().backward()
            assert big.seen, f"{what} called no op of torch"
            made = [t for t in big.made if t.untyped_storage().data_ptr() != old.data_ptr()]
            how = "forward and backward" if grad else "forward under no_grad"
            assert not made, (
                f"{what}, {'train' if mode else 'eval'} mode, x (1, 12), {how}: it makes a tensor "
                f"{tuple(made[0].shape)}, want none of 120 elements or more"
            )


# --- modules that bring parameters of their own ------------------------------------------------


def holds_only(what: str, module: nn.Module, shapes: Mapping[str, Sizes]) -> None:
    """These parameters, by name and shape, and no other; nothing else is saved or a buffer."""
    has_parameters(what, module, shapes)
    names_are(dict(module.named_parameters()), shapes, f"{what}: parameters")
    names_are(module.state_dict(), shapes, f"{what}: state_dict()")


def zeros_are(what: str, values: Tensor) -> None:
    other = values.detach()[values.detach() != 0]
    assert not len(other), (
        f"{what}: {len(other)} of its {values.numel()} numbers are not 0, for one {other[0]:.4g}, "
        "want zeros"
    )


def drawn_anew(what: str, make: Callable[[], Tensor]) -> None:
    """Each time other numbers, all different, by torch's global generator. `make` gives many."""
    first, second = make().detach().clone(), make().detach().clone()
    assert not torch.equal(first, second), f"{what}, of two new ones: twice the same numbers"
    different, n = first.unique().numel(), first.numel()
    assert 6 * different > 5 * n, f"{what}: {different} different numbers in {n} places"
    again = []
    for _ in range(2):
        torch.manual_seed(1)
        again.append(make().detach().clone())
    alike = torch.equal(*again)
    assert alike, f"{what}, made twice after torch.manual_seed(1): different numbers, want the same"


class Call(nn.Module):
    """module.method(..., *more) as a module, its parameters under their own names."""

    def __init__(self, module: nn.Module, method: str, *more: Any) -> None:
        super().__init__()
        self.of, self.method, self.more = module, method, more

    def forward(self, *inputs: Any) -> Tensor:
        return getattr(self.of, self.method)(*inputs, *self.more)

    def named_parameters(self, *args: Any, **more: Any) -> Iterator[tuple[str, nn.Parameter]]:
        return self.of.named_parameters(*args, **more)


# --- a frozen sublayer and an adapter in one block ---------------------------------------------


class Level(nn.Module):
    """x times a bare parameter, whose name is neither weight nor bias."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.rand(size) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.level


def deep(d_in: int, d: int) -> nn.Module:
    """(B, D_in) -> (B, D) with BatchNorm, dropout and a bare parameter inside; partly frozen."""
    inner = nn.Sequential(nn.Sequential(nn.BatchNorm1d(9), Level(9)), nn.Dropout(0.4))
    made = nn.Sequential(nn.Linear(d_in, 9), inner, nn.Linear(9, d))
    made[0].requires_grad_(False)
    return made


class Block(NamedTuple):
    """A block that freezes a sublayer, d_in -> 7 features, and trains an adapter of 7."""

    name: str
    make: Callable[[nn.Module, nn.Module], nn.Module]
    adapter: Callable[[int, int], nn.Module]
    d_in: int
    result: Callable[[nn.Module, nn.Module, Tensor], Tensor]  # of sublayer, adapter and x

    def around(self, sublayer: nn.Module, adapter: nn.Module, shown: str) -> tuple[nn.Module, str]:
        """A new one, and how messages name it."""
        what, block = f"{self.name}({shown}, adapter)", self.make(sublayer, adapter)
        assert isinstance(block, nn.Module), f"{what} is a {type(block).__name__}"
        return block, what

    def cases(self, n: int = 3) -> Iterator[tuple[nn.Module, nn.Module, str, Tensor]]:
        """Sublayer, adapter, the sublayer's name and x, in train mode; the first n."""
        cases = (
            (nn.Linear(self.d_in, 7), self.adapter(7, 2), "nn.Linear", self.d_in),
            (deep(self.d_in, 7), self.adapter(7, 3), "a deep sublayer", self.d_in),
            (nn.Dropout(0.5), self.adapter(6, 8), "nn.Dropout", 6),
        )
        for sublayer, adapter, shown, d_in in cases[:n]:
            nn.init.ones_(adapter.down.bias)  # its ReLU lets something pass, whatever was drawn
            yield sublayer, adapter, shown, torch.randn(9, d_in)


def block_parts(of: Block) -> None:
    for sublayer, adapter, shown, _ in of.cases():
        given = {"sublayer": sublayer, "adapter": adapter}
        state = {f"{key}.{n}": t for key, m in given.items() for n, t in state_of(m).items()}
        block, what = of.around(sublayer, adapter, shown)
        for key, module in given.items():
            assert hasattr(block, key), f"{what}: .{key} is missing"
            got = getattr(block, key)
            kind = type(got).__name__
            assert got is module, f"{what}: .{key}, a {kind}, is another object than was given"
        names_are(block.state_dict(), state, f"{what}: state_dict()")
        held = dict(block.named_parameters()) | dict(block.named_buffers())
        names_are(held, state, f"{what}: parameters and buffers")
        state_is(f"a new {what}, values against those before", block, state)


def block_frozen(of: Block) -> None:
    for sublayer, adapter, shown, x in of.cases():
        want = [f"adapter.{name}" for name, _ in adapter.named_parameters()]
        block, what = of.around(sublayer, adapter, shown)
        trains_only(what, block, want)
        how = f"{what}, x {tuple(x.shape)}"
        moves_only(how, block, want, lambda how=how, block=block, x=x: result_of(how, block, x))


def block_forward(of: Block) -> None:
    """In eval mode; over 20 steps of SGD beside a twin, whose sublayer is a frozen copy."""
    for sublayer, adapter, shown, x in of.cases(2):
        x, sublayer, adapter = x.double(), sublayer.double().eval(), adapter.double().eval()
        twin, apart = copy.deepcopy((sublayer, adapter))
        twin.requires_grad_(False)
        block, what = of.around(sublayer, adapter, shown)
        block.eval()
        mine, right = (
            torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
            for m in (adapter, apart)
        )
        for step in range(STEPS + 1):
            how = f"{what}, {'new' if not step else f'after {step} steps'}, x {tuple(x.shape)}"
            out, want = result_of(how, block, x.clone()), of.result(twin, apart, x)
            close(out.double(), want, f"{how}: out", 1e-6)
            for result, optimizer in ((out, mine), (want, right)):
                optimizer.zero_grad()
                (result - 3).square().mean().backward()
                optimizer.step()
        if shown == "nn.Linear":  # nothing in it differs by mode
            how = f"{what}, in train mode, x {tuple(x.shape)}"
            out = result_of(how, block.train(), x.clone())
            close(out.double(), of.result(twin, apart, x), f"{how}: out", 1e-6)


def block_gradients(of: Block) -> None:
    for sublayer, adapter, shown, x in of.cases(2):
        for p in adapter.parameters():
            nn.init.uniform_(p, -0.7, 0.7)
        block, what = of.around(sublayer, adapter, shown)
        gradients_flow(what, block, {"x": x})


def block_modes(of: Block) -> None:
    sublayer, adapter = deep(of.d_in, 7), of.adapter(7, 2)
    block, what = of.around(sublayer, adapter, "a deep sublayer")
    norm = next(m for m in sublayer.modules() if isinstance(m, nn.BatchNorm1d))
    seen = list[tuple[str, bool]]()
    parts = [*sublayer.named_modules(prefix="sublayer"), *adapter.named_modules(prefix="adapter")]
    for name, part in parts:
        part.register_forward_hook(lambda m, *_, name=name: seen.append((name, m.training)))
    for mode in (True, False, True):
        call = f"{what}, a call after {'train()' if mode else 'eval()'}"
        block.train(mode)
        seen.clear()
        before = norm.running_mean.clone()
        result_of(call, block, torch.randn(9, of.d_in))
        assert seen, f"{call}: neither the sublayer nor the adapter was called"
        wrong = [name for name, training in seen if training != mode]
        want = "train" if mode else "eval"
        assert not wrong, f"{call}: {', '.join(wrong)} not in {want} mode, want all in it"
        moved = not torch.equal(norm.running_mean, before)
        assert moved == mode, f"{call}: BatchNorm's running_mean moved: {moved}, want {mode}"


def block_kept(of: Block) -> None:
    for sublayer, adapter, shown, _ in of.cases():
        for mode in (True, False):
            parts = {"sublayer": sublayer.train(mode), "adapter": adapter.train(not mode)}
            [*sublayer.modules()][-1].train(not mode)  # a part may have a mode of its own
            next(adapter.parameters()).requires_grad_(mode)
            all_of = [
                (k, m) for key, part in parts.items() for k, m in part.named_modules(None, key)
            ]
            modes = {name: module.training for name, module in all_of}
            flags = {name: p.requires_grad for name, p in adapter.named_parameters()}
            _, what = of.around(sublayer, adapter, shown)
            for name, module in all_of:
                got, want = module.training, modes[name]
                assert got == want, f"a new {what}: {name}.training is {got}, it was {want} before"
            for name, p in adapter.named_parameters():
                got, want = p.requires_grad, flags[name]
                assert got == want, (
                    f"a new {what}: adapter.{name}.requires_grad is {got}, it was {want} before"
                )


def block_hooks(of: Block, counted: Iterable[str] = ("sublayer", "adapter")) -> None:
    for sublayer, adapter, shown, x in of.cases():
        block, what = of.around(sublayer, adapter, shown)
        calls = list[str]()
        for key, part in (("sublayer", sublayer), ("adapter", adapter)):
            part.register_forward_hook(lambda *_, key=key, calls=calls: calls.append(key))
        result_of(what, block, x)
        for key in counted:
            n = calls.count(key)
            assert n == 1, f"{what}: one call of the block, the {key}'s hook ran {n} times, want 1"


def block_inputs(of: Block) -> None:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        sublayer, adapter = nn.Linear(of.d_in, 7), of.adapter(7, 2)
        block, what = of.around(sublayer, adapter, "nn.Linear")
        block.to(dtype)
        for lead in ((4,), (), (1,), (2, 3, 4), (0,), (2, 0)):
            x = strided(*lead, of.d_in).to(dtype)
            how = f"{what}, x {tuple(x.shape)} {dtype}"
            with unchanged(how, x):
                out = result_of(how, block, x)
            assert out.dtype == dtype, f"{how}: out is {out.dtype}"
            want = (*lead, 7)
            assert out.shape == want, f"{how}: out has shape {tuple(out.shape)}, want {want}"
    block, what = of.around(nn.Dropout(0.5).eval(), of.adapter(6, 2), "nn.Dropout in eval mode")
    for p in block.adapter.parameters():
        nn.init.ones_(p)
    for grad in (True, False):
        x = torch.rand(4, 6)
        how = f"{what}, which gives back x itself{'' if grad else ', under no_grad'}"
        with unchanged(how, x), torch.set_grad_enabled(grad):
            result_of(how, block, x)
    block, what = of.around(nn.Linear(of.d_in, 7), of.adapter(7, 2), "nn.Linear")
    on_other_device(what, block, torch.randn(3, of.d_in))


# --- a function that puts such wrappers into a model -------------------------------------------


class Injection(NamedTuple):
    """It takes a model and, where by_name, the dotted paths of layers; returns (model, params)."""

    name: str
    inject: Callable[[nn.Module, list[str]], Any]
    wrapper: str  # the name of the given class
    kind: Wrapper
    options: str  # what else is given in the call, as messages show it
    by_name: bool = True

    def call(self, model: nn.Module, names: Sequence[str], layers: Sequence[str] = ()) -> str:
        """How messages name a call on a model with these layers, or those that it has now."""
        inside = (n for n, m in model.named_modules() if n and isinstance(m, nn.Linear))
        there = ", ".join(layers or inside) or "no linear layers"
        given = f"model, {list(names)}" if self.by_name else "model"
        return f"{self.name}({given}{self.options}), model with {there}"

    def run(self, what: str, model: nn.Module, names: list[str]) -> Any:
        """What it returns; where it crashes, a message that says on what."""
        try:
            return self.inject(model, names)
        except NotImplementedError as error:
            if len(str(error).split()) <= 1:
                raise  # an open hole
            raise AssertionError(f"{what}: not possible there. It says: {error}") from error
        except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
            says = " ".join(str(error).split())
            says = f"{says[:120]} ..." if len(says) > 120 else says
            kind = type(error).__name__
            raise AssertionError(f"{what}: {kind}, want no error. It says: {says}") from error

    def wrapped(self, what: str, model: nn.Module, names: Iterable[str]) -> dict[str, nn.Module]:
        """What is now at these places: wrappers, as far as their parameters tell."""
        found = {}
        for name in names:
            now = at(model, name)
            kind = type(now).__name__
            right = now is not None and hasattr(now, "base") and not isinstance(now, nn.Linear)
            want = f"want {'an' if self.wrapper.startswith('I') else 'a'} {self.wrapper}"
            assert right and now, f"{what}: the model that came has a {kind} at {name}, {want}"
            found[name] = now
        return found

    def learners(self, names: Iterable[str]) -> list[str]:
        """The names of the parameters that train where these layers are wrapped."""
        return [f"{name}.{own}" for name in names for own in self.kind.shapes(1, 1)]

    def refuses(
        self, model: nn.Module, names: Sequence[str], error: type[Exception]
    ) -> tuple[str, str]:
        """How messages name the call, and what the error says."""
        what = self.call(model, names)
        try:
            self.inject(model, list(names))
        except error as raised:
            return what, " ".join(map(str, raised.args))
        except Exception as raised:
            if isinstance(raised, NotImplementedError) and len(str(raised).split()) <= 1:
                raise  # an open hole
            raise AssertionError(f"{what}: {raised!r}, want {error.__name__}") from raised
        raise AssertionError(f"{what}: no error, want {error.__name__}")


class Deep(nn.Module):
    """(N, 5) -> (N, 4): linear layers in containers of each kind, a norm, a bare parameter."""

    names = ("stem.0", "blocks.0.fc", "blocks.1.fc", "heads.out")

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU())
        pair = nn.Linear(6, 7), nn.Linear(7, 6)
        self.blocks = nn.ModuleList(nn.Sequential(OrderedDict(fc=layer)) for layer in pair)
        self.gain = nn.Parameter(torch.rand(6) + 0.5)
        self.heads = nn.ModuleDict({"out": nn.Linear(6, 4, bias=False)})

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        for block in self.blocks:
            h = torch.tanh(block(h))
        return self.heads["out"](h * self.gain)


class Shared(nn.Module):
    """(N, 5) -> (N, 4): one layer has three places, blocks.0 has two."""

    names = ("stem", "again", "third", "blocks.0.fc", "blocks.1.fc", "blocks.2.fc", "out")
    same = (("again", "third", "blocks.1.fc"), ("blocks.0.fc", "blocks.2.fc"), ("stem",), ("out",))

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(5, 6)
        self.again = self.third = nn.Linear(6, 6)
        pair = nn.Linear(6, 6), self.again
        blocks = [nn.Sequential(OrderedDict(fc=layer)) for layer in pair]
        self.blocks = nn.ModuleList([*blocks, blocks[0]])
        self.out = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        for block in self.blocks:
            h = h + torch.tanh(block(h))
        return self.out(self.again(h) - 2 * self.third(h.sin()))


class Namesakes(nn.Module):
    """(N, 5) -> (N, 4): its own parts have the names that a wrapper's parts have."""

    names = ("base", "blocks.0.base", "blocks.1.base")

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Linear(5, 6)
        pair = nn.Linear(6, 6), nn.Linear(6, 4)
        self.blocks = nn.ModuleList(nn.Sequential(OrderedDict(base=layer)) for layer in pair)
        for name in ("lora_A", "lora_B", "scale"):
            self.blocks.register_parameter(name, nn.Parameter(torch.rand(6)))

    def forward(self, x: Tensor) -> Tensor:
        blocks: Any = self.blocks
        h = self.base(x) * blocks.lora_A
        return blocks[1](blocks[0](h + blocks.lora_B) * blocks.scale)


class Special(nn.Linear):
    """Another class of linear layer."""


class Odd(nn.Module):
    """(N, 5) -> (N, 4): a subclass of nn.Linear, and None in place of two modules."""

    names = ("special", "last.1")

    def __init__(self) -> None:
        super().__init__()
        self.register_module("before", None)
        self.special = Special(5, 6)
        self.last = nn.Sequential(nn.Tanh(), nn.Linear(6, 4))
        self.last.register_module("skip", None)

    def forward(self, x: Tensor) -> Tensor:
        return self.last[1](self.last[0](self.special(x)))


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 9), nn.Tanh(), nn.Linear(9, 4))


def calls(injection: Injection) -> Iterator[tuple[nn.Module, list[str]]]:
    """A fresh model and names of some of its layers, none of which has two places."""
    for make, names in (
        (plain, ["2"]),
        (Deep, ["blocks.0.fc"]),
        (Deep, ["heads.out", "stem.0"]),
    ):
        model = make()
        all_of_them = [n for n, m in model.named_modules() if isinstance(m, nn.Linear)]
        yield model, names if injection.by_name else all_of_them


def others_are(what: str, model: nn.Module, before: Mapping[str, Any], names: Any) -> None:
    """At every place but these is the object that was there before."""
    for name, old in before.items():
        if name not in names:
            now = at(model, name)
            kind, was = type(now).__name__, type(old).__name__
            other = f"a {kind}" if kind != was else f"another {kind}"
            assert now is old, f"{what}: at {name} is {other}, want the {was} of before"


def params_hold(what: str, model: nn.Module, returned: Any, want: Iterable[str]) -> None:
    """These are among the params returned, once each. Another label minds all the rest."""
    names = {id(p): name for name, p in model.named_parameters()}
    try:
        got = [names.get(id(p), "a tensor that the model does not have") for p in returned[1]]
    except (TypeError, LookupError):
        return
    missing = [name for name in want if name not in got]
    assert not missing, f"{what}: params: missing: {', '.join(missing)}"
    twice = sorted({name for name in got if got.count(name) > 1})
    assert not twice, f"{what}: params holds {', '.join(twice)} more than once"


def trains(what: str, model: nn.Module, want: Iterable[str]) -> None:
    """These require a gradient. Another label minds what else does."""
    flags = {name: p.requires_grad for name, p in model.named_parameters()}
    missing = [name for name in want if not flags.get(name)]
    assert not missing, f"{what}: parameters that require a gradient: missing: {', '.join(missing)}"


def params_are(what: str, model: nn.Module, returned: Any, want: Sequence[str]) -> None:
    """returned is (model, params); params is a list that holds these parameters, each once."""
    pair = isinstance(returned, tuple) and len(returned) == 2
    kind = type(returned).__name__
    assert pair, f"{what} returned a {kind}, want a tuple of the model and a list"
    assert returned[0] is model, f"{what} returned another model, want the one that came"
    kind = type(returned[1]).__name__
    assert isinstance(returned[1], list), f"{what}: params is a {kind}, want a list"
    names = {id(p): name for name, p in model.named_parameters()}
    got = [names.get(id(p), "a tensor that the model does not have") for p in returned[1]]
    names_are(got, want, f"{what}: params")
    params_hold(what, model, returned, want)


def inject_exchanges(injection: Injection) -> None:
    for model, names in calls(injection):
        what, before = injection.call(model, names), places(model)
        injection.run(what, model, list(names))
        found = injection.wrapped(what, model, names)
        others_are(what, model, before, names)
        for name, layer in found.items():
            base: Any = before[name]
            right = getattr(layer, "base", None) is base
            want = "the very layer that was there"
            assert right, f"{what}: the base of {name} is another object, want {want}"
            shapes = injection.kind.shapes(base.in_features, base.out_features)
            has_parameters(f"{what}: at {name}", layer, shapes)
            own = injection.kind.own(layer, f"{what}: {name}")
            for p in own.values():
                nn.init.uniform_(p, 0.2, 0.9)
            x = torch.randn(3, base.in_features)
            got, exact = layer(x), injection.kind.linear(own, base, x).float()
            how = f"{what}: what {name} gives, its parameters filled,"
            close(got, exact, f"{how} against the merged weight", 1e-4)


def inject_returns(injection: Injection) -> None:
    for model, names in calls(injection):
        what, given = injection.call(model, names), list(names)
        returned = injection.run(what, model, given)
        assert given == names, f"{what}: the list of names is {given} afterwards"
        params_are(what, model, returned, injection.learners(names))


def inject_freezes(injection: Injection) -> None:
    for model, names in calls(injection):
        what, frozen = injection.call(model, names), list(model.parameters())[0]
        frozen.requires_grad_(False)
        injection.run(what, model, list(names))
        want = injection.learners(names)
        trains_only(what, model, want)
        x = torch.randn(6, 5)
        moves_only(what, model, want, partial(model, x))


def inject_starts(injection: Injection) -> None:
    for i, (model, names) in enumerate([*calls(injection), *calls(injection)]):
        in_mixed_modes(model, i < 3)
        what, twin = injection.call(model, names), copy.deepcopy(model)
        held = dict([*model.named_parameters(), *model.named_buffers()])
        injection.run(what, model, list(names))
        modes_are(what, model, {name: m.training for name, m in places(twin).items()})
        for name, old in [*twin.named_parameters(), *twin.named_buffers()]:
            same(held[name].detach(), old.detach(), f"{what}: {name}, against what it was")
        starts_as(f"{what}, then", model.eval(), twin.eval(), torch.randn(6, 5))


def inject_refuses_names(injection: Injection) -> None:
    for names in (
        ["stem.7"],
        ["stem.0", "heads.in"],
        ["stem"],
        ["stem.1"],
        ["heads.out", "stem.0.weight"],
        ["fc"],
    ):
        what, said = injection.refuses(Deep(), names, KeyError)
        all_named(what, said, Deep.names)
    what, said = injection.refuses(Namesakes(), ["base", "blocks.lora_A"], KeyError)
    all_named(what, said, Namesakes.names)


def all_named(what: str, said: str, names: Iterable[str]) -> None:
    """The text names each of these layers, not only a part of it."""
    missing = [n for n in names if not re.search(rf"\b{re.escape(n)}(?!\.?\w)", said)]
    assert not missing, f"{what}: the KeyError says {said!r}, missing: {', '.join(missing)}"


def inject_again(injection: Injection, rounds: Sequence[list[str]]) -> None:
    """Calls on one model, one after the other; without names new layers come in between."""
    model, adapted = Deep(), dict[str, tuple[Any, ...]]()
    for i, names in enumerate(rounds, 1):
        what = f"call {i} on the same model: {injection.call(model, names, Deep.names)}"
        if not injection.by_name and i > 1:
            for name in names:
                out, into = parameter_sizes(model, name)
                model.set_submodule(name, nn.Linear(into, out))
                del adapted[name]
            what += f", {' and '.join(names) or 'none'} of them new"
        if i > 1:
            model.requires_grad_(False).eval()
            what += ", all of it frozen and in eval mode"
        values = {name: state_of(layer) for name, (layer, *_) in adapted.items()}
        returned = injection.run(what, model, list(names))
        for name, (layer, base, *own) in adapted.items():
            now: Any = at(model, name)
            right = now is layer and now.base is base and [*now.parameters(recurse=False)] == own
            assert right, f"{what}: {name} is another {injection.wrapper} than after call {i - 1}"
            modes_are(what, model, {name: False, f"{name}.base": False})
            state_is(f"{what}: {name}", layer, values[name])
        for name, layer in injection.wrapped(what, model, dict.fromkeys(names)).items():
            inner = getattr(layer, "base", None)
            kind, right = type(inner).__name__, isinstance(inner, nn.Linear)
            assert right, f"{what}: the base of {name} is a {kind}, want an nn.Linear"
            adapted[name] = (layer, inner, *layer.parameters(recurse=False))
        trains(what, model, injection.learners(adapted))
        params_hold(what, model, returned, injection.learners(adapted))


def parameter_sizes(model: nn.Module, name: str) -> Sizes:
    """(out, in) of the layer at this place, wrapped or not."""
    layer: Any = model.get_submodule(name)
    return tuple(getattr(layer, "base", layer).weight.shape)


def inject_shares(injection: Injection) -> None:
    for names in (["again"], ["blocks.1.fc"], ["third", "blocks.2.fc", "blocks.1.fc"]):
        model = Shared()
        what, before = injection.call(model, names, Shared.names), places(model)
        what += ", of which " + " and ".join(" = ".join(some) for some in Shared.same[:2])
        returned = injection.run(what, model, list(names))
        chosen = [p for p in Shared.same if not injection.by_name or set(p) & set(names)]
        now = injection.wrapped(what, model, [n for some in chosen for n in some])
        for first, *others in chosen:
            for other in others:
                right = now[first] is now[other]
                want = f"one {injection.wrapper}, as it was one layer"
                assert right, f"{what}: {first} and {other} are two objects, want {want}"
        others_are(what, model, before, now)
        firsts = [n for n, m in model.named_modules() if m in now.values()]
        params_hold(what, model, returned, injection.learners(firsts))


def inject_spares_namesakes(injection: Injection) -> None:
    names = list(Namesakes.names)
    for some in (names, names[1:2]) if injection.by_name else (names,):
        model = Namesakes()
        what, before = injection.call(model, some), places(model)
        injection.run(what, model, list(some))
        injection.wrapped(what, model, some)
        others_are(what, model, before, some)
        want = injection.learners(some)
        trains(what, model, want)
        more = [n for n, p in model.named_parameters() if p.requires_grad and n not in want]
        if all(n.startswith("blocks.") and n.count(".") == 1 for n in more):  # else see `frozen`
            assert not more, f"{what}: {', '.join(more)} of the model's own require a gradient"


def inject_takes_kinds(injection: Injection) -> None:
    for dtype, device in (
        (torch.float32, "cpu"),
        (torch.float64, "cpu"),
        (torch.bfloat16, "cpu"),
        (torch.float32, "meta"),
    ):
        model, names = Odd().to(device, dtype), list(Odd.names)
        what = f"{injection.call(model, names)}, in {dtype} on {device}; special's class is Special"
        before = places(model)
        injection.run(what, model, list(names))
        injection.wrapped(what, model, names)
        others_are(what, model, before, names)
        like = torch.empty((), dtype=dtype, device=device)
        made_like(what, model, injection.learners(names), like)
        out = result_of(what, model, torch.randn(6, 5).to(like))
        assert out.dtype == dtype, f"{what}: the model's result is {out.dtype}, want {dtype}"


def inject_refuses_bases(injection: Injection) -> None:
    """After a call: a wrapper's base is no linear layer, wherever it is held."""
    for names in (["blocks.0.fc", "stem.0.base"], ["also"]):
        model = Deep()
        injection.run(injection.call(model, ["stem.0"]), model, ["stem.0"])
        model.also = model.stem[0].base
        said = (
            f"after a call for stem.0, model.also = model.stem[0].base, {injection.name}: {names}"
        )
        try:
            injection.inject(model, names)
        except NotImplementedError:
            raise
        except Exception as error:
            text = " ".join(map(str, error.args))
            if "blocks.1.fc" in text:  # another label minds where it lists nothing
                all_named(said, text, Deep.names)
        else:
            raise AssertionError(f"{said}: no error, want KeyError: a base is no linear layer")


def inject_fails_whole(injection: Injection) -> None:
    """Names that are wrong, after others that are not; none; and that of the model itself."""
    inject_leaves_all(injection, Deep(), [], ValueError)
    for names in (["stem.0", "heads.in"], ["stem.0", "blocks"]):
        inject_leaves_all(injection, Deep(), names, KeyError, is_due=False)
    for model, names in ((Deep(), ["stem.0", ""]), (nn.Linear(5, 4), [""])):
        inject_leaves_all(injection, model, names, KeyError)


def inject_leaves_all(
    injection: Injection,
    model: nn.Module,
    names: list[str],
    error: type[Exception],
    is_due: bool = True,
) -> None:
    """After an error the model is as it was. Not due: another label minds where none comes."""
    what = injection.call(in_mixed_modes(model), names)
    list(model.parameters())[0].requires_grad_(False)
    stays = remembered(model)
    if is_due:
        injection.refuses(model, names, error)
    else:
        try:
            injection.inject(model, list(names))
        except NotImplementedError:
            raise
        except Exception:
            stays(f"{what}, after its error")
        return
    stays(f"{what}, after its {error.__name__}")
