"""What 11_transformers/buggy_code_4.py requires.

Places are those of the statement, so `alone` says nothing of keep; it and `before` look at logits
of a model of their own, which leaves out what is outside its table of positions.
"""

import torch

from checks.tools import attempt, close, equal, tensor

V, ROWS, D = 12, 40, 6
BATCHES = (
    ([3, 1, 4], [7, 2, 9, 5, 6], [8, 8], [1, 6, 1, 8, 2]),
    ([5], [4, 2]),
    ([3] * 30, [2, 9, 1]),
)
NAMES = "ids", "keep", "positions"


def alone(prepare):
    model = Model()
    for prompts in (*BATCHES, BATCHES[0][::-1], BATCHES[0][1:3]):
        pad, sizes = len(prompts) % 4 // 2 * 11, [len(prompt) for prompt in prompts]
        ids, _, positions = prepared(prepare, prompts, pad)
        batch = model(ids, positions, [max(sizes) - n for n in sizes])
        for i, prompt in enumerate(prompts):
            ids, _, positions = prepared(prepare, [prompt], pad)
            n, single = len(prompt), model(ids, positions)[0]
            off = (batch[i, -n:] - single).abs().amax().item()
            told = f"prompts of {sizes} ids: logits of number {i} are off from those alone by up to"
            assert off < 1e-9, f"{told} {off:.2f}, want 0.00"


def before(prepare):
    model = Model()
    for prompts in ([[3, 1, 4, 1]], [[5]], [[2, 7], [7, 2], [3, 3]], [[*range(1, 12)] * 3]):
        b, n = len(prompts), len(prompts[0])
        ids, _, positions = prepared(prepare, prompts)
        got = model(ids, positions)
        want = model(torch.tensor(prompts), torch.arange(n).expand(b, n))
        what = f"prompts of {[n] * b} ids, now and before"
        close(got[:, -1], want[:, -1], f"{what}: last logits", 1e-9)
        close(got, want, f"{what}: all logits", 1e-9)


def ids(prepare):
    for pad in (0, 11, 50256):
        for prompts in (*BATCHES, [[5]], [[2, 7], [7, 2]]):
            got, longest = prepared(prepare, prompts, pad)[0], max(map(len, prompts))
            for row, prompt in zip(got.tolist(), prompts, strict=True):
                want = [pad] * (longest - len(prompt)) + prompt
                equal(f"L {longest}, pad_id {pad}, prompt {prompt}: its row of ids is", row, want)


def keep(prepare):
    for pad in (0, 11):
        for prompts in (*BATCHES, [[5]], [[2, 7], [7, 2]]):
            got, longest = prepared(prepare, prompts, pad)[1], max(map(len, prompts))
            for row, prompt in zip(got.tolist(), prompts, strict=True):
                told = f"L {longest}, a prompt of {len(prompt)} ids: columns where keep is True:"
                at = [column for column, one in enumerate(row) if one]
                equal(told, at, list(range(longest - len(prompt), longest)))


def same_id(prepare):
    for pad in (0, 4):
        prompts = [[pad, 1, 2], [3, pad, pad, 7, 5], [6, pad], [pad], [pad, pad, 8]]
        others = [[9 if i == pad else i for i in prompt] for prompt in prompts]
        got, want = prepared(prepare, prompts, pad), prepared(prepare, others, pad)
        for i, prompt in enumerate(prompts):
            n, told = len(prompt), f"pad_id {pad}, prompt {prompt} beside one with 9 in its place:"
            at_end = f"pad_id {pad}, prompt {prompt}: the last {n} ids of its row are"
            equal(at_end, got[0][i, -n:].tolist(), prompt)
            found = got[1][i, -n:].tolist()
            equal(f"{told} keep of its {n} columns", found, want[1][i, -n:].tolist())
            shift = (got[2] - want[2])[i, -n:].abs().sum().item()
            equal(f"{told} positions that differ:", shift, 0)


def table(prepare):
    for prompts in (*BATCHES, [[5]]):
        longest = max(map(len, prompts))
        positions = prepared(prepare, prompts)[2]
        found = positions.min().item(), positions.max().item()
        within = found[0] > -1 and found[1] < longest
        assert within, (
            f"L {longest}: smallest and largest position {found}, want 0 to {longest - 1}"
        )
    given = [list(prompt) for prompt in BATCHES[0]]
    made = attempt("prepare", prepare, given, 0)
    equal("prompts after prepare:", given, [list(prompt) for prompt in BATCHES[0]])
    other = attempt("prepare of tuples", prepare, tuple(tuple(one) for one in given), 0)
    for name, got, want in zip(NAMES, other, made, strict=True):
        equal(f"prepare of tuples: {name}", got.tolist(), want.tolist())


CORE = (alone, before, ids, keep)
EDGES = (same_id, table)


class Model:
    """One layer of attention with learned positions; each row begins at its start."""

    def __init__(self):
        self.token, self.position = (torch.randn(n, D).double() for n in (V, ROWS))
        self.q, self.k, self.v = (torch.randn(D, D).double() for _ in range(3))

    def __call__(self, ids, positions, starts=None):
        x = self.token[ids.clamp(0, V - 1)] + self.position[positions.clamp(0, ROWS - 1)]
        rows = []
        for one, start in zip(x, starts or [0] * len(x), strict=True):
            seen, out = one[start:], torch.zeros_like(one)
            scores = (seen @ self.q) @ (seen @ self.k).T
            hidden = torch.ones_like(scores, dtype=torch.bool).triu(1)
            out[start:] = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ seen @ self.v
            rows.append(out + one)
        return torch.stack(rows)


def prepared(prepare, prompts, pad=0):
    what = f"prepare of prompts of {[*map(len, prompts)]} ids"
    out = attempt(what, prepare, [list(prompt) for prompt in prompts], pad)
    equal(f"{what}: gave so many things:", len(out), 3)
    shape = len(prompts), max(map(len, prompts))
    for name, one, dtype in zip(NAMES, out, (torch.int64, torch.bool, torch.int64), strict=True):
        found = tuple(tensor(one, f"{what}: {name}").shape), one.dtype
        equal(f"{what}: shape and dtype of {name}", found, (shape, dtype))
    return out
