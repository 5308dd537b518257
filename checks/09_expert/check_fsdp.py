"""What challenge_fsdp.py requires, of ranks that are threads of one process."""

import copy
import gc
import threading
import weakref
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from checks.ranks import Alive, Noting, on_ranks, rounded
from checks.tools import close, equal, names_are


def slices(FSDP):
    nets, world = [numbered(100 * rank) for rank in range(3)], Noting(3)
    wants = [numbers_of(p for _, p in parts_of(nets[0], rank, 3)) for rank in range(3)]
    buffers, what = numbers_of(nets[0].buffers()), f"{NUMBERED} on 3 ranks"
    made = on_ranks(what, world, lambda net: FSDP(net, dist=world), each=nets)
    for rank, (fsdp, want) in enumerate(zip(made, wants, strict=True)):
        equal(f"{what}: parameters of rank {rank}", numbers_of(fsdp.parameters()), want)
        equal(f"{what}: buffers of rank {rank}", numbers_of(fsdp.buffers()), buffers)
        frozen = numbers_of(p for p in fsdp.parameters() if not p.requires_grad)
        equal(
            f"{what}: those of rank {rank} that are frozen", frozen, numbers_of([nets[0][2].weight])
        )
        kinds = {(p.dtype, p.is_leaf) for p in fsdp.parameters()}
        equal(f"{what}: dtype, is_leaf of its parameters", kinds, {(torch.float32, True)})


def forward(FSDP):
    def call(net):
        fsdp, found = FSDP(net, dist=world), []
        net.register_forward_hook(lambda net, inputs, out: {"out": out["out"] + 100})
        for grad in (True, False):
            with torch.set_grad_enabled(grad):
                found += [fsdp.eval()(ids, scale=10)["out"], fsdp(ids)["out"]]
        return found, net.training

    net, ids, world = Words(), torch.tensor([[0, 1, 4], [1, 1, 2]]), Noting(2)
    want = [net(ids, scale=scale)["out"].detach() for scale in (10, 1)] * 2
    what = "net(ids, *, scale=1) -> dict, with a hook that adds 100, FSDP(net)"
    for found, mode in on_ranks(what, world, call, each=[copy.deepcopy(net) for _ in range(2)]):
        equal(f"{what}: net.training after eval():", mode, False)
        recorded = [one.requires_grad for one in found]
        equal(f"{what}, without and in no_grad: requires_grad", recorded[1:3], [True, False])
        for one, right in zip(found, want, strict=True):
            close(one.detach(), right + 100, f"{what}: result")


def memory(FSDP):
    what, found = whole_weights(FSDP)
    for seen in found:
        for when, there in seen.items():
            equal(f"{what}, {when}:", there, [] if isinstance(there, list) else 0)


def gradients(FSDP):
    for xs in ((1.0, 2.0, 6.0), (7.0,)):
        W, mean = len(xs), sum(xs) / len(xs)
        what = f"Linear(4, 1), {W} ranks, gradients x, 2x, 3x, 4x for the weight and x for the bias"
        whole = [mean, 2 * mean, 3 * mean, 4 * mean] + [0.0] * (-4 % W)
        turns = [[[x]] for x in xs]
        for rank, got in enumerate(grads_after(FSDP, what, turns)):
            want = sorted([[mean], whole[rank * len(whole) // W :][: len(whole) // W]])
            equal(f"{what}, x {xs}: .grad on rank {rank}:", got, want)
    layers = nn.LayerNorm((2, 5), bias=False), nn.Linear(5, 6)
    net, y = nn.Sequential(nn.Embedding(7, 5, padding_idx=2), *layers), torch.randn(4, 2, 6)
    ids = torch.tensor([[0, 1], [2, 2], [5, 5], [6, 1]])
    world, what = Noting(2), "two steps of SGD on 2 ranks"
    cuts = [(copy.deepcopy(net), ids[rows], y[rows]) for rows in (slice(2), slice(2, 4))]

    def train(cut):
        return trained(FSDP(cut[0], dist=world), *cut[1:])

    found = on_ranks(what, world, train, each=cuts)
    trained(net, ids, y)
    for rank, params in enumerate(found):
        wants = {p.numel(): (name, p) for name, p in parts_of(net, rank, 2)}
        equal(f"{what}: sizes of parameters", sorted(params), sorted(wants))
        for n, (name, want) in wants.items():
            told = f"{what}, against one process on all rows: {name} of rank {rank}"
            close(params[n].flatten(), want, told)


def full(FSDP, gather_full_params):
    def gather(net):
        fsdp = FSDP(net, dist=world)
        with torch.no_grad():
            for p in fsdp.parameters():
                p += 1
        held = numbers_of(fsdp.parameters())
        found = gather_full_params(fsdp)
        kinds = {(type(t).__name__, t.dtype, t.requires_grad) for t in found.values()}
        values = {name: (tuple(t.shape), t.flatten().tolist()) for name, t in found.items()}
        for t in found.values():
            t.detach().zero_()
        return values, kinds, held, numbers_of(fsdp.parameters())

    for W in (3, 1):
        world, nets = Noting(W), [numbered(100 * rank) for rank in range(W)]
        what = f"{NUMBERED} on {W} ranks, 1 added: full parameters"
        want = {
            name: (tuple(p.shape), (p + 1).flatten().tolist())
            for name, p in nets[0].named_parameters()
        }
        for values, kinds, held, after in on_ranks(what, world, gather, each=nets):
            names_are(values, want, what)
            for name, value in want.items():
                equal(f"{what}: {name}, shape and numbers:", values[name], value)
            kind = {("Tensor", torch.float32, False)}
            equal(f"{what}: kind, dtype, requires_grad", kinds, kind)
            equal(f"{what}, then zeros put in them: the rank's parameters", after, held)


def tied(FSDP, gather_full_params):
    def train(net):
        fsdp = FSDP(net, dist=world)
        fsdp(torch.tensor([world.get_rank()])).sum().backward()
        fsdp.finish_gradient_synchronization()
        grads = [rounded(p.grad) for p in fsdp.parameters()]
        return grads, list(gather_full_params(fsdp))

    nets, world, what = [], Noting(2), "Embedding(2, 2), a Linear with its weight, again, 2 ranks"
    for _ in range(2):
        words, layer = nn.Embedding(2, 2), nn.Linear(2, 2, bias=False)
        words.weight = layer.weight
        nets.append(nn.Sequential(words, layer, layer))
        nn.init.constant_(nets[-1][0].weight, 1.0)
    for rank, (grads, names) in enumerate(on_ranks(what, world, train, each=nets)):
        equal(f"{what}: .grad on rank {rank}:", grads, [[6.0, 6.0]])
        equal(f"{what}: names of the full parameters:", names, ["0.weight"])


def frozen(FSDP):
    class Partly(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.head, self.spare = nn.Embedding(5, 1), nn.Linear(1, 7), nn.Linear(2, 9)
            self.words.requires_grad_(False)
            self.head.bias.requires_grad_(False)

        def forward(self, ids):
            return self.head(self.words(ids))

    def train(net):
        fsdp = FSDP(net, dist=world)
        fsdp(torch.tensor([0, 4])).sum().backward()
        fsdp.finish_gradient_synchronization()
        return sorted((p.numel(), p.requires_grad, p.grad is not None) for p in fsdp.parameters())

    world = Noting(2)
    what = "frozen Embedding(5, 1), Linear(1, 7) with a frozen bias, unused Linear(2, 9)"
    want = [(3, False, False), (4, True, True), (7, False, False), *[(9, True, False)] * 2]
    for got in on_ranks(what, world, train, each=[Partly(), Partly()]):
        equal(f"{what}: parameters as (numbers, requires_grad, has .grad)", got, want)
    what, found = whole_weights(FSDP, frozen=True)
    for seen in found:
        for when in ("step 1: whole weights after forward", "step 1: whole ones after backward"):
            assert seen[when] != ["Linear(7, 41)"], f"{what}, {when}: {seen[when]}, want []"


def accumulate(FSDP):
    for turns, how in (
        (([[1.0, 2.0]], [[3.0, 6.0]]), "synchronized once"),
        (([[1.0], [2.0]], [[3.0], [6.0]]), "synchronized after each"),
    ):
        what = f"Linear(4, 1), 2 ranks, backwards with x (1, 3), then (2, 6), {how}: .grad"
        for rank, got in enumerate(grads_after(FSDP, what, turns)):
            want = [[[6.0], [6.0, 12.0]], [[6.0], [18.0, 24.0]]][rank]
            equal(f"{what} on rank {rank}:", got, want)


def precision(FSDP, gather_full_params):
    fine, half, low = 1 + 2**-12, torch.float16, torch.bfloat16  # fine is in neither

    def train():
        net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Tanh(), nn.Linear(2, 1))
        for p in net.parameters():
            nn.init.constant_(p, fine)
        fsdp, words = FSDP(net, half, world), FSDP(nn.Embedding(3, 2), half, world)
        world.dtypes.clear()
        with torch.no_grad():
            kinds = [fsdp.eval()(torch.ones(1, 2)).dtype]
        out = fsdp.train()(torch.ones(1, 2))
        out.sum().backward()
        kinds += [words(torch.tensor([1])).dtype, out.dtype]
        sent = [dtypes for name, dtypes in world.dtypes.items() if "all_gather" in name]
        kinds += sorted(set().union(*sent), key=str)
        world.barrier()
        kinds += sorted({p.dtype for p in fsdp.parameters()}, key=str)
        tensors = *fsdp.parameters(), *gather_full_params(fsdp).values()
        return kinds, {n for t in tensors for n in t.flatten().tolist()}

    world, what = Noting(2), f"compute_dtype {half}"
    told = f"{what}: results in eval and no_grad, of Embedding, Linears, what is sent, parameters:"
    for kinds, kept in on_ranks(what, world, train):
        equal(told, kinds, [half] * 4 + [torch.float32])
        equal(f"{what}: parameters, also the full ones, set to {fine}: now", kept, {fine})
    what = f"compute_dtype {low}, gradients of 256 and 1: .grad"
    turns = [[[256.0]], [[1.0]]]
    for rank, got in enumerate(grads_after(FSDP, what, turns, low, [1.0, 1.0, 1.0, 1.0])):
        equal(f"{what} on rank {rank}:", got, [[128.5], [128.5, 128.5]])


CORE = (slices, forward, memory, gradients, full)
EDGES = (tied, frozen, accumulate, precision)
NUMBERED = "Embedding(5, 1), Linear(2, 3), frozen Conv2d(1, 2, 2), (Linear(2, 1),) of 1, 2, ..."


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.head = nn.Embedding(5, 3, padding_idx=1), nn.Linear(3, 2)

    def forward(self, ids, *, scale=1):
        return {"out": self.head(self.words(ids).tanh()) * scale}


class MyLinear(nn.Linear):
    pass


def numbered(start):
    """Its parameters have the numbers start + 1, start + 2, ..., its buffers start."""
    inner = nn.Sequential(OrderedDict(module=MyLinear(2, 1)))
    inner.register_buffer("quiet", torch.ones(2), persistent=False)
    inner.register_buffer("count", torch.tensor(0))
    conv = nn.Conv2d(1, 2, 2, bias=False).requires_grad_(False)
    net = nn.Sequential(nn.Embedding(5, 1), nn.Linear(2, 3), conv, inner)
    for p in net.parameters():
        p.detach().copy_(start + 1 + torch.arange(p.numel()).view(p.shape))
        start += p.numel()
    for b in net.buffers():
        b.fill_(start)
    return net


def numbers_of(tensors):
    return sorted(t.flatten().tolist() for t in tensors)


def parts_of(net, rank, W):
    """What rank has of the parameters of net, which is whole: (name, flat tensor)."""
    sliced = {m.weight for m in net.modules() if isinstance(m, nn.Linear | nn.Embedding)}
    for name, p in net.named_parameters():
        flat = p.detach().flatten()
        if p in sliced:
            size = -(-len(flat) // W)
            flat = F.pad(flat, (0, size * W - len(flat)))[rank * size : (rank + 1) * size]
        yield name, flat


def whole_weights(FSDP, frozen=False):
    """What each rank saw of them, and of their gradients, in memory, in two steps."""
    sizes = {"Embedding(51, 7)": 357, "Linear(7, 41)": 287, "Linear(41, 12)": 492}
    is_whole = lambda storage: storage is not None and storage.nbytes() > 4 * 250  # noqa: E731
    lock = threading.Lock()

    def train(net):
        old = [weakref.ref(p.untyped_storage()) for p in net.parameters() if p.numel() > 50]
        fsdp, seen = FSDP(net, dist=world), {}
        world.barrier()  # else the ranks' collections make each other's garbage old
        with lock:  # a helper that calls itself is garbage only now, and may hold them
            if any(is_whole(ref()) for ref in old):
                gc.collect(1)
        seen["old whole weights in memory"] = sum(is_whole(ref()) for ref in old)
        held = sum(is_whole(p.untyped_storage()) for p in fsdp.parameters())
        seen["parameters that hold the memory of a whole weight"] = held
        with Alive(sizes, more=1) as alive:
            for step in ("step 1", "step 2")[: 1 if frozen else 2]:
                out = fsdp(torch.tensor([3, 50])).sum()
                seen[f"{step}: two layers at once in forward"] = list(alive.together)
                seen[f"{step}: whole weights after forward"] = alive.now()
                out.backward()
                seen[f"{step}: two layers at once in backward"] = list(alive.together)
                seen[f"{step}: whole ones after backward"] = alive.now()
                fsdp.finish_gradient_synchronization()
            with torch.no_grad():
                frozen or fsdp.eval()(torch.tensor([0, 1]))
            seen["two layers at once in eval mode and no_grad"] = list(alive.together)
            seen["whole weights after forward in eval mode and no_grad"] = alive.now()
        return seen

    world, what = Noting(2), f"FSDP of {', '.join(sizes)} on 2 ranks"
    layers = nn.Embedding(51, 7), nn.Linear(7, 41, False), nn.ReLU(), nn.Linear(41, 12, False)
    nets = [copy.deepcopy(nn.Sequential(*layers)) for _ in range(2)]
    for net in nets:
        net[1].weight.requires_grad_(not frozen)
    del net
    what += ", the second one's weight frozen" * frozen
    return what, on_ranks(what, world, train, each=nets)


def grads_after(FSDP, what, turns, compute_dtype=None, row=(1.0, 2.0, 3.0, 4.0)):
    """Of each rank: its Linear(4, 1)'s gradients, sorted, after the backwards of turns[rank]; x
    gives x * row for the weight and x for the bias. After each inner list: synchronized.
    """

    def train(turn):
        fsdp = FSDP(nn.Linear(4, 1), compute_dtype, dist=world).train(len(turns) > 1)
        for backwards in turn:
            for x in backwards:
                (fsdp(torch.tensor([row])) * x).sum().backward()
            fsdp.finish_gradient_synchronization()
        return sorted((rounded(p.grad) for p in fsdp.parameters()), key=lambda grad: grad or [])

    world = Noting(len(turns))
    return on_ranks(what, world, train, each=turns)


def trained(model, ids, y):
    """Its parameters by size, after training."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        F.mse_loss(model(ids), y).backward()
        getattr(model, "finish_gradient_synchronization", int)()
        optimizer.step()
    return {p.numel(): p.detach() for p in model.parameters()}
