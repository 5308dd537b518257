"""What buggy_code_16.py requires.

memory counts what autograd has saved, the graphs, and the tensors of one batch's size; figure is
judged by the logits that the model gave.
"""

import copy
import gc
import weakref

import numpy
import torch
from torch import Tensor, nn

from checks import hunts
from checks.hunts import first_passes, learns_each, noting, sgd
from checks.tools import attempt, close, equal
from checks.training import counting_graphs

F, K, N = 6, 3, 37
EACH = nn.CrossEntropyLoss(reduction="none")


def memory(run_epoch):
    saved, alive, model, what = [], [], deep(), f"7 batches of {N} samples"
    held = weakref.WeakSet()

    def hold(tensor):
        held.add(one := Held(tensor.detach()))  # else a saved output would hold itself
        return one

    def batches():
        for i in range(7):
            saved.append(sum(one.tensor.numel() for one in held))
            if i in (1, 6):
                alive.append(sum(map(rows_of, gc.get_objects())))
            yield torch.randn(N, F), torch.randint(K, (N,))

    hooks = torch.autograd.graph.saved_tensors_hooks(hold, lambda one: one.tensor)
    gc.freeze()  # what is there already is not listed below
    try:
        with hooks, counting_graphs(model) as graphs:
            attempt(what, run_epoch, model, sgd(model), batches())
    finally:
        gc.unfreeze()
    equal(f"{what}: batches taken:", len(saved), 7)
    for name, counts in (("numbers saved for gradients", saved), ("graphs", graphs)):
        grown = max(counts[2:], default=0) > max(counts[:2], default=0)
        assert not grown, f"{what}: {name} in memory at each: {counts}, want no growth after two"
    first, last = alive
    said = f"{what}: tensors or arrays have rows of {first} batches at the second, of {last} at the"
    assert last <= first, f"{said} last; want no more than at the second"


def figure(run_epoch):
    for sizes, dtype in (((7, 4, 1), torch.float32), ((3, 9), torch.float64)):
        model, what = deep().to(dtype), f"batches of {', '.join(map(str, sizes))} samples"
        batches = [(x.to(dtype), y) for x, y in cut(sizes)]
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)  # a step that changes the figure
        with noting(model) as noted:
            got = attempt(what, run_epoch, model, optimizer, iter(copy.deepcopy(batches)))
        got, each = hunts.floats(f"{what}: run_epoch", [got], 1)[0], []
        passes = first_passes(noted, [x for x, _ in batches], what)
        for one, (_, y) in zip(passes, batches, strict=True):
            each += [
                1 / (row - row[label]).exp().sum() for row, label in zip(one.logits, y, strict=True)
            ]
        want = torch.stack(each).double().mean().item()
        close(got, want, f"{what}: the figure by the logits that the model gave")


def training(run_epoch):
    for used in (False, True):
        model, batches = plain().double(), [(x.double(), y) for x, y in cut((7, 4, 1, 4))]
        batches[1][0].mul_(30)
        what = f"4 batches, x of the second 30 times as large{', a used model' if used else ''}"

        def run(optimizer, model=model, batches=batches):
            run_epoch(model, optimizer, iter(copy.deepcopy(batches)))

        learns_each(what, model, sgd, batches, run, EACH, used)


def modes(run_epoch):
    for training in (True, False):
        model, batches = deep().train(training), cut((4, 3))
        model[3].train(not training)
        what = f"2 batches, begun in {hunts.mode(training)} but for one part"
        hunts.passes_in_train_mode(
            what, model, 2, lambda m=model, b=batches: run_epoch(m, sgd(m), iter(b))
        )


CORE = (memory, figure, training, modes)
EDGES = ()


class Held:
    """What autograd keeps of one tensor; gone as soon as autograd lets go of it."""

    def __init__(self, tensor):
        self.tensor = tensor


def rows_of(one):
    """A tensor has the rows of so many batches, or a list has arrays with so many numbers."""
    if type(one) is Tensor and one.dim() and len(one) % N == 0:
        return len(one) // N
    kept = one if type(one) is list else []
    return sum(v.size for v in kept if isinstance(v, numpy.ndarray)) // N


def plain():
    return nn.Sequential(nn.Linear(F, 8), nn.ReLU(), nn.Linear(8, K))


def deep():
    parts = nn.LayerNorm(8), nn.ReLU(), nn.Dropout(0.3)
    return nn.Sequential(nn.Linear(F, 8), *parts, nn.Linear(8, K))


def cut(sizes):
    return [(torch.randn(n, F), torch.randint(K, (n,))) for n in sizes]
