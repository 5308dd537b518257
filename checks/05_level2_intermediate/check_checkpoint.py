"""What challenge_checkpoint.py requires.

Labels on loading read files that the check writes, those on saving are read with torch.load:
neither function is judged by the other.
"""

import copy
import io
import math
import os
import pickle
import warnings
from functools import cache
from unittest.mock import Mock, patch

import torch
from torch import nn

from checks.models_and_files import (
    contents,
    everything_in,
    folder_is,
    in_folder,
    moments_of,
    named,
    raised_by,
    state_is,
)
from checks.tools import attempt, equal, names_are, refuses
from checks.training import modes_of

KEYS = ["model", "optimizer", "epoch"]


def file(save_checkpoint):
    model, optimizer = training(2)
    want = state_of(model, optimizer, 7)
    with in_folder() as folder:
        for path in (folder / "last.pt", "relative.pt"):
            what = named(f"save_checkpoint(model, optimizer, 7, {path!r})")
            attempt(what, save_checkpoint, model, optimizer, 7, path)
            assert os.path.isfile(path), f"{what}: no file is there"
            try:
                got = torch.load(path, weights_only=True)
            except Exception as error:
                call, kind = "torch.load(path, weights_only=True)", type(error).__name__
                raise AssertionError(f"{what}, then {call}: {kind}") from error
            kind = type(got).__name__
            assert isinstance(got, dict), f"{what}: the file holds a {kind}, want a dict"
            names_are(got, KEYS, f"{what}, the file's keys")
            equal(f"{what}: the file's epoch is of type", type(got["epoch"]).__name__, "int")
            state_is(got, want, f"{what}, the file")


def resume(load_checkpoint):
    for kind, options in ((torch.optim.SGD, {"momentum": 0.9}), (torch.optim.AdamW, {})):
        model, optimizer = training(2, kind, **options)
        saved = state_of(model, optimizer, 3)
        with in_folder() as folder:
            path = written(folder, saved)
            train(model, optimizer, 2)  # never interrupted
            other, others = training(1, kind, lr=0.5)
            what = f"load_checkpoint(path, model, {kind.__name__})"
            attempt(what, load_checkpoint, path, other, others)
            state_is(state_of(other, others, 3), saved, what)
            train(other, others, 2)
            what += ", then a step, against a training that never stopped"
            state_is(state_of(other, others, 3), state_of(model, optimizer, 3), what)

            other, _ = training(1, kind)
            what = "load_checkpoint(str(path), model)"
            attempt(what, load_checkpoint, str(path), other)
            state_is(other.state_dict(), saved["model"], what)


def epoch(load_checkpoint):
    model, optimizer = training(1)
    with in_folder() as folder:
        for number in (0, 7):
            path = written(folder, state_of(model, optimizer, number))
            for args in ((model, optimizer), (model,)):
                got = attempt("load_checkpoint", load_checkpoint, path, *args)
                right = type(got) is int and got == number
                assert right, f"load_checkpoint, saved epoch {number}: returned {got!r}"


def modes(save_checkpoint, load_checkpoint):
    model, optimizer = training(1)
    model[0].requires_grad_(False)
    model[1].eval()

    def state():
        modes, speeds = modes_of(model), copy.deepcopy(optimizer.state_dict())
        drawn = {"torch.get_rng_state()": torch.get_rng_state()}
        return everything_in(model) | drawn | {"training": modes, "optimizer": speeds}

    with in_folder() as folder:
        path = written(folder, state_of(model, optimizer, 3))
        for name, function, args in (
            ("save_checkpoint", save_checkpoint, (model, optimizer, 3, folder / "mine.pt")),
            ("load_checkpoint", load_checkpoint, (path, model, optimizer)),
        ):
            before = state()
            attempt(name, function, *args)
            state_is(state(), before, f"{name}, afterwards")
            optimizer.zero_grad()  # of .grad nothing is said for loading


def safe(load_checkpoint):
    # torch.load's default is then to execute
    unsafe = {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1", "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "0"}
    with in_folder() as folder, patch.dict(os.environ, unsafe):
        for name, data in files_with_code().items():
            raised_by(load_checkpoint, written(folder, data), *training(1))
            what = f"load_checkpoint of {name} that makes a folder"
            assert not os.path.exists("trap"), f"{what}: the folder is there, want no code to run"


def missing(load_checkpoint):
    with in_folder() as folder:
        for path in (folder / "none.pt", "none.pt"):
            call, (model, _) = named(f"load_checkpoint of the missing {path!r}"), training(0)
            refuses(load_checkpoint, path, model, errors=(FileNotFoundError,), call=call)


def strict(load_checkpoint):
    with in_folder() as folder:
        path = written(folder, saved_bytes())
        for name, model, optimizer in others_than_saved():
            what = f"load_checkpoint into a model of {name} than the saved one"
            for more in ((), (optimizer,)):
                refuses(load_checkpoint, path, model, *more, call=what)


def folders(save_checkpoint):
    with in_folder() as folder:
        for path in (folder / "a" / "b" / "last.pt", folder / "a" / "b" / "next.pt"):
            what = named(f"save_checkpoint to {path}")
            attempt(what, save_checkpoint, *training(1), 1, path)
            assert path.is_file(), f"{what}: no file is there"


def atomic(save_checkpoint):
    model, optimizer = training(1)
    with in_folder() as folder:
        for number, name in enumerate(("last.pt", "last.pt", "last.tmp"), 1):
            path = folder / name
            old = path.read_bytes() if path.exists() else None
            held, _ = moments_of(path, save_checkpoint, model, optimizer, number, path)
            sizes = ["no file" if s is None else f"{len(s)} bytes" for s in held]
            want = "the old file" if old else "no file"
            assert len(held) == 2 and held[0] == old, (
                f"save {number}, to {name}: while it runs path holds in turn {', '.join(sizes)}; "
                f"want {want}, then the new file"
            )


def beside(save_checkpoint):
    model, optimizer = training(1)
    with in_folder() as folder:
        (folder / "best.pt").write_bytes(b"another file")
        for name in ("last.pt", "last.tmp"):
            path, before, what = folder / name, contents(folder), f"save_checkpoint to {name}"
            with patch.object(os, "getpid", lambda: 1):  # a name may have the process's number
                held, names = moments_of(path, save_checkpoint, model, optimizer, 1, path)
            folder_is(folder, {**before, name: contents(folder).get(name)}, what)
            names -= {*before, name}
            assert names or len(held) != 2, (
                f"{what}: the whole file came from another folder, want it written beside path"
            )
            for other in names:
                (folder / other).write_bytes(b"another process")
            before = contents(folder)
            save_checkpoint(model, optimizer, 1, path)
            told = ", ".join(map(named, sorted(names)))
            what += f", where another process has a file {told}"
            folder_is(folder, {**before, name: path.read_bytes()}, what)


def stopped(save_checkpoint):
    model, optimizer = training(1)
    with in_folder() as folder:
        (folder / "taken").mkdir()
        (folder / "last.pt").write_bytes(b"the old file")
        before, what = contents(folder), "save_checkpoint to taken, a folder"
        came = raised_by(save_checkpoint, model, optimizer, 3, folder / "taken")
        assert came is not None, f"{what}: it raised nothing, want an error"
        folder_is(folder, before, what)
        for error in (OSError("no space left"), KeyboardInterrupt("Ctrl-C"), SystemExit("stop")):
            optimizer.param_groups[0]["note"] = Unsavable(error)
            for goal in ("last.pt", "new.pt"):
                for when, save in (("before", Mock(side_effect=error)), ("while", torch.save)):
                    what = f"save_checkpoint to {goal}, {error!r} {when} torch.save writes"
                    with patch.object(torch, "save", save):
                        came = raised_by(save_checkpoint, model, optimizer, 3, folder / goal)
                    right = type(came) is type(error)
                    assert right, f"{what}: to the caller came {named(repr(came))}"
                    folder_is(folder, before, what)


def device(load_checkpoint):
    state, (model, optimizer) = saved(), training(1)
    with patch.object(torch.serialization, "location_tag", lambda storage: "cuda:99"):
        data = as_bytes(state)
    with in_folder() as folder, warnings.catch_warnings():
        path = written(folder, data)
        what = "load_checkpoint on a machine without the device cuda:99 that it was saved on"
        attempt(what, load_checkpoint, path, model, optimizer)
        state_is(model.state_dict(), state["model"], what)
        warnings.simplefilter("ignore")  # of torch: nothing is copied to the meta device
        what = "load_checkpoint into a model on the meta device"
        attempt(what, load_checkpoint, path, model.to("meta"))
        places = sorted({p.device.type for p in model.state_dict().values()})
        equal(f"{what}: the model is then on", places, ["meta"])


def damaged(load_checkpoint):
    model, optimizer = training(1)
    before = state_of(model, optimizer, 0)
    with in_folder() as folder:
        for name, data, lacks in files_that_are_none():
            path, what = written(folder, data), f"load_checkpoint of {name}"
            for args in ((path, model, optimizer), (str(path), model)):
                message = refuses(load_checkpoint, *args, errors=(ValueError,), call=what)
                equal(f"{what}: lines of the message:", len(message.splitlines()), 1)
                left = ", ".join(name for name in (str(path), *lacks) if name not in message)
                assert not left, named(f"{what}: the message does not name {left}: {message}")
            state_is(state_of(model, optimizer, 0), before, f"{what}: the state afterwards")


def order(load_checkpoint):
    with in_folder() as folder:
        path = written(folder, saved_bytes())
        for name, model, optimizer in others_than_saved():
            before = copy.deepcopy(optimizer.state_dict())
            raised_by(load_checkpoint, path, model, optimizer)
            what = f"load_checkpoint into a model of {name} than the saved one"
            state_is(optimizer.state_dict(), before, f"{what}: the optimizer's state")


CORE = (file, resume, epoch, modes, safe, missing, strict)
EDGES = (folders, atomic, beside, stopped, device, damaged, order)


def layers(width=4):
    norm = nn.BatchNorm1d(width, affine=False)
    return nn.Linear(5, width, bias=False), norm, nn.Linear(width, 3, bias=False)


def waves(start, *shape):
    return torch.arange(start, start + math.prod(shape)).sin().reshape(shape)


def training(steps, kind=torch.optim.SGD, **options):
    """A model and its optimizer after some steps, always the same."""
    model = nn.Sequential(*layers())
    for p in model.parameters():
        p.data = waves(1, *p.shape)
    if kind is torch.optim.SGD:
        options = {"momentum": 0.9, **options}
    optimizer = kind(model.parameters(), **{"lr": 0.1, **options})
    for step in range(steps):
        train(model, optimizer, step)
    return model, optimizer


def train(model, optimizer, step):
    optimizer.zero_grad()
    model.train()(waves(step, 4, 5)).square().mean().backward()
    optimizer.step()


def others_than_saved():
    for name, parts in (
        ("fewer layers", layers()[:2]),
        ("more layers", (*layers(), nn.Linear(3, 2))),
        ("wider layers", layers(7)),
    ):
        model = nn.Sequential(*parts)
        yield name, model, torch.optim.SGD(model.parameters(), lr=0.3)


def state_of(model, optimizer, epoch):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    return copy.deepcopy(state)


def as_bytes(thing):
    data = io.BytesIO()
    torch.save(thing, data)
    return data.getvalue()


@cache
def saved_bytes():
    return as_bytes(saved())


def saved():
    return state_of(*training(2), 5)


def written(folder, thing):
    """The path of a file that the check has written."""
    path = folder / "sent.pt"
    path.write_bytes(thing if isinstance(thing, bytes) else as_bytes(thing))
    return path


@cache
def files_with_code():
    return {
        "a pickle of code": pickle.dumps(Evil(), protocol=2),
        "a checkpoint with code": as_bytes({**saved(), "note": Evil()}),
    }


@cache
def files_that_are_none():
    """Files that are no checkpoint: what they are, their bytes, the keys that they lack."""
    state = saved()
    whole = as_bytes({**state, "long": torch.zeros(999)})
    found = [
        (f"a file cut after {n} of its {len(whole)} bytes", whole[:n], [])
        for n in (0, 2, 50, len(whole) - 9)  # torch raises an error of another type for each
    ]
    found += [("a text", b"epoch 3\n", []), ("a tensor", as_bytes(torch.ones(3)), [])]
    found += [("a list", as_bytes(KEYS), [])]
    found += [("a model's state dict", as_bytes(state["model"]), KEYS)]
    for key, value in {"model": 3, "optimizer": None, "epoch": "5"}.items():
        without = {k: v for k, v in state.items() if k != key}
        found += [(f"a dict without {key}", as_bytes(without), [key])]
        found += [(f"a dict with {key} {value!r}", as_bytes({**state, key: value}), [])]
    return [*found, *((name, data, []) for name, data in files_with_code().items())]


class Unsavable:
    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        raise self.error


class Evil:
    """A pickle that makes a folder when it is loaded."""

    def __reduce__(self):
        return os.mkdir, ("trap",)
