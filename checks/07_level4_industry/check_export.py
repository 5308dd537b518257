"""What challenge_export.py requires: files of small models, read again in other sizes and modes."""

import sys
from pathlib import Path

import torch
from torch import nn

from checks import tools
from checks.models_and_files import program_file, quiet
from checks.tools import (
    attempt,
    close,
    equal,
    gradients,
    numbers,
    refuses,
    result_of,
    same,
    unchanged,
)


def forward(PixelNet):
    for row in ([255, 0.5, 128], [0.75, 51, 2], [0, 1.01, -1], [0.5, 1, -3], [0.5, 0.25, 0]):
        for mode, dtype in (("eval", torch.float32), ("train", torch.float64)):
            net = PixelNet(3, 2).to(dtype).train(mode == "train")
            x = torch.tensor([[0.25, 1, 0], row], dtype=dtype, requires_grad=True)
            torch.manual_seed(0)
            want = net.layers(x / 255 if max(row) > 1 else x)
            torch.manual_seed(0)
            what = f"PixelNet(3, 2) in {mode} mode, rows [0.25, 1, 0] and {row} of {dtype}"
            with unchanged(what, x):
                got = result_of(what, net, x)
            tol, ones = 1e-5 if mode == "eval" else 1e-10, torch.ones_like(want)
            close(got, want, what, tol)
            names, leaves = zip(("x", x), *net.named_parameters(), strict=True)
            slopes = [gradients(what, out, leaves, ones, names) for out in (got, want)]
            for name, *pair in zip(names, *slopes, strict=True):
                close(*pair, f"{what}: gradient of {name}", tol)


def branch(PixelNet, export_model, load_exported):
    net, example = PixelNet(2, 3), torch.tensor([[0.5, 1.0], [0.0, 0.25]])
    net.layers = nn.Identity()  # what it does to the pixels is told in full
    loaded = round_trip("a PixelNet", export_model, load_exported, net, example)
    for limit in (255, 1, 51):
        x = torch.tensor([[0.5, 0.0], [0.75, 1.0]]) * limit
        what = f"a PixelNet with no layers, recorded with pixels up to 1, given {numbers(x)}"
        close(result_of(what, loaded, x), x / 255 if limit > 1 else x, what)


def batch(export_model, load_exported):
    what, model = "3 * x, example (4, 2) of float64", Part(3.0).double().eval()
    example = torch.rand(4, 2, dtype=torch.float64)
    loaded = round_trip(what, export_model, load_exported, model, example)
    for n in (4, 3, 1, 2, 7, 70_000):
        x = torch.arange(2 * n, dtype=torch.float64).reshape(n, 2) - 2.5
        same(result_of(f"{what}, x ({n}, 2)", loaded, x), 3 * x, f"{what}, x ({n}, 2)")


def eval(export_model, load_exported):
    for modes in ((True, True), (False, True)):
        model, x = in_modes(*modes), torch.tensor([[1.0, 2.0], [3.0, -4.0]])
        what = f"2 * 5 * x in eval mode, 0 in train mode; {told(model)}"
        loaded = round_trip(what, export_model, load_exported, model, torch.rand(2, 2))
        same(result_of(what, loaded, x), 10 * x, what)


def file(export_model):
    what = "path a str"  # a Path in all other labels
    with program_file(real=True) as path:
        exported(what, export_model, Part(3.0).eval(), torch.rand(2, 2), str(path))
        tools.names_are([p.name for p in path.parent.iterdir()], [path.name], f"{what}: files")
        with quiet():
            program = attempt(f"{what}: torch.export.load(path)", torch.export.load, path)
    x = torch.rand(2, 2)
    same(program.module()(x), 3 * x, f"{what}: 3 * x, as torch.export.load reads it")


def restored(export_model):
    model = in_modes(False, True, True).requires_grad_(True)
    model.inner.requires_grad_(False)
    state = {name: t.clone() for name, t in model.state_dict().items()}
    modes, what = told(model), f"a model with {told(model)}"
    with program_file() as path:
        exported(what, export_model, model, torch.rand(2, 2), path)
    equal(f"{what}: afterwards", told(model), modes)
    for name, value in model.state_dict().items():
        same(value, state[name], f"{what}: {name}")
    equal(
        f"{what}: requires_grad",
        [p.requires_grad for p in model.parameters()],
        [True, False, False],
    )


def single(export_model, load_exported):
    what, model = "an Embedding, example (1, 2, 1) of int64", nn.Embedding(5, 2).eval()
    loaded = round_trip(what, export_model, load_exported, model, torch.tensor([[[4], [2]]]))
    for n in (1, 2, 5):
        x, told = torch.arange(2 * n).reshape(n, 2, 1) % 5, f"{what}, x ({n}, 2, 1)"
        same(result_of(told, loaded, x), model(x), told)


def refused(export_model):
    model = Branching(2.0, Part(5.0).eval())
    modes, what = told(model), "a model with an `if` on x.sum()"
    with program_file() as path, quiet():
        path.write_text("an older file")
        refuses(export_model, model, torch.rand(2, 2), path, errors=(Exception,), call=what)
        now = path.read_bytes()[:20] if path.exists() else None
    equal(f"{what}, after the error: at path is", now, b"an older file")
    equal(f"{what}, after the error:", told(model), modes)


CORE = (forward, branch, batch, eval, file)
EDGES = (restored, single, refused)


# --- models ------------------------------------------------------------------------------------


class Part(nn.Module):
    """weight * inner(x) in eval mode; in train mode zeros, and it counts its calls."""

    def __init__(self, weight, inner=None):
        super().__init__()
        self.weight, self.inner = nn.Parameter(torch.tensor(weight)), inner or nn.Identity()
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, rows):
        rows = self.inner(rows)
        if self.training:
            self.calls += 1
            return rows * 0
        return rows * self.weight


class Branching(Part):
    """torch.export cannot record it."""

    def forward(self, rows):
        return super().forward(rows) if rows.sum() > 0 else rows


def in_modes(*modes):
    """2 * (5 * x) or 2 * (5 * (7 * x)); each of its nested parts in train mode or not."""
    model = Part(2.0, Part(5.0, Part(7.0) if modes[2:] else None))
    for part, mode in zip(parts_of(model), modes, strict=True):
        part.training = mode
    return model


def parts_of(model):
    return [part for part in model.modules() if isinstance(part, Part)]


def told(model):
    return f"training is {[part.training for part in parts_of(model)]}"


def exported(what, export_model, model, example, path):
    if "torch._dynamo" in sys.modules:  # it counts how often a forward was recorded, up to a limit
        torch.compiler.reset()
    with quiet():
        attempt(f"{what}: export_model", export_model, model, example, path)
    assert Path(path).is_file(), f"{what}: after export_model there is no file at path, want one"


def round_trip(what, export_model, load_exported, model, example):
    with program_file() as path:
        exported(what, export_model, model, example, path)
        with quiet():
            loaded = attempt(f"{what}: load_exported", load_exported, path)
    assert callable(loaded), f"{what}: load_exported gave {type(loaded).__name__}, want a function"
    return loaded
