"""What challenge_7_recurrent.py requires: gates by hand, then torch's cells and nn.LSTM."""

import itertools

import torch
from torch import nn

from checks.functions import as_exact, calls_none, gives
from checks.modules import drawn_as_linear, has_parameters, made_by_hand, put
from checks.tools import attempt, close, equal, filled, keeps_device, names_are, strided, tensor

SIZES = (5, 3, 2), (5, 5, 5), (1, 2, 3), (3, 2, 1), (6, 1, 2)  # B, I, H
GATES = {"rnn_cell": 1, "gru_cell": 3, "lstm_cell": 4}
ON, OFF = 50.0, -50.0  # of a gate that is 1, and of one that is 0


def by_hand(rnn_cell, gru_cell, lstm_cell, LSTM):
    new = made_by_hand(LSTM, (3, 2), (nn.RNNBase, nn.RNNCellBase))
    state = torch.randn(2, 4, 2).unbind()
    calls = [("LSTM(3, 2)", new, [torch.randn(4, n, 3), state]) for n in (1, 9)]
    calls += [("LSTM(3, 2)", new, [torch.randn(n, 5, 3)]) for n in (4, 1)]
    for name, cell, _, gates in cells(rnn_cell=rnn_cell, gru_cell=gru_cell, lstm_cell=lstm_cell):
        calls += [(name, cell, random(gates, *size)) for size in SIZES[::2]]
    for (name, function, given), training in itertools.product(calls, (True, False)):
        new.train(training)
        given[0].requires_grad_(training)
        told = f"{name}, x {tuple(given[0].shape)}{', eval mode and no_grad' * (not training)}"
        with torch.set_grad_enabled(training):
            calls_none(told, function, given, ("rnn", "gru", "lstm"))


def rnn(rnn_cell):
    what = "rnn_cell, x [[1]], h [[2]], w_ih [[0.3]], w_hh [[0.4]], b_ih [0.1], b_hh [-0.2]"
    given = [torch.tensor(t) for t in ([[1.0]], [[2.0]], [[0.3]], [[0.4]], [0.1], [-0.2])]
    gives(what, rnn_cell, given, [[0.7616]], 1e-4)
    as_cell(rnn_cell=rnn_cell)


def gru(gru_cell):
    for said, b_ih, b_hh, want in (
        ("z is 1", [0.0, ON, 0.5], [0.0] * 3, 2.0),
        ("z is 0, r is 1", [ON, OFF, 0.5], [0.0, 0.0, 0.25], 0.6351),
        ("z is 0, r is 0", [OFF, OFF, 0.5], [0.0, 0.0, 0.25], 0.4621),
    ):
        what = f"gru_cell, weights 0, b_ih {b_ih}, b_hh {b_hh}, so that {said}, h [[2]]"
        (x, h), zeros = torch.tensor([[[1.0]], [[2.0]]]), torch.zeros(3, 1)
        given = x, h, zeros, zeros, torch.tensor(b_ih), torch.tensor(b_hh)
        gives(what, gru_cell, given, [[want]], 1e-4)
    as_cell(gru_cell=gru_cell)


def lstm(lstm_cell):
    for said, b_ih, h, c in (
        ("i is 0, f and o are 1", [OFF, ON, 1.0, ON], 0.9640, 2.0),
        ("i and o are 1, f is 0", [ON, OFF, 1.0, ON], 0.6420, 0.7616),
        ("i and f are 1, o is 0", [ON, ON, 1.0, OFF], 0.0, 2.7616),
    ):
        what = f"lstm_cell, weights 0, b_ih {b_ih}, so that {said}, h [[2]], c [[2]]"
        (x, *state), zeros = torch.tensor([[[1.0]], [[2.0]], [[2.0]]]), torch.zeros(4, 1)
        given = x, tuple(state), zeros, zeros, torch.tensor(b_ih), torch.zeros(4)
        got = pair(what, attempt(what, lstm_cell, *given))
        for name, now, want in zip(("c'", "h'"), got[::-1], (c, h), strict=True):
            close(tensor(now, what), torch.tensor([[want]]), f"{what}: {name}", 1e-4)
    as_cell(lstm_cell=lstm_cell)


def weights(LSTM):
    for sizes in ((3, 2), (2, 2), (1, 5)):
        want = {name: tuple(p.shape) for name, p in nn.LSTM(*sizes).named_parameters()}
        what, new = f"LSTM{sizes}", LSTM(*sizes)
        names_are(dict(new.named_parameters()), want, f"{what}: its parameters")
        names_are(new.state_dict(), want, f"{what}: its state dict")
        for name, shape in want.items():
            equal(f"{what}.{name} has shape", tuple(getattr(new, name).shape), shape)
        has_parameters(what, new, *want.values())
    for sizes in ((10, 64), (60, 50)):
        drawn_as_linear(LSTM, sizes, sizes[1])


def layer(LSTM):
    for B, L, *sizes in ((2, 4, 3, 4), (3, 3, 3, 3), (1, 1, 1, 2)):
        mine, twin = with_twin(LSTM, sizes)
        for given in ("given", "None", "left out", "given, eval mode"):
            mine.train("eval" not in given)
            x, state = torch.randn(B, L, sizes[0]), torch.randn(2, B, sizes[1]).unbind()
            with torch.no_grad():
                want, last = twin(x, tuple(t[None] for t in state) if "given" in given else None)
            told = f"LSTM{tuple(sizes)}, x {tuple(x.shape)}, state {given}"
            states = {"None": [None], "left out": []}.get(given, [state])
            results_are(told, mine, [x, *states], (want, last[0][0], last[1][0]))


def exact(rnn_cell, gru_cell, lstm_cell, LSTM):
    for name, cell, library, gates in cells(
        rnn_cell=rnn_cell, gru_cell=gru_cell, lstm_cell=lstm_cell
    ):
        names = ["x", "h", *["c"] * (gates == 4), "w_ih", "w_hh", "b_ih", "b_hh"]
        given = dict(zip(names, random(gates, 5, 3, 2, torch.float64), strict=True))
        as_exact(f"{name}, float64, not contiguous", cell, library, given)
    mine, twin = (model.double() for model in with_twin(LSTM, (3, 2)))
    x, h, c = (strided(*size, dtype=torch.float64) for size in ((4, 9, 3), (4, 2), (4, 2)))
    pairs = {name: (getattr(mine, name, p), p) for name, p in twin.named_parameters()}
    what = "LSTM(3, 2), float64, x (4, 9, 3) not contiguous"
    for mode, given in ((", train mode", {}), (", with a state, eval mode", {"h": h, "c": c})):
        mine.train("train" in mode)
        as_exact(what + mode, flat(mine), flat(twin, 1), {"x": x, **given}, own=pairs)


def empty(LSTM):
    layer, zeros = filled(LSTM(3, 2)).double(), torch.zeros
    for (B, L), given in itertools.product(((4, 0), (0, 5), (0, 0), (1, 0)), ("None", "given")):
        x, (h, c) = zeros(B, L, 3).double(), torch.randn(2, B, 2).double()
        state, start = ((h, c), (h, c)) if given == "given" else (None, (h * 0, c * 0))
        told = f"LSTM(3, 2), float64, x {(B, L, 3)}, state {given}"
        results_are(told, layer, [x, state], (zeros(B, L, 2).double(), *start))


def device(LSTM):
    layer = LSTM(3, 2).to("meta")
    for L, i in itertools.product((2, 0), (0, 1, 2)):
        what, x = f"LSTM(3, 2), L {L}", torch.randn(4, L, 3)
        keeps_device(what, lambda x, i=i: parts("", layer(x))[i], x)


CORE = (by_hand, rnn, gru, lstm, weights, layer)
EDGES = (exact, empty, device)


def random(gates, B, D, H, dtype=torch.float32):
    """x, h, c where there are four gates, and the weights of a cell, none contiguous."""
    states = [(B, H)] * (1 + (gates == 4))
    sizes = (B, D), *states, (gates * H, D), (gates * H, H), (gates * H,), (gates * H,)
    return [strided(*size, dtype=dtype) for size in sizes]


def cells(**given):
    """Each with its name, torch's cell, both of tensors and with one result, and its gates."""

    def joined(cell):
        return lambda x, h, c, *weights: torch.cat(pair("lstm_cell", cell(x, (h, c), *weights)), -1)

    for name, cell in given.items():
        both = cell, getattr(torch, name.replace("rnn", "rnn_tanh"))
        yield name, *(map(joined, both) if name == "lstm_cell" else both), GATES[name]


def as_cell(**given):
    """What torch's cell gives, for some sizes."""
    for (name, cell, library, gates), size in itertools.product(cells(**given), SIZES):
        inputs = random(gates, *size)
        gives(f"{name}, B {size[0]}, I {size[1]}, H {size[2]}", cell, inputs, library(*inputs))


def with_twin(LSTM, sizes):
    """An LSTM and nn.LSTM with the same numbers."""
    mine, twin = LSTM(*sizes), filled(nn.LSTM(*sizes, batch_first=True))
    put(mine, {name: p.tolist() for name, p in twin.named_parameters()})
    return mine, twin


def flat(model, *ones):
    """All that it gives, in one row; a state has these sizes before its own."""

    def call(x, *state):
        got = model(x, tuple(t.view(*ones, *t.shape) for t in state) or None)
        return torch.cat([t.flatten() for t in parts("LSTM(3, 2)", got)])

    return call


def pair(what, got, want="a pair"):
    """It is two."""
    two = isinstance(got, tuple | list) and len(got) == 2
    assert two, f"{what} gave {type(got).__name__}, want {want}"
    return got


def parts(what, got):
    """The out, h and c of a result."""
    out, state = pair(what, got, "(out, (h, c))")
    return [tensor(t, what) for t in (out, *pair(f"{what}: for the state it", state, "(h, c)"))]


def results_are(what, layer, inputs, want):
    """Its out, h and c."""
    got = parts(what, attempt(what, layer, *inputs))
    for name, now, right in zip(("out[b, t]", "h", "c"), got, want, strict=True):
        close(now, right.detach(), f"{what}: {name}")
