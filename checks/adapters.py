"""What checks of adapters have in common: a frozen base, and something small that learns."""

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from checks.modules import gradients_flow, keeps_dtypes, keeps_inputs, leading_sizes, ramp
from checks.tools import (
    BigTensors,
    attempt,
    close,
    equal,
    filled,
    names_are,
    result_of,
    same,
    unchanged,
)

STEPS = 6
MODES = {True: "train mode", False: "eval mode"}
Sizes = tuple[int, ...]
Shapes = Mapping[str, Sizes]
Make = Callable[..., nn.Module]
Run = Callable[[], Tensor]


def a(thing: Any) -> str:
    """Its class, or the name itself, with an article."""
    name = thing if isinstance(thing, str) else type(thing).__name__
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"


def at(model: Any, path: str) -> Any:
    """What is at the dotted path, attribute by attribute; None where nothing is."""
    for key in filter(None, path.split(".")):
        model = getattr(model, key, None)
    return model


def parameter_of(what: str, module: nn.Module, name: str) -> nn.Parameter:
    found = at(module, name)
    assert found is not None, f"{what}: .{name} is missing"
    assert isinstance(found, nn.Parameter), f"{what}: .{name} is {a(found)}, want an nn.Parameter"
    return found


def has_parameters(what: str, module: nn.Module, shapes: Shapes, like: Any = None) -> None:
    """These parameters are there, by name and shape, with dtype and device of `like`."""
    for name, want in shapes.items():
        p = parameter_of(what, module, name)
        equal(f"{what}: .{name} has shape", tuple(p.shape), want)
        kinds = (f"{t.dtype} on {t.device}" for t in (p, p if like is None else like))
        equal(f"{what}: .{name} is", *kinds)


def trains_only(what: str, module: nn.Module, want: Iterable[str]) -> None:
    """The parameters that require a gradient are those of these names."""
    got = [name for name, p in module.named_parameters() if p.requires_grad]
    names_are(got, want, f"{what}: parameters that require a gradient")


def state_is(what: str, module: nn.Module, want: Mapping[str, Tensor]) -> None:
    """These parameters and buffers, where they are there, still have these values."""
    for name, now in module.state_dict().items():
        same(now.detach(), want.get(name, now), f"{what}: {name}, against what it was")


def moves_only(what: str, module: nn.Module, want: Iterable[str], run: Run) -> None:
    """A few steps of AdamW over all parameters, on what `run` gives, move those of these names."""
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    target = torch.randn_like(result_of(what, run).detach())
    optimizer = torch.optim.AdamW(list(module.parameters()), lr=0.05, weight_decay=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = functional.mse_loss(result_of(what, run), target)
        assert loss.requires_grad, f"{what}: the result needs no gradient, so nothing can train"
        loss.backward()
        optimizer.step()
    moved = [n for n, p in module.named_parameters() if not torch.equal(p.detach(), before[n])]
    names_are(moved, want, f"{what}: moved in {STEPS} steps of AdamW over all parameters")


def settings(module: nn.Module) -> dict[str, bool]:
    """Modes and flags of all that is in it, by what a message calls them."""
    modes = {f"{n or 'the whole'}.training": m.training for n, m in module.named_modules()}
    return modes | {f"{n}.requires_grad": p.requires_grad for n, p in module.named_parameters()}


def settings_are(what: str, module: nn.Module, want: Mapping[str, bool]) -> None:
    got = settings(module)
    for key, old in want.items():
        equal(f"{what}: {key} is", got.get(key, "gone"), old)


class Wrapper(NamedTuple):
    """A module around an nn.Linear, .base, with a few parameters that train in its place."""

    call: str  # how messages name it; {} stands for the layer that it gets
    make: Make
    shapes: Callable[[int, int], dict[str, Sizes]]  # of its own parameters, for in and out
    merged: Callable[[Mapping[str, Tensor], Tensor, Any], tuple[Tensor, Tensor | None]]
    # of its own parameters, weight and bias of base: those of the one layer that does the same

    def around(self, base: nn.Linear, note: str = "", fill: bool = False) -> tuple[Any, str]:
        """A new one, or as it may be after some training; and how messages name it."""
        sizes = f"{base.in_features}, {base.out_features}"
        what = self.call.format(f"nn.Linear({sizes}{', bias=False' * (base.bias is None)})") + note
        layer = attempt(what, self.make, base)
        assert isinstance(layer, nn.Module), f"{what} is {a(layer)}, want an nn.Module"
        for p in self.own(layer, what).values() if fill else ():
            nn.init.uniform_(p, 0.2, 0.9)
        return layer, what

    def both(self, fill: bool = False) -> Iterator[tuple[Any, str, nn.Linear, nn.Linear]]:
        """Around a layer with a bias and one without; and these, and copies made before."""
        for base in (nn.Linear(7, 5), nn.Linear(7, 5, bias=False)):
            twin = copy.deepcopy(base)
            yield *self.around(base, fill=fill), base, twin

    def own(self, layer: nn.Module, what: str) -> dict[str, nn.Parameter]:
        return {name: parameter_of(what, layer, name) for name in self.shapes(1, 1)}

    def linear(self, own: Mapping[str, Tensor], base: nn.Linear, x: Tensor) -> Tensor:
        """What it gives, in float64, as one linear layer with merged weights."""
        exact = {name: p.double() for name, p in own.items()}
        old = {name: p.detach().double() for name, p in base.named_parameters()}
        return functional.linear(x.double(), *self.merged(exact, old["weight"], old.get("bias")))


def lora(make: Make, rank: int, scale: float | None = 1.0) -> Wrapper:
    """LoRALinear; scale None: none is given, which means 1."""
    options = (rank,) if scale is None else (rank, scale)
    factor = 1.0 if scale is None else scale
    return Wrapper(
        f"LoRALinear({{}}, {', '.join(map(str, options))})",
        lambda base: make(base, *options),
        lambda into, out: {"lora_A": (rank, into), "lora_B": (out, rank)},
        lambda own, W, b: (W + factor * own["lora_B"] @ own["lora_A"], b),
    )


def ia3(make: Make) -> Wrapper:
    return Wrapper(
        "IA3Linear({})",
        make,
        lambda _, out: {"scale": (out,)},
        lambda own, W, b: (own["scale"][:, None] * W, None if b is None else own["scale"] * b),
    )


def wrapper_parts(wrapper: Wrapper) -> None:
    for layer, what, base, twin in wrapper.both():
        got, own = getattr(layer, "base", None), wrapper.shapes(7, 5)
        assert got is base, f"{what}: .base is {got!r}, another object than the layer that came"
        has_parameters(what, layer, own)
        want = [*own, *(f"base.{name}" for name in twin.state_dict())]
        names_are(layer.state_dict(), want, f"{what}: state_dict()")


def wrapper_starts(wrapper: Wrapper) -> None:
    for layer, what, _, twin in wrapper.both():
        x, told = ramp(2, 4, 7), f"a new {what}, x (2, 4, 7) from -1 to 1: y"
        close(result_of(told, layer, x), twin(x), f"{told}, against the base's")


def wrapper_freezes(wrapper: Wrapper) -> None:
    for layer, what, _, _ in wrapper.both():
        trains_only(what, layer, wrapper.shapes(7, 5))
        moves_only(what, layer, wrapper.shapes(7, 5), partial(layer, torch.randn(6, 7)))


def wrapper_computes(wrapper: Wrapper) -> None:
    """Also where there are as many rows as features; anew after base's weights were replaced."""
    for layer, what, _, twin in wrapper.both(fill=True):
        for shape, how in (((4, 7), ""), ((5, 7), ""), ((5, 3, 7), ", base's numbers replaced")):
            if how:
                state = {name: value + 0.5 for name, value in twin.state_dict().items()}
                layer.base.load_state_dict(state, assign=True)
            x, told = torch.randn(shape), f"{what}{how}, x {shape}: y"
            want = wrapper.linear(wrapper.own(layer, what), layer.base, x).float()
            close(result_of(told, layer, x), want, told)


def wrapper_trains(wrapper: Wrapper) -> None:
    """Beside merged weights in float64, through which plain autograd goes; then in eval mode."""
    for layer, what, base, _ in wrapper.both(fill=True):
        layer.train(base.bias is not None)
        what += f", {MODES[layer.training]}"
        leaves = {"x": torch.randn(6, 3, 7, requires_grad=True), **wrapper.own(layer, what)}
        twins = {name: t.detach().double().requires_grad_() for name, t in leaves.items()}
        want = wrapper.linear(twins, base, twins["x"])
        got, upstream = result_of(what, layer, leaves["x"]), torch.randn(want.shape)
        assert got.requires_grad, f"{what}: the result needs no gradient"
        got.backward(upstream)
        want.backward(upstream.double())
        for name, leaf in leaves.items():
            told = f"{what}, gradient of {name}"
            assert leaf.grad is not None, f"{told}: none arrives"
            close(leaf.grad.double(), twins[name].grad, f"{told}, against the formula's", 1e-4)


def wrapper_dtypes(wrapper: Wrapper) -> None:
    tols = {torch.float64: 1e-10, torch.bfloat16: 5e-2, torch.float32: 1e-5}
    for (dtype, tol), bias in product(tols.items(), (True, False)):
        x, base = torch.randn(4, 7).to(dtype), nn.Linear(7, 5, bias, dtype=dtype)
        layer, what = wrapper.around(base, f", all in {dtype}", fill=True)
        has_parameters(what, layer, wrapper.shapes(7, 5), x)
        got, want = result_of(what, layer, x), wrapper.linear(wrapper.own(layer, what), base, x)
        equal(f"{what}: y is", got.dtype, dtype)
        close(got.double(), want, f"{what}: y, against float64", tol)
    base = nn.Linear(7, 5, device="meta")
    layer, what = wrapper.around(base, ", on the meta device")
    has_parameters(what, layer, wrapper.shapes(7, 5), base.weight)


def wrapper_inputs(wrapper: Wrapper) -> None:
    layer, what = wrapper.around(nn.Linear(7, 5), fill=True)
    leading_sizes(what, layer, 5, {"x": 7})
    keeps_inputs(what, layer, {"x": torch.randn(4, 3, 7)})


def wrapper_modes(wrapper: Wrapper) -> None:
    """Compared in both modes as it is, and with other numbers given to it in eval mode."""
    for mode, how in MODES.items():
        layer, what = wrapper.around(nn.Linear(7, 5).train(mode), fill=True)
        want = {key: mode for key in settings(layer) if "training" in key}
        settings_are(f"{what}, the layer in {how}", layer, want)
        twin, x = copy.deepcopy(layer).train(), torch.randn(40, 7)
        close(twin(x), layer.eval()(x), f"{what}: y in train mode, against eval mode")
        for name, p in wrapper.own(layer, what).items():
            p.data += 1
            at(twin, name).data += 1
        close(layer(x), twin(x), f"{what}, in eval mode 1 added to each: y, against train mode")


def wrapper_memory(wrapper: Wrapper) -> None:
    for (n, out), mode, grad in product(((12, 10), (10, 12)), MODES, (True, False)):
        how = f", {MODES[mode]}, x (1, {n}), forward {'and backward' if grad else 'under no_grad'}"
        layer, what = wrapper.around(nn.Linear(n, out), how, fill=True)
        base = layer.base.requires_grad_(False)  # another label minds where it trains
        with BigTensors(n * out) as big, torch.set_grad_enabled(grad):
            y = layer.train(mode)(torch.randn(1, n, requires_grad=True))
            if grad:
                y.sum().backward()
        assert big.seen, f"{what}: no op of torch is called"
        held = base.weight.untyped_storage().data_ptr()
        made = [tuple(t.shape) for t in big.made if t.untyped_storage().data_ptr() != held]
        assert not made, f"{what}: it makes a tensor {made[0]}, want none of {n * out} elements"


def wrapper_draws(wrapper: Wrapper, into: int) -> None:
    """lora_A is drawn by torch's generator, independently, of size 1/sqrt(into)."""
    made = list[Tensor]()
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        layer, what = wrapper.around(nn.Linear(into, 5))
        made.append(parameter_of(what, layer, "lora_A").detach())
    A, unit, what = made[0], into**-0.5, f"{what}, new lora_A"
    std, mean, limit = A.std().item(), A.mean().item(), 12 * unit / A.numel() ** 0.5
    want = f"{0.5 * unit:.4f} to {2 * unit:.4f}"
    assert 0.45 * unit < std < 2.2 * unit, f"{what}: standard deviation {std:.4f}, want {want}"
    assert abs(mean) < limit, f"{what}: mean {mean:.4f}, want 0 within {limit:.4f}"
    equal(f"{what}: a matrix of rank", int(torch.linalg.matrix_rank(A)), min(A.shape))
    same(made[0], made[1], f"{what}: two draws after torch.manual_seed(1)")
    alike = torch.equal(*made[1:])
    assert not alike, f"{what}: the same numbers after torch.manual_seed(1) and (2), want others"


def holds_only(what: str, module: nn.Module, shapes: Mapping[str, Sizes]) -> None:
    """These parameters, by name and shape, and no other; nothing else is saved or a buffer."""
    has_parameters(what, module, shapes)
    names_are(dict(module.named_parameters()), shapes, f"{what}: parameters")
    names_are(module.state_dict(), shapes, f"{what}: state_dict()")


def bottleneck(D: int, m: int) -> dict[str, Sizes]:
    """The parameters of a bottleneck adapter."""
    return {"down.weight": (m, D), "down.bias": (m,), "up.weight": (D, m), "up.bias": (D,)}


def zeros_are(what: str, values: Tensor) -> None:
    n = values.count_nonzero()
    assert not n, f"{what}: {n} of its {values.numel()} numbers are not 0, want zeros"


def drawn_anew(what: str, make: Run) -> None:
    """Each time other numbers, all different, by torch's global generator. `make` gives many."""
    draws = [make().detach().clone() for seed in (2, 3, 1, 1) if torch.manual_seed(seed)]
    assert not torch.equal(*draws[:2]), f"{what}, of two new ones: twice the same numbers"
    different, n = draws[0].unique().numel(), draws[0].numel()
    assert 6 * different > 5 * n, f"{what}: {different} different numbers in {n} places"
    told = f"{what}, made twice after torch.manual_seed(1): different numbers, want the same"
    assert torch.equal(*draws[2:]), told


class Call(nn.Module):
    """module.method(..., *more) as a module, its parameters under their own names."""

    def __init__(self, module: nn.Module, method: str, *more: Any) -> None:
        super().__init__()
        self.of, self.method, self.more = module, method, more

    def forward(self, *inputs: Any) -> Tensor:
        return getattr(self.of, self.method)(*inputs, *self.more)


class Block(NamedTuple):
    """A block that freezes a sublayer, d_in -> 7 features, and trains an adapter of 7."""

    name: str
    make: Make
    adapter: Make
    d_in: int
    result: Callable[[nn.Module, nn.Module, Tensor], Tensor]  # of sublayer, adapter and x

    def around(self, sublayer: nn.Module, adapter: nn.Module, shown: str) -> tuple[nn.Module, str]:
        """A new one, and how messages name it."""
        what, block = f"{self.name}({shown}, adapter)", self.make(sublayer, adapter)
        assert isinstance(block, nn.Module), f"{what} is {a(block)}, want an nn.Module"
        return block, what

    def cases(self, n: int = 3) -> Iterator[tuple[nn.Module, Any, str, Tensor]]:
        """Sublayer, adapter, the sublayer's name and x, in train mode; the first n."""
        inner = nn.Sequential(Holder(norm=nn.BatchNorm1d(9), rnn=nn.RNNCell(9, 9)), nn.Dropout(0.4))
        deep = nn.Sequential(nn.Linear(self.d_in, 9).requires_grad_(False), inner, nn.Linear(9, 7))
        cases = (
            (nn.Linear(self.d_in, 7), self.adapter(7, 2), "nn.Linear", self.d_in),
            (deep, self.adapter(7, 3), "a deep sublayer", self.d_in),
            (nn.Dropout(0.5), self.adapter(6, 8), "nn.Dropout", 6),
        )
        for sublayer, adapter, shown, d_in in cases[:n]:
            nn.init.ones_(parameter_of("the adapter", adapter, "down.bias"))  # its ReLU opens
            yield sublayer, adapter, shown, torch.randn(9, d_in)


def block_parts(of: Block) -> None:
    for sublayer, adapter, shown, _ in of.cases():
        given = nn.ModuleDict({"sublayer": sublayer, "adapter": adapter})
        state = copy.deepcopy(given.state_dict())
        block, what = of.around(sublayer, adapter, shown)
        for key, module in given.items():
            got = getattr(block, key, None)
            assert got is module, f"{what}: .{key} is {a(got)}, want the very object that was given"
        names_are(block.state_dict(), state, f"{what}: state_dict()")
        state_is(f"a new {what}, values against those before", block, state)


def block_frozen(of: Block) -> None:
    for sublayer, adapter, shown, x in of.cases():
        want = [f"adapter.{name}" for name, _ in adapter.named_parameters()]
        block, what = of.around(sublayer, adapter, shown)
        trains_only(what, block, want)
        moves_only(f"{what}, x {tuple(x.shape)}", block, want, partial(block, x))


def block_forward(of: Block) -> None:
    """In eval mode; in train mode, too, where nothing in the sublayer differs by mode."""
    for i, (sublayer, adapter, shown, x) in enumerate([*of.cases(2), *of.cases(1)]):
        twins = copy.deepcopy((sublayer, filled(adapter)))
        block, what = of.around(sublayer, adapter, shown)
        how = f"{what}, {MODES[i == 2]}, x {tuple(x.shape)}: out"
        out, (first, second) = result_of(how, block.train(i == 2), x.clone()), twins
        close(out, of.result(first.train(i == 2), second.train(i == 2), x), how)


def block_gradients(of: Block) -> None:
    for sublayer, adapter, shown, x in of.cases(2):
        block, what = of.around(sublayer, filled(adapter), shown)
        gradients_flow(what, block, {"x": x}, named=True)


def block_modes(of: Block) -> None:
    for mode, how in MODES.items():
        sublayer, adapter, shown, x = [*of.cases()][1]
        block, what = of.around(sublayer, adapter, shown)
        mean, what = at(sublayer, "1.0.norm.running_mean"), f"{what}, a call in {how}"
        old, out = mean.clone(), result_of(what, block.train(not mode).train(mode), x)
        settings_are(what, block, {key: mode for key in settings(block) if "training" in key})
        equal(f"{what}: its dropout drops:", not torch.equal(block(x), out), mode)
        equal(f"{what}: BatchNorm's running_mean moved:", not torch.equal(mean, old), mode)


def block_kept(of: Block) -> None:
    for mode, (sublayer, adapter, shown, _) in product(MODES, of.cases()):
        [*sublayer.train(mode).modules()][-1].train(not mode)  # parts have modes of their own
        next(adapter.train(not mode).parameters()).requires_grad_(mode)
        given = nn.ModuleDict({"sublayer": sublayer, "adapter": adapter})
        before = {k: on for k, on in settings(given).items() if "training" in k or k[0] == "a"}
        what = f"a new {of.around(sublayer, adapter, shown)[1]}, against before"
        settings_are(what, given, before)


def block_hooks(of: Block, counted: Iterable[str] = ("sublayer", "adapter")) -> None:
    for sublayer, adapter, shown, x in of.cases():
        block, what = of.around(sublayer, adapter, shown)
        seen = list[str]()
        for key, part in (("sublayer", sublayer), ("adapter", adapter)):
            part.register_forward_hook(lambda *_, key=key, seen=seen: seen.append(key))
        result_of(what, block, x)
        for key in counted:
            equal(f"{what}: one call, times that the {key}'s hook ran:", seen.count(key), 1)


def block_inputs(of: Block) -> None:
    block, what = of.around(nn.Linear(of.d_in, 7), of.adapter(7, 2), "nn.Linear")
    leading_sizes(what, block, 7, {"x": of.d_in})
    keeps_dtypes(what, block, {"x": torch.randn(4, 3, of.d_in)})
    keeps_inputs(what, block, {"x": torch.randn(4, 3, of.d_in)})
    block, what = of.around(nn.Dropout().eval(), filled(of.adapter(6, 8)), "nn.Dropout, eval mode")
    x, how = torch.rand(4, 6), f"{what}, which gives back x itself, under no_grad"
    with unchanged(how, x), torch.no_grad():
        result_of(how, block, x)


class Injection(NamedTuple):
    """It takes a model and, where by_name, the dotted paths of layers; returns (model, params)."""

    name: str
    function: Callable[..., Any]
    kind: Wrapper
    options: tuple[Any, ...] = ()  # what else is given in the call
    by_name: bool = True

    def call(self, model: nn.Module, names: Sequence[str], layers: Sequence[str] = ()) -> str:
        """How messages name a call on a model with these layers, or those that it has now."""
        inside = (n for n, m in model.named_modules() if n and isinstance(m, nn.Linear))
        there = ", ".join(layers or inside) or "no linear layers"
        given = ["model", *[f"{list(names)}"] * self.by_name, *map(str, self.options)]
        return f"{self.name}({', '.join(given)}), model with {there}"

    def run(self, what: str, model: nn.Module, names: list[str]) -> Any:
        return attempt(what, self.function, model, *[names] * self.by_name, *self.options)

    def exchanges(self, what: str, model: nn.Module, names: list[str], at_all: Any = None) -> Any:
        """Wrappers come to at_all, else names, and nowhere else: (returned, before, wrappers)."""
        before = dict(model.named_modules(remove_duplicate=False))
        returned, want = self.run(what, model, [*names]), a(self.kind.call.split("(")[0])
        wrappers = {name: at(model, name) for name in (names if at_all is None else at_all)}
        for name, now in wrappers.items():
            right = hasattr(now, "base") and not isinstance(now, nn.Linear)
            assert right, f"{what}: the model that came has {a(now)} at {name}, want {want}"
        for name, old in before.items():
            now, told = at(model, name), f"another object, want the {type(old).__name__} of before"
            assert name in wrappers or now is old, f"{what}: at {name} is {a(now)}, {told}"
        return returned, before, wrappers

    def refuses(self, model: nn.Module, names: list[str], want: Any, what: str = "") -> str:
        """What the error says."""
        what, error = what or self.call(model, names), None
        try:
            self.run("", model, [*names])
        except AssertionError as failed:
            error = failed.__cause__
        got = repr(error) if error else "no error"
        assert error and isinstance(error, want), f"{what}: {got}, want {want.__name__}"
        return " ".join(map(str, error.args))

    def learners(self, names: Iterable[str]) -> list[str]:
        """The names of the parameters that train where these layers are wrapped."""
        return [f"{name}.{own}" for name in names for own in self.kind.shapes(1, 1)]

    def trains(self, what: str, model: nn.Module, names: Iterable[str]) -> None:
        """Where these layers are wrapped, what learns does; `frozen` minds what else does."""
        settings_are(what, model, {f"{name}.requires_grad": True for name in self.learners(names)})


def lora_injection(inject: Any, rank: int = 2, scale: Any = 0.5, by_name: bool = True) -> Injection:
    """inject_lora, or inject_lora_recursive; scale None: none is given."""
    options = (rank,) if scale is None else (rank, scale)
    name, kind = "inject_lora" + "_recursive" * (not by_name), lora(nn.Module, rank, scale)
    return Injection(name, inject, kind, options, by_name)


class Holder(nn.Module):
    """Parts by name; its forward goes through them in order."""

    def __init__(self, **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            self.register_module(name, None)  # as it stays for None
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        for part in self.children():
            is_list = isinstance(part, nn.ModuleList | nn.ModuleDict)
            for layer in part.children() if is_list else [part]:
                x = torch.tanh(layer(x))
        return x


def nested() -> nn.Module:
    """(N, 5) -> (N, 4): linear layers in containers of each kind, a norm, a bare parameter."""
    return Holder(
        stem=nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6)),
        blocks=nn.ModuleList([Holder(fc=nn.Linear(6, 7)), Holder(fc=nn.Linear(7, 6))]),
        heads=nn.ModuleDict({"out": nn.Linear(6, 4, bias=False), "out2": nn.Linear(4, 4)}),
        gain=nn.Parameter(torch.rand(6)),
    )


NESTED = "stem.0", "blocks.0.fc", "blocks.1.fc", "heads.out", "heads.out2"
SHARED = ("again", "third", "blocks.1.fc"), ("blocks.0.fc", "blocks.2.fc"), ("stem",)


def odd() -> nn.Module:
    """Its parts have the names of a wrapper's parts; a subclass of nn.Linear; children None."""
    own = {name: nn.Parameter(torch.rand(6)) for name in ("lora_A", "lora_B", "scale")}
    inner = Holder(base=nn.Linear(6, 6), skip=None, **own)
    return Holder(base=type("Special", (nn.Linear,), {})(6, 6), skip=None, blocks=inner)


def calls(injection: Injection) -> Iterator[tuple[nn.Module, list[str], str]]:
    """A fresh model, names of some of its layers, and how messages name the call."""
    twice = Holder(fc=nn.Linear(5, 9), act=nn.Tanh(), rest=Holder(fc=nn.Linear(9, 4)))
    cases = (twice, ["fc"]), (nested(), ["blocks.0.fc"]), (nested(), ["stem.0", "heads.out"])
    for model, names in cases:
        if not injection.by_name:
            names = [n for n, m in model.named_modules() if isinstance(m, nn.Linear)]
        yield model, names, injection.call(model, names)


def params_hold(what: str, model: nn.Module, returned: Any, want: Iterable[str]) -> list[str]:
    """The names of the params returned, these among them, each once. `returned` minds the form."""
    names = {id(p): name for name, p in model.named_parameters()}
    params = returned[1] if isinstance(returned, tuple) else returned
    got = [names.get(id(p), "a tensor that the model does not have") for p in params]
    missing = [name for name in want if name not in got]
    assert not missing, f"{what}: params: missing: {', '.join(missing)}"
    twice = sorted({name for name in got if got.count(name) > 1})
    assert not twice, f"{what}: params holds {', '.join(twice)} more than once"
    return got


def inject_exchanges(injection: Injection) -> None:
    kind = injection.kind
    for model, names, what in calls(injection):
        _, before, found = injection.exchanges(what, model, names)
        for name, layer in found.items():
            base, told = before[name], f"{what}: the base of {name}"
            assert layer.base is base, f"{told} is another object, want the layer that was there"
            has_parameters(f"{what}: at {name}", layer, kind.shapes(*base.weight.shape[::-1]))
            own, x = kind.own(filled(layer), what), torch.randn(3, base.in_features)
            told = f"{what}: what {name} gives, its parameters filled, against the merged weight"
            close(layer(x), kind.linear(own, base, x).float(), told, 1e-4)


def inject_returns(injection: Injection) -> None:
    for model, names, what in calls(injection):
        given, want = [*names], injection.learners(names)
        returned = injection.run(what, model, given)
        equal(f"{what}: the list of names afterwards:", given, names)
        pair = isinstance(returned, tuple) and len(returned) == 2
        assert pair, f"{what} returned {a(returned)}, want a tuple of the model and a list"
        assert returned[0] is model, f"{what} returned another model, want the one that came"
        equal(f"{what}: params is", a(returned[1]), "a list")
        names_are(params_hold(what, model, returned, want), want, f"{what}: params")


def inject_freezes(injection: Injection) -> None:
    for model, names, what in calls(injection):
        [*model.parameters()][-2].requires_grad_(False)
        injection.run(what, model, [*names])
        trains_only(what, model, injection.learners(names))
        moves_only(what, model, injection.learners(names), partial(model, torch.randn(6, 5)))


def inject_starts(injection: Injection) -> None:
    for i, (model, names, what) in enumerate([*calls(injection), *calls(injection)]):
        x, told = torch.randn(6, 5), f"{what}, then x (6, 5): the result"
        model(x)  # moves the norm's statistics
        for k, module in enumerate(model.modules()):
            module.training = (k + i // 3) % 2 == 0
        twin, held = copy.deepcopy(model), model.state_dict(keep_vars=True)
        injection.run(what, model, [*names])
        settings_are(what, model, {k: on for k, on in settings(twin).items() if "training" in k})
        for name, old in twin.state_dict().items():
            same(held[name].detach(), old, f"{what}: {name}, against what it was")
        close(result_of(told, model.eval(), x), twin.eval()(x), f"{told}, against that before")


def inject_refuses_names(injection: Injection) -> None:
    wrong = "stem.7", "stem.0 heads.in", "stem", "stem.1", "stem.0.weight heads.out", "fc"
    cases = [(nested(), names.split(), NESTED) for names in wrong]
    for model, names, layers in (*cases, (odd(), ["blocks.scale"], ("base", "blocks.base"))):
        what, said = injection.call(model, names), injection.refuses(model, names, KeyError)
        missing = [n for n in layers if not re.search(rf"\b{re.escape(n)}(?!\.?\w)", said)]
        assert not missing, f"{what}: the KeyError says {said!r}, missing: {', '.join(missing)}"


def inject_again(injection: Injection) -> None:
    rounds = ["stem.0", "stem.0"], ["heads.out"], ["blocks.0.fc", "stem.0"]
    model, adapted = nested(), list[str]()
    for i, names in enumerate(rounds if injection.by_name else ([*NESTED], []), 1):
        before = "the same model, all of it frozen and in eval mode" if i > 1 else "a model"
        what = f"call {i} on {before}: {injection.call(model, names, NESTED)}"
        model.requires_grad_(i == 1).train(i == 1)
        new = [name for name in dict.fromkeys(names) if name not in adapted]
        returned, *_ = injection.exchanges(what, model, names, new)
        settings_are(what, model, {f"{name}.training": False for name in adapted})
        adapted += new
        injection.trains(what, model, adapted)
        params_hold(what, model, returned, injection.learners(adapted))
    if injection.by_name:  # a wrapper's base is no linear layer any more
        what += ", then one for "
        injection.refuses(model, ["stem.0.base"], KeyError, f"{what}stem.0.base")
        said = injection.refuses(model, ["heads.in"], KeyError, f"{what}heads.in")
        told = f"{what}heads.in: the KeyError says {said!r}, with stem.0.base, a wrapper's base"
        assert "stem.0.base" not in said, told


def inject_shares(injection: Injection) -> None:
    for names in (["again"], ["blocks.1.fc"], ["third", "blocks.2.fc", "blocks.1.fc"]):
        layer, block = nn.Linear(6, 6), Holder(fc=nn.Linear(6, 6))
        blocks = nn.ModuleList([block, Holder(fc=layer), block])
        model = Holder(stem=nn.Linear(5, 6), again=layer, third=layer, blocks=blocks)
        chosen = [p for p in SHARED if not injection.by_name or {*p} & {*names}]
        what = f"{injection.call(model, names, sum(SHARED, ()))}, of which "
        what += " and ".join(" = ".join(places) for places in SHARED[:2])
        returned, _, now = injection.exchanges(what, model, names, sum(chosen, ()))
        for first, *others in chosen:
            other = " and ".join(name for name in others if now[name] is not now[first])
            assert not other, f"{what}: {first} has another object than {other}, want one for all"
        firsts = [n for n, m in model.named_modules() if m in now.values()]
        params_hold(what, model, returned, injection.learners(firsts))


def inject_takes_kinds(injection: Injection) -> None:
    for dtype, device in product((torch.float32, torch.float64, torch.bfloat16), ("cpu", "meta")):
        model, names = odd().to(device, dtype), ["base", "blocks.base"]
        what = injection.call(model, names)
        what += f", in {dtype} on {device}, where base is a Special, a subclass of nn.Linear"
        found = injection.exchanges(what, model, names)[2]
        like = torch.empty(0, dtype=dtype, device=device)
        for name in names:
            has_parameters(f"{what}: {name}", found[name], injection.kind.shapes(6, 6), like)
        injection.trains(what, model, names)
        own = [f"blocks.{name}" for name in ("lora_A", "lora_B", "scale")]
        more = [name for name in own if at(model, name).requires_grad]
        told = f"{what}: {', '.join(more)} of the model's own require a gradient"
        assert len(more) in (0, 3), told  # where all of them do, see `frozen`


def inject_fails_whole(injection: Injection, *cases: tuple[list[str], Any, Any]) -> None:
    """After an error the model is as it was. A case: names, the error, what makes the model."""
    for names, want, make in cases:
        model = make()
        for i, module in enumerate(model.modules()):
            module.training = i % 2 == 0
        next(model.parameters()).requires_grad_(False)
        what, there = f"{injection.call(model, names)}, after the error", [*model.named_modules()]
        flags, state = settings(model), copy.deepcopy(model.state_dict())
        injection.refuses(model, names, want)
        other = [name for name, module in there if at(model, name) is not module]
        assert not other, f"{what}: another object than before at {', '.join(other)}"
        settings_are(what, model, flags)
        state_is(what, model, state)


WRONG_NAMES: Any = (
    ([], ValueError, nested),
    (["stem.0", "heads.in"], KeyError, nested),
    (["stem.0", ""], KeyError, nested),
    ([""], KeyError, partial(nn.Linear, 5, 4)),
)
