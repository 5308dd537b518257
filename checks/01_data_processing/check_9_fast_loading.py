"""What challenge_9_fast_loading.py requires. checks/workers.py plays the workers."""

import warnings
from itertools import pairwise
from unittest.mock import patch

import torch
from torch.utils.data import DataLoader, IterableDataset

from checks.tools import attempt, draws_nothing, equal
from checks.workers import as_in_worker, drawn, placed, taken

SIZES = ((12, 1, 0), (11, 3, 0), (12, 1, 3), (13, 2, 3), (29, 3, 2), (5, 2, 4), (0, 2, 2))
SEEDS = (7, 8, 2**16 + 7, 2**31 + 7, 2**33 - 1, 2**63 + 11)  # up to 64 bits
KEPT = "batch_size", "num_workers", "pin_memory", "persistent_workers", "prefetch_factor"
STOPPED = ((5, 6), (0, 0)), ((11, 6, 1, 2), (0, 0)), ((23, 6, 1, 2), (1, 2))  # and the worker
WHERE = ((0, "cpu"), (2, "cpu"), (0, "cuda"), (2, "cuda:1"), (1, "mps"))


def stream_of(ShardedStream, epoch, *given):
    """What a message calls it, and a stream in that epoch; it starts in epoch 0."""
    what = f"ShardedStream({', '.join(map(str, given))}), epoch {epoch}"
    stream = attempt(what, ShardedStream, *given)
    if epoch:
        attempt(what, stream.set_epoch, epoch)
    return what, stream


def parts_of(ShardedStream, n, ranks, workers):
    """What is told, and the samples of each rank, of each of its workers."""
    what = f"ShardedStream({n}, 5, rank, {ranks}) of all ranks, {workers} workers each"
    streams = [attempt(what, ShardedStream, n, 5, rank, ranks) for rank in range(ranks)]
    places = [(worker, workers) for worker in range(workers or 1)]
    return what, [[taken(what, stream, at) for at in places] for stream in streams]


def shards(ShardedStream):
    for size in SIZES:
        what, parts = parts_of(ShardedStream, *size)
        equal(f"{what}: all together give", sorted(sum(sum(parts, []), [])), [*range(size[0])])
    stream = attempt("ShardedStream(9)", ShardedStream, 9)
    for call, most in (("1", None), ("2", None), ("3, stopped after 4 samples", 4), ("4", None)):
        got = taken(f"ShardedStream(9), iteration {call}", stream, most=most)
        equal(f"ShardedStream(9), iteration {call}: different samples:", len({*got}), most or 9)
    equal("ShardedStream(9, 0, 0, 1)", taken("it", ShardedStream(9, 0, 0, 1)), got)


def order(ShardedStream):
    def epochs(seed, rank=0):
        found, second = {}, ShardedStream(40, seed, rank, 2)
        with draws_nothing(f"ShardedStream(40, {seed}, {rank}, 2), epochs, one not to its end"):
            for epoch in (0, 1, 3, 1000, 0):
                what, stream = stream_of(ShardedStream, epoch, 40, seed, rank, 2)
                got = taken(what, stream)
                equal(what, got, found.setdefault(epoch, got))
                equal(f"after {what}: another one, epoch 0", taken(what, second), found[0])
            begun = iter(second)
            next(begun)  # the rest is not read yet
        return found

    ranks = [epochs(0, rank) for rank in (0, 1)]
    torch.manual_seed(1)
    for epoch, samples in epochs(0).items():
        what = f"rank 0 of 2, epoch {epoch}"
        equal(f"{what}, after torch.manual_seed(1)", samples, ranks[0][epoch])
        alike = [e for e, old in ranks[0].items() if e < epoch and {*old} == {*samples}]
        assert not alike, f"{what}: it has the samples of epoch {alike[0]}"
        steps = {(after - before) % 40 for before, after in pairwise(samples)}
        assert len(steps) > 8, f"{what}: {samples[:6]} ..., want a random order"
    for epoch, samples in epochs(5).items():
        told = f"ShardedStream(40, seed, 0, 2), epoch {epoch}: seeds 0 and 5 give the same order"
        assert samples != ranks[0][epoch], told


def state_of(what, stream):
    state = attempt(f"{what}: state_dict()", stream.state_dict)
    right = isinstance(state, dict) and all(type(v) is int for v in state.values())
    assert right, f"{what}: state_dict() is {state!r}, want a dict of ints"
    return state


def resume(ShardedStream):
    for i, (given, at) in enumerate(STOPPED):
        whole, following = (taken(*stream_of(ShardedStream, e, *given), at) for e in (i, 3))
        for k in range(len(whole) + 1):
            what, stream = stream_of(ShardedStream, i, *given)
            what += f"{f', worker {at[0]} of {at[1]}' if at[1] else ''}, stopped after {k} samples"
            with placed(at):
                samples = iter(stream)
                equal(what, [next(samples) for _ in range(k)], whole[:k])
                state = state_of(what, stream)
                kept = dict(state)
                next(samples, None)
            stream.state_dict()
            equal(f"{what}; one more, and another state is taken: the first one is", state, kept)
            what, other = f"{what}, in a new stream after 1 more", ShardedStream(*given)
            attempt(what, other.load_state_dict, state)
            left = taken(what, other, at, 1)
            for _ in range(2):  # stopped again, and at once once more
                state, other = state_of(what, other), ShardedStream(*given)
                attempt(what, other.load_state_dict, state)
            equal(f"{what}: this and the rest are", left + taken(what, other, at), whole[k:])
            equal(f"{what}, then the rest: next iteration", taken(what, other, at), whole)
            other.set_epoch(3)
            equal(f"{what}, then the rest: epoch 3", taken(what, other, at), following)


def seeds(seed_worker):
    for has_rng in (False, True):
        first, again, alone = runs = [], [], []
        for i, seed in enumerate(SEEDS):
            for found, worker in zip(runs, (i, i, 0), strict=True):
                what = f"seed_worker({worker}), torch.initial_seed() {seed}"
                found.append(drawn(what, seed_worker, (worker, 6), seed, has_rng))
            equal(f"seed_worker({i}) for a second time: first draws", again[i], first[i])
        for name in first[0]:
            for told, found in (("of workers 0 to 5", first), ("of worker 0", alone)):
                count = len({each[name] for each in found})
                equal(f"seed_worker {told}, 6 seeds: different first draws {name}:", count, 6)


class Nine(IterableDataset):
    def __iter__(self):
        return iter(range(9))


def loader(make_loader, seed_worker):
    for size, (workers, where) in enumerate(WHERE, 3):
        what = f"make_loader(dataset, {size}, {workers}, torch.device({where!r}))"
        with warnings.catch_warnings(), patch.object(torch.cuda, "is_available", lambda: True):
            warnings.simplefilter("ignore")  # fewer cores than workers
            made = attempt(what, make_loader, Nine(), size, workers, torch.device(where))
        equal(f"{what} gave a", type(made).__name__, DataLoader.__name__)
        want = size, workers, where[:4] == "cuda", workers > 0, 4 if workers else None
        for name, right in zip(KEPT, want, strict=True):
            equal(f"{what}: {name} is", getattr(made, name), right)
        if workers:
            assert made.worker_init_fn, f"{what}: its workers run no function at their start"
            pair = [drawn(what, f, (0, 2), 7) for f in (made.worker_init_fn, seed_worker)]
            equal(f"{what}: after its worker_init_fn, and after seed_worker: draws", *pair)
    batches = [[*map(int, batch)] for batch in make_loader(Nine(), 4, 0, torch.device("cpu"))]
    equal("make_loader of 0 to 8, 4 in a batch:", batches, [[0, 1, 2, 3], [4, 5, 6, 7], [8]])


def balance(ShardedStream):
    for size in SIZES:
        what, parts = parts_of(ShardedStream, *size)
        each = [[len(part) for part in rank] for rank in parts]
        for told, counts in (("the ranks", [*map(sum, each)]), *(("workers", c) for c in each)):
            right = max(counts) - min(counts) <= 1
            assert right, f"{what}: shares of {told}: {counts}, want them to differ by at most 1"


def place(ShardedStream):
    for first in (0, 2):
        what, old = stream_of(ShardedStream, first, 11, 6)
        whole, other = taken(what, old), taken(*stream_of(ShardedStream, 2 - first, 11, 6))
        taken(what, old, most=4)
        state, what = (
            state_of(what, old),
            f"{what}, stopped after 4 samples; its state in a new stream",
        )
        for epochs, want in (([first], whole[4:]), ([first] * 2, whole[4:]), ([2 - first], other)):
            new, again = ShardedStream(11, 6), ShardedStream(11, 6)
            told = f"{what}, then set_epoch {epochs}: samples"
            new.load_state_dict(state)
            for epoch in epochs:
                new.set_epoch(epoch)
            again.load_state_dict(state_of(told, new))
            equal(told, taken(told, new), want)
            equal(f"{told} of a third one with its state", taken(told, again), want)


def living(ShardedStream):
    _, stream = stream_of(ShardedStream, 0, 24, 6)
    copies = [(as_in_worker(stream), (worker, 2)) for worker in (0, 1)]
    for epoch in (0, 3, 4):
        stream.set_epoch(epoch)
        for mine, at in copies:
            what, other = stream_of(ShardedStream, epoch, 24, 6)
            what = f"worker {at[0]} of 2 has started, then {what}: its samples"
            equal(what, taken(what, mine, at), taken(what, other, at))
    for k, (mine, at) in enumerate(copies, 2):
        taken("a few samples", mine, at, k)
    for k, (mine, at) in enumerate(copies, 2):
        told = f"worker 0 stopped after 2 samples, worker 1 after 3: worker {at[0]} goes on with"
        whole, other = taken(told, stream, at), ShardedStream(24, 6)
        other.load_state_dict(state_of(told, mine))
        equal(told, taken(told, other, at), whole[k:])


CORE = (shards, order, resume, seeds, loader)
EDGES = (balance, place, living)
