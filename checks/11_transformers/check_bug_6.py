"""What 11_transformers/buggy_code_6.py requires.

Only `model` has layers that share anything; `optimizer` looks at steps, `frozen` at autograd.
"""

import torch
from torch import nn
from torch.nn import functional as F

from checks.hunts import state_is
from checks.tools import attempt, close, equal, filled, is_normal, result_of, same, unchanged


def model(init_weights, TinyLM):
    for v, d in ((64, 16), (9, 5)):
        lm, what = attempt(f"TinyLM({v}, {d})", TinyLM, v, d), f"TinyLM({v}, {d})"
        want = v * d + 8 * d * d + 9 * d
        equal(f"{what}: parameters", count(lm), want)
        far = int((lm.token.weight.abs() > 0.13).sum())
        equal(f"{what}: numbers in its table beyond 0.13:", far, 0)
        off = [int((lm.mlp[i].bias != 0).sum()) for i in (1, 3)]
        equal(f"{what}: numbers that are not 0 in the biases of its Linears:", off, [0, 0])
        lm.apply(init_weights).apply(init_weights)
        equal(f"{what}, begun anew twice more: parameters", count(lm), want)
        shapes = (d,), (d,), (4 * d, d), (4 * d,), (d, 4 * d), (d,), (d,), (d,)
        shapes = dict(zip(NAMES, shapes, strict=True)) | dict.fromkeys(TIED, (v, d))
        state_is(what, lm.state_dict(), shapes)
        x, last, *inner = (filled(lm, 1.0).state_dict()[name] for name in (*TIED, *NAMES))
        hidden = F.gelu(F.linear(F.layer_norm(x, (d,), *inner[:2]), *inner[2:4]))
        hidden = F.layer_norm(x + F.linear(hidden, *inner[4:6]), (d,), *inner[6:])
        got = result_of(what, lm, torch.arange(v)[None])[0].detach()
        close(got, hidden @ last.T, f"{what}: logits, by its table", 1e-4)
    for told in ("head table", "table Linear", "Linear Linear", "table table head"):
        for mode, shared in ((True, True), (False, True), (True, False)):
            first, *rest = (LAYERS[kind]() for kind in told.split())
            for other in rest if shared else ():
                other.weight = first.weight
            made = nn.ModuleList([first, *rest]).train(mode)
            before, what = count(made), f"{told}, {'one weight' if shared else 'each its own'}"
            attempt(what, made.apply, init_weights)
            equal(f"{what}: parameters, {before} before, afterwards", count(made), before)


def optimizer(init_weights):
    for name, kind in (("SGD", torch.optim.SGD), ("Adam", torch.optim.Adam)):
        net = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
        given = kind(net.parameters(), lr=0.1)
        attempt("model.apply(init_weights)", net.apply, init_weights)
        start = {n: p.detach().clone() for n, p in net.named_parameters()}
        for step in (1, 2):
            given.zero_grad()
            (net(torch.arange(5)) * torch.linspace(1, 3, 10).view(5, 2)).pow(2).sum().backward()
            given.step()
            moved = [n for n, p in net.named_parameters() if not torch.equal(p, start[n])]
            told = f"{name} built before, after step {step}: parameters that it has moved:"
            equal(told, moved, list(start))


def values(init_weights):
    for bias in (True, False):
        net = nn.Sequential(nn.Embedding(150, 200), nn.Linear(200, 150, bias=bias), nn.Linear(1, 2))
        torch.manual_seed(3)
        for p in filled(net)[2].parameters():
            p.data.fill_(torch.nan)
        attempt(f"a Linear, bias={bias}", net.train(bias).apply, init_weights)
        left = int(net[2].weight.isnan().sum())
        equal("a Linear that was nan everywhere: weights that are nan now:", left, 0)
        for part in net[:2]:
            name = type(part).__name__
            close(part.weight.std().item(), 0.02, f"{name}: standard deviation", 1e-3)
            is_normal(part.weight.detach() / 0.02, f"{name}: weights / 0.02")
            equal(f"{name}: weights of 0:", int((part.weight == 0).sum()), 0)
        off = [int((part.bias != 0).sum()) for part in net[1 if bias else 2 :]]
        equal("numbers that are not 0 in the bias of each Linear:", off, [0] * len(off))
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn += [net.apply(init_weights)[1].weight.detach().clone() for _ in range(2)]
    alike = [torch.equal(drawn[0], drawn[i]) for i in (2, 4, 1)]
    told = "weights are the same after the same seed, after another seed, at once again:"
    equal(told, alike, [True, False, False])


def others(init_weights):
    for mode in (True, False):
        norms = nn.LayerNorm(4), nn.BatchNorm1d(3), nn.GroupNorm(1, 2), nn.Bilinear(2, 3, 4)
        more = nn.MultiheadAttention(4, 2), nn.EmbeddingBag(3, 2), nn.Conv1d(2, 3, 1)
        net = filled(nn.Sequential(*norms, *more, nn.Linear(4, 3), nn.Embedding(4, 2))).train(mode)
        net.scale, net[1].training = nn.Parameter(torch.ones(3)), not mode
        before = {n: t.clone() for n, t in net.state_dict().items()}
        with torch.set_grad_enabled(mode):
            net.apply(init_weights)
            equal(f"gradients on: {mode}; afterwards", torch.is_grad_enabled(), mode)
        state_is("a model of many kinds of layers, afterwards", net.state_dict(), before)
        for name, t in net.state_dict().items():
            if not name.startswith(("7.", "8.", "4.out_proj.")):
                same(t, before[name], f"a model of many kinds of layers: {name}")
        train = [i for i, part in enumerate(net) if part.training]
        equal("parts in train mode afterwards:", train, [i for i in range(9) if mode != (i == 1)])


def frozen(init_weights):
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        net = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 3), nn.Linear(3, 2)).to(dtype)
        frozen = ["0.weight", "1.weight", "2.bias"]
        for name, p in net.named_parameters():
            p.requires_grad_(name not in frozen)
            p.data, p.grad = torch.ones_like(p), torch.ones_like(p)
        attempt(f"model.apply(init_weights), {dtype}", net.apply, init_weights)
        found = [n for n, p in net.named_parameters() if not p.requires_grad]
        equal("parameters that ask for no gradient:", found, frozen)
        for name, p in net.named_parameters():
            equal(f"{dtype}: {name} has", p.dtype, dtype)
            equal(f"{name} is a leaf", p.is_leaf and isinstance(p, nn.Parameter), True)
            kept = p.grad is not None and bool((p.grad == 1).all())
            equal(f"{name}: gradient of 1 from before is there", kept, True)
            equal(f"{dtype}: {name}, all 1 before, 1 left:", int((p == 1).sum()), 0)


def kinds(init_weights):
    for base in (nn.Linear, nn.Embedding):
        part, what = type("Own", (base,), {})(40, 50), f"a subclass of {base.__name__}"
        attempt(what, init_weights, filled(part))
        close(part.weight.std().item(), 0.02, f"{what}: standard deviation", 3e-3)
        if base is nn.Linear:
            equal(f"{what}: numbers of its bias that are not 0:", int((part.bias != 0).sum()), 0)
    inner, below = filled(nn.Linear(4, 3)), filled(nn.Embedding(2, 3))
    inner.add_module("below", below)
    for name, module, at in (("Sequential", nn.Sequential(inner), inner), ("Linear", inner, below)):
        with unchanged(f"init_weights of a {name}, weight of one in it", at.weight):
            attempt(f"init_weights of a {name}", init_weights, module)


CORE = (model, optimizer, values, others)
EDGES = (frozen, kinds)


def count(net):
    return sum(p.numel() for p in net.parameters())


TIED = "token.weight", "head.weight"
NAMES = [f"{n}.{kind}" for n in ("mlp.0", "mlp.1", "mlp.3", "norm") for kind in ("weight", "bias")]
LAYERS = {
    "head": lambda: nn.Linear(4, 7, bias=False),
    "table": lambda: nn.Embedding(7, 4),
    "Linear": lambda: nn.Linear(4, 7),
}
