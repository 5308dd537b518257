"""What challenge_tuning.py requires: steps by hand, and a train() that is given."""

import math

import torch
from torch import nn

from checks import training
from checks.tools import attempt, equal
from checks.training import Difference, Snapshot, batches_of, line, nested, sgd, shown, watching


def rates(lr_range_test):
    for start, end, steps in ((1e-4, 1e-1, 4), (1e-7, 10.0, 33), (0.5, 0.125, 3), (1.0, 8.0, 2)):
        model, used = line(1.0), []
        groups = [{"params": [model.weight], "lr": 7.0}, {"params": [model.bias], "lr": 3.0}]
        optimizer = torch.optim.SGD(groups)
        optimizer.register_step_pre_hook(
            lambda of, *_, used=used: used.append([group["lr"] for group in of.param_groups])
        )
        call, data = f"from {start} to {end} in {steps} steps", batches_of([1], [2])
        got, _ = run(call, lr_range_test, model, data, Even(), optimizer, start, end, steps)
        equal(f"{call}: numbers of rates and steps", (len(got), len(used)), (steps, steps))
        for i in range(steps):
            want = start * (end / start) ** (i / (steps - 1))
            for told, rate in (("the rate", got[i]), *(("a group has", r) for r in used[i])):
                near = math.isclose(rate, want, rel_tol=1e-6)
                assert near, f"{call}: step {i + 1}, {told} {rate:.4g}, want {want:.4g}"


def steps(lr_range_test):
    first, second = batches_of([1, 2], [3, 2]), batches_of([3, 4], [1, 4])
    what = "a loader of 3 and 2 samples, anew 1 and 4, 5 steps"
    # rates 1, 2, 4, 8: weight 40, 39, 35, 23; bias 2, 1, -1, -5; the loss is weight * x + bias
    model = nn.Sequential(line(40.0, 2.0), nn.Sequential(nn.Dropout(0.0))).eval()
    optimizer, loader = sgd(model), Passes(first, second, first)
    model[0].weight.grad = torch.full((1, 1), 30.0)
    with watching(model, optimizer) as seen:
        _, losses = run(what, lr_range_test, model, loader, Difference(), optimizer, 1.0, 16.0, 5)
    passes = training.passes(seen, first + second)
    equal(f"{what}: forward passes of the batches", passes, [1, 2, 3, 4, 1])
    equal(f"{what}: steps after so many forward passes:", seen.steps_after(), [1, 2, 3, 4, 5])
    equal(f"{what}: the steps used the gradients", seen.grads(0), [1.0, 2.0, 3.0, 4.0, 1.0])
    equal(f"{what}: types of the losses", {type(v).__name__ for v in losses}, {"float"})
    equal(f"{what}: losses", [round(v, 3) for v in losses], [42.0, 79.0, 104.0, 87.0, -22.0])
    equal(f"{what}: modules in train mode", [f.in_train for f in seen.forwards], [4] * 5)


def explodes(lr_range_test):
    nan, inf = math.nan, math.inf
    few = ([1, inf, 1], 2), ([1, -inf, 1], 2), ([nan, 1], 1), ([2, 8.5], 2)
    more = ([1, 0.5, 2, 2.0625, 0.1], 4), ([1, 0, 0.5, 0.1], 3), ([3, 2, nan, 1], 3)
    for given, want in (*more, *few, ([0.25, 0.25, 1, 0.25], 4)):
        what, count = f"losses {shown(given)}", len(given)
        model = training.Slopes([(0, 0)] * count, map(float, given))
        optimizer, batches = sgd(model), batches_of(range(count), [1] * count)
        with watching(model, optimizer) as seen:
            args = model, batches, model.criterion, optimizer, 1e-3, 1e-1, count
            rates, losses = run(what, lr_range_test, *args)
        equal(f"{what}: returned losses", shown(losses), shown(given[:want]))
        equal(f"{what}: number of rates", len(rates), want)
        made = want - (want < count or given[-1] > 4 * min(given))  # none on the one that ends it
        equal(f"{what}: steps", len(seen.steps), made)


def restored(lr_range_test):
    whole, parts = "in train mode", "with parts in eval mode"
    for came, fresh, third in ((whole, False, 1.0), (parts, True, 1.0), (parts, False, math.nan)):
        what = f"a model {came}, {'new' if fresh else 'used'} Adam, third loss {third}"
        args, before = scene(came, fresh, third)
        run(what, lr_range_test, *args)
        before.is_kept(what)


def rungs(successive_halving):
    for losses, budgets, keep, want in (
        ([[5, 3, 1, 4, 2]], (1, 2), (), "abcde ce c"),
        ([[7, 5, 3, 1]], (3, 1, 6), (), "abcd cd d d"),
        ([[3, 1]], (2,), (), "ab b"),
        ([[8, 7, 6, 5, 4, 3, 2, 1]], (1, 1, 1), (0.25,), "abcdefgh gh h h"),
        ([[4, 3, 2, 1]], (5, 2), (0.9,), "abcd bcd d"),
        ([[3, 2, 1]], (1, 1), (0.1,), "abc c c"),
        ([[1, 2, 3, 4], [5, 4, 0, 0]], (1, 1), (), "abcd ab b"),
        ([[1, 2, 3, 4], [1, 2, 0, 0], [9, 8, 7, 6]], (1, 1, 1), (1.0,), "abcd abcd abcd d"),
    ):
        tell(successive_halving, losses, budgets, keep, want)


def resumed(successive_halving):
    states = []

    def train(config, budget, state):
        states.append(f"{config[0]} from {state}")
        return config[1], f"{state or config[0]} {budget}"

    configs = [("a", 3), ("b", 2), ("c", 1), ("c", 1), ("d", 4), ("e", 5)]
    what = f"successive_halving, budgets 1, 2, 4, configs and losses {configs}: trained"
    attempt(what, successive_halving, train, configs, [1, 2, 4])
    equal(what, sorted(states[:6]), [f"{name} from None" for name in "abccde"])
    want = ["b from b 1", "c from c 1", "c from c 1", "c from c 1 2"]
    equal(f"{what} later", sorted(states[6:]), want)


def failure(lr_range_test):
    for error, place in ((RuntimeError, "the third step"), (KeyboardInterrupt, "the loader")):
        what = f"a model with parts in eval mode, {error.__name__} in {place}"
        (model, data, *args), before = scene("with parts in eval mode", False, error)
        try:
            lr_range_test(model, Passes(error) if place == "the loader" else data, *args)
        except error:
            before.is_kept(what)
        else:
            raise AssertionError(f"{what}: no error came, want it raised")


def nan(successive_halving):
    nan, inf = math.nan, math.inf
    for losses, want in (
        ([[nan, 2, nan, 1]], "abcd bd d"),
        ([[2, nan, 1, nan]], "abcd ac c"),
        ([[nan, inf, inf, nan], [0, nan, inf, 0]], "abcd bc c"),
        ([[1, 1, 1, 1]], "abcd ab a"),
        ([[2, 1, 3, 3], [5, 5, 0, 0]], "abcd ab a"),
    ):
        tell(successive_halving, losses, (1, 1), (), want)


CORE = (rates, steps, explodes, restored, rungs, resumed)
EDGES = (failure, nan)


# --- helpers -----------------------------------------------------------------------------------


class Even(nn.Module):
    """A loss of 1 with the gradient of the mean; for 4 samples it is `last` or raises it."""

    def __init__(self, last=1.0):
        super().__init__()
        self.last = last

    def forward(self, output, y):
        mean = (output - y).mean()
        if len(y) == 4 and not isinstance(self.last, float):
            raise self.last
        return (self.last if len(y) == 4 else 1) + mean - mean.detach()


class Passes:
    """A loader without a length that gives other batches in each pass, or raises an error."""

    def __init__(self, *passes):
        self.passes = iter(passes)

    def __iter__(self):
        batches = next(self.passes)
        if isinstance(batches, type):
            raise batches
        return iter(batches)


def scene(came, fresh, third):
    """The arguments of a range test, and a snapshot of its model and optimizer."""
    model = nested(came)
    first, *others = model.parameters()
    groups = [{"params": [first], "lr": 0.5}, {"params": others, "weight_decay": 0.1}]
    optimizer = torch.optim.Adam(groups, lr=0.01)
    for x, y in [] if fresh else batches_of([1, 2], [2, 3]):
        Even()(model(x), y).backward()
        optimizer.step()
    data = batches_of([1, 2, 3], [3, 2, 4])
    return (model, data, Even(third), optimizer, 1e-3, 0.1, 4), Snapshot(model, optimizer)


def run(what, lr_range_test, *args):
    found = attempt(f"lr_range_test, {what}", lr_range_test, *args)
    pair = isinstance(found, (tuple, list)) and [type(one) for one in found] == [list, list]
    assert pair, f"lr_range_test gave {type(found).__name__}, want (rates, losses), two lists"
    return found


def tell(successive_halving, losses, budgets, keep, want):
    """losses: of a, b, ... when first trained, when trained again; the last row stays. want: who
    is trained in each rung, then the best.
    """
    calls, (*rungs, best) = [], want.split()

    def train(config, budget, state):
        count = sum(name == config["name"] for name, _ in calls)
        calls.append((config["name"], budget))
        return float(losses[min(count, len(losses) - 1)]["abcdefgh".index(config["name"])]), None

    configs = [{"name": name} for name in rungs[0]]
    told = ", then ".join(map(str, losses))
    what = f"losses {told} of {rungs[0]}, budgets {budgets}, keep {(*keep, 0.5)[0]}"
    got = attempt(what, successive_halving, train, configs, list(budgets), *keep)
    for i, (rung, budget) in enumerate(zip(rungs, budgets, strict=True), 1):
        part, calls = sorted(calls[: len(rung)]), calls[len(rung) :]
        equal(f"{what}: trained in rung {i}", part, [(name, budget) for name in rung])
    equal(f"{what}: then also trained", calls, [])
    equal(f"{what}: the best is", got, {"name": best})
