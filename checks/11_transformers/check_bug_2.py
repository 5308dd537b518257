"""What 11_transformers/buggy_code_2.py requires.

Both functions are judged together, through models whose logits are a table: it does not matter
which of the two does what. `loss` has texts of one length; `lengths` looks only at where gradients
of the logits are, and compares them with each other.
"""

import copy

import torch
from torch import nn

from checks import hunts
from checks.tools import attempt, close, equal, filled, keeps_device, result_of, same, tensor

V = 9
TEXTS = (5, 1, 4), (2, 0, 0, 7, 8, 3, 1), (6, 2), (3, 3, 0, 1, 0)


def loss(collate, lm_loss):
    for b, length in ((3, 5), (1, 36), (5, 5), (2, 12), (4, 2), (1, 2)):
        texts = torch.randint(V, (b, length))
        model = filled(Table(), 300 if b == 5 else 2).double()
        twin, what = copy.deepcopy(model), f"{b} texts of {length} ids: lm_loss(model(ids), labels)"
        ids, labels = batch(collate, texts.tolist())
        got = result_of(what, lm_loss, model(ids), labels)
        want = 0
        for text in texts:
            for t in range(1, length):
                logits = twin(text[None, :t])[0, -1]
                want = want + (logits.logsumexp(0) - logits[text[t]]) / (b * (length - 1))
        close(got.detach().double(), want.detach(), what)
        leaves = {"the model's table": model.table, "its places": model.places}
        found = hunts.gradients_of(what, got, leaves, torch.ones_like(got))
        want.backward()
        for (name, grad), one in zip(found.items(), (twin.table, twin.places), strict=True):
            close(grad, one.grad, f"{what}: the gradient of {name}")


def rows(collate):
    for texts in (TEXTS, TEXTS[:1], TEXTS[1:3], ((4, 0), (0, 4), (0, 0))):
        ids, labels = batch(collate, texts)
        longest, what = max(map(len, texts)), f"collate of texts of {[*map(len, texts)]} ids"
        wide = ids.shape[1]
        told = f"{what}: N is {wide}, want {longest - 1} or {longest}"
        assert wide in (longest - 1, longest), told
        equal(f"{what}: dtypes", (ids.dtype, labels.dtype), (torch.int64,) * 2)
        for i, (row, text) in enumerate(zip(ids.tolist(), texts, strict=True)):
            ways = [([*text[:n], *[0] * wide])[:wide] for n in (len(text) - 1, len(text))]
            assert row in ways, f"{what}: row {i} of ids is {row}, want {ways[0]} or {ways[1]}"
        marks = labels[labels < 0].tolist()
        equal(f"{what}: labels below 0 that are not -100:", [m for m in marks if m != -100], [])


def lengths(collate, lm_loss):
    for texts in (TEXTS, TEXTS[::-1], TEXTS[1:3]):
        what = f"texts of {[*map(len, texts)]} ids, all logits 0"
        grads = judged(what, collate, lm_loss, texts)
        others = judged(what, collate, lm_loss, [[1 + i % 8 for i in text] for text in texts])
        for i, text in enumerate(texts):
            late = [t for t in raised(grads[i]) if t >= len(text) - 1]
            equal(f"{what}: gradients after text {i}, of {len(text)} ids, at positions", late, [])
            at, again = [*raised(grads[i])], [*raised(others[i])]
            equal(f"{what}: with ids 0 in it text {i} has gradients at positions", at, again)
            if len(text) > 2:
                alone = raised(judged(what, collate, lm_loss, [text])[0])
                told = f"{what}: of text {i} beside others gradients raise, by position, the ids"
                equal(told, raised(grads[i]), alone)
        weights = grads.abs().amax(-1)
        found = weights[weights > 0]
        assert len(found), f"{what}: no logits have a gradient"
        for which, one in (("largest", found.max()), ("smallest", found.min())):
            told = f"{what}: {len(found)} positions have gradients, the {which} of them"
            close(one.item(), (1 - 1 / V) / len(found), told, 1e-5)


def inputs(collate, lm_loss):
    texts = [list(text) for text in TEXTS]
    ids, labels = attempt("collate", collate, texts)
    equal("collate: the lists afterwards", texts, [list(text) for text in TEXTS])
    other = attempt("collate of tuples", collate, TEXTS)
    for name, got, want in zip(("ids", "labels"), other, (ids, labels), strict=True):
        same(got, want, f"collate of tuples, against lists: {name}")
    logits = torch.randn(*ids.shape, V)
    kept = logits.clone(), ids.clone(), labels.clone()
    attempt("lm_loss", lm_loss, logits, labels)
    for name, got, want in zip(
        ("logits", "ids", "labels"), (logits, ids, labels), kept, strict=True
    ):
        same(got, want, f"lm_loss: {name} afterwards")


def device(collate, lm_loss):
    ids, labels = batch(collate, TEXTS)
    keeps_device("lm_loss", lm_loss, torch.randn(*ids.shape, V), labels)


CORE = (loss, rows, lengths)
EDGES = (inputs, device)


class Table(nn.Module):
    """Logits by the id, and by the mean of the ids so far."""

    def __init__(self):
        super().__init__()
        self.table, self.places = (nn.Parameter(torch.randn(V, V)) for _ in range(2))

    def forward(self, ids):
        so_far = self.places[ids].cumsum(1)
        return self.table[ids] + so_far / torch.arange(1, ids.shape[1] + 1)[:, None]


def batch(collate, texts):
    what = f"collate of texts of {[*map(len, texts)]} ids"
    out = attempt(what, collate, [list(text) for text in texts])
    equal(f"{what}: gave so many things:", len(out), 2)
    for one in out:
        equal(f"{what}: axes of ids and labels", tensor(one, what).dim(), 2)
    shapes = [tuple(one.shape) for one in out]
    equal(f"{what}: shapes of ids and labels", shapes, [(len(texts), shapes[0][1])] * 2)
    return out


def judged(what, collate, lm_loss, texts):
    """The gradients of the logits."""
    ids, labels = batch(collate, texts)
    logits = torch.zeros(*ids.shape, V, requires_grad=True)
    out = result_of(what, lm_loss, logits, labels)
    hunts.gradients_of(what, out, {"the logits": logits}, torch.ones_like(out))
    return logits.grad


def raised(grads):
    """{position: the id that a step down the gradients makes more likely there}, in one text."""
    return {t: int(row.argmin()) for t, row in enumerate(grads) if row.any()}
