"""What challenge_end_to_end.py requires.

A run is judged by what any Classifier sees, row by row, and by what lies in best.pt when an epoch
ends. The val rows get logits that make SCRIPT come true; the numbers of `history` and `report`
are done again from the logits that the answer got.
"""

import random
from functools import cache, lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.nn.modules.module import register_module_forward_pre_hook

from checks.pipelines import (
    bests_are,
    checkpoint,
    fits,
    in_a_folder,
    is_measured,
    is_state,
    is_trained,
    lines_are,
    ran,
    refuses_epochs,
    repeated,
    scripted_run,
    stays_on_meta,
    there,
)

KEYS = ("model", "epoch", "val_acc", "splits")
SIZES = {"train": 183, "val": 61, "test": 61}
SCRIPT = ((44, 0.5), (45, 5.0), (20, 0.1))  # by epoch: right val rows, size of their logits
N = len(SCRIPT)


def training(Classifier, main):
    log = run(main)
    nets = [repr(log.passes[0].model) if log.passes else "nothing", repr(Classifier())]
    lines = ([line.strip() for line in net.splitlines()] for net in nets)
    for got, want in zip(*lines, strict=False):
        assert got == want, f"{log.what}: trained was a model with {got}, want {want}"
    rows = [i for one in log.trained() for i in known(one.x)]
    got, orders = len(rows), [rows[i : i + 183] for i in range(0, len(rows), 183)]
    assert got == 183 * N, f"{log.what}: {got} rows were trained on, want {183 * N}, 183 an epoch"
    for epoch, order in enumerate(orders, 1):
        at, got = f"{log.what}, epoch {epoch}", len({*order})
        assert got == 183, f"{at}: {got} different rows were trained on, want 183"
        others = {*order} - {*orders[0]}
        assert not others, f"{at}: {len(others)} rows that epoch 1 did not train on, want 0"
        same = orders.index(order) + 1
        assert same == epoch, f"{at}: the rows come in the order of epoch {same}, want a new one"
    is_trained(log.what, log)


def validation(main):
    log = run(main)
    epochs = log.turns()
    assert len(epochs) == N, f"{log.what}: {len(epochs)} epochs of training, want {N}"
    for epoch, (train, val) in enumerate(epochs, 1):
        at = f"{log.what}, measuring after epoch {epoch}"
        learned, seen = ({i for one in some for i in known(one.x)} for some in (train, val))
        got, want = len(seen - learned), 61 if epoch < N else 122  # with the test rows
        assert got == want, f"{at}: {got} rows that were not trained on, want {want}"
        for one in val:
            is_measured(at, one)


def file(Classifier, main):
    log = run(main)
    what, content = f"{log.what}: best.pt", there(f"{log.what}: best.pt", log.files[0])
    for key, kind in (("epoch", "int"), ("val_acc", "float"), ("splits", "dict")):
        got = type(content[key]).__name__
        assert got == kind, f"{what}: {key} is {repr(content[key])[:30]}, a {got}, want a {kind}"
    assert content["epoch"] == 1, f"{what}: epoch is {content['epoch']} after the first, want 1"
    fits(what, Classifier(), content["model"])


def splits(main):
    log = run(main)
    what, found = f"{log.what}: splits", there(f"{log.what}: best.pt", log.files[-1])["splits"]
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
    others = {i for one in log.trained() for i in known(one.x)} - {*found["train"]}
    assert not others, f"{what}: {len(others)} rows trained on are not in train, want 0"


def best(main):
    script = (*SCRIPT, (45, 1.0))
    bests_are(run(main, script), (1, 2, 2, 2), [right / 61 for right, _ in script], "epoch")


def test(main):
    log = run(main)
    rows, turns, seen = {*rows_by_split(log)["test"]}, log.turns(), []
    ends = [log.passes.index(train[-1]) for train, _ in turns]
    for i, one in enumerate(log.passes):
        some, epoch = [row for row in known(one.x) if row in rows], sum(i > end for end in ends)
        assert not some or epoch == N, (
            f"{log.what}: {len(some)} test rows were measured before epoch {epoch + 1}, want none"
        )
        seen += some
    assert len(seen) == 61, f"{log.what}: {len(seen)} test rows were measured in all, want 61"
    last, names = log.passes[-1], dict(log.passes[-1].model.named_parameters())
    states = [val[0].state for _, val in turns if val]
    same = [
        i
        for i, state in enumerate(states, 1)
        if all(torch.equal(last.state[name], state[name]) for name in names)
    ]
    assert same == [2], (
        f"{log.what}: the test rows met the weights of epoch {same[0] if same else 'none'}, "
        "want those of epoch 2, the best"
    )


def history(main):
    log = run(main)
    rows = {*rows_by_split(log)["val"]}
    form(log, train_loss=N, val_loss=N, val_acc=N)
    for epoch, (train, val) in enumerate(log.turns()):
        total = sum(loss_of(one).item() * len(one.x) for one in train)
        loss, accuracy, _ = scores(val, rows)
        for key, want in (("train_loss", total / 183), ("val_loss", loss), ("val_acc", accuracy)):
            got = log.got[key][epoch]
            assert abs(got - want) < 1e-4, (
                f"{log.what}: {key} of epoch {epoch + 1} is {got:.6g}, want {want:.6g}"
            )


def report(main):
    log = run(main)
    form(log, best_epoch=int, test_loss=float, test_acc=float, test_recall=3)
    got = log.got["best_epoch"]
    assert got == 2, f"{log.what}: best_epoch is {got}, want 2"
    trained = {*map(id, log.trained())}
    measured = [one for one in log.passes if id(one) not in trained]
    right = scores(measured, {*rows_by_split(log)["test"]})
    for key, want in zip(("test_loss", "test_acc", "test_recall"), right, strict=True):
        a, b = torch.tensor(log.got[key]), torch.tensor(want)
        shown = [[round(n, 4) for n in t.flatten().tolist()] for t in (a, b)]
        assert (a - b).abs().max() < 1e-4, f"{log.what}: {key} is {shown[0]}, want {shown[1]}"


def lines(main):
    log = run(main)
    got, what = log.got, f"{log.what}, as returned"
    columns = zip(got["train_loss"], got["val_loss"], got["val_acc"], strict=True)
    lines_are(what, log.printed, "epoch", [[n, *row] for n, row in enumerate(columns, 1)])
    want = [got["test_loss"], got["test_acc"], *got["test_recall"]]
    lines_are(what, log.printed, "test", [want])


def seeded(main):
    one, again, other = (run(main, SCRIPT[:1], s, state) for s, state in ((3, 1), (3, 2), (4, 3)))
    repeated(one, again, known)
    for name in SIZES:
        rows = [{*rows_by_split(log)[name]} for log in (one, other)]
        assert rows[0] != rows[1], f"seed 3 and seed 4: the same {name} rows"
    a, b = (log.passes[0].state for log in (one, other))
    same = all(torch.equal(a[name], b[name]) for name in a if "running" not in name)
    assert not same, "seed 3 and seed 4: the same initial weights"


def learns(main):
    with in_a_folder():
        metrics, path = ran("main()", main), Path("runs", "best.pt")
        there("main(): runs/best.pt", checkpoint(path, KEYS))
    epochs, accuracy = len(metrics["val_acc"]), metrics["test_acc"]
    assert epochs == 12, f"main(): {epochs} epochs, want 12"
    assert accuracy >= 0.8, f"main(): test_acc is {accuracy}, want 0.8 or more"


def device(main):
    arrived = []

    def look(module, inputs):
        if is_net(module):
            arrived.append(("the model's x", inputs[0]))
            arrived.extend((f"the model's {name}", p) for name, p in module.named_parameters())

    hook = register_module_forward_pre_hook(look)
    try:
        with in_a_folder():
            options = {"epochs": 1, "save_dir": "new", "device": "meta"}
            what = 'main(epochs=1, save_dir="new", device="meta")'
            stays_on_meta(what, partial(main, **options), arrived)
    finally:
        hook.remove()


def first(main):
    log = run(main, ((0, 1.0),))
    at = f"{log.what}: after epoch 1 best.pt"
    content = there(at, log.files[0])
    got = content["epoch"], float(content["val_acc"]), log.got["best_epoch"]
    assert got == (1, 0, 1), f"{at} has epoch, val_acc, main best_epoch {got}, want (1, 0.0, 1)"


def reread(Classifier, main):
    torch.manual_seed(3)
    other, path = Classifier().state_dict(), Path("run", "best.pt")

    def replace():
        torch.save({**torch.load(path, weights_only=True), "model": other}, path)

    log = run(main, SCRIPT[1::-1], replace=replace)
    state, trained = log.passes[-1].state, log.turns()[-1][0][-1].state
    assert is_state(state, other), (
        f"{log.what}, other weights put into best.pt in the last epoch: the test rows met those "
        f"of {'the last epoch' if is_state(state, trained) else 'others'}, want those of the file"
    )


def folder(main):
    runs = []
    for save_dir, name in (("new/deep", ""), (Path("old"), ", an older best.pt there")):
        with in_a_folder():
            Path("old").mkdir()
            kept = [Path("old", name) for name in ("other.pt", "notes.txt")]
            for path in kept:
                path.write_bytes(b"keep")
            if runs:  # the same run with other weights
                older = {key: 2 * value for key, value in runs[0][1]["model"].items()}
                content = {**runs[0][1], "model": older, "epoch": 9, "val_acc": 1.0}
                torch.save(content, Path("old", "best.pt"))
            what = f"main(epochs=1, save_dir={save_dir!r}){name}"
            torch.manual_seed(0)  # `seeded` minds where this counts
            metrics = ran(what, main, epochs=1, save_dir=save_dir)
            runs.append(
                (metrics, there(f"{what}: best.pt", checkpoint(Path(save_dir, "best.pt"), KEYS)))
            )
            left = [path.name for path in kept if path.is_file()]
        assert len(left) == 2, f"{what}: of other.pt and notes.txt there only {left} stayed"
    assert runs[1][1]["epoch"] != 9, f"{what}: best.pt is still the older one"
    for key, value in runs[0][0].items():
        got = metrics[key]
        assert got == value, f"{what}: {key} is {got}, in a new folder {value}"


def epochs(main):
    refuses_epochs("main", lambda number, save_dir: main(epochs=number, save_dir=save_dir))


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


def known(x):
    rows = [places().get(tuple(row)) for row in x.tolist()]
    assert None not in rows, "main: the model got rows that make_data does not give"
    return rows


def loss_of(one):
    return cross_entropy(one.out, clouds()[1][known(one.x)])


def is_net(module):
    return type(module).__name__ == "Classifier"


@lru_cache(8)  # labels share it
def run(main, script=SCRIPT, seed=0, state=0, replace=bool):
    """What was seen of a run whose val accuracies come true as the script says."""
    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(state)
    call = f"main(epochs={len(script)}, seed={seed})"
    what = f"{call}, right in the epochs: {[right for right, _ in script]} of 61 val rows"
    log = scripted_run(
        what,
        partial(main, epochs=len(script), seed=seed, save_dir="run"),
        is_net,
        known,
        clouds()[1],
        61,
        script,
        Path("run", "best.pt"),
        KEYS,
        replace,
    )
    assert isinstance(log.got, dict), f"{what}: returned {repr(log.got)[:40]}, want a dict"
    return log


def rows_by_split(log):
    """As the file tells them; `splits` minds where it is wrong."""
    content = there(f"{log.what}: best.pt", log.files[-1])
    return {name: [int(row) for row in content["splits"].get(name, [])] for name in SIZES}


def scores(passes, rows):
    """(mean loss, accuracy, recall of each class) of those rows, each once."""
    found = {}
    for one in passes:
        pairs = zip(known(one.x), one.out, strict=True)
        found |= {row: out for row, out in pairs if row in rows}
    logits, y = torch.stack(list(found.values())), clouds()[1][list(found)]
    hits = (logits.argmax(dim=1) == y).double()
    recall = [hits[y == k].mean().item() for k in range(3)]
    return cross_entropy(logits, y).item(), hits.mean().item(), recall


def form(log, **wanted):
    """metrics has these keys, of these types; a number is the length of a list of floats."""
    for key, want in wanted.items():
        assert key in log.got, f"{log.what}: metrics has the keys {list(log.got)}, want {key} too"
        value = log.got[key]
        many = isinstance(value, list)
        kinds = [type(one).__name__ for one in value] if many else type(value).__name__
        right = ["float"] * want if isinstance(want, int) else want.__name__
        assert kinds == right, f"{log.what}: {key} is of type {kinds}, want {right}"
