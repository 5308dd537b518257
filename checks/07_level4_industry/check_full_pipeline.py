"""What challenge_full_pipeline.py requires.

The loaders are judged by the rows that they bring, each known by its numbers. A run is judged by
what any SignalNet sees and by what lies in best.pt when an epoch ends; its val rows get logits
that make HITS come true.
"""

import math
import random
from collections import Counter
from functools import cache, lru_cache, partial
from pathlib import Path

import numpy as np
import torch

from checks.pipelines import (
    bests_are,
    checkpoint,
    files,
    fits,
    in_a_folder,
    is_measured,
    is_trained,
    ran,
    refuses_epochs,
    repeated,
    scripted_run,
    there,
    watching_run,
)
from checks.tools import refuses

KEYS = ("model", "val_acc")
N_VAL = 40  # of the default 200 rows
HITS = (31, 12)  # by epoch: right val rows
SMALL = (100, 8, 0.3), [70, 30]  # for build_dataloaders, and the rows of its parts


def seed(set_seed):
    def draws(*seed):
        set_seed(*seed)
        return [round(n, 4) for n in (torch.rand(()).item(), np.random.rand(), random.random())]

    first, again, other = draws(7), draws(7), draws(8)
    for name, a, b, c in zip(("torch", "numpy", "random"), first, again, other, strict=True):
        assert a == b, f"set_seed(7), twice: {name} draws {a}, then {b}, want the same"
        assert a != c, f"set_seed(7), set_seed(8): {name} draws {a} after both, want others"
    assert draws() == draws(42), "set_seed() and set_seed(42): other draws, want the same"


def split(build_dataloaders):
    for args, want in (((), [160, 40]), SMALL):
        what, n = call_of(args), sum(want)
        train, val = ([i for i, _ in one] for one in one_pass(what, build_dataloaders(*args), n))
        both = sorted({*train} & {*val})
        assert not both, f"{what}: {len(both)} rows are in both parts, row {both[0]} among them"
        got = [len({*train}), len({*val})]
        assert got == want, f"{what}: parts of {got} different rows, want {want}"
        blocks = sum((i + 1) % n not in val for i in val)
        assert len(val) / 4 < blocks < len(val), (
            f"{what}: the val rows are {blocks} blocks of neighbors, {sorted(val)[:6]} and so on"
        )


def batches(build_dataloaders):
    for args, lengths, size in (((), [160, 40], 16), (*SMALL, 8)):
        n = sum(lengths)
        loaders, labels = build_dataloaders(*args), signals(n)[1]
        for name, loader, length in zip(("train", "val"), loaders, lengths, strict=True):
            what, pairs = f"{call_of(args)}, {name}", list(loader)
            want = [size] * (length // size) + [length % size] * (length % size > 0)
            got = [len(y) for _, y in pairs]
            assert got == want, f"{what}: batches of {got} rows, want {want}"
            for x, y in pairs:
                form = tuple(x.shape), x.dtype, tuple(y.shape), y.dtype
                wanted = (len(y), 16), torch.float32, (len(y),), torch.int64
                assert form == wanted, f"{what}: a batch of {form}, want {wanted}"
                true = labels[[i for i, _ in known(what, x, n)]].tolist()
                assert y.tolist() == true, f"{what}: labels {y.tolist()}, those rows have {true}"
            rows = Counter(i for x, _ in pairs for i, _ in known(what, x, n))
            twice = [i for i, times in rows.items() if times > 1]
            assert not twice, f"{what}: one pass brings {len(twice)} rows more than once"


def augment(build_dataloaders):
    what, loaders = call_of(SMALL[0]), build_dataloaders(*SMALL[0])
    found = []
    for train, val in (one_pass(what, loaders, 100) for _ in range(2)):
        mirrored = sum(how == "mirrored" for _, how in val)
        assert mirrored == 0, f"{what}: {mirrored} of {len(val)} val rows are mirrored, want 0"
        found.append({i for i, how in train if how == "mirrored"})
        share = len(found[-1]) / len(train)
        assert 0.15 < share < 0.85, f"{what}: {share:.0%} of the train rows are mirrored, want 50%"
    assert found[0] != found[1], f"{what}: in two passes the same train rows are mirrored"


def order(build_dataloaders):
    what, loaders = call_of(SMALL[0]), build_dataloaders(*SMALL[0])
    one, two = ([i for i, _ in one_pass(what, loaders, 100)[0]] for _ in range(2))
    assert one != two, f"{what}: two passes of train both begin with the rows {one[:5]}"
    for rows in (one, two):
        assert rows != sorted(rows), f"{what}: the train rows come sorted, {rows[:5]} first"


def seeded(set_seed, build_dataloaders):
    def drawn(seed):
        set_seed(seed)
        loaders = build_dataloaders(*SMALL[0])
        return [rows for _ in range(2) for rows in one_pass("", loaders, 100)]

    what = f"{call_of(SMALL[0])} after set_seed(7)"
    first, again, other = drawn(7), drawn(7), drawn(8)
    for i, name in enumerate(("pass 1 of train", "pass 1 of val", "pass 2 of train")):
        a, b = first[i][:4], again[i][:4]
        assert first[i] == again[i], f"{what}, twice: {name} begins with {a}, then {b}"
    what += " and after set_seed(8)"
    val, val_8 = ({i for i, _ in rows} for rows in (first[1], other[1]))
    assert val != val_8, f"{what}: the same val rows, {sorted(val)[:5]} and so on"
    how, how_8 = ([how == "mirrored" for _, how in rows[0]] for rows in (first, other))
    assert how != how_8, f"{what}: the same places of train are mirrored"
    moves, moves_8 = (
        [[i for i, _ in rows[0]].index(i) for i, _ in rows[2]] for rows in (first, other)
    )
    is_shuffled = moves != sorted(moves)  # `order` minds it
    assert not is_shuffled or moves != moves_8, (
        f"{what}: pass 2 of train takes the rows of pass 1 in the same order, {moves[:5]} first"
    )


def training(run_full_pipeline):
    log = run(run_full_pipeline)
    what, got, want = log.what, len(log.steps), 10 * len(HITS)
    assert got == want, f"{what}: {got} steps of an optimizer, want {want}, 10 an epoch"
    seen = [i for one in log.trained() for i, _ in known(what, one.x, 200)]
    for epoch in range(len(HITS)):
        rows, at = {*seen[160 * epoch :][:160]}, f"{what}, epoch {epoch + 1}"
        assert len(rows) == 160, f"{at}: {len(rows)} different rows trained on, want 160"
        assert rows == {*seen[:160]}, f"{at}: it trains on rows of validation"
    number = len({id(step.optimizer) for step in log.steps})
    assert number == 1, f"{what}: {number} optimizers step, want one"
    is_trained(what, log, clipped=True)


def validation(run_full_pipeline):
    log = run(run_full_pipeline)
    epochs = log.turns()
    assert len(epochs) == len(HITS), (
        f"{log.what}: training turned to measuring {len(epochs)} times, want {len(HITS)} times"
    )
    for epoch, (train, val) in enumerate(epochs, 1):
        at = f"{log.what}, validation of epoch {epoch}"
        learned, rows = (
            [row for one in some for row in known(at, one.x, 200)] for some in (train, val)
        )
        learned = dict(learned)
        rows = [(i, how) for i, how in rows if i not in learned]
        got = [len(rows), len(dict(rows))]
        assert got == [N_VAL] * 2, (
            f"{at}: measured were {got[0]} rows not trained on, {got[1]} different, want {N_VAL}"
        )
        mirrored = sum(how == "mirrored" for _, how in rows)
        assert not mirrored, f"{at}: {mirrored} rows are mirrored, want 0"
        for one in val:
            is_measured(at, one)


def file(SignalNet, run_full_pipeline):
    log = run(run_full_pipeline)
    what = f"{log.what}: best.pt"
    content = there(what, log.files[-1])
    got = content["val_acc"]
    assert type(got) is float, f"{what} has val_acc {got!r}, want a float"
    fits(what, SignalNet(), content["model"])


def best(run_full_pipeline):
    hits = (30, 31, 17, 31)
    bests_are(run(run_full_pipeline, hits), (1, 2, 2, 2), [right / N_VAL for right in hits])


def result(run_full_pipeline):
    log = run(run_full_pipeline)
    kind, want = type(log.got).__name__, 31 / N_VAL
    assert kind == "float", f"{log.what}: returned {log.got!r} of type {kind}, want a float"
    assert abs(log.got - want) < 1e-6, f"{log.what}: returned {log.got}, want {want}"


def learns(run_full_pipeline):
    what = "run_full_pipeline()"
    with in_a_folder(), watching_run(lambda module: False) as log:
        got = ran(what, run_full_pipeline)
        there(f"{what}: checkpoints/best.pt", checkpoint(Path("checkpoints", "best.pt"), KEYS))
    steps = len(log.steps)
    assert steps == 50, f"{what}: {steps} steps, want 50, of 5 epochs"
    assert float(got) >= 0.75, f"{what}: the best accuracy is {got}, want 0.75 or more"


def repeats(run_full_pipeline):
    one, again = (run(run_full_pipeline, (7,), state) for state in (1, 2))
    repeated(one, again, lambda x: known(one.what, x, 200))


def sizes(build_dataloaders):
    def lengths(*args):
        return [sum(len(y) for _, y in loader) for loader in build_dataloaders(*args)]

    for args, want in (
        ((100, 1, 0.29), [71, 29]),  # 100 * 0.29 is 28.999...
        ((10, 1, 0.1), [9, 1]),
        ((10, 1, 0.9), [1, 9]),
        ((10, 1, 0.27), [7, 3]),
        ((10, 1, 0.23), [8, 2]),
    ):
        got = lengths(*args)
        assert got == want, f"{call_of(args)}: parts of {got} rows, want {want}"
    for ratio in (0.0, 0.04, 0.96, 1.2, -0.2):
        args = 10, 4, ratio
        refuses(lengths, *args, errors=(ValueError,), call=call_of(args))


def first(run_full_pipeline):
    log = run(run_full_pipeline, (0,))
    at = f"{log.what}: after epoch 1 best.pt"
    got = [float(there(at, log.files[0])["val_acc"]), float(log.got)]
    assert got == [0, 0], f"{at} and what is returned have the accuracies {got}, want 0.0"


def folder(run_full_pipeline):
    with in_a_folder():
        path = Path("a", "b", "best.pt")
        for save_dir, older in ((path.parent, ""), ("a/b", ", an older best.pt there")):
            if older:
                torch.save({"model": {}, "val_acc": 1.0}, path)
            what = f"run_full_pipeline(1, {save_dir!r}){older}"
            ran(what, run_full_pipeline, 1, save_dir)
            content = there(f"{what}: {path}", checkpoint(path, KEYS))
            assert content["model"], f"{what}: best.pt is still the older one"
        left = [name for name, content in files().items() if content is not None]
        want = ["a/b/best.pt"]
        assert left == want, f"runs into a/b: files on the disk {left}, want {want}"


def epochs(run_full_pipeline):
    refuses_epochs("run_full_pipeline", run_full_pipeline)


CORE = (
    seed, split, batches, augment, order, seeded,
    training, validation, file, best, result, learns, repeats,
)  # fmt: skip
EDGES = (sizes, first, folder, epochs)


def call_of(args):
    return f"build_dataloaders({', '.join(map(str, args))})"


@cache
def signals(num_samples):
    """The rows and labels of SignalDataset, as they are."""
    rng = torch.Generator().manual_seed(0)
    y = torch.arange(num_samples) * 3 // num_samples
    humps = torch.sin((y[:, None] + 1) * torch.linspace(0, math.pi, 16)).abs()
    return humps + 0.4 * torch.randn(num_samples, 16, generator=rng), y


@cache
def places(num_samples):
    """{row of numbers: (its index in SignalDataset, "as it is" or "mirrored")}"""
    x = signals(num_samples)[0]
    found = {tuple(row): (i, "mirrored") for i, row in enumerate(x.flip(1).tolist())}
    return found | {tuple(row): (i, "as it is") for i, row in enumerate(x.tolist())}


def known(what, x, n):
    rows = [places(n).get(tuple(row)) for row in x.tolist()]
    assert None not in rows, f"{what}: it brings rows that SignalDataset({n}) does not have"
    return rows


def one_pass(what, loaders, n):
    """The rows (index, how) that a pass over each loader brings."""
    return [[row for x, _ in loader for row in known(what, x, n)] for loader in loaders]


@lru_cache(8)  # labels share it
def run(run_full_pipeline, hits=HITS, state=0):
    """What was seen of a run whose i-th epoch has hits[i] val rows right; its loss, too, rises."""
    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(state)
    what = (
        f"run_full_pipeline({len(hits)}, save_dir), right in its epochs: {[*hits]} of 40 val rows"
    )
    return scripted_run(
        what,
        partial(run_full_pipeline, len(hits), Path("run")),
        lambda module: type(module).__name__ == "SignalNet",
        lambda x: [i for i, _ in known(what, x, 200)],
        signals(200)[1],
        N_VAL,
        [(right, (right + 1.0) ** 2) for right in hits],
        Path("run", "best.pt"),
        KEYS,
    )
