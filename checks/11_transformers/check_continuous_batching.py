"""What challenge_continuous_batching.py requires.

The next token of a Run's model follows from each id of a text, so it is known what a request gets
alone. The prompt of request i begins with i. `slots` alone judges when a request is active;
`results` and `failure` go by the calls that the model got.
"""

from contextlib import suppress
from functools import lru_cache
from itertools import product

import torch

from checks.tools import attempt, equal, refuses

V = 20
# max_batch_size, and how many requests come before each step
STORIES = (2, [8]), (3, [5, 1, 1, 0, 0, 3]), (1, [3]), (8, [4]), (2, [1, 0, 0, 0, 4, 1]), (2, [0])
SHAPES = "(n + 1, V)", "(n - 1, V)", "(n, V - 1)", "(n, V + 1)", "(n, 1, V)", "(n, V, 1)"
SHAPES += "(V,)", "(n,)"


def batch(ContinuousBatchScheduler, Request):
    for counts in ([3], [7], [2, 1, 0, 3]):
        run = Run(ContinuousBatchScheduler, Request, 8, counts, alike=4)
        for step in range(run.steps):
            what = f"{run.what}: step {step + 1}"
            run.step(step)
            equal(f"{what}: calls of the model so far", len(run.calls), step + 1)
            (ids, lengths, _), texts = run.calls[-1], sorted(run.texts[-1])
            new = [(i, run.plans[i][: step - run.spans[i].start]) for i in run.active(step)]
            want = sorted(run.prompts[i] + tokens for i, tokens in new)
            kinds = [(len(want), max(map(len, want)), torch.int64), (len(want), torch.int64)]
            equal(f"{what}: ids, lengths are", [(*t.shape, t.dtype) for t in (ids, lengths)], kinds)
            equal(f"{what}: the texts in ids", texts, want)
            wrong = [token for token in ids.flatten().tolist() if not 0 <= token < V]
            equal(f"{what}, V {V}: ids that are outside 0 to V - 1", wrong, [])


def alone(ContinuousBatchScheduler, Request):
    for room, at in ((1, 0), (2, 100), (3, -100), (9, 1e9)):
        run = Run(ContinuousBatchScheduler, Request, room, [7], 0, at=at, alike=4, longer=3)
        run.has_all(f"max_batch_size {room}, logits around {at}, no eos")


def ends(ContinuousBatchScheduler, Request):
    for room, eos in ((1, 0), (2, V - 1), (9, 5)):
        run = Run(ContinuousBatchScheduler, Request, room, [11], 0.4, eos)
        run.has_all(f"max_batch_size {room}, eos_token_id {eos}")


def slots(ContinuousBatchScheduler, Request):
    for story in STORIES:
        run = Run(ContinuousBatchScheduler, Request, *story)
        for step in range(run.steps + 2):
            before = len(run.texts)
            run.step(step)
            got = sorted(text[0] for texts in run.texts[before:] for text in texts)
            equal(f"{run.what}: in step {step + 1}, active are", got, run.active(step))


def results(ContinuousBatchScheduler, Request):
    for (room, counts), most in (*product(STORIES, [99]), ((1, [14]), 0), (STORIES[0], 2)):
        run = Run(ContinuousBatchScheduler, Request, room, counts)
        for step in range(max(len(counts), min(most, run.steps + 2))):
            told, said = f"{run.what}: step {step + 1}", run.step(step)
            rows = [text[0] for texts in run.texts for text in texts]
            left = any(rows.count(i) < len(run.spans[i]) for i in range(run.added))
            equal(f"{told} gave", repr(said), repr(left))
            want = [plan[: rows.count(i)] for i, plan in enumerate(run.plans)]
            equal(f"{told}: .generated", [r.generated for r in run.requests], want)
        for call in ("then run", "run again"):
            run.gives_all(call)


def state(ContinuousBatchScheduler, Request):
    for before, bad in product((True, False), (None, KeyError)):
        what = f"gradients {'on' if before else 'off'}, the model {'fails' if bad else 'works'}"
        with torch.set_grad_enabled(not before):
            run = Run(ContinuousBatchScheduler, Request, 2, [3])
            run.add(0)
            equal("after __init__ gradients are on:", torch.is_grad_enabled(), not before)
        run.bad = bad
        with torch.set_grad_enabled(before):
            for name in ("step", "step", "run"):
                with suppress(KeyError):
                    getattr(run.scheduler, name)(run)
                equal(f"{what}: after {name} they are on:", torch.is_grad_enabled(), before)
        equal(f"{what}: in the model they are on:", any(on for *_, on in run.calls), False)
        equal(f"{what}: input_ids are then", [r.input_ids for r in run.requests], run.prompts)


def failure(ContinuousBatchScheduler, Request):
    run = Run(ContinuousBatchScheduler, Request, 2, [5])
    run.add(0)
    for step in range(run.steps):
        name, first = ("step", "run")[step % 2], len(run.texts)
        fails = step % 3 != 1 and [r.generated for r in run.requests] != run.plans
        for bad in (*SHAPES, KeyError, RuntimeError) if fails else ():
            gives = f"gives {bad} for (n, V)" if bad in SHAPES else f"raises {bad.__name__}"
            what, calls = f"{run.what}: {name} as step {step + 1}, model {gives}", len(run.texts)
            run.bad, error = bad, ValueError if bad in SHAPES else bad
            refuses(getattr(run.scheduler, name), run, errors=(error,), call=what)
            equal(f"{what}: calls of the model", len(run.texts) - calls, 1)
            want, texts = sorted(run.texts[first]), sorted(run.texts[-1])
            equal(f"{what}, after other errors: texts in ids are", texts, want)
        run.bad = None
        run.step(step)
        texts = [sorted(texts) for texts in run.texts[first:]]
        equal(f"{run.what}: step {step + 1}, after errors: ids have", texts[-1:], texts[:1])
    run.has_all("the model fails now and then")
    run.gives_all("run, after errors,")


def refused(ContinuousBatchScheduler, Request):
    for size in (0, -1):
        refuses(ContinuousBatchScheduler, size, 0, V, errors=(ValueError,))
    bad = ([], 3), ([V], 3), ([5, V], 3), ([V, 5], 1), ([-1], 3), ([5, -3, 5], 1), ([5], 0)
    for ids, most in (*bad, ([5], -1)):
        run, one = Run(ContinuousBatchScheduler, Request, 2, [0]), Request(9, ids, most)
        what = f"vocab_size {V}, add_request of input_ids {ids}, max_gen_len {most}"
        refuses(run.scheduler.add_request, one, errors=(ValueError,), call=what)
        gave = attempt(f"{what}, then run", run.scheduler.run, run)
        equal(f"{what}, then run: requests that ended", len(gave), 0)


CORE = (batch, alone, ends, slots, results)
EDGES = (state, failure, refused)


@lru_cache
def table(ends, eos, at):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(997, V, generator=generator).double() + (at or 0)
    logits[:, eos] = logits.min() - 9
    if at is None:  # one token is much better than the others
        logits = 30 * torch.eye(V)[logits.argmax(dim=1)]
        logits[torch.rand(997, generator=generator) < ends, eos] = 60
    return logits, logits.argmax(dim=1).tolist()


class Run:
    """A scheduler, its model, requests, what each generates (.plans), and when (.spans)."""

    def __init__(
        self, Scheduler, Request, room, counts, ends=0.2, eos=5, at=None, alike=99, longer=1
    ):
        self.scheduler = Scheduler(room, eos, V)
        (self.logits, best), self.calls, self.texts, self.bad = table(ends, eos, at), [], [], None
        self.counts, self.added, self.requests = counts, 0, []
        self.prompts, self.plans, self.spans, free = [], [], [], [0] * room
        for i, step in enumerate(step for step, n in enumerate(counts) for _ in range(n)):
            k = i % alike
            prompt, plan = [k, *range(5, 5 + 3 * k % 5 * longer)], []
            most = longer * (1 + 3 * i % 7)
            while len(plan) < most and (not plan or plan[-1] != eos):
                plan.append(best[hash((*prompt, *plan)) % 997])
            start = max(step, min(free))
            free[free.index(min(free))] = start + len(plan)
            self.spans.append(range(start, start + len(plan)))
            self.prompts.append(prompt)
            self.plans.append([token for token in plan if token != eos])
            self.requests.append(Request(50 - i, list(prompt), most))
        self.steps, needs = max(free), [len(span) for span in self.spans]
        told = f", {counts} before each step" if counts[1:] else ""
        self.what = f"max_batch_size {room}, requests of {needs} steps{told}"

    def __call__(self, ids, lengths):
        texts = [row[:n] for row, n in zip(ids.tolist(), lengths.tolist(), strict=True)]
        self.calls.append((ids, lengths, torch.is_grad_enabled()))
        self.texts.append(texts)
        told = f"call {len(self.calls)} with {len(texts)} rows, want 1 row, < 200 calls"
        assert texts and len(self.calls) < 200, told
        if self.bad in SHAPES:
            return torch.zeros(eval(self.bad, {"n": len(texts), "V": V}))
        if self.bad:
            raise self.bad("as it should")
        return self.logits[[hash(tuple(text)) % 997 for text in texts]]

    def active(self, step):
        return [i for i, span in enumerate(self.spans) if step in span]

    def add(self, step):
        while self.added < sum(self.counts[: step + 1]):
            self.scheduler.add_request(self.requests[self.added])
            self.added += 1

    def step(self, step):
        self.add(step)
        return attempt(f"{self.what}: step {step + 1}", self.scheduler.step, self)

    def has_all(self, what):
        for step in range(self.steps + 9):
            self.step(step)
        for r, plan in zip(self.requests, self.plans, strict=True):
            told = f"{what}: prompt {r.input_ids}, max_gen_len {r.max_gen_len}: .generated"
            equal(told, repr(r.generated), repr(plan))

    def gives_all(self, call):
        gave = attempt(f"{self.what}: {call}", self.scheduler.run, self)
        gave = [self.requests.index(r) if r in self.requests else "another" for r in gave]
        last = {text[0]: at for at, texts in enumerate(self.texts) for text in texts}
        want = sorted(range(self.added), key=lambda i: last.get(i, 999))  # all have ended
        equal(f"{self.what}: {call} gave requests", gave, want)
