"""What challenge_medical_imaging.py requires.

A run is judged on images that say their own number, mean and std, turned or not: four corners are
100, the four pixels in the middle number + 1, a mark of 50 shows how it is turned, the rest is 0.
"""

from fractions import Fraction
from functools import cache, lru_cache, partial

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from checks.pipelines import is_measured, is_trained, seed_all, watched_run
from checks.tools import attempt, close, draws_from, equal, refuses, result_of, share_is, unchanged

MARKS = [(1, 2), (1, 5), (6, 2), (6, 5)]  # as it is, turned left to right, top to bottom, both


def split(patient_split):
    few = torch.tensor([0, 1, 0, 0, 0, 0, 1, 0, 0, 0]), torch.tensor([9, 9, 2, 3, 4, 5, 6, 2, 3, 1])
    for times, (y, patients) in ((4, numbered()[1:]), (60, few)):
        sick, met, everyone = {*patients[y == 1].tolist()}, set(), {*patients.tolist()}
        what = f"patient_split, {len(y)} images of {len(everyone)} patients"
        for seed in range(times):
            generator = torch.Generator().manual_seed(seed)
            with unchanged(what, patients, y):
                parts = attempt(what, patient_split, patients, y, generator)
            equal(f"{what}: dtypes", {part.dtype for part in parts}, {torch.int64})
            rows = sorted(row for part in parts for row in part.tolist())
            told = f"{what}: number of images in the parts, of different ones:"
            equal(told, (len(rows), len({*rows})), (len(y), len(y)))
            owners = [{*patients[part].tolist()} for part in parts]
            shared = sum(map(len, owners)) - len(everyone)
            equal(f"{what}: number of patients in several parts:", shared, 0)
            for kind, some in (("of class 1", sick), ("of class 0 alone", everyone - sick)):
                sizes, n = [len(some & owner) for owner in owners], len(some)
                want = [n - 2 * (n // 5), n // 5, n // 5]
                equal(f"{what}: patients with images {kind} in train, val, test:", sizes, want)
            met |= {(i, one) for i in (0, 1, 2) for one in owners[i]}
    parts = [sum(one == i for one, _ in met) for i in range(3)]
    equal(f"{what}, {times} times: patients that came into train, val, test:", parts, [7, 5, 5])


def balanced(draw_balanced):
    y = torch.tensor([0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0])
    got = result_of("draw_balanced(y, 6000)", draw_balanced, y, 6000)
    equal("draw_balanced(y, 6000): shape, dtype", (got.shape, got.dtype), ((6000,), torch.int64))
    for i, label in enumerate(y.tolist()):
        what = f"draw_balanced(y {y.tolist()}, 6000): share of image {i}"
        share_is(got == i, 1 / 6 if label else 1 / 20, what)
    ones = torch.stack([y[draw_balanced(y, 1)] for _ in range(100)])
    share_is(ones == 1, 0.5, "draw_balanced(y, 1), 100 times: share of class 1")


def augment(augment):
    images = torch.randn(2000, 2, 3, 4)
    what = f"augment(images {tuple(images.shape)})"
    with unchanged(what, images):
        out = result_of(what, augment, images)
    equal(f"{what}: shape", tuple(out.shape), tuple(images.shape))
    turns = [images, images.flip(3), images.flip(2), images.flip(2, 3)]
    hits = torch.stack([(out == one).flatten(1).all(1) for one in turns])
    lost = int((~hits.any(0)).sum())
    equal(f"{what}: images that are no turned form of that in their place:", lost, 0)
    for i, name in enumerate(("as they are", "left to right", "top to bottom", "both")):
        share_is(hits[i], 0.25, f"{what}: share of images {name}")
    for far in (1, 1000):
        alike = (hits & hits.roll(far, 1)).any(0)
        share_is(alike, 0.25, f"{what}: share of images turned like the one {far} before")
    alone = torch.stack([(augment(images[:1]) == images[:1]).all() for _ in range(100)])
    share_is(alone, 0.25, "augment of one image, 100 times: share as it was")


def threshold(choose_threshold):
    for probs, y in (
        ([0.25, 0.5, 0.75, 0.75], [0, 0, 0, 1]),
        ([0.1, 0.4, 0.35, 0.9, 0.05], [0, 0, 1, 1, 0]),
        ([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1]),  # 0.2 and 0.4 are as good
        ([0.5, 0.5], [0, 1]),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1]),
    ):
        what = f"choose_threshold({probs}, {y})"
        given = torch.tensor(probs), torch.tensor(y)
        with unchanged(what, *given):
            got = attempt(what, choose_threshold, *given)
        equal(f"{what}: type", type(got).__name__, "float")
        want = max(given[0].tolist(), key=lambda t: (mean_recall(given[0], given[1], t), t))
        close(got, want, what, 1e-6)


def numbers(evaluate):
    drawn = [((7 * i * i + 3 * i) % 31 + 0.5) / 32 for i in range(24)]
    for probs, y, at in (
        ([0.9, 0.25, 0.62, 0.375, 0.82], [1, 0, 0, 1, 1], 0.5),
        ([0.9, 0.25, 0.62, 0.375, 0.82], [1, 0, 0, 1, 1], 0.375),
        ([0.3, 0.3, 0.3, 0.1], [1, 0, 1, 0], 0.2),
        ([0.0, 1.0, 1.0, 0.7, 0.95], [0, 1, 0, 1, 1], 0.65),
        (drawn, [int(i % 5 == 1) for i in range(24)], 0.25),
    ):
        what = f"evaluate({[round(p, 3) for p in probs]}, {y}, {at})"
        given = torch.tensor(probs), torch.tensor(y)
        with unchanged(what, *given):
            got = attempt(what, evaluate, *given, at)
        numbers_are(what, got, numbers_of(given[0].tolist(), y, at))


def training(run):
    log = watched(run)
    y = numbered()[1]
    train, n = log.got["splits"]["train"], len(log.got["splits"]["train"])
    rows = [row for one in log.trained() for row in one.rows]
    others = {*rows} - {*train}
    equal(f"{log.what}: number of images trained on that are not in train:", len(others), 0)
    equal(f"{log.what}, {n} train images: draws", len(rows), 2 * n)
    share_is(y[rows] == 1, 0.5, f"{log.what}: share of draws of class 1")
    assert rows[:n] != rows[n:], f"{log.what}: both epochs draw the same, want new draws"
    turns = torch.tensor([turn for one in log.trained() for turn in turns_of(one.x)])
    for i in range(4):
        share_is(turns == i, 0.25, f"{log.what}: share of draws turned like number {i} of 4")
    same = [turns[[i for i, one in enumerate(rows) if one == row]] for row in {*rows}]
    alike = torch.cat([some[1:] == some[:-1] for some in same])
    share_is(alike, 0.25, f"{log.what}: share of draws turned like the same image the time before")
    is_trained(log.what, log)


def scaled(run):
    log = watched(run)
    train = numbered()[0][log.got["splits"]["train"]]
    for one in log.passes:
        corner, rest = one.x[0, 0, 0, 0], one.x[0, 0, 0, 3]
        std = 100 / (corner - rest)
        when = "in training" if one.recorded else "after training"
        for name, got, want in (("mean", -rest * std, train.mean()), ("std", std, train.std())):
            close(got, want, f"{log.what}, {when}: {name} by which images are scaled", 2e-3)


def measured(run):
    log = watched(run)
    trained, want, rows = log.trained(), log.got["splits"]["val"] + log.got["splits"]["test"], []
    for one in log.passes:
        if one in trained or not {*want} & {*one.rows}:
            continue
        rows += [row for row in one.rows if row in want]
        what = f"{log.what}: {len(one.rows)} val and test images"
        late = log.index(one) > log.index(trained[-1])
        assert late, f"{what} met Net before the last step of training"
        is_measured(what, one)
        equal(f"{what} came turned like", {*turns_of(one.x)}, {0})
    equal(f"{log.what}: val and test images that Net got", sorted(rows), sorted(want))


def report(run):
    log = watched(run)
    (_, y, patients), got, splits = numbered(), log.got, log.got["splits"]
    kinds = {type(row).__name__ for part in ("train", "val", "test") for row in splits[part]}
    equal(f"{log.what}: splits are lists with numbers of type", kinds, {"int"})
    owners = [{*patients[part].tolist()} for part in splits.values()]
    equal(f"{log.what}: patients in several splits:", sum(map(len, owners)) - 61, 0)
    probs, val, test = logits().sigmoid(), splits["val"], splits["test"]
    best = max(mean_recall(probs[val], y[val], t) for t in probs[val].tolist())
    reached = mean_recall(probs[val], y[val], got["threshold"] - 1e-7)
    what = f"{log.what}: mean recall of val at the threshold {got['threshold']:.4f}"
    assert reached == best, f"{what} is {float(reached):.4f}, want {float(best):.4f}"
    far = (probs[val] - got["threshold"]).abs().min().item()
    assert far < 1e-6, f"{log.what}: threshold {got['threshold']:.6g}, which no val image has"
    want = numbers_of(probs[test].tolist(), y[test].tolist(), got["threshold"] - 1e-7)
    numbers_are(f"{log.what}, test", got, want)


def learns(make_images, run):
    what = "run(*make_images(2, 80, contrast=12), epochs=2, seed=1)"
    area = attempt(what, run, *make_images(2, 80, contrast=12), epochs=2, seed=1)["auroc"]
    assert area >= 0.9, f"{what}: auroc {area:.3f}, want 0.9 or more"


def drawn(patient_split, draw_balanced, augment):
    _, y, patients = numbered()
    draws_from("patient_split", lambda given: torch.cat(patient_split(patients, y, given)))
    draws_from("draw_balanced(y, 50)", lambda given: draw_balanced(y, 50, given))
    images = torch.randn(50, 1, 2, 2)
    draws_from("augment(images (50, 1, 2, 2))", lambda given: augment(images, given))


def seeded(run):
    found, few = [], [part[:70] for part in numbered()]
    for state, seed in ((1, 0), (2, 0), (2, 4)):
        seed_all(state)
        found.append(attempt("run(epochs=1)", run, *few, epochs=1, seed=seed))
    what = "run(seed=0) twice, the generators in other states before"
    for key in found[0]:
        told = [repr(one[key])[:30] for one in found]
        assert found[0][key] == found[1][key], f"{what}: {key} is {told[1]}, want {told[0]}"
    val = [one["splits"]["val"] for one in found]
    assert val[1] != val[2], "run(seed=0), run(seed=4): the same val images, want others"


def one_class(choose_threshold, evaluate):
    for label in (0, 1):
        given, call = (torch.tensor([0.2, 0.7]), torch.tensor([label] * 2)), f"y [{label}, {label}]"
        refuses(choose_threshold, *given, errors=(ValueError,), call=f"choose_threshold, {call}")
        refuses(evaluate, *given, 0.5, errors=(ValueError,), call=f"evaluate, {call}")


CORE = (
    split, balanced, augment, threshold, numbers,
    training, scaled, measured, report, learns,
)  # fmt: skip
EDGES = (drawn, seeded, one_class)


@cache
def numbered():
    """images (N, 1, 8, 8), y, patients: 61 patients, 15 of them with an image of class 1."""
    order = torch.Generator().manual_seed(0)
    patients = torch.cat([torch.arange(61), torch.arange(5, 50), torch.arange(10, 30)]) * 3 + 4
    y = torch.zeros(len(patients), dtype=torch.int64)
    y[61:105:3] = 1
    y[107:120:3] = 1  # five of these patients have two
    mixed = torch.randperm(len(y), generator=order)
    images = torch.zeros(len(y), 1, 8, 8)
    images[:, :, ::7, ::7] = 100.0
    images[:, 0, 3:5, 3:5] = torch.arange(1.0, len(y) + 1)[:, None, None]
    images[:, 0, 1, 2] = 50.0
    return images, y[mixed], patients[mixed]


def rows_of(x):
    if x.ndim != 4 or x.shape[1:] != (1, 8, 8):
        return [-1] * len(x)
    corner, rest, middle = x[:, 0, 0, 0], x[:, 0, 0, 3], x[:, 0, 3, 3]
    found = (100 * (middle - rest) / (corner - rest) - 1).nan_to_num(-1)
    is_one = (found - found.round()).abs() < 0.02
    return torch.where(is_one, found.round(), -1).long().clamp(-1, len(logits()) - 1).tolist()


def turns_of(x):
    """Of each image the number of its place in MARKS."""
    return torch.stack([x[:, 0, r, c] for r, c in MARKS]).argmax(0).tolist()


@cache
def logits():
    """What the check puts in place of Net's, after training."""
    drawn = torch.Generator().manual_seed(5)
    y = numbered()[1]
    return 1.5 * torch.randn(len(y), generator=drawn) + y


@lru_cache(2)  # labels share it
def watched(run):
    images, y, patients = numbered()

    def in_place(log, rows, out, in_train):
        return None if in_train and out.requires_grad else logits()[rows] + 0 * out

    return watched_run(
        f"run({len(y)} images, epochs=2)",
        partial(run, images.clone(), y.clone(), patients.clone(), epochs=2),
        "Net",
        lambda rows, out: binary_cross_entropy_with_logits(out, y[rows].float()),
        in_place,
        rows_of,
        0,
    )


def mean_recall(probs, y, at):
    hits = [(int(((probs >= at) == k)[y == k].sum()), int((y == k).sum())) for k in (0, 1)]
    return sum(Fraction(*pair) for pair in hits) / 2


def numbers_are(what, got, want):
    for key, right in want.items():
        value = got[key]
        kinds = {type(one).__name__ for one in (value if isinstance(value, list) else [value])}
        equal(f"{what}: {key} holds numbers of type", kinds, {"float"})
        close(value, right, f"{what}: {key}")


def numbers_of(probs, y, at):
    """By plain loops."""
    pairs = list(zip(probs, y, strict=True))
    ones, zeros = ([p for p, label in pairs if label == k] for k in (1, 0))
    wins = sum((a > b) + (a == b) / 2 for a in ones for b in zeros)
    gaps = [0.0] * 15
    for p, label in pairs:
        sure = max(p, 1 - p)
        gaps[next(b for b in range(15) if sure <= (b + 1) / 15)] += ((p > 0.5) == label) - sure
    recalls = [sum(p < at for p in zeros) / len(zeros), sum(p >= at for p in ones) / len(ones)]
    return {
        "accuracy": sum((p >= at) == label for p, label in pairs) / len(pairs),
        "recall": recalls,
        "auroc": wins / len(ones) / len(zeros),
        "calibration": sum(map(abs, gaps)) / len(pairs),
    }
