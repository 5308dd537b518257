"""What challenge_5_custom_layer.py requires: torch's own layers, with the same numbers."""

import itertools
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from checks.functions import calls_none, gives
from checks.modules import drawn_as_linear, has_parameters, made_by_hand, put, ramp
from checks.tools import (
    attempt,
    call_of,
    close,
    equal,
    is_normal,
    keeps_device,
    names_are,
    numbers,
    result_of,
    same,
    strided,
    unchanged,
)

IDS = torch.tensor([[2, 0, 1], [4, 4, 3]])
LAYERS = nn.Linear, nn.Bilinear, nn.Embedding, nn.EmbeddingBag


def parameters(SimpleLinear, MyEmbedding):
    linear, table = {"weight": (2, 3)}, {"weight": (5, 2)}
    shapes = linear | {"bias": (2,)}, linear, table, table
    for (kind, sizes, _), want in zip(cases(SimpleLinear, MyEmbedding), shapes, strict=True):
        what, layer = call_of(kind.__name__, *sizes), kind(*sizes)
        if want is linear:
            bias = getattr(layer, "bias", "missing")
            assert bias is None, f"{what}.bias is of type {type(bias).__name__}, want None"
        names_are(dict(layer.named_parameters()), want, f"{what}: its parameters")
        has_parameters(what, layer, *want.values())


def by_hand(SimpleLinear, MyEmbedding):
    for kind, sizes, x in cases(SimpleLinear, MyEmbedding):
        what, layer = call_of(kind.__name__, *sizes), made_by_hand(kind, sizes, LAYERS)
        for mode, given in itertools.product(("train", "eval"), (x, x[0], x[0, 0])):
            at = f"{what}, {mode} mode, input {tuple(given.shape)}"
            calls_none(at, layer.train(mode == "train"), [given], ("linear", "embedding"))


def forward(SimpleLinear, MyEmbedding):
    x, what = torch.tensor([[1.0, 0], [1, 1]]), "SimpleLinear(2, 1), weight [[3, 4]], bias [5], x "
    layer = put(SimpleLinear(2, 1), {"weight": [[3.0, 4.0]], "bias": [5.0]})
    gives(f"{what}{numbers(x)}", layer, [x], [[8.0], [12.0]])
    table = put(MyEmbedding(5, 2), {"weight": ramp(5, 2).tolist()})
    for ids in (IDS[0, 0], IDS[0], IDS, IDS[:, :0], IDS[:1, :1], IDS[None]):
        what = f"MyEmbedding(5, 2), rows from -1 to 1, ids {ids.tolist()}"
        want = [ramp(5, 2)[i].tolist() for i in ids.flatten()]
        gives(what, table, [ids], torch.tensor(want).reshape(*ids.shape, 2))
    as_library("MyEmbedding(5, 2)", table, F.embedding, IDS)
    for shape in ((6, 3), (3, 3), (3,), (2, 6, 3), (0, 3), (1, 1), (4, 1)):
        for *sizes, bias in ((shape[-1], 2, True), (shape[-1], 3, False)):
            what = f"{call_of('SimpleLinear', *sizes, bias)}, x {shape}"
            x = strided(*shape, dtype=torch.float64)
            as_library(what, SimpleLinear(*sizes, bias), F.linear, x)


def start(SimpleLinear, MyEmbedding):
    for sizes in ((16, 400), (400, 16, False)):
        drawn_as_linear(SimpleLinear, sizes, sizes[0])
    for index, rows in ((None, slice(0, 200)), (0, slice(1, 200))):
        what = f"MyEmbedding(200, 30, {index}), new: rows {rows.start} to 199 of weight"
        first, second = (MyEmbedding(200, 30, index).weight[rows].detach() for _ in range(2))
        is_normal(first, what)
        equal(f"{what}, those that are all zero:", (first == 0).all(1).sum().item(), 0)
        alike = torch.equal(first, second)
        assert not alike, f"{what}, made twice: the same numbers, want new ones"


def kaiming(kaiming_init):
    fans = {(80, 50): 50, (50, 80): 80, (40, 8, 3, 5): 120, (1, 5000): 5000}
    kinds = "parameter", "tensor", "frozen parameter", "tensor with requires_grad"
    for (shape, fan_in), kind in zip(fans.items(), kinds, strict=True):
        weight, want = strided(*shape), (2 / fan_in) ** 0.5
        weight = nn.Parameter(weight.contiguous()) if "parameter" in kind else weight
        weight.requires_grad_(kind in (kinds[0], kinds[3]))
        alias, what = weight.detach(), f"kaiming_init, a {kind} {shape}"
        attempt(what, kaiming_init, weight)
        std = alias.std().item()
        near = abs(std / want - 1) < 0.05
        assert near, f"{what}: standard deviation {std:.3f}, want {want:.3f}, fan_in {fan_in}"
        is_normal(alias / want, f"{what}, divided by {want:.3f}")
        before, out = alias.clone(), kaiming_init(weight)
        assert not torch.equal(alias, before), f"{what}, twice: the same numbers, want new ones"
        assert out is weight, f"{what} gave {type(out).__name__}, want the weight it was given"
        told = weight.requires_grad, weight.is_leaf
        equal(f"{what}: (requires_grad, is a leaf)", told, (kind in (kinds[0], kinds[3]), True))


def seen(SimpleLinear):
    for bias in (True, False):
        layer, other, total = SimpleLinear(3, 2, bias), SimpleLinear(3, 2, bias), 0
        what = f"SimpleLinear(3, 2, {bias})"
        saved = ["weight", "bias", "seen"] if bias else ["weight", "seen"]
        names_are(layer.state_dict(), saved, f"{what}: its state dict")
        same(layer.seen, torch.tensor(0), f"{what}, new: seen")
        for i, lead in enumerate(((4,), (2, 6), (4,), (5, 2, 3), (), (7, 1), (0,))):
            training = i not in (2, 5)
            total += training * torch.Size(lead).numel()
            with torch.set_grad_enabled(i not in (3, 5)):
                layer.train(training)(torch.randn(*lead, 3))
            mode = "train" if training else "eval"
            at = f"{what}, x {(*lead, 3)} in {mode} mode: seen afterwards"
            same(layer.seen, torch.tensor(total), at)
        other.load_state_dict(layer.state_dict())
        other(torch.randn(5, 3))
        at = f"{what} with the state of one that saw {total}, after 5 rows more: seen"
        same(other.seen, torch.tensor(total + 5), at)
        equal(f"{what}.double(): seen is", other.double().seen.dtype, torch.int64)
        moved = SimpleLinear(3, 2, bias).to("meta")
        for at in ("on the meta device", "on the meta device, after a call"):
            assert moved.seen.is_meta, f"{what} {at}: seen is on {moved.seen.device}"
            keeps_device(what, moved, torch.randn(4, 3))


def padding(MyEmbedding):
    for index in (1, 0, -2):
        what, table = f"MyEmbedding(5, 2, padding_idx={index})", MyEmbedding(5, 2, index)
        same(table.weight[index].detach(), torch.zeros(2), f"{what}, new: row {index}")
        equal(f"{what}, new: numbers that are 0:", (table.weight == 0).sum().item(), 2)
        for ids in (IDS, IDS[0, 0], torch.tensor([index % 5] * 3)):
            as_library(what, table, partial(F.embedding, padding_idx=index), ids)


def shown(SimpleLinear, MyEmbedding):
    for kind, sizes, want in (
        (SimpleLinear, (3, 2), "in_features=3, out_features=2, bias=True"),
        (SimpleLinear, (3, 2, False), "in_features=3, out_features=2, bias=False"),
        (MyEmbedding, (5, 2), "5, 2"),
        (MyEmbedding, (5, 2, 0), "5, 2, padding_idx=0"),
    ):
        call = call_of(kind.__name__, *sizes)
        equal(f"{call} prints as", repr(kind(*sizes)), f"{kind.__name__}({want})")


CORE = (parameters, by_hand, forward, start, kaiming, seen)
EDGES = (padding, shown)


def cases(SimpleLinear, MyEmbedding):
    """Both layers, with and without bias or padding: their sizes and an input."""
    x = torch.randn(2, 6, 3)
    yield from ((SimpleLinear, (3, 2, *bias), x) for bias in ((), (False,)))
    yield from ((MyEmbedding, (5, 2, *index), IDS) for index in ((), (1,)))


def as_library(what, layer, library, x):
    """With random weights in float64, in both modes: the result, then all gradients."""
    what = f"{what}, float64" if x.is_floating_point() else f"{what}, float64, ids {x.tolist()}"
    leaves = {"x": x.requires_grad_()} if x.is_floating_point() else {}
    for name in ("weight", "bias"):
        p = getattr(layer.double(), name, None)
        if p is not None:
            p.data.normal_()
            leaves[name] = p
    for mode in ("", ", eval mode"):
        at, layer = what + mode, layer.train(not mode)
        twins = [t.detach().clone().requires_grad_() for t in leaves.values()]
        for leaf in leaves.values():
            leaf.grad = None
        with unchanged(at, x):
            out = result_of(at, layer, x)
        want = library(*twins) if "x" in leaves else library(x, *twins)
        close(out, want, at, 1e-8)
        upstream = torch.randn_like(want)
        attempt(f"{at}, backward", out.backward, upstream)
        want.backward(upstream)
        for (name, leaf), twin in zip(leaves.items(), twins, strict=True):
            assert leaf.grad is not None, f"{at}: no gradient reaches {name}"
            close(leaf.grad, twin.grad, f"{at}: the gradient of {name}", 1e-8)
