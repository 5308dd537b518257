"""What buggy_code_20.py requires.

The model notes what it got and gave. A twin begins each chunk with the numbers of the state that
the model was given, so that steps does not depend on state.
"""

import copy
import weakref
from collections import namedtuple

import torch
from torch import Tensor, nn

from checks import hunts
from checks.hunts import losses_of
from checks.tools import attempt, close, equal
from checks.training import modes_of, states_are, watching

N, F, H, K = 2, 4, 5, 3
Noted = namedtuple("Noted", "before logits after in_train graphs")
STATES = {
    "a pair": lambda h, c: (h, c),
    "one tensor": lambda h, c: torch.cat([h, c]),
    "a tuple of one": lambda h, c: (torch.cat([h, c]),),
    "a tuple of four": lambda h, c: (h, c, (9 * c).long(), c > 0),
}
TAKEN = {"a pair": tuple | list, "one tensor": Tensor}  # as nn.LSTM and nn.GRU do


class Reader(nn.Module):
    """Goes on from h and c of the state, (1, N, H) each."""

    def __init__(self, kind="a pair", p=0.0):
        super().__init__()
        self.body, self.drop, self.head = nn.Linear(F, H), nn.Dropout(p), nn.Linear(H, K)
        self.kind, self.noted, self.alive = kind, [], weakref.WeakSet()

    def forward(self, x, state):
        before, in_train = numbers_of(state), sum(modes_of(self).values())
        if not isinstance(state, (TAKEN.get(self.kind, tuple), type(None))):
            raise TypeError(f"the model was given a {type(state).__name__} as the state")
        start = x.new_zeros(2, N, H) if state is None else torch.cat(parts_of(state)[:2])
        c = start[1, :, None] + self.body(x).cumsum(dim=1)
        h = (start[0, :, None] + c).tanh()
        state = STATES[self.kind](*(part[None, :, -1].clone() for part in (h, c)))
        logits, graphs = self.head(self.drop(h)), len(self.alive)
        for one in (logits, *parts_of(state)):
            if one.grad_fn is not None:
                one.grad_fn.metadata["token"] = token = nn.Module()  # lives as long as the graph
                self.alive.add(token)
        gave = logits.detach().clone(), numbers_of(state)
        self.noted.append(Noted(before, *gave, in_train, graphs))
        return logits, state


def steps(train_on_stream):
    """After each step the parameters are those of a twin."""
    model, given = Reader().double(), chunks(3, 1, 4, 2, dtype=torch.float64)
    model.head.weight.data.mul_(50)  # large gradients
    for p in model.parameters():
        p.grad = torch.full_like(p, torch.nan)
    given[2][0][0, 0, 0] = torch.nan
    what = "chunks of 3, 1, 4 and 2 steps, a used model, the third loss is NaN"
    twin, optimizer = copy.deepcopy(model), sgd(model)
    its, (names, params) = sgd(twin), zip(*twin.named_parameters(), strict=True)
    with watching(model, optimizer) as seen:
        attempt(what, train_on_stream, model, optimizer, copy.deepcopy(given))
    made = [step for step in seen.steps if step.is_given]
    equal(f"{what}: steps of the given optimizer:", len(made), len(given))
    noted = passes(what, model, given)
    for i, (step, one, (x, y)) in enumerate(zip(made, noted, given, strict=True)):
        rows = twin(x, one.before)[0].flatten(0, 1)
        loss = (rows.logsumexp(dim=1) - rows[range(len(rows)), y.flatten()]).mean()
        for p, grad in zip(params, torch.autograd.grad(loss, params), strict=True):
            p.grad = grad
        its.step()
        got = dict(zip(names, step.params, strict=True))
        states_are(got, twin.state_dict(), f"{what}, after chunk {i}", 1e-6)


def state(train_on_stream):
    hands_on(train_on_stream, "a pair", 4, 1, 3)


def cost(train_on_stream):
    model, what = Reader(), "6 chunks of 3 steps"
    attempt(what, train_on_stream, model, sgd(model), chunks(*[3] * 6))
    found = [one.graphs for one in model.noted]
    assert len(found) >= 6, f"{what}: passes through the model: {len(found)}, want 6"
    told = f"{what}: results whose graphs are in memory at each: {found}"
    assert max(found[2:]) <= max(found[:2]), f"{told}, want no growth after the second"


def losses(train_on_stream):
    model, given, want = Reader(p=0.3), chunks(4, 1, 3), []
    what = "chunks of 4, 1 and 3 steps: train_on_stream"
    got = attempt(what, train_on_stream, model, sgd(model), copy.deepcopy(given))
    got = hunts.floats(what, got, len(given))
    for one, (_, y) in zip(passes(what, model, given), given, strict=True):
        each = losses_of(one.logits.flatten(0, 1), y.flatten())
        want.append(sum(each) / len(each))
    close(got, want, f"{what}: losses, by the logits that the model gave")


def modes(train_on_stream):
    for training in (True, False):
        model = Reader().train(training)
        model.drop.train(not training)
        what = f"2 chunks, begun in {hunts.mode(training)} but for one part"
        attempt(what, train_on_stream, model, sgd(model), chunks(4, 1))
        equal(f"{what}: passes through the model:", len(model.noted), 2)
        for i, one in enumerate(model.noted):
            equal(f"{what}: at chunk {i} modules in train mode:", one.in_train, 4)


def kinds(train_on_stream):
    for kind in [*STATES][1:]:
        hands_on(train_on_stream, kind, 2, 3)


def stream(train_on_stream):
    model, made, taken, what = Reader(), [], [], "a generator of 3 chunks"
    optimizer = sgd(model)
    optimizer.register_step_post_hook(lambda *_: made.append(1))

    def coming():
        for chunk in chunks(2, 3, 1):
            taken.append(len(made))
            yield chunk

    attempt(what, train_on_stream, model, optimizer, coming())
    equal(f"{what}: steps before each was taken:", taken, [0, 1, 2])


CORE = (steps, state, cost, losses, modes)
EDGES = (kinds, stream)


def hands_on(train_on_stream, kind, *sizes):
    model = Reader(kind, p=0.3)
    optimizer = sgd(model)
    for call in ("first", "second"):
        model.noted.clear()
        what, left = f"the state is {kind}, {len(sizes)} chunks, {call} call", None
        attempt(what, train_on_stream, model, optimizer, chunks(*sizes))
        for i, one in enumerate(model.noted):
            told = f"{what}: the state that chunk {i} was given"
            equal(f"{told}:", *(s and f"{len(s)} tensors" for s in (one.before, left)))
            for part, want in zip(one.before or (), left or (), strict=True):
                close(part, want, told)
            left = one.after


def passes(what, model, given):
    """For each chunk, which has a size of its own, its first pass."""
    found = {one.logits.shape[1]: one for one in reversed(model.noted)}
    missing = [y.shape[1] for _, y in given if y.shape[1] not in found]
    assert not missing, f"{what}: no pass of the chunk of {missing[0]} steps through the model"
    return [found[y.shape[1]] for _, y in given]


def parts_of(state):
    return (state,) if isinstance(state, Tensor) else state


def numbers_of(state):
    return None if state is None else tuple(part.detach().clone() for part in parts_of(state))


def sgd(model):
    groups = [{"params": model.body.parameters()}, {"params": model.head.parameters(), "lr": 0.05}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def chunks(*sizes, dtype=torch.float32):
    return [(torch.randn(N, T, F, dtype=dtype), torch.randint(K, (N, T))) for T in sizes]
