"""What challenge_ddp_training.py requires, of ranks that are threads of one process."""

import copy
from contextlib import nullcontext, suppress

import torch
from torch import nn

from checks.ranks import Noting, on_ranks, rounded
from checks.tools import close, equal, same, tensor
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
        return ddp(2, 3, scale=10), ddp(2, scale=1), ddp.eval() and net.training

    world, what = Noting(2), "net(x, y=1, *, scale), ddp(2, 3, scale=10), ddp(2, scale=1)"
    want = {"sum": 50, "scale": 10}, {"sum": 3, "scale": 1}, False
    for got in on_ranks(what, world, call, each=[Two(), Two()]):
        equal(f"{what}, and net.training after ddp.eval():", got, want)


def mean(DDP):
    for xs in ((1, 4), (1, 2, 6), (7,)):
        what = f"{len(xs)} ranks, gradients {xs} for a and 1 for b and c: .grad"
        want = {"a": [sum(xs) / len(xs)], "b": [1.0], "c": [1.0]}
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
        net[0].register_forward_hook(lambda module, inputs, out: out.register_hook(see) and None)
        for _ in range(2):
            ddp(torch.ones(2, 3)).sum().backward()
            see()
            ddp.finish_gradient_synchronization()
            see()
        return seen

    world, what = Noting(2), "two linear layers with bias: all_reduces begun and not waited for"
    nets = [nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4)) for _ in range(2)]
    for seen in on_ranks(what, world, train, each=nets):
        for step, got in (1, seen[:3]), (2, seen[3:]):
            at = "before the lower layer's backward, after backward, after finish_…"
            equal(f"{what}, step {step}, {at}:", got, [2, 4, 0])


def once(DDP):
    def train(net):
        ddp, sizes, calls = DDP(net, world), [], world.calls[world.get_rank()]
        for _ in range(2):
            before = len(calls)
            ddp(torch.tensor([0, 3, 3])).sum().backward()
            ddp.finish_gradient_synchronization()
            sent = (n for name, n in calls[before:] if name == "all_reduce")
            sizes.append(sorted(n for n in sent if n > 3))  # fewer: about the 3 parameters
        return sizes

    world, what = Noting(2), "Embedding(7, 4), a frozen (4, 4), Linear(4, 7) tied to the embedding"
    nets = [
        nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 4, False), nn.Linear(4, 7)) for _ in "ab"
    ]
    for net in nets:
        net[1].requires_grad_(False)
        net[2].weight = net[0].weight
    for sizes in on_ranks(what, world, train, each=nets):
        equal(f"{what}: in each step all_reduces of so many numbers:", sizes, [[7, 28]] * 2)


def no_sync(DDP):
    def train(x):
        module, seen = line(), []
        ddp, calls = DDP(module, world), world.calls[world.get_rank()]
        before, out = len(calls), ddp(x[:1])
        with ddp.no_sync():
            out.sum().backward()
            with ddp.no_sync():
                pass
            ddp(x[1:2]).sum().backward()
        seen += [len(calls) - before, rounded(module.weight.grad)]
        with suppress(KeyboardInterrupt), ddp.no_sync():
            raise KeyboardInterrupt
        ddp(x[2:]).sum().backward()
        ddp.finish_gradient_synchronization()
        return *seen, grads_of(module)

    world, xs = (
        Noting(2),
        [torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[4.0], [5.0], [9.0]])],
    )
    what = "2 ranks, the weight's gradients (1, 4) and (2, 5) within no_sync"
    got = on_ranks(what, world, train, each=xs)
    equal(f"{what}: collectives within it, by rank:", [one[0] for one in got], [0, 0])
    equal(f"{what}: .grad at its end, by rank:", [one[1] for one in got], [[3.0], [9.0]])
    what += ", an error in another no_sync, then (3, 9): .grad"
    for *_, grads in got:
        equal(f"{what}:", grads, {"weight": [12.0], "bias": [3.0]})


def totals(reduce_mean):
    sums, counts = torch.tensor([[2.0, 10.0], [4.0, -1.0], [0.0, 0.0]]), [1, 4, 0]
    for pick, want in ((slice(None), [1.2, 1.8]), (slice(1), [1.2]), (0, 1.2)):
        for graph in (False, True):
            total = [one[pick].clone().requires_grad_(graph) * 1 for one in sums]
            before = [one.tolist() for one in total]
            what = f"totals {before}, counts {counts}: reduce_mean"
            for out in reduced(reduce_mean, what, total, counts):
                equal(f"{what}: result.requires_grad", out.requires_grad, False)
                close(out, torch.tensor(want), what)
            equal(f"{what}: totals afterwards", [one.tolist() for one in total], before)


def unused(DDP):
    turns = [  # of each rank, in each step: the gradients of its backwards, the last synchronized
        ([{"a": 6}], [{"b": 3}], [{"a": 3}, {"b": 6}]),
        ([{"b": 9}], [{"c": 6}], [{"c": 3}]),
        ([], [{"b": 3}], []),
    ]
    wants = [{"a": [2.0], "b": [3.0], "c": None}, {"a": None, "b": [2.0], "c": [2.0]}]
    wants.append({"a": [1.0], "b": [2.0], "c": [1.0]})
    for steps in (1, 2, 3):
        what = f"3 ranks, step {steps}, backwards {[turn[steps - 1] for turn in turns]}: .grad"
        for got in grads_after(DDP, what, [turn[:steps] for turn in turns]):
            equal(f"{what}:", got[-1], wants[steps - 1])


def exact(reduce_mean):
    big, float32, float64 = 2**24, torch.float32, torch.float64
    for total, counts, dtype, want in (
        ([256.0, 1.0, 0.0], [257, 256, 1], torch.bfloat16, 0.5),
        ([big, 1.0, 1.0], [1, 0, 0], float32, big + 2.0),
        ([big, big, 4.0], [big, 1, 1], float32, 2.0),
        ([0.1, 0.2, 0.3], [1, 1, 1], float64, 0.2),
        ([3, 4, 0], [2, 1, 1], torch.int64, 1.75),
    ):
        what = f"totals {total} of {dtype}, counts {counts}: reduce_mean"
        want = torch.tensor(want, dtype=dtype if dtype.is_floating_point else float32)
        for out in reduced(reduce_mean, what, torch.tensor(total, dtype=dtype), counts):
            close(out, want, what, 1e-15 if dtype == float64 else 0)


CORE = (start, forward, mean, overlap, once, no_sync, totals)
EDGES = (unused, exact)


class Two(nn.Module):
    def forward(self, x, y=1, *, scale):
        return {"sum": (x + y) * scale, "scale": scale}


class Chosen(nn.Module):
    """The sum of its parameters a, b and c that have a factor, times it."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = (nn.Parameter(torch.zeros(1)) for _ in range(3))

    def forward(self, factors):
        return sum(getattr(self, name).sum() * factor for name, factor in factors.items())


def with_buffers(rank):
    """A net whose numbers all differ from rank to rank."""
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    net.register_buffer("quiet", torch.tensor([0.0, 1.0]), persistent=False)
    with torch.no_grad():
        for t in state_of(net).values():
            t += 7 * rank
    net[2].requires_grad_(False)
    return net


def state_of(module):
    return dict(module.named_parameters()) | dict(module.named_buffers())


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


def reduced(reduce_mean, what, totals, counts):
    world, pairs = Noting(len(counts)), list(zip(totals, counts, strict=True))
    out = on_ranks(what, world, lambda pair: reduce_mean(*pair, world), each=pairs)
    return [tensor(one, what) for one in out]
