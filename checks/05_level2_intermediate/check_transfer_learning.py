"""What challenge_transfer_learning.py requires, of a model of similar names."""

import copy
from collections import OrderedDict

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from checks.hunts import mode
from checks.tools import attempt, close, equal, names_are, refuses, same
from checks.training import states_are

FC, NORM = ["fc.weight", "fc.bias"], ["body.1.weight", "body.1.bias"]
BODY = ["body.0.weight", "body.0.bias", *NORM, "body.10.weight", "body.10.bias"]
MIXED = ["body.0.bias", "fc2.weight", "fc2.bias"]
TRAINABLE = {"fc": FC, "body.0.bias fc2": MIXED, "body.1": NORM, "body": BODY, "": []}


def load(load_matching):
    state, model, what = values(), net(), "load_matching"
    del state["body.0.bias"], state["body.1.running_var"]
    state["fc.weight"], state["extra.weight"] = torch.zeros(3, 7), torch.zeros(2)
    state["body.0.weight"] = state["body.0.weight"].T.clone()  # as many numbers
    state["body.1.bias"] = torch.zeros(1)  # it would broadcast
    want = dict.fromkeys(["body.0.bias", "body.1.running_var"], "missing")
    want |= {"fc.weight": "shape (3, 7), want (3, 6)", "body.1.bias": "shape (1,), want (6,)"}
    want |= {"body.0.weight": "shape (4, 6), want (6, 4)", "extra.weight": "unexpected"}
    right = copy.deepcopy(model.state_dict())
    fit = {name: state[name] for name in right if name not in want}
    loaded, skipped = attempt(what, load_matching, model, dict(state))
    names_are(skipped, want, f"{what}: skipped")
    for name, reason in want.items():
        equal(f"{what}: the reason for {name} is", repr(skipped[name]), repr(reason))
    names_are(loaded, fit, f"{what}: loaded")
    states_are(model.state_dict(), fit, f"{what}, what fits", 0)
    states_are(model.state_dict(), right | fit, f"{what}, what is skipped", 0)


def prefixes(load_matching):
    once, twice = ["_orig_mod."], ["module.module.module."]
    for fronts in (twice, once, ["_orig_mod.module.", ""], ["", "module._orig_mod.module."]):
        right, what = values(), f"load_matching, prefixes {fronts}"
        state = {fronts[i % len(fronts)] + name: v for i, (name, v) in enumerate(right.items())}
        state[fronts[0] + "modules.module.w"] = torch.zeros(1)
        loaded, skipped = attempt(what, load_matching, model := net(), state)
        equal(f"{what}: names loaded:", len(loaded), len(right))
        equal(f"{what}: skipped is", dict(skipped), {"modules.module.w": "unexpected"})
        same(model.fc.bias.data, right["fc.bias"], f"{what}: fc.bias is")


def freeze(freeze):
    for trainable, want in TRAINABLE.items():
        model, what = net(), f"freeze(model, {trainable.split()})"
        model.body[0].requires_grad_(False)
        got = attempt(what, freeze, model, trainable.split())
        names_are(training(model), want, f"{what}: what requires gradients")
        equal(f"{what} gave a", type(got).__name__, "list")
        names = {id(p): name for name, p in model.named_parameters()}
        equal(f"{what}: the list has", sorted(names.get(id(p), "?") for p in got), sorted(want))


def norms(freeze):
    x, kind = torch.randn(5, 6, 4) + 1, nn.BatchNorm1d
    for norm, named, *more in (
        (kind(6), "last"),
        (nn.BatchNorm2d(6, affine=False), "last", 1),
        (type("MyNorm3d", (nn.BatchNorm3d,), {})(6), "last", 1, 1),
        (kind(6, track_running_stats=False), "last"),
        (kind(6), "norm"),
        (kind(6), "norm.0"),
    ):
        parts = {"norm": nn.Sequential(norm), "drop": nn.Dropout(0.0), "last": nn.Linear(4, 4)}
        model, twin = nn.Sequential(OrderedDict(parts)), copy.deepcopy(norm)
        what = f"freeze(model, [{named!r}]), the {type(norm).__name__} called norm.0"
        attempt(what, freeze, model, [named])
        for then in ("train mode as at the start", "eval().train()", "eval()"):
            on, told = "train" in then, f"{what}, {then}"
            if "eval" in then:
                model.eval().train(on)
            want = twin.train(on and named != "last")(given := x.view(5, 6, *more, 4))
            got, buffers = attempt(told, model, given), dict(twin.named_buffers())
            names_are(dict(norm.named_buffers()), buffers, f"{told}: buffers")
            states_are(norm.state_dict(), buffers, f"{told}, after a forward pass", 1e-5)
            close(got, parts["last"](want), f"{told}: output")
            equal(f"{told}: the Dropout is in", mode(parts["drop"].training), mode(on))


def features(extract_features):
    model, x, y = net().double(), torch.randn(6, 4).double(), torch.rand(6).double()
    batches, seen = list(zip(x.split([3, 2, 1]), y.split([3, 2, 1]), strict=True)), []
    model.body[1].eval()
    model.apply(lambda part: part.register_forward_hook(lambda *_: None))
    before = as_it_is(model)
    for k, name in ((1, "0"), (2, "1"), (5, "10"), (6, "wide")):
        what = f"layer 'body.{name}', batches of 3, 2 and 1 samples"
        part = copy.deepcopy(model.body[:k]).eval()
        got, labels = attempt(what, extract_features, model, f"body.{name}", iter(batches), "cpu")
        same(labels, y, f"{what}: y")
        close(got, part(x).detach().flatten(1), f"{what}: features", 1e-9)
        kind = got.requires_grad, got.is_inference()
        equal(f"{what}: features have a graph, are of inference mode:", kind, (False, False))
        for one, now in as_it_is(model).items():
            equal(f"{what}: {one} is then in", now, before[one])
    model = nn.Sequential(nn.Identity())
    model.register_forward_pre_hook(lambda _, given: seen.append(given[0].device.type))
    with MetaLikeCuda():
        out = attempt("device meta", extract_features, model, "0", batches, "meta")
    where, want = [*seen, *(t.device.type for t in out)], ["meta"] * 3 + ["cpu"] * 2
    equal("device meta: places of the 3 x in the model, of features and of y:", where, want)


def kept(load_matching):
    model, state, what = net(), {f"module.{k}": v for k, v in values().items()}, "load_matching"
    model.body[1].bfloat16()
    model.fc.bfloat16().requires_grad_(False)
    old, held, twin = copy.deepcopy(state), dict(model.named_parameters()), copy.deepcopy(model)
    attempt(what, load_matching, model, state)
    before = twin.state_dict(keep_vars=True)
    for name, now in model.state_dict(keep_vars=True).items():
        assert held.get(name, now) is now, f"{what}: {name} is another object, want it as it was"
        kinds = [f"{t.dtype}, requires_grad {t.requires_grad}" for t in (now, before[name])]
        equal(f"{what}: {name} is", *kinds)
        now.detach().zero_()
    names_are(state, old, f"{what}: afterwards names in state_dict")
    states_are(state, old, f"{what}, then the model filled with 0: in state_dict", 0)


def tied(load_matching, freeze):
    for one in ("in.weight", "out.weight"):
        what = f"in and out share a weight, state_dict has {one} alone: load_matching"
        loaded, skipped = attempt(what, load_matching, shared(), {one: torch.ones(3, 3)})
        names_are(loaded, ["in.weight", "out.weight", "same.weight"], f"{what}: loaded")
        names_are(skipped, ["out.bias", "same.bias"], f"{what}: skipped")
    what = "in and out share a weight, out and same are one layer: freeze"
    for names, want in ((["in"], 1), (["out.weight"], 1), (["in", "out"], 2), (["same"], 2)):
        got = attempt(told := f"{what}(model, {names})", freeze, model := shared(), names)
        equal(f"{told}: parameters in the list:", len(got), want)
        equal(f"{told}: requires gradients:", len(training(model)), want)


def again(freeze):
    model, x = net(), torch.randn(5, 4)
    model(x).sum().backward()
    for name, counted in (("fc", 1), ("body", 2), ("fc", 2)):
        want, what = TRAINABLE[name], f"freeze(model, ['{name}']) of a used model"
        attempt(what, freeze, model, [name])
        names_are(training(model), want, f"{what}: requires gradients")
        model.train()(x)
        told = f"{what}: batches that body.1 has counted:"
        equal(told, model.body[1].num_batches_tracked.item(), counted)
        graded = [name for name, p in model.named_parameters() if p.grad is not None]
        names_are(graded, set(graded) & set(want), f"{what}: what has a .grad")
    for unknown in (["body", "fc3"], ["bod"], ["fc.weights", "body"]):
        what = f"freeze(model, {unknown})"
        refuses(lambda u: len(freeze(model, u)), unknown, errors=(ValueError,), call=what)
        names_are(training(model), FC, f"{what}, ['fc'] before: requires gradients")


CORE = (load, prefixes, freeze, norms, features)
EDGES = (kept, tied, again)


class MetaLikeCuda(TorchFunctionMode):
    """A copy from the meta device to the CPU gives zeros."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        try:
            return func(*args, **(kwargs or {}))
        except NotImplementedError:
            return torch.zeros(args[0].shape)


def net():
    """x (B, 4) -> (B, 2). Of names such as fc and fc2, body.1 and body.10 one begins the other."""
    body = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True), nn.Dropout())
    for name, part in (("10", nn.Linear(6, 6)), ("wide", nn.Unflatten(1, (2, 3)))):
        body.add_module(name, part)
    body.add_module("flat", nn.Flatten())
    return nn.Sequential(OrderedDict(body=body, fc=nn.Linear(6, 3), fc2=nn.Linear(3, 2)))


def values():
    """A state of net() in which no number is twice."""
    return {
        name: (100 * i + torch.arange(v.numel())).view(v.shape).to(v.dtype)
        for i, (name, v) in enumerate(net().state_dict().items())
    }


def shared():
    one, other = nn.Linear(3, 3, bias=False), nn.Linear(3, 3)
    other.weight = one.weight
    return nn.ModuleDict({"in": one, "out": other, "same": other})


def training(model):
    return [name for name, p in model.named_parameters() if p.requires_grad]


def as_it_is(model):
    """Of each module: its mode, how many hooks it has and how many of its parameters train."""
    found = {}
    for name, part in model.named_modules():
        hooks, train = part._forward_hooks | part._forward_pre_hooks, training(part)
        said = f"{mode(part.training)}, hooks: {len(hooks)}, parameters that train: {len(train)}"
        found[name or "the model"] = said
    return found
