"""What challenge_end_to_end.py requires.

A run is judged by what any Classifier sees, row by row, and by what lies in best.pt when an epoch
ends. The val rows get logits that make SCRIPT come true; the numbers of `history` and `report`
are done again from the logits that the answer got.
"""

from functools import cache, lru_cache, partial
from pathlib import Path
from unittest.mock import patch

import torch
from torch.nn.functional import cross_entropy

from checks.pipelines import (
    BEST,
    bests_are,
    checkpoint,
    fits,
    in_a_folder,
    is_measured,
    is_state,
    is_trained,
    lines_are,
    refuses_epochs,
    repeated,
    scripted_run,
    stays_on_meta,
    there,
)
from checks.tools import attempt, close, equal

KEYS = ("model", "epoch", "val_acc", "splits")
SIZES = {"train": 183, "val": 61, "test": 61}
SCRIPT = ((45, 5.0), (20, 0.1))  # by epoch: right val rows, size of their logits
LONG = ((44, 0.5), (45, 5.0), (20, 0.1), (45, 1.0))
N = len(SCRIPT)


def training(Classifier, main):
    log = run(main)
    nets = [repr(log.passes[0].model) if log.passes else "nothing", repr(Classifier())]
    lines = ([line.strip() for line in net.splitlines()] for net in nets)
    for got, want in zip(*lines, strict=False):
        equal(f"{log.what}: trained was a model with", got, want)
    rows = [row for one in log.trained() for row in one.rows]
    equal(f"{log.what}, {N} times 183: number of rows trained on:", len(rows), 183 * N)
    orders = [rows[i : i + 183] for i in range(0, len(rows), 183)]
    for epoch, order in enumerate(orders, 1):
        at = f"{log.what}, epoch {epoch}"
        equal(f"{at}: number of different rows trained on:", len({*order}), 183)
        others = {*order} - {*orders[0]}
        equal(f"{at}: number of rows that epoch 1 did not train on:", len(others), 0)
        earlier = orders[: epoch - 1]
        is_new = order not in earlier and order[::-1] not in earlier
        assert is_new, (
            f"{at}: the rows come in the order of epoch 1, or turned round, want a new one"
        )
    is_trained(log.what, log)


def validation(main):
    log = run(main)
    epochs = log.turns()
    equal(f"{log.what}: number of epochs of training:", len(epochs), N)
    for epoch, (train, val) in enumerate(epochs, 1):
        at = f"{log.what}, measuring after epoch {epoch}"
        learned, seen = ({row for one in some for row in one.rows} for some in (train, val))
        want = 61 if epoch < N else 122  # with the test rows
        equal(f"{at}: number of rows that were not trained on:", len(seen - learned), want)
        for one in val:
            is_measured(at, one)


def file(Classifier, main):
    log = run(main)
    what = f"{log.what}: after epoch 1 best.pt"
    content = there(what, log.files[0])
    for key, kind in (("epoch", int), ("val_acc", float), ("splits", dict)):
        shown = repr(content[key])[:30]
        equal(f"{what}: {key} is {shown}, of type", type(content[key]).__name__, kind.__name__)
    equal(f"{what}: epoch is", content["epoch"], 1)
    fits(what, Classifier(), content["model"])


def splits(main):
    log = run(main)
    what, found = f"{log.what}: splits", there(f"{log.what}: best.pt", log.files[-1])["splits"]
    equal(f"{what}, number of rows:", {name: len(found.get(name, [])) for name in SIZES}, SIZES)
    rows = [row for name in SIZES for row in found[name]]
    kinds = [sorted({type(one).__name__ for one in some}) for some in (found.values(), rows)]
    equal(f"{what}: types of the parts and of the rows:", kinds, [["list"], ["int"]])
    missing = [row for row in range(305) if row not in rows]
    assert not missing, (
        f"{what}: {len(missing)} of the 305 rows are in none, row {missing[0]} first"
    )
    for name in SIZES:
        classes = clouds()[1][found[name]].unique().tolist()
        equal(f"{what}: the classes of {name} are", classes, [0, 1, 2])
    others = {row for one in log.trained() for row in one.rows} - {*found["train"]}
    equal(f"{what}: number of rows trained on that are not in train:", len(others), 0)


def best(main):
    bests_are(run(main), (1, 1), [hits / 61 for hits, _ in SCRIPT], "epoch")
    bests_are(run(main, LONG), (1, 2, 2, 2), [hits / 61 for hits, _ in LONG], "epoch")


def test(main):
    log = run(main)
    rows, turns, seen = rows_by_split(log)["test"], log.turns(), []
    ends = [log.passes.index(train[-1]) for train, _ in turns]
    for i, one in enumerate(log.passes):
        some, epoch = [row for row in one.rows if row in rows], sum(i > end for end in ends)
        assert not some or epoch == N, (
            f"{log.what}: {len(some)} test rows were measured before epoch {epoch + 1}, want none"
        )
        seen += some
    equal(f"{log.what}: number of test rows that were measured in all:", len(seen), 61)
    last, names = log.passes[-1], dict(log.passes[-1].model.named_parameters())
    alike = [
        i
        for i, (_, val) in enumerate(turns, 1)
        if val and all(torch.equal(last.state[name], val[0].state[name]) for name in names)
    ]
    equal(f"{log.what}: the test rows met the weights of the epochs", alike, [1])


def history(main):
    log = run(main)
    rows = rows_by_split(log)["val"]
    form(log, train_loss=N, val_loss=N, val_acc=N)
    for epoch, (train, val) in enumerate(log.turns()):
        y = clouds()[1]
        total = sum(cross_entropy(one.out, y[one.rows]).item() * len(one.x) for one in train)
        loss, accuracy, _ = scores(val, rows)
        for key, want in (("train_loss", total / 183), ("val_loss", loss), ("val_acc", accuracy)):
            close(log.got[key][epoch], want, f"{log.what}: {key} of epoch {epoch + 1}", 1e-4)


def report(main):
    log = run(main)
    form(log, best_epoch=int, test_loss=float, test_acc=float, test_recall=3)
    equal(f"{log.what}: best_epoch is", log.got["best_epoch"], 1)
    trained = {*log.trained()}
    measured = [one for one in log.passes if one not in trained]
    right = scores(measured, rows_by_split(log)["test"])
    for key, want in zip(("test_loss", "test_acc", "test_recall"), right, strict=True):
        close(log.got[key], want, f"{log.what}: {key}", 1e-4)


def lines(main):
    log = run(main)
    got, what = log.got, f"{log.what}, as returned"
    columns = zip(got["train_loss"], got["val_loss"], got["val_acc"], strict=True)
    lines_are(what, log.printed, "epoch", [[n, *row] for n, row in enumerate(columns, 1)])
    want = [got["test_loss"], got["test_acc"], *got["test_recall"]]
    lines_are(what, log.printed, "test", [want])


def seeded(main):
    one, again = (run(main, SCRIPT[:1], seed=3, state=state) for state in (1, 2))
    repeated(one, again)
    other = run(main)
    rows = [rows_by_split(log) for log in (one, other)]
    for name in SIZES:
        assert {*rows[0][name]} != {*rows[1][name]}, f"seed 3 and seed 0: the same {name} rows"
    a, b = (log.passes[0].state for log in (one, other))
    alike = all(torch.equal(a[name], b[name]) for name in a if "running" not in name)
    assert not alike, "seed 3 and seed 0: the same initial weights"


def learns(main):
    with in_a_folder():
        metrics = attempt("main()", main)
        there("main(): runs/best.pt", checkpoint(Path("runs", "best.pt"), KEYS))
    equal("main(): number of epochs:", len(metrics["val_acc"]), 12)
    accuracy = metrics["test_acc"]
    assert accuracy >= 0.8, f"main(): test_acc is {accuracy}, want 0.8 or more"


def device(Classifier, main):
    arrived = []

    def forward(self, x):
        arrived.append(("the model's x", x))
        arrived.extend((f"the model's {name}", p) for name, p in self.named_parameters())
        return x[:, :3] + self.layers[4].bias

    what = 'main(epochs=1, save_dir="new", device="meta")'
    call = partial(main, epochs=1, save_dir="new", device="meta")
    with in_a_folder(), patch.object(Classifier, "forward", forward):
        stays_on_meta(what, call, arrived)


def first(main):
    log = run(main, ((0, 1.0),))
    at = f"{log.what}: after epoch 1 best.pt"
    content = there(at, log.files[0])
    got = content["epoch"], float(content["val_acc"]), log.got["best_epoch"]
    equal(f"{at} has epoch, val_acc, main best_epoch", got, (1, 0.0, 1))


def reread(Classifier, main):
    torch.manual_seed(3)
    other = Classifier().state_dict()

    def replace():
        torch.save({**torch.load(BEST, weights_only=True), "model": other}, BEST)

    log = run(main, LONG[1::-1], replace=replace)
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
            metrics = attempt(what, main, epochs=1, save_dir=save_dir)
            content = there(f"{what}: best.pt", checkpoint(Path(save_dir, "best.pt"), KEYS))
            runs.append((metrics, content))
            left = [path.name for path in kept if path.is_file()]
        equal(f"{what}: of other.pt and notes.txt there stayed", left, ["other.pt", "notes.txt"])
    assert content["epoch"] != 9, f"{what}: best.pt is still the older one"
    for key, value in runs[0][0].items():
        equal(f"{what}: {key}, in a new folder {value}, is", metrics[key], value)


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


def is_net(module):
    return type(module).__name__ == "Classifier"


@lru_cache(8)  # labels share it
def run(main, script=SCRIPT, seed=0, state=0, replace=bool):
    """What was seen of a run whose val accuracies come true as the script says."""
    options = {"epochs": len(script), "seed": seed}
    call = f"main(epochs={len(script)}, seed={seed})"
    log = scripted_run(
        f"{call}, right in the epochs: {[right for right, _ in script]} of 61 val rows",
        partial(main, **options, save_dir="run"),
        is_net,
        lambda x: [places().get(tuple(row), -1) for row in x.tolist()],
        clouds()[1],
        61,
        script,
        KEYS,
        state,
        replace,
        needs_gradients=script == SCRIPT,
    )
    assert isinstance(log.got, dict), f"{log.what}: returned {repr(log.got)[:40]}, want a dict"
    return log


def rows_by_split(log):
    """As the file tells them; `splits` minds where it is wrong."""
    content = there(f"{log.what}: best.pt", log.files[-1])
    return {name: [int(row) for row in content["splits"].get(name, [])] for name in SIZES}


def scores(passes, rows):
    """(mean loss, accuracy, recall of each class) of those rows, each once."""
    found = {row: out for one in passes for row, out in zip(one.rows, one.out, strict=True)}
    logits, y = torch.stack([found[row] for row in rows]), clouds()[1][rows]
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
        equal(f"{log.what}: {key} is of type", kinds, right)
