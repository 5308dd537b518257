"""What challenge_regularization.py requires: shares of draws, names in groups, weights by hand."""

import gc
import weakref

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from checks.functions import number_is
from checks.tools import (
    Forbidden,
    attempt,
    close,
    equal,
    gradients,
    keeps_device,
    names_are,
    refuses,
    result_of,
    same,
    share_is,
    unchanged,
)


def dropout(MyDropout):
    x = 1 + torch.arange(20000.0).view(20, 40, 25) / 20000
    for p, layer in ((0.5, MyDropout()), (0.3, MyDropout(0.3)), (0.9, MyDropout(0.9))):
        model, call = nn.Sequential(layer), f"MyDropout({p}) in train mode"
        leaf = x.clone().requires_grad_()
        with Forbidden("dropout") as watch, unchanged(call, x):
            out = result_of(call, model.train(), leaf)
        assert not watch.called, f"{call}: torch's {watch.called[0]} was called"
        equal(f"{call}: shape", tuple(out.shape), (20, 40, 25))
        zero = out == 0
        share_is(zero, p, f"{call}, 20000 numbers: the share of zeros")
        factors = (out / x)[~zero]
        close(factors.mean().detach(), 1 / (1 - p), f"{call}: what is kept, divided by x")
        close(out.detach()[~zero], x[~zero] / (1 - p), f"{call}: what is kept")
        for dim in range(3):
            both = zero.narrow(dim, 1, x.shape[dim] - 1) & zero.narrow(dim, 0, x.shape[dim] - 1)
            share_is(both, p * p, f"{call}: the share of zeros beside a zero along dim {dim}")
        with torch.no_grad():
            again = result_of(f"{call}, under no_grad", model, x)
        share_is(
            (again == 0) & zero,
            p * p,
            f"{call}, a second call under no_grad: the share of zeros in both",
        )
        (grad,) = gradients(call, out, [leaf], torch.ones_like(x))
        close(grad, (~zero).float() / (1 - p), f"{call}: the gradient of x")
        model.eval()
        before = torch.get_rng_state()
        same(result_of("eval mode", model, x), x, f"MyDropout({p}) in eval mode")
        drawn = not torch.equal(before, torch.get_rng_state())
        assert not drawn, f"MyDropout({p}) in eval mode: random numbers were drawn, want none"


def groups(param_groups):
    for decay in (0.1, 0.0):
        groups_are(param_groups, Net(), decay)
    groups_are(param_groups, nn.Linear(2, 2, bias=False), 0.3)
    groups_are(param_groups, nn.Sequential(*(nn.Linear(2, 2) for _ in range(20))), 0.3)
    model = Net()
    torch.optim.AdamW(attempt("param_groups(model, 0.1)", param_groups, model, 0.1), lr=0.1)


def average(EMA):
    for decay, want in ((0.5, [8, 6, 4]), (0.75, [8, 7, 5.75]), (None, [8, 7.996, 7.990004])):
        model, more = one_weight(8.0), {} if decay is None else {"decay": decay}
        ema, other = EMA(model, **more), EMA(one_weight(100.0))
        call = f"EMA(model{'' if decay is None else f', decay={decay}'})"
        told = f"{call}, weight 8"
        number_is(f"{told}: averaged", weight_in(ema, model), 8.0)
        for weight, before, right in zip((4.0, 2.0), want, want[1:], strict=False):
            nn.init.constant_(model.weight, weight)
            what = f"{told}, weight {weight:g} and no update: averaged"
            number_is(what, weight_in(ema, model), before)
            with Graphs() as graphs:
                attempt(f"{call}.update", ema.update, model)
            kept = graphs.kept()
            assert not kept, f"{call}.update: the graph of {kept[0]} is kept, want none"
            told += f", update with {weight:g}"
            number_is(f"{told}: the model's weight", model.weight.item(), weight)
            number_is(f"{told}: averaged", weight_in(ema, model), right)
        what = f"{told} and another EMA of weight 100: the other's, averaged"
        number_is(what, weight_in(other, one_weight(0.0)), 100.0)
    model = deep(1.0)
    model[1][0].bias.requires_grad_(False)
    ema = EMA(model, 0.5)
    fill(model, 3.0)
    ema.update(model)
    with ema.averaged(model):
        for name, p in model.named_parameters():
            what = f"decay 0.5, all parameters 1, update with 3: averaged, {name}"
            close(p.detach(), torch.full_like(p, 2.0), what)


def given_back(EMA):
    for error in (None, ValueError("in the evaluation"), KeyboardInterrupt("Ctrl-C")):
        model = deep(1.0)
        model[1][0].bias.requires_grad_(False)
        model[1].eval()
        model[0].weight.grad = torch.ones(2, 3)
        ema = EMA(model, 0.5)
        for p in model.parameters():
            nn.init.constant_(p, 0.1)
        own, before = dict(model.named_parameters()), state_of(model)
        what, came = "after averaged", None
        try:
            with ema.averaged(model):
                number_is("within averaged, 0.weight", model[0].weight.mean().item(), 1.0)
                if error is not None:
                    what = f"after {type(error).__name__} within averaged"
                    raise error
        except BaseException as raised:
            if raised is not error:
                raise
            came = raised
        got, want = (type(e).__name__ if e else "no error" for e in (came, error))
        equal(f"{what}: to the caller came", got, want)
        equal(f"{what}: gradients are recorded:", torch.is_grad_enabled(), True)
        for name, p in model.named_parameters():
            assert p is own[name], f"{what}: {name} is another parameter than before"
        for name, value in state_of(model).items():
            same(value, before[name], f"{what}: {name}")
        number_is(f"{what}: averaged again, 0.weight", weight_in(ema, model[0], model), 1.0)


def limits(MyDropout):
    for p, want in ((1.0, 0.0), (1, 0.0), (0.0, 1.0), (0, 1.0)):
        x = torch.arange(1.0, 51.0).requires_grad_()
        layer = attempt(f"MyDropout({p})", MyDropout, p)
        out = result_of(f"MyDropout({p}) of 1 to 50", layer, x)
        close(out.detach(), x.detach() * want, f"MyDropout({p}) of 1 to 50")
        (grad,) = gradients(f"MyDropout({p})", out, [x], torch.ones(50))
        close(grad, torch.full((50,), want), f"MyDropout({p}): the gradient of x")
    for dtype in (torch.bfloat16, torch.float64):
        for mode in (True, False):
            out = result_of("MyDropout()", MyDropout().train(mode), torch.ones(9, dtype=dtype))
            equal(f"MyDropout() of {dtype}: dtype", out.dtype, dtype)
    keeps_device("MyDropout() in train mode", MyDropout().train(), torch.ones(3, 2))
    for p in (-0.1, 1.5, -1, 2):
        refuses(MyDropout, p, errors=(ValueError,))


def norms(param_groups):
    class Norm(nn.LayerNorm):
        pass

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(2, 3))
            self.bias_table = nn.Parameter(torch.zeros(2, 3))
            self.normal = nn.Linear(2, 3)

    model = nn.ModuleDict(
        {"a": nn.LayerNorm((2, 3)), "b": Norm((4, 1)), "rms": nn.RMSNorm((2, 3)), "layer": Layer()}
    )
    names = {id(p): name for name, p in model.named_parameters()}
    groups = attempt("param_groups(model, 0.1)", param_groups, model, 0.1)
    found = [names[id(p)] for g in groups if g.get("weight_decay") for p in g["params"]]
    names_are(found, ["layer.bias_table", "layer.normal.weight"], "param_groups, what decays")


def state(EMA):
    model = nn.Sequential(one_weight(0.0), nn.BatchNorm1d(1))
    ema, norm = EMA(model, 0.5), model[1]
    nn.init.constant_(model[0].weight, 4.0)
    norm.running_mean.fill_(4.0)
    norm.num_batches_tracked.fill_(7)
    ema.update(model)
    norm.running_mean.fill_(9.0)
    with ema.averaged(model):
        values = model[0].weight, norm.running_mean, norm.num_batches_tracked
        weight, mean, count = (t.item() for t in values)
    what = "decay 0.5, a weight 0 and running_mean 0, update with 4 and 4: averaged"
    number_is(f"{what}, the weight is {weight:g}; running_mean", mean, weight)
    equal("update with num_batches_tracked 7: averaged, it is", count, 7)
    equal("running_mean 9 before averaged: afterwards it is", norm.running_mean.item(), 9)
    model = nn.ModuleList([one_weight(8.0), one_weight(0.0), one_weight(8.0)])
    model[1].weight = model[0].weight
    ema = EMA(model, 0.5)
    fill(model, 4.0)
    ema.update(model)
    tied, alone = (weight_in(ema, model[i], model) for i in (0, 2))
    what = (
        f"decay 0.5, weights of 8, update with 4: averaged, an untied one is {alone:g}; a tied one"
    )
    number_is(what, tied, alone)
    got = []
    for dtype in (torch.float32, torch.bfloat16):
        model = one_weight(1.0).to(dtype)
        ema = EMA(model)
        fill(model, 2.0)
        for _ in range(300):
            ema.update(model)
        got.append(weight_in(ema, model))
    what = f"weight 1, 300 updates with 2: averaged {got[0]:.4f} in float32; in bfloat16 it"
    number_is(what, got[1], got[0], 0.01)
    with ema.averaged(model):
        equal("a bfloat16 weight: averaged, its dtype is", model.weight.dtype, torch.bfloat16)


def inside(EMA):
    model = nn.Sequential(one_weight(8.0), nn.BatchNorm1d(1))
    ema, buffer = EMA(model, 0.5), model[1].running_mean
    nn.init.constant_(model[0].weight, 4.0)
    ema.update(model)
    seen = weight_in(ema, model[0], model)
    own = model[0].weight.item()
    with ema.averaged(model):
        nn.init.constant_(model[0].weight, 50.0)
        model[1].running_mean.fill_(50.0)
    what = f"within averaged, the weight, {seen:g}, is set to 50"
    number_is(f"{what}; averaged once more, it", weight_in(ema, model[0], model), seen)
    number_is(f"{what}; the model's, {own:g} before, then", model[0].weight.item(), own)
    what = "within averaged, running_mean, 0, is set to 50"
    number_is(f"{what}; the model's, 0 before, then", model[1].running_mean.item(), 0.0)
    with ema.averaged(model):
        number_is(f"{what}; averaged once more, it", model[1].running_mean.item(), 0.0)
    assert model[1].running_mean is buffer, "after averaged running_mean is another tensor"


CORE = (dropout, groups, average, given_back)
EDGES = (limits, norms, state, inside)


class Graphs(TorchFunctionMode):
    """Knows which of the operations below it are still kept for a backward."""

    def __init__(self):
        super().__init__()
        self.made = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for node in [t.grad_fn for t in tree_leaves(out) if isinstance(t, torch.Tensor)]:
            if node is not None and "token" not in node.metadata:
                node.metadata["token"] = token = nn.Module()
                self.made.append((getattr(func, "__name__", "?"), weakref.ref(token)))
        return out

    def kept(self):
        gc.collect(0)
        return [name for name, token in self.made if token() is not None]


class Net(nn.Module):
    """Parameters of 0 to 4 dims, tied, frozen, without bias, and a child that is None."""

    def __init__(self):
        super().__init__()
        self.scale, self.gate, self.token = (
            nn.Parameter(torch.zeros(shape)) for shape in ((), (2, 3), (1, 1, 3))
        )
        self.table, self.conv, self.norm = nn.Embedding(5, 3), nn.Conv2d(2, 3, 2), nn.BatchNorm1d(4)
        self.blocks = nn.ModuleList([nn.Linear(3, 3, bias=False), nn.LayerNorm(3)])
        self.none, self.head = None, nn.Linear(3, 5)
        self.head.weight = self.table.weight
        for p in (self.conv.weight, self.norm.bias):
            p.requires_grad_(False)


def groups_are(param_groups, model, decay):
    names = {id(p): name for name, p in model.named_parameters()}
    decaying = [name for name, p in model.named_parameters() if p.ndim >= 2]
    call = f"param_groups(model, {decay})"
    got = attempt(call, param_groups, model, decay)
    equal(f"{call}: groups:", len(got), 2)
    others = [name for name in names.values() if name not in decaying]
    for i, (group, want, rate) in enumerate(
        zip(got, (decaying, others), (decay, 0.0), strict=True)
    ):
        what = f"{call}, group {i}"
        equal(f"{what}: weight_decay", group.get("weight_decay"), rate)
        found = [names.get(id(p), "no parameter of the model") for p in group["params"]]
        names_are(found, want, what)
        twice = [name for name in want if found.count(name) > 1]
        assert not twice, f"{what}: {twice[0]} is there {found.count(twice[0])} times, want once"
        assert found == want, f"{what}: an order other than that of model.parameters()"


def one_weight(value):
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def deep(value):
    inner = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    return fill(nn.Sequential(nn.Linear(3, 2), inner), value)


def fill(model, value):
    for p in model.parameters():
        nn.init.constant_(p, value)
    return model


def weight_in(ema, layer, model=None):
    """The mean of the layer's weight within averaged."""
    with ema.averaged(model or layer):
        return layer.weight.float().mean().item()


def state_of(model):
    """Parameters, gradients, buffers, modes: what a training has."""
    state = {name: t.detach().clone() for name, t in model.state_dict().items()}
    for name, p in model.named_parameters():
        state[f"requires_grad of {name}"] = torch.tensor(p.requires_grad)
        state[f"grad of {name}"] = torch.zeros(()) if p.grad is None else p.grad.clone()
    for name, module in model.named_modules():
        state[f"training of {name or 'the model'}"] = torch.tensor(module.training)
    return state
