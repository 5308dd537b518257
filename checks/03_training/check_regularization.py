"""What challenge_regularization.py requires: shares of draws, names in groups, weights by hand."""

import copy
import gc
import weakref

import torch
from torch import nn
from torch.autograd.graph import get_gradient_edge

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
        with Forbidden("dropout") as watch, unchanged(call, leaf):
            out = result_of(call, model.train(), leaf)
        assert not watch.called, f"{call}: torch's {watch.called[0]} was called"
        equal(f"{call}: shape", tuple(out.shape), (20, 40, 25))
        zero = out == 0
        share_is(zero, p, f"{call}, 20000 numbers: the share of zeros")
        factors = (out.detach() / x)[~zero]
        close(factors, torch.full_like(factors, 1 / (1 - p)), f"{call}: what is kept, divided by x")
        for dim in range(3):
            both = zero.narrow(dim, 1, x.shape[dim] - 1) & zero.narrow(dim, 0, x.shape[dim] - 1)
            share_is(both, p * p, f"{call}: the share of zeros beside a zero along dim {dim}")
        with torch.no_grad():
            both = zero & (result_of(f"{call}, under no_grad", model, x) == 0)
        share_is(both, p * p, f"{call}, twice, once under no_grad: the share of zeros in both")
        (grad,) = gradients(call, out, [leaf], torch.ones_like(x))
        close(grad, (~zero).float() / (1 - p), f"{call}: the gradient of x")
        model.eval()
        before = torch.get_rng_state()
        out = result_of("eval mode", model, leaf)
        same(out.detach(), x, f"MyDropout({p}) in eval mode")
        drawn = not torch.equal(before, torch.get_rng_state())
        assert not drawn, f"MyDropout({p}) in eval mode: random numbers were drawn, want none"
        gradients(f"MyDropout({p}) in eval mode", out, [leaf], torch.ones_like(x))


def groups(param_groups):
    for decay in (0.1, 0.0):
        groups_are(param_groups, Net(), decay)
    many = nn.Sequential(*(nn.Linear(2, 2) for _ in range(20)))
    for model in (nn.Linear(2, 2, bias=False), nn.BatchNorm1d(3), many):
        groups_are(param_groups, model, 0.3)
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
            node, mark = get_gradient_edge(model.weight).node, nn.Module()
            node.metadata["mark"], kept = mark, weakref.ref(mark)  # kept as long as a graph is
            attempt(f"{call}.update", ema.update, model)
            del node, mark
            gc.collect(0)
            assert kept() is None, f"{call}.update: a graph with the weight is kept, want none"
            told += f", update with {weight:g}"
            number_is(f"{told}: the model's weight", model.weight.item(), weight)
            number_is(f"{told}: averaged", weight_in(ema, model), right)
        what = f"{told} and another EMA of weight 100: the other's, averaged"
        number_is(what, weight_in(other, one_weight(0.0)), 100.0)
    model = fill(deep(1.0).double(), 1 / 3)
    model[1][0].bias.requires_grad_(False)
    ema = EMA(model, 0.5)
    ema.update(fill(copy.deepcopy(model), 3.0).eval())
    with ema.averaged(model):
        for name, p in model.named_parameters():
            what = f"decay 0.5, float64, all 1 / 3, update with a copy that is 3: averaged, {name}"
            close(p.detach(), torch.full_like(p, 5 / 3), what, 1e-9)


def given_back(EMA):
    failed, stop = ValueError("in the evaluation"), KeyboardInterrupt("Ctrl-C")
    for grad, error in ((True, None), (False, None), (True, failed), (False, stop)):
        model = deep(1.0)
        model[1][0].bias.requires_grad_(False)
        model[1].eval()
        model[0].weight.grad = torch.ones(2, 3)
        ema = EMA(model, 0.5)
        for p in model.parameters():
            nn.init.constant_(p, 0.1)
        own, before = dict(model.named_parameters()), state_of(model)
        what, came = f"after averaged{'' if grad else ' under no_grad'}", None
        with torch.set_grad_enabled(grad):
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
            mode = torch.is_grad_enabled()
        got, want = (type(e).__name__ if e else "no error" for e in (came, error))
        equal(f"{what}: to the caller came", got, want)
        equal(f"{what}: gradients are recorded:", mode, grad)
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
        same(layer.eval()(x).detach(), x.detach(), f"MyDropout({p}) of 1 to 50 in eval mode")
    for shape, dtype in (((), torch.bfloat16), ((0, 3), torch.float64)):
        for mode in (True, False):
            what, x = f"MyDropout() of shape {shape}, {dtype}", torch.ones(shape, dtype=dtype)
            out = result_of(what, MyDropout().train(mode), x)
            equal(f"{what} gave", (tuple(out.shape), out.dtype), (shape, dtype))
    keeps_device("MyDropout() in train mode", MyDropout().train(), torch.ones(3, 2))
    for p in (-0.1, 1.5, -1, 2):
        refuses(MyDropout, p, errors=(ValueError,))


def norms(param_groups):
    class Rescale(nn.LayerNorm):
        pass

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            for name in ("bias", "bias_table", "pair_bias"):
                setattr(self, name, nn.Parameter(torch.zeros(2, 3)))
            self.normal = nn.Linear(2, 3)
            self.bare = nn.LayerNorm(3, elementwise_affine=False)

    model = nn.ModuleDict(
        {
            "a": nn.LayerNorm((2, 3)),
            "b": Rescale((4, 1)),
            "rms": nn.RMSNorm((2, 3)),
            "layer": Layer(),
        }
    )
    names = {id(p): name for name, p in model.named_parameters()}
    groups = attempt("param_groups(model, 0.1)", param_groups, model, 0.1)
    what = "param_groups, what decays"
    decaying = [p for g in groups if g.get("weight_decay") for p in g["params"]]
    found = [names.get(id(p), "no parameter") for p in decaying]
    names_are(found, ["layer.bias_table", "layer.pair_bias", "layer.normal.weight"], what)


def state(EMA):
    model = nn.Sequential(one_weight(0.0), nn.BatchNorm1d(1))
    model.register_buffer("table", torch.zeros(1), persistent=False)
    ema, norm = EMA(model, 0.5), model[1]
    buffers = {"running_mean": norm.running_mean, "a buffer not saved": model.table}
    for t in (model[0].weight, *buffers.values()):
        nn.init.constant_(t, 4.0)
    norm.num_batches_tracked.fill_(7)
    ema.update(model)
    for t in buffers.values():
        t.fill_(9.0)
    with ema.averaged(model):
        weight, count = model[0].weight.item(), norm.num_batches_tracked.item()
        for name, t in buffers.items():
            what = f"decay 0.5, a weight and {name} 0, update with 4: averaged, the weight is"
            number_is(f"{what} {weight:g}; {name}", t.item(), weight)
    equal("update with num_batches_tracked 7: averaged, it is", count, 7)
    for name, t in buffers.items():
        equal(f"{name} 9 before averaged: afterwards it is", t.item(), 9)
    model = nn.ModuleList([one_weight(8.0), one_weight(0.0), one_weight(8.0)])
    model[1].weight = model[0].weight
    ema = EMA(model, 0.5)
    fill(model, 4.0)
    ema.update(model)
    tied, alone = (weight_in(ema, model[i], model) for i in (0, 2))
    what = "decay 0.5, weights of 8, update with 4: averaged, an untied one is"
    number_is(f"{what} {alone:g}; a tied one", tied, alone)
    model = nn.ModuleList([one_weight(1.0), one_weight(1.0).bfloat16()])
    model[1].register_buffer("table", torch.ones(1, dtype=torch.bfloat16))
    ema = EMA(model)
    for t in (*model.parameters(), *model.buffers()):
        nn.init.constant_(t, 2.0)
    for _ in range(300):
        ema.update(model)
    with ema.averaged(model):
        right = model[0].weight.item()
        for name, t in (("weight", model[1].weight), ("buffer", model[1].table)):
            equal(f"a bfloat16 {name}: averaged, its dtype is", t.dtype, torch.bfloat16)
            what = f"1, 300 updates with 2: averaged, {right:.4f} in float32; a bfloat16 {name}"
            number_is(what, t.item(), right, 0.01)


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
        weight_in(ema, model[0], model)
    what = f"within averaged, the weight, {seen:g}, is set to 50 and averaged is entered again"
    number_is(f"{what}; averaged once more, it", weight_in(ema, model[0], model), seen)
    number_is(f"{what}; the model's, {own:g} before, then", model[0].weight.item(), own)
    what = "within averaged, running_mean, 0, is set to 50"
    number_is(f"{what}; the model's, 0 before, then", model[1].running_mean.item(), 0.0)
    with ema.averaged(model):
        number_is(f"{what}; averaged once more, it", model[1].running_mean.item(), 0.0)
    assert model[1].running_mean is buffer, "after averaged running_mean is another tensor"


CORE = (dropout, groups, average, given_back)
EDGES = (limits, norms, state, inside)


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
    wanted = [], []
    for name, p in model.named_parameters():
        wanted[p.ndim < 2].append(name)
    call = f"param_groups(model, {decay})"
    got = attempt(call, param_groups, model, decay)
    equal(f"{call}: groups:", len(got), 2)
    for i, (group, want, rate) in enumerate(zip(got, wanted, (decay, 0.0), strict=True)):
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
