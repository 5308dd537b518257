"""What challenge_merge_lora.py requires. Only `merged` and `precision` compare with the formula."""

import copy

import torch
from torch import nn
from torch.nn import functional

from checks.adapters import Holder, a, at, nested, settings, settings_are, state_is
from checks.tools import attempt, close, equal, filled, names_are, refuses, same

PLACES = "stem.0", "blocks.1.fc", "heads.out"
FACTORS = [f"{place}.{own}" for place in PLACES for own in ("lora_A", "lora_B")]
NORM = "running_mean", "running_var", "num_batches_tracked"
BUFFERS = ["steps", *(f"stem.1.{name}" for name in NORM)]
THERE = f"LoRALinears at {', '.join(PLACES)}, BatchNorm at stem.1, a buffer steps"


def trained(LoRALinear):
    """A model as after some training; one of its buffers is not saved."""
    model = nested()
    for place in PLACES:
        model.set_submodule(place, filled(LoRALinear(at(model, place), 2, -0.5)))
    model.stem[1].running_mean.uniform_(1, 2)
    model.stem[1].num_batches_tracked.fill_(7)
    model.register_buffer("steps", torch.tensor(5))
    model.register_buffer("cache", torch.zeros(3), persistent=False)
    return model.requires_grad_(False).eval()


def fresh(model):
    """The same base, its adapters and buffers with other numbers."""
    new = copy.deepcopy(model)
    for name in FACTORS + BUFFERS:
        at(new, name).data.fill_(3)
    return new


def right_state(model):
    """In another order than the model's, which is no mistake."""
    held = model.state_dict()
    return {name: held[name] for name in BUFFERS + FACTORS[::-1]}


def is_linear(what, got, LoRALinear):
    right = isinstance(got, nn.Linear) and not isinstance(got, LoRALinear)
    assert right, f"{what} is {a(got)}, want an nn.Linear"


def states_are(what, content, want):
    names_are(content, FACTORS + BUFFERS, what)
    for name, value in content.items():
        same(value.detach(), want[name], f"{what}: {name}")


def merged(merge, LoRALinear):
    cases = (2, 2, 1, 0.5), (7, 5, 2, 0.5), (5, 7, 3, -2.0), (6, 6, 6, 1.5), (6, 6, 1, 0.0)
    for n, out, rank, scale in cases:
        layer = LoRALinear(nn.Linear(n, out, bias=n != 7), rank, scale)
        base, what = layer.base, f"merge of LoRALinear({layer.base}, {rank}, {scale})"
        for told in (what, f"{what}, again after more training"):
            before, x = copy.deepcopy(filled(layer)), torch.randn(8, n)
            W = base.weight + scale * layer.lora_B @ layer.lora_A
            want = functional.linear(x, W, base.bias).detach()
            got = attempt(told, merge, layer)
            is_linear(told, got, LoRALinear)
            names_are(got.state_dict(), base.state_dict(), f"{told}: its own tensors")
            equal(f"{told}: it is", f"{got.in_features} to {got.out_features}", f"{n} to {out}")
            close(attempt(told, got, x).detach(), want, f"{told}: y, against the formula")
            state_is(f"{told}: layer afterwards", layer, before.state_dict())
            settings_are(f"{told}: layer afterwards", layer, settings(before))


def undone(merge, unmerge, LoRALinear):
    layers = [filled(LoRALinear(nn.Linear(40, 30), 2, scale)) for scale in (1.0, 3.0)]
    layers[0].base.requires_grad_(False)
    layers[1].eval()
    before = copy.deepcopy(layers)
    got = [attempt("merge", merge, layer) for layer in layers * 2]
    for i, one in enumerate(got):
        what = f"two layers merged, then both again; unmerge of result {i + 1}"
        back = attempt(what, unmerge, one)
        assert back is layers[i % 2], f"{what} gave {a(back)}, another object than was merged"
        state_is(what, back, before[i % 2].state_dict())
        settings_are(what, back, settings(before[i % 2]))


def model(merge_model, unmerge, LoRALinear):
    net = trained(LoRALinear)
    net.gain.requires_grad_()
    net.blocks[0].fc.train()
    objects = dict(net.named_modules())
    flags = {key: on for key, on in settings(net).items() if not key.startswith(PLACES)}
    wrappers, what = {place: at(net, place) for place in PLACES}, f"merge_model, {THERE}"
    for told in (what, f"{what}, called twice"):
        returned = attempt(told, merge_model, net)
        assert returned is net, f"{told} returned {a(returned)}, want the model that came"
        for place, wrapper in wrappers.items():
            is_linear(f"{told}: {place}", at(net, place), LoRALinear)
            back = attempt(f"{told}, unmerge of {place}", unmerge, at(net, place)) is wrapper
            assert back, f"{told}, unmerge of {place}: another object than was there"
        names_are(net.state_dict(), [*nested().state_dict(), "steps"], f"{told}: state_dict()")
        settings_are(told, net, flags)
        for name, old in objects.items():
            kept = told is what and name.startswith(PLACES) or at(net, name) is old
            assert kept, f"{told}: at {name or 'the top'} is another object than before"
        objects = dict(net.named_modules())


def state(lora_state_dict, LoRALinear):
    net, what = trained(LoRALinear), f"lora_state_dict, {THERE}"
    states_are(what, attempt(what, lora_state_dict, net), net.state_dict())
    got = attempt(what, lora_state_dict, LoRALinear(nn.Linear(3, 4), 2, 0.5))
    names_are(got, ["lora_A", "lora_B"], "lora_state_dict of a LoRALinear itself")


def loaded(load_lora, LoRALinear):
    net, x = trained(LoRALinear), torch.randn(6, 5)
    new, content = fresh(net), right_state(net)
    new.stem.train()
    held, old = dict(new.named_parameters()), settings(new)
    what = "load_lora into another model with this base"
    attempt(what, load_lora, new, content)
    states_are(f"{what}: it has", right_state(new), net.state_dict())
    settings_are(what, new, old)
    same(attempt(what, new.eval(), x), net(x), f"{what}: what both models give")
    states_are(f"{what}: state afterwards", content, net.state_dict())
    other = [name for name, p in new.named_parameters() if p is not held.get(name)]
    assert not other, f"{what}: another Parameter than before: {', '.join(other)}"


def wrong_states(model):
    """(how it is wrong, the state, the error, names that it must say)"""
    good = right_state(model)
    gone, more = ["heads.out.lora_B", "stem.1.running_var"], ["fc.lora_A", "stem.0.base.weight"]
    yield f"without {gone}", {n: t for n, t in good.items() if n not in gone}, KeyError, gone
    yield f"with {more}, too", {**good, **dict.fromkeys(more, torch.ones(6, 5))}, KeyError, more
    moved = {name.replace("heads.out.", "heads.in."): t for name, t in good.items()}
    yield "with heads.in for heads.out", moved, KeyError, [*{*good} ^ {*moved}]
    for shapes in {gone[0]: (1, 2), gone[1]: (1,)}, {gone[0]: (2, 4)}:
        other = {name: torch.ones(shape) for name, shape in shapes.items()}
        yield f"with shapes {shapes}", {**good, **other}, ValueError, [*shapes]


def foreign(load_lora, LoRALinear):
    net = trained(LoRALinear)
    for how, content, error, names in wrong_states(net):
        what = f"load_lora of a state {how}"
        said = refuses(load_lora, net, content, errors=(error,), call=what)
        silent = [name for name in sorted(names) if name not in said]
        assert not silent, f"{what}: {error.__name__} says {said!r}, without {silent[0]}"


def places(merge_model, lora_state_dict, load_lora, LoRALinear):
    one, *others = (filled(LoRALinear(nn.Linear(6, 6), 2, 0.5)) for _ in range(3))
    block, last = Holder(fc=one, skip=None), Holder(fc=others[1])
    net = Holder(first=one, lora_A=Holder(fc=others[0]), base=nn.ModuleList([block, last, block]))
    net.lora_linear = nn.Linear(6, 6)
    what = "a LoRALinear at first = base.0.fc = base.2.fc, others at lora_A.fc, base.1.fc"
    x, old = torch.randn(4, 6), copy.deepcopy(net.state_dict())
    want, content = net(x).detach(), attempt(what, lora_state_dict, net)
    left = [name for name in content if "base.weight" in name or "linear" in name]
    assert not left, f"{what}: lora_state_dict has {', '.join(left)}"
    for p in (one.lora_B, others[0].lora_A, others[1].lora_A):
        p.data.zero_()
    attempt(what, load_lora, net, content)
    state_is(f"{what}, their state loaded", net, old)
    what = f"merge_model, {what}"
    attempt(what, merge_model, net)
    for place in ("first", "base.0.fc", "base.1.fc", "base.2.fc", "lora_A.fc"):
        is_linear(f"{what}: {place}", at(net, place), LoRALinear)
    alike = net.first is net.base[0].fc is net.base[2].fc
    assert alike, f"{what}: another object at base.0.fc than at first, want one for both"
    close(net(x).detach(), want, f"{what}: what the model gives")


def precision(merge, LoRALinear):
    """Small whole numbers in 16 bits, so that the sum is exact in float32, in whatever order."""
    for dtype, scale in ((torch.bfloat16, 0.125), (torch.float16, 0.125), (torch.float64, 0.1)):
        layer = LoRALinear(nn.Linear(30, 20), 5, scale)
        for p in layer.parameters():
            p.data = torch.randint(-99, 100, p.shape).to(dtype)
        W = layer.base.weight.double() + scale * layer.lora_B.double() @ layer.lora_A.double()
        what = f"merge in {dtype}"
        got = attempt(what, merge, layer)
        equal(f"{what}: bias is", got.bias.dtype, dtype)
        told = f"{what}: weight, against the sum rounded once"
        close(got.weight.detach(), W.to(dtype).detach(), told, 1e-12)
    got = attempt("merge on meta", merge, LoRALinear(nn.Linear(3, 4, device="meta"), 2, 0.5))
    for name, p in got.named_parameters():
        equal(f"merge on the meta device: {name} on", p.device.type, "meta")


def apart(merge, lora_state_dict, load_lora, LoRALinear):
    layer = filled(LoRALinear(nn.Linear(5, 4), 2, 0.5))
    before, got = copy.deepcopy(layer.state_dict()), attempt("merge", merge, layer)
    for p in got.parameters():
        p.data.fill_(3)
    state_is("layer, after the merged one's numbers changed", layer, before)
    net = trained(LoRALinear)
    old, new = copy.deepcopy(net.state_dict()), fresh(net)
    content, given = (
        attempt("lora_state_dict", lora_state_dict, net.requires_grad_()),
        copy.deepcopy(right_state(net)),
    )
    needs = [name for name, value in content.items() if value.requires_grad]
    assert not needs, f"lora_state_dict: require a gradient: {', '.join(needs)}, want none"
    attempt("load_lora", load_lora, new, given)
    for changed, kept, call in ((net, content, "lora_state_dict"), (new, given, "load_lora")):
        for t in changed.state_dict().values():
            t.zero_()
        for name, value in kept.items():
            what = f"{call}, then the model's numbers set to 0: {name} in state"
            same(value, old.get(name, value), what)


def errors(load_lora, unmerge, LoRALinear):
    net = trained(LoRALinear)
    new = fresh(net)
    before = copy.deepcopy(new.state_dict())
    for how, content, error, _ in wrong_states(net):
        what = f"after the {error.__name__} for a state {how}"
        refuses(load_lora, new, content, errors=(Exception,), call=what)
        state_is(what, new, before)
    refuses(unmerge, nn.Linear(4, 4), errors=(ValueError,), call="unmerge(nn.Linear(4, 4))")


CORE = (merged, undone, model, state, loaded, foreign)
EDGES = (places, precision, apart, errors)
