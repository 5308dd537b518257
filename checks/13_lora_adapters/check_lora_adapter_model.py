"""What challenge_lora_adapter_model.py requires.

Each label looks for the block itself, so that a missing adapter fails `adapter` alone.
"""

import copy
import re
from functools import partial
from unittest import mock

import torch
from torch import nn

from checks import adapters
from checks.adapters import a, bottleneck
from checks.tools import attempt, close, equal, names_are, refuses, result_of

# D, F, rank, bottleneck, and whether there is an adapter
CALLS = (6, 9, 2, 4), (6, 9, 2, 4, False), (4, 3, 7, 1, True), (5, 8, 1, 3, False)
PROJECTIONS = "proj_in", "proj_out"


def block(build_lora_adapter_model, BaseTransformerBlock):
    made, new = [], BaseTransformerBlock.__init__

    def watched(self, *sizes, **more):
        new(self, *sizes, **more)
        made.append(dict(self.named_children()))

    with mock.patch.object(BaseTransformerBlock, "__init__", watched):
        cases = [*models(build_lora_adapter_model)]
    for (D, F, r, *_), what, model, _ in cases:
        found, told = block_of(model), f"{what}: where the block should be"
        right = isinstance(found, BaseTransformerBlock)
        assert right, f"{told} is {a(found)}, want a BaseTransformerBlock"
        for name in (*PROJECTIONS, "ff1", "ff2"):
            layer, told = getattr(found, name, None), f"{what}: {name}"
            if name in PROJECTIONS:
                equal(f"{told} is", a(layer), "a LoRALinear")
                layer, told = layer.base, f"{told}.base"
            right = any(layer is one[name] for one in made)
            assert right, f"{told} is {a(layer)}, want the very nn.Linear that was {name}"
        given = BaseTransformerBlock(D, F).named_parameters()
        want = {re.sub("^proj_(in|out)", r"\g<0>.base", n): tuple(p.shape) for n, p in given}
        want |= {f"{name}.lora_A": (r, D) for name in PROJECTIONS}
        want |= {f"{name}.lora_B": (D, r) for name in PROJECTIONS}
        adapters.holds_only(f"{what}: the block", found, want)


def adapter(build_lora_adapter_model):
    for call, what, model, _ in models(build_lora_adapter_model):
        without = call[4:] == (False,)
        want = "a BaseTransformerBlock" if without else "an AdapterBlock"
        equal(f"{what}: the model is", a(model), want)
        if not without:
            equal(f"{what}: .adapter is", a(model.adapter), "a BottleneckAdapter")
            adapters.holds_only(f"{what}: .adapter", model.adapter, bottleneck(call[0], call[3]))


def trains(build_lora_adapter_model):
    for call, what, model, _ in models(build_lora_adapter_model, CALLS[:2]):
        want = [n for n, _ in model.named_parameters() if re.search("^adapter|lora_[AB]$", n)]
        adapters.trains_only(what, model, want)
        x = torch.randn(3, 2, call[0])
        adapters.moves_only(f"{what}, x {tuple(x.shape)}", model, want, partial(model, x))


def trainable(build_lora_adapter_model):
    for _, what, model, given in models(build_lora_adapter_model):
        equal(f"{what}: trainable is", a(given), "a list")
        names = {id(p): name for name, p in model.named_parameters()}
        other = [type(p).__name__ for p in given if id(p) not in names]
        assert not other, f"{what}: trainable holds a {other[0]}, want parameters of the model"
        got = [names[id(p)] for p in given]
        twice = sorted({name for name in got if got.count(name) > 1})
        assert not twice, f"{what}: trainable holds {', '.join(twice)} more than once"
        want = [name for name, p in model.named_parameters() if p.requires_grad]
        names_are(got, want, f"{what}: trainable, against what requires a gradient in the model")


def start(build_lora_adapter_model):
    for call, what, model, _ in models(build_lora_adapter_model):
        in_eval = [name or "the model" for name, m in model.named_modules() if not m.training]
        assert not in_eval, f"a new {what}: {', '.join(in_eval)} in eval mode, want train mode"
        for name, t in model.state_dict().items():
            equal(f"a new {what}: {name} is", f"{t.dtype} on {t.device}", "torch.float32 on cpu")
        x = torch.randn(2, 3, call[0])
        told, want = f"a new {what}, x {tuple(x.shape)}: out", merged(model, with_lora=False)(x)
        close(result_of(told, model, x.clone()), want, f"{told}, against the block alone")


def computes(build_lora_adapter_model):
    for call, what, model, _ in models(build_lora_adapter_model):
        for name, layer in block_of(model).named_children():
            equal(f"{what}: the scale of {name} is", getattr(layer, "scale", 1), 1)
        for p in model.parameters():
            nn.init.uniform_(p, -0.5, 0.5)
        x = torch.randn(2, 3, call[0])
        want = merged(model, with_lora=True)(x)
        want = model.adapter(want) if hasattr(model, "adapter") else want
        told = f"{what}, all parameters drawn anew, x {tuple(x.shape)}: out"
        got = result_of(told, model.eval(), x.clone())
        close(got, want, f"{told}, against merged weights, then the adapter", 1e-4)


def fresh(build_lora_adapter_model):
    cases = models(build_lora_adapter_model, CALLS[:1] * 2)
    first, second = (dict(model.named_parameters()) for _, _, model, _ in cases)
    what = "build_lora_adapter_model(6, 9, 2, 4), called twice"
    old = {p.data_ptr() for p in first.values()}
    shared = [name for name, p in second.items() if p.data_ptr() in old]
    assert not shared, f"{what}: both models have {', '.join(shared)}, want nothing in common"
    alike = [n for n, p in first.items() if p.any() and n in second and torch.equal(p, second[n])]
    assert not alike, f"{what}: the same numbers in {', '.join(alike)}, want others"


def errors(build_lora_adapter_model):
    def kind(*call):
        return type(build_lora_adapter_model(*call)[0]).__name__

    for call in ((6, 9, 0, 4), (6, 9, -1, 4, False), (6, 9, 2, 0), (6, 9, 2, -1, True)):
        refuses(kind, *call, errors=(ValueError,), call=f"build_lora_adapter_model{call}")
    for call in ((5, 8, 1, 0, False), (5, 8, 1, -3, False)):
        attempt(f"build_lora_adapter_model{call}", kind, *call)


CORE = (block, adapter, trains, trainable, start, computes)
EDGES = (fresh, errors)


def models(build_lora_adapter_model, calls=CALLS):
    """Each call, how messages name it, and the model and list that it gives."""
    for call in calls:
        what, got = f"build_lora_adapter_model{call}", build_lora_adapter_model(*call)
        pair = isinstance(got, tuple) and len(got) == 2
        assert pair, f"{what} gave {a(got)}, want a tuple of the model and a list"
        assert isinstance(got[0], nn.Module), f"{what}: the model is {a(got[0])}, want an nn.Module"
        yield call, what, *got


def block_of(model):
    return getattr(model, "sublayer", model)


def merged(model, with_lora):
    """A copy of the block whose layers are nn.Linear, with the change by LoRA or without."""
    block = copy.deepcopy(block_of(model))
    for name, layer in [*block.named_children()]:
        if with_lora and hasattr(layer, "lora_A"):
            layer.base.weight.data += layer.lora_B @ layer.lora_A
        setattr(block, name, getattr(layer, "base", layer))
    return block
