"""What challenge_lm_evaluation.py requires.

`once`, `rates` and `choice` use models whose guess needs the last token alone, so that only sums
and places count; `windows` one that guesses by all it is given, and notes what that is.
"""

import contextlib
import itertools
import math

import torch
from torch import nn

from checks.functions import number_is
from checks.tools import attempt, equal, refuses, unchanged

SIZES = [(2, 1, 1), (2, 9, 3), (7, 6, 2), (8, 6, 6), (9, 4, 2), (9, 4, 4), (10, 4, 3), (6, 1, 1)]
SIZES += [(12, 5, 1), (40, 16, 5)]  # ids, context_length, stride
P = [[0.5, 0.5, 0, 0], [0, 0.25, 0.75, 0], [0.125, 0, 0.375, 0.5], [0.1, 0.2, 0.3, 0.4]]
LOGITS = torch.tensor(P).double().log() + torch.tensor([[3.0], [-2], [0], [9]])
CHOICES = [([0], [0], [1, 2], [1, 1]), ([3, 3], [0], [3], [2]), ([0, 1], [1], [2, 3, 3], [2, 3])]
CHOICES += [([3, 1, 2], [3, 3, 2], [2], [0, 1]), ([2], [2, 3], [3], [0, 0]), ([0], [0, 0], [0])]
CHOICES += [([3, 0], [1, 1], [0, 1], [1, 2], [1, 2]), ([2, 0, 1, 1, 1], [2], [2, 2, 2])]
CHOICES += [([2], [0, 0, 0, 0], [2]), ([0, 0, 0, 0, 0], [1, 2, 3], [0, 0, 0], [1])]


class Guesses(nn.Module):
    """Markov: logits by the last token; else by all tokens so far. It notes how it was called."""

    def __init__(self, table, markov=True, fails=False):
        super().__init__()
        self.table = nn.Parameter(torch.as_tensor(table))
        self.parts = nn.ModuleList([nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.1)).eval()])
        self.markov, self.fails, self.seen, self.modes = markov, fails, [], []

    def forward(self, ids):
        if self.fails:
            raise self.fails
        equal("the model got ids with dims:", ids.dim(), 2)
        assert len(self.modes) < 300, "the model was called 300 times, want far fewer"
        self.seen += ids.tolist()
        self.modes.append((any(m.training for m in self.modules()), torch.is_grad_enabled()))
        logits = self.table[ids]
        return logits if self.markov else logits.cumsum(1) / 2 + logits.roll(1, -1)


def once(sequence_nll):
    model = Guesses(LOGITS)
    for n, context, stride in SIZES:
        ids = torch.tensor(([0, 1, 2, 3, 3, 1, 2, 0, 1, 1, 2, 2] * 4)[:n])
        want = -sum(math.log(P[a][b]) for a, b in itertools.pairwise(ids.tolist()))
        what = f"{n} ids, context_length={context}, stride={stride}"
        got = nll_of(what, sequence_nll, model, ids, context, stride)
        equal(f"{what}: tokens scored", got[1], n - 1)
        number_is(f"{what}, a model that needs the last token alone: the sum", got[0], want)


def windows(sequence_nll):
    for n, context, stride in SIZES:
        ids, table = torch.randint(5, (n,)), torch.randn(5, 5).double()
        model, twin, want, begins = Guesses(table, False), Guesses(table, False), 0.0, []
        for t in range(1, n):
            begin = next(b for b in range(0, n, stride) if b < t <= b + context)
            if begin not in begins:
                begins.append(begin)
                logp = twin(ids[None, begin : begin + context])[0].detach().log_softmax(-1)
            want -= float(logp[t - 1 - begin, ids[t]])
        what = f"{n} ids, context_length={context}, stride={stride}"
        got = nll_of(what, sequence_nll, model, ids, context, stride)
        most = max(map(len, model.seen), default=0)
        equal(f"{what}: most inputs of a window", most, min(context, most))
        passes = [ids[b : b + context][: n - 1 - b].tolist() for b in begins]
        equal(f"{what}: windows given to the model:", len(model.seen), len(passes))
        given = [one[: len(right)] for one, right in zip(model.seen, passes, strict=True)]
        equal(f"{what}: the windows", given, passes)
        number_is(f"{what}, a model that uses all it is given: the sum", got[0], want)


def rates(perplexity, bits_per_byte):
    cases = [(f"1/{v} each", torch.zeros(v, v).double(), [0] * (10 - v), v) for v in (2, 8)]
    cases.append(("exp(-30) each", torch.tensor([[30.0, 0]] * 2).double(), [1] * 8, math.exp(30)))
    cases.append(("1/2, 3/4, 3/8, 1/2", LOGITS, [0, 1, 2, 2, 3], (128 / 9) ** 0.25))
    for (told, table, ids, want), size in itertools.product(cases, ((4, 2), (3, 3), (5, 1))):
        what = f"perplexity, {len(ids)} ids of p {told}, context_length and stride {size}"
        model = Guesses(table)
        number_is(what, attempt(what, perplexity, model, torch.tensor(ids), *size), want)
        passes = 1 + math.ceil(max(0, len(ids) - 1 - size[0]) / size[1])
        equal(f"{what}: windows given to the model:", len(model.seen), passes)
    for bits, num_bytes in ((8, 2), (1, 3), (0, 7), (5.5, 1), (1e6, 250_000)):
        what = f"bits_per_byte({bits} * log(2), {num_bytes})"
        got = attempt(what, bits_per_byte, bits * math.log(2), num_bytes)
        number_is(what, got, bits / num_bytes, 1e-12)


def pass_at_k(pass_at_k):
    cases = [(n, c, k) for n in range(1, 7) for c in range(n + 1) for k in range(1, n + 1)]
    for n, c, k in (*cases, (10_000, 1, 5000), (10_000, 2, 1), (2000, 1, 700), (200, 60, 100)):
        none = math.prod((n - c - i) / (n - i) for i in range(k))  # one after the other is wrong
        what = f"pass_at_k(n={n}, c={c}, k={k})"
        number_is(what, attempt(what, pass_at_k, n, c, k), 1 - none, 1e-9)


def choice(pick_choice):
    drawn = [[torch.randint(4, (m,)).tolist() for m in (n, 1, 3, 2, 3)] for n in (2, 1, 5, 3)]
    for markov, (prompt, *choices) in [(True, one) for one in CHOICES] + [
        (False, d) for d in drawn
    ]:
        model = Guesses(LOGITS if markov else 400 * torch.randn(4, 4).double(), markov)
        each = []  # log p of each token of each choice
        for one in choices:
            logp = model(torch.tensor([prompt + one]))[0].detach().log_softmax(-1)
            each.append([float(logp[len(prompt) - 1 + i, token]) for i, token in enumerate(one)])
        for more in ({}, {"normalize": False}):
            scores = [sum(ps) / (1 if more else len(ps)) for ps in each]
            what = f"prompt {prompt}, choices {choices}, {'normalize=False' if more else 'default'}"
            what += "" if markov else ", a model that uses all it is given, -log p up to thousands"
            texts = [torch.tensor(one) for one in choices]
            got = attempt(what, pick_choice, model, torch.tensor(prompt), texts, **more)
            want = "int", scores.index(max(scores))
            equal(f"{what}: choice", (type(got).__name__, got), want)


def modes(sequence_nll, perplexity, pick_choice):
    ids = torch.tensor([0, 1, 2, 0])
    calls = {"sequence_nll": lambda model: sequence_nll(model, ids, 2, 1)}
    calls["perplexity"] = lambda model: perplexity(model, ids, 2, 1)
    calls["pick_choice"] = lambda model: pick_choice(model, ids, [ids, ids[:1]])
    bad = {"sequence_nll, stride 3 of 2": lambda model: sequence_nll(model, ids, 2, 3)}
    bad["pick_choice, no choices"] = lambda model: pick_choice(model, ids, [])
    errors = None, RuntimeError("no memory"), KeyboardInterrupt()
    flags = (True, True), (True, False), (False, True)
    cases = *itertools.product(calls, errors, flags), *itertools.product(bad, [Exception()], flags)
    for name, error, (training, grad) in cases:
        model = Guesses(torch.zeros(3, 3), fails=error).train(training)
        model.parts[1].train(not training)
        before = [m.training for m in model.modules()]
        what = f"{name}, a model in {'train' if training else 'eval'} mode, grad mode {grad}"
        what += f", {type(error).__name__} in its forward" if error and name in calls else ""
        with torch.set_grad_enabled(grad):
            with contextlib.suppress(*[type(error)] if error else []):
                (calls | bad)[name](model)
            equal(f"{what}: then grad mode", torch.is_grad_enabled(), grad)
        after = [m.training for m in model.modules()]
        equal(f"{what}: then training of its modules", after, before)
        told = f"{what}: in its forward, (a module in train mode, grad mode)"
        equal(told, {*model.modes}, set() if error else {(False, False)})


def precision(sequence_nll, perplexity, pick_choice):
    for dtype, tol in ((torch.float16, 1e-5), (torch.bfloat16, 1e-5), (torch.float64, 1e-12)):
        ids, model = torch.randint(50, (400,)), Guesses(4 * torch.randn(50, 50).to(dtype))
        model.table.data[ids[5], ids[6]] = -300  # whose p is 0 in float32, and whose log p is not
        logp = model.table.detach().double().log_softmax(1)
        want = -float(logp[ids[:-1], ids[1:]].sum())
        what = f"logits in {dtype}, 400 ids, context_length=300, stride=200"
        number_is(what, nll_of(what, sequence_nll, model, ids, 300, 200)[0], want, tol)
        got = attempt(what, perplexity, model, ids, 300, 200)
        number_is(f"perplexity, {what}", got, math.exp(want / 399), 10 * tol)
    for dtype, gap in ((torch.bfloat16, 2.0**-9), (torch.float64, 1e-12)):
        table = torch.tensor([[0, gap, 0], [0, 0, 0], [0, 0, 0]], dtype=dtype)
        what = f"logits in {dtype}, [0, {gap:.0e}, 0], choices [0], [1]"
        prompt, *texts = torch.tensor([[0], [0], [1]])
        got = attempt(what, pick_choice, Guesses(table), prompt, texts)
        equal(f"{what}: choice", got, 1)


def refused(sequence_nll, perplexity, pass_at_k, pick_choice):
    model, some, none = Guesses(torch.zeros(3, 3)), torch.tensor([0, 1, 2]), torch.tensor([]).long()
    for call, function, *inputs in (
        *((f"stride={s}, context_length=4", sequence_nll, model, some, 4, s) for s in (0, -1, 5)),
        *((f"{len(t)} ids", sequence_nll, model, t, 4, 2) for t in (none, some[:1])),
        ("perplexity, stride=5, context_length=4", perplexity, model, some, 4, 5),
        ("perplexity, 1 id", perplexity, model, some[:1], 4, 2),
        *((f"pass_at_k{s}", pass_at_k, *s) for s in ((4, 5, 1), (4, -1, 1), (4, 0, 0), (4, 4, 5))),
        ("no prompt", pick_choice, model, none, [some]),
        ("no choices", pick_choice, model, some, []),
        ("an empty choice, the second", pick_choice, model, some, [some, none]),
        ("an empty choice, the only one", pick_choice, model, some, [none]),
    ):
        refuses(function, *inputs, errors=(ValueError,), call=call)


CORE = (once, windows, rates, pass_at_k, choice)
EDGES = (modes, precision, refused)


def nll_of(what, sequence_nll, model, ids, context, stride):
    """(sum, tokens), a float and an int."""
    with unchanged(what, ids):
        gave = attempt(what, sequence_nll, model, ids, context, stride)
    kinds = [type(one).__name__ for one in gave] if isinstance(gave, tuple) else type(gave).__name__
    equal(f"{what} gave", kinds, ["float", "int"])
    return gave
