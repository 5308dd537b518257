"""What challenge_lora_adapter_model.py requires.

The parts are given and are known by the names of their classes. Each label looks for the block
itself, wherever it is, so that a missing adapter fails `adapter` alone.
"""

import copy

import torch
from torch import nn

from checks.adapters import holds_only, moves_only, trains_only
from checks.tools import close, names_are, refuses, result_of

CALLS = (
    (6, 9, 2, 4),
    (6, 9, 2, 4, True),
    (6, 9, 2, 4, False),
    (4, 3, 7, 1, True),
    (5, 8, 1, 11),
    (5, 8, 1, 3, False),
)  # D, F, rank, bottleneck, and whether there is an adapter
PROJECTIONS = ("proj_in", "proj_out")


def block(build_lora_adapter_model):
    for call in CALLS:
        what, model, _ = built(build_lora_adapter_model, call)
        found, (D, F, r) = block_of(model), call[:3]
        kind = type(found).__name__
        right = kind == "BaseTransformerBlock"
        assert right, f"{what}: where the block should be is a {kind}, want a BaseTransformerBlock"
        for name in (*PROJECTIONS, "ff1", "ff2"):
            kind = type(getattr(found, name, None)).__name__
            want = "LoRALinear" if name in PROJECTIONS else "Linear"
            assert kind == want, f"{what}: {name} is a {kind}, want a {want}"
        for name in PROJECTIONS:
            kind = type(found.get_submodule(name).base).__name__
            assert kind == "Linear", f"{what}: {name}.base is a {kind}, want a Linear"
        twice = found.proj_in is found.proj_out
        assert not twice, f"{what}: proj_in and proj_out are one object"
        layers = {"ff1": (F, D), "ff2": (D, F), "proj_in.base": (D, D), "proj_out.base": (D, D)}
        want = {f"{name}.weight": shape for name, shape in layers.items()}
        want |= {f"{name}.bias": shape[:1] for name, shape in layers.items()}
        want |= {f"{name}.lora_A": (r, D) for name in PROJECTIONS}
        want |= {f"{name}.lora_B": (D, r) for name in PROJECTIONS}
        holds_only(f"{what}: the block", found, want)


def adapter(build_lora_adapter_model):
    for call in CALLS:
        what, model, _ = built(build_lora_adapter_model, call)
        (D, _, _, m), with_it = call[:4], call[4:] != (False,)
        kind, want = type(model).__name__, "AdapterBlock" if with_it else "BaseTransformerBlock"
        assert kind == want, f"{what}: the model is a {kind}, want a {want}"
        if with_it:
            kind = type(model.adapter).__name__
            right = kind == "BottleneckAdapter"
            assert right, f"{what}: .adapter is a {kind}, want a BottleneckAdapter"
            shapes = {
                "down.weight": (m, D),
                "down.bias": (m,),
                "up.weight": (D, m),
                "up.bias": (D,),
            }
            holds_only(f"{what}: .adapter", model.adapter, shapes)


def trains(build_lora_adapter_model):
    for call in CALLS[1:5]:
        what, model, _ = built(build_lora_adapter_model, call)
        want = [
            name
            for name, _ in model.named_parameters()
            if name.startswith("adapter.") or name.rsplit(".", 1)[-1] in ("lora_A", "lora_B")
        ]
        trains_only(what, model, want)
        for name, p in model.named_parameters():
            if name == "adapter.down.bias":
                nn.init.ones_(p)  # its ReLU lets something pass, whatever was drawn
        how, x = f"{what}, x (3, 2, {call[0]})", torch.randn(3, 2, call[0])
        moves_only(how, model, want, lambda how=how, model=model, x=x: result_of(how, model, x))


def trainable(build_lora_adapter_model):
    for call in CALLS:
        what, model, given = built(build_lora_adapter_model, call)
        kind = type(given).__name__
        assert isinstance(given, list), f"{what}: trainable is a {kind}, want a list"
        names = {id(p): name for name, p in model.named_parameters()}
        other = [type(p).__name__ for p in given if id(p) not in names]
        assert not other, f"{what}: trainable holds a {other[0]} that is no parameter of the model"
        got = [names[id(p)] for p in given]
        twice = sorted({name for name in got if got.count(name) > 1})
        assert not twice, f"{what}: trainable holds {', '.join(twice)} more than once"
        want = [name for name, p in model.named_parameters() if p.requires_grad]
        names_are(got, want, f"{what}: trainable, against what requires a gradient in the model")


def start(build_lora_adapter_model):
    for call in CALLS:
        what, model, _ = built(build_lora_adapter_model, call)
        in_eval = [name or "the model" for name, m in model.named_modules() if not m.training]
        assert not in_eval, f"a new {what}: {', '.join(in_eval)} in eval mode, want train mode"
        for name, t in model.state_dict().items():
            place = f"{t.dtype} on {t.device}"
            right = place == "torch.float32 on cpu"
            assert right, f"a new {what}: {name} is {place}, want torch.float32 on cpu"
        for B, L in ((2, 3), (1, 1)):
            x = torch.randn(B, L, call[0])
            told = f"a new {what}, x {tuple(x.shape)}: out"
            want = merged(block_of(model), with_lora=False)(x)
            close(result_of(told, model, x.clone()), want, f"{told}, against the block alone")


def computes(build_lora_adapter_model):
    for call in CALLS:
        what, model, _ = built(build_lora_adapter_model, call)
        for p in model.parameters():
            nn.init.uniform_(p, -0.5, 0.5)
        x = torch.randn(2, 3, call[0])
        want = merged(block_of(model), with_lora=True)(x)
        if hasattr(model, "adapter"):
            low, up = model.adapter.down, model.adapter.up
            hidden = nn.functional.linear(want, plain(low).weight, plain(low).bias).clamp(min=0)
            want = want + nn.functional.linear(hidden, plain(up).weight, plain(up).bias)
        told = f"{what}, all parameters drawn anew, x {tuple(x.shape)}: out"
        got = result_of(told, model.eval(), x.clone())
        close(got, want, f"{told}, against merged weights, then the adapter", 1e-4)


def fresh(build_lora_adapter_model):
    first, second = (
        dict(built(build_lora_adapter_model, CALLS[0])[1].named_parameters()) for _ in range(2)
    )
    what = "build_lora_adapter_model(6, 9, 2, 4), called twice"
    old = {p.data_ptr() for p in first.values()}
    shared = [name for name, p in second.items() if p.data_ptr() in old]
    assert not shared, f"{what}: both models have {', '.join(shared)}, want nothing in common"
    alike = [n for n, p in first.items() if p.any() and n in second and torch.equal(p, second[n])]
    assert not alike, f"{what}: the same numbers in {', '.join(alike)}, want others"


def errors(build_lora_adapter_model):
    for call in ((6, 9, 0, 4), (6, 9, -1, 4, False), (6, 9, 2, 0), (6, 9, 2, -1, True)):
        refuses(shown_briefly(build_lora_adapter_model), *call, errors=(ValueError,))
    for m in (0, -3):
        call = f"build_lora_adapter_model(5, 8, 1, {m}, False)"
        try:
            build_lora_adapter_model(5, 8, 1, m, False)
        except (ValueError, RuntimeError) as error:
            raise AssertionError(f"{call}: {error!r}, want a model without adapter") from error


CORE = (block, adapter, trains, trainable, start, computes)
EDGES = (fresh, errors)


def built(build_lora_adapter_model, call):
    what, got = f"build_lora_adapter_model{call}", build_lora_adapter_model(*call)
    kind = type(got).__name__
    pair = isinstance(got, tuple) and len(got) == 2
    assert pair, f"{what} gave a {kind}, want a tuple of the model and a list"
    right = isinstance(got[0], nn.Module)
    assert right, f"{what}: the model is a {type(got[0]).__name__}, want an nn.Module"
    return what, *got


def shown_briefly(build):
    """It gives the kind of model alone: its parts and numbers would fill a page."""

    def build_lora_adapter_model(*call):
        return type(build(*call)[0]).__name__

    return build_lora_adapter_model


def block_of(model):
    return getattr(model, "sublayer", model)


def plain(layer):
    """An nn.Linear, as it is or inside a LoRALinear."""
    return getattr(layer, "base", layer)


def merged(found, with_lora):
    """A copy of the block whose layers are nn.Linear, with the change by LoRA or without."""
    found = copy.deepcopy(found)
    for name in (*PROJECTIONS, "ff1", "ff2"):
        layer = found.get_submodule(name)
        linear = plain(getattr(layer, "sublayer", layer))
        with torch.no_grad():
            if with_lora and hasattr(layer, "lora_A"):
                linear.weight += layer.lora_B @ layer.lora_A
        setattr(found, name, linear)
    return found
