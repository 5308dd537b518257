"""What buggy_code_17.py requires.

No process is started: checks/workers.py stands in for a loader's workers. Only `start` pickles.
"""

import torch
from torch.utils.data import get_worker_info

from checks import hunts
from checks.tools import attempt, equal, is_normal
from checks.workers import in_this_process


def order(Noisy, epoch_values):
    class Counting(Noisy):
        """Element i is 100 times i, and 1 more each time an element is asked for."""

        def __getitem__(self, i):
            asked.append(i)
            return 100.0 * i + len(asked)

    for n, num_workers, epochs in ((11, 0, 2), (19, 2, 3), (8, 3, 1), (1, 2, 2)):
        asked, what = [], said(n, num_workers, epochs)
        lists = lists_of(Noisy, epoch_values, Counting(n), num_workers, epochs)
        for epoch, got in enumerate(lists):
            equal(f"{what}: list {epoch} is of elements", [int(v) // 100 for v in got], [*range(n)])
            again = sum(not n * epoch < v % 100 <= n * (epoch + 1) for v in got)
            equal(f"{what}: list {epoch}: elements asked for in another epoch:", again, 0)
        equal(f"{what}: elements asked for:", len(asked), n * epochs)


def sharing(Noisy, epoch_values):
    class Where(Noisy):
        """An element is the number of the worker that is asked for it, or -1."""

        def __getitem__(self, i):
            return float(getattr(get_worker_info(), "id", -1))

    for n, num_workers, want in ((20, 0, [-1]), (16, 1, [0]), (16, 2, [0, 1]), (25, 3, [0, 1, 2])):
        what = said(n, num_workers, 2)
        for got in lists_of(Noisy, epoch_values, Where(n), num_workers, 2):
            equal(f"{what}: workers that were asked:", sorted({int(v) for v in got}), want)


def noise(Noisy, epoch_values):
    class Own(Noisy):
        """An image's, say."""

    for n, num_workers, epochs in ((21, 0, 2), (24, 1, 2), (48, 2, 1), (34, 2, 2), (25, 3, 2)):
        noises = drawn(Noisy, epoch_values, Own(n), num_workers, epochs)
        all_differ(said(n, num_workers, epochs), noises)
    for num_workers in (0, 2):
        noises = drawn(Noisy, epoch_values, Noisy(500), num_workers, 2)
        is_normal(torch.tensor(noises), said(500, num_workers, 2))
        table, told = torch.tensor(noises).view(2, 500), f"{num_workers} workers: correlation of"
        alike = float(table.corrcoef().fill_diagonal_(0).abs().max())
        assert alike < 0.35, f"{told} two epochs: {alike:.2f}, want nearly 0"
        power = torch.fft.rfft(table, 1000).abs().square().mean(dim=0)
        alike = float(torch.fft.irfft(power, 1000)[1:500].abs().max()) / 500
        assert alike < 0.18, f"{told} an epoch's noises with later ones: {alike:.2f}, want nearly 0"


def calls(Noisy, epoch_values):
    for pair in ((0, 0), (2, 2), (1, 3), (0, 2), (2, 0)):
        dataset = Noisy(16)
        noises = [v for w in pair for v in drawn(Noisy, epoch_values, dataset, w, 1)]
        all_differ(f"a Noisy(16), then calls with {pair[0]} and {pair[1]} workers", noises)


def repeat(Noisy, epoch_values):
    def with_seed(seed, num_workers, n=16, epochs=2):
        torch.manual_seed(seed)
        return drawn(Noisy, epoch_values, Noisy(n), num_workers, epochs)

    for num_workers in (0, 2):
        first, again, other = (with_seed(seed, num_workers) for seed in (5, 5, 6))
        for seed, got, want in ((5, again, 32), (6, other, 0)):
            alike = sum(a == b for a, b in zip(first, got, strict=True))
            what = f"{num_workers} workers, a second call with seed {seed}, of 32 noises"
            equal(f"{what} as in the first with seed 5:", alike, want)
    first = {with_seed(seed, 0, 1, 1)[0] for seed in range(16)}
    equal("0 workers, seeds 0 to 15: different first noises of 16:", len(first), 16)


def start(Noisy, epoch_values):
    dataset = Noisy(20)
    noises = [drawn(Noisy, epoch_values, dataset, 2, 2, pickled=True) for _ in range(2)]
    all_differ("a Noisy(20), two calls with 2 workers started by spawn", sum(noises, []))


CORE = (order, sharing, noise, calls)
EDGES = (repeat, start)


def said(n, num_workers, epochs):
    return f"{n} samples, {num_workers} workers, {epochs} epochs"


def lists_of(Noisy, epoch_values, dataset, num_workers, epochs, pickled=False):
    what = said(len(dataset), num_workers, epochs)
    if pickled:
        what += ", workers started by spawn"
    with in_this_process(epoch_values.__globals__, pickled):
        lists = attempt(what, epoch_values, dataset, num_workers, epochs)
    kind = type(lists).__name__
    assert isinstance(lists, list), f"{what} gave {kind}, want a list of {epochs} lists"
    equal(f"{what}: lists:", len(lists), epochs)
    return [hunts.floats(what, got, len(dataset)) for got in lists]


def drawn(Noisy, epoch_values, dataset, num_workers, epochs, pickled=False):
    lists = lists_of(Noisy, epoch_values, dataset, num_workers, epochs, pickled)
    return [v for values in lists for v in values]


def all_differ(what, noises):
    equal(f"{what}: different noises of {len(noises)}:", len(set(noises)), len(noises))
