"""What challenge_resume.py requires. Another process: a new model, other random states."""

import copy
import io
import random as python
import warnings
from types import SimpleNamespace

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, StepLR
from torch.utils._pytree import tree_leaves, tree_map_only

from checks.hunts import values_may_be_read
from checks.models_and_files import state_is
from checks.tools import LikeCuda, attempt, close, draws_nothing, equal, refuses, same
from checks.training import watching

SGD = torch.optim.SGD, {"momentum": 0.9}, lambda o: StepLR(o, 2, 0.5)
ADAM = torch.optim.AdamW, {}, lambda o: CosineAnnealingLR(o, 9)
DRAWS = {"torch": torch.randn, "NumPy": numpy.random.normal, "Python": python.gauss}
RANDOM = {"part": nn.Dropout(0.5), "draws": DRAWS.values()}


class Rows:
    """Row i: (i / 10, i * i / 100, and 3 numbers that may be drawn), class i % 3."""

    def __init__(self, n, draws=(max, max, max)):
        self.n, self.draws, self.read = n, draws, 0

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if not 0 <= i < self.n:
            raise IndexError(i)
        self.read += 1
        x = i / 10, i * i / 100, *(float(draw(1, 1)) for draw in self.draws)
        return torch.tensor(x), int(i) % 3


def started(Run, init, kind=SGD, rows=8, part=None, batch_size=3, seed=7, at="cpu", **draws):
    """A Run, with the new model, optimizer, scheduler and rows that it was made of."""
    torch.default_generator.manual_seed(init)
    model = nn.Sequential(part or nn.BatchNorm1d(5), nn.Linear(5, 3)).to(at)
    optimizer, dataset = kind[0](model.parameters(), lr=0.1, **kind[1]), Rows(rows, **draws)
    parts = {"model": model, "optimizer": optimizer, "scheduler": kind[2](optimizer)}
    run = attempt("Run(...)", Run, *parts.values(), dataset, batch_size, seed)
    return SimpleNamespace(run=run, rows=dataset, **parts)


def steps(what, its, n):
    return [attempt(f"{what}: step {i}", its.run.step) for i in range(1, n + 1)]


def state_of(what, its):
    return attempt(f"{what}: state_dict()", its.run.state_dict)


def loaded(what, its, state):
    attempt(f"{what}: load_state_dict(state)", its.run.load_state_dict, state)
    return its


def randomness(seed):
    """The global generators as another process may have them."""
    torch.default_generator.manual_seed(seed), numpy.random.seed(seed), python.seed(seed)


def step(Run):
    table, rate = {0.0: 0, 1.0: 1, 2.0: 0, 3.0: 1, 4.0: 1}, 0.5
    model = nn.Linear(1, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    scheduler = LambdaLR(optimizer, lambda done: 1 / (1 + done))
    run = Run(model, optimizer, scheduler, [(torch.tensor([x]), y) for x, y in table.items()], 2, 7)
    for i in range(1, 6):
        twin, what = copy.deepcopy(model.eval()), f"5 rows, batch_size 2, step {i}"
        with watching(model, optimizer) as seen:
            loss = attempt(what, run.step)
        equal(f"{what} gave a", type(loss).__name__, "float")
        equal(f"{what}: steps after so many forward passes:", seen.steps_after(), [1])
        equal(f"{what}: forward passes in train mode:", [f.in_train for f in seen.forwards], [1])
        x = seen.forwards[0].x
        out = F.cross_entropy(twin(x), torch.tensor([table[v] for v in x.flatten().tolist()]))
        close(loss, out.item(), f"{what}: its loss")
        grads = torch.autograd.grad(out, list(twin.parameters()))
        for (name, p), q, g in zip(model.named_parameters(), twin.parameters(), grads, strict=True):
            close(p.detach(), (q - rate * g).detach(), f"{what}, rate {rate:.3g}: then {name}")
        rate = 0.5 / (1 + i)
        close(optimizer.param_groups[0]["lr"], rate, f"{what}: the rate after it")


def order(Run):
    def epochs(n, size, seed, init=0):
        its = started(Run, init, rows=n, batch_size=size, seed=seed, part=nn.Tanh())
        what = f"{n} rows, batch_size {size}, seed {seed}"
        with watching(its.model) as seen, draws_nothing(f"{what}: steps"):
            steps(what, its, 3 * -(-n // size))
        batches = [(10 * f.x[:, 0]).round().int().tolist() for f in seen.forwards]
        want = ([size] * (n // size) + [n % size] * (n % size > 0)) * 3
        equal(f"{what}: sizes of the batches of 3 epochs", [*map(len, batches)], want)
        rows = sum(batches, [])
        got = [rows[i : i + n] for i in range(0, 3 * n, n)]
        for i, epoch in enumerate(got, 1):
            equal(f"{what}: the rows of epoch {i}, sorted", sorted(epoch), [*range(n)])
        equal(f"{what}: how often rows were read in 3 epochs:", its.rows.read, 3 * n)
        return got

    epochs(2, 2, 1), epochs(3, 2, 1)
    first = epochs(11, 12, 5)
    different = {tuple(epoch) for epoch in (*first, range(11))}
    equal("11 rows: orders of 3 epochs and of the dataset, different ones:", len(different), 4)
    for seed, want in ((5, 3), (6, 0)):
        alike = sum(a == b for a, b in zip(epochs(11, 12, seed, 3), first, strict=True))
        equal(f"seeds 5 and {seed}: epochs of the same order:", alike, want)


def resume(Run):
    what = "AdamW, 5 rows, batch_size 3, stopped after steps 2 and 3"
    whole, its = started(Run, 1, ADAM, 5), started(Run, 1, ADAM, 5)
    want, got = steps(what, whole, 4), steps(what, its, 2)
    for used in (0, 1):  # loaded by a new run, then by one that was used
        new, state = started(Run, 2, ADAM, 5), copy.deepcopy(state_of(what, its))
        steps(what, new, used)
        its = loaded(what, new, state)
        got += steps(what, its, 1)
    same(torch.tensor(got), torch.tensor(want), f"{what}: losses of steps 1 to 4")
    rates = (it.scheduler.get_last_lr() for it in (its, whole))
    equal(f"{what}, after step 4: scheduler.get_last_lr() is", *rates)
    for part in ("model", "optimizer"):
        pair = (getattr(it, part).state_dict() for it in (its, whole))
        state_is(*pair, f"{what}, after step 4: {part}")


def random(Run):
    what, found = "stopped after step 1", []
    for stopped in (False, True):
        randomness(1)
        its = started(Run, 1, **RANDOM)
        losses = steps(what, its, 1)  # of 3 rows: a second normal number is kept
        if stopped:
            state, its = state_of(what, its), started(Run, 2, **RANDOM)
            randomness(9)
            loaded(what, its, state)
        with watching(its.model) as seen:
            losses += steps(what, its, 2)
        x = torch.cat([forward.x for forward in seen.forwards])
        found.append({f"rows draw from {t}'s generator": x[:, i] for i, t in enumerate(DRAWS, 2)})
        found[-1]["dropout, losses"] = torch.tensor(losses)
    for told, want in found[0].items():
        close(found[1][told], want, f"{told}, {what}, steps 2 and 3")
    with draws_nothing("Run(...), state_dict()"):
        its.run.state_dict()
        Run(its.model, its.optimizer, its.scheduler, Rows(8), 3, 7).state_dict()


def file(Run):
    what, old, buffer = "after step 1", started(Run, 1), io.BytesIO()
    steps(what, old, 1)
    attempt(f"{what}: torch.save(state, file)", torch.save, state_of(what, old), buffer)
    buffer.seek(0)
    what += ", saved: torch.load(file, weights_only=True)"
    try:
        state = torch.load(buffer, weights_only=True)
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}, want the state") from error
    other = loaded(what, started(Run, 2), state)
    equal(f"{what}, loaded: the next losses", steps(what, other, 2), steps(what, old, 2))


def snapshot(Run):
    what, old = "AdamW, the state after step 2", started(Run, 1, ADAM)
    steps(what, old, 2)
    state = state_of(what, old)
    kept = copy.deepcopy(state)
    steps(what, old, 2)
    state_of(what, old)
    state_is(state, kept, f"{what}, when its run has made 2 more steps and given another state")
    steps(what, loaded(what, started(Run, 2, ADAM), state), 2)
    state_is(state, kept, f"{what}, when a run that loaded it has made 2 steps")


def device(Run):
    old, there = (started(Run, 1, part=nn.Tanh(), at=at) for at in ("cpu", "meta"))
    steps("SGD", old, 1)
    state = state_of("SGD", old)
    moved = tree_map_only(Tensor, lambda t: t.to("meta"), state)
    with warnings.catch_warnings(), LikeCuda(tree_leaves(state)):
        warnings.simplefilter("ignore")  # the meta device keeps no number
        for told, given in (("the CPU", state), ("the CPU, its tensors moved there", moved)):
            what = f"SGD, a run on another device, a state of {told}"
            held = loaded(what, there, given).optimizer.state.values()
            places = [str(getattr(of.get("momentum_buffer"), "device", None)) for of in held]
            equal(f"{what}: the momenta are on", places, ["meta"] * 2)
    what = "a step of a model on the meta device"
    with watching(there.model) as seen, values_may_be_read():  # of the loss
        attempt(what, there.run.step)
    where = [forward.x.device.type for forward in seen.forwards]
    equal(f"{what}: it gets a batch on", where, ["meta"])


def foreign(Run):
    old = started(Run, 1)
    steps("a run", old, 1)
    state = state_of("a run", old)
    for name, value in (("seed", 8), ("batch_size", 2), ("rows", 9), ("rows", 4)):
        other = started(Run, 2, **{name: value})
        what = f"a state of seed=7, batch_size=3, rows=8; a run of {name}={value}: load_state_dict"
        before = copy.deepcopy(state_of(what, other))
        refuses(other.run.load_state_dict, state, errors=(ValueError,), call=what)
        state_is(state_of(what, other), before, f"{what}, ValueError: then its own state")


CORE = (step, order, resume, random, file, snapshot)
EDGES = (device, foreign)
