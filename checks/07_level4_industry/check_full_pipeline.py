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
    refuses_epochs,
    repeated,
    scripted_run,
    there,
    watching_run,
)
from checks.tools import attempt, equal, refuses

KEYS = ("model", "val_acc")
N_VAL = 40  # of the default 200 rows
HITS = (31, 12)  # by epoch: right val rows
DEFAULT = (), [160, N_VAL], 16  # for build_dataloaders, the rows of its parts, batch_size
SMALL = (100, 8, 0.3), [70, 30], 8


def seed(set_seed):
    def draws(*seed):
        set_seed(*seed)
        return [round(n, 4) for n in (torch.rand(()).item(), np.random.rand(), random.random())]

    first, again, other = draws(7), draws(7), draws(8)
    for name, a, b, c in zip(("torch", "numpy", "random"), first, again, other, strict=True):
        assert a == b, f"set_seed(7), twice: {name} draws {a}, then {b}, want the same"
        assert a != c, f"set_seed(7), set_seed(8): {name} draws {a} after both, want others"
    assert draws() == draws(42), "set_seed() and set_seed(42): other draws, want the same"
    assert draws(0) != draws(42), "set_seed(0) and set_seed(42): the same draws, want others"


def split(build_dataloaders):
    for args, want, _ in (DEFAULT, SMALL):
        what, n = call_of(args), sum(want)
        train, val = ([i for i, _ in one] for one in one_pass(what, build_dataloaders(*args), n))
        equal(f"{what}: number of rows in both parts:", len({*train} & {*val}), 0)
        equal(f"{what}: number of different rows:", [len({*train}), len({*val})], want)
        blocks = sum((i + 1) % n not in val for i in val)
        assert len(val) / 4 < blocks < len(val), (
            f"{what}: the val rows are {blocks} blocks of neighbors, {sorted(val)[:6]} and so on"
        )


def batches(build_dataloaders):
    for args, lengths, size in (SMALL, DEFAULT):
        n = sum(lengths)
        loaders, labels = build_dataloaders(*args), signals(n)[1]
        for name, loader, length in zip(("train", "val"), loaders, lengths, strict=True):
            what, pairs, rows = f"{call_of(args)}, {name}", list(loader), Counter()
            want = [size] * (length // size) + [length % size] * (length % size > 0)
            equal(f"{what}: rows of the batches:", [len(y) for _, y in pairs], want)
            for x, y in pairs:
                form = tuple(x.shape), x.dtype, tuple(y.shape), y.dtype
                wanted = (len(y), 16), torch.float32, (len(y),), torch.int64
                equal(f"{what}: a batch of", form, wanted)
                some = [i for i, _ in known(what, x, n)]
                equal(f"{what}: the labels of a batch are", y.tolist(), labels[some].tolist())
                rows.update(some)
            twice = sum(times > 1 for times in rows.values())
            equal(f"{what}: number of rows that one pass brings more than once:", twice, 0)


def augment(build_dataloaders):
    what, loaders = call_of(SMALL[0]), build_dataloaders(*SMALL[0])
    found = []
    for train, val in (one_pass(what, loaders, 100) for _ in range(2)):
        mirrored = sum(how == "mirrored" for _, how in val)
        equal(f"{what}: number of val rows that are mirrored:", mirrored, 0)
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
        return [*one_pass("", loaders, 100), *one_pass("", loaders[:1], 100)]

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
    what = log.what
    equal(f"{what}, 10 an epoch: number of steps:", len(log.steps), 10 * len(HITS))
    seen = [i for one in log.trained() for i in one.rows]
    for epoch in range(len(HITS)):
        rows, at = {*seen[160 * epoch :][:160]}, f"{what}, epoch {epoch + 1}"
        equal(f"{at}: number of different rows trained on:", len(rows), 160)
        assert rows == {*seen[:160]}, f"{at}: it trains on rows of validation"
    equal(f"{what}: number of optimizers that step:", len({id(s.optimizer) for s in log.steps}), 1)
    is_trained(what, log, clipped=True)


def validation(run_full_pipeline):
    log = run(run_full_pipeline)
    epochs = log.turns()
    equal(f"{log.what}: times that training turned to measuring:", len(epochs), len(HITS))
    for epoch, (train, val) in enumerate(epochs, 1):
        at = f"{log.what}, validation of epoch {epoch}"
        learned = {i for one in train for i in one.rows}
        rows = [row for one in val for row in known(at, one.x, 200) if row[0] not in learned]
        got = [len(rows), len(dict(rows))]
        assert got == [N_VAL] * 2, (
            f"{at}: measured were {got[0]} rows not trained on, {got[1]} different, want {N_VAL}"
        )
        mirrored = sum(how == "mirrored" for _, how in rows)
        equal(f"{at}: number of rows that are mirrored:", mirrored, 0)
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
    bests_are(run(run_full_pipeline), (1, 1), [right / N_VAL for right in HITS])
    hits = (30, 31, 17, 31)
    bests_are(run(run_full_pipeline, hits), (1, 2, 2, 2), [right / N_VAL for right in hits])


def result(run_full_pipeline):
    log = run(run_full_pipeline)
    kind, want = type(log.got).__name__, max(HITS) / N_VAL
    equal(f"{log.what}: returned {log.got!r} of type", kind, "float")
    assert abs(log.got - want) < 1e-6, f"{log.what}: returned {log.got}, want {want}"


def learns(run_full_pipeline):
    what = "run_full_pipeline()"
    with in_a_folder(), watching_run(lambda module: False) as log:
        got = attempt(what, run_full_pipeline)
        there(f"{what}: checkpoints/best.pt", checkpoint(Path("checkpoints", "best.pt"), KEYS))
    equal(f"{what}: number of steps, 10 an epoch:", len(log.steps), 50)
    assert float(got) >= 0.75, f"{what}: the best accuracy is {got}, want 0.75 or more"


def repeats(run_full_pipeline):
    one, again = (run(run_full_pipeline, (7,), state) for state in (1, 2))
    repeated(one, again)


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
        equal(f"{call_of(args)}: rows of the parts:", attempt(call_of(args), lengths, *args), want)
    for ratio in (0.0, 0.04, 0.96, 1.2, -0.2):
        args = 10, 4, ratio
        refuses(lengths, *args, errors=(ValueError,), call=call_of(args))


def first(run_full_pipeline):
    log = run(run_full_pipeline, (0,))
    at = f"{log.what}: after epoch 1 best.pt"
    got = [float(there(at, log.files[0])["val_acc"]), float(log.got)]
    equal(f"{at} and what is returned have the accuracies", got, [0.0, 0.0])


def folder(run_full_pipeline):
    with in_a_folder():
        path = Path("a", "b", "best.pt")
        for save_dir, older in ((path.parent, ""), ("a/b", ", an older best.pt there")):
            if older:
                torch.save({"model": {}, "val_acc": 1.0}, path)
            what = f"run_full_pipeline(1, {save_dir!r}){older}"
            attempt(what, run_full_pipeline, 1, save_dir)
            content = there(f"{what}: {path}", checkpoint(path, KEYS))
            assert content["model"], f"{what}: best.pt is still the older one"
        left = [name for name, content in files().items() if content is not None]
        equal("runs into a/b: files on the disk", left, ["a/b/best.pt"])


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
    return scripted_run(
        f"run_full_pipeline({len(hits)}, save_dir), right in its epochs: {[*hits]} of 40 val rows",
        partial(run_full_pipeline, len(hits), Path("run")),
        lambda module: type(module).__name__ == "SignalNet",
        lambda x: [places(200).get(tuple(row), (-1, ""))[0] for row in x.tolist()],
        signals(200)[1],
        N_VAL,
        [(right, (right + 1.0) ** 2) for right in hits],
        KEYS,
        state,
        needs_gradients=hits == HITS,
    )
