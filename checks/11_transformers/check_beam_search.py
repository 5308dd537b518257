"""What challenge_beam_search.py requires.

Small models are tables, {a beginning: the probabilities after it}; larger ones are random, judged
by a plain twin or by all sequences there are. Each starts with 0. No equal sums but in `ties`.
"""

from itertools import product

import torch

from checks.tools import attempt, equal

REST = [0.5, 0.3, 0.2]  # after a beginning that is not in the table
TWO = {"0": [0.0, 0.4, 0.6], "01": [0.9, 0.05, 0.05], "02": [0.3, 0.4, 0.3]}
SHORT = {"0": [0.2, 0.5, 0.3], "01": [0.45, 0.55, 0.0], "010": [0.05, 0.05, 0.9]}  # eos is 2


def greedy(beam_search):
    table = {"0": [0.2, 0.5, 0.3], "01": [0.1, 0.3, 0.6], "012": [1.0, 0.0, 0.0]}
    for max_len, want in ((5, [0, 1, 2]), (1, [0, 1]), (2, [0, 1, 2])):
        told(beam_search, table, want, max_len, 1, 2)
    told(beam_search, table, [0, 1, 2, 0], 3, 1, 3)
    told(beam_search, TWO, [0, 2, 1], 2, 1, 3)
    like_twin(beam_search, (5, 6, 1, 0.0), (9, 8, 1, 0.0), (4, 6, 1, 2.0))


def beams(beam_search):
    told(beam_search, TWO, [0, 1, 0], 2, 2, 3)
    table = {"0": [0.35, 0.34, 0.31], "00": [0.5, 0.45, 0.05], "01": [0.4, 0.3, 0.3]}
    table |= {"001": [0.95, 0.0, 0.05], "000": [0.4, 0.3, 0.3], "010": [0.34, 0.33, 0.33]}
    told(beam_search, table, [0, 0, 1, 0], 3, 2, 3)
    table = {"0": [0.9, 0.06, 0.04], "00": [0.4, 0.35, 0.25], "002": [1.0, 0.0, 0.0]}
    told(beam_search, table, [0, 0, 2, 0], 3, 3, 3)
    like_twin(beam_search, (5, 4, 2, 0.0), (4, 7, 3, 0.0), (7, 4, 5, 0.0), never=1)
    like_twin(beam_search, (5, 5, 3, 0.0), never=1, low=300)


def finished(beam_search):
    table = {"0": [0.0, 0.45, 0.55], "01": [0.55, 0.45, 0.0], "011": [0.0, 0.0, 1.0]}
    told(beam_search, table, [0, 1, 1, 2], 3, 2, 2, 1.0)
    table = {"0": [0.1, 0.3, 0.6], "00": [1.0, 0.0, 0.0], "000": [0.0, 0.0, 1.0]}
    told(beam_search, table | {"010": [0.35, 0.05, 0.6]}, [0, 1, 0, 2], 3, 2, 2, 2.0)
    table = {"0": [0.5, 0.45, 0.05], "00": [0.5, 0.01, 0.49], "01": [0.56, 0.44, 0.0]}
    told(beam_search, table | {"010": [0.1, 0.1, 0.8]}, [0, 1, 0, 2], 3, 2, 2)
    sizes = (4, 5, 3, 0.0), (3, 6, 2, 0.0), (6, 4, 4, 0.0)
    for model, what in like_twin(beam_search, *sizes, last=1):
        wrong = [tokens for tokens in model.calls if 1 in tokens]
        assert not wrong, f"{what}: log_prob_fn was called with {wrong[0]}, finished by 1"


def result(beam_search):
    told(beam_search, SHORT, [0, 2], 2, 2, 2)
    told(beam_search, {"0": [0.0, 0.6, 0.4], "01": [0.0, 0.1, 0.9]}, [0, 1, 2], 4, 2, 2)
    row, last = [0.0, 0.9, 0.1], [0.6, 0.3, 0.1]
    table = {"0": row, "01": row, "011": row, "0111": row, "01111": last}  # four are finished
    told(beam_search, table, [0, 1, 1, 1, 1, 0], 5, 2, 2)
    table = {"0": [0.2, 0.5, 0.3], "01": [0.6, 0.4, 0.0], "010": [0.9, 0.05, 0.05]}
    told(beam_search, table, [0, 1, 0, 0], 3, 2, 2, 1.0)
    for v in (3, 4, 5) * 3:
        model = Random(v, 2)
        model.search(beam_search, model.best(2), 2, v, 1)


def penalty(beam_search):
    told(beam_search, SHORT, [0, 2], 3, 2, 2)
    told(beam_search, SHORT, [0, 1, 0, 2], 3, 2, 2, 1.0)
    table = {"0": [0.0, 0.407, 0.368], "01": [0.0, 0.819, 0.497], "011": [0.0, 0.0, 0.368]}
    for power, want in ((0.3, [0, 2]), (0.62, [0, 2]), (0.75, [0, 1, 1, 2]), (3.0, [0, 1, 1, 2])):
        told(beam_search, table, want, 3, 2, 2, power)  # sums -1, -1.6 and -2.1
    table = {"0": [0.0, 0.301, 0.368], "01": [0.0, 0.0, 0.273]}
    for power, want in ((1.0, [0, 2]), (2.0, [0, 1, 2])):
        told(beam_search, table, want, 2, 2, 2, power)  # sums -1 and -2.5
    like_twin(beam_search, (4, 5, 3, 0.6), (3, 6, 2, 1.0), (6, 4, 4, 2.0), last=1)


def work(beam_search):
    for v, max_len, width in ((5, 4, 3), (3, 7, 2), (4, 6, 4)):
        model = Random(v, max_len)
        what = f"{model.name}, max_len {max_len}, beam_width {width}: log_prob_fn was called with"
        attempt(what, beam_search, model, v - 1, max_len, width, 1)
        equal(what, model.kinds, {"1-dim torch.int64"})
        for n in range(1, max_len + 1):
            calls = [tokens for tokens in model.calls if len(tokens) == n]
            twice = [tokens for tokens in calls if calls.count(tokens) > 1]
            assert not twice, f"{what} {twice[0]} {calls.count(twice[0])} times, want 1"
            more = f"{what} {len(calls)} sequences of {n}, want {width} at most"
            assert len(calls) <= width, more


def ties(beam_search):
    for v, width in ((40, 1), (40, 3), (10, 3), (300, 2)):
        what = f"V = {v}, max_len 5, beam_width {width}, all log-probabilities are 0: gave"
        got = attempt(what, beam_search, lambda _, v=v: torch.zeros(v), 0, 5, width, v - 1)
        equal(what, got, [0] * 6)
    even = [0.25] * 4
    told(beam_search, {"0": [0.0, 0.5, 0.5, 0.0]}, [0, 1, 0], 2, 2, 3)
    table = {"0": [0.5, 0.0, 0.0, 0.5], "00": [0.0, 1.0, 0.0, 0.0], "001": [0.0, 0.0, 0.0, 1.0]}
    told(beam_search, table, [0, 3], 2, 2, 3)
    told(beam_search, table, [0, 3], 3, 2, 3)
    table = {"0": [0.25, 0.5, 0.25, 0.0], "00": [0.0, 0.5, 0.5, 0.0], "01": even, "02": even}
    for width in (2, 3):
        told(beam_search, table, [0, 1, 0], 2, width, 3)


def sizes(beam_search):
    for width in (1, 3, 10):
        for power in (0.0, 1.0):
            told(beam_search, SHORT, [0], 0, width, 2, power)
    told(beam_search, SHORT, [0, 1, 0, 2], 3, 50, 2, 1.0)
    table = {"0": [0.0, 1.0, 0.0], "01": [0.0, 0.0, 1.0], "012": [0.0, 1.0, 0.0]}
    for width in (1, 2, 3, 8):
        told(beam_search, table, [0, 1, 2, 1], 3, width, 4, 0.5)
    for v, max_len in ((3, 4), (3, 3), (4, 3)):
        model = Random(v, max_len)
        model.search(beam_search, model.best(max_len), max_len, v**max_len, 1)


def precision(beam_search):
    for dtype, first, gap, one, two in (
        (torch.float16, -8.0, 2**-7, 1.5e-3, 5e-4),
        (torch.bfloat16, -8.0, 2**-4, 1e-2, 1e-3),
        (torch.float32, -1e4, 2**-10, 4e-4, 1e-4),
        (torch.float64, -8.0, -(2**-33), 1e-3, 1e-3),
    ):
        rows = [[-5e4, first, first - gap], [-5e4, -one, -5e4], [-5e4, -5e4, -two]]
        rows = [torch.tensor(row, dtype=dtype) for row in rows]
        what = f"{dtype}, {first} and 20 times {-one}, or {first - gap} and 20 times {-two}"
        got = attempt(what, beam_search, lambda t, r=rows: r[t[-1]].clone(), 0, 21, 2, 3)
        equal(f"{what}: the first token is", got[1], 2)


CORE = (greedy, beams, finished, result, penalty)
EDGES = (work, ties, sizes, precision)


class Random:
    """A model whose rows depend on the length and the last two tokens; it notes its calls."""

    def __init__(self, v, max_len, low=0, never=None, last=None):
        rows = torch.randn(max_len + 1, v, v, v).mul(1.5).log_softmax(-1) - low
        rows[..., [] if never is None else never] = -torch.inf
        if last is not None:  # no other token in the last step
            rows[max_len - 1] = torch.where(torch.arange(v) == last, 0.0, -torch.inf)
        self.rows, self.v, self.start = rows.tolist(), v, [v - 1]
        self.name = f"a random model with V = {v}, start {v - 1}"
        self.calls, self.kinds = [], set()

    def after(self, tokens):
        return self.rows[len(tokens) - 1][tokens[-2] if len(tokens) > 1 else 0][tokens[-1]]

    def __call__(self, tokens):
        self.kinds.add(f"{tokens.dim()}-dim {tokens.dtype}")
        self.calls.append(tokens.tolist())
        return torch.tensor(self.after(self.calls[-1]))

    def total(self, tokens):
        return sum(self.after(tokens[:n])[tokens[n]] for n in range(1, len(tokens)))

    def twin(self, max_len, width, eos, power=0.0):
        alive, done = [self.start], []
        for _ in range(max_len):
            new = [[*tokens, t] for tokens in alive for t in range(self.v)]
            new = sorted(new, key=self.total)[::-1][:width]
            alive, ended = ([s for s in new if (s[-1] == eos) == end] for end in (False, True))
            done += ended
        return max(done + alive, key=lambda s: self.total(s) / (len(s) - 1) ** power)

    def best(self, max_len):
        """Of all sequences."""
        steps = (product(range(self.v), repeat=n + 1) for n in range(max_len))
        every = [[*self.start, *s] for step in steps for s in step]
        whole = [s for s in every if 1 not in s[:-1] and (s[-1] == 1 or len(s) > max_len)]
        return max(whole, key=self.total)

    def search(self, beam_search, want, *given):
        what = f"{self.name}, {shown(*given)}"
        return gives(what, beam_search, self, self.start[0], want, *given)


def like_twin(beam_search, *cases, **kind):
    """V, max_len, beam_width and penalty, each on three random models; gives these."""
    tried = []
    for v, max_len, width, power in cases * 3:
        model = Random(v, max_len, **kind)
        given = max_len, width, 1, *([power] if power else [])
        tried.append((model, model.search(beam_search, model.twin(*given), *given)))
    return tried


def shown(max_len, width, eos, power=0.0):
    more = f", penalty {power}" if power else ""
    return f"max_len {max_len}, beam_width {width}, eos {eos}{more}"


def told(beam_search, table, want, *given):
    """A table's model: the message shows its probabilities."""

    def log_prob_fn(tokens):
        rest = [*REST, 0.0][: len(table["0"])]
        return torch.tensor(table.get("".join(map(str, tokens.tolist())), rest)).log()

    what = f"probabilities {table}, else {REST}; {shown(*given)}"
    gives(what, beam_search, log_prob_fn, 0, want, *given)


def gives(what, beam_search, model, start, want, *given):
    got = attempt(what, beam_search, model, start, *given)
    equal(f"{what}: a result of type", type(got).__name__, "list")
    equal(f"{what}: tokens of type", {type(token).__name__ for token in got}, {"int"})
    equal(f"{what}:", got, want)
    return what
