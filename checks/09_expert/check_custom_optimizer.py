"""What challenge_custom_optimizer.py requires: a polynomial of singular values, found by SVD."""

import copy

import torch
from torch import nn

from checks.tools import (
    BigTensors,
    attempt,
    close,
    equal,
    first_line,
    refuses,
    result_of,
    strided,
    unchanged,
)

PLAIN = {"lr": 0.1, "weight_decay": 0.0, "momentum": 0.5, "nesterov": False, "ns_steps": 5}
OTHER = {"lr": 0.3, "weight_decay": 0.2, "momentum": 0.9, "nesterov": True, "ns_steps": 2}
DEFAULTS = {"lr": 1e-3, "weight_decay": 0.1, "momentum": 0.95, "nesterov": True, "ns_steps": 5}
SHAPES = torch.Size([3, 5]), torch.Size([5, 2]), torch.Size([4, 4])


def orthogonal(newton_schulz):
    for shape in (*SHAPES, (2, 2), (12, 3), (1, 3)):
        for steps, scale, dtype, tol in (
            (1, 1, torch.float32, 1e-5),
            (5, 100, torch.float64, 1e-8),
            (5, 1e-4, torch.float64, 2e-2),  # a small number beside the norm is right, too
        ):
            G, given = scale * strided(*shape, dtype=dtype), {} if steps == 5 else {"steps": steps}
            what = f"newton_schulz, G {tuple(shape)} {dtype} of size {scale}, steps={steps}"
            close(result_of(what, newton_schulz, G, **given), evened(G, steps), what, tol)


def step(Muon):
    for options in (PLAIN, PLAIN | {"nesterov": True}, {"weight_decay": 0.0}):
        mine, twin = new_params(), Twin(new_params(), DEFAULTS | options)
        what = f"Muon({shown(options)})"
        optimizer, places = attempt(what, Muon, iter(mine), **options), [p.data_ptr() for p in mine]
        for t in (1, 2, 3, 4):
            give_gradients(t, mine, twin.params)
            if t in (1, 3):
                mine[1].grad = twin.params[1].grad = None
            if t == 4:
                mine[2].grad = twin.params[2].grad = torch.zeros(4, 4).double()
            attempt(f"{what}: step {t}", optimizer.step)
            twin.step()
            are_close(f"{what}, p1.grad None in steps 1 and 3, after step {t}", mine, twin.params)
        moved = [f"p{i}" for i, p in enumerate(mine) if p.data_ptr() != places[i]]
        equal(f"{what}, 4 steps: parameters with other memory than before:", moved, [])
        told = [(p.is_leaf, p.requires_grad) for p in mine]
        equal(f"{what}, 4 steps: (is_leaf, requires_grad)", told, [(True, True)] * len(mine))


def decay(Muon):
    for options in (PLAIN | {"weight_decay": 0.3}, OTHER, {}):
        mine, plain, used = new_params(), new_params(), DEFAULTS | options
        pair = Muon(mine, **options), Muon(plain, **options | {"weight_decay": 0.0})
        for t in (1, 2):
            give_gradients(t, mine, plain)
            if t == 2:
                mine[1].grad = plain[1].grad = None
            before = [p.detach().clone() for p in plain]
            for optimizer in pair:
                attempt("Muon: step", optimizer.step)
            for i, (p, q, old) in enumerate(zip(mine, plain, before, strict=True)):
                rate = used["lr"] * used["weight_decay"] if q.grad is not None else 0
                what = f"Muon({shown(options)}), step {t}, .grad {'there' if rate else 'None'}"
                what, want = f"{what}: p{i} less that without decay, over p{i}", 0 * old - rate
                close((p - q).detach() / old, want, what, 1e-8)
                q.data.copy_(p.data)


def groups(Muon):
    changes = [*({name: value} for name, value in OTHER.items()), {}]
    params = [new_params()[1:2] for _ in changes]
    twins = [Twin(new_params()[1:2], PLAIN | change) for change in changes]
    given = [{"params": iter(p), **change} for p, change in zip(params, changes, strict=True)]
    given[4]["params"] = params[4][0]  # a tensor alone
    optimizer = attempt("Muon, 5 groups", Muon, given[:5], **PLAIN)
    attempt("Muon: add_param_group", optimizer.add_param_group, given[5])
    held = [len(group["params"]) for group in optimizer.param_groups]
    equal("Muon, 6 groups of one parameter: they hold so many:", held, [1] * 6)
    for t in (1, 2, 3, 4):
        give_gradients(t, *params, *(twin.params for twin in twins))
        attempt("Muon, 6 groups: step", optimizer.step)
        for group, twin, change in zip(optimizer.param_groups, twins, changes, strict=True):
            twin.step()
            until = "" if t < 3 else ", options changed after step 2"
            what = f"one of 6 groups, with {shown(change) or 'the defaults'}{until}, after step {t}"
            are_close(what, group["params"], twin.params)
            if t == 2:
                kept = 0.0 if "momentum" in change else twin.options["momentum"]
                anew = {**OTHER, "momentum": kept}  # a moving average as M is right, too
                group.update(anew)
                twin.options = anew


def split(split_params):
    for model, want in networks():
        names = {id(p): name for name, p in model.named_parameters()}
        parts = attempt("split_params", split_params, model)
        others = [name for name in names.values() if name not in want]
        for kind, part, wanted in zip(("matrices", "others"), parts, (want, others), strict=True):
            got = [names.get(id(p), "no parameter") for p in part]
            equal(f"split_params, model {' '.join(str(model).split())}: {kind}", got, wanted)


def closure(Muon):
    for grad in (True, False):
        p, calls, losses = nn.Parameter(torch.ones(2, 2)), [], []
        mine, what = Muon([p], lr=0.1), f"step(closure){'' if grad else ' under no_grad'}"

        def closure(p=p, calls=calls, mine=mine, losses=losses):
            calls.append(torch.is_grad_enabled())
            mine.zero_grad()
            losses.append(p.diag().sum())
            losses[0].backward()
            return losses[0]

        with torch.set_grad_enabled(grad):
            loss = attempt(what, mine.step, closure)
            equal(f"{what}: gradients are on afterwards:", torch.is_grad_enabled(), grad)
        equal(f"{what}: gradients on in each of its calls:", calls, [True])
        assert loss is losses[0], f"{what} gave {loss}, want {losses[0]}, which closure gave"
        moved = (p[0, 0] < p[0, 1]).item()
        equal(f"{what}: the number with a gradient moved:", moved, True)
    equal("step() gave", mine.step(), None)


def state(Muon):
    params = new_params()
    mine = Muon(params, **PLAIN | {"momentum": 0.9, "weight_decay": 0.1})
    for t in (1, 2):
        give_gradients(t, params)
        mine.step()
    again = copy.deepcopy(params)
    other, saved = Muon(again), copy.deepcopy(mine.state_dict())
    attempt("Muon: load_state_dict", other.load_state_dict, saved)
    for t in (3, 4):
        give_gradients(t, params, again)
        mine.step()
        attempt("Muon, loaded: step", other.step)
        what = f"a new Muon that loaded the state after step 2, after step {t}"
        are_close(f"{what}, against the old one", again, params)
    params.append(nn.Parameter(torch.ones(2, 3, device="meta")))
    mine, what = Muon(params), "Muon, float64 and a parameter on the meta device"
    give_gradients(1, params)
    try:
        mine.step()
    except RuntimeError as error:  # a look at G's numbers is no mistake; M was there before it
        assert "item()" in str(error), f"{what}: step: {first_line(error)}"
    for i, p in enumerate(params):
        kept = [t for t in mine.state[p].values() if isinstance(t, torch.Tensor) and t.ndim == 2]
        got = [(t.dtype, t.device.type) for t in kept]
        equal(f"{what}: M of p{i} is", got, [(p.dtype, p.device.type)])


def limits(newton_schulz, Muon):
    good = nn.Parameter(torch.ones(1, 3))
    for shape in ((3,), (), (2, 3, 2), (2, 1, 3)):
        bad = nn.Parameter(torch.zeros(shape))
        for given in ([good, bad], [{"params": [good]}, {"params": bad}]):
            call = f"Muon, a parameter {shape}"
            refuses(lambda given: Muon(given) and None, given, errors=(ValueError,), call=call)
        mine, call = Muon([good]), f"add_param_group, a parameter {shape}"
        new = nn.Parameter(torch.ones(2, 3))
        for more in (bad, [new, bad], [bad, new]):
            refuses(mine.add_param_group, {"params": more}, errors=(ValueError,), call=call)
            equal(f"{call}: groups afterwards", len(mine.param_groups), 1)
    for shape in ((2, 3), (3, 2)):
        what = f"newton_schulz, G {shape} of zeros"
        close(result_of(what, newton_schulz, torch.zeros(shape)), torch.zeros(shape), what)


def memory(newton_schulz, Muon):
    for shape in ((20, 2), (2, 20), (4, 4)):
        for dtype in (torch.float32, torch.bfloat16):
            G, what = torch.randn(shape).to(dtype), f"newton_schulz, G {shape} {dtype}"
            with BigTensors(2) as all_made, unchanged(what, G):
                equal(f"{what} gave", result_of(what, newton_schulz, G).dtype, dtype)
            assert all_made.seen, f"{what}: no operation of torch was called"
            made = [t for t in all_made.made if t.is_floating_point()]
            most, n = max([len(t.untyped_storage()) // t.itemsize for t in made] + [0]), G.numel()
            assert most <= n, f"{what}: a tensor of {most} numbers, want at most {n}"
            equal(f"{what}: computed in", {t.dtype for t in made if t.ndim == 2}, {dtype})
    for nesterov in (True, False):
        params, what = new_params(), f"Muon(nesterov={nesterov}), .grad in step"
        mine = Muon(params, nesterov=nesterov)
        give_gradients(1, params)
        for t in (1, 2):
            with unchanged(f"{what} {t}", *(p.grad for p in params)):
                attempt(what, mine.step)


CORE = (orthogonal, step, decay, groups, split)
EDGES = (closure, state, limits, memory)


def evened(G, steps):
    """The same singular vectors; each value, over the root of the sum of squares, by itself."""
    U, S, V = torch.linalg.svd(G.detach().double(), full_matrices=False)
    S = S / S.square().sum().sqrt()
    for _ in range(steps):
        S = 3.4445 * S - 4.7750 * S**3 + 2.0315 * S**5
    return (U * S @ V).to(G.dtype)


class Twin:
    """Muon in plain code, one group."""

    def __init__(self, params, options):
        self.params, self.options, self.M = params, options, {}

    def step(self):
        lr, decay, momentum, nesterov, ns_steps = self.options.values()
        for i, p in enumerate(self.params):
            if p.grad is not None:
                self.M[i] = M = momentum * self.M.get(i, 0) + p.grad
                U = evened(p.grad + momentum * M if nesterov else M, ns_steps)
                p.data = p.data - lr * (decay * p.data + max(1, p.shape[0] / p.shape[1]) ** 0.5 * U)


def are_close(what, got, want):
    for i, (p, q) in enumerate(zip(got, want, strict=True)):
        close(p.detach(), q.detach(), f"{what}: p{i} {tuple(p.shape)}", 2e-6)


def new_params():
    """Always the same numbers, none of them 0."""
    return [nn.Parameter(torch.linspace(1, 2, s.numel()).double().view(s)) for s in SHAPES]


def give_gradients(t, *lists):
    for params in lists:
        for i, p in enumerate(params):
            p.grad = (torch.arange(p.numel()).to(p).pow(1.5) + 1.7 * t + i).sin().view_as(p)


def shown(options):
    return ", ".join(f"{name}={value}" for name, value in options.items())


def networks():
    """(model, the names of its matrices)"""

    class Table(nn.Embedding):
        pass

    class Norm(nn.LayerNorm):
        pass

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.own, self.gain = nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(2))

    tied = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 9, bias=False), nn.Embedding(9, 4)])
    tied[1].weight = tied[2].weight
    same = nn.ModuleList([nn.Linear(4, 4), nn.Embedding(4, 4), nn.Linear(4, 2)])
    same[0].weight = same[1].weight
    hidden, head = (nn.Linear(4, 4).requires_grad_(False) for _ in range(2))
    norms = nn.Sequential(Norm((2, 4)), nn.RMSNorm((2, 4)))
    yield nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), ["0.weight"]
    yield nn.Linear(2, 3), []
    yield nn.Sequential(Table(5, 4), nn.EmbeddingBag(5, 4), nn.Linear(4, 4)), []
    yield nn.Sequential(norms, nn.Conv2d(2, 2, 1), nn.Bilinear(2, 2, 2)), []
    yield nn.Sequential(hidden, Own(), hidden, head), ["0.weight", "1.own"]
    yield nn.Sequential(nn.Linear(4, 5), nn.Sequential(nn.Linear(5, 4)), nn.ReLU()), ["0.weight"]
    yield tied, ["0.weight"]
    yield same, []
    yield nn.MultiheadAttention(4, 2), ["in_proj_weight"]
