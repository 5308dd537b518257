"""What challenge_checkpoint.py requires.

The labels on loading read files that the check writes, those on saving are read with torch.load:
neither function is judged by the other.
"""

import copy
import io
import os
import pickle
import warnings
from pathlib import Path
from unittest.mock import Mock, patch

import torch
from torch import nn

from checks.models_and_files import (
    contents,
    folder_is,
    in_folder,
    moments_of,
    named,
    raised_by,
    raises,
    state_is,
)
from checks.tools import attempt, names_are

KEYS = ["model", "optimizer", "epoch"]


def file(save_checkpoint):
    model, optimizer = training(2)
    want = state_of(model, optimizer, 7)
    with in_folder() as folder:
        folder.mkdir()
        for path in (folder / "last.pt", str(folder / "text.pt"), "relative.pt"):
            what = f"save_checkpoint(model, optimizer, 7, {shown(path)})"
            attempt(what, save_checkpoint, model, optimizer, 7, path)
            assert os.path.isfile(path), f"{what}: no file is there"
            try:
                got = torch.load(path, weights_only=True)
            except Exception as error:
                raise AssertionError(
                    f"{what}, then torch.load(path, weights_only=True): {type(error).__name__}"
                ) from error
            kind = type(got).__name__
            assert isinstance(got, dict), f"{what}: the file holds a {kind}, want a dict"
            names_are(got, KEYS, f"{what}, the file's keys")
            kind = type(got["epoch"]).__name__
            assert kind == "int", f"{what}: the file's epoch is of type {kind}, want int"
            state_is(got, want, f"{what}, the file")


def resume(load_checkpoint):
    for kind, options in ((torch.optim.SGD, {"momentum": 0.9}), (torch.optim.AdamW, {})):
        model, optimizer = training(2, kind, **options)
        saved = state_of(model, optimizer, 3)
        with in_folder() as folder:
            path, name = written(folder, saved), kind.__name__
            train(model, optimizer, 2)  # never interrupted
            other, others = training(1, kind, lr=0.5)
            what = f"load_checkpoint(path, model, {name})"
            attempt(what, load_checkpoint, path, other, others)
            state_is({**live(other, others), "epoch": 3}, saved, what)
            train(other, others, 2)
            what += ", then a step, against a training that never stopped"
            state_is(live(other, others), live(model, optimizer), what)

            other, others = training(1, kind, lr=0.5)
            what = f"load_checkpoint({shown(str(path))}, model)"
            attempt(what, load_checkpoint, str(path), other)
            state_is(other.state_dict(), saved["model"], what)


def epoch(load_checkpoint):
    for number in (0, 7):
        model, optimizer = training(1)
        with in_folder() as folder:
            path = written(folder, state_of(model, optimizer, number))
            for args in ((model, optimizer), (model,)):
                got = attempt("load_checkpoint", load_checkpoint, path, *args)
                right = type(got) is int and got == number
                assert right, f"load_checkpoint, saved epoch {number}: returned {got!r}"


def modes(save_checkpoint, load_checkpoint):
    model, optimizer = training(1)
    model[:3].eval().requires_grad_(False)
    before, flags = state_of(model, optimizer, 3), flags_of(model)
    grads = copy.deepcopy(grads_of(model))
    with in_folder() as folder:
        path = written(folder, before)
        for name, function, args in (
            ("save_checkpoint", save_checkpoint, (model, optimizer, 3, folder / "mine.pt")),
            ("load_checkpoint", load_checkpoint, (path, model, optimizer)),
        ):
            attempt(name, function, *args)
            for part, flag in flags_of(model).items():
                assert flag == flags[part], f"{name}: {part} is then {flag}, it was {flags[part]}"
            if name == "save_checkpoint":
                now = {**live(model, optimizer), "epoch": 3}
                state_is(now, before, f"{name}, the state afterwards")
                state_is(grads_of(model), grads, f"{name}, .grad afterwards")


def safe(load_checkpoint):
    model, optimizer = training(1)
    state = state_of(model, optimizer, 5)
    # torch.load's default is then to execute
    unsafe = {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1", "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "0"}
    with in_folder() as folder, patch.dict(os.environ, unsafe):
        trap = folder / "trap"
        evil = Evil(str(trap))
        for name, data in (
            ("a pickle that makes a folder", pickle.dumps(evil, protocol=2)),
            ("a checkpoint that makes a folder", as_bytes({**state, "note": evil})),
        ):
            raised_by(load_checkpoint, written(folder, data), model, optimizer)
            what = f"load_checkpoint, the file is {name} when its code runs"
            assert not trap.exists(), f"{what}: the folder is there, want no code to run"


def missing(load_checkpoint):
    with in_folder() as folder:
        for path in (folder / "none.pt", "none.pt"):
            what = f"load_checkpoint, path {shown(path)} without a file"
            raises((FileNotFoundError,), what, load_checkpoint, path, training(0)[0])


def strict(load_checkpoint):
    for name, model, optimizer in others_than_saved():
        with in_folder() as folder:
            path = written(folder, state_of(*training(2), 5))
            for more in ((), (optimizer,)):
                what = f"load_checkpoint into a model of {name} than the saved one"
                raises((RuntimeError, ValueError), what, load_checkpoint, path, model, *more)


def folders(save_checkpoint):
    model, optimizer = training(1)
    with in_folder() as folder:
        for path in (folder / "a" / "b" / "last.pt", folder / "a" / "b" / "next.pt", "here.pt"):
            what = f"save_checkpoint to {shown(path)}"
            attempt(what, save_checkpoint, model, optimizer, 1, path)
            assert os.path.isfile(path), f"{what}: no file is there"


def atomic(save_checkpoint):
    model, optimizer = training(1)
    with in_folder() as folder:
        folder.mkdir()
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
        folder.mkdir()
        (folder / "best.pt").write_bytes(b"another file")
        for name in ("last.pt", "last.tmp"):
            path, before, what = folder / name, contents(folder), f"save_checkpoint to {name}"
            with patch.object(os, "getpid", lambda: 1):  # a name may have the process's number
                held, names = moments_of(path, save_checkpoint, model, optimizer, 1, path)
            after = contents(folder)
            folder_is(folder, {**before, name: after.get(name)}, what)
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
        (folder / "taken").mkdir(parents=True)
        (folder / "last.pt").write_bytes(as_bytes(state_of(model, optimizer, 1)))
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
    state = state_of(*training(2), 5)
    with patch.object(torch.serialization, "location_tag", lambda storage: "cuda:99"):
        data = as_bytes(state)
    with in_folder() as folder, warnings.catch_warnings():
        path, (model, optimizer) = written(folder, data), training(1)
        what = "load_checkpoint on a machine without the device cuda:99 that it was saved on"
        attempt(what, load_checkpoint, path, model, optimizer)
        state_is(model.state_dict(), state["model"], what)
        warnings.simplefilter("ignore")  # of torch: nothing is copied to the meta device
        what = "load_checkpoint into a model on the meta device"
        attempt(what, load_checkpoint, path, model.to("meta"))
        places = sorted({p.device.type for p in model.state_dict().values()})
        assert places == ["meta"], f"{what}: the model is then on {places}, want ['meta']"


def damaged(load_checkpoint):
    state, (model, optimizer) = state_of(*training(2), 5), training(1)
    before = state_of(model, optimizer, 0)
    with in_folder() as folder:
        for name, data, lacks in broken(state, Evil(str(folder / "trap"))):
            path, what = written(folder, data), f"load_checkpoint, the file is {name}"
            for args in ((path, model, optimizer), (str(path), model)):
                message = raises((ValueError,), what, load_checkpoint, *args)
                lines = len(message.splitlines())
                assert lines == 1, f"{what}: a message of {lines} lines, want 1"
                left = ", ".join(name for name in (str(path), *lacks) if name not in message)
                assert not left, named(f"{what}: the message does not name {left}: {message}")
            now = {**live(model, optimizer), "epoch": 0}
            state_is(now, before, f"{what}; the state afterwards")


def order(load_checkpoint):
    for name, model, optimizer in others_than_saved():
        before = copy.deepcopy(optimizer.state_dict())
        with in_folder() as folder:
            path = written(folder, state_of(*training(2), 5))
            raised_by(load_checkpoint, path, model, optimizer)
        what = f"load_checkpoint into a model of {name} than the saved one: the optimizer's state"
        state_is(optimizer.state_dict(), before, what)


CORE = (file, resume, epoch, modes, safe, missing, strict)
EDGES = (folders, atomic, beside, stopped, device, damaged, order)


def training(steps, kind=torch.optim.SGD, **options):
    """A model and its optimizer after some steps."""
    layers = nn.BatchNorm1d(1), nn.Linear(5, 6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 3)
    model = nn.Sequential(*layers)
    if kind is torch.optim.SGD:
        options = {"momentum": 0.9, **options}
    optimizer = kind(model.parameters(), **{"lr": 0.1, **options})
    for step in range(steps):
        train(model, optimizer, step)
    return model, optimizer


def train(model, optimizer, step):
    torch.manual_seed(step)
    optimizer.zero_grad()
    model.train()(torch.randn(4, 1, 5)).square().mean().backward()
    optimizer.step()


def others_than_saved():
    model = training(1)[0]
    wide = nn.Sequential(model[0], nn.Linear(5, 7), *model[2:4], nn.Linear(7, 3))
    for name, other in (
        ("fewer layers", nn.Sequential(*model[:4])),
        ("more layers", nn.Sequential(*model, nn.Linear(3, 2))),
        ("wider layers", wide),
    ):
        yield name, other, torch.optim.SGD(other.parameters(), lr=0.3)


def live(model, optimizer):
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict()}


def state_of(model, optimizer, epoch):
    return copy.deepcopy({**live(model, optimizer), "epoch": epoch})


def flags_of(model):
    found = {f"training of {n or 'the model'}": m.training for n, m in model.named_modules()}
    return found | {f"{n}.requires_grad": p.requires_grad for n, p in model.named_parameters()}


def grads_of(model):
    return {name: p.grad for name, p in model.named_parameters()}


def as_bytes(thing):
    data = io.BytesIO()
    torch.save(thing, data)
    return data.getvalue()


def written(folder, thing):
    """The path of a file that the check has written."""
    folder.mkdir(exist_ok=True)
    path = folder / "sent.pt"
    path.write_bytes(thing if isinstance(thing, bytes) else as_bytes(thing))
    return path


def shown(path):
    """A path without the temporary folder, by its type."""
    name = "/".join(Path(path).parts[-2:]) if Path(path).is_absolute() else str(path)
    return repr(name) if isinstance(path, str) else f"Path({name!r})"


def broken(state, evil):
    """Files that are no checkpoint: what they are, their bytes, the keys that they lack."""
    whole = as_bytes(state)
    for n in (0, 2, 50, 2000, len(whole) - 9):
        yield f"cut after {n} of its {len(whole)} bytes", whole[:n], []
    yield "a text", b"epoch 3\n", []
    yield "a tensor", as_bytes(torch.ones(3)), []
    yield "a list", as_bytes(KEYS), []
    yield "a model's state dict", as_bytes(state["model"]), KEYS
    for key in KEYS:
        yield f"a dict without {key}", as_bytes({k: state[k] for k in KEYS if k != key}), [key]
    for key, value in {"model": 3, "optimizer": None, "epoch": "5"}.items():
        yield f"a dict with {key} {value!r}", as_bytes({**state, key: value}), []
    yield "a pickle of code", pickle.dumps(evil, protocol=2), []
    yield "a checkpoint with code", as_bytes({**state, "note": evil}), []


class Unsavable:
    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        raise self.error


class Evil:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)
