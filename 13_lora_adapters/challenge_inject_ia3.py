"""IA3 into a model: a learned factor for the outputs of the layers that are named, in place.

The layers get wrappers again, but these learn one vector each: a task's whole adapter fits into an
email. Everything else in the model has to stay exactly as it is.

    model           any nn.Module that calls its linear layers, at any depth, in any container
    linear_names    list of str, dotted paths such as "ff1" or "blocks.0.ff1"; it is not changed
    returns         (model, params): the very model that came, changed in place, and a list

A linear layer is an nn.Linear or an IA3Linear inside the model; an IA3Linear's base is none.
Each nn.Linear that is named gives its place to a new IA3Linear (given) around it. If it has several
places (attributes that hold the same object), one IA3Linear takes all of them, whichever was named.
An IA3Linear that is named stays as it is. All other modules stay the objects that they are.

Afterwards the scale of every IA3Linear in the model is trainable, those of earlier calls too, and
nothing else is. params holds exactly these, each once, in any order. No value that was in the model
changes, and no mode: at first the model computes what it did before.

KeyError for a name that is no linear layer's; its message has the names of all linear layers.
ValueError for no names at all. After an error the model is as it was, requires_grad included.

Ask yourself: which of your steps can fail, and what has been changed by then?
Paper: (IA)^3, section 3.3, https://arxiv.org/abs/2205.05638
"""

import copy
import re
from collections import OrderedDict

import torch
from base_model import BaseTransformerBlock
from torch import Tensor, nn


class IA3Linear(nn.Module):
    """What base gives, each feature times its factor. Given. It freezes nothing."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.scale = nn.Parameter(base.weight.new_ones(base.out_features))
        self.train(base.training)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) * self.scale  # (*, out)


def inject_ia3(model: nn.Module, linear_names: list[str]) -> tuple[nn.Module, list[nn.Parameter]]:
    raise NotImplementedError("inject_ia3")


def check(inject_ia3):
    torch.manual_seed(0)
    for make, names, dtype in (
        (block, ["ff1"], torch.float32),
        (block, ["ff2", "proj_in", "ff2"], torch.bfloat16),
        (block, ["proj_in", "proj_out", "ff1", "ff2"], torch.float64),
        (Nested, ["stem.0", "blocks.3.base", "heads.out"], torch.float64),
        (Nested, ["again"], torch.float64),
        (Nested, ["blocks.1.base", "third", "blocks.2.base"], torch.float32),
        (lambda: nn.Sequential(nn.Linear(5, 9), nn.Linear(9, 4)), ["1"], torch.float32),
    ):
        check_call(inject_ia3, make().to(dtype), names)
    check_second_call(inject_ia3)
    layer = inject_ia3(block().to("meta"), ["ff1"])[0].ff1
    assert layer.scale.is_meta, f"model on meta: scale is on {layer.scale.device}, want meta"
    for make, names, kind in (
        (block, ["ff3"], KeyError),
        (block, ["ff1", "ff2.weight"], KeyError),
        (block, ["ff2", ""], KeyError),
        (Nested, ["stem.0", "stem"], KeyError),
        (Nested, ["heads.out", "blocks.scale"], KeyError),
        (Nested, ["stem.0", "stem.2"], KeyError),
        (lambda: nn.Linear(5, 4), [""], KeyError),
        (block, [], ValueError),
    ):
        check_error(inject_ia3, make(), names, kind)


class Nested(nn.Module):
    """(N, 5) -> (N, 4). Layers in many containers; blocks.0 has two places, blocks.1.base three."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout())
        self.again = self.third = nn.Linear(6, 6)
        layers = nn.Linear(6, 6), self.again, nn.Linear(6, 6)
        blocks = [nn.Sequential(OrderedDict(base=layer)) for layer in layers]
        self.blocks = nn.ModuleList([*blocks, blocks[0]])
        self.blocks.scale = nn.Parameter(torch.rand(6))
        self.heads = nn.ModuleDict({"out": nn.Linear(6, 4, bias=False)})

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x) * self.blocks.scale
        for block in self.blocks:
            h = h + torch.tanh(block(h))
        return self.heads["out"](self.again(h) - 2 * self.third(h.sin()))


def block():
    return BaseTransformerBlock(5, 8)


def check_call(inject_ia3, model, names):
    """One call on a fresh model: what it returns, exchanges, freezes; values; 20 steps."""
    for module in model.modules():
        module.training = torch.rand(()).item() < 0.5
    what = f"inject_ia3({type(model).__name__}, {names})"
    twin, before = copy.deepcopy(model), places(model)
    layers = {before[name] for name in names}
    given = list(names)
    try:
        returned = inject_ia3(model, given)
    except KeyError as error:
        paths = [name for name, m in before.items() if m in layers]
        how = f"{what}: {error!r}, want no error: these layers have the paths {paths}"
        raise AssertionError(how) from error
    assert given == names, f"{what} changed the list of names to {given}"
    wrappers = {}
    for name, old in before.items():
        now = model.get_submodule(name)
        if old not in layers:
            assert now is old, f"{what}: {name} is {now}, want the object that was there, {old}"
            continue
        base = getattr(now, "base", None)
        around = "" if base is None else f" around a {type(base).__name__}"
        assert base is old, (
            f"{what}: {name} is a {type(now).__name__}{around}, "
            f"want an IA3Linear around the object that was there, {old}"
        )
        one = wrappers.setdefault(old, now)
        assert one is now, f"{what}: the layer at {name} got two IA3Linears, want one"
        shape, scale = (old.out_features,), now.scale
        assert scale.shape == shape, f"{what}: {name}.scale is {tuple(scale.shape)}, want {shape}"
        assert scale.dtype == old.weight.dtype, (
            f"{what}: {name}.scale is {scale.dtype}, want base's"
        )
    check_params(what, model, returned, wrappers.values())
    for name, old in places(twin).items():
        now = model.get_submodule(name).training
        assert now == old.training, (
            f"{what}: {name or 'model'}.training is {now}, it was {old.training}"
        )

    model.eval(), twin.eval()
    x = torch.randn(6, 5).to(next(model.parameters()).dtype)
    loose = (
        {"rtol": 0.1, "atol": 0.1} if x.dtype == torch.bfloat16 else {"rtol": 1e-4, "atol": 1e-4}
    )
    torch.testing.assert_close(
        model(x), twin(x), msg=lambda m: f"{what}: the model computes something else now\n{m}"
    )
    originals = {old: places(twin)[name] for name, old in before.items()}
    with torch.no_grad():
        for old, wrapper in wrappers.items():
            original = originals[old]
            for row, factor in enumerate(wrapper.scale.normal_().tolist()):
                for p in original.parameters():
                    p[row] *= factor
    torch.testing.assert_close(
        model(x),
        twin(x),
        **loose,
        msg=lambda m: f"{what}, with scales filled: not what the merged weights give\n{m}",
    )
    check_steps(what, model, x, returned[1])


def check_params(what, model, returned, wrappers):
    """returned is (model, params); params is what trains: the scales of these wrappers."""
    pair = isinstance(returned, tuple) and len(returned) == 2
    assert pair, f"{what} returned {type(returned)}, want a tuple of the model and a list"
    assert returned[0] is model, f"{what} returned another model, want the one that came"
    params = returned[1]
    assert isinstance(params, list), f"{what}: params is {type(params)}, want a list"
    names = {id(p): name for name, p in model.named_parameters()}
    want = sorted(names[id(w.scale)] for w in wrappers)
    got = sorted(names.get(id(p), "a tensor that is not in the model") for p in params)
    assert got == want, f"{what}: params holds {got}, want {want}"
    got = sorted(name for name, p in model.named_parameters() if p.requires_grad)
    assert got == want, f"{what}: {got} require gradients, want {want}"


def check_steps(what, model, x, params):
    """20 steps of an optimizer that holds all of the model move params, and nothing else."""
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        model(x).square().sum().backward()
        optimizer.step()
    learners = {id(p) for p in params}
    for name, p in model.named_parameters():
        moved = not torch.equal(p, before[name])
        want = id(p) in learners
        assert moved == want, f"{what}, 20 steps: {name} moved: {moved}, want {want}"


def check_second_call(inject_ia3):
    model = block()
    inject_ia3(model, ["ff1"])
    first, x = model.ff1, torch.randn(3, 2, 5)
    with torch.no_grad():
        scale = first.scale.normal_()
        before = model(x)
    what = "inject_ia3(model, ['ff1'])"
    adapted = [first]
    for names in (["proj_in"], ["ff2", "ff1"]):
        model.requires_grad_(False).eval()
        what += f", all frozen and in eval mode, then inject_ia3(model, {names})"
        returned = inject_ia3(model, names)
        assert model.ff1 is first, f"{what}: ff1 is {model.ff1}, want the IA3Linear that it was"
        kept = first.scale is scale and isinstance(first.base, nn.Linear)
        assert kept, f"{what}: ff1 is {first}, want all of it as it was after the first call"
        modes = {name: m.training for name, m in model.named_modules() if m.training}
        assert not modes, f"{what}: training is {modes}, want False everywhere"
        adapted.append(model.get_submodule(names[0]))
        check_params(what, model, returned, adapted)
        torch.testing.assert_close(
            model(x), before, msg=lambda m, w=what: f"{w}: the last call changed the result\n{m}"
        )
    model.also = first.base
    for names in (["proj_out", "ff1.base"], ["proj_out", "also"]):
        check_error(inject_ia3, model, names, KeyError)
    check_error(inject_ia3, first, [""], KeyError)


def check_error(inject_ia3, model, names, kind):
    what = f"inject_ia3({type(model).__name__}, {names})"
    list(model.parameters())[1].requires_grad_(False)
    before, flags = places(model), [p.requires_grad for p in model.parameters()]
    adapted = [m for m in model.modules() if type(m).__name__ == "IA3Linear"]
    linear = {m for m in model.modules() if isinstance(m, nn.Linear)} - {m.base for m in adapted}
    layers = [n for n, m in model.named_modules() if n and m in linear.union(adapted)]
    try:
        inject_ia3(model, names)
    except kind as error:
        message = " ".join(map(str, error.args))
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}, want {kind.__name__}") from error
    else:
        raise AssertionError(f"{what}: no error, want {kind.__name__}")
    assert places(model) == before, f"{what}: modules were exchanged before the {kind.__name__}"
    now = [p.requires_grad for p in model.parameters()]
    assert now == flags, f"{what}: requires_grad of the parameters is {now}, it was {flags}"
    if kind is KeyError:
        missing = [n for n in layers if not re.search(rf"\b{re.escape(n)}(?!\.?\w)", message)]
        assert not missing, f"{what}: KeyError({message!r}), want the names {missing} in it too"


def places(model):
    """{dotted path: module}, every path of a module that has several."""
    return dict(model.named_modules(remove_duplicate=False))


if __name__ == "__main__":
    try:
        check(inject_ia3)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_inject_ia3.py")
