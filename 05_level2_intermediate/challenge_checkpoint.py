"""Checkpoints: a training may die at any moment and has to go on as if nothing had happened.

It may die in the middle of saving, too, and a file that somebody sent you may hold code.

    save_checkpoint  writes a file that torch.load(path, weights_only=True) reads: a dict with the
                     keys "model" and "optimizer", their state dicts, and "epoch", the int; no more
    load_checkpoint  puts the file's state into model and, if one is given, into optimizer; returns
                     the saved epoch. Training on equals, bit for bit, never having stopped
    path             str or Path, absolute or relative

Saving: at every moment path holds what it held before (a whole file or none) or the whole new file.
Temporary files lie in path's folder and are gone afterwards. Missing parent folders are made. What
stops save_checkpoint (KeyboardInterrupt too, or that path is a folder) reaches the caller as it is,
and the folder's files are those that were there before.
Loading: the device it was saved on may be missing here; model and optimizer stay on theirs. Nothing
in the file is executed, in any environment. No file: FileNotFoundError. A file that is no such dict
(foreign, truncated, a key missing, a value that is no dict or no int): ValueError, whose message is
one line that names path and, for a dict, each missing key; model and optimizer are as before.
Further keys may be ignored or refused. State of another architecture: RuntimeError or ValueError;
model may be changed, optimizer is as before. Neither function changes modes or requires_grad.

Ask yourself: which changes does a file system make at once, and which can be half done?
Guide: https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
"""

import copy
import io
import os
import pickle
import sys
import tempfile
import warnings
from pathlib import Path
from unittest.mock import Mock, patch

import torch
from torch import nn


def save_checkpoint(
    model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int, path: str | Path
) -> None:
    raise NotImplementedError("save_checkpoint")


def load_checkpoint(
    path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None
) -> int:
    raise NotImplementedError("load_checkpoint")


def check(save_checkpoint, load_checkpoint):
    torch.manual_seed(0)
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            check_file(save_checkpoint, Path(folder, "new"))
            sgd = Path(folder, "SGD.pt"), torch.optim.SGD
            check_resume(save_checkpoint, load_checkpoint, *sgd, momentum=0.9)
            check_saving(save_checkpoint, Path(folder, "c"))
            check_loading(load_checkpoint, Path(folder))
            check_resume(save_checkpoint, load_checkpoint, Path("AdamW.pt"), torch.optim.AdamW)
        finally:
            os.chdir(here)


def training(steps, kind=torch.optim.SGD, **options):
    """A model and its optimizer after some steps."""
    layers = nn.BatchNorm1d(1), nn.Linear(5, 6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 3)
    model = nn.Sequential(*layers)
    optimizer = kind(model.parameters(), **{"lr": 0.1, **options})
    train(model, optimizer, range(steps))
    return model, optimizer


def train(model, optimizer, steps):
    for step in steps:
        torch.manual_seed(step)
        optimizer.zero_grad()
        model.train()(torch.randn(4, 1, 5)).square().mean().backward()
        optimizer.step()


def live(model, optimizer, epoch):
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}


def contents(*args):
    return copy.deepcopy(live(*args))


def flags(model):
    return [m.training for m in model.modules()] + [p.requires_grad for p in model.parameters()]


def same(got, want, what):
    try:
        torch.testing.assert_close(got, want, rtol=0, atol=0, msg=str)
    except AssertionError as error:
        raise AssertionError(f"{what}\n{error}") from None


def check_file(save_checkpoint, folder):
    model, optimizer = training(2, momentum=0.9)
    model[:3].eval().requires_grad_(False)
    want, modes = contents(model, optimizer, 7), flags(model)
    for path in (folder / "a" / "last.pt", "last.pt"):
        try:
            save_checkpoint(model, optimizer, 7, path)
        except OSError as error:
            raise AssertionError(f"save_checkpoint to {path}: {error!r}, want a file") from error
        assert os.path.isfile(path), f"save_checkpoint to {path}: no file is there"
        try:
            got = torch.load(path, weights_only=True)
        except Exception as error:
            what = f"torch.load({path}, weights_only=True): {type(error).__name__}"
            raise AssertionError(f"{what}, want it to load") from error
        assert isinstance(got, dict), f"the file holds a {type(got)}, want a dict"
        assert got.keys() == want.keys(), f"the file has the keys {list(got)}, want {list(want)}"
        assert type(got["epoch"]) is int, f"the file holds as epoch {got['epoch']!r}, want 7"
        same(got, want, "the file does not hold what was saved")
    same(live(model, optimizer, 7), want, "save_checkpoint changed what it saved")
    assert flags(model) == modes, "save_checkpoint changed modes or requires_grad of the model"


def check_resume(save_checkpoint, load_checkpoint, path, kind, **options):
    name = kind.__name__
    model, optimizer = training(2, kind, **options)
    saved = contents(model, optimizer, 0)
    save_checkpoint(model, optimizer, 0, path)
    train(model, optimizer, range(2, 3))  # never interrupted

    other, others = training(1, kind, lr=0.5)
    other[:3].eval().requires_grad_(False)
    modes = flags(other)
    epoch = load_checkpoint(path, other, others)
    assert type(epoch) is int and epoch == 0, f"saved epoch 0: load returned {epoch!r}"
    same(live(other, others, 0), saved, f"{name}: after load_checkpoint")
    assert flags(other) == modes, "load_checkpoint changed modes or requires_grad of the model"
    train(other.requires_grad_(True), others, range(2, 3))
    what = f"{name}: trained on after load_checkpoint, against never interrupted"
    same(live(other, others, 0), live(model, optimizer, 0), what)

    epoch = load_checkpoint(str(path), other)
    assert epoch == 0, f"without an optimizer load_checkpoint returned {epoch!r}, want 0"
    same(other.state_dict(), saved["model"], f"{name}: load_checkpoint without an optimizer")


def check_saving(save_checkpoint, folder):
    (folder / "taken").mkdir(parents=True)
    (folder / "best.pt").write_bytes(b"another file")
    model, optimizer = training(1)
    with patch.multiple(os, replace=same_disk(os.replace), rename=same_disk(os.rename)):
        for epoch, name in enumerate(("last.pt", "last.pt", "last.tmp"), 1):
            before, what = files(folder), f"save {epoch}, to {name}"
            seen = moments(folder / name, save_checkpoint, model, optimizer, epoch, folder / name)
            sizes = ["no file" if s is None else f"{len(s)} bytes" for s in seen]
            assert len(seen) == 2 and seen[0] == before.get(name), (
                f"{what}: path held, in turn, {sizes}, want the old file and then the new one"
            )
            unchanged(folder, {**before, name: seen[1]}, what)

    before = files(folder)
    came = caught(save_checkpoint, model, optimizer, 3, folder / "taken")
    assert came, "save_checkpoint to taken, a folder: no exception came, want one"
    unchanged(folder, before, "save_checkpoint to taken, a folder")
    for error in (OSError("no space left"), KeyboardInterrupt("Ctrl-C"), SystemExit("stop")):
        optimizer.param_groups[0]["note"] = Unsavable(error)
        for goal in ("last.pt", "new.pt"):
            for when, save in (("before", Mock(side_effect=error)), ("while", torch.save)):
                what = f"save_checkpoint to {goal}, {error!r} {when} torch.save writes"
                with patch.object(torch, "save", save):
                    came = caught(save_checkpoint, model, optimizer, 3, folder / goal)
                assert type(came) is type(error), f"{what}: to the caller came {came!r}"
                unchanged(folder, before, what)


def files(folder):
    return {p.name: p.read_bytes() if p.is_file() else os.listdir(p) for p in folder.iterdir()}


def unchanged(folder, want, what):
    got = files(folder)
    assert sorted(got) == sorted(want), f"{what}: there is then {sorted(got)}, want {sorted(want)}"
    other = [name for name in want if got[name] != want[name]]
    assert not other, f"{what}: changed are {other}, want them as they were"


def caught(function, *args):
    try:
        function(*args)
    except BaseException as error:
        return error
    return None


def same_disk(move):
    def checked(source, target, **options):
        assert Path(source).resolve().is_relative_to(Path(target).resolve().parent), (
            f"{source} was moved to {target}: perhaps from another disk, want it made beside path"
        )
        return move(source, target, **options)

    return checked


def moments(path, function, *args):
    """What path held (None: no file), before each call of function(*args) to C and at its end."""
    seen, dates, before = [], [], sys.getprofile()
    if path.exists():
        os.utime(path, (0, 0))  # so that each write shows in its date

    def look(_, event, __):
        if event != "c_call":  # Python alone cannot change a file
            return
        try:
            date = os.stat(path).st_mtime_ns
        except FileNotFoundError:
            date = None
        if dates[-1:] != [date]:
            dates.append(date)
            now = None if date is None else path.read_bytes()
            if seen[-1:] != [now]:
                seen.append(now)

    sys.setprofile(look)
    try:
        function(*args)
    finally:
        sys.setprofile(before)
    now = path.read_bytes() if path.exists() else None
    return seen if seen[-1:] == [now] else [*seen, now]


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


def as_bytes(thing):
    file = io.BytesIO()
    torch.save(thing, file)
    return file.getvalue()


def check_loading(load_checkpoint, folder):
    path, trap = folder / "sent.pt", folder / "trap"
    state = contents(*training(2, momentum=0.9), 5)
    with patch.object(torch.serialization, "location_tag", lambda storage: "cuda:99"):
        path.write_bytes(as_bytes(state))
    model, optimizer = training(1)
    try:
        load_checkpoint(path, model, optimizer)
    except (RuntimeError, ValueError) as error:
        raise AssertionError(f"saved on a device cuda:99, load_checkpoint: {error}") from error
    same(live(model, optimizer, 5), state, "a checkpoint saved on cuda:99, loaded on the CPU")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch: nothing is copied to the meta device
        load_checkpoint(path, model.to("meta"))
    places = {p.device.type for p in model.state_dict().values()}
    assert places == {"meta"}, f"load_checkpoint moved a model from the meta device to {places}"

    model, optimizer = training(1)
    before, whole, keys = contents(model, optimizer, 0), as_bytes(state), list(state)
    evil = Evil(str(trap))
    cases = [(f"{n} of its bytes", whole[:n], []) for n in (0, 2, 50, 2000, len(whole) - 9)]
    cases += [("a text", b"epoch 3\n", []), ("a tensor", as_bytes(torch.ones(3)), [])]
    cases += [("a list", as_bytes(keys), []), ("a state dict", as_bytes(state["model"]), keys)]
    for key in keys:
        rest = as_bytes({k: v for k, v in state.items() if k != key})
        cases.append((f"a dict without {key}", rest, [key]))
    for key, value in {"model": 3, "optimizer": None, "epoch": "5"}.items():
        cases.append((f"a dict with {key} {value!r}", as_bytes({**state, key: value}), []))
    cases += [("a pickle that runs code", pickle.dumps(evil, protocol=2), [])]
    cases += [("a checkpoint that runs code", as_bytes({**state, "note": evil}), [])]
    unsafe = {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1", "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "0"}
    with patch.dict(os.environ, unsafe):  # the default of torch.load is to run it
        for name, data, missing in cases:
            what = f"load_checkpoint, the file is {name}"
            path.write_bytes(data)
            for args in ((path, model, optimizer), (str(path), model)):
                message = message_of((ValueError,), what, load_checkpoint, *args)
                assert not trap.exists(), f"{what}: the code was run"
                assert str(path) in message, f"{what}: the message does not name {path}: {message}"
                assert "\n" not in message, f"{what}: want a message of one line, not\n{message}"
                lacks = [key for key in missing if key not in message]
                assert not lacks, f"{what}: missing keys that it does not name {lacks}: {message}"
            now = model.state_dict()
            other = [key for key, t in before["model"].items() if not torch.equal(now[key], t)]
            assert not other, f"{what}: changed are {other} of the model, want them as they were"
            now, old = optimizer.state_dict(), before["optimizer"]
            assert now == old, f"{what}: the optimizer's state is {now}, want {old} as before"
    path.unlink()
    message_of((FileNotFoundError,), "load_checkpoint, no file", load_checkpoint, path, model)

    small, large = nn.Sequential(*model[:4]), nn.Sequential(*model, nn.Linear(3, 2))
    wide = nn.Sequential(model[0], nn.Linear(5, 7), *model[2:4], nn.Linear(7, 3))
    path.write_bytes(whole)
    for other, name in ((small, "fewer layers"), (large, "more layers"), (wide, "wider layers")):
        what = f"load_checkpoint into a model of {name} than the saved one"
        optimizer = torch.optim.SGD(other.parameters(), lr=0.3)
        before = copy.deepcopy(optimizer.state_dict())
        for args in ((path, other), (path, other, optimizer)):
            message_of((RuntimeError, ValueError), what, load_checkpoint, *args)
        same(optimizer.state_dict(), before, f"{what}: optimizer changed by it")


def message_of(errors, what, function, *args):
    kinds = " or ".join(kind.__name__ for kind in errors)
    try:
        got = function(*args)
    except errors as error:
        return str(error)
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}, want {kinds}") from error
    raise AssertionError(f"{what}: returned {got!r}, want {kinds}")


if __name__ == "__main__":
    try:
        check(save_checkpoint, load_checkpoint)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_checkpoint.py")
