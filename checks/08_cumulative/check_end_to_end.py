"""What challenge_end_to_end.py requires.

A run is judged by what any Classifier sees, row by row, and by what lies in best.pt when an epoch
begins. The val rows get logits that make SCRIPT come true; the numbers of `history` and `report`
are done again from the logits that the answer got.
"""

import random
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from checks.pipelines import (
    Script,
    as_hooks_say,
    files,
    gradient_is,
    in_a_folder,
    in_modes,
    is_state,
    rows_of,
    stays_on_meta,
    there,
    tried,
    value_error,
    watching_run,
)

KEYS = ("model", "epoch", "val_acc", "splits")
SIZES = {"train": 183, "val": 61, "test": 61}
SCRIPT = ((44, 0.5), (45, 5.0), (20, 0.1), (45, 1.0))  # by epoch: right val rows, size of logits


def training(Classifier, main):
    log = run(main, SCRIPT[:3])
    nets = [repr(log.passes[0].model) if log.passes else "nothing", repr(Classifier())]
    got, want = ([line.strip() for line in net.splitlines()] for net in nets)
    other = [(a, b) for a, b in zip(got, want, strict=False) if a != b]
    assert not other, f"{log.what}: trained was a model with {other[0][0]}, want {other[0][1]}"
    trained, summed = log.trained(), None
    numbers = [i for one in trained for i in known(log.what, one.x)]
    orders = [numbers[i : i + 183] for i in range(0, len(numbers), 183)]
    got = len(numbers)
    assert got == 3 * 183, f"{log.what}: {got} rows were trained on, want {3 * 183}, 183 an epoch"
    for epoch, order in enumerate(orders, 1):
        at, different = f"{log.what}, epoch {epoch}", len({*order})
        assert different == 183, f"{at}: {different} different rows were trained on, want 183"
        others = {*order} - {*orders[0]}
        assert not others, f"{at}: {len(others)} rows that epoch 1 did not train on, want 0"
        same = orders.index(order) + 1
        assert same == epoch, f"{at}: the rows come in the order of epoch {same}, want a new one"
    after, want = log.steps_after(lambda one: one in trained), list(range(1, len(trained) + 1))
    assert after == want, (
        f"{log.what}: {len(after)} steps, after {after[:4]} batches and so on, want {len(want)}, "
        f"after {want[:4]}"
    )
    for i, (one, step) in enumerate(zip(trained, log.steps, strict=True), 1):
        at = f"{log.what}, training batch {i}"
        in_modes(at, one, lambda name: True)
        missing = [name for name in one.grads if name not in step.held]
        assert not missing, f"{at}: the optimizer lacks {', '.join(missing)}"
        summed = gradient_is(f"{at}, its step", step.grads, one.grads, summed)


def validation(main):
    log = run(main, SCRIPT[:2])
    epochs = log.turns()
    assert len(epochs) == 2, f"{log.what}: {len(epochs)} epochs of training, want 2"
    for epoch, (train, val) in enumerate(epochs, 1):
        at = f"{log.what}, measuring after epoch {epoch}"
        learned = {i for one in train for i in known(at, one.x)}
        rows = {i for one in val for i in known(at, one.x)} - learned
        want = 61 * epoch  # with the test rows at the end
        assert len(rows) >= 61, f"{at}: {len(rows)} rows that were not trained on, want 61 of val"
        assert epoch == 1 or len(rows) <= want, f"{at}: {len(rows)} such rows, want {want}"
        for one in val:
            in_modes(at, one, lambda name: False)
            assert not one.recorded, f"{at}: gradients are recorded, want none"


def file(Classifier, main):
    log = run(main, SCRIPT[:1])
    content, what = there(f"{log.what}: {log.path}", log.files[-1]), f"{log.what}: in best.pt"
    for key, kind in (("epoch", "int"), ("val_acc", "float"), ("splits", "dict")):
        got = type(content[key]).__name__
        assert got == kind, f"{what} {key} is {repr(content[key])[:30]}, a {got}, want a {kind}"
    assert content["epoch"] == 1, f"{what} epoch is {content['epoch']} after the first, want 1"
    try:
        Classifier().load_state_dict(content["model"])
    except (RuntimeError, TypeError) as error:
        text = str(error).splitlines()[-1].strip()
        raise AssertionError(f"{what} the model does not fit into a Classifier: {text}") from error


def splits(main):
    log = run(main, SCRIPT[:1])
    content, what = there(f"{log.what}: {log.path}", log.files[-1]), f"{log.what}: splits"
    found = content["splits"]
    got = {name: len(found.get(name, [])) for name in SIZES}
    assert got == SIZES, f"{what} of {got} rows, want {SIZES}"
    rows = [row for name in SIZES for row in found[name]]
    kinds = {type(part).__name__ for part in found.values()}, {type(row).__name__ for row in rows}
    assert kinds == ({"list"}, {"int"}), f"{what} are {kinds[0]} of {kinds[1]}, want lists of int"
    missing = [row for row in range(305) if row not in rows]
    assert not missing, (
        f"{what}: {len(missing)} of the 305 rows are in none, row {missing[0]} first"
    )
    for name in SIZES:
        classes = clouds()[1][found[name]].unique().tolist()
        assert classes == [0, 1, 2], f"{what}: {name} has only the classes {classes}, not random"
    trained = {i for one in log.trained() for i in known(what, one.x)}
    others = trained - {*found["train"]}
    assert not others, f"{what}: {len(others)} rows trained on are not in train, want 0"


def best(main):
    for script, want in (
        (SCRIPT, [1, 2, 2, 2]),
        (((45, 1.0), (12, 2.0), (17, 3.0)), [1, 1, 1]),
        (((12, 3.0), (13, 0.2), (13, 0.1)), [1, 2, 2]),
    ):
        log = run(main, script)
        number = len(log.files)
        assert number == len(script), f"{log.what}: {number} epochs were run, want {len(script)}"
        states = [val[-1].state for _, val in log.turns()]
        for epoch, (content, right) in enumerate(zip(log.files, want, strict=True), 1):
            at = f"{log.what}: after epoch {epoch} best.pt"
            content = there(at, content)
            got, accuracy = float(content["val_acc"]), script[right - 1][0] / 61
            assert abs(got - accuracy) < 1e-6, f"{at} has val_acc {got:.4f}, want {accuracy:.4f}"
            assert content["epoch"] == right, f"{at} has epoch {content['epoch']}, want {right}"
            same = [i + 1 for i, state in enumerate(states) if is_state(content["model"], state)]
            assert right in same, (
                f"{at} has the weights of {f'epoch {same[0]}' if same else 'no epoch'}, "
                f"want those of epoch {right}"
            )


def test(main):
    log = run(main, SCRIPT[:3])
    rows, states = rows_by_split(log)["test"], [val[0].state for _, val in log.turns() if val]
    last = [one for _, val in log.turns() for one in val][-1]
    ends = [log.passes.index(train[-1]) for train, _ in log.turns()]
    seen = []
    for i, one in enumerate(log.passes):
        some = [row for row in known(log.what, one.x) if row in rows]
        epoch = sum(i > end for end in ends)
        assert not some or epoch == 3, (
            f"{log.what}: {len(some)} test rows were measured before epoch {epoch + 1}, want none"
        )
        seen += some
    assert len(seen) == 61, f"{log.what}: {len(seen)} test rows were measured in all, want 61"
    assert {*seen} == {*rows}, f"{log.what}: {len({*rows} - {*seen})} test rows were not measured"
    names = [name for name, _ in last.model.named_parameters()]
    same = [
        i + 1
        for i, state in enumerate(states)
        if all(torch.equal(last.state[name], state[name]) for name in names)
    ]
    assert same == [2], (
        f"{log.what}: the test rows met the weights of epoch {same[0] if same else 'none'}, "
        "want those of epoch 2, the best"
    )


def history(main):
    log = run(main, SCRIPT[:3])
    rows = {*rows_by_split(log)["val"]}
    form(log, train_loss=3, val_loss=3, val_acc=3)
    for epoch, (train, val) in enumerate(log.turns()):
        loss, accuracy, _ = scores(only(val, rows))
        total = sum(loss_of(one.x, one.out).item() * len(one.x) for one in train)
        want = {"train_loss": total / 183, "val_loss": loss, "val_acc": accuracy}
        for key, value in want.items():
            got = log.got[key][epoch]
            assert abs(got - value) < 1e-4, (
                f"{log.what}: {key} of epoch {epoch + 1} is {got:.6g}, want {value:.6g}"
            )


def report(main):
    for script, want in ((SCRIPT[:3], 2), (SCRIPT[:1], 1)):
        log = run(main, script)
        form(log, best_epoch=int, test_loss=float, test_acc=float, test_recall=3)
        got = log.got["best_epoch"]
        assert got == want, f"{log.what}: best_epoch is {got}, want {want}"
        rows = {*rows_by_split(log)["test"]}
        trained = log.trained()
        measured = [one for one in log.passes if one not in trained]
        loss, accuracy, recall = scores(only(measured, rows))
        right = {"test_loss": [loss], "test_acc": [accuracy], "test_recall": recall}
        for key, values in right.items():
            got = log.got[key] if key == "test_recall" else [log.got[key]]
            is_right = all(abs(a - b) < 1e-4 for a, b in zip(got, values, strict=True))
            shown = [[round(number, 4) for number in some] for some in (got, values)]
            assert is_right, f"{log.what}: {key} is {shown[0]}, want {shown[1]}"


def lines(main):
    log = run(main, SCRIPT[:3])
    got = log.got
    columns = zip(got["train_loss"], got["val_loss"], got["val_acc"], strict=True)
    epochs = [[float(n), *row] for n, row in enumerate(columns, 1)]
    tests = [[got["test_loss"], got["test_acc"], *got["test_recall"]]]
    for word, want in (("epoch", epochs), ("test", tests)):
        rows, count = rows_of(log.printed, word, len(want[0])), len(want[0])
        what = f'{log.what}: lines that begin "{word}"'
        assert len(rows) == len(want), (
            f"{what}, with {count} numbers: {len(rows)}, want {len(want)}"
        )
        for row, right in zip(rows, want, strict=True):
            is_right = all(abs(a - b) <= 1e-3 for a, b in zip(row, right, strict=True))
            right = [round(float(number), 4) for number in right]
            assert is_right, f"{what}: {row}, want {right} as returned"


def seeded(main):
    runs = []
    for state, seed in ((1, 3), (2, 3), (3, 4)):
        for generator in (random.seed, np.random.seed, torch.manual_seed):
            generator(state)
        runs.append(run(main, SCRIPT[:1], seed=seed))
    one, again, other = runs
    first = [known(log.what, log.passes[0].x)[:4] for log in runs]
    what = f"{one.what}, twice, the generators in other states before"
    assert first[0] == first[1], f"{what}: the first batch begins with rows {first[0]}, {first[1]}"
    for name, value in one.passes[-1].state.items():
        same = torch.equal(value, again.passes[-1].state[name])
        assert same, f"{what}: {name} is not the same at the end"
    for key, value in one.got.items():
        same = value == again.got[key]
        assert same, f"{what}: {key} is {value}, then {again.got[key]}"
    what = f"seed {one.seed} and seed {other.seed}"
    for name in SIZES:
        rows = [{*rows_by_split(log)[name]} for log in (one, other)]
        assert rows[0] != rows[1], f"{what}: the same {name} rows, {sorted(rows[0])[:4]} first"
    starts = [log.passes[0].state for log in (one, other)]
    names = [name for name, _ in one.passes[0].model.named_parameters()]
    same = all(torch.equal(starts[0][name], starts[1][name]) for name in names)
    assert not same, f"{what}: the same initial weights"


def learns(main):
    with in_a_folder(), watching_run(is_net) as log:
        metrics = as_hooks_say("main()", main)
        epochs, path = len(metrics["val_acc"]), Path("runs", "best.pt")
        assert epochs == 12, f"main(): {epochs} epochs, want 12"
        assert path.is_file(), f"main(): {path} is not there"
    assert log.passes, "main(): no Classifier was called"
    accuracy = metrics["test_acc"]
    assert accuracy >= 0.8, f"main(): test_acc is {accuracy}, want 0.8 or more"


def device(main):
    arrived, what = [], 'main(epochs=1, save_dir="new", device="meta")'

    def look(module, inputs):
        if is_net(module):
            arrived.append(("the model's x", inputs[0]))
            arrived.extend((f"the model's {name}", p) for name, p in module.named_parameters())

    hook = register_module_forward_pre_hook(look)
    try:
        with in_a_folder():
            run = partial(main, epochs=1, save_dir="new", device="meta")
            stays_on_meta(what, run, arrived)
    finally:
        hook.remove()


def first(main):
    log = run(main, ((0, 1.0),))
    content = there(f"{log.what}: after epoch 1 best.pt", log.files[-1])
    got = content["epoch"], float(content["val_acc"]), log.got["best_epoch"]
    want = (1, 0.0, 1)
    assert got == want, f"{log.what}: epoch, val_acc of best.pt and best_epoch {got}, want {want}"


def reread(Classifier, main):
    torch.manual_seed(3)
    other = Classifier().state_dict()
    log = run(main, SCRIPT[:3], replaced=other)
    what = f"{log.what}, other weights put into best.pt in the last epoch"
    assert log.has_replaced, f"{what}: there was no best.pt to replace"
    last = log.passes[-1]
    is_last = is_state(last.state, log.turns()[-1][0][-1].state)
    assert is_state(last.state, other), (
        f"{what}: the test rows met {'those of the last epoch' if is_last else 'others'}, "
        "want those of the file"
    )


def folder(main):
    with in_a_folder():
        what = "main(epochs=1)"
        torch.manual_seed(0)  # `seeded` minds where this counts
        plain = as_hooks_say(what, main, epochs=1, save_dir="plain")
        older = there(f"{what}: best.pt", tried(Path("plain", "best.pt"), what, KEYS))
    older |= {"epoch": 9, "val_acc": 1.0}
    for value in older["model"].values():
        value *= 2
    for save_dir in ("new/deep", Path("old"), "old"):
        with in_a_folder():
            Path("old").mkdir()
            for name in ("other.pt", "notes.txt"):
                Path("old", name).write_bytes(b"keep")
            torch.save(older, Path("old", "best.pt"))
            what = f"main(epochs=1, save_dir={save_dir!r}), an older best.pt in old"
            torch.manual_seed(0)
            metrics = as_hooks_say(what, main, epochs=1, save_dir=save_dir)
            content = there(f"{what}: best.pt", tried(Path(save_dir, "best.pt"), what, KEYS))
            kept = [name for name in ("other.pt", "notes.txt") if Path("old", name).is_file()]
        assert content["epoch"] != 9, f"{what}: best.pt is still the older one"
        for key, value in plain.items():
            got = metrics[key]
            assert got == value, f"{what}: {key} is {got}, in a new folder {value}"
        assert len(kept) == 2, f"{what}: of other.pt and notes.txt there only {kept} stayed"


def epochs(main):
    for number in (0, -1):
        for save_dir in ("new/here", "old"):
            with in_a_folder():
                Path("old").mkdir()
                Path("old", "best.pt").write_bytes(b"older")
                before, what = files(), f"main(epochs={number}, save_dir={save_dir!r})"
                value_error(what, lambda n=number, s=save_dir: main(epochs=n, save_dir=s))
                assert files() == before, f"{what}: it made or changed files or folders, want none"


CORE = (
    training, validation, file, splits, best, test,
    history, report, lines, seeded, learns, device,
)  # fmt: skip
EDGES = (first, reread, folder, epochs)


@cache
def clouds():
    """What make_data gives."""
    generator = torch.Generator().manual_seed(8)
    y = torch.repeat_interleave(torch.tensor([140, 100, 65]))
    centers = 1.2 * torch.randn(3, 6, generator=generator)
    return centers[y] + 0.8 * torch.randn(305, 6, generator=generator), y


@cache
def places():
    return {tuple(row): i for i, row in enumerate(clouds()[0].tolist())}


def known(what, x):
    rows = [places().get(tuple(row)) for row in x.tolist()]
    assert None not in rows, f"{what}: the model got rows that make_data does not give"
    return rows


def loss_of(x, out):
    return nn.functional.cross_entropy(out, clouds()[1][known("main", x)])


def is_net(module):
    return type(module).__name__ == "Classifier"


def run(main, script, replaced=None, **options):
    """What was seen of a run whose val accuracies come true as the script says.

    log.files: what best.pt held at the end of each epoch. replaced: weights that are put into it
    in the last epoch.
    """
    options = {"save_dir": "run", "seed": 0} | options
    path = Path(options["save_dir"], "best.pt")
    what = f"main(epochs={len(script)}, seed={options['seed']}), right in the epochs: "
    what += f"{[right for right, _ in script]} of 61 val rows"
    hits, sizes = zip(*script, strict=True)

    def rows_in(x):
        return known(what, x)

    play = Script(rows_in, clouds()[1], 61, hits, sizes, lambda: tried(path, what, KEYS))

    def scripted(log, x, out, in_train):
        logits = play(log, x, out, in_train)
        is_last = logits is not None and len(log.turns()) == len(script)
        if is_last and replaced and not log.has_replaced and path.is_file():
            log.has_replaced = True
            torch.save({**torch.load(path, weights_only=True), "model": replaced}, path)
        return logits

    with in_a_folder() as printed, watching_run(is_net, loss_of, scripted) as log:
        log.has_replaced, log.what, log.seed, log.path = False, what, options["seed"], path
        log.got = as_hooks_say(what, main, epochs=len(script), **options)
        log.files, log.printed = [*play.files, tried(path, what, KEYS)], printed.getvalue()
    assert isinstance(log.got, dict), f"{what}: returned {repr(log.got)[:40]}, want a dict"
    return log


def rows_by_split(log):
    """As the file tells them; `splits` minds where it is wrong."""
    content = there(f"{log.what}: {log.path}", log.files[-1])
    return {name: [int(row) for row in content["splits"].get(name, [])] for name in SIZES}


def only(passes, rows):
    """(logits, labels) of those rows, each once."""
    found = {}
    for one in passes:
        pairs = zip(known("main", one.x), one.out, strict=True)
        found |= {row: out for row, out in pairs if row in rows}
    return torch.stack(list(found.values())), clouds()[1][list(found)]


def scores(pair):
    """(mean loss, accuracy, recall of each class)"""
    logits, y = pair
    hits = logits.argmax(dim=1) == y
    recall = [hits[y == k].double().mean().item() for k in range(3)]
    return nn.functional.cross_entropy(logits, y).item(), hits.double().mean().item(), recall


def form(log, **wanted):
    """metrics has these keys, of these types; a number is the length of a list of floats."""
    for key, want in wanted.items():
        assert key in log.got, f"{log.what}: metrics has the keys {list(log.got)}, want {key} too"
        value = log.got[key]
        if isinstance(want, int):
            kinds = [type(one).__name__ for one in value] if isinstance(value, list) else value
            right = ["float"] * want
            assert kinds == right, f"{log.what}: {key} holds {kinds}, want {right}"
        else:
            kind, right = type(value).__name__, want.__name__
            assert kind == right, f"{log.what}: {key} is {value!r} of type {kind}, want {right}"
