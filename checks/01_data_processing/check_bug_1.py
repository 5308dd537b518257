"""What buggy_code_1.py of level 01 requires. No process starts: the dataset travels as it would."""

import pickle
from contextlib import contextmanager
from inspect import unwrap

from torch import Tensor

from checks.tools import attempt, equal, refuses
from checks.workers import importing, own_state

WORDS = ["the", "cat", "dog", "sat", "2nd"]
TEXTS = ["the cat sat", "A dog  sat\tdown", "The\nbird the BIRD", "2nd dog.", " sat "]
LABELS = [0, 2, 1, 0, 7]
IDS = [[2, 3, 5], [1, 4, 5, 1], [2, 1, 2, 1], [6, 1], [5]]
ANEW = "a worker that starts anew"


def made(TextDataset, texts=TEXTS, labels=LABELS, words=WORDS):
    return attempt("TextDataset(texts, labels, words)", TextDataset, texts, labels, words)


def rows_of(what, dataset, places=range(5)):
    """The ids and labels that it gives."""
    found = []
    for i in places:
        row = attempt(f"{what}: dataset[{i}]", dataset.__getitem__, i)
        right = isinstance(row, tuple) and len(row) == 2
        assert right, f"{what}: dataset[{i}] is {row!r}, want ids and a label"
        ids = row[0].tolist() if isinstance(row[0], Tensor) else row[0]
        found.append((ids, row[1]))
    return found


def rows_are(what, dataset, want, places=range(5)):
    equal(f"{what}: len(dataset) is", attempt(f"{what}: len(dataset)", len, dataset), len(want))
    for i, (ids, label) in zip(places, rows_of(what, dataset, places), strict=True):
        equal(f"{what}: dataset[{i}] has ids", ids, want[i][0])
        equal(f"{what}: dataset[{i}] has label", label, want[i][1])


def rows(TextDataset):
    ids, label = made(TextDataset)[0]
    kind = str(getattr(ids, "dtype", type(ids).__name__))
    equal("the ids of dataset[0] are", kind, "torch.int64")
    equal("the label of dataset[0] is", type(label).__name__, "int")
    want = list(zip(IDS, LABELS, strict=True))
    rows_are("some texts", made(TextDataset), want, [0, 1, 2, 3, 4, 2, 1, 1, 0, 4])
    rows_are("no texts", made(TextDataset, [], []), [], [])
    unknown = [([1] * len(row), label) for row, label in want]
    rows_are("no words", made(TextDataset, words=[]), unknown)
    other = made(TextDataset, words=WORDS[::-1])
    rows_are("some texts, and another dataset is there", made(TextDataset), want)
    reverse = [[i if i == 1 else 8 - i for i in row] for row in IDS]
    rows_are("the other one, its words reversed", other, list(zip(reverse, LABELS, strict=True)))


def workers(TextDataset):
    made(TextDataset, words=WORDS[::-1])  # none of it is in a process that starts anew
    with process(TextDataset):
        want = rows_of("a dataset of its own", made(TextDataset))
    for read in (0, 5):
        what = f"{read} rows are read, then {ANEW}"
        with process(TextDataset):
            dataset, empty = made(TextDataset), made(TextDataset, [], [])
            rows_of("before that", dataset, range(read))
            parcels = [travels(what, pickle.dumps, d) for d in (dataset, empty)]
            rows_are(f"{what}; in the first process", dataset, want)
        with process(TextDataset):
            there, empty = (travels(what, pickle.loads, parcel) for parcel in parcels)
            rows_are(what, there, want)
            rows_are(f"{what}, no texts", empty, [], [])
            what += " and starts another one"
            again = travels(what, pickle.loads, travels(what, pickle.dumps, there))
            rows_are(f"{what}; there", again, want)


@contextmanager
def process(TextDataset):
    """One that has only imported the module."""
    module = unwrap(TextDataset.__init__).__globals__
    with importing(module), own_state(TextDataset.__new__(TextDataset), module):
        yield


def travels(what, way, parcel):
    try:
        return way(parcel)
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}, want the dataset there") from error


def reading(TextDataset):
    dataset = made(TextDataset)
    before = sizes(dataset), repr(vars(dataset))
    for times in ("once", "twice"):
        rows_of("some texts", dataset)
        equal(f"all rows read {times}: numbers of entries", sizes(dataset), before[0])
        told = f"all rows read {times}: as many entries as before, but other ones"
        assert repr(vars(dataset)) == before[1], told


def sizes(dataset):
    return {name: len(v) for name, v in vars(dataset).items() if hasattr(v, "__len__")}


def own(TextDataset):
    want = rows_of("lists that stay", made(TextDataset))
    for told, change in (("changed", change_all), ("emptied", list.clear)):
        for i, name in enumerate(("texts", "labels", "words")):
            given = [list(TEXTS), list(LABELS), list(WORDS)]
            dataset = made(TextDataset, *given)
            change(given[i])
            rows_are(f"the list of {name} is {told} later", dataset, want)


def change_all(values):
    values[:] = values[::-1] + values


def ends(TextDataset):
    texts = ["", *TEXTS, " \t\n"]
    dataset = made(TextDataset, texts, [5, *LABELS, 6])
    forward, back = (rows_of("7 texts", dataset, range(n, n + 7)) for n in (0, -7))
    for i, pair in enumerate(zip(back, forward, strict=True)):
        equal(f"7 texts: dataset[{i - 7}], and dataset[{i}]:", *pair)
    for i in (0, 6):
        ids = dataset[i][0]
        equal(f"text {texts[i]!r}: its label is", dataset[i][1], 5 + i // 6)
        got = str(getattr(ids, "dtype", "")), tuple(getattr(ids, "shape", ()))
        equal(f"text {texts[i]!r}: its ids are", got, (str(dataset[1][0].dtype), (0,)))
    for i in (7, 8, -8, 70):
        refuses(dataset.__getitem__, i, errors=(IndexError,), call=f"7 texts: dataset[{i}]")


CORE = (rows, workers)
EDGES = (reading, own, ends)
