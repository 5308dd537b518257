"""What challenge_batched_inference.py requires, with a clock that is set by hand."""

from concurrent.futures import Future
from itertools import product

import torch
from torch import nn

from checks.tools import attempt, close, equal, result_of, unchanged


def results(BatchingServer):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    sevens = torch.randn(7, 3, dtype=torch.float64)
    # of a request of one number, nn.Flatten(0) makes a number
    for model, rows in ((net.eval(), sevens), (nn.Flatten(0).eval(), torch.rand(3, 1))):
        server, what = Server(BatchingServer, model, 4), f"{len(rows)} requests, max_batch=4"
        futures = [server.submit(row) for row in rows]
        for server.now in (0.0, 1000.0):
            server.poll(what)
        for i, future in enumerate(futures, 1):
            told = f"{what}, each {tuple(rows[0].shape)}: result {i}"
            close(answer_of(told, future), model(rows[i - 1 : i])[0].detach(), told, 1e-6)


def full(BatchingServer):
    for most, story, batches in (  # a story is told to the helper at the end
        (3, [(0, 8 * "a", [1, 2, 3]), (0, "", [4, 5, 6]), (0, "", [])], [[1, 2, 3], [4, 5, 6]]),
        (3, [(0, "aa", []), (1, "a", [1, 2, 3]), (1, "", [])], [[1, 2, 3]]),
        (1, [(0, "aa", [1]), (0, "", [2]), (0, "", [])], [[1], [2]]),
    ):
        what, server = tell(BatchingServer, most, 9.0, story)
        equal(f"{what}: the model got", server.model.batches, batches)


def wait(BatchingServer):
    for limit, story in (
        (1.0, [(0, "a", []), (0.5, "a", []), (0.9375, "", []), (1, "", [1, 2]), (1, "", [])]),
        (1.0, [(0, "aa", []), (0.5, "aa", [1, 2, 3]), (1.375, "", []), (1.5, "", [4])]),
        (1.0, [(0, "aaaa", None), (0.5, "", [1, 2, 3]), (0.9375, "", []), (1, "", [4])]),
        (2.0, [(-7, "a", []), (-5.5, "", []), (-5, "", [1]), (4, "a", []), (9, "", [2])]),
        (0.0, [(5, "a", [1]), (5, "aa", [2, 3]), (5, "", [])]),
    ):
        tell(BatchingServer, 3, limit, story)


def shapes(BatchingServer):
    two, three, flat, square, wide = map(torch.zeros, ((2,), (3,), (1, 2), (2, 2), (2, 3)))
    for a, b in ((two, three), (two, flat), (two, two.long()), (two.double(), two), (square, wide)):
        for story in (
            [(0, "aba", [1, 3]), (0, "", [])],
            [(0, "abba", [1, 4]), (0, "", [2, 3])],
            [(0, "abb", [2, 3]), (0, "", [])],
            [(0, "aabbaa", [1, 2]), (0, "", [3, 4]), (0, "", [5, 6])],
            [(0, "aababb", [1, 2]), (0, "", [3, 5]), (0, "", [])],
            [(0, "b", []), (8, "aa", [1]), (8, "", [2, 3])],
            [(0, "ab", []), (8, "a", [1, 3]), (8, "", [2])],
            [(0, "a", []), (4, "b", []), (8, "a", [1, 3]), (8, "", []), (12, "", [2])],
        ):
            tell(BatchingServer, 2, 8.0, story, a, b)


def inference(BatchingServer):
    model = nn.Sequential(Noting(), nn.Sequential(Noting()))
    server = Server(BatchingServer, model.eval(), 2)
    for whole, grad, second in product((True, False), (True, False), (1, -2)):  # below 0: an error
        what = f"{'all' if whole else 'a part'} in train mode before poll(), gradients {on(grad)}"
        with torch.set_grad_enabled(grad):
            future = server.submit(number(1).requires_grad_())
            server.submit(number(second))
            model.train(whole)[1][0].train()
            for poll in ("poll()", "another poll()"):
                server.poll(what)
                now = on(torch.is_grad_enabled())
                equal(f"{what}: after {poll} they are", now, on(grad))
        equal(f"{what}: passes in", {*model[0].modes, *model[1][0].modes}, {"eval, off"})
        equal(f"{what}: a result has requires_grad", answer_of(what, future).requires_grad, False)


def failure(BatchingServer):
    cases = ([1, -2, 3, -4], 9), ([-1], 9), ([-3, -5], 9), ([1, 2, -3], 9), ([1, 2], 1)
    for numbers, most in cases:
        server = Server(BatchingServer, Noting(most), len(numbers))
        what = f"a model that refuses numbers below 0 and more than {most} in a batch: {numbers}"
        futures = [server.submit(number(i)) for i in (*numbers, 7)]
        counts = [server.poll(what)]
        for i, future in zip(numbers, futures, strict=False):
            told = f"{what}, Future of {i}"
            if i > 0:
                close(answer_of(told, future), number(2 * i), told)
            else:
                assert future.done(), f"{told} is not done, want an exception in it"
                equal(f"{told} holds", repr(future.exception(0)), f"ValueError('{i} is below 0')")
        server.now = 9.0
        counts += [server.poll(what) for _ in range(2)]
        equal(f"{what}, and then 7: poll() gave", counts, [len(numbers), 1, 0])


def input(BatchingServer):
    server, x, futures = Server(BatchingServer, Noting(), 2), torch.tensor([1.0, 5.0]), []
    for x[0] in (1.0, 100.0):
        futures.append(server.submit(x))
    x[0] = 200.0
    what = "x was [1, 5] and then [100, 5] at submit, [200, 5] before poll()"
    server.poll(what)
    for i, want in enumerate((2.0, 200.0), 1):
        out = answer_of(f"{what}: result {i}", futures[i - 1])
        close(out, torch.tensor([want, 10]), f"{what}: twice x, result {i}")
    x, server = torch.tensor([-1.0, 5.0]), Server(BatchingServer, nn.ReLU(inplace=True), 1)
    with unchanged("a model that works in place", x):
        server.submit(x)
        server.poll("a model that works in place")


def cancelled(BatchingServer):
    for story in (
        [(0, "a", []), (0.5, "aa", [], 1), (1.25, "", []), (1.5, "", [2, 3]), (9, "", [])],
        [(0, "aaaa", [1, 3, 4], 2), (1, "", [])],
        [(0, "aa", [], 1, 2), (1, "", []), (1, "aaa", [3, 4, 5])],
        [(0, "abbbaaa", [2, 3, 4], 1), (0, "", [5, 6, 7])],
    ):
        kinds = [number(0), torch.zeros(2)][: len(set(story[0][1]))]
        what, server = tell(BatchingServer, 3, 1.0, story, *kinds)
        given, gone = sum(server.model.batches, []), [i for _, _, _, *gone in story for i in gone]
        equal(f"{what}: of them the model got", [i for i in gone if i in given], [])


CORE = (results, full, wait, shapes, inference, failure)
EDGES = (input, cancelled)


# --- a server and a model that are watched -----------------------------------------------------


class Server:
    """The answer's server; its clock shows .now."""

    def __init__(self, BatchingServer, model, max_batch, max_wait=9.0):
        self.model, self.now = model, 0.0
        self.what = f"BatchingServer(model, {max_batch}, {max_wait}, clock)"
        self.server = BatchingServer(model, max_batch, max_wait, lambda: self.now)

    def submit(self, x):
        future = attempt(f"{self.what}.submit({tuple(x.shape)})", self.server.submit, x)
        assert isinstance(future, Future), f"submit gave {type(future).__name__}, want a Future"
        return future

    def poll(self, what):
        return attempt(f"{what}: {self.what}.poll()", self.server.poll)


class Noting(nn.Module):
    """Twice its input. It notes what it got, and refuses numbers below 0 and long batches."""

    def __init__(self, most=9):
        super().__init__()
        self.weight, self.most = nn.Parameter(torch.tensor(2.0)), most
        self.batches, self.modes = [], []

    def forward(self, x):
        self.modes.append(f"{'train' if self.training else 'eval'}, {on(torch.is_grad_enabled())}")
        self.batches.append(x.flatten(1)[:, 0].int().tolist())
        for i in filter(lambda i: i < 0, self.batches[-1]):
            raise ValueError(f"{i} is below 0")
        if len(x) > self.most:
            raise MemoryError(f"{len(x)} are too many")
        return x * self.weight


def number(i):
    return torch.tensor([float(i)])


def on(grad):
    return "on" if grad else "off"


def answer_of(what, future):
    assert future.done(), f"{what}: the Future is not done, want a result"
    return result_of(what, future.result, 0)


def tell(BatchingServer, max_batch, max_wait, story, *kinds):
    """story: (time, the kinds of the requests then, those that poll() answers, None: no poll(),
    and the requests cancelled before it). Requests are numbered from 1, and hold their numbers.
    """
    server, futures = Server(BatchingServer, Noting(), max_batch, max_wait), []
    kinds, told, answered = kinds or (number(0),), [], []
    for server.now, sent, want, *gone in story:
        for kind in sent:
            x = torch.full_like(kinds["ab".index(kind)], len(futures) + 1)
            futures.append(server.submit(x))
            shown = f" {tuple(x.shape)} {x.dtype}".replace("torch.", "") if kinds[1:] else ""
            told.append(f"{len(futures)}{shown} at {server.now}")
        told += [f"{i} cancelled" for i in gone if futures[i - 1].cancel()]
        if want is None:
            continue
        what = f"max_batch={max_batch}, max_wait={max_wait}, requests {', '.join(told) or 'none'}"
        equal(f"{what}: poll() at {server.now} gave", server.poll(what), len(want))
        answered = sorted(answered + want)
        done = [i for i, f in enumerate(futures, 1) if f.done() and not f.cancelled()]
        equal(f"{what}: after poll() at {server.now}, answered are", done, answered)
    return what, server
