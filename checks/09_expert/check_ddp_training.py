"""What challenge_ddp_training.py requires, of ranks that are threads of one process."""

import copy
from contextlib import nullcontext

import torch
from torch import nn

from checks.ranks import Noting, on_ranks, rounded
from checks.tools import close, equal, result_of, same
from checks.training import line


def start(DDP):
    world, what = Noting(3), "DDP(net) on 3 ranks"
    nets = [with_buffers(rank) for rank in range(3)]
    want = copy.deepcopy(state_of(nets[0]))
    on_ranks(what, world, lambda net: DDP(net, world), each=nets)
    for rank, net in enumerate(nets):
        for name, value in want.items():
            same(state_of(net)[name], value, f"{what}: {name} of rank {rank}, against rank 0's")


def forward(DDP):
    def call(net):
        ddp = DDP(net, world)
        is_around = isinstance(ddp, nn.Module), getattr(ddp, "module", None) is net
        equal("DDP(net) is an nn.Module, its .module is net:", is_around, (True, True))
        net.register_forward_hook(lambda net, inputs, out: out | {"hook": True})
        return ddp.eval()(2, 3, scale=10), ddp(2, scale=1), net.training

    world, what = Noting(2), "net(x, y=1, *, scale), ddp.eval()(2, 3, scale=10), ddp(2, scale=1)"
    want = {"sum": 50, "scale": 10, "hook": True}, {"sum": 3, "scale": 1, "hook": True}, False
    for got in on_ranks(what, world, call, each=[Two(), Two()]):
        equal(f"{what}, net.training:", got, want)


def mean(DDP):
    for xs in ((1, 2, 600.03), (7,)):
        what = f"{len(xs)} ranks, gradients {xs} for a and 1 for b and c: .grad"
        want = {"a": [round(sum(xs) / len(xs), 4)], "b": [1.0, 1.0], "c": [1.0]}
        turns = [[[{"a": x, "b": 1, "c": 1}]] for x in xs]
        for (got,) in grads_after(DDP, what, turns):
            equal(f"{what} of a, b and c:", got, want)
    turns = [[[{"a": 1, "b": 2, "c": 1}], [{"a": x, "b": 2, "c": 1}]] for x in (3, 8)]
    for zero, want in ((True, [1.0, 5.5]), (False, [1.0, 6.5])):
        how = "zero_grad" if zero else "no zero_grad"
        what = f"2 ranks, gradients (1, 1) for a, {how}, then (3, 8): .grad"
        for got in grads_after(DDP, what, turns, zero):
            equal(f"{what} of a:", [grads["a"][0] for grads in got], want)


def overlap(DDP):
    def train(net):
        ddp, seen = DDP(net, world), []
        see = lambda *_: seen.append(world.under_way())  # noqa: E731
        for layer in (net[0], net[2]):
            layer.register_forward_hook(lambda *call: call[-1].register_hook(see) and None)
        for train in (True, False):
            ddp.train(train)(torch.ones(2, 3)).sum().backward()
            see()
            ddp.finish_gradient_synchronization()
            see()
        return seen

    world, what = Noting(2), "three Linears, the second without bias: all_reduces under way"
    layers = nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4, bias=False), nn.Linear(4, 6)
    net = nn.Sequential(*layers)
    for seen in on_ranks(what, world, train, each=[net, copy.deepcopy(net)]):
        for step, got in (1, seen[:4]), (2, seen[4:]):
            at = "before backward of the second, of the first, after backward, after finish_…"
            equal(f"{what}, step {step}, {at}:", got, [2, 3, 5, 0])


def once(DDP):
    def train(net):
        ddp, sizes, calls = DDP(net, world), [], world.calls[world.get_rank()]
        for _ in range(2):
            before = len(calls)
            ddp(torch.tensor([0, 3, 3])).sum().backward()
            ddp.finish_gradient_synchronization()
            sent = [n for name, n in calls[before:] if name == "all_reduce"]
            sizes.append(sorted(n - n % 7 for n in sent if n > 3))  # fewer, or one more: flags
        return sizes

    world, what = Noting(2), "Embedding(7, 4), a frozen (4, 4), Linear(4, 7) tied to the embedding"
    net = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 4, False), nn.Linear(4, 7))
    net[1].requires_grad_(False)
    net[2].weight = net[0].weight
    for sizes in on_ranks(what, world, train, each=[net, copy.deepcopy(net)]):
        equal(f"{what}: in each step all_reduces of so many numbers:", sizes, [[7, 28]] * 2)


def no_sync(DDP):
    def train(xs):
        module, calls = line(), world.calls[world.get_rank()]
        ddp = DDP(module, world)
        before, out, error = len(calls), ddp(xs[0]), KeyboardInterrupt()
        with ddp.no_sync():
            with ddp.no_sync():
                out.sum().backward()
            ddp(xs[1]).sum().backward()
        seen = len(calls) - before, rounded(module.weight.grad)
        try:
            with ddp.no_sync():
                raise error
        except KeyboardInterrupt:
            error = None
        ddp(xs[2]).sum().backward()
        begun = world.under_way()
        ddp.finish_gradient_synchronization()
        return *seen, begun, grads_of(module), error

    world, xs = Noting(2), torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]])[..., None, None]
    what = "2 ranks, the weight's gradients (1, 4) and (2, 5) within no_sync"
    got = on_ranks(what, world, train, each=list(xs))
    equal(f"{what}: collectives within it, by rank:", [one[0] for one in got], [0, 0])
    equal(f"{what}: .grad at its end, by rank:", [one[1] for one in got], [[3.0], [9.0]])
    what += ", an error in another no_sync, then (3, 9)"
    for _, _, begun, grads, error in got:
        assert not error, f"{what}: the error does not come out of no_sync, want it as it was"
        equal(f"{what}: all_reduces begun when that backward ends:", begun, 2)
        equal(f"{what}: .grad:", grads, {"weight": [12.0], "bias": [3.0]})


def totals(reduce_mean):
    sums, counts, cases = torch.tensor([[2.0, 10.0], [4.0, -1.0], [0.0, 0.0]]), [1, 4, 0], []
    last = (lambda t: t[0]), (lambda t: t[:1].double())
    for pick in (lambda t: t, lambda t: torch.stack([t, -t]).T, *last):
        for graph in (False, True):
            total = [pick(one).clone().requires_grad_(graph) * 1 for one in sums]
            what = f"{total[0].dtype}, totals {shown(total)}, counts {counts}"
            cases.append((what, total, counts))
    before = [shown(total) for _, total, _ in cases]
    wants = [1.2, 1.8], [[1.2, -1.2], [1.8, -1.8]], 1.2, [1.2]
    wants = [want for want in wants for _ in range(2)]
    for case, old, want, outs in zip(
        cases, before, wants, reduced(reduce_mean, cases), strict=True
    ):
        for out in outs:
            equal(f"{case[0]}: result.requires_grad", out.requires_grad, False)
            close(out.float(), torch.tensor(want), f"{case[0]}: reduce_mean")
        equal(f"{case[0]}: totals afterwards", shown(case[1]), old)


def unused(DDP):
    turns = [  # of each rank, in each step: the gradients of its backwards, the last synchronized
        ([{"a": 6}], [{"b": 3}], [{"a": 3}, {"b": 6}]),
        ([{"b": 9}], [{"c": 6}], [{"c": 0}]),
        ([], [{"b": 3}], []),
    ]
    wants = [{"a": [2.0], "b": [3.0] * 2, "c": None}, {"a": None, "b": [2.0] * 2, "c": [2.0]}]
    wants.append({"a": [1.0], "b": [2.0] * 2, "c": [0.0]})
    what = "a parameter without gradient, 3 ranks"
    for got in grads_after(DDP, what, turns):
        for step, (grads, want) in enumerate(zip(got, wants, strict=True), 1):
            backwards = [turn[step - 1] for turn in turns]
            equal(f"{what}, step {step}, gradients {backwards}: .grad:", grads, want)


def exact(reduce_mean):
    big, float32, float64 = 2**24, torch.float32, torch.float64
    table = (
        ([256.0, 1.0, 0.0], [257, 256, 1], torch.bfloat16, 0.5),
        ([510.0, 0.0, 0.0], [257, 0, 0], torch.bfloat16, 1.984375),
        ([big, 1.0, 1.0], [1, 0, 0], float32, big + 2.0),
        ([big, big, 4.0], [big, 1, 1], float32, 2.0),
        ([0.1, 0.2, 0.3], [1, 1, 1], float64, 0.2),
        ([3.0 * (big + 1), 0.0, 0.0], [big + 1, 0, 0], float64, 3.0),
        ([big + 1, 1, 0], [2, 1, 1], torch.int64, big / 4 + 0.5),
    )
    cases = [
        (f"totals {total} of {dtype}, counts {counts}", torch.tensor(total, dtype=dtype), counts)
        for total, counts, dtype, _ in table
    ]
    for (what, *_), row, outs in zip(cases, table, reduced(reduce_mean, cases), strict=True):
        want = torch.tensor(row[3], dtype=row[2] if row[2].is_floating_point else float32)
        for out in outs:
            close(out, want, f"{what}: reduce_mean", 1e-15 if row[2] == float64 else 0)


CORE = (start, forward, mean, overlap, once, no_sync, totals)
EDGES = (unused, exact)


class Two(nn.Module):
    def forward(self, x, y=1, *, scale):
        return {"sum": (x + y) * scale, "scale": scale}


class Chosen(nn.Module):
    """The sum of its parameters a, b and c (float64) that have a factor, times it."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = (nn.Parameter(torch.zeros(n)) for n in (1, 2, 1))
        self.c.data = self.c.data.double()

    def forward(self, factors):
        return sum(getattr(self, name).sum() * factor for name, factor in factors.items())


def with_buffers(rank):
    """A net with rank + 1 in all of its parameters and buffers."""
    net = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    net.register_buffer("quiet", torch.ones(2), persistent=False)
    for t in state_of(net).values():
        t.detach().fill_(rank + 1)
    net[2].requires_grad_(False)
    return net


def state_of(module):
    return dict(module.named_parameters()) | dict(module.named_buffers())


def shown(tensors):
    return [t.tolist() for t in tensors]


def grads_of(module):
    return {name: rounded(p.grad) for name, p in module.named_parameters()}


def grads_after(DDP, what, turns, zero=True):
    """Of each rank: every .grad after each step, whose backwards give those of turns[rank]."""

    def train(turn):
        module, seen = Chosen(), []
        ddp = DDP(module, world)
        for backwards in turn:
            for i, factors in enumerate(backwards, 1):
                with ddp.no_sync() if i < len(backwards) else nullcontext():
                    ddp(factors).backward()
            ddp.finish_gradient_synchronization()
            seen.append(grads_of(module))
            if zero:
                ddp.zero_grad()
        return seen

    world = Noting(len(turns))
    return on_ranks(what, world, train, each=turns)


def reduced(reduce_mean, cases):
    """For each case (what, totals, counts): what it gives on each rank."""

    def run():
        rank = world.get_rank()
        return [
            result_of(what, reduce_mean, totals[rank], counts[rank], world)
            for what, totals, counts in cases
        ]

    world = Noting(3)
    return zip(*on_ranks("reduce_mean", world, run), strict=True)
