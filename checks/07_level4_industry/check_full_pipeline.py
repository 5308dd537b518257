"""What challenge_full_pipeline.py requires.

The loaders are judged by the rows that they bring, each known by its numbers. A run is judged by
what any SignalNet sees and by what lies in best.pt when an epoch begins; `best`, `result` and
`first` put logits in place of its own, so that the accuracies are known.
"""

import random
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from checks.hunts import attempt
from checks.pipelines import (
    Script,
    as_hooks_say,
    files,
    gradient_is,
    in_a_folder,
    in_modes,
    is_state,
    load_checkpoint,
    signals,
    there,
    tried,
    value_error,
    watching_run,
)

KEYS = ("model", "val_acc")
N_VAL, TRAIN_BATCHES = 40, 10  # of the default loaders: 200 rows, batches of 16


def seed(set_seed):
    def draws(*seed):
        set_seed(*seed)
        found = torch.rand(()).item(), np.random.rand(), random.random()
        return [round(number, 4) for number in found]

    first, again, other = draws(7), draws(7), draws(8)
    for name, a, b, c in zip(("torch", "numpy", "random"), first, again, other, strict=True):
        assert a == b, f"set_seed(7), twice: {name} draws {a}, then {b}, want the same"
        assert a != c, f"set_seed(7), set_seed(8): {name} draws {a} after both, want others"
    assert draws() == draws(42), "set_seed() and set_seed(42): other draws, want the same"


def split(build_dataloaders):
    for sizes, want in (((), [160, 40]), ((100, 8, 0.3), [70, 30])):
        what, n = call_of(sizes), sum(want)
        train, val = ([i for i, _ in one] for one in one_pass(what, build_dataloaders(*sizes), n))
        both = sorted({*train} & {*val})
        assert not both, f"{what}: {len(both)} rows are in both parts, row {both[0]} among them"
        got = [len({*train}), len({*val})]
        assert got == want, f"{what}: parts of {got} different rows, want {want}"
        blocks = sum((i + 1) % n not in val for i in val)
        assert len(val) / 4 < blocks < len(val), (
            f"{what}: the val rows are {blocks} blocks of neighbors, {sorted(val)[:6]} and so on"
        )


def batches(build_dataloaders):
    for sizes, want in (((), (16, [160, 40])), ((100, 8, 0.3), (8, [70, 30]))):
        n = sum(want[1])
        loaders, labels = build_dataloaders(*sizes), signals(n)[1]
        for name, loader, length in zip(("train", "val"), loaders, want[1], strict=True):
            what = f"{call_of(sizes)}, {name}"
            right = [want[0]] * (length // want[0])
            right += [length % want[0]] * (length % want[0] > 0)
            pairs = list(loader)
            got = [len(y) for _, y in pairs]
            assert got == right, f"{what}: batches of {got} rows, want {right}"
            for x, y in pairs:
                form = tuple(x.shape), x.dtype, tuple(y.shape), y.dtype
                wanted = (len(y), 16), torch.float32, (len(y),), torch.int64
                assert form == wanted, f"{what}: a batch of {form}, want {wanted}"
                true = labels[[i for i, _ in known(what, x, n)]].tolist()
                assert y.tolist() == true, f"{what}: labels {y.tolist()}, those rows have {true}"
            for again in range(2):
                rows = [i for x, _ in (loader if again else pairs) for i, _ in known(what, x, n)]
                twice = sorted(i for i, times in Counter(rows).items() if times > 1)
                assert not twice, f"{what}: one pass brings {len(twice)} rows more than once"


def augment(build_dataloaders):
    what, (train, val) = call_of((100, 8, 0.3)), build_dataloaders(100, 8, 0.3)
    passes = [one_pass(what, (train, val), 100) for _ in range(2)]
    for _, rows in passes:
        mirrored = sum(how == "mirrored" for _, how in rows)
        assert mirrored == 0, f"{what}: {mirrored} of {len(rows)} val rows are mirrored, want 0"
    found = [{i for i, how in rows if how == "mirrored"} for rows, _ in passes]
    for one in found:
        share = len(one) / len(passes[0][0])
        assert 0.15 < share < 0.85, f"{what}: {share:.0%} of the train rows are mirrored, want 50%"
    assert found[0] != found[1], f"{what}: in two passes the same train rows are mirrored"


def order(build_dataloaders):
    what, loaders = call_of((100, 8, 0.3)), build_dataloaders(100, 8, 0.3)
    one, two = ([i for i, _ in one_pass(what, loaders, 100)[0]] for _ in range(2))
    assert one != two, f"{what}: two passes of train both begin with the rows {one[:5]}"
    for rows in (one, two):
        assert rows != sorted(rows), f"{what}: the train rows come sorted, {rows[:5]} first"


def seeded(set_seed, build_dataloaders):
    def drawn(seed):
        set_seed(seed)
        loaders = build_dataloaders(100, 8, 0.3)
        return [rows for _ in range(2) for rows in one_pass("", loaders, 100)]

    what = "build_dataloaders(100, 8, 0.3) after set_seed(7)"
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
    what, _, log = run(run_full_pipeline, 2)
    trained, summed = log.trained(), None
    got, want = len(log.steps), 2 * TRAIN_BATCHES
    assert got == want, (
        f"{what}: {got} steps of an optimizer, want {want}, {TRAIN_BATCHES} an epoch"
    )
    after, want = log.steps_after(lambda one: one in trained), list(range(1, want + 1))
    assert after == want, (
        f"{what}: steps after {after[:4]} passes with gradients and so on, want after {want[:4]}"
    )
    seen = [i for one in trained for i, _ in known(what, one.x, 200)]
    for epoch, rows in enumerate((seen[:160], seen[160:]), 1):
        different = len({*rows})
        assert different == 160, f"{what}, epoch {epoch}: {different} rows trained on, want 160"
    assert {*seen[:160]} == {*seen[160:]}, f"{what}: epoch 2 trains on rows of validation"
    number = len({id(step.optimizer) for step in log.steps})
    assert number == 1, f"{what}: {number} optimizers step, want one"
    for i, (one, step) in enumerate(zip(trained, log.steps, strict=True), 1):
        in_modes(f"{what}, training batch {i}", one, lambda name: True)
        missing = [name for name in one.grads if name not in step.held]
        assert not missing, f"{what}: the optimizer lacks {', '.join(missing)}"
        summed = gradient_is(f"{what}, step {i}", step.grads, one.grads, summed, clipped=True)


def validation(run_full_pipeline):
    what, _, log = run(run_full_pipeline, 2)
    epochs = log.turns()
    number = len(epochs)
    assert number == 2, f"{what}: training turned to measuring {number} times, want twice"
    for epoch, (train, val) in enumerate(epochs, 1):
        at = f"{what}, validation of epoch {epoch}"
        assert val, f"{at}: the model got no row"
        for one in val:
            in_modes(at, one, lambda name: False)
            assert not one.recorded, f"{at}: gradients are recorded, want none"
        trained, rows = (
            [row for one in some for row in known(at, one.x, 200)] for some in (train, val)
        )
        assert len(rows) == N_VAL, f"{at}: the model got {len(rows)} rows, want {N_VAL}"
        numbers, learned = {i for i, _ in rows}, {i for i, _ in trained}
        assert len(numbers) == N_VAL, f"{at}: {len(numbers)} different rows, want {N_VAL}"
        both = numbers & learned
        assert not both, f"{at}: {len(both)} of its rows were trained on, want 0"
        mirrored = sum(how == "mirrored" for _, how in rows)
        assert not mirrored, f"{at}: {mirrored} rows are mirrored, want 0"


def file(SignalNet, run_full_pipeline):
    what, _, log = run(run_full_pipeline, 1)
    content = there(f"{what}: {log.path}", log.files[-1])
    assert type(content["val_acc"]) is float, (
        f"{what}: val_acc is {content['val_acc']!r}, want a float"
    )
    try:
        SignalNet().load_state_dict(content["model"])
    except (RuntimeError, TypeError) as error:
        text = str(error).splitlines()[-1].strip()
        raise AssertionError(f'{what}: "model" does not fit into a SignalNet: {text}') from error


def best(run_full_pipeline):
    for hits, want in (([12, 31, 31, 17], [1, 2, 2, 2]), ([31, 12, 17], [1, 1, 1])):
        what, _, log = run(run_full_pipeline, len(hits), hits)
        number = len(log.files)
        assert number == len(hits), f"{what}: {number} epochs were run, want {len(hits)}"
        states = [val[-1].state for _, val in log.turns()]
        for epoch, (file, right) in enumerate(zip(log.files, want, strict=True), 1):
            at = f"{what}: after epoch {epoch} best.pt"
            file = there(at, file)
            got, accuracy = float(file["val_acc"]), hits[right - 1] / N_VAL
            assert abs(got - accuracy) < 1e-6, f"{at} has val_acc {got}, want {accuracy}"
            same = [i + 1 for i, state in enumerate(states) if is_state(file["model"], state)]
            assert right in same, (
                f"{at} has the weights of {f'epoch {same[0]}' if same else 'no epoch'}, "
                f"want those of epoch {right}"
            )


def result(run_full_pipeline):
    for hits, want in (([12, 31, 17], 31 / 40), ([31, 12], 31 / 40), ([7, 9, 23], 23 / 40)):
        what, got, _ = run(run_full_pipeline, len(hits), hits)
        kind = type(got).__name__
        assert kind == "float", f"{what}: returned {got!r} of type {kind}, want a float"
        assert abs(got - want) < 1e-6, f"{what}: returned {got}, want {want}"


def learns(run_full_pipeline):
    what, got, log = run(run_full_pipeline)
    steps = len(log.steps)
    assert steps == 5 * TRAIN_BATCHES, f"{what}: {steps} steps, want 50, of 5 epochs"
    assert log.files[-1] is not None, f"{what}: {log.path} is not there"
    assert float(got) >= 0.75, f"{what}: the best accuracy is {got}, want 0.75 or more"


def repeats(run_full_pipeline):
    states = []
    for seed in (1, 2):
        for generator in (random.seed, np.random.seed, torch.manual_seed):
            generator(seed)
        what, _, log = run(run_full_pipeline, 1)
        states.append(log)
    rows = [known(what, log.passes[0].x, 200)[:3] for log in states]
    what = f"{what}, twice, the generators in other states before: "
    assert rows[0] == rows[1], f"{what}the first batch begins with {rows[0]}, then {rows[1]}"
    for name, a in states[0].passes[-1].state.items():
        b = states[1].passes[-1].state[name]
        assert torch.equal(a, b), f"{what}{name} is not the same at the end"


def sizes(build_dataloaders):
    for args, want in (
        ((100, 1, 0.29), [71, 29]),  # 100 * 0.29 is 28.999...
        ((10, 1, 0.1), [9, 1]),
        ((10, 1, 0.9), [1, 9]),
        ((10, 1, 0.27), [7, 3]),
    ):
        got = [sum(len(y) for _, y in loader) for loader in build_dataloaders(*args)]
        assert got == want, f"{call_of(args)}: parts of {got} rows, want {want}"
    for args in ((10, 4, 0.0), (10, 4, 0.04), (10, 4, 0.96), (10, 4, 1.2), (10, 4, -0.2)):
        value_error(call_of(args), lambda args=args: build_dataloaders(*args))


def first(run_full_pipeline):
    for hits in ([0], [0, 0]):
        what, got, log = run(run_full_pipeline, len(hits), hits)
        assert float(got) == 0, f"{what}: returned {got}, want 0.0"
        for epoch, content in enumerate(log.files, 1):
            content = there(f"{what}: after epoch {epoch} best.pt", content)
        assert float(content["val_acc"]) == 0, f"{what}: val_acc {content['val_acc']}, want 0.0"


def folder(run_full_pipeline):
    with in_a_folder():
        for save_dir in (Path("a", "b"), "a/b", "c/d/e"):
            older = Path(save_dir, "best.pt")
            if older.exists():
                torch.save({"model": {}, "val_acc": 1.0}, older)
            what = (
                f"run_full_pipeline(1, {save_dir!r})" + ", an older best.pt there" * older.exists()
            )
            attempt(what, run_full_pipeline, 1, save_dir)
            content = there(f"{what}: {older}", load_checkpoint(older, what, KEYS))
            assert content["model"], f"{what}: best.pt is still the older one"
        left = [name for name, content in files().items() if content is not None]
        want = ["a/b/best.pt", "c/d/e/best.pt"]
        assert left == want, f"runs into a/b and c/d/e: files on the disk {left}, want {want}"


def epochs(run_full_pipeline):
    for number in (0, -1):
        with in_a_folder():
            Path("old").mkdir()
            Path("old", "best.pt").write_bytes(b"older")
            for save_dir in ("new", "old"):
                before, what = files(), f"run_full_pipeline({number}, {save_dir!r})"
                value_error(what, lambda n=number, s=save_dir: run_full_pipeline(n, s))
                assert files() == before, f"{what}: it made or changed files, want none"


CORE = (
    seed, split, batches, augment, order, seeded,
    training, validation, file, best, result, learns, repeats,
)  # fmt: skip
EDGES = (sizes, first, folder, epochs)


def call_of(args):
    return f"build_dataloaders({', '.join(map(str, args))})"


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


def run(run_full_pipeline, *args):
    """(what was called, what came back, what was seen): a run of some epochs, perhaps scripted.

    log.files: what best.pt held at the end of each epoch. hits: so many of the val rows get right
    logits in the epochs; the loss rises with the accuracy.
    """
    hits, options = args[1] if args[1:] else [], (args[0], Path("run")) if args else ()
    what = f"run_full_pipeline({args[0]}, save_dir)" if args else "run_full_pipeline()"
    what += f", right in its epochs: {hits} of {N_VAL} val rows" if hits else ""
    path = Path(options[1] if args else "checkpoints", "best.pt")
    labels = signals(200)[1]

    def rows_in(x):
        return [i for i, _ in known(what, x, 200)]

    def loss_of(x, out):
        return nn.functional.cross_entropy(out, labels[rows_in(x)])

    sizes = [(right + 1.0) ** 2 for right in hits]
    script = Script(rows_in, labels, N_VAL, hits, sizes, lambda: tried(path, what, KEYS))
    with in_a_folder(), watching_run(is_net, loss_of, script) as log:
        got = as_hooks_say(what, run_full_pipeline, *options)
        log.files, log.path = [*script.files, tried(path, what, KEYS)], path
    return what, got, log


def is_net(module):
    return type(module).__name__ == "SignalNet"
