"""What challenge_bert_masking.py requires: exact counts, and shares within 6 standard errors."""

import math
from functools import partial

import torch

from checks.tools import (
    attempt,
    close,
    draws_from,
    equal,
    gradients,
    keeps_device,
    result_of,
    same,
    share_is,
    strided,
    unchanged,
)

V, MASK = 40, 3
FEW, ID = 5, 1  # so few tokens that it shows if one of them is never chosen or drawn


def chosen(mask_tokens):
    for p, options in ((0.15, {}), (0.4, {"p": 0.4})):
        ids, special = torch.randint(FEW, (400, 20)), torch.rand(400, 20) < 0.3
        what = f"mask_tokens, ids (400, 20), {'p=0.4' if options else 'p as it is'}"
        for some in (special, torch.zeros_like(special)):
            inputs, labels = masked(what, mask_tokens, ids, MASK, V, some, **options)
            picked = labels != -100
            got = int((picked & some).sum())
            assert not got, f"{what}: {got} of {int(some.sum())} special tokens have a label"
            same(labels[picked], ids[picked], f"{what}: labels that are not -100, against ids")
            moved = int((inputs != ids)[~picked].sum())
            assert not moved, f"{what}: {moved} inputs without a label differ from ids, want none"
            share_is(
                picked[~some], p, f"{what}: the share of tokens with a label, special ones apart"
            )
        three = math.comb(20, 3) * p**3 * (1 - p) ** 17
        share_is(picked.sum(1) == 3, three, f"{what}: the share of samples with 3 labels")
        for shown, axis in (("sample", 0), ("place in its sample", 1)):
            pairs = picked.unflatten(axis, (-1, 2)).all(axis + 1)
            told = f"{what}: the share of pairs of tokens next to each other by {shown}"
            share_is(pairs, p * p, f"{told} with two labels")


def replaced(mask_tokens):
    for p in (0.15, 0.5, 1.0):
        ids, special = torch.full((400, 100), ID), torch.zeros(400, 100, dtype=torch.bool)
        inputs, labels = masked("mask_tokens", mask_tokens, ids, MASK, FEW, special, p=p)
        what = f"mask_tokens, all ids 1, mask_id 3, vocab_size 5, p={p}"
        of = f"{what}: of the chosen, the share"
        picked = labels != -100
        if not picked.any():
            continue  # `chosen` minds who is
        now, one = inputs[picked], 0.1 / FEW
        stray = now[(now < 0) | (now >= FEW)].unique().tolist()
        assert not stray, f"{what}: inputs {stray}, want 0 to 4"
        share_is(now == MASK, 0.8 + one, f"{of} that became mask_id")
        share_is(now == ID, 0.1 + one, f"{of} that stayed")
        for token in (0, 2, 4):
            share_is(now == token, one, f"{of} that became {token}")
        first, second = now[: len(now) // 2 * 2].view(-1, 2).T
        both = (first == MASK) & (second == MASK)
        share_is(both, (0.8 + one) ** 2, f"{of} of neighbors that both became mask_id")
        both = (first == second) & (first != MASK) & (first != ID)
        share_is(both, (FEW - 2) * one**2, f"{of} of neighbors that both became one other token")
    ids, special = torch.full((2, 5), ID), torch.zeros(2, 5, dtype=torch.bool)
    counts = [int((mask_tokens(ids, MASK, 99, special, p=1.0)[0] == MASK).sum()) for _ in range(99)]
    what = "mask_tokens, 10 tokens, p=1.0: the share of calls that make 8 of them mask_id"
    share_is(torch.tensor(counts) == 8, 45 * 0.8**8 * 0.2**2, what)


def visible(random_masking):
    for n, length, ratio, count in (
        (4, 7, 0.5, 3),
        (3, 16, 0.75, 4),
        (5, 5, 0.25, 3),
        (3000, 4, 0.5, 2),
    ):
        x = torch.arange(n * length * 2.0).view(n, length, 2)
        what = f"random_masking(x {(n, length, 2)}, {ratio})"
        x_visible, mask, _ = hidden(what, random_masking, x, ratio)
        equal(f"{what}: x_visible has shape", tuple(x_visible.shape), (n, count, 2))
        equal(f"{what}: mask has shape", tuple(mask.shape), (n, length))
        equal(f"{what}: mask is", mask.dtype, torch.float32)
        equal(f"{what}: mask holds", mask.unique().tolist(), [0.0, 1.0])
        equal(f"{what}: 1s in mask[0]:", int(mask[0].sum()), length - count)
        for i in range(min(n, 5)):
            got, want = (rows[rows[:, 0].argsort()] for rows in (x_visible[i], x[i][mask[i] == 0]))
            close(got, want, f"{what}: x_visible[{i}], sorted, against x where mask is 0")
    subsets = (mask * torch.tensor([8.0, 4.0, 2.0, 1.0])).sum(1)
    for subset, shown in (
        (3, "0 and 1"),
        (5, "0 and 2"),
        (6, "0 and 3"),
        (9, "1 and 2"),
        (12, "2 and 3"),
    ):
        share_is(subsets == subset, 1 / 6, f"{what}: the share of samples that keep tokens {shown}")
    alike = subsets[::2] == subsets[1::2]
    share_is(alike, 1 / 6, f"{what}: the share of neighbors that keep the same tokens")


def order(random_masking):
    for n, length, ratio in ((4, 7, 0.5), (3, 16, 0.75), (5, 5, 0.25), (3, 3, 0.5), (1, 4, 0.5)):
        x = torch.randn(n, length, 3)
        what = f"random_masking(x {(n, length, 3)}, {ratio})"
        x_visible, mask, ids_restore = hidden(what, random_masking, x, ratio)
        equal(f"{what}: ids_restore is", ids_restore.dtype, torch.int64)
        equal(f"{what}: ids_restore has shape", tuple(ids_restore.shape), (n, length))
        for i in range(n):
            row = f"{what}: ids_restore[{i}]"
            equal(f"{row}, sorted:", sorted(ids_restore[i].tolist()), [*range(length)])
            for token, number in enumerate(ids_restore[i].tolist()):
                told = (
                    f"{row}[{token}] is {number}, {x_visible.shape[1]} are visible, token {token}"
                )
                seen = number < x_visible.shape[1]
                right = seen == (mask[i, token] == 0)
                assert right, f"{told} is {'hidden' if seen else 'visible'} by mask"
                if seen:
                    close(x_visible[i, number], x[i, token], f"{told}, x_visible[{i}, {number}]")


def restored(restore):
    out = result_of("restore", restore, *by_hand())
    close(out[..., 0], torch.tensor([[5.0, 0.5, 7.0]]), "restore of [7, 5], 0.5, [1, 2, 0]")
    for n, length, count in ((4, 7, 3), (3, 3, 1), (2, 5, 5), (2, 4, 0)):
        x_visible, token, places = torch.randn(n, count, 3), torch.randn(3), torch.rand(n, length)
        places, what = places.argsort(1), f"restore, x_visible {(n, count, 3)}, L {length}"
        rows = [[[*x_visible[i], *[token] * length][j] for j in places[i]] for i in range(n)]
        want = torch.stack([torch.stack(row) for row in rows])
        close(result_of(what, restore, x_visible, token, places), want, what)


def loss(mae_loss):
    pred, target = torch.tensor([[[1.0, 3.0], [5.0, 5.0]]]), torch.zeros(1, 2, 2)
    for mask, want in (([1.0, 0.0], 5.0), ([0.0, 1.0], 25.0), ([1.0, 1.0], 15.0)):
        what = f"mae_loss, errors [1, 3] and [5, 5], mask {mask}"
        close(
            result_of(what, mae_loss, pred, target, torch.tensor([mask])), torch.tensor(want), what
        )
    for n, length in ((4, 7), (3, 3)):
        pred, target = torch.randn(2, n, length, 5)
        mask = (torch.rand(n, length) < torch.linspace(0.1, 1, n)[:, None]).float()
        mask[0, 0], mask[-1] = 0.0, 1.0
        hits = [(i, j) for i in range(n) for j in range(length) if mask[i, j]]
        want = sum(((pred[at] - target[at]) ** 2).mean() for at in hits) / len(hits)
        what = f"mae_loss, pred {(n, length, 5)}, hidden per sample {mask.sum(1).int().tolist()}"
        close(result_of(what, mae_loss, pred, target, mask), want, what)


def random(mask_tokens, random_masking):
    ids, special = torch.randint(V, (5, 20)), torch.zeros(5, 20, dtype=torch.bool)
    for number, name in enumerate(("inputs", "labels")):
        draws_from(
            f"mask_tokens, {name}",
            lambda g, n=number: mask_tokens(ids, MASK, V, special, p=0.5, generator=g)[n],
        )
    x = torch.randn(4, 8, 2)
    draws_from("random_masking, mask", lambda g: random_masking(x, 0.5, generator=g)[1])


def limits(mask_tokens, random_masking, restore, mae_loss):
    ids, special = torch.randint(V, (6, 50)), torch.rand(6, 50) < 0.3
    for p, want in ((0.0, torch.full_like(ids, -100)), (1.0, ids.masked_fill(special, -100))):
        inputs, labels = masked(f"mask_tokens, p={p}", mask_tokens, ids, MASK, V, special, p=p)
        same(labels, want, f"mask_tokens, p={p}: labels")
    x = torch.randn(3, 5, 2)
    for ratio, count in ((0.0, 5), (1.0, 0)):
        what = f"random_masking(x (3, 5, 2), {ratio})"
        x_visible, mask, ids_restore = hidden(what, random_masking, x, ratio)
        equal(f"{what}: x_visible has shape", tuple(x_visible.shape), (3, count, 2))
        same(mask, torch.full((3, 5), 1 - count / 5), f"{what}: mask")
        out = result_of(f"{what}, restore", restore, x_visible, torch.zeros(2), ids_restore)
        equal(f"{what}, restored: shape", tuple(out.shape), (3, 5, 2))
    pred, what = x.clone().requires_grad_(), "mae_loss, mask all 0"
    out = result_of(what, mae_loss, pred, torch.zeros(3, 5, 2), torch.zeros(3, 5))
    close(out.detach(), torch.tensor(0.0), what)
    (grad,) = gradients(what, out, [pred], torch.tensor(1.0), ["pred"])
    close(grad, torch.zeros(3, 5, 2), f"{what}: the gradient of pred")


def inputs(mask_tokens, random_masking, restore, mae_loss):
    ids, special = torch.randint(V, (20, 6)).T, (torch.rand(20, 6) < 0.3).T
    x, token, places = strided(4, 7, 3), torch.randn(3), torch.rand(7, 4).argsort(0).T
    seen, mask = strided(4, 3, 3), torch.randint(2, (7, 4)).float().T
    for name, call, given in (
        ("mask_tokens", lambda i, s: mask_tokens(i, MASK, V, s, p=0.9)[0], (ids, special)),
        ("random_masking", lambda t: random_masking(t, 0.5)[0], (x,)),
        ("restore", restore, (seen, token, places)),
        ("mae_loss", mae_loss, (x, strided(4, 7, 3), mask)),
    ):
        what = f"{name}, inputs not contiguous"
        with unchanged(what, *given):
            result_of(what, call, *given)
        keeps_device(name, call, *given)
    for dtype in (torch.float64, torch.bfloat16):
        given = {"x": x.to(dtype), "x_visible": seen.to(dtype), "mask_token": token.to(dtype)}
        leaf, *others = (t.requires_grad_() for t in given.values())
        what = f"random_masking(x {dtype}, 0.5)"
        out, mask, _ = hidden(what, random_masking, leaf, 0.5)
        equal(f"{what}: x_visible, mask are", (out.dtype, mask.dtype), (dtype, torch.float32))
        (grad,) = gradients(what, out, [leaf], torch.ones_like(out), ["x"])
        want = (1 - mask)[..., None].expand(4, 7, 3).to(dtype)
        close(grad, want, f"{what}: the gradient of x by 1s, against 1 - mask")
        what = f"restore, {dtype}"
        out = result_of(what, restore, *others, places)
        equal(f"{what}: it is", out.dtype, dtype)
        grads = gradients(what, out, others, torch.ones_like(out), [*given][1:])
        for (name, t), grad, want in zip([*given.items()][1:], grads, (1.0, 16.0), strict=True):
            close(grad, torch.full_like(t, want), f"{what}: the gradient of {name} by 1s")
    want = result_of("mae_loss", mae_loss, x.double(), 0 * x.double(), mask)
    exact = (x.double() ** 2).mean(-1)[mask.bool()].mean()
    close(want.double(), exact, "mae_loss, float64", 1e-12)


CORE = (chosen, replaced, visible, order, restored, loss)
EDGES = (random, limits, inputs)


def by_hand():
    return torch.tensor([[[7.0], [5.0]]]), torch.tensor([0.5]), torch.tensor([[1, 2, 0]])


def masked(what, mask_tokens, ids, *more, **options):
    """inputs and labels, of the shape and dtype of ids."""
    pair = attempt(what, partial(mask_tokens, **options), ids.clone(), *more)
    assert isinstance(pair, tuple) and len(pair) == 2, (
        f"{what} gave {type(pair).__name__}, want a pair"
    )
    for name, t in zip(("inputs", "labels"), pair, strict=True):
        equal(f"{what}: {name} of shape", tuple(t.shape), tuple(ids.shape))
        equal(f"{what}: {name} are", t.dtype, torch.int64)
    return pair


def hidden(what, random_masking, x, ratio):
    three = attempt(what, random_masking, x, ratio)
    right = isinstance(three, tuple) and len(three) == 3
    assert right, f"{what} gave {type(three).__name__}, want a tuple of 3"
    return three
