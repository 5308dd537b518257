"""What challenge_8_class_imbalance.py requires; a sampler shows its shares in its weights."""

from itertools import groupby

import torch
from torch.utils.data import WeightedRandomSampler

from checks.tools import attempt, close, equal, numbers, result_of, share_is, unchanged

SOME = ([0, 0, 0, 1], [0, 1, 1, 2, 2, 2, 2, 2, 2], [1, 0, 1, 0], [1, 1, 0, 2, 0, 1, 2, 1], [0])
RARE = [0] * 99 + [1]


def weights(class_weights):
    for labels in (*SOME, RARE):
        n, k = len(labels), max(labels) + 1
        call = f"class_weights({told(labels)}, {k})"
        want = [n / (k * labels.count(c)) for c in range(k)]
        close(result_of(call, class_weights, torch.tensor(labels), k), want, call)


def absent(class_weights):
    for labels, k, dense in (
        ([0, 0, 0, 1], 3, [0, 0, 0, 1]),
        ([2, 2, 0], 4, [1, 1, 0]),
        ([1], 2, [0]),
    ):
        call, classes = f"class_weights({labels}, {k})", sorted(set(labels))
        got = result_of(call, class_weights, torch.tensor(labels), k)
        equal(f"{call} has shape", tuple(got.shape), (k,))
        equal(f"{call}: classes of weight 0:", zeros(got), [c for c in range(k) if c not in labels])
        few = len(classes)
        want = class_weights(torch.tensor(dense), few) * few / k  # K counts all classes
        close(got[classes], want, f"{call}: weights of the classes {classes}")


def balanced(balanced_sampler):
    for labels in (*SOME, RARE):
        shares_are("balanced_sampler", balanced_sampler, labels, lambda n: 1)


def sqrt(sqrt_sampler):
    for labels in ([0, 1, 1, 1, 1], *SOME, [0] * 9 + [1] * 16 + [2], RARE):
        shares_are("sqrt_sampler", sqrt_sampler, labels, lambda n: n**0.5)


def epoch(balanced_sampler, sqrt_sampler):
    labels = [0] * 100 + [1]
    for name, make in (("balanced_sampler", balanced_sampler), ("sqrt_sampler", sqrt_sampler)):
        sampler, call = sampler_of(name, make, labels), f"{name}, 100 samples of class 0, one of 1"
        equal(f"{call}: len(sampler) is", len(sampler), 101)
        drawn = torch.tensor([*sampler])
        equal(f"{call}: draws of an epoch:", len(drawn), 101)
        kinds = drawn.unique().numel()
        assert kinds < 101, f"{call}: each sample came once, want them drawn by their chances"
        chances = torch.as_tensor(sampler.weights).double()
        if len(chances) == 101:
            share = (chances[100] / chances.sum()).item()
            share_is(drawn == 100, share, f"{call}, the share of class 1 in an epoch of 101 draws")


def draws(balanced_sampler, sqrt_sampler):
    labels = [0] * 20 + [1] * 5
    for name, make in (("balanced_sampler", balanced_sampler), ("sqrt_sampler", sqrt_sampler)):
        for given in (torch.Generator(), None):
            call = f"{name}, {'generator given' if given else 'no generator'}"
            before = torch.get_rng_state(), (given or torch.Generator()).get_state()
            sampler = sampler_of(name, make, labels, *([given] if given else []))
            after = torch.get_rng_state(), (given or torch.Generator()).get_state()
            drew = not all(map(torch.equal, before, after))
            assert not drew, f"{call}: making the sampler drew numbers"
            runs = []
            for seed in (1, 1, 2):
                given.manual_seed(seed) if given else torch.manual_seed(seed)
                runs.append([[*sampler] for _ in range(2)])
            assert runs[0] == runs[1], f"{call}: after the same seed not the same epoch again"
            assert runs[0] != runs[2], f"{call}: after another seed the same epoch again"
            assert runs[0][0] != runs[0][1], f"{call}: the second epoch is the first one again"
            used = given and not torch.equal(before[0], torch.get_rng_state())
            assert not used, f"{call}: the global generator was used, too"


def gaps(balanced_sampler, sqrt_sampler):
    for name, make in (("balanced_sampler", balanced_sampler), ("sqrt_sampler", sqrt_sampler)):
        for labels, dense in (([3, 3, 3, 7], [0, 0, 0, 1]), ([9, 2, 9, 9, 4], [2, 0, 2, 2, 1])):
            given = torch.tensor(labels)
            with unchanged(f"{name} of {labels}", given):
                want, got = shares(name, make, dense), shares(name, make, given)
            close(got, want, f"{name} of {labels}, against labels {dense}: chances of the samples")


def types(class_weights, balanced_sampler, sqrt_sampler):
    few, full = torch.tensor([0, 1, 1, 1, 1]), torch.arange(-300, 256).clamp(min=0)
    for labels, k, dtype in (
        (few, 2, torch.uint8),
        (few, 2, torch.int32),
        (full, 256, torch.uint8),
    ):
        given, call = labels.to(dtype), f"{dtype} {told(labels.tolist())}"
        with unchanged(call, given):
            got = result_of(f"class_weights of {call}", class_weights, given, k)
            close(got, class_weights(labels, k), f"class_weights of {call}, against int64")
            for name, make in (
                ("balanced_sampler", balanced_sampler),
                ("sqrt_sampler", sqrt_sampler),
            ):
                got, want = (shares(name, make, each) for each in (given, labels))
                close(got, want, f"{name} of {call}, against int64: chances of the samples")


CORE = (weights, absent, balanced, sqrt, epoch, draws)
EDGES = (gaps, types)


def zeros(values):
    return [i for i, value in enumerate(values.tolist()) if value == 0]


def told(labels):
    """The labels as a message shows them."""
    if len(labels) < 10:
        return str(labels)
    runs = [(label, len([*run])) for label, run in groupby(labels)]
    runs = [f"[{label}] * {n}" if n > 1 else f"[{label}]" for label, n in runs]
    return " + ".join(runs if len(runs) < 5 else (*runs[:2], "...", runs[-1]))


def sampler_of(name, make, labels, *generator):
    sampler = attempt(f"{name} of {len(labels)} labels", make, torch.as_tensor(labels), *generator)
    kind = type(sampler).__name__
    assert isinstance(sampler, WeightedRandomSampler), (
        f"{name} gave {kind}, want a WeightedRandomSampler"
    )
    return sampler


def shares(name, make, labels):
    """Each sample's chance to be drawn, of the sum of 1."""
    given = torch.as_tensor(labels)
    call = f"{name} of {given.dtype} {told(given.tolist())}"
    sampler = attempt(call, make, given)
    kind = type(sampler).__name__
    right = isinstance(sampler, WeightedRandomSampler)
    assert right, f"{name} gave {kind}, want a WeightedRandomSampler"
    chances = torch.as_tensor(sampler.weights).double()
    equal(f"{call}: number of weights", tuple(chances.shape), (len(given),))
    right = bool(chances.isfinite().all() and (chances >= 0).all() and chances.sum() > 0)
    assert right, f"{call}: weights {numbers(chances)}, want positive numbers"
    return chances / chances.sum()


def shares_are(name, make, labels, size):
    """The classes' shares of a draw are those of size(n_k), the samples of one class are equal."""
    chances, classes, call = (
        shares(name, make, labels),
        sorted(set(labels)),
        f"{name} of {told(labels)}",
    )
    got = torch.stack([chances[torch.tensor(labels) == c].sum() for c in classes])
    total = sum(size(labels.count(c)) for c in classes)
    want = torch.tensor([size(labels.count(c)) / total for c in classes], dtype=torch.float64)
    close(got, want, f"{call}: shares of the classes {classes}")
    each = torch.stack([want[classes.index(c)] / labels.count(c) for c in labels])
    close(chances, each, f"{call}: chances of the samples")
